#include "web/admin/throttle.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

static struct throttle_client *find(struct throttle *throttle, const char *who)
{
    for (size_t i = 0; i < THROTTLE_CLIENTS; i++) {
        struct throttle_client *client = &throttle->clients[i];
        if (client->failures > 0 && strcmp(client->who, who) == 0)
            return client;
    }
    return NULL;
}

static struct throttle_client *find_place(struct throttle *throttle)
{
    struct throttle_client *quiet = &throttle->clients[0];
    for (size_t i = 0; i < THROTTLE_CLIENTS; i++) {
        struct throttle_client *client = &throttle->clients[i];
        if (client->failures == 0)
            return client;
        if (client->last < quiet->last)
            quiet = client;
    }
    return quiet;
}

static struct throttle_client *enter(struct throttle *throttle, const char *who, int64_t now)
{
    struct throttle_client *client = find(throttle, who);
    if (client && now - client->last < THROTTLE_FORGET_MS)
        return client;
    if (!client)
        client = find_place(throttle);
    *client = (struct throttle_client){0};
    text_copy(client->who, sizeof(client->who), who);
    return client;
}

static bool is_known(const struct throttle *throttle, const char *who)
{
    for (size_t i = 0; i < THROTTLE_KNOWN; i++) {
        if (throttle->known[i][0] != '\0' && strcmp(throttle->known[i], who) == 0)
            return true;
    }
    return false;
}

static int64_t pause_after(unsigned failures)
{
    unsigned doublings = failures - THROTTLE_FREE;
    if (failures < THROTTLE_FREE)
        return 0;
    int64_t pause = doublings < 16 ? (int64_t)THROTTLE_FIRST_MS << doublings : THROTTLE_MOST_MS;
    return pause < THROTTLE_MOST_MS ? pause : THROTTLE_MOST_MS;
}

int64_t throttle_ask(struct throttle *throttle, const char *who, int64_t now)
{
    const struct throttle_client *client = find(throttle, who);
    return client && now < client->until ? client->until - now : 0;
}

/* 0: it is counted; else the ms until others may try. */
static int64_t count_in_window(struct throttle *throttle, int64_t now)
{
    if (now - throttle->window >= THROTTLE_WINDOW_MS) {
        throttle->window = now;
        throttle->in_window = 0;
    }
    if (throttle->in_window >= THROTTLE_TOTAL)
        return throttle->window + THROTTLE_WINDOW_MS - now;
    throttle->in_window++;
    return 0;
}

int64_t throttle_attempt(struct throttle *throttle, const char *who, int64_t now)
{
    int64_t wait = throttle_ask(throttle, who, now);
    if (wait > 0)
        return wait;
    if (!is_known(throttle, who) && (wait = count_in_window(throttle, now)) > 0)
        return wait;
    struct throttle_client *client = enter(throttle, who, now);
    client->failures++;
    client->last = now;
    client->until = now + pause_after(client->failures);
    return 0;
}

static void know(struct throttle *throttle, const char *who)
{
    text_copy(throttle->known[throttle->next_known++ % THROTTLE_KNOWN], THROTTLE_WHO_SIZE, who);
}

struct throttle_known throttle_known(const struct throttle *throttle)
{
    struct throttle_known known;
    memset(&known, 0, sizeof(known));
    for (unsigned i = 0, n = 0; i < THROTTLE_KNOWN; i++) {
        const char *who = throttle->known[(throttle->next_known + i) % THROTTLE_KNOWN];
        if (who[0] != '\0')
            text_copy(known.who[n++], THROTTLE_WHO_SIZE, who);
    }
    return known;
}

void throttle_recall(struct throttle *throttle, const struct throttle_known *known)
{
    for (unsigned i = 0; i < THROTTLE_KNOWN && known->who[i][0] != '\0'; i++)
        know(throttle, known->who[i]);
}

void throttle_forgive(struct throttle *throttle, const char *who)
{
    struct throttle_client *client = find(throttle, who);
    if (client)
        *client = (struct throttle_client){0};
    if (is_known(throttle, who))
        return;
    know(throttle, who);
    if (throttle->in_window > 0)
        throttle->in_window--;
}
