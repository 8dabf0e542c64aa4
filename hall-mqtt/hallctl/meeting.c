#include "hallctl/meeting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum { WISHES_MAX = 12, NAMES_SIZE = 512, SHOWN_SIZE_ID = 80 };

/* ---- the terminal ---- */

bool meeting_is_bold(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && (!no_color || no_color[0] == '\0') && term &&
           strcmp(term, "dumb") != 0;
}

size_t meeting_width(void)
{
    struct winsize size = {0};

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

/* ---- beginning and end ---- */

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct meeting *meeting = context;
    struct topic topic;

    picture_take(&meeting->picture, message->topic, message->payload, message->length, &topic);
    if (meeting->hear)
        meeting->hear(meeting->context, &topic, message, own);
}

int meeting_begin(struct meeting *meeting, const struct call *call)
{
    const struct talk_listener listener = {.hear = hear, .context = meeting};
    char why[TALK_WHY_SIZE] = "out of memory";

    meeting->call = call;
    log_init(LOG_LEVEL_ERROR);
    const int status = hallctl_settings(call, &meeting->settings);
    if (status >= 0)
        return status;
    picture_init(&meeting->picture, meeting->settings.mqtt.base_topic);
    if (talk_open(&meeting->settings, &listener, &meeting->talk, why) == 0)
        return -1;
    fprintf(stderr, "hallctl %s: %s\n", call->verb->name, why);
    return HALLCTL_UNREACHABLE;
}

void meeting_finish(struct meeting *meeting)
{
    talk_close(meeting->talk);
    picture_finish(&meeting->picture);
    settings_finish(&meeting->settings);
}

/* ---- reading ---- */

int meeting_failed(const struct meeting *meeting, int error)
{
    const bool late = error == -ETIMEDOUT;

    fprintf(stderr, "hallctl %s: %s: %s\n", meeting->call->verb->name, meeting->settings.broker,
            late ? "the broker does not answer in time" : talk_why(meeting->talk));
    if (late)
        fputs("With very many servers it may have dropped the answer: raise its "
              "max_queued_messages and max_queued_bytes.\n",
              stderr);
    if (error == -EACCES)
        fprintf(stderr, "Check the rights of user %s at the broker: docs/BUS.md, \"Rights\".\n",
                meeting->settings.mqtt.broker.username ? meeting->settings.mqtt.broker.username
                                                       : "(none)");
    return error == -EACCES ? HALLCTL_ERROR : HALLCTL_UNREACHABLE;
}

bool meeting_is_over(const struct meeting *meeting)
{
    return strcmp(meeting->picture.hall, "online") != 0;
}

static int check_hall(const struct meeting *meeting)
{
    const char *base = meeting->settings.mqtt.base_topic;

    if (!meeting_is_over(meeting))
        return -1;
    if (meeting->picture.hall[0] == '\0')
        fprintf(stderr,
                "hallctl %s: nothing is heard of Hall at %s: nobody has said anything on "
                "%s/status\nIs Hall connected to this broker, is its base topic \"%s\" (--base), "
                "and may user %s read it?\n",
                meeting->call->verb->name, meeting->settings.broker, base, base,
                meeting->settings.mqtt.broker.username ? meeting->settings.mqtt.broker.username
                                                       : "(none)");
    else
        fprintf(stderr,
                "hallctl %s: Hall is not connected to the broker %s: %s/status is %s\nLook at "
                "it with: systemctl status hall, journalctl -u hall\n",
                meeting->call->verb->name, meeting->settings.broker, base, meeting->picture.hall);
    return HALLCTL_UNREACHABLE;
}

int meeting_read(struct meeting *meeting, const struct meeting_wish *wishes, size_t n)
{
    char topics[WISHES_MAX][TOPIC_MAX];
    const char *filters[WISHES_MAX];
    const char *base = meeting->settings.mqtt.base_topic;

    filters[0] = topic_format(base, TOPIC_STATUS, NULL, NULL, topics[0]);
    for (size_t i = 0; i < n; i++)
        filters[i + 1] = topic_format(base, wishes[i].kind, wishes[i].id ? wishes[i].id : "+", NULL,
                                      topics[i + 1]);
    const int error = talk_read(meeting->talk, filters, n + 1);
    return error < 0 ? meeting_failed(meeting, error) : check_hall(meeting);
}

static int check(const struct meeting *meeting, const struct known_list *list, const char *what,
                 const char *id)
{
    char names[NAMES_SIZE], shown[SHOWN_SIZE_ID];
    const char *guess = picture_guess(list, id);

    if (picture_find(list, id))
        return -1;
    fprintf(stderr, "hallctl %s: there is no %s \"%s\"; known: %s\n", meeting->call->verb->name,
            what, text_show(shown, sizeof(shown), id, strlen(id)),
            picture_names(list, names, sizeof(names)));
    if (guess)
        fprintf(stderr, "Did you mean %s?\n", guess);
    return HALLCTL_ERROR;
}

int meeting_check_server(const struct meeting *meeting, const char *id)
{
    return check(meeting, &meeting->picture.servers, "server", id);
}

int meeting_check_project(const struct meeting *meeting, const char *id)
{
    return check(meeting, &meeting->picture.projects, "project", id);
}

int meeting_check_named(const struct meeting *meeting)
{
    int status = -1;

    for (int i = 0; status < 0 && i < meeting->call->n_operands; i++)
        status = meeting_check_server(meeting, meeting->call->operands[i]);
    return status;
}
