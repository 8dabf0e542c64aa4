/* Terminals that outlive a login (tmux, screen) and in which something runs: who left it there
 * wants it done. A shell that waits for words is nothing. */
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"

enum { DEPTH_MAX = 32, ARGUMENTS_SIZE = 512 };

/* What keeps terminals, by the name of its process. */
static const struct {
    const char *process, *name;
} keepers[] = {
    {"tmux: server", "tmux"}, {"screen", "screen"}, {"zellij", "zellij"},
    {"dtach", "dtach"},       {"abduco", "abduco"}, {"mosh-server", "mosh"},
};

/* What only waits, or leads to another shell. */
static const char *const shells[] = {"sh",   "bash", "dash",   "zsh",   "fish",    "ksh",
                                     "mksh", "ash",  "csh",    "tcsh",  "nu",      "su",
                                     "sudo", "doas", "elvish", "login", "busybox", "gitstatusd"};

static bool counts(const struct watch_config *config)
{
    return config->terminals;
}

static const char *keeper_of(const struct process *process)
{
    for (size_t i = 0; i < ARRAY_SIZE(keepers); i++)
        if (strcmp(process->name, keepers[i].process) == 0)
            return keepers[i].name;
    return NULL;
}

/* The one that this process is in, or NULL. Parents may form a ring: they were not read at once. */
static const char *find_keeper(const struct walk *walk, const struct process *process)
{
    const struct process *above = walk_find(walk, process->parent);
    for (unsigned depth = 0; above && above->pid > 1 && depth < DEPTH_MAX; depth++) {
        const char *keeper = keeper_of(above);
        if (keeper)
            return keeper;
        above = walk_find(walk, above->parent);
    }
    return NULL;
}

static bool is_shell(const struct process *process)
{
    for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
        if (strcmp(process->name, shells[i]) == 0)
            return true;
    return false;
}

/* What a shell was started with, if that is more than options: a script, or the words of -c. What
 * su, sudo and the like start is seen by itself. */
static bool find_script(const struct walk *walk, const struct process *process, char *text,
                        size_t size, const char **ret_script)
{
    const size_t length = walk_read(walk, process->pid, "cmdline", text, size);
    const char *at = walk_word(text, length, NULL);
    *ret_script = NULL;
    if (strstr(process->name, "su") == process->name || strcmp(process->name, "doas") == 0 ||
        strcmp(process->name, "login") == 0 || strcmp(process->name, "gitstatusd") == 0)
        return false;
    while (at && (at = walk_word(text, length, at))) {
        const bool takes_file =
            strcmp(at, "--rcfile") == 0 || strcmp(at, "--init-file") == 0 || strcmp(at, "-o") == 0;
        if (takes_file)
            at = walk_word(text, length, at);
        else if (at[0] != '-' && at[0] != '+')
            *ret_script = at;
        if (*ret_script)
            return true;
    }
    return false;
}

/* Its last part, where it is a path. */
static const char *base_of(const char *script)
{
    const char *slash = strchr(script, ' ') ? NULL : strrchr(script, '/');
    return slash && slash[1] != '\0' ? slash + 1 : script;
}

static void look_at(struct watch *watch, const struct process *process)
{
    char text[ARGUMENTS_SIZE];
    const char *keeper, *script = NULL;
    if (process->kernel || keeper_of(process))
        return;
    keeper = find_keeper(&watch->walk, process);
    if (!keeper)
        return;
    if (is_shell(process) && !find_script(&watch->walk, process, text, sizeof(text), &script))
        return;
    const char *job = script ? base_of(script) : process->name;
    if (!watch_ignores(watch, job))
        found_add(&watch->sight.sample.terminals, job, keeper);
}

static void look(struct watch *watch)
{
    const struct walk *walk = &watch->walk;
    bool any = false;
    watch->sight.sample.terminals = (struct sample_found){.problem = walk->problem};
    for (size_t i = 0; i < walk->n && !any; i++)
        any = keeper_of(&walk->list[i]) != NULL;
    for (size_t i = 0; i < walk->n && any; i++)
        look_at(watch, &walk->list[i]);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->terminals, "terminals", FACT_VETO_TERMINAL, vetoes);
}

const struct veto_check veto_terminals = {"terminals", false, counts,
                                          look,        judge, VETO_PROBLEM(terminals)};
