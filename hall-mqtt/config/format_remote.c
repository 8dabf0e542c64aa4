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
static const char *parse_user(struct arena *arena, const char *text, void *target)
{
    if (text[0] == '\0' || !strchr(LOWER UPPER "_", text[0]) ||
        text[strspn(text, LOWER UPPER DIGITS "_.-")] != '\0')
        return format_user.allowed;
    return format_keep(arena, text, target);
}

const struct format format_user = {
    .allowed = "the name of a user: letters, digits, '_', '-' and '.', a letter or '_' first",
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
static const char *parse_host_key(struct arena *arena, const char *text, void *target)
{
    const size_t type = key_type_length(text);
    if (type == 0 || text[type] != ' ')
        return format_host_key.allowed;
    const char *key = text + type + 1;
    const size_t length = strcspn(key, " ");
    if (!is_base64(key, length))
        return format_host_key.allowed;
    const char *copy = arena_copy_part(arena, text, type + 1 + length);
    if (copy)
        memcpy(target, &copy, sizeof(copy));
    return NULL;
}

const struct format format_host_key = {
    .allowed = "a public host key as in /etc/ssh/ssh_host_ed25519_key.pub of the server: "
               "\"ssh-ed25519 AAAA...\"; ecdsa and rsa too",
    .pattern = "^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]{60,}=*( .*)?$",
    .parse = parse_host_key,
};

/* ssh takes an option's value as a line of its own file: quoted, and with % for signs of its own.
 */
static const char *parse_key_file(struct arena *arena, const char *text, void *target)
{
    if (text[0] != '/' || text_has_control(text) || strpbrk(text, "\"\\%$~"))
        return format_key_file.allowed;
    return format_keep(arena, text, target);
}

const struct format format_key_file = {
    .allowed = "the absolute path of a file, without \" \\ % $ and ~",
    .pattern = "^/[^\"\\\\%$~]*$",
    .parse = parse_key_file,
};

/* RFC 9110, 5.6.2: a token. These say where a message ends and whom it is for: they are Hall's. */
static const char *parse_header(struct arena *arena, const char *text, void *target)
{
    static const char *const own[] = {"host",    "content-length", "transfer-encoding",
                                      "upgrade", "connection",     "expect"};
    if (text[0] == '\0' || strlen(text) > 64 ||
        text[strspn(text, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~")] != '\0')
        return format_header.allowed;
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (strcasecmp(own[i], text) == 0)
            return "a header other than Host, Content-Length, Transfer-Encoding, Upgrade, "
                   "Connection and Expect, which Hall sets";
    return format_keep(arena, text, target);
}

const struct format format_header = {
    .allowed = "the name of an HTTP header, as \"Authorization\"",
    .pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
    .parse = parse_header,
};

/* Only what was put there for this: a configuration must not send Hall's own passwords away. */
static const char *parse_secret(struct arena *arena, const char *text, void *target)
{
    static const char prefix[] = "HALL_SECRET_";
    const size_t length = sizeof(prefix) - 1;
    if (strncmp(text, prefix, length) != 0 || text[length] == '\0' ||
        text[strspn(text, UPPER DIGITS "_")] != '\0')
        return format_secret.allowed;
    if (strcmp(text, "HALL_SECRET_KEY") == 0)
        return "a name other than HALL_SECRET_KEY, which is Hall's own";
    return format_keep(arena, text, target);
}

const struct format format_secret = {
    .allowed = "the name of a variable of the environment that begins with HALL_SECRET_, as "
               "\"HALL_SECRET_NAS\"",
    .pattern = "^HALL_SECRET_[A-Z0-9_]+$",
    .parse = parse_secret,
};
