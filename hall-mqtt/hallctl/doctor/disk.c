/* Is there room for the store, may it be written, and does Hall get on with it? */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"

enum { FULL_MB = 8, LOW_MB = 100 };

/* Hall alone knows of a lock, another's database, or a card that does not answer. */
static void ask_hall(const struct doctor *doctor, struct disk_facts *facts)
{
    struct json *info = NULL;
    char why[DOCTOR_WHY];

    if (doctor_api(doctor, "/info", &info, why) < 0)
        return;
    const char *problem = json_get_string(json_get(info, "store"), "problem");
    text_copy(facts->problem, sizeof(facts->problem), problem ? problem : "");
    json_free(info);
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct disk_facts *into = facts;
    struct statvfs status = {0};
    char path[DOCTOR_HOST], *slash;

    if (!doctor->config)
        return;
    text_copy(into->path, sizeof(into->path), doctor->config->store.path);
    if ((slash = strrchr(into->path, '/')))
        slash[slash == into->path] = '\0';
    into->error = statvfs(doctor_path(doctor, into->path, path), &status) < 0 ? -errno : 0;
    into->free_mb = (uint64_t)status.f_bavail * status.f_frsize >> 20;
    into->readonly = (status.f_flag & ST_RDONLY) != 0;
    into->looked = true;
    ask_hall(doctor, into);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct disk_facts *from = facts;

    if (!from->looked)
        return;
    if (from->error == -ENOENT || from->error == -ENOTDIR)
        findings_add(findings, DOCTOR_DISK_MISSING, from->path, NULL);
    else if (from->error != 0)
        findings_add(findings, DOCTOR_CHECK_ROOT, from->path, NULL);
    else if (from->readonly)
        findings_add(findings, DOCTOR_DISK_READONLY, from->path, NULL);
    else
        findings_add(findings,
                     from->free_mb < FULL_MB  ? DOCTOR_DISK_FULL
                     : from->free_mb < LOW_MB ? DOCTOR_DISK_LOW
                                              : DOCTOR_DISK_GOOD,
                     from->path, COUNT(from->free_mb), NULL);
    if (from->problem[0] != '\0')
        findings_add(findings, DOCTOR_STORE_PROBLEM, from->problem, from->path, NULL);
}

const struct doctor_check disk_check = {"disk", sizeof(struct disk_facts), gather, judge};
