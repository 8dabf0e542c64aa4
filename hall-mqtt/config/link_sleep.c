/* What each way of putting a server to sleep needs, and what is of no use beside another way. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "config/raw.h"
#include "core/model.h"

struct need {
    enum sleep_via via;
    const char *object, *key;
    size_t given_offset; /* enum option_given, in struct raw_sleep */
    enum wording allowed;
};

static const struct need needs[] = {
    {SLEEP_VIA_SSH, "ssh", "user", offsetof(struct raw_sleep, user_given), WORDING_SSH_USER},
    {SLEEP_VIA_SSH, "ssh", "key", offsetof(struct raw_sleep, key_given), WORDING_SSH_KEY},
    {SLEEP_VIA_SSH, "ssh", "host_key", offsetof(struct raw_sleep, host_key_given),
     WORDING_SSH_HOST_KEY},
    {SLEEP_VIA_WEBHOOK, "webhook", "url", offsetof(struct raw_sleep, url_given),
     WORDING_WEBHOOK_URL},
};

static enum option_given given_at(const struct raw_sleep *sleep, size_t offset)
{
    enum option_given given;
    memcpy(&given, (const char *)sleep + offset, sizeof(given));
    return given;
}

static void check_needs(struct report *report, const struct raw_server *server)
{
    const struct raw_sleep *sleep = &server->sleep;
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        const struct need *need = &needs[i];
        if (sleep->out.via == need->via && given_at(sleep, need->given_offset) == GIVEN_NOT)
            report_error_at(report, COMPLAINT_MISSING,
                            KEYS("servers", server->key.given, "sleep", need->object, need->key),
                            PHRASE(NOTHING), (struct phrase){.kind = need->allowed});
    }
}

/* Settings that do nothing are a mistake: most likely "via" was forgotten. */
static void check_use(struct report *report, const struct raw_server *server, const char *object,
                      enum option_given given, enum sleep_via via)
{
    const struct raw_sleep *sleep = &server->sleep;
    if (given == GIVEN_NOT || sleep->via_given == GIVEN_BADLY || sleep->out.via == via)
        return;
    report_error_at(report, COMPLAINT_CONFLICT, KEYS("servers", server->key.given, "sleep", object),
                    PHRASE(OTHER_WAY, .texts = {object, sleep_via_name(sleep->out.via)}),
                    PHRASE(VIA_OR_NONE, .texts = {object}));
}

static void check_headers(struct report *report, const struct raw_server *server)
{
    const struct raw_webhook *webhook = &server->sleep.webhook;
    for (size_t i = 1; i < webhook->n_headers; i++)
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(webhook->headers[i].key.given, webhook->headers[j].key.given) == 0)
                report_error_at(report, COMPLAINT_CONFLICT,
                                KEYS("servers", server->key.given, "sleep", "webhook", "headers",
                                     webhook->headers[i].key.given),
                                PHRASE(HEADER_TWICE), PHRASE(HEADER_ONCE));
}

void link_sleeps(struct report *report, const struct raw_config *raw)
{
    for (size_t i = 0; i < raw->n_servers; i++) {
        const struct raw_server *server = &raw->servers[i];
        check_needs(report, server);
        check_use(report, server, "ssh", server->sleep.ssh_given, SLEEP_VIA_SSH);
        check_use(report, server, "webhook", server->sleep.webhook_given, SLEEP_VIA_WEBHOOK);
        check_headers(report, server);
    }
}
