/*
 * The broker, step by step: name, TCP, TLS, login; then, for Hall's own user, its rights: messages
 * that are not kept, on topics below those of Hall where nobody listens, must be taken and come
 * back. Last: has each agent a user at a broker of this machine?
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/fetch.h"
#include "hallctl/talk.h"

enum { CONNECT_MS = 3000, LOGIN_MS = 4000, RIGHTS_MS = 3000, USERS_MAX = 1 << 20, PEM_MAX = 65536 };

/* ---- TCP ---- */

static int finish_connect(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int error = 0;

    if (poll(&watched, 1, CONNECT_MS) <= 0)
        return -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

static int try_address(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? -errno : 0;

    if (error == 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0)
        error = errno == EINPROGRESS ? finish_connect(fd) : -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

static void reach(const struct mqtt_broker *broker, struct broker_facts *facts)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)broker->port);
    facts->unresolved = getaddrinfo(broker->host, port, &hints, &found);
    facts->connect = -EHOSTUNREACH;
    for (const struct addrinfo *one = found; one && facts->connect != 0; one = one->ai_next) {
        facts->connect = try_address(one);
        if (one->ai_family == AF_INET &&
            doctor_is_here(((const struct sockaddr_in *)(const void *)one->ai_addr)->sin_addr))
            facts->local = true;
    }
    if (found)
        freeaddrinfo(found);
}

static void shake_hands(const struct mqtt_broker *broker, struct broker_facts *facts)
{
    struct buf pem = BUF_INIT(PEM_MAX);
    char endpoint[DOCTOR_HOST], why[FETCH_WHY_SIZE];

    snprintf(endpoint, sizeof(endpoint), "%s:%u", broker->host, (unsigned)broker->port);
    if (fetch_certificate(endpoint, true, broker->ca, &pem, why) < 0)
        text_copy(facts->handshake, sizeof(facts->handshake), why);
    buf_finish(&pem);
}

/* ---- MQTT ---- */

struct visit {
    struct broker_facts *facts;
    char topics[DOCTOR_RIGHTS][DOCTOR_HOST];
    int ids[DOCTOR_RIGHTS]; /* of what was published; 0: not yet */
};

static void taken(void *context, int id, const char *refusal)
{
    struct visit *visit = context;

    for (size_t i = 0; i < visit->facts->n_rights; i++)
        if (visit->ids[i] == id && !visit->facts->rights[i].taken) {
            visit->facts->rights[i].taken = true;
            visit->facts->rights[i].write_refused = refusal != NULL;
        }
}

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct visit *visit = context;

    (void)own;
    for (size_t i = 0; i < visit->facts->n_rights; i++)
        if (strcmp(visit->topics[i], message->topic) == 0)
            visit->facts->rights[i].is_read = true;
}

/* What is taken comes back, unless it may not be read: that only time tells. */
static bool is_settled(void *context)
{
    const struct visit *visit = context;

    for (size_t i = 0; i < visit->facts->n_rights; i++) {
        const struct right *right = &visit->facts->rights[i];

        if (!right->taken || (right->needs_read && !right->is_read && !right->write_refused))
            return false;
    }
    return true;
}

/* Topics that rights are given for, and one below each where nobody listens. */
static void list_rights(const struct config_mqtt *mqtt, struct visit *visit)
{
    const struct {
        const char *base, *shown, *before, *after;
        bool needs_read;
    } rows[DOCTOR_RIGHTS] = {
        {mqtt->base_topic, "status", "", "", true},
        {mqtt->base_topic, "servers/#", "servers/", "/doctor", true},
        {mqtt->base_topic, "agents/#", "agents/", "/doctor", true},
        {mqtt->base_topic, "agents/+/command", "agents/", "/command", false},
        {mqtt->base_topic, "relays/+/send", "relays/", "/send", false},
        {mqtt->discovery_prefix, "#", "", "", true},
    };
    uint32_t bits = 0;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint32_t)clock_boot_ns();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct right *right = &visit->facts->rights[i];

        snprintf(visit->topics[i], sizeof(visit->topics[i]), "%.128s/%sdoctor-%08" PRIx32 "%s",
                 rows[i].base, rows[i].before, bits, rows[i].after);
        snprintf(right->topic, sizeof(right->topic), "%.128s/%s", rows[i].base, rows[i].shown);
        right->needs_read = rows[i].needs_read;
    }
    visit->facts->n_rights = ARRAY_SIZE(rows);
}

static void try_rights(const struct config_mqtt *mqtt, struct talk *talk, struct visit *visit)
{
    const char *filters[DOCTOR_RIGHTS];

    list_rights(mqtt, visit);
    for (size_t i = 0; i < visit->facts->n_rights; i++)
        filters[i] = visit->topics[i];
    talk_subscribe_all(talk, filters, visit->facts->n_rights, RIGHTS_MS);
    for (size_t i = 0; i < visit->facts->n_rights; i++)
        talk_publish(talk, visit->topics[i], "doctor", &visit->ids[i]);
    talk_wait(talk, is_settled, visit, clock_now().boot + RIGHTS_MS);
}

static void log_in(const struct doctor *doctor, struct broker_facts *facts)
{
    const struct settings *settings = doctor->settings;
    struct visit visit = {.facts = facts};
    const struct talk_listener listener = {.hear = hear, .taken = taken, .context = &visit};
    struct talk *talk;
    const int error = talk_try(settings, &listener, LOGIN_MS, &talk);

    if (!talk)
        return;
    facts->accepted = error == 0;
    facts->silent = error == -ETIMEDOUT;
    if (error < 0)
        text_copy(facts->refusal, sizeof(facts->refusal), talk_why(talk));
    facts->tried = true;
    const struct mqtt_broker *own = doctor->config ? &doctor->config->mqtt.broker : NULL;
    if (error == 0 && own && text_equal(own->username, settings->mqtt.broker.username))
        try_rights(&doctor->config->mqtt, talk, &visit);
    talk_close(talk);
}

/* ---- users ---- */

/* Is there a line "NAME:..." for it? */
static bool has_user(const char *users, const char *name)
{
    const size_t length = strlen(name);

    for (const char *line = users; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return true;
    return false;
}

/* Debian's place, where root looks: of another broker's users nothing is known. */
static void look_for_users(const struct doctor *doctor, struct broker_facts *facts)
{
    char *users = malloc(USERS_MAX);

    if (users && doctor_read(doctor, "/etc/mosquitto/passwords", users, USERS_MAX) > 0 &&
        facts->user[0] != '\0' && has_user(users, facts->user))
        for (size_t i = 0; i < doctor->config->model.n_servers; i++) {
            const struct model_server *server = &doctor->config->model.servers[i];

            if (server->sleep.via == SLEEP_VIA_AGENT && hallctl_names(doctor->call, server->id) &&
                !has_user(users, server->id) && facts->n_missing < DOCTOR_SERVERS)
                text_copy(facts->missing[facts->n_missing++], sizeof(facts->missing[0]),
                          server->id);
        }
    free(users);
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct broker_facts *into = facts;
    const struct settings *settings = doctor->settings;

    if (!settings)
        return;
    const struct mqtt_broker *broker = &settings->mqtt.broker;
    text_copy(into->broker, sizeof(into->broker), settings->broker);
    text_copy(into->host, sizeof(into->host), broker->host ? broker->host : "localhost");
    text_copy(into->user, sizeof(into->user), broker->username ? broker->username : "");
    into->has_password = settings->password != NULL;
    into->tls = broker->tls;
    into->local = broker->unix_path != NULL;
    if (!broker->unix_path)
        reach(broker, into);
    if (into->connect == 0 && into->unresolved == 0 && broker->tls)
        shake_hands(broker, into);
    into->asked = true;
    if (into->connect == 0 && into->unresolved == 0 && into->handshake[0] == '\0')
        log_in(doctor, into);
    if (into->local && doctor->config)
        look_for_users(doctor, into);
}

/* ---- judging ---- */

static void judge_way(const struct broker_facts *from, struct findings *findings)
{
    if (from->unresolved != 0)
        findings_add(findings, DOCTOR_BROKER_UNRESOLVED, from->broker, from->host,
                     gai_strerror(from->unresolved), NULL);
    else if (from->connect != 0 && from->local)
        findings_add(findings, DOCTOR_BROKER_STOPPED, from->broker, strerror(-from->connect), NULL);
    else if (from->connect != 0)
        findings_add(findings, DOCTOR_BROKER_UNREACHABLE, from->broker, from->host,
                     strerror(-from->connect), NULL);
    else if (from->handshake[0] != '\0')
        findings_add(findings, DOCTOR_BROKER_TLS, from->broker, from->host, from->handshake, NULL);
    else if (from->accepted)
        findings_add(findings, DOCTOR_BROKER_GOOD, from->broker, from->user, NULL);
    else if (from->tried && from->silent)
        findings_add(findings, DOCTOR_BROKER_SILENT, from->broker, NULL);
    else if (from->tried && from->user[0] != '\0' && !from->has_password)
        findings_add(findings, DOCTOR_BROKER_NO_PASSWORD, from->broker, from->user, NULL);
    else if (from->tried)
        findings_add(findings, DOCTOR_BROKER_LOGIN, from->broker, from->user, from->refusal, NULL);
}

static void judge_rights(const struct broker_facts *from, struct findings *findings)
{
    const size_t before = findings->n;
    size_t taken = 0;

    for (size_t i = 0; i < from->n_rights; i++) {
        const struct right *right = &from->rights[i];

        taken += right->taken;
        if (right->taken && right->write_refused)
            findings_add(findings, DOCTOR_RIGHTS_WRITE, from->user, right->topic, NULL);
        else if (right->taken && right->needs_read && !right->is_read)
            findings_add(findings, DOCTOR_RIGHTS_READ, from->user, right->topic, NULL);
    }
    if (findings->n == before && taken > 0 && taken == from->n_rights)
        findings_add(findings, DOCTOR_RIGHTS_GOOD, from->user, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct broker_facts *from = facts;

    if (!from->asked)
        return;
    judge_way(from, findings);
    judge_rights(from, findings);
    for (size_t i = 0; i < from->n_missing; i++)
        findings_add(findings, DOCTOR_SERVER_NO_USER, from->missing[i], NULL);
}

const struct doctor_check broker_check = {"broker", sizeof(struct broker_facts), gather, judge};
