/*
 * Fuzzes /api/v1: routes, parameters and bodies, as the admin listener hands them on, with a
 * configuration file that may be read and changed and a loop that answers nothing. Input: method,
 * path and query on the first line, as "POST /servers/a/wake?x=1"; the rest is the body.
 */
#include <assert.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "web/api/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char domains[] =
    "{\"servers\":{\"testing\":{\"address\":\"192.0.2.1\",\"mac\":\"02:00:00:00:00:01\"}},"
    "\"domains\":{\"a.example\":{\"server\":\"testing\",\"access\":{\"allow\":[\"10.0.0.0/"
    "8\"]}}}}\n";

static struct errands *errands;
static struct api *api;
static struct answer answer;
static char folder[] = "/tmp/hall-fuzz-api-XXXXXX", file[64], store[64];

static int forget(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void clean(void)
{
    api_destroy(api);
    errands_destroy(errands);
    answer_finish(&answer);
    (void)nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(void)
{
    FILE *out = fopen(file, "we");
    assert(out != NULL);
    fputs(domains, out);
    fclose(out);
}

static void set_up(void)
{
    if (api != NULL)
        return;
    assert(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/domains.json", folder);
    snprintf(store, sizeof store, "%s/hall.db", folder);
    const int made = errands_create(&errands);
    assert(made == 0);
    errands_close(errands); /* nobody answers, and nobody waits */
    const struct api_options options = {
        .errands = errands, .config_file = file, .store_path = store, .version = "1"};
    const int created = api_create(&options, &api);
    assert(created == 0);
    answer_init(&answer);
    atexit(clean);
}

static int swallow(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    return 0;
}

/* What is said is sound JSON, of the kind that its status calls for. */
static void check_answer(void)
{
    struct json *json = NULL;
    struct json_error error;
    const char *body = strstr(answer.text, "\r\n\r\n");
    assert(answer.status >= 200 && answer.status < 600 && answer.status != 500);
    assert(answer.length > 0 && body != NULL);
    const int read = json_read(body + 4, answer.length - (size_t)(body + 4 - answer.text),
                               &json_limits_config, &json, &error);
    assert(read == 0 || answer.status == 200); /* the file itself may be what a person wrote */
    if (answer.status >= 400)
        assert(json_get_string(json, "detail") != NULL);
    json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[1024], path[1100], *rest = NULL;
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end != NULL ? (size_t)(end - data) : size;

    if (length >= sizeof line || memchr(data, '\0', length) != NULL)
        return 0;
    set_up();
    put_file();
    memcpy(line, data, length);
    line[length] = '\0';
    const char *method = strtok_r(line, " ", &rest);
    const char *target = strtok_r(NULL, "?", &rest);
    snprintf(path, sizeof path, "/api/v1%s", target != NULL ? target : "");
    struct api_request request = {
        .method = method != NULL ? method : "GET",
        .path = path,
        .query = {rest, rest != NULL ? strlen(rest) : 0},
        .content_type = "application/json",
        .body = end != NULL ? (const char *)end + 1 : NULL,
        .length = end != NULL ? size - length - 1 : 0,
        .if_match = "\"0\"",
        .who = "192.0.2.9",
        .by = "admin",
        .write = swallow,
    };
    if (request.length > api_body_max(path))
        request.length = api_body_max(path);
    api_answer(api, &request, &answer);
    check_answer();
    return 0;
}
