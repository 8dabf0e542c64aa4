#include "web/listen/listener.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "web/listen/lines.h"
#include "web/listen/listen_sockets.h"
#include "web/listen/patience.h"
#include "web/listen/stack.h"

enum {
    STOP_MS = 500, /* answers under way may take so long when Hall ends */
    HEAD_KB = 64,
    HEAD_MAX = (HEAD_KB + 1) * 1024, /* a head, and what comes with it */
    DRAIN_MAX = 8 * 1024 * 1024,
    ROOM = 160 * 1024, /* the longest file of the dashboard */
};

struct worker {
    unsigned number;
    _Atomic uint64_t peer; /* whose request it is answering; 0: none */
    _Atomic int64_t
        reading; /* since when it has been reading that one's body, ms; 0: it does not */
    struct stack stack;
    bool refused; /* its connection was told so: nothing more is answered on it */
};

/* The lines of a head, where there are more than civetweb takes. Most workers never see such a
 * head: apart from them, this memory is not touched. */
struct long_head {
    struct header lines[REQUEST_HEADERS_MAX];
};

struct listener {
    const struct listener_role *role;
    void *context;
    struct mg_context *civetweb;
    struct worker *workers;
    struct long_head *long_heads; /* one for each worker */
    atomic_uint workers_given;
    atomic_uint connections; /* being served: each has a worker of its own */
    struct listen_sockets sockets;
    sem_t put; /* they are in civetweb's places, or put_error says why not */
    int put_error;
    struct patience_rules rules;
    struct patience *patience;
};

struct exchange {
    struct mg_connection *connection;
    struct listener *listener;
    bool broken; /* its head: what follows it may be part of it */
};

_Static_assert(sizeof(struct header) == sizeof(struct mg_header) &&
                   offsetof(struct header, value) == offsetof(struct mg_header, value),
               "header lines are handed on as they are");

static struct listener *listener_of(const struct mg_connection *connection)
{
    return mg_get_user_context_data(connection);
}

/* ---- One request ---- */

static bool has_more_lines(const struct mg_request_info *info)
{
    return info->num_headers >= MG_MAX_HEADERS;
}

/* lines: room for REQUEST_HEADERS_MAX. */
static void read_raw(const struct mg_request_info *info, struct header *lines,
                     struct raw_request *raw)
{
    *raw = (struct raw_request){
        .method = info->request_method,
        .target = info->request_uri ? info->request_uri : "",
        .query = info->query_string,
        .n_headers = (size_t)info->num_headers,
        .headers = (const struct header *)(const void *)info->http_headers,
    };
    if (address_parse(info->remote_addr, &raw->peer) < 0)
        raw->peer = (struct address){{0}}; /* never a trusted proxy */
    const struct lines_taken taken = {.before = info->http_version,
                                      .limit = info->request_method + HEAD_MAX,
                                      .most = MG_MAX_HEADERS};
    lines_gather(&taken, lines, raw);
}

static bool has_body(const struct mg_connection *connection)
{
    const char *length = mg_get_header(connection, "Content-Length");
    return (length && strcmp(length, "0") != 0) || mg_get_header(connection, "Transfer-Encoding");
}

/* A request with a body ends its connection, so that nothing in it is ever taken for the next
 * request; so does one with lines that civetweb did not see, which may announce a body. HTTP/1.0
 * would have to be told that it may go on; it is not. */
bool exchange_may_stay(const struct exchange *exchange)
{
    const struct listener *listener = exchange->listener;
    const struct mg_request_info *info = mg_get_request_info(exchange->connection);
    return atomic_load_explicit(&listener->connections, memory_order_relaxed) <=
               listener->role->kept_max &&
           !exchange->broken && strcmp(info->http_version, "1.1") == 0 && !has_more_lines(info) &&
           !has_body(exchange->connection);
}

uint64_t exchange_peer(const struct exchange *exchange)
{
    const struct worker *worker = mg_get_thread_pointer(exchange->connection);
    return atomic_load(&worker->peer);
}

/* A quarter of the workers is always left for those who are answered at once. */
bool exchange_is_crowded(const struct exchange *exchange)
{
    const struct listener *listener = exchange->listener;
    return atomic_load_explicit(&listener->connections, memory_order_relaxed) >
           listener->role->workers - listener->role->workers / 4;
}

void exchange_close(struct exchange *exchange)
{
    mg_disable_connection_keep_alive(exchange->connection);
}

bool exchange_send(struct exchange *exchange, const char *text, size_t length)
{
    return mg_write(exchange->connection, text, length) == (int)length;
}

static int64_t now_ms(void)
{
    return clock_boot_ns() / 1000000;
}

ssize_t exchange_read(struct exchange *exchange, char *out, size_t size)
{
    struct worker *worker = mg_get_thread_pointer(exchange->connection);
    if (atomic_load(&worker->reading) == 0)
        atomic_store(&worker->reading, now_ms());
    int length = mg_read(exchange->connection, out, size);
    if (length <= 0)
        atomic_store(&worker->reading, 0);
    return length < 0 ? -EIO : length;
}

void exchange_drain(struct exchange *exchange)
{
    char waste[4096];
    if (!has_body(exchange->connection))
        return;
    for (size_t left = DRAIN_MAX; left > 0;) {
        ssize_t length = exchange_read(exchange, waste, sizeof(waste));
        if (length <= 0)
            return;
        left -= (size_t)length < left ? (size_t)length : left;
    }
}

static int on_request(struct mg_connection *connection)
{
    struct listener *listener = listener_of(connection);
    struct worker *worker = mg_get_thread_pointer(connection);
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct exchange exchange = {connection, listener, false};
    struct raw_request raw;

    read_raw(info, listener->long_heads[worker->number].lines, &raw);
    exchange.broken = raw.broken;
    atomic_store(&worker->peer,
                 patience_peer(address_to_v4(raw.peer), (uint16_t)info->remote_port));
    int status = listener->role->serve(listener->context, worker->number, &exchange, &raw);
    atomic_store(&worker->peer, 0);
    atomic_store(&worker->reading, 0);
    return status > 0 ? status : 500; /* after a 0 civetweb would send an answer of its own */
}

static void refuse(struct mg_connection *connection, struct worker *worker, int status,
                   const struct fact *why)
{
    struct listener *listener = listener_of(connection);
    struct exchange exchange = {connection, listener, true};
    worker->refused = true;
    exchange_close(&exchange);
    listener->role->refuse(listener->context, worker->number, &exchange, status, why);
}

static struct fact fact_of(int status, const char *message)
{
    switch (status) {
    case 400:
        return FACT(REQUEST_BROKEN);
    case 431:
        return FACT(REQUEST_HEAD, .n = {HEAD_KB});
    case 411:
        return FACT(REQUEST_LENGTH);
    case 505:
        return FACT(REQUEST_VERSION);
    default:
        return fact_said(message);
    }
}

/* A proxy that is still sending a head would take our end for an outage: the rest is read first. */
static bool drain_head(const struct mg_connection *connection)
{
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct sockaddr_in peer = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)info->remote_port)};
    return inet_pton(AF_INET, info->remote_addr, &peer.sin_addr) == 1 &&
           own_socket_drain_head(&listener_of(connection)->sockets.addresses, &peer, HEAD_MAX);
}

/* What civetweb refuses by itself, answered in our form. 1: let it say so its own way. */
static int on_error(struct mg_connection *connection, int status, const char *message)
{
    struct worker *worker = mg_get_thread_pointer(connection);
    if (!worker)
        return 1;
    if ((status == 400 || status == 413) && drain_head(connection))
        status = 431; /* civetweb does not always tell a long head from a broken one */
    const struct fact why = fact_of(status, message);
    refuse(connection, worker, status, &why);
    return 0;
}

/* Broken requests are anyone's to send: no line each. */
static int on_message(const struct mg_connection *connection, const char *message)
{
    (void)connection;
    log_debug("web: civetweb: %s", message);
    return 1;
}

static int on_connection(const struct mg_connection *connection, void **data)
{
    struct listener *listener = listener_of(connection);
    struct worker *worker = mg_get_thread_pointer(connection);
    (void)data;
    if (worker)
        worker->refused = false;
    patience_look(listener->patience, atomic_fetch_add(&listener->connections, 1) + 1);
    return 0;
}

/* What is asked for without a path of its own ("http://host/", "*"), civetweb only hangs up on. */
static void on_connection_close(const struct mg_connection *connection)
{
    struct worker *worker = mg_get_thread_pointer(connection);
    const struct mg_request_info *info = mg_get_request_info(connection);
    if (worker && !worker->refused && info && info->request_uri && !info->local_uri)
        refuse((struct mg_connection *)connection, worker, 400, &FACT(REQUEST_NO_PATH));
}

static void on_connection_closed(const struct mg_connection *connection)
{
    struct worker *worker = mg_get_thread_pointer(connection);
    atomic_fetch_sub_explicit(&listener_of(connection)->connections, 1, memory_order_relaxed);
    if (worker)
        stack_give_back(&worker->stack, clock_boot_ns());
}

/* Before the first connection is accepted. */
static void put_sockets(struct listener *listener, const struct mg_context *civetweb)
{
    const size_t n = listener->sockets.addresses.n;
    struct mg_server_port places[OWN_ADDRESSES_MAX];
    uint16_t ports[OWN_ADDRESSES_MAX] = {0};
    const int got = mg_get_server_ports(civetweb, (int)n, places);
    for (int i = 0; i < got; i++)
        ports[i] = (uint16_t)places[i].port;
    listener->put_error = listen_sockets_put(&listener->sockets, ports);
    sem_post(&listener->put);
}

/* type: 0 for the thread that accepts; 1 for a worker. */
static void *on_thread(const struct mg_context *civetweb, int type)
{
    struct listener *listener = mg_get_user_data(civetweb);
    if (type == 0)
        put_sockets(listener, civetweb);
    if (type != 1)
        return NULL;
    unsigned number = atomic_fetch_add(&listener->workers_given, 1);
    if (number >= listener->role->workers)
        return NULL;
    stack_know(&listener->workers[number].stack);
    return &listener->workers[number];
}

/* ---- Start and end ---- */

static const struct mg_callbacks callbacks = {
    .begin_request = on_request,
    .http_error = on_error,
    .log_message = on_message,
    .init_thread = on_thread,
    .init_connection = on_connection,
    .connection_close = on_connection_close,
    .connection_closed = on_connection_closed,
};

/* Workers take no signals: those are for the loop. */
static struct mg_context *start(struct listener *listener)
{
    char workers[12];
    char head[12];
    /* clang-format off */
    const char *options[] = {
        "listening_ports", listen_sockets_places(listener->sockets.addresses.n),
        "num_threads", workers,
        "listen_backlog", "1024",
        "connection_queue", "200",
        "tcp_nodelay", "1",
        "request_timeout_ms", "3000",
        "max_request_size", head,
        "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "5000",
        "decode_url", "no",
        "decode_query_string", "no",
        "access_control_allow_origin", "",
        "access_control_allow_methods", "",
        "enable_directory_listing", "no",
        "enable_auth_domain_check", "no",
        NULL,
    };
    /* clang-format on */
    sigset_t all;
    sigset_t before;

    snprintf(workers, sizeof(workers), "%u", listener->role->workers);
    snprintf(head, sizeof(head), "%d", HEAD_MAX);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct mg_context *civetweb = mg_start(&callbacks, listener, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return civetweb;
}

static unsigned served(void *context)
{
    return atomic_load(&((struct listener *)context)->connections);
}

static bool at_work(void *context, uint64_t peer)
{
    struct listener *listener = context;
    for (unsigned i = 0; i < listener->role->workers; i++) {
        if (atomic_load(&listener->workers[i].peer) == peer)
            return true;
    }
    return false;
}

static unsigned reads_for(void *context, uint64_t peer)
{
    struct listener *listener = context;
    for (unsigned i = 0; i < listener->role->workers; i++) {
        struct worker *worker = &listener->workers[i];
        int64_t since = atomic_load(&worker->reading);
        if (since > 0 && atomic_load(&worker->peer) == peer)
            return (unsigned)(now_ms() - since);
    }
    return 0;
}

static int begin(struct listener *listener)
{
    listener->civetweb = start(listener);
    if (!listener->civetweb) {
        log_error("web: %s cannot be started: no memory, no descriptors or no threads left",
                  listener->role->name);
        return -EAGAIN;
    }
    while (sem_wait(&listener->put) < 0 && errno == EINTR)
        continue;
    if (listener->put_error < 0) {
        log_error("web: %s cannot be started: its sockets are not found: %s", listener->role->name,
                  strerror(-listener->put_error));
        return listener->put_error;
    }
    listen_sockets_tell(&listener->sockets);
    return 0;
}

static int listen_there(struct listener *listener, const struct sockaddr_in *addresses, size_t n)
{
    const struct listener_role *role = listener->role;
    listener->sockets =
        (struct listen_sockets){.room = ROOM, .name = role->name, .pointer = role->pointer};
    const int error = listen_sockets_open(&listener->sockets, addresses, n);
    if (error == 0 && !role->may_come_later && listen_sockets_missing(&listener->sockets) == n)
        return -EADDRINUSE;
    return error;
}

int listener_create(const struct listener_role *role, void *context,
                    const struct sockaddr_in *addresses, size_t n, struct listener **ret_listener)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return -ENOMEM;
    mg_init_library(0);
    sem_init(&listener->put, 0, 0);
    listener->role = role;
    listener->context = context;
    listener->workers = calloc(role->workers, sizeof(*listener->workers));
    listener->long_heads = calloc(role->workers, sizeof(*listener->long_heads));
    int error = listener->workers && listener->long_heads ? 0 : -ENOMEM;
    for (unsigned i = 0; error == 0 && i < role->workers; i++)
        listener->workers[i].number = i;
    listener->rules = (struct patience_rules){.scarce = role->workers - role->workers / 4,
                                              .most = role->workers,
                                              .new_ms = role->new_ms,
                                              .served = served,
                                              .at_work = at_work,
                                              .reads_for = reads_for};
    if (error == 0)
        error = patience_create(&listener->rules, &listener->sockets.addresses, listener,
                                &listener->patience);
    if (error == 0)
        error = listen_there(listener, addresses, n);
    *ret_listener = listener; /* before the workers start, which may ask for it */
    if (error == 0)
        error = begin(listener);
    if (error != 0) {
        *ret_listener = NULL;
        listener_destroy(listener);
    }
    return error;
}

uint16_t listener_port(const struct listener *listener)
{
    return ntohs(listener->sockets.addresses.at[0].sin_port);
}

size_t listener_retry(struct listener *listener)
{
    return listen_sockets_retry(&listener->sockets);
}

/* While civetweb waits for a socket, it looks only every two seconds whether it is to stop, and
 * once it is, it sends no more answers. So connections are ended first, then the listener: nothing
 * is left to wait for. Without /proc the stop merely takes longer. */
static void stop(struct listener *listener)
{
    static const struct timespec pause = {.tv_nsec = 5000000};
    own_socket_end_reading(&listener->sockets.addresses);
    for (int waited = 0; atomic_load(&listener->connections) > 0 && waited < STOP_MS; waited += 5)
        nanosleep(&pause, NULL);
    listen_sockets_end(&listener->sockets);
    mg_stop(listener->civetweb);
}

void listener_destroy(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->civetweb)
        stop(listener);
    patience_destroy(listener->patience); /* it reads the addresses, as long as it looks */
    listen_sockets_close(&listener->sockets);
    mg_exit_library();
    sem_destroy(&listener->put);
    free(listener->long_heads);
    free(listener->workers);
    free(listener);
}

void listener_end_reading(struct listener *listener, uint64_t peer)
{
    const struct sockaddr_in other = patience_address(peer);
    own_socket_end_peer(&listener->sockets.addresses, &other);
}
