/* From indexes to names, and back. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/lease.h"
#include "say/say_table.h"

static bool is_word(enum param_kind kind)
{
    return kind == PARAM_STAGE || kind == PARAM_GUARD || kind == PARAM_ACTION ||
           kind == PARAM_POLICY || kind == PARAM_STATE || kind == PARAM_VERB ||
           kind == PARAM_STREAM || kind == PARAM_KIND;
}

static bool is_time(enum param_kind kind)
{
    return kind == PARAM_AGO || kind == PARAM_CLOCK || kind == PARAM_INSTANT;
}

/* A model with fewer servers or sites than the fact says is none of its own: it has no names. */
static bool fits(int subject, size_t n)
{
    return subject >= 0 && (size_t)subject < n;
}

/* The check of a fact about a check; NULL: it names none. */
static const struct model_check *check_of(const struct fact_part *part, const struct model *model)
{
    if (!model || !fits(part->subject, model->n_servers) ||
        part->word >= model->servers[part->subject].n_checks)
        return NULL;
    return &model->servers[part->subject].checks[part->word];
}

static const char *check_kind_of(const struct model_check *check)
{
    return check->site != MODEL_NONE ? "site" : check_kind_name(check->kind);
}

/* What it looks at; an address is written to `about`. NULL: its agent. */
static const char *about_check(const struct model_check *check, const struct model *model,
                               char about[SAY_ABOUT_SIZE])
{
    char address[INET_ADDRSTRLEN] = "";

    if (check->site != MODEL_NONE)
        return model->sites[check->site].id;
    if (check->kind == CHECK_HTTP)
        return check->url;
    if (check->kind == CHECK_AGENT)
        return NULL;
    inet_ntop(AF_INET, &check->address, address, sizeof(address));
    if (check->kind == CHECK_TCP)
        snprintf(about, SAY_ABOUT_SIZE, "%s:%u", address, (unsigned)check->port);
    else
        snprintf(about, SAY_ABOUT_SIZE, "%s", address);
    return about;
}

/* What stands for a parameter as text; NULL: nothing, or a number does. */
static const char *text_of(const struct fact *fact, size_t at, const struct say_param *param,
                           const struct model *model, char about[SAY_ABOUT_SIZE])
{
    const struct fact_part *part = &fact->parts[at];
    const enum param_kind kind = (enum param_kind)param->kind;
    const int subject = part->subject;
    const struct model_check *check;

    if (is_word(kind))
        return say_word(kind, part->word);
    if (kind == PARAM_TEXT) {
        const char *text = fact_text(fact, at, param->place);
        return text[0] ? text : NULL;
    }
    if (kind == PARAM_CHECK || kind == PARAM_ABOUT) {
        check = check_of(part, model);
        return !check                ? NULL
               : kind == PARAM_CHECK ? check_kind_of(check)
                                     : about_check(check, model, about);
    }
    if (kind == PARAM_SERVER && model && fits(subject, model->n_servers))
        return model->servers[subject].id;
    if (kind == PARAM_GROUP && model && fits(subject, model->n_servers))
        return model->servers[subject].group;
    if (kind == PARAM_DOMAIN && model && fits(subject, model->n_domains))
        return model->domains[subject].name;
    if (kind == PARAM_SITE && model && fits(subject, model->n_sites))
        return model->sites[subject].id;
    return NULL;
}

static bool is_numeric(enum param_kind kind)
{
    return kind >= PARAM_NUMBER && kind <= PARAM_INSTANT;
}

static bool has_number(enum param_kind kind, int64_t number)
{
    if (is_time(kind))
        return number > 0 && number != LEASE_FOREVER;
    return is_numeric(kind) && (kind == PARAM_NUMBER ? number != 0 : number >= 0);
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

            value->text = text_of(fact, i, &param[k], model, told->about);
            value->number = fact->parts[i].n[param[k].place];
            value->known = value->text || has_number((enum param_kind)param[k].kind, value->number);
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

static bool find_word(enum param_kind kind, const char *text, uint8_t *ret_word)
{
    for (unsigned word = 0; word < SAY_WORDS_MAX; word++) {
        const char *name = say_word(kind, word);

        if (!name || strcmp(name, text) != 0)
            continue;
        *ret_word = (uint8_t)word;
        return true;
    }
    return false;
}

static bool find_check(const struct told_part *told, const struct model *model, int server,
                       struct fact_part *part)
{
    char about[SAY_ABOUT_SIZE];

    part->subject = MODEL_NONE;
    if (!told->values[0].known)
        return true;
    for (size_t i = 0; server != MODEL_NONE && i < model->servers[server].n_checks; i++) {
        const struct model_check *check = &model->servers[server].checks[i];

        if (!text_equal(check_kind_of(check), told->values[0].text) ||
            !text_equal(about_check(check, model, about), told->values[1].text))
            continue;
        part->subject = server;
        part->word = (uint8_t)i;
        return true;
    }
    return false;
}

static bool locate(const struct told_value *value, const struct say_param *param,
                   const struct model *model, struct fact_part *part)
{
    const enum param_kind kind = (enum param_kind)param->kind;

    if (is_numeric(kind))
        part->n[param->place] = value->known ? value->number : 0;
    if (!value->known)
        return true;
    if (is_word(kind))
        return find_word(kind, value->text, &part->word);
    if (kind == PARAM_SERVER)
        part->subject = model_server_by_id(model, value->text);
    else if (kind == PARAM_DOMAIN)
        part->subject = model_domain_by_host(model, value->text);
    else if (kind == PARAM_SITE)
        part->subject = model_site_by_id(model, value->text);
    return part->subject != MODEL_NONE;
}

static bool locate_part(const struct told_part *told, const struct model *model, int server,
                        struct fact *ret_fact)
{
    const struct say_param *param = say_rows[told->code].params;
    const char *texts[2] = {NULL, NULL};
    struct fact fact = {.parts = {{.code = (uint16_t)told->code}}};

    if (param[0].kind == PARAM_CHECK && !find_check(told, model, server, &fact.parts[0]))
        return false;
    for (size_t i = 0; param[i].name; i++) {
        if (param[i].kind == PARAM_TEXT && told->values[i].known)
            texts[param[i].place] = told->values[i].text;
        if (param[i].kind != PARAM_CHECK && param[i].kind != PARAM_ABOUT &&
            !(param[0].kind == PARAM_CHECK && !is_numeric((enum param_kind)param[i].kind)) &&
            !locate(&told->values[i], &param[i], model, &fact.parts[0]))
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
