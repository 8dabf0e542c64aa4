/* Prints the closed list of facts as the table that docs/BUS.md has; with an argument that of what
 * errors of a configuration say, which docs/API.md has. tests/static/docs.py compares them, and
 * with
 * --write puts the new ones there. */
#include <stdio.h>

#include "config/wording.h"
#include "say/say_table.h"

static int print_wordings(void)
{
    puts("| code | in English |\n|---|---|");
    for (unsigned i = WORDING_NONE + 1; i < WORDINGS; i++)
        printf("| `%s` | %s |\n", wording_name((enum wording)i),
               wording_text((enum wording)i, CONFIG_ENGLISH));
    return 0;
}

int main(int argc, char *argv[])
{
    (void)argv;
    if (argc > 1)
        return print_wordings();
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
