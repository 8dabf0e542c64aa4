#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/gate/request.h"

static const struct cidr trusted_ranges[] = {CIDR_V4(0x7f000001, 32), CIDR_V4(0x0a000000, 8)};
static const struct cidr front_ranges[] = {CIDR_V4(0xcb007100, 24)};
static const struct proxies proxies = {2, trusted_ranges, 1, front_ranges};

static struct address ip(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, &address), 0);
    return address;
}

/* Header lines end with a NULL name. */
static enum request_fault read_from(const char *peer, enum request_via via, const char *target,
                                    const char *query, const struct header *headers,
                                    struct request *request)
{
    struct raw_request raw = {
        .method = "GET", .target = target, .query = query, .peer = ip(peer), .headers = headers};
    while (headers[raw.n_headers].name != NULL)
        raw.n_headers++;
    return request_read(&raw, &proxies, via, request);
}

#define HEADERS(...) ((const struct header[]){__VA_ARGS__, {NULL, NULL}})

static void forwarded_headers_of_a_trusted_proxy_count(void **state)
{
    struct request request;
    assert_int_equal(
        read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", "ignored=1",
                  HEADERS({"host", "hall:8880"}, {"X-Forwarded-Host", "Testing.Example:443"},
                          {"X-Forwarded-Uri", "/client1/a?b=c"}, {"X-Forwarded-Method", "POST"},
                          {"X-Forwarded-For", "192.0.2.7"}),
                  &request),
        REQUEST_FINE);
    assert_string_equal(request.host, "testing.example");
    assert_string_equal(request.path, "/client1/a");
    assert_string_equal(request.method, "POST");
    assert_string_equal(request.who, "192.0.2.7");
    assert_int_equal(request.query.length, 3);
    assert_memory_equal(request.query.at, "b=c", 3);
    assert_true(request.trusted && request.forwarded);
}

static void forged_headers_of_others_do_not(void **state)
{
    struct request request;
    assert_int_equal(
        read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/own", NULL,
                  HEADERS({"Host", "a.example"}, {"X-Forwarded-Host", "b.example"},
                          {"X-Forwarded-Uri", "/other"}, {"X-Forwarded-Method", "HEAD"},
                          {"X-Forwarded-For", "127.0.0.1"}),
                  &request),
        REQUEST_FINE);
    assert_string_equal(request.host, "a.example");
    assert_string_equal(request.path, "/own");
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.who, "192.0.2.1");
    assert_false(request.trusted || request.forwarded);
}

static void only_a_trusted_proxy_may_ask(void **state)
{
    struct request request;
    assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-Host", "a.example"}), &request),
                     REQUEST_NOT_TRUSTED);
    assert_int_equal(request_fault_status(REQUEST_NOT_TRUSTED), 403);
    assert_string_equal(request.who, "192.0.2.1");
}

static void what_steers_may_come_once(void **state)
{
    static const char *const names[] = {"Host",
                                        "X-Forwarded-Host",
                                        "X-Forwarded-Uri",
                                        "X-Forwarded-Method",
                                        "X-Forwarded-Proto",
                                        "X-Forwarded-For",
                                        "Content-Length",
                                        "Transfer-Encoding"};
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({names[i], "1"}, {"X-Other", "x"}, {names[i], "1"}),
                                   &request),
                         REQUEST_DOUBLED);
    }
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                               HEADERS({"Accept", "a"}, {"ACCEPT", "b"}), &request),
                     REQUEST_FINE);
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                               HEADERS({"Content-Length", "3"}, {"Transfer-Encoding", "chunked"}),
                               &request),
                     REQUEST_BODY_UNCLEAR);
}

static void lengths_are_numbers(void **state)
{
    static const char *const good[] = {"0", "17", "17 ", "999999999999999999"};
    static const char *const bad[] = {"", "-1", "+1", "0, 5", "0x1", "1 1", "9999999999999999999"};
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({"Content-Length", good[i]}), &request),
                         REQUEST_FINE);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({"Content-Length", bad[i]}), &request),
                         REQUEST_BAD_LENGTH);
}

static void too_many_headers_could_hide_one(void **state)
{
    struct header headers[202];
    struct request request;
    for (size_t i = 0; i < 201; i++)
        headers[i] = (struct header){"X-Some", "x"};
    headers[201].name = NULL;
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, headers, &request),
                     REQUEST_TOO_MANY_HEADERS);
    headers[200].name = NULL;
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, headers, &request),
                     REQUEST_FINE);
}

static void the_visitor_is_the_rightmost_that_is_no_proxy(void **state)
{
    static const struct {
        const char *list, *who;
    } cases[] = {
        {"6.6.6.6, 192.0.2.7", "192.0.2.7"},
        {"6.6.6.6, 192.0.2.7 , 10.1.2.3", "192.0.2.7"},
        {"10.0.0.9,10.1.2.3", "10.0.0.9"},
        {"192.0.2.7:5555", "192.0.2.7"},
        {"nonsense, 192.0.2.7", "192.0.2.7"},
        {"2001:DB8::1", "2001:db8::1"},
        {"[2001:db8::1]:99", "2001:db8::1"},
        {"::ffff:192.0.2.9", "192.0.2.9"},
        {"192.0.2.7, ::1", "192.0.2.7"},
        {"192.0.2.7, , ", "192.0.2.7"},
        {" ", "127.0.0.1"},
        {"192.0.2.7,,10.1.2.3", "192.0.2.7"},
    };
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-For", cases[i].list}), &request),
                         REQUEST_FINE);
        assert_string_equal(request.who, cases[i].who);
    }
    static const char *const broken[] = {"unknown",      "192.0.2.7, x", "1.2.3.4.5",
                                         "[2001:db8::1", "a:b:c",        "1.2.3"};
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-For", broken[i]}), &request),
                         REQUEST_BAD_FORWARDED_FOR);
}

static void hosts(void **state)
{
    static const char *const good[] = {"a",      "A.example", "a_b.example.", "192.0.2.1",
                                       "a:8080", "a: ",       "a-b.example "};
    static const char *const bad[] = {".a",    "a..b",     "a b",       "a/b", "a@b",   "[::1]",
                                      "a:80x", "a:123456", "é.example", "a,b", "a\x01", "a:80:80"};
    char label[300];
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({"Host", good[i]}), &request),
                         REQUEST_FINE);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({"Host", bad[i]}), &request),
                         REQUEST_BAD_HOST);
    memset(label, 'a', sizeof label);
    label[253] = '\0';
    assert_int_equal(
        read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, HEADERS({"Host", label}), &request),
        REQUEST_FINE);
    label[253] = 'a';
    label[254] = '\0';
    assert_int_equal(
        read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, HEADERS({"Host", label}), &request),
        REQUEST_BAD_HOST);
}

static void paths_match_as_the_site_sees_them(void **state)
{
    static const struct {
        const char *target, *path;
    } cases[] = {
        {"/", "/"},
        {"/client1", "/client1"},
        {"/x/../client1", "/client1"},
        {"/%63lient1", "/client1"},
        {"//client1///a", "/client1/a"},
        {"/client1/%2e%2e/client2", "/client2"},
        {"/client1%2f..%2fclient2", "/client2"},
        {"/../../client1", "/client1"},
        {"/a/./b/.", "/a/b/"},
        {"/a/b/..", "/a/"},
        {"/a/b/../", "/a/"},
        {"/a/..b/...", "/a/..b/..."},
        {"/%252e%252e/a", "/%2e%2e/a"},
        {"/\xc3\xa9", "/\xc3\xa9"},
    };
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-Uri", cases[i].target}), &request),
                         REQUEST_FINE);
        assert_string_equal(request.path, cases[i].path);
    }
}

static void broken_paths_are_refused(void **state)
{
    static const char *const bad[] = {"",   "a",      "*",    "ftp://a/", "/%",   "/%4",   "/a#b",
                                      "/#", "/a?b#c", "/%zz", "/%00",     "/a b", "/\x7f", "/a?\n"};
    char target[REQUEST_URI_MAX + 2];
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-Uri", bad[i]}), &request),
                         REQUEST_BAD_URI);
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[REQUEST_URI_MAX + 1] = '\0';
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-Uri", target}), &request),
                     REQUEST_TOO_LONG);
    target[REQUEST_URI_MAX] = '\0';
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-Uri", target}), &request),
                     REQUEST_FINE);
}

static void methods_are_words(void **state)
{
    struct request request;
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-Method", "GET\tx"}), &request),
                     REQUEST_BAD_METHOD);
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-Method", ""}), &request),
                     REQUEST_BAD_METHOD);
}

static void references_stay_here(void **state)
{
    static const struct {
        const char *target, *reference;
    } cases[] = {
        {"/a?b=c&d=%20", "/a?b=c&d=%20"},
        {"//evil.example/x", "/evil.example/x"},
        {"/\\evil.example", "/evil.example"},
        {"///\\/evil", "/evil"},
        {"/\xc3\xa9?\"<>'", "/%C3%A9?%22%3C%3E'"},
        {"/a?", "/a?"},
        {"/a%23b", "/a%23b"},
        {"/a/%2E./b%3F%25?c/../d", "/b%3F%25?c/../d"},
        {"/..a/.../%2e", "/..a/.../%2e"},
        {"/a/..", "/"},
    };
    char reference[256];
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(request_retarget(&request, cases[i].target, strlen(cases[i].target)),
                         REQUEST_FINE);
        assert_int_equal(request_reference(&request, reference, sizeof reference),
                         strlen(cases[i].reference));
        assert_string_equal(reference, cases[i].reference);
    }
    assert_int_equal(request_retarget(&request, "/abcdefgh", 9), REQUEST_FINE);
    request_reference(&request, reference, 10);
    assert_string_equal(reference, "/");
}

/* The nearest proxy's word counts: what stands before it is the visitor's. */
static void lists_of_hosts_and_absolute_targets(void **state)
{
    static const struct {
        const char *host, *uri;
        enum request_fault fault;
        const char *read, *path;
    } cases[] = {
        {"a.example", "http://A.example:81/x?y", REQUEST_FINE, "a.example", "/x"},
        {"a.example:443", "HTTPS://a.example", REQUEST_FINE, "a.example", "/"},
        {"b.example, a.example", "/x", REQUEST_FINE, "a.example", "/x"},
        {"b.example,\ta.example:8443 ", "/x", REQUEST_FINE, "a.example", "/x"},
        {"b.example,", "/x", REQUEST_FINE, "", "/x"},
        {"a.example", "http://b.example/x", REQUEST_TWO_HOSTS, "a.example", ""},
        {"a.example", "http://a.example@b.example/x", REQUEST_BAD_HOST, "a.example", ""},
        {"a.example", "http:///x", REQUEST_BAD_HOST, "a.example", ""},
        {"a.example", "http://a.example/x#y", REQUEST_BAD_URI, "a.example", ""},
        {"a.example", "http://a.example?x", REQUEST_BAD_URI, "a.example", ""},
    };
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-Host", cases[i].host},
                                           {"X-Forwarded-Uri", cases[i].uri}),
                                   &request),
                         cases[i].fault);
        assert_string_equal(request.host, cases[i].read);
        if (cases[i].fault == REQUEST_FINE)
            assert_string_equal(request.path, cases[i].path);
    }
}

static void parameters(void **state)
{
    const char *text = "path=%2Fa%3Fb%3D1&version=7&pathology=x&empty=&bad=%4";
    struct span query = {text, strlen(text)};
    char value[16];
    assert_int_equal(uri_parameter(query, "path", value, sizeof value), 6);
    assert_string_equal(value, "/a?b=1");
    assert_int_equal(uri_parameter(query, "version", value, sizeof value), 1);
    assert_int_equal(uri_parameter(query, "empty", value, sizeof value), 0);
    assert_int_equal(uri_parameter(query, "bad", value, sizeof value), -EBADMSG);
    assert_int_equal(uri_parameter(query, "none", value, sizeof value), -ENOENT);
    assert_int_equal(uri_parameter(query, "path", value, 6), -EBADMSG);
    assert_int_equal(uri_parameter((struct span){NULL, 0}, "path", value, sizeof value), -ENOENT);
}

static bool same_origin(const struct header *headers)
{
    struct request request;
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, headers, &request),
                     REQUEST_FINE);
    return request_is_same_origin(&request);
}

static void presses_of_other_origins_are_told(void **state)
{
    assert_true(same_origin(HEADERS({"Host", "a.example"})));
    assert_true(same_origin(
        HEADERS({"Host", "a.example"}, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Sec-Fetch-Site", "cross-site"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Sec-Fetch-Site", "same-site"})));
    assert_true(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "https://a.example"})));
    assert_true(same_origin(HEADERS({"Host", "a.example:81"}, {"Origin", "http://a.example:81"})));
    assert_false(same_origin(HEADERS({"Host", "a.example:81"}, {"Origin", "http://a.example:82"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "https://b.example"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "null"})));
    assert_true(same_origin(HEADERS({"Host", "hall:8880"}, {"X-Forwarded-Host", "a.example"},
                                    {"Origin", "https://a.example"})));
}

/* Traefik's errors middleware knows the visitor by X-Real-Ip alone. */
static void an_error_page_is_asked_for_without_forwarded_for(void **state)
{
    const struct header *headers = HEADERS({"Host", "a.example"}, {"X-Forwarded-Host", "a.example"},
                                           {"X-Real-Ip", "192.0.2.9"});
    const struct header *both = HEADERS({"Host", "a.example"}, {"X-Forwarded-For", "192.0.2.7"},
                                        {"X-Real-Ip", "192.0.2.9"});
    struct request request;
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_ERRORS, "/", NULL, headers, &request), 0);
    assert_string_equal(request.who, "192.0.2.9");
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, headers, &request), 0);
    assert_string_equal(request.who, "127.0.0.1");
    assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_ERRORS, "/", NULL, headers, &request), 0);
    assert_string_equal(request.who, "192.0.2.1");
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_ERRORS, "/", NULL, both, &request), 0);
    assert_string_equal(request.who, "192.0.2.7");
}

static enum request_fault retarget_url(const char *url, struct request *request)
{
    read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, HEADERS({"Host", "a.example"}), request);
    return request_retarget_url(request, url, strlen(url));
}

static void a_url_may_name_the_host_asked_for(void **state)
{
    static const char *const same[] = {"/x/y?z", "http://a.example/x/y?z",
                                       "HTTPS://A.Example:8443/x/y?z"};
    static const char *const refused[] = {"http://b.example/x",
                                          "http://a.example.evil/x",
                                          "http://a.example@b/x",
                                          "http:///x",
                                          "http://a.example?x",
                                          "ftp://a.example/x",
                                          "http://a.example:999999/",
                                          "x",
                                          "",
                                          "http://a.example#/x"};
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        assert_int_equal(retarget_url(same[i], &request), REQUEST_FINE);
        assert_string_equal(request.path, "/x/y");
        assert_int_equal(request.query.length, 1);
    }
    assert_int_equal(retarget_url("http://a.example", &request), REQUEST_FINE);
    assert_string_equal(request.path, "/");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_int_not_equal(retarget_url(refused[i], &request), REQUEST_FINE);
}

/* Every header line that Hall reads: its name, whether it may come once only, and whether an empty
 * one counts as none. */
static void each_header_line(void **state)
{
    static const struct {
        enum field field;
        const char *name;
        bool once, empty_is_none;
    } rows[] = {
        {FIELD_HOST, "Host", true, false},
        {FIELD_FORWARDED_HOST, "X-Forwarded-Host", true, false},
        {FIELD_FORWARDED_URI, "X-Forwarded-Uri", true, false},
        {FIELD_FORWARDED_METHOD, "X-Forwarded-Method", true, false},
        {FIELD_FORWARDED_PROTO, "X-Forwarded-Proto", true, false},
        {FIELD_FORWARDED_FOR, "X-Forwarded-For", true, false},
        {FIELD_HALL_SITE, "X-Hall-Site", true, false},
        {FIELD_REAL_IP, "X-Real-Ip", false, false},
        {FIELD_CONTENT_LENGTH, "Content-Length", true, false},
        {FIELD_TRANSFER_ENCODING, "Transfer-Encoding", true, false},
        {FIELD_ACCEPT, "Accept", false, true},
        {FIELD_ACCEPT_LANGUAGE, "Accept-Language", false, true},
        {FIELD_USER_AGENT, "User-Agent", false, true},
        {FIELD_ORIGIN, "Origin", true, true},
        {FIELD_REFERER, "Referer", false, true},
        {FIELD_FETCH_MODE, "Sec-Fetch-Mode", false, true},
        {FIELD_FETCH_DEST, "Sec-Fetch-Dest", false, true},
        {FIELD_FETCH_SITE, "Sec-Fetch-Site", true, true},
        {FIELD_SEC_PURPOSE, "Sec-Purpose", false, true},
        {FIELD_PURPOSE, "Purpose", false, true},
        {FIELD_X_MOZ, "X-Moz", false, true},
        {FIELD_WEBSOCKET_KEY, "Sec-WebSocket-Key", false, true},
        {FIELD_SERVICE_WORKER, "Service-Worker", false, true},
    };
    struct request request;
    assert_int_equal(ARRAY_SIZE(rows), FIELDS);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(request_field_name(rows[i].field), rows[i].name);
        /* From a peer that is not trusted, so that no value is read further. */
        assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({rows[i].name, " \t1"}), &request),
                         REQUEST_FINE);
        for (size_t j = 0; j < FIELDS; j++)
            assert_int_equal(request.fields[j] != NULL, j == rows[i].field);
        assert_string_equal(request.fields[rows[i].field], "1");
        assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({rows[i].name, "1"}, {rows[i].name, "2"}), &request),
                         rows[i].once ? REQUEST_DOUBLED : REQUEST_FINE);
        assert_string_equal(request.fields[rows[i].field], "1"); /* the first counts */
        assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/", NULL,
                                   HEADERS({rows[i].name, " "}, {rows[i].name, "2"}), &request),
                         rows[i].once && !rows[i].empty_is_none ? REQUEST_DOUBLED : REQUEST_FINE);
        assert_string_equal(request.fields[rows[i].field], rows[i].empty_is_none ? "2" : "");
    }
}

static void each_fault_has_its_status_and_fact(void **state)
{
    static const struct {
        enum request_fault fault;
        int status;
        enum fact_code code;
        int64_t most;
    } rows[] = {
        {REQUEST_DOUBLED, 400, FACT_REQUEST_DOUBLED, 0},
        {REQUEST_BODY_UNCLEAR, 400, FACT_REQUEST_BODY, 0},
        {REQUEST_BAD_LENGTH, 400, FACT_REQUEST_LENGTH, 0},
        {REQUEST_TOO_LONG, 414, FACT_REQUEST_TOO_LONG, 8192},
        {REQUEST_TOO_MANY_HEADERS, 431, FACT_REQUEST_HEADERS, 200},
        {REQUEST_BAD_LINE, 400, FACT_REQUEST_LINE, 0},
        {REQUEST_BAD_HOST, 400, FACT_REQUEST_HOST, 0},
        {REQUEST_BAD_URI, 400, FACT_REQUEST_PATH, 0},
        {REQUEST_DOUBTFUL, 400, FACT_REQUEST_DOUBTFUL, 0},
        {REQUEST_TWO_HOSTS, 400, FACT_REQUEST_TWO_HOSTS, 0},
        {REQUEST_BAD_METHOD, 400, FACT_REQUEST_BAD_METHOD, 0},
        {REQUEST_BAD_FORWARDED_FOR, 400, FACT_REQUEST_FORWARDED_FOR, 0},
        {REQUEST_NOT_TRUSTED, 403, FACT_REQUEST_UNTRUSTED, 0},
    };
    assert_int_equal(ARRAY_SIZE(rows), REQUEST_NOT_TRUSTED);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct fact why = request_fault_fact(rows[i].fault);
        assert_int_equal(request_fault_status(rows[i].fault), rows[i].status);
        assert_int_equal(why.parts[0].code, rows[i].code);
        assert_int_equal(why.parts[0].n[0], rows[i].most);
    }
}

static enum request_fault read_method(const char *method)
{
    struct request request;
    return read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                     HEADERS({"X-Forwarded-Method", method}), &request);
}

static void which_methods(void **state)
{
    assert_int_equal(read_method("M"), REQUEST_FINE);
    assert_int_equal(read_method("VERSION-CONTROL!#$%&'*+.^_`|~0aZ"), REQUEST_FINE); /* 32 */
    assert_int_equal(read_method("VERSION-CONTROL!#$%&'*+.^_`|~0aZz"), REQUEST_BAD_METHOD);
    assert_int_equal(read_method("GET "), REQUEST_BAD_METHOD);
    assert_true(request_is_repeatable("GET"));
    assert_true(request_is_repeatable("HEAD"));
    assert_true(request_is_repeatable("OPTIONS"));
    assert_false(request_is_repeatable("POST"));
    assert_false(request_is_repeatable("get"));
}

/* The longest of each that is read, and the first that is not. */
static void bounds(void **state)
{
    static char text[REQUEST_URI_MAX + 200];
    struct request request;
    memset(text, ' ', sizeof text);
    memcpy(text, "192.0.2.7", 9);
    text[2048] = '\0';
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-For", text}), &request),
                     REQUEST_FINE);
    assert_string_equal(request.who, "192.0.2.7");
    text[2048] = ' ';
    text[2049] = '\0';
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-For", text}), &request),
                     REQUEST_BAD_FORWARDED_FOR);
    /* Path, question mark and query of the request line together. */
    memset(text, 'q', sizeof text);
    text[REQUEST_URI_MAX - 3] = '\0';
    assert_int_equal(
        read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/a", text, HEADERS({"Host", "a"}), &request),
        REQUEST_FINE);
    assert_int_equal(request.query.length, REQUEST_URI_MAX - 3);
    assert_int_equal(
        read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/ab", text, HEADERS({"Host", "a"}), &request),
        REQUEST_TOO_LONG);
    assert_int_equal(
        read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/a", "b#c", HEADERS({"Host", "a"}), &request),
        REQUEST_BAD_URI);
    assert_int_equal(
        read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/%", "b", HEADERS({"Host", "a"}), &request),
        REQUEST_BAD_URI);
    assert_int_equal(read_from("192.0.2.1", REQUEST_VIA_DIRECT, "/a", NULL,
                               HEADERS({"Host", "a:65535"}), &request),
                     REQUEST_FINE);
    assert_null(request.query.at);
    /* A reference is made where there is room for it however it is written. */
    char reference[256];
    assert_int_equal(request_retarget(&request, "/abc?de", 7), REQUEST_FINE);
    assert_int_equal(request_reference(&request, reference, 3 * (4 + 2) + 3), 7);
    assert_string_equal(reference, "/abc?de");
    assert_int_equal(request_reference(&request, reference, 3 * (4 + 2) + 2), 1);
    assert_string_equal(reference, "/");
}

/* What could not be read is not left from the request before. */
static void nothing_is_left_from_before(void **state)
{
    struct request request;
    read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
              HEADERS({"X-Forwarded-Host", "a.example"}, {"X-Forwarded-Uri", "/a"}), &request);
    assert_string_equal(request.path, "/a");
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                               HEADERS({"X-Forwarded-For", "x"}), &request),
                     REQUEST_BAD_FORWARDED_FOR);
    assert_string_equal(request.host, "");
    assert_string_equal(request.path, "");
    assert_null(request.target.at);
    struct raw_request raw = {
        .method = "GET", .target = "/", .peer = ip("192.0.2.9"), .broken = true};
    assert_int_equal(request_read(&raw, &proxies, REQUEST_VIA_DIRECT, &request), REQUEST_BAD_LINE);
    assert_string_equal(request.who, "192.0.2.9");
    assert_null(request.fields[FIELD_FORWARDED_FOR]);
}

static void who_an_address_is(void **state)
{
    static const struct {
        const char *list, *who;
    } cases[] = {
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::1", "127.0.0.1"},
        {"::ffff:192.0.2.9", "192.0.2.9"},
        {"[::ffff:192.0.2.9]:443", "192.0.2.9"},
        {"::ffff:c000:209", "192.0.2.9"},
        {"192.0.2.9", "192.0.2.9"},
        {"\t192.0.2.9\t", "192.0.2.9"},
        {"192.0.2.9 \t ,\t 10.0.0.1 \t", "192.0.2.9"},
        {"2001:db8::9, ::ffff:10.0.0.1", "2001:db8::9"},
        {"2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666"},
        {"[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
         "2001:db8:1111:2222:3333:4444:5555:6666"},
        {"198.51.100.1, 192.0.2.9, 203.0.113.5", "192.0.2.9"},
        {"198.51.100.1, 192.0.2.9, 203.0.113.5, 10.0.0.1, 203.0.113.6", "192.0.2.9"},
        {"203.0.113.5", "203.0.113.5"},
        {"fe80::1%eth0", "fe80::1"},
        {"[fe80::1%25eth0]:443", "fe80::1"},
    };
    static const char *const broken[] = {"[]",
                                         "[]:1",
                                         ":1",
                                         "::",
                                         "%eth0",
                                         "[%eth0]",
                                         "2001:db8::1/64",
                                         "2001:db8:1111:2222:3333:4444:255.255.255.2555",
                                         "[2001:db8:1111:2222:3333:4444:255.255.255.25555]"};
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-For", cases[i].list}), &request),
                         REQUEST_FINE);
        assert_string_equal(request.who, cases[i].who);
    }
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_AUTH, "/auth", NULL,
                                   HEADERS({"X-Forwarded-For", broken[i]}), &request),
                         REQUEST_BAD_FORWARDED_FOR);
}

/* What is like an origin, and the ports where one is hidden. */
static void odd_origins(void **state)
{
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "http:/xa.example"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "https:/xa.example"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "ftp://a.example"})));
    assert_false(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "http://a.example/x"})));
    assert_true(same_origin(HEADERS({"Host", "a.example"}, {"Origin", "http://a.example:81"})));
    assert_true(same_origin(HEADERS({"Host", "a.example:81"}, {"Origin", "http://a.example"})));
    assert_false(same_origin(HEADERS({"Host", "a.example:81"}, {"Origin", "http://b.example:81"})));
}

/* A host in a URL may be as long as any, with its port. */
/* To the dashboard a proxy leads requests as they are. */
static void a_led_request_keeps_its_path_and_method(void **state)
{
    struct request request;
    const struct header *claims = HEADERS(
        {"Host", "hall.lan"}, {"X-Forwarded-For", "192.168.1.7"}, {"X-Forwarded-Host", "hall.lan"},
        {"X-Forwarded-Uri", "http://other.example/secret?a"}, {"X-Forwarded-Method", "PO ST"});
    assert_int_equal(read_from("127.0.0.1", REQUEST_VIA_LED, "/plain", "b=1", claims, &request),
                     REQUEST_FINE);
    assert_string_equal(request.path, "/plain");
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.who, "192.168.1.7");
    assert_string_equal(request.host, "hall.lan");
}

static void long_hosts_in_urls(void **state)
{
    char host[260], url[400];
    struct request request;
    memset(host, 'a', 253);
    host[253] = '\0';
    snprintf(url, sizeof url, "http://%s:65535/x", host);
    read_from("127.0.0.1", REQUEST_VIA_DIRECT, "/", NULL, HEADERS({"Host", host}), &request);
    assert_int_equal(request_retarget_url(&request, url, strlen(url)), REQUEST_FINE);
    snprintf(url, sizeof url, "http://%s:655355/x", host);
    assert_int_equal(request_retarget_url(&request, url, strlen(url)), REQUEST_BAD_HOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwarded_headers_of_a_trusted_proxy_count),
        cmocka_unit_test(forged_headers_of_others_do_not),
        cmocka_unit_test(only_a_trusted_proxy_may_ask),
        cmocka_unit_test(what_steers_may_come_once),
        cmocka_unit_test(lengths_are_numbers),
        cmocka_unit_test(too_many_headers_could_hide_one),
        cmocka_unit_test(the_visitor_is_the_rightmost_that_is_no_proxy),
        cmocka_unit_test(hosts),
        cmocka_unit_test(paths_match_as_the_site_sees_them),
        cmocka_unit_test(broken_paths_are_refused),
        cmocka_unit_test(methods_are_words),
        cmocka_unit_test(references_stay_here),
        cmocka_unit_test(lists_of_hosts_and_absolute_targets),
        cmocka_unit_test(parameters),
        cmocka_unit_test(presses_of_other_origins_are_told),
        cmocka_unit_test(an_error_page_is_asked_for_without_forwarded_for),
        cmocka_unit_test(a_url_may_name_the_host_asked_for),
        cmocka_unit_test(each_header_line),
        cmocka_unit_test(each_fault_has_its_status_and_fact),
        cmocka_unit_test(which_methods),
        cmocka_unit_test(bounds),
        cmocka_unit_test(nothing_is_left_from_before),
        cmocka_unit_test(who_an_address_is),
        cmocka_unit_test(odd_origins),
        cmocka_unit_test(a_led_request_keeps_its_path_and_method),
        cmocka_unit_test(long_hosts_in_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
