#include "mqtt/mqtt_ending.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const char *text_of_nonsense(const struct mqtt_ending *ending)
{
    if (ending->answered)
        return ending->words;
    return ending->v311 ? "the answer is not MQTT 3.1.1" : "the answer is not MQTT 5";
}

const char *mqtt_ending_text(const struct mqtt_ending *ending)
{
    switch (ending->kind) {
    case MQTT_ENDING_ERRNO:
        return strerror(ending->error);
    case MQTT_ENDING_CLOSED:
        return "the broker closed it";
    case MQTT_ENDING_NAME:
        return "its name cannot be resolved";
    case MQTT_ENDING_NONSENSE:
        return text_of_nonsense(ending);
    case MQTT_ENDING_TLS:
    case MQTT_ENDING_OTHER:
        break;
    }
    return ending->words;
}

static const char *hint_of_tls(const struct mqtt_ending *ending)
{
    if (ending->asked || (ending->kind != MQTT_ENDING_CLOSED && ending->kind != MQTT_ENDING_TLS))
        return "";
    return ending->kind == MQTT_ENDING_TLS && strstr(ending->words, "verif")
               ? "; look at the broker's certificate and at mqtt.ca"
               : "; does it speak TLS on this port?";
}

const char *mqtt_ending_hint(const struct mqtt_ending *ending)
{
    if (ending->kind == MQTT_ENDING_ERRNO && ending->error == ECONNREFUSED)
        return "; no broker listens there; is it started?";
    if (ending->answered)
        return "";
    if (ending->tls)
        return hint_of_tls(ending);
    return ending->kind == MQTT_ENDING_NONSENSE ? "; does it speak TLS on this port (mqtts://)?"
                                                : "";
}

bool mqtt_ending_is_hangup(const struct mqtt_ending *ending)
{
    return ending->kind == MQTT_ENDING_CLOSED ||
           (ending->kind == MQTT_ENDING_ERRNO &&
            (ending->error == ECONNRESET || ending->error == EPIPE));
}

/* It was refused or reset, not closed in order. */
static bool is_lost(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &size) < 0 && errno == ENOTCONN;
}

int mqtt_ending_look(int fd, int lost)
{
    char byte;
    const ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0)
        return 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return is_lost(fd) ? -lost : -ENODATA;
}
