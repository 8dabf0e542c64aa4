#include "hall/in_store.h"

#include <string.h>
#include <sys/epoll.h>

static int on_stored(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_store *in = context;
    struct news news = {.kind = NEWS_STORED, .ticket = store_committed(in->store)};
    char problem[sizeof(in->problem)];

    (void)source;
    (void)fd;
    (void)events;
    outlets_tell(in->outlets, &news);
    store_problem(in->store, problem, sizeof(problem));
    if (strcmp(problem, in->problem) == 0)
        return 0;
    if ((problem[0] == '\0') != (in->problem[0] == '\0'))
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_TROUBLE, .problem = problem});
    memcpy(in->problem, problem, sizeof(problem));
    outlets_event(in->outlets, "store_problem",
                  problem[0] ? say_words(FACT_STORE_PROBLEM, problem, NULL)
                             : say_words(FACT_STORE_REPAIRED, NULL, NULL));
    return 0;
}

int in_store_listen(struct in_store *in, sd_event *loop)
{
    const int error =
        sd_event_add_io(loop, &in->source, store_fd(in->store), EPOLLIN, on_stored, in);

    return error < 0 ? error : 0;
}

void in_store_finish(struct in_store *in)
{
    sd_event_source_disable_unref(in->source);
}
