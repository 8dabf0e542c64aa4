/* Times beyond January 2038, where 32 bits of seconds end, and beyond 2106, where unsigned ones do:
 * as text, as JSON, in the configuration, in schedules, in the store and of files. Says most where
 * `long` is 32 bits. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/local.h"
#include "config/config.h"
#include "config/last_good.h"
#include "core/facts/schedule.h"
#include "record/record.h"
#include "store/store.h"
#include "unit.h"

static const struct {
    int64_t seconds;
    const char *text, *paris; /* UTC, and as the wall clock in Paris shows it */
} table[] = {
    {INT64_C(0x7fffffff), "2038-01-19T03:14:07Z", "Tue 2038-01-19 04:14:07"},
    {INT64_C(0x80000000), "2038-01-19T03:14:08Z", "Tue 2038-01-19 04:14:08"},
    {INT64_C(2223014400), "2040-06-11T08:00:00Z", "Mon 2040-06-11 10:00:00"},
    {INT64_C(0xffffffff), "2106-02-07T06:28:15Z", "Sun 2106-02-07 07:28:15"},
    {INT64_C(0x100000000), "2106-02-07T06:28:16Z", "Sun 2106-02-07 07:28:16"},
};

static struct zone_cache cache;
static const struct zone_port zones = {.offset = zone_offset, .context = &cache};

static int64_t at(const char *text)
{
    int64_t ms = 0;

    assert_int_equal(rfc3339_parse(text, &ms), 0);
    return ms;
}

static void test_as_text(void **state)
{
    const struct local local = {.zones = &zones, .zone = "Europe/Paris"};
    char text[RFC3339_SIZE], shown[LOCAL_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(at(table[i].text), table[i].seconds * 1000);
        assert_string_equal(rfc3339_format(table[i].seconds * 1000, text), table[i].text);
        assert_string_equal(local_stamp(&local, table[i].seconds * 1000, shown), table[i].paris);
    }
}

static void test_as_json(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct buf text = BUF_INIT(1000);
        struct json_writer writer;
        struct json_error error;
        struct json *value = NULL;
        int64_t read = 0;

        json_writer_init(&writer, &text);
        json_begin_object(&writer, NULL);
        json_put_integer(&writer, "ms", table[i].seconds * 1000);
        json_put_time(&writer, "time", table[i].seconds * 1000);
        json_end_object(&writer);
        assert_int_equal(
            json_read(buf_text(&text), text.length, &json_limits_payload, &value, &error), 0);
        assert_true(json_integer(json_get(value, "ms"), &read));
        assert_int_equal(read, table[i].seconds * 1000);
        assert_string_equal(json_get_string(value, "time"), table[i].text);
        json_free(value);
        buf_finish(&text);
    }
}

static const char scheduled[] =
    "{\"servers\":{\"s\":{\"address\":\"192.168.1.20\",\"mac\":\"aa:bb:cc:dd:ee:01\"}},"
    "\"domains\":{\"x.org\":{\"server\":\"s\",\"upstream\":\"http://192.168.1.20\",\"policy\":{"
    "\"mode\":\"scheduled\",\"timezone\":\"Europe/Paris\",\"windows\":[{\"from\":\"08:00\","
    "\"to\":\"19:00\"}],\"except\":[\"2040-06-11\"]}}}}";

static void test_of_a_configured_schedule(void **state)
{
    struct buf errors = BUF_INIT(4096);
    struct config *config = NULL;
    struct report report = {0};
    struct schedule_view view;

    const int result = config_parse("F", scheduled, strlen(scheduled), &config, &report);
    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    if (result != 0)
        fail_msg("%s", buf_text(&errors));
    buf_finish(&errors);
    view = schedule_view(&config->model.domains[0].policy, &zones, at("2040-06-10T12:00:00Z"));
    assert_true(view.wants);
    assert_int_equal(view.since, at("2040-06-10T08:00:00+02:00"));
    assert_int_equal(view.until, at("2040-06-10T19:00:00+02:00"));
    assert_int_equal(view.next, at("2040-06-12T08:00:00+02:00"));
    view = schedule_view(&config->model.domains[0].policy, &zones, at("2038-01-19T03:00:00Z"));
    assert_false(view.wants);
    assert_int_equal(view.next, at("2038-01-19T08:00:00+01:00"));
    config_free(config);
}

/* ---- on the disk ---- */

struct place {
    char folder[64], path[96];
};

static int make_place(void **state)
{
    static struct place place;

    snprintf(place.folder, sizeof(place.folder), "/tmp/test-far-times-XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    snprintf(place.path, sizeof(place.path), "%s/hall.db", place.folder);
    unsetenv("STATE_DIRECTORY");
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    const struct place *place = *state;
    DIR *directory = opendir(place->folder);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    return rmdir(place->folder);
}

static struct store *open_store(const struct place *place)
{
    const struct store_options options = {.path = place->path, .keep_days = 90, .max_mb = 1};
    struct store *store = NULL;

    assert_int_equal(store_create(&options, &store), 0);
    return store;
}

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
static const struct record_owner owner = {.config = "/c.json", .mac = mac, .boot = "b"};
static struct model_server servers[] = {{.id = "s"}};
static const struct model model = {.n_servers = 1, .servers = servers};

static void read_record(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct saved *saved = context;

    assert_string_equal(key, "s");
    assert_true(saved_wall > 0);
    assert_int_equal(record_read_server(body, strlen(body), &model, 0, &owner, saved), 0);
}

/* An open wake and a hold of 2040, written down, and read by the next Hall. */
static void test_of_a_record_in_the_store(void **state)
{
    const int64_t now = at("2040-06-11T08:00:00Z");
    struct buf text = BUF_INIT(RECORD_LIMIT);
    struct saved saved, found = {0};
    struct store *store = open_store(*state);

    assert_int_equal(saved_init(&saved, 1, 0, 0), 0);
    saved.at = now;
    saved.since = now - 5000;
    saved.wake = (struct wake){.open = true, .started = now - 5000, .deadline = now + 60000};
    saved.leases.leases[0] =
        (struct lease){.kind = LEASE_HOLD, .since = now, .until = now + 3600000};
    saved.leases.n = 1;
    assert_int_equal(record_write_server(&saved, &model, 0, &owner, &text), 0);
    saved_finish(&saved);
    store_put(store, STORE_SERVER, "s", buf_text(&text), true);
    buf_finish(&text);
    store_destroy(store, 20000);

    store = open_store(*state);
    assert_int_equal(store_load(store, STORE_SERVER, read_record, &found), 0);
    store_destroy(store, 20000);
    assert_int_equal(found.at, now);
    assert_int_equal(found.since, now - 5000);
    assert_int_equal(found.wake.started, now - 5000);
    assert_int_equal(found.wake.deadline, now + 60000);
    assert_int_equal(found.leases.n, 1);
    assert_int_equal(found.leases.leases[0].until, now + 3600000);
    saved_finish(&found);
}

/* The time of the copy is that of its file. */
static void test_of_a_file(void **state)
{
    static const char good[] = "{\"servers\":{\"box\":{\"address\":\"127.0.0.20\","
                               "\"mac\":\"02:00:5e:00:00:01\"}},\"domains\":{}}";
    const int64_t now = at("2040-06-11T08:00:00Z");
    const struct timespec times[2] = {{.tv_sec = (time_t)(now / 1000)},
                                      {.tv_sec = (time_t)(now / 1000)}};
    const struct place *place = *state;
    char file[128], copy[128];
    struct report report = {0};
    struct config *config = NULL;
    int64_t kept = 0;

    snprintf(file, sizeof(file), "%s/domains.json", place->folder);
    snprintf(copy, sizeof(copy), "%s/.domains.json.good", place->folder);
    FILE *out = fopen(copy, "we");
    assert_non_null(out);
    fputs(good, out);
    fclose(out);
    assert_int_equal(chmod(copy, 0600), 0);
    assert_int_equal(utimensat(AT_FDCWD, copy, times, 0), 0);
    assert_int_equal(last_good_load(file, &config, &kept, &report), 0);
    assert_int_equal(kept, now);
    report_finish(&report);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_text),
        cmocka_unit_test(test_as_json),
        cmocka_unit_test(test_of_a_configured_schedule),
        cmocka_unit_test_setup_teardown(test_of_a_record_in_the_store, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_of_a_file, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
