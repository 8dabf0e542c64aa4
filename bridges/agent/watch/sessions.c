/* Who is logged in. */
#include <string.h>

#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->sessions;
}

static void look(struct watch *watch)
{
    watch_await(watch);
    logind_list_sessions(watch->logind, &watch->sight.sample.sessions, watch_answered, watch);
}

bool veto_session_counts(const struct logind_session *session)
{
    if (strcmp(session->state, "closing") == 0)
        return false;
    if (strncmp(session->class, "user", 4) != 0) /* greeters, managers, screens that are locked */
        return false;
    return session->remote || !session->idle;
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    for (size_t i = 0; i < sample->sessions.n; i++) {
        const struct logind_session *session = &sample->sessions.list[i];
        if (!veto_session_counts(session))
            continue;
        if (session->remote)
            veto(vetoes, fact_with(FACT(VETO_REMOTE_SESSION), session->user, session->host));
        else
            veto(vetoes, fact_with(FACT(VETO_SESSION), session->user, session->seat));
    }
    veto_more(vetoes, "sessions", sample->sessions.more);
}

const struct veto_check veto_sessions = {"sessions", true,  counts,
                                         look,       judge, VETO_PROBLEM(sessions)};
