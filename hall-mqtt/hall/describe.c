#include "hall/describe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/version.h"
#include "hall/in_clock.h"
#include "words/payload.h"

/* Lists end before ROOM bytes, beyond which one document has its place; leases have a number within
 * their server. */
enum { ROOM = 160 * 1024, WINDOWS_MAX = 500, LEASES_APART = 1 << 20 };

/* ---- a server ---- */

void describe_server(const struct describe *from, int server, struct buf *out)
{
    const struct model *model = &from->current->config->model;
    const struct model_server *configured = &model->servers[server];
    const struct fleet *fleet = from->current->fleet;
    enum policy_mode mode = POLICY_ON_DEMAND; /* as configured: the strongest of its domains' */
    struct payload_energy energy;
    const bool counted = stats_energy(from->stats, server, &energy);
    char address[INET_ADDRSTRLEN];
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "id", configured->id);
    json_put_string(&writer, "address",
                    inet_ntop(AF_INET, &configured->address, address, sizeof(address)));
    json_begin_array(&writer, "domains");
    for (size_t i = 0; i < model->n_domains; i++)
        if (model->domains[i].server == server) {
            json_put_string(&writer, NULL, model->domains[i].name);
            mode = model->domains[i].policy.mode < mode ? model->domains[i].policy.mode : mode;
        }
    json_end_array(&writer);
    json_begin_array(&writer, "projects");
    for (int site = fleet_first_site(fleet, server); site != MODEL_NONE;
         site = fleet_next_site(fleet, site))
        if (model->sites[site].is_project)
            json_put_string(&writer, NULL, model->sites[site].id);
    json_end_array(&writer);
    json_put_string(&writer, "configured_policy", policy_mode_name(mode));
    buf_puts(out, ",\"status\":");
    (void)payload_server_status(fleet, model, server, counted ? &energy : NULL, SAY_ENGLISH,
                                clock_now(), out);
    buf_puts(out, ",\"config\":");
    (void)payload_server_config(fleet, model, server, out);
    json_end_object(&writer);
}

void describe_project(const struct describe *from, int site, struct buf *out)
{
    const struct model *model = &from->current->config->model;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "id", model->sites[site].id);
    json_put_string(&writer, "name", model->sites[site].name);
    json_put_string(&writer, "state", payload_project_state(from->current->fleet, model, site));
    buf_puts(out, ",\"status\":");
    (void)payload_project_status(from->current->fleet, model, site, SAY_ENGLISH, clock_now(), out);
    json_end_object(&writer);
}

/* ---- lists ---- */

static void end_list(struct buf *out, size_t next, bool more)
{
    if (more)
        buf_printf(out, "],\"next\":%zu}", next);
    else
        buf_puts(out, "],\"next\":null}");
}

void describe_servers(const struct describe *from, int64_t after, int64_t limit, struct buf *out)
{
    const size_t n = from->current->config->model.n_servers;
    const size_t first = after <= 0 ? 0 : (uint64_t)after < n ? (size_t)after : n;
    size_t i = first;

    buf_puts(out, "{\"servers\":[");
    for (; i < n && i - first < (size_t)limit && out->length < ROOM; i++) {
        if (i > first)
            buf_putc(out, ',');
        describe_server(from, (int)i, out);
    }
    end_list(out, i, i < n);
}

void describe_projects(const struct describe *from, int64_t after, int64_t limit, struct buf *out)
{
    const struct model *model = &from->current->config->model;
    size_t i = after > 0 ? (size_t)after : 0;
    int64_t given = 0;

    buf_puts(out, "{\"projects\":[");
    for (; i < model->n_sites && given < limit && out->length < ROOM; i++) {
        if (!model->sites[i].is_project)
            continue;
        if (given++ > 0)
            buf_putc(out, ',');
        describe_project(from, (int)i, out);
    }
    while (i < model->n_sites && !model->sites[i].is_project)
        i++;
    end_list(out, i, i < model->n_sites);
}

static void put_lease(const struct model *model, int server, const struct lease *lease,
                      struct buf *out)
{
    const struct now now = clock_now();
    const struct say_how how = {.language = SAY_ENGLISH, .now = now.wall};
    const struct fact why = lease_why(lease), reason = lease_fact(lease, server, now);
    struct json_writer writer;
    char text[SAID_SIZE];

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "server", model->servers[server].id);
    json_put_string(&writer, "kind", lease_kind_name(lease->kind));
    json_put_string(&writer, "holder", lease_holder(lease, model, server));
    say_fact_text(&why, model, how, text, sizeof(text));
    json_put_string(&writer, "label", text[0] ? text : NULL);
    say_put_fact(&writer, "label_fact", &why, model);
    json_put_string(&writer, "reason", say_fact_text(&reason, model, how, text, sizeof(text)));
    say_put_fact(&writer, "reason_fact", &reason, model);
    json_put_time(&writer, "since", lease->since > 0 ? clock_wall_at(now, lease->since) : 0);
    json_put_time(&writer, "until",
                  lease->until == LEASE_FOREVER ? 0 : clock_wall_at(now, lease->until));
    json_end_object(&writer);
}

void describe_leases(const struct describe *from, int64_t after, int64_t limit, struct buf *out)
{
    const struct model *model = &from->current->config->model;
    size_t i = after > 0 ? (size_t)after / LEASES_APART : 0;
    size_t k = after > 0 ? (size_t)after % LEASES_APART : 0;
    int64_t given = 0;

    buf_puts(out, "{\"leases\":[");
    for (; i < model->n_servers && given < limit && out->length < ROOM; i++, k = 0) {
        const struct lease_set *set = fleet_power(from->current->fleet, (int)i)->leases;

        for (; k < set->n && given < limit && out->length < ROOM; k++) {
            if (given++ > 0)
                buf_putc(out, ',');
            put_lease(model, (int)i, &set->leases[k], out);
        }
        if (k < set->n)
            break;
    }
    end_list(out, i * LEASES_APART + k, i < model->n_servers);
}

/* ---- Hall itself ---- */

static void put_told(struct json_writer *writer, const char *key, const char *fact_key,
                     const struct told *told)
{
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_sentence(told, (struct say_how){.language = SAY_ENGLISH}, &text);
    json_put_string(writer, key, text.length > 0 ? buf_text(&text) : NULL);
    say_put_told(writer, fact_key, told);
    buf_finish(&text);
}

void describe_info(const struct describe *from, struct buf *out)
{
    const struct config *config = from->current->config;
    const struct model *model = &config->model;
    const char *problem = from->store->problem;
    const struct told clock = in_clock_tell(from->current->clock);
    const struct now now = clock_now();
    const struct told trouble = start_tell_trouble(&from->current->trouble);
    const struct told salvaged = in_store_tell(&from->current->salvage, now.wall);
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "version", HALL_VERSION);
    json_put_integer(&writer, "schema", PAYLOAD_SCHEMA);
    json_put_string(&writer, "site", config->site);
    json_put_string(&writer, "timezone", config->timezone);
    json_put_time(&writer, "started", from->current->started);
    json_put_time(&writer, "now", now.wall);
    json_put_integer(&writer, "servers", (int64_t)model->n_servers);
    json_put_integer(&writer, "domains", (int64_t)model->n_domains);
    json_put_integer(&writer, "projects", (int64_t)model->n_projects);
    put_told(&writer, "config_problem", "config_problem_fact", &trouble);
    put_told(&writer, "store_salvaged", "store_salvaged_fact", &salvaged);
    json_begin_object(&writer, "broker");
    json_put_bool(&writer, "connected", mqtt_is_connected(from->mqtt));
    json_put_string(&writer, "protocol", mqtt_protocol(from->mqtt));
    json_end_object(&writer);
    json_begin_object(&writer, "store");
    json_put_string(&writer, "problem", problem[0] ? problem : NULL);
    json_put_string(&writer, "path", config->store.path);
    json_put_integer(&writer, "keep_days", config->store.keep_days);
    json_put_integer(&writer, "max_mb", config->store.max_mb);
    json_end_object(&writer);
    json_put_bool(&writer, "clock_trusted", clock_is_usable(from->current->clock));
    put_told(&writer, "clock_problem", "clock_problem_fact", &clock);
    json_begin_object(&writer, "energy");
    if (config->energy.price_kwh >= 0)
        json_put_number(&writer, "price_kwh", config->energy.price_kwh);
    else
        json_put_null(&writer, "price_kwh");
    json_put_string(&writer, "currency", config->energy.currency);
    json_put_number(&writer, "hall_watts", config->energy.hall_watts);
    json_end_object(&writer);
    json_end_object(&writer);
}

/* ---- what a policy would do ---- */

static int64_t put_window(struct json_writer *writer, int64_t from, int64_t to)
{
    json_begin_object(writer, NULL);
    json_put_time(writer, "from", from);
    json_put_time(writer, "to", to);
    json_end_object(writer);
    return to - from;
}

static int64_t put_windows(const struct describe *from, const struct model_policy *policy,
                           int64_t at, int64_t end, struct json_writer *writer)
{
    int64_t on = 0;

    if (policy->mode == POLICY_ALWAYS_ON)
        return put_window(writer, at, end);
    for (int i = 0; policy->mode == POLICY_SCHEDULED && i < WINDOWS_MAX && at < end; i++) {
        const struct schedule_view view = schedule_view(policy, &from->current->zones, at);
        const bool ends = view.until != SCHEDULE_NEVER && view.until < end;

        if (view.wants)
            on += put_window(writer, at, ends ? view.until : end);
        at = view.wants ? (ends ? view.until : end) : view.next;
        if (at == SCHEDULE_NEVER)
            break;
    }
    return on;
}

void describe_preview(const struct describe *from, const struct model_policy *policy, int64_t days,
                      struct buf *out)
{
    const int64_t begin = clock_now().wall;
    struct json_writer writer;
    int64_t on;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "timezone", policy->timezone);
    json_begin_array(&writer, "windows");
    on = put_windows(from, policy, begin, begin + days * INT64_C(86400000), &writer);
    json_end_array(&writer);
    json_put_number(&writer, "hours_on", (double)on / 3600000);
    json_end_object(&writer);
}

/* ---- what a proxy says ---- */

static void put_heard(struct json_writer *writer, const struct heard *heard)
{
    static const char *const doors[] = {[HEARD_AUTH] = "auth", [HEARD_HELPER] = "helper"};

    json_begin_object(writer, NULL);
    json_put_string(writer, "door", doors[heard->door]);
    json_put_string(writer, "peer", heard->peer);
    json_put_bool(writer, "trusted", heard->trusted);
    json_put_string(writer, "address", heard->address);
    json_put_string(writer, "host", heard->host);
    json_begin_object(writer, "headers");
    for (unsigned i = 0; i < HEARD_HEADERS; i++)
        json_put_string(writer, heard_header_name((enum heard_header)i),
                        heard->has[i] ? heard->headers[i] : NULL);
    json_end_object(writer);
    json_end_object(writer);
}

void describe_heard(const struct describe *from, const char *token, struct buf *out)
{
    struct heard all[HEARD_MAX];
    const size_t n = heard_find(board_heard(from->current->board), token, all);
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_begin_array(&writer, "requests");
    for (size_t i = 0; i < n; i++)
        put_heard(&writer, &all[i]);
    json_end_array(&writer);
    json_end_object(&writer);
}
