#include "web/front.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "web/desk.h"

#define WORKERS          24 /* each costs some 20 KB of stack */
#define TEXT_OF(number_) #number_
#define TEXT(number_)    TEXT_OF(number_)

enum {
    STOP_MS = 500, /* answers under way may take so long when Hall ends */
    KEPT_MAX = 18, /* connections kept open; beyond, each ends with its answer, so that workers stay
                      free */
    OFFICES_LEFT = 16,
};

/* A board and the desk that answers from it. After a reload there is a new one, and the old one
 * goes when no worker is at it any more. */
struct office {
    struct board *board;
    struct desk *desk;
};

struct worker {
    struct clerk clerk;
    _Atomic(struct office *) office; /* where it is at work now, or NULL */
    bool refused; /* its connection was told so: nothing more is answered on it */
};

struct front {
    struct mg_context *context;
    _Atomic(struct office *) office;
    struct office *left[OFFICES_LEFT]; /* older ones, not dropped yet. Loop thread */
    struct worker *workers;
    atomic_uint workers_given;
    atomic_uint connections; /* being served: each has a worker of its own */
    uint16_t port;
};

_Static_assert(sizeof(struct header) == sizeof(struct mg_header) &&
                   offsetof(struct header, value) == offsetof(struct mg_header, value),
               "header lines are handed on as they are");

static struct front *front_of(const struct mg_connection *connection)
{
    return mg_get_user_context_data(connection);
}

/* ---- One request ---- */

static void read_raw(const struct mg_request_info *info, struct raw_request *raw)
{
    *raw = (struct raw_request){
        .method = info->request_method,
        .target = info->request_uri != NULL ? info->request_uri : "",
        .query = info->query_string,
        .n_headers = info->num_headers < MG_MAX_HEADERS ? (size_t)info->num_headers
                                                        : REQUEST_HEADERS_MAX + 1,
        .headers = (const struct header *)(const void *)info->http_headers,
    };
    if (inet_pton(AF_INET, info->remote_addr, &raw->peer) != 1)
        raw->peer.s_addr = htonl(INADDR_NONE); /* never a trusted proxy */
}

/* Nobody here reads a body: a request with one ends its connection, so that nothing in it is ever
 * taken for the next request. */
static bool has_body(const struct mg_connection *connection)
{
    const char *length = mg_get_header(connection, "Content-Length");
    return (length != NULL && strcmp(length, "0") != 0) ||
           mg_get_header(connection, "Transfer-Encoding") != NULL;
}

/* HTTP/1.0 would have to be told that it may go on; it is not. */
static bool may_stay_open(struct front *front, const struct desk *desk,
                          const struct mg_request_info *info, const struct raw_request *raw)
{
    return atomic_load_explicit(&front->connections, memory_order_relaxed) <= KEPT_MAX &&
           strcmp(info->http_version, "1.1") == 0 && desk_trusts(desk, raw->peer);
}

/* Goes to the office of the day. Whoever closes it looks at all workers afterwards, so the look
 * back here decides. */
static struct desk *enter_office(struct front *front, struct worker *worker)
{
    struct office *office = atomic_load(&front->office);

    for (;;) {
        atomic_store(&worker->office, office);
        struct office *now = atomic_load(&front->office);
        if (now == office)
            return office->desk;
        office = now;
    }
}

static void leave_office(struct worker *worker)
{
    atomic_store_explicit(&worker->office, NULL, memory_order_release);
}

static int on_request(struct mg_connection *connection)
{
    struct front *front = front_of(connection);
    struct worker *worker = mg_get_thread_pointer(connection);
    struct desk *desk = enter_office(front, worker);
    struct clerk *clerk = &worker->clerk;
    const struct mg_request_info *info = mg_get_request_info(connection);
    struct raw_request raw;

    read_raw(info, &raw);
    clerk->answer.close = !may_stay_open(front, desk, info, &raw) || has_body(connection);
    clerk->answer.head_only = strcmp(raw.method, "HEAD") == 0;
    desk_answer(desk, &raw, clerk);
    leave_office(worker);
    if (clerk->answer.close)
        mg_disable_connection_keep_alive(connection);
    mg_write(connection, clerk->answer.text, clerk->answer.length);
    return clerk->answer.status;
}

static void refuse(struct mg_connection *connection, struct worker *worker, int status,
                   const char *detail)
{
    struct clerk *clerk = &worker->clerk;
    worker->refused = true;
    clerk->answer.close = true;
    clerk->answer.head_only = false;
    desk_refuse(clerk, status, detail);
    mg_disable_connection_keep_alive(connection);
    mg_write(connection, clerk->answer.text, clerk->answer.length);
}

static const char *detail_of(int status, const char *message)
{
    switch (status) {
    case 400:
        return "This is no sound HTTP/1.1 request, its method is unknown, or its head is longer "
               "than "
               "16 KB.";
    case 411:
        return "Content-Length is missing, or is not a number of bytes; send one.";
    case 505:
        return "Hall speaks HTTP/1.0 and HTTP/1.1 here.";
    default:
        return message;
    }
}

/* What civetweb refuses by itself, answered in our form. 1: let it say so its own way. */
static int on_error(struct mg_connection *connection, int status, const char *message)
{
    struct worker *worker = mg_get_thread_pointer(connection);
    if (worker == NULL)
        return 1;
    refuse(connection, worker, status, detail_of(status, message));
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
    struct worker *worker = mg_get_thread_pointer(connection);
    (void)data;
    if (worker != NULL)
        worker->refused = false;
    atomic_fetch_add_explicit(&front_of(connection)->connections, 1, memory_order_relaxed);
    return 0;
}

/* What is asked for without a path of its own ("http://host/", "*"), civetweb only hangs up on. */
static void on_connection_close(const struct mg_connection *connection)
{
    struct worker *worker = mg_get_thread_pointer(connection);
    const struct mg_request_info *info = mg_get_request_info(connection);
    if (worker != NULL && !worker->refused && info != NULL && info->request_uri != NULL &&
        info->local_uri == NULL)
        refuse((struct mg_connection *)connection, worker, 400,
               "Hall is no proxy: the request line must name a path that begins with '/'.");
}

static void on_connection_closed(const struct mg_connection *connection)
{
    atomic_fetch_sub_explicit(&front_of(connection)->connections, 1, memory_order_relaxed);
}

static void *on_thread(const struct mg_context *context, int type)
{
    struct front *front = mg_get_user_data(context);
    if (type != 1)
        return NULL;
    unsigned number = atomic_fetch_add(&front->workers_given, 1);
    return number < WORKERS ? &front->workers[number] : NULL;
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

/* civetweb does not say why it could not listen: asks the kernel the same. */
static int why_not(const struct sockaddr_in *address)
{
    int one = 1;
    int error = EIO;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 1) < 0)
        error = errno;
    close(fd);
    return error;
}

static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there; stop it, or choose another /http/gateway";
    case EACCES:
        return "ports below 1024 need a right this process does not have; choose another "
               "/http/gateway";
    case EADDRNOTAVAIL:
        return "no interface of this machine has that address; correct /http/gateway";
    default:
        return "see the reason";
    }
}

/* Workers take no signals: those are for the loop. */
static struct mg_context *start(struct front *front, const char *endpoint)
{
    /* clang-format off */
    const char *options[] = {
        "listening_ports", endpoint,
        "num_threads", TEXT(WORKERS),
        "listen_backlog", "1024",
        "connection_queue", "200",
        "tcp_nodelay", "1",
        "request_timeout_ms", "3000",
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

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct mg_context *context = mg_start(&callbacks, front, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return context;
}

static int make_workers(struct front *front)
{
    front->workers = calloc(WORKERS, sizeof *front->workers);
    if (front->workers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < WORKERS; i++)
        clerk_init(&front->workers[i].clerk);
    return 0;
}

static int open_office(struct board *board, struct office **ret_office)
{
    struct office *office = calloc(1, sizeof *office);
    if (office == NULL)
        return -ENOMEM;
    office->board = board;
    int error = desk_create(board, &office->desk);
    if (error != 0) {
        free(office);
        return error;
    }
    *ret_office = office;
    return 0;
}

static void close_office(struct office *office)
{
    if (office == NULL)
        return;
    desk_destroy(office->desk);
    free(office);
}

static int begin(struct front *front, const struct sockaddr_in *address)
{
    char text[INET_ADDRSTRLEN];
    char endpoint[INET_ADDRSTRLEN + 8];
    struct mg_server_port port;

    inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    snprintf(endpoint, sizeof endpoint, "%s:%u", text, ntohs(address->sin_port));
    front->context = start(front, endpoint);
    if (front->context == NULL) {
        int error = why_not(address);
        log_error("web: cannot listen on %s: %s; %s", endpoint, strerror(error), advice(error));
        return -error;
    }
    if (mg_get_server_ports(front->context, 1, &port) == 1)
        front->port = (uint16_t)port.port;
    log_info("web: the gateway listens on %s:%u", text, front->port);
    return 0;
}

int front_create(struct board *board, struct front **ret_front)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL)
        return -ENOMEM;
    mg_init_library(0);
    struct office *office = NULL;
    int error = open_office(board, &office);
    atomic_store(&front->office, office);
    if (error == 0)
        error = make_workers(front);
    if (error == 0)
        error = begin(front, &board_config(board)->http.gateway);
    if (error != 0) {
        front_destroy(front);
        return error;
    }
    *ret_front = front;
    return 0;
}

static struct office **find_left(struct front *front, const struct board *board)
{
    for (size_t i = 0; i < OFFICES_LEFT; i++)
        if (board == NULL ? front->left[i] == NULL
                          : front->left[i] != NULL && front->left[i]->board == board)
            return &front->left[i];
    return NULL;
}

int front_replace(struct front *front, struct board *board)
{
    struct office **place = find_left(front, NULL);
    struct office *office = NULL;
    if (place == NULL)
        return -EBUSY;
    int error = open_office(board, &office);
    if (error == 0)
        *place = atomic_exchange(&front->office, office);
    return error;
}

bool front_drop(struct front *front, const struct board *board)
{
    struct office **place = find_left(front, board);
    if (place == NULL)
        return true;
    for (size_t i = 0; i < WORKERS; i++)
        if (atomic_load(&front->workers[i].office) == *place)
            return false;
    close_office(*place);
    *place = NULL;
    return true;
}

uint16_t front_port(const struct front *front)
{
    return front->port;
}

static bool is_ours(int fd, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof own;
    int type = 0;
    socklen_t type_length = sizeof type;
    return getsockname(fd, (struct sockaddr *)&own, &length) == 0 && own.sin_family == AF_INET &&
           ntohs(own.sin_port) == port &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM;
}

static bool listens(int fd)
{
    int yes = 0;
    socklen_t length = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &length) == 0 && yes != 0;
}

/* Whoever reads from these sockets reads the end. civetweb does not name them. */
static void end_reading(uint16_t port, bool listener)
{
    DIR *descriptors = opendir("/proc/self/fd");
    if (descriptors == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(descriptors)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && is_ours(fd, port) && listens(fd) == listener)
            shutdown(fd, SHUT_RD);
    }
    closedir(descriptors);
}

/* While civetweb waits for a socket, it looks only every two seconds whether it is to stop, and
 * once it is, it sends no more answers. So connections are ended first, then the listener: nothing
 * is left to wait for. Without /proc the stop merely takes longer. */
static void stop(struct front *front)
{
    static const struct timespec pause = {.tv_nsec = 5000000};
    end_reading(front->port, false);
    for (int waited = 0; atomic_load(&front->connections) > 0 && waited < STOP_MS; waited += 5)
        nanosleep(&pause, NULL);
    end_reading(front->port, true);
    mg_stop(front->context);
}

void front_destroy(struct front *front)
{
    if (front == NULL)
        return;
    if (front->context != NULL)
        stop(front);
    mg_exit_library();
    for (size_t i = 0; front->workers != NULL && i < WORKERS; i++)
        clerk_finish(&front->workers[i].clerk);
    free(front->workers);
    for (size_t i = 0; i < OFFICES_LEFT; i++)
        close_office(front->left[i]);
    close_office(atomic_load(&front->office));
    free(front);
}
