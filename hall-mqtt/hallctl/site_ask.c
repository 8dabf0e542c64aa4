#include "hallctl/site_ask.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { ASK_MS = 4000, BODY_MAX = 1 << 20, URL_SIZE = 320 };

/* Hall's own words: a status has a `view`, an error a `detail_fact`. */
static enum proxy_answer read_answer(long status, const struct buf *body)
{
    static const struct json_limits limits = {.bytes = BODY_MAX, .depth = 16};
    enum proxy_answer answer = PROXY_IS_OTHER;
    struct json *value = NULL;
    struct json_error error;

    if (json_read(buf_text(body), body->length, &limits, &value, &error) < 0)
        return PROXY_IS_OTHER;
    const char *code = json_get_string(json_get(value, "detail_fact"), "code");
    if (status == 200 && json_get_string(value, "view"))
        answer = PROXY_IS_HALL;
    else if (code)
        answer = strcmp(code, "site.unknown_host") == 0 ? PROXY_NO_HOST : PROXY_IS_HALL;
    json_free(value);
    return answer;
}

enum proxy_answer site_ask(const char *scheme, const char *host, const char *via, const char *agent,
                           char ret_why[FETCH_WHY_SIZE])
{
    const char *const headers[] = {agent, NULL};
    const struct fetch_how how = {
        .via = via, .insecure = true, .limit_ms = ASK_MS, .headers = headers};
    struct buf body = BUF_INIT(BODY_MAX);
    char url[URL_SIZE];
    long status = 0;

    ret_why[0] = '\0';
    snprintf(url, sizeof(url), "%s://%s/.hall/status?path=/", scheme, host);
    const enum proxy_answer answer = fetch_ask(url, &how, &body, &status, ret_why) < 0
                                         ? PROXY_SILENT
                                         : read_answer(status, &body);
    buf_finish(&body);
    return answer;
}
