/* The kernel's table of TCP sockets: real ones on loopback, and messages that lie. */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "loop/netlink.h"
#include "loop/sockets.h"
#include "unit.h"

enum { LISTENER, CLIENT, SERVED, ENDS };

struct pair {
    int fds[ENDS];
    uint16_t port;
    struct tcp_socket seen[ENDS];
    bool found[ENDS];
};

static void bind_any(int fd, int family)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (family == AF_INET)
        assert_return_code(bind(fd, (const void *)&v4, sizeof v4), 0);
    else
        assert_return_code(bind(fd, (const void *)&v6, sizeof v6), 0);
}

static void open_pair(struct pair *pair, int family)
{
    struct sockaddr_in6 address = {0}; /* the port stands at the same place in both families */
    socklen_t size = sizeof address;
    pair->fds[LISTENER] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair->fds[CLIENT] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(pair->fds[LISTENER] >= 0 && pair->fds[CLIENT] >= 0);
    bind_any(pair->fds[LISTENER], family);
    assert_return_code(listen(pair->fds[LISTENER], 1), 0);
    assert_return_code(getsockname(pair->fds[LISTENER], (void *)&address, &size), 0);
    pair->port = ntohs(address.sin6_port);
    assert_return_code(connect(pair->fds[CLIENT], (void *)&address, size), 0);
    pair->fds[SERVED] = accept4(pair->fds[LISTENER], NULL, NULL, SOCK_CLOEXEC);
    assert_true(pair->fds[SERVED] >= 0);
}

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < ENDS; i++)
        close(pair->fds[i]);
}

static bool take(void *context, const struct tcp_socket *socket)
{
    struct pair *pair = context;
    const int end = socket->listening                  ? LISTENER
                    : socket->local_port == pair->port ? SERVED
                                                       : CLIENT;
    if (socket->local_port != pair->port && socket->remote_port != pair->port)
        return true;
    pair->seen[end] = *socket;
    pair->found[end] = true;
    return true;
}

static void look(struct pair *pair)
{
    struct sockets *sockets;
    memset(pair->found, 0, sizeof pair->found);
    assert_int_equal(sockets_create(&sockets), 0);
    assert_int_equal(sockets_list(sockets, take, pair), 0);
    sockets_destroy(sockets);
    for (int i = 0; i < ENDS; i++)
        assert_true(pair->found[i]);
}

static void check_pair(int family, const char *address)
{
    struct pair pair = {0};
    char shown[INET6_ADDRSTRLEN], bytes[1000] = {0};
    open_pair(&pair, family);
    look(&pair);
    const struct tcp_socket before = pair.seen[SERVED];
    assert_string_equal(inet_ntop(AF_INET6, &before.remote, shown, sizeof shown), address);
    assert_true(before.received + before.sent <= 1); /* some kernels count the handshake */
    assert_int_equal(send(pair.fds[CLIENT], bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(recv(pair.fds[SERVED], bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
    look(&pair);
    assert_int_equal(pair.seen[SERVED].received - before.received, sizeof bytes);
    assert_true(pair.seen[SERVED].id == before.id && pair.seen[CLIENT].id != before.id);
    assert_true(pair.seen[SERVED].quiet_ms < 60000);
    close_pair(&pair);
}

static void test_what_moved_is_seen(void **state)
{
    check_pair(AF_INET, "::ffff:127.0.0.1");
    check_pair(AF_INET6, "::1");
}

static bool take_one(void *context, const struct tcp_socket *socket)
{
    (void)socket;
    ++*(int *)context;
    return false;
}

static void test_a_listing_that_was_ended_does_not_stand_in_the_way(void **state)
{
    struct pair pair = {0};
    struct sockets *sockets;
    int taken = 0;
    open_pair(&pair, AF_INET);
    assert_int_equal(sockets_create(&sockets), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sockets_list(sockets, take_one, &taken), 0);
    assert_int_equal(taken, 3);
    sockets_destroy(sockets);
    close_pair(&pair);
}

struct found {
    uint16_t port;
    int ends[2]; /* whose remote end is the port, and the others */
    uint32_t inode;
};

static uint32_t inode_of(int fd)
{
    struct stat about;
    assert_return_code(fstat(fd, &about), 0);
    return (uint32_t)about.st_ino;
}

/* Others on this machine may use the same port at another address. */
static bool is_own(const struct tcp_socket *socket)
{
    struct stat about;
    for (int fd = 0; fd < 64; fd++)
        if (fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode) && inode_of(fd) == socket->inode)
            return true;
    return false;
}

static bool take_found(void *context, const struct tcp_socket *socket)
{
    struct found *found = context;
    const bool leads_there = socket->remote_port == found->port;
    if (leads_there && !is_own(socket))
        return true;
    found->ends[!leads_there]++;
    if (leads_there) {
        found->inode = socket->inode;
        assert_true(socket->quiet_in_ms >= 0 && socket->quiet_out_ms >= 0);
    }
    return true;
}

static struct found list_to(const uint16_t *ports, size_t n, uint16_t port)
{
    struct found found = {.port = port};
    struct sockets *sockets;
    assert_int_equal(sockets_create(&sockets), 0);
    assert_int_equal(sockets_list_to(sockets, ports, n, take_found, &found), 0);
    sockets_destroy(sockets);
    return found;
}

/* The kernel picks out one end of many connections, by its port, in both families. */
static void test_those_that_lead_somewhere(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct pair pairs[2] = {0};
        open_pair(&pairs[0], families[i]);
        open_pair(&pairs[1], families[i]);
        const uint16_t port = pairs[0].port;
        for (size_t n = 1; n <= 3; n++)
            for (size_t place = 0; place < n; place++) {
                uint16_t ports[3];
                for (size_t k = 0; k < n; k++)
                    ports[k] = (uint16_t)(port + 3 * ((int)k - (int)place));
                const struct found found = list_to(ports, n, port);
                assert_int_equal(found.ends[0], 1);
                assert_int_equal(found.inode, inode_of(pairs[0].fds[CLIENT]));
            }
        assert_int_equal(list_to(NULL, 0, port).ends[0], 0);
        assert_int_equal(list_to(&(const uint16_t){1}, 1, port).ends[0], 0);
        close_pair(&pairs[0]);
        close_pair(&pairs[1]);
    }
}

/* Of too many for the kernel those close to each other become one range. */
static void test_many_ports(void **state)
{
    struct pair pair = {0};
    uint16_t ports[1000];
    open_pair(&pair, AF_INET);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
        ports[i] = (uint16_t)(i < 500 ? 1 + 3 * i : 2000 + 2 * i);
    assert_int_equal(list_to(ports, ARRAY_SIZE(ports), pair.port).ends[0], 0);
    ports[ARRAY_SIZE(ports) - 1] = pair.port;
    struct found found = list_to(ports, ARRAY_SIZE(ports), pair.port);
    assert_int_equal(found.ends[0], 1);
    assert_int_equal(found.inode, inode_of(pair.fds[CLIENT]));
    ports[0] = 0;
    ports[ARRAY_SIZE(ports) - 1] = UINT16_MAX;
    ports[ARRAY_SIZE(ports) - 2] = pair.port;
    assert_int_equal(list_to(ports, ARRAY_SIZE(ports), pair.port).ends[0], 1);
    close_pair(&pair);
}

static void test_mapped_addresses(void **state)
{
    struct pair pair = {0};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6};
    open_pair(&pair, AF_INET);
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 0);
    to.sin6_port = htons(pair.port);
    assert_return_code(connect(fd, (void *)&to, sizeof to), 0);
    assert_int_equal(list_to(&pair.port, 1, pair.port).ends[0], 2);
    close(fd);
    close_pair(&pair);
}

static void test_messages_that_lie(void **state)
{
    struct {
        struct inet_diag_msg message;
        struct nlattr attribute;
        char info[4];
    } cut = {.message = {.idiag_family = AF_INET, .idiag_state = 1, .id.idiag_sport = htons(80)},
             .attribute = {.nla_len = sizeof(struct nlattr) + 4, .nla_type = INET_DIAG_INFO}};
    struct tcp_socket socket;
    size_t length;
    for (size_t size = 0; size < sizeof cut.message; size++)
        assert_false(sockets_read(&cut, size, &socket));
    assert_true(sockets_read(&cut, sizeof cut, &socket)); /* an old kernel's short tcp_info */
    assert_true(socket.local_port == 80 && socket.received == 0);
    static const uint16_t lengths[] = {0, 1, 3, 9, 100, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        cut.attribute.nla_len = lengths[i];
        assert_null(netlink_attribute(&cut.attribute, 8, INET_DIAG_INFO, 1, &length));
    }
    cut.message.idiag_family = AF_UNIX;
    assert_false(sockets_read(&cut, sizeof cut, &socket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_moved_is_seen),
        cmocka_unit_test(test_a_listing_that_was_ended_does_not_stand_in_the_way),
        cmocka_unit_test(test_those_that_lead_somewhere),
        cmocka_unit_test(test_many_ports),
        cmocka_unit_test(test_mapped_addresses),
        cmocka_unit_test(test_messages_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
