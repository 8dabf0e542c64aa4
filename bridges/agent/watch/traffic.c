#include "bridges/agent/watch/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000, FIRST_ROOM = 64 };

/* What it had moved at some time. */
struct mark {
    int64_t at, bytes;
};

struct traffic_entry {
    uint64_t id;
    struct in6_addr peer;
    uint16_t port;
    bool counted, owed;
    int64_t first; /* when it was seen first */
    int64_t moved; /* when bytes moved last */
    int64_t bytes;
    struct mark older, newer; /* the older is a minute old at most, or the newest there is */
};

/* ---- one look ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct traffic_entry *one = a, *other = b;
    return one->id < other->id ? -1 : one->id > other->id;
}

static const struct traffic_entry *find(const struct traffic *traffic, uint64_t id)
{
    const struct traffic_entry key = {.id = id};
    return traffic->n_before > 0 ? bsearch(&key, traffic->before, traffic->n_before,
                                           sizeof(*traffic->before), compare_ids)
                                 : NULL;
}

/* What was opened since the look before has moved all its bytes since; of what the first look of
 * all finds nobody knows. */
static struct traffic_entry open_entry(const struct traffic *traffic,
                                       const struct traffic_seen *seen, int64_t now)
{
    const struct mark mark = {.at = now, .bytes = traffic->begun ? 0 : seen->bytes};
    return (struct traffic_entry){.id = seen->id,
                                  .first = now,
                                  .moved = now - seen->quiet_ms,
                                  .bytes = seen->bytes,
                                  .older = mark,
                                  .newer = mark};
}

static struct traffic_entry go_on(const struct traffic_entry *before,
                                  const struct traffic_seen *seen, int64_t now)
{
    struct traffic_entry entry = *before;
    if (seen->timed || seen->bytes > entry.bytes)
        entry.moved = now - seen->quiet_ms;
    entry.bytes = seen->bytes;
    if (now - entry.newer.at >= MINUTE_MS / 2) {
        entry.older = entry.newer;
        entry.newer = (struct mark){.at = now, .bytes = seen->bytes};
    }
    return entry;
}

static int make_room(struct traffic *traffic)
{
    const size_t room = traffic->room == 0 ? FIRST_ROOM : traffic->room * 2;
    if (traffic->n_now < traffic->room)
        return 0;
    if (room > TRAFFIC_MAX)
        return -E2BIG;
    struct traffic_entry *more = reallocarray(traffic->now, room, sizeof(*more));
    if (!more)
        return -ENOMEM;
    traffic->now = more;
    traffic->room = room;
    return 0;
}

int traffic_take(struct traffic *traffic, const struct traffic_seen *seen, int64_t now)
{
    const struct traffic_entry *before = find(traffic, seen->id);
    const int error = make_room(traffic);
    if (error < 0)
        return error;
    struct traffic_entry *entry = &traffic->now[traffic->n_now++];
    *entry = before ? go_on(before, seen, now) : open_entry(traffic, seen, now);
    entry->peer = seen->peer;
    entry->port = seen->port;
    entry->counted = seen->counted;
    entry->owed = seen->owed;
    return 0;
}

static bool has_moved(const struct traffic_entry *entry, int64_t now, int64_t window_ms)
{
    return now - entry->moved < window_ms;
}

static bool is_settled(const struct traffic_entry *entry, int64_t now)
{
    return now - entry->first >= TRAFFIC_SETTLE_MS;
}

bool traffic_end(struct traffic *traffic, int64_t now, int64_t window_ms)
{
    bool fresh = false;
    free(traffic->before);
    traffic->before = traffic->now;
    traffic->n_before = traffic->n_now;
    traffic->now = NULL;
    traffic->n_now = traffic->room = 0;
    traffic->begun = true;
    if (traffic->n_before > 0)
        qsort(traffic->before, traffic->n_before, sizeof(*traffic->before), compare_ids);
    for (size_t i = 0; i < traffic->n_before && !fresh; i++)
        fresh =
            has_moved(&traffic->before[i], now, window_ms) && !is_settled(&traffic->before[i], now);
    return fresh;
}

void traffic_finish(struct traffic *traffic)
{
    free(traffic->before);
    free(traffic->now);
    *traffic = (struct traffic){0};
}

/* ---- what counts ---- */

/* Keeps the list by bytes, most first. */
static void insert(struct sample_connections *list, const struct sample_connection *connection)
{
    size_t at = list->n;
    while (at > 0 && list->list[at - 1].bytes < connection->bytes)
        at--;
    if (list->n == SAMPLE_SEEN_MAX)
        list->more++;
    else
        list->n++;
    if (at == SAMPLE_SEEN_MAX)
        return;
    memmove(&list->list[at + 1], &list->list[at], (list->n - 1 - at) * sizeof(list->list[0]));
    list->list[at] = *connection;
}

static void print_peer(const struct traffic_entry *entry, char ret_text[static INET6_ADDRSTRLEN])
{
    const bool v4 = IN6_IS_ADDR_V4MAPPED(&entry->peer);
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, &entry->peer.s6_addr[v4 ? 12 : 0], ret_text,
                    INET6_ADDRSTRLEN);
}

/* Keeps the list by silence, the shortest first, with one for each port and each kind. */
static void note_silence(struct sample_connections *list, const struct traffic_entry *entry,
                         int64_t now)
{
    struct sample_silence *silent = list->silent;
    size_t at = 0, last = 0;
    while (at < list->n_silent && silent[at].quiet_ms <= now - entry->moved) {
        if (silent[at].port == entry->port && silent[at].owed == entry->owed)
            return;
        at++;
    }
    if (at == SAMPLE_SILENT_MAX)
        return;
    for (last = at; last < list->n_silent; last++)
        if (silent[last].port == entry->port && silent[last].owed == entry->owed)
            break;
    if (last == list->n_silent && list->n_silent < SAMPLE_SILENT_MAX)
        list->n_silent++;
    else if (last == SAMPLE_SILENT_MAX)
        last--;
    memmove(&silent[at + 1], &silent[at], (last - at) * sizeof(silent[0]));
    silent[at] = (struct sample_silence){
        .port = entry->port, .quiet_ms = now - entry->moved, .owed = entry->owed};
    print_peer(entry, silent[at].peer);
}

void traffic_judge(const struct traffic *traffic, int64_t now, int64_t window_ms,
                   struct sample_connections *ret_connections)
{
    ret_connections->n = ret_connections->more = ret_connections->n_silent = 0;
    for (size_t i = 0; i < traffic->n_before; i++) {
        const struct traffic_entry *entry = &traffic->before[i];
        if (!is_settled(entry, now))
            continue;
        if (!has_moved(entry, now, window_ms)) {
            note_silence(ret_connections, entry, now);
            continue;
        }
        const int64_t bytes = entry->bytes - entry->older.bytes;
        struct sample_connection seen = {.port = entry->port,
                                         .bytes = !entry->counted ? -1
                                                  : bytes > 0     ? bytes
                                                                  : 0,
                                         .quiet_ms = now - entry->moved};
        print_peer(entry, seen.peer);
        insert(ret_connections, &seen);
    }
}
