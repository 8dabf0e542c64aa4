#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/gate/sablier.h"

static const char *web_containers[] = {"client1-web", "client1-db"};
static struct model_site sites[] = {
    {.id = "erp.example", .domain = 0, .path = "/", .upstream = "http://192.0.2.1"},
    {.id = "testing.example", .domain = 1, .path = "/"},
    {.id = "client1",
     .domain = 1,
     .is_project = true,
     .path = "/client1",
     .n_containers = 2,
     .containers = web_containers},
    {.id = "client2", .domain = 1, .is_project = true, .path = "/client2"},
};
static struct model_domain domains[] = {
    {.name = "erp.example", .site = 0},
    {.name = "testing.example", .site = 1, .n_projects = 2, .projects = {2, 3}},
};
static const struct model model = {
    .n_sites = 4, .sites = sites, .n_domains = 2, .domains = domains};

static enum sablier_fault read_query(const char *query, struct sablier *sablier)
{
    return sablier_read(&model, (struct span){query, query != NULL ? strlen(query) : 0}, sablier);
}

static void names_and_groups(void **state)
{
    static const struct {
        const char *query;
        size_t n;
        int sites[4];
    } cases[] = {
        {"names=client1", 1, {2}},
        {"names=client1&names=client2&session_duration=5m", 2, {2, 3}},
        {"names=client2%2Cclient1&theme=ghost&show_details=true&display_name=x", 2, {3, 2}},
        {"names=client1,client1", 1, {2}},
        {"names=client1-db,client1-web", 1, {2}},
        {"names=erp.example", 1, {0}},
        {"group=testing.example&names=", 2, {2, 3}},
        {"group=erp.example&refresh_frequency=2s", 1, {0}},
        {"group=ERP.example", 1, {0}},
    };
    struct sablier sablier;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_query(cases[i].query, &sablier), SABLIER_FINE);
        assert_int_equal(sablier.n, cases[i].n);
        assert_memory_equal(sablier.sites, cases[i].sites, cases[i].n * sizeof(int));
    }
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *query;
        enum sablier_fault fault;
    } cases[] = {
        {NULL, SABLIER_NEITHER},
        {"", SABLIER_NEITHER},
        {"theme=ghost", SABLIER_NEITHER},
        {"names=", SABLIER_NEITHER},
        {"names=client1&group=testing.example", SABLIER_BOTH},
        {"group=testing.example&names=client1", SABLIER_BOTH},
        {"group=testing.example&group=erp.example", SABLIER_BROKEN},
        {"names=client1,", SABLIER_BROKEN},
        {"names=%zz", SABLIER_BROKEN},
        {"names=client1&timeout=soon", SABLIER_DURATION},
        {"names=client1&session_duration=-5m", SABLIER_DURATION},
        {"names=nothing&group=testing.example", SABLIER_BOTH},
        {"group=nothing&names=client1", SABLIER_BOTH},
        {"names=nothing&timeout=soon", SABLIER_DURATION},
        {"names=nothing", SABLIER_NO_NAME},
        {"names=nothing&names=client1&timeout=5s", SABLIER_NO_NAME},
        {"names=client1,nothing", SABLIER_NO_NAME},
        {"group=client1", SABLIER_NO_GROUP},
    };
    struct sablier sablier;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(read_query(cases[i].query, &sablier), cases[i].fault);
    assert_string_equal(sablier.missing, "client1");
    assert_int_equal(sablier_fault_status(SABLIER_NO_GROUP), 404);
    assert_int_equal(sablier_fault_status(SABLIER_BOTH), 400);
}

static void each_fault(void **state)
{
    static const struct {
        enum sablier_fault fault;
        int status;
        enum fact_code code;
        int64_t most;
        const char *name;
    } rows[] = {
        {SABLIER_NEITHER, 400, FACT_SABLIER_NEITHER, 0, ""},
        {SABLIER_BOTH, 400, FACT_SABLIER_BOTH, 0, ""},
        {SABLIER_BROKEN, 400, FACT_SABLIER_BROKEN, 0, ""},
        {SABLIER_DURATION, 400, FACT_SABLIER_DURATION, 0, ""},
        {SABLIER_TOO_MANY, 400, FACT_SABLIER_TOO_MANY, 17, ""},
        {SABLIER_NO_NAME, 404, FACT_SABLIER_NO_NAME, 0, "no?"},
        {SABLIER_NO_GROUP, 404, FACT_SABLIER_NO_GROUP, 0, "no?"},
    };
    const struct sablier sablier = {.missing = "no\n"};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct fact why = sablier_fault_fact(rows[i].fault, &sablier);
        assert_int_equal(sablier_fault_status(rows[i].fault), rows[i].status);
        assert_int_equal(why.parts[0].code, rows[i].code);
        assert_int_equal(why.parts[0].n[0], rows[i].most);
        assert_string_equal(fact_text(&why, 0, 0), rows[i].name);
    }
}

/* A domain with projects is one of its group where it has a site of its own. */
static void who_is_in_a_group(void **state)
{
    struct sablier sablier;
    assert_int_equal(read_query("group=testing.example", &sablier), SABLIER_FINE);
    assert_int_equal(sablier.n, 2);
    sites[1].upstream = "http://192.0.2.2";
    assert_int_equal(read_query("group=testing.example", &sablier), SABLIER_FINE);
    assert_int_equal(sablier.n, 3);
    assert_int_equal(sablier.sites[2], 1);
    sites[1].upstream = NULL;
    domains[1].n_projects = 1;
    assert_int_equal(read_query("group=testing.example", &sablier), SABLIER_FINE);
    assert_int_equal(sablier.n, 1);
    assert_int_equal(sablier.sites[0], 2);
    domains[1].n_projects = 2;
}

static void durations_of_go(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},
                {"5s", 5000},
                {"1m30s", 90000},
                {"1h0m0s", 3600000},
                {"1.5h", 5400000},
                {"300ms", 300},
                {"+2m", 120000},
                {".5s", 500},
                {"1us", 0},
                {"1500\u00b5s", 1},
                {"2m0.25s", 120250},
                {"1ns", 0},
                {"2500000ns", 2},
                {"3000us", 3},
                {"3000\u03bcs", 3},
                {"87600h", INT64_C(315360000000)},
                {"1.s", 1000},
                {"0.00000000000000025h", 0}};
    static const char *const bad[] = {"",          "5",         "-5s",
                                      "s",         "1m30",      "1x",
                                      "1 s",       "1..s",      ".s",
                                      "5s ",       "1h-2m",     "9999999999999999999s",
                                      "99999999h", "87600h1ms", "0.000000000000000025h",
                                      "1"};
    int64_t ms;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(sablier_duration(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(sablier_duration(bad[i], &ms));
}

static void parameters_have_defaults(void **state)
{
    struct sablier sablier;
    assert_int_equal(read_query("names=client1", &sablier), SABLIER_FINE);
    assert_int_equal(sablier.timeout, SABLIER_TIMEOUT_MS);
    assert_int_equal(sablier.refresh, SABLIER_REFRESH_MS);
    assert_int_equal(read_query("timeout=2s&names=client1&refresh_frequency=1m", &sablier),
                     SABLIER_FINE);
    assert_int_equal(sablier.timeout, 2000);
    assert_int_equal(sablier.refresh, 60000);
}

/* Seventeen sites may be named, each once; an eighteenth is too many, one named again is not. */
static void seventeen_names(void **state)
{
    static char ids[18][4];
    static struct model_site many[18];
    const struct model crowd = {.n_sites = 18, .sites = many};
    struct sablier sablier;
    char query[160] = "names=p00";

    for (int i = 0; i < 18; i++) {
        snprintf(ids[i], sizeof ids[i], "p%02d", i);
        many[i] = (struct model_site){.id = ids[i], .is_project = true};
    }
    for (int i = 1; i <= 18; i++) {
        const enum sablier_fault fault =
            sablier_read(&crowd, (struct span){query, strlen(query)}, &sablier);
        assert_int_equal(fault, i <= 17 ? SABLIER_FINE : SABLIER_TOO_MANY);
        assert_int_equal(sablier.n, i <= 17 ? i : 17);
        assert_int_equal(sablier.sites[sablier.n - 1], sablier.n - 1);
        if (i == 17) {
            char again[256];
            snprintf(again, sizeof again, "%s,p16,p00", query);
            assert_int_equal(sablier_read(&crowd, (struct span){again, strlen(again)}, &sablier),
                             SABLIER_FINE);
        }
        snprintf(query + strlen(query), sizeof query - strlen(query), ",p%02d", i);
    }
}

/* What nobody knows is told back whole, up to 253 bytes: a name that is longer is broken, a group
 * is cut. */
static void what_is_missing_is_told_whole(void **state)
{
    static const struct {
        const char *word;
        int length;
        enum sablier_fault fault;
        size_t told;
    } rows[] = {
        {"names", 1, SABLIER_NO_NAME, 1},      {"names", 253, SABLIER_NO_NAME, 253},
        {"names", 254, SABLIER_BROKEN, 0},     {"group", 1, SABLIER_NO_GROUP, 1},
        {"group", 253, SABLIER_NO_GROUP, 253}, {"group", 254, SABLIER_NO_GROUP, 253},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sablier sablier;
        char query[300];
        snprintf(query, sizeof query, "%s=%0*d", rows[i].word, rows[i].length, 0);
        assert_int_equal(read_query(query, &sablier), rows[i].fault);
        assert_int_equal(strlen(sablier.missing), rows[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_groups), cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(each_fault),       cmocka_unit_test(who_is_in_a_group),
        cmocka_unit_test(durations_of_go),  cmocka_unit_test(parameters_have_defaults),
        cmocka_unit_test(seventeen_names),  cmocka_unit_test(what_is_missing_is_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
