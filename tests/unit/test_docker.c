/* The engine's answers as they are read, and the adapter where there is no engine. With one:
 * integration/. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "bridges/agent/docker/docker.h"
#include "bridges/agent/docker/docker_api.h"
#include "unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct docker_list *read_list(const char *text)
{
    struct docker_list *list = NULL;
    assert_int_equal(docker_api_list(text, strlen(text), &list), 0);
    return list;
}

/* Reads a list of one container with these members besides its id and name. */
static struct docker_entry read_one(const char *members)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "[{\"Id\":\"" ID "\",\"Names\":[\"/web\"],%s}]", members);
    struct docker_list *list = read_list(text);
    assert_int_equal(list->n, 1);
    struct docker_entry entry = list->entries[0];
    free(list);
    return entry;
}

/* --- lists --- */

static void test_a_container_is_read(void **state)
{
    struct docker_entry entry =
        read_one("\"State\":\"running\",\"Status\":\"Up 5 seconds (healthy)\",\"Labels\":{"
                 "\"hall.project\":\"client1\",\"hall.busy\":\"true\",\"com.docker.compose."
                 "project\":\"shop\","
                 "\"com.docker.compose.service\":\"web\","
                 "\"com.docker.compose.depends_on\":\"db:service_started:false\"}");
    assert_string_equal(entry.shown.name, "web");
    assert_string_equal(entry.shown.project, "client1");
    assert_string_equal(entry.shown.state, "running");
    assert_string_equal(entry.shown.health, "healthy");
    assert_true(entry.shown.busy);
    assert_string_equal(entry.id, ID);
    assert_string_equal(entry.compose, "shop");
    assert_string_equal(entry.service, "web");
    assert_string_equal(entry.depends, "db:service_started:false");
    assert_int_equal(entry.sight, DOCKER_SIGHT_LISTED);
}

static void test_compose_names_the_project_where_hall_does_not(void **state)
{
    assert_string_equal(
        read_one("\"Labels\":{\"com.docker.compose.project\":\"shop\"}").shown.project, "shop");
    assert_string_equal(read_one("\"Labels\":{\"com.docker.compose.project\":\"shop\","
                                 "\"com.docker.compose.oneoff\":\"False\"}")
                            .shown.project,
                        "shop");
    assert_string_equal(read_one("\"Labels\":{\"com.docker.compose.project\":\"shop\","
                                 "\"com.docker.compose.oneoff\":\"True\"}")
                            .shown.project,
                        "");
    assert_string_equal(read_one("\"Labels\":{}").shown.project, "");
    assert_string_equal(read_one("\"Labels\":null").shown.project, "");
    assert_string_equal(read_one("\"Labels\":{\"hall.project\":7}").shown.project, "");
    assert_false(read_one("\"Labels\":{\"hall.busy\":true}").shown.busy);
    assert_false(read_one("\"Labels\":{\"hall.busy\":\"false\"}").shown.busy);
}

static void test_health_is_read_from_the_list(void **state)
{
    static const struct {
        const char *members, *health;
        enum docker_sight sight;
    } cases[] = {
        {"\"Status\":\"Up 5 minutes (healthy)\"", "healthy", DOCKER_SIGHT_LISTED},
        {"\"Status\":\"Up 5 minutes (unhealthy)\"", "unhealthy", DOCKER_SIGHT_LISTED},
        {"\"Status\":\"Up 1 second (health: starting)\"", "starting", DOCKER_SIGHT_LISTED},
        {"\"Status\":\"Up 1 second (starting)\"", "starting", DOCKER_SIGHT_LISTED},
        {"\"Status\":\"Up 1 second\"", "", DOCKER_SIGHT_UNKNOWN},
        {"\"Status\":\"(healthy) Up\"", "", DOCKER_SIGHT_UNKNOWN},
        {"\"Status\":[]", "", DOCKER_SIGHT_UNKNOWN},
        {"\"Health\":{\"Status\":\"healthy\"}", "healthy", DOCKER_SIGHT_LISTED},
        {"\"Health\":{\"Status\":\"none\"}", "", DOCKER_SIGHT_LISTED},
        {"\"Health\":{\"Status\":\"odd\"},\"Status\":\"Up (healthy)\"", "healthy",
         DOCKER_SIGHT_LISTED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char members[256];
        (void)snprintf(members, sizeof members, "\"State\":\"running\",%s", cases[i].members);
        struct docker_entry entry = read_one(members);
        assert_string_equal(entry.shown.health, cases[i].health);
        assert_int_equal(entry.sight, cases[i].sight);
    }
    struct docker_entry off = read_one("\"State\":\"exited\",\"Status\":\"Exited (0) (healthy)\"");
    assert_string_equal(off.shown.health, "");
    assert_int_equal(off.sight, DOCKER_SIGHT_LISTED);
}

static void test_states_are_a_closed_set(void **state)
{
    assert_string_equal(read_one("\"State\":\"restarting\"").shown.state, "restarting");
    assert_string_equal(read_one("\"State\":\"configured\"").shown.state, "created");
    assert_string_equal(read_one("\"State\":\"stopped\"").shown.state, "exited");
    assert_string_equal(read_one("\"State\":\"Running\"").shown.state, "unknown");
    assert_string_equal(read_one("\"State\":{}").shown.state, "unknown");
}

static void test_the_list_is_sorted_and_a_link_is_no_name(void **state)
{
    struct docker_list *list =
        read_list("[{\"Id\":\"" ID "\",\"Names\":[\"/other/alias\",\"/web\"]},"
                  "{\"Id\":\"" ID "\",\"Names\":[\"db\"]}]");
    assert_int_equal(list->n, 2);
    assert_int_equal(list->left_out, 0);
    assert_string_equal(list->entries[0].shown.name, "db");
    assert_string_equal(list->entries[1].shown.name, "web");
    free(list);
}

static void test_what_cannot_go_into_a_path_is_left_out(void **state)
{
    static const char *const bad[] = {
        "null",
        "{}",
        "{\"Id\":\"../../x\",\"Names\":[\"/a\"]}",
        "{\"Id\":\"0123456789AB\",\"Names\":[\"/a\"]}",
        "{\"Id\":\"0123\",\"Names\":[\"/a\"]}",
        "{\"Id\":\"" ID "0\",\"Names\":[\"/a\"]}",
        "{\"Id\":\"" ID "\",\"Names\":[]}",
        "{\"Id\":\"" ID "\",\"Names\":\"/a\"}",
        "{\"Id\":\"" ID "\",\"Names\":[\"/\"]}",
        "{\"Id\":\"" ID "\",\"Names\":[\"/-a\"]}",
        "{\"Id\":\"" ID "\",\"Names\":[\"/a b\"]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "[%s]", bad[i]);
        struct docker_list *list = read_list(text);
        assert_int_equal(list->n, 0);
        assert_int_equal(list->left_out, 1);
        free(list);
    }
}

static void test_of_too_many_those_of_projects_stay(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    buf_puts(&text, "[");
    for (unsigned i = 0; i < 200; i++)
        buf_printf(&text, "%s{\"Id\":\"%064x\",\"Names\":[\"/c%03u\"],\"Labels\":{%s}}",
                   i ? "," : "", i, i, i >= 190 ? "\"hall.project\":\"p\"" : "");
    buf_puts(&text, "]");
    struct docker_list *list = read_list(buf_text(&text));
    assert_int_equal(list->n, DOCKER_CONTAINERS_MAX);
    assert_int_equal(list->left_out, 200 - DOCKER_CONTAINERS_MAX);
    for (size_t i = 0; i < 10; i++)
        assert_string_equal(list->entries[list->n - 1 - i].shown.project, "p");
    free(list);
    buf_finish(&text);
}

static int error_of_list(const char *bytes, size_t length)
{
    static struct docker_list untouched;
    struct docker_list *list = &untouched;
    int r = docker_api_list(bytes, length, &list);
    assert_ptr_equal(list, &untouched);
    return r;
}

static void test_no_list_is_refused(void **state)
{
    assert_int_equal(error_of_list("", 0), -EBADMSG);
    assert_int_equal(error_of_list("{}", 2), -EBADMSG);
    assert_int_equal(error_of_list("[{\"Id\":", 7), -EBADMSG);
    assert_int_equal(error_of_list("[{\"a\":1,\"a\":2}]", 15), -EBADMSG);
    char *big = malloc(DOCKER_ANSWER_MAX + 1);
    assert_non_null(big);
    memset(big, ' ', DOCKER_ANSWER_MAX + 1);
    assert_int_equal(error_of_list(big, DOCKER_ANSWER_MAX + 1), -EMSGSIZE);
    memset(big, '[', 100000);
    assert_int_equal(error_of_list(big, 100000), -EMSGSIZE);
    free(big);
}

/* --- the smaller answers --- */

static int health_of(const char *text, char health[24])
{
    memcpy(health, "untouched", sizeof "untouched");
    return docker_api_health(text, strlen(text), health);
}

static void test_health_is_read_from_an_inspection(void **state)
{
    char health[24];
    assert_int_equal(health_of("{\"State\":{\"Health\":{\"Status\":\"starting\"}}}", health), 0);
    assert_string_equal(health, "starting");
    assert_int_equal(health_of("{\"State\":{\"Healthcheck\":{\"Status\":\"healthy\"}}}", health),
                     0);
    assert_string_equal(health, "healthy");
    assert_int_equal(health_of("{\"State\":{\"Health\":{\"Status\":\"none\"}}}", health), 0);
    assert_string_equal(health, "");
    assert_int_equal(health_of("{\"State\":{\"Health\":null}}", health), 0);
    assert_string_equal(health, "");
    assert_int_equal(health_of("{\"State\":{}}", health), 0);
    assert_string_equal(health, "");
    static const char *const bad[] = {"", "[]", "{}", "{\"State\":[]}",
                                      "{\"State\":{\"Health\":{\"Status\":\"odd\"}}}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(health_of(bad[i], health), -EBADMSG);
        assert_string_equal(health, "untouched");
    }
}

static bool matters(const char *text)
{
    return docker_api_event_matters(text, strlen(text));
}

static void test_events_that_matter(void **state)
{
    assert_true(matters("{\"Type\":\"container\",\"Action\":\"start\"}"));
    assert_true(matters("{\"Type\":\"container\",\"Action\":\"health_status: healthy\"}"));
    assert_true(matters("{\"Type\":\"container\",\"Action\":\"died\"}"));
    assert_false(matters("{\"Type\":\"container\",\"Action\":\"exec_create: sh -c true\"}"));
    assert_false(matters("{\"Type\":\"container\",\"Action\":\"top\"}"));
    assert_false(matters("{\"Type\":\"network\",\"Action\":\"create\"}"));
    assert_true(matters("{\"status\":\"start\"}"));
    assert_true(matters("{\"Type\":\"conta"));
    assert_true(matters(""));
}

static void test_the_engines_words_can_be_shown(void **state)
{
    static const char text[] = "{\"message\":\"no\\n\\u001bsuch thing\"}";
    char out[12];
    assert_string_equal(docker_api_message(text, strlen(text), out, sizeof out), "no??such...");
    assert_string_equal(docker_api_message("{\"message\":5}", 13, out, sizeof out), "");
    assert_string_equal(docker_api_message("<html>", 6, out, sizeof out), "");
}

/* --- order --- */

struct service {
    const char *compose, *name, *depends;
};

/* The names in their order, joined. */
static void check_order(const struct service *services, size_t n, const char *wanted)
{
    static struct docker_entry entries[DOCKER_CONTAINERS_MAX];
    const struct docker_entry *pointers[DOCKER_CONTAINERS_MAX] = {NULL};
    size_t order[DOCKER_CONTAINERS_MAX];
    struct buf got = BUF_INIT(4096);
    for (size_t i = 0; i < n; i++) {
        entries[i] = (struct docker_entry){0};
        (void)snprintf(entries[i].compose, sizeof entries[i].compose, "%s", services[i].compose);
        (void)snprintf(entries[i].service, sizeof entries[i].service, "%s", services[i].name);
        (void)snprintf(entries[i].depends, sizeof entries[i].depends, "%s", services[i].depends);
        pointers[i] = &entries[i];
    }
    docker_api_order(pointers, n, order);
    for (size_t i = 0; i < n; i++)
        buf_puts(&got, services[order[i]].name);
    assert_string_equal(buf_text(&got), wanted);
    buf_finish(&got);
}

static void test_depends_on_names_whole_services(void **state)
{
    static const char depends[] = "db:service_started:false,redis:service_healthy:true,cache";
    static const struct {
        const char *depends, *service, *wanted;
    } rows[] = {{depends, "db", "dba"},
                {depends, "redis", "redisa"},
                {depends, "cache", "cachea"},
                {depends, "d", "ad"},
                {depends, "dbx", "adbx"},
                {depends, "service_started", "aservice_started"},
                {depends, "", "a"},
                {"", "db", "adb"},
                {",,:,", "", "a"},
                {",,:,", ":", "a:"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_order((struct service[]){{"p", "a", rows[i].depends}, {"p", rows[i].service, ""}}, 2,
                    rows[i].wanted);
}

static void test_dependencies_come_first(void **state)
{
    check_order((struct service[]){{"p", "a", "b,c"}, {"p", "b", "c"}, {"p", "c", ""}}, 3, "cba");
    check_order((struct service[]){{"p", "a", ""}, {"p", "b", ""}}, 2, "ab");
    check_order((struct service[]){{"p", "a", "x"}, {"p", "b", "a"}}, 2, "ab");
    /* scaled: all of b before a */
    check_order((struct service[]){{"p", "b", ""}, {"p", "a", "b"}, {"p", "b", ""}}, 3, "bba");
    /* another project's b is another b; no project, no dependencies */
    check_order((struct service[]){{"p", "a", "b"}, {"q", "b", ""}}, 2, "ab");
    check_order((struct service[]){{"", "a", "b"}, {"", "b", ""}}, 2, "ab");
    /* circles end */
    check_order((struct service[]){{"p", "a", "b"}, {"p", "b", "a"}, {"p", "c", "c"}}, 3, "cab");
    check_order(NULL, 0, "");
}

/* --- lines --- */

static void collect(void *context, const char *bytes, size_t length)
{
    struct buf *got = context;
    buf_add(got, bytes, length);
    buf_puts(got, "|");
}

static void feed(struct docker_lines *lines, const char *text, struct buf *got)
{
    docker_lines_feed(lines, text, strlen(text), collect, got);
}

static void test_lines_are_joined_and_cut(void **state)
{
    struct docker_lines lines;
    struct buf got = BUF_INIT(4096);
    docker_lines_init(&lines);
    feed(&lines, "one\ntw", &got);
    feed(&lines, "", &got);
    feed(&lines, "o\n\n\nthr", &got);
    assert_string_equal(buf_text(&got), "one|two|");
    feed(&lines, "ee\n", &got);
    assert_string_equal(buf_text(&got), "one|two|three|");
    buf_finish(&got);
    docker_lines_finish(&lines);
}

static void test_a_line_too_long_is_told_once_and_passed_over(void **state)
{
    struct docker_lines lines;
    struct buf got = BUF_INIT(4096);
    char part[1001];
    memset(part, 'x', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    docker_lines_init(&lines);
    for (int i = 0; i < 200; i++)
        feed(&lines, part, &got);
    assert_string_equal(buf_text(&got), "|");
    feed(&lines, "rest\nnext\n", &got);
    assert_string_equal(buf_text(&got), "|next|");
    buf_finish(&got);
    docker_lines_finish(&lines);
}

/* --- without an engine --- */

struct seen {
    sd_event *loop;
    unsigned views;
    bool up;
    struct fact problem;
};

static void on_changed(void *context, const struct docker_view *view)
{
    struct seen *seen = context;
    seen->views++;
    seen->up = view->up;
    seen->problem = view->problem;
    (void)sd_event_exit(seen->loop, 0);
}

static void on_done(void *context, const char *request, const struct fact *why)
{
    (void)context;
    fail_msg("%s: %d", request, why->parts[0].code);
}

static const struct docker_listener listener = {.changed = on_changed, .done = on_done};

static void test_no_engine_is_told(void **state)
{
    struct seen seen = {0};
    struct docker *docker;
    assert_true(sd_event_new(&seen.loop) >= 0);
    assert_int_equal(
        docker_create(seen.loop, "/nonexistent/docker.sock", &listener, &seen, &docker), 0);
    assert_int_equal(seen.views, 0);
    assert_int_equal(docker_command(docker, DOCKER_START, "p", NULL, 0, "r1"), -ENOTCONN);
    assert_true(sd_event_loop(seen.loop) >= 0);
    assert_int_equal(seen.views, 1);
    assert_false(seen.up);
    assert_true(fact_is(&seen.problem, FACT_ENGINE_NO_SOCKET));
    assert_string_equal(fact_text(&seen.problem, 0, 0), "/nonexistent/docker.sock");
    assert_int_equal(docker_command(docker, DOCKER_STOP, NULL, NULL, 0, "r2"), -ENOTCONN);
    docker_destroy(docker);
    (void)sd_event_unref(seen.loop);
}

static void test_a_path_that_cannot_be_a_socket_is_refused(void **state)
{
    struct seen seen = {0};
    struct docker *docker = NULL;
    char path[109];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_true(sd_event_new(&seen.loop) >= 0);
    assert_int_equal(docker_create(seen.loop, path, &listener, &seen, &docker), -EINVAL);
    assert_int_equal(docker_create(seen.loop, "", &listener, &seen, &docker), -EINVAL);
    assert_null(docker);
    path[107] = '\0';
    assert_int_equal(docker_create(seen.loop, path, &listener, &seen, &docker), 0);
    docker_destroy(docker);
    docker_destroy(NULL);
    (void)sd_event_unref(seen.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_container_is_read),
        cmocka_unit_test(test_compose_names_the_project_where_hall_does_not),
        cmocka_unit_test(test_health_is_read_from_the_list),
        cmocka_unit_test(test_states_are_a_closed_set),
        cmocka_unit_test(test_the_list_is_sorted_and_a_link_is_no_name),
        cmocka_unit_test(test_what_cannot_go_into_a_path_is_left_out),
        cmocka_unit_test(test_of_too_many_those_of_projects_stay),
        cmocka_unit_test(test_no_list_is_refused),
        cmocka_unit_test(test_health_is_read_from_an_inspection),
        cmocka_unit_test(test_events_that_matter),
        cmocka_unit_test(test_the_engines_words_can_be_shown),
        cmocka_unit_test(test_depends_on_names_whole_services),
        cmocka_unit_test(test_dependencies_come_first),
        cmocka_unit_test(test_lines_are_joined_and_cut),
        cmocka_unit_test(test_a_line_too_long_is_told_once_and_passed_over),
        cmocka_unit_test(test_no_engine_is_told),
        cmocka_unit_test(test_a_path_that_cannot_be_a_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
