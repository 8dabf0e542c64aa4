/* Commands to Hall itself, on hall/command: announce everything to Home Assistant anew, read the
 * configuration anew. The last few are remembered, so that a repeated id is answered, not run
 * again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hall/hall_internal.h"
#include "words/command.h"

static void answer(struct hall *hall, const struct ledger_entry *entry)
{
    log_info("hall: %s %s by %s: %s%s%s", command_action_name(entry->action), entry->id, entry->by,
             command_outcome_name(entry->outcome), entry->reason[0] ? ": " : "", entry->reason);
    hall_send_answer(hall, entry, TOPIC_RESULT, NULL);
}

static struct ledger_entry *find(struct hall *hall, const char *id)
{
    for (size_t i = 0; i < HUB_COMMANDS_MAX; i++)
        if (hall->hub[i].used && strcmp(hall->hub[i].id, id) == 0)
            return &hall->hub[i];
    return NULL;
}

/* The oldest gives way, unless it is still under way. NULL: all are. */
static struct ledger_entry *find_room(struct hall *hall)
{
    for (size_t i = 0; i < HUB_COMMANDS_MAX; i++) {
        struct ledger_entry *entry = &hall->hub[hall->hub_next++ % HUB_COMMANDS_MAX];

        if (!entry->open)
            return entry;
    }
    return NULL;
}

static struct ledger_entry entry_of(const struct command *command)
{
    struct ledger_entry entry = {.used = true,
                                 .server = MODEL_NONE,
                                 .site = MODEL_NONE,
                                 .action = command->action,
                                 .received = clock_now().boot,
                                 .route = command->route};

    text_copy(entry.id, sizeof(entry.id), command->id);
    text_copy(entry.by, sizeof(entry.by), command->by[0] ? command->by : "someone");
    return entry;
}

static void refuse(struct hall *hall, const struct command *command, const char *reason)
{
    struct ledger_entry entry = entry_of(command);

    entry.outcome = OUTCOME_REFUSED;
    text_copy(entry.reason, sizeof(entry.reason), reason);
    if (hall_may_tell(hall))
        log_warning("hall: command refused: %s", reason);
    hall_send_answer(hall, &entry, TOPIC_RESULT, NULL);
}

static void run(struct hall *hall, enum command_action action)
{
    if (action == COMMAND_RELOAD)
        hall_reload(hall);
    else
        hall_discover_announce(hall);
}

static void take(struct hall *hall, const struct command *command)
{
    struct ledger_entry *entry = command->id[0] ? find(hall, command->id) : NULL;

    if (entry) { /* the answer of before goes to whoever asks now */
        entry->route = command->route;
        answer(hall, entry);
        return;
    }
    entry = find_room(hall);
    if (!entry) {
        refuse(hall, command, "too many commands are under way; try again when they have ended");
        return;
    }
    *entry = entry_of(command);
    if (!entry->id[0])
        snprintf(entry->id, sizeof(entry->id), "hall-%llx-%zx",
                 (unsigned long long)hall->started_wall, hall->hub_next);
    entry->answered = entry->open = true;
    entry->outcome = OUTCOME_ACCEPTED;
    answer(hall, entry);
    run(hall, command->action);
}

void hall_hub_command(struct hall *hall, const struct topic *topic,
                      const struct mqtt_message *message)
{
    struct command command;
    char reason[REASON_SIZE];
    const int error = command_read(topic, message->payload, message->length, message->retained,
                                   clock_now(), &command, reason);

    command.route = hall_remember_route(hall, message);
    if (message->retained && error == -ESTALE)
        (void)mqtt_clear(hall->mqtt, message->topic);
    if (error < 0)
        refuse(hall, &command, reason);
    else
        take(hall, &command);
}

void hall_hub_end(struct hall *hall, enum command_action action, const char *why)
{
    for (size_t i = 0; i < HUB_COMMANDS_MAX; i++) {
        struct ledger_entry *entry = &hall->hub[i];

        if (!entry->open || entry->action != action)
            continue;
        entry->open = false;
        entry->outcome = why ? OUTCOME_FAILED : OUTCOME_DONE;
        entry->seconds_ms = clock_now().boot - entry->received;
        text_copy(entry->reason, sizeof(entry->reason), why ? why : "");
        answer(hall, entry);
    }
}
