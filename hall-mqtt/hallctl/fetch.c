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

static struct curl_slist *headers_of(const char *api_key)
{
    char line[HEADER_SIZE];
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");

    if (!headers || !api_key)
        return headers;
    snprintf(line, sizeof(line), "X-API-Key: %s", api_key);
    struct curl_slist *more = curl_slist_append(headers, line);
    explicit_bzero(line, sizeof(line));
    return more ? more : headers;
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

int fetch_get(const char *url, const char *api_key, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE])
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(api_key);

    if (!curl || !headers) {
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        return -ENOMEM;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    const int error = perform(curl, ret_status, ret_why);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return error;
}
