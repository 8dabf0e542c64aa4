/* What of the units of systemd and of the clients of a file server counts as use, and what the walk
 * over the processes does where it may not see. */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "machine_fixture.h"

/* ---- jobs ---- */

static void group(const char *path, const char *events)
{
    char name[PATH + 64];
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/cgroup.events", path);
    put(name, events);
}

static void transient(const char *unit)
{
    char name[PATH];
    snprintf(name, sizeof name, "/run/systemd/transient/%s", unit);
    put(name, "[Unit]\n");
}

static void test_jobs_of_systemd_run(void **state)
{
    static const char runs[] = "populated 1\nfrozen 0\n", empty[] = "populated 0\nfrozen 0\n";
    static const char *const others[] = {
        "session-4.scope",
        "docker-0123.scope",
        "machine-x.scope",
        "100.scope",
        "dbus-:1.2-x.service",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-7.service"};
    char path[PATH];
    config.jobs = true;
    expect(&veto_jobs, ""); /* another init */
    put("/run/systemd/system/x", "");
    expect(&veto_jobs, "jobs: not known: /sys/fs/cgroup cannot be read\n");
    group("/init.scope", runs);
    group("/system.slice/nginx.service", runs);
    group("/system.slice/run-u1.service", empty);
    transient("run-u1.service");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        snprintf(path, sizeof path, "/user.slice/%s", others[i]);
        group(path, runs);
        transient(others[i]);
    }
    group("/user.slice/user-1000.slice/user@1000.service/app.slice/gvfs.service", runs);
    expect(&veto_jobs, "");
    group("/system.slice/run-u1.service", runs);
    expect(&veto_jobs, "jobs: run-u1.service runs\n");
    group("/my.slice/my-own.slice/nightly.service", runs);
    transient("nightly.service");
    group("/system.slice/run-u1.service", empty);
    expect(&veto_jobs, "jobs: nightly.service runs\n");
    config.n_ignored = 1;
    config.ignored = (const char *const[]){"nightly.service"};
    group("/user.slice/user-1000.slice/user@1000.service/app.slice/run-u7.scope", runs);
    expect(&veto_jobs, "jobs: run-u7.scope runs\n");
}

static void test_units_that_are_busy(void **state)
{
    config.jobs = true;
    put("/run/systemd/system/x", "");
    group("/init.scope", "populated 1\n");
    busy = (struct logind_units){.n = 4,
                                 .more = 2,
                                 .list = {{"backup.service", "start"},
                                          {"broken.service", "auto-restart"},
                                          {"hall-agent.service", "start"},
                                          {"db.service", "stop-sigterm"}}};
    expect(&veto_jobs, "jobs: backup.service runs (start)\njobs: db.service runs (stop-sigterm)\n"
                       "jobs: and 2 more\n");
    busy = (struct logind_units){.problem = FACT(LOOK_NO_UNITS)};
    expect(&veto_jobs, "jobs: not known: systemd does not name its units\n");
}

/* Version 1 of control groups has no events. */
static void test_jobs_in_older_control_groups(void **state)
{
    config.jobs = true;
    put("/run/systemd/system/x", "");
    put("/sys/fs/cgroup/systemd/init.scope/cgroup.procs", "1\n");
    put("/sys/fs/cgroup/systemd/system.slice/run-u1.service/cgroup.procs", "");
    transient("run-u1.service");
    expect(&veto_jobs, "");
    put("/sys/fs/cgroup/systemd/system.slice/run-u1.service/cgroup.procs", "4711\n");
    expect(&veto_jobs, "jobs: run-u1.service runs\n");
}

/* ---- shares ---- */

static void open_file(int pid, int fd, const char *target)
{
    char path[PATH];
    snprintf(path, sizeof path, "/proc/%d/fd/.", pid);
    put("/x", "");
    snprintf(path, sizeof path, "%s/proc/%d/fd/%d", root, pid, fd);
    make_folders(path);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void test_shares_of_samba(void **state)
{
    char film[PATH];
    config.shares = true;
    put("/srv/film", "x");
    snprintf(film, sizeof film, "%s/srv/film", root);
    run((struct made){
        .pid = 100, .parent = 1, .name = "smbd", .words = "/usr/sbin/smbd|--foreground"});
    run((struct made){.pid = 101, .parent = 100, .name = "smbd-notifyd", .words = NULL});
    open_file(101, 3, film);
    open_file(100, 3, film);
    run((struct made){
        .pid = 102, .parent = 100, .name = "smbd[192.0.2.7]", .words = "smbd: client [192.0.2.7]"});
    open_file(102, 1, "/dev/null");
    open_file(102, 2, "socket:[77]");
    open_file(102, 3, "/var/lib/samba/x.tdb");
    open_file(102, 4, root); /* a folder that is looked at */
    expect(&veto_shares, "");
    open_file(102, 5, film);
    expect(&veto_shares, "shares: 192.0.2.7 has files open by SMB\n");
}

static void test_shares_that_cannot_be_seen(void **state)
{
    config.shares = true;
    watch->sight.sample.unseen_shares =
        (struct sample_found){.n = 1, .list = {{"192.0.2.8", "NFS"}}};
    vetoes_judge(&config, &watch->sight.sample, false, &vetoes);
    assert_int_equal(vetoes.n, 1);
    assert_true(fact_is(&vetoes.list[0], FACT_VETO_SHARE_UNSEEN));
    for (size_t i = 0; i < VETO_CHECKS; i++)
        if (veto_checks[i] == &veto_shares)
            config.unseen = 1U << i;
    vetoes_judge(&config, &watch->sight.sample, false, &vetoes);
    assert_int_equal(vetoes.n, 0);
}

static void test_shares_of_nfs(void **state)
{
    config.shares = true;
    put("/proc/fs/nfsd/clients/5/states", "");
    put("/proc/fs/nfsd/clients/5/info", "clientid: 0x1\naddress: \"192.0.2.9:712\"\n");
    expect(&veto_shares, ""); /* no server runs */
    run((struct made){.pid = 100, .parent = 2, .name = "nfsd", .words = "", .flags = KERNEL});
    expect(&veto_shares, "");
    put("/proc/fs/nfsd/clients/5/states",
        "- 0x00: { type: lock }\n- 0x01: { type: open, access: rw }\n");
    expect(&veto_shares, "shares: 192.0.2.9:712 has files open by NFS\n");
}

/* What a server of files has open for itself is nobody's. */
static void test_files_that_samba_has_for_itself(void **state)
{
    static const char *const own[] = {"/etc/passwd", "/usr/bin/env", "/proc/version"};

    config.shares = true;
    run((struct made){.pid = 100, .parent = 1, .name = "smbd", .words = NULL});
    run((struct made){.pid = 102, .parent = 100, .name = "smbd", .words = "smbd"});
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        struct stat file;
        assert_int_equal(stat(own[i], &file), 0);
        assert_true(S_ISREG(file.st_mode));
        open_file(102, 3 + (int)i, own[i]);
        expect(&veto_shares, "");
    }
    put("/srv/film", "x");
    char film[PATH];
    snprintf(film, sizeof film, "%s/srv/film", root);
    open_file(102, 9, film);
    expect(&veto_shares, "shares: a client (pid 102) has files open by SMB\n");
}

/* One that has gone since the processes were listed is no veto. */
static void test_a_client_that_goes_is_nobody(void **state)
{
    config.shares = true;
    run((struct made){.pid = 100, .parent = 1, .name = "smbd", .words = NULL});
    run((struct made){
        .pid = 102, .parent = 100, .name = "smbd", .words = "smbd: client [192.0.2.7]"});
    expect(&veto_shares, "");
}

static void test_a_client_of_nfs_that_is_not_let_be_seen(void **state)
{
    config.shares = true;
    run((struct made){.pid = 100, .parent = 2, .name = "nfsd", .words = "", .flags = KERNEL});
    put("/proc/fs/nfsd/clients/5/info", "address: \"192.0.2.9:712\"\n");
    put("/proc/fs/nfsd/clients/6/states", "- 0x01: { type: open, access: rw }\n");
    look(&veto_shares);
    assert_int_equal(vetoes.n, 2);
    assert_true(fact_is(&vetoes.list[0], FACT_VETO_SHARE));
    assert_string_equal(fact_text(&vetoes.list[0], 0, 0), "client 6");
    assert_true(fact_is(&vetoes.list[1], FACT_VETO_SHARE_UNSEEN));
    assert_string_equal(fact_text(&vetoes.list[1], 0, 0), "192.0.2.9:712");
}

/* A network of this program's own, where nobody else has the port. */
static void enter_own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    assert_true(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
}

/* Where the list of clients is closed to the agent: who is connected to the port. */
static void test_clients_of_nfs_by_their_connections(void **state)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(2049), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in from = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};

    enter_own_network();
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    config.shares = true;
    run((struct made){.pid = 100, .parent = 2, .name = "nfsd", .words = "", .flags = KERNEL});
    expect(&veto_shares, ""); /* it only listens */
    assert_int_equal(bind(caller, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(caller, (const struct sockaddr *)&at, sizeof at), 0);
    expect(&veto_shares,
           "shares: 127.0.0.2 is connected by NFS, and what it has open cannot be seen\n");
    run((struct made){
        .pid = 100, .parent = 1, .name = "nfsd", .words = "nfsd"}); /* a program called so */
    expect(&veto_shares, "");
    close(caller);
    close(listener);
}

/* ---- who does not see ---- */

static const struct veto_check *const walkers[] = {&veto_processes, &veto_terminals, &veto_copies,
                                                   &veto_packages,  &veto_guests,    &veto_execs,
                                                   &veto_shares};

/* With hidepid the first process is not there. */
static void test_hidden_processes_are_a_veto(void **state)
{
    char path[PATH], expected[200];
    const char *const name = "x";
    snprintf(path, sizeof path, "%s/proc/1/stat", root);
    for (size_t i = 0; i < ARRAY_SIZE(walkers); i++) {
        config = (struct watch_config){.n_processes = 1, .processes = &name};
        config.terminals = config.copies = config.packages = true;
        config.guests = config.execs = config.shares = true;
        (void)unlink(path);
        walk_take(&watch->walk, NOW, true);
        memset(&watch->sight.sample, 0, sizeof watch->sight.sample);
        walkers[i]->look(watch);
        vetoes_judge(&config, &watch->sight.sample, false, &vetoes);
        assert_int_equal(vetoes.n, 1);
        snprintf(expected, sizeof expected,
                 "%s: not known: the processes of others are hidden (hidepid, ProtectProc)",
                 walkers[i]->name);
        say_fact_text(&vetoes.list[0], NULL, (struct say_how){0}, path, sizeof path);
        assert_string_equal(path, expected);
        snprintf(path, sizeof path, "%s/proc/1/stat", root);
        for (size_t k = 0; k < VETO_CHECKS; k++)
            if (veto_checks[k] == walkers[i])
                config.unseen = 1U << k;
        vetoes_judge(&config, &watch->sight.sample, false, &vetoes);
        assert_int_equal(vetoes.n, 0);
    }
}

static void test_no_proc_at_all(void **state)
{
    char other[PATH];
    config.copies = true;
    snprintf(other, sizeof other, "%s/nowhere", root);
    watch->walk.root = other;
    expect(&veto_copies, "copies: not known: /proc cannot be read\n");
    watch->walk.root = root;
}

static void test_processes_of_all_kinds_of_names(void **state)
{
    put("/proc/100/stat", "100 (a) S) (b) c) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n");
    put("/proc/101/stat", "101 (short");
    put("/proc/102/stat", "");
    put("/proc/103/stat", "-4 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n");
    put("/proc/104/stat",
        "104 (kworker/u8:2-events_unbound) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n");
    walk_take(&watch->walk, NOW, true);
    assert_true(fact_is(&watch->walk.problem, FACT_NONE));
    assert_int_equal(watch->walk.n, 4);
    assert_string_equal(walk_find(&watch->walk, 100)->name, "a) S) (b) c");
    assert_false(walk_find(&watch->walk, 100)->kernel);
    assert_string_equal(walk_find(&watch->walk, 104)->name, "kworker/u8:2-ev");
    assert_true(walk_find(&watch->walk, 104)->kernel);
    assert_null(walk_find(&watch->walk, 103));
}

/* What has settled is read again by a close walk only; what is new, or another one, by each. */
static void test_what_has_settled_is_taken_over(void **state)
{
    char path[PATH], elsewhere[PATH];
    struct walk *walk = &watch->walk;
    run((struct made){.pid = 100, .parent = 1, .name = "old", .words = NULL});
    run((struct made){.pid = 101, .parent = 1, .name = "young", .words = NULL, .age = 59000});
    walk_take(walk, NOW, true);
    run((struct made){.pid = 100, .parent = 1, .name = "execed", .words = NULL});
    run((struct made){.pid = 101, .parent = 1, .name = "execed", .words = NULL, .age = 59000});
    run((struct made){.pid = 102, .parent = 1, .name = "new", .words = NULL});
    walk_take(walk, NOW + 500, false);
    assert_string_equal(walk_find(walk, 100)->name, "old");
    assert_int_equal(walk_find(walk, 100)->age_ms, OLD + 500);
    assert_string_equal(walk_find(walk, 101)->name, "execed");
    assert_string_equal(walk_find(walk, 102)->name, "new");
    walk_take(walk, NOW + 1000, true);
    assert_string_equal(walk_find(walk, 100)->name, "execed");
    assert_int_equal(walk_find(walk, 100)->age_ms, OLD + 1000);
    /* Another process with its number. The old folder stays, or the new one could get its inode. */
    snprintf(path, sizeof path, "%s/proc/100", root);
    snprintf(elsewhere, sizeof elsewhere, "%s/gone", root);
    assert_int_equal(rename(path, elsewhere), 0);
    run((struct made){.pid = 100, .parent = 1, .name = "other", .words = NULL});
    walk_take(walk, NOW + 1500, false);
    assert_string_equal(walk_find(walk, 100)->name, "other");
    assert_true(fact_is(&walk->problem, FACT_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(test_jobs_of_systemd_run),
        CHECK(test_units_that_are_busy),
        CHECK(test_jobs_in_older_control_groups),
        CHECK(test_shares_of_samba),
        CHECK(test_shares_that_cannot_be_seen),
        CHECK(test_shares_of_nfs),
        CHECK(test_files_that_samba_has_for_itself),
        CHECK(test_a_client_that_goes_is_nobody),
        CHECK(test_a_client_of_nfs_that_is_not_let_be_seen),
        CHECK(test_clients_of_nfs_by_their_connections),
        CHECK(test_hidden_processes_are_a_veto),
        CHECK(test_no_proc_at_all),
        CHECK(test_processes_of_all_kinds_of_names),
        CHECK(test_what_has_settled_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
