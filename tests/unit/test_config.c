#include "base/array.h"
#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/option.h"
#include "unit.h"

#define SERVER  "'address':'192.168.1.20','mac':'aa:bb:cc:dd:ee:01'"
#define SERVERS "'servers':{'s':{" SERVER "}}"

/* JSON in these tests is written with ' for ". */
static int parse(const char *text, struct config **ret_config, struct buf *errors)
{
    char *json = strdup(text);
    assert_non_null(json);
    for (char *at = json; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    struct report report = {0};
    int r = config_parse("F", json, strlen(json), ret_config, &report);
    report_say(&report, CONFIG_ENGLISH, errors);
    report_finish(&report);
    free(json);
    return r;
}

static struct config *good(const char *text)
{
    struct buf errors = BUF_INIT(100000);
    struct config *config = NULL;
    if (parse(text, &config, &errors) != 0)
        fail_msg("%s\n%s", text, buf_text(&errors));
    assert_string_equal(buf_text(&errors), "");
    buf_finish(&errors);
    return config;
}

/* Exactly these lines. */
static void refused(const char *text, const char *lines)
{
    struct buf errors = BUF_INIT(100000);
    struct config *config = NULL;
    int r = parse(text, &config, &errors);
    if (r != -EINVAL || config != NULL || strcmp(buf_text(&errors), lines) != 0)
        fail_msg("%s\n%d\nhas: %s\nnot: %s", text, r, buf_text(&errors), lines);
    buf_finish(&errors);
}

struct refusal {
    const char *text, *lines;
};

static void all_refused(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        refused(cases[i].text, cases[i].lines);
}

static void address_is(struct in_addr address, const char *expected)
{
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_ten_lines_are_enough(void **state)
{
    struct config *config = good("{'servers':{'nas':{'address':'192.168.1.20',"
                                 "'mac':'AA-BB-CC-DD-EE-01'}},'domains':{'Nas.Example.org':"
                                 "{'server':'nas'}}}");
    const struct model_server *server = &config->model.servers[0];
    const struct model_domain *domain = &config->model.domains[0];
    const struct model_site *site = &config->model.sites[0];

    assert_string_equal(config->file, "F");
    assert_string_equal(config->timezone, "UTC");
    assert_string_equal(config->site, "hall");
    assert_int_equal(config->language, CONFIG_ENGLISH);
    assert_string_equal(config->mqtt.broker.host, "127.0.0.1");
    assert_int_equal(config->mqtt.broker.port, 1883);
    assert_false(config->mqtt.broker.tls);
    assert_null(config->mqtt.broker.unix_path);
    assert_null(config->mqtt.broker.username);
    assert_null(config->mqtt.broker.ca);
    assert_string_equal(config->mqtt.base_topic, "hall");
    assert_string_equal(config->mqtt.discovery_prefix, "homeassistant");
    assert_int_equal(ntohs(config->http.gateway[0].sin_port), 8880);
    address_is(config->http.gateway[0].sin_addr, "127.0.0.1");
    assert_int_equal(ntohs(config->http.admin[0].sin_port), 8881);
    assert_int_equal(config->http.n_trusted_proxies, 1);
    assert_true(address_equal(config->http.trusted_proxies[0].network, v4(0x7f000001)));
    assert_int_equal(config->http.n_admin_allow, 6);
    assert_int_equal(config->http.n_admin_hosts, 2);
    assert_string_equal(config->http.admin_hosts[0], "localhost");
    assert_true(config->http.n_monitors > 10);
    assert_string_equal(config->http.monitors[0], "UptimeRobot");
    assert_string_equal(config->store.path, "/var/lib/hall/hall.db");
    assert_int_equal(config->store.keep_days, 90);
    assert_int_equal(config->store.max_mb, 50);
    assert_int_equal(config->store.backups, 3);
    assert_int_equal(config->clock.trust, CLOCK_TRUST_AUTO);
    assert_true(config->energy.price_kwh < 0 && config->energy.hall_watts == 3);
    assert_string_equal(config->energy.currency, "EUR");

    assert_int_equal(config->model.n_servers, 1);
    assert_string_equal(server->id, "nas");
    assert_string_equal(server->name, "Nas");
    address_is(server->address, "192.168.1.20");
    assert_false(server->loopback);
    assert_int_equal(server->mac[5], 1);
    assert_null(server->wake.interface);
    address_is(server->wake.broadcast, "255.255.255.255");
    assert_int_equal(server->wake.port, 9);
    assert_null(server->wake.relay);
    assert_int_equal(server->wake.secureon_length, 0);
    assert_int_equal(server->wake.timeout, 180000);
    assert_int_equal(server->sleep.via, SLEEP_VIA_AGENT);
    assert_int_equal(server->sleep.mode, SLEEP_SUSPEND);
    assert_int_equal(server->sleep.min_up, 300000);
    assert_int_equal(server->sleep.timeout, 60000);
    assert_int_equal(server->n_depends_on, 0);
    assert_true(server->watts_on < 0 && server->watts_asleep < 0);
    assert_int_equal(server->min_down, 0);
    assert_int_equal(server->wakes_per_hour, 0);
    assert_null(server->group);
    assert_int_equal(server->n_checks, 1);
    assert_int_equal(server->checks[0].kind, CHECK_PING);
    assert_true(server->checks[0].required);
    assert_int_equal(server->checks[0].site, MODEL_NONE);

    assert_int_equal(config->model.n_domains, 1);
    assert_string_equal(domain->name, "nas.example.org");
    assert_int_equal(domain->server, 0);
    assert_int_equal(domain->policy.mode, POLICY_ON_DEMAND);
    assert_int_equal(domain->policy.idle, 1200000);
    assert_string_equal(domain->policy.timezone, "UTC");
    assert_int_equal(domain->policy.otherwise, OTHERWISE_ON_DEMAND);
    assert_int_equal(domain->access.n_allow, 0);
    assert_int_equal(domain->access.wake, ACCESS_WAKE_VISIT);
    assert_int_equal(domain->access.hold, 0);
    assert_false(domain->access.websocket_wakes);

    assert_int_equal(config->model.n_sites, 1);
    assert_string_equal(site->id, "nas.example.org");
    assert_string_equal(site->path, "/");
    assert_int_equal(site->check, MODEL_NONE);
    assert_false(site->is_project);
    config_free(config);
    config_free(NULL);
}

static void test_empty_is_a_configuration(void **state)
{
    struct config *config = good("{}");
    assert_int_equal(config->model.n_servers, 0);
    config_free(config);
    config = good("{'servers':null,'mqtt':null,'timezone':null}");
    assert_string_equal(config->mqtt.broker.host, "127.0.0.1");
    config_free(config);
}

static void test_example_ships_whole(void **state)
{
    struct buf errors = BUF_INIT(100000);
    struct config *config = NULL;
    struct report report = {0};
    int r = config_load(TEST_DIR "/../docs/domains.example.json", &config, &report);
    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    if (r != 0)
        fail_msg("%s", buf_text(&errors));
    const struct model *model = &config->model;
    const struct model_server *testing = &model->servers[0];
    const struct model_server *erp = &model->servers[1];

    assert_string_equal(config->timezone, "Europe/Paris");
    assert_string_equal(config->mqtt.broker.username, "hall");
    assert_string_equal(testing->wake.interface, "eth0");
    address_is(testing->wake.broadcast, "192.168.1.255");
    assert_true(testing->watts_on > 44 && testing->watts_on < 46);
    assert_int_equal(testing->n_checks, 4);
    assert_int_equal(testing->checks[1].kind, CHECK_AGENT);
    assert_int_equal(testing->checks[2].n_expect, 3);
    assert_int_equal(testing->checks[2].expect[2].low, 401);
    assert_false(testing->checks[3].required);
    assert_string_equal(testing->checks[3].url, "http://192.168.1.20:8081/client1/health");
    assert_int_equal(erp->n_checks, 2);
    assert_true(erp->any_site);
    assert_false(erp->checks[0].required || erp->checks[1].required);
    assert_string_equal(erp->checks[1].url, "http://192.168.1.21:8080/");

    int project = model_project_by_id(model, "client1");
    assert_true(project >= 0);
    assert_int_equal(model->sites[project].n_containers, 2);
    assert_string_equal(model->sites[project].containers[1], "client1-db");
    assert_int_equal(model->sites[project].idle_stop, 3600000);
    assert_int_equal(model->sites[project].check, 3);
    assert_int_equal(testing->checks[3].site, project);
    int domain = model_domain_by_host(model, "ERP.example.org:443");
    assert_true(domain >= 0);
    const struct model_policy *policy = &model->domains[domain].policy;
    assert_int_equal(policy->mode, POLICY_SCHEDULED);
    assert_int_equal(policy->n_windows, 1);
    assert_int_equal(policy->windows[0].days, 0x1f);
    assert_int_equal(policy->windows[0].from, 480);
    assert_int_equal(policy->windows[0].to, 1140);
    assert_int_equal(policy->n_except, 1);
    assert_int_equal(policy->except[0].year, 2026);
    assert_int_equal(policy->except[0].day, 25);
    config_free(config);
    buf_finish(&errors);
}

static void test_every_key_is_read(void **state)
{
    struct config *config = good(
        "{'$schema':'x','timezone':'Europe/Paris','site':'attic','language':'fr',"
        "'mqtt':{'url':'mqtts://Broker.lan','username':'u','ca':'/etc/ca.crt','base_topic':'a/b',"
        "'discovery_prefix':'ha'},"
        "'http':{'gateway':['0.0.0.0:80','10.0.0.1:81'],'admin':'10.0.0.1:0','trusted_proxies':['"
        "10.0.0.0/8',"
        "'1.2.3.4'],'admin_allow':[],'admin_hosts':['HALL.lan'],'monitors':['Probe']},"
        "'store':{'path':'db','keep_days':1,'max_mb':2,'backups':5},"
        "'clock':{'trust':'always'},"
        "'energy':{'price_kwh':0.31,'currency':'CHF','hall_watts':4.5},"
        "'servers':{'a':{'address':'10.0.0.2','mac':'02:00:00:00:00:01','wake':{'interface':'br-0',"
        "'broadcast':'10.255.255.255','port':7,'relay':'r1','secureon':'01:02:03:04:05:06',"
        "'timeout':'2m'},'sleep':{'via':'none','mode':'poweroff','min_up':'0s','timeout':'10s'},"
        "'checks':[{'tcp':{'port':22}},{'tcp':{'port':80,'address':'10.0.0.9'}},"
        "{'ping':{'address':'10.0.0.8'}},{'http':{'url':'https://10.0.0.2/x'}},{'agent':{}}],"
        "'depends_on':['b'],'watts':{'on':1.5,'measured':true},'min_down':'1m','wakes_per_hour':6,'"
        "group':'g1',"
        "'name':'Server é'},"
        "'b':{'address':'10.0.0.3','mac':'02:00:00:00:00:02','wake':{'secureon':'1.2.3.4'}}},"
        "'domains':{'x.y':{'server':'a','name':'X','upstream':'http://10.0.0.2:81/app',"
        "'health':'/up?x=1','expect':['2xx','300-301',418],"
        "'policy':{'mode':'scheduled','idle':'1s','timezone':'UTC','windows':[{'days':'sat-mon,wed'"
        ","
        "'from':'22:00','to':'06:00'},{'from':'00:00','to':'24:00'}],'except':['2028-02-29'],"
        "'otherwise':'refuse'},"
        "'access':{'allow':['10.0.0.0/8'],'deny':['10.6.6.6','10.7.0.0/"
        "16'],'wakes_per_day':3,'minutes_per_day':60,'wake':'click',"
        "'hold':'29s','websocket':true,'windows':[{'from':'07:00','to':'22:00'},{'days':'sat',"
        "'from':'22:00','to':'23:00'}],'except':['2027-01-01'],'timezone':'Asia/Kathmandu'},"
        "'projects':{'p':{'name':'P','path':'/p/q','upstream':'http://10.0.0.2:82/',"
        "'containers':['c1'],'health':'/h','expect':[200],'idle_stop':'1h','wakes_per_day':4,"
        "'minutes_per_day':5,'access':{'allow':['10.1.0.0/16','10.2.0.1'],'windows':[{'days':'sun',"
        "'from':'10:00','to':'11:00'}],'except':['2027-01-03','2027-01-10'],"
        "'timezone':'America/New_York'}}}}}}");
    const struct model_server *a = &config->model.servers[0];
    const struct model_server *b = &config->model.servers[1];
    const struct model_domain *domain = &config->model.domains[0];
    const struct model_site *project = &config->model.sites[1];

    assert_string_equal(config->site, "attic");
    assert_int_equal(config->store.backups, 5);
    assert_true(a->watts_measured && !b->watts_measured);
    assert_int_equal(config->clock.trust, CLOCK_TRUST_ALWAYS);
    assert_true(config->energy.price_kwh == 0.31 && config->energy.hall_watts == 4.5);
    assert_string_equal(config->energy.currency, "CHF");
    assert_int_equal(domain->access.n_deny, 2);
    assert_true(config->mqtt.broker.tls);
    assert_int_equal(config->mqtt.broker.port, 8883);
    assert_string_equal(config->mqtt.broker.host, "Broker.lan");
    assert_string_equal(config->mqtt.broker.ca, "/etc/ca.crt");
    assert_string_equal(config->mqtt.base_topic, "a/b");
    assert_int_equal(config->language, CONFIG_FRENCH);
    assert_string_equal(config->mqtt.discovery_prefix, "ha");
    assert_int_equal(config->http.n_gateway, 2);
    address_is(config->http.gateway[1].sin_addr, "10.0.0.1");
    assert_int_equal(ntohs(config->http.gateway[1].sin_port), 81);
    assert_int_equal(config->http.n_admin, 1);
    assert_int_equal(config->http.n_trusted_proxies, 2);
    assert_int_equal(config->http.n_admin_allow, 0);
    assert_string_equal(config->http.admin_hosts[0], "hall.lan");
    assert_string_equal(config->http.monitors[0], "Probe");
    assert_string_equal(config->store.path, "db");
    assert_string_equal(a->name, "Server é");
    assert_string_equal(a->wake.interface, "br-0");
    assert_int_equal(a->wake.port, 7);
    assert_string_equal(a->wake.relay, "r1");
    assert_int_equal(a->wake.secureon_length, 6);
    assert_int_equal(a->wake.secureon[5], 6);
    assert_int_equal(a->wake.timeout, 120000);
    assert_int_equal(a->sleep.via, SLEEP_VIA_NONE);
    assert_int_equal(a->sleep.mode, SLEEP_POWEROFF);
    assert_int_equal(a->sleep.min_up, 0);
    assert_int_equal(a->sleep.timeout, 10000);
    assert_int_equal(a->n_checks, 7);
    assert_int_equal(a->checks[0].kind, CHECK_TCP);
    assert_int_equal(a->checks[0].port, 22);
    address_is(a->checks[0].address, "10.0.0.2");
    address_is(a->checks[1].address, "10.0.0.9");
    address_is(a->checks[2].address, "10.0.0.8");
    assert_int_equal(a->checks[3].n_expect, 1);
    assert_int_equal(a->checks[3].expect[0].high, 399);
    assert_int_equal(a->checks[4].kind, CHECK_AGENT);
    for (int i = 0; i < 5; i++)
        assert_true(a->checks[i].required);
    assert_string_equal(a->checks[5].url, "http://10.0.0.2:81/up?x=1");
    assert_int_equal(a->checks[5].n_expect, 3);
    assert_int_equal(a->checks[5].expect[0].high, 299);
    assert_int_equal(a->checks[5].expect[1].low, 300);
    assert_int_equal(a->checks[5].expect[1].high, 301);
    assert_int_equal(a->checks[5].expect[2].low, 418);
    assert_false(a->checks[5].required);
    assert_string_equal(a->checks[6].url, "http://10.0.0.2:82/h");
    assert_int_equal(a->n_depends_on, 1);
    assert_int_equal(a->depends_on[0], 1);
    assert_true(a->watts_on > 1.4 && a->watts_asleep < 0);
    assert_int_equal(a->min_down, 60000);
    assert_int_equal(a->wakes_per_hour, 6);
    assert_string_equal(a->group, "g1");
    assert_int_equal(b->wake.secureon_length, 4);
    assert_int_equal(b->wake.secureon[3], 4);
    assert_int_equal(domain->policy.n_windows, 2);
    assert_int_equal(domain->policy.windows[0].days, 0x65);
    assert_int_equal(domain->policy.windows[0].from, 1320);
    assert_int_equal(domain->policy.windows[0].to, 360);
    assert_int_equal(domain->policy.windows[1].days, 0x7f);
    assert_int_equal(domain->policy.windows[1].to, 1440);
    assert_int_equal(domain->policy.otherwise, OTHERWISE_REFUSE);
    assert_string_equal(domain->policy.timezone, "UTC");
    assert_int_equal(domain->access.n_allow, 1);
    assert_int_equal(domain->access.minutes_per_day, 60);
    assert_int_equal(domain->access.wake, ACCESS_WAKE_CLICK);
    assert_int_equal(domain->access.hold, 29000);
    assert_true(domain->access.websocket_wakes);
    assert_int_equal(domain->access.hours.n_windows, 2);
    assert_int_equal(domain->access.hours.windows[0].from, 420);
    assert_int_equal(domain->access.hours.windows[1].days, 0x20);
    assert_int_equal(domain->access.hours.n_except, 1);
    assert_int_equal(domain->access.hours.except[0].year, 2027);
    assert_string_equal(domain->access.hours.timezone, "Asia/Kathmandu");
    assert_int_equal(domain->n_projects, 1);
    assert_int_equal(domain->projects[0], 1);
    assert_string_equal(project->id, "p");
    assert_string_equal(project->path, "/p/q");
    assert_int_equal(project->wakes_per_day, 4);
    assert_int_equal(project->minutes_per_day, 5);
    assert_int_equal(project->n_allow, 2);
    assert_true(address_equal(project->allow[1].network, v4(0x0a020001)));
    assert_int_equal(project->hours.n_windows, 1);
    assert_int_equal(project->hours.windows[0].days, 0x40);
    assert_int_equal(project->hours.n_except, 2);
    assert_int_equal(project->hours.except[1].day, 10);
    assert_string_equal(project->hours.timezone, "America/New_York");
    assert_int_equal(project->check, 6);
    config_free(config);
}

static void test_mqtt_over_a_socket(void **state)
{
    struct config *config = good("{'mqtt':{'url':'mqtt+unix:///run/m.sock'}}");
    assert_null(config->mqtt.broker.host);
    assert_string_equal(config->mqtt.broker.unix_path, "/run/m.sock");
    config_free(config);
}

static void test_derived_checks(void **state)
{
    struct config *config =
        good("{'servers':{'lo':{'address':'127.0.0.2','mac':'02:00:00:00:00:01'},"
             "'lo2':{'address':'127.0.0.2','mac':'02:00:00:00:00:02'},"
             "'far':{'address':'10.0.0.1','mac':'02:00:00:00:00:03','checks':[]}},"
             "'domains':{'b.org':{'server':'lo','upstream':'http://127.0.0.2:8000/app'},"
             "'a.org':{'server':'lo','projects':{'deep':{'path':'/a/b','upstream':'https://h'},"
             "'flat':{'upstream':'http://127.0.0.2:9000/'}}},"
             "'c.org':{'server':'far','upstream':'http://10.0.0.1'}}}");
    const struct model *model = &config->model;
    const struct model_server *lo = &model->servers[0];
    const struct model_server *lo2 = &model->servers[1];
    const struct model_server *far = &model->servers[2];

    assert_true(lo->loopback);
    address_is(lo->wake.broadcast, "127.255.255.255");
    assert_int_equal(lo->n_checks, 3);
    assert_string_equal(lo->checks[0].url, "https://h/a/b");
    assert_string_equal(lo->checks[1].url, "http://127.0.0.2:9000/flat");
    assert_int_equal(lo->checks[1].n_expect, 3);
    assert_int_equal(lo->checks[1].expect[2].low, 403);
    assert_int_equal(lo->checks[1].expect[2].high, 405);
    assert_false(lo->checks[0].required);
    assert_string_equal(lo->checks[2].url, "http://127.0.0.2:8000/app");
    assert_false(lo->checks[2].required);
    assert_true(lo->any_site);

    assert_int_equal(lo2->n_checks, 1);
    assert_int_equal(lo2->checks[0].kind, CHECK_AGENT);
    assert_true(lo2->checks[0].required);

    assert_int_equal(far->n_checks, 1);
    assert_false(far->checks[0].required);
    assert_true(far->any_site);

    /* Domains are sorted; projects come longest path first. */
    assert_string_equal(model->domains[0].name, "a.org");
    assert_string_equal(model->domains[1].name, "b.org");
    assert_int_equal(model->domains[0].n_projects, 2);
    assert_string_equal(model->sites[model->domains[0].projects[0]].path, "/flat");
    assert_string_equal(model->sites[model->domains[0].projects[1]].path, "/a/b");
    assert_string_equal(model->sites[model->domains[0].projects[0]].name, "Flat");
    config_free(config);
}

/* gRPC: asked by HTTP/2, and whatever it says of that it says itself. */
static void test_an_upstream_that_speaks_grpc(void **state)
{
    struct config *config =
        good("{'servers':{'s':{'address':'10.0.0.1','mac':'02:00:00:00:00:01'}},"
             "'domains':{'a.org':{'server':'s','upstream':'h2c://10.0.0.1:50051','projects':{"
             "'p':{'path':'/p','upstream':'h2c://10.0.0.1','health':'/ok','expect':[200]},"
             "'q':{'path':'/q','upstream':'http://10.0.0.1:1'}}}}}");
    const struct model *model = &config->model;
    const struct model_server *server = &model->servers[0];
    const struct model_check *of_p = &server->checks[model->sites[0].check];
    struct model_upstream upstream;

    (void)state;
    for (size_t i = 0; i < model->n_sites; i++) {
        const struct model_check *check = &server->checks[model->sites[i].check];
        if (strcmp(model->sites[i].id, "a.org") == 0) {
            assert_true(check->h2c);
            assert_string_equal(check->url, "http://10.0.0.1:50051/");
            assert_int_equal(check->n_expect, 1);
            assert_int_equal(check->expect[0].low, 200);
            assert_int_equal(check->expect[0].high, 499);
            assert_true(model_upstream(model, (int)i, &upstream));
            assert_int_equal(upstream.port, 50051);
        } else if (strcmp(model->sites[i].id, "p") == 0) {
            of_p = check;
            assert_true(model_upstream(model, (int)i, &upstream));
            assert_int_equal(upstream.port, 80);
        } else {
            assert_false(check->h2c);
        }
    }
    assert_true(of_p->h2c);
    assert_string_equal(of_p->url, "http://10.0.0.1/ok");
    assert_int_equal(of_p->expect[0].high, 200);
    config_free(config);
}

/* A project has what it does not say itself from its domain; the name verified is the upstream's,
 * or the domain where the upstream is an address. */
static void test_how_upstreams_are_reached(void **state)
{
    struct config *config =
        good("{'servers':{'s':{" SERVER ",'macs':['aa:bb:cc:dd:ee:02','AA-BB-CC-DD-EE-03'],"
             "'checks':[{'http':{'url':'https://h/','timeout':'20s','tls':{'name':'x.lan'}}},"
             "{'tcp':{'port':22,'timeout':'3s'}},{'ping':{}}]}},"
             "'domains':{'d.org':{'server':'s','upstream':'https://10.0.0.1:8006',"
             "'tls':{'verify':false,'ca':'/ca.crt'},'timeout':'30s','projects':{"
             "'p':{'upstream':'https://pve.lan/p','tls':{'verify':true}},"
             "'q':{'upstream':'https://10.0.0.1','timeout':'1m','tls':{'name':'Q.lan'}}}},"
             "'e.org':{'server':'s','upstream':'http://10.0.0.1'}}}");
    const struct model *model = &config->model;
    const struct model_server *server = &model->servers[0];
    const struct model_check *own = &server->checks[model->sites[model->domains[0].site].check];
    const struct model_site *p = &model->sites[model_project_by_id(model, "p")];
    const struct model_site *q = &model->sites[model_project_by_id(model, "q")];
    const struct model_check *e = &server->checks[model->sites[model->domains[1].site].check];

    assert_int_equal(server->n_macs, 2);
    assert_memory_equal(server->macs[1], "\xaa\xbb\xcc\xdd\xee\x03", 6);
    assert_int_equal(server->checks[0].timeout, 20000);
    assert_true(server->checks[0].tls.verify);
    assert_string_equal(server->checks[0].tls.name, "x.lan");
    assert_int_equal(server->checks[1].timeout, 3000);
    assert_int_equal(server->checks[2].timeout, 0);

    assert_false(own->tls.verify);
    assert_string_equal(own->tls.ca, "/ca.crt");
    assert_string_equal(own->tls.name, "d.org");
    assert_int_equal(own->timeout, 30000);
    assert_true(p->tls.verify);
    assert_string_equal(p->tls.ca, "/ca.crt");
    assert_string_equal(p->tls.name, "pve.lan");
    assert_int_equal(p->timeout, 30000);
    assert_false(q->tls.verify);
    assert_string_equal(q->tls.name, "q.lan");
    assert_int_equal(server->checks[q->check].timeout, 60000);
    assert_true(e->tls.verify);
    assert_int_equal(e->timeout, 15000);
    config_free(config);
}

static void zones_are(const char *zones, const char *file, const char *policy, const char *access,
                      const char *project)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{%s'servers':{'s':{" SERVER "}},'domains':{'d.org':{'server':'s',%s'projects':{'p':{"
             "%s}}}}}",
             file, zones, project);
    struct config *config = good(text);
    const struct model_domain *domain = &config->model.domains[0];
    assert_string_equal(domain->policy.timezone, policy);
    assert_string_equal(domain->access.hours.timezone, access);
    assert_string_equal(config->model.sites[domain->site].hours.timezone, access);
    assert_string_equal(config->model.sites[domain->projects[0]].hours.timezone,
                        project[0] != '\0' ? "Asia/Kathmandu" : access);
    config_free(config);
}

/* The zone of hours comes from the nearest that has one: access, policy, file. */
static void test_zones_are_inherited(void **state)
{
    zones_are("", "", "UTC", "UTC", "");
    zones_are("", "'timezone':'Europe/Paris',", "Europe/Paris", "Europe/Paris", "");
    zones_are("'policy':{'timezone':'America/New_York'},", "'timezone':'Europe/Paris',",
              "America/New_York", "America/New_York", "");
    zones_are("'access':{'timezone':'America/New_York'},", "'timezone':'Europe/Paris',",
              "Europe/Paris", "America/New_York", "");
    zones_are("'access':{'timezone':'America/New_York'},", "", "UTC", "America/New_York",
              "'access':{'timezone':'Asia/Kathmandu'}");
}

static void test_quotas_of_a_project_may_stand_in_its_access(void **state)
{
    struct config *config =
        good("{'servers':{'s':{" SERVER "}},'domains':{'d.org':{'server':'s','projects':{'p':{"
             "'minutes_per_day':30,'access':{'wakes_per_day':7}},'q':{'access':{"
             "'minutes_per_day':8}},'r':{}}}}}");
    const struct model *model = &config->model;
    const struct model_site *p = &model->sites[model_project_by_id(model, "p")];
    const struct model_site *q = &model->sites[model_project_by_id(model, "q")];
    const struct model_site *r = &model->sites[model_project_by_id(model, "r")];
    assert_int_equal(p->wakes_per_day, 7);
    assert_int_equal(p->minutes_per_day, 30);
    assert_int_equal(q->wakes_per_day, 0);
    assert_int_equal(q->minutes_per_day, 8);
    assert_int_equal(r->wakes_per_day + r->minutes_per_day, 0);
    assert_int_equal(r->n_allow, 0);
    assert_int_equal(r->hours.n_windows, 0);
    config_free(config);
}

#define S(value) "{'servers':{'s':{" SERVER "," value "}}}"
#define D(value) "{" SERVERS ",'domains':{'d.org':{'server':'s'," value "}}}"
#define P(value) D("'projects':{'p':{" value "}}")
#define NONE(at, id)                                                                               \
    "F: /servers/s/depends_on/" at ": found \"" id                                                 \
    "\", which is no server; allowed: the id of a server in this file; did you mean \"s\"?\n"
#define DURATION_HINT ", as \"90s\", \"20m\" or \"1h30m\"\n"

static void test_wrong_types_and_ranges(void **state)
{
    static const struct refusal cases[] = {
        {"[]", "F: /: found an array of 0; allowed: an object\n"},
        {"'x'", "F: /: found \"x\"; allowed: an object\n"},
        {"{'servers':[]}", "F: /servers: found an array of 0; allowed: an object\n"},
        {"{'servers':{'s':7}}", "F: /servers/s: found 7; allowed: an object\n"},
        {"{'servers':{'s':null}}", "F: /servers/s: found null; allowed: an object\n"},
        {"{'store':{'keep_days':0}}",
         "F: /store/keep_days: found 0; allowed: a whole number from 1 to 3650\n"},
        {"{'store':{'keep_days':1.5}}",
         "F: /store/keep_days: found 1.5; allowed: a whole number from 1 to 3650\n"},
        {"{'store':{'keep_days':'9'}}",
         "F: /store/keep_days: found \"9\"; allowed: a whole number from 1 to 3650\n"},
        {"{'store':{'max_mb':1e300}}",
         "F: /store/max_mb: found 1e+300; allowed: a whole number from 1 to 100000\n"},
        {"{'site':7}",
         "F: /site: found 7; allowed: an id of 1 to 64 characters a-z, 0-9, '_' and '-'\n"},
        {"{'language':'de'}", "F: /language: found \"de\"; allowed: \"en\", \"fr\"\n"},
        {"{'mqtt':{'discovery_prefix':'hall/ha'}}",
         "F: /mqtt/discovery_prefix: found a topic of Hall's own; allowed: one that does not begin "
         "with the base_topic\n"},
        {S("'wake':{'port':0}"),
         "F: /servers/s/wake/port: found 0; allowed: a whole number from 1 to 65535\n"},
        {S("'wake':{'port':65536}"),
         "F: /servers/s/wake/port: found 65536; allowed: a whole number from 1 to 65535\n"},
        {S("'wake':{'timeout':'0s'}"), "F: /servers/s/wake/timeout: found \"0s\"; allowed: a "
                                       "duration from 1s to 1h" DURATION_HINT},
        {S("'wake':{'timeout':90}"), "F: /servers/s/wake/timeout: found 90; allowed: a duration "
                                     "from 1s to 1h" DURATION_HINT},
        {S("'wake':[1,2]"), "F: /servers/s/wake: found an array of 2; allowed: an object\n"},
        {S("'sleep':{'mode':'nap'}"), "F: /servers/s/sleep/mode: found \"nap\"; allowed: "
                                      "\"suspend\", \"hibernate\", \"poweroff\"\n"},
        {S("'watts':{'on':-1}"),
         "F: /servers/s/watts/on: found -1; allowed: a number from 0 to 10000\n"},
        {S("'checks':{}"), "F: /servers/s/checks: found an object; allowed: an array of at most "
                           "24\n"},
        {S("'checks':[null]"), "F: /servers/s/checks/0: found null; allowed: an object\n"},
        {S("'checks':[{}]"), "F: /servers/s/checks/0: found none of them; allowed: exactly one of "
                             "ping, tcp, http, agent\n"},
        {S("'checks':[{'ping':{},'agent':{}}]"), "F: /servers/s/checks/0: found several; allowed: "
                                                 "exactly one of ping, tcp, http, agent\n"},
        {S("'checks':[{'ping':null}]"), "F: /servers/s/checks/0/ping: found null; allowed: an "
                                        "object\n"},
        {S("'checks':[{'tcp':{}}]"), "F: /servers/s/checks/0/tcp/port: found nothing; allowed: a "
                                     "whole number from 1 to 65535\n"},
        {S("'checks':[{'http':{'url':'http://h','expect':[99]}}]"),
         "F: /servers/s/checks/0/http/expect/0: found 99; allowed: an HTTP status from 100 to 599, "
         "\"2xx\" or \"200-299\"\n"},
        {S("'checks':[{'http':{'url':'http://h','expect':['6xx']}}]"),
         "F: /servers/s/checks/0/http/expect/0: found \"6xx\"; allowed: an HTTP status from 100 to "
         "599, \"2xx\" or \"200-299\"\n"},
        {S("'checks':[{'http':{'url':'http://h','expect':['299-200']}}]"),
         "F: /servers/s/checks/0/http/expect/0: found \"299-200\"; allowed: an HTTP status from "
         "100 "
         "to 599, \"2xx\" or \"200-299\"\n"},
        {D("'access':{'websocket':'yes'}"), "F: /domains/d.org/access/websocket: found \"yes\"; "
                                            "allowed: true or false\n"},
        {D("'access':{'hold':'30s'}"), "F: /domains/d.org/access/hold: found \"30s\"; allowed: a "
                                       "duration from 0s to 29s" DURATION_HINT},
        {D("'expect':[1,2,3]"),
         "F: /domains/d.org/expect/0: found 1; allowed: an HTTP status from 100 to 599, \"2xx\" or "
         "\"200-299\"\n"
         "F: /domains/d.org/expect/1: found 2; allowed: an HTTP status from 100 to 599, \"2xx\" or "
         "\"200-299\"\n"
         "F: /domains/d.org/expect/2: found 3; allowed: an HTTP status from 100 to 599, \"2xx\" or "
         "\"200-299\"\n"},
        {D("'expect':[200,200,200,200,200,200,200,200,200,200,200,200,200,200,200,200,200]"),
         "F: /domains/d.org/expect: found 17 entries; allowed: at most 16\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static void test_required_and_unknown_keys(void **state)
{
    static const struct refusal cases[] = {
        {"{'servers':{'s':{}}}",
         "F: /servers/s/address: found nothing; allowed: an IPv4 address, as \"192.168.1.20\"\n"
         "F: /servers/s/mac: found nothing; allowed: a MAC, as \"aa:bb:cc:dd:ee:01\"\n"},
        {"{'domains':{'d.org':{}}}",
         "F: /domains/d.org/server: found nothing; allowed: an id of 1 to 64 characters a-z, 0-9, "
         "'_' and '-'\n"},
        {"{'domains':{'d.org':{'server':null}}}",
         "F: /domains/d.org/server: found null; allowed: an id of 1 to 64 characters a-z, 0-9, "
         "'_' and '-'\n"},
        {"{'serves':{}}", "F: /serves: found an unknown key; allowed: did you mean \"servers\"? "
                          "$schema, timezone, site, language, mqtt, http, store, clock, energy, "
                          "proxy, servers, domains\n"},
        {"{'x~y/z':1}",
         "F: /x~0y~1z: found an unknown key; allowed: $schema, timezone, site, language, "
         "mqtt, http, store, clock, energy, proxy, servers, domains\n"},
        {S("'checks':[{'agent':{'x':1}}]"),
         "F: /servers/s/checks/0/agent/x: found an unknown key; allowed: {}\n"},
        {S("'checks':[{'pong':{}}]"),
         "F: /servers/s/checks/0/pong: found an unknown key; allowed: did you mean \"ping\"? "
         "ping, tcp, http, agent\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static void test_formats(void **state)
{
    static const struct {
        const char *text, *pointer, *allowed;
    } cases[] = {
        {"{'timezone':'Europe/Nowhere'}", "/timezone", "a time zone that /usr/share/zoneinfo has"},
        {"{'timezone':'../../etc/passwd'}", "/timezone", "a time zone"},
        {"{'timezone':'/etc/localtime'}", "/timezone", "a time zone"},
        {"{'timezone':'Europe'}", "/timezone", "a time zone"},
        {"{'timezone':'tzdata.zi'}", "/timezone", "a time zone"},
        {"{'timezone':''}", "/timezone", "a time zone"},
        {"{'site':'Attic'}", "/site", "an id of"},
        {"{'servers':{'S':{" SERVER "}}}", "/servers/S", "an id of"},
        {"{'servers':{'':{" SERVER "}}}", "/servers/", "an id of"},
        {"{'mqtt':{'url':'tcp://h'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt://'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt://h:0'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt://h:65536'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt://h:'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt://h/topic'}}", "/mqtt/url", "mqtt://HOST"},
        {"{'mqtt':{'url':'mqtt+unix://run/x'}}", "/mqtt/url", "mqtt+unix:// and the absolute"},
        {"{'mqtt':{'base_topic':''}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'a/+'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'a#'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'$SYS'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'/a'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'a/'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'a//b'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'base_topic':'a\\nb'}}", "/mqtt/base_topic", "a topic"},
        {"{'mqtt':{'username':''}}", "/mqtt/username", "a text"},
        {"{'http':{'gateway':'8880'}}", "/http/gateway", "an IPv4 address and a port"},
        {"{'http':{'gateway':'[::1]:80'}}", "/http/gateway", "an IPv4 address and a port"},
        {"{'http':{'gateway':80}}", "/http/gateway",
         "an IPv4 address and a port, as \"127.0.0.1:8880\", or an array of 1 to 8 of them"},
        {"{'http':{'gateway':[]}}", "/http/gateway", "an IPv4 address and a port"},
        {"{'http':{'gateway':['127.0.0.1:1',null]}}", "/http/gateway/1", "an IPv4 address"},
        {"{'http':{'admin':['127.0.0.1:1','127.0.0.1']}}", "/http/admin/1", "an IPv4 address"},
        {"{'http':{'admin':['0.0.0.0:1','0.0.0.0:2','0.0.0.0:3','0.0.0.0:4','0.0.0.0:5',"
         "'0.0.0.0:6','0.0.0.0:7','0.0.0.0:8','0.0.0.0:9']}}",
         "/http/admin", "at most 8"},
        {"{'http':{'trusted_proxies':['10.0.0.1/8']}}", "/http/trusted_proxies/0",
         "an IPv4 or IPv6 range"},
        {"{'http':{'trusted_proxies':[null]}}", "/http/trusted_proxies/0", "an IPv4 or IPv6 range"},
        {"{'http':{'admin_hosts':['a_b']}}", "/http/admin_hosts/0", "a host name"},
        {"{'servers':{'s':{'address':'localhost','mac':'aa:bb:cc:dd:ee:01'}}}",
         "/servers/s/address", "an IPv4 address"},
        {"{'servers':{'s':{'address':'0.0.0.0','mac':'aa:bb:cc:dd:ee:01'}}}", "/servers/s/address",
         "the IPv4 address of one machine"},
        {"{'servers':{'s':{'address':'255.255.255.255','mac':'aa:bb:cc:dd:ee:01'}}}",
         "/servers/s/address", "the IPv4 address of one machine"},
        {"{'servers':{'s':{'address':'224.0.0.1','mac':'aa:bb:cc:dd:ee:01'}}}",
         "/servers/s/address", "the IPv4 address of one machine"},
        {"{'servers':{'s':{'address':'10.0.0.1','mac':'aa:bb'}}}", "/servers/s/mac", "a MAC"},
        {"{'servers':{'s':{'address':'10.0.0.1','mac':'00:00:00:00:00:00'}}}", "/servers/s/mac",
         "the MAC of one network card"},
        {"{'servers':{'s':{'address':'10.0.0.1','mac':'ff:ff:ff:ff:ff:ff'}}}", "/servers/s/mac",
         "the MAC of one network card"},
        {"{'servers':{'s':{'address':'10.0.0.1','mac':'01:00:5e:00:00:01'}}}", "/servers/s/mac",
         "the MAC of one network card"},
        {S("'wake':{'interface':'eth 0'}"), "/servers/s/wake/interface", "the name of a network"},
        {S("'wake':{'interface':''}"), "/servers/s/wake/interface", "the name of a network"},
        {S("'wake':{'secureon':'1:2:3'}"), "/servers/s/wake/secureon", "6 or 4 bytes"},
        {S("'wake':{'broadcast':'x'}"), "/servers/s/wake/broadcast", "an IPv4 address"},
        {S("'checks':[{'http':{'url':'ftp://h'}}]"), "/servers/s/checks/0/http/url", "a URL"},
        {S("'checks':[{'http':{'url':'http:///x'}}]"), "/servers/s/checks/0/http/url", "a URL"},
        {S("'checks':[{'http':{'url':'http://h/ x'}}]"), "/servers/s/checks/0/http/url", "a URL"},
        {S("'checks':[{'http':{'url':'http://h/#x'}}]"), "/servers/s/checks/0/http/url", "a URL"},
        {S("'checks':[{'http':{'url':'http://-h/'}}]"), "/servers/s/checks/0/http/url", "a URL"},
        {"{" SERVERS ",'domains':{'a..b':{'server':'s'}}}", "/domains/a..b", "a host name"},
        {"{" SERVERS ",'domains':{'a.':{'server':'s'}}}", "/domains/a.", "a host name"},
        {"{" SERVERS ",'domains':{'-a':{'server':'s'}}}", "/domains/-a", "a host name"},
        {"{" SERVERS ",'domains':{'a/b':{'server':'s'}}}", "/domains/a~1b", "a host name alone"},
        {"{" SERVERS ",'domains':{'a:80':{'server':'s'}}}", "/domains/a:80", "a host name alone"},
        {"{" SERVERS ",'domains':{'bücher':{'server':'s'}}}", "/domains/bücher",
         "a host name in its ASCII form"},
        {P("'path':'p'"), "/domains/d.org/projects/p/path", "a path that begins with '/'"},
        {P("'path':'/p/'"), "/domains/d.org/projects/p/path", "a path without '/' at its end"},
        {P("'path':'/p?x'"), "/domains/d.org/projects/p/path", "a path such as"},
        {P("'path':'/p/../q'"), "/domains/d.org/projects/p/path", "a path such as"},
        {P("'path':'//p'"), "/domains/d.org/projects/p/path", "a path such as"},
        {P("'path':'/./p'"), "/domains/d.org/projects/p/path", "a path such as"},
        {P("'path':'/%2e%2e'"), "/domains/d.org/projects/p/path", "a path such as"},
        {P("'health':'x'"), "/domains/d.org/projects/p/health", "a path on the upstream"},
        {P("'upstream':'h2c://'"), "/domains/d.org/projects/p/upstream", "a URL http://HOST"},
        {P("'upstream':'h2c://h:0'"), "/domains/d.org/projects/p/upstream", "a URL http://HOST"},
        {P("'upstream':'h2c://h/x'"), "/domains/d.org/projects/p/upstream", "a URL http://HOST"},
        {P("'upstream':'h2c://h?x'"), "/domains/d.org/projects/p/upstream", "a URL http://HOST"},
        {P("'upstream':'h3://h'"), "/domains/d.org/projects/p/upstream", "a URL http://HOST"},
        {P("'upstream':'h2c://me:pw@h'"), "/domains/d.org/projects/p/upstream",
         "a URL without user"},
        {P("'containers':['-x']"), "/domains/d.org/projects/p/containers/0", "the name of a"},
        {P("'containers':['']"), "/domains/d.org/projects/p/containers/0", "the name of a"},
        {D("'policy':{'except':['2026-02-29']}"), "/domains/d.org/policy/except/0", "a date"},
        {D("'policy':{'except':['2026-2-1']}"), "/domains/d.org/policy/except/0", "a date"},
        {D("'policy':{'windows':[{'days':'mo','from':'01:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/days", "days of"},
        {D("'policy':{'windows':[{'days':'mon-','from':'01:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/days", "days of"},
        {D("'policy':{'windows':[{'days':'mon,','from':'01:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/days", "days of"},
        {D("'policy':{'windows':[{'days':'','from':'01:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/days", "days of"},
        {D("'policy':{'windows':[{'from':'24:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/from", "a time from \"00:00\" to \"23:59\""},
        {D("'policy':{'windows':[{'from':'8:00','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/from", "a time"},
        {D("'policy':{'windows':[{'from':'08:60','to':'02:00'}]}"),
         "/domains/d.org/policy/windows/0/from", "a time"},
        {D("'policy':{'windows':[{'from':'08:00','to':'24:01'}]}"),
         "/domains/d.org/policy/windows/0/to", "a time from \"00:00\" to \"24:00\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf errors = BUF_INIT(100000);
        struct config *config = NULL;
        char start[200];
        int r = parse(cases[i].text, &config, &errors);
        const char *line = buf_text(&errors);
        const char *allowed = strstr(line, "; allowed: ");
        snprintf(start, sizeof start, "F: %s: found ", cases[i].pointer);
        if (r != -EINVAL || strncmp(line, start, strlen(start)) != 0 || allowed == NULL ||
            strncmp(allowed + 11, cases[i].allowed, strlen(cases[i].allowed)) != 0 ||
            strchr(line, '\n')[1] != '\0')
            fail_msg("%s: %s", cases[i].text, line);
        buf_finish(&errors);
    }
}

static void test_what_must_fit_together(void **state)
{
    static const struct refusal cases[] = {
        {"{" SERVERS ",'domains':{'d.org':{'server':'t'}}}",
         "F: /domains/d.org/server: found \"t\", which is no server; allowed: the id of a server "
         "in "
         "this file; did you mean \"s\"?\n"},
        {"{" SERVERS ",'domains':{'D.org':{'server':'s'},'d.ORG':{'server':'s'}}}",
         "F: /domains/d.ORG: found a host name that is there already (case does not count); "
         "allowed: each host name once\n"},
        {S("'depends_on':['elsewhere']"), "F: /servers/s/depends_on/0: found \"elsewhere\", which "
                                          "is no server; allowed: the id of a "
                                          "server in this file\n"},
        {S("'depends_on':['s']"), "F: /servers/s/depends_on/0: found the server itself; allowed: "
                                  "other servers in this file\n"},
        {S("'depends_on':['1','2','3','4','5','6','7','8','9']"),
         "F: /servers/s/depends_on: found 9 entries; allowed: at most 8\n" NONE("0", "1")
             NONE("1", "2") NONE("2", "3") NONE("3", "4") NONE("4", "5") NONE("5", "6")
                 NONE("6", "7") NONE("7", "8")},
        {"{'servers':{'a':{'address':'10.0.0.1','mac':'02:00:00:00:00:01','depends_on':['b']},"
         "'b':{'address':'10.0.0.2','mac':'02:00:00:00:00:02','depends_on':['c']},"
         "'c':{'address':'10.0.0.3','mac':'02:00:00:00:00:03','depends_on':['b']},"
         "'d':{'address':'10.0.0.4','mac':'02:00:00:00:00:04','depends_on':['a','a']}}}",
         "F: /servers/d/depends_on/1: found the same server twice; allowed: each server once\n"
         "F: /servers/c/depends_on: found a cycle: b -> c -> b; allowed: dependencies that end "
         "somewhere\n"},
        {"{'servers':{'a':{'address':'10.0.0.1','mac':'02:00:00:00:00:01'},"
         "'b':{'address':'10.0.0.1','mac':'02:00:00:00:00:01'}}}",
         "F: /servers/b/mac: found 02:00:00:00:00:01, which server a has too; allowed: a MAC of "
         "its own\n"
         "F: /servers/b/address: found 10.0.0.1, which server a has too; allowed: an address of "
         "its "
         "own\n"},
        {"{" SERVERS ",'domains':{'a.org':{'server':'s','projects':{'p':{}}},"
         "'b.org':{'server':'s','projects':{'p':{}}}}}",
         "F: /domains/b.org/projects/p: found an id that a project of a.org has too; allowed: ids "
         "that are unique in the whole file\n"},
        {D("'projects':{'p':{'path':'/x'},'q':{'path':'/x'}}"),
         "F: /domains/d.org/projects/q/path: found the path of project p; allowed: a path of its "
         "own\n"},
        {D("'projects':{'p':{},'q':{'path':'/p'}}"),
         "F: /domains/d.org/projects/q/path: found the path of project p; allowed: a path of its "
         "own\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

#define WINDOW "{'days':'mon-fri','from':'08:00','to':'19:00'}"
#define EMPTY                                                                                      \
    "found a window that ends when it begins; allowed: another end; for the whole day "            \
    "from \"00:00\" to \"24:00\"\n"
#define OTHERWISE(mode)                                                                            \
    "F: /domains/d.org/policy/otherwise: found it with mode \"" mode "\"; "                        \
    "allowed: it with mode \"scheduled\" only: it is for the time outside the "                    \
    "windows; to let visitors in at certain hours only, access.windows\n"

static void test_policies_must_make_sense(void **state)
{
    static const struct refusal cases[] = {
        {D("'policy':{'mode':'scheduled'}"),
         "F: /domains/d.org/policy/windows: found none; allowed: at least one window with mode "
         "\"scheduled\"\n"},
        {D("'policy':{'mode':'scheduled','windows':[{'from':'08:00','to':'08:00'}]}"),
         "F: /domains/d.org/policy/windows/0: " EMPTY},
        {D("'policy':{'mode':'scheduled','windows':[{'from':'00:00','to':'00:00'}]}"),
         "F: /domains/d.org/policy/windows/0: " EMPTY},
        {D("'policy':{'mode':'scheduled','windows':[" WINDOW
           ",{'from':'20:00','to':'21:00'}," WINDOW
           ",{'days':'fri,mon-thu','from':'08:00','to':'19:00'}]}"),
         "F: /domains/d.org/policy/windows/2: found the same window as number 0; allowed: each "
         "window once\n"
         "F: /domains/d.org/policy/windows/3: found the same window as number 0; allowed: each "
         "window once\n"},
        {D("'policy':{'windows':[" WINDOW "]}"),
         "F: /domains/d.org/policy/mode: found nothing beside windows; allowed: \"scheduled\", for "
         "the server to be on in them, or \"on_demand\", to have them ready for a change of the "
         "policy at run time\n"},
        {D("'policy':{'mode':'always_on','windows':[" WINDOW "]}"),
         "F: /domains/d.org/policy/windows: found windows with mode \"always_on\"; allowed: none; "
         "or mode \"scheduled\", for the server to be on in them only\n"},
        {D("'policy':{'otherwise':'refuse'}"), OTHERWISE("on_demand")},
        {D("'policy':{'mode':'on_demand','otherwise':'on_demand','windows':[]}"),
         OTHERWISE("on_demand")},
        {D("'policy':{'mode':'always_on','otherwise':'refuse'}"), OTHERWISE("always_on")},
        {D("'policy':{'except':['2026-12-25']}"),
         "F: /domains/d.org/policy/except: found dates without windows; allowed: windows that do "
         "not begin on these dates, or no dates\n"},
        {D("'policy':{'mode':'scheduled','windows':[" WINDOW "],'except':['2026-12-25',"
           "'2027-01-01','2026-12-25']}"),
         "F: /domains/d.org/policy/except/2: found 2026-12-25, which is in number 0 already; "
         "allowed: "
         "each date once\n"},
        {D("'policy':{'mode':'scheduled','windows':[" WINDOW "],'except':['12-25',"
           "'2027-12-25','02-29','13-01','1-1','2026-02-29']}"),
         "F: /domains/d.org/policy/except/3: found \"13-01\"; allowed: a date of the calendar, as "
         "\"2026-12-25\", or \"12-25\" for every year\n"
         "F: /domains/d.org/policy/except/4: found \"1-1\"; allowed: a date of the calendar, as "
         "\"2026-12-25\", or \"12-25\" for every year\n"
         "F: /domains/d.org/policy/except/5: found \"2026-02-29\"; allowed: a date of the "
         "calendar, "
         "as \"2026-12-25\", or \"12-25\" for every year\n"
         "F: /domains/d.org/policy/except/1: found 2027-12-25, which is in number 0 already; "
         "allowed: each date once\n"},
        /* What could not be read is told once, and not what would follow from it. */
        {D("'policy':{'mode':'sometimes','windows':[" WINDOW "],'otherwise':'refuse'}"),
         "F: /domains/d.org/policy/mode: found \"sometimes\"; allowed: \"always_on\", "
         "\"scheduled\", \"on_demand\"\n"},
        {D("'policy':{'windows':'08:00-19:00','otherwise':'refuse','except':['2026-12-25']}"),
         "F: /domains/d.org/policy/windows: found \"08:00-19:00\"; allowed: an array of at most "
         "16\n"},
        {D("'policy':{'mode':'scheduled','timezone':'Europe/Pariss','windows':[" WINDOW "]}"),
         "F: /domains/d.org/policy/timezone: found \"Europe/Pariss\"; allowed: a time zone that "
         "/usr/share/zoneinfo has, as \"Europe/Paris\" or \"UTC\"\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static void test_windows_may_overlap_and_wait(void **state)
{
    struct config *config =
        good(D("'policy':{'mode':'scheduled','otherwise':'refuse','windows':[" WINDOW
               ",{'days':'daily','from':'12:00','to':'20:00'},{'days':'sat','from':'20:00','to':"
               "'02:00'}],'except':['2026-12-25','2026-12-26']}"));
    assert_int_equal(config->model.domains[0].policy.n_windows, 3);
    config_free(config);
    /* Not in force, but there for a change of the policy at run time. */
    config = good(D("'policy':{'mode':'on_demand','otherwise':'refuse','windows':[" WINDOW
                    "],'except':['2026-12-25']}"));
    assert_int_equal(config->model.domains[0].policy.otherwise, OTHERWISE_REFUSE);
    config_free(config);
    config = good(D("'policy':{'mode':null,'otherwise':null,'windows':null,'except':[]},"
                    "'access':{'windows':[],'except':[],'timezone':'UTC'}"));
    assert_int_equal(config->model.domains[0].access.hours.n_windows, 0);
    config_free(config);
}

static void test_hours_of_access_must_make_sense(void **state)
{
    static const struct refusal cases[] = {
        {D("'access':{'windows':[{'from':'08:00','to':'08:00'}]}"),
         "F: /domains/d.org/access/windows/0: " EMPTY},
        {D("'access':{'windows':[" WINDOW "," WINDOW "]}"),
         "F: /domains/d.org/access/windows/1: found the same window as number 0; allowed: each "
         "window once\n"},
        {D("'access':{'except':['2026-12-25']}"),
         "F: /domains/d.org/access/except: found dates without windows; allowed: windows that do "
         "not begin on these dates, or no dates\n"},
        {D("'access':{'timezone':'Mars/Olympus'}"),
         "F: /domains/d.org/access/timezone: found \"Mars/Olympus\"; allowed: a time zone that "
         "/usr/share/zoneinfo has, as \"Europe/Paris\" or \"UTC\"\n"},
        {P("'access':{'allow':['10.0.0.1/8'],'windows':[" WINDOW "," WINDOW "],'except':["
           "'2026-12-25','2026-12-25'],'timezone':'Nowhere'}"),
         "F: /domains/d.org/projects/p/access/allow/0: found \"10.0.0.1/8\"; allowed: an IPv4 "
         "or IPv6 range with its host bits zero, as \"192.168.1.0/24\" or \"2001:db8::/32\", or "
         "one "
         "address\n"
         "F: /domains/d.org/projects/p/access/timezone: found \"Nowhere\"; allowed: a time zone "
         "that /usr/share/zoneinfo has, as \"Europe/Paris\" or \"UTC\"\n"
         "F: /domains/d.org/projects/p/access/windows/1: found the same window as number 0; "
         "allowed: each window once\n"
         "F: /domains/d.org/projects/p/access/except/1: found 2026-12-25, which is in number 0 "
         "already; allowed: each date once\n"},
        {P("'access':{'windows':[{'from':'09:00','to':'09:00'}]}"),
         "F: /domains/d.org/projects/p/access/windows/0: " EMPTY},
        {P("'access':{'wake':'click'}"),
         "F: /domains/d.org/projects/p/access/wake: found an unknown key; allowed: allow, windows, "
         "except, timezone, wakes_per_day, minutes_per_day\n"},
        {P("'wakes_per_day':3,'minutes_per_day':4,'access':{'wakes_per_day':3,"
           "'minutes_per_day':5}"),
         "F: /domains/d.org/projects/p/access/wakes_per_day: found a quota that the project has "
         "outside its access too; allowed: each quota once\n"
         "F: /domains/d.org/projects/p/access/minutes_per_day: found a quota that the project has "
         "outside its access too; allowed: each quota once\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

#define LIMIT(most) "allowed: a whole number from 1 to " most "; leave it out for no limit\n"

static void test_guards_and_quotas_have_bounds(void **state)
{
    static const struct refusal cases[] = {
        {S("'wakes_per_hour':0"), "F: /servers/s/wakes_per_hour: found 0; " LIMIT("32")},
        {S("'wakes_per_hour':-1"), "F: /servers/s/wakes_per_hour: found -1; " LIMIT("32")},
        {S("'wakes_per_hour':33"), "F: /servers/s/wakes_per_hour: found 33; " LIMIT("32")},
        {D("'access':{'wakes_per_day':0,'minutes_per_day':0}"),
         "F: /domains/d.org/access/wakes_per_day: found 0; " LIMIT(
             "100000") "F: /domains/d.org/access/minutes_per_day: found 0; " LIMIT("1440")},
        {D("'access':{'wakes_per_day':-5,'minutes_per_day':1441}"),
         "F: /domains/d.org/access/wakes_per_day: found -5; " LIMIT(
             "100000") "F: /domains/d.org/access/minutes_per_day: found 1441; " LIMIT("1440")},
        {P("'wakes_per_day':0,'minutes_per_day':-1"),
         "F: /domains/d.org/projects/p/wakes_per_day: found 0; " LIMIT(
             "100000") "F: /domains/d.org/projects/p/minutes_per_day: found -1; " LIMIT("1440")},
        {P("'access':{'wakes_per_day':100001,'minutes_per_day':0}"),
         "F: /domains/d.org/projects/p/access/wakes_per_day: found 100001; " LIMIT(
             "100000") "F: /domains/d.org/projects/p/access/minutes_per_day: found 0; " LIMIT("144"
                                                                                              "0")},
        {S("'sleep':{'min_up':'99999999999999999999d'}"),
         "F: /servers/s/sleep/min_up: found \"99999999999999999999d\"; allowed: a duration from 0s "
         "to 7d" DURATION_HINT},
        {S("'sleep':{'min_up':'7d1ms'}"), "F: /servers/s/sleep/min_up: found \"7d1ms\"; allowed: a "
                                          "duration from 0s to 7d" DURATION_HINT},
        {S("'min_down':'-5m'"),
         "F: /servers/s/min_down: found \"-5m\"; allowed: a duration from 0s "
         "to 1d" DURATION_HINT},
        {S("'min_down':'1d1s'"), "F: /servers/s/min_down: found \"1d1s\"; allowed: a duration from "
                                 "0s to 1d" DURATION_HINT},
        {D("'policy':{'idle':'0s'}"), "F: /domains/d.org/policy/idle: found \"0s\"; allowed: a "
                                      "duration from 1s to 7d" DURATION_HINT},
        {D("'policy':{'idle':'8d'}"), "F: /domains/d.org/policy/idle: found \"8d\"; allowed: a "
                                      "duration from 1s to 7d" DURATION_HINT},
        {D("'policy':{'idle':'20'}"), "F: /domains/d.org/policy/idle: found \"20\"; allowed: a "
                                      "duration from 1s to 7d" DURATION_HINT},
        {S("'group':'Rack 1'"), "F: /servers/s/group: found \"Rack 1\"; allowed: an id of 1 to 64 "
                                "characters a-z, 0-9, '_' and '-'\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

#define VIA "allowed: \"agent\", \"ssh\", \"webhook\", \"none\"\n"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
#define SSH "'user':'hall','key':'/k','host_key':'" KEY "'"

static void test_ways_to_sleep_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {S("'sleep':{'via':'SSH'}"), "F: /servers/s/sleep/via: found \"SSH\"; " VIA},
        {S("'sleep':{'via':''}"), "F: /servers/s/sleep/via: found \"\"; " VIA},
        {S("'sleep':{'via':'ssh'}"),
         "F: /servers/s/sleep/ssh/user: found nothing; allowed: the user that logs in; via ssh "
         "needs it\n"
         "F: /servers/s/sleep/ssh/key: found nothing; allowed: the file of the private key; via "
         "ssh needs it\n"
         "F: /servers/s/sleep/ssh/host_key: found nothing; allowed: the server's public host key, "
         "\"ssh-ed25519 AAAA...\"; via ssh needs it\n"},
        {S("'sleep':{'via':'ssh','ssh':{'user':'hall','key':'/k','host_key':null}}"),
         "F: /servers/s/sleep/ssh/host_key: found nothing; allowed: the server's public host key, "
         "\"ssh-ed25519 AAAA...\"; via ssh needs it\n"},
        {S("'sleep':{'ssh':{" SSH "}}"),
         "F: /servers/s/sleep/ssh: found settings of ssh beside via agent; allowed: \"via\": "
         "\"ssh\", or no \"ssh\"\n"},
        {S("'sleep':{'via':'ssh','ssh':{" SSH "},'webhook':{'url':'http://h/'}}"),
         "F: /servers/s/sleep/webhook: found settings of webhook beside via ssh; allowed: "
         "\"via\": \"webhook\", or no \"webhook\"\n"},
        {S("'sleep':{'via':'ssh','ssh':{'user':'-oProxyCommand=x','key':'/k','host_key':'" KEY
           "'}}"),
         "F: /servers/s/sleep/ssh/user: found \"-oProxyCommand=x\"; allowed: the name of a user: "
         "letters, digits, '_', '-' and '.', a letter or '_' first\n"},
        {S("'sleep':{'via':'ssh','ssh':{'user':'hall','key':'/k','host_key':'ssh-ed25519 "
           "SHA256:x'}}"),
         "F: /servers/s/sleep/ssh/host_key: found \"ssh-ed25519 SHA256:x\"; allowed: a public "
         "host key as in /etc/ssh/ssh_host_ed25519_key.pub of the server: \"ssh-ed25519 "
         "AAAA...\"; ecdsa and rsa too\n"},
        {S("'sleep':{'via':'webhook'}"),
         "F: /servers/s/sleep/webhook/url: found nothing; allowed: the URL that puts it to sleep; "
         "via webhook needs it\n"},
        {S("'sleep':{'via':'webhook','webhook':{'url':'http://h/','headers':{'A':{'secret':"
           "'HALL_MQTT_PASSWORD'}}}}"),
         "F: /servers/s/sleep/webhook/headers/A/secret: found \"HALL_MQTT_PASSWORD\"; allowed: "
         "the name of a variable of the environment that begins with HALL_SECRET_, as "
         "\"HALL_SECRET_NAS\"\n"},
        {S("'sleep':{'via':'webhook','webhook':{'url':'http://h/','headers':{'A':{'secret':"
           "'HALL_SECRET_KEY'}}}}"),
         "F: /servers/s/sleep/webhook/headers/A/secret: found \"HALL_SECRET_KEY\"; allowed: a "
         "name other than HALL_SECRET_KEY, which is Hall's own\n"},
        {S("'sleep':{'via':'webhook','webhook':{'url':'http://h/','headers':{'a b':{'value':'x'},"
           "'Host':{'value':'x'},'Ok':{'value':'x'},'OK':{'value':'y'}}}}"),
         "F: /servers/s/sleep/webhook/headers/a b: found a b; allowed: the name of an HTTP "
         "header, as \"Authorization\"\n"
         "F: /servers/s/sleep/webhook/headers/Host: found Host; allowed: a header other than "
         "Host, Content-Length, Transfer-Encoding, Upgrade, Connection and Expect, which Hall "
         "sets\n"
         "F: /servers/s/sleep/webhook/headers/OK: found a header that is there already (case does "
         "not count); allowed: each header once\n"},
        {S("'sleep':{'via':'webhook','webhook':{'url':'ftp://h/','method':'post','headers':{'A':"
           "{'value':'x\\ny'}}}}"),
         "F: /servers/s/sleep/webhook/url: found \"ftp://h/\"; allowed: a URL "
         "http://HOST[:PORT][/PATH] or https://..., as \"http://192.168.1.20:8080\"\n"
         "F: /servers/s/sleep/webhook/method: found \"post\"; allowed: \"POST\", \"PUT\", "
         "\"PATCH\", \"GET\", \"DELETE\"\n"
         "F: /servers/s/sleep/webhook/headers/A/value: found \"x?y\"; allowed: a text, not "
         "empty, without control characters\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static void test_sleep_by_ssh(void **state)
{
    struct config *config =
        good(S("'sleep':{'via':'ssh','mode':'poweroff','ssh':{" SSH ",'poweroff':'sudo "
               "/sbin/poweroff'}}"));
    const struct model_sleep *sleep = &config->model.servers[0].sleep;
    assert_int_equal(sleep->via, SLEEP_VIA_SSH);
    assert_null(sleep->webhook);
    assert_string_equal(sleep->ssh->user, "hall");
    assert_int_equal(sleep->ssh->port, 22);
    assert_string_equal(sleep->ssh->key, "/k");
    assert_string_equal(sleep->ssh->host_key, KEY);
    assert_string_equal(sleep->ssh->commands[SLEEP_SUSPEND], "systemctl suspend");
    assert_string_equal(sleep->ssh->commands[SLEEP_HIBERNATE], "systemctl hibernate");
    assert_string_equal(sleep->ssh->commands[SLEEP_POWEROFF], "sudo /sbin/poweroff");
    assert_string_equal(sleep->ssh->restart, "systemctl reboot");
    config_free(config);
    config = good(S("'sleep':{'via':'ssh','ssh':{'user':'u','port':2222,'key':'/k','host_key':'" KEY
                    " root@nas'}}"));
    assert_string_equal(config->model.servers[0].sleep.ssh->host_key, KEY);
    assert_int_equal(config->model.servers[0].sleep.ssh->port, 2222);
    config_free(config);
}

static void test_sleep_by_webhook(void **state)
{
    struct config *config =
        good(S("'sleep':{'via':'webhook','webhook':{'url':'https://nas/api?a=1','headers':{"
               "'Authorization':{'secret':'HALL_SECRET_TEST'},'X-A':{'value':'b'}},'body':'{}'}}"));
    const struct model_webhook *webhook = config->model.servers[0].sleep.webhook;
    struct buf errors = BUF_INIT(1000);
    struct report report = {0};
    assert_null(config->model.servers[0].sleep.ssh);
    assert_string_equal(webhook->url, "https://nas/api?a=1");
    assert_null(webhook->restart_url);
    assert_int_equal(webhook->method, WEBHOOK_POST);
    assert_string_equal(webhook->restart_body, "{}");
    assert_int_equal(webhook->n_expect, 0);
    assert_int_equal(webhook->n_headers, 2);
    assert_string_equal(webhook->headers[0].name, "Authorization");
    assert_string_equal(webhook->headers[0].secret, "HALL_SECRET_TEST");
    assert_null(webhook->headers[0].value);
    assert_string_equal(webhook->headers[1].value, "b");

    unsetenv("HALL_SECRET_TEST");
    assert_int_equal(secrets_check(config, &report), -EINVAL);
    report_say(&report, CONFIG_ENGLISH, &errors);
    assert_string_equal(buf_text(&errors),
                        "F: /servers/s/sleep/webhook/headers/Authorization/secret: found "
                        "\"HALL_SECRET_TEST\", which is not set; allowed: a variable that is set "
                        "in the environment file\n");
    buf_clear(&errors);
    report_finish(&report);
    setenv("HALL_SECRET_TEST", "Bearer x", 1);
    assert_int_equal(secrets_check(config, &report), 0);
    char *value = NULL;
    assert_int_equal(secret_find("HALL_SECRET_TEST", &value, &report), 0);
    assert_string_equal(value, "Bearer x");
    secret_free(value);
    setenv("HALL_SECRET_TEST", "a\tb", 1);
    assert_int_equal(secrets_check(config, &report), -EINVAL);
    report_say(&report, CONFIG_ENGLISH, &errors);
    assert_non_null(strstr(buf_text(&errors), "HALL_SECRET_TEST: has control characters"));
    assert_null(strstr(buf_text(&errors), "a\tb")); /* a secret is never shown */
    unsetenv("HALL_SECRET_TEST");
    report_finish(&report);
    buf_finish(&errors);
    config_free(config);
}

static void test_too_many_checks_of_one_server(void **state)
{
    struct buf text = BUF_INIT(100000);
    buf_puts(&text, "{" SERVERS ",'domains':{");
    for (int i = 0; i < 24; i++)
        buf_printf(&text, "%s'd%d.org':{'server':'s','upstream':'http://h'}", i > 0 ? "," : "", i);
    buf_puts(&text, "}}");
    refused(buf_text(&text), "F: /servers/s/checks: found 25 checks, those of its sites included; "
                             "allowed: at most 24\n");
    buf_finish(&text);
}

static void test_all_errors_at_once(void **state)
{
    refused(
        "{'site':'','servers':{'a':{'address':'x','mac':'y','nam':'z'}},"
        "'domains':{'d.org':{'server':'b','policy':{'idle':'soon'}}}}",
        "F: /site: found \"\"; allowed: an id of 1 to 64 characters a-z, 0-9, '_' and '-'\n"
        "F: /servers/a/address: found \"x\"; allowed: an IPv4 address, as \"192.168.1.20\"\n"
        "F: /servers/a/mac: found \"y\"; allowed: a MAC, as \"aa:bb:cc:dd:ee:01\"\n"
        "F: /servers/a/nam: found an unknown key; allowed: did you mean \"name\"? name, address, "
        "mac, macs, wake, sleep, checks, depends_on, watts, min_down, wakes_per_hour, group\n"
        "F: /domains/d.org/policy/idle: found \"soon\"; allowed: a duration from 1s to "
        "7d" DURATION_HINT
        "F: /domains/d.org/server: found \"b\", which is no server; allowed: the id of a server "
        "in this file; did you mean \"a\"?\n");
}

static void test_errors_are_capped(void **state)
{
    struct buf text = BUF_INIT(1000000);
    struct buf errors = BUF_INIT(1000000);
    struct config *config = NULL;
    size_t lines = 0;
    buf_puts(&text, "{");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "%s'k%d':0", i > 0 ? "," : "", i);
    buf_puts(&text, "}");
    assert_int_equal(parse(buf_text(&text), &config, &errors), -EINVAL);
    for (const char *at = buf_text(&errors); *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 101);
    assert_non_null(strstr(buf_text(&errors), "F: and 4900 more\n"));
    buf_finish(&errors);
    buf_finish(&text);
}

static void test_secrets_are_refused_and_not_shown(void **state)
{
    static const struct refusal cases[] = {
        {"{'mqtt':{'password':'hunter2'}}", "F: /mqtt/password: found a secret; allowed: put it in "
                                            "HALL_MQTT_PASSWORD, in the environment file\n"},
        {"{'http':{'password':'hunter2'}}",
         "F: /http/password: found a secret; allowed: put its hash in HALL_ADMIN_PASSWORD_HASH, in "
         "the environment file\n"},
        {"{'api_key':'hunter2'}", "F: /api_key: found a secret; allowed: put it in HALL_API_KEY, "
                                  "in the environment file\n"},
        {"{'mqtt':{'url':'mqtt://me:hunter2@broker'}}",
         "F: /mqtt/url: found \"mqtt://***@broker\"; allowed: a URL without user and password: the "
         "user in \"username\", the password in HALL_MQTT_PASSWORD\n"},
        {D("'upstream':'http://me:hunter2@h/'"),
         "F: /domains/d.org/upstream: found \"http://***@h/\"; allowed: a URL without user and "
         "password; secrets belong in the environment file\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static void test_values_are_shown_cut_and_clean(void **state)
{
    struct buf text = BUF_INIT(100000);
    struct buf errors = BUF_INIT(100000);
    struct config *config = NULL;
    buf_puts(&text, "{'site':'a\\u001b[2J\\n");
    for (int i = 0; i < 50; i++)
        buf_puts(&text, "b");
    buf_puts(&text, "','timezone':'");
    for (int i = 0; i < 5000; i++)
        buf_puts(&text, "c");
    buf_puts(&text, "'}");
    assert_int_equal(parse(buf_text(&text), &config, &errors), -EINVAL);
    assert_true(strlen(buf_text(&errors)) < 500);
    assert_null(strchr(buf_text(&errors), '\x1b'));
    assert_non_null(strstr(buf_text(&errors), "/site: found \"a?[2J?bbb"));
    assert_non_null(strstr(buf_text(&errors), "/timezone: found a text of 5000 bytes; allowed: "));
    assert_non_null(strstr(buf_text(&errors), ", of at most 64 bytes\n"));
    buf_finish(&errors);
    buf_finish(&text);
}

/* ---- errors as data ---- */

/* Of the first error. */
static const char *fact_of(const char *text, char out[1024])
{
    struct buf fact = BUF_INIT(1024), json = BUF_INIT(4096);
    struct json_writer writer;
    struct report report = {0};
    struct config *config = NULL;
    for (const char *at = text; *at != '\0'; at++)
        buf_putc(&json, *at == '\'' ? '"' : *at);
    assert_int_equal(config_parse("F", buf_text(&json), json.length, &config, &report), -EINVAL);
    json_writer_init(&writer, &fact);
    complaint_put(&writer, NULL, report.first);
    text_copy(out, 1024, buf_text(&fact));
    report_finish(&report);
    buf_finish(&json);
    buf_finish(&fact);
    return out;
}

static void test_errors_are_facts(void **state)
{
#define FACT_AT(code, pointer, rest)                                                               \
    "{\"code\":\"config." code "\",\"subject\":\"F\",\"pointer\":\"" pointer                       \
    "\",\"line\":null,\"column\":null," rest "}"
    static const struct {
        const char *text, *fact;
    } cases[] = {
        {"{'store':{'keep_days':0}}",
         FACT_AT("value", "/store/keep_days",
                 "\"found\":{\"code\":\"value\",\"value\":\"0\"},"
                 "\"allowed\":{\"code\":\"integer\",\"from\":1,\"to\":3650}")},
        {"[]", FACT_AT("value", "",
                       "\"found\":{\"code\":\"array\",\"n\":0},\"allowed\":{\"code\":\"object\"}")},
        {S("'wake':{'timeout':'0s'}"),
         FACT_AT("value", "/servers/s/wake/timeout",
                 "\"found\":{\"code\":\"value\",\"value\":\"\\\"0s\\\"\"},"
                 "\"allowed\":{\"code\":\"duration\",\"from\":1,\"to\":3600}")},
        {"{'servers':{'s':{'address':'10.0.0.1'}}}",
         FACT_AT("missing", "/servers/s/mac",
                 "\"found\":{\"code\":\"nothing\"},\"allowed\":{\"code\":\"mac\"}")},
        {S("'checks':[{'pong':{}}]"),
         FACT_AT("unknown_key", "/servers/s/checks/0/pong",
                 "\"found\":{\"code\":\"unknown_key\"},\"allowed\":{\"code\":\"near_key\","
                 "\"keys\":\"ping, tcp, http, agent\",\"meant\":\"ping\"}")},
        {"{'mqtt':{'password':'hunter2'}}",
         FACT_AT("secret", "/mqtt/password",
                 "\"found\":{\"code\":\"a_secret\"},"
                 "\"allowed\":{\"code\":\"put_in\",\"variable\":\"HALL_MQTT_PASSWORD\"}")},
        {S("'depends_on':['t']"),
         FACT_AT("conflict", "/servers/s/depends_on/0",
                 "\"found\":{\"code\":\"no_server\",\"server\":\"t\"},"
                 "\"allowed\":{\"code\":\"near_server\",\"meant\":\"s\"}")},
        {"{'site':'0123456789012345678901234567890123456789012345678901234567890123456789'}",
         FACT_AT("value", "/site",
                 "\"found\":{\"code\":\"long_text\",\"bytes\":70},"
                 "\"allowed\":{\"code\":\"short_text\",\"format\":\"slug\",\"bytes\":64}")},
        {"{\n  'site': 'a',\n}",
         "{\"code\":\"config.syntax\",\"subject\":\"F\",\"pointer\":null,\"line\":3,\"column\":1,"
         "\"found\":{\"code\":\"said\",\"said\":\"found \\\"}\\\" where a key in double quotes is "
         "expected\"},\"allowed\":null}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char fact[1024];
        assert_string_equal(fact_of(cases[i].text, fact), cases[i].fact);
    }
}

static void test_errors_in_french(void **state)
{
    static const char json[] = "{\"store\":{\"keep_days\":0},\"serves\":{},\"servers\":{\"s\":{"
                               "\"address\":\"x\",\"depends_on\":[\"s\"],\"macs\":{}}}}";
    struct report report = {0};
    struct buf lines = BUF_INIT(10000);
    struct config *config = NULL;
    assert_int_equal(config_parse("F", json, strlen(json), &config, &report), -EINVAL);
    report_say(&report, CONFIG_FRENCH, &lines);
    assert_string_equal(
        buf_text(&lines),
        "F: /store/keep_days: trouvé\u00a0: 0\u202f; attendu\u00a0: un nombre entier de 1 à 3650\n"
        "F: /serves: trouvé\u00a0: une clé inconnue\u202f; attendu\u00a0: vouliez-vous dire "
        "\"servers\"\u202f? $schema, timezone, site, language, mqtt, http, store, clock, energy, "
        "proxy, "
        "servers, domains\n"
        "F: /servers/s/address: trouvé\u00a0: \"x\"\u202f; attendu\u00a0: une adresse IPv4, comme "
        "\"192.168.1.20\"\n"
        "F: /servers/s/macs: trouvé\u00a0: un objet\u202f; attendu\u00a0: un tableau de 8 au "
        "plus\n"
        "F: /servers/s/mac: trouvé\u00a0: rien\u202f; attendu\u00a0: une adresse MAC, comme "
        "\"aa:bb:cc:dd:ee:01\"\n"
        "F: /servers/s/depends_on/0: trouvé\u00a0: le serveur lui-même\u202f; attendu\u00a0: "
        "d’autres serveurs de ce fichier\n");
    report_finish(&report);
    buf_finish(&lines);
}

/* The {parameters} that stand in a text, in any order. */
static unsigned holes_of(const char *text, const struct phrase *phrase, enum config_language to)
{
    struct buf said = BUF_INIT(4096);
    unsigned holes = 0;
    for (const char *at = text; *at != '\0'; at++)
        holes += *at == '{' ? (unsigned)strcspn(at, "}") * 31 + (unsigned char)at[1] : 0;
    phrase_say(phrase, to, &said);
    assert_null(strchr(buf_text(&said), '{')); /* each is known */
    buf_finish(&said);
    return holes;
}

static void test_every_wording_has_its_name_and_its_words(void **state)
{
    for (unsigned i = WORDING_NONE + 1; i < WORDINGS; i++) {
        const struct phrase phrase = {
            .kind = (enum wording)i, .format = WORDING_MAC, .texts = {"a", "b"}};
        const char *english = wording_text((enum wording)i, CONFIG_ENGLISH);
        const char *french = wording_text((enum wording)i, CONFIG_FRENCH);
        if (wording_name((enum wording)i) == NULL)
            fail_msg("wording %u has no name", i);
        assert_true(english[0] != '\0' && french[0] != '\0');
        assert_int_equal(holes_of(english, &phrase, CONFIG_ENGLISH),
                         holes_of(french, &phrase, CONFIG_FRENCH));
        for (unsigned j = WORDING_NONE + 1; j < i; j++)
            assert_string_not_equal(wording_name((enum wording)i), wording_name((enum wording)j));
    }
    for (unsigned i = 0; i < COMPLAINTS; i++)
        assert_non_null(complaint_code_name((enum complaint_code)i));
}

/* Keys without end, of control characters, each wrong twice, and secrets. */
static void test_hostile_errors_are_bounded_and_clean(void **state)
{
    struct buf json = BUF_INIT(4 * 1024 * 1024), lines = BUF_INIT(4 * 1024 * 1024);
    struct report report = {0};
    struct config *config = NULL;
    size_t n = 0;
    buf_puts(&json, "{\"api_key\":\"hunter2\",\"mqtt\":{\"url\":\"mqtt://u:hunter2@h\"},"
                    "\"servers\":{");
    for (int i = 0; i < 300; i++) {
        buf_printf(&json, "%s\"\\u001b[2J%d", i > 0 ? "," : "", i);
        for (int j = 0; j < 3000; j++)
            buf_putc(&json, 'k');
        buf_puts(&json, "\":0");
    }
    buf_puts(&json, "}}");
    assert_int_equal(config_parse("F", buf_text(&json), json.length, &config, &report), -EINVAL);
    for (const struct complaint *at = report.first; at != NULL; at = at->next, n++) {
        struct json_writer writer;
        buf_clear(&lines);
        json_writer_init(&writer, &lines);
        complaint_put(&writer, NULL, at);
        complaint_say(at, CONFIG_FRENCH, &lines);
        assert_true(lines.length < 4000);
        assert_false(text_has_control(buf_text(&lines)));
        assert_null(strstr(buf_text(&lines), "u001b"));
        assert_null(strstr(buf_text(&lines), "hunter2"));
    }
    assert_int_equal(n, REPORT_ERRORS_MAX + 1);
    assert_int_equal(report.last->code, COMPLAINT_MORE);
    assert_int_equal(report.last->found.numbers[0], 602 - REPORT_ERRORS_MAX);
    assert_int_equal(report.n, 602);
    report_finish(&report);
    buf_finish(&lines);
    buf_finish(&json);
}

/* A name as long as it may be is whole where it is. */
static void test_configured_names_are_not_cut(void **state)
{
    struct buf json = BUF_INIT(100000), place = BUF_INIT(10000);
    struct report report = {0};
    struct config *config = NULL;
    char domain[254], project[65];
    for (size_t i = 0; i < sizeof domain; i++)
        domain[i] = i % 50 == 49 ? '.' : 'd';
    domain[253] = '\0';
    memset(project, 'p', 64);
    project[64] = '\0';
    buf_printf(&json,
               "{\"domains\":{\"%s\":{\"server\":\"s\",\"projects\":{\"%s\":{\"path\":7}}},"
               "\"e.org\":{\"server\":\"s\",\"projects\":{\"%s\":{}}}},"
               "\"servers\":{\"s\":{\"address\":\"10.0.0.1\",\"mac\":\"02:00:00:00:00:01\"}}}",
               domain, project, project);
    assert_int_equal(config_parse("F", buf_text(&json), json.length, &config, &report), -EINVAL);
    complaint_say_place(report.first, CONFIG_ENGLISH, &place);
    buf_clear(&json);
    buf_printf(&json, "F: /domains/%s/projects/%s/path", domain, project);
    assert_string_equal(buf_text(&place), buf_text(&json));
    assert_string_equal(report.last->found.texts[0], domain);
    report_finish(&report);
    buf_finish(&place);
    buf_finish(&json);
}

static void test_syntax_errors_name_the_place(void **state)
{
    static const struct refusal cases[] = {
        {"", "F:1:1: the text ends where a value is expected\n"},
        {"{\n  'site': 'a',\n}", "F:3:1: found \"}\" where a key in double quotes is expected\n"},
        {"{'site':'a'} x", "F:1:14: found \"x\" where the end of the text is expected\n"},
        {"{'site':'a','site':'b'}", "F: the key \"site\" appears twice in the outermost object\n"},
        {"{'store':{'max_mb':1e999}}", "F:1:20: the number 1e999 is too large\n"},
        {"{'site':'\xff'}", "F:1:10: broken UTF-8 (byte 0xff)\n"},
        {"[[[[[[[[[[[[[[[[[[[[", "F:1:17: nested more than 16 deep\n"},
        {"\x7f\x45\x4c\x46\x02", "F:1:1: found \"?\" where a value is expected\n"},
    };
    all_refused(cases, ARRAY_SIZE(cases));
}

static char *make_directory(char path[64])
{
    text_copy(path, 64, "/tmp/hall-test-config-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void load_fails(const char *path, int error, const char *what)
{
    struct buf errors = BUF_INIT(10000);
    struct report report = {0};
    struct config *config = NULL;
    int r = config_load(path, &config, &report);
    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    if (r != error || config != NULL || strstr(buf_text(&errors), what) == NULL ||
        strncmp(buf_text(&errors), path, strlen(path)) != 0)
        fail_msg("%s: %d %s", path, r, buf_text(&errors));
    buf_finish(&errors);
}

static void test_files_that_cannot_be_read(void **state)
{
    char directory[64];
    char path[96];
    static char many[4 * 1024 * 1024 + 1];

    make_directory(directory);
    load_fails(directory, -EISDIR, "is a directory");
    load_fails("/dev/null", -EINVAL, "is not a regular file");
    snprintf(path, sizeof path, "%s/file", directory);
    load_fails(path, -ENOENT, "No such file or directory; write it, or name another file");
    assert_int_equal(mkfifo(path, 0600), 0);
    load_fails(path, -EINVAL, "is not a regular file");
    unlink(path);
    memset(many, ' ', sizeof many);
    write_file(path, many, sizeof many);
    load_fails(path, -EFBIG, "is larger than 4 MiB");
    memset(many, '[', sizeof many);
    write_file(path, many, 1024 * 1024);
    load_fails(path, -EINVAL, "nested more than 16 deep");
    write_file(path, many, 0);
    load_fails(path, -EINVAL, "the text ends");
    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0), 0);
        load_fails(path, -EACCES, "Permission denied");
    }
    unlink(path);
    rmdir(directory);
}

static void test_ten_thousand_servers(void **state)
{
    struct buf text = BUF_INIT(4 * 1024 * 1024);
    buf_puts(&text, "{'servers':{");
    for (int i = 0; i < 10000; i++)
        buf_printf(
            &text, "%s's%05d':{'address':'10.0.%d.%d','mac':'02:00:00:00:%02x:%02x'%s%05d%s}",
            i > 0 ? "," : "", i, i / 256, i % 256, i / 256, i % 256,
            i > 0 ? ",'depends_on':['s" : ",'group':'", i > 0 ? i - 1 : 0, i > 0 ? "']" : "'");
    buf_puts(&text, "},'domains':{");
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "%s'h%05d.org':{'server':'s%05d','projects':{'p%05d':{}}}",
                   i > 0 ? "," : "", i, i, i);
    buf_puts(&text, "}}");
    assert_int_equal(buf_error(&text), 0);

    const clock_t start = clock(); /* of the processor: others may have it meanwhile */
    struct config *config = good(buf_text(&text));
    const long long ms = (long long)(clock() - start) * 1000 / CLOCKS_PER_SEC;
    assert_int_equal(config->model.n_servers, 10000);
    assert_int_equal(config->model.n_sites, 20000);
    assert_int_equal(model_server_by_id(&config->model, "s09999"), 9999);
    assert_int_equal(config->model.servers[9999].depends_on[0], 9998);
    assert_int_equal(model_domain_by_host(&config->model, "h04242.org"), 4242);
    assert_true(model_project_by_id(&config->model, "p07777") > 0);
    assert_int_equal(model_project_by_id(&config->model, "p10000"), MODEL_NONE);
    config_free(config);
    buf_finish(&text);
    if (ms > 5000) /* quadratic work would take minutes, sanitizers take a second */
        fail_msg("%lld ms", ms);
}

static char *read_text_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_schema_is_the_committed_one(void **state)
{
    static char committed[256 * 1024];
    struct buf schema = BUF_INIT(1024 * 1024);
    assert_int_equal(config_write_schema(&schema), 0);
    read_text_file(TEST_DIR "/../docs/domains.schema.json", committed, sizeof committed);
    if (strcmp(committed, buf_text(&schema)) != 0)
        fail_msg("docs/domains.schema.json is out of date; it is build/share/domains.schema.json");
    buf_finish(&schema);

    struct buf small = BUF_INIT(100);
    assert_int_equal(config_write_schema(&small), -EMSGSIZE);
    buf_finish(&small);
}

/* Every key of the tables has its row in the manual. */
static void look_for_keys(const struct option_table *table, const char *manual)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        const struct option *item = row->item != NULL ? row->item : row;
        char cell[64];
        snprintf(cell, sizeof cell, "`%s`", row->key);
        if (strstr(manual, cell) == NULL && strcmp(table->name, "watts") != 0)
            fail_msg("docs/CONFIGURATION.md does not have %s of %s", cell, table->name);
        if (item->table != NULL)
            look_for_keys(item->table, manual);
    }
}

static void test_manual_has_every_key(void **state)
{
    static char manual[64 * 1024];
    look_for_keys(&option_root,
                  read_text_file(TEST_DIR "/../docs/CONFIGURATION.md", manual, sizeof manual));
}

static const char *const secret_variables[] = {
    "HALL_MQTT_PASSWORD",    "HALL_ADMIN_PASSWORD_HASH",
    "ADMIN_PASSWORD",        "HALL_SECRET_KEY",
    "HALL_API_KEY",          "WOL_API_KEY",
    "CREDENTIALS_DIRECTORY",
};

static int clear_environment(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(secret_variables); i++)
        unsetenv(secret_variables[i]);
    return 0;
}

static void test_secrets_from_the_environment(void **state)
{
    struct report report = {0};
    struct secrets secrets;
    setenv("HALL_MQTT_PASSWORD", "p w", 1);
    setenv("HALL_SECRET_KEY", "", 1);
    setenv("WOL_API_KEY", "old", 1);
    assert_int_equal(secrets_load(&secrets, &report), 0);
    assert_string_equal(secrets.mqtt_password, "p w");
    assert_null(secrets.secret_key);
    assert_null(secrets.admin_password);
    assert_null(secrets.admin_password_hash);
    assert_string_equal(secrets.api_key, "old");
    secrets_finish(&secrets);
    assert_null(secrets.mqtt_password);
    secrets_finish(&secrets);
    secrets_finish(NULL);

    setenv("HALL_API_KEY", "new", 1);
    assert_int_equal(secrets_load(&secrets, &report), 0);
    assert_string_equal(secrets.api_key, "new");
    secrets_finish(&secrets);
    assert_null(report.first);
    report_finish(&report);
}

static void test_secrets_from_credentials(void **state)
{
    char directory[64];
    char path[128];
    struct report report = {0};
    struct secrets secrets;
    make_directory(directory);
    snprintf(path, sizeof path, "%s/hall-mqtt-password", directory);
    write_file(path, "from file\n", 10);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    assert_int_equal(secrets_load(&secrets, &report), 0);
    assert_string_equal(secrets.mqtt_password, "from file");
    secrets_finish(&secrets);
    setenv("HALL_MQTT_PASSWORD", "from environment", 1);
    assert_int_equal(secrets_load(&secrets, &report), 0);
    assert_string_equal(secrets.mqtt_password, "from environment");
    secrets_finish(&secrets);
    unlink(path);
    rmdir(directory);
    assert_null(report.first);
    report_finish(&report);
}

static void test_bad_secrets_are_named_not_shown(void **state)
{
    char directory[64];
    char path[128];
    static char huge[5000];
    struct buf errors = BUF_INIT(1000);
    struct report report = {0};
    struct secrets secrets = {.api_key = "untouched"};
    setenv("HALL_SECRET_KEY", "hunter2\x01", 1);
    memset(huge, 'x', sizeof huge - 1);
    setenv("HALL_API_KEY", huge, 1);
    make_directory(directory);
    snprintf(path, sizeof path, "%s/hall-mqtt-password", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    assert_true(secrets_load(&secrets, &report) < 0);
    report_say(&report, CONFIG_ENGLISH, &errors);
    assert_string_equal(secrets.api_key, "untouched");
    assert_non_null(strstr(buf_text(&errors), "HALL_SECRET_KEY: has control characters"));
    assert_non_null(strstr(buf_text(&errors), "HALL_API_KEY: is longer than 4095 bytes\n"));
    assert_non_null(
        strstr(buf_text(&errors), "hall-mqtt-password: this credential cannot be read"));
    assert_null(strstr(buf_text(&errors), "hunter2"));
    rmdir(path);
    rmdir(directory);
    report_finish(&report);
    buf_finish(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_lines_are_enough),
        cmocka_unit_test(test_empty_is_a_configuration),
        cmocka_unit_test(test_example_ships_whole),
        cmocka_unit_test(test_every_key_is_read),
        cmocka_unit_test(test_mqtt_over_a_socket),
        cmocka_unit_test(test_derived_checks),
        cmocka_unit_test(test_how_upstreams_are_reached),
        cmocka_unit_test(test_an_upstream_that_speaks_grpc),
        cmocka_unit_test(test_zones_are_inherited),
        cmocka_unit_test(test_quotas_of_a_project_may_stand_in_its_access),
        cmocka_unit_test(test_wrong_types_and_ranges),
        cmocka_unit_test(test_required_and_unknown_keys),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_what_must_fit_together),
        cmocka_unit_test(test_policies_must_make_sense),
        cmocka_unit_test(test_windows_may_overlap_and_wait),
        cmocka_unit_test(test_hours_of_access_must_make_sense),
        cmocka_unit_test(test_guards_and_quotas_have_bounds),
        cmocka_unit_test(test_ways_to_sleep_are_refused),
        cmocka_unit_test(test_sleep_by_ssh),
        cmocka_unit_test(test_sleep_by_webhook),
        cmocka_unit_test(test_too_many_checks_of_one_server),
        cmocka_unit_test(test_all_errors_at_once),
        cmocka_unit_test(test_errors_are_capped),
        cmocka_unit_test(test_errors_are_facts),
        cmocka_unit_test(test_errors_in_french),
        cmocka_unit_test(test_every_wording_has_its_name_and_its_words),
        cmocka_unit_test(test_hostile_errors_are_bounded_and_clean),
        cmocka_unit_test(test_configured_names_are_not_cut),
        cmocka_unit_test(test_secrets_are_refused_and_not_shown),
        cmocka_unit_test(test_values_are_shown_cut_and_clean),
        cmocka_unit_test(test_syntax_errors_name_the_place),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_ten_thousand_servers),
        cmocka_unit_test(test_schema_is_the_committed_one),
        cmocka_unit_test(test_manual_has_every_key),
        cmocka_unit_test_setup(test_secrets_from_the_environment, clear_environment),
        cmocka_unit_test_setup(test_secrets_from_credentials, clear_environment),
        cmocka_unit_test_setup(test_bad_secrets_are_named_not_shown, clear_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
