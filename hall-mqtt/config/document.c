#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "config/rows.h"

enum { FILE_MAX = 65536 };

const char *const document_mqtt_versions[] = {
    [MQTT_VERSION_AUTO] = "auto", [MQTT_VERSION_5] = "5", [MQTT_VERSION_311] = "3.1.1", NULL};

/* clang-format off */
static const struct option mqtt_rows[] = {
    {"url", TEXT(mqtt_url, 512), AT(config_mqtt, broker), .fallback = "mqtt://127.0.0.1:1883",
     .help = "The broker: mqtt://HOST[:PORT], mqtts:// for TLS, mqtt+unix:///PATH for a socket."},
    {"username", TEXT(text, 256), AT(config_mqtt, broker.username),
     .help = "The user at the broker, by default the id; the password is HALL_MQTT_PASSWORD in the environment."},
    {"ca", TEXT(file, 1024), AT(config_mqtt, broker.ca),
     .help = "File with the authorities that TLS trusts; by default the system's."},
    {"version", CHOICE(document_mqtt_versions), AT(config_mqtt, broker.version), .fallback = "auto",
     .help = "MQTT 5 or 3.1.1; auto takes 5, or 3.1.1 if the broker does not speak 5."},
    {"base_topic", TEXT(topic, 128), AT(config_mqtt, base_topic), .fallback = "hall",
     .help = "What every topic of Hall begins with."},
};
/* clang-format on */
const struct option_table document_mqtt_table = TABLE("mqtt", config_mqtt, mqtt_rows);

static void fail_memory(struct report *report, const char *file)
{
    report_whole(report, COMPLAINT_FILE, file, PHRASE(NO_MEMORY));
}

static struct document_head *read_document(struct arena *arena, const struct document *document,
                                           const struct json *root, struct report *report)
{
    struct document_head *head = arena_alloc(arena, 1, document->table->size);
    if (head) {
        option_read_object(arena, arena, report, document->table, NULL, root, head);
        head->file = arena_copy(arena, report->file);
        head->memory = arena;
        if (!head->mqtt.broker.username)
            head->mqtt.broker.username = head->id;
    }
    if (!arena_failed(arena) && document->finish)
        document->finish(arena, head, report);
    if (arena_failed(arena))
        fail_memory(report, report->file);
    return report_end(report) < 0 || arena_failed(arena) ? NULL : head;
}

void *document_parse(const struct document *document, const char *file, const char *text,
                     size_t length, struct report *report)
{
    struct json_error wrong = {0};
    struct json *root = NULL;
    report_begin(report, file);
    if (json_read(text, length, &json_limits_payload, &root, &wrong) < 0) {
        report_syntax(report, &wrong);
        return NULL;
    }
    struct arena *arena = arena_create();
    struct document_head *head = NULL;
    if (arena)
        head = read_document(arena, document, root, report);
    else
        fail_memory(report, file);
    json_free(root);
    if (!head)
        arena_destroy(arena);
    return head;
}

void document_free(struct document_head *config)
{
    if (config)
        arena_destroy(config->memory); /* the configuration itself is in there */
}

/* The length of the file, or -errno, reported. */
static ssize_t read_file(const char *file, char *text, struct report *report)
{
    struct stat status;
    /* Not blocking, so that a FIFO without a writer is told apart instead of waited for. */
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return config_unreadable(report, file, -errno, strerror(errno));
    const bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    const ssize_t length = regular ? read(fd, text, FILE_MAX) : 0;
    close(fd);
    if (!regular)
        return config_unreadable(report, file, -EINVAL, "it is not a regular file");
    if (length < 0)
        return config_unreadable(report, file, -EIO, "reading fails");
    return length < FILE_MAX ? length
                             : config_unreadable(report, file, -EFBIG, "it is larger than 64 KiB");
}

void *document_load(const struct document *document, const char *file, struct report *report)
{
    char *text = malloc(FILE_MAX);
    void *config = NULL;
    const ssize_t length = text ? read_file(file, text, report) : -ENOMEM;
    if (!text)
        fail_memory(report, file);
    if (length >= 0)
        config = document_parse(document, file, text, (size_t)length, report);
    free(text);
    return config;
}
