#include <string.h>

#include "base/holes.h"
#include "base/text.h"
#include "say/say_doctor.h"

static const char *value_of(const struct doctor_finding *finding, const char *name, size_t length)
{
    const int place = holes_place(doctor_rows[finding->code].params, name, length);

    return place < 0 ? "" : finding->values[place];
}

static enum hole find_value(const void *finding, const char *name, size_t length)
{
    return value_of(finding, name, length)[0] == '\0' ? HOLE_EMPTY : HOLE_FILLED;
}

static void put_value(const void *finding, const char *name, size_t length, struct buf *out)
{
    buf_puts(out, value_of(finding, name, length));
}

/* As one word of a shell, which is no option and shows on a terminal as it is. */
static void put_word(const void *finding, const char *name, size_t length, struct buf *out)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "._/:@%+=,-";
    const char *value = value_of(finding, name, length);
    char shown[DOCTOR_VALUE_SIZE];

    text_show(shown, sizeof(shown), value, strlen(value));
    if (shown[0] == '-')
        shown[0] = '?';
    if (shown[0] != '\0' && shown[strspn(shown, safe)] == '\0') {
        buf_puts(out, shown);
        return;
    }
    buf_putc(out, '\'');
    for (const char *at = shown; *at; at++)
        if (*at == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *at);
    buf_putc(out, '\'');
}

void doctor_say(const struct doctor_finding *finding, enum say_language language, struct buf *out)
{
    const struct holes holes = {.of = finding, .find = find_value, .put = put_value};

    holes_fill(&holes, doctor_rows[finding->code].texts[language], out);
}

void doctor_say_command(const struct doctor_finding *finding, struct buf *out)
{
    const struct holes holes = {.of = finding, .find = find_value, .put = put_word};
    const char *command = doctor_rows[finding->code].command;

    if (command)
        holes_fill(&holes, command, out);
}

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
    static const char *const names[DOCTOR_VERDICTS] = {"good", "warning", "bad"};

    return names[verdict];
}

const char *doctor_verdict_shown(enum doctor_verdict verdict, enum say_language language)
{
    static const char *const words[SAY_LANGUAGES][DOCTOR_VERDICTS] = {
        {"good", "warning", "bad"},
        {"bon", "attention", "mauvais"},
    };

    return words[language][verdict];
}
