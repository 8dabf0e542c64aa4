/*
 * heard: what a proxy told Hall of the doctor's last requests, and what Hall understood. Anybody
 * may ask under the doctor's name: the latest are kept, they do nothing, and only who is logged in
 * reads them, by a token. Any thread.
 */
#ifndef HALL_WEB_BOARD_HEARD_H
#define HALL_WEB_BOARD_HEARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { HEARD_MAX = 16, HEARD_TOKEN_SIZE = 40, HEARD_VALUE_SIZE = 256 };

/* Where the proxy asked: before a visitor may pass, or for what lies below /.hall/. */
enum heard_door { HEARD_AUTH, HEARD_HELPER };
enum heard_header { HEARD_HOST, HEARD_FOR, HEARD_PROTO, HEARD_URI, HEARD_METHOD };
enum { HEARD_HEADERS = HEARD_METHOD + 1 };

struct heard {
    char token[HEARD_TOKEN_SIZE]; /* "": none */
    enum heard_door door;
    bool trusted;                                  /* the peer is a trusted proxy */
    char peer[HEARD_VALUE_SIZE];                   /* its address */
    char address[HEARD_VALUE_SIZE];                /* the visitor's, as understood */
    char host[HEARD_VALUE_SIZE];                   /* so too */
    bool has[HEARD_HEADERS];                       /* it sent X-Forwarded-...: */
    char headers[HEARD_HEADERS][HEARD_VALUE_SIZE]; /* as they came, cleaned and cut */
};

struct heard_list {
    pthread_mutex_t lock;
    size_t next;
    struct heard all[HEARD_MAX];
};

void heard_init(struct heard_list *list);
void heard_finish(struct heard_list *list);

/* The oldest makes room. */
void heard_add(struct heard_list *list, const struct heard *heard);
/* Those of this token; how many. */
size_t heard_find(struct heard_list *list, const char *token, struct heard ret_heard[HEARD_MAX]);

const char *heard_header_name(enum heard_header header); /* "X-Forwarded-Host" ... */

#endif
