#include "hallctl/proxy_api.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "bridges/proxy/proxy_check.h"
#include "bridges/proxy/proxy_config.h"
#include "hallctl/fetch.h"

enum { URL_SIZE = 1024 };

/* NULL: ret_why says why, and ret_error is it. */
static struct json *ask(const char *api, const char *what, int *ret_error,
                        char ret_why[PROXY_API_WHY])
{
    static const struct json_limits limits = {.bytes = FETCH_BYTES_MAX, .depth = 16};
    struct buf body = BUF_INIT(FETCH_BYTES_MAX);
    char url[URL_SIZE], why[FETCH_WHY_SIZE] = "out of memory";
    struct json_error error = {.what = "no list"};
    struct json *value = NULL;
    size_t length = strlen(api);
    long status = 0;

    while (length > 0 && api[length - 1] == '/')
        length--;
    snprintf(url, sizeof(url), "%.*s/api/http/%s?per_page=100000", (int)length, api, what);
    *ret_error = -EHOSTUNREACH;
    if (fetch_get(url, NULL, &body, &status, why) == 0) {
        *ret_error = -EBADMSG;
        snprintf(why, sizeof(why), "HTTP %ld; Traefik needs \"api\" in its static configuration",
                 status);
        if (status == 200 && json_read(buf_text(&body), body.length, &limits, &value, &error) < 0)
            snprintf(why, sizeof(why), "does not answer as Traefik does: %s", error.what);
    }
    buf_finish(&body);
    if (!value || json_type(value) != JSON_ARRAY) {
        snprintf(ret_why, PROXY_API_WHY, "%.250s: %.250s", url, why);
        json_free(value);
        value = NULL;
    }
    return value;
}

int proxy_api_find(const char *api, const struct config *config, struct buf *ret_lines,
                   char ret_why[PROXY_API_WHY])
{
    int error = 0;
    struct json *routers = ask(api, "routers", &error, ret_why);
    struct json *middlewares = routers ? ask(api, "middlewares", &error, ret_why) : NULL;
    struct json *services = middlewares ? ask(api, "services", &error, ret_why) : NULL;

    if (services) {
        proxy_check_traefik(config, &(struct proxy_traefik){routers, middlewares, services},
                            ret_lines);
        error = 0;
    }
    json_free(routers);
    json_free(middlewares);
    json_free(services);
    return error;
}

int proxy_api_check(const struct call *call, const struct config *config)
{
    struct buf out = BUF_INIT(PROXY_CONFIG_MAX);
    char why[PROXY_API_WHY];
    const int error = proxy_api_find(call->texts[FLAG_CHECK], config, &out, why);

    if (error < 0) {
        fprintf(stderr, "hallctl %s: %s\n", call->verb->name, why);
        buf_finish(&out);
        return error == -EHOSTUNREACH ? HALLCTL_UNREACHABLE : HALLCTL_ERROR;
    }
    const bool found = out.length > 0;
    if (!found)
        buf_printf(&out, "Hall is asked for each of the %zu domains.\n", config->model.n_domains);
    const int status = hallctl_print(&out);
    return found ? HALLCTL_ERROR : status;
}
