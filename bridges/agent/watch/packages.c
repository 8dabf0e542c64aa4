/* A package manager at work: its program runs, or a lock of its is held. A machine that sleeps in
 * the middle of an upgrade may not boot again. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/programs.h"
#include "bridges/agent/watch/watch_internal.h"

enum { LINE_SIZE = 256, PATH_SIZE = 320 };

static const struct program programs[] = {
    {.name = "apt"},
    {.name = "apt-get"},
    {.name = "aptitude"},
    {.name = "apt.systemd.daily"},
    {.name = "debconf-frontend"},
    {.name = "dnf"},
    {.name = "dnf5"},
    {.name = "dnf-3"},
    {.name = "yum"},
    {.name = "zypper"},
    {.name = "pacman"},
    {.name = "emerge"},
    {.name = "xbps-install"},
    {.name = "dkms"},
    {.name = "update-initramfs"},
    {.name = "fwupdtool"},
    {.name = "dpkg", .brief = true},
    {.name = "rpm", .brief = true},
    {.name = "apk", .brief = true},
    {.name = "snap", .resident = {"run", "userd"}, .brief = true},
    {.name = "flatpak", .resident = {"run"}, .brief = true},
};

static const char *const locks[] = {
    "/var/lib/dpkg/lock-frontend",     "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",         "/var/cache/apt/archives/lock",
    "/run/unattended-upgrades.lock",   "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock", "/lib/apk/db/lock",
};

static bool counts(const struct watch_config *config)
{
    return config->packages;
}

/* ---- locks ---- */

/* File systems without a device of their own (btrfs, overlays) have several numbers for one. */
static bool is_file(const struct proc_lock *locked, const struct stat *file)
{
    return locked->inode == file->st_ino &&
           ((locked->major == major(file->st_dev) && locked->minor == minor(file->st_dev)) ||
            (locked->major == 0 && major(file->st_dev) == 0));
}

static void take_locks(struct watch *watch, FILE *list, const struct stat *files, const bool *there)
{
    struct sample_found *packages = &watch->sight.sample.packages;
    struct proc_lock locked;
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), list))
        for (size_t i = 0; proc_read_lock(line, &locked) && i < ARRAY_SIZE(locks); i++)
            if (there[i] && is_file(&locked, &files[i]) && !watch_ignores(watch, locks[i]))
                found_add(packages, locks[i], "lock");
}

static void look_locks(struct watch *watch)
{
    struct stat files[ARRAY_SIZE(locks)];
    bool there[ARRAY_SIZE(locks)], any = false;
    char path[PATH_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
        snprintf(path, sizeof(path), "%.200s%s", watch->walk.root, locks[i]);
        there[i] = stat(path, &files[i]) == 0;
        any |= there[i];
    }
    if (!any)
        return;
    snprintf(path, sizeof(path), "%.200s/proc/locks", watch->walk.root);
    FILE *list = fopen(path, "re");
    if (list)
        take_locks(watch, list, files, there);
    else
        watch->sight.sample.packages.problem =
            fact_with(FACT(LOOK_UNREADABLE), "/proc/locks", NULL);
    if (list)
        fclose(list);
}

/* ---- all ---- */

static void look(struct watch *watch)
{
    struct sample_found *packages = &watch->sight.sample.packages;
    *packages = (struct sample_found){.problem = watch->walk.problem};
    for (size_t i = 0; i < watch->walk.n; i++) {
        const struct program *program =
            program_find(&watch->walk, &watch->walk.list[i], programs, ARRAY_SIZE(programs));
        if (program && !watch_ignores(watch, program->name))
            found_add(packages, program->name, "");
    }
    look_locks(watch);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    for (size_t i = 0; i < sample->packages.n; i++) {
        const struct sample_thing *thing = &sample->packages.list[i];
        const struct fact fact =
            thing->where[0] != '\0' ? FACT(VETO_PACKAGE_LOCK) : FACT(VETO_PACKAGE);
        veto(vetoes, fact_with(fact, thing->what, NULL));
    }
    veto_more(vetoes, "packages", sample->packages.more);
}

const struct veto_check veto_packages = {"packages", false, counts,
                                         look,       judge, VETO_PROBLEM(packages)};
