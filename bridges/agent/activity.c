#include "bridges/agent/activity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

__attribute__((format(printf, 2, 3))) static void veto(struct vetoes *vetoes, const char *format,
                                                       ...)
{
    char line[ACTIVITY_VETO_SIZE * 2];
    va_list args;
    if (vetoes->n == ACTIVITY_VETOES_MAX) {
        vetoes->more++;
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    text_show(vetoes->list[vetoes->n++], ACTIVITY_VETO_SIZE, line, strlen(line));
}

/* Not knowing counts as active. */
static bool is_unknown(struct vetoes *vetoes, const char *check, const char *problem)
{
    if (problem[0] != '\0')
        veto(vetoes, "%s: not known: %s", check, problem);
    return problem[0] != '\0';
}

static void veto_more(struct vetoes *vetoes, const char *check, size_t more)
{
    if (more > 0)
        veto(vetoes, "%s: and %zu more", check, more);
}

/* ---- sessions ---- */

bool activity_session_counts(const struct activity_session *session)
{
    if (strcmp(session->state, "closing") == 0)
        return false;
    if (strncmp(session->class, "user", 4) != 0) /* greeters, managers, screens that are locked */
        return false;
    return session->remote || !session->idle;
}

static void judge_sessions(const struct activity_sample *sample, struct vetoes *vetoes)
{
    if (is_unknown(vetoes, "sessions", sample->sessions.problem))
        return;
    for (size_t i = 0; i < sample->sessions.n; i++) {
        const struct activity_session *session = &sample->sessions.list[i];
        if (!activity_session_counts(session))
            continue;
        if (session->remote)
            veto(vetoes, "sessions: %s from %s", session->user,
                 session->host[0] != '\0' ? session->host : "elsewhere");
        else
            veto(vetoes, "sessions: %s%s%s", session->user, session->seat[0] != '\0' ? " on " : "",
                 session->seat);
    }
    veto_more(vetoes, "sessions", sample->sessions.more);
}

/* ---- inhibitors ---- */

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
bool activity_inhibitor_counts(const struct activity_inhibitor *inhibitor)
{
    return strncmp(inhibitor->mode, "block", 5) == 0 &&
           (has_word(inhibitor->what, "sleep") || has_word(inhibitor->what, "shutdown"));
}

static void judge_inhibitors(const struct activity_sample *sample, struct vetoes *vetoes)
{
    if (is_unknown(vetoes, "inhibitors", sample->inhibitors.problem))
        return;
    for (size_t i = 0; i < sample->inhibitors.n; i++) {
        const struct activity_inhibitor *inhibitor = &sample->inhibitors.list[i];
        if (activity_inhibitor_counts(inhibitor))
            veto(vetoes, "inhibitors: %s (%s)", inhibitor->who, inhibitor->why);
    }
    veto_more(vetoes, "inhibitors", sample->inhibitors.more);
}

/* ---- what is counted ---- */

/* "1.2 MB" and what follows it; from 100 on without a fraction. */
static char *format_amount(double bytes, const char *unit, char *out, size_t size)
{
    static const char *const scales[] = {"B", "kB", "MB", "GB", "TB"};
    size_t scale = 0;
    while (bytes >= 1000 && scale + 1 < ARRAY_SIZE(scales)) {
        bytes /= 1000;
        scale++;
    }
    snprintf(out, size, scale == 0 || bytes >= 100 ? "%.0f %s%s" : "%.1f %s%s", bytes,
             scales[scale], unit);
    return out;
}

/* Bytes of the last minute as people read them, or how long ago something moved. */
static char *describe(const struct activity_connection *connection, char *out, size_t size)
{
    char amount[24];
    const long long seconds = (long long)(connection->quiet_ms / 1000);
    if (connection->bytes > 0)
        snprintf(out, size, "%s in the last minute",
                 format_amount((double)connection->bytes, "", amount, sizeof(amount)));
    else if (connection->bytes == 0)
        snprintf(out, size, "quiet for %lld s", seconds);
    else
        snprintf(out, size, "last packet %lld s ago", seconds);
    return out;
}

/* Hall shows SHOWN_SIZE of what follows the name of the check. A long address gives way, so that
 * the figures always fit. */
static void veto_connection(struct vetoes *vetoes, const struct activity_connection *connection)
{
    enum { SHOWN_SIZE = 64 };
    char figures[32], peer[sizeof(connection->peer)];
    describe(connection, figures, sizeof(figures));
    size_t room = SHOWN_SIZE - strlen("port 65535 from , ") - strlen(figures);
    room = room < sizeof(peer) ? room : sizeof(peer);
    text_show(peer, room, connection->peer, strlen(connection->peer));
    veto(vetoes, "connections: port %u from %s, %s", connection->port, peer, figures);
}

static void judge_connections(const struct activity_sample *sample, struct vetoes *vetoes)
{
    if (is_unknown(vetoes, "connections", sample->connections.problem))
        return;
    for (size_t i = 0; i < sample->connections.n; i++)
        veto_connection(vetoes, &sample->connections.list[i]);
    veto_more(vetoes, "connections", sample->connections.more);
}

static void judge_processes(const struct activity_sample *sample, struct vetoes *vetoes)
{
    if (is_unknown(vetoes, "processes", sample->processes.problem))
        return;
    for (size_t i = 0; i < sample->processes.n; i++)
        veto(vetoes, "processes: %s", sample->processes.list[i]);
    veto_more(vetoes, "processes", sample->processes.more);
}

static void judge_load(const struct activity_limits *limits, const struct activity_sample *sample,
                       struct vetoes *vetoes)
{
    if (!is_unknown(vetoes, "load", sample->load.problem) && sample->load.value >= limits->load)
        veto(vetoes, "load: %.2f, the limit is %.2f", sample->load.value, limits->load);
}

static void judge_rate(const char *check, const char *problem, double value, int64_t limit,
                       struct vetoes *vetoes)
{
    char seen[24], allowed[24];
    if (is_unknown(vetoes, check, problem) || value < (double)limit)
        return;
    veto(vetoes, "%s: %s, the limit is %s", check, activity_format_rate(value, seen, sizeof(seen)),
         activity_format_rate((double)limit, allowed, sizeof(allowed)));
}

static void judge_command(const struct activity_limits *limits,
                          const struct activity_sample *sample, struct vetoes *vetoes)
{
    if (!is_unknown(vetoes, "command", sample->command.problem) && sample->command.active)
        veto(vetoes, "command: %s says so", limits->command);
}

/* A busy one that does not run does nothing. */
static void judge_containers(const struct docker_view *view, struct vetoes *vetoes)
{
    for (size_t i = 0; i < view->n; i++)
        if (view->containers[i].busy && strcmp(view->containers[i].state, "running") == 0)
            veto(vetoes, "containers: %s is busy", view->containers[i].name);
}

void activity_judge(const struct activity_limits *limits, const struct activity_sample *sample,
                    const struct docker_view *containers, struct vetoes *ret_vetoes)
{
    ret_vetoes->n = ret_vetoes->more = 0;
    if (limits->sessions)
        judge_sessions(sample, ret_vetoes);
    if (limits->inhibitors)
        judge_inhibitors(sample, ret_vetoes);
    if (limits->connections)
        judge_connections(sample, ret_vetoes);
    if (limits->n_processes > 0)
        judge_processes(sample, ret_vetoes);
    if (limits->load > 0)
        judge_load(limits, sample, ret_vetoes);
    if (limits->network > 0)
        judge_rate("network", sample->network.problem, sample->network.value, limits->network,
                   ret_vetoes);
    if (limits->disk > 0)
        judge_rate("disk", sample->disk.problem, sample->disk.value, limits->disk, ret_vetoes);
    if (limits->command)
        judge_command(limits, sample, ret_vetoes);
    if (containers)
        judge_containers(containers, ret_vetoes);
}

char *activity_format_rate(double bytes_a_second, char *out, size_t size)
{
    return format_amount(bytes_a_second, "/s", out, size);
}
