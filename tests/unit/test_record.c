#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/places.h"
#include "record/record.h"
#include "unit.h"

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
static const struct record_owner owner = {
    .config = "/etc/hall/config.json", .mac = mac, .boot = "boot-1"};

/* One server; a domain with its own site and a project. */
static struct model_server servers[] = {{.id = "testing"}};
static struct model_domain domains[] = {{.name = "test.example.org"}};
static struct model_site sites[] = {{.id = "test.example.org"},
                                    {.id = "client1", .is_project = true}};
static const struct model model = {.n_servers = 1,
                                   .servers = servers,
                                   .n_domains = 1,
                                   .domains = domains,
                                   .n_sites = 2,
                                   .sites = sites};

/* Of a server all of whose places are taken. */
enum { LEASES = LEASES_ASKED_MAX + LEASES_AGENT_MAX + 500 };

#define ESCAPED 1 /* U+0001: written as \u0001 */
#define AT      INT64_C(1795341600000)

/* What is read takes the place of what was there. */
#define SAVED(name_) struct saved name_ __attribute__((cleanup(saved_finish))) = {.last_boot = -1}

static int read_text(const char *text, size_t length, const struct record_owner *whose,
                     struct saved *ret_saved)
{
    struct saved saved;
    const int error = record_read_server(text, length, &model, 0, whose, &saved);

    if (error == 0) {
        saved_finish(ret_saved);
        *ret_saved = saved;
    }
    return error;
}

/* A record with these members beside the owner's. */
static int read_with(const char *members, struct saved *ret_saved)
{
    struct buf text = BUF_INIT(RECORD_LIMIT);
    int error;

    buf_printf(&text, "{\"config\":\"%s\",\"mac\":\"02:00:00:00:00:01\"%s%s}", owner.config,
               members[0] ? "," : "", members);
    error = read_text(buf_text(&text), text.length, &owner, ret_saved);
    buf_finish(&text);
    return error;
}

static char *written(const struct saved *saved)
{
    struct buf text = BUF_INIT(RECORD_LIMIT);
    char *bytes = NULL;

    assert_int_equal(record_write_server(saved, &model, 0, &owner, &text), 0);
    assert_int_equal(buf_steal(&text, &bytes), 0);
    return bytes;
}

#define SET_TEXT(target_, text_) snprintf(target_, sizeof(target_), "%s", text_)

/* No member has the value it has without the record. */
static void fill_transactions(struct saved *saved)
{
    saved->wake = (struct wake){.open = true,
                                .wait = WAIT_TURN,
                                .queued = true,
                                .force = true,
                                .begun = true,
                                .recent = true,
                                .packets = 7,
                                .packets_sent = 3,
                                .kind = WAKE_COLD,
                                .started = AT - 5000,
                                .deadline = AT + 60000,
                                .next_packet = AT + 1000};
    for (int i = 0; i < STAGES; i++)
        saved->wake.stages[i] = i == 3 ? STAGE_UNREACHED : 100 * i;
    SET_TEXT(saved->wake.boot_id, "boot-a");
    SET_TEXT(saved->wake.id, "w1-1");
    saved->wake.cause = fact_with(FACT(WAKE_START, .subject = 1), "\"operator\" \xc3\xa9", NULL);
    saved->sleep = (struct sleep){.phase = SLEEP_AGREED,
                                  .restart = true,
                                  .force = true,
                                  .own = true,
                                  .started = AT - 4000,
                                  .deadline = AT + 56000,
                                  .not_before = AT + 300000};
    SET_TEXT(saved->sleep.id, "s1-2");
    SET_TEXT(saved->sleep.by, "idle");
    saved->sleep.refusal = fact_said("a backup\nruns");
}

static void fill_lists(struct saved *saved)
{
    for (size_t i = 0; i < LEASES; i++) {
        struct lease *lease = &saved->leases.leases[saved->leases.n++];
        char label[32];
        struct fact why;

        lease->kind = (enum lease_kind)(i % LEASE_KINDS);
        lease->since = AT - 3000 - (int64_t)i;
        lease->renewed = AT - 2000 - (int64_t)i;
        lease->ends = i % 2 ? AT + 7 : 0;
        lease->told = i % 2 ? 0 : AT + 8;
        lease->until = i == 1 ? LEASE_FOREVER : AT + 1000 * (int64_t)i;
        lease->subject =
            lease->kind == LEASE_MANUAL || lease->kind == LEASE_HOLD || lease->kind == LEASE_AGENT
                ? MODEL_NONE
                : 0;
        if (lease->subject == MODEL_NONE)
            snprintf(lease->holder, sizeof(lease->holder), "holder %zu", i);
        snprintf(label, sizeof(label), "label %zu", i);
        why = fact_said(label);
        lease_say(lease, &why);
    }
    for (size_t i = 0; i < SAVED_COMMANDS; i++) {
        struct ledger_entry *entry = &saved->commands[saved->n_commands++];

        *entry = (struct ledger_entry){.used = true,
                                       .answered = i % 3 != 0,
                                       .open = i % 2 == 0,
                                       .site = MODEL_NONE,
                                       .action = (enum command_action)(i % (COMMAND_STOP + 1)),
                                       .outcome = (enum command_outcome)(i % 4),
                                       .received = AT - (int64_t)i,
                                       .seconds_ms = 17 * (int64_t)i};
        snprintf(entry->id, sizeof(entry->id), "id %zu", i);
        snprintf(entry->by, sizeof(entry->by), "by %zu", i);
        entry->reason = i % 2 == 0 ? FACT(ANSWER_NO_WAKE) : FACT(WAKE_VISIT, .subject = 1);
    }
    for (unsigned i = 0; i < 2 * HISTORY_MAX; i++) {
        const struct boot boot = {.stages = {0, 1 + (int32_t)i, STAGE_UNREACHED, 3, 4, 5, 6},
                                  .ready = 1000 + (int32_t)i};

        history_add(&saved->history, i < 5 ? WAKE_RESUME : WAKE_COLD, &boot);
    }
    for (unsigned i = 0; i < 5; i++)
        saved->woken[saved->n_woken++] = AT - 1000 * (int64_t)(i + 1);
}

static struct saved *full(void)
{
    struct saved *saved = calloc(1, sizeof(*saved));

    assert_non_null(saved);
    assert_int_equal(saved_init(saved, LEASES, 0, SAVED_COMMANDS), 0);
    saved->at = AT;
    saved->state = POWER_SLEEPING;
    saved->since = AT - 100;
    saved->up_since = AT - 200;
    saved->down_since = AT - 300;
    saved->retry_at = AT + 400;
    saved->was_ready = saved->said_goodbye = saved->ever_woken = saved->resting = true;
    saved->goodbye = saved->mac_matched = true;
    for (int i = 0; i < MACS_MAX + 2; i++)
        macs_learn(&saved->macs, (const uint8_t[]){2, 0, 0, 0, 1, (uint8_t)i}, false);
    saved->failures = UINT32_MAX;
    saved->failure = FAILURE_DEPENDENCY;
    saved->last_boot = 4321;
    saved->boot_at = 123456;
    SET_TEXT(saved->boot_id, "3f6c0c1e-7d3a-4f6e-9d58-2f1f7f1d9a10");
    saved->override =
        (struct saved_override){.policy_set = true, .policy = POLICY_SCHEDULED, .idle = 60000};
    SET_TEXT(saved->override.by, "operator");
    fill_transactions(saved);
    fill_lists(saved);
    return saved;
}

static void drop(struct saved *saved)
{
    saved_finish(saved);
    free(saved);
}

static void compare_history(const struct history *a, const struct history *b)
{
    for (unsigned kind = 0; kind < WAKE_KINDS; kind++) {
        const unsigned n = a->kinds[kind].n;

        assert_int_equal(n, b->kinds[kind].n);
        for (unsigned i = 1; i <= n; i++) {
            const unsigned in_a = (a->kinds[kind].next + 2 * HISTORY_MAX - i) % HISTORY_MAX;
            const unsigned in_b = (b->kinds[kind].next + 2 * HISTORY_MAX - i) % HISTORY_MAX;

            assert_memory_equal(&a->kinds[kind].boots[in_a], &b->kinds[kind].boots[in_b],
                                sizeof(struct boot));
        }
    }
}

static void compare_wake(const struct wake *a, const struct wake *b)
{
    assert_int_equal(a->open, b->open);
    assert_int_equal(a->wait, b->wait);
    assert_int_equal(a->queued, b->queued);
    assert_int_equal(a->force, b->force);
    assert_int_equal(a->begun, b->begun);
    assert_int_equal(a->recent, b->recent);
    assert_int_equal(a->packets, b->packets);
    assert_int_equal(a->packets_sent, b->packets_sent);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->started, b->started);
    assert_int_equal(a->deadline, b->deadline);
    assert_int_equal(a->next_packet, b->next_packet);
    assert_memory_equal(a->stages, b->stages, sizeof(a->stages));
    assert_string_equal(a->boot_id, b->boot_id);
    assert_string_equal(a->id, b->id);
    assert_true(fact_equal(&a->cause, &b->cause));
}

static void compare_sleep(const struct sleep *a, const struct sleep *b)
{
    assert_int_equal(a->phase, b->phase);
    assert_int_equal(a->restart, b->restart);
    assert_int_equal(a->force, b->force);
    assert_int_equal(a->own, b->own);
    assert_int_equal(a->started, b->started);
    assert_int_equal(a->deadline, b->deadline);
    assert_int_equal(a->not_before, b->not_before);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->by, b->by);
    assert_true(fact_equal(&a->refusal, &b->refusal));
}

static void compare_leases(const struct lease_set *a, const struct lease_set *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->leases[i].kind, b->leases[i].kind);
        assert_int_equal(a->leases[i].since, b->leases[i].since);
        assert_int_equal(a->leases[i].renewed, b->leases[i].renewed);
        assert_true(a->leases[i].until == b->leases[i].until);
        assert_int_equal(a->leases[i].ends, b->leases[i].ends);
        assert_int_equal(a->leases[i].told, b->leases[i].told);
        assert_string_equal(a->leases[i].holder, b->leases[i].holder);
        assert_int_equal(a->leases[i].subject, b->leases[i].subject);
        const struct fact left = lease_why(&a->leases[i]), right = lease_why(&b->leases[i]);

        assert_true(fact_equal(&left, &right));
    }
}

static void compare_commands(const struct saved *a, const struct saved *b)
{
    assert_int_equal(a->n_commands, b->n_commands);
    for (size_t i = 0; i < a->n_commands; i++) {
        const struct ledger_entry *left = &a->commands[i];
        const struct ledger_entry *right = &b->commands[i];

        assert_true(right->used);
        assert_int_equal(left->answered, right->answered);
        assert_int_equal(left->open, right->open);
        assert_int_equal(left->action, right->action);
        assert_int_equal(left->outcome, right->outcome);
        assert_int_equal(left->received, right->received);
        assert_int_equal(left->seconds_ms, right->seconds_ms);
        assert_string_equal(left->id, right->id);
        assert_string_equal(left->by, right->by);
        assert_true(fact_equal(&left->reason, &right->reason));
        assert_int_equal(right->site, MODEL_NONE);
        assert_int_equal(right->route, 0);
    }
}

static void compare(const struct saved *a, const struct saved *b)
{
    assert_int_equal(a->at, b->at);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->since, b->since);
    assert_int_equal(a->up_since, b->up_since);
    assert_int_equal(a->down_since, b->down_since);
    assert_int_equal(a->retry_at, b->retry_at);
    assert_int_equal(a->was_ready, b->was_ready);
    assert_int_equal(a->said_goodbye, b->said_goodbye);
    assert_int_equal(a->goodbye, b->goodbye);
    assert_int_equal(a->mac_matched, b->mac_matched);
    assert_int_equal(a->macs.n, b->macs.n);
    assert_memory_equal(a->macs.list, b->macs.list, sizeof(a->macs.list));
    assert_int_equal(a->ever_woken, b->ever_woken);
    assert_int_equal(a->resting, b->resting);
    assert_int_equal(a->failures, b->failures);
    assert_int_equal(a->failure, b->failure);
    assert_int_equal(a->last_boot, b->last_boot);
    assert_int_equal(a->boot_at, b->boot_at);
    assert_string_equal(a->boot_id, b->boot_id);
    assert_int_equal(a->override.policy_set, b->override.policy_set);
    assert_int_equal(a->override.policy, b->override.policy);
    assert_int_equal(a->override.idle, b->override.idle);
    assert_string_equal(a->override.by, b->override.by);
    compare_wake(&a->wake, &b->wake);
    compare_sleep(&a->sleep, &b->sleep);
    compare_leases(&a->leases, &b->leases);
    compare_commands(a, b);
    compare_history(&a->history, &b->history);
    assert_int_equal(a->n_woken, b->n_woken);
    assert_memory_equal(a->woken, b->woken, sizeof(a->woken));
}

static void test_every_member(void **state)
{
    struct saved *saved = full();
    char *text = written(saved);
    SAVED(read);

    assert_int_equal(read_text(text, strlen(text), &owner, &read), 0);
    compare(saved, &read);
    free(text);
    drop(saved);
}

/* The boot clock of another boot, or of one that is not known, means nothing. */
static void test_other_boot(void **state)
{
    static const char *const boots[] = {"boot-2", "", NULL};
    struct saved *saved = full();
    struct saved read;

    for (size_t i = 0; i < ARRAY_SIZE(boots); i++) {
        const struct record_owner other = {.config = owner.config, .mac = mac, .boot = boots[i]};
        struct buf text = BUF_INIT(RECORD_LIMIT);
        char *ours = written(saved);

        assert_int_equal(record_read_server(ours, strlen(ours), &model, 0, &other, &read), 0);
        assert_int_equal(read.boot_at, 0);
        assert_int_equal(read.at, saved->at);
        saved_finish(&read);
        free(ours);
        assert_int_equal(record_write_server(saved, &model, 0, &other, &text), 0);
        assert_int_equal(record_read_server(buf_text(&text), text.length, &model, 0, &owner, &read),
                         0);
        assert_int_equal(read.boot_at, 0);
        saved_finish(&read);
        buf_finish(&text);
    }
    assert_int_equal(read_with("\"leases\":[{\"kind\":4,\"holder\":\"x\",\"ends\":null}]", &read),
                     0);
    assert_int_equal(read.leases.leases[0].ends, 0); /* no instant */
    saved_finish(&read);
    saved_finish(saved);
    free(saved);
}

/* What was read is written as it was: nothing is lost from one restart to the next. */
static void test_again(void **state)
{
    struct saved *saved = full();
    char *first = written(saved);
    char *second;
    SAVED(read);

    assert_int_equal(read_text(first, strlen(first), &owner, &read), 0);
    second = written(&read);
    assert_string_equal(first, second);
    free(first);
    free(second);
    drop(saved);
}

static void test_nothing_to_say(void **state)
{
    SAVED(saved);
    SAVED(read);
    char *text;

    for (unsigned i = 0; i < STAGES; i++)
        saved.wake.stages[i] = STAGE_UNREACHED;
    text = written(&saved);
    assert_int_equal(read_text(text, strlen(text), &owner, &read), 0);
    compare(&saved, &read);
    free(text);
}

/* A ring that went round is written oldest first, and those before it are counted still. */
static void test_woken_ring(void **state)
{
    SAVED(saved);
    SAVED(read);
    char *text;

    for (unsigned i = 0; i < WOKEN_MAX + 3; i++)
        saved.woken[saved.n_woken++ % WOKEN_MAX] = AT + i;
    text = written(&saved);
    assert_int_equal(read_text(text, strlen(text), &owner, &read), 0);
    assert_int_equal(read.n_woken, WOKEN_MAX + 3);
    assert_memory_equal(read.woken, saved.woken, sizeof(saved.woken));
    free(text);
}

/* How many there were is only believed where the ring went round. */
static void test_count_of_wakes(void **state)
{
    static const struct {
        const char *members;
        uint32_t n;
    } cases[] = {
        {"\"wakes\":7", 0},
        {"\"wakes\":7,\"woken\":[5,6]", 2},
        {"\"wakes\":-1,\"woken\":[5,6]", 2},
        {"\"wakes\":1e300,\"woken\":[5,6]", 2},
    };
    SAVED(saved);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_with(cases[i].members, &saved), 0);
        assert_int_equal(saved.n_woken, cases[i].n);
    }
}

/* Of an older Hall members are missing, of a newer one there are more. */
static void test_other_versions(void **state)
{
    SAVED(saved);

    assert_int_equal(read_with("", &saved), 0);
    assert_int_equal(saved.last_boot, -1);
    assert_int_equal(saved.wake.stages[0], STAGE_UNREACHED);
    assert_int_equal(saved.leases.n + saved.n_commands + saved.n_woken, 0);
    assert_int_equal(read_with("\"mood\":{\"deep\":[1,2]},\"at\":5,"
                               "\"wake\":{\"packets\":2,\"colour\":\"red\"},"
                               "\"leases\":[{\"kind\":4,\"until\":9,\"holder\":\"h\",\"x\":[]}]",
                               &saved),
                     0);
    assert_int_equal(saved.at, 5);
    assert_int_equal(saved.wake.packets, 2);
    assert_int_equal(saved.leases.n, 1);
    assert_string_equal(saved.leases.leases[0].holder, "h");
}

/* A member of another type says nothing. */
static void test_wrong_types(void **state)
{
    static const char *const members[] = {
        "\"state\":\"ready\"",
        "\"since\":\"yesterday\"",
        "\"since\":1.5",
        "\"since\":1e300",
        "\"was_ready\":1",
        "\"failures\":-1",
        "\"failures\":4294967296",
        "\"boot_id\":7",
        "\"override\":[]",
        "\"override\":null",
        "\"wake\":17",
        "\"wake\":[{\"open\":true}]",
        "\"sleep\":\"deep\"",
        "\"leases\":{\"kind\":1}",
        "\"leases\":[1,null,\"x\",[],{}]",
        "\"leases\":[{\"kind\":\"visit\"}]",
        "\"commands\":7",
        "\"commands\":[1,null,{}]",
        "\"commands\":[{\"action\":0,\"id\":\"\"}]",
        "\"boots\":[1,{},{\"kind\":0},{\"kind\":0,\"ready\":-1}]",
        "\"boots\":[{\"kind\":2,\"ready\":5},{\"kind\":-1,\"ready\":5}]",
        "\"woken\":[\"a\",null,1.5]",
    };
    SAVED(plain);
    SAVED(saved);

    assert_int_equal(read_with("", &plain), 0);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        assert_int_equal(read_with(members[i], &saved), 0);
        compare(&plain, &saved);
    }
}

static void test_bad_stages(void **state)
{
    SAVED(saved);

    assert_int_equal(read_with("\"wake\":{\"stages\":[-5,1e12,\"x\",null,7]},"
                               "\"boots\":[{\"kind\":1,\"ready\":5,\"stages\":[3]}]",
                               &saved),
                     0);
    for (unsigned i = 0; i < STAGES; i++)
        assert_int_equal(saved.wake.stages[i], i == 4 ? 7 : STAGE_UNREACHED);
    assert_int_equal(saved.history.kinds[WAKE_COLD].boots[0].stages[0], 3);
    assert_int_equal(saved.history.kinds[WAKE_COLD].boots[0].stages[1], STAGE_UNREACHED);
}

/* What no Hall can have written is no record, and the result stays untouched. */
static void test_out_of_range(void **state)
{
    static const char *const members[] = {
        "\"state\":9",
        "\"state\":-1",
        "\"failure\":6",
        "\"override\":{\"policy\":3}",
        "\"override\":{\"policy\":-1}",
        "\"override\":{\"idle\":-1}",
        "\"wake\":{\"kind\":2}",
        "\"wake\":{\"wait\":3}",
        "\"sleep\":{\"phase\":3}",
        "\"sleep\":{\"phase\":-2147483648}",
        /* A transaction that began after it was written, that ends before it began, or never. */
        "\"at\":1000,\"wake\":{\"open\":true,\"started\":2000,\"deadline\":3000}",
        "\"at\":1000,\"wake\":{\"open\":true,\"started\":900,\"deadline\":800}",
        "\"at\":1000,\"wake\":{\"open\":true,\"started\":900,\"deadline\":null}",
        "\"at\":1000,\"wake\":{\"open\":true,\"started\":-9007199254740992,\"deadline\":1100}",
        "\"at\":1000,\"sleep\":{\"phase\":2,\"started\":900,\"deadline\":9007199254740992}",
    };
    struct saved saved, untouched;

    memset(&saved, 0x5a, sizeof(saved));
    untouched = saved;
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        assert_int_equal(read_with(members[i], &saved), -EINVAL);
    assert_memory_equal(&saved, &untouched, sizeof(saved));
}

/* An item that says nothing sensible is passed over, the others stay. */
static void test_bad_items(void **state)
{
    SAVED(saved);

    assert_int_equal(
        read_with("\"leases\":[{\"kind\":8,\"holder\":\"a\"},{\"kind\":-1,\"holder\":\"b\"},"
                  "{\"kind\":4,\"holder\":\"c\"},{\"kind\":0,\"holder\":\"not configured\"}],"
                  "\"commands\":[{\"id\":\"a\",\"action\":11},{\"id\":\"b\",\"action\":0,"
                  "\"outcome\":4},{\"action\":0},{\"id\":\"d\",\"action\":0}]",
                  &saved),
        0);
    assert_int_equal(saved.leases.n, 1);
    assert_string_equal(saved.leases.leases[0].holder, "c");
    assert_int_equal(saved.n_commands, 1);
    assert_string_equal(saved.commands[0].id, "d");
}

/* An older Hall wrote sentences, and the name of a site or domain, perhaps cut, as the holder. */
static void test_sentences_of_an_older_hall(void **state)
{
    SAVED(saved);
    struct fact fact;

    assert_int_equal(
        read_with("\"wake\":{\"cause\":\"visit of client1\"},\"sleep\":{\"refusal\":\"rsync\"},"
                  "\"leases\":[{\"kind\":0,\"holder\":\"client1\",\"label\":\"\"},"
                  "{\"kind\":2,\"holder\":\"testing\"},"
                  "{\"kind\":3,\"holder\":\"bob\",\"label\":\"bob woke it\"},"
                  "{\"kind\":4,\"holder\":\"backup\",\"label\":\"nightly\"}],"
                  "\"commands\":[{\"id\":\"d\",\"action\":0,\"reason\":\"no sign of life\"}]",
                  &saved),
        0);
    assert_string_equal(fact_text(&saved.wake.cause, 0, 0), "visit of client1");
    assert_string_equal(fact_text(&saved.sleep.refusal, 0, 0), "rsync");
    assert_string_equal(fact_text(&saved.commands[0].reason, 0, 0), "no sign of life");
    assert_int_equal(saved.leases.n, 4);
    assert_int_equal(saved.leases.leases[0].subject, 1);
    assert_int_equal(saved.leases.leases[1].subject, MODEL_NONE);
    fact = lease_fact(&saved.leases.leases[2], 0, (struct now){0});
    assert_true(fact_is(&fact, FACT_SAID));
    fact = lease_fact(&saved.leases.leases[3], 0, (struct now){0});
    assert_true(fact_is(&fact, FACT_LEASE_HOLD));
    assert_string_equal(fact_text(&fact, 0, 1), "nightly");
}

/* More items than there is room for. */
static void test_too_many(void **state)
{
    struct buf members = BUF_INIT(RECORD_LIMIT);
    SAVED(saved);

    buf_puts(&members, "\"leases\":[{\"kind\":4,\"holder\":\"0\"}");
    for (int i = 1; i < 100; i++)
        buf_printf(&members, ",{\"kind\":4,\"holder\":\"%d\"}", i);
    buf_puts(&members, "],\"commands\":[{\"id\":\"0\",\"action\":1}");
    for (int i = 1; i < 2 * SAVED_COMMANDS; i++)
        buf_printf(&members, ",{\"id\":\"%d\",\"action\":1}", i);
    buf_puts(&members, "],\"woken\":[0");
    for (int i = 1; i < 100; i++)
        buf_printf(&members, ",%d", i);
    buf_puts(&members, "],\"boots\":[{\"kind\":0,\"ready\":1}");
    for (int i = 1; i < 300; i++)
        buf_puts(&members, ",{\"kind\":0,\"ready\":1}");
    buf_puts(&members, "]");
    assert_int_equal(read_with(buf_text(&members), &saved), 0);
    assert_int_equal(saved.leases.n, 100);
    assert_int_equal(saved.n_commands, SAVED_COMMANDS);
    assert_int_equal(saved.n_woken, WOKEN_MAX);
    assert_int_equal(saved.history.kinds[WAKE_RESUME].n, HISTORY_MAX);
    buf_finish(&members);
}

/* Longer text than there is room for is cut, at whole characters. */
static void test_long_text(void **state)
{
    SAVED(saved);
    char members[400];

    memset(members, 0, sizeof(members));
    snprintf(members, sizeof(members), "\"boot_id\":\"");
    memset(members + strlen(members), 'x', 300);
    snprintf(members + strlen(members), 3, "\"");
    assert_int_equal(read_with(members, &saved), 0);
    assert_int_equal(strlen(saved.boot_id), sizeof(saved.boot_id) - 1);
}

/* The largest record there can be is still one: full lists; ids and names are printable, and what
 * is said may be nothing but characters that are written as six. */
static void test_largest(void **state)
{
    struct saved *saved = full();
    struct buf text = BUF_INIT(RECORD_LIMIT);
    char escaped[FACT_TEXT_SIZE] = "";
    SAVED(read);

    memset(escaped, ESCAPED, sizeof(escaped) - 1);
    for (size_t i = 0; i < saved->n_commands; i++) {
        struct ledger_entry *entry = &saved->commands[i];

        memset(entry->id, '"', sizeof(entry->id) - 1);
        memset(entry->by, '\\', sizeof(entry->by) - 1);
        entry->reason = fact_said(escaped);
    }
    for (size_t i = 0; i < saved->leases.n; i++) {
        const struct fact why = fact_said(escaped);

        if (saved->leases.leases[i].subject == MODEL_NONE)
            memset(saved->leases.leases[i].holder, ESCAPED, LEASE_HOLDER_SIZE - 1);
        lease_say(&saved->leases.leases[i], &why);
    }
    assert_int_equal(record_write_server(saved, &model, 0, &owner, &text), 0);
    assert_int_equal(read_text(buf_text(&text), text.length, &owner, &read), 0);
    assert_int_equal(read.n_commands, SAVED_COMMANDS);
    assert_int_equal(read.leases.n, LEASES);
    buf_finish(&text);
    drop(saved);
}

/* However much of it is missing: never a record, never a crash. */
static void test_cut(void **state)
{
    struct saved *saved = full();
    char *text = written(saved);
    const size_t length = strlen(text);
    SAVED(read);

    for (size_t n = 0; n < length; n += n < 1000 ? 1 : 37) {
        char *cut = malloc(n + 1); /* so that a look beyond its end is seen */

        assert_non_null(cut);
        memcpy(cut, text, n);
        assert_int_equal(read_text(cut, n, &owner, &read), -EINVAL);
        free(cut);
    }
    free(text);
    drop(saved);
}

static void test_hostile_text(void **state)
{
    static const char *const texts[] = {"",        " ",        "[]x", "{\"config\":1,}",
                                        "{\"a\":", "\xff\xfe", "nan", "{}{}"};
    SAVED(saved);
    char deep[200];

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(read_text(texts[i], strlen(texts[i]), &owner, &saved), -EINVAL);
    memset(deep, '[', sizeof(deep));
    assert_int_equal(read_text(deep, sizeof(deep), &owner, &saved), -EINVAL);
    assert_int_equal(read_with("\"at\":1,\"at\":2", &saved), -EINVAL);
    char *large = calloc(1, RECORD_LIMIT + 1);
    assert_non_null(large);
    memset(large, ' ', RECORD_LIMIT + 1);
    assert_int_equal(read_text(large, RECORD_LIMIT + 1, &owner, &saved), -EINVAL);
    free(large);
}

/* Two Halls, or two machines one after the other, never inherit from each other. */
static void test_other_owner(void **state)
{
    static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 2};
    const struct record_owner owners[] = {{.config = "/etc/hall/other.json", .mac = mac},
                                          {.config = "/etc/hall/config.jso", .mac = mac},
                                          {.config = owner.config, .mac = other_mac}};
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "7",
                                        "{\"config\":7,\"mac\":8}",
                                        "{\"config\":\"/etc/hall/config.json\"}",
                                        "{\"mac\":\"02:00:00:00:00:01\"}"};
    struct saved *saved = full();
    char *text = written(saved);
    SAVED(read);

    for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
        assert_int_equal(read_text(text, strlen(text), &owners[i], &read), -ESTALE);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(read_text(texts[i], strlen(texts[i]), &owner, &read), -ESTALE);
    free(text);
    drop(saved);
}

/* A package moves the file of a Hall that was installed by hand; nobody else's. */
static void test_moved_configuration(void **state)
{
    const struct record_owner by_hand = {.config = PLACE_CONFIG_OF_OLD, .mac = mac, .boot = "1"},
                              packaged = {.config = PLACE_CONFIG, .mac = mac, .boot = "1"};
    static const char saved_by_hand[] =
        "{\"config\":\"" PLACE_CONFIG_OF_OLD "\",\"mac\":\"02:00:00:00:00:01\"}";
    static const char saved_by_package[] =
        "{\"config\":\"" PLACE_CONFIG "\",\"mac\":\"02:00:00:00:00:01\"}";
    SAVED(read);

    assert_int_not_equal(read_text(saved_by_hand, strlen(saved_by_hand), &packaged, &read),
                         -ESTALE);
    assert_int_equal(read_text(saved_by_package, strlen(saved_by_package), &by_hand, &read),
                     -ESTALE);
    assert_int_equal(read_text(saved_by_hand, strlen(saved_by_hand), &owner, &read), -ESTALE);
}

/* Times at the edges: what a record holds is what is read. */
static void test_times(void **state)
{
    static const int64_t times[] = {
        0, 1, -1, AT, -AT, LEASE_FOREVER, INT64_C(1) << 53, -(INT64_C(1) << 53)};
    struct lease lease = {0};
    SAVED(read);
    struct saved saved = {.last_boot = -1, .leases = {.n = 1, .leases = &lease}};

    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        saved.leases.leases[0].until = saved.since = saved.retry_at = times[i];
        char *text = written(&saved);
        assert_int_equal(read_text(text, strlen(text), &owner, &read), 0);
        assert_true(read.leases.leases[0].until == times[i]);
        assert_true(read.since == times[i] && read.retry_at == times[i]);
        free(text);
    }
}

/* Quotas. */

static struct model_domain quota_domains[] = {{.name = "a.example", .site = 1},
                                              {.name = "b.example", .site = 2}};
static struct model_site quota_sites[] = {
    {.id = "client1", .is_project = true}, {.id = "a.example"}, {.id = "b.example", .domain = 1}};
static const struct model quota_model = {
    .n_domains = 2, .domains = quota_domains, .n_sites = 3, .sites = quota_sites};

static void quota_over(const struct quota *quota)
{
    struct buf text = BUF_INIT(RECORD_LIMIT);
    struct quota read;

    assert_int_equal(record_write_quota(&quota_model, quota, &owner, &text), 0);
    assert_int_equal(record_read_quota(&quota_model, buf_text(&text), text.length, &owner, &read),
                     0);
    assert_true(read.used);
    assert_int_equal(read.kind, quota->kind);
    assert_int_equal(read.subject, quota->subject);
    assert_true(address_equal(read.address, quota->address));
    assert_int_equal(read.day, quota->day);
    assert_int_equal(read.wakes, quota->wakes);
    assert_int_equal(read.awake_ms, quota->awake_ms);
    assert_int_equal(read.last_use, quota->last_use);
    assert_int_equal(read.at, quota->at);
    const struct record_owner later = {.config = owner.config, .mac = mac, .boot = "boot-2"};

    assert_int_equal(record_read_quota(&quota_model, buf_text(&text), text.length, &later, &read),
                     0);
    assert_int_equal(read.wakes, quota->wakes);
    assert_int_equal(read.last_use, 0); /* of another boot clock */
    assert_int_equal(read.at, 0);
    buf_finish(&text);
}

static void test_quota(void **state)
{
    const struct quota client = {.used = true,
                                 .kind = QUOTA_CLIENT,
                                 .subject = 1,
                                 .address = {V4_BYTES(UINT32_MAX)},
                                 .day = 20000,
                                 .wakes = UINT32_MAX,
                                 .awake_ms = AT,
                                 .last_use = 77,
                                 .at = 78};
    struct quota project = {
        .used = true, .kind = QUOTA_PROJECT, .day = -3, .wakes = 2, .awake_ms = 5};

    struct quota six = client;

    quota_over(&client);
    assert_int_equal(address_parse("2001:db8:0:1::", &six.address), 0);
    quota_over(&six);
    for (project.subject = 0; project.subject < 3; project.subject++)
        quota_over(&project);
}

static void test_quota_keys(void **state)
{
    const struct quota quotas[] = {{.kind = QUOTA_CLIENT, .subject = 0, .address = {V4_BYTES(1)}},
                                   {.kind = QUOTA_CLIENT, .subject = 0, .address = {V4_BYTES(2)}},
                                   {.kind = QUOTA_CLIENT, .subject = 1, .address = {V4_BYTES(1)}},
                                   {.kind = QUOTA_CLIENT, .subject = 1, .address = {{0x20, 1}}},
                                   {.kind = QUOTA_CLIENT, .subject = 1, .address = {{0x20, 2}}},
                                   {.kind = QUOTA_CLIENT, .subject = 1},
                                   {.kind = QUOTA_PROJECT, .subject = 0},
                                   {.kind = QUOTA_PROJECT, .subject = 1}};
    char keys[8][RECORD_KEY_SIZE];

    for (size_t i = 0; i < 8; i++) {
        record_quota_key(&quota_model, &quotas[i], keys[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
}

static int read_quota(const char *members, struct quota *ret_quota)
{
    struct buf text = BUF_INIT(RECORD_LIMIT);
    int error;

    buf_printf(&text, "{\"config\":\"%s\",%s}", owner.config, members);
    const struct record_owner whose = {.config = owner.config};
    error = record_read_quota(&quota_model, buf_text(&text), text.length, &whose, ret_quota);
    buf_finish(&text);
    return error;
}

/* As it was written before there were IPv6 addresses: a number, and 0 for all who had none. */
static void test_quota_of_old(void **state)
{
    struct quota quota = {0};

    assert_int_equal(
        read_quota("\"kind\":0,\"subject\":\"a.example\",\"address\":3232235786", &quota), 0);
    assert_true(address_equal(quota.address, v4(0xc0a8010a)));
    assert_int_equal(read_quota("\"kind\":0,\"subject\":\"a.example\"", &quota), 0);
    assert_true(address_is_none(quota.address));
    assert_int_equal(
        read_quota("\"kind\":0,\"subject\":\"a.example\",\"address\":\"nonsense\"", &quota), 0);
    assert_true(address_is_none(quota.address));
}

static void test_quota_refused(void **state)
{
    struct quota quota = {.wakes = 77};

    assert_int_equal(read_quota("\"kind\":0,\"subject\":\"gone.example\"", &quota), -ESTALE);
    assert_int_equal(read_quota("\"kind\":1,\"subject\":\"gone\"", &quota), -ESTALE);
    assert_int_equal(read_quota("\"kind\":1,\"subject\":7", &quota), -ESTALE);
    assert_int_equal(read_quota("\"kind\":0", &quota), -ESTALE);
    assert_int_equal(read_quota("\"kind\":2,\"subject\":\"client1\"", &quota), -EINVAL);
    assert_int_equal(read_quota("\"kind\":-1,\"subject\":\"client1\"", &quota), -EINVAL);
    assert_int_equal(read_quota("\"kind\":1,\"subject\":\"client1\",\"awake_ms\":-1", &quota),
                     -EINVAL);
    assert_int_equal(read_quota("\"kind\":1,\"subject\":\"client1\",\"awake_ms\":null", &quota),
                     -EINVAL);
    assert_int_equal(record_read_quota(&quota_model, "{", 1, &owner, &quota), -EINVAL);
    assert_int_equal(
        record_read_quota(&quota_model, "{\"config\":\"x\",\"kind\":0}", 23, &owner, &quota),
        -ESTALE);
    assert_int_equal(quota.wakes, 77);
    assert_int_equal(read_quota("\"kind\":1,\"subject\":\"client1\",\"wakes\":2", &quota), 0);
    assert_int_equal(quota.wakes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_member),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_woken_ring),
        cmocka_unit_test(test_count_of_wakes),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_bad_stages),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_bad_items),
        cmocka_unit_test(test_sentences_of_an_older_hall),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_other_owner),
        cmocka_unit_test(test_moved_configuration),
        cmocka_unit_test(test_other_boot),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_quota_keys),
        cmocka_unit_test(test_quota_of_old),
        cmocka_unit_test(test_quota_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
