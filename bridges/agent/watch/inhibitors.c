/* Programs that ask logind not to sleep or shut down. */
#include <string.h>

#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->inhibitors;
}

static void look(struct watch *watch)
{
    watch_await(watch);
    logind_list_inhibitors(watch->logind, &watch->sight.sample.inhibitors, watch_answered, watch);
}

static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ':')) {
        at += *at == ':';
        if (strncmp(at, word, length) == 0 && (at[length] == ':' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* Since version 257 logind also knows "block-weak". */
bool veto_inhibitor_counts(const struct logind_inhibitor *inhibitor)
{
    return strncmp(inhibitor->mode, "block", 5) == 0 &&
           (has_word(inhibitor->what, "sleep") || has_word(inhibitor->what, "shutdown"));
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    for (size_t i = 0; i < sample->inhibitors.n; i++) {
        const struct logind_inhibitor *inhibitor = &sample->inhibitors.list[i];
        if (veto_inhibitor_counts(inhibitor))
            veto(vetoes, fact_with(FACT(VETO_INHIBITOR), inhibitor->who, inhibitor->why));
    }
    veto_more(vetoes, "inhibitors", sample->inhibitors.more);
}

const struct veto_check veto_inhibitors = {"inhibitors", true,  counts,
                                           look,         judge, VETO_PROBLEM(inhibitors)};
