#include "loop/curl_loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum { SLACK_MS = 50 };

struct curl_loop {
    sd_event *loop;
    CURLM *multi;
    sd_event_source *timer;
    curl_loop_done *done;
    bool initialized; /* curl_global_init was called */
};

static void read_results(const struct curl_loop *loop)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left));) {
        void *transfer = NULL;
        const CURLcode result = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        loop->done(transfer, (int)result);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    const struct curl_loop *loop = userdata;
    int running;
    (void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results(loop);
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    const struct curl_loop *loop = userdata;
    const int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                     (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                     (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    (void)curl_multi_socket_action(loop->multi, fd, mask, &running);
    read_results(loop);
    return 0;
}

static int want_timer(CURLM *multi, long ms, void *userdata)
{
    (void)multi;
    const struct curl_loop *loop = userdata;
    if (ms < 0)
        return sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    /* Now means in this turn of the loop; what is far away may come a little late, with others. */
    const uint64_t accuracy = ms == 0 ? 1 : ms < SLACK_MS * 10 ? 1000 : SLACK_MS * 1000;
    if (sd_event_source_set_time_accuracy(loop->timer, accuracy) < 0 ||
        sd_event_source_set_time_relative(loop->timer, (uint64_t)ms * 1000) < 0)
        return -1;
    return sd_event_source_set_enabled(loop->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static uint32_t epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int want_io(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
    (void)easy;
    struct curl_loop *loop = userdata;
    sd_event_source *io = socket_data;
    if (what == CURL_POLL_REMOVE) {
        sd_event_source_disable_unref(io);
        return 0;
    }
    if (io)
        return sd_event_source_set_io_events(io, epoll_events(what)) < 0 ? -1 : 0;
    if (sd_event_add_io(loop->loop, &io, fd, epoll_events(what), on_io, loop) < 0)
        return -1;
    return curl_multi_assign(loop->multi, fd, io) == CURLM_OK ? 0 : -1;
}

int curl_loop_add(struct curl_loop *loop, void *easy)
{
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void curl_loop_remove(struct curl_loop *loop, void *easy)
{
    (void)curl_multi_remove_handle(loop->multi, easy);
}

static int make_multi(struct curl_loop *loop, bool tls)
{
    if (curl_global_init(tls ? CURL_GLOBAL_DEFAULT : CURL_GLOBAL_NOTHING) != CURLE_OK)
        return -ENOMEM;
    loop->initialized = true;
    loop->multi = curl_multi_init();
    const bool set =
        loop->multi &&
        curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, want_io) == CURLM_OK &&
        curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) == CURLM_OK &&
        curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
        curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) == CURLM_OK;
    return set ? 0 : -ENOMEM;
}

int curl_loop_create(sd_event *event, bool tls, curl_loop_done *done, struct curl_loop **ret_loop)
{
    struct curl_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    *loop = (struct curl_loop){.loop = sd_event_ref(event), .done = done};
    int r = sd_event_add_time(loop->loop, &loop->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, loop);
    if (r >= 0)
        r = sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF);
    if (r >= 0)
        r = make_multi(loop, tls);
    if (r < 0) {
        curl_loop_destroy(loop);
        return r;
    }
    *ret_loop = loop;
    return 0;
}

void curl_loop_destroy(struct curl_loop *loop)
{
    if (!loop)
        return;
    if (loop->multi)
        (void)curl_multi_cleanup(loop->multi);
    if (loop->initialized)
        curl_global_cleanup();
    sd_event_source_disable_unref(loop->timer);
    (void)sd_event_unref(loop->loop);
    free(loop);
}
