/*
 * worlds: Hall's real core in small worlds of its own, each with machines, agents, a broker and
 * people; the judge compares what Hall shows and does with the truth, which Hall cannot see. Each
 * world is a few hours of one to three servers, from a seed and a number:
 *
 *     worlds --hours 200 --seed 1            so many hours, world after world
 *     worlds --seed 1 --world 17 --verbose   one world again, with all that happens
 *     worlds --hours 200 --bounds            and how long what must not last did at most
 *     worlds --self-test                     each fault that is put in on purpose must be found
 *     worlds --break leases                  one of them, as a world would show it
 *
 * A failure prints its seed, world, time and invariant, and the last 40 lines of the log.
 *
 * plan.c makes a world, machine.c is the truth, wire.c the broker and the agents, people.c who
 * comes and commands; hall.c, life.c, probe.c and sight.c drive the core as hall-mqtt/hall/ does;
 * judge.c, judge_action.c and book.c say what must hold.
 */
#include <time.h>

#include "world.h"

enum { HOURS_LEAST = 6, HOURS_MOST = 12 };

struct options {
    int64_t hours;
    uint64_t seed;
    int only; /* -1: all */
    enum breakage broken;
    bool verbose, self_test, bounds;
};

static const char *const count_names[COUNTS] = {
    [COUNT_MOMENTS] = "moments",   [COUNT_PROBES] = "probes",    [COUNT_VISITS] = "visits",
    [COUNT_COMMANDS] = "commands", [COUNT_PACKETS] = "packets",  [COUNT_SLEEPS] = "sleeps asked",
    [COUNT_RESTARTS] = "restarts", [COUNT_JUDGED] = "judgements"};

struct totals {
    uint64_t worlds, hours, counts[COUNTS];
    int64_t longest[16];
    unsigned failures;
};

/* What is put in on purpose, and the invariants that may find it. */
static const struct {
    const char *name, *found_by;
} faults[BREAKS] = {
    [BREAK_FORCE] = {"force", "force claim answer"},
    [BREAK_LEASES] = {"leases", "lease"},
    [BREAK_SLEEP] = {"sleep", "awake"},
    [BREAK_STREAMS] = {"streams", "cut"},
    [BREAK_SILENCE] = {"silence", "state"},
    [BREAK_ANSWERS] = {"answers", "answer"},
    [BREAK_TWICE] = {"twice", "answer"},
    [BREAK_WAKES] = {"wakes", "spurious"},
    [BREAK_GATE] = {"gate", "visitor"},
    [BREAK_PACKETS] = {"packets", "wake"},
    [BREAK_SCHEDULE] = {"schedule", "asleep"},
    [BREAK_FLAPS] = {"flaps", "flaps state"},
    [BREAK_SHARED] = {"shared", "container"},
    [BREAK_PACE] = {"pace", "state visitor"},
};

static struct world *world_make(uint64_t seed, unsigned number, enum breakage broken)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        abort();
    world->seed = seed;
    world->number = number;
    world->random = seed * UINT64_C(1000003) + number;
    world->broken = broken;
    plan_make(world);
    return world;
}

static void world_run(struct world *world)
{
    world->ends = between(world, HOURS_LEAST, HOURS_MOST) * HOUR;
    judge_begin(world);
    wire_begin(world);
    for (int i = 0; i < (int)world->plan.model.n_servers; i++) {
        world->judge.idle_most[i] = book_idle(world, i);
        machine_begin(world, i);
    }
    hall_begin(world);
    people_begin(world);
    while (!world->judge.failed) {
        const int64_t due = hall_deadline(world), next = world_next(world);
        const int64_t at = due < next ? due : next;

        if (at > world->ends)
            break;
        judge_time(world, at);
        if (world->judge.failed)
            break;
        world->t = at;
        if (due <= next)
            hall_tick(world);
        else
            world_play(world);
    }
}

static void world_end(struct world *world)
{
    hall_finish(world);
    world_finish_queue(world);
    free(world);
}

static void count(struct totals *totals, const struct world *world)
{
    totals->worlds++;
    totals->hours += (uint64_t)(world->t / HOUR);
    for (size_t i = 0; i < COUNTS; i++)
        totals->counts[i] += world->counts[i];
    for (size_t i = 0; i < 16; i++)
        if (world->judge.longest[i] > totals->longest[i])
            totals->longest[i] = world->judge.longest[i];
}

static void show_failure(const struct world *world)
{
    const uint64_t first = world->n_lines > LINES ? world->n_lines - LINES : 0;

    printf("worlds: seed %" PRIu64 ", world %u, %d:%02d:%02d: %s: %s\n", world->seed, world->number,
           (int)(world->judge.when / HOUR), (int)(world->judge.when / MINUTE % 60),
           (int)(world->judge.when / SECOND % 60), world->judge.invariant, world->judge.why);
    if (!world->verbose)
        for (uint64_t i = first; i < world->n_lines; i++)
            puts(world->lines[i % LINES]);
}

static void play(const struct options *options, unsigned number, struct totals *totals)
{
    struct world *world = world_make(options->seed, number, options->broken);

    world->verbose = options->verbose;
    world_run(world);
    count(totals, world);
    if (world->judge.failed) {
        show_failure(world);
        totals->failures++;
    }
    world_end(world);
}

static int run(const struct options *options)
{
    struct totals totals = {0};

    if (options->only >= 0)
        play(options, (unsigned)options->only, &totals);
    for (unsigned i = 0;
         options->only < 0 && totals.hours < (uint64_t)options->hours && totals.failures < 10; i++)
        play(options, i, &totals);
    printf("worlds: seed %" PRIu64 ": %" PRIu64 " worlds, %" PRIu64 " hours", options->seed,
           totals.worlds, totals.hours);
    for (size_t i = 0; i < COUNTS; i++)
        printf(", %" PRIu64 " %s", totals.counts[i], count_names[i]);
    printf("; %u failed\n", totals.failures);
    for (size_t i = 0; options->bounds && judge_condition(i); i++)
        printf("%8d ms at most: %s\n", (int)totals.longest[i], judge_condition(i));
    return totals.failures == 0 ? 0 : 1;
}

/* Found is a fault by an invariant that is about it. */
static bool is_found(enum breakage fault, uint64_t seed, unsigned *ret_world, const char **ret_by)
{
    for (unsigned i = 0; i < 60; i++) {
        struct world *world = world_make(seed, i, fault);
        const char *by = NULL;

        world_run(world);
        if (world->judge.failed)
            by = world->judge.invariant;
        world_end(world);
        *ret_world = i;
        *ret_by = by;
        if (by && strstr(faults[fault].found_by, by))
            return true;
    }
    return false;
}

static int self_test(const struct options *options)
{
    int missed = 0;

    for (enum breakage fault = BREAK_NOTHING + 1; fault < BREAKS; fault++) {
        unsigned number;
        const char *by;
        const bool found = is_found(fault, options->seed, &number, &by);

        printf("%s: %s", faults[fault].name, found ? "found" : "NOT FOUND");
        if (found)
            printf(" in world %u by \"%s\"", number, by);
        putchar('\n');
        missed += !found;
    }
    return missed == 0 ? 0 : 1;
}

static bool read_fault(const char *name, enum breakage *ret_fault)
{
    for (enum breakage fault = BREAK_NOTHING + 1; fault < BREAKS; fault++)
        if (strcmp(faults[fault].name, name) == 0) {
            *ret_fault = fault;
            return true;
        }
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--verbose") == 0)
            options->verbose = true;
        else if (strcmp(argv[i], "--bounds") == 0)
            options->bounds = true;
        else if (strcmp(argv[i], "--self-test") == 0)
            options->self_test = true;
        else if (strcmp(argv[i], "--hours") == 0 && ++i < argc)
            options->hours = strtoll(value, NULL, 10);
        else if (strcmp(argv[i], "--world") == 0 && ++i < argc)
            options->only = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && ++i < argc)
            options->seed =
                strcmp(value, "random") == 0 ? (uint64_t)time(NULL) : strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--break") != 0 || ++i >= argc ||
                 !read_fault(value, &options->broken))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.hours = 200, .seed = 1, .only = -1};

    if (!read_options(argc, argv, &options)) {
        fputs("usage: worlds [--hours N] [--seed N|random] [--world N] [--verbose] [--bounds] "
              "[--break NAME] "
              "[--self-test]\n",
              stderr);
        return 2;
    }
    return options.self_test ? self_test(&options) : run(&options);
}
