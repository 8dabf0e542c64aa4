/* What the MQTT client is made of and needs no broker for: the retained map, the outbox, the
 * back-off, addresses. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "mqtt/address.h"
#include "mqtt/backoff.h"
#include "mqtt/client_id.h"
#include "mqtt/mqtt.h"
#include "mqtt/mqtt_ending.h"
#include "mqtt/mqtt_refusal.h"
#include "mqtt/outbox.h"
#include "mqtt/retained.h"
#include "unit.h"

static struct retained *new_map(void)
{
    struct retained *map = NULL;
    assert_int_equal(retained_create(&map), 0);
    retained_resolve(map);
    return map;
}

static void set(struct retained *map, const char *topic, const char *payload)
{
    assert_int_equal(retained_set(map, topic, payload, strlen(payload)), 0);
}

static enum retained_seen see(struct retained *map, const char *topic, const char *payload,
                              int64_t now)
{
    return retained_see(map, topic, payload, strlen(payload), now);
}

static struct retained_entry *take(struct retained *map, const char *topic, const char *payload)
{
    struct retained_entry *entry = retained_next(map);
    assert_non_null(entry);
    assert_string_equal(entry->topic, topic);
    assert_int_equal(entry->length, strlen(payload));
    assert_memory_equal(entry->payload != NULL ? entry->payload : "", payload, entry->length);
    return entry;
}

static void send_all(struct retained *map)
{
    struct retained_entry *entry;
    while ((entry = retained_next(map)) != NULL)
        retained_acknowledged(map, entry);
}

static void test_the_same_is_sent_once(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    set(map, "a", "1");
    retained_acknowledged(map, take(map, "a", "1"));
    set(map, "a", "1");
    assert_null(retained_next(map));
    set(map, "a", "2");
    set(map, "a", "3");
    retained_acknowledged(map, take(map, "a", "3"));
    assert_int_equal(retained_pending(map), 0);
    retained_destroy(map);
}

static void test_a_change_on_its_way_is_sent_after(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    struct retained_entry *entry = take(map, "a", "1");
    set(map, "a", "2");
    assert_null(retained_next(map));
    retained_acknowledged(map, entry);
    retained_acknowledged(map, take(map, "a", "2"));
    retained_destroy(map);
}

static void test_clearing_leaves_nothing(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    send_all(map);
    set(map, "a", "");
    retained_acknowledged(map, take(map, "a", ""));
    assert_false(retained_has(map, "a"));
    set(map, "b", "");
    struct retained_entry *entry = take(map, "b", "");
    set(map, "b", "again");
    retained_acknowledged(map, entry);
    take(map, "b", "again");
    retained_destroy(map);
}

static void test_only_what_the_broker_lacks_is_sent(void **state)
{
    struct retained *map = new_map();
    set(map, "kept", "1");
    set(map, "lost", "1");
    set(map, "old", "2");
    send_all(map);
    retained_unsure(map);
    assert_null(retained_next(map));
    assert_int_equal(see(map, "kept", "1", 0), RETAINED_AS_WANTED);
    assert_int_equal(see(map, "old", "1", 0), RETAINED_DIFFERENT);
    assert_int_equal(see(map, "removed", "1", 0), RETAINED_STRANGER);
    retained_resolve(map);
    assert_int_equal(retained_pending(map), 3);
    send_all(map);
    assert_false(retained_has(map, "removed"));
    assert_true(retained_has(map, "kept") && retained_has(map, "lost") && retained_has(map, "old"));
    retained_destroy(map);
}

static void test_a_new_map_learns_first(void **state)
{
    struct retained *map = NULL;
    assert_int_equal(retained_create(&map), 0);
    set(map, "kept", "1");
    set(map, "lost", "1");
    assert_null(retained_next(map));
    assert_int_equal(see(map, "kept", "1", 0), RETAINED_AS_WANTED);
    set(map, "late", "1");
    assert_int_equal(see(map, "late", "1", 0), RETAINED_AS_WANTED);
    retained_resolve(map);
    take(map, "lost", "1");
    assert_null(retained_next(map));
    retained_destroy(map);
}

static void test_changed_while_reading(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    send_all(map);
    retained_unsure(map);
    assert_int_equal(see(map, "a", "1", 0), RETAINED_AS_WANTED);
    set(map, "a", "2");
    retained_resolve(map);
    take(map, "a", "2");
    assert_null(retained_next(map));
    retained_destroy(map);
}

static void test_a_lost_connection_forgets_what_was_on_its_way(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    take(map, "a", "1");
    retained_unsure(map);
    retained_resolve(map);
    retained_acknowledged(map, take(map, "a", "1"));
    assert_int_equal(retained_pending(map), 0);
    retained_destroy(map);
}

static void test_others_are_corrected_not_too_often(void **state)
{
    struct retained *map = new_map();
    set(map, "a", "1");
    send_all(map);
    assert_int_equal(see(map, "a", "x", 1000), RETAINED_OVERWRITTEN);
    retained_acknowledged(map, take(map, "a", "1"));
    assert_int_equal(see(map, "a", "y", 2000), RETAINED_DIFFERENT);
    assert_null(retained_next(map));
    retained_correct(map, 1000 + RETAINED_CORRECT_MS - 1);
    assert_null(retained_next(map));
    retained_correct(map, 1000 + RETAINED_CORRECT_MS);
    take(map, "a", "1");
    retained_destroy(map);
}

static void test_many(void **state)
{
    struct retained *map = new_map();
    char topic[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(topic, sizeof topic, "t/%d", i);
        set(map, topic, "x");
    }
    assert_int_equal(retained_pending(map), 5000);
    send_all(map);
    retained_unsure(map);
    retained_forget(map, "t/17");
    retained_resolve(map);
    retained_forget(map, "t/18");
    assert_int_equal(retained_pending(map), 4998);
    assert_false(retained_has(map, "t/17"));
    assert_true(retained_has(map, "t/4999"));
    send_all(map);
    retained_destroy(map);
}

static void test_outbox_keeps_order(void **state)
{
    struct outbox outbox = {0};
    assert_int_equal(outbox_add(&outbox, OUTBOX_PASSING, "a", NULL, 0, "one", 3), 0);
    assert_int_equal(outbox_add(&outbox, OUTBOX_PASSING, "b", "c\0d", 3, "", 0), 0);
    struct outbox_message *first = outbox_next(&outbox), *second = outbox_next(&outbox);
    assert_string_equal(outbox_topic(first), "a");
    assert_memory_equal(outbox_payload(first), "one", 3);
    assert_null(outbox_correlation(first));
    assert_memory_equal(outbox_correlation(second), "c\0d", 3);
    assert_null(outbox_next(&outbox));
    outbox_acknowledged(&outbox, second);
    outbox_unsent(&outbox);
    assert_ptr_equal(outbox_next(&outbox), first);
    outbox_acknowledged(&outbox, first);
    assert_int_equal(outbox.n, 0);
    assert_int_equal(outbox_add_retained(&outbox, "c", "kept", 4), 0);
    assert_int_equal(outbox_add(&outbox, OUTBOX_PASSING, "d", NULL, 0, "not", 3), 0);
    assert_true(outbox_next(&outbox)->retain);
    assert_false(outbox_next(&outbox)->retain);
    outbox_finish(&outbox);
    assert_int_equal(outbox.n, 0);
    assert_int_equal(outbox.bytes, 0);
    outbox_finish(&outbox);
}

/* A kilobyte, so that a few thousand fill it. */
static int add_large(struct outbox *outbox, enum outbox_kind kind, const char *topic)
{
    static char payload[1024];
    return outbox_add(outbox, kind, topic, NULL, 0, payload, sizeof payload);
}

static size_t waiting(const struct outbox *outbox, const char *topic)
{
    size_t n = 0;
    for (const struct outbox_message *at = outbox->first; at; at = at->next)
        n += strcmp(outbox_topic(at), topic) == 0;
    return n;
}

/* Thousands wait; what nobody awaits gives way first, the oldest first, and never one under way. */
static void test_outbox_is_bounded_in_bytes(void **state)
{
    struct outbox outbox = {0};
    size_t events = 0;
    assert_int_equal(add_large(&outbox, OUTBOX_AWAITED, "answer"), 0);
    assert_int_equal(add_large(&outbox, OUTBOX_PASSING, "first"), 0);
    assert_int_equal(add_large(&outbox, OUTBOX_PASSING, "second"), 0);
    outbox_next(&outbox);
    struct outbox_message *flying = outbox_next(&outbox);
    while (outbox.bytes + 2048 < OUTBOX_BYTES) {
        assert_int_equal(add_large(&outbox, OUTBOX_PASSING, "events"), 0);
        events++;
    }
    assert_true(events > 10000);
    while (outbox_take_dropped(&outbox, OUTBOX_PASSING) == 0)
        assert_int_equal(add_large(&outbox, OUTBOX_AWAITED, "answer"), 0);
    assert_string_equal(outbox_topic(flying), "first");
    assert_int_equal(waiting(&outbox, "first"), 1);
    assert_int_equal(waiting(&outbox, "second"), 0);
    assert_int_equal(waiting(&outbox, "events"), events);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_PASSING), 0);

    /* Answers up to the brim: no event is left, nor may one come in for an answer. */
    const size_t answers = waiting(&outbox, "answer") + events;
    for (size_t i = 0; i < events; i++)
        assert_int_equal(add_large(&outbox, OUTBOX_AWAITED, "answer"), 0);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_AWAITED), 0);
    assert_int_equal(waiting(&outbox, "answer"), answers);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_PASSING), events);
    while (outbox.bytes + sizeof(*flying) + 1024 + sizeof "answer" <= OUTBOX_BYTES)
        assert_int_equal(add_large(&outbox, OUTBOX_AWAITED, "answer"), 0);
    assert_int_equal(add_large(&outbox, OUTBOX_PASSING, "events"), -EMSGSIZE);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_PASSING), 1);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_AWAITED), 0);
    assert_int_equal(add_large(&outbox, OUTBOX_AWAITED, "answer"), 0);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_AWAITED), 1);
    assert_true(outbox.bytes <= OUTBOX_BYTES);
    outbox_finish(&outbox);
}

static void test_outbox_takes_nothing_larger_than_itself(void **state)
{
    struct outbox outbox = {0};
    char *payload = calloc(1, OUTBOX_BYTES);
    assert_non_null(payload);
    assert_int_equal(outbox_add(&outbox, OUTBOX_AWAITED, "t", NULL, 0, payload, OUTBOX_BYTES),
                     -EMSGSIZE);
    assert_int_equal(outbox_take_dropped(&outbox, OUTBOX_AWAITED), 1);
    assert_int_equal(outbox.n, 0);
    outbox_finish(&outbox);
    free(payload);
}

static void test_backoff(void **state)
{
    struct backoff backoff = {0};
    int64_t now = 1000000, delay = 0;
    for (uint32_t i = 0; now - 1000000 < BACKOFF_SHORT_MS; i++) {
        delay = backoff_next(&backoff, now, i * 2654435761u);
        assert_in_range(delay, BACKOFF_LEAST_MS, 1300);
        now += delay;
    }
    for (int i = 0; i < 20; i++) {
        int64_t longer = backoff_next(&backoff, now, 0);
        assert_true(longer >= delay || i == 0);
        delay = longer;
        now += delay;
    }
    assert_int_equal(delay, 48000);
    assert_int_equal(backoff_next(&backoff, now, 1000), BACKOFF_MOST_MS);
    backoff_reset(&backoff);
    assert_int_equal(backoff_next(&backoff, now, 0), BACKOFF_LEAST_MS);
}

static int64_t delay_after(struct backoff *backoff, int64_t stood_ms, bool by_other, bool pushed)
{
    backoff_ended(backoff, stood_ms, by_other, pushed);
    return backoff_next(backoff, 1000000, 0);
}

static void test_backoff_of_connections_that_others_end(void **state)
{
    static const int64_t expected[] = {1000, 1000, 2000, 4000, 8000, 16000, 32000, 48000, 48000};
    struct backoff backoff = {0};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_int_equal(delay_after(&backoff, i % 2 == 0 ? 500 : 60000, true, true), expected[i]);
    assert_int_equal(delay_after(&backoff, BACKOFF_SETTLED_MS, true, false), 1000);
    /* A broker that restarts, every half a minute. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(delay_after(&backoff, 30000, true, false), 1000);
    /* What is ended from here. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(delay_after(&backoff, 500, false, false), 1000);
}

static void test_addresses(void **state)
{
    char out[ADDRESS_SIZE];
    assert_true(address_is_numeric("127.0.0.1"));
    assert_true(address_is_numeric("fe80::1"));
    assert_false(address_is_numeric("localhost"));
    assert_false(address_is_numeric("127.0.0.1.5"));
    for (unsigned turn = 0; turn < 4; turn++) {
        assert_true(address_pick("127.0.0.1", turn, out));
        assert_string_equal(out, "127.0.0.1");
    }
    assert_true(address_pick("::1", UINT_MAX, out));
    assert_string_equal(out, "::1");
}

static void ignore_message(void *context, const struct mqtt_message *message)
{
    (void)context;
    (void)message;
}

static void ignore_connected(void *context, bool connected, const char *why)
{
    (void)context;
    (void)connected;
    (void)why;
}

static const struct mqtt_listener listener = {.message = ignore_message,
                                              .connected = ignore_connected};

static const struct mqtt_options options = {
    .broker = {.host = "127.0.0.1", .port = 1},
    .client_id = "test",
    .will_topic = "hall/status",
    .will_payload = "offline",
    .birth_payload = "online",
    .echo_topic = "hall/echo",
};

static void test_client_without_a_broker(void **state)
{
    struct mqtt *mqtt = NULL;
    sd_event *loop = NULL;
    assert_true(sd_event_new(&loop) >= 0);
    assert_int_equal(mqtt_create(loop, &options, &listener, NULL, &mqtt), 0);
    assert_false(mqtt_is_connected(mqtt));
    assert_null(mqtt_protocol(mqtt));
    assert_int_equal(mqtt_retain(mqtt, "hall/a", "x", 1), 0);
    assert_int_equal(mqtt_retain(mqtt, "hall/a", "x", 2 << 20), -EMSGSIZE);
    assert_int_equal(mqtt_publish(mqtt, "hall/event", "x", 1), 0);
    assert_int_equal(mqtt_publish(mqtt, "hall/#", "x", 1), -EINVAL);
    assert_int_equal(mqtt_publish(mqtt, "", "x", 1), -EINVAL);
    assert_int_equal(mqtt_clear(mqtt, "hall/b"), 0);
    mqtt_destroy(mqtt, 1000);
    mqtt_destroy(NULL, 0);
    sd_event_unref(loop);
}

static void test_client_refuses_half_options(void **state)
{
    struct mqtt_options broken = options;
    struct mqtt *mqtt = NULL;
    broken.broker.unix_path = "/run/mqtt.sock";
    assert_int_equal(mqtt_create(NULL, &broken, &listener, NULL, &mqtt), -EINVAL);
    broken = options;
    broken.echo_topic = NULL; /* without it nothing tells when the replay is over */
    broken.n_retained_filters = 1;
    broken.retained_filters = (const char *const[]){"watched/#"};
    broken.n_retained_filters = 1;
    assert_int_equal(mqtt_create(NULL, &broken, &listener, NULL, &mqtt), -EINVAL);
    broken = options;
    broken.broker.port = 0;
    assert_int_equal(mqtt_create(NULL, &broken, &listener, NULL, &mqtt), -EINVAL);
    assert_null(mqtt);
}

/* ---- what ends a connection ---- */

static void test_endings_say_what_to_look_at(void **state)
{
    static const struct {
        struct mqtt_ending ending;
        const char *text, *hint;
    } cases[] = {
        {{.kind = MQTT_ENDING_ERRNO, .error = ECONNREFUSED, .tls = true},
         "Connection refused",
         "; no broker listens there; is it started?"},
        {{.kind = MQTT_ENDING_ERRNO, .error = EHOSTUNREACH, .tls = true}, "No route to host", ""},
        {{.kind = MQTT_ENDING_NAME, .tls = true}, "its name cannot be resolved", ""},
        {{.kind = MQTT_ENDING_TLS, .tls = true, .words = "wrong version number"},
         "wrong version number",
         "; does it speak TLS on this port?"},
        {{.kind = MQTT_ENDING_CLOSED, .tls = true},
         "the broker closed it",
         "; does it speak TLS on this port?"},
        {{.kind = MQTT_ENDING_TLS, .tls = true, .words = "certificate verify failed"},
         "certificate verify failed",
         "; look at the broker's certificate and at mqtt.ca"},
        {{.kind = MQTT_ENDING_CLOSED, .tls = true, .asked = true}, "the broker closed it", ""},
        {{.kind = MQTT_ENDING_NONSENSE, .asked = true},
         "the answer is not MQTT 5",
         "; does it speak TLS on this port (mqtts://)?"},
        {{.kind = MQTT_ENDING_NONSENSE, .answered = true, .words = "bad"}, "bad", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(mqtt_ending_text(&cases[i].ending), cases[i].text);
        assert_string_equal(mqtt_ending_hint(&cases[i].ending), cases[i].hint);
    }
}

static void test_refusals_that_mean_the_version(void **state)
{
    static const int of_version[] = {1, 2, 5, 0x81, 0x82, 0x84};
    static const int others[] = {0x80, 0x86, 0x87, 0x88, 0x89, 0x97};
    struct mqtt_options nobody = {.broker = {.host = "127.0.0.1"}};
    for (size_t i = 0; i < ARRAY_SIZE(of_version); i++)
        assert_true(mqtt_refusal_is_of_version(of_version[i]));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(mqtt_refusal_is_of_version(others[i]));
    assert_string_equal(mqtt_refusal_advice(&nobody, 0x88), "");
    assert_non_null(strstr(mqtt_refusal_advice(&nobody, 0x87), "mqtt.username"));
    assert_non_null(strstr(mqtt_refusal_advice(&nobody, 4), "mqtt.username"));
}

/* ---- client ids ---- */

static const struct client_id_owner owner = {
    .role = "hall",
    .name = "home",
    .base_topic = "hall",
    .username = "hall",
    .password = "secret",
};

static void assert_well_formed(const char *id, const char *role)
{
    assert_int_equal(strlen(id), CLIENT_ID_SIZE - 1);
    assert_memory_equal(id, role, strlen(role));
    assert_int_equal(id[strlen(role)], '-');
    assert_int_equal(strspn(id + strlen(role) + 1, "abcdefghijklmnopqrstuvwxyz234567"),
                     strlen(id) - strlen(role) - 1);
}

static void test_a_client_id_is_the_same_at_each_start(void **state)
{
    char first[CLIENT_ID_SIZE], second[CLIENT_ID_SIZE];
    client_id_derive(&owner, first);
    client_id_derive(&owner, second);
    assert_well_formed(first, "hall");
    assert_string_equal(first, second);
}

/* The phrase as a whole counts, however long its parts are. */
static void test_each_part_of_an_owner_changes_the_client_id(void **state)
{
    char long_password[1501], ids[9][CLIENT_ID_SIZE];
    struct client_id_owner others[] = {owner, owner, owner, owner, owner,
                                       owner, owner, owner, owner};
    memset(long_password, 'x', sizeof(long_password) - 1);
    long_password[sizeof(long_password) - 1] = '\0';
    others[1].role = "relay";
    others[2].name = "other";
    others[3].base_topic = "hall2";
    others[4].username = "viewer";
    others[5].password = "Secret";
    others[6].password = long_password;
    others[7].password = long_password + 1;
    others[8].password = others[8].username = NULL;
    for (size_t i = 0; i < 9; i++) {
        client_id_derive(&others[i], ids[i]);
        assert_well_formed(ids[i], others[i].role);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(strchr(ids[i], '-'), strchr(ids[k], '-'));
    }
}

static void test_random_client_ids_differ(void **state)
{
    char first[CLIENT_ID_SIZE], second[CLIENT_ID_SIZE];
    client_id_random("hallctl", first);
    client_id_random("hallctl", second);
    assert_well_formed(first, "hallctl");
    assert_string_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_is_sent_once),
        cmocka_unit_test(test_a_change_on_its_way_is_sent_after),
        cmocka_unit_test(test_clearing_leaves_nothing),
        cmocka_unit_test(test_only_what_the_broker_lacks_is_sent),
        cmocka_unit_test(test_a_new_map_learns_first),
        cmocka_unit_test(test_changed_while_reading),
        cmocka_unit_test(test_a_lost_connection_forgets_what_was_on_its_way),
        cmocka_unit_test(test_others_are_corrected_not_too_often),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_outbox_keeps_order),
        cmocka_unit_test(test_outbox_takes_nothing_larger_than_itself),
        cmocka_unit_test(test_outbox_is_bounded_in_bytes),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_backoff_of_connections_that_others_end),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_endings_say_what_to_look_at),
        cmocka_unit_test(test_refusals_that_mean_the_version),
        cmocka_unit_test(test_a_client_id_is_the_same_at_each_start),
        cmocka_unit_test(test_each_part_of_an_owner_changes_the_client_id),
        cmocka_unit_test(test_random_client_ids_differ),
        cmocka_unit_test(test_client_without_a_broker),
        cmocka_unit_test(test_client_refuses_half_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
