/*
 * payload: what Hall publishes, as JSON with all keys, null where unset. Pure: reads the fleet,
 * writes text. Each returns 0 or -EMSGSIZE, -ENOMEM.
 *
 * Sentences are English. Where a language is asked for and it is another one, each NAME has
 * NAME_localized beside it, the same in that language.
 */
#ifndef HALL_WORDS_PAYLOAD_H
#define HALL_WORDS_PAYLOAD_H

#include "base/buf.h"
#include "core/fleet.h"
#include "say/say.h"

struct hall_info {
    const char *version;
    int64_t started;                   /* wall, ms */
    size_t awake;                      /* servers that are up */
    const struct told *config_problem; /* why Hall does not run on what the file says */
    const struct told *store_salvaged; /* what was saved of a damaged store */
    bool clock_trusted;
    const struct told *clock_problem; /* why not, or why nobody vouches for it */
    uint64_t dropped;                 /* messages to the broker, since the start */
    const char *broker;               /* what is known of the broker's protocol: "5" or "3.1.1" */
};

/* What is counted of a server and never falls: its wakes, what it used, and what it saved against
 * being always on. */
struct payload_energy {
    int64_t wakes;
    double saved_kwh, used_kwh;
    const char *basis; /* "measured", "configured" or "estimated": where its watts come from */
};

enum { PAYLOAD_SCHEMA = 1, PAYLOAD_LIMIT = 65536 };

int payload_info(const struct hall_info *info, const struct model *model, struct buf *out);
/* energy: NULL where nothing is known. */
int payload_server_status(const struct fleet *fleet, const struct model *model, int server,
                          const struct payload_energy *energy, enum say_language language,
                          struct now now, struct buf *out);
int payload_server_config(const struct fleet *fleet, const struct model *model, int server,
                          struct buf *out);
const char *payload_server_power(const struct fleet *fleet, int server); /* "ON" or "OFF" */
int payload_project_status(const struct fleet *fleet, const struct model *model, int site,
                           enum say_language language, struct now now, struct buf *out);
const char *payload_project_state_name(unsigned index); /* NULL behind the last */
const char *payload_project_state(const struct fleet *fleet, const struct model *model, int site);
int payload_event(const struct model *model, const struct action *action,
                  enum say_language language, struct now now, struct buf *out);
int payload_hall_event(const char *event_type, const struct told *told, struct now now,
                       struct buf *out);
int payload_result(const struct ledger_entry *entry, const struct model *model, struct now now,
                   struct buf *out);
/* A hold with its end as an instant, as command_read takes it. */
int payload_hold(const struct command *command, int64_t until_wall, struct buf *out);
/* What Hall asks of an agent for the containers of a project: {id, action, expires, force, project,
 * containers}: the names of those that the order under way is about; null: all of the project. */
int payload_agent_project(const struct model_site *site, const struct project *project,
                          const char *id, enum project_verb verb, int64_t expires_wall,
                          struct buf *out);
/* What Hall tells an agent: {id, action, expires, force, asked, idle_s}. action: "suspend",
 * "hibernate", "poweroff", "reboot". asked: a command wants it, and not only Hall itself. idle_ms:
 * how long this server stays awake after its last use. */
int payload_agent_command(const char *id, const char *action, bool force, bool asked,
                          int64_t expires_wall, int64_t idle_ms, struct buf *out);

#endif
