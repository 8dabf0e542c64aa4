#include "hallctl/hallctl.h"

#include <string.h>

#include "base/text.h"
#include "hallctl/reader.h"
#include "say/say_setup.h"

enum { ERRORS_LIMIT = 262144, SHOWN_SIZE_WORD = 80 };

int hallctl_fail(const struct call *call, const char *what, const char *why)
{
    char shown[SHOWN_SIZE_WORD];

    fprintf(stderr, "hallctl %s: %s: %s\n", call->verb->name,
            text_show(shown, sizeof(shown), what, strlen(what)), why);
    return HALLCTL_ERROR;
}

int hallctl_refuse(const struct call *call, const char *what, const char *found,
                   const char *allowed)
{
    char shown[SHOWN_SIZE_WORD];

    fprintf(stderr, "hallctl %s: %s: found \"%s\"; allowed: %s\n", call->verb->name, what,
            text_show(shown, sizeof(shown), found, strlen(found)), allowed);
    return HALLCTL_USAGE;
}

int hallctl_config(const struct call *call, const char *fallback, struct config **ret_config)
{
    const char *file = call_has(call, FLAG_CONFIG) ? call->texts[FLAG_CONFIG] : fallback;
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct report report = {0};
    const int error = file ? config_load(file, ret_config, &report) : 0;

    report_say(&report, CONFIG_ENGLISH, &errors);
    fputs(buf_text(&errors), stderr);
    report_finish(&report);
    buf_finish(&errors);
    return error < 0 ? HALLCTL_ERROR : -1;
}

static int refuse_stranger(const struct call *call)
{
    struct buf out = BUF_INIT(ERRORS_LIMIT);
    const struct setup_note note = {.code = SETUP_WHO, .values = {call->verb->name}};

    setup_say(&note, reader_language(), &out);
    fprintf(stderr, "hallctl %s: %s\n", call->verb->name, buf_text(&out));
    buf_finish(&out);
    return HALLCTL_USAGE;
}

int hallctl_settings(const struct call *call, struct settings *ret_settings)
{
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct report report = {0};
    const int error = settings_load(call, ret_settings, &report);

    report_say(&report, CONFIG_ENGLISH, &errors);
    if (error < 0)
        fprintf(stderr, "hallctl %s: %s", call->verb->name, buf_text(&errors));
    report_finish(&report);
    buf_finish(&errors);
    if (error == 0 && ret_settings->is_stranger) {
        settings_finish(ret_settings);
        return refuse_stranger(call);
    }
    return error < 0 ? HALLCTL_USAGE : -1;
}

bool hallctl_names(const struct call *call, const char *id)
{
    for (int i = 0; i < call->n_operands; i++)
        if (strcmp(call->operands[i], id) == 0)
            return true;
    return call->n_operands == 0;
}

int hallctl_print(struct buf *out)
{
    const int error = buf_error(out);

    if (error == 0)
        fputs(buf_text(out), stdout);
    buf_finish(out);
    return error == 0 ? HALLCTL_OK : HALLCTL_ERROR;
}
