#include "unit.h"
#include "web/board/limits.h"

/* Two sites of one domain, one of another. */
static struct model_site sites[] = {{.domain = 0}, {.domain = 0}, {.domain = 1}};
static const struct model model = {.n_sites = 3, .sites = sites};

enum { SHOP, BLOG, OTHER };

static int set_up(void **state)
{
    struct limits *limits;
    if (limits_create(&model, &limits) != 0)
        return -1;
    *state = limits;
    return 0;
}

static int tear_down(void **state)
{
    limits_destroy(*state);
    limits_destroy(NULL);
    return 0;
}

static bool add(void **state, int site, uint32_t address, enum guard_kind kind, int64_t until)
{
    return limits_add(*state, site, v4(address), (struct guard){kind, until}, 1000);
}

static struct guard ask(void **state, int site, uint32_t address, bool wakes, int64_t now)
{
    struct guard guard = {GUARD_NONE, 0};
    const bool refused = limits_refuse(*state, site, v4(address), wakes, now, &guard);
    assert_int_equal(refused, guard.kind != GUARD_NONE);
    return guard;
}

static void a_client_is_limited_in_its_whole_domain(void **state)
{
    assert_false(limits_any(*state));
    assert_true(add(state, SHOP, 7, GUARD_CLIENT_WAKES, 5000));
    assert_false(add(state, BLOG, 7, GUARD_CLIENT_WAKES, 5000));
    assert_true(limits_any(*state));
    assert_int_equal(ask(state, BLOG, 7, true, 1000).kind, GUARD_CLIENT_WAKES);
    assert_int_equal(ask(state, BLOG, 7, true, 1000).until, 5000);
    assert_int_equal(ask(state, OTHER, 7, true, 1000).kind, GUARD_NONE);
    assert_int_equal(ask(state, BLOG, 8, true, 1000).kind, GUARD_NONE);
    assert_int_equal(ask(state, BLOG, 7, false, 1000).kind, GUARD_NONE);
}

static void who_has_no_address_does_not_limit_the_others(void **state)
{
    add(state, SHOP, 0, GUARD_CLIENT_MINUTES, 5000);
    assert_int_equal(ask(state, SHOP, 0, false, 1000).kind, GUARD_CLIENT_MINUTES);
    assert_int_equal(ask(state, SHOP, 7, false, 1000).kind, GUARD_NONE);
}

static void a_project_is_limited_for_everyone(void **state)
{
    assert_true(add(state, SHOP, 0, GUARD_PROJECT_MINUTES, 5000));
    assert_false(add(state, SHOP, 0, GUARD_PROJECT_MINUTES, 5000));
    assert_int_equal(ask(state, SHOP, 7, false, 1000).kind, GUARD_PROJECT_MINUTES);
    assert_int_equal(ask(state, BLOG, 7, false, 1000).kind, GUARD_NONE);
}

static void each_ends_by_itself(void **state)
{
    add(state, SHOP, 7, GUARD_CLIENT_MINUTES, 5000);
    add(state, SHOP, 7, GUARD_CLIENT_WAKES, 7000);
    add(state, SHOP, 0, GUARD_PROJECT_WAKES, 9000);
    limits_close(*state, SHOP, 3000);
    assert_int_equal(ask(state, SHOP, 7, true, 2999).kind, GUARD_WINDOW);
    assert_int_equal(ask(state, SHOP, 7, true, 3000).kind, GUARD_CLIENT_MINUTES);
    assert_int_equal(ask(state, SHOP, 7, true, 5000).kind, GUARD_CLIENT_WAKES);
    assert_int_equal(ask(state, SHOP, 7, true, 7000).kind, GUARD_PROJECT_WAKES);
    assert_int_equal(ask(state, SHOP, 7, true, 9000).kind, GUARD_NONE);
    /* And begins again the next day. */
    assert_true(add(state, SHOP, 7, GUARD_CLIENT_MINUTES, 15000));
    assert_int_equal(ask(state, SHOP, 7, true, 9000).kind, GUARD_CLIENT_MINUTES);
}

static void what_is_over_is_not_kept(void **state)
{
    assert_false(add(state, SHOP, 7, GUARD_CLIENT_MINUTES, 1000));
    assert_false(add(state, SHOP, 7, GUARD_MIN_DOWN, 5000));
    assert_false(limits_close(*state, SHOP, 0));
    assert_int_equal(ask(state, SHOP, 7, true, 0).kind, GUARD_NONE);
}

/* The last one told is kept, whatever came before, and so are those that end later than a flood. */
static void a_flood_of_addresses_is_bounded(void **state)
{
    add(state, SHOP, 1, GUARD_CLIENT_MINUTES, LEASE_FOREVER);
    for (uint32_t address = 2; address < 100000; address++) {
        add(state, SHOP, address, GUARD_CLIENT_MINUTES, 5000);
        assert_int_equal(ask(state, SHOP, address, false, 1000).kind, GUARD_CLIENT_MINUTES);
    }
    assert_int_equal(ask(state, SHOP, 1, false, 6000).kind, GUARD_CLIENT_MINUTES);
    unsigned kept = 0;
    for (uint32_t address = 2; address < 100000; address++)
        kept += ask(state, SHOP, address, false, 1000).kind != GUARD_NONE;
    assert_in_range(kept, LIMITS_CLIENTS_MAX / 2, LIMITS_CLIENTS_MAX);
}

/* Each guard: whether it is kept, whose limit it is, whether only visits that would wake meet it.
 */
static void each_guard_is_kept_where_it_belongs(void **state)
{
    static const struct {
        enum guard_kind kind;
        bool kept, of_client, only_wakes;
    } rows[] = {
        {GUARD_WINDOW, true, false, false},          {GUARD_CLIENT_MINUTES, true, true, false},
        {GUARD_CLIENT_WAKES, true, true, true},      {GUARD_PROJECT_MINUTES, true, false, false},
        {GUARD_PROJECT_WAKES, true, false, true},    {GUARD_MIN_DOWN, false, false, false},
        {GUARD_WAKES_PER_HOUR, false, false, false}, {GUARD_NONE, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct limits *limits;
        assert_int_equal(limits_create(&model, &limits), 0);
        void *own = limits;
        assert_int_equal(add(&own, SHOP, 7, rows[i].kind, 5000), rows[i].kept);
        assert_int_equal(add(&own, SHOP, 7, rows[i].kind, 5000), false);
        assert_int_equal(add(&own, SHOP, 7, rows[i].kind, 6000), rows[i].kept);
        enum guard_kind kind = rows[i].kept ? rows[i].kind : GUARD_NONE;
        enum guard_kind quiet = rows[i].only_wakes ? GUARD_NONE : kind;
        assert_int_equal(ask(&own, SHOP, 7, true, 5999).kind, kind);
        assert_int_equal(ask(&own, SHOP, 7, false, 5999).kind, quiet);
        assert_int_equal(ask(&own, BLOG, 7, true, 5999).kind,
                         rows[i].of_client ? kind : GUARD_NONE);
        assert_int_equal(ask(&own, SHOP, 8, true, 5999).kind,
                         rows[i].of_client ? GUARD_NONE : kind);
        assert_int_equal(ask(&own, SHOP, 7, true, 6000).kind, GUARD_NONE);
        limits_destroy(limits);
    }
}

/* Neither an opening nor a limit that is over already counts as the first limit. */
static void an_opening_is_no_limit(void **state)
{
    assert_false(limits_close(*state, SHOP, 0));
    assert_false(add(state, SHOP, 7, GUARD_CLIENT_MINUTES, 1000));
    assert_false(limits_any(*state));
    assert_int_equal(ask(state, SHOP, 7, true, 0).kind, GUARD_NONE);
    assert_true(limits_close(*state, SHOP, 1));
    assert_true(limits_any(*state));
    assert_true(limits_close(*state, SHOP, 0));
    assert_int_equal(ask(state, SHOP, 7, true, 0).kind, GUARD_NONE);
}

/* A limit told later does not end the others: neither a shorter one nor one told after all were
 * over. */
static void limits_of_clients_end_each_at_its_time(void **state)
{
    add(state, SHOP, 7, GUARD_CLIENT_MINUTES, 9000);
    add(state, SHOP, 8, GUARD_CLIENT_MINUTES, 5000);
    assert_int_equal(ask(state, SHOP, 7, true, 8999).kind, GUARD_CLIENT_MINUTES);
    assert_int_equal(ask(state, SHOP, 8, true, 5000).kind, GUARD_NONE);
    assert_int_equal(ask(state, SHOP, 7, true, 9000).kind, GUARD_NONE);
    limits_add(*state, SHOP, v4(9), (struct guard){GUARD_CLIENT_MINUTES, 9500}, 9100);
    assert_int_equal(ask(state, SHOP, 9, true, 9499).kind, GUARD_CLIENT_MINUTES);
    assert_int_equal(ask(state, SHOP, 7, true, 9499).kind, GUARD_NONE);
}

/* Whoever is told again keeps its place, also if a place before it has become free. */
static void a_client_has_one_place(void **state)
{
    for (uint32_t address = 1; address <= LIMITS_CLIENTS_MAX / 2; address++)
        add(state, SHOP, address, GUARD_CLIENT_WAKES, 7000);
    for (uint32_t address = 1; address <= LIMITS_CLIENTS_MAX / 2; address++) {
        assert_false(add(state, SHOP, address, GUARD_CLIENT_WAKES, 7000));
        assert_true(add(state, SHOP, address, GUARD_CLIENT_MINUTES, 5000));
        assert_int_equal(ask(state, SHOP, address, true, 1000).kind, GUARD_CLIENT_MINUTES);
        assert_int_equal(ask(state, SHOP, address, true, 5000).kind, GUARD_CLIENT_WAKES);
    }
}

/* Today ends at another time: what lasts for it is forgotten, closed hours are not. */
static void a_day_that_moves_is_forgotten(void **state)
{
    assert_true(add(state, SHOP, 7, GUARD_CLIENT_WAKES, 5000));
    assert_true(add(state, BLOG, 0, GUARD_PROJECT_MINUTES, 5000));
    assert_true(limits_close(*state, OTHER, 6000));
    limits_forget_day(*state);
    assert_int_equal(ask(state, SHOP, 7, true, 1000).kind, GUARD_NONE);
    assert_int_equal(ask(state, BLOG, 8, true, 1000).kind, GUARD_NONE);
    assert_int_equal(ask(state, OTHER, 8, true, 1000).kind, GUARD_WINDOW);
    assert_true(add(state, SHOP, 7, GUARD_CLIENT_WAKES, 4000));
    assert_int_equal(ask(state, SHOP, 7, true, 1000).until, 4000);
}

int main(void)
{
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_limited_in_its_whole_domain),
        TEST(who_has_no_address_does_not_limit_the_others),
        TEST(a_project_is_limited_for_everyone),
        TEST(each_ends_by_itself),
        TEST(what_is_over_is_not_kept),
        TEST(a_flood_of_addresses_is_bounded),
        TEST(each_guard_is_kept_where_it_belongs),
        TEST(an_opening_is_no_limit),
        TEST(limits_of_clients_end_each_at_its_time),
        TEST(a_client_has_one_place),
        TEST(a_day_that_moves_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
