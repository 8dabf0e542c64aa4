/* Moments in the order of their time, chance, and the log. */
#include <stdarg.h>

#include "world.h"

static bool is_sooner(const struct moment *a, const struct moment *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void rise(struct queue *queue, size_t at)
{
    struct moment *moment = queue->heap[at];

    for (; at > 0 && is_sooner(moment, queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
        queue->heap[at] = queue->heap[(at - 1) / 2];
    queue->heap[at] = moment;
}

static void sink(struct queue *queue, size_t at)
{
    struct moment *moment = queue->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= queue->n)
            break;
        if (child + 1 < queue->n && is_sooner(queue->heap[child + 1], queue->heap[child]))
            child++;
        if (!is_sooner(queue->heap[child], moment))
            break;
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    queue->heap[at] = moment;
}

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void put(struct world *world, const struct moment *moment)
{
    struct queue *queue = &world->queue;
    struct moment *kept =
        queue->n_spare > 0 ? queue->spare[--queue->n_spare] : need(malloc(sizeof(*kept)));

    if (queue->n == queue->room) {
        queue->room = queue->room > 0 ? 2 * queue->room : 64;
        queue->heap = need(reallocarray(queue->heap, queue->room, sizeof(void *)));
    }
    *kept = *moment;
    kept->order = queue->order++;
    queue->heap[queue->n++] = kept;
    rise(queue, queue->n - 1);
}

void world_later(struct world *world, int64_t delay, happens *run, int a, int b, int64_t n)
{
    put(world, &(struct moment){.at = world->t + delay, .run = run, .a = a, .b = b, .n = n});
}

void world_later_said(struct world *world, int64_t delay, happens *run, const struct said *said,
                      int64_t n)
{
    put(world, &(struct moment){
                   .at = world->t + delay, .run = run, .a = said->server, .n = n, .said = *said});
}

int64_t world_next(const struct world *world)
{
    return world->queue.n > 0 ? world->queue.heap[0]->at : NEVER;
}

static void give_back(struct queue *queue, struct moment *moment)
{
    if (queue->n_spare < sizeof(queue->spare) / sizeof(queue->spare[0]))
        queue->spare[queue->n_spare++] = moment;
    else
        free(moment);
}

void world_play(struct world *world)
{
    struct queue *queue = &world->queue;
    struct moment *moment = queue->heap[0];

    queue->heap[0] = queue->heap[--queue->n];
    if (queue->n > 0)
        sink(queue, 0);
    world->counts[COUNT_MOMENTS]++;
    moment->run(world, moment);
    give_back(queue, moment);
}

void world_finish_queue(struct world *world)
{
    struct queue *queue = &world->queue;

    while (queue->n > 0)
        free(queue->heap[--queue->n]);
    while (queue->n_spare > 0)
        free(queue->spare[--queue->n_spare]);
    free(queue->heap);
    *queue = (struct queue){0};
}

/* splitmix64 */
uint32_t roll(struct world *world, uint32_t sides)
{
    uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)((z >> 32) % sides);
}

bool chance(struct world *world, unsigned of_thousand)
{
    return roll(world, 1000) < of_thousand;
}

int64_t between(struct world *world, int64_t low, int64_t high)
{
    return low + (int64_t)roll(world, (uint32_t)(high - low + 1));
}

void tell(struct world *world, const char *format, ...)
{
    char *line = world->lines[world->n_lines++ % LINES];
    va_list arguments;
    const int head = snprintf(line, LINE_SIZE, "%2d:%02d:%02d.%03d  ", (int)(world->t / HOUR),
                              (int)(world->t / MINUTE % 60), (int)(world->t / SECOND % 60),
                              (int)(world->t % SECOND));

    va_start(arguments, format);
    vsnprintf(line + head, (size_t)(LINE_SIZE - head), format, arguments);
    va_end(arguments);
    if (world->verbose)
        puts(line);
}
