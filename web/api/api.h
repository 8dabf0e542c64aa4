/*
 * api: /api/v1, whose contract is web/assets/openapi.json. The admin listener brings requests that
 * it has authorised already, on any of its workers, and sends what comes back. What is live comes
 * from the loop thread by errands (web/api/errand.h), what is past from the store's file by a
 * connection of its own, and the configuration from its file. An answer takes a few seconds at
 * most: the loop and the store are waited for with limits. One api for the life of the daemon; a
 * reload changes nothing here.
 */
#ifndef HALL_WEB_API_API_H
#define HALL_WEB_API_API_H

#include <stddef.h>
#include <stdint.h>

#include "web/api/errand.h"
#include "web/gate/language.h"
#include "web/gate/request.h"
#include "web/page/answer.h"

enum {
    API_BODY_MAX = 64 * 1024,
    API_CONFIG_MAX = 256 * 1024, /* bodies below /api/v1/config */
};

struct api;

struct api_options {
    struct errands *errands; /* borrowed: the way to the loop */
    const char *config_file;
    const char *store_path;
    const char *version; /* of Hall */
};

struct api_request {
    const char *method;
    const char *path;         /* decoded, "/api/v1/..." */
    struct span query;        /* as it came, without '?' */
    const char *content_type; /* or NULL */
    const char *body;         /* length bytes; NULL where there is none */
    size_t length;
    const char *if_match;   /* or NULL */
    const char *who;        /* the client's address */
    const char *by;         /* "admin" or "api-key" */
    enum language language; /* of the sentences in the answer */
    /* Long answers (exports) leave by this, as they are, head included; 0 or -errno. */
    int (*write)(void *context, const char *bytes, size_t length);
    void *context;
};

/* -ENOMEM. */
int api_create(const struct api_options *options, struct api **ret_api);
void api_destroy(struct api *api); /* NULL does nothing; no worker is at it any more */

/* The longest body that this path takes. */
size_t api_body_max(const char *path);

/* Answers into answer. Where answer->length is 0 afterwards, everything was sent by request->write
 * and the connection is to be closed. */
void api_answer(struct api *api, const struct api_request *request, struct answer *answer);

/* What changed since *cursor (0: from now on), as text/event-stream, appended to out; waits
 * limit_ms at most. 0: *cursor went on, or nothing came; -ESHUTDOWN: Hall stops. At most three at a
 * time is the caller's business. */
int api_stream(struct api *api, enum language language, uint64_t *cursor, int64_t limit_ms,
               struct buf *out);

#endif
