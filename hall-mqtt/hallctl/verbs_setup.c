/* hallctl setup: its options become answers; what it asks of the rest of hallctl. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hallctl/hallctl.h"
#include "hallctl/reader.h"
#include "hallctl/setup/setup.h"
#include "hallctl/site_ask.h"
#include "hallctl/talk.h"
#include "words/topic.h"

enum { WAIT_MS = 30000, PAUSE_MS = 100 };

/* ---- tools ---- */

struct hearing {
    bool online;
};

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct hearing *hearing = context;

    (void)own;
    hearing->online = message->length == strlen("online") &&
                      memcmp(message->payload, "online", message->length) == 0;
}

static bool is_online(void *context)
{
    return ((const struct hearing *)context)->online;
}

static struct settings settings_of(const struct mqtt_broker *broker, const char *base_topic,
                                   const char *password)
{
    return (struct settings){.mqtt = {.broker = *broker, .base_topic = base_topic},
                             .broker = broker->host ? broker->host : broker->unix_path,
                             .password = password};
}

static bool try_broker(const struct mqtt_broker *broker, const char *password,
                       char why[SETUP_WHY_SIZE])
{
    struct hearing hearing = {0};
    const struct talk_listener listener = {.hear = hear, .context = &hearing};
    const struct settings settings = settings_of(broker, "hall", password);
    struct talk *talk = NULL;

    log_init(LOG_LEVEL_ERROR);
    const int error = talk_open(&settings, &listener, &talk, why);
    why[strcspn(why, "\n")] = '\0'; /* what hallctl's own options would mend */
    talk_close(talk);
    return error == 0;
}

static bool wait_hall(const struct config *config, const char *password, char why[SETUP_WHY_SIZE])
{
    struct hearing hearing = {0};
    const struct talk_listener listener = {.hear = hear, .context = &hearing};
    const struct settings settings =
        settings_of(&config->mqtt.broker, config->mqtt.base_topic, password);
    char topic[TOPIC_MAX];
    const char *const filters[] = {topic};
    struct talk *talk = NULL;

    log_init(LOG_LEVEL_ERROR);
    snprintf(topic, sizeof(topic), "%s/status", config->mqtt.base_topic);
    int error = talk_open(&settings, &listener, &talk, why);
    why[strcspn(why, "\n")] = '\0';
    if (error < 0)
        return false;
    error = talk_read(talk, filters, 1);
    if (error == 0)
        error = talk_wait(talk, is_online, &hearing, clock_now().boot + WAIT_MS);
    if (error < 0)
        text_copy(why, SETUP_WHY_SIZE, error == -ETIMEDOUT ? "no status" : talk_why(talk));
    talk_close(talk);
    return error == 0;
}

static bool wait_gateway(const char *url, char why[SETUP_WHY_SIZE])
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    const int64_t until = clock_now().boot + WAIT_MS;
    int error;

    do {
        struct buf body = BUF_INIT(FETCH_BYTES_MAX);
        long status = 0;
        error = fetch_get(url, NULL, &body, &status, why);
        buf_finish(&body);
    } while (error < 0 && clock_now().boot < until && nanosleep(&pause, NULL) == 0);
    return error == 0;
}

/* One that has just been told of the site needs a moment, for a certificate too. */
static bool wait_site(const char *host, bool tls, char why[SETUP_WHY_SIZE])
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    const int64_t until = clock_now().boot + WAIT_MS;
    enum proxy_answer answer;

    do
        answer = site_ask(tls ? "https" : "http", host, tls ? "127.0.0.1:443" : "127.0.0.1:80",
                          NULL, why);
    while (answer != PROXY_IS_HALL && clock_now().boot < until && nanosleep(&pause, NULL) == 0);
    return answer == PROXY_IS_HALL;
}

static const struct setup_tools tools = {try_broker, wait_hall, wait_gateway, wait_site};

/* ---- the verb ---- */

static void take_answers(const struct call *call, struct setup_request *request,
                         struct setup_notes *notes)
{
    struct setup_answers *answers = &request->answers;

    answers->interface = call->texts[FLAG_INTERFACE];
    answers->broker = call->texts[FLAG_BROKER];
    answers->user = call->texts[FLAG_USER];
    answers->ca = call->texts[FLAG_CA];
    answers->proxy = call->texts[FLAG_PROXY];
    answers->language = call->texts[FLAG_LANGUAGE];
    answers->http_only = call_has(call, FLAG_HTTP_ONLY);
    request->password_file = call->texts[FLAG_PASSWORD_FILE];
    request->broker_password_file = call->texts[FLAG_BROKER_PASSWORD_FILE];
    request->yes = call_has(call, FLAG_YES);
    request->dry_run = call_has(call, FLAG_DRY_RUN);
    request->language = reader_language();
    answers->french = request->language == SAY_FRENCH;
    for (size_t i = 0; i < call->n_listed; i++) {
        if (call->listed[i].flag == FLAG_SERVER)
            setup_take_server(answers, call->listed[i].text, notes);
        else
            setup_take_site(answers, call->listed[i].text, notes);
    }
}

static int run_setup(const struct call *call)
{
    struct arena *arena = arena_create();
    struct setup_notes *notes = arena ? arena_alloc(arena, 1, sizeof(*notes)) : NULL;
    struct setup_request *request = arena ? arena_alloc(arena, 1, sizeof(*request)) : NULL;
    int status = HALLCTL_ERROR;

    if (notes && request) {
        notes->arena = arena;
        request->tools = &tools;
        take_answers(call, request, notes);
        status = setup_run(request, notes) ? HALLCTL_OK : HALLCTL_ERROR;
    }
    arena_destroy(arena);
    return status;
}

static const struct verb verbs[] = {
    {.name = "setup",
     .operands = "",
     .summary = "sets Hall up on this machine: broker, servers, sites, password, proxy",
     .flags = WITH(FLAG_BROKER) | WITH(FLAG_USER) | WITH(FLAG_CA) | WITH(FLAG_INTERFACE) |
              WITH(FLAG_SERVER) | WITH(FLAG_SITE) | WITH(FLAG_PASSWORD_FILE) |
              WITH(FLAG_BROKER_PASSWORD_FILE) | WITH(FLAG_PROXY) | WITH(FLAG_HTTP_ONLY) |
              WITH(FLAG_LANGUAGE) | WITH(FLAG_YES) | WITH(FLAG_DRY_RUN),
     .run = run_setup,
     .detail =
         "Shows the changes, writes them, and checks the result. Run it again to add servers or\n"
         "sites; everything else stays. --broker local sets up Mosquitto on this machine; a URL\n"
         "uses a broker elsewhere. See HALLCTL.md.\n"},
};

const struct verb_family setup_family = {"Set up", verbs, ARRAY_SIZE(verbs)};
