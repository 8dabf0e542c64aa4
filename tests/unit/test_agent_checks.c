/* What of the programs, locks and guests of a machine counts as use. */
#include "machine_fixture.h"

/* ---- terminals ---- */

static void test_a_job_in_a_detached_terminal(void **state)
{
    config.terminals = true;
    run((struct made){.pid = 100, .parent = 1, .name = "tmux: server", .words = "tmux|new|-d"});
    run((struct made){.pid = 101, .parent = 100, .name = "bash", .words = "-bash"});
    run((struct made){.pid = 102, .parent = 101, .name = "sudo", .words = "sudo|-i"});
    run((struct made){.pid = 103, .parent = 102, .name = "zsh", .words = "-zsh"});
    run((struct made){
        .pid = 200, .parent = 1, .name = "rsync", .words = "rsync|-a|/a|/b"}); /* in no terminal */
    expect(&veto_terminals, "");
    run((struct made){.pid = 104, .parent = 103, .name = "make", .words = "make|-j4"});
    expect(&veto_terminals, "terminals: make runs in tmux\n");
    run((struct made){.pid = 300, .parent = 1, .name = "screen", .words = "SCREEN|-dmS|x"});
    run((struct made){.pid = 301, .parent = 300, .name = "sleep", .words = "sleep|9999"});
    expect(&veto_terminals, "terminals: make runs in tmux\nterminals: sleep runs in screen\n");
    config.n_ignored = 1;
    config.ignored = (const char *const[]){"make"};
    expect(&veto_terminals, "terminals: sleep runs in screen\n");
}

static void test_a_shell_that_runs_a_script(void **state)
{
    static const struct {
        const char *words, *job;
    } rows[] = {
        {"bash|/root/nightly.sh|--all", "nightly.sh"},
        {"sh|-c|while :; do :; done", "while :; do :; done"},
        {"bash|--rcfile|/etc/rc|-i", NULL},
        {"zsh|-l", NULL},
        {"-fish", NULL},
        {"bash|-o|vi", NULL},
        {"", NULL},
    };
    char expected[200];
    config.terminals = true;
    run((struct made){.pid = 100, .parent = 1, .name = "tmux: server", .words = "tmux"});
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        run((struct made){.pid = 101, .parent = 100, .name = "bash", .words = rows[i].words});
        snprintf(expected, sizeof expected, "terminals: %s runs in tmux\n", rows[i].job);
        expect(&veto_terminals, rows[i].job ? expected : "");
    }
}

/* Parents that were read at different times may form a ring. */
static void test_a_ring_of_parents_ends(void **state)
{
    config.terminals = true;
    run((struct made){.pid = 90, .parent = 1, .name = "screen", .words = "SCREEN"});
    run((struct made){.pid = 100, .parent = 101, .name = "a", .words = NULL});
    run((struct made){.pid = 101, .parent = 100, .name = "b", .words = NULL});
    run((struct made){.pid = 102, .parent = 102, .name = "c", .words = NULL});
    expect(&veto_terminals, "");
}

/* ---- copies ---- */

static void test_programs_that_copy(void **state)
{
    config.copies = true;
    run((struct made){
        .pid = 100, .parent = 1, .name = "rsync", .words = "rsync|--daemon|--no-detach"});
    run((struct made){
        .pid = 101, .parent = 1, .name = "rclone", .words = "rclone|mount|drive:|/mnt"});
    run((struct made){.pid = 102, .parent = 1, .name = "cp", .words = "cp|a|b", .age = 1000});
    run((struct made){.pid = 103, .parent = 2, .name = "dd", .words = "", .flags = KERNEL});
    run((struct made){.pid = 104, .parent = 1, .name = "rsyncd", .words = "rsyncd"});
    expect(&veto_copies, "");
    run((struct made){.pid = 105,
                      .parent = 100,
                      .name = "rsync",
                      .words = "rsync|--daemon|--no-detach"}); /* a client's */
    run((struct made){.pid = 106, .parent = 1, .name = "dd", .words = "dd|if=/dev/sda", .age = 10});
    run((struct made){.pid = 107, .parent = 1, .name = "cp", .words = "cp|a|b", .age = 5000});
    run((struct made){.pid = 108, .parent = 1, .name = "rclone", .words = "rclone|copy|a:|b:"});
    run((struct made){.pid = 109, .parent = 1, .name = "tar", .words = "tar|cf|-"});
    expect(&veto_copies, "copies: rsync runs\ncopies: dd runs\ncopies: cp runs\n"
                         "copies: rclone runs\ncopies: tar runs\n");
    config.n_ignored = 2;
    config.ignored = (const char *const[]){"rsync", "tar"};
    config.n_copies = 2;
    config.copy_programs = (const char *const[]){"rsyncd", "tar"};
    expect(&veto_copies, "copies: rsyncd runs\n");
}

static void test_more_than_are_named(void **state)
{
    char path[PATH];
    static const char *const names[] = {"borg", "restic", "kopia", "bup",    "scp",    "sftp",
                                        "lftp", "dd",     "tar",   "vzdump", "tarsnap"};
    config.copies = true;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        run((struct made){.pid = 100 + (int)i, .parent = 1, .name = names[i], .words = NULL});
    look(&veto_copies);
    assert_int_equal(vetoes.n, SAMPLE_SEEN_MAX + 1);
    say_fact_text(&vetoes.list[SAMPLE_SEEN_MAX], NULL, (struct say_how){0}, path, sizeof path);
    assert_string_equal(path, "copies: and 3 more");
}

/* ---- packages ---- */

static void lock_line(const char *kind, const char *file, unsigned inode_off, bool other_device)
{
    char path[PATH], line[200];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", root, file);
    assert_int_equal(stat(path, &status), 0);
    snprintf(line, sizeof line,
             "1: FLOCK  ADVISORY  WRITE 7 00:05:1 0 EOF\n2: %s %x:%x:%llu 0 EOF\n", kind,
             (unsigned)(status.st_dev >> 8 & 0xfff) + (other_device ? 1 : 0),
             (unsigned)((status.st_dev & 0xff) | (status.st_dev >> 12 & 0xfff00)),
             (unsigned long long)status.st_ino + inode_off);
    put("/proc/locks", line);
}

static void test_locks_of_package_managers(void **state)
{
    static const char frontend[] = "/var/lib/dpkg/lock-frontend";
    config.packages = true;
    expect(&veto_packages, ""); /* neither locks nor such files */
    put(frontend, "");
    expect(&veto_packages, "packages: not known: /proc/locks cannot be read\n");
    put("/proc/locks", "");
    expect(&veto_packages, "");
    lock_line("POSIX  ADVISORY  WRITE 812", frontend, 0, false);
    expect(&veto_packages, "packages: /var/lib/dpkg/lock-frontend is locked\n");
    lock_line("OFDLCK ADVISORY  WRITE -1", frontend, 0, false);
    expect(&veto_packages, "packages: /var/lib/dpkg/lock-frontend is locked\n");
    lock_line("FLOCK  ADVISORY  WRITE 812", frontend, 0, false);
    expect(&veto_packages, "packages: /var/lib/dpkg/lock-frontend is locked\n");
    lock_line("-> POSIX  ADVISORY  WRITE 812", frontend, 0, false); /* it only waits */
    expect(&veto_packages, "");
    lock_line("POSIX  ADVISORY  WRITE 812", frontend, 1, false);
    expect(&veto_packages, "");
    put("/proc/locks", "1: POSIX\n\n2: x\n3: POSIX ADVISORY WRITE 1 zz:0:1 0 EOF\n");
    expect(&veto_packages, "");
}

static void test_package_managers(void **state)
{
    config.packages = true;
    run((struct made){.pid = 100,
                      .parent = 1,
                      .name = "unattended-upgr",
                      .words = "python3|unattended-upgrade-shutdown"});
    run((struct made){.pid = 101, .parent = 1, .name = "dpkg", .words = "dpkg|-l", .age = 100});
    run((struct made){.pid = 102, .parent = 1, .name = "packagekitd", .words = NULL});
    expect(&veto_packages, "");
    run((struct made){
        .pid = 103, .parent = 1, .name = "apt-get", .words = "apt-get|install|x", .age = 100});
    run((struct made){
        .pid = 104, .parent = 103, .name = "dpkg", .words = "dpkg|--configure|-a", .age = 8000});
    expect(&veto_packages, "packages: apt-get runs\npackages: dpkg runs\n");
}

/* ---- guests ---- */

static void test_guests(void **state)
{
    static const struct {
        const char *process, *words, *expected;
    } rows[] = {
        {"qemu-system-x86", "qemu-system-x86_64|-name|guest=win,debug-threads=on|-m|1",
         "guests: win runs (qemu)\n"},
        {"kvm", "/usr/bin/kvm|-id|100|-name|nas,debug-threads=on", "guests: nas runs (qemu)\n"},
        {"qemu-system-aar", "qemu-system-aarch64|-m|1", "guests: pid 100 runs (qemu)\n"},
        {"lxc-start", "/usr/bin/lxc-start|-F|-n|101", "guests: 101 runs (lxc)\n"},
        {"lxc-start", "[lxc monitor] /var/lib/lxc web", "guests: web runs (lxc)\n"},
        {"lxd", "[lxc monitor] /var/snap/lxd/containers blue", "guests: blue runs (lxd)\n"},
        {"lxd", "lxd|--logfile|/x", ""},
        {"incusd", "incusd|--group|x", ""},
        {"systemd-nspawn", "systemd-nspawn|--machine=lab|-b", "guests: lab runs (nspawn)\n"},
        {"qemu-x86_64-sta", "qemu-x86_64-static|x", ""},
        {"libvirtd", "libvirtd", ""},
    };
    config.guests = true;
    run((struct made){.pid = 99, .parent = 2, .name = "kvm", .words = "", .flags = KERNEL});
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        run((struct made){
            .pid = 100, .parent = 1, .name = rows[i].process, .words = rows[i].words});
        expect(&veto_guests, rows[i].expected);
    }
}

/* ---- execs ---- */

static void test_execs(void **state)
{
    config.execs = true;
    run((struct made){.pid = 100, .parent = 1, .name = "containerd-shim", .words = NULL});
    run((struct made){.pid = 101, .parent = 100, .name = "nginx", .words = NULL, .terminal = true});
    run((struct made){.pid = 102, .parent = 101, .name = "nginx", .words = NULL});
    run((struct made){.pid = 110,
                      .parent = 100,
                      .name = "curl",
                      .words = NULL,
                      .age = 2000}); /* a check of its health */
    run((struct made){.pid = 111, .parent = 1, .name = "docker", .words = "docker|run|image|exec"});
    run((struct made){.pid = 112, .parent = 1, .name = "docker", .words = "docker|logs|-f|x"});
    run((struct made){.pid = 113, .parent = 100, .name = "pause", .words = NULL, .age = 300000});
    put("/proc/113/status", "Name:\tpause\nNSpid:\t113\t1\nNSpgid:\t113\t1\n");
    expect(&veto_execs, "");
    run((struct made){
        .pid = 110, .parent = 100, .name = "bash", .words = NULL, .age = 2000, .terminal = true});
    put("/proc/110/cgroup",
        "0::/system.slice/docker-"
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.scope\n");
    put("/proc/110/status", "Name:\tbash\nNSpid:\t110\t31\nNSpgid:\t110\t31\n");
    run((struct made){.pid = 114, .parent = 100, .name = "mysqldump", .words = NULL, .age = 61000});
    run((struct made){
        .pid = 115, .parent = 1, .name = "docker", .words = "docker|-H|x|exec|-it|web|sh"});
    run((struct made){.pid = 116, .parent = 1, .name = "podman", .words = "podman|build|."});
    expect(&veto_execs, "execs: bash runs in container 001122334455\n"
                        "execs: mysqldump runs\nexecs: docker exec runs\n"
                        "execs: podman build runs\n");
}

static void inside(int pid, int parent, const char *name, int64_t age, bool terminal)
{
    run((struct made){.pid = pid,
                      .parent = parent,
                      .name = name,
                      .words = NULL,
                      .age = age,
                      .terminal = terminal});
}

/* From a minute on what has no terminal is no check of a container's health. */
static void test_an_exec_without_a_terminal_counts_after_a_minute(void **state)
{
    config.execs = true;
    inside(100, 1, "containerd-shim", OLD, false);
    inside(101, 100, "nginx", OLD, false);
    inside(110, 100, "pg_dump", 60000 - TICK, false);
    expect(&veto_execs, "");
    inside(110, 100, "pg_dump", 60000, false);
    expect(&veto_execs, "execs: pg_dump runs\n");
}

/* Which of those below a shim the container is for: the oldest, of those of one age the first. */
static void test_what_a_container_is_for_is_no_exec(void **state)
{
    config.execs = true;
    inside(100, 1, "containerd-shim-runc-v2", OLD, false);
    inside(105, 100, "first", OLD / 2, true);
    inside(106, 100, "second", OLD / 2, true);
    inside(107, 100, "runc", OLD / 3, true); /* it only begins */
    expect(&veto_execs, "execs: second runs\n");
    inside(106, 100, "second", OLD / 2 + 10 * TICK, true);
    expect(&veto_execs, "execs: first runs\n");
}

static void test_who_is_in_no_container_is_no_exec(void **state)
{
    config.execs = true;
    inside(100, 1, "containerd", OLD, false);
    inside(101, 100, "one", OLD / 2, true);
    inside(102, 100, "two", OLD / 3, true);
    inside(200, 1, "containerd-shi", OLD, false);
    inside(201, 200, "three", OLD / 2, true);
    inside(202, 200, "four", OLD / 3, true);
    expect(&veto_execs, "");
}

/* Only an id of 64 digits names a container, and only the end of its own line makes a first one. */
static void test_execs_by_their_files(void **state)
{
    config.execs = true;
    inside(100, 1, "containerd-shim", OLD, false);
    inside(101, 100, "nginx", OLD, false);
    inside(102, 100, "sh", OLD / 2, true);
    put("/proc/102/cgroup",
        "0::/docker-"
        "0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.scope\n");
    put("/proc/102/status", "Name:\tsh\nNSpid:\t102\t11\nNSpgid:\t102\t1\n");
    expect(&veto_execs, "execs: sh runs\n");
    put("/proc/102/status", "Name:\tsh\nNSpid:\t102\t1\nNSpgid:\t102\t1\n");
    expect(&veto_execs, "");
}

static void test_what_clients_of_engines_do(void **state)
{
    static const char *const works[] = {"exec", "cp",   "build",  "buildx", "pull",  "push",
                                        "save", "load", "import", "export", "commit"};
    static const char *const others[] = {"run", "start", "attach", "logs", "stats", "events", "up"};
    static const char *const clients[] = {"docker", "docker-compose", "podman", "nerdctl"};
    char words[64], told[64];

    config.execs = true;
    for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
        snprintf(words, sizeof words, "docker|%s|x", works[i]);
        snprintf(told, sizeof told, "execs: docker %s runs\n", works[i]);
        run((struct made){.pid = 100, .parent = 1, .name = "docker", .words = words});
        expect(&veto_execs, told);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        snprintf(words, sizeof words, "docker|%s|exec", others[i]);
        run((struct made){.pid = 100, .parent = 1, .name = "docker", .words = words});
        expect(&veto_execs, "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        snprintf(words, sizeof words, "%s|exec|x", clients[i]);
        snprintf(told, sizeof told, "execs: %s exec runs\n", clients[i]);
        run((struct made){.pid = 100, .parent = 1, .name = clients[i], .words = words});
        expect(&veto_execs, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(test_a_job_in_a_detached_terminal),
        CHECK(test_a_shell_that_runs_a_script),
        CHECK(test_a_ring_of_parents_ends),
        CHECK(test_programs_that_copy),
        CHECK(test_more_than_are_named),
        CHECK(test_locks_of_package_managers),
        CHECK(test_package_managers),
        CHECK(test_guests),
        CHECK(test_execs),
        CHECK(test_an_exec_without_a_terminal_counts_after_a_minute),
        CHECK(test_what_a_container_is_for_is_no_exec),
        CHECK(test_who_is_in_no_container_is_no_exec),
        CHECK(test_execs_by_their_files),
        CHECK(test_what_clients_of_engines_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
