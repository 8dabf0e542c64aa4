/* Outlets and turns: who is told, in which order, and that what an outlet finds comes back as an
 * event; and answers, which wait for the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hall/answers.h"
#include "hall/out_bus.h"
#include "hall/turn.h"
#include "mqtt/mqtt_session.h"
#include "unit.h"

struct daemon {
    sd_event *loop;
    struct config *config;
    struct current current;
    struct outlets outlets;
    struct turn *turn;
    char told[64];     /* a letter for each thing an outlet was told, in order */
    bool is_at_packet; /* the packet is being sent */
    size_t said;       /* messages that left */
    unsigned failed;   /* packets that the fleet knew as failed when the turn was over */
};

static void note(struct daemon *daemon, char letter)
{
    const size_t length = strlen(daemon->told);

    assert_true(length + 1 < sizeof(daemon->told));
    daemon->told[length] = letter;
    daemon->told[length + 1] = '\0';
}

static unsigned failed_packets(const struct daemon *daemon)
{
    return fact_is(&fleet_power(daemon->current.fleet, 0)->problem, FACT_WAKE_PACKET_FAILED);
}

static int begin(void **state)
{
    static const char text[] =
        "{\"servers\":{\"s\":{\"address\":\"192.0.2.1\",\"mac\":\"aa:bb:cc:dd:ee:01\"}}}";
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    const struct fleet_sink sink = {.act = outlets_act, .context = &daemon->outlets};
    struct report report = {0};

    assert_non_null(daemon);
    assert_int_equal(config_parse("F", text, strlen(text), &daemon->config, &report), 0);
    report_finish(&report);
    daemon->current.config = daemon->current.begun = daemon->config;
    assert_int_equal(
        fleet_create(&daemon->config->model, &sink, clock_now(), &daemon->current.fleet), 0);
    assert_int_equal(sd_event_new(&daemon->loop), 0);
    assert_int_equal(turn_create(daemon->loop, &daemon->current, &daemon->outlets, &daemon->turn),
                     0);
    *state = daemon;
    return 0;
}

static int end(void **state)
{
    struct daemon *daemon = *state;

    turn_destroy(daemon->turn);
    fleet_destroy(daemon->current.fleet);
    config_free(daemon->config);
    sd_event_unref(daemon->loop);
    free(daemon);
    return 0;
}

static void first_changed(void *context, const struct news *news)
{
    assert_int_equal(news->server, 7);
    note(context, 'a');
}

static void second_changed(void *context, const struct news *news)
{
    (void)news;
    note(context, 'b');
}

static void second_state(void *context, const struct action *action)
{
    (void)action;
    note(context, 'c');
}

static void each_is_told_in_order_of_what_it_listens_to(void **state)
{
    static const struct outlet_ops first = {.hear = {[NEWS_CHANGED] = first_changed}};
    static const struct outlet_ops second = {.act = {[ACTION_STATE] = second_state},
                                             .hear = {[NEWS_CHANGED] = second_changed}};
    struct daemon *daemon = *state;

    outlets_add(&daemon->outlets, &first, daemon);
    outlets_add(&daemon->outlets, &second, daemon);
    outlets_tell(&daemon->outlets, &(struct news){.kind = NEWS_CHANGED, .server = 7});
    outlets_act(&daemon->outlets, &(struct action){.kind = ACTION_STATE});
    outlets_act(&daemon->outlets, &(struct action){.kind = ACTION_PACKET});
    outlets_tell(&daemon->outlets, &(struct news){.kind = NEWS_SETTLED});
    assert_string_equal(daemon->told, "abc");
}

static void on_packet(void *context, const struct action *action)
{
    struct daemon *daemon = context;

    note(daemon, 'p');
    turn_defer(daemon->turn, &(struct fleet_event){.kind = FLEET_PACKET_FAILED,
                                                   .server = action->server,
                                                   .packet = {.reason = FACT(WAKE_PACKET_FAILED)}});
    assert_int_equal(failed_packets(daemon), 0); /* not while the fleet is in its step */
}

static void on_settled(void *context, const struct news *news)
{
    struct daemon *daemon = context;

    (void)news;
    note(daemon, 's');
    daemon->failed = failed_packets(daemon);
}

static void a_packet_that_could_not_leave_comes_back_as_an_event(void **state)
{
    static const struct outlet_ops ops = {.act = {[ACTION_PACKET] = on_packet},
                                          .hear = {[NEWS_SETTLED] = on_settled}};
    struct daemon *daemon = *state;
    struct fleet_event wake = {.kind = FLEET_COMMAND,
                               .command = {.action = COMMAND_WAKE, .site = MODEL_NONE}};

    outlets_add(&daemon->outlets, &ops, daemon);
    fleet_start(daemon->current.fleet, clock_now());
    turn_feed(daemon->turn, &wake);
    assert_string_equal(daemon->told, "ps");
    assert_int_equal(daemon->failed, 1);
}

enum { MANY = 200 };

static void on_packet_of_many(void *context, const struct action *action)
{
    struct daemon *daemon = context;

    for (int i = 0; i < MANY; i++)
        turn_defer(daemon->turn,
                   &(struct fleet_event){.kind = FLEET_COMMAND,
                                         .server = action->server,
                                         .command = {.action = COMMAND_IDLE, .site = MODEL_NONE}});
}

static void count_done(void *context, const struct action *action)
{
    struct daemon *daemon = context;

    daemon->said += action->answer->outcome == OUTCOME_DONE;
}

/* One turn may find as much as there are servers. */
static void whatever_is_found_in_a_turn_comes_back(void **state)
{
    static const struct outlet_ops ops = {
        .act = {[ACTION_PACKET] = on_packet_of_many, [ACTION_ANSWER] = count_done}};
    struct daemon *daemon = *state;
    struct fleet_event wake = {.kind = FLEET_COMMAND,
                               .command = {.action = COMMAND_WAKE, .site = MODEL_NONE}};

    outlets_add(&daemon->outlets, &ops, daemon);
    fleet_start(daemon->current.fleet, clock_now());
    turn_feed(daemon->turn, &wake);
    assert_int_equal(daemon->said, MANY);
}

static void on_said(void *context, const struct news *news)
{
    note(context, news->said.topic == TOPIC_SERVER_RESULT ? 'r' : '?');
}

/* A bus without a broker, and answers that go there. */
struct desk {
    struct mqtt *mqtt;
    struct out_bus *bus;
    struct errands *errands;
    struct answers *answers;
};

static struct desk desk_open(struct daemon *daemon)
{
    static const struct mqtt_options options = {.broker = {.host = "192.0.2.2", .port = 1883},
                                                .client_id = "test",
                                                .will_topic = "hall/status",
                                                .will_payload = "offline",
                                                .birth_payload = "online"};
    static const struct mqtt_listener listener = {0};
    struct desk desk = {0};

    assert_int_equal(mqtt_create(daemon->loop, &options, &listener, NULL, &desk.mqtt), 0);
    assert_int_equal(out_bus_create(daemon->loop, &daemon->current, desk.mqtt, NULL,
                                    &daemon->outlets, &desk.bus),
                     0);
    assert_int_equal(errands_create(&desk.errands), 0);
    assert_int_equal(answers_create(&daemon->current, desk.mqtt, desk.bus, &daemon->outlets,
                                    desk.errands, &desk.answers),
                     0);
    outlets_add(&daemon->outlets, &answers_outlet, desk.answers);
    return desk;
}

static void desk_close(struct desk *desk)
{
    answers_destroy(desk->answers);
    errands_destroy(desk->errands);
    out_bus_destroy(desk->bus);
    mqtt_destroy(desk->mqtt, 0);
}

static const struct ledger_entry entry = {
    .used = true, .site = MODEL_NONE, .action = COMMAND_HOLD, .id = "1", .by = "a test"};

static void an_answer_waits_until_what_it_promises_is_on_the_disk(void **state)
{
    static const struct outlet_ops ops = {.hear = {[NEWS_SAID] = on_said}};
    struct daemon *daemon = *state;
    struct outlets *outlets = &daemon->outlets;

    outlets_add(outlets, &ops, daemon);
    struct desk desk = desk_open(daemon);

    outlets_act(outlets, &(struct action){.kind = ACTION_ANSWER, .answer = &entry});
    outlets_tell(outlets, &(struct news){.kind = NEWS_SAVED, .ticket = 5});
    outlets_tell(outlets, &(struct news){.kind = NEWS_SETTLED});
    outlets_tell(outlets, &(struct news){.kind = NEWS_STORED, .ticket = 4});
    assert_string_equal(daemon->told, "");
    outlets_tell(outlets, &(struct news){.kind = NEWS_STORED, .ticket = 5});
    assert_string_equal(daemon->told, "r");

    /* What is tied to no write leaves with the turn, but never before an older one. */
    outlets_act(outlets, &(struct action){.kind = ACTION_ANSWER, .answer = &entry});
    outlets_tell(outlets, &(struct news){.kind = NEWS_SAVED, .ticket = 6});
    outlets_act(outlets, &(struct action){.kind = ACTION_ANSWER, .answer = &entry});
    outlets_tell(outlets, &(struct news){.kind = NEWS_SETTLED});
    assert_string_equal(daemon->told, "r");
    outlets_tell(outlets, &(struct news){.kind = NEWS_STORED, .ticket = 6});
    assert_string_equal(daemon->told, "rrr");

    desk_close(&desk);
}

static void count_said(void *context, const struct news *news)
{
    struct daemon *daemon = context;

    (void)news;
    daemon->said++;
}

/* However many answers wait for it. */
static void no_answer_is_given_before_the_disk_has_it(void **state)
{
    enum { ANSWERS = 3000 };
    static const struct outlet_ops ops = {.hear = {[NEWS_SAID] = count_said}};
    struct daemon *daemon = *state;
    struct outlets *outlets = &daemon->outlets;

    outlets_add(outlets, &ops, daemon);
    struct desk desk = desk_open(daemon);
    for (uint64_t i = 1; i <= ANSWERS; i++) {
        outlets_act(outlets, &(struct action){.kind = ACTION_ANSWER, .answer = &entry});
        outlets_tell(outlets, &(struct news){.kind = NEWS_SAVED, .ticket = i});
        outlets_tell(outlets, &(struct news){.kind = NEWS_SETTLED});
        if (i % 3 == 0) /* the queue begins anywhere */
            outlets_tell(outlets, &(struct news){.kind = NEWS_STORED, .ticket = i / 3});
        assert_int_equal(daemon->said, i / 3);
    }
    outlets_tell(outlets, &(struct news){.kind = NEWS_STORED, .ticket = ANSWERS});
    assert_int_equal(daemon->said, ANSWERS);
    desk_close(&desk);
}

/* Messages to that topic which wait for the broker. */
static size_t sent_to(const struct mqtt *mqtt, const char *topic)
{
    size_t n = 0;

    for (const struct outbox_message *at = mqtt->sender.outbox.first; at; at = at->next)
        n += strcmp(outbox_topic(at), topic) == 0;
    return n;
}

/* Whoever waits for an answer is not forgotten for those who came later, and whoever said the same
 * command again hears it too. */
static void nobody_who_waits_is_forgotten(void **state)
{
    enum { WAITING = 1500, SAID_AGAIN = 5 };
    struct daemon *daemon = *state;
    struct desk desk = desk_open(daemon);
    uint64_t routes[WAITING];
    char topic[16];

    for (size_t i = 0; i < WAITING; i++) {
        const struct mqtt_message message = {.response_topic = topic};

        snprintf(topic, sizeof(topic), "me/%zu", i);
        routes[i] = answers_route(desk.answers, &message);
        assert_true(routes[i] > 0);
    }
    for (size_t i = 1; i <= SAID_AGAIN; i++)
        outlets_act(
            &daemon->outlets,
            &(struct action){.kind = ACTION_JOIN, .join = {.route = routes[i], .to = routes[0]}});
    for (size_t i = 0; i < WAITING; i += i == 0 ? 1 + SAID_AGAIN : 1)
        for (int end = 0; end <= 1; end++) {
            struct ledger_entry answer = entry;

            answer.route = routes[i];
            answer.outcome = end ? OUTCOME_DONE : OUTCOME_ACCEPTED;
            answers_give(desk.answers, &answer, 0);
        }
    for (size_t i = 0; i < WAITING; i++) {
        snprintf(topic, sizeof(topic), "me/%zu", i);
        assert_int_equal(sent_to(desk.mqtt, topic), 2);
    }
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_told_in_order_of_what_it_listens_to, begin, end),
        cmocka_unit_test_setup_teardown(a_packet_that_could_not_leave_comes_back_as_an_event, begin,
                                        end),
        cmocka_unit_test_setup_teardown(whatever_is_found_in_a_turn_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(no_answer_is_given_before_the_disk_has_it, begin, end),
        cmocka_unit_test_setup_teardown(nobody_who_waits_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_waits_until_what_it_promises_is_on_the_disk,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
