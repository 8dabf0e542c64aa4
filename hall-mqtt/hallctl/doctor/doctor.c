/* hallctl doctor: finds the configuration, has the checks made, prints what they found. */
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/places.h"
#include "base/version.h"
#include "config/complaint.h"
#include "hallctl/doctor/doctor.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"

enum { TEXT_LIMIT = 4096, OUT_LIMIT = 16 << 20, MARK_WIDTH = 9 };

/* In the order of the lines: what others rest on comes first. */
static const struct doctor_check *const checks[] = {
    &configuration_check, &units_check,   &disk_check,  &clock_check,
    &ping_check,          &network_check, &ports_check, &broker_check,
    &certificate_check,   &bus_check,     &dns_check,   &proxy_check,
};

/* ---- telling ---- */

static const char *colour_of(enum doctor_verdict verdict)
{
    static const char *const colours[DOCTOR_VERDICTS] = {"\033[32m", "\033[33m", "\033[31m"};

    return meeting_is_bold() ? colours[verdict] : "";
}

static void print_finding(const struct doctor_finding *finding, enum say_language language)
{
    const enum doctor_verdict verdict = doctor_rows[finding->code].verdict;
    const char *colour = colour_of(verdict), *word = doctor_verdict_shown(verdict, language);
    struct buf text = BUF_INIT(TEXT_LIMIT), command = BUF_INIT(TEXT_LIMIT);

    doctor_say(finding, language, &text);
    doctor_say_command(finding, &command);
    printf("%s%-*s%s%s\n", colour, MARK_WIDTH, word, colour[0] != '\0' ? "\033[0m" : "",
           reader_show(&text));
    if (command.length > 0)
        printf("%*s$ %s\n", MARK_WIDTH, "", reader_show(&command));
    buf_finish(&text);
    buf_finish(&command);
}

static size_t count(const struct findings *findings, enum doctor_verdict verdict)
{
    size_t n = 0;

    for (size_t i = 0; i < findings->n; i++)
        n += doctor_rows[findings->all[i].code].verdict == verdict;
    return n;
}

static int print_people(const struct findings *findings)
{
    const enum say_language language = reader_language();

    for (size_t i = 0; i < findings->n; i++)
        print_finding(&findings->all[i], language);
    printf(language == SAY_FRENCH ? "%zu bon, %zu attention, %zu mauvais\n"
                                  : "%zu good, %zu warning, %zu bad\n",
           count(findings, DOCTOR_IS_GOOD), count(findings, DOCTOR_IS_WARNING),
           count(findings, DOCTOR_IS_BAD));
    return HALLCTL_OK;
}

static void put_finding(struct json_writer *json, const struct doctor_finding *finding)
{
    const struct doctor_row *row = &doctor_rows[finding->code];
    struct buf text = BUF_INIT(TEXT_LIMIT), command = BUF_INIT(TEXT_LIMIT);

    doctor_say(finding, reader_language(), &text);
    doctor_say_command(finding, &command);
    json_begin_object(json, NULL);
    json_put_string(json, "code", row->name);
    json_put_string(json, "verdict", doctor_verdict_name(row->verdict));
    json_begin_object(json, "parameters");
    for (size_t i = 0; row->params[i]; i++)
        json_put_string(json, row->params[i],
                        finding->values[i][0] != '\0' ? finding->values[i] : NULL);
    json_end_object(json);
    json_put_string(json, "text", buf_text(&text));
    json_put_string(json, "command", command.length > 0 ? buf_text(&command) : NULL);
    json_end_object(json);
    buf_finish(&text);
    buf_finish(&command);
}

static int print_json(const struct findings *findings)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "version", HALL_VERSION);
    json_put_time(&json, "at", clock_now().wall);
    json_put_integer(&json, "good", (int64_t)count(findings, DOCTOR_IS_GOOD));
    json_put_integer(&json, "warnings", (int64_t)count(findings, DOCTOR_IS_WARNING));
    json_put_integer(&json, "bad", (int64_t)count(findings, DOCTOR_IS_BAD));
    json_begin_array(&json, "lines");
    for (size_t i = 0; i < findings->n; i++)
        put_finding(&json, &findings->all[i]);
    json_end_array(&json);
    json_end_object(&json);
    buf_putc(&out, '\n');
    return hallctl_print(&out);
}

/* ---- what is known before ---- */

static const char *find_file(const struct call *call)
{
    return call_has(call, FLAG_CONFIG) ? call->texts[FLAG_CONFIG] : places_config();
}

static void add_error(const struct report *report, struct findings *findings)
{
    const enum config_language language =
        reader_language() == SAY_FRENCH ? CONFIG_FRENCH : CONFIG_ENGLISH;
    struct buf text = BUF_INIT(TEXT_LIMIT);

    if (report->first)
        complaint_say(report->first, language, &text);
    findings_add(findings, DOCTOR_SETTINGS_ERROR, buf_text(&text), NULL);
    buf_finish(&text);
}

/* The user: Hall, if its password is known; else the caller, with the caller's own settings. */
static void choose_settings(struct call *with, struct doctor *doctor, struct settings *settings,
                            struct findings *findings)
{
    struct report report = {0};
    struct settings own = {0};
    struct call alone = *with;

    alone.given &= ~WITH(FLAG_CONFIG);
    alone.texts[FLAG_CONFIG] = NULL;
    if (doctor->config)
        call_give(with, FLAG_CONFIG, doctor->file);
    else
        *with = alone;
    if (settings_load(with, settings, &report) == 0)
        doctor->settings = settings;
    else
        add_error(&report, findings);
    if (doctor->settings && !settings->password && settings_load(&alone, &own, &report) == 0) {
        if (own.password) {
            settings_finish(settings);
            *settings = own;
            own = (struct settings){0};
        }
        settings_finish(&own);
    }
    report_finish(&report);
}

static void load(struct call *with, struct doctor *doctor, struct config **config,
                 struct settings *settings, struct findings *findings)
{
    struct report report = {0};

    /* What is wrong with the file is a finding of its own: the other checks go on without. */
    config_load(doctor->file, config, &report);
    report_finish(&report);
    doctor->config = *config;
    choose_settings(with, doctor, settings, findings);
}

static int run_doctor(const struct call *call)
{
    struct call with = *call;
    struct doctor doctor = {.call = call, .file = find_file(call), .root = ""};
    struct findings findings = {0};
    struct settings settings = {0};
    struct config *config = NULL;

    log_init(LOG_LEVEL_ERROR);
    load(&with, &doctor, &config, &settings, &findings);
    fflush(stdout);
    doctor_examine(&doctor, checks, ARRAY_SIZE(checks), DOCTOR_MS, &findings);
    int status = call_has(call, FLAG_JSON) ? print_json(&findings) : print_people(&findings);
    if (status == HALLCTL_OK && count(&findings, DOCTOR_IS_BAD) > 0)
        status = HALLCTL_ERROR;
    free(findings.all);
    settings_finish(&settings);
    config_free(config);
    return status;
}

static const struct verb verbs[] = {
    {.name = "doctor",
     .operands = "[SERVER...]",
     .summary = "looks for faults, and prints the command that fixes each",
     .flags = WITH_BROKER | WITH(FLAG_JSON) | WITH(FLAG_LISTEN) | WITH(FLAG_CHECK),
     .most = DOCTOR_SERVERS,
     .run = run_doctor,
     .detail =
         "Broker and rights, interfaces, cards, clock, proxy, ports, DNS, disk, units, versions,\n"
         "certificates, configuration, and each server: one line each, good, warning or bad, with\n"
         "the command that fixes it. Run it with sudo on Hall's machine to see everything. It\n"
         "changes nothing and takes at most 15 s. --listen ADDRESS:PORT: where your proxy "
         "listens,\n"
         "if not on port 443 or 80 of this machine; --check URL: Traefik's API.\n"
         "Exit status 0: no line is bad; 1: at least one is.\n"},
};

const struct verb_family doctor_family = {"Look for faults", verbs, ARRAY_SIZE(verbs)};
