#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/gate/reading.h"

/* One upstream for the domain and /shared, another for /apart and /deep/er. */
enum { SITE_OWN, SITE_APART, SITE_SHARED, SITE_DEEPER };
static struct model_site sites[] = {
    [SITE_OWN] = {.id = "a.example", .path = "/", .upstream = "http://192.0.2.1:80/base"},
    [SITE_APART] = {.id = "apart", .path = "/apart", .upstream = "http://192.0.2.2"},
    [SITE_SHARED] = {.id = "shared", .path = "/shared"},
    [SITE_DEEPER] = {.id = "deeper", .path = "/apart/deeper", .upstream = "http://192.0.2.2/x"},
};
static struct model_domain domains[] = {
    {.name = "a.example",
     .site = SITE_OWN,
     .n_projects = 3,
     .projects = {SITE_DEEPER, SITE_SHARED, SITE_APART}},
    {.name = "b.example", .site = SITE_OWN},
};
static const struct model model = {
    .n_sites = 4, .sites = sites, .n_domains = 2, .domains = domains};

static bool doubtful(int domain, const char *raw)
{
    char path[256];
    struct span span = {raw, strlen(raw)};
    assert_true(uri_normalise_path(span, path));
    return reading_is_doubtful(&model, domain, span, path);
}

/* However its upstream is written, one program may answer for both; two addresses tell that it does
 * not. */
static void upstreams_written_differently(void **state)
{
    static const struct {
        const char *own, *project;
        bool same;
    } pairs[] = {
        {"http://192.0.2.1", "http://192.0.2.1:80", true},
        {"http://192.0.2.1:080/base", "http://192.0.2.1", true},
        {"https://192.0.2.1", "https://192.0.2.1:443/x", true},
        {"http://nas.lan:8080", "http://192.0.2.1:8080", true},
        {"http://nas.lan:8080", "http://NAS.example:8080", true},
        {"http://192.0.2.1", "http://192.0.2.1:81", false},
        {"http://192.0.2.1", "https://192.0.2.1", false},
        {"http://192.0.2.1", "http://192.0.2.2", false},
        {"http://nas.lan:8080", "http://nas.lan:8081", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct model_site two[] = {
            {.id = "a.example", .path = "/", .upstream = pairs[i].own},
            {.id = "secret", .path = "/secret", .upstream = pairs[i].project},
        };
        struct model_domain one = {.name = "a.example", .n_projects = 1, .projects = {1}};
        const struct model other = {.n_sites = 2, .sites = two, .n_domains = 1, .domains = &one};
        const struct span odd = {"/SECRET/a", strlen("/SECRET/a")};
        assert_int_equal(reading_is_doubtful(&other, 0, odd, odd.at), pairs[i].same);
    }
}

static void paths_that_others_read_otherwise(void **state)
{
    static const char *const paths[] = {
        "/apart/..%2fecho",
        "/apart/..%2Fecho",
        "/apart%2fecho",
        "/apart%5cecho",
        "/apart\\echo",
        "/x%2f..%2fapart",
        "/x\\..\\apart/y",
        "/apart/..%5cecho",
        "/x/..%5capart",
        "/x%2fy\\..\\apart/z",
        "/apart/%2e%2e%2fecho",

        "/apart/..%2f.hall/status",
        "/.hall%2fstatus",
        "/apart/..\\shared",
        "/shared;a=b/c",
        "/x/..;/shared",
        "/x/..;y=z/shared",
        "/x/..;\\shared",
        "/x\\..;y=z\\shared",
        "/shared./x",
        "/shared.%20/x",
        "/shared/../echo",
        "/shared/%2e%2e/echo",
        "/shared/x/../../echo",
        "/shared%252fecho",
        "/shared/..%252fecho",
        "/%2573hared",
        "/x%255c..%255cshared",
        "/SHARED",
        "/Shared/x",
        "/apart/DEEPER",
        "/apart/deeper/../x",
        "/apart%2fdeeper",
        "/x/..%2f..%2fapart",
    };
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (!doubtful(0, paths[i]))
            fail_msg("%s", paths[i]);
        assert_false(doubtful(1, paths[i])); /* one site is all there is */
    }
}

static void paths_that_all_read_alike(void **state)
{
    static const char *const paths[] = {
        "/",
        "/apart",
        "/apart/",
        "/apart/deeper/x",
        "/apart/x%2fy",
        "/api/v4/projects/group%2Fproject",
        "/x/../y",
        "/x/../shared",
        "/x/%2e%2e/apart/deeper",
        "/a/b\\c",
        "/shared/a;b=c/d",
        "/shared/x..y/",
        "/shared/SHARED",
        "/%73hared",
        "/x%252fy",
        "/100%25",
        /* Another upstream: the proxy has chosen, exactly. */
        "/APART",
        "/apart./x",
        "/apart;x/y",
        "/apartment",
        "/.well-known/x",
        "/.hall/status",
    };
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (doubtful(0, paths[i]))
            fail_msg("%s", paths[i]);
    }
}

static void the_site_of_a_path(void **state)
{
    static const struct {
        const char *path;
        int site;
    } cases[] = {
        {"/", SITE_OWN},          {"/apart", SITE_APART},      {"/apart/deeper/x", SITE_DEEPER},
        {"/apart/x", SITE_APART}, {"/apartment", SITE_OWN},    {"/apart?x", SITE_OWN},
        {"/shared#x", SITE_OWN},  {"/.hall/wait", MODEL_NONE}, {"/.hallway", SITE_OWN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(reading_site(&model, 0, cases[i].path), cases[i].site);
}

/* Another case of a path may be another site's, but of this domain's projects alone. */
static void only_projects_of_the_domain_count(void **state)
{
    static const struct {
        const char *raw;
        size_t n_projects;
        bool doubtful;
    } rows[] = {
        {"/SHARED/x", 3, true}, {"/SHARED/x", 2, true},  {"/SHARED/x", 1, false},
        {"/SHAREDx", 3, false}, {"/shared/x", 3, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        domains[0].n_projects = rows[i].n_projects;
        if (doubtful(0, rows[i].raw) != rows[i].doubtful)
            fail_msg("row %zu: %s", i, rows[i].raw);
    }
    domains[0].n_projects = 3;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_that_others_read_otherwise),
        cmocka_unit_test(upstreams_written_differently),
        cmocka_unit_test(paths_that_all_read_alike),
        cmocka_unit_test(the_site_of_a_path),
        cmocka_unit_test(only_projects_of_the_domain_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
