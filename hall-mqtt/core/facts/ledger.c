#include "core/facts/ledger.h"

#include <errno.h>
#include <stdlib.h>
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

int ledger_init(struct ledger *ledger, size_t n_servers)
{
    const size_t room = n_servers < LEDGER_LEAST        ? LEDGER_LEAST
                        : n_servers > LEDGER_FIRST_MOST ? LEDGER_FIRST_MOST
                                                        : n_servers;

    *ledger = (struct ledger){.room = room, .soonest = LEDGER_NONE, .latest = LEDGER_NONE};
    ledger->entries = calloc(room, sizeof(*ledger->entries));
    ledger->servers = calloc(n_servers + 1, sizeof(*ledger->servers));
    if (!ledger->entries || !ledger->servers) {
        ledger_finish(ledger);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_servers; i++)
        ledger->servers[i].newest = ledger->servers[i].oldest = LEDGER_NONE;
    return 0;
}

void ledger_finish(struct ledger *ledger)
{
    free(ledger->entries);
    free(ledger->servers);
    *ledger = (struct ledger){0};
}

/* A quarter is for what has ended: its ids are known for a while, however much is open. */
int ledger_reserve(struct ledger *ledger)
{
    if (ledger->n_open < ledger->room - ledger->room / 4)
        return 0;
    struct ledger_entry *entries =
        reallocarray(ledger->entries, 2 * ledger->room, sizeof(*entries));

    if (!entries)
        return -ENOMEM;
    ledger->entries = entries;
    ledger->room *= 2;
    return 0;
}

static struct ledger_entry *entry_at(const struct ledger *ledger, int32_t at)
{
    return at == LEDGER_NONE ? NULL : &ledger->entries[at];
}

static int32_t place_of(const struct ledger *ledger, const struct ledger_entry *entry)
{
    return (int32_t)(entry - ledger->entries);
}

struct ledger_entry *ledger_newest(const struct ledger *ledger, int server)
{
    return entry_at(ledger, ledger->servers[server].newest);
}

struct ledger_entry *ledger_older(const struct ledger *ledger, const struct ledger_entry *entry)
{
    return entry_at(ledger, entry->older);
}

struct ledger_entry *ledger_find(struct ledger *ledger, int server, const char *id)
{
    for (struct ledger_entry *entry = ledger_newest(ledger, server); entry;
         entry = ledger_older(ledger, entry))
        if (strcmp(entry->id, id) == 0)
            return entry;
    return NULL;
}

void ledger_close(struct ledger *ledger, struct ledger_entry *entry)
{
    const int32_t at = place_of(ledger, entry);

    entry->open = false;
    ledger->n_open--;
    ledger->servers[entry->server].n_open--;
    entry->sooner = ledger->latest;
    entry->later = LEDGER_NONE;
    if (ledger->latest != LEDGER_NONE)
        ledger->entries[ledger->latest].later = at;
    else
        ledger->soonest = at;
    ledger->latest = at;
}

/* Out of both chains. */
static void forget(struct ledger *ledger, struct ledger_entry *entry)
{
    struct ledger_server *of = &ledger->servers[entry->server];

    *(entry->older != LEDGER_NONE ? &ledger->entries[entry->older].newer : &of->oldest) =
        entry->newer;
    *(entry->newer != LEDGER_NONE ? &ledger->entries[entry->newer].older : &of->newest) =
        entry->older;
    *(entry->sooner != LEDGER_NONE ? &ledger->entries[entry->sooner].later : &ledger->soonest) =
        entry->later;
    *(entry->later != LEDGER_NONE ? &ledger->entries[entry->later].sooner : &ledger->latest) =
        entry->sooner;
    of->n--;
}

static struct ledger_entry *find_room(struct ledger *ledger, int server)
{
    const struct ledger_server *of = &ledger->servers[server];
    struct ledger_entry *entry = NULL;

    if (of->n < LEDGER_OF_SERVER && ledger->n < ledger->room)
        return &ledger->entries[ledger->n++];
    if (of->n < LEDGER_OF_SERVER)
        entry = entry_at(ledger, ledger->soonest);
    else if (of->n_open < LEDGER_OF_SERVER)
        for (entry = entry_at(ledger, of->oldest); entry->open;)
            entry = entry_at(ledger, entry->newer);
    if (entry)
        forget(ledger, entry);
    return entry;
}

struct ledger_entry *ledger_add(struct ledger *ledger, int server, enum command_action action,
                                const char *id, const char *by, int64_t now)
{
    struct ledger_server *of = &ledger->servers[server];
    struct ledger_entry *entry = find_room(ledger, server);

    if (!entry)
        return NULL;
    const int32_t at = place_of(ledger, entry);
    *entry = (struct ledger_entry){.used = true,
                                   .open = true,
                                   .server = server,
                                   .action = action,
                                   .received = now,
                                   .newer = LEDGER_NONE,
                                   .older = of->newest,
                                   .sooner = LEDGER_NONE,
                                   .later = LEDGER_NONE};
    text_copy(entry->id, sizeof(entry->id), id);
    text_copy(entry->by, sizeof(entry->by), by);
    *(of->newest != LEDGER_NONE ? &ledger->entries[of->newest].newer : &of->oldest) = at;
    of->newest = at;
    of->n++;
    of->n_open++;
    ledger->n_open++;
    return entry;
}
