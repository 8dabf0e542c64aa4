/* Prints a closed list as the table that a page has: of facts (docs/BUS.md); "wordings": what
 * errors of a configuration say (docs/API.md); "doctor": the lines of hallctl doctor
 * (docs/TROUBLESHOOTING.md). tests/static/docs.py compares them, and with --write puts the new ones
 * there. */
#include <stdio.h>
#include <string.h>

#include "config/wording.h"
#include "say/say_doctor.h"
#include "say/say_table.h"

static int print_wordings(void)
{
    puts("| code | in English |\n|---|---|");
    for (unsigned i = WORDING_NONE + 1; i < WORDINGS; i++)
        printf("| `%s` | %s |\n", wording_name((enum wording)i),
               wording_text((enum wording)i, CONFIG_ENGLISH));
    return 0;
}

/* In a table a bar would end the cell. */
static void print_cell(const char *text)
{
    for (; *text; text++)
        fputs(*text == '|' ? "\\|" : (const char[]){*text, '\0'}, stdout);
}

static int print_doctor(void)
{
    puts("| code | verdict | meaning | command |\n|---|---|---|---|");
    for (unsigned i = 0; i < DOCTOR_CODES; i++) {
        const struct doctor_row *row = &doctor_rows[i];

        printf("| `%s` | %s | ", row->name, doctor_verdict_name(row->verdict));
        print_cell(row->texts[SAY_ENGLISH]);
        printf(row->command ? " | `" : " | ");
        print_cell(row->command ? row->command : "");
        puts(row->command ? "` |" : "|");
    }
    return 0;
}

static int print_facts(void)
{
    puts("| code | parameters | in English |\n|---|---|---|");
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        const struct say_row *row = &say_rows[code];

        printf("| `%s` | ", row->name);
        for (const struct say_param *param = row->params; param->name; param++)
            printf("%s`%s`", param == row->params ? "" : ", ", param->name);
        printf("%s| %s |\n", row->params[0].name ? " " : "", row->texts[SAY_ENGLISH]);
    }
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc < 2)
        return print_facts();
    return strcmp(argv[1], "doctor") == 0 ? print_doctor() : print_wordings();
}
