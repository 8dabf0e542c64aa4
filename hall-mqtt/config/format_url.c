/* Names, paths and URLs; the shorter kinds of strings are in format.c. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "config/config.h"
#include "config/format.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum { HOST_MAX = 253, LABEL_MAX = 63 };

/* RFC 1123: labels of letters, digits and inner hyphens. */
static bool is_host(const char *text, size_t length)
{
    size_t label = 0;
    if (length == 0 || length > HOST_MAX)
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || text[i] == '.') {
            if (label == 0 || label > LABEL_MAX || text[i - 1] == '-')
                return false;
            label = 0;
        } else if (!strchr(ALNUM "-", text[i]) || (label == 0 && text[i] == '-')) {
            return false;
        } else {
            label++;
        }
    }
    return true;
}

static enum wording parse_host(struct arena *arena, const char *text, void *target)
{
    if (!is_host(text, strlen(text))) {
        if (!text_is_utf8(text, strlen(text)) || !strpbrk(text, ALNUM))
            return WORDING_HOST;
        for (const char *at = text; *at != '\0'; at++) {
            if ((unsigned char)*at >= 0x80)
                return WORDING_ASCII_HOST;
        }
        return strpbrk(text, ":/") ? WORDING_HOST_ALONE : WORDING_HOST;
    }
    char *copy = arena_copy(arena, text);
    if (!copy)
        return WORDING_NONE;
    for (char *at = copy; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    memcpy(target, &copy, sizeof(copy));
    return WORDING_NONE;
}

const struct format format_host = {
    .allowed = WORDING_HOST,
    .pattern =
        "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$",
    .parse = parse_host,
};

/* The parts of a URL's authority: host and, where there is one, port. */
struct authority {
    const char *host;
    size_t length;
    uint16_t port; /* 0: not given */
};

static bool split_authority(const char *at, struct authority *ret, const char **ret_rest)
{
    char port[6];
    int64_t number;
    size_t length = strcspn(at, "/?#");
    const char *colon = memchr(at, ':', length);
    size_t host = colon ? (size_t)(colon - at) : length;

    *ret = (struct authority){.host = at, .length = host};
    *ret_rest = at + length;
    if (!is_host(at, host))
        return false;
    if (!colon)
        return true;
    size_t digits = length - host - 1;
    if (digits == 0 || digits >= sizeof(port))
        return false;
    memcpy(port, colon + 1, digits);
    port[digits] = '\0';
    if (number_parse(port, 1, UINT16_MAX, &number) < 0)
        return false;
    ret->port = (uint16_t)number;
    return true;
}

static bool has_userinfo(const char *text)
{
    const char *authority = strstr(text, "://");
    return authority && memchr(authority + 3, '@', strcspn(authority + 3, "/?#"));
}

/* Printable ASCII without what RFC 3986 leaves out. */
static bool is_url_text(const char *text)
{
    return text[strspn(text, ALNUM "-._~:/?#[]@!$&'()*+,;=%")] == '\0';
}

static enum wording parse_http_url(struct arena *arena, const char *text, void *target)
{
    struct authority authority;
    const char *rest;
    size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
                    : strncmp(text, "https://", 8) == 0 ? 8
                                                        : 0;

    if (has_userinfo(text))
        return WORDING_URL_WITHOUT_USER;
    if (scheme == 0 || !is_url_text(text) || strchr(text, '#') ||
        !split_authority(text + scheme, &authority, &rest))
        return WORDING_HTTP_URL;
    return format_keep(arena, text, target);
}

const struct format format_http_url = {
    .allowed = WORDING_HTTP_URL,
    .pattern = "^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?][^#\\s]*)?$",
    .parse = parse_http_url,
};

/* What a proxy leads to: also HTTP/2 without TLS, which gRPC speaks; its methods have the path. */
static enum wording parse_upstream_url(struct arena *arena, const char *text, void *target)
{
    struct authority authority;
    const char *rest;

    if (has_userinfo(text))
        return WORDING_URL_WITHOUT_USER;
    if (strncmp(text, MODEL_H2C, strlen(MODEL_H2C)) != 0)
        return parse_http_url(arena, text, target) == WORDING_NONE ? WORDING_NONE
                                                                   : WORDING_UPSTREAM_URL;
    if (!split_authority(text + strlen(MODEL_H2C), &authority, &rest) ||
        (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0))
        return WORDING_UPSTREAM_URL;
    return format_keep(arena, text, target);
}

const struct format format_upstream_url = {
    .allowed = WORDING_UPSTREAM_URL,
    .pattern = "^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?][^#\\s]*)?|h2c://"
               "[A-Za-z0-9.-]+(:[0-9]{1,5})?/?)$",
    .parse = parse_upstream_url,
};

static enum wording parse_mqtt_unix(struct arena *arena, const char *path,
                                    struct mqtt_broker *broker)
{
    if (path[0] != '/' || strlen(path) < 2 || strlen(path) > 107)
        return WORDING_MQTT_UNIX;
    broker->host = NULL;
    broker->port = 0;
    broker->tls = false;
    return format_keep(arena, path, &broker->unix_path);
}

static enum wording parse_mqtt_url(struct arena *arena, const char *text, void *target)
{
    struct mqtt_broker *broker = target;
    struct authority authority;
    const char *rest;
    bool tls = strncmp(text, "mqtts://", 8) == 0;

    if (has_userinfo(text))
        return WORDING_MQTT_WITHOUT_USER;
    if (text_has_control(text))
        return WORDING_MQTT_URL;
    if (strncmp(text, "mqtt+unix://", 12) == 0)
        return parse_mqtt_unix(arena, text + 12, broker);
    if ((!tls && strncmp(text, "mqtt://", 7) != 0) ||
        !split_authority(text + (tls ? 8 : 7), &authority, &rest) ||
        (*rest != '\0' && strcmp(rest, "/") != 0))
        return WORDING_MQTT_URL;
    broker->tls = tls;
    broker->port = authority.port != 0 ? authority.port : tls ? 8883 : 1883;
    broker->unix_path = NULL;
    broker->host = arena_copy_part(arena, authority.host, authority.length);
    return WORDING_NONE;
}

const struct format format_mqtt_url = {
    .allowed = WORDING_MQTT_URL,
    .pattern = "^(mqtts?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?|mqtt\\+unix:///.+)$",
    .parse = parse_mqtt_url,
};

/* Segments that a proxy or a browser would change: "", ".", "..". */
static bool has_odd_segment(const char *path)
{
    for (const char *at = path; *at == '/';) {
        size_t length = strcspn(++at, "/");
        if (length == 0 || (length == 1 && at[0] == '.') ||
            (length == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += length;
    }
    return false;
}

static enum wording parse_path(struct arena *arena, const char *text, void *target)
{
    size_t length = strlen(text);
    if (text[0] != '/')
        return WORDING_PATH_SLASH;
    if (length > 1 && text[length - 1] == '/')
        return WORDING_PATH_END;
    if (text[strspn(text, ALNUM "/-._~!$&'()*+,;=:@")] != '\0' ||
        (length > 1 && has_odd_segment(text)))
        return WORDING_PATH;
    return format_keep(arena, text, target);
}

const struct format format_path = {
    .allowed = WORDING_PATH,
    .pattern = "^/$|^(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+$",
    .parse = parse_path,
};

static enum wording parse_health(struct arena *arena, const char *text, void *target)
{
    if (text[0] != '/' || !is_url_text(text) || strchr(text, '#'))
        return WORDING_HEALTH;
    return format_keep(arena, text, target);
}

const struct format format_health = {
    .allowed = WORDING_HEALTH,
    .pattern = "^/[^#\\s]*$",
    .parse = parse_health,
};

/* "hall" or "site/hall": what may stand in front of every topic. */
static enum wording parse_topic(struct arena *arena, const char *text, void *target)
{
    size_t length = strlen(text);
    if (length == 0 || text[0] == '$' || text[0] == '/' || text[length - 1] == '/' ||
        strstr(text, "//") || strpbrk(text, "+#") || text_has_control(text))
        return WORDING_TOPIC;
    return format_keep(arena, text, target);
}

const struct format format_topic = {
    .allowed = WORDING_TOPIC,
    .pattern = "^[^$/+#][^/+#]*(/[^/+#]+)*$",
    .parse = parse_topic,
};
