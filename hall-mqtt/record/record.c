#include "record/record_internal.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/places.h"
#include "base/text.h"
#include "record/field.h"
#include "say/say.h"

enum { TRANSACTION_MOST = 2 * 3600000 }; /* ms */
/* ms: Hall may have been away for long when it was asked for. Ten years. */
static const int64_t AWAY_MOST = 10LL * 366 * 24 * 3600000;

/* Enumerations are ints; what they may be is checked where they are read. */
static const struct field saved_fields[] = {
    FIELD(saved, at, FIELD_INT64),
    FIELD(saved, boot_at, FIELD_INT64),
    FIELD(saved, state, FIELD_INT),
    FIELD(saved, since, FIELD_INT64),
    FIELD(saved, up_since, FIELD_INT64),
    FIELD(saved, down_since, FIELD_INT64),
    FIELD(saved, retry_at, FIELD_INT64),
    FIELD(saved, was_ready, FIELD_BOOL),
    FIELD(saved, said_goodbye, FIELD_BOOL),
    FIELD(saved, ever_woken, FIELD_BOOL),
    FIELD(saved, resting, FIELD_BOOL),
    FIELD(saved, leaving, FIELD_INT64),
    FIELD(saved, guard.kind, FIELD_INT),
    FIELD(saved, guard.until, FIELD_INT64),
    FIELD(saved, goodbye, FIELD_BOOL),
    FIELD(saved, mac_matched, FIELD_BOOL),
    FIELD(saved, failures, FIELD_UINT32),
    FIELD(saved, failure, FIELD_INT),
    FIELD_ALWAYS(saved, last_boot, FIELD_INT64),
    FIELD(saved, boot_id, FIELD_TEXT),
    FIELD(saved, last_ready, FIELD_INT64),
};
static const struct field override_fields[] = {
    FIELD(saved_override, policy_set, FIELD_BOOL),
    FIELD(saved_override, policy, FIELD_INT),
    FIELD(saved_override, idle, FIELD_INT64),
    FIELD(saved_override, by, FIELD_TEXT),
};
static const struct field wake_fields[] = {
    FIELD(wake, open, FIELD_BOOL),        FIELD(wake, wait, FIELD_INT),
    FIELD(wake, queued, FIELD_BOOL),      FIELD(wake, recent, FIELD_BOOL),
    FIELD(wake, packets, FIELD_UINT32),   FIELD(wake, packets_sent, FIELD_UINT32),
    FIELD(wake, kind, FIELD_INT),         FIELD(wake, started, FIELD_INT64),
    FIELD(wake, deadline, FIELD_INT64),   FIELD(wake, next_packet, FIELD_INT64),
    FIELD(wake, boot_id, FIELD_TEXT),     FIELD(wake, id, FIELD_TEXT),
    FIELD(wake, begun, FIELD_BOOL),       FIELD(wake, force, FIELD_BOOL),
    FIELD(wake, found_alive, FIELD_BOOL),
};
static const struct field sleep_fields[] = {
    FIELD(sleep, phase, FIELD_INT),        FIELD(sleep, restart, FIELD_BOOL),
    FIELD(sleep, force, FIELD_BOOL),       FIELD(sleep, own, FIELD_BOOL),
    FIELD(sleep, started, FIELD_INT64),    FIELD(sleep, deadline, FIELD_INT64),
    FIELD(sleep, not_before, FIELD_INT64), FIELD(sleep, id, FIELD_TEXT),
    FIELD(sleep, by, FIELD_TEXT),
};
static const struct field lease_fields[] = {
    FIELD_ALWAYS(lease, kind, FIELD_INT), FIELD(lease, since, FIELD_INT64),
    FIELD(lease, renewed, FIELD_INT64),   FIELD(lease, until, FIELD_INT64),
    FIELD(lease, ends, FIELD_INT64),      FIELD(lease, told, FIELD_INT64),
    FIELD(lease, holder, FIELD_TEXT),
};
static const struct field command_fields[] = {
    FIELD(ledger_entry, answered, FIELD_BOOL),     FIELD(ledger_entry, open, FIELD_BOOL),
    FIELD_ALWAYS(ledger_entry, action, FIELD_INT), FIELD(ledger_entry, outcome, FIELD_INT),
    FIELD(ledger_entry, received, FIELD_INT64),    FIELD(ledger_entry, seconds_ms, FIELD_INT64),
    FIELD(ledger_entry, id, FIELD_TEXT),           FIELD(ledger_entry, by, FIELD_TEXT),
};
static const struct field project_fields[] = {
    FIELD(saved_project, id, FIELD_TEXT),
    FIELD(saved_project, visits, FIELD_UINT32),
    FIELD(saved_project, last_visit, FIELD_INT64),
    FIELD(saved_project, wanted, FIELD_BOOL),
};

/* Whose it is. */

void record_put_owner(struct json_writer *writer, const struct record_owner *owner)
{
    char mac[MAC_TEXT_SIZE];

    json_put_string(writer, "config", owner->config);
    if (owner->mac)
        json_put_string(writer, "mac", text_format_mac(owner->mac, mac));
    if (owner->boot && owner->boot[0])
        json_put_string(writer, "boot", owner->boot);
}

bool record_is_of_boot(const struct json *record, const struct record_owner *owner)
{
    return owner->boot && owner->boot[0] &&
           text_equal(json_get_string(record, "boot"), owner->boot);
}

/* What a Hall saved that was installed by hand is its own after a package moved its file. */
static bool is_config_of(const char *saved, const char *config)
{
    return text_equal(saved, config) ||
           (text_equal(config, PLACE_CONFIG) && text_equal(saved, PLACE_CONFIG_OF_OLD));
}

bool record_is_of(const struct json *record, const struct record_owner *owner)
{
    char mac[MAC_TEXT_SIZE];

    if (!is_config_of(json_get_string(record, "config"), owner->config))
        return false;
    return !owner->mac ||
           text_equal(json_get_string(record, "mac"), text_format_mac(owner->mac, mac));
}

/* Facts, by their codes. */

static void write_fact(struct json_writer *writer, const char *name, const struct fact *fact,
                       const struct model *model)
{
    if (!fact_is(fact, FACT_NONE))
        say_put_fact(writer, name, fact, model);
}

/* A record of an older Hall has a sentence there. What is about something that is configured no
 * more is left out. */
static struct fact read_fact(const struct json *object, const char *name, const struct model *model,
                             int server)
{
    const struct json *json = json_get(object, name);
    struct fact fact = {0};
    struct told told;

    if (json_string(json))
        fact = fact_said(json_string(json));
    else if (json && say_read_fact(json, &told) == 0)
        (void)say_locate(&told, model, server, &fact);
    return fact;
}

/* Lists. */

static void write_leases(struct json_writer *writer, const struct lease_set *set,
                         const struct model *model, int server)
{
    json_begin_array(writer, "leases");
    for (size_t i = 0; i < set->n; i++) {
        const struct lease *lease = &set->leases[i];
        const struct fact why = lease_why(lease);

        json_begin_object(writer, NULL);
        field_write(writer, lease_fields, ARRAY_SIZE(lease_fields), lease);
        if (lease->subject != MODEL_NONE)
            json_put_string(writer, "of", lease_holder(lease, model, server));
        write_fact(writer, "label", &why, model);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* The site, domain or server that holds it, by its name; false: it is configured no more. Older
 * records name it as the holder. */
static bool find_holder(const struct json *item, const struct model *model, int server,
                        struct lease *lease)
{
    const char *of = json_get_string(item, "of");
    const char *name = of ? of : lease->holder;

    lease->subject = MODEL_NONE;
    switch (lease->kind) {
    case LEASE_VISIT:
        lease->subject = model_site_by_id(model, name);
        break;
    case LEASE_STREAM:
        if (!of && strcmp(name, AGENT_STREAM) == 0)
            return true;
        lease->subject = model_site_by_id(model, name);
        break;
    case LEASE_ALWAYS_ON:
        if (!of && (name[0] == '\0' || strcmp(name, model->servers[server].id) == 0)) {
            lease->holder[0] = '\0';
            return true;
        }
        lease->subject = model_domain_by_host(model, name);
        break;
    case LEASE_SCHEDULE:
        lease->subject = model_domain_by_host(model, name);
        break;
    case LEASE_DEPENDENT:
        lease->subject = model_server_by_id(model, name);
        break;
    case LEASE_MANUAL:
    case LEASE_HOLD:
    case LEASE_AGENT:
        return true;
    }
    lease->holder[0] = '\0';
    return lease->subject != MODEL_NONE;
}

static void read_leases(const struct json *array, const struct model *model, int server,
                        struct lease_set *set)
{
    for (const struct json *item = json_first(array); item; item = json_next(item)) {
        struct lease lease = {.kind = (enum lease_kind)LEASE_KINDS};
        const struct fact why = read_fact(item, "label", model, server);

        field_read(item, lease_fields, ARRAY_SIZE(lease_fields), &lease);
        if ((unsigned)lease.kind >= LEASE_KINDS || strlen(lease.holder) >= LEASE_HOLDER_SIZE ||
            !find_holder(item, model, server, &lease))
            continue;
        if (lease.ends == LEASE_FOREVER || lease.told == LEASE_FOREVER)
            lease.ends = lease.told = 0;
        lease_say(&lease, &why);
        set->leases[set->n++] = lease;
    }
}

static void write_commands(struct json_writer *writer, const struct saved *saved,
                           const struct model *model)
{
    json_begin_array(writer, "commands");
    for (size_t i = 0; i < saved->n_commands; i++) {
        json_begin_object(writer, NULL);
        field_write(writer, command_fields, ARRAY_SIZE(command_fields), &saved->commands[i]);
        write_fact(writer, "reason", &saved->commands[i].reason, model);
        if (saved->commanded[i][0])
            json_put_string(writer, "project", saved->commanded[i]);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void read_commands(const struct json *array, const struct model *model, int server,
                          struct saved *saved)
{
    for (const struct json *item = json_first(array); item && saved->n_commands < SAVED_COMMANDS;
         item = json_next(item)) {
        struct ledger_entry entry = {
            .used = true, .site = MODEL_NONE, .action = (enum command_action)COMMAND_ACTIONS};

        field_read(item, command_fields, ARRAY_SIZE(command_fields), &entry);
        if ((unsigned)entry.action <= COMMAND_STOP && (unsigned)entry.outcome <= OUTCOME_FAILED &&
            entry.id[0]) {
            const char *project = json_get_string(item, "project");

            text_copy(saved->commanded[saved->n_commands], sizeof(saved->commanded[0]),
                      project ? project : "");
            if (model)
                entry.reason = read_fact(item, "reason", model, server);
            saved->commands[saved->n_commands++] = entry;
        }
    }
}

static void write_projects(struct json_writer *writer, const struct saved *saved)
{
    json_begin_array(writer, "projects");
    for (size_t i = 0; i < saved->n_projects; i++) {
        const struct saved_project *project = &saved->projects[i];

        json_begin_object(writer, NULL);
        field_write(writer, project_fields, ARRAY_SIZE(project_fields), project);
        json_begin_array(writer, "runs");
        for (uint32_t k = 0; k < project->n_runs; k++)
            json_put_integer(writer, NULL, project->runs[k]);
        json_end_array(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void read_runs(const struct json *array, struct saved_project *project)
{
    for (const struct json *item = json_first(array); item && project->n_runs < PROJECT_RUNS_MAX;
         item = json_next(item)) {
        int64_t ms = -1;

        if (json_integer(item, &ms) && ms >= 0 && ms <= INT32_MAX)
            project->runs[project->n_runs++] = (int32_t)ms;
    }
}

/* Servers. */

int record_write_server(const struct saved *saved, const struct model *model, int server,
                        const struct record_owner *owner, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    record_put_owner(&writer, owner);
    field_write(&writer, saved_fields, ARRAY_SIZE(saved_fields), saved);
    json_begin_object(&writer, "override");
    field_write(&writer, override_fields, ARRAY_SIZE(override_fields), &saved->override);
    json_end_object(&writer);
    json_begin_object(&writer, "wake");
    field_write(&writer, wake_fields, ARRAY_SIZE(wake_fields), &saved->wake);
    write_fact(&writer, "cause", &saved->wake.cause, model);
    record_put_times(&writer, "stages", saved->wake.stages);
    json_end_object(&writer);
    json_begin_object(&writer, "sleep");
    field_write(&writer, sleep_fields, ARRAY_SIZE(sleep_fields), &saved->sleep);
    write_fact(&writer, "refusal", &saved->sleep.refusal, model);
    json_end_object(&writer);
    write_leases(&writer, &saved->leases, model, server);
    write_commands(&writer, saved, model);
    write_projects(&writer, saved);
    record_put_learned(&writer, saved);
    json_end_object(&writer);
    return buf_error(out);
}

/* What may come of one list: no record says how much memory is taken. */
static size_t count(const struct json *list, size_t most)
{
    const size_t n = json_count(list);

    return n < most ? n : most;
}

static int read_server(const struct json *record, const struct model *model, int server,
                       struct saved *saved)
{
    const struct json *wake = json_get(record, "wake"), *projects = json_get(record, "projects");
    const size_t leases = json_count(json_get(record, "leases"));

    if (saved_init(saved, leases, count(projects, model->n_sites),
                   count(json_get(record, "commands"), SAVED_COMMANDS)) < 0)
        return -ENOMEM;
    field_read(record, saved_fields, ARRAY_SIZE(saved_fields), saved);
    field_read(json_get(record, "override"), override_fields, ARRAY_SIZE(override_fields),
               &saved->override);
    field_read(wake, wake_fields, ARRAY_SIZE(wake_fields), &saved->wake);
    saved->wake.cause = read_fact(wake, "cause", model, server);
    record_read_times(json_get(wake, "stages"), saved->wake.stages);
    field_read(json_get(record, "sleep"), sleep_fields, ARRAY_SIZE(sleep_fields), &saved->sleep);
    saved->sleep.refusal = read_fact(json_get(record, "sleep"), "refusal", model, server);
    read_leases(json_get(record, "leases"), model, server, &saved->leases);
    read_commands(json_get(record, "commands"), model, server, saved);
    for (const struct json *item = json_first(projects); item && saved->n_projects < model->n_sites;
         item = json_next(item)) {
        struct saved_project *project = &saved->projects[saved->n_projects++];
        field_read(item, project_fields, ARRAY_SIZE(project_fields), project);
        read_runs(json_get(item, "runs"), project);
    }
    record_read_learned(record, saved);
    return 0;
}

/* No transaction begins after it was written down, or may last longer than the longest there is:
 * else it would hardly end. */
static bool is_timely(int64_t at, int64_t started, int64_t deadline)
{
    return started <= at && started <= deadline && deadline <= at + TRANSACTION_MOST &&
           started >= at - AWAY_MOST;
}

static bool is_sound(const struct saved *saved)
{
    const struct wake *wake = &saved->wake;
    const struct sleep *sleep = &saved->sleep;

    if (wake->open && !is_timely(saved->at, wake->started, wake->deadline))
        return false;
    if (sleep->phase != SLEEP_NONE && !is_timely(saved->at, sleep->started, sleep->deadline))
        return false;
    return (unsigned)saved->state < POWER_STATES && (unsigned)saved->guard.kind < GUARDS &&
           (unsigned)saved->failure <= FAILURE_DEPENDENCY &&
           (unsigned)saved->override.policy <= POLICY_ON_DEMAND &&
           (unsigned)saved->wake.kind < WAKE_KINDS && (unsigned)saved->wake.wait <= WAIT_TURN &&
           (unsigned)saved->sleep.phase <= SLEEP_AGREED && saved->override.idle >= 0;
}

static const struct json_limits record_limits = {.bytes = RECORD_LIMIT, .depth = 16};

int record_read_commands(const char *text, size_t length, const struct record_owner *owner,
                         struct saved *ret_saved)
{
    struct json_error wrong;
    struct json *record;

    if (json_read(text, length, &record_limits, &record, &wrong) < 0)
        return -EINVAL;
    const struct json *commands = json_get(record, "commands");
    const int error = !record_is_of(record, owner)
                          ? -ESTALE
                          : saved_init(ret_saved, 0, 0, count(commands, SAVED_COMMANDS));

    if (error == 0)
        read_commands(commands, NULL, MODEL_NONE, ret_saved);
    json_free(record);
    return error;
}

int record_read_server(const char *text, size_t length, const struct model *model, int server,
                       const struct record_owner *owner, struct saved *ret_saved)
{
    struct json_error wrong;
    struct json *record;
    struct saved saved;

    if (json_read(text, length, &record_limits, &record, &wrong) < 0)
        return -EINVAL;
    const bool owned = record_is_of(record, owner);
    const int error = owned ? read_server(record, model, server, &saved) : -ESTALE;
    if (error == 0 && !record_is_of_boot(record, owner))
        saved.boot_at = 0;
    json_free(record);
    if (error < 0)
        return error;
    if (!is_sound(&saved)) {
        saved_finish(&saved);
        return -EINVAL;
    }
    *ret_saved = saved;
    return 0;
}
