/*
 * front_stage CONFIG: the web front with nobody behind it. Lines on stdin play the loop's part,
 * visits are printed: state SERVER STATE          the server is in this state wake SERVER [MS] a
 * wake begins now, expected to take MS expect SERVER STAGE MS      the median time to this stage
 *   stage SERVER STAGE          this stage is reached now
 *   ready SERVER                the server is ready and all its sites answer
 *   site ID on|off              this site alone answers, or does not
 *   fail SERVER FAILURE         the wake failed: no_sign, not_ready, no_packet, cancelled
 *   queue SERVER                wanted while it falls asleep
 *   ago SERVER MS               MS more have passed since the wake began
 *   touch SERVER                posts the same again
 *   guard SERVER GUARD MS       this guard refused a wake, for MS more
 *   closed SITE MS              outside its hours for MS more; 0: open, -1: no opening known
 *   limit SITE ADDRESS GUARD MS this guard refuses ADDRESS (- for a project's) for MS more
 * Prints "port N", then one line per visit: "wants|uses|refused SITE WHO DETAIL". Ends with stdin.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "say/say.h"
#include "web/listen/front.h"

struct stage_play {
    struct config *config;
    struct board *board;
    struct front *front;
    struct notice *notices; /* what was posted last, by server */
};

enum { WORDS_MAX = 5, DEADLINE_MS = 120000 };

static int64_t now_ms(void)
{
    return clock_now().boot;
}

static int find_stage(const char *name)
{
    for (int i = 0; i < STAGES; i++) {
        if (strcmp(stage_name((enum stage)i), name) == 0)
            return i;
    }
    return -1;
}

static int find_state(const char *name)
{
    for (int i = 0; i < POWER_STATES; i++) {
        if (strcmp(power_state_name((enum power_state)i), name) == 0)
            return i;
    }
    return -1;
}

static int find_failure(const char *name)
{
    for (int i = FAILURE_NO_SIGN; i <= FAILURE_DEPENDENCY; i++) {
        if (strcmp(wake_failure_name((enum wake_failure)i), name) == 0)
            return i;
    }
    return -1;
}

static void set_state(struct notice *notice, enum power_state state)
{
    notice->state = state;
    notice->since = now_ms();
    if (state == POWER_OFF || state == POWER_SLEEPING) {
        notice->wake_open = notice->wake_queued = false;
    }
}

static bool do_state(struct notice *notice, char **words)
{
    int state = words[2] != NULL ? find_state(words[2]) : -1;
    if (state < 0)
        return false;
    set_state(notice, (enum power_state)state);
    return true;
}

static bool do_wake(struct notice *notice, char **words)
{
    int64_t now = now_ms();
    set_state(notice, POWER_WAKING);
    notice->wake_open = true;
    notice->wake_queued = false;
    notice->wake_started = now;
    notice->wake_deadline = now + DEADLINE_MS;
    notice->failure = FAILURE_NONE;
    notice->expected_ready = words[2] != NULL ? now + strtoll(words[2], NULL, 10) : -1;
    for (int i = 0; i < STAGES; i++)
        notice->stages[i] = STAGE_UNREACHED;
    return true;
}

static bool do_expect(struct notice *notice, char **words)
{
    int stage = words[2] != NULL && words[3] != NULL ? find_stage(words[2]) : -1;
    if (stage < 0)
        return false;
    notice->expected[stage] = (int32_t)strtol(words[3], NULL, 10);
    return true;
}

static bool do_stage(struct notice *notice, char **words)
{
    int stage = words[2] != NULL ? find_stage(words[2]) : -1;
    if (stage < 0)
        return false;
    notice->stages[stage] = (int32_t)(now_ms() - notice->wake_started);
    if (stage > STAGE_PACKET_SENT && notice->state == POWER_WAKING)
        set_state(notice, POWER_BOOTING);
    return true;
}

static bool do_ready(struct notice *notice, char **words)
{
    (void)words;
    if (notice->wake_open)
        notice->stages[STAGE_SITE_ANSWERS] = (int32_t)(now_ms() - notice->wake_started);
    set_state(notice, POWER_READY);
    notice->wake_open = false;
    return true;
}

static bool do_fail(struct notice *notice, char **words)
{
    int failure = words[2] != NULL ? find_failure(words[2]) : -1;
    if (failure < 0)
        return false;
    set_state(notice, POWER_WAKE_FAILED);
    notice->wake_open = false;
    notice->failure = (enum wake_failure)failure;
    return true;
}

static bool do_queue(struct notice *notice, char **words)
{
    (void)words;
    set_state(notice, POWER_SLEEPING);
    notice->wake_queued = true;
    return true;
}

static bool do_ago(struct notice *notice, char **words)
{
    int64_t ms = words[2] != NULL ? strtoll(words[2], NULL, 10) : 0;
    notice->wake_started -= ms;
    notice->wake_deadline -= ms;
    if (notice->expected_ready >= 0)
        notice->expected_ready -= ms;
    return ms > 0;
}

static enum guard_kind find_guard(const char *name)
{
    for (int i = GUARD_NONE + 1; i < GUARDS; i++) {
        if (strcmp(guard_name((enum guard_kind)i), name) == 0)
            return (enum guard_kind)i;
    }
    return GUARD_NONE;
}

static int64_t after(const char *ms)
{
    int64_t value = strtoll(ms, NULL, 10);
    return value < 0 ? LEASE_FOREVER : value == 0 ? 0 : now_ms() + value;
}

static bool do_guard(struct notice *notice, char **words)
{
    if (words[2] == NULL || words[3] == NULL)
        return false;
    notice->guard = (struct guard){find_guard(words[2]), after(words[3])};
    return notice->guard.kind != GUARD_NONE;
}

static bool do_touch(struct notice *notice, char **words)
{
    (void)notice;
    (void)words;
    return true;
}

static const struct verb {
    const char *name;
    bool (*run)(struct notice *notice, char **words);
    bool moves; /* its sites follow the server's state */
} verbs[] = {
    {"state", do_state, true},  {"wake", do_wake, false},   {"expect", do_expect, false},
    {"stage", do_stage, false}, {"ready", do_ready, true},  {"fail", do_fail, false},
    {"queue", do_queue, true},  {"touch", do_touch, false}, {"ago", do_ago, false},
    {"guard", do_guard, false},
};

static void move_sites(struct stage_play *play, int server, const char *verb)
{
    const struct model *model = &play->config->model;
    const enum power_state state = play->notices[server].state;
    const bool ready = strcmp(verb, "ready") == 0;

    for (size_t site = 0; site < model->n_sites; site++)
        if (model->sites[site].server == server &&
            (ready || state == POWER_OFF || state == POWER_SLEEPING))
            board_post_ready(play->board, (int)site, ready);
}

static bool run_verb(struct stage_play *play, char **words)
{
    int server = words[1] != NULL ? model_server_by_id(&play->config->model, words[1]) : MODEL_NONE;
    for (size_t i = 0; server != MODEL_NONE && i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, words[0]) == 0) {
            bool done = verbs[i].run(&play->notices[server], words);
            if (verbs[i].moves)
                move_sites(play, server, words[0]);
            board_post(play->board, server, &play->notices[server]);
            return done;
        }
    }
    return false;
}

static bool do_site(struct stage_play *play, int site, char **words)
{
    const int server = play->config->model.sites[site].server;

    board_post_ready(play->board, site, strcmp(words[2], "on") == 0);
    board_post(play->board, server, &play->notices[server]);
    return true;
}

static bool do_closed(struct stage_play *play, int site, char **words)
{
    board_set_closed(play->board, site, after(words[2]));
    return true;
}

static bool do_limit(struct stage_play *play, int site, char **words)
{
    struct address address = {{0}};
    enum guard_kind kind = words[3] != NULL ? find_guard(words[3]) : GUARD_NONE;
    if (kind == GUARD_NONE || words[4] == NULL ||
        (strcmp(words[2], "-") != 0 && address_parse(words[2], &address) != 0))
        return false;
    board_limit(play->board, site, address_client(address), (struct guard){kind, after(words[4])});
    return true;
}

static const struct site_verb {
    const char *name;
    bool (*run)(struct stage_play *play, int site, char **words);
} site_verbs[] = {{"site", do_site}, {"closed", do_closed}, {"limit", do_limit}};

static int find_site(const struct model *model, const char *id)
{
    for (size_t i = 0; id != NULL && i < model->n_sites; i++) {
        if (strcmp(model->sites[i].id, id) == 0)
            return (int)i;
    }
    return MODEL_NONE;
}

static bool run_site(struct stage_play *play, char **words)
{
    int site = find_site(&play->config->model, words[1]);
    for (size_t i = 0; site != MODEL_NONE && words[2] != NULL && i < ARRAY_SIZE(site_verbs); i++) {
        if (strcmp(site_verbs[i].name, words[0]) == 0)
            return site_verbs[i].run(play, site, words);
    }
    return false;
}

static void run_line(struct stage_play *play, char *line)
{
    char *words[WORDS_MAX + 1] = {NULL};
    char *rest = NULL;
    size_t n = 0;
    for (char *word = strtok_r(line, " \n", &rest); word != NULL && n < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    if (n == 0)
        return;
    bool done = run_verb(play, words) || run_site(play, words);
    printf("%s\n", done ? "done" : "not understood");
}

static void print_visits(struct stage_play *play)
{
    static const char *const kinds[] = {
        [VISIT_WANTS] = "wants", [VISIT_USES] = "uses", [VISIT_REFUSED] = "refused"};
    struct visit visit;
    while (board_take(play->board, &visit)) {
        const char *site =
            visit.site == MODEL_NONE ? "-" : play->config->model.sites[visit.site].id;
        char why[SAID_SIZE] = "";
        if (visit.why)
            say_english(visit.why, &play->config->model, 0, why);
        printf("%s %s %s %s%s%s\n", kinds[visit.kind], site, visit.who, visit.path,
               visit.why ? ": " : "", why);
        free(visit.why);
    }
}

static void init_notices(struct stage_play *play)
{
    for (size_t i = 0; i < play->config->model.n_servers; i++) {
        struct notice *notice = &play->notices[i];
        notice->state = POWER_OFF;
        notice->since = now_ms();
        notice->expected_ready = -1;
        for (int stage = 0; stage < STAGES; stage++)
            notice->stages[stage] = notice->expected[stage] = STAGE_UNREACHED;
        board_post(play->board, (int)i, notice);
    }
}

/* Reads by descriptor, so that poll and what was read never disagree. False: the end. */
static bool read_lines(struct stage_play *play)
{
    static char pending[4096];
    static size_t used;
    ssize_t got = read(STDIN_FILENO, pending + used, sizeof pending - used - 1);
    if (got <= 0)
        return false;
    used += (size_t)got;
    pending[used] = '\0';
    char *line = pending;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        run_line(play, line);
    }
    used = strlen(line);
    memmove(pending, line, used + 1);
    return true;
}

static void serve(struct stage_play *play)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = board_fd(play->board), .events = POLLIN}};
    for (bool more = true; more;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        print_visits(play);
        if (fds[0].revents != 0)
            more = read_lines(play);
    }
}

int main(int argc, char **argv)
{
    struct stage_play play = {0};
    struct buf errors = BUF_INIT(65536);
    struct report report = {0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    log_init(LOG_LEVEL_INFO);
    if (argc != 2 || config_load(argv[1], &play.config, &report) != 0) {
        report_say(&report, CONFIG_ENGLISH, &errors);
        fprintf(stderr, "usage: front_stage CONFIG\n%s", buf_text(&errors));
        return 1;
    }
    play.notices = calloc(play.config->model.n_servers, sizeof *play.notices);
    int error = play.notices == NULL ? -ENOMEM : board_create(play.config, &play.board);
    if (error == 0) {
        init_notices(&play);
        error = front_create(play.board, &play.front);
    }
    if (error == 0) {
        printf("port %u\n", front_port(play.front));
        serve(&play);
        board_close(play.board);
    }
    front_destroy(play.front);
    board_destroy(play.board);
    free(play.notices);
    config_free(play.config);
    buf_finish(&errors);
    return error == 0 ? 0 : 1;
}
