#include "web/stack.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PAUSE_NS = 500000000,
    CALL_ROOM = 1024, /* of the call that gives it back */
};

void stack_know(struct stack *stack)
{
    pthread_attr_t attributes;
    void *lowest;
    size_t size;

    *stack = (struct stack){.gave_back = INT64_MIN / 2};
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &lowest, &size) == 0)
        stack->lowest = lowest;
    pthread_attr_destroy(&attributes);
}

void stack_give_back(struct stack *stack, int64_t now)
{
    char here;

    if (!stack->lowest || now - stack->gave_back < PAUSE_NS)
        return;
    stack->gave_back = now;
    char *below = &here - CALL_ROOM;
    below -= (uintptr_t)below % (uintptr_t)sysconf(_SC_PAGESIZE);
    if (below > stack->lowest)
        madvise(stack->lowest, (size_t)(below - stack->lowest), MADV_DONTNEED);
}
