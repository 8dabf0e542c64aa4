/* Is there room for the store, and may it be written? */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"

enum { FULL_MB = 8, LOW_MB = 100 };

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
}

const struct doctor_check disk_check = {"disk", sizeof(struct disk_facts), gather, judge};
