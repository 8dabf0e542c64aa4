/* The copy of the configuration that Hall last ran on: kept, replaced, read back, refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/last_good.h"
#include "unit.h"

static const char good[] = "{\"servers\": {\"box\": {\"address\": \"127.0.0.20\", "
                           "\"mac\": \"02:00:5e:00:00:01\"}}, \"domains\": {}}";

struct place {
    char folder[64], file[96], copy[96], state_copy[96];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    snprintf(place->folder, sizeof(place->folder), "/tmp/hall-good-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/domains.json", place->folder);
    snprintf(place->copy, sizeof(place->copy), "%s/.domains.json.good", place->folder);
    snprintf(place->state_copy, sizeof(place->state_copy), "%s/domains.json.good", place->folder);
    unsetenv("STATE_DIRECTORY");
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    (void)unlink(place->copy);
    (void)unlink(place->state_copy);
    assert_int_equal(rmdir(place->folder), 0); /* nothing else was left there */
    unsetenv("STATE_DIRECTORY");
    free(place);
    return 0;
}

/* The servers of the copy, or -errno. */
static int load(const struct place *place)
{
    struct buf errors = BUF_INIT(4096);
    struct report report = {0};
    struct config *config = NULL;
    int64_t kept = 0;
    int result = last_good_load(place->file, &config, &kept, &report);

    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    if (result == 0) {
        assert_string_equal(config->file, place->file);
        assert_true(kept > 0);
        result = (int)config->model.n_servers;
    } else {
        assert_null(config);
    }
    if (result == -EINVAL)
        assert_true(errors.length == 0 || strstr(buf_text(&errors), ".good: the last good"));
    config_free(config);
    buf_finish(&errors);
    return result;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_it_is_kept_and_read_back(void **state)
{
    const struct place *place = *state;
    struct stat before, after;

    assert_int_equal(load(place), -ENOENT);
    assert_int_equal(last_good_keep(place->file, good, strlen(good)), 0);
    assert_int_equal(stat(place->copy, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    assert_int_equal(load(place), 1);
    assert_int_equal(last_good_keep(place->file, good, strlen(good)),
                     0); /* the same: not written */
    assert_int_equal(stat(place->copy, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(last_good_keep(place->file, "{}", 2), 0);
    assert_int_equal(stat(place->copy, &after), 0);
    assert_int_equal(after.st_size, 2);
}

static void test_one_that_is_broken_itself(void **state)
{
    const struct place *place = *state;

    put(place->copy, "{\"servers\": 1");
    assert_int_equal(load(place), -EINVAL);
    put(place->copy, "{\"servers\": {\"x\": {}}}");
    assert_int_equal(load(place), -EINVAL);
}

static void test_a_link_is_not_followed(void **state)
{
    const struct place *place = *state;

    put(place->state_copy, good);
    assert_int_equal(symlink(place->state_copy, place->copy), 0);
    assert_int_equal(load(place), -EINVAL);
    assert_int_equal(last_good_keep(place->file, "{}", 2), 0); /* takes the link's place */
    struct stat status;
    assert_int_equal(stat(place->state_copy, &status), 0);
    assert_int_equal(status.st_size, strlen(good));
}

static void test_it_lies_where_systemd_says(void **state)
{
    const struct place *place = *state;
    char two[160];

    snprintf(two, sizeof(two), "%s:/nowhere", place->folder);
    setenv("STATE_DIRECTORY", two, 1);
    assert_int_equal(last_good_keep(place->file, good, strlen(good)), 0);
    assert_int_equal(access(place->state_copy, F_OK), 0);
    assert_int_equal(load(place), 1);
    setenv("STATE_DIRECTORY", "/nowhere", 1);
    assert_int_equal(last_good_keep(place->file, good, strlen(good)), -ENOENT);
    assert_int_equal(load(place), -ENOENT);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_kept_and_read_back),
        TEST(test_one_that_is_broken_itself),
        TEST(test_a_link_is_not_followed),
        TEST(test_it_lies_where_systemd_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
