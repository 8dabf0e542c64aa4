/* What logind's words mean. Pure. */
#include <string.h>

#include "base/array.h"
#include "bridges/agent/logind/logind.h"

/* See org.freedesktop.login1(5). The last three came with version 257: they differ in who might
 * pass over the inhibitor, and an agent never does. */
enum logind_answer logind_read_answer(const char *word)
{
    static const struct {
        const char *word;
        enum logind_answer answer;
    } words[] = {
        {"yes", LOGIND_YES},
        {"no", LOGIND_NO},
        {"challenge", LOGIND_CHALLENGE},
        {"na", LOGIND_UNABLE},
        {"inhibited", LOGIND_BLOCKED},
        {"inhibitor-blocked", LOGIND_BLOCKED},
        {"challenge-inhibitor-blocked", LOGIND_BLOCKED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].answer;
    return LOGIND_STRANGE;
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
static bool blocks(const struct logind_inhibitor *inhibitor)
{
    return strncmp(inhibitor->mode, "block", 5) == 0;
}

bool logind_inhibits_sleep(const struct logind_inhibitor *inhibitor)
{
    return blocks(inhibitor) &&
           (has_word(inhibitor->what, "sleep") || has_word(inhibitor->what, "shutdown"));
}

bool logind_inhibits_idle(const struct logind_inhibitor *inhibitor)
{
    return blocks(inhibitor) && has_word(inhibitor->what, "idle") &&
           !logind_inhibits_sleep(inhibitor);
}

bool logind_is_inhibited(const struct logind_inhibitors *inhibitors)
{
    bool block = inhibitors->more > 0 || !fact_is(&inhibitors->problem, FACT_NONE);
    for (size_t i = 0; i < inhibitors->n; i++)
        block |= logind_inhibits_sleep(&inhibitors->list[i]);
    return block;
}
