/* From indexes to names, and back. */
#include <string.h>

#include "say/say_table.h"

/* What stands for a parameter as text; NULL: nothing, or a number does. */
static const char *text_of(const struct fact *fact, size_t at, const struct say_param *param,
                           const struct model *model, char about[SAY_ABOUT_SIZE])
{
    const struct fact_part *part = &fact->parts[at];
    const struct say_kind *kind = &say_kinds[param->kind];

    if (param->kind == PARAM_TEXT) {
        const char *text = fact_text(fact, at, param->place);
        return text[0] ? text : NULL;
    }
    if (kind->word)
        return kind->word(part->word);
    return kind->text && model ? kind->text(part, model, about) : NULL;
}

void say_resolve(const struct fact *fact, const struct model *model, struct told *ret_told)
{
    memset(ret_told, 0, sizeof(*ret_told));
    for (size_t i = 0; i < FACT_DEPTH && fact->parts[i].code != FACT_NONE; i++) {
        struct told_part *told = &ret_told->parts[i];
        const struct say_param *param = say_rows[fact->parts[i].code].params;

        told->code = (enum fact_code)fact->parts[i].code;
        for (size_t k = 0; param[k].name; k++) {
            struct told_value *value = &told->values[k];

            if (param[k].kind == PARAM_CAUSE)
                continue;
            bool (*holds)(int64_t number) = say_kinds[param[k].kind].holds;
            value->text = text_of(fact, i, &param[k], model, told->about);
            value->number = fact->parts[i].n[param[k].place];
            value->known = value->text || (holds && holds(value->number));
        }
    }
}

struct told say_words(enum fact_code code, const char *first, const char *second)
{
    const struct say_param *param = say_rows[code].params;
    struct told told = {.parts = {{.code = code}}};

    for (size_t i = 0; param[i].name; i++) {
        const char *text = param[i].place == 0 ? first : second;

        if (param[i].kind == PARAM_TEXT && text && text[0] != '\0')
            told.parts[0].values[i] = (struct told_value){.known = true, .text = text};
    }
    return told;
}

/* ---- back ---- */

static bool find_check(const struct told_part *told, const struct model *model, int server,
                       struct fact_part *part)
{
    const struct told_value *kind = &told->values[0], *about = &told->values[1];

    part->subject = MODEL_NONE;
    return !kind->known || say_find_check(kind->text, about->text, model, server, part);
}

/* Of a check the other parameters are known with it. */
static bool locate(const struct told_value *value, const struct say_param *param, bool of_check,
                   const struct model *model, struct fact_part *part)
{
    const struct say_kind *kind = &say_kinds[param->kind];

    if (kind->holds)
        part->n[param->place] = value->known ? value->number : 0;
    if (!value->known || of_check)
        return true;
    if (kind->word)
        return say_find_word(kind->word, value->text, &part->word);
    if (kind->find)
        part->subject = kind->find(model, value->text);
    return part->subject != MODEL_NONE;
}

static bool locate_part(const struct told_part *told, const struct model *model, int server,
                        struct fact *ret_fact)
{
    const struct say_param *param = say_rows[told->code].params;
    const bool of_check = param[0].kind == PARAM_CHECK;
    const char *texts[2] = {NULL, NULL};
    struct fact fact = {.parts = {{.code = (uint16_t)told->code}}};

    if (of_check && !find_check(told, model, server, &fact.parts[0]))
        return false;
    for (size_t i = 0; param[i].name; i++) {
        if (param[i].kind == PARAM_TEXT && told->values[i].known)
            texts[param[i].place] = told->values[i].text;
        if (param[i].kind != PARAM_CAUSE &&
            !locate(&told->values[i], &param[i], of_check, model, &fact.parts[0]))
            return false;
    }
    *ret_fact = fact_with(fact, texts[0], texts[1]);
    return true;
}

bool say_locate(const struct told *told, const struct model *model, int server,
                struct fact *ret_fact)
{
    struct fact fact = {0};
    size_t n = 0;

    while (n < FACT_DEPTH && told->parts[n].code != FACT_NONE)
        n++;
    while (n-- > 0) {
        struct fact part;

        if (!locate_part(&told->parts[n], model, server, &part))
            return false;
        fact = fact_because(part, &fact);
    }
    *ret_fact = fact;
    return true;
}
