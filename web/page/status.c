#include "web/page/status.h"

#include "base/json.h"
#include "core/problem.h"
#include "say/say.h"
#include "web/page/answer.h"
#include "web/page/phrase.h"

/* WORDS: nothing is said. */
static const char *word_of(const struct view *view, enum word word)
{
    return visitor_word(word, phrase_language(view));
}

static void put_seconds(struct json_writer *writer, const char *key, int64_t ms)
{
    if (ms < 0)
        json_put_null(writer, key);
    else
        json_put_seconds(writer, key, ms);
}

static void put_json_text(struct json_writer *writer, const char *key, const struct view *view,
                          void (*put)(const struct view *, struct buf *))
{
    struct buf text = BUF_INIT(4096);
    put(view, &text);
    json_put_string(writer, key, buf_text(&text));
    buf_finish(&text);
}

static void put_json_stage(struct json_writer *writer, const struct view *view, int stage)
{
    struct buf text = BUF_INIT(256);
    phrase_stage(view, stage, &text);
    json_begin_object(writer, NULL);
    json_put_string(writer, "name", stage_name((enum stage)stage));
    json_put_string(writer, "label", word_of(view, phrase_stage_word(stage)));
    json_put_string(writer, "status", stage_status_name(view_stage_status(view, stage)));
    json_put_string(writer, "text", buf_text(&text));
    put_seconds(writer, "at_s", view->notice.stages[stage]);
    put_seconds(writer, "expected_s", view->notice.expected[stage]);
    json_end_object(writer);
    buf_finish(&text);
}

/* Why this site does not answer comes before what is wrong with another of its server. */
static void put_problem(struct json_writer *writer, const struct view *view)
{
    const bool of_site = view->fault.code != FAULT_NONE && view->kind != VIEW_FAILED &&
                         (view->ailment == AILMENT_NONE || view->ailment == AILMENT_SILENT);
    const struct fact fact = of_site ? problem_of_fault(view->fault) : view->notice.problem;
    struct buf problem = BUF_INIT(SAY_SENTENCE_MAX);
    struct told told;

    say_resolve(&fact, of_site ? NULL : view->model, &told);
    say_sentence(&told, (struct say_how){.now = clock_now().wall}, &problem);
    json_put_string(writer, "problem", problem.length > 0 ? buf_text(&problem) : NULL);
    say_put_told(writer, "problem_fact", &told);
    buf_finish(&problem);
    json_put_string(writer, "fault", fault_name((enum fault_code)view->fault.code));
}

void status_write(const struct view *view, int64_t next_poll, struct buf *out)
{
    const struct notice *notice = &view->notice;
    bool failed = view->kind == VIEW_FAILED;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "state", power_state_name(notice->state));
    json_put_string(&writer, "stage", view->stage < 0 ? NULL : stage_name((enum stage)view->stage));
    json_begin_array(&writer, "stages");
    for (int stage = 0; stage < STAGES; stage++) {
        if (view_shows_stage(view, stage))
            put_json_stage(&writer, view, stage);
    }
    json_end_array(&writer);
    put_seconds(&writer, "elapsed_s", view->elapsed);
    put_seconds(&writer, "eta_s", view->eta);
    double progress = view_progress(view);
    if (progress < 0)
        json_put_null(&writer, "progress");
    else
        json_put_number(&writer, "progress", (double)(int)(progress * 1000) / 1000);
    put_seconds(&writer, "deadline_s", view->left);
    json_put_string(&writer, "failure", failed ? wake_failure_name(notice->failure) : NULL);
    put_problem(&writer, view);
    /* It names who else uses the server: not for visitors. */
    json_put_string(&writer, "awake_because", view->local ? notice->why : NULL);
    json_put_string(&writer, "guard", guard_name(view->guard.kind));
    json_put_time(&writer, "until", view->until);
    json_put_integer(&writer, "next_poll_ms", next_poll);
    json_put_string(&writer, "redirect", view->kind == VIEW_READY ? view->reference : NULL);
    json_put_integer(&writer, "version", notice->version);
    json_put_string(&writer, "view", view_kind_name(view->kind));
    put_json_text(&writer, "title", view, phrase_headline);
    put_json_text(&writer, "message", view, phrase_message);
    put_json_text(&writer, "estimate", view, phrase_estimate);
    json_put_string(&writer, "when", word_of(view, phrase_when(view)));
    json_put_string(&writer, "button", word_of(view, phrase_button(view)));
    json_end_object(&writer);
}

/* What keeps this visitor from the site, or from waking it. */
static struct fact why_not(const struct view *view)
{
    if (view->guard.kind != GUARD_NONE)
        return FACT(GUARD, .word = (uint8_t)view->guard.kind, .n = {view->until});
    if (view->kind == VIEW_CLICK)
        return (struct fact){.parts = {{.code = view->why_not}}};
    return FACT(NONE);
}

void status_write_problem(const struct view *view, int status, struct buf *out)
{
    const struct fact why = why_not(view);
    struct buf detail = BUF_INIT(2048);
    struct json_writer writer;

    phrase_all(view, &why, &detail);
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "type", "about:blank");
    json_put_string(&writer, "title", answer_reason(status));
    json_put_integer(&writer, "status", status);
    json_put_string(&writer, "detail", buf_text(&detail));
    say_put_fact(&writer, "detail_fact", &why, NULL);
    json_put_string(&writer, "site", view->site->id);
    json_put_string(&writer, "state", power_state_name(view->notice.state));
    json_put_string(&writer, "stage", view->stage < 0 ? NULL : stage_name((enum stage)view->stage));
    put_seconds(&writer, "eta_s", view->eta);
    json_put_string(&writer, "guard", guard_name(view->guard.kind));
    json_put_time(&writer, "until", view->until);
    int seconds = view_retry_after(view);
    if (seconds == 0)
        json_put_null(&writer, "retry_after_s");
    else
        json_put_integer(&writer, "retry_after_s", seconds);
    json_end_object(&writer);
    buf_finish(&detail);
}
