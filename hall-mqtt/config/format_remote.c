/* The kinds of strings that sleeping by ssh and by webhook need; most others are in format.c. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/text.h"
#include "config/format.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* No '-' in front: it stands among the arguments of ssh. */
static enum wording parse_user(struct arena *arena, const char *text, void *target)
{
    if (text[0] == '\0' || !strchr(LOWER UPPER "_", text[0]) ||
        text[strspn(text, LOWER UPPER DIGITS "_.-")] != '\0')
        return WORDING_USER;
    return format_keep(arena, text, target);
}

const struct format format_user = {
    .allowed = WORDING_USER,
    .pattern = "^[A-Za-z_][A-Za-z0-9_.-]*$",
    .parse = parse_user,
};

static const char *const key_types[] = {
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    NULL};

static size_t key_type_length(const char *text)
{
    const size_t length = strcspn(text, " ");
    for (size_t i = 0; key_types[i]; i++)
        if (strlen(key_types[i]) == length && memcmp(key_types[i], text, length) == 0)
            return length;
    return 0;
}

/* RFC 4648, with its padding, and long enough to be a key. */
static bool is_base64(const char *text, size_t length)
{
    const size_t digits = strspn(text, LOWER UPPER DIGITS "+/");
    const size_t padding = strspn(text + digits, "=");
    return digits + padding == length && padding <= 2 && length % 4 == 0 && length >= 64;
}

/* As in /etc/ssh/ssh_host_*_key.pub; the comment behind the key is dropped. */
static enum wording parse_host_key(struct arena *arena, const char *text, void *target)
{
    const size_t type = key_type_length(text);
    if (type == 0 || text[type] != ' ')
        return WORDING_HOST_KEY;
    const char *key = text + type + 1;
    const size_t length = strcspn(key, " ");
    if (!is_base64(key, length))
        return WORDING_HOST_KEY;
    const char *copy = arena_copy_part(arena, text, type + 1 + length);
    if (copy)
        memcpy(target, &copy, sizeof(copy));
    return WORDING_NONE;
}

const struct format format_host_key = {
    .allowed = WORDING_HOST_KEY,
    .pattern = "^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]{60,}=*( .*)?$",
    .parse = parse_host_key,
};

/* ssh takes an option's value as a line of its own file: quoted, and with % for signs of its own.
 */
static enum wording parse_key_file(struct arena *arena, const char *text, void *target)
{
    if (text[0] != '/' || text_has_control(text) || strpbrk(text, "\"\\%$~"))
        return WORDING_KEY_FILE;
    return format_keep(arena, text, target);
}

const struct format format_key_file = {
    .allowed = WORDING_KEY_FILE,
    .pattern = "^/[^\"\\\\%$~]*$",
    .parse = parse_key_file,
};

/* RFC 9110, 5.6.2: a token. These say where a message ends and whom it is for: they are Hall's. */
static enum wording parse_header(struct arena *arena, const char *text, void *target)
{
    static const char *const own[] = {"host",    "content-length", "transfer-encoding",
                                      "upgrade", "connection",     "expect"};
    if (text[0] == '\0' || strlen(text) > 64 ||
        text[strspn(text, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~")] != '\0')
        return WORDING_HEADER;
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (strcasecmp(own[i], text) == 0)
            return WORDING_FREE_HEADER;
    return format_keep(arena, text, target);
}

const struct format format_header = {
    .allowed = WORDING_HEADER,
    .pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
    .parse = parse_header,
};

/* Only what was put there for this: a configuration must not send Hall's own passwords away. */
static enum wording parse_secret(struct arena *arena, const char *text, void *target)
{
    static const char prefix[] = "HALL_SECRET_";
    const size_t length = sizeof(prefix) - 1;
    if (strncmp(text, prefix, length) != 0 || text[length] == '\0' ||
        text[strspn(text, UPPER DIGITS "_")] != '\0')
        return WORDING_VARIABLE;
    if (strcmp(text, "HALL_SECRET_KEY") == 0)
        return WORDING_FREE_VARIABLE;
    return format_keep(arena, text, target);
}

const struct format format_secret = {
    .allowed = WORDING_VARIABLE,
    .pattern = "^HALL_SECRET_[A-Z0-9_]+$",
    .parse = parse_secret,
};
