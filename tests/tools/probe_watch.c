/*
 * probe_watch: probes servers and prints what it sees, one line each, for tests in namespaces.
 *
 *   probe_watch INTERVAL_MS TIMEOUT_MS ADDRESS MAC CHECK... [-- ADDRESS MAC CHECK...]...
 *
 * CHECK: ping, tcp:PORT, http:URL (200 to 399 expected). Lines, times in ms on the boot clock:
 *   TIME outcome SERVER CHECK pass|answer|miss|unable DETAIL
 *   TIME neighbour SERVER unknown|match|other MAC
 * A line "SERVER INTERVAL_MS TIMEOUT_MS" on standard input changes the pace; its end ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "probe/probe.h"

enum { SERVERS_MAX = 64 };

struct watch {
    sd_event *loop;
    struct prober *prober;
    struct model model;
    struct model_server servers[SERVERS_MAX];
    struct model_check checks[SERVERS_MAX][MODEL_CHECKS_MAX];
    char ids[SERVERS_MAX][8];
};

static const char *const outcome_names[] = {"pass", "answer", "miss", "unable", "pending"};
static const char *const verdict_names[] = {"unknown", "match", "other"};

static void on_outcome(void *context, int server, unsigned check, enum probe_outcome outcome,
                       struct fault fault, uint16_t detail)
{
    (void)context;
    (void)fault;
    (void)printf("%lld outcome %d %u %s %u\n", (long long)clock_now().boot, server, check,
                 outcome_names[outcome], detail);
}

static void on_neighbour(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6])
{
    (void)context;
    char text[MAC_TEXT_SIZE];
    (void)printf("%lld neighbour %d %s %s\n", (long long)clock_now().boot, server,
                 verdict_names[verdict], text_format_mac(mac, text));
}

static const struct prober_listener listener = {.outcome = on_outcome, .neighbour = on_neighbour};

/* Reads "A B C" into three numbers. */
static bool read_pace(char *line, int64_t ret[3])
{
    char *rest = NULL;
    char *word = strtok_r(line, " \n", &rest);
    for (int i = 0; i < 3; i++, word = strtok_r(NULL, " \n", &rest))
        if (!word || number_parse(word, 0, 3600000, &ret[i]) < 0)
            return false;
    return true;
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    struct watch *watch = userdata;
    char line[128];
    int64_t pace[3];
    ssize_t size = read(fd, line, sizeof line - 1);
    if (size <= 0)
        return sd_event_exit(watch->loop, 0);
    line[size] = '\0';
    if (read_pace(line, pace) && (size_t)pace[0] < watch->model.n_servers)
        prober_pace(watch->prober, (int)pace[0], pace[1], pace[2]);
    return 0;
}

static bool read_check(const char *text, struct model_server *server, struct model_check *check)
{
    int64_t port = 0;
    *check = (struct model_check){
        .required = true, .site = MODEL_NONE, .address = server->address, .tls = {.verify = true}};
    if (strcmp(text, "ping") == 0) {
        check->kind = CHECK_PING;
    } else if (strncmp(text, "tcp:", 4) == 0) {
        check->kind = CHECK_TCP;
        if (number_parse(text + 4, 1, UINT16_MAX, &port) < 0)
            return false;
        check->port = (uint16_t)port;
    } else if (strncmp(text, "http:", 5) == 0) {
        check->kind = CHECK_HTTP;
        check->url = text + 5;
        check->n_expect = 1;
        check->expect[0] = (struct status_range){200, 399};
    } else {
        return false;
    }
    return true;
}

/* Reads "ADDRESS MAC CHECK..." up to "--" or the end; returns what is left, NULL when wrong. */
static char **read_server(struct watch *watch, char **arguments)
{
    size_t n = watch->model.n_servers++;
    struct model_server *server = &watch->servers[n];
    (void)snprintf(watch->ids[n], sizeof watch->ids[n], "s%zu", n);
    server->id = watch->ids[n];
    server->checks = watch->checks[n];
    if (!arguments[0] || !arguments[1] || text_parse_ipv4(arguments[0], &server->address) < 0 ||
        text_parse_mac(arguments[1], server->mac) < 0)
        return NULL;
    server->loopback = ntohl(server->address.s_addr) >> 24 == 127;
    for (arguments += 2; *arguments && strcmp(*arguments, "--") != 0; arguments++)
        if (server->n_checks == MODEL_CHECKS_MAX ||
            !read_check(*arguments, server, &server->checks[server->n_checks++]))
            return NULL;
    return *arguments ? arguments + 1 : arguments;
}

static bool read_servers(struct watch *watch, char **arguments)
{
    watch->model.servers = watch->servers;
    while (*arguments) {
        if (watch->model.n_servers == SERVERS_MAX)
            return false;
        arguments = read_server(watch, arguments);
        if (!arguments)
            return false;
    }
    return watch->model.n_servers > 0;
}

static int run(struct watch *watch, int64_t interval, int64_t timeout)
{
    int r = sd_event_default(&watch->loop);
    if (r < 0)
        return r;
    r = sd_event_add_io(watch->loop, NULL, STDIN_FILENO, EPOLLIN, on_input, watch);
    if (r < 0)
        return r;
    r = prober_create(watch->loop, &watch->model, &listener, watch, &watch->prober);
    if (r < 0)
        return r;
    for (size_t s = 0; s < watch->model.n_servers; s++)
        prober_pace(watch->prober, (int)s, interval, timeout);
    return sd_event_loop(watch->loop);
}

int main(int argc, char **argv)
{
    static struct watch watch;
    int64_t interval, timeout;
    if (argc < 5 || number_parse(argv[1], 0, 3600000, &interval) < 0 ||
        number_parse(argv[2], 1, 3600000, &timeout) < 0 || !read_servers(&watch, argv + 3)) {
        (void)fprintf(stderr, "usage: probe_watch INTERVAL_MS TIMEOUT_MS ADDRESS MAC CHECK... "
                              "[-- ADDRESS MAC CHECK...]...\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    log_init(LOG_LEVEL_INFO);
    int r = run(&watch, interval, timeout);
    prober_destroy(watch.prober);
    (void)sd_event_unref(watch.loop);
    if (r < 0)
        (void)fprintf(stderr, "probe_watch: %s\n", strerror(-r));
    return r < 0;
}
