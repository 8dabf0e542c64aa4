/* What is counted of visitors: visits of each site by the hour, refused accesses by address and
 * reason; and what people did at the dashboard. Counted in memory and written 25 s after the first
 * that waits, so that a crash takes no more than the last half minute and a thousand visits in that
 * time are one row of each site. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hall/hall_internal.h"
#include "hall/stats.h"

enum {
    SITES_MAX = 256,      /* visited in one hour and counted apart */
    REFUSALS_MAX = 32,    /* that are counted together */
    NEW_AN_HOUR_MAX = 300 /* rows about refusals, so that a flood does not wear out an SD card */
};

#define SOON_US       UINT64_C(25000000)
#define SOON_SLACK_US UINT64_C(2000000)

static const int64_t hour_ms = INT64_C(3600000), together_ms = INT64_C(600000);

/* Named by text: indexes change with a reload. */
struct visited {
    int64_t id; /* of its row; 0: this place is free */
    int64_t last;
    uint32_t n;
    bool dirty;
    char name[256]; /* domain, NUL, project */
};

struct refused {
    int64_t id, at, last, n;
    bool dirty;
    char address[48], domain[254], project[SLUG_MAX + 1], path[128], why[128];
};

struct visitors {
    int64_t hour; /* wall: beginning of the hour that is counted */
    size_t n_visited;
    struct visited *visited; /* [SITES_MAX], NULL until somebody comes */
    int64_t limit_hour;
    int new_rows;
    struct refused *refused; /* [REFUSALS_MAX] so too */
    bool waits;              /* something is counted that is not written */
    sd_event_source *soon;
};

static int on_soon(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;

    (void)source;
    (void)usec;
    visitors_flush(hall);
    if (hall->store)
        (void)store_flush(hall->store);
    return 0;
}

int visitors_create(struct hall *hall)
{
    struct visitors *visitors = calloc(1, sizeof(*visitors));
    int error;

    if (!visitors)
        return -ENOMEM;
    hall->visitors = visitors;
    error = sd_event_add_time(hall->loop, &visitors->soon, CLOCK_MONOTONIC, UINT64_MAX,
                              SOON_SLACK_US, on_soon, hall);
    return error < 0 ? error : sd_event_source_set_enabled(visitors->soon, SD_EVENT_OFF);
}

void visitors_destroy(struct visitors *visitors)
{
    if (!visitors)
        return;
    sd_event_source_disable_unref(visitors->soon);
    free(visitors->visited);
    free(visitors->refused);
    free(visitors);
}

/* The first that waits decides when all of them are written. */
static void write_soon(struct visitors *visitors)
{
    if (visitors->waits)
        return;
    visitors->waits = sd_event_source_set_time_relative(visitors->soon, SOON_US) >= 0 &&
                      sd_event_source_set_enabled(visitors->soon, SD_EVENT_ONESHOT) >= 0;
}

/* ---- visits ---- */

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static const char *server_of(const struct hall *hall, const char *domain)
{
    const int index = model_domain_by_host(&hall->config->model, domain);

    return index == MODEL_NONE
               ? ""
               : hall->config->model.servers[hall->config->model.domains[index].server].id;
}

static void write_visited(struct hall *hall, struct visited *visited)
{
    const char *project = visited->name + strlen(visited->name) + 1;
    const struct store_entry entry = {
        .table = STORE_VISITS,
        .id = visited->id,
        .numbers = {hall->visitors->hour, visited->last, visited->n},
        .texts = {visited->name, text_or_null(project), server_of(hall, visited->name)},
    };

    visited->dirty = false;
    (void)store_keep(hall->store, &entry, false);
}

static void flush_visited(struct hall *hall)
{
    struct visitors *visitors = hall->visitors;

    for (size_t i = 0; i < visitors->n_visited; i++)
        if (visitors->visited[i].dirty)
            write_visited(hall, &visitors->visited[i]);
}

/* Another hour begins; also where the clock was set back. */
static void turn_hour(struct hall *hall, int64_t wall)
{
    struct visitors *visitors = hall->visitors;
    const int64_t hour = wall - wall % hour_ms;

    if (hour == visitors->hour)
        return;
    flush_visited(hall);
    visitors->n_visited = 0;
    visitors->hour = hour;
}

static bool is_named(const struct visited *visited, const char *domain, const char *project)
{
    return strcmp(visited->name, domain) == 0 &&
           strcmp(visited->name + strlen(domain) + 1, project) == 0;
}

static struct visited *find_visited(struct hall *hall, const char *domain, const char *project)
{
    struct visitors *visitors = hall->visitors;

    for (size_t i = 0; i < visitors->n_visited; i++)
        if (is_named(&visitors->visited[i], domain, project))
            return &visitors->visited[i];
    if (visitors->n_visited == SITES_MAX ||
        strlen(domain) + strlen(project) + 2 > sizeof(visitors->visited[0].name))
        return NULL;
    struct visited *visited = &visitors->visited[visitors->n_visited++];
    *visited = (struct visited){.id = store_new_id(hall->store, STORE_VISITS)};
    memcpy(visited->name, domain, strlen(domain) + 1);
    memcpy(visited->name + strlen(domain) + 1, project, strlen(project) + 1);
    return visited;
}

void hall_count_visit(struct hall *hall, int site)
{
    const struct model_site *model = &hall->config->model.sites[site];
    const struct now now = clock_now();
    struct visitors *visitors = hall->visitors;

    if (!hall->store || !visitors)
        return;
    if (!visitors->visited)
        visitors->visited = calloc(SITES_MAX, sizeof(*visitors->visited));
    if (!visitors->visited)
        return;
    turn_hour(hall, now.wall);
    struct visited *visited = find_visited(hall, hall->config->model.domains[model->domain].name,
                                           model->is_project ? model->id : "");
    if (!visited)
        return;
    visited->n++;
    visited->last = now.wall;
    visited->dirty = true;
    write_soon(visitors);
}

/* ---- refusals ---- */

static void write_refused(struct hall *hall, struct refused *refused)
{
    const struct store_entry entry = {
        .table = STORE_REFUSALS,
        .id = refused->id,
        .numbers = {refused->at, refused->last, refused->n},
        .texts = {refused->address, text_or_null(refused->domain), text_or_null(refused->project),
                  text_or_null(refused->path), refused->why},
    };

    refused->dirty = false;
    (void)store_keep(hall->store, &entry, false);
}

static bool is_same(const struct refused *a, const struct refused *b)
{
    return a->id > 0 && strcmp(a->address, b->address) == 0 && strcmp(a->domain, b->domain) == 0 &&
           strcmp(a->project, b->project) == 0 && strcmp(a->why, b->why) == 0 &&
           b->at - a->at < together_ms && b->at >= a->at;
}

static struct refused *find_refused(struct visitors *visitors, const struct refused *new)
{
    for (size_t i = 0; i < REFUSALS_MAX; i++)
        if (is_same(&visitors->refused[i], new))
            return &visitors->refused[i];
    return NULL;
}

static struct refused *oldest_refused(struct visitors *visitors)
{
    struct refused *oldest = &visitors->refused[0];

    for (size_t i = 1; i < REFUSALS_MAX; i++)
        if (visitors->refused[i].last < oldest->last)
            oldest = &visitors->refused[i];
    return oldest;
}

/* Beyond so many an hour they are counted as one. */
static void bound(struct visitors *visitors, struct refused *new)
{
    if (new->at / hour_ms != visitors->limit_hour) {
        visitors->limit_hour = new->at / hour_ms;
        visitors->new_rows = 0;
    }
    if (visitors->new_rows < NEW_AN_HOUR_MAX)
        return;
    new->domain[0] = new->project[0] = new->path[0] = '\0';
    text_copy(new->address, sizeof(new->address), "others");
    text_copy(new->why, sizeof(new->why), "more than can be told apart in an hour");
}

static void count_refused(struct hall *hall, struct refused *new)
{
    struct visitors *visitors = hall->visitors;
    struct refused *known = find_refused(visitors, new);

    if (!known) {
        bound(visitors, new);
        known = find_refused(visitors, new);
    }
    if (known) {
        known->n++;
        known->last = new->at;
        known->dirty = true;
        write_soon(visitors);
        return;
    }
    struct refused *place = oldest_refused(visitors);
    if (place->dirty)
        write_refused(hall, place);
    *place = *new;
    place->id = store_new_id(hall->store, STORE_REFUSALS);
    visitors->new_rows++;
    write_refused(hall, place);
}

static void name_site(const struct model *model, int site, struct refused *refused)
{
    if (site == MODEL_NONE)
        return;
    text_copy(refused->domain, sizeof(refused->domain),
              model->domains[model->sites[site].domain].name);
    if (model->sites[site].is_project)
        text_copy(refused->project, sizeof(refused->project), model->sites[site].id);
}

void hall_count_refusal(struct hall *hall, const char *address, int site, const char *path,
                        const char *why)
{
    const int64_t wall = clock_now().wall;
    struct refused refused = {.at = wall, .last = wall, .n = 1};

    if (!hall->store || !hall->visitors)
        return;
    if (!hall->visitors->refused)
        hall->visitors->refused = calloc(REFUSALS_MAX, sizeof(*hall->visitors->refused));
    if (!hall->visitors->refused)
        return;
    text_copy(refused.address, sizeof(refused.address), address[0] ? address : "unknown");
    text_copy(refused.path, sizeof(refused.path), path ? path : "");
    text_copy(refused.why, sizeof(refused.why), why);
    name_site(&hall->config->model, site, &refused);
    count_refused(hall, &refused);
}

static void flush_refused(struct hall *hall)
{
    struct visitors *visitors = hall->visitors;

    for (size_t i = 0; visitors->refused && i < REFUSALS_MAX; i++)
        if (visitors->refused[i].dirty)
            write_refused(hall, &visitors->refused[i]);
}

void visitors_flush(struct hall *hall)
{
    hall->visitors->waits = false;
    (void)sd_event_source_set_enabled(hall->visitors->soon, SD_EVENT_OFF);
    if (!hall->store)
        return;
    flush_visited(hall);
    flush_refused(hall);
}

/* ---- people ---- */

void hall_count_login(struct hall *hall, const char *address, bool ok, const char *detail)
{
    if (!hall->store)
        return;
    const struct store_entry entry = {
        .table = STORE_LOGINS,
        .id = store_new_id(hall->store, STORE_LOGINS),
        .numbers = {clock_now().wall, ok},
        .texts = {address, detail[0] ? detail : NULL},
    };
    (void)store_keep(hall->store, &entry, ok);
}

void hall_count_change(struct hall *hall, const char *by, bool loaded, const char *detail)
{
    if (!hall->store)
        return;
    const struct store_entry entry = {
        .table = STORE_CHANGES,
        .id = store_new_id(hall->store, STORE_CHANGES),
        .numbers = {clock_now().wall, loaded},
        .texts = {by, NULL, detail[0] ? detail : NULL},
    };
    (void)store_keep(hall->store, &entry, true);
}
