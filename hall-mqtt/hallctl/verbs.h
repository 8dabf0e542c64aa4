/* verbs: all of them, by name. */
#ifndef HALL_HALLCTL_VERBS_H
#define HALL_HALLCTL_VERBS_H

#include "hallctl/hallctl.h"

const struct verb *verbs_find(const char *name); /* NULL: none */
/* The one that was probably meant; NULL: none is like it. */
const struct verb *verbs_guess(const char *name);
void verbs_print(FILE *out); /* with their summaries, family by family */
void verbs_list(FILE *out);  /* their names, one a line */

#endif
