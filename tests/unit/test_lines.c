#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/listen/lines.h"

static struct header headers[4];
static char text[256];

static ssize_t read_lines(const char *lines)
{
    size_t length = strlen(lines) + 1;
    assert_true(length <= sizeof text);
    memcpy(text, lines, length);
    return lines_read(text, headers, 4);
}

static void names_and_values(void **state)
{
    assert_int_equal(read_lines("A: b\r\nX-Y:\t c d \r\nEmpty:\r\n\r"), 3);
    assert_string_equal(headers[0].name, "A");
    assert_string_equal(headers[0].value, "b");
    assert_string_equal(headers[1].name, "X-Y");
    assert_string_equal(headers[1].value, "c d ");
    assert_string_equal(headers[2].value, "");
    assert_int_equal(read_lines(""), 0);
    assert_int_equal(read_lines("\r"), 0);
    assert_int_equal(read_lines("\r\nGET / HTTP/1.1\r\n"), 0);
    assert_int_equal(read_lines("A:1\r\nA:2\r\nA:3\r\nA:4\r\n\r"), 4);
    assert_int_equal(read_lines("A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\n\r"), -E2BIG);
}

static void broken_lines(void **state)
{
    static const char *const lines[] = {
        "A\r\n\r",  ": b\r\n\r",        "A : b\r\n\r", " A: b\r\n\r",      "A: b\r\n c\r\n\r",
        "A: b\n\r", "A: b\rB: c\r\n\r", "A: b",        "\xc3\xa9: b\r\n\r"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        if (read_lines(lines[i]) != -EBADMSG)
            fail_msg("%s", lines[i]);
    }
}

/* As civetweb leaves a head: CR, LF and colons of the lines it took apart are NULs. */
static bool is_whole(const char *left, size_t size, const size_t *at, size_t n, char next)
{
    memcpy(text, left, size);
    for (size_t i = 0; i < n; i++)
        headers[i] = (struct header){text + at[2 * i], text + at[2 * i + 1]};
    const char *rest = lines_behind(text, headers, n);
    if (rest)
        assert_int_equal(*rest, next);
    return rest != NULL;
}

#define WHOLE(left_, n_, next_, ...)                                                               \
    is_whole(left_, sizeof(left_), (const size_t[]){__VA_ARGS__}, n_, next_)

static void lines_that_civetweb_took_apart(void **state)
{
    assert_true(WHOLE("1.1\0\0\r", 0, '\r', 0));
    assert_true(WHOLE("1.1\0\0A\0 b\0\0B\0\tc\0\0\r", 2, '\r', 5, 8, 11, 14));
    assert_true(WHOLE("1.1\0\0A\0\0\0B\0c\0\0 d", 2, ' ', 5, 7, 9, 11));  /* folded: as the rest */
    assert_false(WHOLE("1.1\0A\0b\0\0\r", 1, '\r', 4, 6));                /* LF */
    assert_false(WHOLE("1.1\0\0\0A\0b\0\0\r", 1, '\r', 6, 8));            /* a blank line's place */
    assert_false(WHOLE("1.1\0\0A\0\0b\0\0\r", 1, '\r', 5, 8));            /* "A :b" */
    assert_false(WHOLE("1.1\0\0A\0b\0B\0c\0\0\r", 2, '\r', 5, 7, 9, 11)); /* LF */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values),
        cmocka_unit_test(broken_lines),
        cmocka_unit_test(lines_that_civetweb_took_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
