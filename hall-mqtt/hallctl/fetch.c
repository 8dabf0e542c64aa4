#include "hallctl/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, CONNECT_MS = 3000, HEADER_SIZE = 1200 };

static size_t take(char *bytes, size_t size, size_t n, void *userdata)
{
    struct buf *body = userdata;

    buf_add(body, bytes, size * n);
    return buf_error(body) == 0 ? size * n : 0;
}

static void add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *more = *headers ? curl_slist_append(*headers, line) : NULL;

    if (more)
        *headers = more;
}

static struct curl_slist *headers_of(const struct fetch_how *how)
{
    char line[HEADER_SIZE];
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");

    for (size_t i = 0; how->headers && how->headers[i]; i++)
        add_header(&headers, how->headers[i]);
    if (how->api_key) {
        snprintf(line, sizeof(line), "X-API-Key: %s", how->api_key);
        add_header(&headers, line);
        explicit_bzero(line, sizeof(line));
    }
    return headers;
}

static int perform(CURL *curl, long *ret_status, char ret_why[FETCH_WHY_SIZE])
{
    char error[CURL_ERROR_SIZE] = "";

    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    else
        snprintf(ret_why, FETCH_WHY_SIZE, "%.200s",
                 error[0] != '\0' ? error : curl_easy_strerror(code));
    return code == CURLE_OK ? 0 : -EHOSTUNREACH;
}

static void set_common(CURL *curl, const char *url, long limit_ms)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit_ms > 0 ? limit_ms : (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
}

static void set_secrecy(CURL *curl, bool verify, const char *ca)
{
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
}

int fetch_ask(const char *url, const struct fetch_how *how, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE])
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(how), *via = NULL;
    char line[HEADER_SIZE];
    int error = -ENOMEM;

    if (how->via) {
        snprintf(line, sizeof(line), "::%s", how->via);
        via = curl_slist_append(NULL, line);
    }
    if (curl && headers && (via || !how->via)) {
        set_common(curl, url, how->limit_ms);
        set_secrecy(curl, !how->insecure, NULL);
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, via);
        curl_easy_setopt(curl, CURLOPT_NOBODY, how->head ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
        error = perform(curl, ret_status, ret_why);
    }
    curl_slist_free_all(headers);
    curl_slist_free_all(via);
    curl_easy_cleanup(curl);
    return error;
}

int fetch_get(const char *url, const char *api_key, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE])
{
    return fetch_ask(url, &(struct fetch_how){.api_key = api_key}, body, ret_status, ret_why);
}

/* The first of the chain, as PEM. */
static void take_certificate(CURL *curl, struct buf *pem)
{
    struct curl_certinfo *chain = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain ||
        chain->num_of_certs < 1)
        return;
    for (const struct curl_slist *one = chain->certinfo[0]; one; one = one->next)
        if (strncmp(one->data, "Cert:", 5) == 0)
            buf_puts(pem, one->data + 5);
}

int fetch_certificate(const char *endpoint, bool verify, const char *ca, struct buf *pem,
                      char ret_why[FETCH_WHY_SIZE])
{
    CURL *curl = curl_easy_init();
    char url[HEADER_SIZE];
    long status;

    if (!curl)
        return -ENOMEM;
    snprintf(url, sizeof(url), "https://%s", endpoint);
    set_common(curl, url, 0);
    set_secrecy(curl, verify, ca);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    const int error = perform(curl, &status, ret_why);
    if (error == 0)
        take_certificate(curl, pem);
    curl_easy_cleanup(curl);
    return error;
}
