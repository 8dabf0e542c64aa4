#include "hallctl/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "config/arena.h"
#include "config/complaint.h"
#include "config/document.h"
#include "config/format.h"
#include "config/option.h"
#include "hallctl/hallctl.h"
#include "hallctl/setup/setup.h"

enum { FILE_MAX = 65536, URL_MAX = 512 };

#define DEFAULT_BROKER "mqtt://127.0.0.1:1883"
#define DEFAULT_ADMIN  "http://127.0.0.1:8881"
#define DEFAULT_BASE   "hall"

/* What one source names; what is NULL it does not. */
struct source {
    const char *schema, *url, *username, *password, *ca, *base_topic, *admin, *api_key;
    enum mqtt_version version;
};

static void prefer(const char **known, const char *other)
{
    if (!*known && other && other[0] != '\0')
        *known = other;
}

/* Takes what it names; what was named before stays. */
static void add(struct source *known, const struct source *other)
{
    prefer(&known->url, other->url);
    prefer(&known->username, other->username);
    prefer(&known->password, other->password);
    prefer(&known->ca, other->ca);
    prefer(&known->base_topic, other->base_topic);
    prefer(&known->admin, other->admin);
    prefer(&known->api_key, other->api_key);
    if (known->version == MQTT_VERSION_AUTO)
        known->version = other->version;
}

/* ---- the file ---- */

/* clang-format off */
#define AT(field_) .kind = OPTION_TEXT, .offset = offsetof(struct source, field_)
static const struct option file_rows[] = {
    {"$schema", AT(schema), .format = &format_any, .max = 1024, .help = "For editors."},
    {"broker", AT(url), .format = &format_text, .max = URL_MAX, .help = "mqtt://HOST[:PORT], mqtts://, mqtt+unix:///PATH."},
    {"username", AT(username), .format = &format_text, .max = 256, .help = "The user at the broker."},
    {"password", AT(password), .format = &format_text, .max = 1024, .help = "The user's password."},
    {"ca", AT(ca), .format = &format_file, .max = 1024, .help = "The authorities that TLS trusts."},
    {"mqtt_version", .kind = OPTION_CHOICE, .names = document_mqtt_versions, .offset = offsetof(struct source, version),
     .fallback = "auto", .help = "MQTT 5 or 3.1.1; auto takes what the broker knows."},
    {"base_topic", AT(base_topic), .format = &format_topic, .max = 128, .help = "What every topic of Hall begins with."},
    {"admin", AT(admin), .format = &format_http_url, .max = URL_MAX, .help = "Hall's admin address."},
    {"api_key", AT(api_key), .format = &format_text, .max = 1024, .help = "HALL_API_KEY, for events and stats."},
};
/* clang-format on */
static const struct option_table file_table = {
    "hallctl", sizeof(struct source), file_rows, ARRAY_SIZE(file_rows), false, 0};

static int parse_file(const char *file, const char *text, size_t length, struct arena *arena,
                      struct source *ret_raw, struct report *report)
{
    struct json_error wrong = {0};
    struct json *document = NULL;

    report_begin(report, file);
    if (json_read(text, length, &json_limits_payload, &document, &wrong) < 0) {
        report_syntax(report, &wrong);
        return -EINVAL;
    }
    option_read_object(arena, arena, report, &file_table, NULL, document, ret_raw);
    json_free(document);
    return report_end(report);
}

/* A file with secrets that others may read is refused, as ssh does. */
static int check_secrecy(const char *file, const struct stat *status, const struct source *raw,
                         struct report *report)
{
    if ((!raw->password && !raw->api_key) || (status->st_mode & 077) == 0)
        return 0;
    report_whole(report, COMPLAINT_FILE, file, PHRASE(OTHERS_MAY_READ, .texts = {file}));
    return -EACCES;
}

static int read_file(const char *file, char *text, size_t *ret_length, struct stat *ret_status,
                     struct report *report)
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
        report_whole(report, COMPLAINT_FILE, file, PHRASE(UNREADABLE, .texts = {strerror(-error)}));
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
static int load_file(struct arena *arena, struct source *known, struct report *report)
{
    const char *file = file_name(arena);
    char *text = file ? malloc(FILE_MAX) : NULL;
    struct source source = {0};
    struct stat status;
    size_t length = 0;

    if (!text)
        return 0;
    int error = read_file(file, text, &length, &status, report);
    if (error == 0)
        error = parse_file(file, text, length, arena, &source, report);
    if (error == 0)
        error = check_secrecy(file, &status, &source, report);
    explicit_bzero(text, FILE_MAX);
    free(text);
    /* Its password is that of its user. */
    if (known->username && source.username && strcmp(known->username, source.username) != 0)
        source.password = NULL;
    if (error == 0)
        add(known, &source);
    return error == -ENOENT ? 0 : error;
}

/* ---- the other sources ---- */

static const char *broker_of(struct arena *arena, const struct mqtt_broker *broker)
{
    if (broker->unix_path)
        return arena_printf(arena, "mqtt+unix://%s", broker->unix_path);
    return arena_printf(arena, "%s://%s:%u", broker->tls ? "mqtts" : "mqtt", broker->host,
                        (unsigned)broker->port);
}

static const char *admin_of(struct arena *arena, const struct sockaddr_in *admin)
{
    char address[INET_ADDRSTRLEN] = "127.0.0.1";

    /* One that listens everywhere is here too. */
    if (admin->sin_addr.s_addr != htonl(INADDR_ANY))
        inet_ntop(AF_INET, &admin->sin_addr, address, sizeof(address));
    return arena_printf(arena, "http://%s:%u", address, (unsigned)ntohs(admin->sin_port));
}

static int load_config(const char *file, struct arena *arena, struct settings *settings,
                       struct source *known, struct report *report)
{
    struct config *config = NULL;
    const int error = file ? config_load(file, &config, report) : 0;

    if (!config)
        return error;
    settings->config = config;
    add(known, &(struct source){.url = broker_of(arena, &config->mqtt.broker),
                                .username = config->mqtt.broker.username,
                                .ca = config->mqtt.broker.ca,
                                .base_topic = config->mqtt.base_topic,
                                .version = config->mqtt.broker.version,
                                .admin = admin_of(arena, &config->http.admin[0])});
    return 0;
}

static int load_environment(struct arena *arena, struct source *known, struct report *report)
{
    struct secrets secrets = {0};
    const int error = secrets_load(&secrets, report);

    if (error == 0)
        add(known,
            &(struct source){
                .url = getenv("HALL_MQTT_URL"),
                .username = getenv("HALL_MQTT_USERNAME"),
                .ca = getenv("HALL_MQTT_CA"),
                .base_topic = getenv("HALL_BASE_TOPIC"),
                .admin = getenv("HALL_ADMIN_URL"),
                .password = secrets.mqtt_password ? arena_copy(arena, secrets.mqtt_password) : NULL,
                .api_key = secrets.api_key ? arena_copy(arena, secrets.api_key) : NULL,
            });
    secrets_finish(&secrets);
    return error;
}

/* ---- Hall's own, on its machine ---- */

/* hall.env, which systemd reads for the daemon. */
static void load_secrets(struct arena *arena, struct source *known)
{
    struct setup_notes *notes = arena_alloc(arena, 1, sizeof(*notes));

    if (!notes)
        return;
    notes->arena = arena;
    const char *text = setup_read(arena, PLACE_ENVIRONMENT, notes);
    add(known, &(struct source){.username = known->username,
                                .password = setup_variable(arena, text, "HALL_MQTT_PASSWORD"),
                                .api_key = setup_variable(arena, text, "HALL_API_KEY")});
}

/* What nobody named, root reads where the daemon does. */
static int load_own(struct arena *arena, struct settings *settings, struct source *known,
                    struct report *report)
{
    const char *file = places_config();

    if (geteuid() != 0 || known->password || access(file, F_OK) < 0)
        return 0;
    if (!settings->config && !known->url && !known->username) {
        const int error = load_config(file, arena, settings, known, report);
        if (error < 0)
            return error;
    }
    if (settings->config && text_equal(known->username, settings->config->mqtt.broker.username))
        load_secrets(arena, known);
    return 0;
}

/* Hall is installed here, and nothing says who this user is at its broker. */
static bool is_stranger(const struct source *known)
{
    return geteuid() != 0 && !known->url && !known->username && !known->password && !known->admin &&
           !known->api_key && access("/var/lib/hall", F_OK) == 0;
}

/* ---- together ---- */

static int check_text(struct arena *arena, const struct format *format, const char *what,
                      const char *text, void *target, struct report *report)
{
    char shown[SHOWN_SIZE];
    const enum wording allowed = format->parse(arena, text, target);

    if (!allowed)
        return 0;
    text_show(shown, sizeof(shown), text, strlen(text));
    report_whole(report, COMPLAINT_VALUE, what,
                 PHRASE(SETTING, .format = allowed, .texts = {shown}));
    return -EINVAL;
}

static int complete(struct arena *arena, struct source *known, struct settings *settings,
                    struct report *report)
{
    int error;

    add(known, &(struct source){.url = DEFAULT_BROKER, .base_topic = DEFAULT_BASE});
    error = check_text(arena, &format_mqtt_url, "the broker", known->url, &settings->mqtt.broker,
                       report);
    if (error == 0)
        error = check_text(arena, &format_topic, "the base topic", known->base_topic,
                           &settings->mqtt.base_topic, report);
    if (error == 0 && known->admin)
        error = check_text(arena, &format_http_url, "the admin address", known->admin,
                           &known->admin, report);
    settings->mqtt.broker.username = known->username;
    settings->mqtt.broker.ca = known->ca;
    settings->mqtt.broker.version = known->version;
    settings->broker = error == 0 ? broker_of(arena, &settings->mqtt.broker) : NULL;
    settings->password = known->password;
    settings->api_key = known->api_key;
    settings->admin = known->admin ? known->admin : DEFAULT_ADMIN;
    return error == 0 && arena_failed(arena) ? -ENOMEM : error;
}

static int load(const struct call *call, struct arena *arena, struct settings *settings,
                struct report *report)
{
    struct source known = {.url = call->texts[FLAG_BROKER],
                           .username = call->texts[FLAG_USER],
                           .ca = call->texts[FLAG_CA],
                           .base_topic = call->texts[FLAG_BASE],
                           .admin = call->texts[FLAG_ADMIN]};
    int error = load_config(call->texts[FLAG_CONFIG], arena, settings, &known, report);

    if (error == 0)
        error = load_environment(arena, &known, report);
    if (error == 0)
        error = load_file(arena, &known, report);
    if (error == 0)
        error = load_own(arena, settings, &known, report);
    settings->is_stranger = is_stranger(&known);
    return error < 0 ? error : complete(arena, &known, settings, report);
}

int settings_load(const struct call *call, struct settings *ret_settings, struct report *report)
{
    struct arena *arena = arena_create();

    *ret_settings = (struct settings){.memory = arena};
    if (!arena)
        return -ENOMEM;
    const int error = load(call, arena, ret_settings, report);
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
