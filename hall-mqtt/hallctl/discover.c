#include "hallctl/discover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "hallctl/grid.h"
#include "hallctl/meeting.h"
#include "probe/neighbour.h"
#include "probe/stir.h"

enum {
    FOUND_MAX = 4096,
    SCAN_BITS_LEAST = 22, /* at most 1,024 addresses */
    OUT_LIMIT = 1 << 20,
};

struct finding {
    const struct call *call;
    struct config *config; /* or NULL */
    struct neighbours *neighbours;
    struct neighbour all[FOUND_MAX];
    size_t n;
};

/* ---- the scan ---- */

static int open_socket(const struct call *call)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const char *interface = call->texts[FLAG_INTERFACE];

    if (fd >= 0 && call_has(call, FLAG_INTERFACE) &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0) {
        const int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int scan(const struct call *call)
{
    const char *text = call->texts[FLAG_SCAN];
    struct cidr range;

    if (cidr_parse(text, &range) < 0 || !address_is_v4(range.network) ||
        range.bits < 96 + SCAN_BITS_LEAST)
        return hallctl_refuse(
            call, "--scan", text,
            "an IPv4 network such as 192.168.1.0/24, /22 at most, its host bits zero");
    const int fd = open_socket(call);
    if (fd < 0)
        return hallctl_fail(call, "the scan", strerror(errno));
    stir(fd, ntohl(address_to_v4(range.network).s_addr), UINT32_C(1) << (128 - range.bits));
    stir_pause(STIR_ANSWER_MS);
    (void)close(fd);
    return -1;
}

/* ---- what was found ---- */

static bool is_machine(const struct neighbour *found, unsigned interface)
{
    static const uint8_t nobody[6] = {0};
    const uint32_t address = ntohl(found->address.s_addr);

    return (found->mac[0] & 1) == 0 && memcmp(found->mac, nobody, sizeof(nobody)) != 0 &&
           address >> 28 != 14 && address >> 24 != 127 &&
           (interface == 0 || (unsigned)found->interface == interface);
}

static int by_address(const void *a, const void *b)
{
    const uint32_t left = ntohl(((const struct neighbour *)a)->address.s_addr);
    const uint32_t right = ntohl(((const struct neighbour *)b)->address.s_addr);

    return left < right ? -1 : left > right;
}

static int list(struct finding *finding)
{
    const struct call *call = finding->call;
    const char *name = call->texts[FLAG_INTERFACE];
    const unsigned interface = call_has(call, FLAG_INTERFACE) ? if_nametoindex(name) : 0;
    size_t kept = 0;

    if (call_has(call, FLAG_INTERFACE) && interface == 0)
        return hallctl_fail(call, name, "there is no such interface; see: ip link");
    const int n = neighbours_list(finding->neighbours, finding->all, FOUND_MAX);
    if (n < 0)
        return hallctl_fail(call, "the neighbour table", strerror(-n));
    finding->n = n < FOUND_MAX ? (size_t)n : FOUND_MAX;
    for (size_t i = 0; i < finding->n; i++)
        if (is_machine(&finding->all[i], interface))
            finding->all[kept++] = finding->all[i];
    finding->n = kept;
    qsort(finding->all, finding->n, sizeof(finding->all[0]), by_address);
    return -1;
}

static const char *configured_as(const struct finding *finding, const struct neighbour *found)
{
    const struct model *model = finding->config ? &finding->config->model : NULL;

    for (size_t i = 0; model && i < model->n_servers; i++)
        if (memcmp(model->servers[i].mac, found->mac, sizeof(found->mac)) == 0)
            return model->servers[i].id;
    return NULL;
}

static void print_table(const struct finding *finding)
{
    static const char *const titles[] = {"ADDRESS", "MAC", "INTERFACE", "SEEN", "CONFIGURED AS"};
    char address[INET_ADDRSTRLEN], mac[MAC_TEXT_SIZE], interface[IF_NAMESIZE];
    struct grid grid;

    grid_init(&grid, titles, ARRAY_SIZE(titles));
    for (size_t i = 0; i < finding->n; i++) {
        const struct neighbour *found = &finding->all[i];

        inet_ntop(AF_INET, &found->address, address, sizeof(address));
        grid_put(&grid, address);
        grid_put(&grid, text_format_mac(found->mac, mac));
        grid_put(&grid, if_indextoname((unsigned)found->interface, interface));
        grid_put(&grid, found->fresh ? "now" : "earlier");
        grid_put(&grid, configured_as(finding, found));
    }
    grid_print(&grid, meeting_width(), meeting_is_bold(), stdout);
    grid_finish(&grid);
}

static size_t count_new(const struct finding *finding)
{
    size_t n = 0;

    for (size_t i = 0; i < finding->n; i++)
        n += !configured_as(finding, &finding->all[i]);
    return n;
}

/* Its id is one that nobody would keep, but valid: the owner gives it a name. */
static void put_server(struct buf *out, const struct neighbour *found, bool last)
{
    char address[INET_ADDRSTRLEN], id[INET_ADDRSTRLEN], mac[MAC_TEXT_SIZE];

    inet_ntop(AF_INET, &found->address, address, sizeof(address));
    text_copy(id, sizeof(id), address);
    for (char *dot; (dot = strchr(id, '.'));)
        *dot = '-';
    buf_printf(out, "    \"server-%s\": { \"address\": \"%s\", \"mac\": \"%s\" }%s\n", id, address,
               text_format_mac(found->mac, mac), last ? "" : ",");
}

/* As people paste it: one line a server. */
static int print_paste(const struct finding *finding)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    size_t left = count_new(finding);

    buf_puts(&out, "{\n  \"servers\": {\n");
    for (size_t i = 0; i < finding->n; i++)
        if (!configured_as(finding, &finding->all[i]))
            put_server(&out, &finding->all[i], --left == 0);
    buf_puts(&out, "  }\n}\n");
    return hallctl_print(&out);
}

static int show(const struct finding *finding)
{
    if (call_has(finding->call, FLAG_JSON))
        return print_paste(finding);
    if (finding->n == 0) {
        fputs("hallctl discover: this machine has spoken with nobody lately; try --scan "
              "192.168.1.0/24\n",
              stderr);
        return HALLCTL_ERROR;
    }
    print_table(finding);
    if (count_new(finding) == 0)
        return HALLCTL_OK;
    puts("\nFor the configuration (give them names):");
    return print_paste(finding);
}

static int discover(struct finding *finding)
{
    int status = hallctl_config(finding->call, NULL, &finding->config);
    const int error = status < 0 ? neighbours_create(&finding->neighbours) : 0;

    if (error < 0)
        return hallctl_fail(finding->call, "the neighbour table", strerror(-error));
    if (status < 0 && call_has(finding->call, FLAG_SCAN))
        status = scan(finding->call);
    if (status < 0)
        status = list(finding);
    return status < 0 ? show(finding) : status;
}

int discover_run(const struct call *call)
{
    struct finding *finding = calloc(1, sizeof(*finding));

    if (!finding)
        return hallctl_fail(call, "memory", strerror(ENOMEM));
    finding->call = call;
    const int status = discover(finding);
    neighbours_destroy(finding->neighbours);
    config_free(finding->config);
    free(finding);
    return status;
}
