/* Prints the closed list of facts as the table that docs/BUS.md has. tests/static/docs.py compares
 * the two, and with --write puts the new one there. */
#include <stdio.h>

#include "say/say_table.h"

int main(void)
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
