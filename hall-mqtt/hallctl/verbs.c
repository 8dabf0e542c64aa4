#include "hallctl/verbs.h"

#include <string.h>

#include "base/array.h"
#include "config/complaint.h"

static const struct verb_family *const families[] = {
    &show_family,  &watch_family,  &record_family, &steer_family, &wire_family,     &plan_family,
    &setup_family, &enroll_family, &doctor_family, &tool_family,  &complete_family,
};
enum { FAMILIES = ARRAY_SIZE(families), GUESS_EDITS = 3, COLUMN = 14 };

const struct verb *verbs_find(const char *name)
{
    for (size_t i = 0; i < FAMILIES; i++)
        for (size_t j = 0; j < families[i]->n_verbs; j++)
            if (strcmp(families[i]->verbs[j].name, name) == 0)
                return &families[i]->verbs[j];
    return NULL;
}

const struct verb *verbs_guess(const char *name)
{
    const struct verb *best = NULL;
    unsigned nearest = GUESS_EDITS;

    for (size_t i = 0; i < FAMILIES; i++)
        for (size_t j = 0; j < families[i]->n_verbs; j++) {
            const struct verb *verb = &families[i]->verbs[j];
            const unsigned distance = report_distance(name, verb->name);

            if (!verb->hidden && distance < nearest) {
                nearest = distance;
                best = verb;
            }
        }
    return best;
}

void verbs_print(FILE *out)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        const struct verb_family *family = families[i];
        if (family->title[0] != '\0')
            fprintf(out, "\n%s:\n", family->title);
        for (size_t k = 0; k < family->n_verbs; k++)
            if (!family->verbs[k].hidden)
                fprintf(out, "  %-*s %s\n", COLUMN, family->verbs[k].name,
                        family->verbs[k].summary);
    }
}

void verbs_list(FILE *out)
{
    for (size_t i = 0; i < FAMILIES; i++)
        for (size_t j = 0; j < families[i]->n_verbs; j++)
            if (!families[i]->verbs[j].hidden)
                fprintf(out, "%s\n", families[i]->verbs[j].name);
}
