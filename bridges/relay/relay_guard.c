#include "bridges/relay/relay_guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

enum { PACKET = 1000 }; /* one, in the units of the bucket */

__attribute__((format(printf, 3, 4))) static int refuse(char ret_reason[REASON_SIZE], int error,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_reason, REASON_SIZE, format, args);
    va_end(args);
    return error;
}

static int check_time(struct now now, const struct relay_request *request, bool retained,
                      char ret_reason[REASON_SIZE])
{
    char then[RFC3339_SIZE], here[RFC3339_SIZE];
    if (retained)
        return refuse(ret_reason, -ESTALE,
                      "it is retained: a packet is asked for once, or it would be repeated at each "
                      "start");
    if (request->expires > now.wall)
        return 0;
    return refuse(ret_reason, -ESTALE,
                  "it expired at %s, here it is %s: it came too late, or the clocks differ",
                  rfc3339_format(request->expires, then), rfc3339_format(now.wall, here));
}

/* Where the id goes: a place that nobody needs any more. */
static int find_place(const struct relay_guard *guard, struct now now, uint64_t id,
                      size_t *ret_place, char ret_reason[REASON_SIZE])
{
    size_t place = RELAY_SEEN_MAX;
    for (size_t i = 0; i < RELAY_SEEN_MAX; i++)
        if (guard->seen[i].expires <= now.wall)
            place = place == RELAY_SEEN_MAX ? i : place;
        else if (guard->seen[i].id == id)
            return refuse(ret_reason, -EALREADY, "a request with this id was handled before");
    if (place == RELAY_SEEN_MAX)
        return refuse(ret_reason, -EBUSY, "%d requests have not expired yet", RELAY_SEEN_MAX);
    *ret_place = place;
    return 0;
}

static void fill(struct relay_guard *guard, struct now now)
{
    const int64_t most = (int64_t)guard->rate * PACKET;
    const int64_t passed = now.boot - guard->filled;
    if (guard->filled == 0 || passed >= PACKET)
        guard->tokens_ms = most;
    else
        guard->tokens_ms += passed * guard->rate;
    if (guard->tokens_ms > most)
        guard->tokens_ms = most;
    guard->filled = now.boot;
}

int relay_guard_check(struct relay_guard *guard, struct now now,
                      const struct relay_request *request, bool retained,
                      char ret_reason[REASON_SIZE])
{
    const uint64_t id = hash_add(HASH_START, request->id, strlen(request->id));
    size_t place = 0;
    int error = check_time(now, request, retained, ret_reason);
    if (error == 0)
        error = find_place(guard, now, id, &place, ret_reason);
    if (error < 0)
        return error;
    fill(guard, now);
    if (guard->tokens_ms < PACKET)
        return refuse(ret_reason, -EBUSY, "more than %d packets a second", guard->rate);
    guard->tokens_ms -= PACKET;
    guard->seen[place].id = id;
    guard->seen[place].expires = request->expires;
    return 0;
}
