/* What of the connections is use: tables as the kernel could give them, look after look. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "core/stream_internal.h"
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

static void pass_from(struct story *story, enum pass_kind kind, const char *who)
{
    const uint32_t visitor = streams_visitor(who);

    story->passes.n[kind]++;
    if (kind == PASS_MONITOR)
        return;
    story->passes.several |= story->passes.who != 0 && story->passes.who != visitor;
    story->passes.who = visitor;
    streams_came(story->streams, 0, SITE, who);
}

static void pass(struct story *story, enum pass_kind kind)
{
    pass_from(story, kind, "192.0.2.7");
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
    const bool found = streams_use(story->streams, 0, terms, ret_use);

    if (found)
        assert_int_equal(streams_site(story->streams, 0), SITE);
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
    assert_use(story, "download from 192.0.2.7, 12 MB in the last minute");
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

/* Looks that come at once, since other servers change their states, between a page's pass and its
 * bytes. */
static void test_a_page_whose_bytes_come_some_looks_after_its_pass(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    for (int i = 0; i < 5; i++) {
        look(story);
        story->now -= LOOK - 100;
    }
    exchange(story, line, 1000);
    look(story);
    assert_no_use(story);
    for (int i = 0; i < 5; i++) {
        come_in(story, line, 100000);
        look(story);
    }
    assert_use(story, "download from 192.0.2.7, 500 kB in the last minute");
}

/* Nothing was open to this upstream yet when its pass was read. */
static void test_the_first_page_of_all(void **state)
{
    struct story *story = *state;
    struct stream_use use;

    streams_destroy(story->streams);
    assert_int_equal(streams_create(&upstream, 1, &story->streams), 0);
    story->passes = (struct passes){.n = {[PASS_PERSON] = 1}, .who = streams_visitor("192.0.2.7")};
    look(story);
    exchange(story, open_line(story), 1000);
    look(story);
    assert_false(uses(story, &use));
}

/* Who opens a page meanwhile downloads nothing; of two who download none is named alone. */
static void test_whose_it_is(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story), page = open_line(story);

    pass_from(story, PASS_PERSON, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
    exchange(story, line, 1000);
    look(story);
    for (int i = 0; i < 30; i++) {
        come_in(story, line, 1000000);
        if (i % 3 == 2) {
            pass(story, PASS_PERSON);
            exchange(story, page, 3000);
        }
        look(story);
    }
    assert_use(story,
               "download from 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff, 12 MB in the last minute");
    pass(story, PASS_PERSON);
    send_out(story, page, 300);
    for (int i = 0; i < 30; i++) {
        come_in(story, line, 1000000);
        come_in(story, page, 1000000);
        look(story);
    }
    assert_use(story, "download from several visitors, 24 MB in the last minute");
}

/* More visitors came than are remembered. */
static void test_a_visitor_forgotten(void **state)
{
    struct story *story = begun(state);
    const size_t line = open_line(story);
    char who[16];

    pass(story, PASS_PERSON);
    exchange(story, line, 1000);
    look(story);
    for (int i = 0; i < 30; i++) {
        come_in(story, line, 1000000);
        snprintf(who, sizeof(who), "192.0.2.%d", 100 + i);
        streams_came(story->streams, 0, SITE, who);
        look(story);
    }
    assert_use(story, "download, 12 MB in the last minute");
}

/* A proxy pings its idle connections. */
static void test_pings(void **state)
{
    static const uint64_t sizes[] = {17, 34, 39, 78, 46, 92};
    struct story *story = begun(state);
    const size_t line = open_line(story);

    pass(story, PASS_PERSON);
    exchange(story, line, 3000);
    look(story);
    look(story);
    look(story);
    for (size_t i = 0; i < 60; i++) {
        send_out(story, line, sizes[i % ARRAY_SIZE(sizes)]);
        come_in(story, line, sizes[i % ARRAY_SIZE(sizes)]);
        look(story);
    }
    assert_no_use(story);
    send_out(story, line, 40);
    come_in(story, line, 50);
    look(story);
    assert_use(story, "download from 192.0.2.7, 90 bytes in the last minute");
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

    pass(story, PASS_PERSON);
    send_out(story, line, 300);
    story->now += 900;
    come_in(story, line, 20);
    look(story);
    assert_true(streams_use(story->streams, 0, terms, &use));
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
    assert_use(story, "download, 100 MB in the last minute");
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

    pass(story, PASS_WEBSOCKET);
    exchange(story, line, 200);
    for (int i = 0; i < 60; i++)
        look(story);
    assert_use(story, "websocket from 192.0.2.7, silent for 4 min");
    terms.silent = false;
    assert_false(streams_use(story->streams, 0, terms, &use));
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
    assert_use(story, "download, 1.3 kB in the last minute");
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
    assert_use(story, "download, 1.3 kB in the last minute");
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
    assert_int_equal(streams->n, 3);
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
        {0, 1, 5000, 5000, true},       {2000, 1, 5000, 4999, true},
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

        /* Of the second look nothing moves any more, and what moved in the first is a visitor's. */
        for (int n = 0; n < 2; n++) {
            streams_begin(story->streams, story->now);
            assert_int_equal(streams_see(story->streams, &seen), 0);
            streams_passed(story->streams, 0, &(struct passes){.n = {[PASS_PERSON] = 1}});
            streams_end(story->streams);
        }
        const bool found = streams_use(story->streams, 0, terms, &use);

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
        {0, "download, 2.0 MB in the last minute"},
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

        story->now += 10 * IDLE;
        streams_begin(story->streams, story->now);
        assert_int_equal(streams_see(story->streams, &seen), 0);
        streams_passed(story->streams, 0, &(struct passes){.n = {[PASS_PERSON] = 1}});
        streams_end(story->streams);
        assert_int_equal(streams_use(story->streams, 0, terms, &use), rows[i].waits);
    }
}

/* Two equal peers are one, wherever they stand among the others. */
static void test_equal_peers(void **state)
{
    static const struct {
        uint16_t ports[4];
        size_t n;
    } rows[] = {
        {{1, 2, 3, 4}, 4}, {{1, 1, 2, 3}, 3}, {{1, 2, 2, 3}, 3}, {{1, 2, 3, 3}, 3},
        {{3, 1, 3, 2}, 3}, {{1, 1, 2, 2}, 2}, {{2, 2, 1, 2}, 2}, {{1, 1, 1, 1}, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct stream_peer peers[4];
        struct streams *streams;

        for (size_t k = 0; k < 4; k++)
            peers[k] = (struct stream_peer){.address = upstream.address, .port = rows[i].ports[k]};
        assert_int_equal(streams_create(peers, 4, &streams), 0);
        assert_int_equal(streams->n, rows[i].n);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(streams_find(streams, peers[k]), rows[i].ports[k] - 1);
        streams_destroy(streams);
    }
}

/* A story for one row of a table. */
static struct story *anew(void **state)
{
    tear_down(state);
    assert_int_equal(set_up(state), 0);
    return *state;
}

/* A look at one connection, and what has passed since the look before. */
static void glance(struct story *story, struct socket_seen seen, struct passes passes)
{
    seen.peer = upstream;
    streams_begin(story->streams, story->now);
    assert_int_equal(streams_see(story->streams, &seen), 0);
    streams_passed(story->streams, 0, &passes);
    streams_end(story->streams);
}

/* Did bytes that count as use move since the look before? A person's short request may go on, but
 * does not count. */
static bool moved(const struct story *story)
{
    const struct stream_terms terms = {.idle = INT64_MAX / 2};
    struct stream_use use;

    return streams_use(story->streams, 0, terms, &use) &&
           use.until - WINDOW > story->streams->at - LOOK;
}

/* A request under way is use beside the visit, be it short: one that goes on since the look before,
 * one whose answer has taken longer than a second, one that has sent more than a head and waits. */
static void test_what_is_under_way(void **state)
{
    static const struct {
        bool known, waited;
        uint64_t in, out;
        uint32_t quiet_in, quiet_out;
        bool use;
    } rows[] = {
        {false, false, 500, 300, 0, 0, false},   {false, false, 500, 300, 0, 1000, false},
        {false, false, 500, 300, 0, 1001, true}, {false, false, 0, 16384, 9, 0, false},
        {false, false, 0, 16385, 9, 0, true},    {false, false, 1, 16385, 0, 0, false},
        {true, false, 500, 300, 0, 0, false},    {true, false, 500, 0, 0, 100, true},
        {true, false, 500, 1, 0, 0, false},      {true, false, 0, 300, 100, 0, false},
        {true, true, 0, 300, 100, 0, true},      {true, true, 500, 300, 0, 0, false},
        {true, true, 500, 0, 0, 100, true},      {true, false, 0, 16385, 9, 0, true},
        {true, false, 0, 16384, 9, 0, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        struct socket_seen seen = {.cookie = 9, .received = rows[i].waited ? 0 : 400, .sent = 200};
        const struct passes person = {.n = {[PASS_PERSON] = 1}};

        if (rows[i].known)
            glance(story, seen, person);
        else
            seen.received = seen.sent = 0;
        assert_false(moved(story));
        story->now += LOOK;
        seen.received += rows[i].in;
        seen.sent += rows[i].out;
        seen.quiet_in = rows[i].quiet_in;
        seen.quiet_out = rows[i].quiet_out;
        glance(story, seen, person);
        if (moved(story) != rows[i].use)
            fail_msg("row %zu", i);
    }
}

/* Whose request it is: where all that passed were monitors, one that takes its time is theirs, up
 * to a megabyte. */
static void test_whose_request(void **state)
{
    static const struct {
        struct passes passes;
        uint64_t bytes;
        bool use;
    } rows[] = {
        {{.n = {0}}, 1000, true},
        {{.n = {[PASS_PERSON] = 1}}, 1000, true},
        {{.n = {[PASS_WEBSOCKET] = 1}}, 1000, true},
        {{.n = {[PASS_PART] = 1}}, 1000, true},
        {{.n = {[PASS_MONITOR] = 1}}, 1000, false},
        {{.n = {[PASS_MONITOR] = 9}}, 1000, false},
        {{.n = {[PASS_MONITOR] = 1, [PASS_PERSON] = 1}}, 1000, true},
        {{.n = {[PASS_MONITOR] = 1, [PASS_WEBSOCKET] = 1}}, 1000, true},
        {{.n = {[PASS_MONITOR] = 1, [PASS_PART] = 1}}, 1000, true},
        {{.n = {[PASS_MONITOR] = 1}}, 1048576, false},
        {{.n = {[PASS_MONITOR] = 1}}, 1048577, true},
        {{.n = {[PASS_MONITOR] = 9}}, 1048577, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        const struct socket_seen seen = {
            .cookie = 9, .received = rows[i].bytes - 300, .sent = 300, .quiet_out = 2000};

        glance(story, seen, rows[i].passes);
        if (moved(story) != rows[i].use)
            fail_msg("row %zu", i);
    }
}

/* A websocket passed, and one connection may be it. Look after look: w: the websocket passes, and
 * it moves; .: nothing; p, P: a person passes, and with P it moves; m, M: so a monitor, and two of
 * them with 2; b: it moves, and nothing passes. One that has rested while nothing passed, and moves
 * with monitors alone, is none, until bytes that nothing else explains show that it is one. */
static void test_what_a_websocket_is(void **state)
{
    static const struct {
        const char *looks;
        uint64_t bytes; /* each time it moves */
        bool use;       /* what moves in the last look */
    } rows[] = {
        {"w", 100, true},         {"w.", 100, false},      {"w.M", 100, true},
        {"w..M", 100, false},     {"w..b", 100, true},     {"w..bM", 100, true},
        {"w..b..M", 100, false},  {"w..P", 100, true},     {"w..PM", 100, true},
        {"w..P.M", 100, false},   {"w..pM", 100, true},    {"w..p.M", 100, false},
        {"w..m.M", 100, false},   {"wMMMM", 100, true},    {"w..M..M", 100, false},
        {"w..M", 1048576, false}, {"w..M", 1048577, true}, {"w..2", 1048577, false},
        {"w..2", 2097152, false}, {"w..2", 2097153, true}, {"w..M..b", 100, true},
        {"w..M..bM", 100, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        struct socket_seen seen = {.cookie = 9};

        for (const char *look = rows[i].looks; *look; look++) {
            struct passes passes = {0};

            passes.n[PASS_WEBSOCKET] = *look == 'w';
            passes.n[PASS_PERSON] = *look == 'p' || *look == 'P';
            passes.n[PASS_MONITOR] = *look == '2' ? 2 : *look == 'm' || *look == 'M';
            story->now += LOOK;
            seen.quiet_in += LOOK;
            seen.quiet_out += LOOK;
            if (strchr("wPM2b", *look)) {
                seen.sent += 10;
                seen.received += rows[i].bytes - 10;
                seen.quiet_in = seen.quiet_out = 0;
            }
            glance(story, seen, passes);
        }
        if (moved(story) != rows[i].use)
            fail_msg("row %zu: %s", i, rows[i].looks);
    }
}

/* With an idle time of up to two minutes, an answer that is drawn out counts where a person asked.
 */
static void test_what_outlives_a_visit(void **state)
{
    static const struct {
        struct passes passes;
        int64_t idle;
        uint32_t took;
        bool use;
    } rows[] = {
        {{.n = {[PASS_PERSON] = 1}}, LOOK, 250, false},
        {{.n = {[PASS_PERSON] = 1}}, LOOK, 251, true},
        {{.n = {[PASS_PERSON] = 1, [PASS_MONITOR] = 1}}, LOOK, 251, true},
        {{.n = {[PASS_PART] = 1}}, LOOK, 251, false},
        {{.n = {[PASS_MONITOR] = 1}}, LOOK, 251, false},
        {{.n = {[PASS_PERSON] = 1}}, WINDOW, 251, true},
        {{.n = {[PASS_PERSON] = 1}}, WINDOW + 1, 251, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        const struct socket_seen seen = {
            .cookie = 9, .received = 100, .sent = 300, .quiet_out = rows[i].took};
        const struct stream_terms terms = {.idle = rows[i].idle};
        struct stream_use use;

        look(story);
        glance(story, seen, rows[i].passes);
        if (streams_use(story->streams, 0, terms, &use) != rows[i].use)
            fail_msg("row %zu", i);
        if (rows[i].use)
            assert_int_equal(use.what.parts[0].n[0], 400);
    }
}

/* A monitor's request that goes on is none of a person who comes later. */
static void test_a_monitor_beside_a_person(void **state)
{
    const struct stream_terms terms = {.idle = LOOK};
    struct story *story = begun(state);
    struct socket_seen seen = {.cookie = 9, .sent = 300, .quiet_in = LOOK};
    struct stream_use use;

    glance(story, seen, (struct passes){.n = {[PASS_MONITOR] = 1}});
    story->now += LOOK;
    seen = (struct socket_seen){.cookie = 9, .received = 900, .sent = 300, .quiet_out = LOOK};
    glance(story, seen, (struct passes){.n = {[PASS_PERSON] = 1}});
    assert_false(streams_use(story->streams, 0, terms, &use));
}

/* An upload sends more than comes in, and more than a head; its bytes are in the figure. */
static void test_what_an_upload_is(void **state)
{
    static const struct {
        uint64_t in, out;
        enum stream_kind kind;
    } rows[] = {
        {0, 16384, STREAM_DOWNLOAD},     {0, 16385, STREAM_UPLOAD},
        {16384, 16385, STREAM_UPLOAD},   {16385, 16385, STREAM_DOWNLOAD},
        {16386, 16385, STREAM_DOWNLOAD}, {20000, 300, STREAM_DOWNLOAD},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        struct stream_use use;

        look(story);
        glance(story,
               (struct socket_seen){.cookie = 9, .received = rows[i].in, .sent = rows[i].out},
               (struct passes){0});
        assert_true(uses(story, &use));
        if (use.what.parts[0].word != rows[i].kind)
            fail_msg("row %zu", i);
        assert_int_equal(use.what.parts[0].n[0], rows[i].in + rows[i].out);
    }
}

/* Another kind of use than at the look before has another name, once; but not what is silent. */
static void test_renamed(void **state)
{
    static const struct {
        uint64_t in, out;
        enum stream_kind kind;
        bool renamed;
    } rows[] = {
        {9000, 0, STREAM_DOWNLOAD, false}, {9000, 0, STREAM_DOWNLOAD, false},
        {0, 20000, STREAM_UPLOAD, true},   {0, 20000, STREAM_UPLOAD, false},
        {9000, 0, STREAM_DOWNLOAD, true},
    };
    struct story *story = begun(state);
    struct socket_seen seen = {.cookie = 9};
    struct stream_use use;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        story->now += LOOK;
        seen.received += rows[i].in;
        seen.sent += rows[i].out;
        glance(story, seen, (struct passes){0});
        assert_true(uses(story, &use));
        assert_int_equal(use.what.parts[0].word, rows[i].kind);
        assert_int_equal(use.renamed, rows[i].renamed);
    }
}

/* A short upload of a visitor changes no name of what waits beside it. */
static void test_what_is_silent_keeps_its_name(void **state)
{
    struct story *story = begun(state);
    const size_t waiting = open_line(story), short_one = open_line(story);
    struct stream_use use;

    pass(story, PASS_PERSON);
    send_out(story, waiting, 300);
    look(story);
    pass(story, PASS_PERSON);
    send_out(story, short_one, 20000);
    story->now += 300;
    come_in(story, short_one, 100);
    look(story);
    assert_true(uses(story, &use));
    assert_non_null(strstr(said(&use), "open request"));
    assert_false(use.renamed);
}

/* What moves is told for two minutes after its last byte; then what rests. */
static void test_when_it_is_told_as_silent(void **state)
{
    static const struct {
        int64_t age;
        const char *label;
    } rows[] = {
        {WINDOW - 1, "websocket, 0 bytes in the last minute"},
        {WINDOW, "websocket, silent for 2 min"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        struct socket_seen seen = {.cookie = 9, .received = 200, .sent = 300};
        const struct passes websocket = {.n = {[PASS_WEBSOCKET] = 1}};

        look(story);
        glance(story, seen, websocket);
        story->now += rows[i].age;
        seen.quiet_in = seen.quiet_out = (uint32_t)rows[i].age;
        glance(story, seen, (struct passes){0});
        assert_use(story, rows[i].label);
    }
}

/* The figure is of the last twelve stretches of five seconds. */
static void test_the_last_minute(void **state)
{
    static const struct {
        int64_t age;
        int64_t bytes;
    } rows[] = {{0, 1000}, {LOOK, 1000}, {11 * LOOK, 1000}, {12 * LOOK, 0}, {13 * LOOK, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);
        struct socket_seen seen = {.cookie = 9, .received = 700, .sent = 300};
        struct stream_use use;

        look(story);
        glance(story, seen, (struct passes){0});
        story->now += rows[i].age;
        seen.quiet_in = seen.quiet_out = (uint32_t)rows[i].age;
        if (rows[i].age > 0)
            glance(story, seen, (struct passes){0});
        assert_true(uses(story, &use));
        assert_int_equal(use.what.parts[0].n[0], rows[i].bytes);
    }
}

/* In the first minutes of the machine: that nothing has moved is not that it moved at its start. */
static void test_soon_after_the_start(void **state)
{
    struct story *story = *state;

    story->now = 500;
    for (int i = 0; i < 3; i++) {
        look(story);
        assert_no_use(story);
    }
}

/* Use that nobody passed the gate for is of no site that is known. */
static void test_nobody_came(void **state)
{
    const struct stream_terms terms = {.idle = IDLE};
    struct streams *streams;
    struct stream_use use;

    assert_int_equal(streams_create(&upstream, 1, &streams), 0);
    streams_begin(streams, 1000000);
    assert_int_equal(
        streams_see(streams, &(struct socket_seen){.cookie = 1, .peer = upstream, .received = 1}),
        0);
    streams_end(streams);
    assert_true(streams_use(streams, 0, terms, &use));
    assert_int_equal(streams_site(streams, 0), MODEL_NONE);
    assert_int_equal(use.site, MODEL_NONE);
    streams_destroy(streams);
}

/* Three connections could be the one websocket. Where one of another kind ends, they stay; where
 * one of them ends, the others are none: whatever number the kernel gave each. */
static void test_which_one_is_the_websocket(void **state)
{
    for (uint64_t first = 1; first < 300; first++) {
        struct story *story = anew(state);
        struct stream_use use;
        size_t lines[4];

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
            lines[i] = open_line(story);
            story->lines[lines[i]].seen.cookie = first + i;
        }
        exchange(story, lines[3], 100); /* one of the pool, from before */
        look(story);
        for (int i = 0; i < WINDOW / LOOK; i++)
            look(story);
        pass(story, PASS_WEBSOCKET);
        for (size_t i = 0; i < 3; i++)
            exchange(story, lines[i], 100);
        look(story);
        story->lines[lines[3]].open = false;
        for (int i = 0; i < WINDOW / LOOK; i++)
            look(story);
        assert_true(uses(story, &use));
        assert_string_equal(said(&use), "websocket from 192.0.2.7, silent for 2 min");
        story->lines[lines[first % 3]].open = false;
        look(story);
        assert_no_use(story);
    }
}

/* A websocket of one upstream ends: that of another goes on. */
static void test_websockets_of_two_upstreams(void **state)
{
    const struct stream_peer peers[] = {upstream, {.address = upstream.address, .port = 9090}};
    const struct stream_terms terms = {.idle = IDLE, .silent = true};
    struct streams *streams;
    struct stream_use use;

    assert_int_equal(streams_create(peers, 2, &streams), 0);
    for (int i = 0; i < 3; i++) {
        streams_begin(streams, 1000000 + (int64_t)i * LOOK);
        for (uint32_t k = 0; k < 2; k++) {
            const struct socket_seen seen = {.cookie = k + 1,
                                             .peer = peers[k],
                                             .received = 200,
                                             .sent = 300,
                                             .quiet_in = (uint32_t)(i * LOOK),
                                             .quiet_out = (uint32_t)(i * LOOK)};

            if (k == 1 || i == 0)
                assert_int_equal(streams_see(streams, &seen), 0);
            streams_passed(streams, (int)k, &(struct passes){.n = {[PASS_WEBSOCKET] = i == 0}});
        }
        streams_end(streams);
    }
    assert_true(streams_use(streams, 1, terms, &use));
    assert_int_equal(streams->places[1].peer->silent_websocket, true);
    streams_destroy(streams);
}

/* The table of connections is never fuller than three quarters, and none is lost while it grows. */
static void test_how_the_table_grows(void **state)
{
    static const struct {
        uint64_t connections;
        size_t size;
    } rows[] = {{1, 64}, {48, 64}, {49, 128}, {96, 128}, {97, 256}, {192, 256}, {193, 512}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (uint64_t first = 1; first < 64; first++) {
            struct story *story = anew(state);
            struct stream_use use;

            look(story);
            streams_begin(story->streams, story->now);
            for (uint64_t k = 0; k < rows[i].connections; k++)
                assert_int_equal(
                    streams_see(story->streams, &(struct socket_seen){.cookie = first + k,
                                                                      .peer = upstream,
                                                                      .received = 10}),
                    0);
            streams_end(story->streams);
            assert_int_equal(streams_open(story->streams), rows[i].connections);
            assert_int_equal(story->streams->now.size, rows[i].size);
            assert_true(uses(story, &use));
            assert_int_equal(use.what.parts[0].n[0], 10 * rows[i].connections);
        }
}

/* A table more than eight times too large is given back, the first size never. */
static void test_when_the_table_is_given_back(void **state)
{
    static const struct {
        size_t many, few, size; /* connections of two looks; of the table in the third */
    } rows[] = {{1, 0, 64}, {40, 0, 64}, {60, 14, 0}, {60, 15, 128}, {100, 30, 0}, {100, 31, 256}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct story *story = anew(state);

        for (size_t n = 0; n < rows[i].many; n++)
            open_line(story);
        look(story);
        for (size_t n = rows[i].few; n < rows[i].many; n++)
            story->lines[n].open = false;
        look(story);
        streams_begin(story->streams, story->now);
        assert_int_equal(story->streams->now.size, rows[i].size);
        assert_int_equal(streams_open(story->streams), 0);
        streams_end(story->streams);
    }
}

/* Numbers far apart, which fall on every second place of the table. */
static void test_cookies_that_fall_together(void **state)
{
    struct story *story = *state;

    for (uint64_t i = 1; i <= 48; i++)
        story->lines[open_line(story)].seen.cookie = i << 21;
    look(story);
    assert_int_equal(streams_open(story->streams), 48);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_download),
        TEST(test_a_page_whose_bytes_come_some_looks_after_its_pass),
        TEST(test_the_first_page_of_all),
        TEST(test_whose_it_is),
        TEST(test_a_visitor_forgotten),
        TEST(test_pings),
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
        TEST(test_equal_peers),
        TEST(test_what_is_under_way),
        TEST(test_whose_request),
        TEST(test_what_a_websocket_is),
        TEST(test_what_outlives_a_visit),
        TEST(test_a_monitor_beside_a_person),
        TEST(test_what_an_upload_is),
        TEST(test_renamed),
        TEST(test_what_is_silent_keeps_its_name),
        TEST(test_when_it_is_told_as_silent),
        TEST(test_the_last_minute),
        TEST(test_soon_after_the_start),
        TEST(test_nobody_came),
        TEST(test_which_one_is_the_websocket),
        TEST(test_websockets_of_two_upstreams),
        TEST(test_how_the_table_grows),
        TEST(test_when_the_table_is_given_back),
        TEST(test_cookies_that_fall_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
