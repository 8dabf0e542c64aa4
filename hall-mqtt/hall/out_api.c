#include "hall/out_api.h"

#include <string.h>

#include "base/json.h"

static void put_event(const char *text, const struct json *body, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "at", json_get_string(body, "at"));
    json_put_string(&writer, "server", json_get_string(body, "server"));
    json_put_null(&writer, "domain");
    json_put_null(&writer, "project");
    json_put_string(&writer, "type", json_get_string(body, "event_type"));
    json_put_string(&writer, "detail", json_get_string(body, "detail"));
    buf_printf(out, ",\"body\":%s", text);
    json_end_object(&writer);
}

static void tell_event(const struct out_api *api, const char *text)
{
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);
    struct json_error error;
    struct json *body = NULL;

    if (json_read(text, strlen(text), &json_limits_payload, &body, &error) == 0)
        put_event(text, body, &out);
    if (body && buf_error(&out) == 0)
        errands_news(api->errands, "event", buf_text(&out));
    json_free(body);
    buf_finish(&out);
}

/* The bus's answer with its subject in front. */
static void tell_result(const struct out_api *api, const char *key, const char *id,
                        const char *text)
{
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);

    buf_printf(&out, "{\"%s\":\"%s\",%s", key, id, text + 1);
    if (buf_error(&out) == 0)
        errands_news(api->errands, "result", buf_text(&out));
    buf_finish(&out);
}

static void on_said(void *context, const struct news *news)
{
    const struct out_api *api = context;
    const enum topic_kind kind = news->said.topic;
    const char *text = news->said.text;

    if (!errands_watched(api->errands) || text[0] != '{')
        return;
    if (kind == TOPIC_SERVER_EVENT || kind == TOPIC_EVENT)
        tell_event(api, text);
    else if (kind == TOPIC_SERVER_RESULT)
        tell_result(api, "server", news->said.id, text);
    else if (kind == TOPIC_PROJECT_RESULT)
        tell_result(api, "project", news->said.id, text);
}

static void tell(const struct out_api *api, const char *event, struct buf *out)
{
    if (buf_error(out) == 0)
        errands_news(api->errands, event, buf_text(out));
    buf_finish(out);
}

static void on_published(void *context, const struct news *news)
{
    const struct out_api *api = context;
    const struct current *current = api->describe->current;
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);

    if (!errands_watched(api->errands))
        return;
    describe_server(api->describe, news->server, &out);
    tell(api, "server", &out);
    for (int site = fleet_first_site(current->fleet, news->server); site != MODEL_NONE;
         site = fleet_next_site(current->fleet, site)) {
        if (!current->config->model.sites[site].is_project)
            continue;
        out = BUF_INIT(PAYLOAD_LIMIT);
        describe_project(api->describe, site, &out);
        tell(api, "project", &out);
    }
}

/* Hall itself: its file, its store, its clock or its broker. */
static void on_info(void *context, const struct news *news)
{
    const struct out_api *api = context;
    struct buf out = BUF_INIT(PAYLOAD_LIMIT);

    (void)news;
    if (!errands_watched(api->errands))
        return;
    describe_info(api->describe, &out);
    tell(api, "info", &out);
}

const struct outlet_ops out_api_outlet = {
    .hear = {[NEWS_SAID] = on_said,
             [NEWS_PUBLISHED] = on_published,
             [NEWS_BROKER] = on_info,
             [NEWS_TROUBLE] = on_info,
             [NEWS_SALVAGED] = on_info,
             [NEWS_CONFIG] = on_info,
             [NEWS_VERDICT] = on_info},
};
