#include "hallctl/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_DURATION, VALUE_NUMBER };

enum { SHOWN_MAX = 64, FIRST_CODE = 1000, DAY_MS = 86400000, HELP_COLUMN = 18 };

struct flag_row {
    const char *name;
    enum value_kind kind;
    const char *value; /* for the help */
    int64_t min, max;  /* of a number, or of a duration in ms */
    const char *help;
};

static const struct flag_row rows[FLAGS] = {
    [FLAG_HELP] = {"help", VALUE_NONE, NULL, 0, 0, "show this help"},
    [FLAG_BROKER] = {"broker", VALUE_TEXT, "URL", 0, 0,
                     "mqtt://HOST[:PORT], mqtts:// for TLS, or mqtt+unix:///PATH"},
    [FLAG_USER] = {"user", VALUE_TEXT, "NAME", 0, 0, "the user at the broker"},
    [FLAG_CA] = {"ca", VALUE_TEXT, "FILE", 0, 0, "the certificate authorities to trust"},
    [FLAG_BASE] = {"base", VALUE_TEXT, "TOPIC", 0, 0, "the first part of Hall's topics"},
    [FLAG_CONFIG] = {"config", VALUE_TEXT, "FILE", 0, 0, "Hall's own configuration, domains.json"},
    [FLAG_JSON] = {"json", VALUE_NONE, NULL, 0, 0, "JSON, for programs"},
    [FLAG_WAIT] = {"wait", VALUE_NONE, NULL, 0, 0, "wait until it is done, and show each stage"},
    [FLAG_FORCE] = {"force", VALUE_NONE, NULL, 0, 0, "override leases and vetoes"},
    [FLAG_FOR] = {"for", VALUE_DURATION, "DURATION", 1000, INT64_C(30) * DAY_MS,
                  "how long, such as 30m or 1h30m"},
    [FLAG_UNTIL] = {"until", VALUE_TEXT, "TIME", 0, 0, "18:00, or 2026-11-22T18:00:00Z"},
    [FLAG_REASON] = {"reason", VALUE_TEXT, "TEXT", 0, 0, "the reason to show"},
    [FLAG_BY] = {"by", VALUE_TEXT, "NAME", 0, 0, "who asks, for the log; default USER@HOST"},
    [FLAG_TIMEOUT] = {"timeout", VALUE_DURATION, "DURATION", 100, INT64_C(30) * DAY_MS,
                      "wait at most this long; then exit with status 4"},
    [FLAG_LIMIT] = {"limit", VALUE_NUMBER, "N", 1, 1000000, "at most this many"},
    [FLAG_MAC] = {"mac", VALUE_TEXT, "MAC", 0, 0, "the MAC that must answer there"},
    [FLAG_TCP] = {"tcp", VALUE_NUMBER, "PORT", 1, 65535, "also connect to this port"},
    [FLAG_HTTP] = {"http", VALUE_TEXT, "URL", 0, 0, "also request this page"},
    [FLAG_INTERFACE] = {"interface", VALUE_TEXT, "NAME", 0, 0,
                        "the network interface; enroll: the card of the server"},
    [FLAG_BROADCAST] = {"broadcast", VALUE_TEXT, "ADDRESS", 0, 0, "send to this address"},
    [FLAG_PORT] = {"port", VALUE_NUMBER, "PORT", 1, 65535,
                   "UDP port, default 9; enroll: TCP port, default 8885"},
    [FLAG_SECUREON] = {"secureon", VALUE_TEXT, "PASSWORD", 0, 0,
                       "as a MAC or an IPv4 address, 6 or 4 bytes"},
    [FLAG_SCAN] = {"scan", VALUE_TEXT, "NETWORK", 0, 0,
                   "first contact every address in it, such as 192.168.1.0/24"},
    [FLAG_PID] = {"pid", VALUE_NUMBER, "PID", 2, 1 << 22, "by a signal to this process"},
    [FLAG_ADMIN] = {"admin", VALUE_TEXT, "URL", 0, 0, "Hall's admin address"},
    [FLAG_SINCE] = {"since", VALUE_TEXT, "TIME", 0, 0,
                    "start at: 2h (ago), 18:00, or 2026-11-22T18:00:00Z"},
    [FLAG_DAYS] = {"days", VALUE_NUMBER, "N", 1, 400, "the last N days"},
    [FLAG_LISTEN] = {"listen", VALUE_TEXT, "ADDRESS:PORT", 0, 0,
                     "serve plain HTTP there (not Traefik), for a test; enroll: ADDRESS only"},
    [FLAG_FAIL_OPEN] = {"fail-open", VALUE_NONE, NULL, 0, 0,
                        "let visitors through while Hall does not answer"},
    [FLAG_FAIL_CLOSED] = {"fail-closed", VALUE_NONE, NULL, 0, 0,
                          "block visitors then; default: /proxy/fail_open"},
    [FLAG_SNIPPET] = {"snippet", VALUE_TEXT, "HOST", 0, 0,
                      "nginx: lines for an existing server block, as in Nginx Proxy Manager"},
    [FLAG_SWAG] = {"swag", VALUE_TEXT, "HOST", 0, 0, "nginx: this site's file for SWAG"},
    [FLAG_MIDDLEWARE] = {"middleware", VALUE_NONE, NULL, 0, 0,
                         "Traefik: middlewares only, for your own routers and labels"},
    [FLAG_CHECK] = {"check", VALUE_TEXT, "URL", 0, 0,
                    "Traefik: ask the API at URL which routers bypass Hall"},
    [FLAG_SERVER] = {"server", VALUE_TEXT, "ID=ADDRESS[,MAC]", 0, 0,
                     "a server; its MAC is looked up if it answers; repeatable"},
    [FLAG_SITE] = {"site", VALUE_TEXT, "HOST=SERVER,URL[,POLICY]", 0, 0,
                   "a site and its real address; repeatable"},
    [FLAG_PASSWORD_FILE] = {"password-file", VALUE_TEXT, "FILE", 0, 0,
                            "the dashboard's password; - reads it from stdin"},
    [FLAG_BROKER_PASSWORD_FILE] = {"broker-password-file", VALUE_TEXT, "FILE", 0, 0,
                                   "the password of Hall's user at a broker elsewhere"},
    [FLAG_PROXY] = {"proxy", VALUE_TEXT, "KIND", 0, 0, "nginx, caddy, traefik, haproxy or none"},
    [FLAG_HTTP_ONLY] = {"http-only", VALUE_NONE, NULL, 0, 0,
                        "the proxy serves plain HTTP, without certificates"},
    [FLAG_LANGUAGE] = {"language", VALUE_TEXT, "LANGUAGE", 0, 0, "en or fr, for Home Assistant"},
    [FLAG_YES] = {"yes", VALUE_NONE, NULL, 0, 0, "do it without asking"},
    [FLAG_DRY_RUN] = {"dry-run", VALUE_NONE, NULL, 0, 0, "show what would change, write nothing"},
    [FLAG_PRINT] = {"print", VALUE_NONE, NULL, 0, 0,
                    "write enroll-SERVER.sh instead, to copy there"},
    [FLAG_DOCKER] = {"docker", VALUE_NONE, NULL, 0, 0,
                     "let the agent manage containers; this equals root access"},
    [FLAG_MINUTES] = {"minutes", VALUE_NUMBER, "N", 1, 1440, "how long the line works, default 10"},
    [FLAG_URL] = {"url", VALUE_TEXT, "URL", 0, 0,
                  "where the agent reaches the broker; default: from its certificate"},
    [FLAG_DIR] = {"dir", VALUE_TEXT, "DIR", 0, 0,
                  "the broker's passwords and certificates, default /etc/mosquitto"},
    [FLAG_AGENTS] = {"agents", VALUE_TEXT, "DIR", 0, 0,
                     "the packages for servers, default /usr/share/hall/agents"},
    [FLAG_RELAY] = {"relay", VALUE_NONE, NULL, 0, 0, "install hall-wol there, as this relay"},
};

/* Of these each value counts, of others the last. */
static const uint64_t listed_flags = WITH(FLAG_SERVER) | WITH(FLAG_SITE);

/* What may stand before the verb: whoever keeps it in an alias wants it there. */
static const uint64_t early_flags = WITH(FLAG_HELP) | WITH_BROKER | WITH(FLAG_JSON);

bool call_has(const struct call *call, enum flag flag)
{
    return (call->given & WITH(flag)) != 0;
}

void call_give(struct call *call, int flag, const char *text)
{
    if (flag < 0)
        return;
    call->texts[flag] = text;
    call->given |= WITH(flag);
}

static bool takes(const struct verb *verb, unsigned flag)
{
    const uint64_t flags = verb ? verb->flags | WITH(FLAG_HELP) : early_flags;

    return (flags & WITH(flag)) != 0;
}

static const char *name_of(const struct verb *verb)
{
    return verb ? verb->name : "";
}

static const char *allowed_of(const struct flag_row *row, char *out, size_t size)
{
    char least[32], most[32];

    if (row->kind == VALUE_DURATION)
        snprintf(out, size, "a duration such as 90s, 30m or 1h30m, %s to %s",
                 duration_format(row->min, least, sizeof(least)),
                 duration_format(row->max, most, sizeof(most)));
    else if (row->kind == VALUE_NUMBER)
        snprintf(out, size, "a whole number, %lld to %lld", (long long)row->min,
                 (long long)row->max);
    else
        snprintf(out, size, "some text without control characters");
    return out;
}

static bool is_value(const struct flag_row *row, const char *text, int64_t *ret_number)
{
    switch (row->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_TEXT:
        return text[0] != '\0' && text_is_utf8(text, strlen(text)) && !text_has_control(text);
    case VALUE_DURATION:
        return duration_parse(text, ret_number) == 0 && *ret_number >= row->min &&
               *ret_number <= row->max;
    case VALUE_NUMBER:
        return number_parse(text, row->min, row->max, ret_number) == 0;
    }
    return false;
}

static int list(const struct verb *verb, unsigned flag, const char *text, struct call *call)
{
    if (call->n_listed == CALL_LISTED_MAX) {
        fprintf(stderr, "hallctl %s: --%s: found more than %d values; allowed: fewer at once\n",
                name_of(verb), rows[flag].name, CALL_LISTED_MAX);
        return -EINVAL;
    }
    call->listed[call->n_listed].flag = (enum flag)flag;
    call->listed[call->n_listed++].text = text;
    return 0;
}

static int take(const struct verb *verb, unsigned flag, const char *text, struct call *ret_call)
{
    const struct flag_row *row = &rows[flag];
    const char *value = text ? text : ""; /* none is taken */
    char shown[SHOWN_MAX], allowed[128];

    if (!is_value(row, value, &ret_call->numbers[flag])) {
        fprintf(stderr, "hallctl%s%s: --%s: found \"%s\"; allowed: %s\n", verb ? " " : "",
                name_of(verb), row->name, text_show(shown, sizeof(shown), value, strlen(value)),
                allowed_of(row, allowed, sizeof(allowed)));
        return -EINVAL;
    }
    call_give(ret_call, (int)flag, value);
    return (listed_flags & WITH(flag)) != 0 ? list(verb, flag, value, ret_call) : 0;
}

static int hint(const struct verb *verb)
{
    fprintf(stderr, "Try: hallctl%s%s --help\n", verb ? " " : "", name_of(verb));
    return -EINVAL;
}

/* `:` tells a missing value apart; the messages are our own. */
static int refuse_option(const struct verb *verb, int option, char *argv[])
{
    const bool apart = option >= FIRST_CODE && optarg && optarg == argv[optind - 1];

    const char *word = argv[optind - (apart ? 2 : 1)];

    fprintf(stderr, "hallctl%s%s: %s%.64s%s\n", verb ? " " : "", name_of(verb),
            option == ':' ? "" : "unknown option ", word, option == ':' ? " needs a value" : "");
    return hint(verb);
}

static int count_operands(const struct verb *verb, int n)
{
    if (n >= verb->least && n <= verb->most)
        return 0;
    fprintf(stderr, "hallctl %s: %s; usage: hallctl %s%s%s\n", verb->name,
            n < verb->least ? "too few arguments" : "too many arguments", verb->name,
            verb->operands[0] ? " " : "", verb->operands);
    return hint(verb);
}

/* getopt takes "--for" for "--force" where only that is known; nobody means that. */
static bool is_whole(unsigned flag, char *argv[])
{
    const bool apart = optarg && optarg == argv[optind - 1];
    const char *word = argv[optind - (apart ? 2 : 1)];
    const size_t length = strlen(rows[flag].name);

    return strncmp(word + 2, rows[flag].name, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

int arguments_read(const struct verb *verb, int argc, char *argv[], struct call *ret_call,
                   int *ret_next)
{
    struct option options[FLAGS + 1];
    int option;

    /* getopt's table of what is allowed here. */
    size_t n = 0;
    for (unsigned i = 0; i < FLAGS; i++)
        if (takes(verb, i))
            options[n++] = (struct option){
                rows[i].name, rows[i].kind == VALUE_NONE ? no_argument : required_argument, NULL,
                FIRST_CODE + (int)i};
    options[n] = (struct option){0};
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((option = getopt_long(argc, argv, verb ? ":h" : "+:h", options, NULL)) != -1) {
        int error = 0;

        if (option == 'h')
            ret_call->given |= WITH(FLAG_HELP);
        else if (option < FIRST_CODE || !is_whole((unsigned)(option - FIRST_CODE), argv))
            return refuse_option(verb, option, argv);
        else
            error = take(verb, (unsigned)(option - FIRST_CODE), optarg, ret_call);
        if (error < 0)
            return error;
    }
    *ret_next = optind;
    ret_call->verb = verb;
    ret_call->operands = argv + optind;
    ret_call->n_operands = argc - optind;
    return verb && !call_has(ret_call, FLAG_HELP) ? count_operands(verb, argc - optind) : 0;
}

void arguments_help(const struct verb *verb, FILE *out)
{
    fprintf(out, "Usage: hallctl %s%s%s [OPTION...]\n%c%s.\n", verb->name,
            verb->operands[0] ? " " : "", verb->operands, verb->summary[0] - 'a' + 'A',
            verb->summary + 1);
    if (verb->detail)
        fprintf(out, "\n%s", verb->detail);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < FLAGS; i++)
        if (takes(verb, i)) {
            char left[48];
            snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
                     rows[i].value ? rows[i].value : "");
            fprintf(out, "  %-*s %s\n", HELP_COLUMN, left, rows[i].help);
        }
}

int arguments_find(const char *word, const char **ret_value)
{
    const size_t length = strcspn(word, "=");

    *ret_value = NULL;
    for (unsigned i = 0; i < FLAGS && length > 2; i++)
        if (strlen(rows[i].name) == length - 2 && memcmp(rows[i].name, word + 2, length - 2) == 0) {
            *ret_value = rows[i].value;
            return (int)i;
        }
    return -1;
}

void arguments_list(const struct verb *verb, FILE *out)
{
    for (unsigned i = 0; i < FLAGS; i++)
        if (takes(verb, i))
            fprintf(out, "--%s\n", rows[i].name);
}
