#include "base/array.h"
#include "base/json.h"
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parses from memory of exactly that length, so that a sanitizer sees a byte read too many. */
static int read_text(const char *text, size_t length, struct json **ret, struct json_error *error)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    int r = json_read(exact, length, &json_limits_payload, ret, error);
    free(exact);
    return r;
}

static struct json *good(const char *text)
{
    struct json_error error;
    struct json *value = NULL;
    if (read_text(text, strlen(text), &value, &error) != 0)
        fail_msg("%s: %s", text, error.what);
    return value;
}

static void test_accepts_json(void **state)
{
    static const char *const texts[] = {
        "null",
        " true ",
        "false\n",
        "0",
        "-0",
        "-1.5e+3",
        "1E-2",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":{\"a\":1}}",
        "\"\\u00e9\\ud83d\\ude00\\n\\/\"",
        "[\"[[[[[[[[[[[[[[[[[[[[[[\"]",
        "\"caf\xc3\xa9\"",
        "{\"\":1}",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        json_free(good(texts[i]));
}

static void test_refuses_what_is_not_json(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "True",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x10",
        "NaN",
        "Infinity",
        "1e999",
        "-1e999",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"tab\there\"",
        "\"\x80\"",
        "\"\xed\xa0\x80\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{1:1}",
        "1 1",
        "{} x",
        "[] []",
        "\xef\xbb\xbf{}",
        "// c\n1",
        "/* */1",
        "\xff",
        "11111111111111111111111111111111111111111111111111111111111111",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct json_error error = {0};
        struct json *value = NULL;
        int r = read_text(texts[i], strlen(texts[i]), &value, &error);
        if (r != -EBADMSG || value != NULL || error.what[0] == '\0' || error.line == 0)
            fail_msg("\"%s\": %d %s", texts[i], r, error.what);
    }
    struct json_error error;
    struct json *value = NULL;
    assert_int_equal(read_text("\"a\0b\"", 5, &value, &error), -EBADMSG);
    assert_int_equal(read_text("1\0", 2, &value, &error), -EBADMSG);
}

static void test_names_line_and_column(void **state)
{
    struct json_error error;
    struct json *value;
    const char *text = "{\n  \"\xc3\xa9\": 1,\n  \"\xc3\xa9t\xc3\xa9\": nope\n}";
    assert_int_equal(read_text(text, strlen(text), &value, &error), -EBADMSG);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 10);
    assert_string_equal(error.what, "found \"n\" where a value is expected");
    assert_int_equal(read_text("[1,", 3, &value, &error), -EBADMSG);
    assert_string_equal(error.what, "the text ends where a value is expected");
}

static void test_limits(void **state)
{
    struct json_error error;
    struct json *value = NULL;
    static char many[1024 * 1024];

    memset(many, '[', sizeof many);
    assert_int_equal(json_read(many, sizeof many, &json_limits_payload, &value, &error), -EMSGSIZE);
    assert_int_equal(json_read(many, sizeof many, &json_limits_config, &value, &error), -EMSGSIZE);
    assert_string_equal(error.what, "nested more than 16 deep");
    assert_int_equal(error.column, 17);
    memset(many, ' ', sizeof many);
    many[0] = '1';
    assert_int_equal(json_read(many, 64 * 1024, &json_limits_payload, &value, &error), 0);
    json_free(value);
    value = NULL;
    assert_int_equal(json_read(many, 64 * 1024 + 1, &json_limits_payload, &value, &error),
                     -EMSGSIZE);
    for (size_t i = 0; i < 60000; i++)
        many[i] = i == 0 ? '[' : i % 2 != 0 ? '1' : ',';
    assert_int_equal(json_read(many, 60000, &json_limits_payload, &value, &error), -EMSGSIZE);
    assert_non_null(strstr(error.what, "values"));
    assert_null(value);
}

static void test_duplicate_keys(void **state)
{
    struct json_error error;
    struct json *value = NULL;
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"{\"a\":1,\"a\":2}", "the key \"a\" appears twice in the outermost object"},
        {"{\"a\":1,\"\\u0061\":2}", "the key \"a\" appears twice in the outermost object"},
        {"{\"x/y\":[0,{\"a\":1,\"b\":2,\"a\":3}]}", "the key \"a\" appears twice in /x~1y/1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_text(cases[i].text, strlen(cases[i].text), &value, &error), -EEXIST);
        assert_string_equal(error.what, cases[i].what);
    }
    assert_null(value);
    json_free(good("{\"a\":1,\"A\":2}"));
}

static void test_many_members_are_cheap(void **state)
{
    struct buf text = BUF_INIT(4 * 1024 * 1024);
    struct json_error error;
    struct json *value = NULL;
    buf_putc(&text, '{');
    for (int i = 0; i < 200000; i++)
        buf_printf(&text, "%s\"key%06d\":0", i > 0 ? "," : "", i);
    buf_putc(&text, '}');
    assert_int_equal(json_read(buf_text(&text), text.length, &json_limits_config, &value, &error),
                     0);
    assert_int_equal(json_count(value), 200000);
    json_free(value);
    buf_finish(&text);
}

static void test_look_ups(void **state)
{
    struct json *value =
        good("{\"s\":\"x\",\"b\":true,\"n\":1.5,\"i\":-7,\"z\":null,\"a\":[1,2],\"o\":{}}");
    int64_t integer = 77;
    double number = 77;
    bool flag = false;

    assert_int_equal(json_type(value), JSON_OBJECT);
    assert_int_equal(json_type(json_get(value, "s")), JSON_STRING);
    assert_int_equal(json_type(json_get(value, "b")), JSON_BOOL);
    assert_int_equal(json_type(json_get(value, "n")), JSON_NUMBER);
    assert_int_equal(json_type(json_get(value, "z")), JSON_NULL);
    assert_int_equal(json_type(json_get(value, "a")), JSON_ARRAY);
    assert_string_equal(json_get_string(value, "s"), "x");
    assert_null(json_get_string(value, "b"));
    assert_null(json_get_string(value, "absent"));
    assert_null(json_get(json_get(value, "a"), "x"));
    assert_null(json_get(NULL, "x"));
    assert_true(json_get_bool(value, "b", false));
    assert_true(json_get_bool(value, "s", true));
    assert_true(json_bool(json_get(value, "b"), &flag) && flag);
    assert_false(json_bool(json_get(value, "n"), &flag));
    assert_true(json_integer(json_get(value, "i"), &integer));
    assert_int_equal(integer, -7);
    assert_false(json_integer(json_get(value, "n"), &integer));
    assert_false(json_integer(json_get(value, "s"), &integer));
    assert_true(json_number(json_get(value, "n"), &number));
    assert_true(number > 1.4 && number < 1.6);
    assert_int_equal(json_count(json_get(value, "a")), 2);
    assert_int_equal(json_count(json_get(value, "o")), 0);
    assert_string_equal(json_key(json_first(value)), "s");
    assert_string_equal(json_key(json_next(json_first(value))), "b");
    json_free(value);
    json_free(NULL);
}

static void test_integers_end_at_2_to_53(void **state)
{
    int64_t integer = 77;
    struct json *value = good("[9007199254740992,9007199254740994,1e300]");
    const struct json *item = json_first(value);
    assert_true(json_integer(item, &integer));
    assert_true(integer == INT64_C(9007199254740992));
    item = json_next(item);
    assert_false(json_integer(item, &integer));
    assert_false(json_integer(json_next(item), &integer));
    json_free(value);
}

static void test_type_names(void **state)
{
    assert_string_equal(json_type_name(JSON_BOOL), "true or false");
    assert_string_equal(json_type_name(JSON_OBJECT), "object");
}

static void test_writer(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "s", "a\"b\\c\n\x01\x7f\xc2\x9b\xc2\xa0\xc3\xa9\xff!");
    json_put_string(&writer, "none", NULL);
    json_begin_array(&writer, "list");
    json_put_integer(&writer, NULL, INT64_MIN);
    json_begin_object(&writer, NULL);
    json_end_object(&writer);
    json_begin_array(&writer, NULL);
    json_put_bool(&writer, NULL, false);
    json_put_null(&writer, NULL);
    json_end_array(&writer);
    json_end_array(&writer);
    json_put_number(&writer, "n", 0.1);
    json_put_number(&writer, "third", 1.0 / 3.0);
    json_put_number(&writer, "inf", (double)INFINITY);
    json_put_time(&writer, "at", INT64_C(1795339709000));
    json_put_time(&writer, "never", 0);
    json_end_object(&writer);
    assert_int_equal(buf_error(&out), 0);
    assert_string_equal(
        buf_text(&out),
        "{\"s\":\"a\\\"b\\\\c\\n\\u0001\\u007f\\u009b\xc2\xa0\xc3\xa9\xef\xbf\xbd!\",\"none\":null,"
        "\"list\":[-9223372036854775808,{},[false,null]],\"n\":0.1,"
        "\"third\":0.33333333333333331,\"inf\":null,"
        "\"at\":\"2026-11-22T09:28:29Z\",\"never\":null}");
    json_free(good(buf_text(&out)));
    buf_finish(&out);
}

static void test_seconds(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct json_writer writer;
    static const int64_t ms[] = {0, 1000, 1500, 1050, 1005, 10000, -250, -1500, 100};
    json_writer_init(&writer, &out);
    json_begin_array(&writer, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(ms); i++)
        json_put_seconds(&writer, NULL, ms[i]);
    json_end_array(&writer);
    assert_string_equal(buf_text(&out), "[0,1,1.5,1.05,1.005,10,-0.25,-1.5,0.1]");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_json),
        cmocka_unit_test(test_refuses_what_is_not_json),
        cmocka_unit_test(test_names_line_and_column),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_many_members_are_cheap),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_integers_end_at_2_to_53),
        cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
