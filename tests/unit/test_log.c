#include "base/log.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is logged goes to a pipe meanwhile. */
struct capture {
    int saved, read_end;
};

static struct capture capture_begin(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct capture capture = {.saved = dup(STDERR_FILENO), .read_end = ends[0]};
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    return capture;
}

static void capture_end(struct capture capture, char *out, size_t size)
{
    dup2(capture.saved, STDERR_FILENO);
    close(capture.saved);
    ssize_t length = read(capture.read_end, out, size - 1);
    out[length > 0 ? length : 0] = '\0';
    close(capture.read_end);
}

static void test_line_has_time_level_and_text(void **state)
{
    char out[256];
    struct capture capture = capture_begin();
    log_init(LOG_LEVEL_INFO);
    log_warning("broker %s is away", "x");
    capture_end(capture, out, sizeof out);
    assert_int_equal(out[4], '-');
    assert_int_equal(out[19], 'Z');
    assert_string_equal(out + 20, " warning: broker x is away\n");
}

static void test_level_is_respected(void **state)
{
    char out[256];
    struct capture capture = capture_begin();
    log_init(LOG_LEVEL_WARNING);
    log_info("not seen");
    log_debug("not seen");
    log_error("seen");
    capture_end(capture, out, sizeof out);
    assert_null(strstr(out, "not seen"));
    assert_non_null(strstr(out, " error: seen\n"));
}

static void test_input_cannot_forge_a_line(void **state)
{
    char out[256];
    struct capture capture = capture_begin();
    log_init(LOG_LEVEL_DEBUG);
    log_debug("path %s", "a\nerror: forged\x1b[2J\xff");
    capture_end(capture, out, sizeof out);
    assert_non_null(strstr(out, "debug: path a?error: forged?[2J?\n"));
}

static void test_long_message_stays_one_line(void **state)
{
    char out[8192];
    char text[5000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct capture capture = capture_begin();
    log_init(LOG_LEVEL_INFO);
    log_info("%s", text);
    capture_end(capture, out, sizeof out);
    size_t length = strlen(out);
    assert_true(length > 2000 && length < 2200);
    assert_ptr_equal(strchr(out, '\n'), out + length - 1);
}

static void test_journal_gets_its_prefix(void **state)
{
    char out[256];
    char stream[64];
    struct stat status;
    struct capture capture = capture_begin();
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_LEVEL_INFO);
    log_error("to the journal");
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init(LOG_LEVEL_INFO);
    log_error("elsewhere");
    unsetenv("JOURNAL_STREAM");
    capture_end(capture, out, sizeof out);
    assert_int_equal(strncmp(out, "<3>to the journal\n", 18), 0);
    assert_non_null(strstr(out, "Z error: elsewhere\n"));
}

static void test_a_flood_is_cut(void **state)
{
    char out[1024];
    struct log_flood flood = {0};
    struct capture capture = capture_begin();
    log_init(LOG_LEVEL_INFO);
    for (int i = 0; i < 5; i++)
        assert_int_equal(log_may_tell(&flood, 60000 + i, 3, "refused input"), i < 3);
    assert_true(log_may_tell(&flood, 120000, 3, "refused input"));
    assert_true(log_may_tell(&flood, 180000, 3, "refused input"));
    capture_end(capture, out, sizeof out);
    assert_string_equal(
        out + 20, " warning: 2 more lines about refused input were not shown in the last minute\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_has_time_level_and_text),
        cmocka_unit_test(test_level_is_respected),
        cmocka_unit_test(test_input_cannot_forge_a_line),
        cmocka_unit_test(test_long_message_stays_one_line),
        cmocka_unit_test(test_journal_gets_its_prefix),
        cmocka_unit_test(test_a_flood_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
