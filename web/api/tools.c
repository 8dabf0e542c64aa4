/* What an owner tries by hand: an echo, a request, a packet. Made on the worker, each with a limit;
 * the loop says where to. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "web/api/api_internal.h"
#include "web/api/try_site.h"

enum { PING_MS = 2000, HTTP_MS = 5000 };

struct probe {
    const char *server, *kind, *target;
    bool ok;
    int64_t us; /* -1: none */
    long status;
    char detail[256];
};

static void answer_probe(struct api_call *call, const struct probe *probe)
{
    struct json_writer writer;
    api_begin(call, 200, &writer);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "server", probe->server);
    json_put_string(&writer, "kind", probe->kind);
    json_put_bool(&writer, "ok", probe->ok);
    if (probe->us >= 0)
        json_put_number(&writer, "ms", (double)probe->us / 1000);
    else
        json_put_null(&writer, "ms");
    if (probe->status > 0)
        json_put_integer(&writer, "status", probe->status);
    else
        json_put_null(&writer, "status");
    json_put_string(&writer, "target", probe->target);
    json_put_string(&writer, "detail", probe->detail);
    json_end_object(&writer);
    api_end(call);
}

/* Asks the loop where to; false: answered. Its word is in errand->out. */
static bool find_target(struct api_call *call, struct errand *errand)
{
    struct api_params params;
    if (!api_params(call, &params))
        return false;
    if (!text_is_slug(call->args[0])) {
        api_problem(call, 404, "No server of that name is configured.");
        return false;
    }
    text_copy(errand->id, sizeof(errand->id), call->args[0]);
    return api_run(call, errand, API_LOOP_MS);
}

/* ---- ping ---- */

static int await_echo(int fd, int64_t deadline_ns)
{
    struct icmphdr answer;
    for (;;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        int64_t left = (deadline_ns - clock_boot_ns()) / 1000000;
        if (left <= 0 || poll(&readable, 1, (int)left) <= 0)
            return -ETIMEDOUT;
        ssize_t got = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
        if (got < 0 && errno != EAGAIN)
            return -errno;
        if (got >= (ssize_t)sizeof(answer) && answer.type == ICMP_ECHOREPLY)
            return 0;
    }
}

static int ping(struct in_addr address, int64_t *ret_us)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd < 0)
        return -errno;
    int64_t start = clock_boot_ns();
    /* The kernel fills in id and checksum of a datagram socket's echoes, and gives us only our own.
     */
    struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.sequence = htons(1)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = address};
    ssize_t sent = sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to));
    int error = sent < 0 ? -errno : 0;
    if (error == 0)
        error = await_echo(fd, start + INT64_C(1000000) * PING_MS);
    *ret_us = (clock_boot_ns() - start) / 1000;
    close(fd);
    return error;
}

static void run_ping(struct api_call *call, const struct errand *errand)
{
    struct probe probe = {
        .server = errand->id, .kind = "ping", .target = buf_text(&errand->out), .us = -1};
    struct in_addr address;
    int64_t us = -1;
    int error = text_parse_ipv4(probe.target, &address);
    if (error == 0)
        error = ping(address, &us);
    probe.ok = error == 0;
    probe.us = probe.ok ? us : -1;
    if (probe.ok)
        snprintf(probe.detail, sizeof(probe.detail), "answered after %.1f ms", (double)us / 1000);
    else if (error == -ETIMEDOUT)
        snprintf(probe.detail, sizeof(probe.detail), "no answer within %d s", PING_MS / 1000);
    else
        snprintf(probe.detail, sizeof(probe.detail), "the echo could not be sent: %s%s",
                 strerror(-error),
                 error == -EACCES || error == -EPERM ? " (see net.ipv4.ping_group_range)" : "");
    answer_probe(call, &probe);
}

void api_tool_ping(struct api_call *call)
{
    struct errand *errand = api_errand(call, ERRAND_ADDRESS);
    if (errand && find_target(call, errand))
        run_ping(call, errand);
    errand_drop(errand);
}

/* ---- http ---- */

static void run_http(struct api_call *call, const struct errand *errand)
{
    struct probe probe = {
        .server = errand->id, .kind = "http", .target = buf_text(&errand->out), .us = -1};
    char why[200] = "";
    int64_t start = clock_boot_ns();
    int error = fetch_status(probe.target, HTTP_MS, &probe.status, why, sizeof(why));
    probe.ok = error == 0;
    if (probe.ok) {
        probe.us = (clock_boot_ns() - start) / 1000;
        snprintf(probe.detail, sizeof(probe.detail), "%ld after %.0f ms", probe.status,
                 (double)probe.us / 1000);
    } else {
        snprintf(probe.detail, sizeof(probe.detail), "no answer: %s", why);
    }
    answer_probe(call, &probe);
}

void api_tool_http(struct api_call *call)
{
    static const char *const keys[] = {"project", NULL};
    struct json *body = NULL;
    if (!api_body(call, true, &body))
        return;
    const struct json *project = body ? json_get(body, "project") : NULL;
    const char *name = project ? json_string(project) : "";
    struct errand *errand = NULL;
    if (!api_keys(call, body, keys))
        ;
    else if (!name || (name[0] != '\0' && !text_is_slug(name)))
        api_problem(call, 400, "\"project\" is not understood; allowed: the id of a project.");
    else
        errand = api_errand(call, ERRAND_CHECK);
    if (errand) {
        text_copy(errand->name, sizeof(errand->name), name);
        if (find_target(call, errand))
            run_http(call, errand);
    }
    errand_drop(errand);
    json_free(body);
}

/* ---- packet ---- */

void api_tool_packet(struct api_call *call)
{
    struct errand *errand = api_errand(call, ERRAND_PACKET);
    if (errand && find_target(call, errand)) {
        struct probe probe = {.server = errand->id,
                              .kind = "packet",
                              .target = buf_text(&errand->out),
                              .ok = true,
                              .us = -1,
                              .detail = "sent"};
        answer_probe(call, &probe);
    }
    errand_drop(errand);
}
