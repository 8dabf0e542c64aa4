/* What somebody runs in a container beside what it is for: docker exec, and what the clients of
 * Docker and Podman do that must not be cut. A container's own check of its health is such an exec
 * too, so that what has no terminal counts only once it has run for longer than such checks do. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"

enum {
    CHECK_MS = 60000,
    ARGUMENTS_SIZE = 2048,
    CGROUP_SIZE = 1024,
    STATUS_SIZE = 4096,
    ID_DIGITS = 64,
    ID_SHOWN = 12,
};

static const char *const clients[] = {"docker", "docker-compose", "podman", "nerdctl"};
static const char *const works[] = {"exec", "cp",   "build",  "buildx", "pull",  "push",
                                    "save", "load", "import", "export", "commit"};
/* Behind these come words that are not the client's. */
static const char *const others[] = {"run", "start", "attach", "logs", "stats", "events", "up"};

static bool counts(const struct watch_config *config)
{
    return config->execs;
}

static bool is_among(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

static void look_at_client(struct watch *watch, const struct process *process)
{
    char text[ARGUMENTS_SIZE], name[64];
    const size_t length = walk_read(&watch->walk, process->pid, "cmdline", text, sizeof(text));
    const char *at = walk_word(text, length, NULL);
    while (at && (at = walk_word(text, length, at)) && !is_among(at, others, ARRAY_SIZE(others)))
        if (is_among(at, works, ARRAY_SIZE(works))) {
            snprintf(name, sizeof(name), "%s %s", process->name, at);
            if (!watch_ignores(watch, name))
                found_add(&watch->sight.sample.execs, name, "");
            return;
        }
}

/* The id that stands in the name of its control group: 64 digits; "" where there is none. */
static void find_container(const struct walk *walk, const struct process *process,
                           char ret_id[ID_SHOWN + 1])
{
    char text[CGROUP_SIZE];
    const size_t length = walk_read(walk, process->pid, "cgroup", text, sizeof(text));
    size_t digits = 0;
    ret_id[0] = '\0';
    for (size_t i = 0; i < length; i++) {
        digits = text_hex_digit(text[i]) >= 0 ? digits + 1 : 0;
        if (digits == ID_DIGITS) {
            memcpy(ret_id, text + i + 1 - ID_DIGITS, ID_SHOWN);
            ret_id[ID_SHOWN] = '\0';
            return;
        }
    }
}

/* The oldest of those below one shim is what the container is for. */
static bool is_first(const struct walk *walk, const struct process *process)
{
    for (size_t i = 0; i < walk->n; i++) {
        const struct process *other = &walk->list[i];
        if (other != process && other->parent == process->parent &&
            (other->age_ms > process->age_ms ||
             (other->age_ms == process->age_ms && other->pid < process->pid)))
            return false;
    }
    return true;
}

/* In a process namespace of its own it is the first: several containers may share a shim. The line
 * is "NSpid:\t4711\t1". */
static bool is_init(const struct walk *walk, const struct process *process)
{
    char text[STATUS_SIZE];
    (void)walk_read(walk, process->pid, "status", text, sizeof(text));
    const char *line = strstr(text, "\nNSpid:");
    const size_t length = line ? strcspn(line + 1, "\n") : 0;
    return length > 2 && strncmp(line + 1 + length - 2, "\t1", 2) == 0;
}

static void look_at_inside(struct watch *watch, const struct process *process)
{
    const struct process *parent = walk_find(&watch->walk, process->parent);
    char id[ID_SHOWN + 1];
    if (!parent || strncmp(parent->name, "containerd-shim", 15) != 0 ||
        strcmp(process->name, "runc") == 0 || (!process->terminal && process->age_ms < CHECK_MS) ||
        is_first(&watch->walk, process) || is_init(&watch->walk, process) ||
        watch_ignores(watch, process->name))
        return;
    find_container(&watch->walk, process, id);
    found_add(&watch->sight.sample.execs, process->name, id);
}

static void look(struct watch *watch)
{
    const struct walk *walk = &watch->walk;
    watch->sight.sample.execs = (struct sample_found){.problem = walk->problem};
    for (size_t i = 0; i < walk->n; i++) {
        const struct process *process = &walk->list[i];
        if (process->kernel)
            continue;
        if (is_among(process->name, clients, ARRAY_SIZE(clients)))
            look_at_client(watch, process);
        else
            look_at_inside(watch, process);
    }
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->execs, "execs", FACT_VETO_EXEC, vetoes);
}

const struct veto_check veto_execs = {"execs", false, counts, look, judge, VETO_PROBLEM(execs)};
