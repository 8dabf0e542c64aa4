/* Jobs of systemd: transient units (systemd-run), of the machine's manager and of its users', as
 * far as something runs in them; and units that are busy starting or stopping, as a backup of the
 * type "oneshot" is while it runs. Transient ones are found by their control groups, which
 * everybody may read; the manager of the machine names the busy ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"

enum { PATH_SIZE = 1024, DEPTH_MAX = 16, FOLDERS_MAX = 4096 };

/* Transient units that are no jobs: logins, containers and guests have checks of their own;
 * programs that D-Bus or a desktop started are services. */
static const char *const no_jobs[] = {
    "session-*.scope",        "init.scope",      "docker-*.scope", "libpod-*.scope", "crio-*.scope",
    "cri-containerd-*.scope", "machine-*.scope", "[0-9]*.scope",   "dbus-*.service", "app-*",
    "vte-spawn-*.scope",
};

/* Of those that a user started only what systemd-run named can be told from services. */
static const char user_job[] = "run-*";

struct search {
    struct watch *watch;
    unsigned folders; /* opened so far */
};

static bool counts(const struct watch_config *config)
{
    return config->jobs;
}

/* ---- transient units ---- */

static bool ends_in(const char *name, const char *end)
{
    const size_t length = strlen(name), wanted = strlen(end);
    return length > wanted && strcmp(name + length - wanted, end) == 0;
}

static bool is_there(const struct walk *walk, const char *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%.200s%s%.255s", walk->root, folder, name);
    return access(path, F_OK) == 0;
}

/* The checks of health that Podman starts are named after the container: 64 digits. */
static bool is_of_container(const char *name)
{
    return strspn(name, "0123456789abcdef") >= 64;
}

static bool is_job(const struct walk *walk, const char *name, bool of_user)
{
    if (!ends_in(name, ".service") && !ends_in(name, ".scope"))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(no_jobs); i++)
        if (fnmatch(no_jobs[i], name, 0) == 0)
            return false;
    if (is_of_container(name))
        return false;
    return of_user ? fnmatch(user_job, name, 0) == 0
                   : is_there(walk, "/run/systemd/transient/", name);
}

/* Something runs in it, or below. Version 1 of control groups has no events. */
static bool is_populated(const char *group)
{
    char path[PATH_SIZE + 20], text[256];
    snprintf(path, sizeof(path), "%s/cgroup.events", group);
    if (proc_load(path, text, sizeof(text)))
        return strstr(text, "populated 1") != NULL;
    snprintf(path, sizeof(path), "%s/cgroup.procs", group);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool any = fd >= 0 && read(fd, text, 1) == 1;
    if (fd >= 0)
        close(fd);
    return any;
}

static void search_group(struct search *search, const char *group, bool of_user, unsigned depth);

static void search_entry(struct search *search, const char *group, const char *name, bool of_user,
                         unsigned depth)
{
    struct watch *watch = search->watch;
    char path[PATH_SIZE];
    const bool is_manager = strncmp(name, "user@", 5) == 0 && ends_in(name, ".service");
    if (snprintf(path, sizeof(path), "%s/%s", group, name) >= (int)sizeof(path))
        return;
    if (ends_in(name, ".slice") || is_manager)
        search_group(search, path, of_user || is_manager, depth + 1);
    else if (is_job(&watch->walk, name, of_user) && is_populated(path) &&
             !watch_ignores(watch, name))
        found_add(&watch->sight.sample.jobs, name, "");
}

static void search_group(struct search *search, const char *group, bool of_user, unsigned depth)
{
    struct fact *problem = &search->watch->sight.sample.jobs.problem;
    if (++search->folders > FOLDERS_MAX || depth > DEPTH_MAX) {
        *problem = FACT(LOOK_TOO_MANY, .n = {FOLDERS_MAX});
        return;
    }
    DIR *folder = opendir(group);
    const struct dirent *entry;
    if (!folder && errno != ENOENT)
        *problem = fact_with(FACT(LOOK_UNREADABLE), "/sys/fs/cgroup", NULL);
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
            search_entry(search, group, entry->d_name, of_user, depth);
    if (folder)
        closedir(folder);
}

static void look_transient(struct watch *watch)
{
    static const char *const hierarchies[] = {"", "/unified", "/systemd"};
    struct search search = {.watch = watch};
    char path[PATH_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
        snprintf(path, sizeof(path), "%.200s/sys/fs/cgroup%s/init.scope", watch->walk.root,
                 hierarchies[i]);
        if (access(path, F_OK) != 0)
            continue;
        *strrchr(path, '/') = '\0';
        search_group(&search, path, false, 0);
        return;
    }
    watch->sight.sample.jobs.problem = fact_with(FACT(LOOK_UNREADABLE), "/sys/fs/cgroup", NULL);
}

/* ---- busy units ---- */

/* One that failed and waits to be started again does nothing meanwhile; this agent's own unit is
 * told to be ready before it looks, but the word may be on its way. */
static bool is_busy(const struct logind_unit *unit)
{
    return ends_in(unit->name, ".service") && strncmp(unit->sub, "auto-restart", 12) != 0 &&
           strcmp(unit->name, "hall-agent.service") != 0;
}

static void on_units(void *context)
{
    struct watch *watch = context;
    struct sample_found *jobs = &watch->sight.sample.jobs;
    if (fact_is(&jobs->problem, FACT_NONE))
        jobs->problem = watch->units.problem;
    for (size_t i = 0; i < watch->units.n; i++)
        if (is_busy(&watch->units.list[i]) && !watch_ignores(watch, watch->units.list[i].name))
            found_add(jobs, watch->units.list[i].name, watch->units.list[i].sub);
    jobs->more += watch->units.more;
    watch_answered(watch);
}

/* ---- both ---- */

/* Another init has no such units. */
static void look(struct watch *watch)
{
    watch->sight.sample.jobs = (struct sample_found){0};
    if (!is_there(&watch->walk, "/run/systemd/", "system"))
        return;
    look_transient(watch);
    watch_await(watch);
    logind_list_busy_units(watch->logind, &watch->units, on_units, watch);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->jobs, "jobs", FACT_VETO_JOB, vetoes);
}

const struct veto_check veto_jobs = {"jobs", false, counts, look, judge, VETO_PROBLEM(jobs)};
