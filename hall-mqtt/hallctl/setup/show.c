/* What will change, before it does: files with their differences, secrets left out. */
#include <stdio.h>
#include <string.h>

#include "hallctl/setup/setup.h"

enum { LINE_MAX_BYTES = 4096 };

void setup_print(FILE *out, const struct setup_note *note, enum say_language language)
{
    struct buf text = BUF_INIT(LINE_MAX_BYTES);

    setup_say(note, language, &text);
    fputs(buf_text(&text), out);
    buf_finish(&text);
}

static void say(enum setup_code code, const char *value, enum say_language language)
{
    setup_print(stdout, &(struct setup_note){.code = code, .values = {value}}, language);
    putchar('\n');
}

static void print_lines(const char *mark, const char *from, const char *to)
{
    while (from < to) {
        const size_t length = strcspn(from, "\n");
        printf("    %s %.*s\n", mark, (int)length, from);
        from += length + (from[length] == '\n');
    }
}

/* The lines that both begin and end with are left out. */
static void print_difference(const char *before, const char *after)
{
    const char *first = after, *old = before;
    const char *end = after + strlen(after), *old_end = before + strlen(before);

    while (*first) {
        const size_t length = strcspn(first, "\n") + 1;
        if (first[length - 1] == '\0' || strncmp(first, old, length) != 0)
            break;
        first += length;
        old += length;
    }
    for (;;) {
        const char *line = end, *old_line = old_end;
        while (line > first && (line == end || line[-1] != '\n'))
            line--;
        while (old_line > old && (old_line == old_end || old_line[-1] != '\n'))
            old_line--;
        if (line == end || old_line == old_end || end - line != old_end - old_line ||
            memcmp(line, old_line, (size_t)(end - line)) != 0)
            break;
        end = line;
        old_end = old_line;
    }
    print_lines("-", old, old_end);
    print_lines("+", first, end);
}

static void show_change(const struct setup_change *change, enum say_language language)
{
    say(change->before ? SETUP_FILE_CHANGED : SETUP_FILE_NEW, change->path, language);
    if (change->secret || change->whole)
        return;
    if (change->before)
        print_difference(change->before, change->after);
    else
        print_lines("+", change->after, change->after + strlen(change->after));
}

void setup_show(const struct setup_plan *plan, enum say_language language)
{
    say(SETUP_HEAD, NULL, language);
    for (size_t i = 0; i < plan->n_changes; i++)
        show_change(&plan->changes[i], language);
    if (plan->new_users)
        say(SETUP_USERS, plan->new_users, language);
    for (const char *const *user = plan->renew; *user; user++)
        say(SETUP_RENEW, *user, language);
    if (plan->names)
        say(SETUP_CERTIFICATES, plan->names, language);
    if (plan->restart_broker)
        say(SETUP_RESTARTS, "mosquitto", language);
    if (plan->restart_hall)
        say(SETUP_RESTARTS, "hall", language);
    if (plan->reload_hall)
        say(SETUP_RELOADS, "hall", language);
    if (plan->proxy)
        say(plan->proxy->restarts ? SETUP_RESTARTS : SETUP_RELOADS, plan->proxy->service, language);
}
