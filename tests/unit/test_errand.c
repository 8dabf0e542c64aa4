/* Errands between workers and the loop, and news for those who watch: with real threads on both
 * sides. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "web/api/errand.h"

enum { LIMIT_MS = 20000, WORKERS = 4, EACH = 200 };

static int set_up(void **state)
{
    struct errands *errands = NULL;
    int error = errands_create(&errands);
    *state = errands;
    return error;
}

static int tear_down(void **state)
{
    errands_destroy(*state);
    return 0;
}

/* ---- errands ---- */

static void *ask(void *context)
{
    struct errands *errands = context;
    int wrong = 0;
    for (int i = 0; i < EACH; i++) {
        struct errand *errand = errand_new(ERRAND_SERVER);
        char wanted[32];
        snprintf(errand->id, sizeof errand->id, "s%d", i);
        snprintf(wanted, sizeof wanted, "about s%d", i);
        int error = errands_run(errands, errand, LIMIT_MS);
        wrong += error != 0 || errand->status != 200 || strcmp(buf_text(&errand->out), wanted) != 0;
        errand_drop(errand);
    }
    return wrong > 0 ? context : NULL; /* NULL: all was right */
}

static void answer(struct errands *errands, struct errand *errand)
{
    buf_printf(&errand->out, "about %s", errand->id);
    errand->status = 200;
    errands_answer(errands, errand);
}

static void test_each_worker_gets_its_own_answer(void **state)
{
    struct errands *errands = *state;
    pthread_t workers[WORKERS];
    void *wrong = NULL;
    int answered = 0;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, ask, errands), 0);
    while (answered < WORKERS * EACH) {
        struct pollfd fd = {.fd = errands_fd(errands), .events = POLLIN};
        struct errand *errand;
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
        while ((errand = errands_take(errands)) != NULL) {
            answer(errands, errand);
            answered++;
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i], &wrong);
        assert_null(wrong);
    }
}

static void test_who_waits_no_longer_leaves_nothing_behind(void **state)
{
    struct errands *errands = *state;
    struct errand *errand = errand_new(ERRAND_INFO);
    assert_int_equal(errands_run(errands, errand, 1), -ETIMEDOUT);
    errand_drop(errand);
    errand = errands_take(errands); /* it is whole still, for the loop */
    assert_non_null(errand);
    answer(errands, errand);
    assert_null(errands_take(errands));

    errand = errand_new(ERRAND_INFO);
    assert_int_equal(errands_run(errands, errand, 1), -ETIMEDOUT);
    errand_drop(errand); /* never taken: freed with the rest */
}

static void test_too_many_are_refused_and_a_closed_one_at_once(void **state)
{
    struct errands *errands = *state;
    for (int i = 0; i < ERRANDS_MAX; i++) {
        struct errand *errand = errand_new(ERRAND_INFO);
        assert_int_equal(errands_run(errands, errand, 0), -ETIMEDOUT);
        errand_drop(errand);
    }
    struct errand *errand = errand_new(ERRAND_INFO);
    assert_int_equal(errands_run(errands, errand, LIMIT_MS), -EAGAIN);
    errands_close(errands);
    assert_int_equal(errands_run(errands, errand, LIMIT_MS), -ESHUTDOWN);
    errand_drop(errand);
}

/* ---- news ---- */

static void test_news_are_kept_for_those_who_watch_only(void **state)
{
    struct errands *errands = *state;
    struct buf out = BUF_INIT(65536);
    uint64_t cursor = 0;
    errands_news(errands, "server", "{\"before\":1}");
    assert_int_equal(errands_watch(errands, &cursor, 0, &out), 0);
    assert_string_equal(buf_text(&out), "");
    assert_true(errands_watched(errands) && cursor > 0);
    errands_news(errands, "server", "{\"a\":1}");
    errands_news(errands, "event", "{\"b\":2}");
    assert_int_equal(errands_watch(errands, &cursor, LIMIT_MS, &out), 0);
    assert_non_null(strstr(buf_text(&out), "event: server\ndata: {\"a\":1}\n\n"));
    assert_non_null(strstr(buf_text(&out), "event: event\ndata: {\"b\":2}\n\n"));
    assert_null(strstr(buf_text(&out), "before"));
    buf_clear(&out);
    assert_int_equal(errands_watch(errands, &cursor, 0, &out), 0);
    assert_string_equal(buf_text(&out), "");
    buf_finish(&out);
}

static void test_who_fell_behind_is_told_so(void **state)
{
    struct errands *errands = *state;
    struct buf out = BUF_INIT(65536);
    uint64_t cursor = 0, strange = 1000000;
    assert_int_equal(errands_watch(errands, &cursor, 0, &out), 0);
    for (int i = 0; i <= NEWS_MAX; i++)
        errands_news(errands, "server", "{}");
    assert_int_equal(errands_watch(errands, &cursor, LIMIT_MS, &out), 0);
    assert_non_null(strstr(buf_text(&out), "event: resync\n"));
    assert_null(strstr(buf_text(&out), "event: server\n"));
    buf_clear(&out);
    assert_int_equal(errands_watch(errands, &strange, LIMIT_MS, &out), 0);
    assert_non_null(strstr(buf_text(&out), "event: resync\n")); /* of another life of Hall */
    assert_int_equal(strange, cursor);
    errands_close(errands);
    assert_int_equal(errands_watch(errands, &cursor, LIMIT_MS, &out), -ESHUTDOWN);
    buf_finish(&out);
}

int main(void)
{
#define WITH_ERRANDS(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_ERRANDS(test_each_worker_gets_its_own_answer),
        WITH_ERRANDS(test_who_waits_no_longer_leaves_nothing_behind),
        WITH_ERRANDS(test_too_many_are_refused_and_a_closed_one_at_once),
        WITH_ERRANDS(test_news_are_kept_for_those_who_watch_only),
        WITH_ERRANDS(test_who_fell_behind_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
