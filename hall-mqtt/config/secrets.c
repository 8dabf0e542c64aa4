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

static int fail(struct buf *errors, const char *name, const char *why, int error)
{
    buf_printf(errors, "%s: %s\n", name, why);
    return error;
}

/* A secret of one line; what echo and editors put behind it is dropped. *ret stays NULL where it is
 * empty. */
static int keep(const char *name, char *value, char **ret, struct buf *errors)
{
    value[strcspn(value, "\r\n")] = '\0';
    if (value[0] == '\0')
        return 0;
    if (text_has_control(value) || !text_is_utf8(value, strlen(value)))
        return fail(errors, name, "has control characters or broken UTF-8; it must be plain text",
                    -EINVAL);
    *ret = strdup(value);
    return *ret ? 0 : fail(errors, name, "out of memory", -ENOMEM);
}

static int read_variable(const struct secret_row *row, char *scratch, char **ret,
                         struct buf *errors)
{
    const char *value = getenv(row->variable);
    if (!value)
        return 0;
    if (strlen(value) >= SECRET_MAX)
        return fail(errors, row->variable, "is longer than 4095 bytes", -EMSGSIZE);
    text_copy(scratch, SECRET_MAX, value);
    return keep(row->variable, scratch, ret, errors);
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
                           struct buf *errors)
{
    int fd = open_credential(row->credential);
    if (fd == -ENOENT)
        return 0;
    ssize_t length = fd < 0 ? -1 : read(fd, scratch, SECRET_MAX);
    if (fd >= 0)
        close(fd);
    if (length < 0)
        return fail(errors, row->credential, "this credential cannot be read", -EACCES);
    if (length == SECRET_MAX)
        return fail(errors, row->credential, "is longer than 4095 bytes", -EMSGSIZE);
    scratch[length] = '\0';
    return keep(row->credential, scratch, ret, errors);
}

static int load_one(const struct secret_row *row, char **ret, struct buf *errors)
{
    char scratch[SECRET_MAX];
    int r = read_variable(row, scratch, ret, errors);
    if (r == 0 && !*ret)
        r = read_credential(row, scratch, ret, errors);
    explicit_bzero(scratch, sizeof(scratch));
    return r;
}

int secrets_load(struct secrets *ret_secrets, struct buf *errors)
{
    struct secrets secrets = {0};
    struct secret_store *store = calloc(1, sizeof(*store));
    int result = store ? 0 : fail(errors, "secrets", "out of memory", -ENOMEM);

    secrets.memory = store;
    for (size_t i = 0; i < N_SECRETS && store; i++) {
        const char **field = (const char **)(void *)((char *)&secrets + rows[i].offset);
        int r = load_one(&rows[i], &store->values[i], errors);
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

int secret_find(const char *variable, char **ret_value, struct buf *errors)
{
    char credential[NAME_MAX_BYTES + 1];
    const size_t length = strlen(variable);
    if (length > NAME_MAX_BYTES)
        return fail(errors, variable, "is longer than 128 bytes", -EMSGSIZE);
    for (size_t i = 0; i <= length; i++)
        credential[i] = (char)(variable[i] == '_' ? '-' : tolower((unsigned char)variable[i]));
    *ret_value = NULL;
    return load_one(&(struct secret_row){.variable = variable, .credential = credential}, ret_value,
                    errors);
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
    char found[NAME_MAX_BYTES + 32];
    char *value = NULL;
    if (!header->secret)
        return;
    if (secret_find(header->secret, &value, report->errors) < 0)
        report->n++;
    else if (!value) {
        snprintf(found, sizeof(found), "\"%s\", which is not set", header->secret);
        report_error_at(
            report,
            KEYS("servers", server->id, "sleep", "webhook", "headers", header->name, "secret"),
            found, "a variable that is set in the environment file");
    }
    secret_free(value);
}

int secrets_check(const struct config *config, struct buf *errors)
{
    struct report report = {.file = config->file, .errors = errors};
    for (size_t i = 0; i < config->model.n_servers; i++) {
        const struct model_server *server = &config->model.servers[i];
        const struct model_webhook *webhook = server->sleep.webhook;
        for (size_t j = 0; webhook && j < webhook->n_headers; j++)
            check_header(server, &webhook->headers[j], &report);
    }
    return report_end(&report);
}
