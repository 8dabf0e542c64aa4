#include "hallctl/proxy_api.h"

#include <string.h>

#include "base/json.h"
#include "bridges/proxy/proxy_check.h"
#include "bridges/proxy/proxy_config.h"
#include "hallctl/fetch.h"

enum { URL_SIZE = 1024 };

/* NULL: stderr says why, and ret_status is the exit status. */
static struct json *ask(const struct call *call, const char *what, int *ret_status)
{
    static const struct json_limits limits = {.bytes = FETCH_BYTES_MAX, .depth = 16};
    const char *api = call->texts[FLAG_CHECK];
    struct buf body = BUF_INIT(FETCH_BYTES_MAX);
    char url[URL_SIZE], why[FETCH_WHY_SIZE] = "out of memory";
    struct json_error error = {.what = "no list"};
    struct json *value = NULL;
    size_t length = strlen(api);
    long status = 0;

    while (length > 0 && api[length - 1] == '/')
        length--;
    snprintf(url, sizeof(url), "%.*s/api/http/%s?per_page=100000", (int)length, api, what);
    *ret_status = HALLCTL_UNREACHABLE;
    if (fetch_get(url, NULL, &body, &status, why) == 0) {
        *ret_status = HALLCTL_ERROR;
        snprintf(why, sizeof(why), "HTTP %ld; Traefik needs \"api\" in its static configuration",
                 status);
        if (status == 200 && json_read(buf_text(&body), body.length, &limits, &value, &error) < 0)
            snprintf(why, sizeof(why), "does not answer as Traefik does: %s", error.what);
    }
    buf_finish(&body);
    if (!value || json_type(value) != JSON_ARRAY) {
        fprintf(stderr, "hallctl %s: %s: %s\n", call->verb->name, url, why);
        json_free(value);
        value = NULL;
    }
    return value;
}

static int tell(const struct config *config, const struct proxy_traefik *traefik)
{
    struct buf out = BUF_INIT(PROXY_CONFIG_MAX);
    size_t found = proxy_check_traefik(config, traefik, &out);
    if (found == 0)
        buf_printf(&out, "Hall is asked for each of the %zu domains.\n", config->model.n_domains);
    const int status = hallctl_print(&out);
    return found > 0 ? HALLCTL_ERROR : status;
}

int proxy_api_check(const struct call *call, const struct config *config)
{
    int status = HALLCTL_OK;
    struct json *routers = ask(call, "routers", &status);
    struct json *middlewares = routers ? ask(call, "middlewares", &status) : NULL;
    struct json *services = middlewares ? ask(call, "services", &status) : NULL;

    if (services)
        status = tell(config, &(struct proxy_traefik){routers, middlewares, services});
    json_free(routers);
    json_free(middlewares);
    json_free(services);
    return status;
}
