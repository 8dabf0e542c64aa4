/*
 * model: what is configured, as plain const data: servers, the checks that say how they are,
 * domains and projects in front of them. Built whole by config/, never changed afterwards; the
 * core, the bus and the web only read it. Servers, sites and domains are named by their index here;
 * indexes change only with a reload. All strings live as long as the model. Durations are
 * milliseconds.
 */
#ifndef HALL_CORE_MODEL_H
#define HALL_CORE_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"

enum {
    MODEL_CHECKS_MAX = 24,   /* checks of one server, its sites' included */
    MODEL_EXPECT_MAX = 16,   /* HTTP status ranges of one check */
    MODEL_WINDOWS_MAX = 16,  /* windows of one scheduled policy */
    MODEL_EXCEPT_MAX = 64,   /* dates on which a scheduled policy rests */
    MODEL_DEPENDS_MAX = 8,   /* servers one server needs */
    MODEL_PROJECTS_MAX = 16, /* projects of one domain */
    MODEL_MACS_MAX = 8,      /* further MACs of one server */
    MODEL_NONE = -1,         /* "no such index" */
};

/* HTTP statuses that count as an answer: low to high, both included. */
struct status_range {
    uint16_t low, high;
};

bool status_is_in(const struct status_range *ranges, size_t n, long status);

enum check_kind { CHECK_PING, CHECK_TCP, CHECK_HTTP, CHECK_AGENT };

/* What TLS towards an https upstream verifies. */
struct model_tls {
    bool verify;      /* the certificate is verified */
    const char *ca;   /* file of the authorities trusted; NULL: the system's */
    const char *name; /* the name verified and sent as SNI; NULL: the URL's host */
};

/* The scheme of an upstream that speaks HTTP/2 without TLS. */
#define MODEL_H2C "h2c://"

struct model_check {
    enum check_kind kind;
    bool required;          /* of the server: all required ones must pass for `ready` */
    int site;               /* the site whose own answer this is, or MODEL_NONE */
    struct in_addr address; /* ping, tcp */
    uint16_t port;          /* tcp */
    const char *url;        /* http */
    bool h2c;               /* http: HTTP/2 from the first byte, without TLS */
    const char *host;       /* http: the Host it asks for, as visitors do; NULL: the url's */
    struct model_tls tls;   /* http */
    int64_t timeout;        /* how long an answer may take; 0: as long as a round allows */
    size_t n_expect;
    struct status_range expect[MODEL_EXPECT_MAX]; /* http */
};

enum sleep_via { SLEEP_VIA_AGENT, SLEEP_VIA_SSH, SLEEP_VIA_WEBHOOK, SLEEP_VIA_NONE };
enum sleep_mode { SLEEP_SUSPEND, SLEEP_HIBERNATE, SLEEP_POWEROFF };
enum { SLEEP_MODES = 3, MODEL_HEADERS_MAX = 16 };

struct model_wake {
    const char *interface;    /* NULL: chosen by the route to the broadcast address */
    struct in_addr broadcast; /* default 255.255.255.255; 127.255.255.255 for a loopback address */
    uint16_t port;            /* default 9 */
    const char *relay;        /* id of a relay, or NULL */
    uint8_t secureon[6];
    uint8_t secureon_length; /* 0, 4 or 6 bytes */
    int64_t timeout;         /* the longest a wake may take; default 180 s */
};

/* Sleep by ssh: who logs in, and the one host key that is believed. */
struct model_ssh {
    const char *user;
    uint16_t port;                     /* default 22 */
    const char *key;                   /* file of the private key */
    const char *host_key;              /* "ssh-ed25519 AAAA..." */
    const char *commands[SLEEP_MODES]; /* what is said to the server, by mode */
    const char *restart;
};

/* A header of a webhook: its value, or the variable of the environment that has it. */
struct model_header {
    const char *name;
    const char *value;
    const char *secret;
};

enum webhook_method { WEBHOOK_POST, WEBHOOK_PUT, WEBHOOK_PATCH, WEBHOOK_GET, WEBHOOK_DELETE };

struct model_webhook {
    const char *url;
    const char *restart_url; /* NULL: it cannot restart */
    enum webhook_method method;
    const char *body; /* NULL: none */
    const char *restart_body;
    const char *ca; /* file, or NULL: the system's */
    size_t n_headers;
    struct model_header *headers;
    size_t n_expect; /* 0: 200-299 */
    struct status_range *expect;
};

struct model_sleep {
    enum sleep_via via;          /* default agent */
    enum sleep_mode mode;        /* default suspend */
    int64_t min_up;              /* not put to sleep before it was up so long; default 5 min */
    int64_t timeout;             /* silence must be proven within this; default 60 s */
    const struct model_ssh *ssh; /* with SLEEP_VIA_SSH, else NULL */
    const struct model_webhook *webhook; /* with SLEEP_VIA_WEBHOOK, else NULL */
};

struct model_server {
    const char *id;   /* slug */
    const char *name; /* for people */
    struct in_addr address;
    bool loopback; /* 127.0.0.0/8: no link layer, the kernel answers for everyone */
    uint8_t mac[6];
    size_t n_macs; /* further MACs that may answer for it: of a bridge, a bond, a second card */
    uint8_t (*macs)[6];
    struct model_wake wake;
    struct model_sleep sleep;
    size_t n_checks;
    struct model_check *checks;
    bool any_site; /* its owner named no checks: the answer of any site makes it ready */
    size_t n_depends_on;
    int depends_on[MODEL_DEPENDS_MAX];
    double watts_on, watts_asleep; /* negative: not configured */
    bool watts_measured;           /* a meter said so */
    int64_t min_down;              /* guard: not woken before it was down so long; default 0 */
    int wakes_per_hour;            /* guard; 0: no limit */
    const char *group;             /* circuit group: one start at a time; or NULL */
};

enum policy_mode { POLICY_ALWAYS_ON, POLICY_SCHEDULED, POLICY_ON_DEMAND };
enum policy_otherwise { OTHERWISE_ON_DEMAND, OTHERWISE_REFUSE };

struct model_window {
    uint8_t days;      /* bit 0 Monday ... bit 6 Sunday */
    uint16_t from, to; /* minutes of the day, 0 to 1440; to <= from crosses midnight */
};

enum { MODEL_EVERY_YEAR = -1 };

struct model_date {
    int16_t year; /* or MODEL_EVERY_YEAR */
    uint8_t month, day;
};

struct model_policy {
    enum policy_mode mode;
    int64_t idle;         /* default 20 min */
    const char *timezone; /* IANA name; default: the configuration's */
    size_t n_windows;
    struct model_window *windows;
    size_t n_except;
    struct model_date *except;
    enum policy_otherwise otherwise;
};

enum access_wake { ACCESS_WAKE_VISIT, ACCESS_WAKE_CLICK, ACCESS_WAKE_PERSON };

/* A request that is told apart by what it names: all that is given must fit. */
enum rule_as {
    RULE_AS_MONITOR, /* never wakes, never renews */
    RULE_AS_CLIENT,  /* as any other, whatever it calls itself; HEAD too */
    RULE_AS_REFUSED, /* not let in */
};

struct model_rule {
    const char *agent;   /* part of the User-Agent, without case; or NULL */
    const char *path;    /* this path and all below it; or NULL */
    const char *method;  /* or NULL */
    struct cidr address; /* of the visitor; {0}: any */
    enum rule_as as;
};

struct model_access {
    size_t n_allow; /* 0: everyone */
    struct cidr *allow;
    size_t n_deny; /* not let in, whatever allow says */
    struct cidr *deny;
    int wakes_per_day;   /* per client address; 0: no limit */
    int minutes_per_day; /* awake minutes a day; 0: no limit */
    enum access_wake wake;
    int64_t hold; /* how long an API request is held for the server; 0 to 29 s */
    bool websocket_wakes;
    bool websocket_holds; /* a silent one keeps the server awake, for one idle time */
    size_t n_monitors;    /* looked at before http.monitors; the first that fits counts */
    struct model_rule *monitors;
    struct model_policy hours; /* when visitors are let in: its windows, except and timezone;
                                  without windows always */
};

/* What a visitor asks for: a project, or a domain as a whole. One domain has one site of its own
 * and one per project. */
struct model_site {
    const char *id;   /* project id, or the domain name */
    const char *name; /* for people */
    int server;
    int domain;
    bool is_project;
    const char *path; /* "/client1"; "/" for the domain's own. Matches itself and all below it */
    const char *upstream; /* URL or NULL */
    struct model_tls tls; /* of an https upstream */
    int64_t timeout;      /* how long an answer of the upstream may take */
    int check;            /* index in the server's checks of this site's own, or MODEL_NONE */
    size_t n_containers;
    const char **containers;
    int64_t idle_stop; /* 0: containers stay up */
    size_t n_allow;    /* of a project, beside its domain's; 0: everyone */
    struct cidr *allow;
    struct model_policy hours; /* of a project, beside its domain's */
    int wakes_per_day;         /* quota of the project; 0: no limit */
    int minutes_per_day;
};

struct model_domain {
    const char *name; /* lower case host name */
    int server;
    int site; /* its own site */
    size_t n_projects;
    int projects[MODEL_PROJECTS_MAX]; /* sites, longest path first */
    struct model_policy policy;
    struct model_access access;
};

struct model {
    size_t n_servers;
    struct model_server *servers;
    size_t n_domains;
    struct model_domain *domains; /* sorted by name */
    size_t n_sites;
    struct model_site *sites;
    /* Optional orders for the look-ups; without them (NULL) a look-up walks. */
    const int *servers_by_id; /* n_servers indexes of servers, sorted by id */
    size_t n_projects;
    const int *projects_by_id; /* n_projects indexes of sites that are projects, sorted by id */
};

/* What a server draws; usual figures where it is not configured, or NULL. */
struct model_watts {
    double on, asleep;
    const char *basis; /* "measured", "configured" or "estimated" */
};
struct model_watts model_watts(const struct model_server *server);

/* Look-ups; MODEL_NONE when absent. Host is compared without case, a port behind it ignored. */
int model_server_by_id(const struct model *model, const char *id);
int model_domain_by_host(const struct model *model, const char *host);
int model_project_by_id(const struct model *model, const char *id);
/* By a project's id, else by the name of the domain whose own site it is. */
int model_site_by_id(const struct model *model, const char *id);
/* The site of `from` that is the same one in `model`. */
int model_site_in(const struct model *model, const struct model *from, int site);

/* Where a site really is: by its own upstream, else by that of its domain. */
struct model_upstream {
    const char *host; /* in the URL, host_length characters: an IPv4 address or a name */
    size_t host_length;
    bool is_address;
    struct in_addr address; /* where it is one */
    uint16_t port;          /* of the scheme where the URL names none */
};
/* False: it has none, or one that leads nowhere. */
bool model_upstream(const struct model *model, int site, struct model_upstream *ret_upstream);

/* The site that answers for a path of this domain: the longest project path that is the path or a
 * parent of it
 * ("/client1" takes "/client1" and "/client1/x?y", not "/client10"), else the domain's own. */
int model_site_for_path(const struct model *model, int domain, const char *path);

/* Is this one of the MACs configured for the server? */
bool model_has_mac(const struct model_server *server, const uint8_t mac[6]);

const char *policy_mode_name(enum policy_mode mode); /* "always_on" ... */
bool policy_mode_from_name(const char *name, enum policy_mode *ret_mode);
const char *sleep_via_name(enum sleep_via via);
const char *sleep_mode_name(enum sleep_mode mode); /* "suspend" ... */
const char *check_kind_name(enum check_kind kind);

#endif
