/* A look at a machine that is slow to tell of itself. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridges/agent/logind/logind.h"
#include "bridges/agent/watch/watch_internal.h"
#include "unit.h"

enum { SLOW_US = 300000, LIMIT_US = 30000000 };

static char uptime[64];

/* Whoever reads it waits until it is opened here. */
static void *tell_late(void *context)
{
    usleep(SLOW_US);
    const int fd = open(uptime, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return context;
}

static void make_slow_machine(char root[static 32])
{
    char proc[48];
    snprintf(root, 32, "/tmp/hall-watch-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(uptime, sizeof uptime, "%s/uptime", proc);
    assert_int_equal(mkdir(proc, 0700), 0);
    assert_int_equal(mkfifo(uptime, 0600), 0);
}

static void remove_machine(char *root)
{
    unlink(uptime);
    *strrchr(uptime, '/') = '\0';
    rmdir(uptime);
    rmdir(root);
}

static int listen_at(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int visit(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, "hundred", 7), 7);
    return fd;
}

static void on_seen(void *context, unsigned look)
{
    *(unsigned *)context = look;
}

/* The second part of a look comes a second after the first, not after the look began. */
static void test_bytes_that_move_while_a_look_is_slow(void **state)
{
    static const struct logind_listener nobody;
    char root[32];
    uint16_t port;
    const int server = listen_at(&port), client = visit(port);
    const struct watch_config config = {
        .interface = "lo", .connections = true, .n_ports = 1, .ports = &port, .window = 60000};
    sd_event *loop = NULL;
    struct logind *logind = NULL;
    struct watch *watch = NULL;
    pthread_t thread;
    unsigned seen = 0;
    make_slow_machine(root);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
    assert_true(sd_event_new(&loop) >= 0);
    assert_int_equal(logind_create(loop, &nobody, NULL, &logind), 0);
    assert_int_equal(watch_create(loop, &config, logind, on_seen, &seen, &watch), 0);
    watch->walk.root = root;
    assert_int_equal(pthread_create(&thread, NULL, tell_late, NULL), 0);
    watch_look(watch);
    while (seen == 0)
        assert_true(sd_event_run(loop, LIMIT_US) > 0);
    pthread_join(thread, NULL);
    assert_int_equal(watch_sight(watch)->sample.connections.n, 1);
    watch_destroy(watch);
    logind_destroy(logind);
    sd_event_unref(loop);
    close(client);
    close(server);
    remove_machine(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_move_while_a_look_is_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
