#include "core/facts/ledger.h"

#include <string.h>

#include "base/text.h"

static const char *const action_names[COMMAND_ACTIONS] = {
    [COMMAND_WAKE] = "wake",
    [COMMAND_SLEEP] = "sleep",
    [COMMAND_RESTART] = "restart",
    [COMMAND_CANCEL] = "cancel",
    [COMMAND_POLICY] = "policy",
    [COMMAND_IDLE] = "idle",
    [COMMAND_KEEP_AWAKE] = "keep_awake",
    [COMMAND_HOLD] = "hold",
    [COMMAND_RELEASE] = "release",
    [COMMAND_START] = "start",
    [COMMAND_STOP] = "stop",
    [COMMAND_ANNOUNCE] = "announce",
    [COMMAND_RELOAD] = "reload",
};

const char *command_action_name(enum command_action action)
{
    return action != COMMAND_NONE ? action_names[action] : NULL;
}

bool command_action_from_name(const char *name, enum command_action *ret_action)
{
    for (unsigned i = 0; i < COMMAND_ACTIONS; i++)
        if (strcmp(action_names[i], name) == 0) {
            *ret_action = (enum command_action)i;
            return true;
        }
    return false;
}

const char *command_outcome_name(enum command_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        return "accepted";
    case OUTCOME_REFUSED:
        return "refused";
    case OUTCOME_DONE:
        return "done";
    case OUTCOME_FAILED:
        return "failed";
    }
    return "?";
}

bool command_is_for_project(const struct ledger_entry *entry)
{
    return entry->site >= 0 && (entry->action == COMMAND_START || entry->action == COMMAND_STOP ||
                                entry->action == COMMAND_RESTART);
}

struct ledger_entry *ledger_find(struct ledger *ledger, int server, const char *id)
{
    for (size_t i = 0; i < LEDGER_MAX; i++) {
        struct ledger_entry *entry = &ledger->entries[i];

        if (entry->used && entry->server == server && strcmp(entry->id, id) == 0)
            return entry;
    }
    return NULL;
}

void ledger_join(struct ledger_entry *entry, uint64_t route)
{
    if (route == 0)
        return;
    memmove(&entry->repeats[1], &entry->repeats[0],
            sizeof(entry->repeats) - sizeof(entry->repeats[0]));
    entry->repeats[0] = route;
}

struct ledger_entry *ledger_add(struct ledger *ledger, int server, enum command_action action,
                                const char *id, const char *by, int64_t now)
{
    for (size_t tried = 0; tried < LEDGER_MAX; tried++) {
        struct ledger_entry *entry = &ledger->entries[ledger->next];

        ledger->next = (ledger->next + 1) % LEDGER_MAX;
        if (entry->used && entry->open)
            continue;
        *entry = (struct ledger_entry){
            .used = true, .open = true, .server = server, .action = action, .received = now};
        text_copy(entry->id, sizeof(entry->id), id);
        text_copy(entry->by, sizeof(entry->by), by);
        return entry;
    }
    return NULL;
}
