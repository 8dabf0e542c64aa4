/* Does Hall listen where it should, and if not, who does? */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/fetch.h"

enum { ASK_MS = 3000, BODY_MAX = 1 << 20, TABLE_MAX = 4 << 20, LISTENING = 0x0a };

/* ---- whose socket ---- */

/* Of a line of /proc/net/tcp or tcp6 (proc(5)): the socket, if it listens on this port; else 0. Of
 * IPv6 one that listens on all addresses has those of IPv4 too, as most servers in Go do. */
static unsigned long read_line(char *line, unsigned port)
{
    enum { LOCAL = 1, STATE = 3, INODE = 9, FIELDS, V4_DIGITS = 8 };
    const char *fields[FIELDS];
    size_t n = 0;

    for (char *field; n < FIELDS && (field = strsep(&line, " "));)
        if (field[0] != '\0')
            fields[n++] = field;
    const char *colon = n == FIELDS ? strchr(fields[LOCAL], ':') : NULL;
    if (!colon || strtoul(colon + 1, NULL, 16) != port ||
        strtoul(fields[STATE], NULL, 16) != LISTENING)
        return 0;
    const size_t digits = (size_t)(colon - fields[LOCAL]);
    return digits == V4_DIGITS || strspn(fields[LOCAL], "0") == digits
               ? strtoul(fields[INODE], NULL, 10)
               : 0;
}

static unsigned long listening_by(const struct doctor *doctor, const char *file, unsigned port)
{
    char *table = malloc(TABLE_MAX), *rest = table, *line;
    unsigned long found = 0;

    if (table && doctor_read(doctor, file, table, TABLE_MAX) > 0)
        while (found == 0 && (line = strsep(&rest, "\n")))
            found = read_line(line, port);
    free(table);
    return found;
}

/* The socket that listens on a port; 0: none. */
static unsigned long listening(const struct doctor *doctor, unsigned port)
{
    const unsigned long found = listening_by(doctor, "/proc/net/tcp", port);

    return found != 0 ? found : listening_by(doctor, "/proc/net/tcp6", port);
}

static bool holds(const char *folder, unsigned long inode)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char wanted[40], link[64];
    bool found = false;

    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    while (dir && !found && (entry = readdir(dir))) {
        const ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

        if (n <= 0)
            continue;
        link[n] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

void doctor_owner(const struct doctor *doctor, unsigned port, char who[DOCTOR_WORD])
{
    const unsigned long inode = listening(doctor, port);
    DIR *dir = inode != 0 ? opendir("/proc") : NULL;
    const struct dirent *entry;

    while (dir && who[0] == '\0' && (entry = readdir(dir))) {
        char path[64], name[DOCTOR_WORD] = "";
        const long pid = strtol(entry->d_name, NULL, 10);

        snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
        if (pid <= 0 || !holds(path, inode))
            continue;
        snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
        if (doctor_read(doctor, path, name, sizeof(name)) > 0) {
            name[strcspn(name, "\n")] = '\0';
            snprintf(who, DOCTOR_WORD, "%.40s, %ld", name, pid);
        }
    }
    if (dir)
        closedir(dir);
}

/* ---- asking ---- */

/* The gateway says ok; the admin listener, which has no such address, sends an error of Hall's. */
static bool is_halls(const struct buf *body, bool admin)
{
    static const struct json_limits limits = {.bytes = BODY_MAX, .depth = 16};
    struct json_error error;
    struct json *value = NULL;

    if (!admin)
        return strncmp(buf_text(body), "ok", 2) == 0;
    if (json_read(buf_text(body), body->length, &limits, &value, &error) < 0)
        return false;
    const bool is_hall = json_get(value, "detail_fact") != NULL;
    json_free(value);
    return is_hall;
}

struct asking {
    const struct doctor *doctor;
    struct port_facts *facts;
};

static void ask(void *context, size_t i)
{
    const struct asking *asking = context;
    struct port *port = &asking->facts->ports[i];
    const struct fetch_how how = {.limit_ms = ASK_MS};
    char url[128], why[FETCH_WHY_SIZE];
    struct buf body = BUF_INIT(BODY_MAX);
    long status = 0;

    snprintf(url, sizeof(url), "http://%s:%u/healthz", port->everywhere ? "127.0.0.1" : port->host,
             (unsigned)port->number);
    const int error = fetch_ask(url, &how, &body, &status, why);
    doctor_owner(asking->doctor, port->number, port->who);
    if (error == 0 && is_halls(&body, port->admin))
        port->state = PORT_HALL;
    else if (listening(asking->doctor, port->number) == 0)
        port->state = PORT_CLOSED;
    else
        port->state = strncmp(port->who, "hall, ", 6) == 0 ? PORT_SILENT : PORT_OTHER;
    buf_finish(&body);
}

static void add(const struct sockaddr_in *address, bool admin, struct port_facts *facts)
{
    struct port *port = &facts->ports[facts->n];
    char host[INET_ADDRSTRLEN] = "";

    if (facts->n == DOCTOR_LISTENERS)
        return;
    inet_ntop(AF_INET, &address->sin_addr, port->host, sizeof(port->host));
    port->admin = admin;
    port->everywhere = address->sin_addr.s_addr == htonl(INADDR_ANY);
    port->loopback = ntohl(address->sin_addr.s_addr) >> 24 == 127;
    port->number = ntohs(address->sin_port);
    inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
    snprintf(port->address, sizeof(port->address), "%s:%u", host, (unsigned)port->number);
    facts->n++;
}

/* From where the dashboard may be reached. */
static void list_allowed(const struct config_http *http, char out[DOCTOR_WHY])
{
    char range[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < http->n_admin_allow; i++) {
        const size_t used = strlen(out);

        snprintf(out + used, DOCTOR_WHY - used, "%s%s", i > 0 ? ", " : "",
                 cidr_format(&http->admin_allow[i], range));
    }
}

static void gather(const struct doctor *doctor, void *facts)
{
    const struct config_http *http = doctor->config ? &doctor->config->http : NULL;
    struct port_facts *into = facts;
    struct asking asking = {doctor, into};

    text_copy(into->file, sizeof(into->file), doctor->file);
    for (size_t i = 0; http && i < http->n_gateway; i++)
        add(&http->gateway[i], false, into);
    for (size_t i = 0; http && i < http->n_admin; i++)
        add(&http->admin[i], true, into);
    if (http)
        list_allowed(http, into->allowed);
    doctor_beside(into->n, ask, &asking);
}

/* ---- judging ---- */

static void judge(const void *facts, struct findings *findings)
{
    const struct port_facts *from = facts;

    for (size_t i = 0; i < from->n; i++) {
        const struct port *port = &from->ports[i];
        const char *listener = port->admin ? "admin" : "gateway";

        switch (port->state) {
        case PORT_UNKNOWN:
            break;
        case PORT_CLOSED:
            findings_add(findings, DOCTOR_PORT_CLOSED, listener, port->address, NULL);
            break;
        case PORT_SILENT:
            findings_add(findings, DOCTOR_PORT_SILENT, listener, port->address, NULL);
            break;
        case PORT_OTHER:
            findings_add(findings, DOCTOR_PORT_TAKEN, listener, port->address, port->who,
                         COUNT(port->number), NULL);
            break;
        case PORT_HALL:
            if (port->everywhere && !port->admin)
                findings_add(findings, DOCTOR_PORT_EVERYWHERE, listener, port->address, from->file,
                             NULL);
            else
                findings_add(findings, DOCTOR_PORT_GOOD, listener, port->address,
                             port->admin && !port->loopback ? from->allowed : "", NULL);
            break;
        }
    }
}

const struct doctor_check ports_check = {"ports", sizeof(struct port_facts), gather, judge};
