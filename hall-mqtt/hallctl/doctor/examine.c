/* Runs the checks, each in a process of its own with a limit. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hallctl/doctor/doctor.h"

enum { CHECKS_MAX = 32 };

/* One check on its way. */
struct run {
    const struct doctor_check *check;
    void *facts; /* shared with the process */
    pid_t pid;   /* 0: not begun */
    int end;     /* of a pipe that the process holds open; -1: it has ended */
    bool late;
    int status;
};

static void child(const struct doctor *doctor, const struct doctor_check *check, void *facts)
{
    setpgid(0, 0); /* a group, so that its children end with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    check->gather(doctor, facts);
    _exit(0);
}

static void begin(struct run *run, const struct doctor *doctor)
{
    int ends[2];

    run->end = -1;
    run->facts =
        mmap(NULL, run->check->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->facts == MAP_FAILED)
        run->facts = NULL;
    if (!run->facts || pipe2(ends, O_CLOEXEC) < 0)
        return;
    run->pid = fork();
    if (run->pid == 0) {
        close(ends[0]);
        child(doctor, run->check, run->facts);
    }
    if (run->pid > 0)
        setpgid(run->pid, run->pid);
    close(ends[1]);
    run->end = ends[0];
}

static void end(struct run *run, bool late)
{
    if (run->end < 0)
        return;
    close(run->end);
    run->end = -1;
    run->late = late;
    if (run->pid <= 0)
        return;
    if (late)
        kill(-run->pid, SIGKILL);
    while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR)
        continue;
}

static void wait_for(struct run *runs, size_t n, int64_t deadline)
{
    struct pollfd watched[CHECKS_MAX];
    size_t open = n;

    while (open > 0) {
        const int64_t left = deadline - clock_now().boot;

        open = 0;
        for (size_t i = 0; i < n; i++) {
            watched[i] = (struct pollfd){.fd = runs[i].end, .events = POLLIN};
            open += runs[i].end >= 0;
        }
        if (open == 0 || left <= 0 || (poll(watched, n, (int)left) < 0 && errno != EINTR))
            break;
        for (size_t i = 0; i < n; i++)
            if (watched[i].revents != 0)
                end(&runs[i], false);
    }
    for (size_t i = 0; i < n; i++)
        end(&runs[i], true);
}

static void judge(const struct run *run, struct findings *findings)
{
    if (run->facts)
        run->check->judge(run->facts, findings);
    if (run->late)
        findings_add(findings, DOCTOR_CHECK_LATE, run->check->name, NULL);
    else if (run->pid <= 0 || run->status != 0)
        findings_add(findings, DOCTOR_CHECK_FAILED, run->check->name, NULL);
}

void doctor_examine(const struct doctor *doctor, const struct doctor_check *const *checks, size_t n,
                    int64_t limit_ms, struct findings *findings)
{
    struct run runs[CHECKS_MAX] = {0};
    const int64_t deadline = clock_now().boot + limit_ms;

    n = n < CHECKS_MAX ? n : CHECKS_MAX;
    for (size_t i = 0; i < n; i++) {
        runs[i].check = checks[i];
        begin(&runs[i], doctor);
    }
    wait_for(runs, n, deadline);
    for (size_t i = 0; i < n; i++) {
        judge(&runs[i], findings);
        if (runs[i].facts)
            munmap(runs[i].facts, runs[i].check->size);
    }
}
