/* What is counted of visitors: visits of each site by the hour, refused accesses by address and
 * the code of the reason; and what people did at the dashboard. Counted in memory and written 25 s
 * after the first that waits, so that a crash takes no more than the last half minute and a
 * thousand visits in that time are one row of each site. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "hall/stats_internal.h"
#include "loop/timer.h"

enum {
    SOON_MS = 25000,
    SOON_SLACK_US = 2000000,
    SITES_FIRST = 64,     /* visited in one hour; room for more is made */
    REFUSALS_MAX = 32,    /* that are counted together */
    NEW_AN_HOUR_MAX = 300 /* rows about refusals, so that a flood does not wear out an SD card */
};

static const int64_t hour_ms = INT64_C(3600000), together_ms = INT64_C(600000);

/* Named by text: indexes change with a reload. */
struct visited {
    int64_t id; /* of its row; 0: this place is free */
    int64_t last;
    uint32_t n;
    bool dirty;
    char name[254 + SLUG_MAX + 1]; /* domain, NUL, project */
};

struct refused {
    int64_t id, at, last, n;
    bool dirty;
    uint8_t guard; /* of FACT_GUARD: which */
    uint16_t code;
    char address[48], domain[254], project[SLUG_MAX + 1], path[128];
    struct buf why, fact; /* of the first: in English, and as JSON */
};

struct visitors {
    int64_t hour; /* wall: beginning of the hour that is counted */
    size_t n_visited, room;
    struct visited *visited; /* [room], NULL until somebody comes */
    int64_t limit_hour;
    int new_rows;
    struct refused *refused; /* [REFUSALS_MAX] so too */
    bool waits;              /* something is counted that is not written */
    sd_event_source *soon;
};

static int on_soon(sd_event_source *source, uint64_t usec, void *context)
{
    struct stats *stats = context;

    (void)source;
    (void)usec;
    stats_flush_visitors(stats);
    (void)store_flush(stats->store);
    return 0;
}

int stats_create_visitors(sd_event *loop, struct stats *stats, struct visitors **ret_visitors)
{
    struct visitors *visitors = calloc(1, sizeof(*visitors));

    if (!visitors)
        return -ENOMEM;
    *ret_visitors = visitors;
    return loop_timer_create(loop, SOON_SLACK_US, on_soon, stats, &visitors->soon);
}

static void forget(struct refused *refused)
{
    buf_finish(&refused->why);
    buf_finish(&refused->fact);
}

void stats_destroy_visitors(struct visitors *visitors)
{
    if (!visitors)
        return;
    sd_event_source_disable_unref(visitors->soon);
    for (size_t i = 0; visitors->refused && i < REFUSALS_MAX; i++)
        forget(&visitors->refused[i]);
    free(visitors->visited);
    free(visitors->refused);
    free(visitors);
}

/* The first that waits decides when all of them are written. */
static void write_soon(struct visitors *visitors)
{
    if (visitors->waits)
        return;
    visitors->waits = true;
    loop_timer_set(visitors->soon, clock_now().boot + SOON_MS);
}

/* ---- visits ---- */

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static void write_visited(struct stats *stats, struct visited *visited)
{
    const struct model *model = &stats->current->config->model;
    const char *domain = visited->name, *project = domain + strlen(domain) + 1;
    const int index = model_domain_by_host(model, domain);
    const struct store_entry entry = {
        .table = STORE_VISITS,
        .id = visited->id,
        .numbers = {stats->visitors->hour, visited->last, visited->n},
        .texts = {domain, text_or_null(project),
                  index == MODEL_NONE ? "" : model->servers[model->domains[index].server].id},
    };

    visited->dirty = false;
    (void)store_keep(stats->store, &entry, false);
}

static void flush_visited(struct stats *stats)
{
    struct visitors *visitors = stats->visitors;

    for (size_t i = 0; i < visitors->n_visited; i++)
        if (visitors->visited[i].dirty)
            write_visited(stats, &visitors->visited[i]);
}

/* Another hour begins; also where the clock was set back. */
static void turn_hour(struct stats *stats, int64_t wall)
{
    struct visitors *visitors = stats->visitors;
    const int64_t hour = wall - wall % hour_ms;

    if (hour == visitors->hour)
        return;
    flush_visited(stats);
    visitors->n_visited = 0;
    visitors->hour = hour;
}

static bool make_room(struct visitors *visitors)
{
    if (visitors->n_visited < visitors->room)
        return true;
    const size_t room = visitors->room > 0 ? 2 * visitors->room : SITES_FIRST;
    struct visited *visited = reallocarray(visitors->visited, room, sizeof(*visited));

    if (!visited)
        return false;
    visitors->visited = visited;
    visitors->room = room;
    return true;
}

/* NULL: no memory. */
static struct visited *find_visited(struct stats *stats, const char *domain, const char *project)
{
    struct visitors *visitors = stats->visitors;
    const size_t length = strlen(domain) + 1, rest = strlen(project) + 1;

    for (size_t i = 0; i < visitors->n_visited; i++)
        if (strcmp(visitors->visited[i].name, domain) == 0 &&
            strcmp(visitors->visited[i].name + length, project) == 0)
            return &visitors->visited[i];
    if (length + rest > sizeof(visitors->visited[0].name) || !make_room(visitors))
        return NULL;
    struct visited *visited = &visitors->visited[visitors->n_visited++];
    *visited = (struct visited){.id = store_new_id(stats->store, STORE_VISITS)};
    memcpy(visited->name, domain, length);
    memcpy(visited->name + length, project, rest);
    return visited;
}

void stats_on_visit(void *context, const struct news *news)
{
    struct stats *stats = context;
    const struct model_site *model = &stats->current->config->model.sites[news->visit.site];
    const struct now now = clock_now();
    struct visitors *visitors = stats->visitors;

    turn_hour(stats, now.wall);
    struct visited *visited =
        find_visited(stats, stats->current->config->model.domains[model->domain].name,
                     model->is_project ? model->id : "");
    if (!visited)
        return;
    visited->n++;
    visited->last = now.wall;
    visited->dirty = true;
    write_soon(visitors);
}

/* ---- refusals ---- */

static void write_refused(struct stats *stats, struct refused *refused)
{
    const struct store_entry entry = {
        .table = STORE_REFUSALS,
        .id = refused->id,
        .numbers = {refused->at, refused->last, refused->n},
        .texts = {refused->address, text_or_null(refused->domain), text_or_null(refused->project),
                  text_or_null(refused->path), buf_text(&refused->why),
                  text_or_null(buf_text(&refused->fact))},
    };

    refused->dirty = false;
    (void)store_keep(stats->store, &entry, false);
}

static struct refused *find_refused(struct visitors *visitors, const struct refused *new)
{
    for (size_t i = 0; i < REFUSALS_MAX; i++) {
        struct refused *old = &visitors->refused[i];

        if (old->id > 0 && strcmp(old->address, new->address) == 0 &&
            strcmp(old->domain, new->domain) == 0 && strcmp(old->project, new->project) == 0 &&
            old->code == new->code &&
            old->guard == new->guard &&new->at - old->at < together_ms &&new->at >= old->at)
            return old;
    }
    return NULL;
}

static void set_why(struct refused *refused, const struct fact *why)
{
    refused->code = why->parts[0].code;
    refused->guard = why->parts[0].word;
}

/* Above NEW_AN_HOUR_MAX all others are counted in one row. Returns the reason that row gives. */
static const struct fact *bound(struct visitors *visitors, struct refused *new,
                                const struct fact *why)
{
    static const struct fact more = {.parts = {{.code = FACT_ACCESS_MORE}}};

    if (new->at / hour_ms != visitors->limit_hour) {
        visitors->limit_hour = new->at / hour_ms;
        visitors->new_rows = 0;
    }
    if (visitors->new_rows < NEW_AN_HOUR_MAX)
        return why;
    new->domain[0] = new->project[0] = new->path[0] = '\0';
    text_copy(new->address, sizeof(new->address), "others");
    set_why(new, &more);
    return &more;
}

static void count_refused(struct stats *stats, struct refused *new, const struct fact *why)
{
    struct visitors *visitors = stats->visitors;

    set_why(new, why);
    struct refused *known = find_refused(visitors, new);
    if (!known) {
        why = bound(visitors, new, why);
        known = find_refused(visitors, new);
    }
    if (known) {
        known->n++;
        if (!known->path[0]) /* the fleet refused first, and knew none */
            text_copy(known->path, sizeof(known->path), new->path);
        known->last = new->at;
        known->dirty = true;
        write_soon(visitors);
        return;
    }
    struct refused *place = &visitors->refused[0];
    for (size_t i = 1; i < REFUSALS_MAX; i++)
        if (visitors->refused[i].last < place->last)
            place = &visitors->refused[i];
    if (place->dirty)
        write_refused(stats, place);
    forget(place);
    *place = *new;
    place->why = place->fact = BUF_INIT(SAY_SENTENCE_MAX);
    say_fact(why, &stats->current->config->model, (struct say_how){.now = new->at}, &place->why);
    (void)stats_write_fact(stats, why, &place->fact);
    place->id = store_new_id(stats->store, STORE_REFUSALS);
    visitors->new_rows++;
    write_refused(stats, place);
}

void stats_on_refused(void *context, const struct news *news)
{
    struct stats *stats = context;
    struct visitors *visitors = stats->visitors;
    const struct model *model = &stats->current->config->model;
    const struct model_site *site =
        news->refused.site == MODEL_NONE ? NULL : &model->sites[news->refused.site];
    const int64_t wall = clock_now().wall;
    struct refused refused = {.at = wall, .last = wall, .n = 1};

    if (!visitors->refused)
        visitors->refused = calloc(REFUSALS_MAX, sizeof(*visitors->refused));
    if (!visitors->refused)
        return;
    text_copy(refused.address, sizeof(refused.address),
              news->refused.who[0] ? news->refused.who : "unknown");
    text_copy(refused.path, sizeof(refused.path), news->refused.path);
    if (site)
        text_copy(refused.domain, sizeof(refused.domain), model->domains[site->domain].name);
    if (site && site->is_project)
        text_copy(refused.project, sizeof(refused.project), site->id);
    count_refused(stats, &refused, news->refused.why);
}

/* A guard refused somebody. */
void stats_on_limit(void *context, const struct action *action)
{
    char who[ADDRESS_TEXT_SIZE];
    const struct fact why = guard_fact(&action->limit.guard, clock_now());
    const struct news news = {.kind = NEWS_REFUSED,
                              .refused = {.why = &why,
                                          .who = address_format_client(action->limit.address, who),
                                          .path = "",
                                          .site = action->limit.site}};

    if (action->limit.refused)
        stats_on_refused(context, &news);
}

void stats_flush_visitors(struct stats *stats)
{
    struct visitors *visitors = stats->visitors;

    visitors->waits = false;
    loop_timer_set(visitors->soon, INT64_MAX);
    flush_visited(stats);
    for (size_t i = 0; visitors->refused && i < REFUSALS_MAX; i++)
        if (visitors->refused[i].dirty)
            write_refused(stats, &visitors->refused[i]);
}

/* ---- people ---- */

void stats_on_login(void *context, const struct news *news)
{
    const struct stats *stats = context;
    const struct store_entry entry = {
        .table = STORE_LOGINS,
        .id = store_new_id(stats->store, STORE_LOGINS),
        .numbers = {clock_now().wall, news->login.ok},
        .texts = {news->login.who, text_or_null(news->login.why)},
    };

    (void)store_keep(stats->store, &entry, news->login.ok);
}

void stats_change(struct stats *stats, const char *by, bool loaded, const char *detail)
{
    const struct store_entry entry = {
        .table = STORE_CHANGES,
        .id = store_new_id(stats->store, STORE_CHANGES),
        .numbers = {clock_now().wall, loaded},
        .texts = {by, NULL, text_or_null(detail)},
    };

    (void)store_keep(stats->store, &entry, true);
}
