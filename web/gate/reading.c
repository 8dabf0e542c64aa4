#include "web/gate/reading.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "web/gate/request.h"

/* When a reading counts. */
enum {
    TWICE = 1,   /* it is that of a path decoded once more */
    SHARED = 2,  /* only where both sites have the same upstream */
    NARROWS = 4, /* only where it names a project, whose rules come on top of the domain's */
};

/*
 * How others read a path. What separates segments differs between proxies, so those readings count
 * everywhere. The others are those of servers: they count where both sites have the same upstream,
 * which then finds the site by itself.
 */
static const struct reading {
    unsigned how;
    unsigned when;
} readings[] = {
    {URI_KEEPS_SEPARATORS, 0},
    {URI_BACKSLASHES, 0},
    {URI_KEEPS_SEPARATORS | URI_BACKSLASHES, 0},
    {URI_PARAMETERS, SHARED},
    {URI_PARAMETERS | URI_BACKSLASHES, SHARED},
    {URI_TRIMS_DOTS, SHARED},
    {URI_KEEPS_DOTS, SHARED | NARROWS},
    {URI_KEEPS_DOTS | URI_KEEPS_SEPARATORS, SHARED | NARROWS},
    {0, TWICE | SHARED},
    {URI_BACKSLASHES, TWICE | SHARED},
};

static bool ends_segment(char c)
{
    return c == '\0' || c == '/';
}

bool reading_is_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    if (length == 1)
        return true; /* "/" */
    return strncmp(path, top, length) == 0 && ends_segment(path[length]);
}

int reading_site(const struct model *model, int domain, const char *path)
{
    const struct model_domain *of = &model->domains[domain];
    if (strncmp(path, "/.hall/", 7) == 0)
        return MODEL_NONE;
    for (size_t i = 0; i < of->n_projects; i++) {
        if (reading_is_below(path, model->sites[of->projects[i]].path))
            return of->projects[i];
    }
    return of->site;
}

/* The same program may answer for both: only two addresses tell that it does not, names may lead
 * anywhere. */
static bool share_upstream(const struct model *model, int one, int other)
{
    struct model_upstream a, b;
    if (one == MODEL_NONE || other == MODEL_NONE || !model_upstream(model, one, &a) ||
        !model_upstream(model, other, &b) || a.port != b.port)
        return false;
    return !a.is_address || !b.is_address || a.address.s_addr == b.address.s_addr;
}

/* What almost every path is: then only its case can be read in two ways. */
static bool is_plain(struct span raw)
{
    for (size_t i = 0; i < raw.length; i++) {
        char c = raw.at[i];
        if (c == '%' || c == '\\' || c == ';' || c == '.')
            return false;
    }
    return true;
}

static bool reads_otherwise(const struct model *model, int domain, const struct reading *reading,
                            struct span raw, const char *path)
{
    char other[REQUEST_URI_MAX + 1];
    int site = reading_site(model, domain, path);
    if ((reading->when & TWICE) != 0)
        raw = (struct span){path, strlen(path)};
    if (!uri_read_path(raw, reading->how, other))
        return false; /* broken for them */
    int theirs = reading_site(model, domain, other);
    if (theirs == site || ((reading->when & NARROWS) != 0 && theirs == model->domains[domain].site))
        return false;
    return (reading->when & SHARED) == 0 || share_upstream(model, site, theirs);
}

static bool is_below_in_any_case(const char *path, const char *top)
{
    size_t length = strlen(top);
    return strncasecmp(path, top, length) == 0 && ends_segment(path[length]);
}

static bool differs_in_case(const struct model *model, int domain, const char *path)
{
    const struct model_domain *of = &model->domains[domain];
    int site = reading_site(model, domain, path);
    for (size_t i = 0; i < of->n_projects && of->projects[i] != site; i++) {
        if (is_below_in_any_case(path, model->sites[of->projects[i]].path) &&
            share_upstream(model, site, of->projects[i]))
            return true;
    }
    return false;
}

bool reading_is_doubtful(const struct model *model, int domain, struct span raw, const char *path)
{
    if (model->domains[domain].n_projects == 0)
        return false; /* all paths are one site */
    for (size_t i = 0; !is_plain(raw) && i < ARRAY_SIZE(readings); i++) {
        if (reads_otherwise(model, domain, &readings[i], raw, path))
            return true;
    }
    return differs_in_case(model, domain, path);
}
