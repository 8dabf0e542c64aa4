#include "hall/orphans.h"

#include <string.h>

#include "base/log.h"
#include "record/record.h"

struct orphans {
    const struct current *current;
    struct outlets *outlets;
    struct answers *answers;
    struct out_store *store;
};

/* A project that has moved to another server is a new one there. */
static bool is_gone(const struct model *model, int server, const char *project)
{
    if (server == MODEL_NONE)
        return true;
    if (project[0] == '\0')
        return false;
    const int site = model_project_by_id(model, project);

    return site == MODEL_NONE || model->sites[site].server != server;
}

static void end_command(const struct orphans *orphans, const char *server,
                        struct ledger_entry *entry, const char *project, const struct fact *why)
{
    const int64_t took = clock_now().wall - entry->received;

    entry->outcome = entry->answered ? OUTCOME_FAILED : OUTCOME_REFUSED;
    entry->seconds_ms = took > 0 ? took : 0;
    entry->reason = *why;
    log_info("%s: %s %s by %s: %s: what it was for was removed from the configuration",
             project[0] ? project : server, command_action_name(entry->action), entry->id,
             entry->by, command_outcome_name(entry->outcome));
    answers_send(orphans->answers, entry, project[0] ? TOPIC_PROJECT_RESULT : TOPIC_SERVER_RESULT,
                 project[0] ? project : server);
}

/* What was answered is answered for good: of a server that is gone the record goes. */
static void forget(const struct orphans *orphans, const char *key, int server)
{
    if (server == MODEL_NONE)
        (void)store_put(out_store_store(orphans->store), STORE_SERVER, key, NULL, true);
    else
        outlets_act(
            orphans->outlets,
            &(struct action){.kind = ACTION_SAVE, .server = server, .save = {.durable = true}});
}

static void look_at(void *context, const char *key, const char *body, int64_t saved_wall)
{
    const struct orphans *orphans = context;
    const struct model *model = &orphans->current->config->model;
    const int server = model_server_by_id(model, key);
    const struct record_owner owner = {.config = out_store_config_file(orphans->store),
                                       .mac = server == MODEL_NONE ? NULL
                                                                   : model->servers[server].mac};
    struct saved saved;
    size_t n = 0;

    (void)saved_wall;
    if (record_read_commands(body, strlen(body), &owner, &saved) < 0)
        return;
    for (size_t i = 0; i < saved.n_commands; i++) {
        struct ledger_entry *entry = &saved.commands[i];
        const char *project = saved.commanded[i];

        if (!entry->open || !is_gone(model, server, project))
            continue;
        end_command(orphans, key, entry, project,
                    server == MODEL_NONE ? &FACT(ANSWER_GONE) : &FACT(ANSWER_PROJECT_GONE));
        n++;
    }
    if (n > 0)
        forget(orphans, key, server);
    saved_finish(&saved);
}

void orphans_answer(const struct current *current, struct outlets *outlets, struct answers *answers,
                    struct out_store *store)
{
    struct orphans orphans = {current, outlets, answers, store};

    (void)store_load(out_store_store(store), STORE_SERVER, look_at, &orphans);
}
