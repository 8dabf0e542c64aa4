/* Hall's own API, for what no other way tells. */
#include <errno.h>
#include <stdio.h>

#include "hallctl/doctor/doctor.h"
#include "hallctl/fetch.h"

enum { ASK_MS = 2500, BODY_MAX = 1 << 18, URL_SIZE = 400 };

bool doctor_has_api(const struct doctor *doctor)
{
    return doctor->settings && doctor->config && doctor->config->http.n_admin > 0;
}

int doctor_api(const struct doctor *doctor, const char *path, struct json **ret_json,
               char ret_why[DOCTOR_WHY])
{
    static const struct json_limits limits = {.bytes = BODY_MAX, .depth = 16};
    struct fetch_how how = {.limit_ms = ASK_MS};
    char url[URL_SIZE], why[FETCH_WHY_SIZE] = "";
    struct buf body = BUF_INIT(BODY_MAX);
    struct json_error wrong;
    long status = 0;

    ret_why[0] = '\0';
    if (!doctor_has_api(doctor) || !doctor->settings->api_key)
        return -ENOKEY;
    how.api_key = doctor->settings->api_key;
    snprintf(url, sizeof(url), "%s/api/v1%s", doctor->settings->admin, path);
    int error = fetch_ask(url, &how, &body, &status, why);
    if (error == 0 && status != 200) {
        snprintf(why, sizeof(why), "HTTP %ld", status);
        error = -EACCES;
    }
    if (error == 0)
        error = json_read(buf_text(&body), body.length, &limits, ret_json, &wrong);
    snprintf(ret_why, DOCTOR_WHY, "%.*s", DOCTOR_WHY - 1, why);
    buf_finish(&body);
    return error;
}
