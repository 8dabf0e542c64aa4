/* What a relay does with each request: relay.c between fakes of the broker and the wire. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../fakes/transcript.h"
#include "base/array.h"
#include "base/clock.h"
#include "bridges/companion/companion.h"
#include "bridges/relay/relay.h"
#include "bridges/relay/wol_raw.h"
#include "bridges/wol/wol.h"
#include "loop/daemon.h"
#include "unit.h"
#include "words/relay_words.h"

static struct relay *relay;
static struct config_relay config;
static const struct mqtt_listener *listener;
static void *context;
static int udp_error, raw_error, raw_fd, connect_error, publish_error;
static struct wol_target sent; /* its interface is NULL or the configuration's */

/* ---- the fakes: each is linked in place of what it is named after ---- */

int companion_connect(sd_event *loop, const struct document_head *head, const char *password,
                      const struct companion_topics *topics, const struct mqtt_listener *to,
                      void *its_context, struct mqtt **ret_mqtt)
{
    assert_non_null(loop);
    assert_ptr_equal(head, &config.head);
    transcribe("connect %s with %s, says %s, hears %s; ", topics->role, password, topics->state,
               topics->heard);
    listener = to;
    context = its_context;
    *ret_mqtt = NULL;
    return connect_error;
}

int mqtt_publish(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    (void)mqtt;
    transcribe("%s %.*s; ", topic, (int)length, payload);
    return publish_error;
}

void mqtt_destroy(struct mqtt *mqtt, int64_t limit_ms)
{
    (void)mqtt;
    transcribe("goodbye within %d; ", (int)limit_ms);
}

int daemon_create(sd_event **ret_loop)
{
    return sd_event_new(ret_loop);
}

int daemon_run(sd_event *loop, void (*awake)(void *of), void *of)
{
    assert_non_null(loop);
    transcribe("run; ");
    return -EIO;
}

int daemon_trim(sd_event *loop, int64_t after_ms, sd_event_source **source)
{
    (void)loop;
    (void)source;
    transcribe("trim after %d; ", (int)after_ms);
    return 0;
}

int wol_send(const struct wol_target *target)
{
    sent = *target;
    transcribe("datagram; ");
    return udp_error;
}

int wol_raw_open(void)
{
    return raw_fd;
}

int wol_raw_send(int fd, const struct wol_target *target)
{
    assert_int_equal(fd, raw_fd);
    assert_memory_equal(target->mac, sent.mac, 6);
    transcribe("frame; ");
    return raw_error;
}

/* ---- helpers ---- */

static int begin(bool raw)
{
    config.raw = raw;
    raw_fd = raw ? open("/dev/null", O_RDWR | O_CLOEXEC) : -EBADF;
    return relay_create(&config, "secret", &relay);
}

static int prepare(void **state)
{
    config = (struct config_relay){
        .head = {.file = "F", .id = "attic", .mqtt = {.base_topic = "hall"}}, .rate = 3};
    udp_error = raw_error = connect_error = publish_error = 0;
    sent = (struct wol_target){.port = 0};
    relay = NULL;
    transcript[0] = '\0';
    return 0;
}

static int finish(void **state)
{
    relay_destroy(relay);
    return 0;
}

static void hear(const char *topic, const char *payload, bool retained)
{
    const struct mqtt_message message = {
        .topic = topic, .payload = payload, .length = strlen(payload), .retained = retained};
    listener->message(context, &message);
}

/* A request for 02:00:00:00:00:01 that expires so many ms from now; more: further members. */
static void request(const char *id, const char *more, int64_t expires_in, bool retained)
{
    char payload[400], expires[RFC3339_SIZE];
    rfc3339_format(clock_now().wall + expires_in, expires);
    snprintf(payload, sizeof payload,
             "{\"id\":\"%s\",\"mac\":\"02:00:00:00:00:01\"%s,\"expires\":\"%s\"}", id, more,
             expires);
    hear("hall/relays/attic/send", payload, retained);
}

#define RESULT(id, outcome, reason)                                                                \
    "hall/relays/attic/result {\"id\":\"" id "\",\"outcome\":\"" outcome "\",\"reason\":" reason   \
    "}; "

static void forget_beginning(bool raw)
{
    assert_int_equal(begin(raw), 0);
    transcript[0] = '\0';
}

/* ---- life ---- */

static void test_it_begins_and_ends(void **state)
{
    assert_int_equal(begin(false), 0);
    assert_transcript("trim after 3000; connect relay with secret, says hall/relays/attic/state, "
                      "hears hall/relays/attic/send; ");
    listener->connected(context, true, "connected");
    assert_transcript("trim after 3000; ");
    listener->connected(context, false, "gone");
    assert_transcript("");
    assert_int_equal(relay_run(relay), -EIO);
    assert_transcript("run; ");
    relay_destroy(relay);
    relay = NULL;
    assert_transcript("goodbye within 1000; ");
    relay_destroy(NULL);
    assert_transcript("");
}

static void test_what_it_cannot_begin_with(void **state)
{
    connect_error = -EINVAL;
    assert_int_equal(begin(false), -EINVAL);
    assert_null(relay);
    config.raw = true;
    raw_fd = -EPERM;
    connect_error = 0;
    transcript[0] = '\0';
    assert_int_equal(relay_create(&config, "secret", &relay), -EPERM);
    assert_null(relay);
    assert_transcript("goodbye within 1000; ");
}

/* ---- requests ---- */

static void test_a_packet_is_sent(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    forget_beginning(false);
    request("a", "", 10000, false);
    assert_transcript("datagram; " RESULT("a", "done", "null"));
    assert_memory_equal(sent.mac, mac, 6);
    assert_int_equal(sent.broadcast.s_addr, htonl(INADDR_BROADCAST));
    assert_int_equal(sent.port, 9);
    assert_int_equal(sent.secureon_length, 0);
    assert_null(sent.interface);
}

static void test_as_it_is_requested(void **state)
{
    static const uint8_t secret[6] = {1, 2, 3, 4, 5, 6};
    config.interface = "eth0";
    forget_beginning(true);
    request("a", ",\"broadcast\":\"192.168.7.255\",\"port\":7,\"secureon\":\"01:02:03:04:05:06\"",
            10000, false);
    assert_transcript("datagram; frame; " RESULT("a", "done", "null"));
    assert_int_equal(sent.broadcast.s_addr, inet_addr("192.168.7.255"));
    assert_int_equal(sent.port, 7);
    assert_int_equal(sent.secureon_length, 6);
    assert_memory_equal(sent.secureon, secret, 6);
    assert_string_equal(sent.interface, "eth0");
    relay_destroy(relay);
    relay = NULL;
    assert_int_equal(fcntl(raw_fd, F_GETFD), -1); /* closed */
}

/* One of datagram and frame is enough; the other's failure is told. */
static void test_what_could_not_be_sent(void **state)
{
    static const struct {
        bool raw;
        int udp, frame;
        const char *transcript;
    } rows[] = {
        {false, 0, 0, "datagram; " RESULT("a", "done", "null")},
        {false, -ENETDOWN, 0,
         "datagram; " RESULT("a", "failed",
                             "\"the packet could not be sent on eth0: Network is down\"")},
        {true, 0, 0, "datagram; frame; " RESULT("a", "done", "null")},
        {true, -ENETDOWN, 0,
         "datagram; frame; " RESULT("a", "done",
                                    "\"the datagram could not be sent on eth0: Network is down\"")},
        {true, 0, -ENODEV,
         "datagram; frame; " RESULT("a", "done",
                                    "\"the frame could not be sent on eth0: No such device\"")},
        {true, -ENETDOWN, -ENODEV,
         "datagram; frame; " RESULT("a", "failed",
                                    "\"the packet could not be sent on eth0: Network is down\"")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(prepare(state), 0);
        config.interface = "eth0";
        forget_beginning(rows[i].raw);
        udp_error = rows[i].udp;
        raw_error = rows[i].frame;
        request("a", "", 10000, false);
        assert_transcript(rows[i].transcript);
        finish(state);
        relay = NULL;
    }
    assert_int_equal(prepare(state), 0);
    forget_beginning(false); /* without an interface none is named */
    udp_error = -ENETDOWN;
    request("a", "", 10000, false);
    assert_transcript(
        "datagram; " RESULT("a", "failed", "\"the packet could not be sent: Network is down\""));
}

/* What is not obeyed sends nothing, and is answered with the id that could be read. */
static void test_what_is_refused(void **state)
{
    forget_beginning(false);
    request("a", "", 10000, true);
    assert_transcript(RESULT("a", "refused",
                             "\"it is retained: a packet is asked for once, or it would be "
                             "repeated at each start\""));
    request("b", "", -1000, false);
    assert_null(strstr(transcript, "datagram"));
    assert_non_null(strstr(transcript, "{\"id\":\"b\",\"outcome\":\"refused\",\"reason\":\"it "
                                       "expired at "));
    transcript[0] = '\0';
    request("c", ",\"port\":0", 10000, false);
    assert_null(strstr(transcript, "datagram"));
    assert_non_null(strstr(transcript, "{\"id\":\"c\",\"outcome\":\"refused\""));
    transcript[0] = '\0';
    hear("hall/relays/attic/send", "wake", false);
    assert_non_null(strstr(transcript, "hall/relays/attic/result {\"id\":"));
    assert_non_null(strstr(transcript, "\"outcome\":\"refused\""));
}

static void test_once_each_and_no_more_than_the_rate(void **state)
{
    forget_beginning(false);
    request("a", "", 60000, false);
    request("a", "", 60000, false);
    assert_transcript("datagram; " RESULT("a", "done", "null")
                          RESULT("a", "refused", "\"a request with this id was handled before\""));
    request("b", "", 60000, false);
    request("c", "", 60000, false);
    transcript[0] = '\0';
    request("d", "", 60000, false);
    assert_transcript(RESULT("d", "refused", "\"more than 3 packets a second\""));
}

static void test_what_is_no_request(void **state)
{
    forget_beginning(false);
    hear("hall/relays/attic/send", "", true); /* a retained one was cleared */
    hear("hall/relays/attic/state", "online", false);
    assert_transcript("");
}

static void test_a_result_that_cannot_be_published(void **state)
{
    forget_beginning(false);
    publish_error = -ENOMEM;
    request("a", "", 10000, false);
    assert_transcript("datagram; " RESULT("a", "done", "null"));
}

#define RELAY(test) cmocka_unit_test_setup_teardown(test, prepare, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELAY(test_it_begins_and_ends),
        RELAY(test_what_it_cannot_begin_with),
        RELAY(test_a_packet_is_sent),
        RELAY(test_as_it_is_requested),
        RELAY(test_what_could_not_be_sent),
        RELAY(test_what_is_refused),
        RELAY(test_once_each_and_no_more_than_the_rate),
        RELAY(test_what_is_no_request),
        RELAY(test_a_result_that_cannot_be_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
