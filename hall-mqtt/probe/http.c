#include "base/array.h"
#include "probe/kinds.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/plain_file.h"
#include "base/version.h"
#include "loop/curl_loop.h"

enum {
    REST_MS = 5 * 1000,    /* after a name that did not resolve in time: the resolver's thread may
                               still be at it */
    HEADS_MAX = 16 * 1024, /* bytes of interim heads before the final status line */
    LOOK_MS = 5 * 1000,  /* while another's answer is pending, the machine is looked for so often */
    LOOK_HERE_MS = 1000, /* and on loopback, where no keepalive tells that it is gone */
    GONE_MS = 3 * 1000,  /* the peer's kernel acknowledged nothing for so long */
    SLOW_MS = 1000,      /* a site that takes longer rests as long as it took, before it is asked
                            again; REST_MOST_MS at most */
    REST_MOST_MS = 10 * 1000,
    NEXT_MS = 15 * 1000, /* so long the others wait for the check whose turn is next */
};

/* What is asked of one upstream at one path, by whichever checks and names: one of them at a time.
 */
struct question {
    const char *url;                /* of the model */
    const struct request *asked;    /* its answer is still to come; or NULL */
    const struct probe_check *next; /* found it asked, so it is the next to ask; or NULL */
    int64_t next_until;             /* boot clock, ms */
};

struct http {
    struct probe_kind kind;
    struct curl_loop *loop;
    void *questions; /* a tree of tsearch(3), by url */
};

struct request {
    struct attempt attempt;
    struct http *http;
    CURL *easy;
    struct curl_slist *headers; /* lives as long as the request */
    struct curl_slist *to;      /* so does this: where it connects, with tls.name in the URL */
    char *url;                  /* with tls.name in place of its host; NULL: as configured */
    int64_t asked;              /* when its connection stood; boot clock, ms */
    size_t heard;               /* bytes of heads */
    int error;                  /* errno of making the socket */
    bool resolved;              /* the address is known */
    bool connected;             /* by TCP; the request is this one's to send */
    bool gave_way;              /* it only looked: its check asks next */
    bool broken;                /* its connection ended before the answer came */
};

/* --- one request: what libcurl calls back --- */

/* A site may take its time, its machine's kernel not: it acknowledges what was sent, and keepalives
 * (RFC 9293, 3.8.4). Only while a question is open. */
static void notice_death(int fd)
{
    const int on = 1, after_s = 1, gone_ms = GONE_MS;

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after_s, sizeof(after_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &after_s, sizeof(after_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms));
}

static curl_socket_t on_socket_wanted(void *userdata, curlsocktype purpose,
                                      struct curl_sockaddr *to)
{
    (void)purpose;
    struct request *request = userdata;
    int fd = socket(to->family, to->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->protocol);
    request->resolved = true;
    request->error = fd < 0 ? errno : 0;
    if (fd >= 0)
        notice_death(fd);
    return fd;
}

static bool someone_connected(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (((const struct request *)a)->connected)
            return true;
    return false;
}

static bool is_others(const struct probe_check *check)
{
    const struct question *question = check->question;
    return question && question->asked && question->asked->attempt.check != check;
}

static bool is_others_turn(const struct probe_check *check, int64_t now)
{
    const struct question *question = check->question;
    return question && question->next && question->next != check && now < question->next_until;
}

/* Of several tries the first that connects asks; the others go. */
static bool claim(struct request *request)
{
    struct probe_check *check = request->attempt.check;
    struct question *question = check->question;
    const int64_t now = clock_now().boot;
    if (request->connected)
        return true;
    if (someone_connected(check) || is_others_turn(check, now))
        return false;
    if (is_others(check)) {
        question->next = check;
        question->next_until = now + NEXT_MS;
        request->gave_way = true;
        check->look_after = now + LOOK_MS;
        return false;
    }
    question->asked = request;
    question->next = NULL;
    request->connected = true;
    request->asked = now;
    check->look_after = request->asked + LOOK_HERE_MS;
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

/* Nothing came from the machine any longer, or a router said that it is not there. */
static bool is_death(int error)
{
    return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
}

/* OpenSSL's verdict on a certificate (X509_V_ERR_... of x509_vfy.h), as far as people can act on
 * it. libcurl compares the name itself, after OpenSSL found nothing. */
static enum fault_code fault_of_certificate(long verdict)
{
    switch (verdict) {
    case 0:
    case 1:  /* UNSPECIFIED: what libcurl begins with */
    case 62: /* HOSTNAME_MISMATCH */
    case 64: /* IP_ADDRESS_MISMATCH */
        return FAULT_WRONG_NAME;
    case 18: /* DEPTH_ZERO_SELF_SIGNED_CERT */
        return FAULT_SELF_SIGNED;
    case 2:  /* UNABLE_TO_GET_ISSUER_CERT */
    case 19: /* SELF_SIGNED_CERT_IN_CHAIN */
    case 20: /* UNABLE_TO_GET_ISSUER_CERT_LOCALLY */
    case 21: /* UNABLE_TO_VERIFY_LEAF_SIGNATURE */
        return FAULT_UNTRUSTED;
    case 9: /* CERT_NOT_YET_VALID */
        return FAULT_NOT_YET_VALID;
    case 10: /* CERT_HAS_EXPIRED */
        return FAULT_EXPIRED;
    default:
        return FAULT_BAD_CERTIFICATE;
    }
}

static void finish_without_status(struct request *request, CURLcode result)
{
    struct attempt *attempt = &request->attempt;
    request->broken = true;
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        long verdict = 0;
        (void)curl_easy_getinfo(request->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
        attempt_end_wrong(&request->attempt, fault_of_certificate(verdict), (uint16_t)verdict);
    } else if (result == CURLE_SSL_CACERT_BADFILE) /* told before on_tls_begins or after it */
        attempt_end_wrong(attempt, FAULT_CA_FILE, 0);
    else if (result == CURLE_SSL_CONNECT_ERROR)
        attempt_end_wrong(attempt, FAULT_NO_TLS, 0);
    else if (request->connected && is_death(error_of(request, result)))
        attempt_end(attempt, PROBE_GONE, FAULT_SILENT, 0);
    else if (request->connected)
        attempt_end_wrong(attempt, FAULT_CLOSED, 0);
    else if (result == CURLE_COULDNT_RESOLVE_HOST)
        attempt_end(attempt, PROBE_MISS, FAULT_UNRESOLVED, 0);
    else if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        attempt_end(attempt, PROBE_UNABLE, FAULT_UNABLE, 0);
    else
        attempt_fail(attempt, error_of(request, result));
}

static void finish_request(void *transfer, int code)
{
    struct request *request = transfer;
    const CURLcode result = (CURLcode)code;
    uint16_t status = status_of(request);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        attempt_end(&request->attempt, PROBE_PENDING, FAULT_NONE, 0);
    else if (status)
        attempt_end_with_status(&request->attempt, status);
    else
        finish_without_status(request, result);
}

/* A machine that took the connection is there, and may take its time to answer. */
static bool http_may_go_on(struct attempt *attempt)
{
    const struct request *request = (const struct request *)attempt;
    if (!request->resolved)
        attempt->check->rest_until = clock_now().boot + REST_MS;
    return request->connected;
}

/* A name is asked for once at a time. While an answer is pending, its connection tells whether the
 * machine is still there. Where it can't (on loopback, or the question is another's), it is looked
 * now and then whether the machine still takes connections: that try ends there. */
static bool http_engaged(const struct probe_check *check)
{
    const int64_t now = clock_now().boot;
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (!((const struct request *)a)->resolved)
            return true;
    if (someone_connected(check))
        return !check->server->loopback || now < check->look_after;
    /* What nobody answered is tried again at once. */
    if (is_others(check) || is_others_turn(check, now))
        return now < check->look_after && !check->missed;
    return now < check->ask_after;
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
    {CURLOPT_BUFFERSIZE, 1024},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024L},
    /* Upstreams are IPv4: a second family that never comes would wake the processor once a check.
     */
    {CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4},
    {CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 60000},
};

static const struct option_text options_text[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""}, /* none, whatever the environment says */
    {CURLOPT_USERAGENT, "Hall/" HALL_VERSION " (check)"},
};

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(request->easy, option, value)

static CURLcode set_callbacks(struct request *request)
{
    CURLcode r = CURLE_OK;
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

static CURLcode set_options(struct request *request, const struct model_check *check)
{
    CURLcode r = set_callbacks(request);
    for (size_t i = 0; !r && i < ARRAY_SIZE(options_long); i++)
        r = curl_easy_setopt(request->easy, options_long[i].option, options_long[i].value);
    for (size_t i = 0; !r && i < ARRAY_SIZE(options_text); i++)
        r = curl_easy_setopt(request->easy, options_text[i].option, options_text[i].value);
    const struct model_tls *tls = &check->tls;
    SET(CURLOPT_URL, request->url ? request->url : check->url);
    SET(CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
    if (tls->ca)
        SET(CURLOPT_CAINFO, plain_file_or_empty(tls->ca));
    if (check->h2c)
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    if (request->to)
        SET(CURLOPT_CONNECT_TO, request->to);
    SET(CURLOPT_HTTPHEADER, request->headers);
    return r;
}

/* A slow site is asked seldom. */
static void let_rest(struct request *request)
{
    const int64_t now = clock_now().boot;
    const int64_t took = request->connected && !request->broken ? now - request->asked : 0;
    if (took >= SLOW_MS)
        request->attempt.check->ask_after = now + (took < REST_MOST_MS ? took : REST_MOST_MS);
}

static void http_drop(struct attempt *attempt)
{
    struct request *request = (struct request *)attempt;
    struct question *question = attempt->check->question;
    let_rest(request);
    if (question->asked == request)
        question->asked = NULL;
    if (question->next == attempt->check && !request->connected && !request->gave_way)
        question->next = NULL; /* it had its turn, and came to nothing */
    if (request->easy) {
        curl_loop_remove(request->http->loop, request->easy);
        curl_easy_cleanup(request->easy);
    }
    curl_slist_free_all(request->headers);
    curl_slist_free_all(request->to);
    free(request->url);
    free(request);
}

/* A proxy on the server itself tells its sites apart by the name, as it does for visitors. */
static bool name_host(struct request *request, const char *host, size_t length)
{
    char line[6 + 256];
    if (!host)
        return true;
    snprintf(line, sizeof(line), "Host: %.*s", (int)(length < 253 ? length : 253), host);
    request->headers = curl_slist_append(NULL, line);
    return request->headers;
}

static bool name_own_host(struct request *request, const struct model_check *check)
{
    return name_host(request, check->host, check->host ? strlen(check->host) : 0);
}

/* libcurl verifies the URL's host, and sends it as SNI: there the name goes, and the connection to
 * where the URL leads. */
static bool name_peer(struct request *request, const struct model_check *check)
{
    static const char https[] = "https://";
    const char *name = check->tls.name;
    char to[2 + 256 + 2];

    if (!name || strncmp(check->url, https, strlen(https)) != 0)
        return name_own_host(request, check);
    const char *authority = check->url + strlen(https);
    const size_t whole = strcspn(authority, "/?"), host = strcspn(authority, ":/?");
    if (strlen(name) == host && strncmp(name, authority, host) == 0)
        return name_own_host(request, check);
    snprintf(to, sizeof(to), "::%.*s:", (int)host, authority); /* its port stays */
    request->to = curl_slist_append(NULL, to);
    if (asprintf(&request->url, "%s%s%s", https, name, authority + host) < 0)
        request->url = NULL;
    return request->to && request->url &&
           name_host(request, check->host ? check->host : authority,
                     check->host ? strlen(check->host) : whole);
}

static int compare_questions(const void *a, const void *b)
{
    return strcmp(((const struct question *)a)->url, ((const struct question *)b)->url);
}

/* NULL: no memory. */
static struct question *find_question(struct http *http, const char *url)
{
    struct question *new = calloc(1, sizeof(*new));
    if (!new)
        return NULL;
    new->url = url;
    struct question **found = tsearch(new, &http->questions, compare_questions);
    if (!found || *found != new)
        free(new);
    return found ? *found : NULL;
}

static int http_begin(struct probe_kind *kind, struct probe_check *check,
                      struct attempt **ret_attempt)
{
    struct http *http = (struct http *)kind;
    const int64_t now = clock_now().boot;
    if (check->rest_until > now)
        return -EHOSTUNREACH;
    if (!check->question)
        check->question = find_question(http, check->check->url);
    if (!check->question)
        return -ENOMEM;
    check->look_after = now + (check->server->loopback ? LOOK_HERE_MS : LOOK_MS);
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct request){.attempt.check = check, .http = http, .easy = curl_easy_init()};
    if (!request->easy || !name_peer(request, check->check) ||
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
    tdestroy(http->questions, free);
    kind_finish(kind);
    free(http);
}

static const struct kind_impl http_impl = {
    .begin = http_begin,
    .drop = http_drop,
    .engaged = http_engaged,
    .may_go_on = http_may_go_on,
    .destroy = http_destroy,
};

int http_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    int r = kind_init(&http->kind, &http_impl, env, env->descriptors);
    if (r >= 0)
        r = curl_loop_create(env->loop, true, finish_request, &http->loop);
    if (r < 0) {
        http_destroy(&http->kind);
        return r;
    }
    *ret_kind = &http->kind;
    return 0;
}
