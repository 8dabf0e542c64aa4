#include "hall/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"
#include "config/last_good.h"

/* A configuration with its secrets, or nothing. */
static int check_secrets(struct config *config, struct config **ret_config, struct report *report)
{
    if (secrets_check(config, report) < 0) {
        config_free(config);
        return -EINVAL;
    }
    *ret_config = config;
    return 0;
}

int start_read(struct start *start, const char *file, struct report *report)
{
    struct config *config = NULL;
    int error = config_read(file, &start->text, &start->length, report);

    if (error == 0)
        error = config_parse(file, start->text, start->length, &config, report);
    return error < 0 ? error : check_secrets(config, &start->config, report);
}

void start_note_trouble(const struct report *report, struct trouble *ret_trouble)
{
    struct buf place = BUF_INIT(TROUBLE_PLACE_SIZE);

    *ret_trouble = (struct trouble){.place = "the configuration cannot be read"};
    if (!report->first)
        return;
    complaint_say_place(report->first, CONFIG_ENGLISH, &place);
    text_copy(ret_trouble->place, sizeof(ret_trouble->place), buf_text(&place));
    buf_finish(&place);
    for (const struct complaint *at = report->first->next; at; at = at->next)
        ret_trouble->more++;
}

struct told start_tell_trouble(const struct trouble *trouble)
{
    const bool has_fallen_back = trouble->kept != 0;
    struct told told = {0};

    if (!trouble->place[0])
        return told;
    told =
        say_words(has_fallen_back ? FACT_CONFIG_LAST_GOOD : FACT_CONFIG_KEPT, trouble->place, NULL);
    told.parts[0].values[1] =
        (struct told_value){.known = trouble->more > 0, .number = (int64_t)trouble->more};
    if (has_fallen_back)
        told.parts[0].values[2] = (struct told_value){.known = true, .number = trouble->kept};
    return told;
}

void start_show_trouble(const struct trouble *trouble)
{
    const struct told told = start_tell_trouble(trouble);
    struct buf words = BUF_INIT(SAY_SENTENCE_MAX);

    if (trouble->place[0])
        say_sentence(&told, (struct say_how){.now = clock_now().wall}, &words);
    sd_notifyf(0, "STATUS=%s", buf_text(&words));
    buf_finish(&words);
}

int start_fall_back(struct start *start, const char *file, const struct report *report,
                    struct buf *errors)
{
    struct report more = {0};
    struct config *config = NULL;
    int64_t kept = 0;
    int error = last_good_load(file, &config, &kept, &more);

    if (error == 0)
        error = check_secrets(config, &start->config, &more);
    if (error == 0) {
        start_note_trouble(report, &start->trouble);
        start->trouble.kept = kept;
        free(start->text);
        start->text = NULL;
    } else if (error != -ENOENT) {
        report_say(&more, CONFIG_ENGLISH, errors);
    }
    report_finish(&more);
    return error;
}

void start_keep_good(const char *file, const char *text, size_t length)
{
    const int error = last_good_keep(file, text, length);

    if (error < 0)
        log_warning(
            "%s: no copy can be kept for a start with a broken file: %s; set StateDirectory= "
            "in the unit, or let Hall write to the file's folder",
            file, strerror(-error));
}

void start_keep(struct start *start)
{
    if (start->text)
        start_keep_good(start->config->file, start->text, start->length);
    free(start->text);
    start->text = NULL;
}

void start_finish(struct start *start)
{
    config_free(start->config);
    free(start->text);
}
