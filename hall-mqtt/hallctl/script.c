#include "hallctl/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hallctl/script_reading.h"
#include "hallctl/when.h"

enum { ERRORS_SHOWN = 100, FOUND_SIZE = 64 };
static const int64_t day = 86400000;

bool reading_refuse(struct reading *reading, const char *found, const char *allowed)
{
    char shown[FOUND_SIZE];

    if (reading->n_errors++ < ERRORS_SHOWN)
        buf_printf(reading->errors, "%s:%u: found %s%s%s; allowed: %s\n", reading->place->file,
                   reading->line, found ? "\"" : "",
                   found ? text_show(shown, sizeof(shown), found, strlen(found)) : "nothing more",
                   found ? "\"" : "", allowed);
    return false;
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
    for (size_t i = 2; i < reading->n_words && used < SCRIPT_SHOWN_SIZE; i++) {
        const char *quote = strchr(reading->words[i], ' ') ? "\"" : "";

        used += (size_t)snprintf(out + used, SCRIPT_SHOWN_SIZE - used, "%s%s%s%s", i > 2 ? " " : "",
                                 quote, reading->words[i], quote);
    }
}

static bool split(struct reading *reading)
{
    char *at = skip_blanks(reading->text);

    reading->n_words = reading->at = 0;
    while (*at && *at != '#') {
        if (reading->n_words == SCRIPT_WORDS_MAX)
            return reading_refuse(reading, at, "no more words on one line");
        at = end_word(at, &reading->words[reading->n_words++]);
        if (!at)
            return reading_refuse(reading, reading->words[reading->n_words - 1] - 1,
                                  "a closing \"");
        at = skip_blanks(at);
    }
    return true;
}

static bool keep_event(struct reading *reading)
{
    struct script *script = reading->script;

    if (script->n_events == SCRIPT_EVENTS_MAX)
        return reading_refuse(reading, "one more event", "10000 events in one script");
    if (script->n_events == reading->room) {
        reading->room = reading->room ? 2 * reading->room : 16;
        struct script_event *events =
            realloc(script->events, reading->room * sizeof(*script->events));
        if (!events)
            return reading_refuse(reading, "one more event", "as many as there is memory for");
        script->events = events;
    }
    script->events[script->n_events++] = reading->event;
    return true;
}

static void read_line(struct reading *reading, const char *line, size_t length)
{
    reading->line++;
    if (length > SCRIPT_LINE_MAX) {
        reading_refuse(reading, "a longer line", "512 bytes");
        return;
    }
    memcpy(reading->text, line, length);
    reading->text[length] = '\0';
    if (length > 0 && reading->text[length - 1] == '\r')
        reading->text[length - 1] = '\0';
    for (char *tab; (tab = strchr(reading->text, '\t'));)
        *tab = ' ';
    if (!text_is_utf8(line, length) || text_has_control(reading->text)) {
        reading_refuse(reading, reading->text, "printable UTF-8");
        return;
    }
    if (!split(reading) || reading->n_words == 0)
        return;
    if (!reading_event(reading))
        return;
    show_event(reading);
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
    if (error == 0)
        error = script_parse(place, text, length, ret_script, errors);
    if (error < 0 && error != -EINVAL)
        buf_printf(errors, "%s: %s; allowed: a readable file of at most 1 MiB\n", place->file,
                   strerror(-error));
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
    const size_t before = script->n;
    int64_t at = event->at, k = 0;

    /* Two steps short of the beginning: days have not all the same length. */
    if (event->every > 0 && (from - at) / event->every > 2)
        at = occurrence_at(event, local, k = (from - at) / event->every - 2);
    while (at <= event->until && at < until) {
        if (at >= from && !add_occurrence(script, room, at, index))
            return false;
        if (event->every == 0)
            break;
        at = occurrence_at(event, local, ++k);
    }
    script->left_out += script->n == before ? 1 : 0;
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
