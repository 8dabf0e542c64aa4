#include "bridges/agent/agent_words.h"

#include <stddef.h>

#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "say/say.h"

enum { SENTENCE_MAX = 2048 };

/* What is -1 or "" is not known. */
static void put_count(struct json_writer *out, const char *key, int64_t value)
{
    if (value < 0)
        json_put_null(out, key);
    else
        json_put_integer(out, key, value);
}

static void put_text(struct json_writer *out, const char *key, const char *text)
{
    json_put_string(out, key, text[0] != '\0' ? text : NULL);
}

static void put_sentence(struct json_writer *out, const char *key, const struct fact *fact)
{
    struct buf sentence = BUF_INIT(SENTENCE_MAX);
    say_fact(fact, NULL, (struct say_how){0}, &sentence);
    put_text(out, key, buf_text(&sentence));
    buf_finish(&sentence);
}

static void put_vetoes(struct json_writer *out, const struct vetoes *vetoes)
{
    json_begin_array(out, "vetoes");
    for (size_t i = 0; vetoes && i < vetoes->n; i++)
        put_sentence(out, NULL, &vetoes->list[i]);
    json_end_array(out);
    json_begin_array(out, "veto_facts");
    for (size_t i = 0; vetoes && i < vetoes->n; i++)
        say_put_fact(out, NULL, &vetoes->list[i], NULL);
    json_end_array(out);
}

static void put_sessions(struct json_writer *out, const struct watch_sample *sample)
{
    json_begin_array(out, "sessions");
    for (size_t i = 0; i < sample->sessions.n; i++) {
        const struct logind_session *session = &sample->sessions.list[i];
        json_begin_object(out, NULL);
        json_put_string(out, "user", session->user);
        json_put_bool(out, "remote", session->remote);
        put_text(out, "from", session->host);
        put_text(out, "seat", session->seat);
        json_put_bool(out, "idle", session->idle);
        json_put_bool(out, "counts", veto_session_counts(session));
        json_end_object(out);
    }
    json_end_array(out);
}

static void put_inhibitors(struct json_writer *out, const struct watch_sample *sample)
{
    json_begin_array(out, "inhibitors");
    for (size_t i = 0; i < sample->inhibitors.n; i++) {
        const struct logind_inhibitor *inhibitor = &sample->inhibitors.list[i];
        json_begin_object(out, NULL);
        json_put_string(out, "who", inhibitor->who);
        json_put_string(out, "why", inhibitor->why);
        json_put_string(out, "what", inhibitor->what);
        json_put_string(out, "mode", inhibitor->mode);
        json_end_object(out);
    }
    json_end_array(out);
}

static void put_connections(struct json_writer *out, const struct watch_sample *sample)
{
    json_begin_array(out, "connections");
    for (size_t i = 0; i < sample->connections.n; i++) {
        const struct sample_connection *connection = &sample->connections.list[i];
        json_begin_object(out, NULL);
        json_put_string(out, "from", connection->peer);
        json_put_integer(out, "port", connection->port);
        put_count(out, "bytes", connection->bytes);
        json_put_integer(out, "quiet_s", connection->quiet_ms / 1000);
        json_end_object(out);
    }
    json_end_array(out);
}

static void put_silent(struct json_writer *out, const struct watch_sample *sample)
{
    json_begin_array(out, "silent");
    for (size_t i = 0; i < sample->connections.n_silent; i++) {
        const struct sample_silence *silence = &sample->connections.silent[i];
        json_begin_object(out, NULL);
        json_put_string(out, "from", silence->peer);
        json_put_integer(out, "port", silence->port);
        json_put_integer(out, "quiet_s", silence->quiet_ms / 1000);
        json_put_bool(out, "owed", silence->owed);
        json_end_object(out);
    }
    json_end_array(out);
}

static void put_wol(struct json_writer *out, const struct watch_sight *sight)
{
    const struct wol_nic *wol = &sight->wol;
    json_begin_object(out, "wol");
    put_text(out, "interface", sight->interface);
    put_text(out, "card", sight->cards[sight->card]);
    if (wol->known)
        json_put_bool(out, "armed", wol->armed);
    else
        json_put_null(out, "armed");
    json_put_string(out, "letters", wol->known ? wol->letters : NULL);
    put_text(out, "problem", wol->problem);
    json_end_object(out);
}

static void put_macs(struct json_writer *out, const struct watch_sight *sight)
{
    char text[MAC_TEXT_SIZE];
    json_begin_array(out, "macs");
    for (size_t i = 0; i < sight->n_macs; i++)
        json_put_string(out, NULL, text_format_mac(sight->macs[i], text));
    json_end_array(out);
}

int report_write(const struct watch_sight *sight, const struct vetoes *vetoes, unsigned rights,
                 unsigned resumes, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_integer(&writer, "schema", REPORT_SCHEMA);
    json_put_string(&writer, "version", HALL_VERSION);
    put_text(&writer, "boot_id", sight->boot_id);
    json_put_integer(&writer, "resumes", resumes);
    put_count(&writer, "uptime_s", sight->uptime_s);
    if (sight->sample.load.value < 0)
        json_put_null(&writer, "load");
    else
        json_put_number(&writer, "load", sight->sample.load.value);
    json_begin_object(&writer, "memory");
    put_count(&writer, "total_mb", sight->memory.total_mb);
    put_count(&writer, "free_mb", sight->memory.available_mb);
    json_end_object(&writer);
    put_sessions(&writer, &sight->sample);
    put_inhibitors(&writer, &sight->sample);
    put_connections(&writer, &sight->sample);
    put_silent(&writer, &sight->sample);
    put_vetoes(&writer, vetoes);
    put_wol(&writer, sight);
    put_macs(&writer, sight);
    const struct logind_can *can = &sight->can;
    json_begin_object(&writer, "can");
    for (enum agent_verb verb = VERB_SUSPEND; verb <= VERB_REBOOT; verb++)
        json_put_bool(&writer, agent_verb_name(verb),
                      (can->can[verb] == LOGIND_YES || can->can[verb] == LOGIND_BLOCKED) &&
                          (rights & (1U << verb)) != 0);
    json_put_bool(&writer, "containers", (rights & RIGHT_CONTAINERS) != 0);
    put_sentence(&writer, "problem", &can->problem);
    say_put_fact(&writer, "problem_fact", &can->problem, NULL);
    json_end_object(&writer);
    json_end_object(&writer);
    return buf_error(out);
}

int report_write_containers(const struct docker_view *view, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_integer(&writer, "schema", REPORT_SCHEMA);
    json_put_bool(&writer, "docker", view->up);
    put_sentence(&writer, "problem", &view->problem);
    say_put_fact(&writer, "problem_fact", &view->problem, NULL);
    json_begin_array(&writer, "containers");
    for (size_t i = 0; i < view->n; i++) {
        const struct docker_container *container = &view->containers[i];
        json_begin_object(&writer, NULL);
        json_put_string(&writer, "name", container->name);
        put_text(&writer, "project", container->project);
        json_put_string(&writer, "state", container->state);
        put_text(&writer, "health", container->health);
        json_put_bool(&writer, "busy", container->busy);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    return buf_error(out);
}

static const char *const outcomes[] = {
    [REPORT_ACCEPTED] = "accepted",
    [REPORT_REFUSED] = "refused",
    [REPORT_DONE] = "done",
    [REPORT_FAILED] = "failed",
};

int report_write_result(const struct agent_command_name *name, enum report_outcome outcome,
                        const struct fact *why, const struct vetoes *vetoes, int64_t limit_ms,
                        struct buf *out)
{
    static const struct fact nothing;
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    put_text(&writer, "id", name->id);
    put_text(&writer, "action", name->action);
    json_put_string(&writer, "outcome", outcomes[outcome]);
    put_sentence(&writer, "reason", why ? why : &nothing);
    say_put_fact(&writer, "reason_fact", why ? why : &nothing, NULL);
    put_vetoes(&writer, vetoes);
    if (limit_ms > 0)
        json_put_integer(&writer, "limit_s", limit_ms / 1000);
    else
        json_put_null(&writer, "limit_s");
    json_end_object(&writer);
    return buf_error(out);
}
