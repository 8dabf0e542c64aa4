/*
 * bare_civetweb: the least a program on civetweb does: one handler that answers 503 with a body of
 * fixed size. What Hall's page is measured against.
 *
 *   bare_civetweb ADDRESS:PORT THREADS BYTES
 *
 * Prints "ready" when it listens, ends when its standard input does.
 */
#include <civetweb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum { BYTES_MAX = 1048576 };

struct answer {
    char *text;
    size_t length;
};

static int handle(struct mg_connection *connection, void *context)
{
    const struct answer *answer = context;

    mg_write(connection, answer->text, answer->length);
    return 503;
}

static int prepare(size_t bytes, struct answer *ret_answer)
{
    char head[256];
    const int length =
        snprintf(head, sizeof(head),
                 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
                 "Cache-Control: no-store\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                 bytes);

    ret_answer->text = malloc((size_t)length + bytes);
    if (!ret_answer->text)
        return -1;
    ret_answer->length = (size_t)length + bytes;
    memcpy(ret_answer->text, head, (size_t)length);
    memset(ret_answer->text + length, 'x', bytes);
    return 0;
}

/* Until standard input ends. 0, or 1 where it cannot listen. */
static int serve(const char *endpoint, const char *threads, struct answer *answer)
{

    const char *options[] = {"listening_ports",
                             endpoint,
                             "num_threads",
                             threads,
                             "tcp_nodelay",
                             "1",
                             "enable_keep_alive",
                             "no",
                             "listen_backlog",
                             "1024",
                             "connection_queue",
                             "200",
                             NULL};
    mg_init_library(0);
    struct mg_context *server = mg_start(NULL, NULL, options);
    if (!server) {
        (void)fprintf(stderr, "bare_civetweb: cannot listen on %s\n", endpoint);
        return 1;
    }
    mg_set_request_handler(server, "/", handle, answer);
    (void)puts("ready");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    mg_stop(server);
    mg_exit_library();
    return 0;
}

int main(int argc, char **argv)
{
    struct answer answer;
    int64_t bytes;

    if (argc != 4 || number_parse(argv[3], 1, BYTES_MAX, &bytes) < 0 ||
        prepare((size_t)bytes, &answer) < 0) {
        (void)fputs("usage: bare_civetweb ADDRESS:PORT THREADS BYTES\n", stderr);
        return 2;
    }
    const int status = serve(argv[1], argv[2], &answer);
    free(answer.text);
    return status;
}
