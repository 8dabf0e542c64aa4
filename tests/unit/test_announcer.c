/* The announcer beside a broker of a few lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha-discovery/announcer.h"
#include "unit.h"

enum { MANY = 300 };

static struct model_server one_server[] = {{.id = "a", .name = "A"}};
static struct model_server two_servers[] = {{.id = "a", .name = "A"}, {.id = "b", .name = "B"}};
static const struct model one = {.n_servers = 1, .servers = one_server};
static const struct model two = {.n_servers = 2, .servers = two_servers};

static struct discovery discovery_of(const struct model *model)
{
    return (struct discovery){
        .model = model, .base_topic = "hall", .prefix = "ha", .version = "1", .site = "hall"};
}

struct world {
    struct announcer *announcer;
    int64_t now;
    char *held[8]; /* hub, a, b; what the broker holds */
    unsigned sent[8];
    char last[64]; /* the objects as they were sent, a letter each */
};

static size_t place_of(const char *topic)
{
    if (strstr(topic, "/hub/") != NULL)
        return 0;
    if (strstr(topic, "server_a/") != NULL)
        return 1;
    return strstr(topic, "server_b/") != NULL ? 2 : 3;
}

static void broker_take(struct world *world, const struct announcement *next)
{
    const size_t place = place_of(next->topic);
    const size_t length = strlen(world->last);

    free(world->held[place]);
    world->held[place] = next->length > 0 ? strndup(next->payload, next->length) : NULL;
    world->sent[place]++;
    if (length + 1 < sizeof(world->last)) {
        world->last[length] = "habx"[place];
        world->last[length + 1] = '\0';
    }
}

/* Takes whatever there is now. */
static size_t drain(struct world *world)
{
    struct announcement next;
    size_t n = 0;
    int result;

    while ((result = announcer_next(world->announcer, world->now, &next)) != 0) {
        if (result == -EAGAIN)
            continue;
        assert_int_equal(result, 1);
        broker_take(world, &next);
        announcer_taken(world->announcer, next.token, true);
        n++;
    }
    return n;
}

static void connect_anew(struct world *world)
{
    static const char *const objects[] = {"hub", "server_a", "server_b", "server_gone"};
    const struct discovery discovery = discovery_of(&two);
    char topic[DISCOVERY_TOPIC_SIZE], object[DISCOVERY_OBJECT_SIZE];

    announcer_connected(world->announcer);
    for (size_t i = 0; i < 4; i++)
        if (world->held[i] != NULL)
            announcer_hear(world->announcer, discovery_topic(&discovery, objects[i], topic),
                           world->held[i], strlen(world->held[i]), world->now, object);
    announcer_browsed(world->announcer);
    world->last[0] = '\0';
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct discovery discovery = discovery_of(&two);

    world->now = 1000000;
    *state = world;
    return announcer_create(&discovery, &world->announcer);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    announcer_destroy(world->announcer);
    for (size_t i = 0; i < 8; i++)
        free(world->held[i]);
    free(world);
    return 0;
}

static enum announcer_heard hear(struct world *world, const char *object, const char *payload)
{
    const struct discovery discovery = discovery_of(&two);
    char topic[DISCOVERY_TOPIC_SIZE], written[DISCOVERY_OBJECT_SIZE];

    return announcer_hear(world->announcer, discovery_topic(&discovery, object, topic), payload,
                          strlen(payload), world->now, written);
}

static void test_nothing_before_the_broker_was_read(void **state)
{
    struct world *world = *state;

    assert_int_equal(drain(world), 0);
    announcer_connected(world->announcer);
    assert_int_equal(drain(world), 0);
    assert_false(announcer_is_done(world->announcer));
    announcer_browsed(world->announcer);
    assert_int_equal(drain(world), 3);
    assert_string_equal(world->last, "hab");
    assert_true(announcer_is_done(world->announcer));
    assert_int_equal(announcer_due(world->announcer), INT64_MAX);
}

static void test_only_what_differs(void **state)
{
    struct world *world = *state;

    connect_anew(world);
    drain(world);
    connect_anew(world);
    assert_int_equal(drain(world), 0);
    free(world->held[1]);
    world->held[1] = strdup("{\"other\":1}");
    world->now += 10000;
    connect_anew(world);
    assert_int_equal(drain(world), 1);
    assert_string_equal(world->last, "a");
}

static void test_a_birth_is_answered_at_once_even_within_five_seconds(void **state)
{
    struct world *world = *state;

    connect_anew(world);
    drain(world);
    world->last[0] = '\0';
    announcer_repeat(world->announcer);
    assert_int_equal(drain(world), 3);
    assert_string_equal(world->last, "hab");
    assert_int_equal(drain(world), 0);
}

static void test_two_steps_with_time_between(void **state)
{
    struct world *world = *state;

    connect_anew(world);
    drain(world);
    world->now += 1000;
    announcer_set_restart(world->announcer, 0, true);
    assert_int_equal(drain(world), 0);
    assert_int_equal(announcer_due(world->announcer), 1000000 + ANNOUNCER_APART_MS);
    world->now = 1000000 + ANNOUNCER_APART_MS;
    assert_int_equal(drain(world), 1);
    assert_non_null(strstr(world->held[1], "\"restart\":{\"platform\":\"button\",\"unique_id\""));
    announcer_set_restart(world->announcer, 0, false);
    world->now += ANNOUNCER_APART_MS;
    assert_int_equal(drain(world), 1);
    assert_non_null(strstr(world->held[1], "\"restart\":{\"platform\":\"button\"}"));
    world->now += ANNOUNCER_APART_MS - 1;
    assert_int_equal(drain(world), 0);
    assert_false(announcer_is_done(world->announcer));
    world->now++;
    assert_int_equal(drain(world), 1);
    assert_null(strstr(world->held[1], "\"restart\""));
    assert_true(announcer_is_done(world->announcer));
}

static void test_restart_is_kept_until_the_agent_speaks(void **state)
{
    struct world *world = *state;

    announcer_set_restart(world->announcer, 0, true);
    connect_anew(world);
    drain(world);
    announcer_destroy(world->announcer);
    const struct discovery discovery = discovery_of(&two);
    assert_int_equal(announcer_create(&discovery, &world->announcer), 0);
    connect_anew(world);
    assert_int_equal(drain(world), 0);
    announcer_set_restart(world->announcer, 0, false);
    assert_int_equal(drain(world), 1);
}

static void test_deleted_by_a_person(void **state)
{
    struct world *world = *state;

    connect_anew(world);
    drain(world);
    world->last[0] = '\0';
    assert_int_equal(hear(world, "server_a", ""), HEARD_REMOVED);
    assert_int_equal(hear(world, "server_a", ""), HEARD_NOTHING);
    announcer_repeat(world->announcer);
    drain(world);
    assert_string_equal(world->last, "hb");
    assert_true(announcer_set_removed(world->announcer, "server_a", false));
    drain(world);
    assert_string_equal(world->last, "hba");
    assert_false(announcer_set_removed(world->announcer, "server_x", true));
}

static void test_ghosts_and_strangers(void **state)
{
    struct world *world = *state;

    world->held[3] = strdup("{\"origin\":{\"name\":\"Hall\"}}");
    connect_anew(world);
    drain(world);
    assert_string_equal(world->last, "xhab");
    assert_null(world->held[3]);
    assert_int_equal(hear(world, "server_gone", "{\"origin\":{\"name\":\"Other\"}}"),
                     HEARD_NOTHING);
    assert_int_equal(drain(world), 0);
}

static void test_replaced_by_another(void **state)
{
    struct world *world = *state;

    connect_anew(world);
    drain(world);
    assert_int_equal(hear(world, "server_b", "{}"), HEARD_REPLACED);
    assert_int_equal(drain(world), 0);
    world->now += ANNOUNCER_APART_MS;
    assert_int_equal(drain(world), 1);
    assert_int_equal(hear(world, "server_b", world->held[2]), HEARD_NOTHING);
}

static void test_a_new_configuration(void **state)
{
    struct world *world = *state;
    const struct discovery smaller = discovery_of(&one);
    struct announcer *new = NULL;

    connect_anew(world);
    drain(world);
    world->last[0] = '\0';
    assert_int_equal(announcer_create(&smaller, &new), 0);
    announcer_adopt(new, world->announcer);
    announcer_destroy(world->announcer);
    world->announcer = new;
    assert_int_equal(drain(world), 1);
    assert_string_equal(world->last, "b");
    assert_null(world->held[2]);
    assert_true(announcer_is_done(new));
}

/* What flies when the configuration changes lands all the same, wherever it stands now. */
static void test_on_its_way_while_the_configuration_changes(void **state)
{
    struct world *world = *state;
    const struct discovery smaller = discovery_of(&one);
    struct announcement next[3];
    struct announcer *new = NULL;

    connect_anew(world);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(announcer_next(world->announcer, world->now, &next[i]), 1);
        broker_take(world, &next[i]);
    }
    assert_int_equal(announcer_create(&smaller, &new), 0);
    announcer_adopt(new, world->announcer);
    announcer_destroy(world->announcer);
    world->announcer = new;
    for (size_t i = 0; i < 3; i++)
        announcer_taken(new, next[i].token, true);
    drain(world);
    assert_null(world->held[2]);
    assert_true(announcer_is_done(new));
}

static void test_refused_ones_are_not_tried_for_ever(void **state)
{
    struct world *world = *state;
    struct announcement next;
    size_t n = 0;

    connect_anew(world);
    for (int result; (result = announcer_next(world->announcer, world->now, &next)) != 0;)
        if (result == 1) {
            announcer_taken(world->announcer, next.token, false);
            n++;
        }
    assert_int_equal(n, 3);
    assert_true(announcer_is_done(world->announcer));
}

static void test_many(void **state)
{
    static struct model_server servers[MANY];
    static char ids[MANY][8];
    const struct model model = {.n_servers = MANY, .servers = servers};
    const struct discovery discovery = discovery_of(&model);
    struct announcer *announcer = NULL;
    struct announcement next;
    uint64_t flying[4];
    size_t sent = 0, n_flying = 0;

    for (size_t i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "s%zu", i);
        servers[i] = (struct model_server){.id = ids[i], .name = ids[i]};
    }
    assert_int_equal(announcer_create(&discovery, &announcer), 0);
    announcer_connected(announcer);
    announcer_browsed(announcer);
    for (bool more = true; more;) {
        more = false;
        while (n_flying < 4 && announcer_next(announcer, 1000, &next) == 1) {
            flying[n_flying++] = next.token;
            sent++;
            more = true;
        }
        while (n_flying > 0)
            announcer_taken(announcer, flying[--n_flying], true);
    }
    assert_int_equal(sent, MANY + 1);
    assert_true(announcer_is_done(announcer));
    announcer_destroy(announcer);
}

int main(void)
{
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_before_the_broker_was_read),
        TEST(test_only_what_differs),
        TEST(test_a_birth_is_answered_at_once_even_within_five_seconds),
        TEST(test_two_steps_with_time_between),
        TEST(test_restart_is_kept_until_the_agent_speaks),
        TEST(test_deleted_by_a_person),
        TEST(test_ghosts_and_strangers),
        TEST(test_replaced_by_another),
        TEST(test_a_new_configuration),
        TEST(test_on_its_way_while_the_configuration_changes),
        TEST(test_refused_ones_are_not_tried_for_ever),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
