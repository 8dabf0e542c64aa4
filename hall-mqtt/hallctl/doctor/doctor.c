/* hallctl doctor: finds the configuration, has the checks made, prints what they found. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "hallctl/doctor/doctor.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"

enum { TEXT_LIMIT = 4096, OUT_LIMIT = 16 << 20, MARK_WIDTH = 9, ENVIRONMENT_MAX = 65536 };

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

/* Where Hall's configuration is: a package's, or that of an installation by hand. */
static const char *const files[] = {"/var/lib/hall/domains.json", "/etc/hall/domains.json"};

static const char *find_file(const struct call *call)
{
    if (call_has(call, FLAG_CONFIG))
        return call->texts[FLAG_CONFIG];
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (access(files[i], F_OK) == 0 || errno == EACCES)
            return files[i];
    return files[0];
}

/* The value of a line of an EnvironmentFile= (systemd.exec(5)), without its quotes. */
static bool take_line(char *line, const char *key, char **ret_value)
{
    const size_t length = strlen(key);

    if (strncmp(line, key, length) != 0 || line[length] != '=')
        return false;
    char *value = line + length + 1, *end = value + strlen(value);
    if (end - value >= 2 && (value[0] == '"' || value[0] == '\'') && end[-1] == value[0]) {
        value++;
        end[-1] = '\0';
    }
    *ret_value = value;
    return value[0] != '\0';
}

/* The password of this machine's Hall, which root may read, unless the environment has one. */
static void read_password(const struct doctor *doctor)
{
    static const char key[] = "HALL_MQTT_PASSWORD";
    char text[ENVIRONMENT_MAX], *rest = text, *value;
    const bool is_ours = strcmp(doctor->file, files[0]) == 0 || strcmp(doctor->file, files[1]) == 0;

    if (!is_ours || getenv(key) ||
        doctor_read(doctor, "/etc/hall/hall.env", text, sizeof(text)) <= 0)
        return;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (take_line(line, key, &value))
            setenv(key, value, 1);
    explicit_bzero(text, sizeof(text));
}

/* The user: Hall, if its password is known; else the caller, with the caller's own settings. */
static void choose_settings(struct call *with, struct doctor *doctor, struct settings *settings)
{
    struct report report = {0};
    const char *password = getenv("HALL_MQTT_PASSWORD");
    struct call own = *with;

    own.given &= ~WITH(FLAG_CONFIG);
    own.texts[FLAG_CONFIG] = NULL;
    if (doctor->config)
        call_give(with, FLAG_CONFIG, doctor->file);
    else
        *with = own;
    if ((!password || password[0] == '\0') && settings_load(&own, settings, &report) == 0) {
        if (settings->password) {
            doctor->settings = settings;
            report_finish(&report);
            return;
        }
        settings_finish(settings);
    }
    if (settings_load(with, settings, &report) == 0)
        doctor->settings = settings;
    report_finish(&report);
}

static void load(struct call *with, struct doctor *doctor, struct config **config,
                 struct settings *settings)
{
    struct report report = {0};

    /* What is wrong with the file is a finding of its own: the other checks go on without. */
    config_load(doctor->file, config, &report);
    report_finish(&report);
    doctor->config = *config;
    read_password(doctor);
    choose_settings(with, doctor, settings);
}

static int run_doctor(const struct call *call)
{
    struct call with = *call;
    struct doctor doctor = {.call = call, .file = find_file(call), .root = ""};
    struct findings findings = {0};
    struct settings settings = {0};
    struct config *config = NULL;

    log_init(LOG_LEVEL_ERROR);
    load(&with, &doctor, &config, &settings);
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
