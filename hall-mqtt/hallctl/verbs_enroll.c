/* hallctl enroll: one line to paste on a server, or a file to carry there, that installs its agent,
 * or a relay on a machine beside it. Runs as root on Hall's own machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hallctl/enrolling.h"
#include "hallctl/reader.h"

#define BROKER_FOLDER "/etc/mosquitto"
#define AGENTS_FOLDER "/usr/share/hall/agents"

enum { MINUTES = 10, CA_LIMIT = 65536, SENTENCE_LIMIT = 4096 };

void enroll_tell(enum enroll_word word, const char *first, const char *second, const char *third)
{
    const char *const params[ENROLL_PARAMS] = {first, second, third};
    struct buf text = BUF_INIT(SENTENCE_LIMIT);

    say_enroll(word, reader_language(), params, &text);
    printf("%s\n", buf_text(&text));
    fflush(stdout);
    buf_finish(&text);
}

/* ---- what is needed ---- */

/* Who speaks with the broker: the user of hallctl.json or of the environment, as for other verbs;
 * without one Hall's own, of its configuration. */
static int load_settings(struct enrolling *it, const struct call *call)
{
    struct call alone = *call;

    alone.texts[FLAG_CONFIG] = NULL;
    alone.given &= ~WITH(FLAG_CONFIG);
    call_give(&alone, FLAG_BASE, it->config->mqtt.base_topic);
    int status = hallctl_settings(&alone, &it->settings);
    if (status < 0 && !it->settings.mqtt.broker.username) {
        settings_finish(&it->settings);
        status = hallctl_settings(call, &it->settings);
    }
    return status;
}

/* ---- the kinds of machines ---- */

static int find_server(struct enrolling *it)
{
    const struct model *model = &it->config->model;
    const int index = model_server_by_id(model, it->id);

    if (index < 0) {
        hallctl_fail(&it->call, it->id,
                     "there is no such server in the configuration; add it first");
        fprintf(stderr, "Read was %s\n", it->config->file);
        return HALLCTL_ERROR;
    }
    it->server = &model->servers[index];
    address_format(address_v4(it->server->address), it->its);
    return -1;
}

/* A relay stands beside the servers it wakes, so that it is on the same way; its own address is not
 * in the configuration. */
static int find_relay(struct enrolling *it)
{
    const struct model *model = &it->config->model;

    if (call_has(&it->call, FLAG_DOCKER))
        return hallctl_refuse(&it->call, "--docker", "--relay", "--docker with a server");
    if (model_server_by_id(model, it->id) >= 0)
        return hallctl_fail(&it->call, it->id,
                            "a server has this name; a relay needs a name of its own");
    for (size_t i = 0; i < model->n_servers && !it->server; i++)
        if (model->servers[i].wake.relay && strcmp(model->servers[i].wake.relay, it->id) == 0)
            it->server = &model->servers[i];
    if (it->server)
        return -1;
    hallctl_fail(&it->call, it->id, "no server names it as its relay; add that first");
    fprintf(stderr, "Read was %s; a server there needs: \"wake\": {\"relay\": \"%s\"}\n",
            it->config->file, it->id);
    return HALLCTL_ERROR;
}

static const struct enroll_way as_agent = {&enroll_agent, TOPIC_AGENT_STATE, ENROLL_ONLINE,
                                           find_server};
static const struct enroll_way as_relay = {&enroll_relay, TOPIC_RELAY_STATE, ENROLL_RELAY_ONLINE,
                                           find_relay};

static int load(struct enrolling *it)
{
    it->id = it->call.operands[0];
    it->way = call_has(&it->call, FLAG_RELAY) ? &as_relay : &as_agent;
    snprintf(it->again, sizeof(it->again), "%s%.*s", it->way->kind->option, SLUG_MAX, it->id);
    if (geteuid() != 0)
        return hallctl_fail(&it->call, it->id, "run it as root, on Hall's own machine");
    if (!call_has(&it->call, FLAG_CONFIG))
        call_give(&it->call, FLAG_CONFIG, places_config());
    int status = hallctl_config(&it->call, NULL, &it->config);
    if (status >= 0 || !it->config)
        return status < 0 ? HALLCTL_ERROR : status;
    status = it->way->find(it);
    return status < 0 ? load_settings(it, &it->call) : status;
}

/* The address of ours from which packets to the server leave. */
static int find_own_address(struct enrolling *it)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = it->server->address};
    socklen_t length = sizeof(to);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    const bool found = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
                       getsockname(fd, (struct sockaddr *)&to, &length) == 0;
    const int error = errno;
    if (fd >= 0)
        close(fd);
    if (!found)
        return hallctl_fail(&it->call, it->server->id, strerror(error));
    address_format(address_v4(to.sin_addr), it->own);
    return -1;
}

static int read_ca(struct enrolling *it)
{
    size_t length = 0;
    const int error = enroll_read_file(it->broker.ca_file, CA_LIMIT, &it->ca, &length);

    if (error < 0)
        return hallctl_fail(&it->call, it->broker.ca_file, strerror(-error));
    if (!enroll_is_certificates(it->ca, length))
        return hallctl_fail(&it->call, it->broker.ca_file,
                            "it does not hold certificates alone; servers get a copy of it");
    return -1;
}

static int read_packages(struct enrolling *it)
{
    const bool named = call_has(&it->call, FLAG_AGENTS);
    const char *folder = named ? it->call.texts[FLAG_AGENTS] : AGENTS_FOLDER;
    char file[ENROLL_PATH_SIZE], why[64];
    const int error =
        enroll_packages_read(folder, it->way->kind->program, &it->packages, file, sizeof(file));

    if (error == -ENOENT) {
        snprintf(why, sizeof(why), "no package of %s is there", it->way->kind->program);
        hallctl_fail(&it->call, folder, why);
        fputs("They come with: apt-get install hall-enroll; --agents DIR names another folder.\n",
              stderr);
        return HALLCTL_ERROR;
    }
    return error < 0 ? hallctl_fail(&it->call, file, strerror(-error)) : -1;
}

static int make_secrets(struct enrolling *it)
{
    int error = enroll_token(it->password);

    if (error == 0)
        error = enroll_token(it->token);
    if (error == 0)
        error = enroll_token(it->commit);
    for (size_t i = 0; i < it->packages.n && error == 0; i++)
        error = enroll_token(it->packages.all[i].token);
    return error < 0 ? hallctl_fail(&it->call, "random numbers", strerror(-error)) : -1;
}

static int prepare(struct enrolling *it)
{
    const bool has_dir = call_has(&it->call, FLAG_DIR);
    int status = load(it);

    it->broker = (struct enroll_broker){
        .call = &it->call,
        .hall = &it->settings,
        .folder = has_dir ? it->call.texts[FLAG_DIR] : BROKER_FOLDER,
    };
    if (status < 0)
        status = it->server ? find_own_address(it) : HALLCTL_ERROR;
    if (status < 0)
        status = enroll_broker_find(&it->broker, it->own);
    if (status < 0)
        status = read_ca(it);
    if (status < 0)
        status = read_packages(it);
    if (status < 0)
        status = make_secrets(it);
    if (status < 0)
        status = enroll_broker_try(&it->broker, it->settings.mqtt.broker.username,
                                   it->settings.password, false);
    return status;
}

static void finish(struct enrolling *it)
{
    handing_close(&it->handing);
    enroll_packages_finish(&it->packages);
    free(it->ca);
    settings_finish(&it->settings);
    config_free(it->config);
    explicit_bzero(it, sizeof(*it));
}

int enroll_script_of(const struct enrolling *it, const char *url, const char *pin, struct buf *out)
{
    const char *base = it->settings.mqtt.base_topic;
    const struct enroll_script script = {
        .machine = {.kind = it->way->kind,
                    .id = it->id,
                    .broker = it->broker.url,
                    .base_topic = strcmp(base, "hall") == 0 ? NULL : base,
                    .interface = it->call.texts[FLAG_INTERFACE],
                    .docker = call_has(&it->call, FLAG_DOCKER)},
        .made = clock_now().wall / 1000,
        .ca = it->ca,
        .password = it->password,
        .url = url,
        .pin = pin,
        .commit = it->commit,
        .packages = it->packages.all,
        .n_packages = it->packages.n,
    };

    enroll_write_script(&script, out);
    return buf_error(out) < 0 ? hallctl_fail(&it->call, "the script", strerror(-buf_error(out)))
                              : -1;
}

void enroll_wipe(struct buf *buf)
{
    if (buf->text)
        explicit_bzero(buf->text, buf->size);
    buf_finish(buf);
}

/* ---- a file to carry ---- */

static int write_file(const struct enrolling *it, const char *name, const struct buf *script)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t written = 0;
    ssize_t n = 0;

    if (fd < 0 && errno == EEXIST)
        return hallctl_fail(&it->call, name, "it exists; delete it, or go to another folder");
    if (fd < 0)
        return hallctl_fail(&it->call, name, strerror(errno));
    while (written < script->length &&
           (n = write(fd, script->text + written, script->length - written)) > 0)
        written += (size_t)n;
    const int error = written < script->length || fsync(fd) < 0 ? errno : 0;
    close(fd);
    if (error == 0)
        return -1;
    unlink(name);
    return hallctl_fail(&it->call, name, strerror(error));
}

/* Nobody asks for the password later, so it is set now. */
static int print_file(struct enrolling *it)
{
    struct buf script = BUF_INIT(ENROLL_SCRIPT_LIMIT);
    char name[SLUG_MAX + 16];

    snprintf(name, sizeof(name), "enroll-%s.sh", it->id);
    int status = enroll_script_of(it, NULL, NULL, &script);
    if (status < 0)
        status = write_file(it, name, &script);
    enroll_wipe(&script);
    if (status >= 0)
        return status;
    status = enroll_broker_set(&it->broker, it->id, it->password);
    if (status >= 0) {
        unlink(name);
        return status;
    }
    enroll_tell(ENROLL_PRINTED, name, it->id, NULL);
    return HALLCTL_OK;
}

static int run_enroll(const struct call *call)
{
    struct enrolling it = {.call = *call, .minutes = MINUTES};

    log_init(LOG_LEVEL_ERROR);
    if (call_has(call, FLAG_MINUTES))
        it.minutes = call->numbers[FLAG_MINUTES];
    int status = prepare(&it);
    if (status < 0)
        status = call_has(call, FLAG_PRINT) ? print_file(&it) : enroll_hand_out(&it);
    finish(&it);
    return status;
}

static const struct verb verbs[] = {
    {.name = "enroll",
     .operands = "SERVER|RELAY",
     .summary = "installs the agent on a server: prints the line to paste there",
     .flags = WITH_BROKER | WITH(FLAG_PRINT) | WITH(FLAG_DOCKER) | WITH(FLAG_INTERFACE) |
              WITH(FLAG_MINUTES) | WITH(FLAG_LISTEN) | WITH(FLAG_PORT) | WITH(FLAG_URL) |
              WITH(FLAG_DIR) | WITH(FLAG_AGENTS) | WITH(FLAG_RELAY),
     .least = 1,
     .most = 1,
     .run = run_enroll,
     .detail =
         "Run it as root on Hall's own machine. The line works once, within 10 minutes: it\n"
         "fetches the program, the configuration, the authority and the password over HTTPS\n"
         "from this machine, checks its key, and starts the agent. This command waits until\n"
         "the agent is online. --print writes all of it to a file to copy there instead; the\n"
         "password is then valid at once. With --relay the line is for the machine that becomes\n"
         "the relay which servers of the configuration name.\n"},
};

const struct verb_family enroll_family = {"Install", verbs, ARRAY_SIZE(verbs)};
