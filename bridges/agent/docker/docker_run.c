#include "bridges/agent/docker/docker_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/project.h"

enum {
    RUNS_MAX = 16,
    PATH_SIZE = 128,
    MESSAGE_SIZE = 160,
};

struct target {
    char id[DOCKER_ID_SIZE];
    char name[DOCKER_NAME_SIZE];
};

struct docker_run {
    struct docker_run *next;
    struct docker_runs *runs;
    struct docker_request *asked;
    enum docker_verb verb;
    char *request;
    struct fact why; /* the first thing that went wrong, or FACT_NONE */
    size_t at;
    size_t n;
    struct target targets[]; /* in the order they are to be taken */
};

struct verb {
    const char *word;
    enum project_verb fact_word;
    int64_t limit_ms;
    bool stops_at_failure; /* what comes behind needs what went before */
    bool needs_all;        /* a container that is not there is a failure */
};

/* The engine gives a container its own time to stop, 10 s unless it says otherwise. */
static const struct verb verbs[] = {
    [DOCKER_START] = {"start", PROJECT_START, INT64_C(60) * 1000, true, true},
    [DOCKER_STOP] = {"stop", PROJECT_STOP, INT64_C(180) * 1000, false, false},
    [DOCKER_RESTART] = {"restart", PROJECT_RESTART, INT64_C(240) * 1000, true, true},
};

/* --- ends --- */

static void free_run(struct docker_run *run)
{
    docker_http_drop(run->asked);
    free(run->request);
    free(run);
}

static void end_run(struct docker_run *run)
{
    struct docker_runs *runs = run->runs;
    struct docker_run **at = &runs->first;
    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    runs->listener->done(runs->context, run->request, &run->why);
    free_run(run);
}

void docker_runs_finish(struct docker_runs *runs)
{
    while (runs->first) {
        struct docker_run *run = runs->first;
        runs->first = run->next;
        free_run(run);
    }
}

/* --- steps --- */

/* The first complaint stays. */
static void complain(struct docker_run *run, struct fact why)
{
    if (fact_is(&run->why, FACT_NONE))
        run->why = why;
}

static struct fact explain(const struct docker_run *run, const struct docker_answer *answer)
{
    char message[MESSAGE_SIZE];
    const char *name = run->targets[run->at].name;
    const uint8_t word = (uint8_t)verbs[run->verb].fact_word;
    if (answer->error == -ETIMEDOUT)
        return fact_with(FACT(CONTAINER_LATE, .word = word), name, NULL);
    if (answer->error)
        return fact_with(FACT(CONTAINER_CUT, .word = word), name, strerror(-answer->error));
    if (answer->status == 404)
        return fact_with(FACT(CONTAINER_GONE), name, NULL);
    docker_api_message(answer->body, answer->length, message, sizeof(message));
    return fact_with(FACT(CONTAINER_REFUSED, .word = word, .n = {answer->status}), name, message);
}

static int begin_step(struct docker_run *run);

static void on_step_done(void *context, const struct docker_answer *answer)
{
    struct docker_run *run = context;
    const int status = answer->error ? 0 : answer->status;
    const bool done = status == 204 || status == 304 || status == 200 ||
                      (status == 404 && !verbs[run->verb].needs_all);
    run->asked = NULL;
    if (!done)
        complain(run, explain(run, answer));
    run->at++;
    if (run->at == run->n || (!done && verbs[run->verb].stops_at_failure)) {
        end_run(run);
    } else if (begin_step(run) < 0) {
        complain(run, fact_with(FACT(CONTAINERS_FAILED), strerror(ENOMEM), NULL));
        end_run(run);
    }
}

static int begin_step(struct docker_run *run)
{
    char path[PATH_SIZE];
    const struct verb *verb = &verbs[run->verb];
    (void)snprintf(path, sizeof(path), "/containers/%s/%s", run->targets[run->at].id, verb->word);
    const struct docker_ask ask = {
        .post = true,
        .path = path,
        .limit_ms = verb->limit_ms,
        .done = on_step_done,
        .context = run,
    };
    return docker_http_begin(run->runs->http, &ask, &run->asked);
}

/* --- who is meant --- */

struct choice {
    const struct docker_entry *entries[DOCKER_CONTAINERS_MAX];
    size_t n;
    const char *missing; /* a container asked for that is not there, or NULL */
};

static const struct docker_entry *find(const struct docker_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->entries[i].shown.name, name) == 0)
            return &list->entries[i];
    return NULL;
}

static bool is_chosen(const struct choice *choice, const struct docker_entry *entry)
{
    for (size_t i = 0; i < choice->n; i++)
        if (choice->entries[i] == entry)
            return true;
    return false;
}

/* --- beginning --- */

static bool has_target(const struct docker_run *run, const char *id)
{
    for (size_t i = 0; i < run->n; i++)
        if (strcmp(run->targets[i].id, id) == 0)
            return true;
    return false;
}

static bool is_taken(const struct docker_runs *runs, const struct choice *choice)
{
    size_t under_way = 0;
    for (const struct docker_run *run = runs->first; run; run = run->next, under_way++)
        for (size_t i = 0; i < choice->n; i++)
            if (has_target(run, choice->entries[i]->id))
                return true;
    return under_way >= RUNS_MAX;
}

static int make_run(struct docker_runs *runs, const struct docker_task *task,
                    const struct choice *choice, struct docker_run **ret_run)
{
    struct docker_run *run = calloc(1, sizeof(*run) + choice->n * sizeof(*run->targets));
    if (!run)
        return -ENOMEM;
    run->runs = runs;
    run->verb = task->verb;
    run->n = choice->n;
    run->request = strdup(task->request);
    /* What others depend on starts first and stops last. */
    size_t places[DOCKER_CONTAINERS_MAX];
    docker_api_order(choice->entries, choice->n, places);
    for (size_t i = 0; i < choice->n; i++) {
        size_t from = run->verb == DOCKER_STOP ? choice->n - 1 - i : i;
        const struct docker_entry *entry = choice->entries[places[from]];
        text_copy(run->targets[i].id, sizeof(run->targets[i].id), entry->id);
        text_copy(run->targets[i].name, sizeof(run->targets[i].name), entry->shown.name);
    }
    if (choice->missing && verbs[run->verb].needs_all)
        complain(run, fact_with(FACT(CONTAINER_MISSING), choice->missing, NULL));
    int r = run->request ? begin_step(run) : -ENOMEM;
    if (r < 0) {
        free_run(run);
        return r;
    }
    *ret_run = run;
    return 0;
}

int docker_runs_begin(struct docker_runs *runs, const struct docker_list *list,
                      const struct docker_task *task)
{
    struct docker_run *run;
    struct choice choice = {0};
    for (size_t i = 0; i < task->n_names; i++) {
        const struct docker_entry *entry = find(list, task->names[i]);
        if (!entry)
            choice.missing = task->names[i];
        else if (!is_chosen(&choice, entry))
            choice.entries[choice.n++] = entry;
    }
    for (size_t i = 0; i < list->n && task->n_names == 0 && *task->project; i++)
        if (strcmp(list->entries[i].shown.project, task->project) == 0)
            choice.entries[choice.n++] = &list->entries[i];
    if (choice.n == 0)
        return -ENOENT;
    if (is_taken(runs, &choice))
        return -EBUSY;
    int r = make_run(runs, task, &choice, &run);
    if (r < 0)
        return r;
    run->next = runs->first;
    runs->first = run;
    return 0;
}
