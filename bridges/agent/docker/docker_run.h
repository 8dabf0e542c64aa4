/*
 * docker_run: commands under way. Each goes through its containers one after the other, waiting for
 * the engine to accept each step, not for health; several commands go on side by side as long as
 * they share no container. Loop thread only.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_RUN_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_RUN_H

#include "bridges/agent/docker/docker_api.h"
#include "bridges/agent/docker/docker_http.h"

struct docker_run;

/* Owned by docker.c; zeroed but for the first three. */
struct docker_runs {
    struct docker_http *http;
    const struct docker_listener *listener;
    void *context;
    struct docker_run *first;
};

struct docker_task {
    enum docker_verb verb;
    const char *project; /* whose containers, where none is named; or "" */
    const char *const *names;
    size_t n_names;
    const char *request;
};

/* list: what there is to choose from. -ENOENT: nothing of it is there; -EBUSY: a container of it is
 * in another's hands, or too much is under way; -ENOMEM. */
int docker_runs_begin(struct docker_runs *runs, const struct docker_list *list,
                      const struct docker_task *task);
/* Ends all without a word to the listener. */
void docker_runs_finish(struct docker_runs *runs);

#endif
