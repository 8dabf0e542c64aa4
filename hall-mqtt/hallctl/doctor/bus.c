/* What the broker holds of Hall, its servers and their agents. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/version.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/picture.h"
#include "hallctl/reader.h"
#include "hallctl/talk.h"

enum { SLOW_PERCENT = 80, RELAYS_MAX = 64 };

/* What is heard: the picture, and relays, which that does not keep. */
struct hearing {
    struct picture picture;
    size_t n_online;
    char online[RELAYS_MAX][SLUG_MAX + 1]; /* relays */
    bool all;                              /* nothing was refused */
};

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct hearing *hearing = context;
    struct topic topic;

    (void)own;
    picture_take(&hearing->picture, message->topic, message->payload, message->length, &topic);
    if (topic_parse(hearing->picture.base, message->topic, &topic) &&
        topic.kind == TOPIC_RELAY_STATE && message->length == 6 &&
        memcmp(message->payload, "online", 6) == 0 && hearing->n_online < RELAYS_MAX)
        text_copy(hearing->online[hearing->n_online++], SLUG_MAX + 1, topic.id);
}

/* ---- reading ---- */

/* A sentence of a document, in the reader's language. */
static void say(const struct json *document, const char *key, char out[DOCTOR_WHY])
{
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    if (document && say_member(document, key, reader_how(), &text))
        text_copy(out, DOCTOR_WHY, buf_text(&text));
    buf_finish(&text);
}

static void copy(const struct json *object, const char *key, char out[DOCTOR_WORD])
{
    const char *text = json_get_string(object, key);

    text_copy(out, DOCTOR_WORD, text ? text : "");
}

static void read_report(const struct known *known, struct bus_server *into)
{
    const struct json *wol = json_get(known->report, "wol");
    const struct json *evidence = json_get(known->status, "evidence");
    const struct json *vetoes = picture_vetoes(known);
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);
    bool armed = true;

    into->reported = known->report != NULL;
    copy(known->report, "version", into->agent_version);
    if (!wol)
        wol = json_get(evidence, "wol");
    copy(wol, "interface", into->interface);
    if (json_get_string(wol, "card"))
        copy(wol, "card", into->interface);
    into->wol_off = json_bool(json_get(wol, "armed"), &armed) && !armed;
    if (vetoes && json_string(json_first(vetoes)))
        buf_puts(&text, json_string(json_first(vetoes)));
    text_copy(into->vetoes, sizeof(into->vetoes), buf_text(&text));
    buf_finish(&text);
}

static void read_server(const struct known *known, struct bus_server *into)
{
    const struct json *evidence = json_get(known->status, "evidence");
    const struct json *sleep = json_get(known->config, "sleep");
    const char *via = json_get_string(sleep, "via");
    double seconds = 0;

    text_copy(into->id, sizeof(into->id), known->id);
    text_copy(into->state, sizeof(into->state), known->state);
    copy(evidence, "other_mac", into->other_mac);
    copy(evidence, "agent", into->agent);
    into->by_agent = !via || strcmp(via, "agent") == 0;
    say(known->status, "problem", into->why);
    into->has_problem = into->why[0] != '\0';
    if (!into->has_problem)
        say(known->status, "reason", into->why);
    if (json_number(json_get(known->status, "last_boot_s"), &seconds))
        into->last_boot_s = (int64_t)seconds;
    read_report(known, into);
}

/* What only the configuration has. */
static void add_configured(const struct model *model, const struct hearing *hearing,
                           struct bus_server *into)
{
    const int index = model_server_by_id(model, into->id);

    if (index == MODEL_NONE)
        return;
    const struct model_server *server = &model->servers[index];
    inet_ntop(AF_INET, &server->address, into->address, sizeof(into->address));
    into->timeout_s = server->wake.timeout / 1000;
    if (!server->wake.relay)
        return;
    text_copy(into->relay, sizeof(into->relay), server->wake.relay);
    into->relay_offline = hearing->all;
    for (size_t i = 0; i < hearing->n_online; i++)
        if (strcmp(hearing->online[i], server->wake.relay) == 0)
            into->relay_offline = false;
}

static void read_all(const struct doctor *doctor, const struct hearing *hearing,
                     struct bus_facts *facts)
{
    const struct picture *picture = &hearing->picture;
    bool trusted = true;

    text_copy(facts->hall, sizeof(facts->hall), picture->hall);
    copy(picture->info, "version", facts->version);
    say(picture->info, "config_problem", facts->configuration);
    say(picture->info, "store_salvaged", facts->store);
    say(picture->info, "clock_problem", facts->clock);
    facts->clock_distrusted =
        json_bool(json_get(picture->info, "clock_trusted"), &trusted) && !trusted;
    for (size_t i = 0; i < picture->servers.n && facts->n < DOCTOR_SERVERS; i++)
        if (hallctl_names(doctor->call, picture->servers.all[i]->id)) {
            struct bus_server *server = &facts->servers[facts->n];

            read_server(picture->servers.all[i], server);
            if (doctor->config)
                add_configured(&doctor->config->model, hearing, server);
            facts->n++;
        }
    for (int i = 0; i < doctor->call->n_operands && facts->n < DOCTOR_SERVERS; i++)
        if (!picture_find(&picture->servers, doctor->call->operands[i])) {
            struct bus_server *server = &facts->servers[facts->n++];

            text_copy(server->id, sizeof(server->id), doctor->call->operands[i]);
            server->unknown = true;
        }
}

static void gather(const struct doctor *doctor, void *facts)
{
    static const enum topic_kind kinds[] = {
        TOPIC_STATUS,        TOPIC_INFO,         TOPIC_SERVER_STATE, TOPIC_SERVER_STATUS,
        TOPIC_SERVER_CONFIG, TOPIC_AGENT_REPORT, TOPIC_RELAY_STATE};
    enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
    struct bus_facts *into = facts;
    struct hearing hearing = {0};
    const struct talk_listener listener = {.hear = hear, .context = &hearing};
    char topics[KINDS][TOPIC_MAX], why[TALK_WHY_SIZE];
    const char *filters[KINDS];
    struct talk *talk = NULL;

    if (!doctor->settings || talk_open(doctor->settings, &listener, &talk, why) < 0)
        return;
    const char *base = doctor->settings->mqtt.base_topic;
    picture_init(&hearing.picture, base);
    for (size_t i = 0; i < KINDS; i++)
        filters[i] =
            topic_format(base, kinds[i], kinds[i] <= TOPIC_INFO ? NULL : "+", NULL, topics[i]);
    text_copy(into->topic, sizeof(into->topic), filters[0]);
    text_copy(into->file, sizeof(into->file), doctor->file);
    if (doctor->config)
        text_copy(into->path, sizeof(into->path), doctor->config->store.path);
    const int error = talk_read(talk, filters, KINDS);
    hearing.all = error == 0;
    if (error == 0 || error == -EACCES)
        read_all(doctor, &hearing, into);
    into->read = error == 0 || error == -EACCES;
    talk_close(talk);
    picture_finish(&hearing.picture);
}

/* ---- judging ---- */

static void judge_hall(const struct bus_facts *from, struct findings *findings)
{
    if (from->hall[0] == '\0')
        findings_add(findings, DOCTOR_HALL_SILENT, from->topic, NULL);
    else if (strcmp(from->hall, "online") != 0)
        findings_add(findings, DOCTOR_HALL_OFFLINE, from->topic, NULL);
    else
        findings_add(findings, DOCTOR_HALL_GOOD, from->version, NULL);
    if (from->configuration[0] != '\0')
        findings_add(findings, DOCTOR_CONFIGURATION_OLD, from->configuration, from->file, NULL);
    if (from->store[0] != '\0')
        findings_add(findings, DOCTOR_STORE_SALVAGED, from->store, from->path, NULL);
    if (from->clock_distrusted)
        findings_add(findings, DOCTOR_CLOCK_DISTRUSTED, from->clock, NULL);
}

static void judge_versions(const struct bus_facts *from, struct findings *findings)
{
    const size_t before = findings->n;

    if (from->version[0] == '\0')
        return;
    if (strcmp(from->version, HALL_VERSION) != 0)
        findings_add(findings, DOCTOR_VERSION_HALLCTL, from->version, HALL_VERSION, NULL);
    for (size_t i = 0; i < from->n; i++) {
        const struct bus_server *server = &from->servers[i];

        if (server->agent_version[0] != '\0' && strcmp(server->agent_version, from->version) != 0)
            findings_add(findings, DOCTOR_VERSION_AGENT, server->id, server->agent_version,
                         from->version, NULL);
    }
    if (findings->n == before)
        findings_add(findings, DOCTOR_VERSION_GOOD, from->version, NULL);
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static void judge_agent(const struct bus_server *server, struct findings *findings)
{
    static const char *const up[] = {"ready", "degraded", NULL};
    const bool is_up = is_one_of(server->state, up),
               is_online = strcmp(server->agent, "online") == 0;

    if (server->by_agent && !server->reported && !is_online)
        findings_add(findings, DOCTOR_SERVER_AGENT_NEVER, server->id, NULL);
    else if (server->by_agent && is_up && !is_online)
        findings_add(findings, DOCTOR_SERVER_AGENT_OFFLINE, server->id, server->address, NULL);
    if (server->wol_off)
        findings_add(findings, DOCTOR_SERVER_WOL_OFF, server->id, server->interface,
                     server->address, NULL);
    if (is_up && server->vetoes[0] != '\0')
        findings_add(findings, DOCTOR_SERVER_VETOED, server->id, server->vetoes, NULL);
}

static void judge_server(const struct bus_server *server, struct findings *findings)
{
    const size_t before = findings->n;

    if (server->unknown) {
        findings_add(findings, DOCTOR_SERVER_UNKNOWN, server->id, NULL);
        return;
    }
    if (server->other_mac[0] != '\0')
        findings_add(findings, DOCTOR_SERVER_OTHER_MAC, server->id, server->address,
                     server->other_mac, NULL);
    if (strcmp(server->state, "wake_failed") == 0)
        findings_add(findings, DOCTOR_SERVER_FAILED, server->id, server->why, NULL);
    else if (strcmp(server->state, "unreachable") == 0)
        findings_add(findings, DOCTOR_SERVER_UNREACHABLE, server->id, server->why, NULL);
    else if (server->has_problem && findings->n == before)
        findings_add(findings, DOCTOR_SERVER_PROBLEM, server->id, server->why, NULL);
    judge_agent(server, findings);
    if (server->last_boot_s * 100 >= server->timeout_s * SLOW_PERCENT && server->timeout_s > 0)
        findings_add(findings, DOCTOR_SERVER_SLOW, server->id, COUNT(server->last_boot_s),
                     COUNT(server->timeout_s), NULL);
    if (server->relay_offline)
        findings_add(findings, DOCTOR_SERVER_RELAY_OFFLINE, server->id, server->relay, NULL);
    if (findings->n == before)
        findings_add(findings, DOCTOR_SERVER_GOOD, server->id, server->state, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct bus_facts *from = facts;

    if (!from->read)
        return;
    judge_hall(from, findings);
    judge_versions(from, findings);
    for (size_t i = 0; i < from->n; i++)
        judge_server(&from->servers[i], findings);
}

const struct doctor_check bus_check = {"servers", sizeof(struct bus_facts), gather, judge};
