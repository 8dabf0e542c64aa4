#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "config/complaint.h"
#include "config/config.h"

enum { SECRET_MAX = 4096, NAME_MAX_BYTES = 128 };

struct secret_row {
    const char *variable;
    const char *credential; /* file in $CREDENTIALS_DIRECTORY */
    size_t offset;
};

/* The first that is set of one offset counts. */
static const struct secret_row rows[] = {
    {"HALL_MQTT_PASSWORD", "hall-mqtt-password", offsetof(struct secrets, mqtt_password)},
    {"HALL_ADMIN_PASSWORD_HASH", "hall-admin-password-hash",
     offsetof(struct secrets, admin_password_hash)},
    {"ADMIN_PASSWORD", "admin-password", offsetof(struct secrets, admin_password)},
    {"HALL_SECRET_KEY", "hall-secret-key", offsetof(struct secrets, secret_key)},
    {"HALL_API_KEY", "hall-api-key", offsetof(struct secrets, api_key)},
    {"WOL_API_KEY", "wol-api-key", offsetof(struct secrets, api_key)},
};
enum { N_SECRETS = ARRAY_SIZE(rows) };

struct secret_store {
    char *values[N_SECRETS];
};

static int fail(struct report *report, const char *name, struct phrase why, int error)
{
    report_whole(report, COMPLAINT_VARIABLE, name, why);
    return error;
}

/* A secret of one line; what echo and editors put behind it is dropped. *ret stays NULL where it is
 * empty. */
static int keep(const char *name, char *value, char **ret, struct report *report)
{
    value[strcspn(value, "\r\n")] = '\0';
    if (value[0] == '\0')
        return 0;
    if (text_has_control(value) || !text_is_utf8(value, strlen(value)))
        return fail(report, name, PHRASE(NOT_PLAIN), -EINVAL);
    *ret = strdup(value);
    return *ret ? 0 : fail(report, name, PHRASE(NO_MEMORY), -ENOMEM);
}

static int read_variable(const struct secret_row *row, char *scratch, char **ret,
                         struct report *report)
{
    const char *value = getenv(row->variable);
    if (!value)
        return 0;
    if (strlen(value) >= SECRET_MAX)
        return fail(report, row->variable, PHRASE(TOO_LONG, .numbers = {SECRET_MAX - 1}),
                    -EMSGSIZE);
    text_copy(scratch, SECRET_MAX, value);
    return keep(row->variable, scratch, ret, report);
}

static int open_credential(const char *name)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory || directory[0] != '/')
        return -ENOENT;
    int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -errno;
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = -errno;
    close(at);
    return fd < 0 ? error : fd;
}

static int read_credential(const struct secret_row *row, char *scratch, char **ret,
                           struct report *report)
{
    int fd = open_credential(row->credential);
    if (fd == -ENOENT)
        return 0;
    ssize_t length = fd < 0 ? -1 : read(fd, scratch, SECRET_MAX);
    if (fd >= 0)
        close(fd);
    if (length < 0)
        return fail(report, row->credential, PHRASE(NO_CREDENTIAL), -EACCES);
    if (length == SECRET_MAX)
        return fail(report, row->credential, PHRASE(TOO_LONG, .numbers = {SECRET_MAX - 1}),
                    -EMSGSIZE);
    scratch[length] = '\0';
    return keep(row->credential, scratch, ret, report);
}

static int load_one(const struct secret_row *row, char **ret, struct report *report)
{
    char scratch[SECRET_MAX];
    int r = read_variable(row, scratch, ret, report);
    if (r == 0 && !*ret)
        r = read_credential(row, scratch, ret, report);
    explicit_bzero(scratch, sizeof(scratch));
    return r;
}

int secrets_load(struct secrets *ret_secrets, struct report *report)
{
    struct secrets secrets = {0};
    struct secret_store *store = calloc(1, sizeof(*store));
    report_begin(report, "the environment");
    int result = store ? 0 : fail(report, "secrets", PHRASE(NO_MEMORY), -ENOMEM);

    secrets.memory = store;
    for (size_t i = 0; i < N_SECRETS && store; i++) {
        const char **field = (const char **)(void *)((char *)&secrets + rows[i].offset);
        int r = load_one(&rows[i], &store->values[i], report);
        if (r < 0)
            result = r;
        else if (!*field)
            *field = store->values[i];
    }
    if (result < 0) {
        secrets_finish(&secrets);
        return result;
    }
    *ret_secrets = secrets;
    return 0;
}

void secrets_finish(struct secrets *secrets)
{
    if (!secrets)
        return;
    struct secret_store *store = secrets->memory;
    for (size_t i = 0; i < N_SECRETS && store; i++) {
        if (store->values[i])
            explicit_bzero(store->values[i], strlen(store->values[i]));
        free(store->values[i]);
    }
    free(store);
    *secrets = (struct secrets){0};
}

/* What the configuration names */

int secret_find(const char *variable, char **ret_value, struct report *report)
{
    char credential[NAME_MAX_BYTES + 1];
    const size_t length = strlen(variable);
    if (length > NAME_MAX_BYTES)
        return fail(report, variable, PHRASE(TOO_LONG, .numbers = {NAME_MAX_BYTES}), -EMSGSIZE);
    for (size_t i = 0; i <= length; i++)
        credential[i] = (char)(variable[i] == '_' ? '-' : tolower((unsigned char)variable[i]));
    *ret_value = NULL;
    return load_one(&(struct secret_row){.variable = variable, .credential = credential}, ret_value,
                    report);
}

void secret_free(char *value)
{
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
}

static void check_header(const struct model_server *server, const struct model_header *header,
                         struct report *report)
{
    char *value = NULL;
    if (!header->secret)
        return;
    if (secret_find(header->secret, &value, report) == 0 && !value)
        report_error_at(
            report, COMPLAINT_UNSET,
            KEYS("servers", server->id, "sleep", "webhook", "headers", header->name, "secret"),
            PHRASE(NOT_SET, .texts = {header->secret}), PHRASE(SET_VARIABLE));
    secret_free(value);
}

int secrets_check(const struct config *config, struct report *report)
{
    report_begin(report, config->file);
    for (size_t i = 0; i < config->model.n_servers; i++) {
        const struct model_server *server = &config->model.servers[i];
        const struct model_webhook *webhook = server->sleep.webhook;
        for (size_t j = 0; webhook && j < webhook->n_headers; j++)
            check_header(server, &webhook->headers[j], report);
    }
    return report_end(report);
}
