/* The statistics: everything that is counted, over a period. What the store has is counted by it;
 * prices, and the watts of time from before energy was stored, come from the configuration file as
 * it stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/power.h"
#include "store/archive.h"
#include "web/api/api_internal.h"

enum { LIMIT_MS = 3000, SERVERS_MAX = 200, DAYS_MOST = 400, DAYS_USUAL = 30, HOURS = 168 };

static const int64_t day_ms = INT64_C(86400000);

struct server_figures {
    char id[SLUG_MAX + 1];
    int64_t ms[POWER_STATES], began; /* of its first span within; 0: none */
    int64_t ready, failed, sleeps;
    int64_t used_mj, always_mj, plain_ms[POWER_STATES]; /* plain: of no known energy */
};

struct energy {
    double used, always_on, saved;
    bool known;
    enum basis { BASIS_MEASURED, BASIS_CONFIGURED, BASIS_ESTIMATED } basis;
};

struct figures {
    struct api_call *call;
    struct archive *archive;
    struct config *config; /* or NULL */
    const char *server;    /* only this one; or NULL */
    int64_t from, to, since, counted;
    bool complete;
    struct json_writer writer;
    size_t n;
    struct server_figures *servers; /* [SERVERS_MAX] */
    const struct server_figures *current;
    const char *counted_what, *count_key; /* keys of the list at hand */
    struct energy sum;
    int64_t hours[HOURS];
    int64_t observed_most; /* the longest observed of one server: how long Hall itself ran */
};

static void ask(struct figures *figures, enum archive_figure figure, figure_reader *read)
{
    char why[ARCHIVE_SENTENCE];
    if (archive_figure(figures->archive, figure, figures->server, figures->from, figures->to, read,
                       figures, why) < 0)
        figures->complete = false;
}

/* ---- gathering ---- */

static struct server_figures *find(struct figures *figures, const char *id)
{
    for (size_t i = 0; i < figures->n; i++)
        if (text_equal(figures->servers[i].id, id))
            return &figures->servers[i];
    if (!id || figures->n == SERVERS_MAX) {
        figures->complete = figures->complete && !id;
        return NULL;
    }
    struct server_figures *server = &figures->servers[figures->n++];
    text_copy(server->id, sizeof(server->id), id);
    return server;
}

static void read_since(void *context, const struct figure_row *row)
{
    struct figures *figures = context;
    figures->since = row->numbers[0];
    figures->counted = row->numbers[1];
}

static void read_state(void *context, const struct figure_row *row)
{
    struct server_figures *server = find(context, row->texts[0]);
    int64_t state = row->numbers[0];
    if (!server || state < 0 || state >= POWER_STATES)
        return;
    server->ms[state] = row->numbers[1];
    if (server->began == 0 || row->numbers[2] < server->began)
        server->began = row->numbers[2];
}

static void read_energy(void *context, const struct figure_row *row)
{
    struct server_figures *server = find(context, row->texts[0]);
    int64_t state = row->numbers[0];
    if (!server || state < 0 || state >= POWER_STATES)
        return;
    server->used_mj += row->numbers[1];
    server->always_mj += row->numbers[2];
    server->plain_ms[state] = row->numbers[3];
}

static void read_wakes(void *context, const struct figure_row *row)
{
    struct server_figures *server = find(context, row->texts[0]);
    if (!server)
        return;
    server->ready = row->numbers[0];
    server->failed = row->numbers[1];
}

static void read_sleeps(void *context, const struct figure_row *row)
{
    struct server_figures *server = find(context, row->texts[0]);
    if (server)
        server->sleeps = row->numbers[0];
}

static void read_hour(void *context, const struct figure_row *row)
{
    struct figures *figures = context;
    if (row->numbers[0] >= 0 && row->numbers[0] < HOURS)
        figures->hours[row->numbers[0]] = row->numbers[1];
}

/* ---- one server ---- */

static int64_t observed(const struct server_figures *server)
{
    int64_t sum = 0;
    for (int i = 0; i < POWER_STATES; i++)
        sum += server->ms[i];
    return sum;
}

static int64_t up_ms(const int64_t ms[POWER_STATES])
{
    return ms[POWER_BOOTING] + ms[POWER_READY] + ms[POWER_DEGRADED];
}

/* As the books of the daemon have it: unreachable counts as on, unknown not at all. */
static int64_t asleep_ms(const int64_t ms[POWER_STATES])
{
    return ms[POWER_OFF] + ms[POWER_WAKING] + ms[POWER_WAKE_FAILED];
}

static int64_t on_ms(const int64_t ms[POWER_STATES])
{
    return up_ms(ms) + ms[POWER_SLEEPING] + ms[POWER_UNREACHABLE];
}

static double kwh(double watts, int64_t ms)
{
    return watts / 1000 * (double)ms / 3600000;
}

/* To a watt-hour. */
static double whole(double value)
{
    return (double)(int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5)) / 1000;
}

static const char *const bases[] = {"measured", "configured", "estimated"};

static enum basis basis_of(const char *name)
{
    enum basis basis = BASIS_MEASURED;
    while (basis < BASIS_ESTIMATED && strcmp(bases[basis], name) != 0)
        basis++;
    return basis;
}

static const char *basis(const struct energy *energy)
{
    return energy->known ? bases[energy->basis] : NULL;
}

static double kwh_of(int64_t millijoules)
{
    return (double)millijoules / 3.6e9;
}

static struct energy energy_of(const struct figures *figures, const struct server_figures *server)
{
    int index =
        figures->config ? model_server_by_id(&figures->config->model, server->id) : MODEL_NONE;
    const struct model_watts watts =
        model_watts(index != MODEL_NONE ? &figures->config->model.servers[index] : NULL);
    const int64_t on = on_ms(server->plain_ms), asleep = asleep_ms(server->plain_ms);
    struct energy energy = {
        .known = on_ms(server->ms) + asleep_ms(server->ms) > 0,
        .basis = basis_of(watts.basis),
        .used = kwh_of(server->used_mj) + kwh(watts.on, on) + kwh(watts.asleep, asleep),
        .always_on = kwh_of(server->always_mj) + kwh(watts.on, on + asleep),
    };
    energy.saved = energy.always_on - energy.used;
    return energy;
}

static void add_energy(struct energy *sum, const struct energy *energy)
{
    if (!energy->known)
        return;
    sum->known = true;
    sum->basis = energy->basis > sum->basis ? energy->basis : sum->basis; /* the weakest */
    sum->used += energy->used;
    sum->always_on += energy->always_on;
    sum->saved += energy->saved;
}

static void put_known(struct json_writer *writer, const char *key, bool known, double value)
{
    if (known)
        json_put_number(writer, key, whole(value));
    else
        json_put_null(writer, key);
}

static void put_share(struct json_writer *writer, const char *key, int64_t part, int64_t all)
{
    put_known(writer, key, all > 0, all > 0 ? (double)part / (double)all : 0);
}

static void put_boot(void *context, const struct figure_row *row)
{
    struct figures *figures = context;
    struct json_writer *writer = &figures->writer;
    if (!text_equal(row->texts[0], figures->current->id))
        return;
    json_begin_object(writer, NULL);
    if (row->texts[1])
        json_put_string(writer, "day", row->texts[1]);
    json_put_string(writer, "kind", wake_kind_name(row->numbers[0] ? WAKE_COLD : WAKE_RESUME));
    json_put_integer(writer, "n", row->numbers[1]);
    json_put_seconds(writer, "p50_s", row->numbers[2]);
    json_put_seconds(writer, "p95_s", row->numbers[3]);
    json_end_object(writer);
}

static void put_boots(struct figures *figures, const char *key, enum archive_figure figure,
                      const struct server_figures *server)
{
    char why[ARCHIVE_SENTENCE];
    figures->current = server;
    json_begin_array(&figures->writer, key);
    if (archive_figure(figures->archive, figure, server->id, figures->from, figures->to, put_boot,
                       figures, why) < 0)
        figures->complete = false;
    json_end_array(&figures->writer);
}

static void put_server(struct figures *figures, const struct server_figures *server)
{
    struct json_writer *writer = &figures->writer;
    struct energy energy = energy_of(figures, server);
    json_begin_object(writer, NULL);
    json_put_string(writer, "server", server->id);
    json_put_integer(writer, "wakes", server->ready + server->failed);
    json_put_integer(writer, "wakes_failed", server->failed);
    json_put_integer(writer, "sleeps", server->sleeps);
    json_begin_object(writer, "seconds");
    for (int i = 0; i < POWER_STATES; i++)
        if (server->ms[i] > 0)
            json_put_seconds(writer, power_state_name((enum power_state)i), server->ms[i]);
    json_end_object(writer);
    json_put_seconds(writer, "observed_s", observed(server));
    /* Within the period, from the first it was ever seen in it. */
    int64_t from = server->began > figures->from ? server->began : figures->from;
    int64_t to = figures->counted < figures->to ? figures->counted : figures->to;
    int64_t gap = to - from - observed(server);
    json_put_seconds(writer, "unobserved_s", gap > 0 ? gap : 0);
    put_share(writer, "availability", server->ready, server->ready + server->failed);
    put_share(writer, "up_share", up_ms(server->ms), observed(server));
    put_boots(figures, "boots", FIGURE_BOOTS, server);
    put_boots(figures, "boot_history", FIGURE_BOOT_DAYS, server);
    json_begin_object(writer, "energy");
    put_known(writer, "used_kwh", energy.known, energy.used);
    put_known(writer, "always_on_kwh", energy.known, energy.always_on);
    put_known(writer, "saved_kwh", energy.known, energy.saved);
    json_put_string(writer, "basis", basis(&energy));
    json_end_object(writer);
    json_end_object(writer);
    add_energy(&figures->sum, &energy);
    if (observed(server) > figures->observed_most)
        figures->observed_most = observed(server);
}

/* ---- all together ---- */

static void put_counted(void *context, const struct figure_row *row)
{
    struct figures *figures = context;
    json_begin_object(&figures->writer, NULL);
    json_put_string(&figures->writer, figures->counted_what, row->texts[0]);
    json_put_integer(&figures->writer, figures->count_key, row->numbers[0]);
    json_end_object(&figures->writer);
}

static void put_failure(void *context, const struct figure_row *row)
{
    struct json_writer *writer = &((struct figures *)context)->writer;
    json_begin_object(writer, NULL);
    json_put_string(writer, "server", row->texts[0]);
    json_put_string(writer, "failure", row->texts[1] ? row->texts[1] : "unknown");
    json_put_integer(writer, "n", row->numbers[0]);
    json_put_time(writer, "last", row->numbers[1]);
    json_end_object(writer);
}

static void put_project(void *context, const struct figure_row *row)
{
    struct json_writer *writer = &((struct figures *)context)->writer;
    json_begin_object(writer, NULL);
    json_put_string(writer, "project", row->texts[0] ? row->texts[0] : row->texts[1]);
    json_put_string(writer, "domain", row->texts[1]);
    json_put_integer(writer, "visits", row->numbers[0]);
    json_put_time(writer, "last_visit", row->numbers[1]);
    json_put_integer(writer, "wakes", row->numbers[2]);
    json_end_object(writer);
}

static void put_count(void *context, const struct figure_row *row)
{
    json_put_integer(&((struct figures *)context)->writer, "n", row->numbers[0]);
}

static void put_list(struct figures *figures, const char *key, enum archive_figure figure,
                     figure_reader *put)
{
    json_begin_array(&figures->writer, key);
    ask(figures, figure, put);
    json_end_array(&figures->writer);
}

/* How many of each there are: a list of {what, count}. */
static void put_counts(struct figures *figures, const char *key, enum archive_figure figure,
                       const char *what, const char *count)
{
    figures->counted_what = what;
    figures->count_key = count;
    put_list(figures, key, figure, put_counted);
}

static void put_energy(struct figures *figures)
{
    struct json_writer *writer = &figures->writer;
    const struct config_energy *config = figures->config ? &figures->config->energy : NULL;
    const struct energy *sum = &figures->sum;
    double hall = kwh(config ? config->hall_watts : 3, figures->observed_most);
    double price = config ? config->price_kwh : -1;
    json_begin_object(writer, "energy");
    json_put_number(writer, "used_kwh", whole(sum->used));
    json_put_number(writer, "always_on_kwh", whole(sum->always_on));
    json_put_number(writer, "hall_kwh", whole(hall));
    json_put_number(writer, "saved_kwh", whole(sum->saved - hall));
    put_known(writer, "saved_money", price >= 0, (sum->saved - hall) * price);
    json_put_string(writer, "currency", config ? config->currency : "EUR");
    put_known(writer, "price_kwh", price >= 0, price);
    json_put_string(writer, "basis", basis(sum));
    json_end_object(writer);
}

static void put_all(struct figures *figures)
{
    struct json_writer *writer = &figures->writer;
    json_put_time(writer, "from", figures->from);
    json_put_time(writer, "to", figures->to);
    json_put_time(writer, "since", figures->since);
    json_begin_array(writer, "servers");
    for (size_t i = 0; i < figures->n; i++)
        put_server(figures, &figures->servers[i]);
    json_end_array(writer);
    put_counts(figures, "wakes_by_cause", FIGURE_CAUSES, "cause", "n");
    put_counts(figures, "wakes_by_project", FIGURE_PROJECTS, "project", "n");
    ask(figures, FIGURE_HOURS, read_hour);
    json_begin_array(writer, "wakes_by_hour");
    for (int i = 0; i < HOURS; i++)
        json_put_integer(writer, NULL, figures->hours[i]);
    json_end_array(writer);
    put_list(figures, "failures", FIGURE_FAILURES, put_failure);
    put_list(figures, "projects", FIGURE_VISITS, put_project);
    put_counts(figures, "visits_by_day", FIGURE_VISIT_DAYS, "day", "visits");
    json_begin_object(writer, "refusals");
    ask(figures, FIGURE_REFUSED, put_count);
    put_counts(figures, "addresses", FIGURE_REFUSALS, "address", "n");
    json_end_object(writer);
    put_energy(figures);
    json_put_bool(writer, "complete", figures->complete);
}

static void answer_figures(struct figures *figures)
{
    ask(figures, FIGURE_SINCE, read_since);
    ask(figures, FIGURE_STATES, read_state);
    ask(figures, FIGURE_ENERGY, read_energy);
    ask(figures, FIGURE_WAKES, read_wakes);
    ask(figures, FIGURE_SLEEPS, read_sleeps);
    api_begin(figures->call, 200, &figures->writer);
    json_begin_object(&figures->writer, NULL);
    put_all(figures);
    json_end_object(&figures->writer);
    api_end(figures->call);
}

/* False: answered. */
static bool find_period(struct api_call *call, const struct api_params *params,
                        struct figures *figures)
{
    figures->to = params->to != 0 ? params->to : clock_now().wall;
    figures->from = params->from != 0 ? params->from : figures->to - DAYS_USUAL * day_ms;
    if (figures->from < figures->to && figures->to - figures->from <= DAYS_MOST * day_ms)
        return true;
    api_problem(call, 400, "\"from\" and \"to\" must be in this order, and at most %d days apart.",
                DAYS_MOST);
    return false;
}

void api_figures(struct api_call *call)
{
    struct api_params params;
    struct report report = {0};
    struct figures figures = {.call = call, .complete = true};
    if (!api_params(call, &params) || !find_period(call, &params, &figures))
        return;
    figures.server = params.server[0] != '\0' ? params.server : NULL;
    figures.archive = api_archive(call, LIMIT_MS, true, true);
    if (!figures.archive)
        return;
    if (config_load(call->api->config_file, &figures.config, &report) < 0)
        figures.config = NULL;
    figures.servers = calloc(SERVERS_MAX, sizeof(*figures.servers));
    if (figures.servers)
        answer_figures(&figures);
    else
        api_problem(call, 503, "There is no memory for this at the moment.");
    free(figures.servers);
    config_free(figures.config);
    report_finish(&report);
    archive_close(figures.archive);
}
