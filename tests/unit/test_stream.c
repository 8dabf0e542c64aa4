/* What of the connections is use: tables as the kernel could give them, look after look. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "core/stream.h"
#include "say/say.h"
#include "unit.h"

enum { LOOK = 5000, IDLE = 20 * 60000, WINDOW = 120000, SITE = 7, MANY = 10000 };

/* One upstream, and connections that the story moves on. */
struct story {
    struct streams *streams;
    int64_t now;
    struct passes passes;
    size_t n;
    struct line {
        struct socket_seen seen;
        int64_t last_in, last_out;
        bool open;
    } lines[MANY];
};

static const struct stream_peer upstream = {.address = {0x0a010203}, .port = 8080};

static int set_up(void **state)
{
    struct story *story = calloc(1, sizeof(*story));

    assert_non_null(story);
    assert_int_equal(streams_create(&upstream, 1, &story->streams), 0);
    story->now = 1000000;
    streams_came(story->streams, 0, SITE, "192.0.2.7");
    *state = story;
    return 0;
}

static int tear_down(void **state)
{
    struct story *story = *state;

    streams_destroy(story->streams);
    free(story);
    return 0;
}

static size_t open_line(struct story *story)
{
    struct line *line = &story->lines[story->n++];

    line->open = true;
    line->seen = (struct socket_seen){.cookie = story->n, .peer = upstream};
    return story->n - 1;
}

static void send_out(struct story *story, size_t line, uint64_t bytes)
{
    story->lines[line].seen.sent += bytes;
    story->lines[line].last_out = story->now;
}

static void come_in(struct story *story, size_t line, uint64_t bytes)
{
    story->lines[line].seen.received += bytes;
    story->lines[line].last_in = story->now;
}

/* A request and its answer, at once. */
static void exchange(struct story *story, size_t line, uint64_t bytes)
{
    send_out(story, line, 300);
    come_in(story, line, bytes);
}

static void pass(struct story *story, enum pass_kind kind)
{
    story->passes.n[kind]++;
}

static void look(struct story *story)
{
    story->now += 100;
    streams_begin(story->streams, story->now);
    for (size_t i = 0; i < story->n; i++) {
        struct line *line = &story->lines[i];

        line->seen.quiet_in = (uint32_t)(story->now - line->last_in);
        line->seen.quiet_out = (uint32_t)(story->now - line->last_out);
        if (line->open)
            assert_int_equal(streams_see(story->streams, &line->seen), 0);
    }
    streams_passed(story->streams, 0, &story->passes);
    streams_end(story->streams);
    story->passes = (struct passes){0};
    story->now += LOOK - 100;
}

static bool uses(const struct story *story, struct stream_use *ret_use)
{
    const struct stream_terms terms = {.idle = IDLE, .silent = true};
    int site = MODEL_NONE;
    const bool found = streams_use(story->streams, 0, terms, &site, ret_use);

    if (found)
        assert_int_equal(site, SITE);
    return found;
}

static const char *said(const struct stream_use *use)
{
    static char text[256];

    return say_fact_text(&use->what, NULL, (struct say_how){0}, text, sizeof(text));
}

static void assert_use(const struct story *story, const char *label)
{
    struct stream_use use = {0};

    assert_true(uses(story, &use));
    assert_string_equal(said(&use), label);
}

static void assert_no_use(const struct story *story)
{
    struct stream_use use;

    assert_false(uses(story, &use));
}

/* The first look only learns what there is. */
static struct story *begun(void **state)
{
    struct story *story = *state;

    look(story);
    return story;
}

static void test_download(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);
    struct stream_use use;

    pass(story, PASS_PERSON);
    exchange(story, line, 1000);
    look(story);
    for (int i = 0; i < 30; i++) {
        come_in(story, line, 1000000);
        look(story);
    }
    assert_use(story, "download from 192.0.2.7, 12 MB in the last minute");
    streams_came(story->streams, 0, SITE, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
    assert_use(story,
               "download from 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff, 12 MB in the last minute");
    assert_true(uses(story, &use));
    assert_int_equal(use.until, story->now - LOOK + WINDOW);
    story->lines[line].open = false;
    look(story);
    assert_true(uses(story, &use));
    for (int i = 0; i < WINDOW / LOOK; i++)
        look(story);
    assert_no_use(story);
}

static void test_upload(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    send_out(story, line, 1000);
    look(story);
    for (int i = 0; i < 30; i++) {
        send_out(story, line, 30000);
        pass(story, PASS_MONITOR); /* another one's visits do not hide it */
        look(story);
    }
    assert_use(story, "upload from 192.0.2.7, 360 kB in the last minute");
}

/* A request and an answer are the visit's, and the pool's connection is nothing. */
static void test_idle_pool(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    exchange(story, line, 50000);
    look(story);
    assert_no_use(story);
    for (int i = 0; i < 10; i++)
        look(story);
    assert_no_use(story);
}

/* With an idle time of seconds the answer's bytes may outlive the visit. */
static void test_short_idle(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);
    const struct stream_terms terms = {.idle = LOOK, .silent = true};
    struct stream_use use;
    int site;

    pass(story, PASS_PERSON);
    send_out(story, line, 300);
    story->now += 900;
    come_in(story, line, 20);
    look(story);
    assert_true(streams_use(story->streams, 0, terms, &site, &use));
    assert_no_use(story);
}

/* Over a connection kept open, over new ones, HEAD or GET: a monitor keeps nobody awake. */
static void test_monitors(void **state)
{
    struct story *story = begun(state);
    const size_t kept = open_line(story);

    for (int i = 0; i < 50; i++) {
        pass(story, PASS_MONITOR);
        if (i % 2)
            exchange(story, kept, 40000);
        else
            exchange(story, open_line(story), 40000);
        look(story);
        assert_no_use(story);
    }
}

/* Its answer comes seconds later, on the other side of a look. */
static void test_slow_monitor(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    for (int i = 0; i < 20; i++) {
        pass(story, PASS_MONITOR);
        send_out(story, line, 300);
        look(story);
        assert_no_use(story);
        come_in(story, line, 5000);
        look(story);
        assert_no_use(story);
    }
}

static void test_monitor_in_bulk(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_MONITOR);
    exchange(story, line, 100000000);
    look(story);
    assert_use(story, "download from 192.0.2.7, 100 MB in the last minute");
}

/* A short part of a page is no use; a film is. */
static void test_parts(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PART);
    exchange(story, line, 3000);
    look(story);
    assert_no_use(story);
    pass(story, PASS_PART);
    exchange(story, line, 3000);
    look(story);
    come_in(story, line, 80000);
    look(story);
    assert_use(story, "download from 192.0.2.7, 80 kB in the last minute");
}

static void test_websocket(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story), monitored = open_line(story);

    pass(story, PASS_WEBSOCKET);
    exchange(story, line, 200);
    look(story);
    for (int i = 0; i < 100; i++) {
        pass(story, PASS_MONITOR);
        exchange(story, monitored, 1000);
        exchange(story, line, 10);
        look(story);
    }
    struct stream_use use;
    assert_true(uses(story, &use));
    assert_non_null(strstr(said(&use), "websocket from 192.0.2.7, "));
    /* It ends, the monitor goes on. */
    story->lines[line].open = false;
    for (int i = 0; i < WINDOW / LOOK + 1; i++) {
        pass(story, PASS_MONITOR);
        exchange(story, monitored, 1000);
        look(story);
    }
    assert_no_use(story);
}

static void test_silent_websocket(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);
    struct stream_terms terms = {.idle = IDLE, .silent = true};
    struct stream_use use;
    int site;

    pass(story, PASS_WEBSOCKET);
    exchange(story, line, 200);
    for (int i = 0; i < 60; i++)
        look(story);
    assert_use(story, "websocket from 192.0.2.7, silent for 4 min");
    terms.silent = false;
    assert_false(streams_use(story->streams, 0, terms, &site, &use));
    for (int i = 0; i < IDLE / LOOK; i++)
        look(story);
    assert_no_use(story);
}

/* Refused by the site, its connection goes back to the pool, where a monitor uses it. */
static void test_refused_websocket(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_WEBSOCKET);
    exchange(story, line, 200);
    for (int i = 0; i < IDLE / LOOK + 10; i++) {
        if (i % 6 == 5) {
            pass(story, PASS_MONITOR);
            exchange(story, line, 2000);
        }
        look(story);
    }
    struct stream_use use;
    if (uses(story, &use))
        assert_non_null(strstr(said(&use), "silent")); /* for an idle time after its last byte */
}

static void test_long_poll(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    send_out(story, line, 300);
    for (int i = 0; i < 12; i++)
        look(story);
    assert_use(story, "open request from 192.0.2.7, silent for 55 s");
    come_in(story, line, 100);
    look(story);
    assert_use(story, "download from 192.0.2.7, 100 bytes in the last minute");
}

/* Bytes that nothing at the gate explains: what cannot be known is a veto. */
static void test_unexplained(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    for (int i = 0; i < 3; i++)
        look(story);
    exchange(story, line, 1000);
    look(story);
    assert_use(story, "download from 192.0.2.7, 1.3 kB in the last minute");
}

/* Hall has just started: what is open is judged by its last byte. */
static void test_first_look(void **state)
{
    struct story *story = *state;
    const size_t old = open_line(story), new = open_line(story);

    exchange(story, old, 1000000000);
    story->now += 2 * WINDOW;
    look(story);
    assert_no_use(story);
    (void)new;
    exchange(story, old, 1000);
    look(story);
    assert_use(story, "download from 192.0.2.7, 1.3 kB in the last minute");
}

/* A look that was cut short is as if it had not been. */
static void test_undo(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    exchange(story, line, 500000);
    look(story);
    streams_begin(story->streams, story->now);
    streams_undo(story->streams);
    look(story);
    look(story);
    assert_no_use(story);
    assert_int_equal(streams_open(story->streams), 1);
}

static void test_ten_thousand(void **state)
{
    struct story *story = begun(state);

    while (story->n < MANY)
        exchange(story, open_line(story), 10);
    for (uint32_t i = 0; i < MANY; i++)
        pass(story, PASS_MONITOR);
    look(story);
    assert_int_equal(streams_open(story->streams), MANY);
    assert_no_use(story);
    come_in(story, 4711, 10);
    look(story);
    assert_no_use(story); /* a monitor's answer */
    for (size_t i = 0; i < MANY; i++)
        story->lines[i].open = false;
    for (int i = 0; i < 4; i++)
        look(story);
    assert_int_equal(streams_open(story->streams), 0);
}

static void test_strange_sockets(void **state)
{
    struct story *story = begun(state);
    const struct socket_seen strange[] = {
        {.cookie = 0, .peer = upstream, .received = 1},
        {.cookie = 1, .peer = {.address = upstream.address, .port = 8081}, .received = 1},
        {.cookie = 2,
         .peer = upstream,
         .received = UINT64_MAX,
         .sent = UINT64_MAX,
         .quiet_in = UINT32_MAX,
         .quiet_out = UINT32_MAX},
        {.cookie = UINT64_MAX, .peer = upstream},
    };

    streams_begin(story->streams, story->now);
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
        assert_int_equal(streams_see(story->streams, &strange[i]), 0);
    streams_end(story->streams);
    assert_int_equal(streams_open(story->streams), 2);
    assert_no_use(story);
}

static void test_peers(void **state)
{
    const struct stream_peer peers[] = {{.address = {htonl(0x0a000002)}, .port = 80},
                                        {.address = {htonl(0x0a000001)}, .port = 443},
                                        {.address = {htonl(0x0a000002)}, .port = 80},
                                        {.address = {htonl(0x0a000001)}, .port = 80}};
    struct streams *streams;

    assert_int_equal(streams_create(peers, 4, &streams), 0);
    assert_int_equal(streams_find(streams, peers[3]), 0);
    assert_int_equal(streams_find(streams, peers[1]), 1);
    assert_int_equal(streams_find(streams, peers[0]), 2);
    assert_int_equal(streams_find(streams, upstream), MODEL_NONE);
    streams_destroy(streams);
    assert_int_equal(streams_create(NULL, 0, &streams), 0);
    assert_int_equal(streams_find(streams, upstream), MODEL_NONE);
    streams_destroy(streams);
    streams_destroy(NULL);
}

/* Up to a megabyte for each request that has passed, question and answer together, is no use beside
 * the visit. */
static void test_how_much_is_short(void **state)
{
    static const struct {
        enum pass_kind kind;
        unsigned requests;
        uint64_t in, out;
        bool use;
    } rows[] = {
        {PASS_PERSON, 1, 1048576 - 300, 300, false},  {PASS_PERSON, 1, 1048577 - 300, 300, true},
        {PASS_PERSON, 2, 2097152 - 300, 300, false},  {PASS_PERSON, 2, 2097153 - 300, 300, true},
        {PASS_PART, 1, 1048576 - 300, 300, false},    {PASS_PART, 3, 3145729 - 300, 300, true},
        {PASS_MONITOR, 1, 1048576 - 300, 300, false}, {PASS_MONITOR, 1, 1048577 - 300, 300, true},
        {PASS_PERSON, 1, 300, 1048576 - 300, false},  {PASS_PERSON, 1, 300, 1048577 - 300, true},
    };
    struct stream_use use;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        struct story *story = begun(state);
        const size_t line = open_line(story);

        for (unsigned n = 0; n < rows[i].requests; n++)
            pass(story, rows[i].kind);
        send_out(story, line, rows[i].out);
        come_in(story, line, rows[i].in);
        look(story);
        if (uses(story, &use) != rows[i].use)
            fail_msg("row %zu", i);
    }
}

/* It waits from the request until the answer, be it the first on this connection or a later one;
 * quiet: ms since the last byte each way. */
static void test_what_waits(void **state)
{
    static const struct {
        uint64_t received, sent;
        uint32_t quiet_in, quiet_out;
        bool waits;
    } rows[] = {
        {0, 0, 5000, 5000, false},      {0, 300, 5000, 5000, true},
        {0, 300, 5000, 4000, true},     {0, 300, 4000, 5000, true},
        {2000, 300, 5000, 4999, true},  {2000, 300, 5000, 5000, false},
        {2000, 300, 4999, 5000, false}, {2000, 0, 5000, 4000, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        struct story *story = *state;
        const struct socket_seen seen = {.cookie = 9,
                                         .peer = upstream,
                                         .received = rows[i].received,
                                         .sent = rows[i].sent,
                                         .quiet_in = rows[i].quiet_in,
                                         .quiet_out = rows[i].quiet_out};
        const struct stream_terms terms = {.idle = IDLE, .silent = true};
        struct stream_use use = {0};
        int site;

        /* Of the second look nothing moves any more, and what moved in the first is a visitor's. */
        for (int n = 0; n < 2; n++) {
            streams_begin(story->streams, story->now);
            assert_int_equal(streams_see(story->streams, &seen), 0);
            streams_passed(story->streams, 0, &(struct passes){.n = {[PASS_PERSON] = 1}});
            streams_end(story->streams);
        }
        const bool found = streams_use(story->streams, 0, terms, &site, &use);

        if (found != rows[i].waits || (found && !strstr(said(&use), "open request")))
            fail_msg("row %zu: %s", i, found ? said(&use) : "no use");
    }
}

/* A request on a connection that has answered others is under way as well. */
static void test_long_poll_on_a_kept_connection(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    exchange(story, line, 2000);
    look(story);
    assert_no_use(story);
    pass(story, PASS_PERSON);
    send_out(story, line, 300);
    for (int i = 0; i < 12; i++)
        look(story);
    assert_use(story, "open request from 192.0.2.7, silent for 55 s");
}

/* A websocket begins with a byte that is sent: what only comes in is none, be it seen first when
 * one passes. */
static void test_what_a_websocket_begins_with(void **state)
{
    static const struct {
        uint64_t out;
        const char *label;
    } rows[] = {
        {0, "download from 192.0.2.7, 2.0 MB in the last minute"},
        {1, "websocket from 192.0.2.7, 2.0 MB in the last minute"},
        {2, "websocket from 192.0.2.7, 2.0 MB in the last minute"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        struct story *story = begun(state);
        const size_t line = open_line(story);

        pass(story, PASS_WEBSOCKET);
        send_out(story, line, rows[i].out);
        come_in(story, line, 2000000);
        look(story);
        assert_use(story, rows[i].label);
    }
}

/* A request is merely under way for a second after its last byte; then it is one that waits, for an
 * idle time. */
static void test_when_silence_begins(void **state)
{
    static const struct {
        uint32_t quiet;
        bool waits;
    } rows[] = {{0, false}, {999, false}, {1000, true}, {IDLE - 1, true}, {IDLE, false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        struct story *story = *state;
        const struct stream_terms terms = {.idle = IDLE, .silent = true};
        const struct socket_seen seen = {.cookie = 9,
                                         .peer = upstream,
                                         .sent = 300,
                                         .quiet_in = UINT32_MAX,
                                         .quiet_out = rows[i].quiet};
        struct stream_use use;
        int site;

        story->now += 10 * IDLE;
        streams_begin(story->streams, story->now);
        assert_int_equal(streams_see(story->streams, &seen), 0);
        streams_passed(story->streams, 0, &(struct passes){.n = {[PASS_PERSON] = 1}});
        streams_end(story->streams);
        assert_int_equal(streams_use(story->streams, 0, terms, &site, &use), rows[i].waits);
    }
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_download),
        TEST(test_upload),
        TEST(test_idle_pool),
        TEST(test_short_idle),
        TEST(test_monitors),
        TEST(test_slow_monitor),
        TEST(test_monitor_in_bulk),
        TEST(test_parts),
        TEST(test_websocket),
        TEST(test_silent_websocket),
        TEST(test_refused_websocket),
        TEST(test_long_poll),
        TEST(test_unexplained),
        TEST(test_first_look),
        TEST(test_undo),
        TEST(test_ten_thousand),
        TEST(test_strange_sockets),
        TEST(test_peers),
        TEST(test_how_much_is_short),
        TEST(test_what_waits),
        TEST(test_long_poll_on_a_kept_connection),
        TEST(test_what_a_websocket_begins_with),
        TEST(test_when_silence_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
