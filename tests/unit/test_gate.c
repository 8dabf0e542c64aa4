#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "config/monitors.h"
#include "unit.h"
#include "web/gate/gate.h"

static struct cidr loopback[] = {CIDR_V4(0x7f000001, 32)};
static struct cidr lan[] = {CIDR_V4(0xc0a80100, 24)};
static struct cidr everyone[] = {{{{0}}, 0}};
static const char *monitors[] = {"UptimeRobot", "bot", ""};

enum { SITE_ERP, SITE_TESTING, SITE_CLIENT1, SITE_CLIENT2, SITE_LAN };
static struct model_server servers[] = {{.id = "testing"}, {.id = "erp"}};
static struct model_site sites[] = {
    [SITE_ERP] = {.id = "erp.example", .server = 1, .domain = 0, .path = "/"},
    [SITE_TESTING] = {.id = "testing.example", .server = 0, .domain = 2, .path = "/"},
    [SITE_CLIENT1] =
        {.id = "client1", .server = 0, .domain = 2, .is_project = true, .path = "/client1"},
    [SITE_CLIENT2] =
        {.id = "client2", .server = 0, .domain = 2, .is_project = true, .path = "/client2"},
    [SITE_LAN] = {.id = "lan.example",
                  .server = 1,
                  .domain = 1,
                  .path = "/",
                  .upstream = "http://192.0.2.1"},
};
static struct model_domain domains[] = {
    {.name = "erp.example", .server = 1, .site = SITE_ERP},
    {.name = "lan.example", .server = 1, .site = SITE_LAN, .access = {.n_allow = 1, .allow = lan}},
    {.name = "testing.example",
     .server = 0,
     .site = SITE_TESTING,
     .n_projects = 2,
     .projects = {SITE_CLIENT1, SITE_CLIENT2}},
};
static const struct config config = {
    .http = {.n_trusted_proxies = 1,
             .trusted_proxies = loopback,
             .n_monitors = 3,
             .monitors = monitors},
    .model = {.n_servers = 2,
              .servers = servers,
              .n_domains = 3,
              .domains = domains,
              .n_sites = 5,
              .sites = sites},
};
static struct gate gate;
static const struct guard *guard; /* what keeps visitors away, or NULL */

static int set_up(void **state)
{
    gate_init(&gate, &config);
    guard = NULL;
    domains[2].access = (struct model_access){.n_allow = 0};
    sites[SITE_TESTING].upstream = NULL;
    return 0;
}

/* As a trusted proxy asks; header lines end with a NULL name. */
static void ask(struct request *request, const char *host, const char *uri,
                const struct header *more)
{
    struct header headers[16] = {{"X-Forwarded-Host", host}, {"X-Forwarded-Uri", uri}};
    struct raw_request raw = {
        .method = "GET", .target = "/auth", .headers = headers, .n_headers = 2};
    raw.peer = v4(INADDR_LOOPBACK);
    while (more != NULL && more->name != NULL)
        headers[raw.n_headers++] = *more++;
    assert_int_equal(request_read(&raw, &gate.proxies, REQUEST_VIA_AUTH, request), REQUEST_FINE);
}

#define HEADERS(...) ((const struct header[]){__VA_ARGS__, {NULL, NULL}})

static const struct header navigation[] = {{"Sec-Fetch-Mode", "navigate"}, {NULL, NULL}};
static const struct header program[] = {{"Accept", "application/json"}, {NULL, NULL}};
static const struct header part[] = {
    {"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Dest", "image"}, {NULL, NULL}};
static const struct header frame[] = {{"Sec-Fetch-Mode", "navigate"},
                                      {"Sec-Fetch-Dest", "iframe"},
                                      {"Sec-Fetch-Site", "same-origin"},
                                      {NULL, NULL}};
static const struct header foreign[] = {
    {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Site", "cross-site"}, {NULL, NULL}};
static const struct header websocket[] = {{"Sec-WebSocket-Key", "x"}, {NULL, NULL}};
static const struct header monitor[] = {{"User-Agent", "Mozilla/5.0 (compatible; uptimerobot/2.0)"},
                                        {NULL, NULL}};

static struct decision decide(const char *host, const char *uri, const struct header *headers,
                              bool ready)
{
    struct request request;
    ask(&request, host, uri, headers);
    struct place place = gate_place(&gate, &request);
    return gate_decide(&gate, &request, &place, ready, guard);
}

static void clients_are_told_apart(void **state)
{
    static const struct {
        enum client_kind kind;
        const char *uri;
        struct header headers[4];
    } cases[] = {
        {CLIENT_BROWSER,
         "/client1",
         {{"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}}},
        {CLIENT_BROWSER, "/client1", {{"Accept", "text/html,*/*;q=0.8"}}},
        {CLIENT_BROWSER, "/client1/a.js", {{"Accept", "text/html"}, {"User-Agent", "Mozilla/5.0"}}},
        {CLIENT_BROWSER,
         "/client1",
         {{"X-Forwarded-Method", "POST"}, {"Sec-Fetch-Mode", "navigate"}}},
        {CLIENT_BROWSER,
         "/client1",
         {{"X-Forwarded-Method", "POST"}, {"Accept", "text/html"}, {"User-Agent", "Mozilla/5.0"}}},
        {CLIENT_FRAME, "/client1", {{"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "iframe"}}},
        {CLIENT_FRAME, "/client1", {{"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "object"}}},
        {CLIENT_API, "/client1", {{NULL, NULL}}},
        {CLIENT_API, "/client1", {{"Accept", "*/*"}, {"User-Agent", "curl/7.88"}}},
        {CLIENT_API, "/client1/a.zip", {{"User-Agent", "Mozilla/5.0"}}},
        {CLIENT_API, "/client1/a.css", {{"Accept", "*/*"}, {"User-Agent", "curl/7.88"}}},
        {CLIENT_API, "/client1", {{"X-Forwarded-Method", "POST"}, {"Accept", "text/html"}}},
        {CLIENT_API,
         "/client1",
         {{"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", "empty"}, {"Accept", "text/html"}}},
        {CLIENT_ASSET,
         "/client1/a.css",
         {{"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Dest", "style"}}},
        {CLIENT_ASSET, "/client1/a", {{"Accept", "image/avif,image/webp,*/*"}}},
        {CLIENT_ASSET, "/client1/a.WOFF2", {{"Accept", "*/*"}, {"User-Agent", "Mozilla/5.0"}}},
        {CLIENT_ASSET, "/favicon.ico", {{"Accept", "*/*"}}},
        {CLIENT_ASSET, "/robots.txt", {{"Accept", "text/html"}}},
        {CLIENT_ASSET,
         "/client1",
         {{"Sec-Fetch-Mode", "navigate"}, {"Sec-Purpose", "prefetch;prerender"}}},
        {CLIENT_ASSET, "/client1", {{"Sec-Fetch-Mode", "navigate"}, {"Purpose", "prefetch"}}},
        {CLIENT_WEBSOCKET, "/client1", {{"Sec-WebSocket-Key", "x"}}},
        {CLIENT_WEBSOCKET, "/client1", {{"Sec-Fetch-Mode", "websocket"}}},
        {CLIENT_MONITOR,
         "/client1",
         {{"X-Forwarded-Method", "HEAD"}, {"Sec-Fetch-Mode", "navigate"}}},
        {CLIENT_MONITOR, "/client1", {{"User-Agent", "GoogleBOT/2.1"}, {"Accept", "text/html"}}},
        {CLIENT_MONITOR, "/client1", {{"User-Agent", "x uptimerobot"}, {"Sec-WebSocket-Key", "x"}}},
        {CLIENT_API, "/client1", {{"User-Agent", "bo"}}},
    };
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ask(&request, "testing.example", cases[i].uri, cases[i].headers);
        assert_string_equal(client_kind_name(gate_client(&gate, NULL, &request)),
                            client_kind_name(cases[i].kind));
    }
}

static void the_decision_table(void **state)
{
    static const struct {
        const struct header *client;
        bool ready;
        enum verdict verdict;
        bool uses, wakes;
    } cases[] = {
        {navigation, true, VERDICT_PASS, true, false},
        {navigation, false, VERDICT_PAGE, false, true},
        {program, true, VERDICT_PASS, true, false},
        {program, false, VERDICT_PROBLEM, false, true},
        {part, true, VERDICT_PASS, false, false},
        {part, false, VERDICT_BARE, false, false},
        {websocket, true, VERDICT_PASS, true, false},
        {websocket, false, VERDICT_BARE, false, false},
        {monitor, true, VERDICT_PASS, false, false},
        {monitor, false, VERDICT_PROBLEM, false, false},
        {frame, true, VERDICT_PASS, true, false},
        {frame, false, VERDICT_PAGE, false, true},
        {foreign, true, VERDICT_PASS, false, false},
        {foreign, false, VERDICT_BARE, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decision decision =
            decide("testing.example", "/client1/x", cases[i].client, cases[i].ready);
        assert_int_equal(decision.verdict, cases[i].verdict);
        assert_int_equal(decision.uses, cases[i].uses);
        assert_int_equal(decision.wakes, cases[i].wakes);
        assert_int_equal(decision.place.site, SITE_CLIENT1);
        assert_int_equal(decision.place.server, 0);
    }
}

static void places(void **state)
{
    static const struct {
        const char *host, *uri;
        enum place_kind kind;
        int site;
    } cases[] = {
        {"testing.example", "/client1", PLACE_SITE, SITE_CLIENT1},
        {"TESTING.example:443", "/x/../%63lient2/a", PLACE_SITE, SITE_CLIENT2},
        {"testing.example", "/client10", PLACE_UNKNOWN_PATH, MODEL_NONE},
        {"testing.example", "/client1%3fx", PLACE_UNKNOWN_PATH, MODEL_NONE},
        {"testing.example", "/", PLACE_UNKNOWN_PATH, MODEL_NONE},
        {"testing.example", "/.hall/wait", PLACE_HELPER, MODEL_NONE},
        {"erp.example", "/anything", PLACE_SITE, SITE_ERP},
        {"other.example", "/client1", PLACE_UNKNOWN_HOST, MODEL_NONE},
        {"example", "/client1", PLACE_UNKNOWN_HOST, MODEL_NONE},
    };
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ask(&request, cases[i].host, cases[i].uri, NULL);
        struct place place = gate_place(&gate, &request);
        assert_int_equal(place.kind, cases[i].kind);
        assert_int_equal(place.site, cases[i].site);
    }
}

/* What the proxy says of the site it leads to, beside what host and path name. */
static void the_proxy_and_hall_name_the_same_site(void **state)
{
    static const struct {
        const char *host, *uri, *told;
        bool agrees;
    } cases[] = {
        {"testing.example", "/client1/x", "testing.example/client1", true},
        {"testing.example:8443", "/client1/x", "testing.example/client1 \t", true},
        {"testing.example", "/client1/x", "testing.example/client2", false},
        {"testing.example", "/client1/x", "testing.example", false},
        {"testing.example", "/client1/x", "testing.example/", false},
        {"testing.example", "/client1/x", "client1", false},
        {"testing.example", "/client1/x", "Testing.example/client1", false},
        {"testing.example", "/client1/x", "", false},
        {"testing.example", "/client1%3fx", "testing.example", true},
        {"testing.example", "/client1%3fx", "testing.example/client1", false},
        {"testing.example", "/elsewhere", "testing.example", true},
        {"testing.example", "/elsewhere", "testing.example/client1", false},
        {"erp.example", "/client1", "erp.example", true},
        {"erp.example", "/client1", "testing.example/client1", false},
        {"other.example", "/", "erp.example", false},
        {"other.example", "/", "", true},
        {"other.example", "/", " ", true},
        {"other.example", "/", "\t", true},
        {"other.example", "/", " x", false},
        {"testing.example", "/.hall/status", "testing.example", true},
        {"testing.example", "/.hall/status", "testing.example/client1", true},
        {"testing.example", "/.hall/status", "erp.example", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decision decision =
            decide(cases[i].host, cases[i].uri, HEADERS({"X-Hall-Site", cases[i].told}), true);
        if (decision.astray == cases[i].agrees)
            fail_msg("%s%s and \"%s\"", cases[i].host, cases[i].uri, cases[i].told);
        assert_int_equal(decision.verdict == VERDICT_REFUSED, !cases[i].agrees);
        assert_false(decision.astray && (decision.uses || decision.wakes));
    }
    assert_false(decide("testing.example", "/client1", NULL, true).astray);
}

static void only_a_trusted_proxy_names_the_site(void **state)
{
    const struct header headers[] = {{"Host", "erp.example"}, {"X-Hall-Site", "lan.example"}};
    struct raw_request raw = {.method = "GET", .target = "/", .headers = headers, .n_headers = 2};
    struct request request;
    raw.peer = v4(0xc0000201);
    assert_int_equal(request_read(&raw, &gate.proxies, REQUEST_VIA_DIRECT, &request), REQUEST_FINE);
    struct place place = gate_place(&gate, &request);
    assert_true(gate_agrees(&gate, &place, &request));
    raw.peer = v4(INADDR_LOOPBACK);
    assert_int_equal(request_read(&raw, &gate.proxies, REQUEST_VIA_DIRECT, &request), REQUEST_FINE);
    assert_false(gate_agrees(&gate, &place, &request));
}

static void nothing_unknown_wakes(void **state)
{
    struct decision decision = decide("testing.example", "/elsewhere", navigation, false);
    assert_int_equal(decision.verdict, VERDICT_UNKNOWN);
    assert_false(decision.wakes || decision.uses);
    decision = decide("nobody.example", "/", navigation, false);
    assert_int_equal(decision.verdict, VERDICT_UNKNOWN);
    sites[SITE_TESTING].upstream = "http://192.0.2.1";
    decision = decide("testing.example", "/elsewhere", navigation, false);
    assert_int_equal(decision.verdict, VERDICT_PAGE);
    assert_int_equal(decision.place.site, SITE_TESTING);
}

static void settings_of_the_domain(void **state)
{
    domains[2].access =
        (struct model_access){.wake = ACCESS_WAKE_CLICK, .hold = 5000, .websocket_wakes = true};
    struct decision decision = decide("testing.example", "/client1", navigation, false);
    assert_int_equal(decision.why_not, FACT_ACCESS_WAKE_CLICK);
    assert_false(decision.wakes);
    assert_false(decide("testing.example", "/client1", program, false).wakes);
    domains[2].access.wake = ACCESS_WAKE_VISIT;
    assert_true(decide("testing.example", "/client1", websocket, false).wakes);
    assert_int_equal(decide("testing.example", "/client1", program, false).hold, 5000);
    assert_int_equal(decide("testing.example", "/client1", navigation, false).hold, 0);
    assert_int_equal(decide("testing.example", "/client1", monitor, false).hold, 0);
    assert_int_equal(decide("testing.example", "/client1", program, true).hold, 0);
}

static void whom_a_guard_keeps_away(void **state)
{
    static const struct guard minutes = {GUARD_CLIENT_MINUTES, 5000};
    static const struct header *const clients[] = {navigation, program, part, websocket, monitor};
    guard = &minutes;
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        for (int ready = 0; ready < 2; ready++) {
            struct decision decision =
                decide("testing.example", "/client1/x", clients[i], ready != 0);
            assert_int_equal(decision.verdict, VERDICT_LIMITED);
            assert_int_equal(decision.guard.kind, GUARD_CLIENT_MINUTES);
            assert_int_equal(decision.guard.until, 5000);
            assert_false(decision.uses || decision.wakes);
            assert_int_equal(decision.hold, 0);
        }
    }
    /* Who may not come at all learns nothing of guards. */
    domains[1].access.allow = lan;
    assert_int_equal(
        decide("lan.example", "/", HEADERS({"X-Forwarded-For", "192.0.2.1"}), true).verdict,
        VERDICT_REFUSED);
}

static void access_lists(void **state)
{
    static const struct {
        const char *from;
        bool allowed;
    } cases[] = {{"192.168.1.7", true},        {"192.168.2.7", false},
                 {"2001:db8::1", false},       {"::192.168.1.9", false},
                 {"::ffff:192.168.1.9", true}, {"192.168.1.7, 203.0.113.1", false}};
    domains[1].access.allow = lan;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct header *from = HEADERS({"X-Forwarded-For", cases[i].from});
        for (int ready = 0; ready < 2; ready++) {
            struct decision decision = decide("lan.example", "/", from, ready != 0);
            assert_int_equal(decision.verdict == VERDICT_REFUSED, !cases[i].allowed);
            assert_false(decision.verdict == VERDICT_REFUSED && (decision.wakes || decision.uses));
        }
    }
    domains[1].access.allow = everyone;
    assert_int_equal(
        decide("lan.example", "/", HEADERS({"X-Forwarded-For", "2001:db8::1"}), true).verdict,
        VERDICT_PASS);
}

static void rules_of_the_domain_come_first(void **state)
{
    static struct model_rule rules[] = {
        {.path = "/client1/health", .as = RULE_AS_MONITOR},
        {.agent = "deploy-bot", .as = RULE_AS_CLIENT},
        {.method = "HEAD", .path = "/client2", .as = RULE_AS_CLIENT},
        {.address = CIDR_V4(0xc0000200, 24), .as = RULE_AS_MONITOR},
        {.agent = "gptbot", .as = RULE_AS_REFUSED},
    };
    static const struct {
        enum client_kind kind;
        bool unwanted;
        const char *uri;
        struct header headers[4];
    } cases[] = {
        {CLIENT_MONITOR, false, "/client1/health", {{NULL, NULL}}},
        {CLIENT_MONITOR, false, "/client1/health/deep?x=1", {{NULL, NULL}}},
        {CLIENT_API, false, "/client1/healthy", {{NULL, NULL}}},
        {CLIENT_API, false, "/client1", {{"User-Agent", "My-Deploy-Bot/1.0"}}},
        {CLIENT_MONITOR, false, "/client1", {{"User-Agent", "otherbot/1.0"}}},
        {CLIENT_API, false, "/client2/x", {{"X-Forwarded-Method", "HEAD"}}},
        {CLIENT_MONITOR, false, "/client1", {{"X-Forwarded-Method", "HEAD"}}},
        {CLIENT_MONITOR, false, "/client1", {{"X-Forwarded-For", "192.0.2.9"}}},
        {CLIENT_API, false, "/client1", {{"X-Forwarded-For", "192.0.3.9"}}},
        {CLIENT_API, false, "/client1", {{"X-Forwarded-For", "2001:db8::1"}}},
        {CLIENT_MONITOR, true, "/client1", {{"User-Agent", "Mozilla/5.0 GPTBot/1.2"}}},
    };
    domains[2].access = (struct model_access){.n_monitors = 5, .monitors = rules};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decision decision = decide("testing.example", cases[i].uri, cases[i].headers, true);
        assert_string_equal(client_kind_name(decision.client), client_kind_name(cases[i].kind));
        assert_int_equal(decision.unwanted, cases[i].unwanted);
        assert_int_equal(decision.verdict, cases[i].unwanted ? VERDICT_REFUSED : VERDICT_PASS);
        assert_int_equal(decision.uses, cases[i].kind == CLIENT_API);
    }
}

static void what_would_be_lost_is_held(void **state)
{
    static const struct header form[] = {
        {"X-Forwarded-Method", "POST"}, {"Sec-Fetch-Mode", "navigate"}, {NULL, NULL}};
    static const struct header worker[] = {{"Service-Worker", "script"}, {NULL, NULL}};
    domains[2].access = (struct model_access){.hold = 9000};
    assert_int_equal(decide("testing.example", "/client1", program, false).hold, 9000);
    assert_int_equal(decide("testing.example", "/client1", form, false).hold, 9000);
    assert_int_equal(decide("testing.example", "/client1", form, false).verdict, VERDICT_PAGE);
    assert_int_equal(decide("testing.example", "/client1", navigation, false).hold, 0);
    assert_int_equal(decide("testing.example", "/client1/sw.js", worker, false).verdict,
                     VERDICT_BARE);
}

static void denied_addresses_stay_out_whatever_is_allowed(void **state)
{
    domains[1].access.allow = everyone;
    domains[1].access.n_deny = 1;
    domains[1].access.deny = lan;
    assert_int_equal(
        decide("lan.example", "/", HEADERS({"X-Forwarded-For", "192.168.1.7"}), true).verdict,
        VERDICT_REFUSED);
    assert_int_equal(
        decide("lan.example", "/", HEADERS({"X-Forwarded-For", "203.0.113.1"}), true).verdict,
        VERDICT_PASS);
    domains[1].access.n_deny = 0;
}

/* ---- each entry of the lists ---- */

static enum client_kind kind_of(const char *uri, const struct header *more)
{
    struct request request;
    ask(&request, "testing.example", uri, more);
    return gate_client(&gate, NULL, &request);
}

/* What a browser says a request is for decides, whatever it accepts. */
static void each_destination(void **state)
{
    static const char *const own[] = {"empty", "document", "iframe", "frame", "fencedframe"};
    static const char *const parts[] = {"audio",        "audioworklet",  "embed",  "font",
                                        "image",        "manifest",      "object", "script",
                                        "style",        "track",         "video",  "worker",
                                        "sharedworker", "serviceworker", "xslt"};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        assert_int_equal(kind_of("/client1/a.css",
                                 HEADERS({"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", own[i]},
                                         {"User-Agent", "Mozilla/5.0"})),
                         CLIENT_API);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        assert_int_equal(kind_of("/client1/a",
                                 HEADERS({"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Dest", parts[i]})),
                         CLIENT_ASSET);
}

static void each_path_that_nobody_asked_for(void **state)
{
    static const char *const paths[] = {"/favicon.ico",
                                        "/favicon.svg",
                                        "/robots.txt",
                                        "/apple-touch-icon.png",
                                        "/apple-touch-icon-120x120.png",
                                        "/site.webmanifest",
                                        "/browserconfig.xml",
                                        "/sitemap.xml",
                                        "/ads.txt",
                                        "/app-ads.txt",
                                        "/apple-app-site-association",
                                        "/.well-known/acme-challenge/x",
                                        "/.well-known/apple-app-site-association",
                                        "/.well-known/appspecific/com.chrome.devtools.json",
                                        "/.well-known/assetlinks.json",
                                        "/.well-known/pki-validation/x.txt",
                                        "/.well-known/security.txt",
                                        "/.well-known/traffic-advice"};
    static const char *const others[] = {
        "/.well-known/caldav", "/favicons", "/client1/favicon.ico", "/robots",
        "/apple-touch",        "/site",     "/browserconfig"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        assert_int_equal(kind_of(paths[i], HEADERS({"Sec-Fetch-Mode", "navigate"})), CLIENT_ASSET);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(kind_of(others[i], HEADERS({"Sec-Fetch-Mode", "navigate"})),
                         CLIENT_BROWSER);
}

/* Browsers too old to say what a request is for; programs fetch files of any name as their own. */
static void each_suffix(void **state)
{
    static const char *const suffixes[] = {".css",  ".js",   ".mjs",  ".map",   ".png",
                                           ".jpg",  ".jpeg", ".gif",  ".svg",   ".webp",
                                           ".avif", ".ico",  ".woff", ".woff2", ".ttf"};
    static const char *const others[] = {".html", ".pdf", ".zip", ".json", ".j", "css"};
    char path[64];
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        snprintf(path, sizeof path, "/client1/a%s", suffixes[i]);
        assert_int_equal(kind_of(path, HEADERS({"User-Agent", "Mozilla/4.0"})), CLIENT_ASSET);
        assert_int_equal(kind_of(path, HEADERS({"User-Agent", "curl/8"})), CLIENT_API);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        snprintf(path, sizeof path, "/client1/a%s", others[i]);
        assert_int_equal(kind_of(path, HEADERS({"User-Agent", "Mozilla/4.0"})), CLIENT_API);
    }
}

static void each_sign_of_a_prefetch_and_of_a_part(void **state)
{
    static const struct header signs[] = {
        {"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"},
        {"Purpose", "prefetch"},     {"Purpose", "Prefetch"},
        {"X-Moz", "prefetch"},       {"Service-Worker", "script"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        assert_int_equal(kind_of("/client1", HEADERS({"Sec-Fetch-Mode", "navigate"}, signs[i])),
                         CLIENT_ASSET);
    assert_int_equal(
        kind_of("/client1", HEADERS({"Sec-Fetch-Mode", "navigate"}, {"Sec-Purpose", "view"})),
        CLIENT_BROWSER);
    assert_int_equal(kind_of("/client1", HEADERS({"Accept", "text/css,*/*;q=0.1"})), CLIENT_ASSET);
    assert_int_equal(kind_of("/client1", HEADERS({"Accept", "image/webp"})), CLIENT_ASSET);
    assert_int_equal(kind_of("/client1", HEADERS({"Accept", "text/csv"})), CLIENT_API);
}

/* A monitor's name may stand anywhere in the agent's, in any case, and begin with any character. */
static void monitors_by_any_character(void **state)
{
    static char text[3] = "??";
    static const char *names[] = {text, "kuma"};
    struct config other = config;
    other.http.n_monitors = 2;
    other.http.monitors = names;
    for (char c = '!'; c < 127; c++) {
        char agent[8];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        text[0] = c;
        text[1] = '9';
        gate_init(&gate, &other);
        snprintf(agent, sizeof agent, "x %c9", c);
        assert_int_equal(kind_of("/client1", HEADERS({"User-Agent", agent})), CLIENT_MONITOR);
        agent[2] = (char)(c ^ 0x20); /* the other case of a letter, another character else */
        assert_int_equal(kind_of("/client1", HEADERS({"User-Agent", agent})),
                         letter ? CLIENT_MONITOR : CLIENT_API);
        assert_int_equal(kind_of("/client1", HEADERS({"User-Agent", "x Uptime-KUMA"})),
                         CLIENT_MONITOR);
        assert_int_equal(kind_of("/client1", HEADERS({"User-Agent", "x kum"})), CLIENT_API);
    }
    gate_init(&gate, &config);
    assert_int_equal(kind_of("/client1", NULL), CLIENT_API);
}

/* No more are kept than there is room for. */
static void a_monitor_too_many(void **state)
{
    static char texts[ROBOTS_MAX + 1][16];
    static const char *names[ROBOTS_MAX + 1];
    struct config other = config;
    char agent[24];
    other.http.n_monitors = ROBOTS_MAX + 1;
    other.http.monitors = names;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(texts[i], sizeof texts[i], "<%zu>", i);
        names[i] = texts[i];
    }
    gate_init(&gate, &other);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(agent, sizeof agent, "x <%zu>", i);
        assert_int_equal(kind_of("/client1", HEADERS({"User-Agent", agent})),
                         i < ROBOTS_MAX ? CLIENT_MONITOR : CLIENT_API);
    }
}

/* The headers of a request of another site's page, of one of ours and of a person's own wish. */
static void what_comes_from_another_site(void **state)
{
    static const struct {
        enum client_kind kind;
        struct header headers[6];
    } cases[] = {
        /* a link, a form, a redirect: what the person sees is this site */
        {CLIENT_BROWSER,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "document"}}},
        {CLIENT_BROWSER,
         {{"X-Forwarded-Method", "POST"},
          {"Origin", "https://sso.example.net"},
          {"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "document"}}},
        {CLIENT_BROWSER, {{"Accept", "text/html"}, {"Referer", "https://evil.example.net/x"}}},
        {CLIENT_FRAME,
         {{"Sec-Fetch-Site", "same-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "iframe"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "iframe"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "frame"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "fencedframe"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "object"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "embed"}}},
        {CLIENT_ASSET,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "navigate"},
          {"Sec-Fetch-Dest", "document"},
          {"Sec-Purpose", "prefetch;prerender"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "cors"},
          {"Sec-Fetch-Dest", "empty"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"},
          {"Sec-Fetch-Mode", "no-cors"},
          {"Sec-Fetch-Dest", "empty"}}},
        {CLIENT_FOREIGN,
         {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "cors"}, {"Accept", "text/html"}}},
        {CLIENT_FOREIGN, {{"Sec-Fetch-Site", "cross-site"}}},
        {CLIENT_FOREIGN, {{"Sec-WebSocket-Key", "x"}, {"Origin", "https://evil.example.net"}}},
        {CLIENT_FOREIGN, {{"Sec-Fetch-Mode", "websocket"}, {"Sec-Fetch-Site", "cross-site"}}},
        {CLIENT_WEBSOCKET, {{"Sec-WebSocket-Key", "x"}, {"Origin", "https://testing.example"}}},
        {CLIENT_WEBSOCKET, {{"Sec-WebSocket-Key", "x"}, {"Origin", "https://erp.example:8443"}}},
        /* no Fetch Metadata: plain HTTP, or an old browser */
        {CLIENT_FOREIGN, {{"Accept", "*/*"}, {"Origin", "https://evil.example.net"}}},
        {CLIENT_FOREIGN, {{"Accept", "*/*"}, {"Origin", "null"}}},
        {CLIENT_FOREIGN, {{"Accept", "*/*"}, {"Origin", "https://testing.example.evil.net"}}},
        {CLIENT_FOREIGN, {{"Accept", "*/*"}, {"Origin", "https://testing.example@evil.net"}}},
        {CLIENT_FOREIGN,
         {{"Accept", "*/*"}, {"Referer", "https://evil.example.net/a?https://testing.example/"}}},
        {CLIENT_FOREIGN, {{"Accept", "*/*"}, {"Referer", "about:client"}}},
        {CLIENT_FOREIGN,
         {{"X-Forwarded-Method", "POST"},
          {"Accept", "*/*"},
          {"Origin", "https://evil.example.net"},
          {"Referer", "https://testing.example/"}}},
        {CLIENT_API, {{"Accept", "*/*"}, {"Origin", "HTTPS://Testing.Example"}}},
        {CLIENT_API, {{"Accept", "*/*"}, {"Referer", "http://testing.example:8080/x?y"}}},
        {CLIENT_API, {{"Accept", "*/*"}, {"Referer", "https://erp.example"}}},
        {CLIENT_API, {{"Accept", "*/*"}, {"Origin", ""}}},
        {CLIENT_API, {{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}}},
        {CLIENT_API, {{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "cors"}}},
        {CLIENT_API, {{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "cors"}}},
        {CLIENT_API, {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://evil.example.net"}}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const enum client_kind kind = kind_of("/client1", cases[i].headers);
        if (kind != cases[i].kind)
            fail_msg("case %zu: %s, not %s", i, client_kind_name(kind),
                     client_kind_name(cases[i].kind));
    }
}

static void a_get_after_head_is_a_monitors(void **state)
{
    static const struct {
        enum client_kind kind;
        struct header headers[4];
    } cases[] = {
        {CLIENT_MONITOR, {{NULL, NULL}}},
        {CLIENT_MONITOR, {{"Accept", "text/html"}}},
        {CLIENT_API, {{"Sec-Fetch-Mode", "cors"}}},
        {CLIENT_BROWSER, {{"Sec-Fetch-Mode", "navigate"}}},
        {CLIENT_API, {{"X-Forwarded-Method", "POST"}}},
    };
    static const struct model_rule rule = {.as = RULE_AS_CLIENT};
    struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ask(&request, "testing.example", "/client1", cases[i].headers);
        assert_false(request.after_head);
        request.after_head = true;
        assert_int_equal(gate_client(&gate, NULL, &request), cases[i].kind);
        assert_int_not_equal(gate_client(&gate, &rule, &request), CLIENT_MONITOR);
    }
}

/* Those who come when somebody shares a link, and those who look whether a site is there. */
static void each_monitor_of_the_default(void **state)
{
#define NAME(name_, agent_)  name_,
#define AGENT(name_, agent_) agent_,
    static const char *const names[] = {MONITORS(NAME)};
    static const char *const agents[] = {MONITORS(AGENT)};
    static const char *const people[] = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1) Mobile/15E148 [FBAN/FBIOS;FBAV/440.0.0]",
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20; wv) AppleWebKit/537.36 Line/13.1.0",
        "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Snapchat/12.60.0.60",
        "curl/8.5.0",
        "python-requests/2.31.0",
        "Nextcloud/1.0 mirall/3.7.3",
        "git/2.39.2",
        "",
    };
    static struct robots robots;
    char shout[256];
    assert_true(ARRAY_SIZE(names) <= ROBOTS_MAX);
    robots_init(&robots, ARRAY_SIZE(names), names);
    assert_int_equal(robots.n, ARRAY_SIZE(names));
    for (size_t i = 0; i < ARRAY_SIZE(agents); i++) {
        struct robots one;
        size_t n = 0;
        robots_init(&one, 1, &names[i]);
        for (; agents[i][n] != '\0' && n + 1 < sizeof(shout); n++)
            shout[n] = (char)toupper((unsigned char)agents[i][n]);
        shout[n] = '\0';
        assert_true(robots_hold(&one, agents[i]));
        assert_true(robots_hold(&robots, shout));
        assert_null(strchr(names[i], ',')); /* the default is written as a list */
    }
    for (size_t i = 0; i < ARRAY_SIZE(people); i++)
        assert_false(robots_hold(&robots, people[i]));
}

static void each_name_of_a_client(void **state)
{
    static const struct {
        enum client_kind kind;
        const char *name;
    } rows[] = {{CLIENT_BROWSER, "browser"}, {CLIENT_FRAME, "frame"},
                {CLIENT_FOREIGN, "foreign"}, {CLIENT_API, "api"},
                {CLIENT_ASSET, "asset"},     {CLIENT_WEBSOCKET, "websocket"},
                {CLIENT_MONITOR, "monitor"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(client_kind_name(rows[i].kind), rows[i].name);
}

/* Who may wake how, for each kind of client and each way a domain may be woken. */
static void each_way_to_wake(void **state)
{
    static const struct header *const clients[] = {navigation, program, part,   websocket,
                                                   monitor,    frame,   foreign};
    static const bool wakes_visit[] = {true, true, false, false, false, true, false};
    for (int websockets = 0; websockets < 2; websockets++)
        for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
            domains[2].access = (struct model_access){.wake = ACCESS_WAKE_VISIT,
                                                      .websocket_wakes = websockets != 0};
            struct decision decision = decide("testing.example", "/client1", clients[i], false);
            assert_int_equal(decision.wakes,
                             wakes_visit[i] || (clients[i] == websocket && websockets));
            if (decision.wakes)
                assert_int_equal(decision.why_not, FACT_NONE);
            domains[2].access.wake = ACCESS_WAKE_CLICK;
            decision = decide("testing.example", "/client1", clients[i], false);
            assert_false(decision.wakes);
            assert_int_equal(decision.why_not,
                             clients[i] == monitor ? FACT_ACCESS_MONITOR : FACT_ACCESS_WAKE_CLICK);
            domains[2].access.wake = ACCESS_WAKE_PERSON;
            decision = decide("testing.example", "/client1", clients[i], false);
            assert_int_equal(decision.wakes, clients[i] == navigation);
            assert_int_equal(decision.why_not, clients[i] == navigation ? FACT_NONE
                                               : clients[i] == monitor  ? FACT_ACCESS_MONITOR
                                                                        : FACT_ACCESS_WAKE_PERSON);
        }
}

/* A list of the project's own comes on top of the domain's. */
static void a_project_may_let_in_fewer(void **state)
{
    sites[SITE_CLIENT1].n_allow = 1;
    sites[SITE_CLIENT1].allow = lan;
    const struct header *inside = HEADERS({"X-Forwarded-For", "192.168.1.7"});
    const struct header *outside = HEADERS({"X-Forwarded-For", "192.0.2.7"});
    assert_int_equal(decide("testing.example", "/client1", inside, true).verdict, VERDICT_PASS);
    assert_int_equal(decide("testing.example", "/client1", outside, true).verdict, VERDICT_REFUSED);
    assert_int_equal(decide("testing.example", "/client2", outside, true).verdict, VERDICT_PASS);
    assert_int_equal(decide("testing.example", "/x", outside, true).verdict, VERDICT_UNKNOWN);
    domains[2].access = (struct model_access){.n_allow = 1, .allow = lan};
    assert_int_equal(decide("testing.example", "/client2", outside, true).verdict, VERDICT_REFUSED);
    assert_int_equal(decide("testing.example", "/x", outside, true).verdict, VERDICT_REFUSED);
    sites[SITE_CLIENT1].n_allow = 0;
}

/* A host may be of one letter; one that is not told is no domain, though one has no name. */
static void the_shortest_hosts(void **state)
{
    static const struct {
        const char *domain, *host;
        bool known;
    } rows[] = {{"x", "x", true}, {"x", "y", false}, {"", "", false}};
    const char *was = domains[2].name;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct request request = {.path = "/client1"};
        domains[2].name = rows[i].domain;
        snprintf(request.host, sizeof request.host, "%s", rows[i].host);
        const struct place place = gate_place(&gate, &request);
        assert_int_equal(place.domain, rows[i].known ? 2 : MODEL_NONE);
    }
    domains[2].name = was;
}

/* A path that others may read as one of another site; of a host that is not known there is none. */
static void which_paths_are_doubtful(void **state)
{
    static const struct {
        const char *host, *uri;
        bool doubtful;
    } rows[] = {
        {"testing.example", "/client1/..%2fclient2", true},
        {"testing.example", "/client1/x", false},
        {"unknown.example", "/client1/..%2fclient2", false},
        {"erp.example", "/client1/..%2fclient2", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct request request;
        ask(&request, rows[i].host, rows[i].uri, NULL);
        const struct place place = gate_place(&gate, &request);
        assert_int_equal(gate_is_doubtful(&gate, &place, &request), rows[i].doubtful);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules_of_the_domain_come_first, set_up),
        cmocka_unit_test_setup(what_would_be_lost_is_held, set_up),
        cmocka_unit_test_setup(clients_are_told_apart, set_up),
        cmocka_unit_test_setup(the_decision_table, set_up),
        cmocka_unit_test_setup(places, set_up),
        cmocka_unit_test_setup(which_paths_are_doubtful, set_up),
        cmocka_unit_test_setup(the_proxy_and_hall_name_the_same_site, set_up),
        cmocka_unit_test_setup(only_a_trusted_proxy_names_the_site, set_up),
        cmocka_unit_test_setup(nothing_unknown_wakes, set_up),
        cmocka_unit_test_setup(settings_of_the_domain, set_up),
        cmocka_unit_test_setup(access_lists, set_up),
        cmocka_unit_test_setup(denied_addresses_stay_out_whatever_is_allowed, set_up),
        cmocka_unit_test_setup(whom_a_guard_keeps_away, set_up),
        cmocka_unit_test_setup(each_destination, set_up),
        cmocka_unit_test_setup(each_path_that_nobody_asked_for, set_up),
        cmocka_unit_test_setup(each_suffix, set_up),
        cmocka_unit_test_setup(each_sign_of_a_prefetch_and_of_a_part, set_up),
        cmocka_unit_test_setup(monitors_by_any_character, set_up),
        cmocka_unit_test_setup(a_monitor_too_many, set_up),
        cmocka_unit_test_setup(what_comes_from_another_site, set_up),
        cmocka_unit_test_setup(a_get_after_head_is_a_monitors, set_up),
        cmocka_unit_test_setup(each_monitor_of_the_default, set_up),
        cmocka_unit_test_setup(each_name_of_a_client, set_up),
        cmocka_unit_test_setup(each_way_to_wake, set_up),
        cmocka_unit_test_setup(a_project_may_let_in_fewer, set_up),
        cmocka_unit_test_setup(the_shortest_hosts, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
