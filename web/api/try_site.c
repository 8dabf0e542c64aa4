#include "web/api/try_site.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/text.h"

/* The first byte of a body is enough. */
static size_t refuse(char *bytes, size_t size, size_t n, void *context)
{
    (void)bytes;
    (void)size;
    (void)n;
    (void)context;
    return 0;
}

static void set_up(CURL *curl, const char *url, int64_t limit_ms)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "Hall");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, refuse);
}

int fetch_status(const char *url, int64_t limit_ms, long *ret_status, char *ret_why, size_t size)
{
    CURL *curl = curl_easy_init();
    long status = 0;
    if (!curl) {
        text_copy(ret_why, size, "there is no memory for a request");
        return -EIO;
    }
    set_up(curl, url, limit_ms);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (status > 0) {
        *ret_status = status;
        return 0;
    }
    text_copy(ret_why, size, curl_easy_strerror(code));
    return -EIO;
}
