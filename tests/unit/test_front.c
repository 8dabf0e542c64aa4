#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "web/front.h"

static struct cidr loopback[] = {{0x7f000001, 0xffffffff}};
static struct model_server servers[] = {{.id = "testing", .name = "Testing"}};
static struct model_site sites[] = {
    {.id = "testing.example", .name = "testing.example", .path = "/"}};
static struct model_domain domains[] = {{.name = "testing.example", .access = {.hold = 29000}}};

static struct config make_config(void)
{
    struct config config = {
        .http = {.n_trusted_proxies = 1, .trusted_proxies = loopback},
        .model = {.n_servers = 1,
                  .servers = servers,
                  .n_sites = 1,
                  .sites = sites,
                  .n_domains = 1,
                  .domains = domains},
    };
    config.http.gateway.sin_family = AF_INET;
    config.http.gateway.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return config;
}

static int call(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Silent, begun, kept open after an answer, held for news: whoever is connected, the end comes
 * quickly, and who is held still gets an answer. */
static void nobody_connected_delays_the_end(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: hall\r\n\r\n";
    static const char held[] =
        "GET / HTTP/1.1\r\nHost: testing.example\r\nAccept: application/json\r\n\r\n";
    const struct config config = make_config();
    struct board *board;
    struct front *front;
    struct visit visit;
    char answer[4096] = "";
    (void)state;
    assert_int_equal(board_create(&config, &board), 0);
    board_post(board, 0, &(struct notice){.state = POWER_OFF, .expected_ready = -1});
    assert_int_equal(front_create(board, &front), 0);
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
    assert_in_range(clock_now().boot - start, 0, 1000);
    assert_true(recv(fds[0], answer, sizeof answer - 1, 0) > 0);
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    board_destroy(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_connected_delays_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
