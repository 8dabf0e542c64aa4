#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "unit.h"
#include "web/board/board.h"

static struct model_server servers[3];
static struct model_site sites[4] = {{.server = 1}, {.server = 0}, {.server = 1}, {.server = 2}};
static const struct config config = {
    .model = {.n_servers = 3, .servers = servers, .n_sites = 4, .sites = sites}};

static int set_up(void **state)
{
    struct board *board;
    if (board_create(&config, &board) != 0)
        return -1;
    *state = board;
    return 0;
}

static int tear_down(void **state)
{
    board_destroy(*state);
    return 0;
}

static bool readable(const struct board *board)
{
    struct pollfd fd = {.fd = board_fd(board), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* All sites at one moment: each is told, whoever else is. */
static void each_site_of_a_crowd_is_told(void **state)
{
    enum { SITES = 1000 };
    static struct model_site many[SITES];
    const struct config of_many = {
        .model = {.n_servers = 3, .servers = servers, .n_sites = SITES, .sites = many}};
    struct board *board;
    struct visit visit;
    size_t told = 0;

    assert_int_equal(board_create(&of_many, &board), 0);
    for (int round = 0; round < 2; round++) {
        for (int site = 0; site < SITES; site++) {
            assert_true(board_tell(board, &(struct visit){.kind = VISIT_WANTS, .site = site}));
            assert_true(board_tell(board, &(struct visit){.kind = VISIT_USES, .site = site}));
        }
        while (board_take(board, &visit))
            told++;
    }
    assert_int_equal(told, 2 * SITES); /* again, so soon, is no news */
    board_destroy(board);
}

static void what_is_posted_is_read(void **state)
{
    struct notice notice;
    board_read(*state, 1, &notice);
    assert_int_equal(notice.version, 0);
    assert_int_equal(notice.expected_ready, -1);
    board_post(*state, 1, &(struct notice){.state = POWER_BOOTING, .since = 7});
    board_post(*state, 1, &(struct notice){.state = POWER_READY, .since = 8});
    board_read(*state, 1, &notice);
    assert_int_equal(notice.version, 2);
    assert_int_equal(notice.state, POWER_READY);
    board_read(*state, 0, &notice);
    assert_int_equal(notice.version, 0);
}

static void what_is_posted_of_a_project_is_news_of_its_server(void **state)
{
    static struct model_site some[3] = {
        {.server = 0}, {.server = 0, .is_project = true}, {.server = 1, .is_project = true}};
    const struct config of_projects = {
        .model = {.n_servers = 2, .servers = servers, .n_sites = 3, .sites = some}};
    struct project_notice project = {0}, read;
    struct board *board;
    struct notice notice;

    assert_int_equal(board_create(&of_projects, &board), 0);
    assert_false(board_read_project(board, 0, &read)); /* no project */
    assert_false(board_read_project(board, 1, &read)); /* nothing is known */
    board_post(board, 0, &(struct notice){.state = POWER_READY});
    project.state = PROJECT_STARTING;
    board_post_project(board, 1, &project);
    assert_true(board_read_project(board, 1, &read));
    assert_int_equal(read.state, PROJECT_STARTING);
    assert_false(board_read_project(board, 2, &read));
    board_read(board, 0, &notice);
    assert_int_equal(notice.version, 2);
    board_post_project(board, 1, &project); /* the same again is no news */
    board_read(board, 0, &notice);
    assert_int_equal(notice.version, 2);
    board_destroy(board);
}

static void sites_are_ready_each_by_itself(void **state)
{
    struct notice notice;

    board_post_ready(*state, 2, true);
    board_post(*state, 1, &(struct notice){0});
    assert_false(board_site_ready(*state, 0));
    assert_true(board_site_ready(*state, 2));
    assert_false(board_site_ready(*state, 1));
    board_post_ready(*state, 0, true);
    board_post_ready(*state, 2, false);
    board_post(*state, 1, &(struct notice){0}); /* that of its sites is news */
    assert_true(board_site_ready(*state, 0));
    assert_false(board_site_ready(*state, 2));
    board_read(*state, 1, &notice);
    assert_int_equal(notice.version, 2);
    board_post_ready(*state, 0, true);
    board_post(*state, 1, &(struct notice){0}); /* the same again is none */
    board_read(*state, 1, &notice);
    assert_int_equal(notice.version, 2);
}

static void repeated_visits_are_told_once(void **state)
{
    struct visit visit;
    unsigned wants = 0;
    unsigned uses = 0;
    int64_t start = clock_now().boot;
    for (int i = 0; i < 1000; i++) {
        assert_true(board_tell(
            *state, &(struct visit){.kind = VISIT_WANTS, .site = 0, .who = "192.0.2.1"}));
        assert_true(board_tell(*state, &(struct visit){.kind = VISIT_USES, .site = 0}));
    }
    int64_t pauses = (clock_now().boot - start) / 100; /* however slow this machine is */
    assert_true(readable(*state));
    while (board_take(*state, &visit)) {
        wants += visit.kind == VISIT_WANTS;
        uses += visit.kind == VISIT_USES;
        assert_int_equal(visit.site, 0);
    }
    assert_in_range(wants, 1, 1 + (uintmax_t)pauses + 1);
    assert_in_range(uses, 1, 1 + (uintmax_t)pauses / 10 + 1);
    assert_false(readable(*state));
    assert_true(board_tell(
        *state, &(struct visit){.kind = VISIT_WANTS, .site = 1})); /* another site: told */
    assert_true(board_take(*state, &visit));
    assert_int_equal(visit.site, 1);
}

static void a_full_inbox_says_so_and_forgets_nothing(void **state)
{
    struct visit visit;
    unsigned n = 0;
    while (board_tell(*state, &(struct visit){.kind = VISIT_REFUSED, .site = MODEL_NONE}))
        assert_true(++n < 100000);
    assert_false(board_tell(*state, &(struct visit){.kind = VISIT_WANTS, .site = 0}));
    assert_true(board_take(*state, &visit));
    assert_true(board_tell(*state, &(struct visit){.kind = VISIT_WANTS, .site = 0}));
    unsigned taken = 1;
    while (board_take(*state, &visit))
        taken++;
    assert_int_equal(taken, n + 1);
    assert_int_equal(visit.kind, VISIT_WANTS);
}

static void waiting_ends_at_once_where_news_are_there(void **state)
{
    board_post(*state, 0, &(struct notice){.state = POWER_OFF});
    assert_true(board_wait(*state, BOARD_PAGES, 0, 0, 60000));
    assert_false(board_wait(*state, BOARD_PAGES, 0, 1, 1));
    board_close(*state);
    assert_true(board_is_closed(*state));
    assert_false(board_wait(*state, BOARD_PAGES, 0, 1, 60000));
}

struct waiter {
    struct board *board;
    atomic_int begun;
    bool newer;
};

static void *wait_for_news(void *argument)
{
    struct waiter *waiter = argument;
    atomic_store(&waiter->begun, 1);
    waiter->newer = board_wait(waiter->board, BOARD_PAGES, 2, 0, 60000);
    return NULL;
}

static void a_post_wakes_those_who_wait(void **state)
{
    struct waiter waiters[BOARD_WAITERS_MAX];
    pthread_t threads[BOARD_WAITERS_MAX];
    for (int i = 0; i < BOARD_WAITERS_MAX; i++) {
        waiters[i] = (struct waiter){.board = *state};
        pthread_create(&threads[i], NULL, wait_for_news, &waiters[i]);
    }
    for (int i = 0; i < BOARD_WAITERS_MAX; i++)
        while (atomic_load(&waiters[i].begun) == 0)
            sched_yield();
    board_post(*state, 1, &(struct notice){.state = POWER_OFF}); /* not what they wait for */
    board_post(*state, 2, &(struct notice){.state = POWER_READY});
    for (int i = 0; i < BOARD_WAITERS_MAX; i++) {
        pthread_join(threads[i], NULL);
        assert_true(waiters[i].newer);
    }
}

/* Takes a place and keeps it until the board closes, also where it was sent away at first. */
static void *keep_a_place(void *argument)
{
    struct waiter *waiter = argument;
    while (!board_is_closed(waiter->board))
        waiter->newer |= board_wait(waiter->board, BOARD_PAGES, 2, 0, 60000);
    return NULL;
}

/* Fills the waiters' places; the next one is not held. */
static void only_few_may_wait(void **state)
{
    struct waiter waiters[BOARD_WAITERS_MAX];
    pthread_t threads[BOARD_WAITERS_MAX];
    for (int i = 0; i < BOARD_WAITERS_MAX; i++) {
        waiters[i] = (struct waiter){.board = *state};
        pthread_create(&threads[i], NULL, keep_a_place, &waiters[i]);
    }
    /* A wait that ends long before its limit found no place; until all are taken it does not. */
    int64_t waited;
    do {
        int64_t start = clock_now().boot;
        assert_false(board_wait(*state, BOARD_PAGES, 2, 0, 1000));
        waited = clock_now().boot - start;
    } while (waited >= 500);
    assert_true(board_is_full(*state, BOARD_PAGES));
    assert_false(board_is_full(*state, BOARD_PROGRAMS));
    board_close(*state);
    for (int i = 0; i < BOARD_WAITERS_MAX; i++) {
        pthread_join(threads[i], NULL);
        assert_false(waiters[i].newer);
    }
}

enum { HOUR = 3600000 };

static const int64_t later = INT64_MAX / 2;

static enum guard_kind refusal(struct board *board, int site, uint32_t address, bool ready)
{
    struct guard guard = {GUARD_NONE, 0};
    bool refused = board_refuses(board, site, v4(address), ready, &guard);
    assert_int_equal(refused, guard.kind != GUARD_NONE);
    return guard.kind;
}

static void limits_are_kept_until_their_end(void **state)
{
    int64_t now = clock_now().boot;
    assert_int_equal(refusal(*state, 0, 7, true), GUARD_NONE);
    board_limit(*state, 0, v4(7), (struct guard){GUARD_CLIENT_MINUTES, now + HOUR});
    assert_int_equal(refusal(*state, 0, 7, true), GUARD_CLIENT_MINUTES);
    assert_int_equal(refusal(*state, 0, 8, true), GUARD_NONE);
    assert_int_equal(refusal(*state, 0, 0, true), GUARD_NONE);
    board_limit(*state, 0, v4(9), (struct guard){GUARD_CLIENT_MINUTES, now - 1});
    assert_int_equal(refusal(*state, 0, 9, true), GUARD_NONE);
    board_limit(*state, 3, v4(0), (struct guard){GUARD_PROJECT_MINUTES, now + HOUR});
    assert_int_equal(refusal(*state, 3, 8, true), GUARD_PROJECT_MINUTES);
    assert_int_equal(refusal(*state, 1, 8, true), GUARD_NONE);
    board_limit(*state, 0, v4(8), (struct guard){GUARD_MIN_DOWN, now + HOUR}); /* not a visitor's */
    assert_int_equal(refusal(*state, 0, 8, false), GUARD_NONE);
}

static void used_up_wakes_refuse_only_where_one_would_begin(void **state)
{
    static const struct {
        struct notice notice;
        bool refused;
    } cases[] = {
        {{.state = POWER_UNKNOWN}, true},
        {{.state = POWER_OFF}, true},
        {{.state = POWER_WAKING}, false},
        {{.state = POWER_BOOTING}, false},
        {{.state = POWER_READY}, false},
        {{.state = POWER_DEGRADED}, false},
        {{.state = POWER_SLEEPING}, true},
        {{.state = POWER_UNREACHABLE}, true},
        {{.state = POWER_WAKE_FAILED}, true},
        {{.state = POWER_OFF, .wake_open = true}, false},
        {{.state = POWER_SLEEPING, .wake_queued = true}, false},
    };
    board_limit(*state, 0, v4(7), (struct guard){GUARD_CLIENT_WAKES, later});
    board_limit(*state, 3, v4(0), (struct guard){GUARD_PROJECT_WAKES, later});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        board_post(*state, 1, &cases[i].notice);
        board_post(*state, 2, &cases[i].notice);
        assert_int_equal(refusal(*state, 0, 7, false),
                         cases[i].refused ? GUARD_CLIENT_WAKES : GUARD_NONE);
        assert_int_equal(refusal(*state, 3, 8, false),
                         cases[i].refused ? GUARD_PROJECT_WAKES : GUARD_NONE);
        assert_int_equal(refusal(*state, 0, 7, true), GUARD_NONE);
    }
}

static void closed_hours_come_first(void **state)
{
    struct guard guard;
    board_limit(*state, 3, v4(7), (struct guard){GUARD_CLIENT_MINUTES, later});
    board_set_closed(*state, 3, LEASE_FOREVER);
    assert_true(board_refuses(*state, 3, v4(7), true, &guard));
    assert_int_equal(guard.kind, GUARD_WINDOW);
    assert_true(guard.until == LEASE_FOREVER);
    board_set_closed(*state, 3, 1); /* long ago */
    assert_int_equal(refusal(*state, 3, 7, true), GUARD_CLIENT_MINUTES);
    board_set_closed(*state, 1, later);
    assert_int_equal(refusal(*state, 1, 8, true), GUARD_WINDOW);
    board_set_closed(*state, 1, 0);
    assert_int_equal(refusal(*state, 1, 8, true), GUARD_NONE);
}

static void a_limit_is_news_once(void **state)
{
    board_limit(*state, 3, v4(7),
                (struct guard){GUARD_CLIENT_WAKES, later}); /* nothing posted yet */
    assert_false(board_wait(*state, BOARD_PAGES, 2, 0, 1));
    board_post(*state, 2, &(struct notice){.state = POWER_OFF});
    board_limit(*state, 3, v4(8), (struct guard){GUARD_CLIENT_WAKES, later});
    assert_true(board_wait(*state, BOARD_PAGES, 2, 1, 60000));
    board_limit(*state, 3, v4(8), (struct guard){GUARD_CLIENT_WAKES, later});
    assert_false(board_wait(*state, BOARD_PAGES, 2, 2, 1));
    board_set_closed(*state, 3, later);
    assert_true(board_wait(*state, BOARD_PAGES, 2, 2, 60000));
    board_post(*state, 2, &(struct notice){.state = POWER_OFF, .guard = {GUARD_MIN_DOWN, later}});
    assert_true(board_wait(*state, BOARD_PAGES, 2, 3, 60000));
}

static atomic_bool stop;

static void *work(void *argument)
{
    struct board *board = argument;
    struct notice notice;
    do {
        for (int i = 0; i < 3; i++) {
            board_read(board, i, &notice);
            /* Written together, so read together. */
            if (notice.since != notice.wake_started || notice.since != notice.wake_deadline)
                return argument;
        }
        struct guard guard;
        board_site_ready(board, 2);
        if (board_refuses(board, 1, v4(5), true, &guard) && guard.until < later)
            return argument;
        board_tell(board, &(struct visit){.kind = VISIT_WANTS, .site = 1});
        board_tell(board, &(struct visit){.kind = VISIT_REFUSED, .site = MODEL_NONE});
        board_wait(board, BOARD_PAGES, 0, notice.version, 1);
    } while (!atomic_load(&stop));
    return NULL;
}

static void workers_and_the_loop_do_not_disturb_each_other(void **state)
{
    pthread_t threads[4];
    struct visit visit;
    unsigned taken = 0;
    atomic_store(&stop, false);
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, *state);
    for (int64_t i = 1; i < 20000; i++) {
        board_post_ready(*state, (int)(i % 4), i % 8 < 4);
        board_post(*state, (int)(i % 3),
                   &(struct notice){.since = i, .wake_started = i, .wake_deadline = i});
        board_limit(*state, 1, v4((uint32_t)(i % 9)),
                    (struct guard){GUARD_CLIENT_MINUTES, later + i});
        while (board_take(*state, &visit))
            taken++;
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) {
        void *torn = NULL;
        pthread_join(threads[i], &torn);
        assert_null(torn);
    }
    while (board_take(*state, &visit))
        taken++;
    assert_true(taken > 0);
}

static void queues_and_counts(void **state)
{
    struct board *other;
    for (int i = 0; i < 3; i++)
        board_count(*state, COUNT_REFUSED_ADDRESS);
    assert_false(board_is_full(*state, BOARD_PROGRAMS));
    assert_int_equal(board_create(board_config(*state), &other), 0);
    board_count(other, COUNT_REFUSED_ADDRESS);
    board_carry_counts(other, *state);
    assert_int_equal(board_counted(other, COUNT_REFUSED_ADDRESS), 4);
    assert_int_equal(board_counted(other, COUNT_PASSED), 0);
    assert_string_equal(count_name(COUNT_HELD_CROWDED), "held_crowded");
    board_destroy(other);
}

int main(void)
{
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_site_of_a_crowd_is_told),
        TEST(what_is_posted_is_read),
        TEST(what_is_posted_of_a_project_is_news_of_its_server),
        TEST(sites_are_ready_each_by_itself),
        TEST(repeated_visits_are_told_once),
        TEST(a_full_inbox_says_so_and_forgets_nothing),
        TEST(waiting_ends_at_once_where_news_are_there),
        TEST(a_post_wakes_those_who_wait),
        TEST(only_few_may_wait),
        TEST(queues_and_counts),
        TEST(limits_are_kept_until_their_end),
        TEST(used_up_wakes_refuse_only_where_one_would_begin),
        TEST(closed_hours_come_first),
        TEST(a_limit_is_news_once),
        TEST(workers_and_the_loop_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
