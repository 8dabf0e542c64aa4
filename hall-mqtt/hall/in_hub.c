#include "hall/in_hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "words/command.h"

enum { COMMANDS_MAX = LEDGER_OF_SERVER };

struct hub {
    struct reload *reload;
    struct ledger_entry entries[COMMANDS_MAX]; /* a ring */
    size_t next;
};

static void answer(struct hub *hub, const struct ledger_entry *entry)
{
    char reason[SAID_SIZE];

    say_english(&entry->reason, NULL, clock_now().wall, reason);
    log_info("hall: %s %s by %s: %s%s%s", command_action_name(entry->action), entry->id, entry->by,
             command_outcome_name(entry->outcome), reason[0] ? ": " : "", reason);
    answers_send(hub->reload->answers, entry, TOPIC_RESULT, NULL);
}

/* The oldest gives way, unless it is still under way. NULL: all are. */
static struct ledger_entry *find_room(struct hub *hub)
{
    for (size_t i = 0; i < COMMANDS_MAX; i++) {
        struct ledger_entry *entry = &hub->entries[hub->next++ % COMMANDS_MAX];

        if (!entry->open)
            return entry;
    }
    return NULL;
}

static void refuse(struct hub *hub, const struct command *command, struct fact reason)
{
    struct ledger_entry entry = answers_entry(command);

    char said[SAID_SIZE];

    entry.reason = reason;
    if (outlets_may_tell(hub->reload->outlets))
        log_warning("hall: command refused: %s",
                    say_english(&reason, NULL, clock_now().wall, said));
    answers_send(hub->reload->answers, &entry, TOPIC_RESULT, NULL);
}

static void take(struct hub *hub, const struct command *command)
{
    for (size_t i = 0; command->id[0] && i < COMMANDS_MAX; i++) {
        struct ledger_entry *known = &hub->entries[i];

        if (!known->used || strcmp(known->id, command->id) != 0)
            continue;
        known->route = command->route; /* the answer of before goes to whoever asks now */
        answer(hub, known);
        return;
    }
    struct ledger_entry *entry = find_room(hub);
    if (!entry) {
        refuse(hub, command, FACT(ANSWER_COMMANDS_FULL, .n = {COMMANDS_MAX}));
        return;
    }
    *entry = answers_entry(command);
    entry->received = clock_now().boot;
    if (!entry->id[0])
        snprintf(entry->id, sizeof(entry->id), "hall-%llx-%zx",
                 (unsigned long long)hub->reload->current->started, hub->next);
    entry->open = true;
    entry->outcome = OUTCOME_ACCEPTED;
    answer(hub, entry);
    if (command->action == COMMAND_RELOAD)
        reload_now(hub->reload, "");
    else
        out_discovery_announce(hub->reload->discovery);
}

void hub_hear(struct hub *hub, const struct topic *topic, const struct mqtt_message *message)
{
    struct command command;
    struct fact why;
    const int error = command_read(topic, message->payload, message->length, message->retained,
                                   clock_now(), &command, &why);

    command.route = answers_route(hub->reload->answers, message);
    if (message->retained && error == -ESTALE)
        (void)mqtt_clear(hub->reload->mqtt, message->topic);
    if (error < 0)
        refuse(hub, &command, why);
    else
        take(hub, &command);
}

static void on_ended(void *context, const struct news *news)
{
    struct hub *hub = context;
    const char *why = news->ended.why;

    for (size_t i = 0; i < COMMANDS_MAX; i++) {
        struct ledger_entry *entry = &hub->entries[i];

        if (!entry->open || entry->action != news->ended.action)
            continue;
        entry->open = false;
        entry->outcome = why ? OUTCOME_FAILED : OUTCOME_DONE;
        entry->seconds_ms = clock_now().boot - entry->received;
        entry->reason = fact_said(why);
        answer(hub, entry);
    }
}

const struct outlet_ops hub_outlet = {.hear = {[NEWS_ENDED] = on_ended}};

int hub_create(struct reload *reload, struct hub **ret_hub)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (!hub)
        return -ENOMEM;
    hub->reload = reload;
    *ret_hub = hub;
    return 0;
}

void hub_destroy(struct hub *hub)
{
    free(hub);
}
