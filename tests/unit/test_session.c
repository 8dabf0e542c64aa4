#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/admin/session.h"

static struct sessions sessions;

static int set_up(void **state)
{
    sessions = (struct sessions){0};
    return 0;
}

static const uint8_t *id(uint8_t number)
{
    static uint8_t bytes[SESSION_ID_SIZE];
    memset(bytes, number, sizeof bytes);
    return bytes;
}

static bool is_open(uint8_t number, int64_t now)
{
    return sessions_find(&sessions, id(number), false, now, NULL);
}

static void it_is_found_by_its_id_alone(void **state)
{
    assert_false(is_open(0, 0)); /* an empty place has an id of zeros, and is nobody's */
    sessions_open(&sessions, id(1), 1000);
    assert_true(is_open(1, 1000));
    assert_false(is_open(2, 1000));
    assert_false(is_open(0, 1000));
}

static void it_ends_after_twenty_minutes_without_use(void **state)
{
    int64_t until;
    sessions_open(&sessions, id(1), 1000);
    assert_true(is_open(1, 1000 + SESSION_IDLE_MS - 1));
    /* Looking is no use. */
    assert_false(is_open(1, 1000 + SESSION_IDLE_MS));
    sessions_open(&sessions, id(1), 1000);
    assert_true(sessions_find(&sessions, id(1), true, 1000 + SESSION_IDLE_MS - 1, &until));
    assert_int_equal(until, 1000 + 2 * (int64_t)SESSION_IDLE_MS - 1);
    assert_true(is_open(1, until - 1));
    assert_false(is_open(1, until));
}

static void it_ends_after_eight_hours_however_it_is_used(void **state)
{
    int64_t until = 0;
    sessions_open(&sessions, id(1), 0);
    for (int64_t now = 0; now < SESSION_LIFE_MS; now += 60000)
        assert_true(sessions_find(&sessions, id(1), true, now, &until));
    assert_int_equal(until, SESSION_LIFE_MS);
    assert_false(sessions_find(&sessions, id(1), true, SESSION_LIFE_MS, &until));
}

static void it_can_be_closed_once(void **state)
{
    sessions_open(&sessions, id(1), 0);
    assert_true(sessions_close(&sessions, id(1), 5));
    assert_false(sessions_close(&sessions, id(1), 5));
    assert_false(is_open(1, 5));
}

static void one_too_many_ends_the_one_unused_for_longest(void **state)
{
    for (int i = 0; i < SESSIONS_MAX; i++)
        sessions_open(&sessions, id((uint8_t)(i + 1)), i);
    assert_true(sessions_find(&sessions, id(1), true, 100, NULL));
    sessions_open(&sessions, id(99), 101);
    assert_true(is_open(1, 102));
    assert_false(is_open(2, 102));
    assert_true(is_open(99, 102));
    for (int i = 2; i < SESSIONS_MAX; i++)
        assert_true(is_open((uint8_t)(i + 1), 102));
}

/* A session that is over gives place before one that is not, however lately it was used. */
static void what_is_over_gives_place_first(void **state)
{
    sessions_open(&sessions, id(1), 0);
    for (int64_t now = 0; now < SESSION_LIFE_MS; now += 60000)
        assert_true(sessions_find(&sessions, id(1), true, now, NULL));
    for (int i = 1; i < SESSIONS_MAX; i++)
        sessions_open(&sessions, id((uint8_t)(i + 1)), SESSION_LIFE_MS - 600000);
    sessions_open(&sessions, id(99), SESSION_LIFE_MS);
    for (int i = 1; i < SESSIONS_MAX; i++)
        assert_true(is_open((uint8_t)(i + 1), SESSION_LIFE_MS));
    assert_true(is_open(99, SESSION_LIFE_MS));
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void the_cookie_is_found_whole_or_not_at_all(void **state)
{
    static const char *const good[] = {
        "hall_session=" HEX,
        "a=1; hall_session=" HEX "; b=2",
        "a=;;\thall_session=" HEX,
        "hall_session=" HEX ";hall_session=0",
    };
    static const char *const bad[] = {
        "",
        "hall_session",
        "hall_session=",
        "hall_session=" HEX "0",
        "hall_session=" HEX " ",
        "xhall_session=" HEX,
        "hall_session:" HEX,
        "x=hall_session=" HEX,
        "hall_session=0;hall_session=" HEX,
        "hall_session=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "Hall_Session=" HEX,
    };
    char token[SESSION_TOKEN_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(session_cookie(good[i], false, token));
        assert_string_equal(token, HEX);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(session_cookie(bad[i], false, token));
    assert_false(session_cookie(NULL, false, token));
}

/* A neighbour in the domain may set the plain name for this host as well, but not the other. */
static void over_tls_only_the_hosts_own_cookie_counts(void **state)
{
    char token[SESSION_TOKEN_SIZE];
    assert_true(session_cookie("hall_session=0; __Host-hall_session=" HEX, true, token));
    assert_string_equal(token, HEX);
    assert_false(session_cookie("hall_session=" HEX, true, token));
    assert_false(session_cookie("__host-hall_session=" HEX, true, token));
    assert_false(session_cookie("__Host-hall_session=" HEX, false, token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_found_by_its_id_alone, set_up),
        cmocka_unit_test_setup(it_ends_after_twenty_minutes_without_use, set_up),
        cmocka_unit_test_setup(it_ends_after_eight_hours_however_it_is_used, set_up),
        cmocka_unit_test_setup(it_can_be_closed_once, set_up),
        cmocka_unit_test_setup(what_is_over_gives_place_first, set_up),
        cmocka_unit_test(the_cookie_is_found_whole_or_not_at_all),
        cmocka_unit_test(over_tls_only_the_hosts_own_cookie_counts),
        cmocka_unit_test_setup(one_too_many_ends_the_one_unused_for_longest, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
