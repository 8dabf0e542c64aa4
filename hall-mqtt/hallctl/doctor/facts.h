/*
 * facts: what each check gathers, without a pointer: it is written by another process. Zeroed it
 * says nothing; a list counts an entry only once that is complete.
 */
#ifndef HALL_HALLCTL_DOCTOR_FACTS_H
#define HALL_HALLCTL_DOCTOR_FACTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hallctl/doctor/doctor.h"
#include "hallctl/site_ask.h"

/* ---- configuration.c ---- */

enum { DOCTOR_NOTES = 16, DOCTOR_SECRETS = 8 };

struct configuration_facts {
    bool looked;
    char file[DOCTOR_HOST];
    int error; /* -ENOENT, -EACCES, -EINVAL ... */
    size_t errors, servers, domains;
    char first[DOCTOR_WHY]; /* of the errors, in the reader's words */
    size_t n_notes;
    char notes[DOCTOR_NOTES][DOCTOR_WHY];
    size_t n_secrets;
    struct secret_facts {
        char file[DOCTOR_HOST];
        int error;        /* -EACCES: its folder is closed; -ENOENT: there is none */
        unsigned mode;    /* of the file */
        unsigned allowed; /* what it may have at most */
    } secrets[DOCTOR_SECRETS];
};

/* ---- ping.c ---- */

struct ping_facts {
    bool known;
    uint64_t low, high;     /* groups that may send pings, both included */
    uint64_t group;         /* Hall's */
    char name[DOCTOR_WORD]; /* of that group, or its number */
};

/* ---- clock.c ---- */

struct clock_facts {
    bool looked, synchronised, has_rtc;
};

/* ---- disk.c ---- */

struct disk_facts {
    bool looked;
    char path[DOCTOR_HOST]; /* the store's folder */
    int error;
    uint64_t free_mb;
    bool readonly;
    char problem[DOCTOR_WHY]; /* of the store, as Hall tells it; "": none, or nobody knows */
};

/* ---- units.c ---- */

enum { DOCTOR_UNITS = 12 };

struct unit_facts {
    bool systemd_missing, asked;
    bool hall_here; /* this is the machine of an installed Hall */
    size_t n;
    struct unit {
        char id[DOCTOR_WORD];
        char load[DOCTOR_WORD], active[DOCTOR_WORD], enabled[DOCTOR_WORD], result[DOCTOR_WORD];
        char file[DOCTOR_HOST]; /* where it was read from */
        long long restarts;
        bool stale;    /* changed since */
        bool packaged; /* the package has one of this name, too */
    } units[DOCTOR_UNITS];
};

/* ---- network.c ---- */

struct network_facts {
    char file[DOCTOR_HOST];
    size_t n;
    struct network_server {
        char id[DOCTOR_WORD + 8];
        char interface[DOCTOR_WORD]; /* configured, else that of its network; "" */
        char relay[DOCTOR_WORD + 8];
        struct in_addr address;
        struct in_addr broadcast; /* as configured */
        struct in_addr right;     /* that of its network; 0.0.0.0: not on a network of ours */
        bool loopback, missing, is_down; /* of the interface */
    } servers[DOCTOR_SERVERS];
};

/* ---- listeners.c ---- */

enum port_state { PORT_UNKNOWN, PORT_CLOSED, PORT_HALL, PORT_SILENT, PORT_OTHER };

struct port_facts {
    char file[DOCTOR_HOST];
    char allowed[DOCTOR_WHY]; /* who may reach the dashboard */
    size_t n;
    struct port {
        bool admin; /* else the gateway */
        char host[INET_ADDRSTRLEN];
        char address[DOCTOR_WORD]; /* with the port */
        uint16_t number;
        bool everywhere, loopback;
        enum port_state state;
        char who[DOCTOR_WORD]; /* "nginx, 1234"; "" where that cannot be seen */
    } ports[DOCTOR_LISTENERS];
};

/* ---- dns.c ---- */

struct dns_facts {
    struct in_addr here; /* an address of this machine for others */
    size_t n;
    struct dns_name {
        char name[DOCTOR_HOST];
        char domain[DOCTOR_HOST]; /* whose upstream it is; "": a domain itself */
        bool answered;
        int error; /* of getaddrinfo */
        struct in_addr address;
        bool is_here;
    } names[DOCTOR_NAMES];
};

/* ---- broker.c ---- */

enum { DOCTOR_RIGHTS = 6 };

struct broker_facts {
    bool asked;
    char broker[DOCTOR_HOST], host[DOCTOR_HOST], user[DOCTOR_HOST];
    bool local, tls, has_password;
    int unresolved;             /* of getaddrinfo */
    int connect;                /* -errno */
    char handshake[DOCTOR_WHY]; /* what is wrong with TLS */
    bool tried, accepted, silent;
    char refusal[DOCTOR_WHY]; /* what the broker, or the library, says */
    size_t n_rights;
    struct right {
        char topic[DOCTOR_HOST]; /* as people write it: "hall/agents/+/command" */
        bool taken;              /* the broker answered */
        bool write_refused, is_read, needs_read;
    } rights[DOCTOR_RIGHTS];
    size_t n_missing; /* servers with an agent and without a user at the broker */
    char missing[DOCTOR_SERVERS][DOCTOR_WORD + 8];
};

/* ---- bus.c ---- */

struct bus_facts {
    bool read;                 /* the broker told what it holds */
    char topic[DOCTOR_HOST];   /* hall/status */
    char hall[DOCTOR_WORD];    /* online, offline, "" */
    char version[DOCTOR_WORD]; /* Hall's */
    char configuration[DOCTOR_WHY], store[DOCTOR_WHY], clock[DOCTOR_WHY];
    bool clock_distrusted;
    char file[DOCTOR_HOST], path[DOCTOR_HOST]; /* of configuration and store */
    size_t n;
    struct bus_server {
        char id[DOCTOR_WORD + 8];
        bool unknown;  /* nobody knows it */
        bool by_agent; /* it is put to sleep by its agent */
        char state[DOCTOR_WORD];
        char address[DOCTOR_WORD];
        char why[DOCTOR_WHY]; /* its reason, or problem */
        bool has_problem;
        char other_mac[DOCTOR_WORD];
        char agent[DOCTOR_WORD];         /* its last word: online, offline ...; "" */
        char agent_version[DOCTOR_WORD]; /* of its report; "": none was heard */
        bool reported;
        bool wol_off;
        char interface[DOCTOR_WORD];
        char vetoes[DOCTOR_WHY];
        int64_t last_boot_s, timeout_s; /* of the last wake, 0: none; the limit */
        char relay[DOCTOR_WORD + 8];
        bool relay_offline;
    } servers[DOCTOR_SERVERS];
};

/* ---- certificate.c ---- */

enum { DOCTOR_CERTIFICATES = 40 };

struct certificate_facts {
    int64_t now; /* wall, ms */
    size_t n;
    struct certificate {
        bool is_upstream, is_live; /* is_live: to be asked, at host and port */
        char what[DOCTOR_HOST];    /* its file, or host and port */
        char host[DOCTOR_HOST];    /* the broker's */
        bool looked;
        int64_t end; /* wall, ms; 0: unreadable */
        char why[DOCTOR_WHY];
    } all[DOCTOR_CERTIFICATES];
};

/* The end of the first certificate in PEM text (RFC 7468, RFC 5280 section 4.1.2.5), wall, ms;
 * -EBADMSG. Pure. */
int certificate_end(const char *pem, size_t length, int64_t *ret_end);

/* ---- proxy.c ---- */

enum { DOCTOR_ROUTES = 16, DOCTOR_PROGRAMS = 8 };

/* What a proxy says of a visitor, in X-Forwarded-...; what the doctor claims there as a visitor. */
enum said_header { SAID_HOST, SAID_FOR, SAID_PROTO, SAID_URI, SAID_METHOD };
enum { SAID_HEADERS = SAID_METHOD + 1 };
enum said_door { SAID_AUTH, SAID_HELPER };
enum { SAID_DOORS = SAID_HELPER + 1 };

#define CLAIM_HOST  "claim.invalid"
#define CLAIM_FOR   "203.0.113.77"
#define CLAIM_PROTO "claim"
#define CLAIM_URI   "/claim"

struct proxy_facts {
    char address[DOCTOR_HOST]; /* where it was looked for; "": not at all */
    bool tls;
    char why[DOCTOR_WHY]; /* nobody answers there; else "" */
    char file[DOCTOR_HOST];
    bool root, has_key;    /* the caller's, to Hall's API */
    char url[DOCTOR_HOST]; /* of Hall's API; "": it has none */
    size_t n_domains;
    struct proxy_domain {
        bool looked;
        char name[DOCTOR_HOST];
        enum proxy_answer answer;
        char path[DOCTOR_HOST]; /* of its site, for which the proxy has to ask; "": there is none */
        bool heard;             /* Hall told what the proxy said */
        char unheard[DOCTOR_WHY]; /* or why it did not */
        struct proxy_said {
            bool asked, trusted;
            char peer[DOCTOR_WORD]; /* the proxy's address */
            char host[DOCTOR_HOST]; /* as Hall understood it */
            bool has[SAID_HEADERS];
            char headers[SAID_HEADERS][DOCTOR_WORD];
        } said[SAID_DOORS];
    } domains[DOCTOR_NAMES];
    char kind[DOCTOR_WORD]; /* traefik, nginx ... as far as a process tells */
    char api[DOCTOR_HOST];  /* of --check */
    bool api_answered;
    char api_why[DOCTOR_WHY];
    size_t n_routes;
    char routes[DOCTOR_ROUTES][DOCTOR_HOST];
    size_t n_apart; /* programs in another network namespace */
    char apart[DOCTOR_PROGRAMS][DOCTOR_WORD];
    size_t n_unseen; /* servers without an agent online */
    char unseen[DOCTOR_SERVERS][DOCTOR_WORD + 8];
    bool agents_known; /* n_unseen is complete */
};

/* ---- proxy_said.c ---- */

/* Asks for all domains at facts->address, as a visitor does, and Hall what it heard of that. */
void proxy_said_gather(const struct doctor *doctor, struct proxy_facts *facts);
void proxy_said_judge(const struct proxy_facts *facts, struct findings *findings);

#endif
