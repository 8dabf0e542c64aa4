/*
 * api_internal: what the parts of the API share. api.c has the routes, live.c what the loop
 * answers, past.c the lists of the store, figures.c the statistics, file.c and rules.c the
 * configuration, tools.c what an owner tries by hand.
 */
#ifndef HALL_WEB_API_INTERNAL_H
#define HALL_WEB_API_INTERNAL_H

#include <pthread.h>

#include "base/json.h"
#include "web/api/api.h"

enum {
    API_ARGS_MAX = 2,
    API_ARG_SIZE = 256,
    API_LOOP_MS = 3000,    /* how long the loop is waited for */
    API_COMMAND_MS = 6500, /* and the first answer to a command, which may wait for the disk */
};

struct api {
    struct errands *errands;
    char *config_file, *store_path, *version;
    pthread_mutex_t file_lock; /* one at a time changes the configuration file */
};

struct api_route;
struct report;

/* One request on its way through. */
struct api_call {
    struct api *api;
    const struct api_request *request;
    struct answer *answer;
    const struct api_route *route;
    char args[API_ARGS_MAX][API_ARG_SIZE]; /* what stands for the stars of the route */
};

/* What may stand in a query; every route says which. */
enum {
    PARAM_SERVER = 1,
    PARAM_DOMAIN = 2,
    PARAM_PROJECT = 4,
    PARAM_TYPE = 8,
    PARAM_SEARCH = 16,
    PARAM_ADDRESS = 32,
    PARAM_TIMES = 64, /* from, to */
    PARAM_BEFORE = 128,
    PARAM_AFTER = 256,
    PARAM_LIMIT = 512,
    PARAM_FORMAT = 1024,
};

struct api_params {
    char server[SLUG_MAX + 1], project[SLUG_MAX + 1], domain[254], type[33], search[101];
    char address[16], format[8], from_text[64], to_text[64], number[24];
    int64_t from, to, before, after, limit;
};

struct api_route {
    const char *method, *path; /* below /api/v1; '*': any segment */
    void (*answer)(struct api_call *call);
    unsigned params;
    int which;        /* the handler's own */
    const char *word; /* so too */
};

/* ---- api.c: answers ---- */

__attribute__((format(printf, 3, 4))) void api_problem(struct api_call *call, int status,
                                                       const char *format, ...);
/* JSON begins; writer ends it by api_end. */
struct buf *api_begin(struct api_call *call, int status, struct json_writer *writer);
void api_end(struct api_call *call);
/* A problem document that says more than its detail: what is more stands between the two. */
void api_begin_problem(struct api_call *call, int status, const char *detail,
                       const struct json *fact, struct json_writer *writer);
void api_end_problem(struct api_call *call, struct json_writer *writer);
/* Adds a document of the bus to an answer, its sentences in the reader's language. */
void api_say(struct api_call *call, const char *text, size_t length, struct buf *out);
/* False: it is answered already. */
bool api_params(struct api_call *call, struct api_params *ret_params);
extern const struct json_limits api_limits; /* of what is read from clients and files here */
/* The body as a JSON object, freed by the caller; false: answered. optional: there may be none. */
bool api_body(struct api_call *call, bool optional, struct json **ret_json);
/* Only these keys; false: answered. */
bool api_keys(struct api_call *call, const struct json *json, const char *const keys[]);
/* Who asks, for the log: "admin (192.168.1.50)". */
void api_by(const struct api_call *call, char *out, size_t size);

/* ---- live.c ---- */

/* Gives it to the loop; false: answered with a problem. Either way the caller drops it. */
bool api_run(struct api_call *call, struct errand *errand, int64_t limit_ms);
struct errand *api_errand(struct api_call *call, enum errand_kind kind); /* NULL: answered */

void api_live_plain(struct api_call *call); /* the errand of the route, which needs no more */
void api_live_list(struct api_call *call);
void api_live_one(struct api_call *call);
void api_live_command(struct api_call *call);
void api_live_policy(struct api_call *call);
void api_live_idle(struct api_call *call);
void api_live_keep_awake(struct api_call *call);
void api_live_hold(struct api_call *call);
void api_live_release_hold(struct api_call *call);
void api_live_release(struct api_call *call);
void api_live_preview(struct api_call *call);

/* ---- past.c, figures.c, export.c ---- */

struct archive;
struct archive_filter;
struct store_entry;

/* fresh: what happened a moment ago is to be in it; spans: the present states too. NULL: answered
 */
struct archive *api_archive(struct api_call *call, int64_t limit_ms, bool fresh, bool spans);
void api_filter(const struct api_params *params, struct archive_filter *ret_filter);
void api_put_event(struct json_writer *writer, const struct store_entry *entry);
/* "after 18.1 s": what people are told of an event. Lives as long as json. */
const char *api_event_detail(const struct json *body);
void api_past_list(struct api_call *call);
void api_past_export(struct api_call *call);
void api_figures(struct api_call *call);

/* ---- file.c: the configuration ---- */

enum { ETAG_SIZE = 20 };

/* Adds what the file has; flags beside O_RDONLY. -errno, or the buf's error. */
int api_file_load(const char *path, int flags, struct buf *out);
/* All of it, and on the disk. -errno. */
int api_file_write(int fd, const char *text, size_t length);
void api_file_etag(const char *text, size_t length, char out[ETAG_SIZE]);
bool api_file_read(struct api_call *call, struct buf *ret_text);
/* A problem with the list `errors`, in the reader's language and as facts. */
void api_answer_errors(struct api_call *call, int status, const char *detail,
                       const struct report *report);
/* Checks, keeps the old one, writes, has it loaded, answers. file_lock is held. */
void api_file_replace(struct api_call *call, const char *text, size_t length);
/* False: answered 412 or 428. file_lock is held. */
bool api_file_matches(struct api_call *call, const struct buf *current);
void api_file_get(struct api_call *call);
void api_file_put(struct api_call *call);
void api_file_validate(struct api_call *call);
void api_file_diff(struct api_call *call);
void api_file_schema(struct api_call *call);
void api_rules(struct api_call *call);

/* versions.c */
int api_version_keep(const struct api *api, const char *text, size_t length, const char *by,
                     char ret_version[64]);
void api_version_list(struct api_call *call);
void api_version_get(struct api_call *call);
void api_version_restore(struct api_call *call);

/* diff.c */
void api_diff(struct json_writer *writer, const struct json *old, const struct json *new);

/* ---- tools.c ---- */

void api_tool_ping(struct api_call *call);
void api_tool_http(struct api_call *call);
void api_tool_packet(struct api_call *call);

#endif
