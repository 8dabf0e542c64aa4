#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"
#include "hallctl/script_reading.h"
#include "hallctl/when.h"

enum { ALLOWED_SIZE = 320, LOST_MOST = 1000, VETO_SIZE = 128 };
static const int64_t second = 1000, hour = 3600000, day = 86400000;

static const char *peek(const struct reading *reading)
{
    return reading->at < reading->n_words ? reading->words[reading->at] : NULL;
}

static const char *take(struct reading *reading)
{
    const char *word = peek(reading);

    reading->at += word ? 1 : 0;
    return word;
}

/* Names that exist, for an error: as many as there is room for. */
typedef const char *name_of(const struct model *model, size_t index);

static bool refuse_name(struct reading *reading, const char *found, name_of *name, size_t n)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < n && used < sizeof(allowed) - SLUG_MAX; i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%.60s",
                                 i > 0 ? ", " : "", name(reading->place->model, i));
    return reading_refuse(reading, found, allowed[0] ? allowed : "nothing, for there is none");
}

static const char *server_name(const struct model *model, size_t index)
{
    return model->servers[index].id;
}

static const char *domain_name(const struct model *model, size_t index)
{
    return model->domains[index].name;
}

static bool read_when(struct reading *reading)
{
    struct when when = {0};
    const char *date = take(reading);
    const char *clock = take(reading);

    if (!when_read_date(date, &when))
        return reading_refuse(reading, date, WHEN_DATE_ALLOWED);
    if (!clock || !when_read_time(clock, &when))
        return reading_refuse(reading, clock, WHEN_TIME_ALLOWED);
    reading->event.at = when_instant(&when, reading->place->local, &reading->event.skipped);
    return true;
}

/* ---- what stands behind a verb ---- */

typedef bool reader(struct reading *reading);

static bool read_duration(struct reading *reading, int64_t least, int64_t most, int64_t *ret)
{
    const char *word = take(reading);
    char allowed[64], from[24], to[24];
    int64_t ms;

    if (word && duration_parse(word, &ms) == 0 && ms >= least && ms <= most) {
        *ret = ms;
        return true;
    }
    snprintf(allowed, sizeof(allowed), "a duration such as 30m, %s to %s",
             duration_format(least, from, sizeof(from)), duration_format(most, to, sizeof(to)));
    return reading_refuse(reading, word, allowed);
}

/* Short enough to be kept whole. */
static bool keep_text(struct reading *reading, const char *word, char *target, size_t size)
{
    char allowed[64];

    snprintf(allowed, sizeof(allowed), "1 to %zu bytes of text", size - 1);
    if (!word || word[0] == '\0' || strlen(word) >= size)
        return reading_refuse(reading, word, allowed);
    text_copy(target, size, word);
    return true;
}

static bool read_server(struct reading *reading)
{
    const struct model *model = reading->place->model;
    const char *word = take(reading);

    reading->event.server = word ? model_server_by_id(model, word) : MODEL_NONE;
    if (reading->event.server == MODEL_NONE)
        return refuse_name(reading, word, server_name, model->n_servers);
    return true;
}

/* "testing.audit-io.fr/client1": a host, and a path below it. */
static bool read_site(struct reading *reading)
{
    const struct model *model = reading->place->model;
    const char *word = take(reading);
    const size_t length = word ? strcspn(word, "/") : 0;
    char host[256];
    int domain = MODEL_NONE;

    if (word && length < sizeof(host)) {
        snprintf(host, sizeof(host), "%.*s", (int)length, word);
        domain = model_domain_by_host(model, host);
    }
    if (domain == MODEL_NONE)
        return refuse_name(reading, word, domain_name, model->n_domains);
    reading->event.site = model_site_for_path(model, domain, word[length] ? word + length : "/");
    reading->event.server = model->sites[reading->event.site].server;
    return true;
}

static bool read_hold_name(struct reading *reading)
{
    const char *word = take(reading);

    if (!word || !text_is_slug(word))
        return reading_refuse(reading, word, "a name of 1 to 64 characters a-z, 0-9, _ and -");
    text_copy(reading->event.command.name, sizeof(reading->event.command.name), word);
    return true;
}

static bool read_policy(struct reading *reading)
{
    struct command *command = &reading->event.command;
    const char *word = take(reading);

    command->policy_configured = text_equal(word, "configured");
    if (!command->policy_configured && (!word || !policy_mode_from_name(word, &command->policy)))
        return reading_refuse(reading, word, "always_on, scheduled, on_demand, configured");
    return true;
}

static bool read_idle(struct reading *reading)
{
    int64_t ms = 0;

    if (!read_duration(reading, 60 * second, 7 * day, &ms))
        return false;
    reading->event.command.minutes = (int)(ms / (60 * second));
    return true;
}

static bool read_switch(struct reading *reading)
{
    const char *word = take(reading);

    reading->event.command.on = text_equal(word, "on");
    if (!reading->event.command.on && !text_equal(word, "off"))
        return reading_refuse(reading, word, "on, off");
    return true;
}

static bool read_veto(struct reading *reading)
{
    return keep_text(reading, take(reading), reading->event.reason, VETO_SIZE);
}

static bool read_count(struct reading *reading)
{
    const char *word = take(reading);
    int64_t count = 0;
    char allowed[32];

    snprintf(allowed, sizeof(allowed), "a number, 0 to %d", LOST_MOST);
    if (!word || number_parse(word, 0, LOST_MOST, &count) < 0)
        return reading_refuse(reading, word, allowed);
    reading->event.count = (int)count;
    return true;
}

static bool read_boot(struct reading *reading)
{
    return read_duration(reading, second, hour, &reading->event.duration);
}

static bool read_shift(struct reading *reading)
{
    const char *word = take(reading);
    int64_t ms = 0;

    if (!word || (word[0] != '+' && word[0] != '-') || duration_parse(word + 1, &ms) < 0 ||
        ms > 366 * day)
        return reading_refuse(reading, word, "+ or - and a duration of at most 366d, such as +3h");
    reading->event.duration = word[0] == '-' ? -ms : ms;
    return true;
}

/* ---- clauses: words that may follow in any order ---- */

enum clause {
    CLAUSE_FROM = 1,
    CLAUSE_BY = 2,
    CLAUSE_FOR = 4,
    CLAUSE_BECAUSE = 8,
    CLAUSE_FORCE = 16,
    CLAUSE_EVERY = 32,
    CLAUSE_UNTIL = 64,
};

static bool read_from(struct reading *reading)
{
    const char *word = take(reading);
    struct in_addr address;

    if (!word || text_parse_ipv4(word, &address) < 0)
        return reading_refuse(reading, word, "an IPv4 address such as 192.168.1.50");
    text_copy(reading->event.from, sizeof(reading->event.from), word);
    return true;
}

static bool read_by(struct reading *reading)
{
    return keep_text(reading, take(reading), reading->event.command.by,
                     sizeof(reading->event.command.by));
}

static bool read_for(struct reading *reading)
{
    int64_t ms = 0;

    if (!read_duration(reading, second, 30 * day, &ms))
        return false;
    reading->event.command.lasts = ms;
    reading->event.duration = ms;
    return true;
}

/* The rest of the line. */
static bool read_because(struct reading *reading)
{
    char rest[SCRIPT_LINE_MAX + 1] = "";
    size_t used = 0;

    for (; peek(reading); reading->at++)
        used += (size_t)snprintf(rest + used, sizeof(rest) - used, "%s%s", used > 0 ? " " : "",
                                 peek(reading));
    return keep_text(reading, rest, reading->event.command.reason,
                     sizeof(reading->event.command.reason));
}

static bool read_force(struct reading *reading)
{
    reading->event.command.force = true;
    return true;
}

static bool read_every(struct reading *reading)
{
    return read_duration(reading, second, 366 * day, &reading->event.every);
}

/* A time alone is the next one after the event's own. */
static bool read_until(struct reading *reading)
{
    const struct local *local = reading->place->local;
    struct when when = {.parts = local_show(local, reading->event.at)};
    const char *word = take(reading);
    const bool dated = word && strlen(word) == sizeof("2026-03-28") - 1 && word[4] == '-';
    bool skipped;

    if (dated && !when_read_date(word, &when))
        return reading_refuse(reading, word, WHEN_DATE_ALLOWED);
    if (dated)
        word = take(reading);
    if (!word || !when_read_time(word, &when))
        return reading_refuse(reading, word, WHEN_TIME_ALLOWED);
    reading->event.until = when_instant(&when, local, &skipped);
    if (!dated && reading->event.until <= reading->event.at) {
        when.parts.tm_mday++;
        reading->event.until = when_instant(&when, local, &skipped);
    }
    if (reading->event.until <= reading->event.at)
        return reading_refuse(reading, word, "a time after the first event");
    return true;
}

static const struct {
    const char *word;
    enum clause clause;
    reader *read;
} clauses[] = {
    {"from", CLAUSE_FROM, read_from},
    {"by", CLAUSE_BY, read_by},
    {"for", CLAUSE_FOR, read_for},
    {"force", CLAUSE_FORCE, read_force},
    {"every", CLAUSE_EVERY, read_every},
    {"until", CLAUSE_UNTIL, read_until},
    {"because", CLAUSE_BECAUSE, read_because},
};
enum { CLAUSES = ARRAY_SIZE(clauses) };

/* ---- verbs ---- */

static const struct form {
    const char *verb;
    enum script_kind kind;
    enum command_action action; /* with SCRIPT_COMMAND */
    reader *first, *second;     /* arguments; NULL: none */
    unsigned allowed, required; /* clauses */
    const char *usage;
    const char *meaning;
} forms[] = {
    {"visit", SCRIPT_VISIT, 0, read_site, NULL, CLAUSE_FROM, 0, "HOST[/PATH] [from ADDRESS]",
     "a visitor wants the site, and waits until it is there"},
    {"wake", SCRIPT_COMMAND, COMMAND_WAKE, read_server, NULL, CLAUSE_BY | CLAUSE_FOR | CLAUSE_FORCE,
     0, "SERVER [by WHO] [for DURATION] [force]", "a wake command"},
    {"sleep", SCRIPT_COMMAND, COMMAND_SLEEP, read_server, NULL, CLAUSE_BY | CLAUSE_FORCE, 0,
     "SERVER [by WHO] [force]", "a sleep command"},
    {"restart", SCRIPT_COMMAND, COMMAND_RESTART, read_server, NULL, CLAUSE_BY | CLAUSE_FORCE, 0,
     "SERVER [by WHO] [force]", "a restart command"},
    {"cancel", SCRIPT_COMMAND, COMMAND_CANCEL, read_server, NULL, CLAUSE_BY, 0, "SERVER [by WHO]",
     "calls the wake under way off"},
    {"hold", SCRIPT_COMMAND, COMMAND_HOLD, read_server, read_hold_name,
     CLAUSE_FOR | CLAUSE_BY | CLAUSE_BECAUSE, CLAUSE_FOR,
     "SERVER NAME for DURATION [by WHO] [because REASON]", "keeps the server awake"},
    {"release", SCRIPT_COMMAND, COMMAND_RELEASE, read_server, read_hold_name, CLAUSE_BY, 0,
     "SERVER NAME [by WHO]", "ends that hold"},
    {"policy", SCRIPT_COMMAND, COMMAND_POLICY, read_server, read_policy, CLAUSE_BY, 0,
     "SERVER MODE [by WHO]", "always_on, scheduled, on_demand, or configured"},
    {"idle", SCRIPT_COMMAND, COMMAND_IDLE, read_server, read_idle, CLAUSE_BY, 0,
     "SERVER DURATION [by WHO]", "how long it stays awake after the last use"},
    {"keep-awake", SCRIPT_COMMAND, COMMAND_KEEP_AWAKE, read_server, read_switch, CLAUSE_BY, 0,
     "SERVER on|off [by WHO]", "a hold without end"},
    {"crash", SCRIPT_CRASH, 0, read_server, NULL, 0, 0, "SERVER",
     "it loses power; the next magic packet boots it"},
    {"veto", SCRIPT_VETO, 0, read_server, read_veto, CLAUSE_FOR, CLAUSE_FOR,
     "SERVER REASON for DURATION", "its agent refuses to sleep"},
    {"lost-packets", SCRIPT_LOST_PACKETS, 0, read_server, read_count, 0, 0, "SERVER NUMBER",
     "so many of the next magic packets do not reach it"},
    {"boot", SCRIPT_BOOT, 0, read_server, read_boot, 0, 0, "SERVER DURATION",
     "how long it takes from a packet until its sites answer"},
    {"restart-hall", SCRIPT_RESTART_HALL, 0, NULL, NULL, 0, 0, "",
     "Hall itself restarts, and goes on from its store"},
    {"clock", SCRIPT_CLOCK, 0, read_shift, NULL, 0, 0, "+DURATION|-DURATION",
     "Hall's clock is set forward or back"},
};
enum { FORMS = ARRAY_SIZE(forms) };

void script_print_verbs(FILE *out)
{
    for (size_t i = 0; i < FORMS; i++)
        fprintf(out, "  %s%s%s\n      %s\n", forms[i].verb, forms[i].usage[0] ? " " : "",
                forms[i].usage, forms[i].meaning);
}

static bool refuse_verb(struct reading *reading, const char *found)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < FORMS && used < sizeof(allowed); i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
                                 forms[i].verb);
    return reading_refuse(reading, found, allowed);
}

static const struct form *find_form(const char *verb)
{
    for (size_t i = 0; verb && i < FORMS; i++)
        if (strcmp(forms[i].verb, verb) == 0)
            return &forms[i];
    return NULL;
}

/* The clauses that are still open, as an error names them. */
static bool refuse_clause(struct reading *reading, const char *found, unsigned open)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < CLAUSES; i++)
        if (open & clauses[i].clause)
            used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
                                     used > 0 ? ", " : "", clauses[i].word);
    return reading_refuse(reading, found, allowed[0] ? allowed : "nothing more");
}

static bool read_clause(struct reading *reading, unsigned allowed)
{
    const unsigned open = allowed & ~reading->clauses;
    const char *word = peek(reading);

    for (size_t i = 0; i < CLAUSES; i++) {
        if (strcmp(clauses[i].word, word) != 0 || !(open & clauses[i].clause))
            continue;
        reading->at++;
        reading->clauses |= clauses[i].clause;
        return clauses[i].read(reading);
    }
    return refuse_clause(reading, word, open);
}

static bool read_clauses(struct reading *reading, const struct form *form)
{
    const unsigned allowed = form->allowed | CLAUSE_EVERY | CLAUSE_UNTIL;

    while (peek(reading))
        if (!read_clause(reading, allowed))
            return false;
    if (form->required & ~reading->clauses)
        return reading_refuse(reading, NULL, form->usage);
    if ((reading->clauses & CLAUSE_UNTIL) && !(reading->clauses & CLAUSE_EVERY))
        return reading_refuse(reading, "until", "every DURATION, and until a time");
    return true;
}

bool reading_event(struct reading *reading)
{
    reading->event = (struct script_event){
        .line = reading->line, .site = MODEL_NONE, .server = MODEL_NONE, .until = INT64_MAX};
    reading->event.command.site = MODEL_NONE;
    reading->clauses = 0;
    if (!read_when(reading))
        return false;
    const char *verb = take(reading);
    const struct form *form = find_form(verb);
    if (!form)
        return refuse_verb(reading, verb);
    reading->event.kind = form->kind;
    reading->event.command.action = form->action;
    if ((form->first && !form->first(reading)) || (form->second && !form->second(reading)))
        return false;
    return read_clauses(reading, form);
}
