#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "bridges/proxy/proxy_check.h"
#include "bridges/proxy/proxy_config.h"
#include "unit.h"
#include "web/gate/request.h"

#define FOLDER TEST_DIR "/../bridges/proxy/"

static struct config *load(const char *file)
{
    struct buf errors = BUF_INIT(4096);
    struct report report = {0};
    struct config *config = NULL;
    int error = config_load(file, &config, &report);
    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    if (error != 0)
        print_error("%s", buf_text(&errors));
    buf_finish(&errors);
    assert_int_equal(error, 0);
    return config;
}

static struct config *parse(const char *text)
{
    struct report report = {0};
    struct config *config = NULL;
    assert_int_equal(config_parse("test", text, strlen(text), &config, &report), 0);
    report_finish(&report);
    return config;
}

/* The caller frees it. */
static char *write(const struct config *config, const struct proxy_options *options)
{
    struct buf out = BUF_INIT(PROXY_CONFIG_MAX);
    struct buf errors = BUF_INIT(4096);
    char *text = NULL;
    assert_int_equal(proxy_config_write(config, options, &out, &errors), 0);
    assert_int_equal(buf_steal(&out, &text), 0);
    buf_finish(&errors);
    return text;
}

static char *read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void the_examples_are_what_is_printed(void **state)
{
    static const struct {
        const char *file;
        struct proxy_options options;
    } cases[] = {
        {"nginx/fail-closed.conf", {.kind = PROXY_NGINX}},
        {"nginx/fail-open.conf", {.kind = PROXY_NGINX, .fail_open = true}},
        {"nginx/snippet.conf",
         {.kind = PROXY_NGINX, .form = PROXY_SNIPPET, .domain = "erp.example.org"}},
        {"nginx/swag.conf",
         {.kind = PROXY_NGINX, .form = PROXY_SWAG, .domain = "testing.example.org"}},
        {"haproxy/fail-closed.cfg", {.kind = PROXY_HAPROXY}},
        {"haproxy/fail-open.cfg", {.kind = PROXY_HAPROXY, .fail_open = true}},
        {"caddy/fail-closed.Caddyfile", {.kind = PROXY_CADDY}},
        {"caddy/fail-open.Caddyfile", {.kind = PROXY_CADDY, .fail_open = true}},
    };
    struct config *config = load(FOLDER "example.json");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *made = write(config, &cases[i].options);
        char *kept = read_file(cases[i].file);
        assert_string_equal(made, kept); /* else run bridges/proxy/generate.sh */
        free(made);
        free(kept);
    }
    config_free(config);
}

static void traefik_gets_sound_json(void **state)
{
    struct config *config = load(FOLDER "example.json");
    for (int open = 0; open < 2; open++) {
        struct proxy_options options = {.kind = PROXY_TRAEFIK, .fail_open = open != 0};
        struct json_error error;
        struct json *document = NULL;
        char *text = write(config, &options);
        assert_int_equal(json_read(text, strlen(text), &json_limits_config, &document, &error), 0);
        const struct json *http = json_get(document, "http");
        const struct json *auth =
            json_get(json_get(json_get(http, "middlewares"), "hall-auth"), "forwardAuth");
        assert_string_equal(json_get_string(auth, "address"),
                            open ? "http://127.0.0.1:8890/auth" : "http://127.0.0.1:8880/auth");
        assert_false(json_get_bool(auth, "trustForwardHeader", true));
        assert_int_equal(json_count(json_get(http, "routers")), open ? 10 : 8);
        json_free(document);
        free(text);
    }
    config_free(config);
}

#define SERVER "\"servers\":{\"s\":{\"address\":\"192.0.2.1\",\"mac\":\"aa:bb:cc:dd:ee:01\"}}"

static void options_are_heard(void **state)
{
    struct config *config = parse("{\"http\":{\"gateway\":\"0.0.0.0:9000\"},"
                                  "\"proxy\":{\"tls\":false,\"entry_point\":\"lan\"}," SERVER
                                  ",\"domains\":{\"a.example\":{\"server\":\"s\","
                                  "\"upstream\":\"https://192.0.2.1:8443/base/\"}}}");
    char *traefik = write(config, &(struct proxy_options){.kind = PROXY_TRAEFIK});
    assert_non_null(strstr(traefik, "\"entryPoints\":[\"lan\"]"));
    assert_non_null(strstr(traefik, "\"url\":\"http://127.0.0.1:9000\""));
    assert_non_null(strstr(traefik, "\"url\":\"https://192.0.2.1:8443\""));
    assert_non_null(strstr(traefik, "{\"addPrefix\":{\"prefix\":\"/base\"}}"));
    assert_null(strstr(traefik, "\"tls\":"));
    assert_null(strstr(traefik, "redirect"));
    free(traefik);
    char *nginx = write(config, &(struct proxy_options){.kind = PROXY_NGINX});
    assert_non_null(strstr(nginx, "listen 80;"));
    assert_non_null(strstr(nginx, "upstream hall-domain-a.example {\n"
                                  "    server 192.0.2.1:8443;\n"));
    assert_non_null(strstr(nginx, "proxy_pass \"https://hall-domain-a.example/base/\";"));
    assert_null(strstr(nginx, "ssl_certificate"));
    free(nginx);
    char *caddy =
        write(config, &(struct proxy_options){.kind = PROXY_CADDY, .listen = "127.0.0.1:81"});
    assert_non_null(strstr(caddy, "http://a.example:81 {\n\tbind 127.0.0.1\n"));
    assert_non_null(strstr(caddy, "\t\t\turi path_regexp ^ \"/base\"\n"));
    free(caddy);
    char *haproxy =
        write(config, &(struct proxy_options){.kind = PROXY_HAPROXY, .listen = "127.0.0.1:81"});
    assert_non_null(strstr(haproxy, "    bind 127.0.0.1:81\n"));
    assert_non_null(strstr(haproxy, "    server hall 127.0.0.1:9000 "));
    assert_non_null(strstr(haproxy, "    http-request set-path '/base'%[path]\n"));
    assert_null(strstr(haproxy, " strict-sni"));
    assert_null(strstr(haproxy, "redirect"));
    free(haproxy);
    config_free(config);
}

static char *write_kind(const struct config *config, enum proxy_kind kind)
{
    return write(config, &(struct proxy_options){.kind = kind});
}

/* Each proxy verifies an https upstream as Hall's own check does. */
static void https_upstreams_are_verified_alike(void **state)
{
    struct config *config =
        parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
              "\"upstream\":\"https://192.0.2.1:8443\",\"tls\":{\"ca\":\"/etc/home ca.crt\"},"
              "\"projects\":{\"p\":{\"upstream\":\"https://pve.lan\",\"tls\":{\"verify\":false}},"
              "\"q\":{\"upstream\":\"http://192.0.2.1\"}}}}}");
    char *nginx = write_kind(config, PROXY_NGINX);
    assert_non_null(strstr(nginx, "        proxy_ssl_server_name on;\n"
                                  "        proxy_ssl_name \"a.example\";\n"
                                  "        proxy_ssl_verify on;\n"
                                  "        proxy_ssl_verify_depth 5;\n"
                                  "        proxy_ssl_trusted_certificate \"/etc/home ca.crt\";\n"
                                  "        proxy_pass \"https://hall-domain-a.example\";\n"));
    assert_non_null(strstr(nginx, "upstream hall-project-p {\n    server pve.lan:443;\n"));
    assert_non_null(strstr(nginx, "        proxy_ssl_name \"pve.lan\";\n"
                                  "        proxy_pass \"https://hall-project-p\";\n"));
    free(nginx);
    char *caddy = write_kind(config, PROXY_CADDY);
    assert_non_null(strstr(caddy, "\t\t\t\t\ttls_server_name a.example\n"
                                  "\t\t\t\t\ttls_trusted_ca_certs \"/etc/home ca.crt\"\n"));
    assert_non_null(strstr(caddy, "\t\t\t\t\ttls_server_name pve.lan\n"
                                  "\t\t\t\t\ttls_insecure_skip_verify\n"));
    free(caddy);
    char *traefik = write_kind(config, PROXY_TRAEFIK);
    assert_non_null(strstr(traefik, "\"serversTransport\":\"tls-site-a.example\""));
    assert_non_null(strstr(traefik, "\"tls-project-p\":{\"serverName\":\"pve.lan\","
                                    "\"insecureSkipVerify\":true,\"maxIdleConnsPerHost\":32,"));
    assert_non_null(strstr(traefik, "\"tls-site-a.example\":{\"serverName\":\"a.example\","
                                    "\"insecureSkipVerify\":false,"
                                    "\"rootCAs\":[\"/etc/home ca.crt\"],"));
    free(traefik);
    char *haproxy = write_kind(config, PROXY_HAPROXY);
    assert_non_null(strstr(haproxy,
                           "    server site 192.0.2.1:8443 ssl alpn h2,http/1.1 "
                           "sni str(a.example) verify required verifyhost a.example "
                           "ca-file '/etc/home ca.crt' pool-max-conn 32 pool-purge-delay 250ms\n"));
    assert_non_null(
        strstr(haproxy, "    server site pve.lan:443 ssl alpn h2,http/1.1 "
                        "sni str(pve.lan) verify none pool-max-conn 32 pool-purge-delay 250ms\n"));
    assert_non_null(
        strstr(haproxy, "    server site 192.0.2.1:80 pool-max-conn 32 pool-purge-delay 250ms\n"));
    free(haproxy);
    config_free(config);
}

/* The same upstream is another site under another path: the router says which. */
static void traefik_names_the_site_of_each_router(void **state)
{
    struct config *config =
        parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
              "\"upstream\":\"http://192.0.2.1/base\",\"projects\":{\"p\":{}}}}}");
    char *traefik = write_kind(config, PROXY_TRAEFIK);
    assert_non_null(strstr(traefik, "\"service\":\"site-a.example\",\"middlewares\":"
                                    "[\"name-project-p\",\"hall-auth\",\"hall-gone\","
                                    "\"prefix-site-a.example\"]"));
    assert_non_null(strstr(traefik, "\"name-project-p\":{\"headers\":{\"customRequestHeaders\":"
                                    "{\"X-Hall-Site\":\"a.example/p\"}}}"));
    assert_non_null(strstr(traefik, "\"name-site-a.example\":{\"headers\":{"
                                    "\"customRequestHeaders\":{\"X-Hall-Site\":\"a.example\"}}}"));
    assert_non_null(strstr(traefik, "\"authRequestHeaders\":[\"X-Hall-Site\","));
    free(traefik);
    config_free(config);
}

/* Each block says where it leads; the same upstream is another site under another path. */
static void nginx_and_caddy_name_the_site_of_each_block(void **state)
{
    struct config *config =
        parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
              "\"upstream\":\"http://192.0.2.1/base\",\"access\":{\"hold\":\"3s\"},"
              "\"projects\":{\"p\":{\"path\":\"/a*(.b\"}}}}}");
    char *nginx = write_kind(config, PROXY_NGINX);
    assert_non_null(strstr(nginx, "    location = \"/a*(.b\" {\n"
                                  "        set $hall_site \"a.example/p\";\n"));
    assert_non_null(strstr(nginx, "proxy_pass \"http://hall-domain-a.example/base/a*(.b/\";"));
    assert_non_null(strstr(nginx, "    location \"/\" {\n"
                                  "        set $hall_site \"a.example\";\n"));
    assert_non_null(strstr(nginx, "        proxy_read_timeout 5s;\n"));
    free(nginx);
    char *caddy = write_kind(config, PROXY_CADDY);
    assert_non_null(strstr(caddy, "\t@p path_regexp `^/a\\x2a\\x28\\x2eb(/|$)`\n"
                                  "\thandle @p {\n"
                                  "\t\troute {\n"
                                  "\t\t\trequest_header X-Hall-Site a.example/p\n"));
    assert_non_null(strstr(caddy, "\t\t\trequest_header X-Hall-Site a.example\n"));
    assert_non_null(strstr(caddy, "\t\t\t\t\tresponse_header_timeout 5s\n"));
    free(caddy);
    config_free(config);
}

/* A site is told by host and path exactly, of whatever letters; the longest path comes first. */
static void haproxy_asks_in_the_block_of_each_site(void **state)
{
    (void)state;
    struct config *config =
        parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
              "\"upstream\":\"http://192.0.2.1/50%25'x\",\"access\":{\"hold\":\"29s\"},"
              "\"projects\":{\"p\":{\"path\":\"/o'd$d\"},\"q\":{\"path\":\"/o'd$d/more\"}}},"
              "\"b.example\":{\"server\":\"s\",\"projects\":{\"r\":{\"path\":\"/r\","
              "\"upstream\":\"http://192.0.2.1\"}}}}}");
    char *text = write_kind(config, PROXY_HAPROXY);
    const char *longer =
        strstr(text, "    use_backend hall-project-q if { var(txn.hall_host) -m str "
                     "a.example } { var(txn.hall_path) -m beg "
                     "'/o'\\''d$d/more'/ }\n");
    const char *shorter = strstr(text, "    use_backend hall-project-p if { var(txn.hall_host) -m "
                                       "str a.example } { var(txn.hall_path) -m beg "
                                       "'/o'\\''d$d'/ }\n");
    assert_non_null(longer);
    assert_non_null(shorter);
    assert_true(longer < shorter);
    assert_non_null(strstr(shorter, "    use_backend hall-domain-a.example if { "
                                    "var(txn.hall_host) -m str a.example }\n"));
    assert_non_null(strstr(text, "\nbackend hall-project-p from hall\n"
                                 "    http-request lua.hall_ask a.example/p 31s\n"
                                 "    http-request return status 503 "));
    assert_non_null(strstr(text, "    http-request set-path '/50%%25'\\''x'%[path]\n"));
    assert_non_null(strstr(text, "    timeout server 31s\n"));
    assert_non_null(strstr(text, "\nbackend hall-domain-b.example from hall\n"
                                 "    http-request set-header X-Hall-Site b.example\n"
                                 "    server hall abns@hall-page\n"));
    free(text);
    config_free(config);
}

static void haproxy_takes_visitors_from_those_in_front(void **state)
{
    (void)state;
    struct config *config =
        parse("{\"proxy\":{\"trusted\":[\"203.0.113.0/24\",\"2001:db8::/48\"]}," SERVER
              ",\"domains\":{\"a.example\":{\"server\":\"s\",\"upstream\":\"http://192.0.2.1\"}}}");
    char *text = write_kind(config, PROXY_HAPROXY);
    assert_non_null(strstr(text, "    acl hall_front src 203.0.113.0/24\n"
                                 "    acl hall_front src 2001:db8::/48\n"
                                 "    http-request set-header X-Forwarded-For "
                                 "%[req.fhdr(x-forwarded-for)],%[src] if hall_front\n"
                                 "    http-request set-header X-Forwarded-For %[src] "
                                 "unless hall_front\n"));
    free(text);
    config_free(config);
}

/* Each in its own words; the site beside it is led to as ever. */
static void grpc_is_led_to_by_http_2(void **state)
{
    (void)state;
    struct config *config = parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
                                  "\"upstream\":\"h2c://192.0.2.1:50051\",\"projects\":{"
                                  "\"p\":{\"path\":\"/p\",\"upstream\":\"http://192.0.2.1\"}}}}}");
    char *nginx = write_kind(config, PROXY_NGINX);
    assert_non_null(strstr(nginx, "        grpc_set_header X-Hall-Site \"\";\n"
                                  "        grpc_pass \"grpc://hall-domain-a.example\";\n"));
    assert_non_null(strstr(nginx, "        client_body_timeout 1h;\n"));
    assert_non_null(strstr(nginx, "        proxy_pass \"http://hall-project-p\";\n"));
    assert_non_null(strstr(nginx, "    server 192.0.2.1:50051;\n"));
    free(nginx);
    char *caddy = write_kind(config, PROXY_CADDY);
    assert_non_null(strstr(caddy, "\t\t\treverse_proxy h2c://192.0.2.1:50051 {\n"));
    free(caddy);
    char *haproxy = write_kind(config, PROXY_HAPROXY);
    assert_non_null(strstr(haproxy, "    server site 192.0.2.1:50051 proto h2 "));
    free(haproxy);
    char *traefik = write_kind(config, PROXY_TRAEFIK);
    assert_non_null(strstr(traefik, "{\"url\":\"h2c://192.0.2.1:50051\"}"));
    free(traefik);
    config_free(config);
}

/* What is new in Hall's reading has to be sent to it, too. */
static void the_proxies_send_what_hall_reads(void **state)
{
    struct config *config = load(FOLDER "example.json");
    char line[128];
    char *nginx = write_kind(config, PROXY_NGINX);
    char *haproxy = write_kind(config, PROXY_HAPROXY);
    char *traefik = write_kind(config, PROXY_TRAEFIK);
    for (int field = FIELD_ACCEPT; field < FIELDS; field++) {
        const char *name = request_field_name((enum field)field);
        snprintf(line, sizeof line, "        proxy_set_header %s $http_", name);
        assert_non_null(strstr(nginx, line));
        snprintf(line, sizeof line, "\"%s\"", name);
        assert_non_null(strstr(traefik, line));
        for (char *c = line; (*c = (char)tolower((unsigned char)*c)) != '\0'; c++)
            ;
        line[strlen(line) - 1] = '\0';
        assert_non_null(strstr(haproxy, line + 1));
    }
    free(haproxy);
    free(traefik);
    free(nginx);
    config_free(config);
}

static void what_cannot_be_said_is_named(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\",\"projects\":{"
         "\"odd\":{\"path\":\"/a*b$c\",\"upstream\":\"http://192.0.2.1/base\"}}}}}",
         "project odd: the path has a '$'"},
        {"{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\"}},"
         "\"proxy\":{\"certificates\":\"/etc/\\\"; include /tmp/x; #\"}}",
         "proxy: the path of certificates has a quote"},
        {"{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\"}},"
         "\"proxy\":{\"certificates\":\"/etc/$host\"}}",
         "proxy: the path of certificates has a quote"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config = parse(cases[i].text);
        struct buf out = BUF_INIT(PROXY_CONFIG_MAX);
        struct buf errors = BUF_INIT(4096);
        assert_int_equal(
            proxy_config_write(config, &(struct proxy_options){.kind = PROXY_NGINX}, &out, &errors),
            -EINVAL);
        assert_non_null(strstr(buf_text(&errors), cases[i].error));
        buf_finish(&out);
        buf_finish(&errors);
        config_free(config);
    }
}

/* In a server block of somebody else's neither a map nor an upstream may stand, and NPM leaves its
 * own "location /" away where it sees another. */
static void a_snippet_is_for_inside_a_server_block(void **state)
{
    (void)state;
    struct config *config = parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\","
                                  "\"upstream\":\"http://192.0.2.1\",\"projects\":{"
                                  "\"p\":{\"path\":\"/p\",\"upstream\":\"h2c://grpc-web:50051\"},"
                                  "\"q\":{\"path\":\"/q\",\"upstream\":\"https://192.0.2.1/base\"},"
                                  "\"r\":{\"path\":\"/r\"}}}}}");
    char *text = write(config, &(struct proxy_options){.kind = PROXY_NGINX,
                                                       .form = PROXY_SNIPPET,
                                                       .fail_open = true,
                                                       .domain = "a.example"});
    assert_null(strstr(text, "map "));
    assert_null(strstr(text, "upstream "));
    assert_null(strstr(text, "server {"));
    assert_null(strstr(text, "location / "));
    assert_non_null(strstr(text, "    auth_request /.hall-auth;\n"));
    assert_non_null(
        strstr(text, "    location ^~ \"/p/\" {\n        auth_request /.hall-auth/p;\n"));
    assert_non_null(strstr(text, "        set $upstream_app grpc-web;\n"
                                 "        set $upstream_port 50051;\n"
                                 "        set $upstream_proto grpc;\n"));
    assert_non_null(strstr(text, "$upstream_port/base$request_uri\";\n"));
    assert_non_null(strstr(text, "        set $hall_site \"a.example/r\";\n"));
    assert_non_null(strstr(text, "        error_page 502 504 = @hall_open;\n"));
    free(text);
    config_free(config);
}

static struct json *list(const char *text)
{
    struct json_error error;
    struct json *value = NULL;
    assert_int_equal(json_read(text, strlen(text), &json_limits_config, &value, &error), 0);
    return value;
}

#define ROUTER(name_, rule_, priority_, more_)                                                     \
    "{\"name\":\"" name_ "\",\"provider\":\"p\",\"status\":\"enabled\",\"entryPoints\":[\"e\"],"   \
    "\"rule\":\"" rule_ "\",\"service\":\"s\",\"priority\":" priority_ more_ "}"
#define ASKS ",\"middlewares\":[\"a\"]"

static void routers_that_pass_hall_by_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *other;
        size_t found;
    } cases[] = {
        {ROUTER("o@p", "Host(`a.example`)", "0", ""), 1}, /* Traefik 2.11: by the rule's length */
        {ROUTER("o@p", "Host(`a.example`)", "4", ""), 0},
        {ROUTER("o@p", "Host(`a.example`)", "90", ASKS), 0},
        {ROUTER("o@p", "Host(`b.example`, `A.example`)", "0", ""), 1},
        {ROUTER("o@p", "Host(`b.example`) && !Host(`a.example`)", "0", ""), 0},
        {ROUTER("o@p", "PathPrefix(`/`)", "90", ""), 1},
        {ROUTER("o@p", "PathPrefix(`/`)", "0", ""), 0},
        {ROUTER("o@p", "Host(`a.example`)", "90", ",\"tls\":{}"), 1}, /* nothing of Hall's there */
        {ROUTER("o@p", "Host(`a.example`)", "90", ",\"middlewares\":[\"loop\"]"), 1},
        {"{\"name\":\"o@p\",\"rule\":\"Host(`a.example`)\",\"entryPoints\":[7,null]}", 1},
    };
    struct config *config = parse("{" SERVER ",\"domains\":{\"a.example\":{\"server\":\"s\"}}}");
    struct json *middlewares =
        list("[{\"name\":\"a@p\",\"forwardAuth\":{\"address\":\"http://127.0.0.1:8880/auth\"}},"
             "{\"name\":\"loop@p\",\"provider\":\"p\",\"chain\":{\"middlewares\":[\"loop\"]}}]");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[1024];
        struct buf out = BUF_INIT(4096);
        snprintf(text, sizeof text, "[%s,%s]", ROUTER("h@p", "Host(`a.example`)", "0", ASKS),
                 cases[i].other);
        struct json *routers = list(text);
        const struct proxy_traefik traefik = {.routers = routers, .middlewares = middlewares};
        if (proxy_check_traefik(config, &traefik, &out) != cases[i].found)
            fail_msg("%s: %s", cases[i].other, buf_text(&out));
        json_free(routers);
        buf_finish(&out);
    }
    struct buf out = BUF_INIT(4096);
    assert_int_equal(proxy_check_traefik(config, &(struct proxy_traefik){0}, &out), 1);
    assert_string_equal(buf_text(&out), "a.example: no router of this Traefik asks Hall for it\n");
    buf_finish(&out);
    json_free(middlewares);
    config_free(config);
}

static void kinds_have_names(void **state)
{
    enum proxy_kind kind;
    assert_true(proxy_kind_from_name("nginx", &kind));
    assert_int_equal(kind, PROXY_NGINX);
    assert_true(proxy_kind_from_name("haproxy", &kind));
    assert_int_equal(kind, PROXY_HAPROXY);
    assert_true(proxy_kind_from_name("traefik", &kind));
    assert_int_equal(kind, PROXY_TRAEFIK);
    assert_false(proxy_kind_from_name("apache", &kind));
}

static void proxies_in_front_are_named_to_each(void **state)
{
    struct config *config = parse("{\"proxy\":{\"tls\":false,\"trusted\":[\"203.0.113.0/24\","
                                  "\"192.0.2.9\",\"2001:db8::/32\"]}," SERVER
                                  ",\"domains\":{\"a.example\":{\"server\":\"s\","
                                  "\"upstream\":\"http://192.0.2.1:8080\"}}}");
    char *nginx = write(config, &(struct proxy_options){.kind = PROXY_NGINX});
    assert_non_null(strstr(nginx, "    set_real_ip_from 203.0.113.0/24;\n"
                                  "    set_real_ip_from 192.0.2.9/32;\n"
                                  "    set_real_ip_from 2001:db8::/32;\n"
                                  "    real_ip_header X-Forwarded-For;\n"
                                  "    real_ip_recursive on;\n"));
    free(nginx);
    char *caddy = write(config, &(struct proxy_options){.kind = PROXY_CADDY});
    const char *at = caddy;
    for (int i = 0; i < 2; i++) { /* for Hall, and for the site */
        at = strstr(at, "trusted_proxies 203.0.113.0/24 192.0.2.9/32 2001:db8::/32\n");
        assert_non_null(at++);
    }
    free(caddy);
    char *traefik = write(config, &(struct proxy_options){.kind = PROXY_TRAEFIK});
    assert_non_null(strstr(traefik, "\"trustForwardHeader\":true"));
    assert_non_null(strstr(traefik,
                           "\"X-Forwarded-Host\":\"a.example\",\"X-Forwarded-Method\":\"\","
                           "\"X-Forwarded-Uri\":\"\""));
    free(traefik);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_are_what_is_printed),
        cmocka_unit_test(traefik_gets_sound_json),
        cmocka_unit_test(options_are_heard),
        cmocka_unit_test(https_upstreams_are_verified_alike),
        cmocka_unit_test(traefik_names_the_site_of_each_router),
        cmocka_unit_test(nginx_and_caddy_name_the_site_of_each_block),
        cmocka_unit_test(haproxy_asks_in_the_block_of_each_site),
        cmocka_unit_test(haproxy_takes_visitors_from_those_in_front),
        cmocka_unit_test(grpc_is_led_to_by_http_2),
        cmocka_unit_test(the_proxies_send_what_hall_reads),
        cmocka_unit_test(what_cannot_be_said_is_named),
        cmocka_unit_test(a_snippet_is_for_inside_a_server_block),
        cmocka_unit_test(routers_that_pass_hall_by_are_counted),
        cmocka_unit_test(proxies_in_front_are_named_to_each),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
