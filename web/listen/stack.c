#include "web/listen/stack.h"

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
    const uintptr_t lowest = (uintptr_t)stack->lowest;
    uintptr_t below = (uintptr_t)&here - CALL_ROOM;
    below -= below % (uintptr_t)sysconf(_SC_PAGESIZE);
    if (below > lowest)
        madvise(stack->lowest, below - lowest, MADV_DONTNEED);
}
