/* What is announced to Home Assistant, against files in tests/golden (HALL_GOLDEN=write makes them
 * anew), and the rows themselves. What Home Assistant would say to it is
 * tests/integration/ha_rules.py's to tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "ha-discovery/discovery.h"
#include "ha-discovery/entities.h"
#include "unit.h"

static struct model_server servers[] = {
    {.id = "testing", .name = "Testing \"A\""},
    {.id = "nas-1", .name = "Nas", .sleep = {.via = SLEEP_VIA_NONE}},
};
static struct model_site sites[] = {
    {.id = "testing.example.org", .name = "Kunden", .path = "/"},
    {.id = "client1", .name = "Client 1", .is_project = true, .path = "/client1"},
    {.id = "nas.example.org", .name = "nas.example.org", .path = "/", .domain = 1, .server = 1},
};
static struct model_domain domains[] = {
    {.name = "nas.example.org", .server = 1, .site = 2},
    {.name = "testing.example.org", .server = 0, .site = 0, .n_projects = 1, .projects = {1}},
};
static const struct model model = {
    .n_servers = 2,
    .servers = servers,
    .n_domains = 2,
    .domains = domains,
    .n_sites = 3,
    .sites = sites,
};
static const struct discovery english = {.model = &model,
                                         .base_topic = "hall",
                                         .prefix = "homeassistant",
                                         .version = "1.2.3",
                                         .site = "hall"};
static const struct discovery french = {.model = &model,
                                        .base_topic = "hall",
                                        .prefix = "homeassistant",
                                        .version = "1.2.3",
                                        .site = "attic",
                                        .language = 1,
                                        .url = "http://192.168.1.2:8881/"};

static void check_golden(const char *name, struct buf *text)
{
    static char golden[DISCOVERY_LIMIT];
    struct json *root = NULL;
    struct json_error problem;
    char path[512];

    assert_int_equal(buf_error(text), 0);
    assert_int_equal(json_read(buf_text(text), text->length, &json_limits_payload, &root, &problem),
                     0);
    json_free(root);
    snprintf(path, sizeof(path), "%s/golden/discovery_%s.json", TEST_DIR, name);
    FILE *file = fopen(path, getenv("HALL_GOLDEN") != NULL ? "w+" : "r");
    assert_non_null(file);
    if (getenv("HALL_GOLDEN") != NULL) {
        fprintf(file, "%s\n", buf_text(text));
        rewind(file);
    }
    const size_t length = fread(golden, 1, sizeof(golden) - 1, file);
    fclose(file);
    golden[length > 0 ? length - 1 : 0] = '\0';
    assert_string_equal(buf_text(text), golden);
    buf_finish(text);
}

static void check_device(const char *name, const struct discovery *discovery,
                         const struct device *device, const char *stale)
{
    struct buf text = BUF_INIT(DISCOVERY_LIMIT);

    assert_int_equal(discovery_write(discovery, device, stale, &text), 0);
    check_golden(name, &text);
}

static void test_payloads(void **state)
{
    check_device("hub", &english, &(struct device){.kind = DEVICE_HUB}, NULL);
    check_device("hub_fr", &french, &(struct device){.kind = DEVICE_HUB}, NULL);
    check_device("server", &english, &(struct device){.kind = DEVICE_SERVER}, NULL);
    check_device("server_full", &french,
                 &(struct device){.kind = DEVICE_SERVER, .can_restart = true, .has_windows = true},
                 NULL);
    check_device("server_sleepless", &english, &(struct device){.kind = DEVICE_SERVER, .index = 1},
                 NULL);
    check_device("domain", &english, &(struct device){.kind = DEVICE_DOMAIN, .index = 1}, NULL);
    check_device("domain_removing", &french, &(struct device){.kind = DEVICE_DOMAIN, .index = 1},
                 "client2_state sensor\nclient1_stop switch\n");
}

static void test_numbers_and_objects(void **state)
{
    static const char *const objects[] = {"hub", "server_testing", "server_nas-1",
                                          "domain_nas_example_org", "domain_testing_example_org"};
    char object[DISCOVERY_OBJECT_SIZE];

    assert_int_equal(discovery_count(&english), 5);
    for (size_t i = 0; i < 5; i++) {
        const struct device device = discovery_device(&english, i);

        assert_string_equal(discovery_object(&english, &device, object), objects[i]);
        assert_int_equal(discovery_find(&english, object), i);
        assert_int_equal(discovery_has(&english, &device), i != 3);
    }
    assert_true(discovery_find(&english, "server_x") < 0);
    assert_true(discovery_find(&english, "domain_x") < 0);
    assert_true(discovery_find(&english, "server") < 0);
    assert_true(discovery_find(&english, "") < 0);
}

static void check_node(const char *base, const char *node)
{
    const struct discovery discovery = {.base_topic = base, .prefix = "ha"};
    char topic[DISCOVERY_TOPIC_SIZE], expected[DISCOVERY_TOPIC_SIZE];
    char object[DISCOVERY_OBJECT_SIZE];

    snprintf(expected, sizeof(expected), "ha/device/%s/hub/config", node);
    assert_string_equal(discovery_topic(&discovery, "hub", topic), expected);
    assert_true(discovery_parse_topic(&discovery, topic, object));
    assert_string_equal(object, "hub");
}

static void test_topics(void **state)
{
    char topic[DISCOVERY_TOPIC_SIZE], object[DISCOVERY_OBJECT_SIZE];

    check_node("hall", "hall");
    check_node("home/hall", "home-_hall");
    check_node("home_hall", "home_hall");
    check_node("home-/hall", "home---_hall");
    check_node("h\xc3\xa9 1", "h-c3-a9-201");
    assert_string_equal(discovery_birth_topic(&english, topic), "homeassistant/status");
    assert_false(discovery_parse_topic(&english, "homeassistant/device/hall/config", object));
    assert_false(discovery_parse_topic(&english, "homeassistant/device/hall//config", object));
    assert_false(discovery_parse_topic(&english, "homeassistant/device/hall/a/b/config", object));
    assert_false(discovery_parse_topic(&english, "homeassistant/device/hal/hub/config", object));
    assert_false(discovery_parse_topic(&english, "homeassistant/device/hall/hub/configs", object));
    assert_false(discovery_parse_topic(&english, "hall/status", object));
}

static void check_stale(const char *old, const char *new, const char *expected)
{
    struct buf lines = BUF_INIT(4096);

    discovery_stale(old, strlen(old), new, strlen(new), &lines);
    assert_string_equal(buf_text(&lines), expected);
    buf_finish(&lines);
}

static void test_what_is_taken_away(void **state)
{
#define C(inside) "{\"components\":{" inside "}}"
    check_stale(C("\"a\":{\"platform\":\"sensor\",\"name\":1}"), C(""), "a sensor\n");
    check_stale(C("\"a\":{\"platform\":\"sensor\"}"), C(""), ""); /* it was being removed already */
    check_stale(C("\"a\":{\"platform\":\"sensor\",\"name\":1}"),
                C("\"a\":{\"platform\":\"switch\"}"), "a sensor\n");
    check_stale(C("\"a\":{\"platform\":\"sensor\",\"name\":1}"),
                C("\"a\":{\"platform\":\"sensor\"}"), "");
    check_stale(C("\"a b\":{\"platform\":\"sensor\",\"name\":1}"), C(""), "");
    check_stale(C("\"a\":{\"platform\":\"x\\ny\",\"name\":1}"), C(""), "");
    check_stale(C("\"a\":{\"platform\":7,\"name\":1},\"b\":[1,2],\"c\":null"), C(""), "");
    check_stale("[]", C(""), "");
    check_stale("{\"components\":7}", C(""), "");
    check_stale("", C(""), "");
    check_stale("{", "{", "");
#undef C
}

static void test_whose_it_is(void **state)
{
    static const char *const others[] = {"",
                                         "{",
                                         "[]",
                                         "{}",
                                         "{\"origin\":7}",
                                         "{\"origin\":{\"name\":\"zigbee2mqtt\"}}",
                                         "{\"origin\":{\"name\":null}}"};
    static const char ours[] = "{\"origin\":{\"name\":\"Hall\",\"sw_version\":\"0\"}}";

    assert_true(discovery_is_ours(ours, strlen(ours)));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(discovery_is_ours(others[i], strlen(others[i])));
}

/* Ids are made of "server_" ID "_" KEY: they are one-to-one because no key ends like another. */
static void test_keys_cannot_be_mistaken(void **state)
{
    for (size_t i = 0; i < n_entities; i++)
        for (size_t k = 0; k < n_entities; k++) {
            const char *key = entities[i].key, *other = entities[k].key;
            const size_t length = strlen(key), shorter = strlen(other);

            if (entities[i].owner != entities[k].owner || i == k)
                continue;
            assert_string_not_equal(key, other);
            assert_false(length > shorter && strcmp(key + length - shorter, other) == 0 &&
                         key[length - shorter - 1] == '_');
        }
}

static void test_every_entity_has_a_name_in_every_language(void **state)
{
    for (size_t i = 0; i < n_entities; i++)
        for (size_t k = 1; k < LANGUAGES; k++)
            assert_int_equal(entities[i].names[0] == NULL, entities[i].names[k] == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_numbers_and_objects),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_what_is_taken_away),
        cmocka_unit_test(test_whose_it_is),
        cmocka_unit_test(test_keys_cannot_be_mistaken),
        cmocka_unit_test(test_every_entity_has_a_name_in_every_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
