/* hallctl setup, in order: gather, check everything, show, write, apply, check, say what is next.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "config/format.h"
#include "hallctl/setup/ask.h"
#include "hallctl/setup/setup.h"
#include "secret/secret.h"

enum {
    KEY_BYTES = 32,
    URL_SIZE = 64,
};

struct running {
    struct setup_request *request;
    struct setup_notes *notes;
    struct arena *arena;
    struct setup_found *found;
    struct setup_secrets secrets;
    struct setup_plan *plan;
};

/* ---- saying ---- */

/* All notes, once. */
static void say_notes(struct running *running)
{
    struct setup_notes *notes = running->notes;

    (void)fflush(stdout);
    for (size_t i = 0; i < notes->n; i++) {
        const bool is_error = setup_rows[notes->all[i].code].is_error;
        FILE *out = is_error ? stderr : stdout;

        fputs(is_error ? "hallctl setup: " : "", out);
        setup_print(out, &notes->all[i], running->request->language);
        fputc('\n', out);
    }
    notes->n = 0;
}

/* ---- secrets ---- */

/* The first line of a file, or of stdin. NULL: noted. */
static const char *read_password(struct running *running, const char *file, size_t least)
{
    char line[SECRET_PASSWORD_MAX + 2] = "";
    const char *text = NULL;

    if (strcmp(file, "-") == 0)
        text = fgets(line, sizeof(line), stdin);
    else if (!(text = setup_read(running->arena, file, running->notes)) &&
             running->notes->errors == 0)
        setup_note(running->notes, SETUP_UNREADABLE, file, strerror(ENOENT), NULL);
    if (running->notes->errors > 0)
        return NULL;
    const size_t length = text ? strcspn(text, "\r\n") : 0;
    if (length < least || length > SECRET_PASSWORD_MAX || !text_is_utf8(text, length)) {
        setup_note(running->notes, SETUP_PASSWORD_EMPTY, file,
                   arena_printf(running->arena, "%zu", least), NULL);
        return NULL;
    }
    const char *password = arena_copy_part(running->arena, text, length);
    secret_wipe(line, sizeof(line));
    return password;
}

static const char *new_key(struct arena *arena)
{
    unsigned char bytes[KEY_BYTES];
    char text[2 * KEY_BYTES + 1];

    if (secret_random(bytes, sizeof(bytes)) < 0)
        return NULL;
    for (size_t i = 0; i < KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    secret_wipe(bytes, sizeof(bytes));
    return arena_copy(arena, text);
}

/* A hash of the dashboard's password, unless the one that is there fits. */
static void hash_password(struct running *running, const char *password)
{
    const char *now = setup_variable(running->arena, running->found->environment.text,
                                     "HALL_ADMIN_PASSWORD_HASH");
    char hash[SECRET_HASH_SIZE];

    if (now && secret_verify_password(now, password, strlen(password)) == 0)
        return;
    const int error = secret_hash_password(password, strlen(password), hash);
    if (error < 0)
        setup_note(running->notes, SETUP_COMMAND, "hash-password", strerror(-error), NULL);
    else
        running->secrets.admin_hash = arena_copy(running->arena, hash);
}

static void read_secrets(struct running *running)
{
    struct setup_request *request = running->request;
    struct setup_answers *answers = &request->answers;

    running->secrets = (struct setup_secrets){.hall = "-",
                                              .operator= "-",
                                              .homeassistant = "-",
                                              .viewer = "-",
                                              .secret_key = new_key(running->arena),
                                              .api_key = new_key(running->arena)};
    if (request->password_file)
        answers->password = read_password(running, request->password_file, SETUP_PASSWORD_LEAST);
    if (request->broker_password_file)
        answers->broker_password = read_password(running, request->broker_password_file, 1);
    else if (setup_is_elsewhere(answers))
        answers->broker_password = getenv("HALL_MQTT_PASSWORD");
}

/* ---- a broker elsewhere ---- */

void setup_try_broker(struct arena *arena, const struct setup_request *request,
                      const struct setup_found *found, struct setup_notes *notes)
{
    const struct setup_answers *answers = &request->answers;
    const char *password = answers->broker_password;
    struct mqtt_broker broker = {0};
    char why[SETUP_WHY_SIZE] = "";

    if (!setup_is_elsewhere(answers) ||
        format_mqtt_url.parse(arena, answers->broker, &broker) != WORDING_NONE)
        return;
    broker.username = answers->user ? answers->user : "hall";
    broker.ca = answers->ca;
    if (!password)
        password = setup_variable(arena, found->environment.text, "HALL_MQTT_PASSWORD");
    if (!password)
        setup_note(notes, SETUP_BROKER_PASSWORD, answers->broker, broker.username, NULL);
    else if (!request->tools->try_broker(&broker, password, why))
        setup_note(notes, SETUP_BROKER_REFUSED, answers->broker, broker.username, why, NULL);
}

/* ---- afterwards ---- */

static struct config *load_config(const struct running *running)
{
    struct config *config = NULL;
    struct report report = {0};

    (void)config_load(running->found->domains.path, &config, &report);
    report_finish(&report);
    return config;
}

static const char *url_of(struct arena *arena, const struct sockaddr_in *listener)
{
    char address[INET_ADDRSTRLEN] = "127.0.0.1";

    if (listener->sin_addr.s_addr != htonl(INADDR_ANY))
        inet_ntop(AF_INET, &listener->sin_addr, address, sizeof(address));
    return arena_printf(arena, "http://%s:%u/", address, (unsigned)ntohs(listener->sin_port));
}

static void check_hall(struct running *running, const struct config *config)
{
    const struct setup_tools *tools = running->request->tools;
    const char *environment =
        setup_read(running->arena, running->found->environment.path, running->notes);
    const char *password = setup_variable(running->arena, environment, "HALL_MQTT_PASSWORD");
    const char *gateway = url_of(running->arena, &config->http.gateway[0]);
    char why[SETUP_WHY_SIZE] = "";

    if (!tools->wait_gateway(arena_printf(running->arena, "%shealthz", gateway), why))
        setup_note(running->notes, SETUP_GATEWAY_SILENT, gateway, why, NULL);
    else if (!tools->wait_hall(config, password, why))
        setup_note(running->notes, SETUP_HALL_SILENT, why, NULL);
    else
        setup_note(running->notes, SETUP_HALL_ANSWERS,
                   config->mqtt.broker.host ? config->mqtt.broker.host
                                            : config->mqtt.broker.unix_path,
                   NULL);
}

/* The sites of this run, else any: does the proxy bring them to Hall? */
static void check_sites(struct running *running, const struct config *config)
{
    const struct setup_answers *answers = &running->request->answers;
    const size_t n = answers->n_sites > 0 ? answers->n_sites : config->model.n_domains > 0;

    for (size_t i = 0; i < n && running->plan->proxy && running->notes->errors == 0; i++) {
        const char *proxy = running->plan->proxy->name;
        const char *site =
            answers->n_sites > 0 ? answers->sites[i].host : config->model.domains[0].name;
        char why[SETUP_WHY_SIZE] = "";

        if (running->request->tools->wait_site(site, config->proxy.tls, why))
            setup_note(running->notes, SETUP_SITE_ANSWERS, site, proxy, NULL);
        else if (why[0])
            setup_note(running->notes, SETUP_SITE_SILENT, site, proxy, why, NULL);
        else
            setup_note(running->notes, SETUP_SITE_ASTRAY, site, proxy, NULL);
    }
}

/* What to open and type next. */
static void say_next(struct running *running, const struct config *config)
{
    const char *environment =
        setup_read(running->arena, running->found->environment.path, running->notes);
    const struct sockaddr_in *last = &config->http.admin[config->http.n_admin - 1];

    setup_note(running->notes, SETUP_OPEN, url_of(running->arena, last), NULL);
    if (!setup_variable(running->arena, environment, "HALL_ADMIN_PASSWORD_HASH"))
        setup_note(running->notes, SETUP_NO_PASSWORD, NULL);
    for (size_t i = 0; i < running->request->answers.n_servers; i++)
        setup_note(running->notes, SETUP_ENROLL, running->request->answers.servers[i].id, NULL);
}

static void finish(struct running *running)
{
    struct config *config = load_config(running);

    if (config) {
        /* Else nothing was started; that was said. */
        if (access("/run/systemd/system", F_OK) == 0) {
            check_hall(running, config);
            check_sites(running, config);
        }
        say_next(running, config);
    }
    config_free(config);
}

/* ---- in order ---- */

static void plan(struct running *running)
{
    setup_plan(running->arena, &running->request->answers, running->found, &running->secrets,
               running->plan, running->notes);
}

/* With the passwords that were made, what is written is planned again. */
static bool carry_out(struct running *running)
{
    struct setup_plan *shown = arena_alloc(running->arena, 1, sizeof(*shown));

    if (!shown)
        return false;
    *shown = *running->plan;
    if (setup_make_users(running->arena, shown, &running->secrets, running->notes) < 0)
        return false;
    running->notes->n = 0;
    plan(running);
    if (running->notes->errors > 0 ||
        setup_apply(running->plan, running->found, running->notes) < 0)
        return false;
    finish(running);
    return running->notes->errors == 0;
}

static bool stop(struct running *running)
{
    setup_note(running->notes, SETUP_STOPPED, NULL);
    return false;
}

/* What is not given is asked for, unless something is wrong already. */
static bool ask(struct running *running)
{
    struct setup_request *request = running->request;

    if (running->notes->errors > 0 || request->yes || request->dry_run)
        return running->notes->errors == 0;
    plan(running);
    if (running->notes->errors > 0)
        return false;
    running->notes->n = 0;
    return ask_answers(running->arena, request, running->found, &running->secrets) || stop(running);
}

/* Everything that can be known to be wrong is told now. */
static bool check(struct running *running)
{
    const struct setup_answers *answers = &running->request->answers;

    if (answers->password)
        hash_password(running, answers->password);
    plan(running);
    if (running->notes->errors == 0)
        setup_try_broker(running->arena, running->request, running->found, running->notes);
    return running->notes->errors == 0;
}

static bool go(struct running *running)
{
    const struct setup_request *request = running->request;

    if (running->notes->errors > 0 ||
        setup_find(running->arena, running->found, running->notes) < 0)
        return false;
    read_secrets(running);
    setup_find_macs(running->found, &request->answers);
    if (!ask(running) || !check(running))
        return false;
    if (setup_plan_is_empty(running->plan)) {
        setup_note(running->notes, SETUP_NOTHING, NULL);
        return true;
    }
    setup_show(running->plan, request->language);
    say_notes(running);
    if (request->dry_run) {
        setup_note(running->notes, SETUP_DRY_RUN, NULL);
        return true;
    }
    if (!request->yes && !ask_consent(request->language))
        return stop(running);
    (void)signal(SIGINT, SIG_IGN); /* what has begun is finished */
    return carry_out(running);
}

bool setup_run(struct setup_request *request, struct setup_notes *notes)
{
    struct running running = {.request = request, .notes = notes, .arena = notes->arena};
    bool good = false;

    running.found = arena_alloc(notes->arena, 1, sizeof(*running.found));
    running.plan = arena_alloc(notes->arena, 1, sizeof(*running.plan));
    if (geteuid() != 0)
        setup_note(notes, SETUP_ROOT, NULL);
    else if (!request->yes && !request->dry_run && !isatty(STDIN_FILENO))
        setup_note(notes, SETUP_NO_TERMINAL, NULL);
    else if (running.found && running.plan)
        good = go(&running);
    say_notes(&running);
    return good && notes->errors == 0;
}
