#include "core/fact.h"

#include <string.h>

#include "base/text.h"

_Static_assert(FACTS <= UINT8_MAX, "a code is one byte");

/* The bytes of the texts that are there. */
static size_t used(const struct fact *fact)
{
    size_t end = 0;

    for (size_t i = 0; i < FACT_DEPTH; i++)
        for (size_t k = 0; k < 2; k++) {
            const uint8_t at = fact->parts[i].text[k];
            const size_t behind = at > 0 ? at + strlen(&fact->text[at - 1]) : 0;

            end = behind > end ? behind : end;
        }
    return end;
}

static void put(struct fact *fact, size_t part, size_t place, const char *text)
{
    const size_t at = used(fact);

    if (!text || text[0] == '\0' || at + 1 >= FACT_TEXT_SIZE)
        return;
    text_copy(&fact->text[at], FACT_TEXT_SIZE - at, text);
    fact->parts[part].text[place] = (uint8_t)(at + 1);
}

struct fact fact_with(struct fact fact, const char *first, const char *second)
{
    put(&fact, 0, 0, first);
    put(&fact, 0, 1, second);
    return fact;
}

struct fact fact_because(struct fact fact, const struct fact *cause)
{
    for (size_t i = 0; i + 1 < FACT_DEPTH && cause->parts[i].code != FACT_NONE; i++) {
        fact.parts[i + 1] = cause->parts[i];
        memset(fact.parts[i + 1].text, 0, sizeof(fact.parts[i + 1].text));
        put(&fact, i + 1, 0, fact_text(cause, i, 0));
        put(&fact, i + 1, 1, fact_text(cause, i, 1));
    }
    return fact;
}

struct fact fact_cause(const struct fact *fact)
{
    struct fact cause = {0};

    for (size_t i = 1; i < FACT_DEPTH && fact->parts[i].code != FACT_NONE; i++) {
        cause.parts[i - 1] = fact->parts[i];
        memset(cause.parts[i - 1].text, 0, sizeof(cause.parts[i - 1].text));
        put(&cause, i - 1, 0, fact_text(fact, i, 0));
        put(&cause, i - 1, 1, fact_text(fact, i, 1));
    }
    return cause;
}

const char *fact_text(const struct fact *fact, size_t part, size_t place)
{
    const uint8_t at = fact->parts[part].text[place];

    return at > 0 ? &fact->text[at - 1] : "";
}

bool fact_is(const struct fact *fact, enum fact_code code)
{
    return fact->parts[0].code == code;
}

bool fact_equal(const struct fact *a, const struct fact *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
