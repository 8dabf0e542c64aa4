#include "core/fact.h"

#include <string.h>

#include "base/text.h"

_Static_assert(FACTS <= UINT16_MAX, "a code is two bytes");

bool fact_put_pair(char *room, size_t size, size_t at, const char *first, const char *second)
{
    if (((!first || first[0] == '\0') && (!second || second[0] == '\0')) || at + 1 >= size)
        return false;
    text_copy(&room[at], size - at, first ? first : "");
    at += strlen(&room[at]) + 1;
    if (second && at < size)
        text_copy(&room[at], size - at, second);
    return true;
}

const char *fact_second(const char *room, size_t size, size_t at)
{
    at += strlen(&room[at]) + 1;
    return at < size ? &room[at] : "";
}

/* The bytes of the texts that are there. */
static size_t used(const struct fact *fact)
{
    size_t end = 0;

    for (size_t i = 0; i < FACT_DEPTH; i++) {
        const uint8_t at = fact->parts[i].text;

        if (at == 0)
            continue;
        const size_t behind = at + strlen(&fact->text[at - 1]) + 1 +
                              strlen(fact_second(fact->text, FACT_TEXT_SIZE, at - 1U));

        end = behind > end ? behind : end;
    }
    return end;
}

static void put(struct fact *fact, size_t part, const char *first, const char *second)
{
    const size_t at = used(fact);

    fact->parts[part].text =
        fact_put_pair(fact->text, FACT_TEXT_SIZE, at, first, second) ? (uint8_t)(at + 1) : 0;
}

struct fact fact_with(struct fact fact, const char *first, const char *second)
{
    put(&fact, 0, first, second);
    return fact;
}

struct fact fact_said(const char *words)
{
    return words && words[0] ? fact_with(FACT(SAID), words, NULL) : FACT(NONE);
}

struct fact fact_because(struct fact fact, const struct fact *cause)
{
    size_t end = 1;

    while (end < FACT_DEPTH && fact.parts[end].code != FACT_NONE)
        end++;
    for (size_t i = 0; end + i < FACT_DEPTH && cause->parts[i].code != FACT_NONE; i++) {
        fact.parts[end + i] = cause->parts[i];
        fact.parts[end + i].text = 0;
        put(&fact, end + i, fact_text(cause, i, 0), fact_text(cause, i, 1));
    }
    return fact;
}

struct fact fact_cause(const struct fact *fact)
{
    struct fact cause = {0};

    for (size_t i = 1; i < FACT_DEPTH && fact->parts[i].code != FACT_NONE; i++) {
        cause.parts[i - 1] = fact->parts[i];
        cause.parts[i - 1].text = 0;
        put(&cause, i - 1, fact_text(fact, i, 0), fact_text(fact, i, 1));
    }
    return cause;
}

static const uint8_t subjects[FACTS] = {
    [FACT_LEASE_VISIT] = FACT_OF_SITE,
    [FACT_LEASE_SCHEDULE] = FACT_OF_DOMAIN,
    [FACT_LEASE_ALWAYS_ON] = FACT_OF_DOMAIN,
    [FACT_LEASE_ALWAYS_ON_SERVER] = FACT_OF_SERVER,
    [FACT_LEASE_DEPENDENT] = FACT_OF_SERVER,
    [FACT_LEASE_STREAM] = FACT_OF_SITE,
    [FACT_WAKE_VISIT] = FACT_OF_SITE,
    [FACT_WAKE_START] = FACT_OF_SITE,
    [FACT_WAKE_SCHEDULE] = FACT_OF_DOMAIN,
    [FACT_WAKE_ALWAYS_ON] = FACT_OF_DOMAIN,
    [FACT_WAKE_ALWAYS_ON_SERVER] = FACT_OF_SERVER,
    [FACT_WAKE_STREAM] = FACT_OF_SITE,
    [FACT_WAKE_DEPENDENT] = FACT_OF_SERVER,
    [FACT_WAKE_WAITS_FOR] = FACT_OF_SERVER,
    [FACT_WAKE_WAITS_TURN] = FACT_OF_SERVER,
    [FACT_WAKE_NEEDED_NOT_READY] = FACT_OF_SERVER,
    [FACT_ACCESS_REFUSED] = FACT_OF_SITE,
    [FACT_ACCESS_ASTRAY] = FACT_OF_SITE,
    [FACT_NEXT_SCHEDULE] = FACT_OF_DOMAIN,
    [FACT_PROJECT_SPARED] = FACT_OF_SITE,
    [FACT_PROJECT_SPARED_RESTART] = FACT_OF_SITE,
};

enum fact_subject fact_subject(enum fact_code code)
{
    return code >= FACT_CHECK_SILENT && code <= FACT_CHECK_NO_AGENT
               ? FACT_OF_CHECK
               : (enum fact_subject)subjects[code];
}

/* A check is known by its place: as far as it is of the same kind. */
static int move_check(const struct fact_part *part, const struct model *from,
                      const struct model *to)
{
    if (part->subject == MODEL_NONE)
        return MODEL_NONE;
    const struct model_server *was = &from->servers[part->subject];
    const int server = model_server_by_id(to, was->id);

    return server != MODEL_NONE && part->word < was->n_checks &&
                   part->word < to->servers[server].n_checks &&
                   was->checks[part->word].kind == to->servers[server].checks[part->word].kind
               ? server
               : MODEL_NONE;
}

/* False: there is no such thing any more. */
static bool move_part(struct fact_part *part, const struct model *from, const struct model *to)
{
    switch (fact_subject((enum fact_code)part->code)) {
    case FACT_OF_NOTHING:
        return true;
    case FACT_OF_CHECK:
        part->subject = move_check(part, from, to);
        return true;
    case FACT_OF_SERVER:
        part->subject = model_server_by_id(to, from->servers[part->subject].id);
        break;
    case FACT_OF_DOMAIN:
        part->subject = model_domain_by_host(to, from->domains[part->subject].name);
        break;
    case FACT_OF_SITE:
        part->subject = model_site_in(to, from, part->subject);
        break;
    }
    return part->subject != MODEL_NONE;
}

struct fact fact_move(const struct fact *fact, const struct model *from, const struct model *to)
{
    struct fact moved = *fact;

    for (size_t i = 0; i < FACT_DEPTH && moved.parts[i].code != FACT_NONE; i++)
        if (!move_part(&moved.parts[i], from, to)) {
            if (i == 0)
                return (struct fact){0};
            memset(&moved.parts[i], 0, (FACT_DEPTH - i) * sizeof(moved.parts[0]));
        }
    return moved;
}

const char *fact_text(const struct fact *fact, size_t part, size_t place)
{
    const uint8_t at = fact->parts[part].text;

    if (at == 0)
        return "";
    return place == 0 ? &fact->text[at - 1] : fact_second(fact->text, FACT_TEXT_SIZE, at - 1U);
}

bool fact_is_of_agent(enum fact_code code)
{
    return code == FACT_AGENT_SAID || (code >= FACT_VETO_UNKNOWN && code < FACT_CONFIG_PROBLEM);
}

bool fact_is(const struct fact *fact, enum fact_code code)
{
    return fact->parts[0].code == code;
}

bool fact_equal(const struct fact *a, const struct fact *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
