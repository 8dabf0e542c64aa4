#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "config/config.h"
#include "config/rows.h"

enum { FILE_MAX = 65536 };

const char *const document_mqtt_versions[] = {
    [MQTT_VERSION_AUTO] = "auto", [MQTT_VERSION_5] = "5", [MQTT_VERSION_311] = "3.1.1", NULL};

/* clang-format off */
static const struct option mqtt_rows[] = {
    {"url", TEXT(mqtt_url, 512), .offset = 0, .fallback = "mqtt://127.0.0.1:1883",
     .help = "The broker: mqtt://HOST[:PORT], mqtts:// for TLS, mqtt+unix:///PATH for a socket."},
    {"username", TEXT(text, 256), AT(config_mqtt, username),
     .help = "The user at the broker, by default the id; the password is HALL_MQTT_PASSWORD in the environment."},
    {"ca", TEXT(file, 1024), AT(config_mqtt, ca),
     .help = "File with the authorities that TLS trusts; by default the system's."},
    {"version", CHOICE(document_mqtt_versions), AT(config_mqtt, version), .fallback = "auto",
     .help = "MQTT 5 or 3.1.1; auto takes 5, or 3.1.1 if the broker does not speak 5."},
    {"base_topic", TEXT(topic, 128), AT(config_mqtt, base_topic), .fallback = "hall",
     .help = "What every topic of Hall begins with."},
};
/* clang-format on */
const struct option_table document_mqtt_table = TABLE("mqtt", config_mqtt, mqtt_rows);

static int read_document(struct arena *arena, const char *file, const struct json *root,
                         const struct document *document, struct buf *errors)
{
    struct report report = {.file = file, .errors = errors};
    option_read_object(arena, arena, &report, document->table, NULL, root, document->raw);
    if (arena_failed(arena))
        return -ENOMEM;
    if (document->check)
        document->check(document->raw, &report);
    return report_end(&report);
}

int document_parse(const char *file, const char *text, size_t length,
                   const struct document *document, struct arena **ret_arena, struct buf *errors)
{
    struct json_error wrong = {0};
    struct json *root = NULL;
    if (json_read(text, length, &json_limits_payload, &root, &wrong) < 0) {
        buf_printf(errors, "%s:%u:%u: %s\n", file, wrong.line, wrong.column, wrong.what);
        return -EINVAL;
    }
    struct arena *arena = arena_create();
    const int error = arena ? read_document(arena, file, root, document, errors) : -ENOMEM;
    json_free(root);
    if (error == -ENOMEM)
        buf_printf(errors, "%s: out of memory\n", file);
    if (error < 0)
        arena_destroy(arena);
    else
        *ret_arena = arena;
    return error;
}

static int fail_file(const char *file, const char *why, int error, struct buf *errors)
{
    buf_printf(errors, "%s: cannot be read: %s%s\n", file, why,
               error == -ENOENT ? "; write it, or name another file"
               : error == -EACCES || error == -EPERM
                   ? "; let this user read it and enter its folder"
                   : "");
    return error;
}

int document_load(const char *file, const struct document *document, struct arena **ret_arena,
                  struct buf *errors)
{
    struct stat status;
    char *text = malloc(FILE_MAX);
    /* Not blocking, so that a FIFO without a writer is told apart instead of waited for. */
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int error = fd < 0 ? fail_file(file, strerror(errno), -errno, errors) : 0;
    if (error == 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)))
        error = fail_file(file, "it is not a regular file", -EINVAL, errors);
    const ssize_t length = error == 0 && text ? read(fd, text, FILE_MAX) : -1;
    if (error == 0 && length < 0)
        error = fail_file(file, "reading fails", -EIO, errors);
    if (error == 0 && length == FILE_MAX)
        error = fail_file(file, "it is larger than 64 KiB", -EFBIG, errors);
    if (error == 0)
        error = document_parse(file, text, (size_t)length, document, ret_arena, errors);
    if (fd >= 0)
        close(fd);
    free(text);
    return error;
}
