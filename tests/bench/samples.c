#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

void samples_add(struct samples *samples, int64_t ns)
{
    if (samples->n == samples->room) {
        const size_t room = samples->room == 0 ? 4096 : 2 * samples->room;
        int64_t *grown = realloc(samples->ns, room * sizeof(*grown));

        if (!grown) {
            perror("bench");
            exit(EXIT_FAILURE);
        }
        samples->ns = grown;
        samples->room = room;
    }
    samples->ns[samples->n++] = ns;
}

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

double samples_percentile(struct samples *samples, double percent)
{
    if (samples->n == 0)
        return -1;
    qsort(samples->ns, samples->n, sizeof(samples->ns[0]), compare);
    const size_t rank = (size_t)((double)samples->n * percent / 100);
    return (double)samples->ns[rank < samples->n ? rank : samples->n - 1] / 1000;
}

void samples_finish(struct samples *samples)
{
    free(samples->ns);
    *samples = (struct samples){0};
}
