/* systemd's units: do they run, do they start with the machine, whose are they? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/text.h"
#include "hallctl/doctor/facts.h"

enum { SHOWN_LIMIT = 65536 };

static const char properties[] = "--property=Id,LoadState,ActiveState,UnitFileState,Result,"
                                 "NRestarts,FragmentPath,NeedDaemonReload";
static const char *const argv_show[] = {
    "systemctl",
    "show",
    "--no-pager",
    properties,
    "hall.service",
    "mosquitto.service",
    "hall-agent.service",
    "hall-wol.service",
    "traefik.service",
    "caddy.service",
    "nginx.service",
    "haproxy.service",
    NULL,
};

/* ---- asking ---- */

/* What systemctl prints. The time is the check's. */
static void show(struct buf *out)
{
    char chunk[4096];
    int ends[2];
    ssize_t got;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    const pid_t pid = fork();
    if (pid == 0) {
        const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

        dup2(ends[1], STDOUT_FILENO);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDERR_FILENO);
        execvp(argv_show[0], (char *const *)(const void *)argv_show);
        _exit(127);
    }
    close(ends[1]);
    while (pid > 0 && (got = read(ends[0], chunk, sizeof(chunk))) > 0)
        buf_add(out, chunk, (size_t)got);
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

static void take(struct unit *unit, const char *key, const char *value)
{
    const struct {
        const char *key;
        char *into;
        size_t size;
    } words[] = {
        {"Id", unit->id, sizeof(unit->id)},
        {"LoadState", unit->load, sizeof(unit->load)},
        {"ActiveState", unit->active, sizeof(unit->active)},
        {"UnitFileState", unit->enabled, sizeof(unit->enabled)},
        {"Result", unit->result, sizeof(unit->result)},
        {"FragmentPath", unit->file, sizeof(unit->file)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i].key, key) == 0)
            text_copy(words[i].into, words[i].size, value);
    if (strcmp(key, "NRestarts") == 0)
        unit->restarts = strtoll(value, NULL, 10);
    if (strcmp(key, "NeedDaemonReload") == 0)
        unit->stale = strcmp(value, "yes") == 0;
}

/* Units stand one after the other, with an empty line between. */
static void read_units(const struct doctor *doctor, char *text, struct unit_facts *facts)
{
    struct unit unit = {0};

    for (char *line; (line = strsep(&text, "\n"));) {
        char *value = strchr(line, '='), path[DOCTOR_HOST], packaged[DOCTOR_HOST];

        if (value) {
            *value++ = '\0';
            take(&unit, line, value);
        }
        if ((line[0] == '\0' || !text) && unit.id[0] != '\0' && facts->n < DOCTOR_UNITS) {
            snprintf(packaged, sizeof(packaged), "/usr/lib/systemd/system/%s", unit.id);
            unit.packaged = access(doctor_path(doctor, packaged, path), F_OK) == 0;
            facts->units[facts->n++] = unit;
            unit = (struct unit){0};
        }
    }
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct unit_facts *into = facts;
    struct buf shown = BUF_INIT(SHOWN_LIMIT);
    char path[DOCTOR_HOST];

    into->hall_here = !call_has(doctor->call, FLAG_CONFIG) && doctor->config;
    into->systemd_missing =
        access(doctor_path(doctor, "/run/systemd/system", path), F_OK) < 0 && errno == ENOENT;
    if (into->systemd_missing)
        return;
    show(&shown);
    if (shown.text)
        read_units(doctor, shown.text, into);
    into->asked = true;
    buf_finish(&shown);
}

/* ---- judging ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void judge_unit(const struct unit *unit, bool is_needed, struct findings *findings)
{
    const bool is_active = strcmp(unit->active, "active") == 0;
    const bool is_enabled = begins(unit->enabled, "enabled");
    const size_t before = findings->n;

    if (strcmp(unit->load, "loaded") != 0 || (!is_active && !is_enabled && !is_needed))
        return;
    if (unit->packaged && begins(unit->file, "/etc/systemd/system/"))
        findings_add(findings, DOCTOR_UNIT_HIDES, unit->id, unit->file, NULL);
    if (strcmp(unit->active, "failed") == 0 || strcmp(unit->active, "activating") == 0)
        findings_add(findings, DOCTOR_UNIT_FAILED, unit->id, unit->result, NULL);
    else if (!is_active)
        findings_add(findings, DOCTOR_UNIT_STOPPED, unit->id, NULL);
    else if (unit->restarts > 0)
        findings_add(findings, DOCTOR_UNIT_RESTARTS, unit->id, COUNT(unit->restarts), NULL);
    if (!is_enabled && strcmp(unit->enabled, "disabled") == 0)
        findings_add(findings, DOCTOR_UNIT_DISABLED, unit->id, NULL);
    if (unit->stale)
        findings_add(findings, DOCTOR_UNIT_STALE, unit->id, NULL);
    if (findings->n == before)
        findings_add(findings, DOCTOR_UNIT_GOOD, unit->id, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct unit_facts *from = facts;

    if (from->systemd_missing)
        findings_add(findings, DOCTOR_UNIT_NO_SYSTEMD, NULL);
    else if (from->asked && from->n == 0)
        findings_add(findings, DOCTOR_UNIT_UNSEEN, NULL);
    for (size_t i = 0; i < from->n; i++)
        judge_unit(&from->units[i],
                   from->hall_here && strcmp(from->units[i].id, "hall.service") == 0, findings);
}

const struct doctor_check units_check = {"units", sizeof(struct unit_facts), gather, judge};
