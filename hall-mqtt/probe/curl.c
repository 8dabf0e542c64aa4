#include "probe/kinds.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

enum {
    REST_MS = 5 * 1000,    /* after a name that did not resolve in time: the resolver's thread may
                               still be at it */
    REQUESTS_AT_ONCE = 64, /* some 20 KB each */
};

struct http {
    struct probe_kind kind;
    CURLM *multi;
    sd_event_source *timer;
};

struct request {
    struct attempt attempt;
    struct http *http;
    CURL *easy;
    int fd;      /* libcurl's, only looked at; -1: the name is not resolved yet */
    bool asking; /* connected, and the request is this one's to send */
};

/* --- one request: what libcurl calls back --- */

static int on_socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
    (void)purpose;
    ((struct request *)userdata)->fd = fd;
    return CURL_SOCKOPT_OK;
}

static bool someone_asks(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (((const struct request *)a)->asking)
            return true;
    return false;
}

static int on_connected(void *userdata, char *peer, char *own, int peer_port, int own_port)
{
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    struct request *request = userdata;
    if (someone_asks(request->attempt.check))
        return CURL_PREREQFUNC_ABORT;
    request->asking = true;
    return CURL_PREREQFUNC_OK;
}

static uint16_t status_of(CURL *easy)
{
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 999 ? (uint16_t)status : 0;
}

/* Ends the transfer behind the empty line that ends the final head; interim ones (1xx) are passed
 * over. */
static size_t on_header(char *line, size_t one, size_t length, void *userdata)
{
    (void)one;
    const struct request *request = userdata;
    bool end = length <= 2 && (line[0] == '\r' || line[0] == '\n');
    return end && status_of(request->easy) ? 0 : length;
}

static size_t on_body(char *bytes, size_t one, size_t length, void *userdata)
{
    (void)bytes;
    (void)one;
    (void)length;
    (void)userdata;
    return 0;
}

/* --- what a request came to --- */

/* Of a request under way. libcurl counts a connection only when TLS is through. */
static bool is_connected(const struct request *request)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    return request->asking ||
           (request->fd >= 0 && getpeername(request->fd, (struct sockaddr *)&peer, &size) == 0);
}

/* Is this the fault of somebody who took the connection? */
static bool is_fault_of_peer(CURLcode result)
{
    static const CURLcode faults[] = {
        CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION,
        CURLE_GOT_NOTHING,       CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,        CURLE_WEIRD_SERVER_REPLY,
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (faults[i] == result)
            return true;
    return false;
}

static bool is_expected(const struct model_check *check, uint16_t status)
{
    for (size_t i = 0; i < check->n_expect; i++)
        if (status >= check->expect[i].low && status <= check->expect[i].high)
            return true;
    return false;
}

static void finish_without_status(struct request *request, CURLcode result)
{
    long error = 0;
    if (request->asking || is_fault_of_peer(result)) {
        attempt_fail(&request->attempt, ECONNRESET);
    } else if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL) {
        attempt_end(&request->attempt, PROBE_UNABLE, 0);
    } else {
        (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
        if (result == CURLE_OUT_OF_MEMORY || result == CURLE_FAILED_INIT)
            error = ENOMEM;
        attempt_fail(&request->attempt, (int)error);
    }
}

static void finish_request(struct request *request, CURLcode result)
{
    const struct probe_check *check = request->attempt.check;
    uint16_t status = status_of(request->easy);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        attempt_drop(&request->attempt);
    else if (!status)
        finish_without_status(request, result);
    else if (is_expected(check->check, status))
        attempt_end(&request->attempt, PROBE_PASS, status);
    else
        attempt_end(&request->attempt, check->server->loopback ? PROBE_MISS : PROBE_ANSWER, status);
}

static enum probe_outcome http_expire(struct attempt *attempt)
{
    const struct request *request = (const struct request *)attempt;
    if (request->fd < 0)
        attempt->check->rest_until = clock_now().boot + REST_MS;
    return outcome_of_error(attempt->check->server, is_connected(request) ? ECONNRESET : ETIMEDOUT);
}

/* A name is asked for once at a time; a connection is used, not doubled. */
static bool http_engaged(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next) {
        const struct request *request = (const struct request *)a;
        if (request->fd < 0 || is_connected(request))
            return true;
    }
    return false;
}

/* --- libcurl on the loop --- */

static void read_results(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        void *attempt = NULL;
        CURLcode result = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
        finish_request(attempt, result);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    struct http *http = userdata;
    int running;
    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results(http);
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    struct http *http = userdata;
    int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    (void)curl_multi_socket_action(http->multi, fd, mask, &running);
    read_results(http);
    return 0;
}

static int want_timer(CURLM *multi, long ms, void *userdata)
{
    (void)multi;
    const struct http *http = userdata;
    if (ms < 0)
        return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    if (sd_event_source_set_time_relative(http->timer, (uint64_t)ms * 1000) < 0)
        return -1;
    return sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static uint32_t epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int want_io(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
    (void)easy;
    struct http *http = userdata;
    sd_event_source *io = socket_data;
    if (what == CURL_POLL_REMOVE) {
        sd_event_source_disable_unref(io);
        return 0;
    }
    if (io)
        return sd_event_source_set_io_events(io, epoll_events(what)) < 0 ? -1 : 0;
    if (sd_event_add_io(http->kind.env->loop, &io, fd, epoll_events(what), on_io, http) < 0)
        return -1;
    return curl_multi_assign(http->multi, fd, io) == CURLM_OK ? 0 : -1;
}

/* --- beginning and ending --- */

struct option_long {
    CURLoption option;
    long value;
};
struct option_text {
    CURLoption option;
    const char *value;
};

static const struct option_long options_long[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* else dropping a request waits for the resolver's thread */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1}, /* a connection from before a sleep proves nothing */
    {CURLOPT_BUFFERSIZE, 1024},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024},
};

static const struct option_text options_text[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""}, /* none, whatever the environment says */
    {CURLOPT_USERAGENT, "Hall/" HALL_VERSION " (check)"},
};

static CURLcode set_fixed_options(CURL *easy)
{
    CURLcode r = CURLE_OK;
    for (size_t i = 0; !r && i < sizeof options_long / sizeof *options_long; i++)
        r = curl_easy_setopt(easy, options_long[i].option, options_long[i].value);
    for (size_t i = 0; !r && i < sizeof options_text / sizeof *options_text; i++)
        r = curl_easy_setopt(easy, options_text[i].option, options_text[i].value);
    return r;
}

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(request->easy, option, value)

static CURLcode set_options(struct request *request, const char *url)
{
    CURLcode r = set_fixed_options(request->easy);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    SET(CURLOPT_SOCKOPTDATA, request);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, request);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    return r;
}

static void http_drop(struct attempt *attempt)
{
    struct request *request = (struct request *)attempt;
    if (request->easy) {
        (void)curl_multi_remove_handle(request->http->multi, request->easy);
        curl_easy_cleanup(request->easy);
    }
    free(request);
}

static int http_begin(struct probe_kind *kind, struct probe_check *check,
                      struct attempt **ret_attempt)
{
    if (check->rest_until > clock_now().boot)
        return -EHOSTUNREACH;
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return -ENOMEM;
    request->http = (struct http *)kind;
    request->attempt.check = check;
    request->fd = -1;
    request->easy = curl_easy_init();
    if (!request->easy || set_options(request, check->check->url) != CURLE_OK ||
        curl_multi_add_handle(request->http->multi, request->easy) != CURLM_OK) {
        http_drop(&request->attempt);
        return -ENOMEM;
    }
    *ret_attempt = &request->attempt;
    return 0;
}

static void http_destroy(struct probe_kind *kind)
{
    struct http *http = (struct http *)kind;
    if (http->multi)
        (void)curl_multi_cleanup(http->multi);
    sd_event_source_disable_unref(http->timer);
    kind_finish(kind);
    free(http);
    curl_global_cleanup();
}

static const struct kind_impl http_impl = {
    .begin = http_begin,
    .drop = http_drop,
    .engaged = http_engaged,
    .expire = http_expire,
    .destroy = http_destroy,
};

static int http_init(struct http *http)
{
    sd_event *loop = http->kind.env->loop;
    int r = sd_event_add_time(loop, &http->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, http);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    http->multi = curl_multi_init();
    if (!http->multi)
        return -ENOMEM;
    bool set = curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_io) == CURLM_OK &&
               curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
               curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
               curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) == CURLM_OK;
    return set ? 0 : -ENOMEM;
}

int http_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    unsigned limit = env->descriptors < REQUESTS_AT_ONCE ? env->descriptors : REQUESTS_AT_ONCE;
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return -ENOMEM;
    }
    int r = kind_init(&http->kind, &http_impl, env, limit);
    if (r == 0)
        r = http_init(http);
    if (r < 0) {
        http_destroy(&http->kind);
        return r;
    }
    *ret_kind = &http->kind;
    return 0;
}
