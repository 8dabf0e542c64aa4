/* heard: what is kept of the doctor's requests; doctor_name: which requests those are. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/board/heard.h"
#include "web/site/doctor_name.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static void only_the_whole_name_is_the_doctor(void **state)
{
    static const char *const others[] = {
        "",
        "hall-doctor/",
        "hall-doctor/0123456789abcdef0123456789abcde",
        "hall-doctor/" TOKEN "0",
        "hall-doctor/" TOKEN " ",
        "hall-doctor/0123456789ABCDEF0123456789abcdef",
        "hall-doctor/0123456789abcdeg0123456789abcdef",
        "Hall-doctor/" TOKEN,
        "Mozilla/5.0 hall-doctor/" TOKEN,
    };

    assert_string_equal(doctor_name_token("hall-doctor/" TOKEN), TOKEN);
    assert_null(doctor_name_token(NULL));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_null(doctor_name_token(others[i]));
}

static void add(struct heard_list *list, const char *token, const char *host)
{
    struct heard heard = {.door = HEARD_HELPER};

    snprintf(heard.token, sizeof(heard.token), "%s", token);
    snprintf(heard.host, sizeof(heard.host), "%s", host);
    heard_add(list, &heard);
}

static void the_latest_are_kept_in_their_order(void **state)
{
    static struct heard_list list;
    static struct heard found[HEARD_MAX];

    heard_init(&list);
    assert_int_equal(heard_find(&list, "", found), 0);
    add(&list, TOKEN, "a");
    add(&list, "other", "b");
    add(&list, TOKEN, "c");
    assert_int_equal(heard_find(&list, TOKEN, found), 2);
    assert_string_equal(found[0].host, "a");
    assert_string_equal(found[1].host, "c");
    assert_int_equal(found[1].door, HEARD_HELPER);
    for (int i = 0; i < HEARD_MAX - 1; i++)
        add(&list, "other", "d");
    assert_int_equal(heard_find(&list, TOKEN, found), 1);
    assert_string_equal(found[0].host, "c");
    add(&list, "other", "d");
    assert_int_equal(heard_find(&list, TOKEN, found), 0);
    assert_int_equal(heard_find(&list, "other", found), HEARD_MAX);
    heard_finish(&list);
}

static void headers_have_their_names(void **state)
{
    assert_string_equal(heard_header_name(HEARD_HOST), "X-Forwarded-Host");
    assert_string_equal(heard_header_name(HEARD_FOR), "X-Forwarded-For");
    assert_string_equal(heard_header_name(HEARD_PROTO), "X-Forwarded-Proto");
    assert_string_equal(heard_header_name(HEARD_URI), "X-Forwarded-Uri");
    assert_string_equal(heard_header_name(HEARD_METHOD), "X-Forwarded-Method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_whole_name_is_the_doctor),
        cmocka_unit_test(the_latest_are_kept_in_their_order),
        cmocka_unit_test(headers_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
