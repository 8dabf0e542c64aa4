/* Asks by a webhook. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/plain_file.h"
#include "base/version.h"
#include "bridges/remote/remote_internal.h"
#include "config/config.h"

enum { HEADER_LINE_MAX = 8192, HEARD_MAX = 64 * 1024 };

struct webhook {
    CURL *easy;
    struct curl_slist *headers;
    size_t heard; /* bytes of the answer */
    bool began;
    size_t n_expect;
    struct status_range expect[MODEL_EXPECT_MAX];
};

/* ---- what libcurl calls back ---- */

/* Only the status counts; an answer that does not end is cut. */
static size_t on_bytes(char *bytes, size_t one, size_t length, void *userdata)
{
    (void)bytes;
    (void)one;
    struct webhook *webhook = userdata;
    webhook->heard += length;
    return webhook->heard > HEARD_MAX ? 0 : length;
}

/* ---- what it came to ---- */

static void settle(struct asking *asking, const char *sentence)
{
    log_info("%s: %s", asking->server, sentence);
    remote_accept(asking, sentence);
    remote_end(asking, NULL);
}

void webhook_done(void *transfer, int result)
{
    struct asking *asking = transfer;
    const struct webhook *webhook = asking->way;
    long status = 0;
    (void)curl_easy_getinfo(webhook->easy, CURLINFO_RESPONSE_CODE, &status);
    status = status >= 200 ? status : 0;
    char sentence[REASON_SIZE];
    if (status && status_is_in(webhook->expect, webhook->n_expect, status)) {
        snprintf(sentence, sizeof(sentence), "it was asked by webhook, which answered %ld", status);
        settle(asking, sentence);
        return;
    }
    long bytes = 0;
    if (!status && curl_easy_getinfo(webhook->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK &&
        bytes > 0) {
        settle(asking, "it was asked by webhook, and the connection ended without an answer");
        return;
    }
    if (status)
        snprintf(sentence, sizeof(sentence), "the webhook answered %ld, which is not expected",
                 status);
    else
        snprintf(sentence, sizeof(sentence), "the webhook could not be asked: %s",
                 curl_easy_strerror((CURLcode)result));
    log_warning("%s: %s", asking->server, sentence);
    remote_end(asking, sentence);
}

/* ---- asking ---- */

static int fail(char reason[REASON_SIZE], int error, const char *why)
{
    snprintf(reason, REASON_SIZE, "%s", why);
    return error;
}

/* The slist, or why not. */
static int append(struct webhook *webhook, const char *line, char reason[REASON_SIZE])
{
    struct curl_slist *headers = curl_slist_append(webhook->headers, line);
    if (!headers)
        return fail(reason, -ENOMEM, "out of memory");
    webhook->headers = headers;
    return 0;
}

/* The value goes from the environment into libcurl and nowhere else. To be given to secret_free. */
static int find_secret(const struct model_header *header, char **ret_secret,
                       char reason[REASON_SIZE])
{
    struct report report = {0};
    int error = secret_find(header->secret, ret_secret, &report);
    report_finish(&report);
    if (error == 0 && !*ret_secret)
        error = -ENOENT;
    if (error < 0)
        snprintf(reason, REASON_SIZE, "the webhook's header %s needs %s, which is %s", header->name,
                 header->secret, error == -ENOENT ? "not set" : "not fit for use");
    return error;
}

static int add_header(struct webhook *webhook, const struct model_header *header,
                      char reason[REASON_SIZE])
{
    struct buf line = BUF_INIT(HEADER_LINE_MAX);
    char *secret = NULL;
    int error = header->secret ? find_secret(header, &secret, reason) : 0;
    if (error < 0)
        return error;
    buf_printf(&line, "%s: %s", header->name, secret ? secret : header->value);
    error = buf_error(&line) ? fail(reason, buf_error(&line), "a header is too long")
                             : append(webhook, buf_text(&line), reason);
    if (secret && line.text)
        explicit_bzero(line.text, line.length);
    secret_free(secret);
    buf_finish(&line);
    return error;
}

static int add_headers(struct webhook *webhook, const struct model_webhook *model,
                       char reason[REASON_SIZE])
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < model->n_headers; i++)
        error = add_header(webhook, &model->headers[i], reason);
    /* With a large body libcurl would wait for "100 Continue". */
    return error < 0 ? error : append(webhook, "Expect:", reason);
}

#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(easy, option, value)

static CURLcode set_request(CURL *easy, const struct model_webhook *model, bool restart)
{
    static const char *const methods[] = {
        [WEBHOOK_POST] = "POST", [WEBHOOK_PUT] = "PUT",       [WEBHOOK_PATCH] = "PATCH",
        [WEBHOOK_GET] = "GET",   [WEBHOOK_DELETE] = "DELETE",
    };
    const char *body = restart ? model->restart_body : model->body;
    CURLcode r = CURLE_OK;
    SET(CURLOPT_URL, restart ? model->restart_url : model->url);
    if (body || model->method != WEBHOOK_GET) {
        SET(CURLOPT_POSTFIELDSIZE, body ? (long)strlen(body) : 0L);
        SET(CURLOPT_COPYPOSTFIELDS, body ? body : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, methods[model->method]);
    if (model->ca) {
        SET(CURLOPT_CAINFO, plain_file_or_empty(model->ca));
    }
    return r;
}

static CURLcode set_options(CURL *easy, struct asking *asking, int64_t limit_ms)
{
    struct webhook *webhook = asking->way;
    CURLcode r = CURLE_OK;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, ""); /* none, whatever the environment says */
    SET(CURLOPT_USERAGENT, "Hall/" HALL_VERSION);
    SET(CURLOPT_HTTPHEADER, webhook->headers);
    SET(CURLOPT_TIMEOUT_MS, (long)limit_ms);
    SET(CURLOPT_PRIVATE, asking);
    SET(CURLOPT_WRITEFUNCTION, on_bytes);
    SET(CURLOPT_WRITEDATA, webhook);
    SET(CURLOPT_HEADERFUNCTION, on_bytes);
    SET(CURLOPT_HEADERDATA, webhook);
    return r;
}

static void webhook_end(struct asking *asking)
{
    struct webhook *webhook = asking->way;
    if (webhook->began)
        curl_loop_remove(remote_curl(asking->remote), webhook->easy);
    if (webhook->easy)
        curl_easy_cleanup(webhook->easy);
    curl_slist_free_all(webhook->headers);
    free(webhook);
}

static int webhook_begin(struct asking *asking, const struct remote_ask *ask,
                         char reason[REASON_SIZE])
{
    const struct model_webhook *model = ask->server->sleep.webhook;
    struct curl_loop *curl = remote_curl(asking->remote);
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    asking->way = webhook;
    if (!curl || !webhook)
        return fail(reason, -ENOMEM, "out of memory");
    if (ask->restart && !model->restart_url)
        return fail(reason, -ENOTSUP, "no sleep.webhook.restart_url is configured");
    /* Copied: the configuration may be another one by the time of the answer. */
    webhook->n_expect = model->n_expect;
    for (size_t i = 0; i < model->n_expect; i++)
        webhook->expect[i] = model->expect[i];
    if (model->n_expect == 0)
        webhook->expect[webhook->n_expect++] = (struct status_range){200, 299};
    const int error = add_headers(webhook, model, reason);
    if (error < 0)
        return error;
    webhook->easy = curl_easy_init();
    if (!webhook->easy || set_options(webhook->easy, asking, ask->limit_ms) != CURLE_OK ||
        set_request(webhook->easy, model, ask->restart) != CURLE_OK ||
        curl_loop_add(curl, webhook->easy) < 0)
        return fail(reason, -ENOMEM, "the webhook's request cannot be made");
    webhook->began = true;
    return 0;
}

const struct way_impl way_webhook = {.begin = webhook_begin, .end = webhook_end};
