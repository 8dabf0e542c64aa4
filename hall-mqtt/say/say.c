#include "say/say.h"

#include <stdio.h>
#include <string.h>

#include "base/holes.h"
#include "base/text.h"
#include "say/say_table.h"

#define NBSP "\u00a0" /* before a French colon */

/* Bytes after which the other leases are only counted. */
enum { AWAKE_LONG = 4000 };

/* A sentence in the making. */
struct saying {
    const struct told *told;
    struct say_how how;
    struct buf *out;
};

/* ---- sentences ---- */

static void put_part(const struct saying *saying, size_t part);

/* The parameter that {name} of this length means; -1: it is {cause}. */
static int find_param(const struct say_row *row, const char *name, size_t length)
{
    for (int i = 0; row->params[i].name; i++)
        if (strlen(row->params[i].name) == length &&
            strncmp(row->params[i].name, name, length) == 0)
            return row->params[i].kind == PARAM_CAUSE ? -1 : i;
    return -1;
}

static bool has_cause(const struct saying *saying, size_t part)
{
    return part + 1 < FACT_DEPTH && saying->told->parts[part + 1].code != FACT_NONE;
}

/* A fact of the sentence, whose text has the holes. */
struct said_part {
    const struct saying *saying;
    size_t part;
};

static enum hole find_hole(const void *of, const char *name, size_t length)
{
    const struct said_part *said = of;
    const struct told_part *told = &said->saying->told->parts[said->part];
    const int param = find_param(&say_rows[told->code], name, length);
    const bool known = param < 0 ? has_cause(said->saying, said->part) : told->values[param].known;

    return known ? HOLE_FILLED : HOLE_EMPTY;
}

static void put_hole(const void *of, const char *name, size_t length, struct buf *out)
{
    const struct said_part *said = of;
    const struct told_part *told = &said->saying->told->parts[said->part];
    const struct say_row *row = &say_rows[told->code];
    const struct say_how how = said->saying->how;
    const int param = find_param(row, name, length);

    if (find_hole(of, name, length) == HOLE_EMPTY)
        buf_putc(out, '?');
    else if (param < 0)
        put_part(said->saying, said->part + 1);
    else if (told->values[param].text)
        buf_puts(out, say_word_shown((enum param_kind)row->params[param].kind,
                                     told->values[param].text, how.language));
    else
        say_kinds[row->params[param].kind].show(told->values[param].number, how, out);
}

static void put_part(const struct saying *saying, size_t part)
{
    const enum fact_code code = saying->told->parts[part].code;
    const struct said_part said = {saying, part};
    const struct holes holes = {.of = &said, .find = find_hole, .put = put_hole};
    const char *text = say_rows[code].texts[saying->how.language];

    if (text)
        holes_fill(&holes, text, saying->out);
    if (text && !say_has_cause(code) && has_cause(saying, part)) {
        buf_puts(saying->out, ", ");
        put_part(saying, part + 1);
    }
}

void say_sentence(const struct told *told, struct say_how how, struct buf *out)
{
    const struct saying saying = {.told = told, .how = how, .out = out};

    put_part(&saying, 0);
}

void say_fact(const struct fact *fact, const struct model *model, struct say_how how,
              struct buf *out)
{
    struct told told;

    say_resolve(fact, model, &told);
    say_sentence(&told, how, out);
}

char *say_fact_text(const struct fact *fact, const struct model *model, struct say_how how,
                    char *out, size_t size)
{
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_fact(fact, model, how, &text);
    text_copy(out, size, buf_text(&text));
    buf_finish(&text);
    return out;
}

char *say_english(const struct fact *fact, const struct model *model, int64_t now,
                  char out[SAID_SIZE])
{
    return say_fact_text(fact, model, (struct say_how){.now = now}, out, SAID_SIZE);
}

void say_awake(const struct fleet *fleet, int server, struct now now, struct say_how how,
               struct buf *out)
{
    static const char *const because[SAY_LANGUAGES][2] = {{"wanted because ", "awake because "},
                                                          {"demandé car ", "allumé car "}};
    static const char *const last[SAY_LANGUAGES] = {" and ", " et "};
    static const char *const more[SAY_LANGUAGES] = {"more", "de plus"};
    const struct model *model = fleet_model(fleet);
    const struct power *power = fleet_power(fleet, server);
    const struct lease_set *set = power->leases;
    const size_t start = out->length;

    if (set->n == 0) {
        buf_puts(out, say_word_shown(PARAM_STATE, power_state_name(power->state), how.language));
        buf_puts(out, how.language == SAY_FRENCH ? NBSP ": " : ": ");
        say_fact(&power->reason, model, how, out);
        return;
    }
    buf_puts(out, because[how.language][power_target_on(power)]);
    for (size_t i = 0; i < set->n; i++) {
        const struct fact fact = lease_fact(&set->leases[i], server, now);

        if (out->length - start > AWAKE_LONG && i + 1 < set->n) {
            buf_printf(out, "%s%zu %s", last[how.language], set->n - i, more[how.language]);
            return;
        }
        buf_puts(out, i == 0 ? "" : i + 1 == set->n ? last[how.language] : ", ");
        say_fact(&fact, model, how, out);
    }
}

/* ---- names of codes ---- */

const char *say_code_name(enum fact_code code)
{
    return say_rows[code].name;
}

bool say_code_from_name(const char *name, enum fact_code *ret_code)
{
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        if (strcmp(say_rows[code].name, name) != 0)
            continue;
        *ret_code = (enum fact_code)code;
        return true;
    }
    return false;
}
