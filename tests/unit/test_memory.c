/* memory_trim gives pages back and leaves everything working. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "unit.h"

static long rss_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    char *at = line;

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    (void)strtol(at, &at, 10);
    return strtol(at, NULL, 10);
}

static void use_libraries(void)
{
    static const char text[] = "{\"a\":[1,2,3],\"b\":\"text\"}";
    struct json_error error;
    struct json *value = NULL;
    struct tm local;
    time_t now = time(NULL);

    assert_int_equal(json_read(text, strlen(text), &json_limits_payload, &value, &error), 0);
    assert_int_equal(json_count(json_get(value, "a")), 3);
    json_free(value);
    assert_non_null(localtime_r(&now, &local));
}

static void test_trim_gives_back(void **state)
{
    long before;

    use_libraries();
    before = rss_pages();
    memory_trim();
    if (!getenv("HALL_EMULATED")) /* else these are the emulator's pages */
        assert_true(rss_pages() < before);
    use_libraries();
}

static void test_trim_beside_threads(void **state)
{
    for (int i = 0; i < 20; i++) {
        memory_trim();
        use_libraries();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim_gives_back),
        cmocka_unit_test(test_trim_beside_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
