#include <arpa/inet.h>
#include <string.h>

#include "base/array.h"
#include "core/model.h"
#include "unit.h"

static struct model_server servers[] = {{.id = "zeta"}, {.id = "alpha"}, {.id = "mid"}};
static struct model_site sites[] = {
    {.id = "a.org", .path = "/"},
    {.id = "long", .path = "/client1/admin", .is_project = true},
    {.id = "short", .path = "/client1", .is_project = true},
    {.id = "b.org", .path = "/"},
    {.id = "all", .path = "/", .is_project = true},
};
static struct model_domain domains[] = {
    {.name = "a.org", .site = 0, .n_projects = 2, .projects = {1, 2}},
    {.name = "b.org", .site = 3, .n_projects = 1, .projects = {4}},
    {.name = "sub.b.org", .site = 3},
};
static const int servers_by_id[] = {1, 2, 0};
static const int projects_by_id[] = {4, 1, 2};

static const struct model plain = {
    .n_servers = 3,
    .servers = servers,
    .n_domains = 3,
    .domains = domains,
    .n_sites = 5,
    .sites = sites,
};
static const struct model ordered = {
    .n_servers = 3,
    .servers = servers,
    .n_domains = 3,
    .domains = domains,
    .n_sites = 5,
    .sites = sites,
    .servers_by_id = servers_by_id,
    .n_projects = 3,
    .projects_by_id = projects_by_id,
};

static void look_up(const struct model *model)
{
    assert_int_equal(model_server_by_id(model, "zeta"), 0);
    assert_int_equal(model_server_by_id(model, "alpha"), 1);
    assert_int_equal(model_server_by_id(model, "mid"), 2);
    assert_int_equal(model_server_by_id(model, "m"), MODEL_NONE);
    assert_int_equal(model_server_by_id(model, ""), MODEL_NONE);
    assert_int_equal(model_project_by_id(model, "long"), 1);
    assert_int_equal(model_project_by_id(model, "all"), 4);
    assert_int_equal(model_project_by_id(model, "short"), 2);
    assert_int_equal(model_project_by_id(model, "a.org"), MODEL_NONE);
}

static void test_by_id(void **state)
{
    const struct model none = {0};
    look_up(&plain);
    look_up(&ordered);
    assert_int_equal(model_server_by_id(&none, "x"), MODEL_NONE);
    assert_int_equal(model_project_by_id(&none, "x"), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&none, "x"), MODEL_NONE);
}

static void test_domain_by_host(void **state)
{
    assert_int_equal(model_domain_by_host(&plain, "a.org"), 0);
    assert_int_equal(model_domain_by_host(&plain, "B.ORG"), 1);
    assert_int_equal(model_domain_by_host(&plain, "sub.b.org:8443"), 2);
    assert_int_equal(model_domain_by_host(&plain, "b.org."), 1);
    assert_int_equal(model_domain_by_host(&plain, "b.org.:80"), 1);
    assert_int_equal(model_domain_by_host(&plain, "b.or"), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&plain, "b.orgx"), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&plain, "b.org.."), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&plain, ""), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&plain, "."), MODEL_NONE);
    assert_int_equal(model_domain_by_host(&plain, ":80"), MODEL_NONE);
}

static void test_site_for_path(void **state)
{
    assert_int_equal(model_site_for_path(&plain, 0, "/"), 0);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1"), 2);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1/x?y"), 2);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1?y"), 2);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1/admin"), 1);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1/admin/"), 1);
    assert_int_equal(model_site_for_path(&plain, 0, "/client1/administrator"), 2);
    assert_int_equal(model_site_for_path(&plain, 0, "/client10"), 0);
    assert_int_equal(model_site_for_path(&plain, 0, "/Client1"), 0);
    assert_int_equal(model_site_for_path(&plain, 0, ""), 0);
    assert_int_equal(model_site_for_path(&plain, 1, "/anything"), 4);
    assert_int_equal(model_site_for_path(&plain, 2, "/anything"), 3);
}

/* Where a site's upstream leads; a project without one has that of its domain. */
static void test_upstreams(void **state)
{
    static const struct {
        const char *url;
        const char *host; /* NULL: there is none */
        unsigned port;
        const char *address; /* NULL: it is a name */
    } rows[] = {
        {"http://192.0.2.1", "192.0.2.1", 80, "192.0.2.1"},
        {"https://192.0.2.1", "192.0.2.1", 443, "192.0.2.1"},
        {"HTTPS://nas.lan/x", "nas.lan", 443, NULL},
        {"http://nas.lan:8080/x:1", "nas.lan", 8080, NULL},
        {"http://nas.lan:1", "nas.lan", 1, NULL},
        {"http://nas.lan:65535?x", "nas.lan", 65535, NULL},
        {"http://255.255.255.255:80#x", "255.255.255.255", 80, "255.255.255.255"},
        {"http://255.255.255.2555", "255.255.255.2555", 80, NULL},
        {"http://nas.lan:0", NULL, 0, NULL},
        {"http://nas.lan:65536", NULL, 0, NULL},
        {"http://:80", NULL, 0, NULL},
        {"http://", NULL, 0, NULL},
        {"nas.lan:80", NULL, 0, NULL},
        {NULL, NULL, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int site = 0; site < 2; site++) {
            struct model_site two[] = {{.upstream = rows[i].url}, {.upstream = NULL}};
            struct model_domain domain = {.name = "a", .site = 0};
            const struct model of = {
                .n_sites = 2, .sites = two, .n_domains = 1, .domains = &domain};
            struct model_upstream upstream;
            char address[INET_ADDRSTRLEN];
            assert_int_equal(model_upstream(&of, site, &upstream), rows[i].host != NULL);
            if (!rows[i].host)
                continue;
            assert_int_equal(upstream.host_length, strlen(rows[i].host));
            assert_memory_equal(upstream.host, rows[i].host, upstream.host_length);
            assert_int_equal(upstream.port, rows[i].port);
            assert_int_equal(upstream.is_address, rows[i].address != NULL);
            if (rows[i].address)
                assert_string_equal(inet_ntop(AF_INET, &upstream.address, address, sizeof address),
                                    rows[i].address);
        }
}

static void test_names(void **state)
{
    enum policy_mode mode = POLICY_ALWAYS_ON;
    assert_string_equal(policy_mode_name(POLICY_SCHEDULED), "scheduled");
    assert_true(policy_mode_from_name("on_demand", &mode));
    assert_int_equal(mode, POLICY_ON_DEMAND);
    assert_false(policy_mode_from_name("sometimes", &mode));
    assert_int_equal(mode, POLICY_ON_DEMAND);
    assert_string_equal(sleep_via_name(SLEEP_VIA_WEBHOOK), "webhook");
    assert_string_equal(sleep_mode_name(SLEEP_POWEROFF), "poweroff");
    assert_string_equal(check_kind_name(CHECK_AGENT), "agent");
}

static void watts_are_usual_ones_where_none_are_configured(void **state)
{
    static const struct {
        int on, asleep;
        bool measured;
        int told_on, told_asleep;
        const char *basis;
    } rows[] = {
        {-1, -1, false, 45, 2, "estimated"}, {-1, -1, true, 45, 2, "estimated"},
        {30, -1, false, 30, 2, "estimated"}, {-1, 1, false, 45, 1, "estimated"},
        {0, -1, false, 0, 2, "estimated"},   {-1, 0, false, 45, 0, "estimated"},
        {30, 1, false, 30, 1, "configured"}, {0, 0, false, 0, 0, "configured"},
        {30, 1, true, 30, 1, "measured"},    {0, 0, true, 0, 0, "measured"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct model_server server = {.watts_on = rows[i].on,
                                            .watts_asleep = rows[i].asleep,
                                            .watts_measured = rows[i].measured};
        const struct model_watts watts = model_watts(&server);
        if (watts.on != rows[i].told_on || watts.asleep != rows[i].told_asleep ||
            strcmp(watts.basis, rows[i].basis) != 0)
            fail_msg("row %zu", i);
    }
    assert_true(model_watts(NULL).on == 45 && model_watts(NULL).asleep == 2);
    assert_string_equal(model_watts(NULL).basis, "estimated");
}

/* Each of its cards is its own: the one that is woken, and those listed besides. */
static void test_addresses_of_a_server(void **state)
{
    static uint8_t more[2][6] = {{2, 0, 0, 0, 0, 8}, {2, 0, 0, 0, 0, 9}};
    static const struct {
        size_t n;
        uint8_t last;
        bool own;
    } rows[] = {{0, 7, true}, {0, 8, false}, {1, 7, true}, {1, 8, true}, {1, 9, false},
                {2, 7, true}, {2, 8, true},  {2, 9, true}, {2, 6, false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct model_server server = {
            .mac = {2, 0, 0, 0, 0, 7}, .n_macs = rows[i].n, .macs = more};
        const uint8_t mac[6] = {2, 0, 0, 0, 0, rows[i].last};

        assert_int_equal(model_has_mac(&server, mac), rows[i].own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_id),
        cmocka_unit_test(test_domain_by_host),
        cmocka_unit_test(test_site_for_path),
        cmocka_unit_test(test_upstreams),
        cmocka_unit_test(test_names),
        cmocka_unit_test(watts_are_usual_ones_where_none_are_configured),
        cmocka_unit_test(test_addresses_of_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
