#include "hallctl/script.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

enum {
    WORDS_MAX = 48,
    ERRORS_SHOWN = 100,
    FOUND_SIZE = 64,
    ALLOWED_SIZE = 320,
    YEAR_LEAST = 2000,
    YEAR_MOST = 2100,
    LOST_MOST = 1000,
    ARGUMENTS_MAX = 2,
};
static const int64_t second = 1000, hour = 3600000, day = 86400000;

/* The script as it is read: where it is, and the event in the making. */
struct reading {
    const struct script_place *place;
    struct script *script;
    struct buf *errors;
    size_t n_errors, room;
    unsigned line;
    char text[SCRIPT_LINE_MAX + 1]; /* its words, each ended by NUL */
    size_t n_words, at;
    const char *words[WORDS_MAX];
    unsigned clauses; /* those that were read */
    struct script_event event;
};

static bool refuse(struct reading *reading, const char *found, const char *allowed)
{
    char shown[FOUND_SIZE];

    if (reading->n_errors++ < ERRORS_SHOWN)
        buf_printf(reading->errors, "%s:%u: found %s%s%s; allowed: %s\n", reading->place->file,
                   reading->line, found ? "\"" : "",
                   found ? text_show(shown, sizeof(shown), found, strlen(found)) : "nothing more",
                   found ? "\"" : "", allowed);
    return false;
}

static const char *peek(const struct reading *reading)
{
    return reading->at < reading->n_words ? reading->words[reading->at] : NULL;
}

static const char *take(struct reading *reading)
{
    const char *word = peek(reading);

    reading->at += word ? 1 : 0;
    return word;
}

/* Names that exist, for an error: as many as there is room for. */
typedef const char *name_of(const struct model *model, size_t index);

static bool refuse_name(struct reading *reading, const char *found, name_of *name, size_t n)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < n && used < sizeof(allowed) - SLUG_MAX; i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%.60s",
                                 i > 0 ? ", " : "", name(reading->place->model, i));
    return refuse(reading, found, allowed[0] ? allowed : "nothing, for there is none");
}

static const char *server_name(const struct model *model, size_t index)
{
    return model->servers[index].id;
}

static const char *domain_name(const struct model *model, size_t index)
{
    return model->domains[index].name;
}

/* ---- dates and times ---- */

/* Exactly so many digits within [least, most]. */
static bool take_digits(const char **at, int digits, int least, int most, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        const char c = (*at)[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (value < least || value > most)
        return false;
    *at += digits;
    *ret = value;
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool read_date(const char *at, struct tm *parts)
{
    int year, month, of_month;

    if (!take_digits(&at, 4, YEAR_LEAST, YEAR_MOST, &year) || !take_char(&at, '-') ||
        !take_digits(&at, 2, 1, 12, &month) || !take_char(&at, '-') ||
        !take_digits(&at, 2, 1, clock_days_in_month(year, month), &of_month) || *at != '\0')
        return false;
    parts->tm_year = year - 1900;
    parts->tm_mon = month - 1;
    parts->tm_mday = of_month;
    return true;
}

/* "+01:00" behind a time tells which of two it is, in the hour that is shown twice. */
static bool take_offset(const char **at, bool *ret_given, int *ret_seconds)
{
    const bool west = **at == '-';
    int hours, minutes;

    *ret_given = west || **at == '+';
    if (!*ret_given)
        return true;
    (*at)++;
    if (!take_digits(at, 2, 0, 14, &hours) || !take_char(at, ':') ||
        !take_digits(at, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

struct time_read {
    struct tm parts;
    bool offset_given;
    int offset;
};

static bool read_time(const char *at, struct time_read *time)
{
    struct tm *parts = &time->parts;

    parts->tm_sec = 0;
    return take_digits(&at, 2, 0, 23, &parts->tm_hour) && take_char(&at, ':') &&
           take_digits(&at, 2, 0, 59, &parts->tm_min) &&
           (!take_char(&at, ':') || take_digits(&at, 2, 0, 59, &parts->tm_sec)) &&
           take_offset(&at, &time->offset_given, &time->offset) && *at == '\0';
}

static int64_t instant(const struct local *local, const struct time_read *time, bool *ret_skipped)
{
    struct tm parts = time->parts;

    if (!time->offset_given)
        return local_instant(local, &parts, ret_skipped);
    *ret_skipped = false;
    return ((int64_t)timegm(&parts) - time->offset) * 1000;
}

int script_parse_date(const struct local *local, const char *text, int64_t *ret_at)
{
    struct time_read time = {0};
    bool skipped;

    if (!read_date(text, &time.parts))
        return -EINVAL;
    *ret_at = instant(local, &time, &skipped);
    return 0;
}

static const char allowed_date[] = "a date such as 2026-03-28";
static const char allowed_time[] = "a time such as 09:00, 09:00:30 or 02:30+01:00";

static bool read_when(struct reading *reading)
{
    struct time_read time = {0};
    const char *date = take(reading);
    const char *clock = take(reading);

    if (!read_date(date, &time.parts))
        return refuse(reading, date, allowed_date);
    if (!clock || !read_time(clock, &time))
        return refuse(reading, clock, allowed_time);
    reading->event.at = instant(reading->place->local, &time, &reading->event.skipped);
    return true;
}

/* ---- what stands behind a verb ---- */

typedef bool reader(struct reading *reading);

static bool read_duration(struct reading *reading, int64_t least, int64_t most, int64_t *ret)
{
    const char *word = take(reading);
    char allowed[64], from[24], to[24];
    int64_t ms;

    if (word && duration_parse(word, &ms) == 0 && ms >= least && ms <= most) {
        *ret = ms;
        return true;
    }
    snprintf(allowed, sizeof(allowed), "a duration such as 30m, %s to %s",
             duration_format(least, from, sizeof(from)), duration_format(most, to, sizeof(to)));
    return refuse(reading, word, allowed);
}

/* Printable, and short enough to be kept whole. */
static bool read_text(struct reading *reading, char *target, size_t size)
{
    const char *word = take(reading);
    char allowed[64];

    snprintf(allowed, sizeof(allowed), "1 to %zu bytes of text", size - 1);
    if (!word || word[0] == '\0' || strlen(word) >= size)
        return refuse(reading, word, allowed);
    text_copy(target, size, word);
    return true;
}

static bool read_server(struct reading *reading)
{
    const struct model *model = reading->place->model;
    const char *word = take(reading);

    reading->event.server = word ? model_server_by_id(model, word) : MODEL_NONE;
    if (reading->event.server == MODEL_NONE)
        return refuse_name(reading, word, server_name, model->n_servers);
    return true;
}

/* "testing.audit-io.fr/client1": a host, and a path below it. */
static bool read_site(struct reading *reading)
{
    const struct model *model = reading->place->model;
    const char *word = take(reading);
    const size_t length = word ? strcspn(word, "/") : 0;
    char host[256];
    int domain = MODEL_NONE;

    if (word && length < sizeof(host)) {
        snprintf(host, sizeof(host), "%.*s", (int)length, word);
        domain = model_domain_by_host(model, host);
    }
    if (domain == MODEL_NONE)
        return refuse_name(reading, word, domain_name, model->n_domains);
    reading->event.site = model_site_for_path(model, domain, word[length] ? word + length : "/");
    reading->event.server = model->sites[reading->event.site].server;
    return true;
}

static bool read_hold_name(struct reading *reading)
{
    const char *word = take(reading);

    if (!word || !text_is_slug(word))
        return refuse(reading, word, "a name of 1 to 64 characters a-z, 0-9, _ and -");
    text_copy(reading->event.command.name, sizeof(reading->event.command.name), word);
    return true;
}

static bool read_policy(struct reading *reading)
{
    struct command *command = &reading->event.command;
    const char *word = take(reading);

    command->policy_configured = text_equal(word, "configured");
    if (!command->policy_configured && (!word || !policy_mode_from_name(word, &command->policy)))
        return refuse(reading, word, "always_on, scheduled, on_demand, configured");
    return true;
}

static bool read_idle(struct reading *reading)
{
    int64_t ms = 0;

    if (!read_duration(reading, 60 * second, 7 * day, &ms))
        return false;
    reading->event.command.minutes = (int)(ms / (60 * second));
    return true;
}

static bool read_switch(struct reading *reading)
{
    const char *word = take(reading);

    reading->event.command.on = text_equal(word, "on");
    if (!reading->event.command.on && !text_equal(word, "off"))
        return refuse(reading, word, "on, off");
    return true;
}

static bool read_veto(struct reading *reading)
{
    return read_text(reading, reading->event.reason, 128);
}

static bool read_count(struct reading *reading)
{
    const char *word = take(reading);
    int64_t count = 0;
    char allowed[32];

    snprintf(allowed, sizeof(allowed), "a number, 0 to %d", LOST_MOST);
    if (!word || number_parse(word, 0, LOST_MOST, &count) < 0)
        return refuse(reading, word, allowed);
    reading->event.count = (int)count;
    return true;
}

static bool read_boot(struct reading *reading)
{
    return read_duration(reading, second, hour, &reading->event.duration);
}

static bool read_shift(struct reading *reading)
{
    const char *word = take(reading);
    int64_t ms = 0;

    if (!word || (word[0] != '+' && word[0] != '-') || duration_parse(word + 1, &ms) < 0 ||
        ms > 366 * day)
        return refuse(reading, word, "+ or - and a duration of at most 366d, such as +3h");
    reading->event.duration = word[0] == '-' ? -ms : ms;
    return true;
}

/* ---- clauses: words that may follow in any order ---- */

enum clause {
    CLAUSE_FROM = 1,
    CLAUSE_BY = 2,
    CLAUSE_FOR = 4,
    CLAUSE_BECAUSE = 8,
    CLAUSE_FORCE = 16,
    CLAUSE_EVERY = 32,
    CLAUSE_UNTIL = 64,
};

static bool read_from(struct reading *reading)
{
    const char *word = take(reading);
    struct in_addr address;

    if (!word || text_parse_ipv4(word, &address) < 0)
        return refuse(reading, word, "an IPv4 address such as 192.168.1.50");
    text_copy(reading->event.from, sizeof(reading->event.from), word);
    return true;
}

static bool read_by(struct reading *reading)
{
    return read_text(reading, reading->event.command.by, sizeof(reading->event.command.by));
}

static bool read_for(struct reading *reading)
{
    int64_t ms = 0;

    if (!read_duration(reading, second, 30 * day, &ms))
        return false;
    reading->event.command.lasts = ms;
    reading->event.duration = ms;
    return true;
}

/* The rest of the line. */
static bool read_because(struct reading *reading)
{
    char rest[SCRIPT_LINE_MAX + 1] = "";
    size_t used = 0;

    for (; peek(reading); reading->at++)
        used += (size_t)snprintf(rest + used, sizeof(rest) - used, "%s%s", used > 0 ? " " : "",
                                 peek(reading));
    reading->words[reading->n_words++] = rest;
    return read_text(reading, reading->event.command.reason,
                     sizeof(reading->event.command.reason));
}

static bool read_force(struct reading *reading)
{
    reading->event.command.force = true;
    return true;
}

static bool read_every(struct reading *reading)
{
    return read_duration(reading, second, 366 * day, &reading->event.every);
}

/* A time alone is the next one after the event's own. */
static bool read_until(struct reading *reading)
{
    const struct local *local = reading->place->local;
    struct time_read time = {.parts = local_show(local, reading->event.at)};
    const char *word = take(reading);
    const bool dated = word && strlen(word) == sizeof("2026-03-28") - 1 && word[4] == '-';
    bool skipped;

    if (dated && !read_date(word, &time.parts))
        return refuse(reading, word, allowed_date);
    if (dated)
        word = take(reading);
    if (!word || !read_time(word, &time))
        return refuse(reading, word, allowed_time);
    reading->event.until = instant(local, &time, &skipped);
    if (!dated && reading->event.until <= reading->event.at) {
        time.parts.tm_mday++;
        reading->event.until = instant(local, &time, &skipped);
    }
    if (reading->event.until <= reading->event.at)
        return refuse(reading, word, "a time after the first event");
    return true;
}

static const struct {
    const char *word;
    enum clause clause;
    reader *read;
} clauses[] = {
    {"from", CLAUSE_FROM, read_from},    {"by", CLAUSE_BY, read_by},
    {"for", CLAUSE_FOR, read_for},       {"force", CLAUSE_FORCE, read_force},
    {"every", CLAUSE_EVERY, read_every}, {"until", CLAUSE_UNTIL, read_until},
    {"because", CLAUSE_BECAUSE, read_because},
};
enum { CLAUSES = sizeof(clauses) / sizeof(clauses[0]) };

/* ---- verbs ---- */

static const struct form {
    const char *verb;
    enum script_kind kind;
    enum command_action action; /* with SCRIPT_COMMAND */
    reader *arguments[ARGUMENTS_MAX];
    unsigned allowed, required; /* clauses */
    const char *usage;
    const char *meaning;
} forms[] = {
    {"visit", SCRIPT_VISIT, 0, {read_site}, CLAUSE_FROM, 0,
     "HOST[/PATH] [from ADDRESS]", "a visitor wants the site, and waits until it is there"},
    {"wake", SCRIPT_COMMAND, COMMAND_WAKE, {read_server}, CLAUSE_BY | CLAUSE_FOR | CLAUSE_FORCE, 0,
     "SERVER [by WHO] [for DURATION] [force]", "a wake command"},
    {"sleep", SCRIPT_COMMAND, COMMAND_SLEEP, {read_server}, CLAUSE_BY | CLAUSE_FORCE, 0,
     "SERVER [by WHO] [force]", "a sleep command"},
    {"restart", SCRIPT_COMMAND, COMMAND_RESTART, {read_server}, CLAUSE_BY | CLAUSE_FORCE, 0,
     "SERVER [by WHO] [force]", "a restart command"},
    {"cancel", SCRIPT_COMMAND, COMMAND_CANCEL, {read_server}, CLAUSE_BY, 0,
     "SERVER [by WHO]", "calls the wake under way off"},
    {"hold", SCRIPT_COMMAND, COMMAND_HOLD, {read_server, read_hold_name},
     CLAUSE_FOR | CLAUSE_BY | CLAUSE_BECAUSE, CLAUSE_FOR,
     "SERVER NAME for DURATION [by WHO] [because REASON]", "keeps the server awake"},
    {"release", SCRIPT_COMMAND, COMMAND_RELEASE, {read_server, read_hold_name}, CLAUSE_BY, 0,
     "SERVER NAME [by WHO]", "ends that hold"},
    {"policy", SCRIPT_COMMAND, COMMAND_POLICY, {read_server, read_policy}, CLAUSE_BY, 0,
     "SERVER MODE [by WHO]", "always_on, scheduled, on_demand, or configured"},
    {"idle", SCRIPT_COMMAND, COMMAND_IDLE, {read_server, read_idle}, CLAUSE_BY, 0,
     "SERVER DURATION [by WHO]", "how long it stays awake after the last use"},
    {"keep-awake", SCRIPT_COMMAND, COMMAND_KEEP_AWAKE, {read_server, read_switch}, CLAUSE_BY, 0,
     "SERVER on|off [by WHO]", "a hold without end"},
    {"crash", SCRIPT_CRASH, 0, {read_server}, 0, 0,
     "SERVER", "it loses power; the next magic packet boots it"},
    {"veto", SCRIPT_VETO, 0, {read_server, read_veto}, CLAUSE_FOR, CLAUSE_FOR,
     "SERVER REASON for DURATION", "its agent refuses to sleep"},
    {"lost-packets", SCRIPT_LOST_PACKETS, 0, {read_server, read_count}, 0, 0,
     "SERVER NUMBER", "so many of the next magic packets do not reach it"},
    {"boot", SCRIPT_BOOT, 0, {read_server, read_boot}, 0, 0,
     "SERVER DURATION", "how long it takes from a packet until its sites answer"},
    {"restart-hall", SCRIPT_RESTART_HALL, 0, {NULL}, 0, 0,
     "", "Hall itself restarts, and goes on from its store"},
    {"clock", SCRIPT_CLOCK, 0, {read_shift}, 0, 0,
     "+DURATION|-DURATION", "Hall's clock is set forward or back"},
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

void script_print_verbs(FILE *out)
{
    for (size_t i = 0; i < FORMS; i++)
        fprintf(out, "  %s %s\n      %s\n", forms[i].verb, forms[i].usage, forms[i].meaning);
}

static bool refuse_verb(struct reading *reading, const char *found)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < FORMS && used < sizeof(allowed); i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
                                 forms[i].verb);
    return refuse(reading, found, allowed);
}

static const struct form *find_form(const char *verb)
{
    for (size_t i = 0; verb && i < FORMS; i++)
        if (strcmp(forms[i].verb, verb) == 0)
            return &forms[i];
    return NULL;
}

/* The clauses that are still open, as an error names them. */
static bool refuse_clause(struct reading *reading, const char *found, unsigned open)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < CLAUSES; i++)
        if (open & clauses[i].clause)
            used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
                                     used > 0 ? ", " : "", clauses[i].word);
    return refuse(reading, found, allowed[0] ? allowed : "nothing more");
}

static bool read_clause(struct reading *reading, unsigned allowed)
{
    const unsigned open = allowed & ~reading->clauses;
    const char *word = peek(reading);

    for (size_t i = 0; i < CLAUSES; i++) {
        if (strcmp(clauses[i].word, word) != 0 || !(open & clauses[i].clause))
            continue;
        reading->at++;
        reading->clauses |= clauses[i].clause;
        return clauses[i].read(reading);
    }
    return refuse_clause(reading, word, open);
}

static bool read_clauses(struct reading *reading, const struct form *form)
{
    const unsigned allowed = form->allowed | CLAUSE_EVERY | CLAUSE_UNTIL;

    while (peek(reading))
        if (!read_clause(reading, allowed))
            return false;
    if (form->required & ~reading->clauses)
        return refuse_clause(reading, NULL, form->required & ~reading->clauses);
    if ((reading->clauses & CLAUSE_UNTIL) && !(reading->clauses & CLAUSE_EVERY))
        return refuse(reading, "until", "it only behind every DURATION");
    return true;
}

static bool read_event(struct reading *reading)
{
    reading->event = (struct script_event){
        .line = reading->line, .site = MODEL_NONE, .server = MODEL_NONE, .until = INT64_MAX};
    reading->event.command.site = MODEL_NONE;
    reading->clauses = 0;
    if (!read_when(reading))
        return false;
    const char *verb = take(reading);
    const struct form *form = find_form(verb);
    if (!form)
        return refuse_verb(reading, verb);
    reading->event.kind = form->kind;
    reading->event.command.action = form->action;
    for (size_t i = 0; i < ARGUMENTS_MAX && form->arguments[i]; i++)
        if (!form->arguments[i](reading))
            return false;
    return read_clauses(reading, form);
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* Ends the word that begins here; where the next one may begin. NULL: a quote is not closed. */
static char *end_word(char *at, const char **ret_word)
{
    const bool quoted = *at == '"';
    char *end;

    *ret_word = quoted ? at + 1 : at;
    if (quoted) {
        end = strchr(at + 1, '"');
        if (!end)
            return NULL;
    } else {
        for (end = at; *end && !is_blank(*end);)
            end++;
    }
    if (*end)
        *end++ = '\0';
    return end;
}

/* The event as it was written, without date and time. */
static void show_event(struct reading *reading)
{
    size_t used = 0;
    char *out = reading->event.shown;

    out[0] = '\0';
    for (size_t i = 2; i < reading->n_words && used < SCRIPT_SHOWN_SIZE; i++)
        used += (size_t)snprintf(out + used, SCRIPT_SHOWN_SIZE - used, "%s%s", i > 2 ? " " : "",
                                 reading->words[i]);
}

static bool split(struct reading *reading)
{
    char *at = skip_blanks(reading->text);

    reading->n_words = reading->at = 0;
    while (*at && *at != '#') {
        if (reading->n_words == WORDS_MAX - 1) /* one is kept for `because` */
            return refuse(reading, at, "no more words on one line");
        at = end_word(at, &reading->words[reading->n_words++]);
        if (!at)
            return refuse(reading, reading->words[reading->n_words - 1] - 1, "a closing \"");
        at = skip_blanks(at);
    }
    return true;
}

static bool keep_event(struct reading *reading)
{
    struct script *script = reading->script;

    if (script->n_events == SCRIPT_EVENTS_MAX)
        return refuse(reading, "one more event", "10000 events in one script");
    if (script->n_events == reading->room) {
        reading->room = reading->room ? 2 * reading->room : 16;
        struct script_event *events =
            realloc(script->events, reading->room * sizeof(*script->events));
        if (!events)
            return refuse(reading, "one more event", "as many as there is memory for");
        script->events = events;
    }
    script->events[script->n_events++] = reading->event;
    return true;
}

static void read_line(struct reading *reading, const char *line, size_t length)
{
    reading->line++;
    if (length > SCRIPT_LINE_MAX) {
        refuse(reading, "a longer line", "512 bytes");
        return;
    }
    memcpy(reading->text, line, length);
    reading->text[length] = '\0';
    if (length > 0 && reading->text[length - 1] == '\r')
        reading->text[length - 1] = '\0';
    for (char *c = reading->text; *c; c++)
        *c = *c == '\t' ? ' ' : *c;
    if (!text_is_utf8(line, length) || text_has_control(reading->text)) {
        refuse(reading, reading->text, "printable UTF-8");
        return;
    }
    if (!split(reading) || reading->n_words == 0)
        return;
    show_event(reading);
    char shown[SCRIPT_SHOWN_SIZE];
    text_copy(shown, sizeof(shown), reading->event.shown);
    if (!read_event(reading))
        return;
    text_copy(reading->event.shown, sizeof(reading->event.shown), shown);
    keep_event(reading);
}

static int parse(struct reading *reading, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end ? (size_t)(end - text) - at : length - at;

        read_line(reading, text + at, line);
        at += line + 1;
    }
    if (reading->n_errors > ERRORS_SHOWN)
        buf_printf(reading->errors, "%s: %zu more errors\n", reading->place->file,
                   reading->n_errors - ERRORS_SHOWN);
    return reading->n_errors > 0 ? -EINVAL : 0;
}

int script_parse(const struct script_place *place, const char *text, size_t length,
                 struct script *ret_script, struct buf *errors)
{
    struct script script = {.file = place->file};
    struct reading *reading = calloc(1, sizeof(*reading));

    if (!reading)
        return -ENOMEM;
    reading->place = place;
    reading->script = &script;
    reading->errors = errors;
    const int error = parse(reading, text, length);
    free(reading);
    if (error < 0)
        script_finish(&script);
    else
        *ret_script = script;
    return error;
}

static int read_whole(FILE *file, char *text, size_t *ret_length)
{
    *ret_length = fread(text, 1, SCRIPT_BYTES_MAX + 1, file);
    if (ferror(file))
        return errno > 0 ? -errno : -EIO;
    return *ret_length > SCRIPT_BYTES_MAX ? -EFBIG : 0;
}

int script_load(const struct script_place *place, struct script *ret_script, struct buf *errors)
{
    FILE *file = fopen(place->file, "re");
    char *text = malloc(SCRIPT_BYTES_MAX + 1);
    size_t length = 0;
    int error = file ? 0 : -errno;

    if (!text)
        error = -ENOMEM;
    if (error == 0)
        error = read_whole(file, text, &length);
    if (error < 0)
        buf_printf(errors, "%s: %s; allowed: a readable file of at most 1 MiB\n", place->file,
                   strerror(-error));
    else
        error = script_parse(place, text, length, ret_script, errors);
    if (file)
        fclose(file);
    free(text);
    return error;
}

void script_finish(struct script *script)
{
    if (!script)
        return;
    free(script->events);
    free(script->occurrences);
    *script = (struct script){0};
}

/* ---- when ---- */

/* Whole days keep the time of day, also when the clock changes; other steps are just time. */
static int64_t occurrence_at(const struct script_event *event, const struct local *local, int64_t k)
{
    if (event->every % day != 0)
        return event->at + k * event->every;
    struct tm parts = local_show(local, event->at);
    bool skipped;
    parts.tm_mday += (int)(k * (event->every / day));
    return local_instant(local, &parts, &skipped);
}

static bool add_occurrence(struct script *script, size_t *room, int64_t at, size_t event)
{
    if (script->n == SCRIPT_OCCURRENCES_MAX)
        return false;
    if (script->n == *room) {
        *room = *room ? 2 * *room : 64;
        struct script_occurrence *more =
            realloc(script->occurrences, *room * sizeof(*script->occurrences));
        if (!more)
            return false;
        script->occurrences = more;
    }
    script->occurrences[script->n++] =
        (struct script_occurrence){.at = at, .event = (uint32_t)event};
    return true;
}

static bool expand_event(struct script *script, size_t *room, size_t index,
                         const struct local *local, int64_t from, int64_t until)
{
    const struct script_event *event = &script->events[index];
    int64_t at = event->at;

    for (int64_t k = 0; at <= event->until && (at < until || k == 0);) {
        if (at < from || at >= until)
            script->left_out++;
        else if (!add_occurrence(script, room, at, index))
            return false;
        if (event->every == 0)
            break;
        at = occurrence_at(event, local, ++k);
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct script_occurrence *left = a, *right = b;

    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->event < right->event ? -1 : left->event > right->event;
}

int script_expand(struct script *script, const struct local *local, int64_t from, int64_t until,
                  struct buf *errors)
{
    size_t room = 0;

    for (size_t i = 0; i < script->n_events; i++)
        if (!expand_event(script, &room, i, local, from, until)) {
            buf_printf(errors, "%s:%u: found more repetitions; allowed: %d events in all\n",
                       script->file, script->events[i].line, SCRIPT_OCCURRENCES_MAX);
            return -EINVAL;
        }
    if (script->n > 0)
        qsort(script->occurrences, script->n, sizeof(*script->occurrences), compare);
    return 0;
}
