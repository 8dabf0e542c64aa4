#include <string.h>

#include "base/text.h"
#include "say/say_doctor.h"

static const char *value_of(const struct doctor_finding *finding, const char *name, size_t length)
{
    const struct doctor_row *row = &doctor_rows[finding->code];

    for (size_t i = 0; row->params[i]; i++)
        if (strlen(row->params[i]) == length && strncmp(row->params[i], name, length) == 0)
            return finding->values[i];
    return "";
}

static void put_plain(const char *value, struct buf *out)
{
    buf_puts(out, value);
}

/* As one word of a shell, which is no option and shows on a terminal as it is. */
static void put_word(const char *value, struct buf *out)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "._/:@%+=,-";
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

/* Are the parameters known that stand up to the bracket's end? */
static bool is_known(const struct doctor_finding *finding, const char *at, const char *end)
{
    for (; at < end; at++)
        if (*at == '{') {
            const size_t length = strcspn(at + 1, "}");

            if (value_of(finding, at + 1, length)[0] == '\0')
                return false;
        }
    return true;
}

static void fill(const struct doctor_finding *finding, const char *text,
                 void (*put)(const char *value, struct buf *out), struct buf *out)
{
    for (const char *at = text; *at; at++) {
        const char *end = *at == '[' ? strchr(at, ']') : NULL;

        if (end && !is_known(finding, at, end)) {
            at = end;
        } else if (*at == '{') {
            const size_t length = strcspn(at + 1, "}");

            put(value_of(finding, at + 1, length), out);
            at += length + 1;
        } else if (*at != '[' && *at != ']') {
            buf_putc(out, *at);
        }
    }
}

void doctor_say(const struct doctor_finding *finding, enum say_language language, struct buf *out)
{
    fill(finding, doctor_rows[finding->code].texts[language], put_plain, out);
}

void doctor_say_command(const struct doctor_finding *finding, struct buf *out)
{
    const char *command = doctor_rows[finding->code].command;

    if (command)
        fill(finding, command, put_word, out);
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
