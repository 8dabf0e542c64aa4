#include "bridges/agent/watch/programs.h"

#include <string.h>

#include "base/text.h"

enum { ARGUMENTS_SIZE = 2048 };

static bool is_resident(const struct walk *walk, const struct process *process,
                        const struct program *program)
{
    char text[ARGUMENTS_SIZE];
    const size_t length = walk_read(walk, process->pid, "cmdline", text, sizeof(text));
    for (const char *at = walk_word(text, length, NULL); at; at = walk_word(text, length, at))
        for (size_t i = 0; i < PROGRAM_RESIDENT_WORDS; i++)
            if (text_equal(at, program->resident[i]))
                return true;
    return false;
}

/* rsync --daemon forks for each client: the child has its parent's words. */
static bool is_child_of_same(const struct walk *walk, const struct process *process)
{
    const struct process *parent = walk_find(walk, process->parent);
    return parent && strcmp(parent->name, process->name) == 0;
}

bool program_counts(const struct walk *walk, const struct process *process,
                    const struct program *program)
{
    if (process->kernel || !proc_is_named(process->name, program->name))
        return false;
    if (program->brief && process->age_ms < PROGRAM_BRIEF_MS)
        return false;
    return !program->resident[0] || is_child_of_same(walk, process) ||
           !is_resident(walk, process, program);
}

const struct program *program_find(const struct walk *walk, const struct process *process,
                                   const struct program *programs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (program_counts(walk, process, &programs[i]))
            return &programs[i];
    return NULL;
}
