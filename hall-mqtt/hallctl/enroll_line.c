/* hallctl enroll, the line: what it fetches is handed out by a helper; here is who fetched, and
 * whether the machine came. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "hallctl/enrolling.h"
#include "hallctl/talk.h"

#define HANDOUT "hall-handout"
#define LIBEXEC "/usr/libexec/hall"

enum {
    PORT = 8885,
    HELPER_MS = 10000,
    INSTALL_MS = 600000, /* after the script was fetched */
    ONLINE_MS = 150000,  /* after its password is set */
    LINE_LIMIT = 4096,
    URL_SIZE = 128,
};

/* ---- the helper ---- */

static int failed_handing(const struct enrolling *it, const char *why)
{
    return hallctl_fail(&it->call, HANDOUT, why);
}

static const char *libexec(void)
{
    const char *folder = getenv("HALL_LIBEXEC");

    return folder && folder[0] == '/' ? folder : LIBEXEC;
}

/* Where the helper is to listen, as text, and what the line names. */
static int find_listen(const struct enrolling *it, char ret_address[ADDRESS_TEXT_SIZE],
                       uint16_t *ret_port)
{
    const char *text = call_has(&it->call, FLAG_LISTEN) ? it->call.texts[FLAG_LISTEN] : it->own;
    struct address address;

    if (address_parse(text, &address) < 0)
        return hallctl_refuse(&it->call, "--listen", text, "an address of this machine");
    address_format(address, ret_address);
    *ret_port =
        call_has(&it->call, FLAG_PORT) ? (uint16_t)it->call.numbers[FLAG_PORT] : (uint16_t)PORT;
    return -1;
}

static int await_ready(struct enrolling *it, const char *address, uint16_t port,
                       char ret_url[URL_SIZE], char ret_pin[HANDING_PIN])
{
    struct handing_event event = {.kind = HANDING_FAILED, .words = {"it does not answer"}};

    if (handing_listen(&it->handing, address, port) < 0 ||
        handing_next(&it->handing, clock_now().boot + HELPER_MS, -1, &event) < 0 ||
        event.kind != HANDING_READY) {
        failed_handing(it, event.words[0]);
        fprintf(stderr, "It was to listen on %s, port %u; --listen and --port name others.\n",
                address, (unsigned)port);
        return HALLCTL_ERROR;
    }
    snprintf(ret_url, URL_SIZE, strchr(address, ':') ? "https://[%s]:%s" : "https://%s:%s", address,
             event.words[0]);
    text_copy(ret_pin, HANDING_PIN, event.words[1]);
    return -1;
}

static int open_handing(struct enrolling *it, char ret_url[URL_SIZE], char ret_pin[HANDING_PIN])
{
    char program[ENROLL_PATH_SIZE], address[ADDRESS_TEXT_SIZE];
    uint16_t port = PORT;
    int status = find_listen(it, address, &port);

    if (status >= 0)
        return status;
    snprintf(program, sizeof(program), "%.400s/" HANDOUT, libexec());
    const int error = handing_open(&it->handing, program);
    if (error < 0) {
        hallctl_fail(&it->call, program, strerror(-error));
        fputs("It is installed with hall, and not where hallctl is alone: run this on Hall's own "
              "machine, or use --print.\n",
              stderr);
        return HALLCTL_ERROR;
    }
    return await_ready(it, address, port, ret_url, ret_pin);
}

static int hand_over(struct enrolling *it, const struct buf *script)
{
    int error = handing_item(&it->handing, "script", it->token, script->text, script->length);

    for (size_t i = 0; i < it->packages.n && error == 0; i++) {
        const struct enroll_package *package = &it->packages.all[i];
        error = handing_item(&it->handing, package->machine, package->token, package->bytes,
                             package->length);
    }
    if (error == 0)
        error = handing_ask(&it->handing, "commit", it->commit);
    if (error == 0)
        error = handing_serve(&it->handing);
    return error < 0 ? failed_handing(it, strerror(-error)) : -1;
}

static int print_line(struct enrolling *it)
{
    struct buf script = BUF_INIT(ENROLL_SCRIPT_LIMIT), line = BUF_INIT(LINE_LIMIT);
    char url[URL_SIZE], pin[HANDING_PIN], minutes[24];
    int status = open_handing(it, url, pin);

    if (status < 0)
        status = enroll_script_of(it, url, pin, &script);
    if (status < 0)
        status = hand_over(it, &script);
    enroll_wipe(&script);
    if (status >= 0)
        return status;
    snprintf(minutes, sizeof(minutes), "%lld", (long long)it->minutes);
    enroll_write_line(url, pin, it->token, &line);
    enroll_tell(ENROLL_PASTE, it->id, minutes, NULL);
    printf("\n%s\n\n", buf_text(&line));
    fflush(stdout);
    enroll_wipe(&line);
    return -1;
}

/* ---- until it is there ---- */

struct hearing {
    char topic[TOPIC_MAX];
    bool counts; /* from now on; an older one may have been online */
    bool online;
};

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct hearing *hearing = context;
    static const char online[] = "online";

    (void)own;
    if (hearing->counts && strcmp(message->topic, hearing->topic) == 0)
        hearing->online = message->length == sizeof(online) - 1 &&
                          memcmp(message->payload, online, sizeof(online) - 1) == 0;
}

static bool is_online(void *context)
{
    return ((struct hearing *)context)->online;
}

/* Ctrl-C ends hallctl at once from here on: nothing is left half. */
static int await_online(struct enrolling *it, struct talk *talk, struct hearing *hearing)
{
    char seconds[24];
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    hearing->counts = true;
    const int error = talk_wait(talk, is_online, hearing, clock_now().boot + ONLINE_MS);
    if (error == 0) {
        enroll_tell(it->way->online, it->id, NULL, NULL);
        return HALLCTL_OK;
    }
    if (error != -ETIMEDOUT)
        return hallctl_fail(&it->call, it->settings.broker, talk_why(talk));
    snprintf(seconds, sizeof(seconds), "%d", ONLINE_MS / 1000);
    enroll_tell(ENROLL_OFFLINE, it->id, seconds, it->way->kind->program);
    return HALLCTL_TIMEOUT;
}

/* All is on the server but a password that counts. -1: it could not be set, and may be asked for
 * again. */
static int register_server(struct enrolling *it)
{
    struct hearing hearing = {.counts = false};
    const struct talk_listener listener = {.hear = hear, .context = &hearing};
    const char *const filters[] = {hearing.topic};
    char why[TALK_WHY_SIZE] = "out of memory";
    struct talk *talk = NULL;
    int status = -1;

    topic_format(it->settings.mqtt.base_topic, it->way->state, it->id, NULL, hearing.topic);
    int error = talk_open(&it->settings, &listener, &talk, why);
    if (error == 0 && (error = talk_read(talk, filters, ARRAY_SIZE(filters))) < 0)
        text_copy(why, sizeof(why), talk_why(talk));
    if (error < 0)
        hallctl_fail(&it->call, it->settings.broker, why);
    const bool set = error == 0 && enroll_broker_set(&it->broker, it->id, it->password) < 0;
    if (handing_answer(&it->handing, set) < 0)
        status = failed_handing(it, strerror(EPIPE));
    else if (set) {
        enroll_tell(ENROLL_REGISTERED, it->id, NULL, NULL);
        status = await_online(it, talk, &hearing);
    }
    talk_close(talk);
    return status;
}

static void on_fetched(struct enrolling *it, const char *item, const char *address,
                       int64_t *deadline)
{
    if (strcmp(item, "script") != 0)
        return;
    it->fetched = true;
    *deadline = clock_now().boot + INSTALL_MS;
    enroll_tell(ENROLL_FETCHED, it->id, address, NULL);
    if (it->its[0] != '\0' && strcmp(address, it->its) != 0)
        enroll_tell(ENROLL_ELSEWHERE, address, it->id, it->its);
}

/* -1: go on. */
static int take_event(struct enrolling *it, const struct handing_event *event, int64_t *deadline)
{
    switch (event->kind) {
    case HANDING_READY:
        break;
    case HANDING_FETCHED:
        on_fetched(it, event->words[0], event->words[1], deadline);
        break;
    case HANDING_ASKED:
        return register_server(it);
    case HANDING_AGAIN:
        enroll_tell(ENROLL_USED, event->words[1], NULL, NULL);
        break;
    case HANDING_WRONG:
        enroll_tell(ENROLL_WRONG, event->words[0], NULL, NULL);
        break;
    case HANDING_FAILED:
        return failed_handing(it, event->words[0]);
    }
    return -1;
}

static int end_of_time(const struct enrolling *it)
{
    char minutes[24];

    snprintf(minutes, sizeof(minutes), "%lld", (long long)it->minutes);
    if (it->fetched)
        enroll_tell(ENROLL_UNFINISHED, it->id, it->again, NULL);
    else
        enroll_tell(ENROLL_NOBODY, it->id, minutes, NULL);
    return HALLCTL_TIMEOUT;
}

static int attend(struct enrolling *it, int signals, int64_t deadline)
{
    struct handing_event event;
    int status = -1;

    while (status < 0) {
        const int result = handing_next(&it->handing, deadline, signals, &event);

        if (result == -ETIMEDOUT)
            return end_of_time(it);
        if (result < 0)
            return failed_handing(it, "it ended");
        if (result == 0) {
            enroll_tell(ENROLL_STOPPED, NULL, NULL, NULL);
            return HALLCTL_ERROR;
        }
        status = take_event(it, &event, &deadline);
    }
    return status;
}

int enroll_hand_out(struct enrolling *it)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    const int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    const int64_t deadline = clock_now().boot + it->minutes * 60000;
    int status = print_line(it);
    if (status < 0)
        status = attend(it, signals, deadline);
    if (signals >= 0)
        close(signals);
    return status;
}
