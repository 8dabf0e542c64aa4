/*
 * setup: hallctl setup, in order: gather what this machine has (found), take the answers (flags, or
 * questions at a terminal), make a plan of both, show it, carry it out, check the result. The plan
 * is pure: nothing is written before all of it is known to be right.
 *
 * All texts live in one arena until the end. Errors and remarks are notes: codes of
 * say/say_setup.h with their parameters.
 */
#ifndef HALL_HALLCTL_SETUP_SETUP_H
#define HALL_HALLCTL_SETUP_SETUP_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "config/arena.h"
#include "hallctl/setup/proxies.h"
#include "say/say_setup.h"

enum {
    SETUP_LIST_MAX = 64,
    SETUP_INTERFACES_MAX = 32,
    SETUP_NEIGHBOURS_MAX = 4096,
    SETUP_HOMES_MAX = 2,
    SETUP_LISTENERS_MAX = 256,
    SETUP_FILES_MAX = 16,
    SETUP_NOTES_MAX = 64,
    SETUP_RENEW_MAX = 2,
    SETUP_PASSWORD_LEAST = 8, /* of the dashboard */
};

/* ---- notes ---- */

struct setup_notes {
    struct arena *arena;
    size_t n;
    size_t errors; /* of them */
    struct setup_note all[SETUP_NOTES_MAX];
};

/* The row's parameters in order, NULL behind the last. */
void setup_note(struct setup_notes *notes, enum setup_code code, ...) __attribute__((sentinel));

/* ---- what is wanted ---- */

struct setup_server {
    const char *id, *address;
    const char *mac; /* as text; NULL: to be found */
};
struct setup_site {
    const char *host, *server;
    const char *upstream, *policy; /* or NULL */
};

/* What is NULL was not asked for, and stays as it is. */
struct setup_answers {
    const char *interface;
    const char *broker; /* "local", or a URL */
    const char *user, *ca, *broker_password;
    const char *proxy; /* a row of proxies.h, or "none" */
    const char *language;
    const char *password; /* of the dashboard */
    bool http_only;
    bool french; /* who reads the errors */
    size_t n_servers, n_sites;
    struct setup_server servers[SETUP_LIST_MAX];
    struct setup_site sites[SETUP_LIST_MAX];
};

/* The broker's users that are no server's (broker/acl), NULL behind the last. */
extern const char *const setup_roles[];

/* Is the broker to be one that setup does not take care of? */
bool setup_is_elsewhere(const struct setup_answers *answers);
/* "testing=192.168.1.20[,aa:bb:cc:dd:ee:01]"; "host=server,url[,policy]". What is wrong is noted.
 */
void setup_take_server(struct setup_answers *answers, const char *text, struct setup_notes *notes);
void setup_take_site(struct setup_answers *answers, const char *text, struct setup_notes *notes);

/* ---- what is there ---- */

struct setup_interface {
    char name[IF_NAMESIZE];
    struct in_addr address, broadcast;
    struct in_addr mask;
    bool is_default; /* the default route leaves by it */
};
struct setup_neighbour {
    struct in_addr address;
    uint8_t mac[6];
};

/* A file as it is; text NULL: it does not exist. */
struct setup_file {
    const char *path;
    const char *text;
};

/* Someone's hallctl.json: root's, and that of the user who ran sudo. */
struct setup_home {
    struct setup_file settings;
    uid_t uid;
    gid_t gid;
};

/* A TCP port that a program of this machine listens on. */
struct setup_listener {
    struct in_addr address; /* INADDR_ANY: every one, IPv6 too */
    uint16_t port;
    char program[16]; /* as comm has it; "" where that cannot be seen */
};

struct setup_broker {
    bool installed;
    bool has_certificate;
    const char *foreign_file, *foreign_word; /* a configuration of others; NULL: none */
    struct setup_file drop_in, acl, users, names;
    const char *share_drop_in, *share_acl; /* what Hall brings; NULL: not installed */
};

struct setup_found {
    size_t n_interfaces, n_neighbours, n_homes, n_listeners, n_certificates;
    struct setup_interface interfaces[SETUP_INTERFACES_MAX];
    struct setup_neighbour neighbours[SETUP_NEIGHBOURS_MAX];
    const char *hostname, *timezone; /* timezone NULL: not known */
    struct setup_file domains, environment;
    struct setup_home homes[SETUP_HOMES_MAX];
    struct setup_broker broker;
    struct proxy_found proxies[PROXY_PLACES];
    struct setup_listener listeners[SETUP_LISTENERS_MAX];
    const char *certificates[SETUP_LIST_MAX]; /* domains that certbot has one for */
};

/* -errno: noted. */
int setup_find(struct arena *arena, struct setup_found *ret_found, struct setup_notes *notes);
/* Who listens, by /proc; of the programs all that this user may see. The number found. */
size_t setup_find_listeners(struct setup_listener *out, size_t size);
/* A regular file of at most 4 MiB, of the arena. NULL: there is none, or it cannot be read; then
 * that is noted. */
const char *setup_read(struct arena *arena, const char *path, struct setup_notes *notes);
/* The path of a file that Hall's package has for the broker. */
const char *setup_share(struct arena *arena, const char *name);
/* Asks each address of these servers for its MAC, then reads the neighbours again. */
void setup_find_macs(struct setup_found *found, const struct setup_answers *answers);
/* The interface on whose network the address is; NULL: none. */
const struct setup_interface *setup_interface_of(const struct setup_found *found,
                                                 struct in_addr address);
const struct setup_interface *setup_interface_named(const struct setup_found *found,
                                                    const char *name);
/* The value of KEY=VALUE in an environment file, of the arena; NULL: not there, or empty. */
const char *setup_variable(struct arena *arena, const char *text, const char *key);

/* ---- the plan ---- */

enum setup_owner { OWNED_BY_ROOT, OWNED_BY_HALL, OWNED_BY_HOME };

struct setup_change {
    const char *path, *before, *after; /* before NULL: a new file */
    mode_t mode;
    enum setup_owner owner;
    size_t home; /* of OWNED_BY_HOME */
    bool secret; /* nothing of it is shown */
    bool whole;  /* made by Hall alone: only counted, not shown */
    bool proxy;  /* belongs to the proxy: undone if its own check fails */
};

/* Made by make-users.sh and by chance; "" while they are not there yet. */
struct setup_secrets {
    const char *hall, *operator, * homeassistant, *viewer;
    const char *secret_key, *api_key, *admin_hash;
};

struct setup_plan {
    size_t n_changes;
    struct setup_change changes[SETUP_FILES_MAX];
    const char *new_users; /* "hall operator", for people; NULL: none */
    /* Users whose passwords nobody knows, NULL behind the last. */
    const char *renew[SETUP_RENEW_MAX + 1];
    const char *names; /* "--host" values for make-certs.sh, separated by blanks; NULL: kept */
    bool restart_broker, restart_hall, reload_hall;
    const struct proxy_place *proxy; /* to be checked and reloaded; NULL */
    const char *domains;             /* what domains.json will be */
};

/* Errors are noted, all of them; the plan is to be used only without any. Pure. */
void setup_plan(struct arena *arena, const struct setup_answers *answers,
                const struct setup_found *found, const struct setup_secrets *secrets,
                struct setup_plan *ret_plan, struct setup_notes *notes);
/* Is nothing configured yet: no server, no domain, no broker? */
bool setup_is_fresh(const struct setup_found *found);
bool setup_plan_is_empty(const struct setup_plan *plan);

/* ---- doing ---- */

/* One note, without the end of the line. */
void setup_print(FILE *out, const struct setup_note *note, enum say_language language);
/* Prints what will change to stdout. */
void setup_show(const struct setup_plan *plan, enum say_language language);

/* Runs the broker's scripts and puts the passwords they print into secrets. -EIO: noted. */
int setup_make_users(struct arena *arena, const struct setup_plan *plan,
                     struct setup_secrets *secrets, struct setup_notes *notes);
/* Writes the files and has the services take them. -EIO: noted; what was written stays, but for
 * the proxy's. */
int setup_apply(const struct setup_plan *plan, const struct setup_found *found,
                struct setup_notes *notes);

/* ---- all of it ---- */

struct mqtt_broker;
struct config;

enum { SETUP_WHY_SIZE = 320 };

/* What the rest of hallctl does for it; each fills in why where it fails. */
struct setup_tools {
    /* Does the broker accept this user? */
    bool (*try_broker)(const struct mqtt_broker *broker, const char *password,
                       char why[SETUP_WHY_SIZE]);
    /* Hall says on the bus that it is there; waits for that. */
    bool (*wait_hall)(const struct config *config, const char *password, char why[SETUP_WHY_SIZE]);
    /* The gateway answers; waits for that. */
    bool (*wait_gateway)(const char *url, char why[SETUP_WHY_SIZE]);
    /* The proxy of this machine brings the site to Hall; waits for that. Without a why something
     * else answers. */
    bool (*wait_site)(const char *host, bool tls, char why[SETUP_WHY_SIZE]);
};

struct setup_request {
    struct setup_answers answers;
    bool yes, dry_run;
    const char *password_file, *broker_password_file; /* "-": stdin; NULL: not given */
    enum say_language language;
    const struct setup_tools *tools;
};

/* Does the broker elsewhere accept who is answered? What is wrong is noted. */
void setup_try_broker(struct arena *arena, const struct setup_request *request,
                      const struct setup_found *found, struct setup_notes *notes);
/* Prints to stdout, errors to stderr. False: something is wrong; notes of the request (n > 0) are
 * said as well. */
bool setup_run(struct setup_request *request, struct setup_notes *notes);

#endif
