#include "web/reading.h"

#include <string.h>
#include <strings.h>

#include "web/request.h"

/*
 * How others read a path. What separates segments differs between proxies, so those readings count
 * everywhere. The others are those of servers: they count where both sites have the same upstream,
 * which then finds the site by itself.
 */
static const struct reading {
    unsigned how;
    bool twice; /* decoded once more */
    bool shared;
} readings[] = {
    {URI_KEEPS_SEPARATORS, false, false},
    {URI_BACKSLASHES, false, false},
    {URI_PARAMETERS, false, true},
    {URI_PARAMETERS | URI_BACKSLASHES, false, true},
    {URI_TRIMS_DOTS, false, true},
    {URI_KEEPS_DOTS, false, true},
    {URI_KEEPS_DOTS | URI_KEEPS_SEPARATORS, false, true},
    {0, true, true},
    {URI_BACKSLASHES, true, true},
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

/* HOST:PORT of the upstream that serves the site; empty: none. */
static struct span upstream_of(const struct model *model, int site)
{
    const struct model_site *of = &model->sites[site];
    const char *url = of->upstream;
    if (!url)
        url = model->sites[model->domains[of->domain].site].upstream;
    const char *authority = url ? strstr(url, "://") : NULL;
    if (!authority)
        return (struct span){"", 0};
    return (struct span){authority + 3, strcspn(authority + 3, "/?")};
}

static bool share_upstream(const struct model *model, int one, int other)
{
    if (one == MODEL_NONE || other == MODEL_NONE)
        return false;
    struct span a = upstream_of(model, one);
    struct span b = upstream_of(model, other);
    return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
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
    if (reading->twice)
        raw = (struct span){path, strlen(path)};
    if (!uri_read_path(raw, reading->how, other))
        return false; /* broken for them */
    int theirs = reading_site(model, domain, other);
    return theirs != site && (!reading->shared || share_upstream(model, site, theirs));
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
    for (size_t i = 0; !is_plain(raw) && i < sizeof(readings) / sizeof(readings[0]); i++) {
        if (reads_otherwise(model, domain, &readings[i], raw, path))
            return true;
    }
    return differs_in_case(model, domain, path);
}
