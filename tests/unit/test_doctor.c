/* doctor: what each judge makes of facts, the sentences and commands, and the runner's limits. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "hallctl/doctor/facts.h"
#include "say/say_doctor.h"
#include "unit.h"

/* ---- help ---- */

enum { TEXT_SIZE = 2048 };

#define PUT(field_, text_) text_copy(field_, sizeof(field_), text_)

/* The codes that a judge finds, without "doctor.", with a blank between them. */
static const char *judged(const struct doctor_check *check, const void *facts)
{
    static char text[TEXT_SIZE];
    struct findings findings = {0};

    text[0] = '\0';
    check->judge(facts, &findings);
    for (size_t i = 0; i < findings.n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
                 doctor_rows[findings.all[i].code].name + strlen("doctor."));
    free(findings.all);
    return text;
}

static const char *first_sentence(const struct doctor_check *check, const void *facts)
{
    static char text[TEXT_SIZE];
    struct findings findings = {0};
    struct buf out = BUF_INIT(TEXT_SIZE);

    check->judge(facts, &findings);
    assert_true(findings.n > 0);
    doctor_say(&findings.all[0], SAY_ENGLISH, &out);
    snprintf(text, sizeof(text), "%s", buf_text(&out));
    buf_finish(&out);
    free(findings.all);
    return text;
}

static const char *first_command(const struct doctor_check *check, const void *facts)
{
    static char text[TEXT_SIZE];
    struct findings findings = {0};
    struct buf out = BUF_INIT(TEXT_SIZE);

    check->judge(facts, &findings);
    assert_true(findings.n > 0);
    doctor_say_command(&findings.all[0], &out);
    snprintf(text, sizeof(text), "%s", buf_text(&out));
    buf_finish(&out);
    free(findings.all);
    return text;
}

static struct in_addr ip(const char *text)
{
    struct in_addr address;

    assert_int_equal(inet_pton(AF_INET, text, &address), 1);
    return address;
}

/* ---- the table ---- */

/* Are the parameters of a text those of its row, and its brackets even? */
static void check_text(const struct doctor_row *row, const char *text)
{
    int depth = 0;

    for (const char *at = text; *at; at++) {
        bool known = false;

        depth += (*at == '[') - (*at == ']');
        assert_true(depth == 0 || depth == 1);
        if (*at != '{')
            continue;
        const size_t length = strcspn(at + 1, "}");
        for (size_t i = 0; row->params[i]; i++)
            known = known || (strlen(row->params[i]) == length &&
                              strncmp(row->params[i], at + 1, length) == 0);
        if (!known)
            fail_msg("%s: %s", row->name, at);
    }
    assert_int_equal(depth, 0);
}

static void test_rows(void **state)
{
    for (unsigned i = 0; i < DOCTOR_CODES; i++) {
        const struct doctor_row *row = &doctor_rows[i];

        assert_non_null(row->name);
        assert_int_equal(strncmp(row->name, "doctor.", 7), 0);
        /* What is not good can be mended. */
        assert_int_equal(row->command == NULL, row->verdict == DOCTOR_IS_GOOD);
        for (unsigned k = 0; k < SAY_LANGUAGES; k++)
            check_text(row, row->texts[k]);
        if (row->command)
            check_text(row, row->command);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(row->name, doctor_rows[k].name);
    }
}

/* Values of others are one word of a shell each, and no option. */
static void test_commands_are_quoted(void **state)
{
    static const struct {
        const char *value, *command;
    } rows[] = {
        {"eno1", "ssh 192.0.2.1 sudo ethtool -s eno1 wol g"},
        {"eno1; reboot", "ssh 192.0.2.1 sudo ethtool -s 'eno1; reboot' wol g"},
        {"a'b", "ssh 192.0.2.1 sudo ethtool -s 'a'\\''b' wol g"},
        {"$(x)\n", "ssh 192.0.2.1 sudo ethtool -s '$(x)?' wol g"},
        {"--help", "ssh 192.0.2.1 sudo ethtool -s '?-help' wol g"},
        {"", "ssh 192.0.2.1 sudo ethtool -s '' wol g"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct doctor_finding finding = {.code = DOCTOR_SERVER_WOL_OFF};
        struct buf out = BUF_INIT(TEXT_SIZE);

        PUT(finding.values[0], "nas");
        PUT(finding.values[1], rows[i].value);
        PUT(finding.values[2], "192.0.2.1");
        doctor_say_command(&finding, &out);
        assert_string_equal(buf_text(&out), rows[i].command);
        buf_clear(&out);
        doctor_say(&finding, SAY_ENGLISH, &out);
        assert_int_equal(strstr(buf_text(&out), "card of nas") != NULL, rows[i].value[0] == '\0');
        buf_finish(&out);
    }
}

static void test_words(void **state)
{
    assert_string_equal(doctor_verdict_name(DOCTOR_IS_WARNING), "warning");
    assert_string_equal(doctor_verdict_shown(DOCTOR_IS_BAD, SAY_ENGLISH), "bad");
    assert_string_equal(doctor_verdict_shown(DOCTOR_IS_BAD, SAY_FRENCH), "mauvais");
}

/* ---- judges ---- */

static void test_nothing_known_is_nothing_said(void **state)
{
    static const struct doctor_check *const all[] = {
        &configuration_check, &units_check,   &disk_check,  &clock_check,
        &ping_check,          &network_check, &ports_check, &broker_check,
        &certificate_check,   &bus_check,     &dns_check,   &proxy_check,
    };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        void *facts = calloc(1, all[i]->size);

        assert_string_equal(judged(all[i], facts), "");
        free(facts);
    }
}

static void test_configuration(void **state)
{
    struct configuration_facts facts = {.looked = true, .file = "/f", .servers = 2, .domains = 3};

    assert_string_equal(first_sentence(&configuration_check, &facts),
                        "/f is valid (2 servers, 3 domains)");
    facts.n_notes = 1;
    PUT(facts.notes[0], "two share a container");
    assert_string_equal(judged(&configuration_check, &facts),
                        "configuration.good configuration.note");
    facts.n_notes = 0;
    facts.error = -ENOENT;
    assert_string_equal(judged(&configuration_check, &facts), "configuration.none");
    facts.error = -EACCES;
    assert_string_equal(judged(&configuration_check, &facts), "configuration.closed");
    facts.error = -EINVAL;
    facts.errors = 4;
    PUT(facts.first, "/f: /servers: found 1");
    assert_string_equal(first_sentence(&configuration_check, &facts),
                        "the configuration has errors (4): /f: /servers: found 1");
    assert_string_equal(first_command(&configuration_check, &facts), "sudo hallctl check /f");
}

static void test_secrets(void **state)
{
    static const struct {
        int error;
        unsigned mode, allowed;
        const char *found, *command;
    } rows[] = {
        {0, 0600, 0770, "secrets.good", NULL},
        {0, 0640, 0770, "secrets.good", NULL},
        {0, 0644, 0770, "secrets.open", "sudo chmod 640 /s"},
        {0, 0602, 0770, "secrets.open", "sudo chmod 600 /s"},
        {0, 0640, 0700, "secrets.open", "sudo chmod 600 /s"},
        {-ENOENT, 0, 0770, "", NULL},
        {-EACCES, 0, 0770, "check.root", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct configuration_facts facts = {.n_secrets = 1};

        facts.secrets[0] =
            (struct secret_facts){"/s", rows[i].error, rows[i].mode, rows[i].allowed};
        assert_string_equal(judged(&configuration_check, &facts), rows[i].found);
        if (rows[i].command)
            assert_string_equal(first_command(&configuration_check, &facts), rows[i].command);
    }
}

static void test_ping(void **state)
{
    static const struct {
        uint64_t low, high, group;
        const char *found;
    } rows[] = {
        {0, 2147483647, 0, "ping.good"}, {1, 0, 0, "ping.closed"},    {1, 0, 1, "ping.closed"},
        {100, 100, 100, "ping.good"},    {0, 99, 100, "ping.closed"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct ping_facts facts = {true, rows[i].low, rows[i].high, rows[i].group, "hall"};

        assert_string_equal(judged(&ping_check, &facts), rows[i].found);
    }
}

static void test_clock(void **state)
{
    assert_string_equal(judged(&clock_check, &(struct clock_facts){true, true, true}),
                        "clock.good");
    assert_string_equal(judged(&clock_check, &(struct clock_facts){true, true, false}),
                        "clock.no_rtc");
    assert_string_equal(judged(&clock_check, &(struct clock_facts){true, false, true}),
                        "clock.free");
}

static void test_disk(void **state)
{
    static const struct {
        int error;
        uint64_t free_mb;
        bool readonly;
        const char *found;
    } rows[] = {
        {0, 100, false, "disk.good"},      {0, 99, false, "disk.low"},
        {0, 8, false, "disk.low"},         {0, 7, false, "disk.full"},
        {0, 1000, true, "disk.readonly"},  {-ENOENT, 0, false, "disk.missing"},
        {-EACCES, 0, false, "check.root"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct disk_facts facts = {.looked = true,
                                         .path = "/v",
                                         .error = rows[i].error,
                                         .free_mb = rows[i].free_mb,
                                         .readonly = rows[i].readonly};

        assert_string_equal(judged(&disk_check, &facts), rows[i].found);
    }
}

static void test_store(void **state)
{
    struct disk_facts facts = {.looked = true, .path = "/var/lib/hall", .free_mb = 1000};

    PUT(facts.problem, "it is locked by another program");
    assert_string_equal(judged(&disk_check, &facts), "disk.good store.problem");
}

static void test_units(void **state)
{
    static const struct {
        struct unit unit;
        bool hall_here;
        const char *found;
    } rows[] = {
        {{"hall.service", "loaded", "active", "enabled", "success", "/usr/lib/systemd/system/h", 0,
          false, true},
         true,
         "unit.good"},
        {{"hall.service", "loaded", "failed", "enabled", "exit-code", "", 0, false, true},
         true,
         "unit.failed"},
        {{"hall.service", "loaded", "activating", "enabled", "exit-code", "", 5, false, true},
         true,
         "unit.failed"},
        {{"hall.service", "loaded", "inactive", "enabled", "success", "", 0, false, true},
         true,
         "unit.stopped"},
        {{"hall.service", "loaded", "inactive", "disabled", "success", "", 0, false, true},
         true,
         "unit.stopped unit.disabled"},
        {{"hall.service", "loaded", "inactive", "disabled", "success", "", 0, false, true},
         false,
         ""},
        {{"nginx.service", "loaded", "inactive", "disabled", "success", "", 0, false, true},
         true,
         ""},
        {{"nginx.service", "loaded", "active", "disabled", "success", "", 0, false, true},
         true,
         "unit.disabled"},
        {{"nginx.service", "not-found", "inactive", "", "", "", 0, false, false}, true, ""},
        {{"mosquitto.service", "loaded", "active", "enabled", "success", "", 3, false, true},
         true,
         "unit.restarts"},
        {{"hall.service", "loaded", "active", "enabled", "success",
          "/etc/systemd/system/hall.service", 0, false, true},
         true,
         "unit.hides"},
        {{"hall.service", "loaded", "active", "enabled", "success",
          "/etc/systemd/system/hall.service", 0, false, false},
         true,
         "unit.good"},
        {{"hall.service", "loaded", "active", "enabled", "success", "", 0, true, false},
         true,
         "unit.stale"},
    };
    const struct unit_facts none = {.systemd_missing = true};

    assert_string_equal(judged(&units_check, &none), "unit.no_systemd");
    assert_string_equal(judged(&units_check, &(struct unit_facts){.asked = true}), "unit.unseen");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct unit_facts facts = {
            .hall_here = rows[i].hall_here, .n = 1, .units = {rows[i].unit}};

        assert_string_equal(judged(&units_check, &facts), rows[i].found);
    }
}

static void test_network(void **state)
{
    static struct network_facts facts;
    struct network_server *server = &facts.servers[0];

    facts = (struct network_facts){.file = "/f", .n = 1};
    *server = (struct network_server){
        "nas", "eth0", "",   ip("192.168.1.20"), ip("192.168.1.255"), ip("192.168.1.255"),
        false, false,  false};
    assert_string_equal(judged(&network_check, &facts), "network.good");
    server->broadcast = ip("255.255.255.255");
    assert_string_equal(judged(&network_check, &facts), "network.good");
    server->broadcast = ip("192.168.2.255");
    assert_string_equal(judged(&network_check, &facts), "network.broadcast");
    server->is_down = true;
    assert_string_equal(judged(&network_check, &facts), "network.down");
    assert_string_equal(first_command(&network_check, &facts), "sudo ip link set eth0 up");
    server->missing = true;
    assert_string_equal(judged(&network_check, &facts), "network.no_interface");
    PUT(server->relay, "attic");
    assert_string_equal(judged(&network_check, &facts), "network.relay");
    *server = (struct network_server){"nas", "",    "",    ip("10.0.0.1"), ip("255.255.255.255"),
                                      {0},   false, false, false};
    assert_string_equal(judged(&network_check, &facts), "network.far");
    server->loopback = true;
    assert_string_equal(judged(&network_check, &facts), "network.good");
}

static void test_ports(void **state)
{
    static const struct {
        enum port_state state;
        bool admin, everywhere;
        const char *found;
    } rows[] = {
        {PORT_HALL, false, false, "port.good"},  {PORT_HALL, false, true, "port.everywhere"},
        {PORT_HALL, true, true, "port.good"},    {PORT_CLOSED, false, false, "port.closed"},
        {PORT_OTHER, true, false, "port.taken"}, {PORT_SILENT, true, false, "port.silent"},
        {PORT_UNKNOWN, false, false, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct port_facts facts = {.n = 1, .allowed = "10.0.0.0/8"};

        facts.ports[0] = (struct port){.admin = rows[i].admin,
                                       .address = "127.0.0.1:80",
                                       .number = 80,
                                       .everywhere = rows[i].everywhere,
                                       .state = rows[i].state,
                                       .who = "nginx, 7"};
        assert_string_equal(judged(&ports_check, &facts), rows[i].found);
        if (rows[i].state == PORT_OTHER)
            assert_string_equal(first_command(&ports_check, &facts), "sudo ss -ltnp sport = :80");
        if (rows[i].state == PORT_HALL && rows[i].admin)
            assert_string_equal(first_sentence(&ports_check, &facts),
                                "Hall’s admin listens on 127.0.0.1:80, for 10.0.0.0/8");
    }
}

static void test_dns(void **state)
{
    static const struct {
        struct dns_name name;
        const char *found;
    } rows[] = {
        {{"a.example", "", true, 0, {1}, true}, "dns.good"},
        {{"a.example", "", true, 0, {1}, false}, "dns.elsewhere"},
        {{"a.example", "", true, EAI_NONAME, {0}, false}, "dns.unresolved"},
        {{"a.example", "", false, 0, {0}, false}, "dns.unresolved"},
        {{"nas.lan", "a.example", true, 0, {1}, false}, ""},
        {{"nas.lan", "a.example", true, EAI_NONAME, {0}, false}, "dns.upstream"},
        {{"nas.lan", "a.example", false, 0, {0}, false}, "dns.upstream"},
    };
    static struct dns_facts facts;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        facts = (struct dns_facts){.here = ip("192.168.1.2"), .n = 1, .names = {rows[i].name}};
        assert_string_equal(judged(&dns_check, &facts), rows[i].found);
    }
    facts.names[0] = rows[2].name;
    assert_string_equal(first_command(&dns_check, &facts),
                        "echo 192.168.1.2 a.example | sudo tee -a /etc/hosts");
}

static void test_broker(void **state)
{
    static struct broker_facts facts;

    facts = (struct broker_facts){.asked = true,
                                  .broker = "mqtt://b",
                                  .host = "b",
                                  .user = "hall",
                                  .has_password = true,
                                  .tried = true,
                                  .accepted = true};
    assert_string_equal(judged(&broker_check, &facts), "broker.good");
    facts.accepted = false;
    PUT(facts.refusal, "not authorised");
    assert_string_equal(judged(&broker_check, &facts), "broker.login");
    facts.has_password = false;
    assert_string_equal(judged(&broker_check, &facts), "broker.no_password");
    facts.silent = true;
    assert_string_equal(judged(&broker_check, &facts), "broker.silent");
    PUT(facts.handshake, "certificate has expired");
    assert_string_equal(judged(&broker_check, &facts), "broker.tls");
    facts.connect = -ECONNREFUSED;
    assert_string_equal(judged(&broker_check, &facts), "broker.unreachable");
    assert_string_equal(first_command(&broker_check, &facts),
                        "ssh b sudo systemctl start mosquitto");
    facts.local = true;
    assert_string_equal(judged(&broker_check, &facts), "broker.stopped");
    facts.unresolved = EAI_NONAME;
    assert_string_equal(judged(&broker_check, &facts), "broker.unresolved");
}

static void test_rights(void **state)
{
    static struct broker_facts facts;
    struct right *right = &facts.rights[0];

    facts = (struct broker_facts){
        .asked = true, .tried = true, .accepted = true, .user = "hall", .n_rights = 1};
    *right = (struct right){"hall/#", true, false, true, true};
    assert_string_equal(judged(&broker_check, &facts), "broker.good rights.good");
    right->is_read = false;
    assert_string_equal(judged(&broker_check, &facts), "broker.good rights.read");
    right->needs_read = false;
    assert_string_equal(judged(&broker_check, &facts), "broker.good rights.good");
    right->write_refused = true;
    assert_string_equal(judged(&broker_check, &facts), "broker.good rights.write");
    right->taken = false; /* not answered in time: nothing is known */
    assert_string_equal(judged(&broker_check, &facts), "broker.good");
    facts.n_rights = 0;
    facts.n_missing = 1;
    PUT(facts.missing[0], "nas");
    assert_string_equal(judged(&broker_check, &facts), "broker.good server.no_user");
}

static struct bus_facts bus;

static struct bus_server *a_server(void)
{
    bus = (struct bus_facts){
        .read = true, .topic = "hall/status", .hall = "online", .version = HALL_VERSION, .n = 1};
    bus.servers[0] = (struct bus_server){.id = "nas",
                                         .by_agent = true,
                                         .state = "ready",
                                         .address = "192.0.2.1",
                                         .agent = "online",
                                         .agent_version = HALL_VERSION,
                                         .reported = true,
                                         .last_boot_s = 20,
                                         .timeout_s = 180};
    return &bus.servers[0];
}

#define BUS_IS(found_) assert_string_equal(judged(&bus_check, &bus), found_)
#define WELL           "hall.good version.good "

static void test_hall(void **state)
{
    a_server();
    BUS_IS(WELL "server.good");
    bus.n = 0;
    PUT(bus.hall, "offline");
    BUS_IS("hall.offline version.good");
    bus.hall[0] = bus.version[0] = '\0';
    BUS_IS("hall.silent");
    a_server();
    bus.n = 0;
    bus.clock_distrusted = true;
    PUT(bus.configuration, "x");
    PUT(bus.store, "x");
    BUS_IS("hall.good configuration.old store.salvaged clock.distrusted version.good");
}

static void test_versions(void **state)
{
    struct bus_server *server = a_server();

    PUT(server->agent_version, "0.0.9");
    BUS_IS("hall.good version.agent server.good");
    PUT(bus.version, "9.9.9");
    BUS_IS("hall.good version.hallctl version.agent server.good");
}

static void test_servers(void **state)
{
    struct bus_server *server = a_server();

    PUT(server->agent, "offline");
    BUS_IS(WELL "server.agent_offline");
    assert_string_equal(
        (judged(&bus_check, &bus), doctor_rows[DOCTOR_SERVER_AGENT_OFFLINE].command),
        "ssh {address} sudo systemctl restart hall-agent");
    PUT(server->state, "off");
    BUS_IS(WELL "server.good");
    server->reported = false;
    BUS_IS(WELL "server.agent_never");
    server->by_agent = false;
    BUS_IS(WELL "server.good");
    server = a_server();
    server->wol_off = true;
    BUS_IS(WELL "server.wol_off");
    server = a_server();
    PUT(server->vetoes, "sessions: anna");
    BUS_IS(WELL "server.vetoed");
    server = a_server();
    server->last_boot_s = 143;
    BUS_IS(WELL "server.good");
    server->last_boot_s = 144;
    BUS_IS(WELL "server.slow");
    server = a_server();
    PUT(server->other_mac, "02:00:00:00:00:01");
    server->has_problem = true;
    BUS_IS(WELL "server.other_mac");
    server = a_server();
    server->has_problem = true;
    BUS_IS(WELL "server.problem");
    PUT(server->state, "wake_failed");
    BUS_IS(WELL "server.failed");
    PUT(server->state, "unreachable");
    BUS_IS(WELL "server.unreachable");
    server = a_server();
    server->relay_offline = true;
    BUS_IS(WELL "server.relay_offline");
    server = a_server();
    server->unknown = true;
    BUS_IS(WELL "server.unknown");
}

static void test_certificates(void **state)
{
    const int64_t day = 86400000, now = INT64_C(1800000000000);
    const struct {
        bool is_upstream;
        int64_t end;
        const char *found;
    } rows[] = {
        {false, now + 30 * day, "certificate.good"},
        {false, now + 30 * day - 1, "certificate.soon"},
        {false, now + 7 * day, "certificate.soon"},
        {false, now + 7 * day - 1, "certificate.ends"},
        {false, now - day, "certificate.ends"},
        {false, 0, "certificate.unreadable"},
        {true, now + 30 * day, "upstream.good"},
        {true, now + 29 * day, "upstream.soon"},
        {true, now, "upstream.ends"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct certificate_facts facts = {.now = now, .n = 1};

        facts.all[0] = (struct certificate){rows[i].is_upstream, false, "x", "hall.lan", true,
                                            rows[i].end,         "why"};
        assert_string_equal(judged(&certificate_check, &facts), rows[i].found);
        facts.all[0].looked = false;
        assert_string_equal(judged(&certificate_check, &facts), "");
    }
}

/* One domain, that the proxy brings to Hall; Hall heard of it what a good proxy says. */
static void told_well(struct proxy_facts *facts)
{
    struct proxy_domain *domain = &facts->domains[0];
    static const struct proxy_said said = {
        .asked = true,
        .trusted = true,
        .peer = "127.0.0.1",
        .host = "nas.example.org",
        .has = {true, true, true, true, true},
        .headers = {"nas.example.org", "", "https", "/films/", "HEAD"},
    };

    *facts = (struct proxy_facts){.address = "127.0.0.1:443",
                                  .tls = true,
                                  .kind = "nginx",
                                  .url = "http://127.0.0.1:8881",
                                  .has_key = true,
                                  .root = true,
                                  .n_domains = 1};
    domain->looked = domain->heard = true;
    domain->answer = PROXY_IS_HALL;
    PUT(domain->name, "nas.example.org");
    PUT(domain->path, "/films/");
    domain->said[SAID_AUTH] = domain->said[SAID_HELPER] = said;
    PUT(domain->said[SAID_AUTH].headers[SAID_FOR], CLAIM_FOR ", 127.0.0.1");
    memset(domain->said[SAID_HELPER].has, 0, sizeof(said.has));
    domain->said[SAID_HELPER].has[SAID_FOR] = true;
    PUT(domain->said[SAID_HELPER].headers[SAID_FOR], "127.0.0.1");
}

static void test_what_a_proxy_says(void **state)
{
    static const struct {
        enum said_header header;
        const char *value; /* NULL: none */
        const char *host;  /* as Hall understood it */
        const char *found;
    } rows[] = {
        {SAID_HOST, NULL, "nas.example.org", "proxy.told"}, /* Host said it */
        {SAID_HOST, NULL, "127.0.0.1", "proxy.missing"},
        {SAID_HOST, CLAIM_HOST, CLAIM_HOST, "proxy.claimed"},
        {SAID_HOST, "x.example.org", "x.example.org", "proxy.other"},
        {SAID_FOR, NULL, NULL, "proxy.missing"},
        {SAID_FOR, CLAIM_FOR, NULL, "proxy.claimed"},
        {SAID_FOR, "172.17.0.1", NULL, "proxy.told"},
        {SAID_PROTO, NULL, NULL, "proxy.told"}, /* not needed before a visitor may pass */
        {SAID_PROTO, "http", NULL, "proxy.other"},
        {SAID_PROTO, CLAIM_PROTO, NULL, "proxy.claimed"},
        {SAID_URI, NULL, NULL, "proxy.missing"},
        {SAID_URI, CLAIM_URI, NULL, "proxy.claimed"},
        {SAID_URI, "/", NULL, "proxy.other"},
        {SAID_METHOD, NULL, NULL, "proxy.missing"},
        {SAID_METHOD, "GET", NULL, "proxy.other"},
    };
    static struct proxy_facts facts;
    struct proxy_domain *domain = &facts.domains[0];
    struct proxy_said *said = &domain->said[SAID_AUTH];

    told_well(&facts);
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.told");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char wanted[64];

        told_well(&facts);
        said->has[rows[i].header] = rows[i].value != NULL;
        PUT(said->headers[rows[i].header], rows[i].value ? rows[i].value : "");
        if (rows[i].host)
            PUT(said->host, rows[i].host);
        snprintf(wanted, sizeof(wanted), "proxy.good %s", rows[i].found);
        assert_string_equal(judged(&proxy_check, &facts), wanted);
    }
    /* Below /.hall/ only who asks for which site counts. */
    told_well(&facts);
    domain->said[SAID_HELPER].has[SAID_FOR] = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.missing");
    told_well(&facts);
    said->asked = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.unasked");
    domain->path[0] = '\0'; /* it has no site that a visitor could be led to */
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good");
    told_well(&facts);
    said->trusted = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.untrusted");
    told_well(&facts);
    domain->heard = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.unheard");
    facts.has_key = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.no_key");
    facts.root = false;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good proxy.closed");
    facts.url[0] = '\0'; /* Hall has no API */
    assert_string_equal(judged(&proxy_check, &facts), "proxy.good");
}

static void test_proxy(void **state)
{
    static const struct {
        enum proxy_answer answer;
        const char *found;
    } rows[] = {
        {PROXY_SILENT, "proxy.none"},
        {PROXY_IS_HALL, "proxy.good"},
        {PROXY_NO_HOST, "proxy.headers"},
        {PROXY_IS_OTHER, "proxy.astray"},
    };
    static struct proxy_facts facts;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        facts = (struct proxy_facts){.address = "127.0.0.1:80", .n_domains = 1};
        facts.domains[0].answer = rows[i].answer;
        assert_string_equal(judged(&proxy_check, &facts), "");
        facts.domains[0].looked = true;
        assert_string_equal(judged(&proxy_check, &facts), rows[i].found);
    }
    facts = (struct proxy_facts){.address = "127.0.0.1:80", .why = "refused"};
    assert_string_equal(judged(&proxy_check, &facts), "proxy.none");
    facts = (struct proxy_facts){.api = "http://t", .api_answered = true};
    assert_string_equal(judged(&proxy_check, &facts), "proxy.routes");
    facts.n_routes = 1;
    assert_string_equal(judged(&proxy_check, &facts), "proxy.bypass");
    facts = (struct proxy_facts){.api = "http://t"};
    assert_string_equal(judged(&proxy_check, &facts), "proxy.api");
    facts = (struct proxy_facts){.n_apart = 1, .apart = {"traefik"}, .agents_known = true};
    assert_string_equal(judged(&proxy_check, &facts), "proxy.namespace_agent");
    facts.n_unseen = 1;
    PUT(facts.unseen[0], "nas");
    assert_string_equal(judged(&proxy_check, &facts), "proxy.namespace");
}

/* ---- certificates' ends ---- */

/* openssl req -x509 -newkey ed25519 -nodes -subj /CN=x -days 3000 */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBLDCB36ADAgECAhRj2EC2n3C/teCm8D2U83mYaH5buzAFBgMrZXAwDDEKMAgG\n"
                          "A1UEAwwBeDAeFw0yNjExMzAyMTU2MDZaFw0zNTAyMTYyMTU2MDZaMAwxCjAIBgNV\n"
                          "BAMMAXgwKjAFBgMrZXADIQAezsqR8AYMsJBXE0OLmMqw+e/UIHpbtj2XLZiP8RjF\n"
                          "j6NTMFEwHQYDVR0OBBYEFD23QChB3rOvi8uV2O7E6tyfp1QWMB8GA1UdIwQYMBaA\n"
                          "FD23QChB3rOvi8uV2O7E6tyfp1QWMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA\n"
                          "o657f37evd1S2SUeqMTheMBr2VKA0QItW2zYuXUcVARb5YDS7of3mp9Zwf++0dnG\n"
                          "o6fN77PfLwTHg0UlYiyGBw==\n"
                          "-----END CERTIFICATE-----\n";

static void test_certificate_end(void **state)
{
    int64_t end = 0, wanted = 0;

    assert_int_equal(rfc3339_parse("2035-02-16T21:56:06Z", &wanted), 0);
    assert_int_equal(certificate_end(pem, strlen(pem), &end), 0);
    assert_int_equal(end, wanted);
    /* Cut or changed anywhere it is refused or read, never beyond its end. */
    for (size_t length = 0; length < strlen(pem); length++) {
        char *cut = malloc(length + 1);

        memcpy(cut, pem, length);
        if (length > 0)
            certificate_end(cut, length, &end);
        for (size_t i = 0; i < length; i += 7)
            cut[i] ^= 0x15;
        certificate_end(cut, length, &end);
        free(cut);
    }
    assert_int_equal(certificate_end("x", 1, &end), -EBADMSG);
}

/* ---- the runner ---- */

struct probe_facts {
    int known, later;
};

static void gather_well(const struct doctor *doctor, void *facts)
{
    (void)doctor;
    ((struct probe_facts *)facts)->known = 1;
}

static void gather_for_ever(const struct doctor *doctor, void *facts)
{
    gather_well(doctor, facts);
    for (;;)
        pause();
}

static void gather_badly(const struct doctor *doctor, void *facts)
{
    gather_well(doctor, facts);
    _exit(3);
}

static void judge_probe(const void *facts, struct findings *findings)
{
    const struct probe_facts *from = facts;

    if (from->known && !from->later)
        findings_add(findings, DOCTOR_CLOCK_GOOD, NULL);
}

static void test_examine(void **state)
{
    static const struct doctor_check well = {"well", sizeof(struct probe_facts), gather_well,
                                             judge_probe};
    static const struct doctor_check ever = {"ever", sizeof(struct probe_facts), gather_for_ever,
                                             judge_probe};
    static const struct doctor_check badly = {"badly", sizeof(struct probe_facts), gather_badly,
                                              judge_probe};
    static const struct doctor_check *const checks[] = {&well, &ever, &badly};
    static const enum doctor_code wanted[] = {DOCTOR_CLOCK_GOOD, DOCTOR_CLOCK_GOOD,
                                              DOCTOR_CHECK_LATE, DOCTOR_CLOCK_GOOD,
                                              DOCTOR_CHECK_FAILED};
    const struct doctor doctor = {.root = ""};
    struct findings findings = {0};

    doctor_examine(&doctor, checks, ARRAY_SIZE(checks), 300, &findings);
    assert_int_equal(findings.n, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        assert_int_equal(findings.all[i].code, wanted[i]);
    assert_string_equal(findings.all[2].values[0], "ever");
    free(findings.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_commands_are_quoted),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_nothing_known_is_nothing_said),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_dns),
        cmocka_unit_test(test_broker),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_hall),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_what_a_proxy_says),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_certificate_end),
        cmocka_unit_test(test_examine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
