/* What an agent reports as in use, and on which connections. */
#include <string.h>

#include "base/text.h"
#include "words/agent_report_internal.h"

enum { QUIET_MOST_S = 24 * 3600 };

/* The check that a veto comes from, as far as its code says so. */
static const char *check_of(const struct fact *veto)
{
    static const char *const checks[] = {
        [FACT_VETO_SESSION - FACT_VETO_SESSION] = "sessions",
        [FACT_VETO_REMOTE_SESSION - FACT_VETO_SESSION] = "sessions",
        [FACT_VETO_INHIBITOR - FACT_VETO_SESSION] = "inhibitors",
        [FACT_VETO_IDLE_INHIBITOR - FACT_VETO_SESSION] = "inhibitors",
        [FACT_VETO_CONNECTION - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_CONNECTION_QUIET - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_CONNECTION_PACKET - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_PROCESS - FACT_VETO_SESSION] = "processes",
        [FACT_VETO_LOAD - FACT_VETO_SESSION] = "load",
        [FACT_VETO_NETWORK - FACT_VETO_SESSION] = "network",
        [FACT_VETO_DISK - FACT_VETO_SESSION] = "disk",
        [FACT_VETO_COMMAND - FACT_VETO_SESSION] = "command",
        [FACT_VETO_CONTAINER - FACT_VETO_SESSION] = "containers",
        [FACT_VETO_TERMINAL - FACT_VETO_SESSION] = "terminals",
        [FACT_VETO_COPY - FACT_VETO_SESSION] = "copies",
        [FACT_VETO_PACKAGE - FACT_VETO_SESSION] = "packages",
        [FACT_VETO_PACKAGE_LOCK - FACT_VETO_SESSION] = "packages",
        [FACT_VETO_JOB - FACT_VETO_SESSION] = "jobs",
        [FACT_VETO_GUEST - FACT_VETO_SESSION] = "guests",
        [FACT_VETO_EXEC - FACT_VETO_SESSION] = "execs",
        [FACT_VETO_SHARE - FACT_VETO_SESSION] = "shares",
        [FACT_VETO_SHARE_UNSEEN - FACT_VETO_SESSION] = "shares",
        [FACT_VETO_PROCESSOR - FACT_VETO_SESSION] = "processor",
    };
    const enum fact_code code = (enum fact_code)veto->parts[0].code;

    if (code >= FACT_VETO_SESSION && code <= FACT_VETO_PROCESSOR)
        return checks[code - FACT_VETO_SESSION];
    const bool names = code == FACT_VETO_UNKNOWN || code == FACT_VETO_MORE;
    const char *name = names ? fact_text(veto, 0, 0) : "";

    return name[0] ? name : AGENT_WORDS;
}

/* One lease for each check, and one for all words without a code; of more vetoes of one the first
 * is shown. Of more checks than there are places the first ones keep the server awake as well, and
 * the next report tells of the others. */
static void add_use(struct agent_uses *uses, const char *words, const struct json *fact)
{
    struct agent_use use = {0};

    if (!report_read_fact(fact, &use.veto)) {
        if (words[0] == '\0')
            return;
        use.veto = report_said(words);
    }
    text_copy(use.holder, sizeof(use.holder), check_of(&use.veto));
    for (size_t i = 0; i < uses->n; i++)
        if (strcmp(uses->list[i].holder, use.holder) == 0)
            return;
    if (uses->n < AGENT_USES_MAX)
        uses->list[uses->n++] = use;
    else
        uses->n_cut++;
}

/* How long ago something moved on the liveliest connection of the list; 0 where nothing tells. */
static int64_t read_quiet(const struct json *connections)
{
    const struct json *connection = connections ? json_first(connections) : NULL;
    int64_t least = INT64_MAX, seconds = 0;
    for (; connection; connection = json_next(connection))
        if (json_integer(json_get(connection, "quiet_s"), &seconds) && seconds < least)
            least = seconds;
    return least > 0 && least <= QUIET_MOST_S ? least * 1000 : 0;
}

static bool read_port(const struct json *connection, uint16_t *ret_port)
{
    int64_t port = 0;
    if (!json_integer(json_get(connection, "port"), &port) || port < 1 || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* One that names no port may lead to any, and so may those that are not listed. */
static void read_ports(const struct json *connections, struct agent_uses *uses)
{
    const struct json *connection = connections ? json_first(connections) : NULL;
    for (; connection; connection = json_next(connection)) {
        if (uses->n_ports >= AGENT_PORTS_MAX ||
            !read_port(connection, &uses->ports[uses->n_ports])) {
            uses->n_ports = AGENT_PORTS_MAX + 1;
            return;
        }
        uses->n_ports++;
    }
}

static void read_silence(const struct json *connection, struct agent_uses *uses)
{
    struct agent_silence *silence = &uses->silent[uses->n_silent];
    const char *from = json_get_string(connection, "from");
    int64_t seconds = 0;
    if (!read_port(connection, &silence->port) ||
        !json_integer(json_get(connection, "quiet_s"), &seconds) || seconds < 0 ||
        seconds > QUIET_MOST_S)
        return;
    silence->owed = json_get_bool(connection, "owed", false);
    silence->quiet = seconds * 1000;
    text_show(silence->from, sizeof(silence->from), from ? from : "", from ? strlen(from) : 0);
    uses->n_silent++;
}

static int read_silent(const struct json *root, struct agent_uses *uses,
                       char ret_reason[REASON_SIZE])
{
    const struct json *silent = NULL;
    int error = report_member(root, "silent", JSON_ARRAY, &silent, ret_reason);
    const struct json *one = silent ? json_first(silent) : NULL;
    for (; one && uses->n_silent < AGENT_SILENT_MAX; one = json_next(one))
        read_silence(one, uses);
    return error;
}

static int read_connections(const struct json *root, struct agent_uses *uses,
                            char ret_reason[REASON_SIZE])
{
    const struct json *connections = NULL;
    int error = report_member(root, "connections", JSON_ARRAY, &connections, ret_reason);
    for (size_t i = 0; error == 0 && i < uses->n; i++)
        if (strcmp(uses->list[i].holder, AGENT_STREAM) == 0)
            uses->list[i].quiet = read_quiet(connections);
    read_ports(connections, uses);
    return error < 0 ? error : read_silent(root, uses, ret_reason);
}

int report_read_uses(const struct json *root, struct agent_uses *uses, char ret_reason[REASON_SIZE])
{
    const struct json *vetoes = NULL, *facts = NULL;
    int error = report_member(root, "vetoes", JSON_ARRAY, &vetoes, ret_reason);
    if (error == 0)
        error = report_member(root, "veto_facts", JSON_ARRAY, &facts, ret_reason);
    if (error < 0)
        return error;
    uses->unknown = !vetoes;
    const struct json *veto = vetoes ? json_first(vetoes) : NULL;
    const struct json *fact = facts ? json_first(facts) : NULL;
    for (; veto; veto = json_next(veto), fact = fact ? json_next(fact) : NULL) {
        if (!json_string(veto))
            return report_refuse(ret_reason, "\"vetoes\" has %s; allowed: strings",
                                 json_type_name(json_type(veto)));
        add_use(uses, json_string(veto), fact);
    }
    return read_connections(root, uses, ret_reason);
}
