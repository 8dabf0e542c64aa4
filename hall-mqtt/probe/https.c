#include "probe/kinds.h"

#define CURL_DISABLE_TYPECHECK /* its macros stand in the way of the functions' types */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    REST_MS = 5 * 1000,    /* after a name that did not resolve in time: the resolver's thread may
                               still be at it */
    REQUESTS_AT_ONCE = 64, /* some 20 KB each */
};

/* libcurl's functions, found when it is loaded. */
struct libcurl {
    __typeof__(&curl_global_init) global_init;
    __typeof__(&curl_global_cleanup) global_cleanup;
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_cleanup) easy_cleanup;
    __typeof__(&curl_easy_setopt) easy_setopt;
    __typeof__(&curl_easy_getinfo) easy_getinfo;
    __typeof__(&curl_multi_init) multi_init;
    __typeof__(&curl_multi_cleanup) multi_cleanup;
    __typeof__(&curl_multi_setopt) multi_setopt;
    __typeof__(&curl_multi_add_handle) multi_add_handle;
    __typeof__(&curl_multi_remove_handle) multi_remove_handle;
    __typeof__(&curl_multi_socket_action) multi_socket_action;
    __typeof__(&curl_multi_info_read) multi_info_read;
    __typeof__(&curl_multi_assign) multi_assign;
};

struct https {
    struct probe_kind kind;
    struct libcurl curl;
    bool loaded;
    CURLM *multi;
    sd_event_source *timer;
};

struct request {
    struct attempt attempt;
    struct https *https;
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

static uint16_t status_of(const struct request *request)
{
    long status = 0;
    (void)request->https->curl.easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 999 ? (uint16_t)status : 0;
}

/* Ends the transfer behind the empty line that ends the final head; interim ones (1xx) are passed
 * over. */
static size_t on_header(char *line, size_t one, size_t length, void *userdata)
{
    (void)one;
    const struct request *request = userdata;
    bool end = length <= 2 && (line[0] == '\r' || line[0] == '\n');
    return end && status_of(request) ? 0 : length;
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

static void finish_without_status(struct request *request, CURLcode result)
{
    long error = 0;
    if (request->asking || is_fault_of_peer(result)) {
        attempt_fail(&request->attempt, ECONNRESET);
    } else if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL) {
        attempt_end(&request->attempt, PROBE_UNABLE, 0);
    } else {
        (void)request->https->curl.easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
        if (result == CURLE_OUT_OF_MEMORY || result == CURLE_FAILED_INIT)
            error = ENOMEM;
        attempt_fail(&request->attempt, (int)error);
    }
}

static void finish_request(struct request *request, CURLcode result)
{
    uint16_t status = status_of(request);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        attempt_drop(&request->attempt);
    else if (status)
        attempt_end_with_status(&request->attempt, status);
    else
        finish_without_status(request, result);
}

static enum probe_outcome https_expire(struct attempt *attempt)
{
    const struct request *request = (const struct request *)attempt;
    if (request->fd < 0)
        attempt->check->rest_until = clock_now().boot + REST_MS;
    return outcome_of_error(attempt->check->server, is_connected(request) ? ECONNRESET : ETIMEDOUT);
}

/* A name is asked for once at a time; a connection is used, not doubled. */
static bool https_engaged(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next) {
        const struct request *request = (const struct request *)a;
        if (request->fd < 0 || is_connected(request))
            return true;
    }
    return false;
}

/* --- libcurl on the loop --- */

static void read_results(struct https *https)
{
    int left;
    for (CURLMsg *message; (message = https->curl.multi_info_read(https->multi, &left));) {
        void *attempt = NULL;
        CURLcode result = message->data.result;
        (void)https->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &attempt);
        finish_request(attempt, result);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    struct https *https = userdata;
    int running;
    (void)https->curl.multi_socket_action(https->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results(https);
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    struct https *https = userdata;
    int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    (void)https->curl.multi_socket_action(https->multi, fd, mask, &running);
    read_results(https);
    return 0;
}

static int want_timer(CURLM *multi, long ms, void *userdata)
{
    (void)multi;
    const struct https *https = userdata;
    if (ms < 0)
        return sd_event_source_set_enabled(https->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    if (sd_event_source_set_time_relative(https->timer, (uint64_t)ms * 1000) < 0)
        return -1;
    return sd_event_source_set_enabled(https->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static uint32_t epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int want_io(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
    (void)easy;
    struct https *https = userdata;
    sd_event_source *io = socket_data;
    if (what == CURL_POLL_REMOVE) {
        sd_event_source_disable_unref(io);
        return 0;
    }
    if (io)
        return sd_event_source_set_io_events(io, epoll_events(what)) < 0 ? -1 : 0;
    if (sd_event_add_io(https->kind.env->loop, &io, fd, epoll_events(what), on_io, https) < 0)
        return -1;
    return https->curl.multi_assign(https->multi, fd, io) == CURLM_OK ? 0 : -1;
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
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024L},
};

static const struct option_text options_text[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""}, /* none, whatever the environment says */
    {CURLOPT_USERAGENT, PROBE_USER_AGENT},
};

static CURLcode set_fixed_options(const struct request *request)
{
    CURLcode r = CURLE_OK;
    for (size_t i = 0; !r && i < sizeof options_long / sizeof *options_long; i++)
        r = request->https->curl.easy_setopt(request->easy, options_long[i].option,
                                             options_long[i].value);
    for (size_t i = 0; !r && i < sizeof options_text / sizeof *options_text; i++)
        r = request->https->curl.easy_setopt(request->easy, options_text[i].option,
                                             options_text[i].value);
    return r;
}

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = request->https->curl.easy_setopt(request->easy, option, value)

static CURLcode set_options(struct request *request, const char *url)
{
    CURLcode r = set_fixed_options(request);
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

static void https_drop(struct attempt *attempt)
{
    struct request *request = (struct request *)attempt;
    if (request->easy) {
        (void)request->https->curl.multi_remove_handle(request->https->multi, request->easy);
        request->https->curl.easy_cleanup(request->easy);
    }
    free(request);
}

static int https_begin(struct probe_kind *kind, struct probe_check *check,
                       struct attempt **ret_attempt)
{
    struct https *https = (struct https *)kind;
    if (!https->loaded)
        return -EACCES;
    if (check->rest_until > clock_now().boot)
        return -EHOSTUNREACH;
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return -ENOMEM;
    *request = (struct request){.attempt.check = check, .https = https, .fd = -1};
    request->easy = https->curl.easy_init();
    if (!request->easy || set_options(request, check->check->url) != CURLE_OK ||
        https->curl.multi_add_handle(https->multi, request->easy) != CURLM_OK) {
        https_drop(&request->attempt);
        return -ENOMEM;
    }
    *ret_attempt = &request->attempt;
    return 0;
}

static void https_destroy(struct probe_kind *kind)
{
    struct https *https = (struct https *)kind;
    if (https->multi)
        (void)https->curl.multi_cleanup(https->multi);
    sd_event_source_disable_unref(https->timer);
    if (https->loaded)
        https->curl.global_cleanup();
    kind_finish(kind);
    free(https);
}

static const struct kind_impl https_impl = {
    .begin = https_begin,
    .drop = https_drop,
    .engaged = https_engaged,
    .expire = https_expire,
    .destroy = https_destroy,
};

struct symbol {
    const char *name;
    size_t offset; /* in struct libcurl */
};
#define SYMBOL(name)                                                                               \
    {                                                                                              \
        "curl_" #name, offsetof(struct libcurl, name)                                              \
    }

static const struct symbol symbols[] = {
    SYMBOL(global_init),      SYMBOL(global_cleanup),      SYMBOL(easy_init),
    SYMBOL(easy_cleanup),     SYMBOL(easy_setopt),         SYMBOL(easy_getinfo),
    SYMBOL(multi_init),       SYMBOL(multi_cleanup),       SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_socket_action),
    SYMBOL(multi_info_read),  SYMBOL(multi_assign),
};

/* Never unloaded: OpenSSL, which comes with it, does not bear that. */
static int load_symbols(struct libcurl *curl)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return -ENOENT;
    int r = 0;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *found = dlsym(library, symbols[i].name);
        memcpy((char *)curl + symbols[i].offset, &found, sizeof found);
        if (!found)
            r = -ENOENT;
    }
    (void)dlclose(library);
    return r;
}

static int load(struct https *https)
{
    int r = load_symbols(&https->curl);
    if (r < 0) {
        log_error("probe: libcurl.so.4 cannot be loaded; checks by https or by name count for "
                  "nothing until the package libcurl4 is installed and Hall restarted");
        return r;
    }
    if (https->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    https->loaded = true;
    return 0;
}

static int make_timer(struct https *https)
{
    int r = sd_event_add_time(https->kind.env->loop, &https->timer, CLOCK_BOOTTIME, 0, 1000,
                              on_timer, https);
    return r < 0 ? r : sd_event_source_set_enabled(https->timer, SD_EVENT_OFF);
}

static int make_multi(struct https *https)
{
    const struct libcurl *curl = &https->curl;
    CURLM *multi = curl->multi_init();
    if (!multi)
        return -ENOMEM;
    https->multi = multi;
    bool set = curl->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_io) == CURLM_OK &&
               curl->multi_setopt(multi, CURLMOPT_SOCKETDATA, https) == CURLM_OK &&
               curl->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
               curl->multi_setopt(multi, CURLMOPT_TIMERDATA, https) == CURLM_OK;
    return set ? 0 : -ENOMEM;
}

static int https_init(struct https *https, const struct probe_env *env)
{
    unsigned limit = env->descriptors < REQUESTS_AT_ONCE ? env->descriptors : REQUESTS_AT_ONCE;
    int r = kind_init(&https->kind, &https_impl, env, limit);
    if (r < 0)
        return r;
    r = load(https);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = make_timer(https);
    return r < 0 ? r : make_multi(https);
}

int https_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct https *https = calloc(1, sizeof *https);
    if (!https)
        return -ENOMEM;
    int r = https_init(https, env);
    if (r < 0) {
        https_destroy(&https->kind);
        return r;
    }
    *ret_kind = &https->kind;
    return 0;
}
