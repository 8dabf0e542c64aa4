#include "hall/in_remote.h"

#include "base/text.h"

void in_remote_told(void *context, const char *server, const char *id, enum sleep_answer answer,
                    const char *reason)
{
    const struct in_remote *in = context;
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER,
                                .server = model_server_by_id(&in->current->config->model, server),
                                .sleep = {.answer = answer}};

    if (event.server == MODEL_NONE)
        return; /* no longer configured */
    text_copy(event.sleep.id, sizeof(event.sleep.id), id);
    event.sleep.reason = fact_said(reason);
    turn_feed(in->turn, &event);
}
