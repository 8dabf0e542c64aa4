#include "probe/kinds.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "loop/curl_loop.h"

enum {
    REST_MS = 5 * 1000,    /* after a name that did not resolve in time: the resolver's thread may
                               still be at it */
    HEADS_MAX = 16 * 1024, /* bytes of interim heads before the final status line */
};

struct http {
    struct probe_kind kind;
    struct curl_loop *loop;
};

struct request {
    struct attempt attempt;
    struct http *http;
    CURL *easy;
    struct curl_slist *headers; /* lives as long as the request */
    size_t heard;               /* bytes of heads */
    int error;                  /* errno of making the socket */
    bool resolved;              /* the address is known */
    bool connected;             /* by TCP; the request is this one's to send */
};

/* --- one request: what libcurl calls back --- */

static curl_socket_t on_socket_wanted(void *userdata, curlsocktype purpose,
                                      struct curl_sockaddr *to)
{
    (void)purpose;
    struct request *request = userdata;
    int fd = socket(to->family, to->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->protocol);
    request->resolved = true;
    request->error = fd < 0 ? errno : 0;
    return fd;
}

static bool someone_connected(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (((const struct request *)a)->connected)
            return true;
    return false;
}

/* Of several tries the first that connects asks; the others go. */
static bool claim(struct request *request)
{
    if (!request->connected && someone_connected(request->attempt.check))
        return false;
    request->connected = true;
    return true;
}

/* The TCP connection of an https check stands. */
static CURLcode on_tls_begins(CURL *easy, void *context, void *userdata)
{
    (void)easy;
    (void)context;
    return claim(userdata) ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

static int on_request_due(void *userdata, char *peer, char *own, int peer_port, int own_port)
{
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    return claim(userdata) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* 0: none yet; interim ones (1xx) are passed over. */
static uint16_t status_of(const struct request *request)
{
    long status = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 999 ? (uint16_t)status : 0;
}

/* Ends the transfer behind the final status line: no more is needed. */
static size_t on_header(char *line, size_t one, size_t length, void *userdata)
{
    (void)line;
    (void)one;
    struct request *request = userdata;
    request->heard += length;
    return status_of(request) || request->heard > HEADS_MAX ? 0 : length;
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

static int error_of(const struct request *request, CURLcode result)
{
    long error = request->error;
    if (result == CURLE_OUT_OF_MEMORY || result == CURLE_FAILED_INIT)
        return ENOMEM;
    if (!error)
        (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
    return (int)error;
}

/* Trusted certificates that cannot be read are told before on_tls_begins or after it. */
static void finish_without_status(struct request *request, CURLcode result)
{
    if (request->connected || result == CURLE_SSL_CACERT_BADFILE)
        attempt_fail(&request->attempt, ECONNRESET);
    else if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        attempt_end(&request->attempt, PROBE_UNABLE, 0);
    else
        attempt_fail(&request->attempt, error_of(request, result));
}

static void finish_request(void *transfer, int code)
{
    struct request *request = transfer;
    const CURLcode result = (CURLcode)code;
    uint16_t status = status_of(request);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        attempt_drop(&request->attempt);
    else if (status)
        attempt_end_with_status(&request->attempt, status);
    else
        finish_without_status(request, result);
}

/* Whoever took the connection is there, whatever else goes wrong. */
static enum probe_outcome http_expire(struct attempt *attempt)
{
    const struct request *request = (const struct request *)attempt;
    if (!request->resolved)
        attempt->check->rest_until = clock_now().boot + REST_MS;
    return outcome_of_error(attempt->check->server, request->connected ? ECONNRESET : ETIMEDOUT);
}

/* A name is asked for once at a time; a connection is used, not doubled. */
static bool http_engaged(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (!((const struct request *)a)->resolved)
            return true;
    return someone_connected(check);
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
    {CURLOPT_QUICK_EXIT, 1},        /* else dropping a request waits for the resolver's thread */
    {CURLOPT_DNS_CACHE_TIMEOUT, 2}, /* s; plain addresses are kept in it too */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1}, /* a connection from before a sleep proves nothing */
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_BUFFERSIZE, 1024},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024L},
};

static const struct option_text options_text[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""}, /* none, whatever the environment says */
    {CURLOPT_USERAGENT, "Hall/" HALL_VERSION " (check)"},
};

static CURLcode set_fixed_options(CURL *easy)
{
    CURLcode r = CURLE_OK;
    for (size_t i = 0; !r && i < sizeof(options_long) / sizeof(*options_long); i++)
        r = curl_easy_setopt(easy, options_long[i].option, options_long[i].value);
    for (size_t i = 0; !r && i < sizeof(options_text) / sizeof(*options_text); i++)
        r = curl_easy_setopt(easy, options_text[i].option, options_text[i].value);
    return r;
}

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(request->easy, option, value)

static CURLcode set_options(struct request *request, const struct model_check *check)
{
    CURLcode r = set_fixed_options(request->easy);
    SET(CURLOPT_URL, check->url);
    SET(CURLOPT_HTTPHEADER, request->headers);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted);
    SET(CURLOPT_OPENSOCKETDATA, request);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls_begins);
    SET(CURLOPT_SSL_CTX_DATA, request);
    SET(CURLOPT_PREREQFUNCTION, on_request_due);
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
        curl_loop_remove(request->http->loop, request->easy);
        curl_easy_cleanup(request->easy);
    }
    curl_slist_free_all(request->headers);
    free(request);
}

/* A proxy on the server itself tells its sites apart by the name, as it does for visitors. */
static bool name_host(struct request *request, const char *host)
{
    char line[6 + 256];
    if (!host)
        return true;
    snprintf(line, sizeof(line), "Host: %.253s", host);
    request->headers = curl_slist_append(NULL, line);
    return request->headers;
}

static int http_begin(struct probe_kind *kind, struct probe_check *check,
                      struct attempt **ret_attempt)
{
    struct http *http = (struct http *)kind;
    if (check->rest_until > clock_now().boot)
        return -EHOSTUNREACH;
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct request){.attempt.check = check, .http = http, .easy = curl_easy_init()};
    if (!request->easy || !name_host(request, check->check->host) ||
        set_options(request, check->check) != CURLE_OK ||
        curl_loop_add(http->loop, request->easy) < 0) {
        http_drop(&request->attempt);
        return -ENOMEM;
    }
    *ret_attempt = &request->attempt;
    return 0;
}

static void http_destroy(struct probe_kind *kind)
{
    struct http *http = (struct http *)kind;
    curl_loop_destroy(http->loop);
    kind_finish(kind);
    free(http);
}

static const struct kind_impl http_impl = {
    .begin = http_begin,
    .drop = http_drop,
    .engaged = http_engaged,
    .expire = http_expire,
    .destroy = http_destroy,
};

static int http_init(struct http *http, const struct probe_env *env)
{
    int r = kind_init(&http->kind, &http_impl, env, env->descriptors);
    return r < 0 ? r : curl_loop_create(env->loop, true, finish_request, &http->loop);
}

int http_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    int r = http_init(http, env);
    if (r < 0) {
        http_destroy(&http->kind);
        return r;
    }
    *ret_kind = &http->kind;
    return 0;
}
