/* What counts as use of a server, and that not knowing does. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/config_agent.h"
#include "bridges/agent/watch/vetoes.h"
#include "say/say.h"
#include "unit.h"

static struct watch_sample sample;
static struct vetoes vetoes;

static int empty(void **state)
{
    memset(&sample, 0, sizeof sample);
    memset(&vetoes, 0, sizeof vetoes);
    return 0;
}

static void judge(const struct watch_config *limits)
{
    vetoes_judge(limits, &sample, false, &vetoes);
}

static const char *sentence(size_t index, enum say_language language)
{
    static char text[512];
    assert_true(index < vetoes.n);
    return say_fact_text(&vetoes.list[index], NULL, (struct say_how){.language = language}, text,
                         sizeof text);
}

static void check(size_t index, const char *text)
{
    assert_string_equal(sentence(index, SAY_ENGLISH), text);
}

static void test_nothing_asked_nothing_found(void **state)
{
    sample.load.value = 100;
    sample.sessions.n = 1;
    sample.disk.problem = FACT(LOOK_HIDDEN);
    judge(&(struct watch_config){0});
    assert_int_equal(vetoes.n, 0);
}

static void test_sessions(void **state)
{
    static const struct {
        struct logind_session session;
        bool counts;
    } rows[] = {
        {{.user = "a", .class = "user", .state = "active"}, true},
        {{.user = "a", .class = "user", .state = "online"}, true},
        {{.user = "a", .class = "user", .state = "active", .idle = true}, false},
        {{.user = "a", .class = "user", .state = "active", .idle = true, .remote = true}, true},
        {{.user = "a", .class = "user", .state = "closing", .remote = true}, false},
        {{.user = "a", .class = "user-early", .state = "active"}, true},
        {{.user = "a", .class = "greeter", .state = "active"}, false},
        {{.user = "a", .class = "manager", .state = "active"}, false},
        {{.user = "a", .class = "lock-screen", .state = "active"}, false},
        {{.user = "a", .class = "background", .state = "active"}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(veto_session_counts(&rows[i].session), rows[i].counts);
    sample.sessions.n = 2;
    sample.sessions.list[0] = (struct logind_session){
        .user = "root", .class = "user", .remote = true, .host = "192.0.2.7"};
    sample.sessions.list[1] =
        (struct logind_session){.user = "marie", .class = "user", .seat = "seat0"};
    sample.sessions.more = 3;
    judge(&(struct watch_config){.sessions = true});
    check(0, "sessions: root from 192.0.2.7");
    check(1, "sessions: marie on seat0");
    check(2, "sessions: and 3 more");
    assert_int_equal(vetoes.n, 3);
}

static void test_inhibitors(void **state)
{
    static const struct {
        struct logind_inhibitor inhibitor;
        bool counts;
    } rows[] = {
        {{.what = "sleep", .mode = "block"}, true},
        {{.what = "shutdown:sleep:idle", .mode = "block"}, true},
        {{.what = "idle:shutdown", .mode = "block-weak"}, true},
        {{.what = "sleep", .mode = "delay"}, false},
        {{.what = "idle", .mode = "block"}, false},
        {{.what = "handle-suspend-key", .mode = "block"}, false},
        {{.what = "sleeper", .mode = "block"}, false},
        {{.what = "", .mode = "block"}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(logind_inhibits_sleep(&rows[i].inhibitor), rows[i].counts);
    sample.inhibitors.n = 1;
    sample.inhibitors.list[0] = (struct logind_inhibitor){
        .who = "dnf", .why = "installs", .what = "sleep", .mode = "block"};
    judge(&(struct watch_config){.inhibitors = true});
    check(0, "inhibitors: dnf (installs)");
    judge(&(struct watch_config){.idle_inhibitors = true});
    assert_int_equal(vetoes.n, 0);
}

static void test_idle_inhibitors(void **state)
{
    static const struct {
        struct logind_inhibitor inhibitor;
        bool counts;
    } rows[] = {
        {{.what = "idle", .mode = "block"}, true},
        {{.what = "handle-lid-switch:idle", .mode = "block-weak"}, true},
        {{.what = "idle", .mode = "delay"}, false},
        {{.what = "idle:sleep", .mode = "block"}, false}, /* the other check has it */
        {{.what = "sleep", .mode = "block"}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(logind_inhibits_idle(&rows[i].inhibitor), rows[i].counts);
    sample.inhibitors.n = 1;
    sample.inhibitors.list[0] = (struct logind_inhibitor){
        .who = "player", .why = "plays a film", .what = "idle", .mode = "block"};
    judge(&(struct watch_config){.idle_inhibitors = true});
    check(0, "inhibitors: player says that this machine is not idle (plays a film)");
    assert_true(fact_is(&vetoes.list[0], FACT_VETO_IDLE_INHIBITOR));
    judge(&(struct watch_config){.inhibitors = true});
    assert_int_equal(vetoes.n, 0);
    vetoes_judge(&(struct watch_config){.idle_inhibitors = true}, &sample, true, &vetoes);
    assert_int_equal(vetoes.n, 0);
}

static void test_what_blocks(void **state)
{
    struct logind_inhibitors *inhibitors = &sample.inhibitors;
    assert_false(logind_is_inhibited(inhibitors));
    inhibitors->n = 1;
    inhibitors->list[0] = (struct logind_inhibitor){.what = "sleep", .mode = "delay"};
    assert_false(logind_is_inhibited(inhibitors));
    inhibitors->more = 1;
    assert_true(logind_is_inhibited(inhibitors));
    inhibitors->more = 0;
    inhibitors->problem = FACT(LOGIND_SILENT);
    assert_true(logind_is_inhibited(inhibitors));
    inhibitors->problem = FACT(NONE);
    inhibitors->list[0] = (struct logind_inhibitor){.what = "shutdown", .mode = "block"};
    assert_true(logind_is_inhibited(inhibitors));
}

static void test_thresholds_count_from_their_value_on(void **state)
{
    const struct watch_config limits = {.load = 2, .network = 100000, .disk = 1000000};
    sample.load.value = 1.999;
    sample.network.value = 99999;
    sample.disk.value = 999999;
    judge(&limits);
    assert_int_equal(vetoes.n, 0);
    sample.load.value = 2;
    sample.network.value = 100000;
    sample.disk.value = 1500000;
    judge(&limits);
    check(0, "load: 2.00, the limit is 2.00");
    check(1, "network: 100 kB/s, the limit is 100 kB/s");
    check(2, "disk: 1.5 MB/s, the limit is 1.0 MB/s");
}

static void test_lists(void **state)
{
    const char *const process = "rsync";
    const char *const command[] = {"/usr/local/bin/busy", NULL};
    const struct watch_config limits = {
        .connections = true, .n_processes = 1, .processes = &process, .command = command};
    judge(&limits);
    assert_int_equal(vetoes.n, 0);
    sample.connections.n = 3;
    sample.connections.more = 9;
    sample.connections.list[0] =
        (struct sample_connection){.port = 8080, .peer = "192.0.2.7", .bytes = 12345678};
    sample.connections.list[1] =
        (struct sample_connection){.port = 22, .peer = "2001:db8::7", .quiet_ms = 70999};
    sample.connections.list[2] =
        (struct sample_connection){.port = 80, .peer = "192.0.2.8", .bytes = -1, .quiet_ms = 3000};
    sample.processes.n = 1;
    snprintf(sample.processes.list[0].what, sizeof sample.processes.list[0].what, "rsync");
    sample.command.active = true;
    judge(&limits);
    check(0, "connections: port 8080 from 192.0.2.7, 12 MB in the last minute");
    check(1, "connections: port 22 from 2001:db8::7, quiet for 70 s");
    check(2, "connections: port 80 from 192.0.2.8, last packet 3 s ago");
    check(3, "connections: and 9 more");
    check(4, "processes: rsync");
    check(5, "command: /usr/local/bin/busy says so");
    assert_int_equal(vetoes.n, 6);
    sample.connections.list[0] = (struct sample_connection){
        .port = 65535, .peer = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", .bytes = 999900000};
    judge(&limits);
    check(0, "connections: port 65535 from 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff, 1.0 GB in the "
             "last minute");
}

static void test_not_knowing_counts(void **state)
{
    const char *const process = "rsync";
    const char *const command[] = {"/usr/local/bin/busy", NULL};
    const struct watch_config limits = {.sessions = true,
                                        .inhibitors = true,
                                        .connections = true,
                                        .shares = true,
                                        .terminals = true,
                                        .copies = true,
                                        .packages = true,
                                        .jobs = true,
                                        .guests = true,
                                        .execs = true,
                                        .load = 1,
                                        .processor = 1,
                                        .network = 1,
                                        .disk = 1,
                                        .n_processes = 1,
                                        .processes = &process,
                                        .command = command};
    static const char *const names[] = {"sessions",  "inhibitors", "connections", "shares",
                                        "terminals", "copies",     "packages",    "jobs",
                                        "guests",    "execs",      "processes",   "processor",
                                        "load",      "network",    "disk",        "command"};
    char text[64];
    for (size_t i = 0; i < VETO_CHECKS; i++)
        if (veto_checks[i]->problem > 0)
            memcpy((char *)&sample + veto_checks[i]->problem, &FACT(LOGIND_SILENT),
                   sizeof(struct fact));
    judge(&limits);
    assert_int_equal(vetoes.n, ARRAY_SIZE(names));
    for (size_t i = 0; i < vetoes.n; i++) {
        snprintf(text, sizeof text, "%s: not known: logind does not answer", names[i]);
        check(i, text);
    }
}

static void test_containers(void **state)
{
    struct docker_view view = {.up = true, .n = 3};
    view.containers[0] = (struct docker_container){.name = "web", .state = "running"};
    view.containers[1] =
        (struct docker_container){.name = "build", .state = "running", .busy = true};
    view.containers[2] = (struct docker_container){.name = "old", .state = "exited", .busy = true};
    sample.containers = &view;
    judge(&(struct watch_config){0});
    check(0, "containers: build is busy");
    assert_int_equal(vetoes.n, 1);
    view.left_out = 1;
    judge(&(struct watch_config){0});
    assert_int_equal(vetoes.n, 2);
    check(1, "containers: not known: there are more than the 128 that can be looked at");
    judge(&(struct watch_config){.unseen = ~0U});
    assert_int_equal(vetoes.n, 1);
}

/* Nobody who listens runs nothing; somebody who does not let us look may. */
static void test_engines_that_do_not_tell(void **state)
{
    const struct {
        struct fact problem;
        bool counts;
    } rows[] = {
        {FACT(ENGINE_DENIED), true},  {FACT(ENGINE_LATE), true},   {FACT(ENGINE_TOO_LONG), true},
        {FACT(ENGINE_ODD), true},     {FACT(ENGINE_STATUS), true}, {FACT(ENGINE_NO_SOCKET), false},
        {FACT(ENGINE_NOBODY), false}, {FACT(ENGINE_CUT), false},   {FACT(NONE), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct docker_view view = {.problem = fact_with(rows[i].problem, "/run/docker.sock", NULL)};
        sample.containers = &view;
        judge(&(struct watch_config){0});
        assert_int_equal(vetoes.n, rows[i].counts);
        judge(&(struct watch_config){.unseen = ~0U});
        assert_int_equal(vetoes.n, 0);
    }
    struct docker_view denied = {.problem =
                                     fact_with(FACT(ENGINE_DENIED), "/run/docker.sock", NULL)};
    sample.containers = &denied;
    judge(&(struct watch_config){0});
    check(0,
          "containers: not known: no permission for /run/docker.sock: add the agent's user to the "
          "group docker, or set docker.socket");
}

/* ---- the table ---- */

static const char *const a_process = "rsync";
static const char *const a_command[] = {"/busy", NULL};
static const struct watch_config all_checks = {.sessions = true,
                                               .inhibitors = true,
                                               .connections = true,
                                               .shares = true,
                                               .terminals = true,
                                               .copies = true,
                                               .packages = true,
                                               .jobs = true,
                                               .guests = true,
                                               .execs = true,
                                               .load = 1,
                                               .processor = 0.5,
                                               .network = 1000,
                                               .disk = 1000,
                                               .n_processes = 1,
                                               .processes = &a_process,
                                               .command = a_command};
static struct docker_view docker;

/* The file names them by their order. */
static void test_names_of_checks(void **state)
{
    for (size_t i = 0; i < VETO_CHECKS; i++)
        assert_string_equal(veto_checks[i]->name, config_agent_checks[i]);
    assert_null(config_agent_checks[VETO_CHECKS]);
}

/* Each may be blind where its owner says so, and no other. */
static void test_the_owner_may_do_without(void **state)
{
    for (size_t i = 0; i < VETO_CHECKS; i++) {
        memset(&sample, 0, sizeof sample);
        if (veto_checks[i]->problem == 0)
            continue;
        memcpy((char *)&sample + veto_checks[i]->problem, &FACT(LOOK_HIDDEN), sizeof(struct fact));
        struct watch_config limits = all_checks;
        judge(&limits);
        assert_int_equal(vetoes.n, 1);
        limits.unseen = ~(1U << i);
        judge(&limits);
        assert_int_equal(vetoes.n, 1);
        limits.unseen = 1U << i;
        judge(&limits);
        assert_int_equal(vetoes.n, 0);
    }
}

static struct sample_found *find_found(const char *name)
{
    const struct {
        const char *name;
        struct sample_found *found;
    } rows[] = {
        {"processes", &sample.processes}, {"terminals", &sample.terminals},
        {"copies", &sample.copies},       {"packages", &sample.packages},
        {"jobs", &sample.jobs},           {"guests", &sample.guests},
        {"execs", &sample.execs},         {"shares", &sample.shares},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].found;
    return NULL;
}

/* In use as far as this check sees, and no other. */
static void use(const char *name, bool used)
{
    memset(&sample, 0, sizeof sample);
    memset(&docker, 0, sizeof docker);
    sample.containers = &docker;
    sample.sessions.n = 1;
    sample.sessions.list[0] =
        (struct logind_session){.user = "a", .class = "user", .state = "active", .idle = true};
    sample.inhibitors.n = 1;
    sample.inhibitors.list[0] =
        (struct logind_inhibitor){.who = "a", .why = "b", .what = "sleep", .mode = "delay"};
    sample.load.value = 0.99;
    sample.network.value = sample.disk.value = 999;
    docker.n = 1;
    docker.containers[0] = (struct docker_container){.name = "a", .state = "exited", .busy = true};
    if (strcmp(name, "sessions") == 0)
        sample.sessions.list[0].idle = !used;
    else if (strcmp(name, "inhibitors") == 0)
        text_copy(sample.inhibitors.list[0].mode, sizeof(sample.inhibitors.list[0].mode),
                  used ? "block" : "delay");
    else if (strcmp(name, "connections") == 0)
        sample.connections.n = used;
    else if (strcmp(name, "processor") == 0)
        sample.processor.value = used ? 0.5 : 0.49;
    else if (find_found(name))
        find_found(name)->n = used;
    else if (strcmp(name, "load") == 0)
        sample.load.value = used ? 1 : 0.99;
    else if (strcmp(name, "network") == 0)
        sample.network.value = used ? 1000 : 999;
    else if (strcmp(name, "disk") == 0)
        sample.disk.value = used ? 1000 : 999;
    else if (strcmp(name, "command") == 0)
        sample.command.active = used;
    else if (strcmp(name, "containers") == 0)
        text_copy(docker.containers[0].state, sizeof(docker.containers[0].state),
                  used ? "running" : "exited");
    else
        fail_msg("%s: this test has no sample for it", name);
}

/* Each check is in use on a sample that says so, silent on one that does not, and not made where
 * the configuration has it off; it vetoes where it could not look. */
static void test_each_check(void **state)
{
    for (size_t i = 0; i < VETO_CHECKS; i++) {
        const struct veto_check *check = veto_checks[i];
        use(check->name, false);
        judge(&all_checks);
        assert_int_equal(vetoes.n, 0);
        use(check->name, true);
        judge(&all_checks);
        assert_int_equal(vetoes.n, 1);
        assert_memory_equal(say_code_name(vetoes.list[0].parts[0].code), "veto.", 5);
        assert_memory_equal(sentence(0, SAY_ENGLISH), check->name, strlen(check->name));
        assert_int_equal(sentence(0, SAY_ENGLISH)[strlen(check->name)], ':');
        assert_true(strlen(sentence(0, SAY_FRENCH)) > 0);
        judge(&(struct watch_config){0});
        assert_int_equal(vetoes.n, check->counts == NULL);
        assert_int_equal(check->look == NULL, check->problem == 0);
        if (check->problem == 0)
            continue;
        memcpy((char *)&sample + check->problem, &FACT(LOOK_HIDDEN), sizeof(struct fact));
        judge(&all_checks);
        assert_int_equal(vetoes.n, 1);
        assert_true(fact_is(&vetoes.list[0], FACT_VETO_UNKNOWN));
        assert_string_equal(fact_text(&vetoes.list[0], 0, 0), check->name);
        assert_int_equal(vetoes.list[0].parts[1].code, FACT_LOOK_HIDDEN);
    }
}

static void test_more_vetoes_than_there_is_room(void **state)
{
    sample.sessions.n = LOGIND_SESSIONS_MAX;
    for (size_t i = 0; i < LOGIND_SESSIONS_MAX; i++) {
        sample.sessions.list[i] = (struct logind_session){.class = "user", .remote = true};
        memset(sample.sessions.list[i].user, 'u', sizeof sample.sessions.list[i].user - 1);
        memset(sample.sessions.list[i].host, 'h', sizeof sample.sessions.list[i].host - 1);
    }
    judge(&(struct watch_config){.sessions = true});
    assert_int_equal(vetoes.n, VETOES_MAX);
    assert_int_equal(vetoes.more, LOGIND_SESSIONS_MAX - VETOES_MAX);
    assert_memory_equal(fact_text(&vetoes.list[0], 0, 1), "hhhh", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_asked_nothing_found, empty),
        cmocka_unit_test_setup(test_sessions, empty),
        cmocka_unit_test_setup(test_inhibitors, empty),
        cmocka_unit_test_setup(test_idle_inhibitors, empty),
        cmocka_unit_test_setup(test_what_blocks, empty),
        cmocka_unit_test_setup(test_thresholds_count_from_their_value_on, empty),
        cmocka_unit_test_setup(test_lists, empty),
        cmocka_unit_test_setup(test_not_knowing_counts, empty),
        cmocka_unit_test_setup(test_containers, empty),
        cmocka_unit_test_setup(test_engines_that_do_not_tell, empty),
        cmocka_unit_test_setup(test_names_of_checks, empty),
        cmocka_unit_test_setup(test_the_owner_may_do_without, empty),
        cmocka_unit_test_setup(test_each_check, empty),
        cmocka_unit_test_setup(test_more_vetoes_than_there_is_room, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
