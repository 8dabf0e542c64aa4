#include "base/buf.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_empty_is_readable(void **state)
{
    struct buf buf = BUF_INIT(10);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_error(&buf), 0);
    buf_finish(&buf);
    buf_finish(NULL);
}

static void test_grows_and_keeps_everything(void **state)
{
    struct buf buf = BUF_INIT(100000);
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    buf_puts(&buf, "end");
    buf_putc(&buf, '.');
    assert_int_equal(buf_error(&buf), 0);
    assert_int_equal(strlen(buf_text(&buf)), buf.length);
    assert_int_equal(strncmp(buf_text(&buf), "0,1,2,3,", 8), 0);
    assert_string_equal(buf_text(&buf) + buf.length - 8, "999,end.");
    buf_finish(&buf);
}

static void test_limit_is_exact_and_sticky(void **state)
{
    struct buf buf = BUF_INIT(4);
    buf_puts(&buf, "abcd");
    assert_int_equal(buf_error(&buf), 0);
    buf_putc(&buf, 'e');
    assert_int_equal(buf_error(&buf), -EMSGSIZE);
    assert_string_equal(buf_text(&buf), "abcd");
    buf_clear(&buf);
    assert_int_equal(buf_error(&buf), 0);
    buf_puts(&buf, "abcde");
    buf_puts(&buf, "x");
    assert_int_equal(buf_error(&buf), -EMSGSIZE);
    assert_string_equal(buf_text(&buf), "");
    buf_finish(&buf);
    assert_int_equal(buf.limit, 4);
}

static void test_printf_over_the_limit_adds_nothing(void **state)
{
    struct buf buf = BUF_INIT(8);
    buf_puts(&buf, "ab");
    buf_printf(&buf, "%s", "1234567");
    assert_string_equal(buf_text(&buf), "ab");
    assert_int_equal(buf_error(&buf), -EMSGSIZE);
    buf_finish(&buf);
}

static void test_steal_hands_over(void **state)
{
    char *text = NULL;
    struct buf buf = BUF_INIT(8);
    buf_puts(&buf, "ab");
    assert_int_equal(buf_steal(&buf, &text), 0);
    assert_string_equal(text, "ab");
    assert_string_equal(buf_text(&buf), "");
    free(text);

    assert_int_equal(buf_steal(&buf, &text), 0);
    assert_string_equal(text, "");
    free(text);

    text = NULL;
    buf_puts(&buf, "123456789");
    assert_int_equal(buf_steal(&buf, &text), -EMSGSIZE);
    assert_null(text);
    buf_finish(&buf);
}

static void test_no_limit_does_not_overflow(void **state)
{
    struct buf buf = BUF_INIT(SIZE_MAX / 2);
    buf_puts(&buf, "abc");
    assert_int_equal(buf_error(&buf), 0);
    assert_true(buf.size < 4096);
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_is_readable),
        cmocka_unit_test(test_grows_and_keeps_everything),
        cmocka_unit_test(test_limit_is_exact_and_sticky),
        cmocka_unit_test(test_printf_over_the_limit_adds_nothing),
        cmocka_unit_test(test_steal_hands_over),
        cmocka_unit_test(test_no_limit_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
