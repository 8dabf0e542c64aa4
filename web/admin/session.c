#include "web/admin/session.h"

#include <stddef.h>
#include <string.h>

static int64_t end_of(const struct session *session)
{
    int64_t idle = session->used + SESSION_IDLE_MS;
    int64_t life = session->began + SESSION_LIFE_MS;
    return idle < life ? idle : life;
}

static void expire(struct sessions *sessions, int64_t now)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->list[i];
        if (session->open && now >= end_of(session))
            *session = (struct session){0};
    }
}

/* In the same time whatever differs. */
static bool is_same(const uint8_t *a, const uint8_t *b)
{
    uint8_t different = 0;
    for (size_t i = 0; i < SESSION_ID_SIZE; i++)
        different |= a[i] ^ b[i];
    return different == 0;
}

static struct session *find(struct sessions *sessions, const uint8_t *id, int64_t now)
{
    expire(sessions, now);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->list[i];
        if (session->open && is_same(session->id, id))
            return session;
    }
    return NULL;
}

/* A free one, else the one unused for longest. */
static struct session *find_place(struct sessions *sessions)
{
    struct session *oldest = &sessions->list[0];
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->list[i];
        if (!session->open)
            return session;
        if (session->used < oldest->used)
            oldest = session;
    }
    return oldest;
}

void sessions_open(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], int64_t now)
{
    expire(sessions, now);
    struct session *session = find_place(sessions);
    *session = (struct session){.open = true, .began = now, .used = now};
    memcpy(session->id, id, SESSION_ID_SIZE);
}

bool sessions_find(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], bool used,
                   int64_t now, int64_t *ret_until)
{
    struct session *session = find(sessions, id, now);
    if (!session)
        return false;
    if (used)
        session->used = now;
    if (ret_until)
        *ret_until = end_of(session);
    return true;
}

bool sessions_close(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], int64_t now)
{
    struct session *session = find(sessions, id, now);
    if (!session)
        return false;
    *session = (struct session){0};
    return true;
}

const char *session_cookie_name(bool tls)
{
    return tls ? "__Host-hall_session" : "hall_session";
}

bool session_cookie(const char *header, bool tls, char ret_token[SESSION_TOKEN_SIZE])
{
    const char *name = session_cookie_name(tls);
    const size_t named = strlen(name);
    const size_t digits = SESSION_TOKEN_SIZE - 1;

    for (const char *at = header; at && *at != '\0'; at += *at == ';') {
        at += strspn(at, " \t");
        size_t length = strcspn(at, ";");
        if (strncmp(at, name, named) == 0 && at[named] == '=') {
            const char *value = at + named + 1;
            if (length != named + 1 + digits || strspn(value, "0123456789abcdef") < digits)
                return false;
            memcpy(ret_token, value, digits);
            ret_token[digits] = '\0';
            return true;
        }
        at += length;
    }
    return false;
}
