/* Configuration and secrets: is the file valid, who may read what is secret. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/text.h"
#include "config/complaint.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/reader.h"

enum { ERRORS_LIMIT = 262144 };

/* Secrets, and the most that their modes may be: of root's groups some are members. */
static const struct {
    const char *file;
    unsigned allowed;
} secret_files[] = {
    {"/etc/hall/hall.env", 0770},          {"/etc/hall/agent.env", 0770},
    {"/etc/hall/relay.env", 0770},         {"/etc/mosquitto/passwords", 0770},
    {"/etc/mosquitto/certs/ca.key", 0770}, {"/etc/mosquitto/certs/server.key", 0770},
};

static void look_at_file(const struct doctor *doctor, struct configuration_facts *facts)
{
    const enum config_language language =
        reader_language() == SAY_FRENCH ? CONFIG_FRENCH : CONFIG_ENGLISH;
    struct buf text = BUF_INIT(ERRORS_LIMIT);
    struct report report = {0};
    struct config *config = NULL;

    facts->error = config_load(doctor->file, &config, &report);
    facts->errors = report.n;
    if (report.first)
        complaint_say(report.first, language, &text);
    text_copy(facts->first, sizeof(facts->first), buf_text(&text));
    if (config) {
        facts->servers = config->model.n_servers;
        facts->domains = config->model.n_domains;
    }
    buf_clear(&text);
    if (config && config_notes(config, &text) == 0 && text.text)
        for (char *rest = text.text, *line; (line = strsep(&rest, "\n"));)
            if (line[0] != '\0' && facts->n_notes < DOCTOR_NOTES)
                text_copy(facts->notes[facts->n_notes++], DOCTOR_WHY, line);
    buf_finish(&text);
    report_finish(&report);
    config_free(config);
}

static void look_at_secret(const struct doctor *doctor, const char *file, unsigned allowed,
                           struct configuration_facts *facts)
{
    struct secret_facts *secret = &facts->secrets[facts->n_secrets];
    char path[DOCTOR_HOST];
    struct stat status = {0};

    if (facts->n_secrets == DOCTOR_SECRETS)
        return;
    text_copy(secret->file, sizeof(secret->file), file);
    secret->error = stat(doctor_path(doctor, file, path), &status) < 0 ? -errno : 0;
    secret->mode = status.st_mode & 0777;
    secret->allowed = allowed;
    facts->n_secrets++;
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct configuration_facts *into = facts;
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    char own[DOCTOR_HOST] = "";

    text_copy(into->file, sizeof(into->file), doctor->file);
    look_at_file(doctor, into);
    into->looked = true;
    for (size_t i = 0; i < ARRAY_SIZE(secret_files); i++)
        look_at_secret(doctor, secret_files[i].file, secret_files[i].allowed, into);
    if (config && config[0] == '/')
        snprintf(own, sizeof(own), "%s/hall/hallctl.json", config);
    else if (home && home[0] == '/')
        snprintf(own, sizeof(own), "%s/.config/hall/hallctl.json", home);
    if (own[0] != '\0')
        look_at_secret(doctor, own, 0700, into);
}

static void judge_secret(const struct secret_facts *secret, struct findings *findings)
{
    char mode[8], right[8];

    snprintf(mode, sizeof(mode), "%03o", secret->mode);
    /* Its group's rights stay: by them the broker reads its own. */
    snprintf(right, sizeof(right), "%03o", secret->mode & secret->allowed);
    if (secret->error == -EACCES)
        findings_add(findings, DOCTOR_CHECK_ROOT, secret->file, NULL);
    else if (secret->error == 0 && (secret->mode & ~secret->allowed) != 0)
        findings_add(findings, DOCTOR_SECRETS_OPEN, secret->file, mode, right, NULL);
    else if (secret->error == 0)
        findings_add(findings, DOCTOR_SECRETS_GOOD, secret->file, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct configuration_facts *from = facts;

    if (from->looked && from->error == -ENOENT)
        findings_add(findings, DOCTOR_CONFIGURATION_NONE, from->file, NULL);
    else if (from->looked && from->error == -EACCES)
        findings_add(findings, DOCTOR_CONFIGURATION_CLOSED, from->file, NULL);
    else if (from->looked && from->error != 0)
        findings_add(findings, DOCTOR_CONFIGURATION_ERROR, from->file, from->first,
                     COUNT(from->errors), NULL);
    else if (from->looked)
        findings_add(findings, DOCTOR_CONFIGURATION_GOOD, from->file, COUNT(from->servers),
                     COUNT(from->domains), NULL);
    for (size_t i = 0; i < from->n_notes; i++)
        findings_add(findings, DOCTOR_CONFIGURATION_NOTE, from->notes[i], NULL);
    for (size_t i = 0; i < from->n_secrets; i++)
        judge_secret(&from->secrets[i], findings);
}

const struct doctor_check configuration_check = {"configuration",
                                                 sizeof(struct configuration_facts), gather, judge};
