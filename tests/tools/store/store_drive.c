/*
 * store_drive: the store alone, for tests. store_drive PATH [quick]; quick shortens its times.
 * Orders are lines on stdin:
 *   put KIND KEY BODY     sure KIND KEY BODY (durable)     remove KIND KEY (durable)
 *   event N     sure-event N (durable)     many FROM TO (steps, each waited for)
 *   load     quit [LIMIT_MS]
 * What happens is lines on stdout:
 *   created CODE ...     ticket N     committed N     step N     problem WORDS     well
 *   row KIND KEY BODY     loaded CODE
 *   salvage FILE RECORDS COPIED COPY     history ENTRIES COPIED LOST (all of it)
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "store/store.h"
#include "store/tuning.h"

enum { LINE_SIZE = 4096 };

struct driver {
    struct store *store;
    uint64_t committed;
    char problem[2048];
    struct store_salvage salvage;
};

static const char *const kinds[] = {"server", "quota", "setting"};

static enum store_kind kind_named(const char *name)
{
    enum store_kind kind = STORE_SERVER;
    while (kind < STORE_SETTING && strcmp(kinds[kind], name) != 0)
        kind++;
    return kind;
}

static void look_salvage(struct driver *driver)
{
    struct store_salvage now;
    const struct store_salvage *known = &driver->salvage;
    store_salvaged(driver->store, &now);
    bool is_other = now.turn > 0 && (known->turn == 0 || now.at != known->at);
    if (is_other && now.is_new)
        printf("salvage %s %lld %lld %s\n", now.file[0] != '\0' ? now.file : "-",
               (long long)now.records, (long long)now.records_copied,
               now.copy[0] != '\0' ? now.copy : "-");
    if (now.done && (is_other || !known->done))
        printf("history %lld %lld %lld\n", (long long)now.entries, (long long)now.entries_copied,
               (long long)now.lost);
    driver->salvage = now;
}

static void look(struct driver *driver)
{
    char problem[sizeof driver->problem];
    uint64_t committed = store_committed(driver->store);
    store_problem(driver->store, problem, sizeof problem);
    if (strcmp(problem, driver->problem) != 0)
        printf(problem[0] != '\0' ? "problem %s\n" : "well%s\n", problem);
    if (committed != driver->committed)
        printf("committed %llu\n", (unsigned long long)committed);
    look_salvage(driver);
    memcpy(driver->problem, problem, sizeof problem);
    driver->committed = committed;
}

static void on_row(void *context, const char *key, const char *body, int64_t saved_wall)
{
    (void)saved_wall;
    printf("row %s %s %s\n", kinds[*(enum store_kind *)context], key, body);
}

static void load(struct driver *driver)
{
    int code = 0;
    for (enum store_kind kind = STORE_SERVER; kind <= STORE_SETTING; kind++)
        code = code != 0 ? code : store_load(driver->store, kind, on_row, &kind);
    printf("loaded %d\n", code);
}

static uint64_t log_number(struct driver *driver, const char *number, bool durable)
{
    char body[64];
    snprintf(body, sizeof body, "{\"n\":%s}", number);
    const struct store_event event = {
        .at = clock_now().wall, .server = "testing", .type = "ready", .body = body};
    return store_log(driver->store, &event, durable);
}

static void wait_for(struct driver *driver, uint64_t ticket)
{
    struct pollfd fd = {.fd = store_fd(driver->store), .events = POLLIN};
    while (driver->committed < ticket) {
        poll(&fd, 1, -1);
        look(driver);
    }
}

/* Each step: an event and the state of that number, in one commit; told when it is on the disk. */
static void many(struct driver *driver, long from, long to)
{
    char number[32];
    for (long n = from; n <= to; n++) {
        snprintf(number, sizeof number, "%ld", n);
        log_number(driver, number, false); /* goes with what follows */
        wait_for(driver, store_put(driver->store, STORE_SERVER, "step", number, true));
        printf("step %ld\n", n);
        fflush(stdout);
    }
}

/* False at the end. */
static bool obey(struct driver *driver, char *line)
{
    char *words[4] = {"", "", "", ""};
    uint64_t ticket = 0;
    for (int i = 0; i < 3 && line != NULL; i++)
        words[i] = strsep(&line, " ");
    words[3] = line != NULL ? line : "";
    const char *verb = words[0];
    if (strcmp(verb, "put") == 0 || strcmp(verb, "sure") == 0)
        ticket = store_put(driver->store, kind_named(words[1]), words[2], words[3], verb[0] == 's');
    else if (strcmp(verb, "remove") == 0)
        ticket = store_put(driver->store, kind_named(words[1]), words[2], NULL, true);
    else if (strcmp(verb, "event") == 0 || strcmp(verb, "sure-event") == 0)
        ticket = log_number(driver, words[1], verb[0] == 's');
    else if (strcmp(verb, "many") == 0)
        many(driver, strtol(words[1], NULL, 10), strtol(words[2], NULL, 10));
    else if (strcmp(verb, "load") == 0)
        load(driver);
    if (ticket > 0)
        printf("ticket %llu\n", (unsigned long long)ticket);
    if (strcmp(verb, "quit") != 0)
        return true;
    store_destroy(driver->store, words[1][0] != '\0' ? strtol(words[1], NULL, 10) : 5000);
    return false;
}

/* One line, by single reads, so that nothing hides in a buffer from poll. False at the end of
 * input. */
static bool read_line(char line[LINE_SIZE])
{
    size_t n = 0;
    while (n + 1 < LINE_SIZE && read(STDIN_FILENO, &line[n], 1) == 1)
        if (line[n++] == '\n') {
            line[n - 1] = '\0';
            return true;
        }
    return false;
}

static int play(struct driver *driver)
{
    char line[LINE_SIZE];
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = store_fd(driver->store), .events = POLLIN}};
    for (;;) {
        fflush(stdout);
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (fds[1].revents != 0)
            look(driver);
        if (fds[0].revents == 0)
            continue;
        if (!read_line(line)) {
            store_destroy(driver->store, 5000);
            return 0;
        }
        if (!obey(driver, line))
            return 0;
    }
}

int main(int n, char **arguments)
{
    struct driver driver = {0};
    struct store_tuning tuning = store_tuning_real;
    if (n < 2)
        return 2;
    if (n > 2 && strcmp(arguments[2], "quick") == 0) {
        tuning.pace.batch_ms = 100;
        tuning.retry_first_ms = 50;
        tuning.retry_most_ms = 200;
        tuning.check_after_ms = 100;
        tuning.busy_ms = 100;
        tuning.salvage_after_ms = tuning.salvage_pause_ms = 0;
        tuning.salvage_ms = 5;
    }
    int64_t max_mb = 50;
    if (n > 3 && number_parse(arguments[3], 1, 1000000, &max_mb) < 0)
        return 2;
    const struct store_options options = {
        .path = arguments[1], .keep_days = 90, .max_mb = (int)max_mb};
    int64_t start = clock_boot_ns();
    int error = store_create_tuned(&options, &tuning, &driver.store);
    printf("created %d in %lld us\n", error, (long long)((clock_boot_ns() - start) / 1000));
    return error < 0 ? 1 : play(&driver);
}
