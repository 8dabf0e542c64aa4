#include "hallctl/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "config/arena.h"
#include "config/complaint.h"
#include "config/document.h"
#include "config/format.h"
#include "config/option.h"

enum { FILE_MAX = 65536, URL_MAX = 512 };

#define DEFAULT_BROKER "mqtt://127.0.0.1:1883"
#define DEFAULT_ADMIN  "http://127.0.0.1:8881"
#define DEFAULT_BASE   "hall"

/* ---- the file ---- */

struct raw_file {
    const char *schema, *url, *username, *password, *ca, *base_topic, *admin, *api_key;
    enum mqtt_version version;
};

/* clang-format off */
#define AT(field_) .kind = OPTION_TEXT, .offset = offsetof(struct raw_file, field_)
static const struct option file_rows[] = {
    {"$schema", AT(schema), .format = &format_any, .max = 1024, .help = "For editors."},
    {"broker", AT(url), .format = &format_text, .max = URL_MAX, .help = "mqtt://HOST[:PORT], mqtts://, mqtt+unix:///PATH."},
    {"username", AT(username), .format = &format_text, .max = 256, .help = "The user at the broker."},
    {"password", AT(password), .format = &format_text, .max = 1024, .help = "The user's password."},
    {"ca", AT(ca), .format = &format_file, .max = 1024, .help = "The authorities that TLS trusts."},
    {"mqtt_version", .kind = OPTION_CHOICE, .names = document_mqtt_versions, .offset = offsetof(struct raw_file, version),
     .fallback = "auto", .help = "MQTT 5 or 3.1.1; auto takes what the broker knows."},
    {"base_topic", AT(base_topic), .format = &format_topic, .max = 128, .help = "What every topic of Hall begins with."},
    {"admin", AT(admin), .format = &format_http_url, .max = URL_MAX, .help = "Hall's admin address."},
    {"api_key", AT(api_key), .format = &format_text, .max = 1024, .help = "HALL_API_KEY, for events and stats."},
};
/* clang-format on */
static const struct option_table file_table = {
    "hallctl", sizeof(struct raw_file), file_rows, ARRAY_SIZE(file_rows), false, 0};

/* Takes what is named; what was named before stays. */
static void prefer(const char **known, const char *other)
{
    if (!*known && other && other[0] != '\0')
        *known = other;
}

struct wanted { /* as texts, until all of them are known */
    const char *url, *username, *ca, *base_topic;
    enum mqtt_version version;
};

static void take_file(const struct raw_file *raw, struct settings *settings, struct wanted *wanted)
{
    prefer(&wanted->url, raw->url);
    prefer(&wanted->username, raw->username);
    prefer(&wanted->ca, raw->ca);
    prefer(&wanted->base_topic, raw->base_topic);
    if (wanted->version == MQTT_VERSION_AUTO)
        wanted->version = raw->version;
    prefer(&settings->password, raw->password);
    prefer(&settings->admin, raw->admin);
    prefer(&settings->api_key, raw->api_key);
}

static int parse_file(const char *file, const char *text, size_t length, struct arena *arena,
                      struct raw_file *ret_raw, struct buf *errors)
{
    struct report report = {.file = file, .errors = errors};
    struct json_error wrong = {0};
    struct json *document = NULL;

    if (json_read(text, length, &json_limits_payload, &document, &wrong) < 0) {
        buf_printf(errors, "%s:%u:%u: %s\n", file, wrong.line, wrong.column, wrong.what);
        return -EINVAL;
    }
    option_read_object(arena, arena, &report, &file_table, NULL, document, ret_raw);
    json_free(document);
    return report_end(&report);
}

/* A file with secrets that others may read is refused, as ssh does. */
static int check_secrecy(const char *file, const struct stat *status, const struct raw_file *raw,
                         struct buf *errors)
{
    if ((!raw->password && !raw->api_key) || (status->st_mode & 077) == 0)
        return 0;
    buf_printf(errors, "%s: others may read the secrets in it: chmod 600 %s\n", file, file);
    return -EACCES;
}

static int read_file(const char *file, char *text, size_t *ret_length, struct stat *ret_status,
                     struct buf *errors)
{
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int error = fd < 0 ? -errno : 0;
    ssize_t length = 0;

    if (error == 0 && (fstat(fd, ret_status) < 0 || !S_ISREG(ret_status->st_mode)))
        error = -EINVAL;
    if (error == 0 && (length = read(fd, text, FILE_MAX)) < 0)
        error = -EIO;
    if (length == FILE_MAX)
        error = -EFBIG;
    if (fd >= 0)
        close(fd);
    if (error < 0 && error != -ENOENT)
        buf_printf(errors, "%s: cannot be read: %s\n", file, strerror(-error));
    *ret_length = (size_t)length;
    return error;
}

static const char *file_name(struct arena *arena)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");

    if (config && config[0] == '/')
        return arena_printf(arena, "%s/hall/hallctl.json", config);
    return home && home[0] == '/' ? arena_printf(arena, "%s/.config/hall/hallctl.json", home)
                                  : NULL;
}

/* No file is fine. */
static int load_file(struct arena *arena, struct settings *settings, struct wanted *wanted,
                     struct buf *errors)
{
    const char *file = file_name(arena);
    char *text = file ? malloc(FILE_MAX) : NULL;
    struct raw_file raw = {0};
    struct stat status;
    size_t length = 0;

    if (!text)
        return 0;
    int error = read_file(file, text, &length, &status, errors);
    if (error == 0)
        error = parse_file(file, text, length, arena, &raw, errors);
    if (error == 0)
        error = check_secrecy(file, &status, &raw, errors);
    explicit_bzero(text, FILE_MAX);
    free(text);
    if (error == 0)
        take_file(&raw, settings, wanted);
    return error == -ENOENT ? 0 : error;
}

/* ---- the other sources ---- */

static const char *text_of(const struct call *call, enum flag flag)
{
    return call_has(call, flag) ? call->texts[flag] : NULL;
}

static const char *broker_of(struct arena *arena, const struct config_mqtt *mqtt)
{
    if (mqtt->unix_path)
        return arena_printf(arena, "mqtt+unix://%s", mqtt->unix_path);
    return arena_printf(arena, "%s://%s:%u", mqtt->tls ? "mqtts" : "mqtt", mqtt->host,
                        (unsigned)mqtt->port);
}

static const char *admin_of(struct arena *arena, const struct sockaddr_in *admin)
{
    char address[INET_ADDRSTRLEN] = "127.0.0.1";

    /* One that listens everywhere is here too. */
    if (admin->sin_addr.s_addr != htonl(INADDR_ANY))
        inet_ntop(AF_INET, &admin->sin_addr, address, sizeof(address));
    return arena_printf(arena, "http://%s:%u", address, (unsigned)ntohs(admin->sin_port));
}

static int load_config(const struct call *call, struct arena *arena, struct settings *settings,
                       struct wanted *wanted, struct buf *errors)
{
    struct config *config = NULL;
    const char *file = text_of(call, FLAG_CONFIG);
    const int error = file ? config_load(file, &config, errors) : 0;

    if (!config)
        return error;
    settings->config = config;
    prefer(&wanted->url, broker_of(arena, &config->mqtt));
    prefer(&wanted->username, config->mqtt.username);
    prefer(&wanted->ca, config->mqtt.ca);
    prefer(&wanted->base_topic, config->mqtt.base_topic);
    wanted->version = config->mqtt.version;
    prefer(&settings->admin, admin_of(arena, &config->http.admin));
    return 0;
}

static int load_secrets(struct arena *arena, struct settings *settings, struct buf *errors)
{
    struct secrets secrets = {0};
    const int error = secrets_load(&secrets, errors);

    if (error == 0 && secrets.mqtt_password)
        settings->password = arena_copy(arena, secrets.mqtt_password);
    if (error == 0 && secrets.api_key)
        settings->api_key = arena_copy(arena, secrets.api_key);
    secrets_finish(&secrets);
    return error;
}

/* ---- together ---- */

static int check_text(struct arena *arena, const struct format *format, const char *what,
                      const char *text, void *target, struct buf *errors)
{
    char shown[SHOWN_SIZE];
    const char *allowed = format->parse(arena, text, target);

    if (!allowed)
        return 0;
    buf_printf(errors, "%s: found \"%s\"; allowed: %s\n", what,
               text_show(shown, sizeof(shown), text, strlen(text)), allowed);
    return -EINVAL;
}

static int complete(struct arena *arena, const struct wanted *wanted, struct settings *settings,
                    struct buf *errors)
{
    const char *url = wanted->url ? wanted->url : DEFAULT_BROKER;
    const char *base = wanted->base_topic ? wanted->base_topic : DEFAULT_BASE;
    int error = check_text(arena, &format_mqtt_url, "the broker", url, &settings->mqtt, errors);

    if (error == 0)
        error = check_text(arena, &format_topic, "the base topic", base, &settings->mqtt.base_topic,
                           errors);
    if (error == 0 && settings->admin)
        error = check_text(arena, &format_http_url, "the admin address", settings->admin,
                           &settings->admin, errors);
    if (error < 0)
        return error;
    settings->mqtt.username = wanted->username;
    settings->mqtt.ca = wanted->ca;
    settings->mqtt.version = wanted->version;
    settings->broker = broker_of(arena, &settings->mqtt);
    prefer(&settings->admin, DEFAULT_ADMIN);
    return arena_failed(arena) ? -ENOMEM : 0;
}

static int load(const struct call *call, struct arena *arena, struct settings *settings,
                struct buf *errors)
{
    struct wanted wanted = {.url = text_of(call, FLAG_BROKER),
                            .username = text_of(call, FLAG_USER),
                            .ca = text_of(call, FLAG_CA),
                            .base_topic = text_of(call, FLAG_BASE)};
    int error;

    settings->admin = text_of(call, FLAG_ADMIN);
    if ((error = load_config(call, arena, settings, &wanted, errors)) < 0 ||
        (error = load_secrets(arena, settings, errors)) < 0)
        return error;
    prefer(&wanted.url, getenv("HALL_MQTT_URL"));
    prefer(&wanted.username, getenv("HALL_MQTT_USERNAME"));
    prefer(&wanted.ca, getenv("HALL_MQTT_CA"));
    prefer(&wanted.base_topic, getenv("HALL_BASE_TOPIC"));
    prefer(&settings->admin, getenv("HALL_ADMIN_URL"));
    error = load_file(arena, settings, &wanted, errors);
    return error < 0 ? error : complete(arena, &wanted, settings, errors);
}

int settings_load(const struct call *call, struct settings *ret_settings, struct buf *errors)
{
    struct arena *arena = arena_create();

    *ret_settings = (struct settings){.memory = arena};
    if (!arena)
        return -ENOMEM;
    const int error = load(call, arena, ret_settings, errors);
    if (error < 0)
        settings_finish(ret_settings);
    return error;
}

static void wipe(const char *secret)
{
    if (secret)
        explicit_bzero((void *)secret, strlen(secret));
}

void settings_finish(struct settings *settings)
{
    wipe(settings->password);
    wipe(settings->api_key);
    config_free((struct config *)settings->config);
    if (settings->memory)
        arena_destroy(settings->memory);
    *settings = (struct settings){0};
}
