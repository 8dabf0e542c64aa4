/* hallctl setup: the plan, made of answers and of what was found, without touching anything. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/places.h"
#include "base/text.h"
#include "hallctl/setup/edit.h"
#include "hallctl/setup/setup.h"
#include "unit.h"

/* ---- a machine ---- */

struct world {
    struct arena *arena;
    struct setup_answers answers;
    struct setup_found found;
    struct setup_secrets secrets;
    struct setup_plan plan;
    struct setup_notes notes;
};

static struct in_addr ip(const char *text)
{
    struct in_addr address;

    assert_int_equal(text_parse_ipv4(text, &address), 0);
    return address;
}

static struct world *world_create(void)
{
    struct arena *arena = arena_create();
    struct world *world = arena_alloc(arena, 1, sizeof(*world));

    world->arena = world->notes.arena = arena;
    world->secrets =
        (struct setup_secrets){"hall-pw", "op-pw", "ha-pw", "view-pw", "k1", "k2", NULL};
    struct setup_found *found = &world->found;
    found->hostname = "pi";
    found->timezone = "Europe/Paris";
    found->n_interfaces = 1;
    found->interfaces[0] = (struct setup_interface){.name = "eth0",
                                                    .address = ip("192.168.1.2"),
                                                    .broadcast = ip("192.168.1.255"),
                                                    .mask = ip("255.255.255.0"),
                                                    .is_default = true};
    found->n_neighbours = 1;
    found->neighbours[0] =
        (struct setup_neighbour){ip("192.168.1.20"), {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 1}};
    found->domains.path = PLACE_CONFIG;
    found->environment.path = PLACE_ENVIRONMENT;
    found->n_homes = 1;
    found->homes[0].settings.path = "/root/.config/hall/hallctl.json";
    found->broker =
        (struct setup_broker){.installed = true,
                              .drop_in = {"/etc/mosquitto/conf.d/hall.conf", NULL},
                              .acl = {"/etc/mosquitto/acl", NULL},
                              .users = {"/etc/mosquitto/passwords", NULL},
                              .names = {"/etc/mosquitto/certs/server.names", NULL},
                              .share_drop_in = "listener 1883 127.0.0.1\n\n# TLS\n#listener 8883\n"
                                               "#cafile x\n\n#listener 0 /run/s\n",
                              .share_acl = "user hall\n"};
    return world;
}

static void world_destroy(struct world *world)
{
    arena_destroy(world->arena);
}

static void plan(struct world *world)
{
    setup_plan(world->arena, &world->answers, &world->found, &world->secrets, &world->plan,
               &world->notes);
}

static void server(struct world *world, const char *text)
{
    setup_take_server(&world->answers, text, &world->notes);
}

static void site(struct world *world, const char *text)
{
    setup_take_site(&world->answers, text, &world->notes);
}

static const struct setup_change *change_of(const struct world *world, const char *path)
{
    for (size_t i = 0; i < world->plan.n_changes; i++)
        if (strcmp(world->plan.changes[i].path, path) == 0)
            return &world->plan.changes[i];
    return NULL;
}

/* What the plan says is done. */
static void carry_out(struct world *world)
{
    struct setup_found *found = &world->found;
    struct setup_file *files[] = {&found->domains, &found->environment, &found->homes[0].settings,
                                  &found->broker.drop_in, &found->broker.acl};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        const struct setup_change *change = change_of(world, files[i]->path);
        if (change)
            files[i]->text = change->after;
    }
    for (size_t i = 0; i < PROXY_PLACES; i++) {
        const struct proxy_place *place = &proxy_places[i];
        const struct setup_change *change = place->file ? change_of(world, place->file) : NULL;
        if (change)
            found->proxies[i].file = change->after;
        change = place->includer ? change_of(world, place->includer) : NULL;
        if (change)
            found->proxies[i].includer = change->after;
        change = place->script ? change_of(world, place->script) : NULL;
        if (change)
            found->proxies[i].script = change->after;
    }
    if (world->plan.new_users)
        found->broker.users.text = "hall:x\nhomeassistant:x\noperator:x\nviewer:x\n";
    if (world->plan.names) {
        found->broker.names.text = "DNS:pi,DNS:pi.local,IP:192.168.1.2\n";
        found->broker.has_certificate = true;
    }
    found->n_listeners = 5;
    found->listeners[2] = (struct setup_listener){ip("127.0.0.1"), 8881, "hall"};
    found->listeners[3] = (struct setup_listener){ip("192.168.1.2"), 8881, "hall"};
    found->listeners[4] = (struct setup_listener){ip("0.0.0.0"), 8883, "mosquitto"};
    found->listeners[0] = (struct setup_listener){ip("127.0.0.1"), 1883, "mosquitto"};
    found->listeners[1] = (struct setup_listener){ip("127.0.0.1"), 8880, "hall"};
}

static void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text ? text : "(nothing)");
}

/* ---- the first time, and again ---- */

static void test_first_time(void **state)
{
    struct world *world = world_create();

    server(world, "testing=192.168.1.20");
    site(world, "Testing.example.org=testing,http://192.168.1.20:8080");
    plan(world);
    assert_int_equal(world->notes.errors, 0);
    assert_has(world->plan.domains,
               "\"testing\": { \"address\": \"192.168.1.20\", \"mac\": \"aa:bb:cc:dd:ee:01\"");
    assert_has(world->plan.domains, "\"testing.example.org\": { \"server\": \"testing\", "
                                    "\"upstream\": \"http://192.168.1.20:8080\" }");
    assert_has(world->plan.domains, "\"192.168.1.2:8881\"");
    assert_has(world->plan.domains, "\"timezone\": \"Europe/Paris\"");
    assert_string_equal(
        change_of(world, "/etc/mosquitto/conf.d/hall.conf")->after,
        "listener 1883 127.0.0.1\n\n# TLS\nlistener 8883\ncafile x\n\n#listener 0 /run/s\n");
    assert_string_equal(world->plan.new_users, "hall homeassistant operator viewer");
    assert_string_equal(world->plan.names, "pi pi.local 192.168.1.2");
    const struct setup_change *environment = change_of(world, PLACE_ENVIRONMENT);
    assert_int_equal(environment->mode, 0600);
    assert_true(environment->secret);
    assert_has(environment->after, "\nHALL_MQTT_PASSWORD=hall-pw\n");
    assert_has(environment->after, "\n# broker user homeassistant: ha-pw\n");
    assert_has(change_of(world, "/root/.config/hall/hallctl.json")->after,
               "\"password\": \"op-pw\"");
    assert_true(world->plan.restart_broker && world->plan.restart_hall);
    carry_out(world);
    plan(world);
    assert_int_equal(world->notes.errors, 0);
    assert_true(setup_plan_is_empty(&world->plan));
    world_destroy(world);
}

static void test_only_what_is_new_is_added(void **state)
{
    static const char before[] =
        "{\"mqtt\":{\"url\":\"mqtt://127.0.0.1:1883\"},\n"
        "  \"servers\" : {\"nas\":{\"mac\":\"02:00:00:00:00:09\",\"address\":\"192.168.1.9\"}},\n"
        "\t\"domains\":{ } , \"site\":\"home\"}\n";
    static const char after[] =
        "{\"mqtt\":{\"url\":\"mqtt://127.0.0.1:1883\"},\n"
        "  \"servers\" : {\"nas\":{\"mac\":\"02:00:00:00:00:09\",\"address\":\"192.168.1.9\"}, "
        "\"testing\": { \"address\": \"192.168.1.20\", \"mac\": \"aa:bb:cc:dd:ee:01\", "
        "\"wake\": { \"broadcast\": \"192.168.1.255\" } }},\n"
        "\t\"domains\":{ } , \"site\":\"home\"}\n";
    struct world *world = world_create();

    world->found.domains.text = before;
    server(world, "testing=192.168.1.20");
    plan(world);
    assert_int_equal(world->notes.errors, 0);
    assert_int_equal(world->plan.n_changes, 1);
    assert_string_equal(world->plan.domains, after);
    world_destroy(world);
}

static void test_passwords_are_kept(void **state)
{
    struct world *world = world_create();

    world->found.broker.users.text = "hall:x\noperator:x\n";
    world->found.environment.text = "# mine\nHALL_MQTT_PASSWORD=old\nHALL_SECRET_KEY='a b'\n";
    world->found.homes[0].settings.text = "{}";
    server(world, "testing=192.168.1.20");
    plan(world);
    assert_string_equal(world->plan.new_users, "homeassistant viewer");
    assert_null(world->plan.renew[0]);
    assert_has(change_of(world, PLACE_ENVIRONMENT)->after,
               "# mine\nHALL_MQTT_PASSWORD=old\nHALL_SECRET_KEY='a b'\nHALL_API_KEY=k2\n");
    /* Nobody has it: a new one. */
    world->found.environment.text = NULL;
    plan(world);
    assert_string_equal(world->plan.renew[0], "hall");
    assert_null(world->plan.renew[1]);
    world_destroy(world);
}

/* Killed, or the disk was full, behind any of its steps: run again it ends as if it never was. */
static void test_what_was_cut_short(void **state)
{
    struct world *whole = world_create();
    server(whole, "testing=192.168.1.20");
    plan(whole);
    const size_t n = whole->plan.n_changes;
    assert_string_equal(whole->plan.changes[n - 1].path, PLACE_CONFIG);

    for (size_t done = 0; done < n; done++) {
        struct world *world = world_create();
        server(world, "testing=192.168.1.20");
        plan(world);
        world->plan.n_changes = done;
        carry_out(world);
        world->found.n_listeners = 0;
        plan(world);
        assert_int_equal(world->notes.errors, 0);
        carry_out(world);
        assert_has(world->found.environment.text, "HALL_MQTT_PASSWORD=hall-pw");
        assert_has(world->found.environment.text, "HALL_SECRET_KEY=");
        assert_has(world->found.homes[0].settings.text, "\"password\": ");
        assert_string_equal(world->found.domains.text, whole->plan.domains);
        plan(world);
        assert_true(setup_plan_is_empty(&world->plan));
        /* The broker was not told, nor Hall, which does not listen in the network yet. */
        world->found.n_listeners = 3;
        plan(world);
        assert_true(world->plan.restart_broker);
        assert_true(world->plan.restart_hall);
        world_destroy(world);
    }
    world_destroy(whole);
}

static void test_secrets_survive_the_file(void **state)
{
    static const char hash[] = "$argon2id$v=19$m=8,t=3$a\"b\\c`d";
    struct world *world = world_create();

    world->secrets.admin_hash = hash;
    server(world, "testing=192.168.1.20");
    plan(world);
    assert_string_equal(setup_variable(world->arena, change_of(world, PLACE_ENVIRONMENT)->after,
                                       "HALL_ADMIN_PASSWORD_HASH"),
                        hash);
    assert_null(setup_variable(world->arena, "A=\nAB=1\n", "A"));
    assert_string_equal(setup_variable(world->arena, "A=1\nA=2", "A"), "2");
    world_destroy(world);
}

/* ---- wrong answers ---- */

static void test_wrong_answers(void **state)
{
    static const struct {
        const char *server, *site;
        enum setup_code code;
    } rows[] = {
        {"testing", NULL, SETUP_SERVER_FORM},
        {"Testing=192.168.1.20", NULL, SETUP_SERVER_ID},
        {"operator=192.168.1.20", NULL, SETUP_SERVER_ROLE},
        {"testing=nas.lan", NULL, SETUP_SERVER_ADDRESS},
        {"testing=0.0.0.0", NULL, SETUP_SERVER_ADDRESS},
        {"testing=224.0.0.1", NULL, SETUP_SERVER_ADDRESS},
        {"testing=192.168.1.20,aa:bb", NULL, SETUP_SERVER_MAC},
        {"testing=192.168.1.20,aa:bb:cc:dd:ee:01,x", NULL, SETUP_SERVER_MAC},
        {"testing=10.0.0.1,aa:bb:cc:dd:ee:01", NULL, SETUP_SERVER_NETWORK},
        {"testing=192.168.1.2,aa:bb:cc:dd:ee:01", NULL, SETUP_SERVER_OWN},
        {"testing=192.168.1.21", NULL, SETUP_SERVER_SILENT},
        {NULL, "a.example.org", SETUP_SITE_FORM},
        {NULL, "a.example.org=nas,http://192.168.1.20", SETUP_SITE_SERVER},
        {"testing=192.168.1.20", "a.example.org=testing,http://192.168.1.20,never",
         SETUP_SITE_POLICY},
        {"testing=192.168.1.20", "a.example.org=testing,ftp://192.168.1.20", SETUP_CONFIGURATION},
        {"testing=192.168.1.20", "a b=testing,http://192.168.1.20", SETUP_CONFIGURATION},
        {"testing=192.168.1.20", "a\"b=testing,http://192.168.1.20", SETUP_SITE_FORM},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = world_create();
        if (rows[i].server)
            server(world, rows[i].server);
        if (rows[i].site)
            site(world, rows[i].site);
        plan(world);
        assert_true(world->notes.errors > 0);
        if (world->notes.all[0].code != rows[i].code)
            fail_msg("row %zu: found %s", i, setup_rows[world->notes.all[0].code].name);
        world_destroy(world);
    }
}

static void test_wrong_settings(void **state)
{
    static const struct {
        struct setup_answers answers;
        enum setup_code code;
    } rows[] = {
        {{.interface = "eth9"}, SETUP_INTERFACE},
        {{.language = "de"}, SETUP_LANGUAGE},
        {{.proxy = "apache"}, SETUP_PROXY},
        {{.proxy = "nginx"}, SETUP_MISSING},
        {{.broker = "http://hall"}, SETUP_BROKER_URL},
        {{.user = "me"}, SETUP_BROKER_OPTION},
        {{.broker = "local", .ca = "/ca"}, SETUP_BROKER_OPTION},
        {{.broker_password = "pw"}, SETUP_BROKER_OPTION},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = world_create();
        world->answers = rows[i].answers;
        plan(world);
        assert_true(world->notes.errors > 0);
        assert_int_equal(world->notes.all[0].code, rows[i].code);
        world_destroy(world);
    }
}

/* What is wrong in the file is said in the reader's language, as Hall says it. */
static void test_a_broken_configuration(void **state)
{
    static const struct {
        const char *text, *english, *french;
    } rows[] = {
        {"{ \"servers\": {", ":1:15: ", ":1:15: "},
        {"{ \"mqtt\": 1 }", "/mqtt: found 1; allowed: an object", "un objet"},
        {"{ \"domains\": [] }", "/domains: ", "un objet"},
        {"[]", "an object", "un objet"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int french = 0; french < 2; french++) {
            struct world *world = world_create();
            world->found.domains.text = rows[i].text;
            world->answers.french = french == 1;
            world->answers.broker = "local";
            server(world, "testing=192.168.1.20");
            site(world, "a.example.org=testing,http://192.168.1.20,always_on");
            plan(world);
            assert_true(world->notes.errors > 0);
            assert_int_equal(world->notes.all[0].code, SETUP_CONFIGURATION);
            assert_has(world->notes.all[0].values[0], french ? rows[i].french : rows[i].english);
            world_destroy(world);
        }
}

static void test_twice(void **state)
{
    struct world *world = world_create();

    server(world, "testing=192.168.1.20");
    server(world, "testing=192.168.1.20");
    site(world, "a.example.org=testing");
    site(world, "A.example.org=testing");
    assert_int_equal(world->notes.n, 2);
    assert_int_equal(world->notes.all[0].code, SETUP_SERVER_TWICE);
    assert_int_equal(world->notes.all[1].code, SETUP_SITE_TWICE);
    world_destroy(world);
}

/* ---- what is there of others ---- */

static void test_a_broker_of_others(void **state)
{
    struct world *world = world_create();

    world->found.broker.foreign_file = "/etc/mosquitto/conf.d/mine.conf";
    world->found.broker.foreign_word = "listener";
    plan(world);
    assert_int_equal(world->notes.all[0].code, SETUP_BROKER_FOREIGN);
    world->notes.n = world->notes.errors = 0;
    world->found.broker.foreign_file = NULL;
    world->found.broker.acl.text = "user somebody\n";
    plan(world);
    assert_int_equal(world->notes.all[0].code, SETUP_BROKER_FOREIGN);
    world->notes.n = world->notes.errors = 0;
    world->found.broker.acl.text = "user hall\n# mine\n";
    plan(world);
    assert_int_equal(world->notes.all[0].code, SETUP_ACL_KEPT);
    assert_int_equal(world->notes.errors, 0);
    assert_null(change_of(world, "/etc/mosquitto/acl"));
    world_destroy(world);
}

static void test_no_broker(void **state)
{
    struct world *world = world_create();

    world->found.broker.installed = false;
    plan(world);
    assert_int_equal(world->notes.errors, 1);
    assert_int_equal(world->notes.all[0].code, SETUP_BROKER_MISSING);
    world_destroy(world);
}

static void test_ports(void **state)
{
    struct world *world = world_create();

    world->found.n_listeners = 1;
    world->found.listeners[0] = (struct setup_listener){ip("0.0.0.0"), 8880, "squid"};
    plan(world);
    assert_int_equal(world->notes.errors, 1);
    assert_int_equal(world->notes.all[0].code, SETUP_PORT_TAKEN);
    assert_string_equal(world->notes.all[0].values[1], "squid");
    world_destroy(world);
}

static void install_proxy(struct world *world, const char *name)
{
    struct proxy_found *found = &world->found.proxies[proxy_place_named(name) - proxy_places];

    found->installed = true;
    found->share = "-- share\n";
    world->answers.proxy = name;
    server(world, "testing=192.168.1.20");
    site(world, "a.example.org=testing,http://192.168.1.20");
}

static void test_proxies(void **state)
{
    for (size_t i = 0; i < PROXY_PLACES; i++) {
        const struct proxy_place *place = &proxy_places[i];
        struct world *world = world_create();

        install_proxy(world, place->name);
        world->found.n_certificates = 1;
        world->found.certificates[0] = "a.example.org";
        world->found.proxies[i].includer = "# mine";
        plan(world);
        assert_int_equal(world->notes.errors, 0);
        assert_ptr_equal(world->plan.proxy, place);
        if (place->includer) {
            const char *text = change_of(world, place->includer)->after;
            assert_memory_equal(text, "# mine\n", 7);
            assert_memory_equal(text + 7, place->include, strlen(place->include));
        }
        carry_out(world);
        world->found.proxies[i].script =
            world->found.proxies[i].script ? "-- share\n/traefik/config" : NULL;
        if (place->script && !place->marker)
            world->found.proxies[i].script = "-- share\n";
        /* It did not start: that is tried again. */
        plan(world);
        assert_int_equal(world->plan.n_changes, 0);
        assert_ptr_equal(world->plan.proxy, place);
        text_copy(world->found.listeners[world->found.n_listeners].program, 16, place->name);
        world->found.listeners[world->found.n_listeners++].port = 80;
        plan(world);
        assert_int_equal(world->notes.errors, 0);
        assert_true(setup_plan_is_empty(&world->plan));
        world_destroy(world);
    }
}

static void test_ports_of_proxies(void **state)
{
    static const struct {
        uint16_t port;
        bool http_only;
        size_t errors;
    } rows[] = {{80, true, 1}, {443, false, 1}, {443, true, 0}, {8080, false, 0}};

    for (size_t i = 0; i < PROXY_PLACES * ARRAY_SIZE(rows); i++) {
        const struct proxy_place *place = &proxy_places[i % PROXY_PLACES];
        struct world *world = world_create();
        install_proxy(world, place->name);
        world->found.n_certificates = 1;
        world->found.certificates[0] = "a.example.org";
        world->answers.http_only = rows[i / PROXY_PLACES].http_only;
        world->found.n_listeners = 1;
        world->found.listeners[0] =
            (struct setup_listener){ip("127.0.0.1"), rows[i / PROXY_PLACES].port, "squid"};
        plan(world);
        assert_int_equal(world->notes.errors, rows[i / PROXY_PLACES].errors);
        if (world->notes.errors > 0) {
            assert_int_equal(world->notes.all[0].code, SETUP_PORT_TAKEN);
            assert_string_equal(world->notes.all[0].values[2], place->name);
        }
        world_destroy(world);
    }
}

/* A long one too gets to what judges it. */
static void test_a_long_answer(void **state)
{
    char user[100001];
    struct world *world = world_create();

    memset(user, 'u', sizeof(user) - 1);
    user[sizeof(user) - 1] = '\0';
    world->answers.user = user;
    world->answers.broker = "mqtt://127.0.0.1";
    plan(world);
    assert_int_equal(world->notes.errors, 1);
    assert_has(world->notes.all[0].values[0], "/mqtt/username");
    world_destroy(world);
}

static void test_places_of_others(void **state)
{
    for (size_t i = 0; i < PROXY_PLACES; i++) {
        const struct proxy_place *place = &proxy_places[i];
        struct world *world = world_create();

        install_proxy(world, place->name);
        world->answers.http_only = true;
        world->found.proxies[i].file = "server {}\n";
        world->found.proxies[i].script = "api: {}\n";
        plan(world);
        assert_int_equal(world->notes.errors, 1);
        assert_int_equal(world->notes.all[0].code, place->file ? SETUP_FILE_TAKEN : place->taken);
        world_destroy(world);
    }
    struct world *world = world_create();
    install_proxy(world, "haproxy");
    world->found.proxies[proxy_place_named("haproxy") - proxy_places].includer =
        " EXTRAOPTS=\"-de\"\n";
    plan(world);
    assert_int_equal(world->notes.all[0].code, SETUP_HAPROXY_TAKEN);
    world_destroy(world);
}

/* Debian has no package of Traefik that could be named. */
static void test_missing_proxies(void **state)
{
    for (size_t i = 0; i < PROXY_PLACES; i++) {
        struct world *world = world_create();
        world->answers.proxy = proxy_places[i].name;
        plan(world);
        assert_int_equal(world->notes.errors, 1);
        assert_int_equal(world->notes.all[0].code,
                         proxy_places[i].package ? SETUP_MISSING : SETUP_PROXY_MISSING);
        assert_string_equal(world->notes.all[0].values[1],
                            proxy_places[i].package ? proxy_places[i].package : "/etc/traefik");
        world_destroy(world);
    }
}

static void test_certificates(void **state)
{
    struct world *world = world_create();

    install_proxy(world, "nginx");
    plan(world);
    assert_int_equal(world->notes.errors, 1);
    assert_int_equal(world->notes.all[0].code, SETUP_CERTIFICATE);
    world->notes.n = world->notes.errors = 0;
    world->answers.http_only = true;
    plan(world);
    assert_int_equal(world->notes.errors, 0);
    assert_has(world->plan.domains, "\"proxy\": { \"tls\": false }");
    world_destroy(world);
}

/* ---- editing ---- */

static void test_edit(void **state)
{
    static const struct {
        const char *text, *keys[4], *value, *edited;
    } rows[] = {
        {"{}", {"a"}, "1", "{\n  \"a\": 1\n}"},
        {"{ }", {"a", "b"}, "1", "{\n  \"a\": { \"b\": 1 }\n}"},
        {"{\"a\":1}", {"b"}, "2", "{\"a\":1, \"b\": 2}"},
        {"{\n \"a\": 1\n}", {"b"}, "2", "{\n \"a\": 1,\n  \"b\": 2\n}"},
        {"{\"a\" : 1 }", {"a"}, "2", "{\"a\" : 2 }"},
        {"{\"a\":{\"b\":[1,{\"c\":\"}\"}]},\"d\":0}",
         {"a", "c"},
         "2",
         "{\"a\":{\"b\":[1,{\"c\":\"}\"}], \"c\": 2},\"d\":0}"},
        {"{\"x\\\"a\":1,\"a\":\"y\\\\\"}", {"a"}, "2", "{\"x\\\"a\":1,\"a\":2}"},
        {"{\"a\": {}}", {"a", "b"}, "2", "{\"a\": {\n    \"b\": 2\n  }}"},
        {"{\"a\":null,\"d\":0}", {"a", "b", "c"}, "2", "{\"a\":{ \"b\": { \"c\": 2 } },\"d\":0}"},
        {"{\"a\":1}", {"a", "b"}, "2", NULL},
        {"[]", {"a"}, "2", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena *arena = arena_create();
        const char *edited = edit_set(arena, rows[i].text, rows[i].keys, rows[i].value);
        if (!text_equal(edited, rows[i].edited))
            fail_msg("row %zu: found %s", i, edited ? edited : "(nothing)");
        arena_destroy(arena);
    }
}

/* ---- texts ---- */

static void test_texts(void **state)
{
    for (size_t code = 0; code < SETUP_CODES; code++) {
        const struct setup_row *row = &setup_rows[code];
        assert_non_null(row->name);
        for (size_t language = 0; language < SAY_LANGUAGES; language++) {
            struct buf out = BUF_INIT(4096);
            const struct setup_note note = {(enum setup_code)code, {"VALUE1", "VALUE2", "VALUE3"}};
            setup_say(&note, (enum say_language)language, &out);
            assert_null(strchr(buf_text(&out), '{'));
            for (size_t i = 0; i < SETUP_PARAMS_MAX && row->params[i]; i++)
                assert_has(buf_text(&out), note.values[i]);
            buf_finish(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_time),
        cmocka_unit_test(test_only_what_is_new_is_added),
        cmocka_unit_test(test_passwords_are_kept),
        cmocka_unit_test(test_what_was_cut_short),
        cmocka_unit_test(test_secrets_survive_the_file),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_wrong_settings),
        cmocka_unit_test(test_a_broken_configuration),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_a_broker_of_others),
        cmocka_unit_test(test_no_broker),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_ports_of_proxies),
        cmocka_unit_test(test_a_long_answer),
        cmocka_unit_test(test_places_of_others),
        cmocka_unit_test(test_missing_proxies),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
