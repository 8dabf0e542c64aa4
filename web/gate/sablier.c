#include "web/gate/sablier.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

_Static_assert(FACT_SABLIER_NO_GROUP - FACT_SABLIER_NEITHER == SABLIER_NO_GROUP - SABLIER_NEITHER,
               "faults and their facts stand in one order");

int sablier_fault_status(enum sablier_fault fault)
{
    return fault == SABLIER_NO_NAME || fault == SABLIER_NO_GROUP ? 404 : 400;
}

struct fact sablier_fault_fact(enum sablier_fault fault, const struct sablier *sablier)
{
    const unsigned code = FACT_SABLIER_NEITHER + (unsigned)fault - SABLIER_NEITHER;
    const struct fact fact = {
        .parts = {
            {.code = (uint16_t)code, .n = {fault == SABLIER_TOO_MANY ? SABLIER_SITES_MAX : 0}}}};
    char shown[FACT_TEXT_SIZE];

    if (fault != SABLIER_NO_NAME && fault != SABLIER_NO_GROUP)
        return fact;
    return fact_with(
        fact, text_show(shown, sizeof(shown), sablier->missing, strlen(sablier->missing)), NULL);
}

/* ---- Durations ---- */

enum { YEARS_10_S = 315360000 };

static bool read_unit(const char **at, double *ret_ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\u00b5s", 1e-3}, {"\u03bcs", 1e-3},
                 {"ms", 1},    {"s", 1e3},   {"m", 6e4},        {"h", 3.6e6}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*at, units[i].name, length) != 0)
            continue;
        *at += length;
        *ret_ms = units[i].ms;
        return true;
    }
    return false;
}

/* Digits with at most one point among them. */
static bool read_amount(const char **at, double *ret_amount)
{
    double amount = 0;
    double place = 0;
    size_t digits = 0;
    for (; (**at >= '0' && **at <= '9') || (**at == '.' && place == 0); (*at)++) {
        if (**at == '.') {
            place = 1;
            continue;
        }
        if (++digits > 18)
            return false;
        amount = amount * 10 + (**at - '0');
        place *= 10;
    }
    *ret_amount = place > 1 ? amount / place : amount;
    return digits > 0;
}

bool sablier_duration(const char *text, int64_t *ret_ms)
{
    double total = 0;
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return true;
    }
    if (*text == '+')
        text++;
    do {
        double amount;
        double unit;
        if (!read_amount(&text, &amount) || !read_unit(&text, &unit))
            return false;
        total += amount * unit;
    } while (*text != '\0');
    if (total > (double)YEARS_10_S * 1e3)
        return false;
    *ret_ms = (int64_t)total;
    return true;
}

/* ---- Names ---- */

static bool add_site(struct sablier *sablier, int site)
{
    for (size_t i = 0; i < sablier->n; i++) {
        if (sablier->sites[i] == site)
            return true;
    }
    if (sablier->n == SABLIER_SITES_MAX)
        return false;
    sablier->sites[sablier->n++] = site;
    return true;
}

static bool has_container(const struct model_site *site, const char *name)
{
    for (size_t i = 0; i < site->n_containers; i++) {
        if (strcmp(site->containers[i], name) == 0)
            return true;
    }
    return false;
}

/* A domain by itself is its own site. Container names are what plugins were told before. */
static int find_site(const struct model *model, const char *name)
{
    int project = model_project_by_id(model, name);
    if (project != MODEL_NONE)
        return project;
    int domain = model_domain_by_host(model, name);
    if (domain != MODEL_NONE)
        return model->domains[domain].site;
    for (size_t i = 0; i < model->n_sites; i++) {
        if (has_container(&model->sites[i], name))
            return (int)i;
    }
    return MODEL_NONE;
}

static enum sablier_fault add_name(const struct model *model, struct sablier *sablier,
                                   const char *name, size_t length)
{
    if (length == 0 || length >= sizeof(sablier->missing))
        return SABLIER_BROKEN;
    memcpy(sablier->missing, name, length);
    sablier->missing[length] = '\0';
    int site = find_site(model, sablier->missing);
    if (site == MODEL_NONE)
        return SABLIER_NO_NAME;
    return add_site(sablier, site) ? SABLIER_FINE : SABLIER_TOO_MANY;
}

/* "a,b" */
static enum sablier_fault add_names(const struct model *model, struct sablier *sablier,
                                    const char *names)
{
    for (;;) {
        size_t length = strcspn(names, ",");
        enum sablier_fault fault = add_name(model, sablier, names, length);
        if (fault != SABLIER_FINE || names[length] == '\0')
            return fault;
        names += length + 1;
    }
}

static enum sablier_fault add_group(const struct model *model, struct sablier *sablier,
                                    const char *group)
{
    int index = model_domain_by_host(model, group);
    strncpy(sablier->missing, group, sizeof(sablier->missing) - 1);
    if (index == MODEL_NONE)
        return SABLIER_NO_GROUP;
    const struct model_domain *domain = &model->domains[index];
    for (size_t i = 0; i < domain->n_projects; i++)
        add_site(sablier, domain->projects[i]);
    if (domain->n_projects == 0 || model->sites[domain->site].upstream)
        add_site(sablier, domain->site);
    return SABLIER_FINE;
}

/* ---- The query ---- */

struct reading {
    const struct model *model;
    struct sablier *sablier;
    bool names, group;
    enum sablier_fault missed; /* of names and group; what is wrong with the query comes first */
};

typedef enum sablier_fault take_fn(struct reading *reading, const char *value);

static enum sablier_fault take_names(struct reading *reading, const char *value)
{
    reading->names = true;
    if (reading->group)
        return SABLIER_BOTH;
    if (reading->missed == SABLIER_FINE)
        reading->missed = add_names(reading->model, reading->sablier, value);
    return SABLIER_FINE;
}

static enum sablier_fault take_group(struct reading *reading, const char *value)
{
    if (reading->names)
        return SABLIER_BOTH;
    if (reading->group)
        return SABLIER_BROKEN;
    reading->group = true;
    reading->missed = add_group(reading->model, reading->sablier, value);
    return SABLIER_FINE;
}

static enum sablier_fault take_refresh(struct reading *reading, const char *value)
{
    return sablier_duration(value, &reading->sablier->refresh) ? SABLIER_FINE : SABLIER_DURATION;
}

static enum sablier_fault take_timeout(struct reading *reading, const char *value)
{
    return sablier_duration(value, &reading->sablier->timeout) ? SABLIER_FINE : SABLIER_DURATION;
}

/* How long a site stays awake is said by its policy. */
static enum sablier_fault take_session(struct reading *reading, const char *value)
{
    int64_t ignored;
    (void)reading;
    return sablier_duration(value, &ignored) ? SABLIER_FINE : SABLIER_DURATION;
}

static const struct {
    const char *name;
    take_fn *take;
} parameters[] = {
    {"names", take_names},
    {"group", take_group},
    {"session_duration", take_session},
    {"refresh_frequency", take_refresh},
    {"timeout", take_timeout},
};

/* One "name=value"; an empty value counts as absent, names of other parameters are not looked at.
 */
static enum sablier_fault take(struct reading *reading, struct span pair)
{
    char value[1024];
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        int length = uri_parameter(pair, parameters[i].name, value, sizeof(value));
        if (length == -ENOENT || length == 0)
            continue;
        return length < 0 ? SABLIER_BROKEN : parameters[i].take(reading, value);
    }
    return SABLIER_FINE;
}

enum sablier_fault sablier_read(const struct model *model, struct span query,
                                struct sablier *ret_sablier)
{
    struct reading reading = {.model = model, .sablier = ret_sablier};
    enum sablier_fault fault = SABLIER_FINE;
    const char *at = query.at;
    const char *end = at ? at + query.length : NULL;

    *ret_sablier = (struct sablier){.refresh = SABLIER_REFRESH_MS, .timeout = SABLIER_TIMEOUT_MS};
    while (at && at < end && fault == SABLIER_FINE) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        const char *stop = next ? next : end;
        fault = take(&reading, (struct span){at, (size_t)(stop - at)});
        at = stop + 1;
    }
    if (fault == SABLIER_FINE && !reading.names && !reading.group)
        return SABLIER_NEITHER;
    return fault != SABLIER_FINE ? fault : reading.missed;
}
