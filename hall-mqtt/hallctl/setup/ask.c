#include "hallctl/setup/ask.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "hallctl/setup/network.h"
#include "secret/secret.h"

enum { LINE_SIZE = 4097 };

struct asking {
    struct arena *arena;
    struct setup_request *request;
    struct setup_answers *answers;
    struct setup_found *found;
    const struct setup_secrets *secrets;
    bool fresh;
    int interrupts; /* Ctrl-C, as a signalfd */
    sigset_t before;
    bool stopped; /* the terminal was closed, or Ctrl-C */
};

/* ---- the terminal ---- */

static void say(const struct asking *asking, enum setup_code code, const char *about,
                const char *end)
{
    const struct setup_note note = {.code = code, .values = {about}};

    setup_print(stdout, &note, asking->request->language);
    fputs(end, stdout);
    (void)fflush(stdout);
}

/* Whether a line can be read; false: Ctrl-C. It is never missed, whenever it comes. */
static bool wait_line(struct asking *asking)
{
    struct pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {asking->interrupts, POLLIN, 0}};

    while (poll(ready, ARRAY_SIZE(ready), -1) < 0)
        if (errno != EINTR)
            return false;
    return ready[1].revents == 0;
}

/* One line without blanks at its ends. A terminal gives one at a time. NULL: stopped. */
static const char *read_line(struct asking *asking)
{
    char line[LINE_SIZE];
    ssize_t n = 0;

    if (!asking->stopped && wait_line(asking))
        n = read(STDIN_FILENO, line, sizeof(line) - 1);
    asking->stopped = n <= 0;
    if (asking->stopped)
        return NULL;
    line[n] = '\0';
    char *from = line + strspn(line, " \t");
    size_t length = strlen(from);
    while (length > 0 && isspace((unsigned char)from[length - 1]))
        from[--length] = '\0';
    const char *copy = arena_copy(asking->arena, from);
    secret_wipe(line, sizeof(line));
    return copy;
}

/* Asks; an empty answer is the default. NULL: stopped. */
static const char *ask(struct asking *asking, enum setup_code question, const char *about,
                       const char *fallback)
{
    if (asking->stopped)
        return NULL;
    say(asking, question, about, "");
    printf(fallback && fallback[0] ? " [%s]: " : ": ", fallback);
    (void)fflush(stdout);
    const char *line = read_line(asking);
    return line && line[0] == '\0' ? (fallback ? fallback : "") : line;
}

static const char *ask_hidden(struct asking *asking, enum setup_code question, const char *about)
{
    struct termios before, silent;

    if (asking->stopped || tcgetattr(STDIN_FILENO, &before) < 0)
        return NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    say(asking, question, about, ": ");
    const char *line = read_line(asking);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    putchar('\n');
    return line;
}

/* ---- is it right? ---- */

static void say_errors(const struct asking *asking, const struct setup_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        if (setup_rows[notes->all[i].code].is_error) {
            setup_print(stdout, &notes->all[i], asking->request->language);
            putchar('\n');
        }
}

/* Would the plan take these answers? What is wrong is said. */
static bool is_accepted(struct asking *asking, const struct setup_answers *answers,
                        struct setup_notes *notes)
{
    struct setup_plan *plan = arena_alloc(asking->arena, 1, sizeof(*plan));

    if (plan && notes->errors == 0)
        setup_plan(asking->arena, answers, asking->found, asking->secrets, plan, notes);
    say_errors(asking, notes);
    return plan && notes->errors == 0;
}

/* Takes an answer if the plan takes it. */
static bool try(struct asking *asking,
                void (*take)(struct setup_answers *answers, const char *text,
                             struct setup_notes *notes),
                const char *text)
{
    struct setup_answers *trial = arena_alloc(asking->arena, 1, sizeof(*trial));
    struct setup_notes *notes = arena_alloc(asking->arena, 1, sizeof(*notes));

    if (!trial || !notes)
        return false;
    notes->arena = asking->arena;
    *trial = *asking->answers;
    take(trial, text, notes);
    setup_find_macs(asking->found, trial);
    if (!is_accepted(asking, trial, notes))
        return false;
    *asking->answers = *trial;
    return true;
}

/* ---- single answers ---- */

static void take_interface(struct setup_answers *answers, const char *text,
                           struct setup_notes *notes)
{
    (void)notes;
    answers->interface = text;
}

static void take_broker(struct setup_answers *answers, const char *text, struct setup_notes *notes)
{
    (void)notes;
    answers->broker = text;
}

static void take_language(struct setup_answers *answers, const char *text,
                          struct setup_notes *notes)
{
    (void)notes;
    answers->language = text;
}

static void take_proxy(struct setup_answers *answers, const char *text, struct setup_notes *notes)
{
    (void)notes;
    answers->proxy = text;
}

static bool is_yes(const char *text)
{
    return strchr("yYoO", text[0]) && text[0] != '\0';
}

static const char *yes_in(enum say_language language)
{
    return language == SAY_FRENCH ? "oui" : "yes";
}

static void take_https(struct setup_answers *answers, const char *text, struct setup_notes *notes)
{
    (void)notes;
    answers->http_only = !is_yes(text);
}

static bool wants_interface(const struct asking *asking)
{
    return !asking->answers->interface && asking->found->n_interfaces > 1;
}

static const char *first_interface(const struct asking *asking)
{
    return asking->found->interfaces[0].name;
}

static bool wants_broker(const struct asking *asking)
{
    return !asking->answers->broker && asking->fresh;
}

static const char *local_broker(const struct asking *asking)
{
    (void)asking;
    return "local";
}

static bool wants_language(const struct asking *asking)
{
    return !asking->answers->language && asking->fresh;
}

static const char *own_language(const struct asking *asking)
{
    return asking->request->language == SAY_FRENCH ? "fr" : "en";
}

static bool wants_proxy(const struct asking *asking)
{
    return !asking->answers->proxy && asking->answers->n_sites > 0;
}

static const char *installed_proxy(const struct asking *asking)
{
    for (size_t i = 0; i < PROXY_PLACES; i++)
        if (asking->found->proxies[i].installed)
            return proxy_places[i].name;
    return "none";
}

static const struct question {
    enum setup_code text;
    bool (*is_wanted)(const struct asking *asking);
    const char *(*fallback)(const struct asking *asking);
    void (*take)(struct setup_answers *answers, const char *text, struct setup_notes *notes);
} first_questions[] = {
    {SETUP_ASK_INTERFACE, wants_interface, first_interface, take_interface},
    {SETUP_ASK_BROKER, wants_broker, local_broker, take_broker},
    {SETUP_ASK_LANGUAGE, wants_language, own_language, take_language},
};

static void ask_one(struct asking *asking, const struct question *question)
{
    const char *line = NULL;

    if (question->is_wanted && !question->is_wanted(asking))
        return;
    do
        line = ask(asking, question->text, NULL, question->fallback(asking));
    while (line && !try(asking, question->take, line));
}

/* ---- a broker elsewhere: who Hall is there ---- */

static bool is_let_in(struct asking *asking)
{
    struct setup_notes *notes = arena_alloc(asking->arena, 1, sizeof(*notes));

    if (!notes)
        return false;
    notes->arena = asking->arena;
    setup_try_broker(asking->arena, asking->request, asking->found, notes);
    say_errors(asking, notes);
    return notes->errors == 0;
}

static void ask_access(struct asking *asking)
{
    struct setup_answers *answers = asking->answers;
    const char *broker = answers->broker;
    const bool known =
        setup_variable(asking->arena, asking->found->environment.text, "HALL_MQTT_PASSWORD");

    if (!setup_is_elsewhere(answers) || answers->broker_password || known)
        return;
    do {
        answers->user = ask(asking, SETUP_ASK_USER, broker, answers->user ? answers->user : "hall");
        if (strncmp(broker, "mqtts:", strlen("mqtts:")) == 0)
            answers->ca = ask(asking, SETUP_ASK_CA, broker, answers->ca);
        answers->ca = answers->ca && answers->ca[0] ? answers->ca : NULL;
        answers->broker_password = ask_hidden(asking, SETUP_ASK_BROKER_PASSWORD, answers->user);
        if (!answers->broker_password || !answers->broker_password[0])
            answers->broker_password = NULL;
    } while (answers->broker_password && !is_let_in(asking));
}

/* ---- the proxy: with HTTPS or without, both are one answer to the plan ---- */

static const char *take_with;

static void take_proxy_whole(struct setup_answers *answers, const char *text,
                             struct setup_notes *notes)
{
    take_proxy(answers, text, notes);
    if (take_with)
        take_https(answers, take_with, notes);
}

static void ask_proxy(struct asking *asking)
{
    const char *name = NULL;

    if (!wants_proxy(asking))
        return;
    do {
        name = ask(asking, SETUP_ASK_PROXY, NULL, installed_proxy(asking));
        const bool real = name && proxy_place_named(name);
        take_with = real && !asking->answers->http_only
                        ? ask(asking, SETUP_ASK_HTTPS, NULL, yes_in(asking->request->language))
                        : NULL;
    } while (!asking->stopped && name && !try(asking, take_proxy_whole, name));
}

/* ---- servers and sites ---- */

static void show_neighbours(struct asking *asking)
{
    struct setup_found *found = asking->found;
    const char *name = asking->answers->interface;
    const struct setup_interface *interface =
        name ? setup_interface_named(found, name) : &found->interfaces[0];
    char address[INET_ADDRSTRLEN], mac[MAC_TEXT_SIZE];

    if (!interface)
        return;
    say(asking, SETUP_ASK_SCAN, interface->name, "\n");
    network_scan(found, interface);
    for (size_t i = 0; i < found->n_neighbours; i++) {
        const struct setup_neighbour *one = &found->neighbours[i];
        if (setup_interface_of(found, one->address) == interface)
            printf("  %-15s  %s\n", inet_ntop(AF_INET, &one->address, address, sizeof(address)),
                   text_format_mac(one->mac, mac));
    }
}

/* False: end of input, or interrupted. */
static bool ask_server(struct asking *asking)
{
    const char *id = ask(asking, SETUP_ASK_SERVER, NULL, NULL);

    if (!id || id[0] == '\0')
        return false;
    const char *address = ask(asking, SETUP_ASK_ADDRESS, id, NULL);
    const char *mac = address ? ask(asking, SETUP_ASK_MAC, id, NULL) : NULL;
    if (mac)
        (void)try(asking, setup_take_server,
                  arena_printf(asking->arena, "%s=%s%s%s", id, address, mac[0] ? "," : "", mac));
    return !asking->stopped;
}

/* The last server that was named, for the first questions about a site. */
static const struct setup_server *last_server(const struct asking *asking)
{
    const struct setup_answers *answers = asking->answers;

    return answers->n_servers > 0 ? &answers->servers[answers->n_servers - 1] : NULL;
}

static bool ask_site(struct asking *asking)
{
    const struct setup_server *last = last_server(asking);
    const char *host = ask(asking, SETUP_ASK_SITE, NULL, NULL);

    if (!host || host[0] == '\0')
        return false;
    const char *server = ask(asking, SETUP_ASK_SITE_SERVER, host, last ? last->id : NULL);
    const char *where = last ? arena_printf(asking->arena, "http://%s:80", last->address) : NULL;
    const char *url = server ? ask(asking, SETUP_ASK_SITE_URL, host, where) : NULL;
    const char *policy = url ? ask(asking, SETUP_ASK_SITE_POLICY, host, "on_demand") : NULL;
    if (policy)
        (void)try(asking, setup_take_site,
                  arena_printf(asking->arena, "%s=%s,%s,%s", host, server, url, policy));
    return !asking->stopped;
}

/* ---- the password ---- */

static void ask_password(struct asking *asking)
{
    const bool known =
        setup_variable(asking->arena, asking->found->environment.text, "HALL_ADMIN_PASSWORD_HASH");

    while (!known && !asking->answers->password && !asking->stopped) {
        const char *first = ask_hidden(asking, SETUP_ASK_PASSWORD, NULL);
        if (!first || first[0] == '\0')
            return;
        const char *second = ask_hidden(asking, SETUP_ASK_AGAIN, NULL);
        if (!second)
            return;
        if (strcmp(first, second) != 0)
            say(asking, SETUP_ASK_DIFFERENT, NULL, "\n");
        else if (strlen(first) < SETUP_PASSWORD_LEAST)
            say(asking, SETUP_ASK_SHORT, NULL, "\n");
        else
            asking->answers->password = first;
    }
}

/* ---- in order ---- */

static void ask_all(struct asking *asking)
{
    for (size_t i = 0; i < ARRAY_SIZE(first_questions); i++)
        ask_one(asking, &first_questions[i]);
    ask_access(asking);
    if (asking->answers->n_servers == 0 && !asking->stopped) {
        show_neighbours(asking);
        while (ask_server(asking))
            continue;
    }
    if (asking->answers->n_sites == 0)
        while (!asking->stopped && ask_site(asking))
            continue;
    if (!asking->stopped)
        ask_proxy(asking);
    if (!asking->stopped)
        ask_password(asking);
}

static void begin(struct asking *asking)
{
    sigset_t interrupt;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &asking->before);
    asking->interrupts = signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
    asking->stopped = asking->interrupts < 0;
}

/* What was pressed is taken, so that it ends nothing later. */
static void end(struct asking *asking)
{
    struct signalfd_siginfo info;

    if (asking->interrupts >= 0) {
        while (read(asking->interrupts, &info, sizeof(info)) > 0)
            continue;
        (void)close(asking->interrupts);
    }
    sigprocmask(SIG_SETMASK, &asking->before, NULL);
    if (asking->stopped)
        putchar('\n');
}

bool ask_answers(struct arena *arena, struct setup_request *request, struct setup_found *found,
                 const struct setup_secrets *secrets)
{
    struct asking asking = {.arena = arena,
                            .request = request,
                            .answers = &request->answers,
                            .found = found,
                            .secrets = secrets,
                            .fresh = setup_is_fresh(found)};

    begin(&asking);
    say(&asking, SETUP_ASK_INTRO, NULL, "\n");
    ask_all(&asking);
    end(&asking);
    return !asking.stopped;
}

bool ask_consent(enum say_language language)
{
    struct setup_request request = {.language = language};
    struct arena *arena = arena_create();
    struct asking asking = {.arena = arena, .request = &request};

    if (!arena)
        return false;
    begin(&asking);
    const char *line = ask(&asking, SETUP_ASK_WRITE, NULL, yes_in(language));
    const bool agreed = line && is_yes(line);
    end(&asking);
    arena_destroy(arena);
    return agreed;
}
