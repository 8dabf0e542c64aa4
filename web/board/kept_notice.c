#include "web/board/kept_notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void kept_notice_read(const struct kept_notice *kept, struct notice *ret_notice)
{
    memcpy(ret_notice, kept->fixed, NOTICE_FIXED);
    text_copy(ret_notice->why, sizeof(ret_notice->why), kept->why ? kept->why : "");
    ret_notice->problem = kept->problem ? *kept->problem : FACT(NONE);
}

void kept_notice_clear(struct kept_notice *kept)
{
    free(kept->why);
    free(kept->problem);
    kept->why = NULL;
    kept->problem = NULL;
}

void kept_notice_set(struct kept_notice *kept, const struct notice *notice)
{
    memcpy(kept->fixed, notice, NOTICE_FIXED);
    kept_notice_clear(kept);
    kept->why = notice->why[0] ? strdup(notice->why) : NULL;
    if (!fact_is(&notice->problem, FACT_NONE) && (kept->problem = malloc(sizeof(*kept->problem))))
        *kept->problem = notice->problem;
}

bool notice_is_news(const struct notice *old, const struct notice *new)
{
    return old->version == 0 || old->state != new->state || old->since != new->since ||
           old->wake_open != new->wake_open || old->wake_queued != new->wake_queued ||
           old->wake_started != new->wake_started || old->wake_deadline != new->wake_deadline ||
           old->expected_ready != new->expected_ready || old->failure != new->failure ||
           old->guard.kind != new->guard.kind || old->guard.until != new->guard.until ||
           !fact_equal(&old->problem, &new->problem) ||
           memcmp(old->stages, new->stages, sizeof(old->stages)) != 0 ||
           memcmp(old->expected, new->expected, sizeof(old->expected)) != 0;
}
