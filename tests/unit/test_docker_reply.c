/* An engine's answers as bytes, whole and cut at every place. The cases follow RFC 9112. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "bridges/agent/docker/docker_reply.h"
#include "unit.h"

struct outcome {
    int result; /* DOCKER_REPLY_MORE, DOCKER_REPLY_DONE, or an error */
    int status;
    int heads;
    size_t left; /* bytes behind the answer */
    struct buf body;
};

/* Feeds bytes in pieces of this size. */
static struct outcome read_pieces(struct docker_reply *reply, const char *bytes, size_t length,
                                  size_t size)
{
    struct outcome outcome = {.body = BUF_INIT(1024 * 1024)};
    for (size_t at = 0; at < length && outcome.result == DOCKER_REPLY_MORE; at += size) {
        struct docker_piece body, input = {bytes + at, length - at < size ? length - at : size};
        do {
            outcome.result = docker_reply_next(reply, &input, &body);
            outcome.heads += outcome.result == DOCKER_REPLY_HEAD;
            if (outcome.result == DOCKER_REPLY_BODY) {
                assert_int_not_equal(body.length, 0);
                buf_add(&outcome.body, body.bytes, body.length);
            }
        } while (outcome.result == DOCKER_REPLY_HEAD || outcome.result == DOCKER_REPLY_BODY);
        outcome.left = length - (size_t)(input.bytes - bytes);
    }
    outcome.status = reply->status;
    return outcome;
}

/* The same comes of it however it is cut. */
static struct outcome read_reply(struct docker_reply *reply, const char *text)
{
    const size_t length = strlen(text);
    memset(reply, 0, sizeof *reply);
    struct outcome whole = read_pieces(reply, text, length, length);
    for (size_t size = 1; size < length && size < 40; size++) {
        struct docker_reply *again = calloc(1, sizeof *again);
        struct outcome cut = read_pieces(again, text, length, size);
        assert_int_equal(cut.result, whole.result);
        assert_int_equal(cut.heads, whole.heads);
        assert_int_equal(again->phase, reply->phase);
        assert_string_equal(buf_text(&cut.body), buf_text(&whole.body));
        if (cut.result >= 0)
            assert_int_equal(cut.left, whole.left);
        buf_finish(&cut.body);
        free(again);
    }
    return whole;
}

struct reply_case {
    const char *text;
    int result;
    int end; /* what it comes to when the connection ends here */
    int status;
    const char *body;
};

static void check(const struct reply_case *cases, size_t n)
{
    struct docker_reply *reply = calloc(1, sizeof *reply);
    for (size_t i = 0; i < n; i++) {
        struct outcome got = read_reply(reply, cases[i].text);
        if (got.result != cases[i].result || docker_reply_end(reply) != cases[i].end)
            print_error("%s\n", cases[i].text);
        assert_int_equal(got.result, cases[i].result);
        assert_int_equal(docker_reply_end(reply), cases[i].end);
        assert_int_equal(got.status, cases[i].status);
        assert_string_equal(buf_text(&got.body), cases[i].body);
        assert_true(got.heads == 1 || (got.heads == 0 && cases[i].end < 0));
        buf_finish(&got.body);
    }
    free(reply);
}

#define HEAD    "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void test_the_length_of_a_body_is_known(void **state)
{
    static const struct reply_case cases[] = {
        {HEAD "Content-Length: 5\r\n\r\nhello", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {HEAD "content-length:5\r\n\r\nhello", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {HEAD "Content-Length: \t005 \t\r\n\r\nhello", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", DOCKER_REPLY_DONE, 0, 200,
         "hello"},
        {HEAD "Content-Length: 5\r\n\r\nhell", DOCKER_REPLY_MORE, -ECONNRESET, 200, "hell"},
        {HEAD "Content-Length: 5\r\n\r\nhello!", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {HEAD "Content-Length: 0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, ""},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", DOCKER_REPLY_DONE, 0, 200, "OK"},
        {"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", DOCKER_REPLY_DONE, 0, 404, "no"},
        {"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", DOCKER_REPLY_DONE, 0, 500, ""},
        {"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", DOCKER_REPLY_DONE, 0, 200, "OK"},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_some_answers_have_no_body(void **state)
{
    static const struct reply_case cases[] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", DOCKER_REPLY_DONE, 0, 204, ""},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", DOCKER_REPLY_DONE, 0, 204, ""},
        {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", DOCKER_REPLY_DONE, 0,
         304, ""},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_a_body_comes_in_chunks(void **state)
{
    static const struct reply_case cases[] = {
        {CHUNKED "5\r\nhello\r\n0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {CHUNKED "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, "hello"},
        {CHUNKED "0000a\r\n0123456789\r\n0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, "0123456789"},
        {CHUNKED "A;name=\"v\"\r\n0123456789\r\n0 ; x\r\n\r\n", DOCKER_REPLY_DONE, 0, 200,
         "0123456789"},
        {CHUNKED "1\nx\n0\n\n", DOCKER_REPLY_DONE, 0, 200, "x"},
        {CHUNKED "1\r\nx\r\n0\r\nTrailer: y\r\nOther: z\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, "x"},
        {CHUNKED "0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, ""},
        {CHUNKED "0\r\n\r\nHTTP/1.1", DOCKER_REPLY_DONE, 0, 200, ""},
        {CHUNKED, DOCKER_REPLY_MORE, -ECONNRESET, 200, ""},
        {CHUNKED "5\r\nhello\r\n", DOCKER_REPLY_MORE, -ECONNRESET, 200, "hello"},
        {CHUNKED "5\r\nhello\r\n0\r\n", DOCKER_REPLY_MORE, -ECONNRESET, 200, "hello"},
        {CHUNKED "zz\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "-5\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "+5\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "0x5\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED " 5\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED ";x\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "5 5\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {CHUNKED "1\r\nxy\r\n", -EBADMSG, -EBADMSG, 200, "x"},
        {CHUNKED "1\r\nx\ry\n", -EBADMSG, -EBADMSG, 200, "x"},
        {CHUNKED "fffffffffffffffff\r\n", -EMSGSIZE, -EMSGSIZE, 200, ""},
        {CHUNKED "0000000000000000000000001\r\nx\r\n0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, "x"},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_a_body_ends_with_its_connection(void **state)
{
    static const struct reply_case cases[] = {
        {HEAD "\r\nhello", DOCKER_REPLY_MORE, 0, 200, "hello"},
        {"HTTP/1.0 200 OK\r\n\r\nhello\r\n0\r\n\r\n", DOCKER_REPLY_MORE, 0, 200,
         "hello\r\n0\r\n\r\n"},
        {HEAD "\r\n", DOCKER_REPLY_MORE, 0, 200, ""},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_interim_answers_are_passed_over(void **state)
{
    static const struct reply_case cases[] = {
        {"HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 2\r\n\r\nOK", DOCKER_REPLY_DONE, 0,
         200, "OK"},
        {"HTTP/1.1 103 X\r\nContent-Length: 9\r\n\r\n" CHUNKED "1\r\nx\r\n0\r\n\r\n",
         DOCKER_REPLY_DONE, 0, 200, "x"},
        {"HTTP/1.1 103 X\r\n\r\n", DOCKER_REPLY_MORE, -ECONNRESET, 0, ""},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", -EBADMSG, -EBADMSG, 101, ""},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_what_is_no_http_is_told_at_its_first_bytes(void **state)
{
    static const struct reply_case cases[] = {
        {"", DOCKER_REPLY_MORE, -ECONNRESET, 0, ""},
        {"HTTP/1.1 200", DOCKER_REPLY_MORE, -ECONNRESET, 0, ""},
        {HEAD, DOCKER_REPLY_MORE, -ECONNRESET, 200, ""},
        {HEAD "Content-Length: 5\r\n", DOCKER_REPLY_MORE, -ECONNRESET, 200, ""},
        {"SSH-2.0-OpenSSH_9.2\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"[]", -EBADMSG, -EBADMSG, 0, ""},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"http/1.1 200 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/2 200\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.x 200 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1  200 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 20 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 2000 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 020 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 -20 OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 200OK\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1\r\n", -EBADMSG, -EBADMSG, 0, ""},
        {"HTTP/1.1 200 a\rb\r\n", -EBADMSG, -EBADMSG, 0, ""},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_fields_that_allow_two_readings_are_refused(void **state)
{
    static const char *const fields[] = {
        "no colon",
        ": nameless",
        "Content-Length : 5",
        " folded: x",
        "\tfolded: x",
        "a b: c",
        "Content-Length: ",
        "Content-Length: -5",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Content-Length: 5 5",
        "Content-Length: 0x5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding:",
        "X: a\rb",
    };
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, HEAD "%s\r\n\r\n", fields[i]);
        const struct reply_case refused = {text, -EBADMSG, -EBADMSG, 200, ""};
        check(&refused, 1);
    }
    static const struct reply_case cases[] = {
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", -EBADMSG, -EBADMSG, 200, ""},
        {HEAD "Content-Length: 99999999999999999999\r\n\r\n", -EMSGSIZE, -EMSGSIZE, 200, ""},
        {HEAD "X: \x80\xff a:b\r\nContent-Length: 0\r\n\r\n", DOCKER_REPLY_DONE, 0, 200, ""},
    };
    check(cases, ARRAY_SIZE(cases));
}

static void test_no_byte_of_a_head_is_nul(void **state)
{
    static const char text[] = HEAD "X: a\0b\r\n\r\n";
    struct docker_reply *reply = calloc(1, sizeof *reply);
    assert_int_equal(read_pieces(reply, text, sizeof text - 1, 3).result, -EBADMSG);
    free(reply);
}

/* Repeats text until there are so many bytes of it, in pieces of an odd size. */
static int read_endless(const char *begin, const char *text, size_t bytes)
{
    struct docker_reply *reply = calloc(1, sizeof *reply);
    struct buf all = BUF_INIT(4 * 1024 * 1024);
    buf_puts(&all, begin);
    while (all.length < bytes)
        buf_puts(&all, text);
    struct outcome got = read_pieces(reply, buf_text(&all), all.length, 997);
    buf_finish(&got.body);
    buf_finish(&all);
    free(reply);
    return got.result;
}

static void test_heads_and_lines_are_bounded(void **state)
{
    assert_int_equal(read_endless("HTTP/1.1 200 ", "x", DOCKER_REPLY_LINE_MAX - 1), 0);
    assert_int_equal(read_endless("HTTP/1.1 200 ", "x", DOCKER_REPLY_LINE_MAX + 1), -EMSGSIZE);
    assert_int_equal(read_endless(HEAD "X: ", "x", DOCKER_REPLY_HEADS_MAX), -EMSGSIZE);
    assert_int_equal(read_endless(HEAD, "X: y\r\n", DOCKER_REPLY_HEADS_MAX - 10), 0);
    assert_int_equal(read_endless(HEAD, "X: y\r\n", DOCKER_REPLY_HEADS_MAX + 10), -EMSGSIZE);
    assert_int_equal(read_endless("", "HTTP/1.1 100 C\r\n\r\n", DOCKER_REPLY_HEADS_MAX + 20),
                     -EMSGSIZE);
    assert_int_equal(read_endless(CHUNKED "0\r\n", "X: y\r\n", DOCKER_REPLY_HEADS_MAX + 10),
                     -EMSGSIZE);
    assert_int_equal(read_endless(CHUNKED "5;", "x", DOCKER_REPLY_LINE_MAX + 100), -EMSGSIZE);
    /* A stream of chunks has no end of its own. */
    assert_int_equal(read_endless(CHUNKED, "1;x\r\ny\r\n", 1024 * 1024), 0);
}

static void test_what_is_broken_stays_so(void **state)
{
    struct docker_reply *reply = calloc(1, sizeof *reply);
    struct docker_piece body, input = {"x", 1};
    assert_int_equal(docker_reply_next(reply, &input, &body), -EBADMSG);
    input = (struct docker_piece){HEAD, strlen(HEAD)};
    assert_int_equal(docker_reply_next(reply, &input, &body), -EBADMSG);
    assert_int_equal(docker_reply_end(reply), -EBADMSG);
    free(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_length_of_a_body_is_known),
        cmocka_unit_test(test_some_answers_have_no_body),
        cmocka_unit_test(test_a_body_comes_in_chunks),
        cmocka_unit_test(test_a_body_ends_with_its_connection),
        cmocka_unit_test(test_interim_answers_are_passed_over),
        cmocka_unit_test(test_what_is_no_http_is_told_at_its_first_bytes),
        cmocka_unit_test(test_fields_that_allow_two_readings_are_refused),
        cmocka_unit_test(test_no_byte_of_a_head_is_nul),
        cmocka_unit_test(test_heads_and_lines_are_bounded),
        cmocka_unit_test(test_what_is_broken_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
