/*
 * docker: the containers of this machine, through the engine's API on its unix socket (Docker or
 * Podman's compatible one), on the caller's sd-event loop. One event stream instead of polling.
 * Nothing blocks; every answer is bounded (1 MiB), checked and may be refused. Loop thread only.
 * The listener is never called from within these functions; it may give commands, not destroy.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "core/fact.h"

struct docker;

enum { DOCKER_CONTAINERS_MAX = 128, DOCKER_NAME_SIZE = 129, DOCKER_PROJECT_SIZE = 65 };

struct docker_container {
    char name[DOCKER_NAME_SIZE];       /* without the leading slash */
    char project[DOCKER_PROJECT_SIZE]; /* label hall.project, else com.docker.compose.project, or ""
                                        */
    char state[24];                    /* created, running, paused, restarting, removing, exited,
                                          dead; unknown where the engine says another word */
    char health[24]; /* starting, healthy, unhealthy, or "" where none is defined or it
                        does not run */
    bool busy;       /* label hall.busy=true: must not be stopped under */
};

struct docker_view {
    bool up;             /* the engine answers */
    struct fact problem; /* why not; FACT_NONE when up */
    size_t n;
    size_t left_out; /* more than there is room for, or without a name that can be one */
    struct docker_container containers[DOCKER_CONTAINERS_MAX]; /* by name; none when not up */
};

struct docker_listener {
    /* something a report shows changed */
    void (*changed)(void *context, const struct docker_view *view);
    /* a command ended: why not all of it was done; FACT_NONE: the engine accepted all. What the
     * containers come to is told by `changed`. */
    void (*done)(void *context, const char *request, const struct fact *why);
};

/* socket: path of the engine's socket. Connects by itself and again after the engine restarts.
 * -EINVAL: no path of a socket (1 to 107 bytes); -ENOMEM. */
int docker_create(sd_event *loop, const char *socket, const struct docker_listener *listener,
                  void *context, struct docker **ret_docker);
void docker_destroy(struct docker *docker);

/*
 * Starts, stops or restarts the named containers, or where none is named those of the project, in
 * the order compose's depends_on labels say (stopping in reverse); request comes back in `done`.
 * -EBUSY: a container of it is under another command; -ENOENT: none of them exists; -ENOTCONN: the
 * engine is not there.
 */
enum docker_verb { DOCKER_START, DOCKER_STOP, DOCKER_RESTART };
int docker_command(struct docker *docker, enum docker_verb verb, const char *project,
                   const char *const *names, size_t n_names, const char *request);

#endif
