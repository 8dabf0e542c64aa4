#include "bridges/remote/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bridges/remote/remote_internal.h"
#include "loop/curl_loop.h"

struct remote {
    sd_event *loop;
    remote_told *told;
    void *context;
    struct curl_loop *curl; /* NULL: no webhook was asked yet */
    struct asking *askings;
};

sd_event *remote_loop(const struct remote *remote)
{
    return remote->loop;
}

struct curl_loop *remote_curl(struct remote *remote)
{
    if (!remote->curl)
        (void)curl_loop_create(remote->loop, true, webhook_done, &remote->curl);
    return remote->curl;
}

static void dispose(struct asking *asking)
{
    if (asking->way)
        asking->impl->end(asking);
    free(asking);
}

static void drop(struct asking *asking)
{
    struct asking **at = &asking->remote->askings;
    while (*at != asking)
        at = &(*at)->next;
    *at = asking->next;
    dispose(asking);
}

void remote_accept(struct asking *asking, const char *reason)
{
    const struct remote *remote = asking->remote;
    if (asking->accepted)
        return;
    asking->accepted = true;
    remote->told(remote->context, asking->server, asking->id, SLEEP_ACCEPTED, reason);
}

void remote_end(struct asking *asking, const char *failure)
{
    const struct remote *remote = asking->remote;
    const struct asking ended = *asking;
    drop(asking);
    if (failure)
        remote->told(remote->context, ended.server, ended.id, SLEEP_FAILED, failure);
}

static struct asking *find(const struct remote *remote, const char *server)
{
    for (struct asking *asking = remote->askings; asking; asking = asking->next)
        if (strcmp(asking->server, server) == 0)
            return asking;
    return NULL;
}

int remote_sleep(struct remote *remote, const struct remote_ask *ask, char reason[REASON_SIZE])
{
    struct asking *before = find(remote, ask->server->id);
    struct asking *asking = calloc(1, sizeof(*asking));
    if (!asking) {
        snprintf(reason, REASON_SIZE, "out of memory");
        return -ENOMEM;
    }
    if (before) /* the core has given it up */
        drop(before);
    *asking = (struct asking){
        .remote = remote,
        .next = remote->askings,
        .impl = ask->server->sleep.via == SLEEP_VIA_SSH ? &way_ssh : &way_webhook,
    };
    text_copy(asking->server, sizeof(asking->server), ask->server->id);
    text_copy(asking->id, sizeof(asking->id), ask->id);
    remote->askings = asking;
    const int error = asking->impl->begin(asking, ask, reason);
    if (error < 0)
        drop(asking);
    return error;
}

int remote_create(sd_event *loop, remote_told *told, void *context, struct remote **ret_remote)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    *remote = (struct remote){.loop = sd_event_ref(loop), .told = told, .context = context};
    *ret_remote = remote;
    return 0;
}

void remote_destroy(struct remote *remote)
{
    if (!remote)
        return;
    for (struct asking *asking = remote->askings, *next; asking; asking = next) {
        next = asking->next;
        dispose(asking);
    }
    curl_loop_destroy(remote->curl);
    sd_event_unref(remote->loop);
    free(remote);
}
