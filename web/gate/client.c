#include "web/gate/client.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/text.h"

/* ---- Robots ---- */

static unsigned lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned pair_of(unsigned first, unsigned second)
{
    return (first * 31 + second) % ROBOTS_PAIRS;
}

void robots_init(struct robots *robots, size_t n, const char *const *names)
{
    *robots = (struct robots){.n = 0};
    for (size_t i = 0; i < n && robots->n < ROBOTS_MAX; i++) {
        const char *name = names[i];
        if (*name == '\0')
            continue;
        uint8_t *first = name[1] == '\0' ? &robots->letters
                                         : &robots->pairs[pair_of(lower(name[0]), lower(name[1]))];
        robots->names[robots->n].text = name;
        robots->names[robots->n].length = strlen(name);
        robots->names[robots->n].next = *first;
        *first = ++robots->n;
    }
}

static bool begins_here(const struct robots *robots, uint8_t place, const char *at)
{
    for (; place != 0; place = robots->names[place - 1].next) {
        if (strncasecmp(at, robots->names[place - 1].text, robots->names[place - 1].length) == 0)
            return true;
    }
    return false;
}

/* Every request passes here: one walk over the agent, compared only where a name may begin. */
bool robots_hold(const struct robots *robots, const char *agent)
{
    unsigned letter = agent ? lower(*agent) : '\0';
    while (letter != '\0') {
        unsigned next = lower(agent[1]);
        if (begins_here(robots, robots->pairs[pair_of(letter, next)], agent) ||
            begins_here(robots, robots->letters, agent))
            return true;
        agent++;
        letter = next;
    }
    return false;
}

/* ---- Parts of a page ---- */

static bool says(const char *value, const char *word)
{
    return value && strncasecmp(value, word, strlen(word)) == 0;
}

static bool is_one_of(const char *value, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(value, words[i]) == 0)
            return true;
    }
    return false;
}

static bool is_prefetch(const struct request *request)
{
    return says(request->fields[FIELD_SEC_PURPOSE], "prefetch") ||
           says(request->fields[FIELD_PURPOSE], "prefetch") ||
           says(request->fields[FIELD_X_MOZ], "prefetch");
}

static const char *const frames[] = {"iframe", "frame", "fencedframe"};
static const char *const plugins[] = {"object", "embed"}; /* parts that may navigate */

/* Fetch destinations that are a program's own request or a navigation; all others are parts of a
 * page. */
static bool is_part_destination(const char *destination)
{
    return *destination != '\0' && strcmp(destination, "empty") != 0 &&
           strcmp(destination, "document") != 0 &&
           !is_one_of(destination, frames, ARRAY_SIZE(frames));
}

/* What browsers, robots and authorities ask for by themselves at the root of every host. */
static bool is_unasked_path(const char *path)
{
    static const char *const starts[] = {
        "/favicon.",
        "/robots.txt",
        "/apple-touch-icon",
        "/site.webmanifest",
        "/browserconfig.xml",
        "/sitemap.xml",
        "/ads.txt",
        "/app-ads.txt",
        "/apple-app-site-association",
        "/.well-known/acme-challenge/",
        "/.well-known/apple-app-site-association",
        "/.well-known/appspecific/",
        "/.well-known/assetlinks.json",
        "/.well-known/pki-validation/",
        "/.well-known/security.txt",
        "/.well-known/traffic-advice",
    };
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        if (strncmp(path, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

static bool has_part_suffix(const char *path)
{
    static const char *const suffixes[] = {".css",  ".js",   ".mjs",  ".map",   ".png",
                                           ".jpg",  ".jpeg", ".gif",  ".svg",   ".webp",
                                           ".avif", ".ico",  ".woff", ".woff2", ".ttf"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(suffixes); i++) {
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    }
    return false;
}

static bool names_a_browser(const struct request *request)
{
    return says(request->fields[FIELD_USER_AGENT], "Mozilla/");
}

/* Browsers too old to say what a request is for. */
static bool is_part_by_habit(const struct request *request)
{
    const char *accept = request->fields[FIELD_ACCEPT];
    if (says(accept, "image/") || says(accept, "text/css"))
        return true;
    return names_a_browser(request) && has_part_suffix(request->path);
}

/* Where a browser does not say so, a GET that takes a page is one; a form only from a browser. */
static bool is_navigation(const struct request *request)
{
    const char *mode = request->fields[FIELD_FETCH_MODE];
    const char *accept = request->fields[FIELD_ACCEPT];
    if (mode)
        return strcmp(mode, "navigate") == 0;
    return accept && strcasestr(accept, "text/html") &&
           (strcmp(request->method, "GET") == 0 || names_a_browser(request));
}

static bool is_part(const struct request *request)
{
    const char *destination = request->fields[FIELD_FETCH_DEST];
    if (is_prefetch(request) || is_unasked_path(request->path) ||
        request->fields[FIELD_SERVICE_WORKER])
        return true; /* a service worker's script, too, would be kept */
    if (is_navigation(request))
        return false;
    return destination ? is_part_destination(destination) : is_part_by_habit(request);
}

static bool is_frame(const struct request *request)
{
    const char *destination = request->fields[FIELD_FETCH_DEST];
    return destination && (is_one_of(destination, frames, ARRAY_SIZE(frames)) ||
                           is_one_of(destination, plugins, ARRAY_SIZE(plugins)));
}

/* ---- Whose page asks ---- */

/* Is the URL's host the one asked for, or another domain of ours? "null" and the like are not. */
static bool is_ours(const struct model *model, const struct request *request, const char *url)
{
    char host[REQUEST_HOST_SIZE];
    return request_url_host(url, host) &&
           (strcmp(host, request->host) == 0 || model_domain_by_host(model, host) != MODEL_NONE);
}

bool client_is_foreign(const struct model *model, const struct request *request)
{
    const char *site = request->fields[FIELD_FETCH_SITE];
    const char *from = request->fields[FIELD_ORIGIN];
    if (site)
        return strcmp(site, "cross-site") == 0;
    if (!from)
        from = request->fields[FIELD_REFERER];
    return from && !is_ours(model, request, from);
}

/* ---- All together ---- */

/* Many monitors try HEAD first and then GET. A browser is none, whatever its page asked before. */
static bool counts_as_monitor(const struct robots *robots, const struct model_rule *rule,
                              const struct request *request)
{
    if (rule)
        return rule->as != RULE_AS_CLIENT;
    const bool follows = request->after_head && strcmp(request->method, "GET") == 0 &&
                         !request->fields[FIELD_FETCH_MODE];
    return follows || strcmp(request->method, "HEAD") == 0 ||
           robots_hold(robots, request->fields[FIELD_USER_AGENT]);
}

/* The first that fits, from the one that may do least. What a person navigates to is his own wish,
 * wherever the link was. */
enum client_kind client_of(const struct robots *robots, const struct model *model,
                           const struct model_rule *rule, const struct request *request)
{
    if (counts_as_monitor(robots, rule, request))
        return CLIENT_MONITOR;
    const bool foreign = client_is_foreign(model, request);
    if (request->fields[FIELD_WEBSOCKET_KEY] ||
        says(request->fields[FIELD_FETCH_MODE], "websocket"))
        return foreign ? CLIENT_FOREIGN : CLIENT_WEBSOCKET;
    if (is_part(request))
        return CLIENT_ASSET;
    const bool navigates = is_navigation(request);
    if (navigates && !is_frame(request))
        return CLIENT_BROWSER;
    if (foreign)
        return CLIENT_FOREIGN;
    return navigates ? CLIENT_FRAME : CLIENT_API;
}
