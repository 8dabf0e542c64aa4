#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain_file.h"
#include "base/text.h"
#include "mqtt/address.h"
#include "mqtt/mqtt_link_internal.h"

enum { KEEPALIVE_S = 20 };

/* A connection that a thread starts, since its host's name must be looked up. */
struct attempt {
    struct mqtt_note note;
    struct mosquitto *client;
    char *host;
    int port;
    bool tls;
    unsigned turn; /* which of the name's addresses */
    int rc, error; /* of mosquitto_connect_async, and its errno */
};

/* ---- the client ---- */

/* The first error alone, and of that what is for people: "OpenSSL Error[0]: error:0A00010B:SSL
 * routines::wrong version number". */
static void on_log(struct mosquitto *client, void *userdata, int level, const char *text)
{
    struct mqtt_note *note = userdata;
    const char *last = strrchr(text, ':');
    (void)client;
    if (level != MOSQ_LOG_ERR || note->text[0] != '\0')
        return;
    last = last ? last + 1 + strspn(last + 1, " ") : text;
    text_copy(note->text, sizeof(note->text), last);
    note->text[strcspn(note->text, ".")] = '\0';
}

static int client_set_tls(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    if (!options->broker.tls)
        return MOSQ_ERR_SUCCESS;
    if (options->broker.ca && !plain_file_is(options->broker.ca)) {
        mqtt_link_fail(link,
                       "the certificate authority's file %s cannot be used: it is not a "
                       "regular file of at most 1 MiB",
                       options->broker.ca);
        return MOSQ_ERR_INVAL;
    }
    int rc = options->broker.ca
                 ? mosquitto_tls_set(link->client, options->broker.ca, NULL, NULL, NULL, NULL)
                 : mosquitto_int_option(link->client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    if (rc != MOSQ_ERR_SUCCESS)
        mqtt_link_fail(link, "the certificate authority's file %s cannot be used: %s",
                       options->broker.ca ? options->broker.ca : "of the system",
                       mosquitto_strerror(rc));
    return rc;
}

/* A client that keeps nothing on the broker leaves nothing behind. */
static int client_set_will(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    if (!options->will_topic)
        return MOSQ_ERR_SUCCESS;
    return mosquitto_will_set(link->client, options->will_topic, (int)strlen(options->will_payload),
                              options->will_payload, 1, true);
}

static int client_configure(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    int version = link->setup.v311 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    mosquitto_int_option(link->client, MOSQ_OPT_PROTOCOL_VERSION, version);
    mosquitto_int_option(link->client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_log_callback_set(link->client, on_log);
    int rc = client_set_will(link);
    if (rc == MOSQ_ERR_SUCCESS && options->broker.username)
        rc = mosquitto_username_pw_set(link->client, options->broker.username, options->password);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = client_set_tls(link);
    return rc;
}

/* ---- its connection ---- */

/* libmosquitto has a socket; what follows comes from the loop. */
static void connection_started(struct mqtt_link *link, int rc, int error)
{
    int fd = rc == MOSQ_ERR_SUCCESS ? mosquitto_socket(link->client) : -1;
    link->start_error = error;
    if (fd < 0 || mqtt_link_watch(link, fd) < 0)
        mqtt_link_break_off(link, rc, error);
    else
        link->listener->started(link->context);
}

static void attempt_free(void *data)
{
    struct attempt *attempt = data;
    mosquitto_destroy(attempt->client);
    free(attempt->host);
    free(attempt);
}

/* With TLS the name itself must be given to libmosquitto, which verifies the certificate against
 * it, and takes the first address. */
static void attempt_run(void *data)
{
    struct attempt *attempt = data;
    char address[ADDRESS_SIZE];
    const char *host = attempt->host;
    attempt->rc = MOSQ_ERR_EAI;
    if (!attempt->tls)
        host = address_pick(attempt->host, attempt->turn, address) ? address : NULL;
    errno = 0;
    if (host)
        attempt->rc = mosquitto_connect_async(attempt->client, host, attempt->port, KEEPALIVE_S);
    attempt->error = errno;
}

static void attempt_done(void *context, void *data)
{
    struct mqtt_link *link = context;
    struct attempt *attempt = data;
    link->attempt = NULL;
    link->client = attempt->client;
    link->note = attempt->note;
    mosquitto_user_data_set(link->client, link);
    attempt->client = NULL;
    connection_started(link, attempt->rc, attempt->error);
    attempt_free(attempt);
}

static const struct offload_task attempt_task = {attempt_run, attempt_done, attempt_free};

/* Hands the client to a thread until attempt_done takes it back. */
static int attempt_start(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (!attempt)
        return -ENOMEM;
    attempt->host = strdup(options->broker.host);
    attempt->port = options->broker.port;
    attempt->tls = options->broker.tls;
    attempt->turn = link->setup.turn;
    attempt->client = link->client;
    mosquitto_user_data_set(attempt->client, attempt);
    int error = !attempt->host
                    ? -ENOMEM
                    : offload_start(link->loop, &attempt_task, attempt, link, &link->attempt);
    if (error < 0) {
        mosquitto_user_data_set(attempt->client, link);
        attempt->client = NULL;
        attempt_free(attempt);
        return error;
    }
    link->client = NULL;
    return 0;
}

void mqtt_link_start(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    int rc = client_configure(link);
    if (rc == MOSQ_ERR_SUCCESS && options->broker.host &&
        !address_is_numeric(options->broker.host)) {
        int error = attempt_start(link);
        if (error == 0)
            return;
        rc = MOSQ_ERR_ERRNO;
        errno = -error;
    } else if (rc == MOSQ_ERR_SUCCESS) {
        /* Port 0 means a unix socket. */
        errno = 0;
        rc = mosquitto_connect_async(link->client, mqtt_link_broker(link),
                                     options->broker.host ? options->broker.port : 0, KEEPALIVE_S);
    }
    connection_started(link, rc, errno);
}
