#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "unit.h"
#include "web/listen/front.h"

enum { WORKERS = 22 }; /* of the front */

static struct cidr loopback[] = {CIDR_V4(0x7f000001, 32)};
static struct cidr elsewhere[] = {CIDR_V4(0xc0000200, 24)};
static struct model_server servers[] = {{.id = "testing", .name = "Testing"},
                                        {.id = "up", .name = "Up"}};
static struct model_site sites[] = {
    {.id = "closed.example", .name = "closed.example", .domain = 0, .path = "/"},
    {.id = "testing.example", .name = "testing.example", .domain = 1, .path = "/"},
    {.id = "up.example",
     .name = "up.example",
     .server = 1,
     .domain = 2,
     .path = "/",
     .upstream = "http://192.0.2.1/inner/"},
    {.id = "wide.example", .name = "wide.example", .domain = 3, .path = "/"},
};
static struct model_domain domains[] = {
    {.name = "closed.example", .site = 0, .access = {.n_allow = 1, .allow = elsewhere}},
    {.name = "testing.example", .site = 1, .access = {.hold = 29000}},
    {.name = "up.example", .server = 1, .site = 2},
    {.name = "wide.example", .site = 3},
};

static struct config make_config(void)
{
    static struct sockaddr_in here = {.sin_family = AF_INET};

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct config config = {
        .http = {.n_trusted_proxies = 1, .trusted_proxies = loopback},
        .model = {.n_servers = 2,
                  .servers = servers,
                  .n_sites = 4,
                  .sites = sites,
                  .n_domains = 4,
                  .domains = domains},
    };
    config.http.n_gateway = 1;
    config.http.gateway = &here;
    return config;
}

static int call_from(uint32_t source, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int call(uint16_t port)
{
    return call_from(INADDR_LOOPBACK, port);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static struct config config;
static struct board *board;
static struct front *front;

static int set_up(void **state)
{
    config = make_config();
    if (board_create(&config, &board) != 0)
        return -1;
    board_post(board, 0, &(struct notice){.state = POWER_OFF, .expected_ready = -1});
    for (size_t i = 0; i < config.model.n_sites; i++)
        board_post_ready(board, (int)i, config.model.sites[i].server == 1);
    board_post(board, 1, &(struct notice){.state = POWER_READY, .expected_ready = -1});
    return front_create(board, &front);
}

static int tear_down(void **state)
{
    board_close(board);
    front_destroy(front);
    board_destroy(board);
    return 0;
}

static char answers[64 * 1024];

/* All that comes back for this text until the other side has ended; a connection that is kept open
 * ends with ours. */
static const char *ask(const char *text)
{
    int fd = call(front_port(front));
    size_t length = 0;
    say(fd, text);
    shutdown(fd, SHUT_WR);
    for (ssize_t n; (n = recv(fd, answers + length, sizeof answers - 1 - length, 0)) > 0;)
        length += (size_t)n;
    answers[length] = '\0';
    close(fd);
    return answers;
}

static int count_answers(const char *text)
{
    int n = 0;
    for (; (text = strstr(text, "HTTP/1.1 ")) != NULL; text += 9)
        n += text[9] >= '1' && text[9] <= '5';
    return n;
}

static void check_status(const char *request, const char *status)
{
    const char *answer = ask(request);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, strlen(status)) != 0)
        fail_msg("%.60s: expected %s, got %.300s", request, status, answer);
}

#define LAST " HTTP/1.1\r\nHost: testing.example\r\nConnection: close\r\n\r\n"

/* The peer is a trusted proxy, so its connections are kept. */
static void requests_follow_each_other_on_a_connection(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n"
                              "GET /healthz HTTP/1.1\r\nHost: hall\r\nContent-Length: 0\r\n\r\n"
                              "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n";
    assert_int_equal(count_answers(ask(get)), 3);
}

static void nothing_in_a_body_is_taken_for_a_request(void **state)
{
    static const char next[] = "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n";
    static const char *const heads[] = {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                                        "Content-Length: 0, 40\r\n\r\n",
                                        "Content-Length: 40\r\n\r\n"};
    char text[512];
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        snprintf(text, sizeof text, "GET /auth HTTP/1.1\r\nHost: up.example\r\n%s%s", heads[i],
                 next);
        assert_int_equal(count_answers(ask(text)), 1);
        assert_non_null(strstr(answers, "Connection: close"));
    }
}

static void what_names_no_path_gets_an_answer(void **state)
{
    check_status("GET http://testing.example/" LAST, "400");
    assert_non_null(strstr(answers, "\"request.no_path\""));
    check_status("OPTIONS *" LAST, "400");
    assert_int_equal(count_answers(ask("GET / HTTP/9.9\r\n\r\n")), 1);
}

static void broken_requests_are_told_what_is_wrong(void **state)
{
    check_status("GET / b" LAST, "400");
    assert_non_null(strstr(answers, "\"request.broken\""));
    check_status("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505");
    assert_non_null(strstr(answers, "Hall speaks HTTP/1.0 and HTTP/1.1"));
}

static void health_is_told_by_address_but_not_to_the_doubtful(void **state)
{
    check_status("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8880\r\n\r\n", "200");
    check_status("GET /healthz HTTP/1.1\r\nHost: [::1]:8880\r\n\r\n", "200");
    check_status("GET /healthz HTTP/1.0\r\n\r\n", "200");
    check_status("HEAD /healthz" LAST, "503"); /* the site's own */
    check_status("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400");
}

static void an_address_may_have_8192_bytes(void **state)
{
    static const struct {
        const char *start, *status;
        int more;
    } cases[] = {{"/", "503", 8191}, {"/?", "503", 8190}, {"/", "414", 8192}, {"/?", "414", 8191}};
    char text[9000];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(text, sizeof text, "HEAD %s%0*d%s", cases[i].start, cases[i].more, 0, LAST);
        check_status(text, cases[i].status);
    }
}

/* A head with so many lines and bytes; `last` is its last line. */
static const char *long_head(int lines, size_t bytes, const char *last)
{
    static char text[3 * 1024 * 1024];
    size_t length = (size_t)sprintf(text, "GET /auth HTTP/1.1\r\nHost: hall\r\n"
                                          "X-Forwarded-Host: up.example\r\n");
    for (int i = 3; i < lines - 1; i++)
        length += (size_t)sprintf(text + length, "X-%d: x\r\n", i);
    length += (size_t)sprintf(text + length, "%s\r\nX-Long: ", last);
    size_t end = bytes > length + 4 ? bytes - 4 : length + 1;
    memset(text + length, 'x', end - length);
    memcpy(text + end, "\r\n\r\n", 5);
    return text;
}

/* Up to 200 lines and 64 KB; what is longer is read to its end and answered. */
static void heads_may_be_long(void **state)
{
    check_status(long_head(64, 0, "A: b"), "200");
    check_status(long_head(65, 0, "A: b"), "200");
    check_status(long_head(200, 0, "A: b"), "200");
    check_status(long_head(200, 65536, "A: b"), "200");
    check_status(long_head(10, 65536, "A: b"), "200");
    check_status(long_head(201, 0, "A: b"), "431");
    if (getenv("HALL_EMULATED")) /* no TCP_INFO, which tells a long head from a broken one */
        return;
    check_status(long_head(10, 80000, "A: b"), "431");
    assert_non_null(strstr(answers, "\"request.head\",\"most_kb\":64"));
    check_status(long_head(10, 1000000, "A: b"), "431");
    assert_int_equal(count_answers(answers), 1);
}

/* What steers counts wherever it stands. */
static void lines_far_behind_count_too(void **state)
{
    check_status(long_head(100, 0, "X-Forwarded-Host: up.example"), "400");
    check_status(long_head(100, 0, "X-Hall-Site: testing.example"), "403");
    check_status(long_head(100, 0, "X-Hall-Site: up.example"), "200");
    check_status(long_head(100, 0, "no colon"), "400");
    check_status(long_head(100, 0, "A: b\r\n folded"), "400");
    const char *text = long_head(100, 0, "Content-Length: 40");
    ask(text);
    assert_int_equal(count_answers(answers), 1);
    assert_non_null(strstr(answers, "Connection: close"));
}

/* As every answer does while a site is not ready. */
static void check_says_state(void)
{
    assert_non_null(strstr(answers, "X-Hall-State: "));
    assert_non_null(strstr(answers, "Vary: "));
}

static void a_browser_that_may_not_gets_a_page_from_the_helper_too(void **state)
{
    static const char wait[] = "GET /.hall/wait HTTP/1.1\r\nHost: closed.example\r\n\r\n";
    static const char status[] = "GET /.hall/status HTTP/1.1\r\nHost: closed.example\r\n\r\n";
    check_status(wait, "403");
    assert_non_null(strstr(answers, "Content-Type: text/html"));
    check_says_state();
    check_status(status, "403");
    check_says_state();
    assert_non_null(strstr(answers, "Content-Type: application/problem+json"));
}

/* By each door: a page for people, JSON for programs, nginx's 403; the visitor is never let in. */
static void a_request_that_is_led_to_another_site_is_refused(void **state)
{
    static const char lines[] = "X-Forwarded-Host: up.example\r\nX-Forwarded-Uri: /x\r\n"
                                "Connection: close\r\n";
    static const struct {
        const char *path, *more, *status, *type;
    } cases[] = {
        {"/auth", "X-Hall-Site: up.example\r\n", "200", ""},
        {"/auth", "X-Hall-Site: testing.example\r\n", "403", "application/problem+json"},
        {"/auth", "X-Hall-Site: nobody.example\r\nAccept: text/html\r\n", "403", "text/html"},
        {"/auth", "X-Hall-Site: up.example\r\nX-Hall-Site: up.example\r\n", "400", ""},
        {"/auth/nginx", "X-Hall-Site: up.example\r\n", "204", ""},
        {"/auth/nginx", "X-Hall-Site: testing.example\r\nAccept: text/html\r\n", "403", ""},
        {"/x", "X-Hall-Site: testing.example\r\nAccept: text/html\r\n", "403", "text/html"},
        {"/.hall/wait", "X-Hall-Site: testing.example\r\n", "403", "text/html"},
        {"/.hall/status", "X-Hall-Site: up.example/project\r\n", "200", ""},
        {"/.hall/status", "X-Hall-Site: testing.example\r\n", "403", "application/problem+json"},
    };
    char text[512];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: up.example\r\n%s%s\r\n",
                 cases[i].path, lines, cases[i].more);
        check_status(text, cases[i].status);
        assert_non_null(strstr(answers, cases[i].type));
    }
}

static void an_address_of_a_domain_that_is_no_site_says_how_its_server_stands(void **state)
{
    check_status("GET /.hall/nothing" LAST, "404");
    check_says_state();
    check_status("GET /x HTTP/1.1\r\nHost: nobody.example\r\n\r\n", "404");
    assert_null(strstr(answers, "X-Hall-State: "));
}

static void a_version_from_before_a_restart_is_answered_at_once(void **state)
{
    static const char at_once[] = "\"next_poll_ms\":100,"; /* for who was held */
    check_status("GET /.hall/status?version=0" LAST, "200");
    assert_non_null(strstr(answers, at_once));
    check_status("GET /.hall/status?version=4000000" LAST, "200");
    assert_null(strstr(answers, at_once));
    check_status("GET /.hall/status?version=99999999999999" LAST, "200");
    assert_null(strstr(answers, at_once));
}

static void a_broken_parameter_is_refused(void **state)
{
    check_status("GET /.hall/status?path=%" LAST, "400");
    check_status("GET /.hall/status?path=" LAST, "400");
    check_status("GET /.hall/status?pat=%" LAST, "200");
}

static void a_redirect_stays_below_the_upstream(void **state)
{
    static const struct {
        const char *target, *location;
    } cases[] = {
        {"/a//b?c=%2e%2e", "http://192.0.2.1/inner/a//b?c=%2e%2e"},
        {"/%2e%2e/x", "http://192.0.2.1/inner/x"},
        {"/a/../../x?y=/../", "http://192.0.2.1/inner/x?y=/../"},
        {"/..", "http://192.0.2.1/inner/"},
    };
    char text[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: up.example\r\n\r\n", cases[i].target);
        check_status(text, "307");
        snprintf(text, sizeof text, "Location: %s\r\n", cases[i].location);
        assert_non_null(strstr(answers, text));
    }
}

/* Silent, begun, kept open after an answer, held for news: whoever is connected, the end comes
 * quickly, and who is held still gets an answer. */
static void nobody_connected_delays_the_end(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n";
    static const char held[] =
        "GET / HTTP/1.1\r\nHost: testing.example\r\nAccept: application/json\r\n\r\n";
    struct visit visit;
    char answer[4096] = "";
    int fds[] = {call(front_port(front)), call(front_port(front)), call(front_port(front)),
                 call(front_port(front))};
    say(fds[0], held);
    say(fds[1], "GET /heal");
    say(fds[3], get); /* connected last: with its answer all have a worker */
    assert_true(recv(fds[3], answer, sizeof answer - 1, 0) > 0);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);

    struct pollfd told = {.fd = board_fd(board), .events = POLLIN};
    while (!board_take(board, &visit)) /* the held one was read */
        assert_int_equal(poll(&told, 1, 30000), 1);

    int64_t start = clock_now().boot;
    board_close(board);
    front_destroy(front);
    front = NULL;
    assert_in_range(clock_now().boot - start, 0, 5000);
    assert_true(recv(fds[0], answer, sizeof answer - 1, 0) > 0);
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* Takes libc's place for civetweb as well: a worker that has just read the head of "/busy" gets no
 * further for a while, though it does not wait, as on a loaded machine. */
extern atomic_bool is_busy;
atomic_bool is_busy; /* not static: with _FORTIFY_SOURCE clang 14 takes recv() for inline */

ssize_t recv(int fd, void *out, size_t size, int flags)
{
    static const char busy[] = "GET /busy ";
    ssize_t n = syscall(SYS_recvfrom, fd, out, size, flags, NULL, NULL);
    if (n < (ssize_t)sizeof busy || (flags & MSG_PEEK) != 0 ||
        memcmp(out, busy, sizeof busy - 1) != 0)
        return n;
    atomic_store(&is_busy, true);
    for (int64_t end = clock_now().boot + 300; clock_now().boot < end;)
        continue;
    return n;
}

/* All workers are taken, by slow clients of many addresses, and one from here asks, then another:
 * the one whose head was seen and read is not slow, though nothing of it is left to be seen. */
static void who_was_read_a_moment_ago_is_not_slow(void **state)
{
    static const struct timespec moment = {.tv_nsec = 100000000};
    char answer[512] = "";
    int slow[WORKERS];
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        slow[i] = call_from(0x7f000101 + (uint32_t)i, front_port(front));
        say(slow[i], "GET /slow HTTP/1.1\r\n");
    }
    nanosleep(&moment, NULL); /* none of them is new any more */
    int asked = call(front_port(front));
    say(asked, "GET /busy HTTP/1.1\r\nHost: testing.example\r\n\r\n");
    while (!atomic_load(&is_busy))
        sched_yield();
    nanosleep(&moment, NULL); /* nor is this one */
    int other = call(front_port(front));
    say(other, "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n");
    assert_true(recv(other, answer, sizeof answer - 1, 0) > 0);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    assert_true(recv(asked, answer, sizeof answer - 1, 0) > 0);
    assert_memory_equal(answer, "HTTP/1.1 ", 9);
    close(other);
    close(asked);
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
        close(slow[i]);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

/* What almost every request gets, byte by byte; a proxy reads status and length alone. */
static void a_visitor_is_let_through(void **state)
{
#define VISIT "X-Forwarded-Host: up.example\r\nX-Forwarded-Uri: /\r\nHost: hall\r\n"
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"GET /auth HTTP/1.1\r\n" VISIT "\r\n",
         "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n"},
        {"HEAD /auth HTTP/1.1\r\n" VISIT "\r\n",
         "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n"},
        {"GET /auth/nginx HTTP/1.1\r\n" VISIT "\r\n",
         "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n"},
        {"HEAD /auth/nginx HTTP/1.1\r\n" VISIT "\r\n",
         "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(ask(rows[i].request), rows[i].answer);
}

/* ---- each client, at a site that is ready and at one that is not ---- */

static const struct client {
    const char *lines;
    enum pass_kind pass;
    bool uses, wakes;
    const char *not_ready; /* the status of /auth */
    enum count counted;
    const char *words; /* what is in that answer */
} clients[] = {
    {"Sec-Fetch-Mode: navigate\r\n", PASS_PERSON, true, true, "503", COUNT_PAGES,
     "<!doctype html>"},
    {"Accept: application/json\r\n", PASS_PERSON, true, true, "503", COUNT_PROBLEMS,
     "application/problem+json"},
    {"Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: image\r\n", PASS_PART, false, false, "503",
     COUNT_BARE, "Content-Length: 0"},
    {"Sec-WebSocket-Key: x\r\n", PASS_WEBSOCKET, true, false, "503", COUNT_BARE,
     "Content-Length: 0"},
    {"User-Agent: x\r\nX-Forwarded-Method: HEAD\r\n", PASS_MONITOR, false, false, "503",
     COUNT_PROBLEMS, "application/problem+json"},
};

static const char *ask_gate(const char *host, const char *lines)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "GET /auth HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: %s\r\nX-Forwarded-Uri: "
             "/\r\nX-Forwarded-For: 192.168.1.7\r\n%s\r\n",
             host, lines);
    return ask(text);
}

/* The one visit that the loop is told of, and no other. */
static void assert_visit(bool told, enum visit_kind kind, int site)
{
    struct visit visit;
    assert_int_equal(board_take(board, &visit), told);
    if (!told)
        return;
    assert_int_equal(visit.kind, kind);
    assert_int_equal(visit.site, site);
    assert_string_equal(visit.who, "192.168.1.7");
    assert_int_equal(visit.why != NULL && visit.path[0] == '/', kind == VISIT_REFUSED);
    free(visit.why);
    assert_false(board_take(board, &visit));
}

/* Which of the gate's counters has gone up by one, and no other. */
static void assert_counted(enum count what, uint64_t before[COUNTS])
{
    for (enum count i = 0; i <= COUNT_HELD_CROWDED; i++) {
        const uint64_t after = board_counted(board, i);
        if (after != before[i] + (i == what))
            fail_msg("%s: %u, then %u", count_name(i), (unsigned)before[i], (unsigned)after);
        before[i] = after;
    }
}

static void each_client_passes(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        uint64_t counted[COUNTS] = {0};
        struct passes passes;
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        assert_non_null(strstr(ask_gate("up.example", clients[i].lines), "HTTP/1.1 200 OK"));
        assert_visit(clients[i].uses, VISIT_USES, 2);
        assert_counted(COUNT_PASSED, counted);
        board_take_passes(board, 2, &passes);
        for (size_t kind = 0; kind < PASS_KINDS; kind++)
            assert_int_equal(passes.n[kind], kind == (size_t)clients[i].pass);
    }
}

static void each_client_waits_in_its_way(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        uint64_t counted[COUNTS] = {0};
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        const char *answer = ask_gate("wide.example", clients[i].lines);
        assert_memory_equal(answer + 9, clients[i].not_ready, 3);
        if (!strcasestr(answer, clients[i].words))
            fail_msg("%s is not in %s", clients[i].words, answer);
        assert_visit(clients[i].wakes, VISIT_WANTS, 3);
        assert_counted(clients[i].counted, counted);
    }
}

/* Who is kept away by a guard: an answer for each, a note of those that are worth one. */
static void each_client_is_limited(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        uint64_t counted[COUNTS] = {0};
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        board_limit(board, 2, v4(0xc0a80107),
                    (struct guard){GUARD_CLIENT_MINUTES, clock_now().boot + 60000});
        const char *answer = ask_gate("up.example", clients[i].lines);
        assert_memory_equal(answer + 9, "429", 3);
        assert_visit(clients[i].pass == PASS_PERSON || clients[i].pass == PASS_WEBSOCKET,
                     VISIT_REFUSED, 2);
        assert_counted(COUNT_REFUSED_GUARD, counted);
    }
}

static void who_is_not_let_in_or_asks_for_nothing(void **state)
{
    uint64_t counted[COUNTS] = {0};
    assert_memory_equal(ask_gate("nowhere.example", "") + 9, "404", 3);
    assert_visit(false, VISIT_WANTS, 0);
    assert_counted(COUNT_UNKNOWN, counted);
    assert_memory_equal(ask_gate("closed.example", "") + 9, "403", 3);
    assert_visit(true, VISIT_REFUSED, 0);
    assert_counted(COUNT_REFUSED_ADDRESS, counted);
}

/* Without a question before it: the visitor is sent to the site, or sees the page. */
static void who_comes_without_being_asked_about(void **state)
{
    static const char real[] =
        "GET / HTTP/1.1\r\nHost: wide.example\r\nX-Real-Ip: 192.0.2.9\r\n\r\n";
    struct visit visit;
    check_status(real, "503");
    assert_true(board_take(board, &visit));
    assert_int_equal(visit.kind, VISIT_WANTS);
    assert_string_equal(visit.who, "127.0.0.1"); /* X-Real-Ip is read on error pages alone */
    assert_non_null(strstr(ask("GET / HTTP/1.1\r\nHost: up.example\r\n\r\n"),
                           "HTTP/1.1 307 Temporary Redirect\r\n"));
    /* It became ready while the proxy was on its way here: the page asks again. */
    const char *answer = ask("GET / HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: up.example\r\n"
                             "Sec-Fetch-Mode: navigate\r\n\r\n");
    assert_memory_equal(answer + 9, "503", 3);
    assert_non_null(strcasestr(answer, "<!doctype html>"));
    assert_non_null(strstr(answer, "data-view=\"ready\""));
    assert_int_equal(board_counted(board, COUNT_PASSED), 2);
    assert_int_equal(board_counted(board, COUNT_PAGES), 1);
}

/* Who may wait does, and passes when the site is there; not for longer than the domain says. */
static void a_program_is_held(void **state)
{
    uint64_t counted[COUNTS] = {0};
    domains[3].access.hold = 30;
    assert_memory_equal(ask_gate("wide.example", "") + 9, "503", 3);
    assert_int_equal(board_counted(board, COUNT_HELD), 1);
    assert_int_equal(board_counted(board, COUNT_HELD_PASSED), 0);
    assert_int_equal(board_counted(board, COUNT_PROBLEMS), 1);
    domains[3].access.hold = 0;
    tear_down(state);
    assert_int_equal(set_up(state), 0);
    assert_memory_equal(ask_gate("wide.example", "") + 9, "503", 3);
    assert_visit(true, VISIT_WANTS, 3);
    assert_counted(COUNT_PROBLEMS, counted);
}

/* The server posts that the site is ready, while somebody waits for it. */
static void *become_ready(void *context)
{
    const struct notice ready = {.state = POWER_READY, .expected_ready = -1};

    while (board_counted(board, COUNT_HELD) == 0)
        sched_yield();
    board_post(board, 0, &(struct notice){.state = POWER_BOOTING, .expected_ready = -1});
    board_post_ready(board, 3, true);
    board_post(board, 0, &ready);
    return NULL;
}

/* By each door: passed as if it had been ready, and counted as one that waited. */
static void who_is_held_passes_once_the_site_is_ready(void **state)
{
    static const struct {
        const char *head, *status;
        bool uses;
    } rows[] = {
        {"GET /auth HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", "200", true},
        {"GET /auth/nginx HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", "204",
         true},
        {"GET / HTTP/1.1\r\nHost: wide.example\r\n", "502", true}, /* it has no upstream */
    };
    domains[3].access.hold = 60000;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        pthread_t thread;
        struct visit visit;
        char text[256];
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        assert_int_equal(pthread_create(&thread, NULL, become_ready, NULL), 0);
        snprintf(text, sizeof text, "%sAccept: application/json\r\n\r\n", rows[i].head);
        assert_memory_equal(ask(text) + 9, rows[i].status, 3);
        pthread_join(thread, NULL);
        assert_int_equal(board_counted(board, COUNT_HELD), 1);
        assert_int_equal(board_counted(board, COUNT_HELD_PASSED), 1);
        assert_int_equal(board_counted(board, COUNT_HELD_CROWDED), 0);
        assert_int_equal(board_counted(board, COUNT_PASSED), 1);
        assert_true(board_take(board, &visit));
        assert_int_equal(visit.kind, VISIT_WANTS);
        assert_int_equal(board_take(board, &visit), rows[i].uses);
        assert_int_equal(visit.kind, VISIT_USES);
    }
    domains[3].access.hold = 0;
}

/* Held is who may be, for a millisecond even; a proxy's error page comes after its own wait. */
static void who_is_held(void **state)
{
    static const struct {
        const char *head;
        int hold;
        bool held;
    } rows[] = {
        {"GET /auth HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", 0, false},
        {"GET /auth HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", 1, true},
        {"GET /auth/nginx HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", 1, true},
        {"GET / HTTP/1.1\r\nHost: wide.example\r\n", 1, true},
        {"GET / HTTP/1.1\r\nHost: hall\r\nX-Forwarded-Host: wide.example\r\n", 1, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[256];
        const uint64_t before = board_counted(board, COUNT_HELD);
        domains[3].access.hold = rows[i].hold;
        snprintf(text, sizeof text, "%sAccept: application/json\r\n\r\n", rows[i].head);
        ask(text);
        if (board_counted(board, COUNT_HELD) != before + rows[i].held)
            fail_msg("row %zu", i);
    }
    assert_int_equal(board_counted(board, COUNT_HELD_PASSED), 0);
    domains[3].access.hold = 0;
}

/* Ready, but nobody has said where it is; nothing behind the upstream's last slash is doubled. */
static void where_a_visitor_is_led(void **state)
{
    static const struct {
        const char *upstream, *answer, *words;
    } rows[] = {
        {NULL, "502", "Hall does not know where"},
        {"http://192.0.2.1", "307", "Location: http://192.0.2.1/x?y\r\n"},
        {"http://192.0.2.1/", "307", "Location: http://192.0.2.1/x?y\r\n"},
        {"http://192.0.2.1/a//", "307", "Location: http://192.0.2.1/a/x?y\r\n"},
    };
    const char *was = sites[2].upstream;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        sites[2].upstream = rows[i].upstream;
        const char *answer = ask("GET /x?y HTTP/1.1\r\nHost: up.example\r\n\r\n");
        assert_memory_equal(answer + 9, rows[i].answer, 3);
        if (!strstr(answer, rows[i].words))
            fail_msg("%s is not in %s", rows[i].words, answer);
    }
    sites[2].upstream = was;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_follow_each_other_on_a_connection),
        TEST(nothing_in_a_body_is_taken_for_a_request),
        TEST(what_names_no_path_gets_an_answer),
        TEST(broken_requests_are_told_what_is_wrong),
        TEST(health_is_told_by_address_but_not_to_the_doubtful),
        TEST(an_address_may_have_8192_bytes),
        TEST(heads_may_be_long),
        TEST(lines_far_behind_count_too),
        TEST(a_browser_that_may_not_gets_a_page_from_the_helper_too),
        TEST(a_request_that_is_led_to_another_site_is_refused),
        TEST(an_address_of_a_domain_that_is_no_site_says_how_its_server_stands),
        TEST(a_version_from_before_a_restart_is_answered_at_once),
        TEST(a_broken_parameter_is_refused),
        TEST(a_redirect_stays_below_the_upstream),
        TEST(nobody_connected_delays_the_end),
        TEST(who_was_read_a_moment_ago_is_not_slow),
        TEST(a_visitor_is_let_through),
        TEST(each_client_passes),
        TEST(each_client_waits_in_its_way),
        TEST(each_client_is_limited),
        TEST(who_is_not_let_in_or_asks_for_nothing),
        TEST(who_comes_without_being_asked_about),
        TEST(a_program_is_held),
        TEST(who_is_held_passes_once_the_site_is_ready),
        TEST(who_is_held),
        TEST(where_a_visitor_is_led),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
