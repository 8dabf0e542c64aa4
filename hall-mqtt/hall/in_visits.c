#include "hall/in_visits.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/text.h"

static void on_refused(const struct in_visits *in, const struct visit *visit)
{
    const struct fact *why = visit->why ? visit->why : &FACT(NONE);
    const struct news news = {
        .kind = NEWS_REFUSED,
        .refused = {.who = visit->who, .path = visit->path, .why = why, .site = visit->site}};

    outlets_refused(in->outlets, &in->current->config->model, &news);
}

void in_visits_take(const struct in_visits *in)
{
    struct visit visit;

    while (board_take(in->current->board, &visit)) {
        if (visit.kind == VISIT_REFUSED) {
            on_refused(in, &visit);
        } else {
            const bool uses = visit.kind == VISIT_USES;
            struct fleet_event event = {.kind = uses ? FLEET_USE : FLEET_VISIT,
                                        .visit = {.site = visit.site}};
            outlets_tell(in->outlets, &(struct news){.kind = NEWS_VISIT,
                                                     .visit = {visit.site, visit.who, uses}});
            text_copy(event.visit.who, sizeof(event.visit.who), visit.who);
            turn_feed(in->turn, &event);
        }
        free(visit.why);
    }
}

static int on_inbox(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    in_visits_take(context);
    return 0;
}

int in_visits_listen(struct in_visits *in, sd_event *loop, const struct board *board,
                     sd_event_source **ret_source)
{
    const int error = sd_event_add_io(loop, ret_source, board_fd(board), EPOLLIN, on_inbox, in);

    return error < 0 ? error : 0;
}
