#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "web/routes/heads.h"

static struct heads heads;

static int set_up(void **state)
{
    memset(&heads, 0, sizeof(heads));
    return 0;
}

static bool ask(const char *method, const char *who, const char *agent, const char *host,
                int64_t now)
{
    static struct request request;
    memset(request.fields, 0, sizeof(request.fields));
    request.method = method;
    request.fields[FIELD_USER_AGENT] = agent;
    snprintf(request.who, sizeof(request.who), "%s", who);
    snprintf(request.host, sizeof(request.host), "%s", host);
    return heads_follow(&heads, &request, now);
}

static void a_get_right_after_a_head(void **state)
{
    assert_false(ask("GET", "192.0.2.1", NULL, "a.example", 1000));
    assert_false(ask("HEAD", "192.0.2.1", NULL, "a.example", 1000));
    assert_true(ask("GET", "192.0.2.1", NULL, "a.example", 1000));
    assert_true(ask("POST", "192.0.2.1", NULL, "a.example", 1000 + HEADS_MS));
    assert_false(ask("GET", "192.0.2.1", NULL, "a.example", 1000 + HEADS_MS + 32));
    /* again, and the time counts from the last one */
    assert_false(ask("HEAD", "192.0.2.1", NULL, "a.example", 60000));
    assert_false(ask("HEAD", "192.0.2.1", NULL, "a.example", 66000));
    assert_true(ask("GET", "192.0.2.1", NULL, "a.example", 75000));
}

static void of_others_it_says_nothing(void **state)
{
    assert_false(ask("HEAD", "192.0.2.1", "curl/8.5.0", "a.example", 1000));
    assert_false(ask("GET", "192.0.2.2", "curl/8.5.0", "a.example", 1000));
    assert_false(ask("GET", "192.0.2.1", "curl/8.5.1", "a.example", 1000));
    assert_false(ask("GET", "192.0.2.1", NULL, "a.example", 1000));
    assert_false(ask("GET", "192.0.2.1", "curl/8.5.0", "b.example", 1000));
    assert_true(ask("GET", "192.0.2.1", "curl/8.5.0", "a.example", 1000));
}

/* A page of fifty tiles looks at all of them at once. */
static void many_at_once(void **state)
{
    char host[32];
    for (int i = 0; i < 50; i++) {
        snprintf(host, sizeof(host), "site%d.example", i);
        assert_false(ask("HEAD", "192.0.2.1", NULL, host, 5000));
    }
    for (int i = 0; i < 50; i++) {
        snprintf(host, sizeof(host), "site%d.example", i);
        assert_true(ask("GET", "192.0.2.1", NULL, host, 6000));
    }
    /* A flood pushes out the oldest, and the newest stay. */
    for (int i = 0; i < 100000; i++) {
        snprintf(host, sizeof(host), "h%d.example", i);
        ask("HEAD", "192.0.2.9", NULL, host, 7000 + i / 100);
    }
    assert_true(ask("GET", "192.0.2.9", NULL, "h99999.example", 8000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_get_right_after_a_head, set_up),
        cmocka_unit_test_setup(of_others_it_says_nothing, set_up),
        cmocka_unit_test_setup(many_at_once, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
