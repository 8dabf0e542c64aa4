#include "bridges/agent/docker/docker_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/array.h"
#include "base/buf.h"
#include "bridges/agent/docker/docker_api.h"
#include "loop/curl_loop.h"

enum {
    HEADS_MAX = 32 * 1024, /* bytes of all heads */
    URL_MAX = 4096,
};

struct docker_http {
    struct curl_loop *loop;
    char socket[sizeof((struct sockaddr_un *)0)->sun_path];
};

struct docker_request {
    struct docker_http *http;
    CURL *easy;
    struct docker_ask ask; /* without the path */
    size_t heard;          /* bytes of heads */
    bool streaming;        /* answered 200; the body goes on as it comes */
    struct buf body;
};

/* --- one request: what libcurl calls back --- */

/* 0: none yet; interim ones (1xx) are passed over. */
static int status_of(const struct docker_request *request)
{
    long status = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 999 ? (int)status : 0;
}

static size_t on_header(char *line, size_t one, size_t length, void *userdata)
{
    (void)one;
    struct docker_request *request = userdata;
    const bool ends =
        (length == 2 && memcmp(line, "\r\n", 2) == 0) || (length == 1 && *line == '\n');
    request->heard += length;
    if (request->heard > HEADS_MAX)
        return 0;
    if (request->ask.stream && !request->streaming && ends && status_of(request) == 200) {
        request->streaming = true;
        request->ask.stream(request->ask.context, "", 0);
    }
    return length;
}

static size_t on_body(char *bytes, size_t one, size_t length, void *userdata)
{
    (void)one;
    struct docker_request *request = userdata;
    if (request->streaming && length > 0)
        request->ask.stream(request->ask.context, bytes, length);
    else
        buf_add(&request->body, bytes, length);
    return buf_error(&request->body) ? 0 : length;
}

/* --- what a request came to --- */

/* The system's, or the other where it has none. */
static int system_error(const struct docker_request *request, int other)
{
    long error = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
    return error > 0 && error < 4096 ? -(int)error : other;
}

struct meaning {
    CURLcode code;
    int error;
};

/* What is not here is an answer that makes no sense. */
static const struct meaning meanings[] = {
    {CURLE_OK, 0},
    {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT},
    {CURLE_GOT_NOTHING, -ECONNRESET},
    {CURLE_PARTIAL_FILE, -ECONNRESET},
    {CURLE_SEND_ERROR, -ECONNRESET},
    {CURLE_OUT_OF_MEMORY, -ENOMEM},
    {CURLE_FAILED_INIT, -ENOMEM},
};

static int error_of(const struct docker_request *request, CURLcode result)
{
    if (buf_error(&request->body))
        return buf_error(&request->body);
    if (request->heard > HEADS_MAX)
        return -EMSGSIZE;
    if (result == CURLE_COULDNT_CONNECT)
        return system_error(request, -ECONNREFUSED);
    if (result == CURLE_RECV_ERROR) /* chunks that make no sense, too */
        return system_error(request, -EBADMSG);
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
        if (meanings[i].code == result)
            return meanings[i].error;
    return -EBADMSG;
}

static void finish_request(void *transfer, int result)
{
    struct docker_request *request = transfer;
    struct docker_ask ask = request->ask;
    struct buf body = request->body;
    struct docker_answer answer = {
        .error = error_of(request, (CURLcode)result),
        .status = status_of(request),
        .body = buf_text(&body),
        .length = body.length,
    };
    if (!answer.error && !answer.status)
        answer.error = -EBADMSG;
    request->body = BUF_INIT(0);
    docker_http_drop(request);
    ask.done(ask.context, &answer);
    buf_finish(&body);
}

/* --- beginning and ending a request --- */

struct option_long {
    CURLoption option;
    long value;
};

static const struct option_long options_long[] = {
    {CURLOPT_NOSIGNAL, 1},       {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0}, {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_FRESH_CONNECT, 1}, /* one from before the engine's restart would cost a try */
    {CURLOPT_FORBID_REUSE, 1},
};

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(request->easy, option, value)

static CURLcode set_request(const struct docker_request *request, const struct docker_ask *ask)
{
    struct buf url = BUF_INIT(URL_MAX);
    buf_printf(&url, "http://docker%s", ask->path);
    CURLcode r = buf_error(&url) ? CURLE_URL_MALFORMAT : CURLE_OK;
    SET(CURLOPT_URL, buf_text(&url));
    buf_finish(&url);
    SET(CURLOPT_TIMEOUT_MS, (long)ask->limit_ms);
    if (ask->post) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, "");
    }
    return r;
}

static CURLcode set_options(struct docker_request *request, const struct docker_ask *ask)
{
    CURLcode r = CURLE_OK;
    for (size_t i = 0; !r && i < ARRAY_SIZE(options_long); i++)
        r = curl_easy_setopt(request->easy, options_long[i].option, options_long[i].value);
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_PROXY, ""); /* none, whatever the environment says */
    SET(CURLOPT_USERAGENT, "hall-agent/" HALL_VERSION);
    SET(CURLOPT_UNIX_SOCKET_PATH, request->http->socket);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, request);
    return r ? r : set_request(request, ask);
}

void docker_http_drop(struct docker_request *request)
{
    if (!request)
        return;
    if (request->easy) {
        curl_loop_remove(request->http->loop, request->easy);
        curl_easy_cleanup(request->easy);
    }
    buf_finish(&request->body);
    free(request);
}

int docker_http_begin(struct docker_http *http, const struct docker_ask *ask,
                      struct docker_request **ret_request)
{
    struct docker_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct docker_request){
        .http = http,
        .easy = curl_easy_init(),
        .ask = {.stream = ask->stream, .done = ask->done, .context = ask->context},
        .body = BUF_INIT(DOCKER_ANSWER_MAX),
    };
    if (!request->easy || set_options(request, ask) != CURLE_OK ||
        curl_loop_add(http->loop, request->easy) < 0) {
        docker_http_drop(request);
        return -ENOMEM;
    }
    *ret_request = request;
    return 0;
}

/* --- the whole --- */

int docker_http_create(sd_event *loop, const char *socket, struct docker_http **ret_http)
{
    struct docker_http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    size_t length = strlen(socket);
    int r = length > 0 && length < sizeof(http->socket) ? 0 : -EINVAL;
    if (!r) {
        memcpy(http->socket, socket, length + 1);
        /* Only plain HTTP is spoken, so TLS is not set up. */
        r = curl_loop_create(loop, false, finish_request, &http->loop);
    }
    if (r < 0) {
        docker_http_destroy(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

void docker_http_destroy(struct docker_http *http)
{
    if (!http)
        return;
    curl_loop_destroy(http->loop);
    free(http);
}

/* --- words --- */

static const struct trouble {
    int error;
    enum fact_code code;
} troubles[] = {
    {-EACCES, FACT_ENGINE_DENIED},    {-EPERM, FACT_ENGINE_DENIED},
    {-ENOENT, FACT_ENGINE_NO_SOCKET}, {-ECONNREFUSED, FACT_ENGINE_NOBODY},
    {-ETIMEDOUT, FACT_ENGINE_LATE},   {-EMSGSIZE, FACT_ENGINE_TOO_LONG},
    {-EBADMSG, FACT_ENGINE_ODD},      {-ECONNRESET, FACT_ENGINE_CUT},
};

struct fact docker_http_why(int error, const char *socket)
{
    for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
        if (troubles[i].error == error)
            return fact_with((struct fact){.parts = {{.code = (uint16_t)troubles[i].code}}}, socket,
                             NULL);
    return fact_with(FACT(ENGINE_FAILED), socket, strerror(-error));
}
