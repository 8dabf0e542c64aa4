/* The prober on loopback, against small servers on the same loop. What needs a real link is in
 * integration/. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "probe/probe.h"
#include "unit.h"

enum {
    LIMIT_MS = 300000, /* a test that waits longer has failed */
    LATE_TURNS = 20, /* of the loop, that may begin after something is due and before it is there */
    TURN_US = 1000,
    ROUND_MS = 200, /* a connection is taken, and found taken, within this and the next */
    ROUND_LIMIT_MS = 600,
    CONNECTIONS_MAX = 64,
    BIG_BODY = 8 * 1024 * 1024,
    HEADS_SIZE = 200 * 1024,
};

/* --- a server on the test's own loop --- */

struct peer {
    int fd;
    uint16_t port;
    sd_event *loop;
    sd_event_source *io;
    const char *response; /* NULL: never answers */
    bool close_at_once, keep_open;
    /* When the loop comes late, several tries may have connected; one of them asks. */
    int accepted, requests;
    int asked; /* the connection of the last request */
    char last_request[2048];
    int n_connections;
    int connections[CONNECTIONS_MAX];
    sd_event_source *connection_io[CONNECTIONS_MAX];
};

static int on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    struct peer *peer = userdata;
    ssize_t size = recv(fd, peer->last_request, sizeof peer->last_request - 1, MSG_DONTWAIT);
    if (size <= 0) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
    }
    peer->last_request[size] = '\0';
    peer->requests++;
    peer->asked = fd;
    if (peer->response) {
        (void)send(fd, peer->response, strlen(peer->response), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (!peer->keep_open)
            (void)shutdown(fd, SHUT_WR);
    }
    return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    struct peer *peer = userdata;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return 0;
    peer->accepted++;
    if (peer->close_at_once || peer->n_connections == CONNECTIONS_MAX) {
        (void)close(connection);
        return 0;
    }
    int n = peer->n_connections++;
    peer->connections[n] = connection;
    return sd_event_add_io(peer->loop, &peer->connection_io[n], connection, EPOLLIN, on_request,
                           peer);
}

static void peer_accept(struct peer *peer)
{
    assert_true(sd_event_add_io(peer->loop, &peer->io, peer->fd, EPOLLIN, on_connection, peer) >=
                0);
}

/* Listens on a free port; accepts nothing before peer_accept. */
static void peer_listen(struct peer *peer, sd_event *loop, int backlog)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof own;
    *peer = (struct peer){.loop = loop};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(peer->fd >= 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(listen(peer->fd, backlog), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&own, &size), 0);
    peer->port = ntohs(own.sin_port);
}

static void peer_close(struct peer *peer)
{
    for (int i = 0; i < peer->n_connections; i++) {
        sd_event_source_disable_unref(peer->connection_io[i]);
        (void)close(peer->connections[i]);
    }
    sd_event_source_disable_unref(peer->io);
    (void)close(peer->fd);
}

/* A port on which nobody listens. */
static uint16_t closed_port(void)
{
    struct peer peer;
    peer_listen(&peer, NULL, 1);
    peer_close(&peer);
    return peer.port;
}

/* --- one prober and what it tells --- */

enum { CHECKS = 4 };

struct seen {
    int outcomes[PROBE_OUTCOMES]; /* by enum probe_outcome */
    int total;
    uint16_t detail;
    struct fault fault;
};

struct fixture {
    sd_event *loop;
    struct prober *prober;
    struct model model;
    struct model_server server;
    struct model_check checks[CHECKS];
    struct peer peer;
    char url[128];
    struct seen seen[CHECKS];
    int neighbours;
    enum mac_verdict verdict;
    bool outcome_before_neighbour;
    bool stop_at_outcome;
};

static void on_outcome(void *context, int server, unsigned check, enum probe_outcome outcome,
                       struct fault fault, uint16_t detail)
{
    struct fixture *f = context;
    assert_int_equal(server, 0);
    assert_true(check < CHECKS);
    f->seen[check].fault = fault;
    f->seen[check].outcomes[outcome]++;
    f->seen[check].total++;
    f->seen[check].detail = detail;
    if ((outcome == PROBE_PASS || outcome == PROBE_ANSWER) && f->neighbours == 0)
        f->outcome_before_neighbour = true;
    if (f->stop_at_outcome)
        prober_pace(f->prober, 0, 0, 0);
}

static void on_neighbour(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6])
{
    static const uint8_t zero[6];
    struct fixture *f = context;
    assert_int_equal(server, 0);
    assert_memory_equal(mac, zero, 6);
    f->neighbours++;
    f->verdict = verdict;
}

static const struct prober_listener listener = {.outcome = on_outcome, .neighbour = on_neighbour};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_true(sd_event_new(&f->loop) >= 0);
    f->server = (struct model_server){.id = "testing",
                                      .address = {htonl(INADDR_LOOPBACK)},
                                      .loopback = true,
                                      .checks = f->checks};
    f->model = (struct model){.n_servers = 1, .servers = &f->server};
    peer_listen(&f->peer, f->loop, 16);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    prober_destroy(f->prober);
    peer_close(&f->peer);
    (void)sd_event_unref(f->loop);
    free(f);
    return 0;
}

static struct model_check *add_check(struct fixture *f, enum check_kind kind)
{
    struct model_check *check = &f->checks[f->server.n_checks++];
    *check = (struct model_check){.kind = kind, .site = MODEL_NONE, .address = f->server.address};
    return check;
}

static void add_tcp(struct fixture *f, uint16_t port)
{
    add_check(f, CHECK_TCP)->port = port;
}

static void write_url(struct fixture *f, uint16_t port)
{
    (void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/health", port);
}

static struct model_check *add_http(struct fixture *f, uint16_t port)
{
    struct model_check *check = add_check(f, CHECK_HTTP);
    write_url(f, port);
    check->url = f->url;
    check->n_expect = 2;
    check->expect[0] = (struct status_range){200, 204};
    check->expect[1] = (struct status_range){401, 401};
    return check;
}

static void start(struct fixture *f, int64_t interval, int64_t timeout)
{
    assert_int_equal(prober_create(f->loop, &f->model, &listener, f, &f->prober), 0);
    prober_pace(f->prober, 0, interval, timeout);
}

/* Runs the loop until the number is reached. */
static void run_until(struct fixture *f, const int *number, int reached)
{
    int64_t end = clock_now().boot + LIMIT_MS;
    while (*number < reached) {
        assert_true(clock_now().boot < end);
        assert_true(sd_event_run(f->loop, 100000) >= 0);
    }
}

/* Runs the loop until the number is reached, which is due then. A machine under load may come late
 * to it, but each turn of the loop that begins after that time finds it due: a few suffice. */
static void run_until_due(struct fixture *f, const int *number, int reached, int64_t due)
{
    for (int late = 0; *number < reached;) {
        late += clock_now().boot > due;
        assert_true(late <= LATE_TURNS);
        assert_true(sd_event_run(f->loop, TURN_US) >= 0);
    }
}

static void run_for(struct fixture *f, int64_t ms)
{
    int64_t end = clock_now().boot + ms;
    for (int64_t left; (left = end - clock_now().boot) > 0;)
        assert_true(sd_event_run(f->loop, (uint64_t)left * 1000) >= 0);
}

static void run_until_first(struct fixture *f)
{
    run_until(f, &f->seen[0].total, 1);
}

/* --- TCP --- */

static void test_tcp_open_port_passes(void **state)
{
    struct fixture *f = *state;
    peer_accept(&f->peer);
    add_tcp(f, f->peer.port);
    start(f, 50, 5000);
    run_until(f, &f->seen[0].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], f->seen[0].total);
    assert_int_equal(f->peer.requests, 0);
    assert_int_equal(f->neighbours, 0);
}

static void test_tcp_refused_on_loopback_is_a_miss(void **state)
{
    struct fixture *f = *state;
    add_tcp(f, closed_port());
    start(f, 50, 5000);
    run_until(f, &f->seen[0].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_MISS], f->seen[0].total);
}

static void test_tcp_refused_elsewhere_is_an_answer(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    add_tcp(f, closed_port());
    start(f, 50, 5000);
    run_until(f, &f->seen[0].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], f->seen[0].total);
    assert_int_equal(f->neighbours, 3);
    assert_int_equal(f->verdict, MAC_UNKNOWN); /* the address is our own */
    assert_false(f->outcome_before_neighbour);
}

/* Fills the queue of a listener that accepts nothing: from then on it is silent, as a machine that
 * is down. */
static void make_silent(struct fixture *f, int held[2])
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_addr = {htonl(INADDR_LOOPBACK)},
                                   .sin_port = htons(f->peer.port)};
    peer_close(&f->peer);
    peer_listen(&f->peer, f->loop, 0);
    f->peer.response = "HTTP/1.1 200 OK\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(
            held[i],
            (const struct sockaddr *)&(struct sockaddr_in){
                .sin_family = AF_INET, .sin_addr = to.sin_addr, .sin_port = htons(f->peer.port)},
            sizeof to);
    }
}

static void test_tcp_silence_is_a_miss(void **state)
{
    struct fixture *f = *state;
    int held[2];
    make_silent(f, held);
    f->server.loopback = false;
    add_tcp(f, f->peer.port);
    start(f, 50, 200);
    run_until(f, &f->seen[0].total, 4);
    assert_int_equal(f->seen[0].outcomes[PROBE_MISS], f->seen[0].total);
    (void)close(held[0]);
    (void)close(held[1]);
}

/* A try made in silence waits a second for its retransmission; the next round's must not. */
static void check_wakes_quickly(struct fixture *f)
{
    int held[2];
    make_silent(f, held);
    if (f->checks[0].kind == CHECK_HTTP)
        write_url(f, f->peer.port);
    f->checks[0].port = f->peer.port;
    start(f, 100, 10000);
    run_for(f, 250);
    assert_int_equal(f->seen[0].total, 0);
    peer_accept(&f->peer);
    run_until_due(f, &f->seen[0].outcomes[PROBE_PASS], 1, clock_now().boot + 450);
    (void)close(held[0]);
    (void)close(held[1]);
}

static void test_tcp_first_sign_is_noticed_by_a_new_try(void **state)
{
    struct fixture *f = *state;
    add_tcp(f, 0);
    check_wakes_quickly(f);
}

static void test_http_first_sign_is_noticed_by_a_new_try(void **state)
{
    struct fixture *f = *state;
    add_http(f, 0);
    check_wakes_quickly(f);
    assert_int_equal(f->peer.requests, 1);
}

/* --- HTTP --- */

struct http_case {
    const char *response;
    enum probe_outcome outcome;
    uint16_t detail;
    bool close_at_once;
    bool elsewhere; /* not on loopback */
};

static const struct http_case http_cases[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", PROBE_PASS, 200, false, false},
    {"HTTP/1.0 204 No Content\r\n\r\n", PROBE_PASS, 204, false, true},
    {"HTTP/1.1 401 Unauthorized\r\n\r\n", PROBE_PASS, 401, false, true},
    {"HTTP/1.1 503 Later\r\n\r\n", PROBE_ANSWER, 503, false, true},
    {"HTTP/1.1 503 Later\r\n\r\n", PROBE_MISS, 503, false, false},
    {"HTTP/1.1 302 Found\r\nLocation: /health\r\n\r\n", PROBE_ANSWER, 302, false, true},
    {"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", PROBE_PASS, 200, false,
     true},
    {"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n", PROBE_PASS,
     200, false, true},
    {"HTTP/1.1 200 OK\r\nX: ", PROBE_PASS, 200, false, true},
    {"SSH-2.0-OpenSSH_9.2\r\n", PROBE_ANSWER, 0, false, true},
    {"SSH-2.0-OpenSSH_9.2\r\n", PROBE_MISS, 0, false, false},
    {"\r\n\r\n", PROBE_ANSWER, 0, false, true},
    {"HTTP/9.9 999999 \r\n\r\n", PROBE_ANSWER, 0, false, true},
    {"", PROBE_ANSWER, 0, false, true},
    {NULL, PROBE_ANSWER, 0, true, true},
    {NULL, PROBE_MISS, 0, true, false},
};

static void check_http_case(const struct http_case *c)
{
    void *state = NULL;
    setup(&state);
    struct fixture *f = state;
    f->peer.response = c->response;
    f->peer.close_at_once = c->close_at_once;
    f->server.loopback = !c->elsewhere;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 60000, 10000);
    run_until_first(f);
    if (f->seen[0].outcomes[c->outcome] != 1 || f->seen[0].detail != c->detail)
        fail_msg("%s: status %u", c->response ? c->response : "(closed)", f->seen[0].detail);
    assert_int_equal(f->neighbours, c->elsewhere ? 1 : 0);
    assert_int_equal(f->peer.accepted, 1);
    teardown(&state);
}

static void test_http_answers(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(http_cases); i++)
        check_http_case(&http_cases[i]);
}

static void test_http_request_is_as_promised(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
    f->peer.response = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n";
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 60000, 10000);
    run_until_first(f);
    prober_pace(f->prober, 0, 50000, 10000); /* a round begins; no other does before it has ended */
    run_until(f, &f->seen[0].total, 2);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 2);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_non_null(strstr(f->peer.last_request, "GET /health HTTP/1.1\r\n"));
    assert_non_null(strstr(f->peer.last_request, "\r\nUser-Agent: Hall/"));
    assert_non_null(strstr(f->peer.last_request, " (check)\r\n"));
    assert_null(strstr(f->peer.last_request, "Cookie"));
    assert_int_equal(f->peer.accepted, 2); /* no connection is used twice */
}

static void test_http_body_is_not_awaited(void **state)
{
    struct fixture *f = *state;
    char *response = malloc(BIG_BODY);
    assert_non_null(response);
    int head =
        snprintf(response, BIG_BODY, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    memset(response + head, 'x', (size_t)(BIG_BODY - head - 1));
    response[BIG_BODY - 1] = '\0';
    f->peer.response = response;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 1000, 10000);
    run_until_first(f);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 1);
    free(response);
}

/* "localhost" has two addresses; the first refuses where IPv6 is there. */
static void test_http_by_name(void **state)
{
    struct fixture *f = *state;
    f->peer.response = "HTTP/1.1 200 OK\r\n\r\n";
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    (void)snprintf(f->url, sizeof f->url, "http://localhost:%u/health", f->peer.port);
    for (int round = 0; round < 3; round++) { /* each begins when the one before has ended */
        if (round == 0)
            start(f, 60000, 10000);
        else
            prober_pace(f->prober, 0, 60000 - round, 10000);
        run_until(f, &f->seen[0].total, round + 1);
    }
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 3);
}

/* The status is enough; the connection is held open behind it. */
static void test_http_headers_are_not_awaited(void **state)
{
    struct fixture *f = *state;
    f->peer.response = "HTTP/1.1 200 OK\r\nServer: ";
    f->peer.keep_open = true;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 1000, 10000);
    run_until_due(f, &f->seen[0].total, 1, clock_now().boot + 900);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 1);
}

static void test_http_refused(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    add_http(f, closed_port());
    start(f, 50, 5000);
    run_until(f, &f->seen[0].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], f->seen[0].total);
    assert_int_equal(f->seen[0].detail, 0);
}

/* A machine that takes the connection lives, though its site is silent; it is asked once at a time.
 */
static void test_http_silent_site(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    f->checks[0].timeout = 1000;
    start(f, ROUND_MS, 1000);
    run_until_first(f);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(f->seen[0].fault.code, FAULT_SLOW);
    run_until(f, &f->peer.requests, 1);
    assert_int_equal(f->peer.requests, 1);
}

/* It is there, and asked once, however many rounds its answer takes. */
static void test_http_slow_site(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->seen[0].outcomes[PROBE_PENDING], 1);
    run_until(f, &f->peer.requests, 1);
    run_for(f, 3 * ROUND_MS);
    assert_int_equal(f->seen[0].total, 1);
    assert_int_equal(f->peer.requests, 1);
    assert_int_equal(send(f->peer.asked, answer, strlen(answer), MSG_NOSIGNAL),
                     (int)strlen(answer));
    run_until(f, &f->seen[0].outcomes[PROBE_PASS], 1);
    assert_int_equal(f->seen[0].total, 2);
    assert_int_equal(f->seen[0].fault.code, FAULT_NONE);
    assert_int_equal(f->peer.requests, 1);
}

/* One that took longer than a second rests before it is asked again. */
static void test_http_slow_site_rests(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port)->timeout = 1100;
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(f->seen[0].fault.code, FAULT_SLOW);
    assert_int_equal(f->seen[0].fault.number, 2);
    run_until(f, &f->peer.requests, 1);
    run_for(f, 3 * ROUND_MS);
    assert_int_equal(f->peer.requests, 1);
}

/* It broke off after so long: that was no slow answer, and it is asked again at once. */
static void test_http_broken_question_does_not_rest(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->peer.requests, 1);
    run_for(f, 1200);
    assert_int_equal(shutdown(f->peer.asked, SHUT_RDWR), 0);
    run_until(f, &f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(f->seen[0].fault.code, FAULT_CLOSED);
    run_until_due(f, &f->peer.requests, 2, clock_now().boot + 900);
}

/* What was asked before the loop stood still is forgotten with its answer, which would have been
 * slow, and is asked again at once. */
static void test_http_after_a_standstill(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->peer.requests, 1);
    run_for(f, 1200);
    (void)send(f->peer.asked, answer, strlen(answer), MSG_NOSIGNAL);
    prober_stood_still(f->prober);
    run_until_due(f, &f->peer.requests, 2, clock_now().boot + 900);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 0);
}

/* It is told that it is too slow, and waited for: it is not asked again while it is at it. */
static void test_http_slow_question_is_kept(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port)->timeout = 100;
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(f->seen[0].fault.code, FAULT_SLOW);
    run_until(f, &f->peer.requests, 1);
    run_for(f, 3 * ROUND_MS);
    assert_int_equal(f->peer.requests, 1);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(send(f->peer.asked, answer, strlen(answer), MSG_NOSIGNAL),
                     (int)strlen(answer));
    run_until(f, &f->seen[0].outcomes[PROBE_ANSWER], 2);
    assert_int_equal(f->seen[0].fault.code, FAULT_SLOW);
    assert_int_equal(f->seen[0].outcomes[PROBE_PASS], 0);
    run_until(f, &f->peer.requests, 2);
}

/* It comes byte by byte, for ever. */
static void test_http_trickle(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port)->timeout = 100;
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->peer.requests, 1);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(send(f->peer.asked, &answer[i], 1, MSG_NOSIGNAL), 1);
        run_for(f, 100);
    }
    assert_int_equal(f->peer.requests, 1);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 1);
    assert_int_equal(f->seen[0].fault.code, FAULT_SLOW);
}

/* Two checks have one upstream and path: they ask by turns, never both. */
static void test_http_one_question_at_a_time(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port)->host = "a.example";
    add_http(f, f->peer.port)->host = "b.example";
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    /* Who comes first when nobody's turn is next is free. */
    const int *a = &f->seen[0].outcomes[PROBE_PASS], *b = &f->seen[1].outcomes[PROBE_PASS];
    for (int i = 0; *a < 3 || *b < 3; i++) {
        assert_true(i < 20);
        run_until(f, &f->peer.requests, i + 1);
        run_for(f, 2 * ROUND_MS);
        assert_int_equal(f->peer.requests, i + 1);
        for (int k = 0; k < f->peer.n_connections; k++)
            (void)send(f->peer.connections[k], answer, strlen(answer), MSG_NOSIGNAL);
    }
}

/* The check whose turn is next finds nobody there: the other is asked all the same. */
static void test_http_turn_that_comes_to_nothing(void **state)
{
    struct fixture *f = *state;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port)->host = "a.example";
    add_http(f, f->peer.port)->host = "b.example";
    start(f, ROUND_MS, ROUND_LIMIT_MS);
    run_until(f, &f->peer.requests, 1);
    run_until(f, &f->seen[0].outcomes[PROBE_PENDING], 1);
    run_until(f, &f->seen[1].outcomes[PROBE_PENDING], 1);
    peer_close(&f->peer);
    peer_listen(&f->peer, f->loop, 1); /* elsewhere */
    const int seen[] = {f->seen[0].total, f->seen[1].total};
    const int64_t begun = clock_now().boot;
    for (size_t i = 0; i < 2; i++)
        run_until(f, &f->seen[i].total, seen[i] + 3);
    assert_true(clock_now().boot - begun < 10000); /* a turn that is not taken lasts 15 s */
}

static void test_http_strange_urls(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {"file:///etc/hostname", "gopher://127.0.0.1/", "http://"};
    assert_true(ARRAY_SIZE(urls) <= CHECKS);
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        add_http(f, 1)->url = urls[i];
    start(f, 1000, 10000);
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        run_until(f, &f->seen[i].total, 1);
        assert_int_equal(f->seen[i].outcomes[PROBE_UNABLE], 1);
    }
}

/* An answer that never comes to its status line is cut off, not kept. */
static void test_http_endless_heads(void **state)
{
    struct fixture *f = *state;
    int64_t begun = clock_now().boot;
    static const char interim[] = "HTTP/1.1 102 Processing\r\n\r\n";
    char *response = calloc(1, HEADS_SIZE);
    assert_non_null(response);
    for (size_t n = 0; n + sizeof interim < HEADS_SIZE; n += sizeof interim - 1)
        memcpy(response + n, interim, sizeof interim - 1);
    f->peer.response = response;
    f->peer.keep_open = true;
    f->server.loopback = false;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 5000, 20000);
    run_until_first(f);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 1);
    memset(response, 'x', HEADS_SIZE - 1);
    prober_pace(f->prober, 0, 4000, 20000);
    run_until(f, &f->seen[0].total, 2);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 2);
    memcpy(response, "HTTP/1.1 200 ", 13);
    prober_pace(f->prober, 0, 3000, 20000);
    run_until(f, &f->seen[0].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_ANSWER], 3);
    assert_true(clock_now().boot - begun < 15000); /* no time-out told it */
    free(response);
}

/* --- rounds --- */

static void test_each_check_has_its_own_outcome(void **state)
{
    struct fixture *f = *state;
    f->peer.response = "HTTP/1.1 200 OK\r\n\r\n";
    peer_accept(&f->peer);
    (void)add_check(f, CHECK_PING);
    (void)add_check(f, CHECK_AGENT);
    add_tcp(f, closed_port());
    (void)add_http(f, f->peer.port);
    start(f, 50, 5000);
    run_until(f, &f->seen[0].total, 3);
    run_until(f, &f->seen[2].total, 3);
    run_until(f, &f->seen[3].total, 3);
    assert_int_equal(f->seen[0].outcomes[PROBE_UNABLE], f->seen[0].total);
    assert_int_equal(f->seen[1].total, 0);
    assert_int_equal(f->seen[2].outcomes[PROBE_MISS], f->seen[2].total);
    assert_int_equal(f->seen[3].outcomes[PROBE_PASS], f->seen[3].total);
}

static void test_pace_is_kept(void **state)
{
    struct fixture *f = *state;
    add_tcp(f, closed_port());
    int64_t begun = clock_now().boot;
    start(f, 40, 5000);
    run_until_first(f);
    for (int rounds = 2; rounds <= 11; rounds++)
        run_until_due(f, &f->seen[0].total, rounds, clock_now().boot + 41);
    assert_true(clock_now().boot - begun >= 395);
}

static void test_rounds_that_are_late(void **state)
{
    enum { LONG = 60000 };
    struct fixture *f = *state;
    add_tcp(f, f->peer.port);
    start(f, LONG, 1000);
    run_until_first(f);
    const int64_t now = clock_now().boot;
    assert_false(prober_is_behind(f->prober, now));
    assert_true(prober_is_behind(f->prober, now + 2 * LONG));
    prober_pace(f->prober, 0, 0, 0);
    assert_false(prober_is_behind(f->prober, now + 2 * LONG));
}

static void test_same_pace_again_changes_nothing(void **state)
{
    struct fixture *f = *state;
    add_tcp(f, closed_port());
    start(f, 60000, 500);
    run_until_first(f);
    prober_pace(f->prober, 0, 60000, 500);
    run_for(f, 50);
    assert_int_equal(f->seen[0].total, 1);
    prober_pace(f->prober, 0, 50000, 500);
    run_until(f, &f->seen[0].total, 2);
}

static void test_stop(void **state)
{
    struct fixture *f = *state;
    peer_accept(&f->peer);
    add_tcp(f, closed_port());
    add_http(f, f->peer.port);
    start(f, 20, 60);
    run_until(f, &f->peer.requests, 1);
    prober_pace(f->prober, 0, 0, 0);
    int total = f->seen[0].total + f->seen[1].total;
    run_for(f, 150);
    assert_int_equal(f->seen[0].total + f->seen[1].total, total);
    prober_pace(f->prober, 0, 20, 60);
    run_until(f, &f->seen[1].total, 1);
}

/* The callee stops the server in the midst of a round whose checks end at once. */
static void test_stop_from_within(void **state)
{
    struct fixture *f = *state;
    f->stop_at_outcome = true;
    f->server.loopback = false;
    for (int i = 0; i < CHECKS; i++)
        (void)add_check(f, CHECK_TCP);
    f->checks[0].address.s_addr = INADDR_BROADCAST; /* refused by connect itself */
    start(f, 20, 1000);
    run_until_first(f);
    run_for(f, 80);
    int total = 0;
    for (int i = 0; i < CHECKS; i++)
        total += f->seen[i].total;
    assert_int_equal(total, 1);
}

static void test_destroy_with_tries_under_way(void **state)
{
    struct fixture *f = *state;
    peer_accept(&f->peer);
    add_http(f, f->peer.port);
    start(f, 20, 60000);
    run_until(f, &f->peer.requests, 1);
    prober_destroy(f->prober);
    f->prober = NULL;
    prober_destroy(NULL);
    run_for(f, 60);
    assert_int_equal(f->seen[0].total, 0);
}

static void test_server_without_checks(void **state)
{
    struct fixture *f = *state;
    start(f, 20, 1000);
    run_for(f, 50);
    assert_int_equal(f->seen[0].total, 0);
}

/* What this machine is short of says nothing about the server. */
static void check_shortage(struct fixture *f)
{
    struct rlimit old;
    start(f, 20, 1000);
    run_until_first(f);
    prober_pace(f->prober, 0, 0, 0); /* no try is under way */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    const struct rlimit low = {.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int total = f->seen[0].total;
    prober_pace(f->prober, 0, 20, 1000);
    run_for(f, 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(f->seen[0].total, total);
    run_until(f, &f->seen[0].total, total + 1);
    assert_int_equal(f->seen[0].outcomes[PROBE_MISS], f->seen[0].total);
}

static void test_tcp_shortage_is_not_an_outcome(void **state)
{
    struct fixture *f = *state;
    add_tcp(f, closed_port());
    check_shortage(f);
}

static void test_http_shortage_is_not_an_outcome(void **state)
{
    struct fixture *f = *state;
    add_http(f, closed_port());
    check_shortage(f);
}

/* --- many servers --- */

enum { MANY = 10000 };

struct crowd {
    int told;
    uint8_t outcomes[MANY];
};

static void on_crowd_outcome(void *context, int server, unsigned check, enum probe_outcome outcome,
                             struct fault fault, uint16_t detail)
{
    (void)fault;
    (void)check;
    (void)detail;
    struct crowd *crowd = context;
    assert_int_equal(outcome, PROBE_MISS);
    crowd->told += crowd->outcomes[server]++ == 0;
}

static const struct prober_listener crowd_listener = {.outcome = on_crowd_outcome};

static void run_crowd(struct model *model, int64_t interval)
{
    static struct crowd crowd;
    memset(&crowd, 0, sizeof crowd);
    sd_event *loop = NULL;
    struct prober *prober = NULL;
    assert_true(sd_event_new(&loop) >= 0);
    assert_int_equal(prober_create(loop, model, &crowd_listener, &crowd, &prober), 0);
    for (int s = 0; s < MANY; s++)
        prober_pace(prober, s, interval, 2000);
    int64_t end = clock_now().boot + LIMIT_MS;
    while (crowd.told < MANY) {
        assert_true(clock_now().boot < end);
        assert_true(sd_event_run(loop, 100000) >= 0);
    }
    prober_destroy(prober);
    (void)sd_event_unref(loop);
}

/* All at once, with a limit of descriptors far below their number: each has its turn. */
static void test_ten_thousand_servers(void **state)
{
    struct model model = {.n_servers = MANY, .servers = calloc(MANY, sizeof(struct model_server))};
    struct model_check *checks = calloc(MANY, sizeof *checks);
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    const struct rlimit low = {.rlim_cur = 256, .rlim_max = old.rlim_max};
    uint16_t port = closed_port();
    for (uint32_t s = 0; s < MANY; s++) {
        const struct in_addr address = {htonl(0x7f010000 + s)};
        checks[s] = (struct model_check){.kind = CHECK_TCP, .address = address, .port = port};
        model.servers[s] = (struct model_server){.id = "many",
                                                 .address = address,
                                                 .loopback = true,
                                                 .n_checks = 1,
                                                 .checks = &checks[s]};
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    run_crowd(&model, 30000);
    run_crowd(&model, 4000); /* hurried */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    free(checks);
    free(model.servers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tcp_open_port_passes),
        TEST(test_tcp_refused_on_loopback_is_a_miss),
        TEST(test_tcp_refused_elsewhere_is_an_answer),
        TEST(test_tcp_silence_is_a_miss),
        TEST(test_tcp_first_sign_is_noticed_by_a_new_try),
        TEST(test_http_first_sign_is_noticed_by_a_new_try),
        cmocka_unit_test(test_http_answers),
        TEST(test_http_request_is_as_promised),
        TEST(test_http_body_is_not_awaited),
        TEST(test_http_headers_are_not_awaited),
        TEST(test_http_by_name),
        TEST(test_http_refused),
        TEST(test_http_endless_heads),
        TEST(test_http_silent_site),
        TEST(test_http_slow_site),
        TEST(test_http_slow_site_rests),
        TEST(test_http_broken_question_does_not_rest),
        TEST(test_http_after_a_standstill),
        TEST(test_http_slow_question_is_kept),
        TEST(test_http_trickle),
        TEST(test_http_one_question_at_a_time),
        TEST(test_http_turn_that_comes_to_nothing),
        TEST(test_http_strange_urls),
        TEST(test_each_check_has_its_own_outcome),
        TEST(test_pace_is_kept),
        TEST(test_rounds_that_are_late),
        TEST(test_same_pace_again_changes_nothing),
        TEST(test_stop),
        TEST(test_stop_from_within),
        TEST(test_destroy_with_tries_under_way),
        TEST(test_server_without_checks),
        TEST(test_tcp_shortage_is_not_an_outcome),
        TEST(test_http_shortage_is_not_an_outcome),
        cmocka_unit_test(test_ten_thousand_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
