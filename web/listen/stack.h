/*
 * stack: gives back what the deepest request made of a worker's stack, which otherwise stays in
 * memory for as long as the worker lives. Each function for the calling thread, by its own struct.
 */
#ifndef HALL_WEB_LISTEN_STACK_H
#define HALL_WEB_LISTEN_STACK_H

#include <stdint.h>

struct stack {
    char *lowest;      /* its lowest byte; NULL: not known */
    int64_t gave_back; /* boot clock, ns */
};

/* At the thread's start. */
void stack_know(struct stack *stack);
/* While little of it is in use; now: boot clock, ns. Does nothing twice within half a second, so
 * that many short connections do not pay for it. */
void stack_give_back(struct stack *stack, int64_t now);

#endif
