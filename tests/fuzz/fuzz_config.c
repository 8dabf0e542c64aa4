/* Any bytes are either a whole configuration or errors in words. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "core/power.h"

enum { ERRORS_MAX = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hours(const struct model_policy *hours)
{
    assert(hours->timezone != NULL && hours->n_windows <= MODEL_WINDOWS_MAX);
    assert(hours->n_except <= MODEL_EXCEPT_MAX);
    assert(hours->n_except == 0 || hours->n_windows > 0);
    for (size_t i = 0; i < hours->n_windows; i++) {
        const struct model_window *window = &hours->windows[i];
        assert(window->days != 0 && window->days <= 0x7f && window->from != window->to);
    }
}

static void check_policy(const struct model_policy *policy)
{
    check_hours(policy);
    assert(policy->mode != POLICY_SCHEDULED || policy->n_windows > 0);
    assert(policy->mode != POLICY_ALWAYS_ON || policy->n_windows == 0);
}

static void check_sleep(const struct model_sleep *sleep)
{
    assert((sleep->ssh != NULL) == (sleep->via == SLEEP_VIA_SSH));
    assert((sleep->webhook != NULL) == (sleep->via == SLEEP_VIA_WEBHOOK));
    assert(sleep->ssh == NULL || (sleep->ssh->user[0] != '-' && sleep->ssh->key[0] == '/' &&
                                  sleep->ssh->host_key != NULL && sleep->ssh->port > 0));
    for (size_t i = 0; sleep->webhook != NULL && i < sleep->webhook->n_headers; i++) {
        const struct model_header *header = &sleep->webhook->headers[i];
        assert((header->value == NULL) != (header->secret == NULL));
        assert(header->name[strcspn(header->name, "\r\n: ")] == '\0');
    }
}

static void check_model(const struct model *model)
{
    for (size_t i = 0; i < model->n_servers; i++) {
        bool enough = false; /* something can make it ready */
        const struct model_server *server = &model->servers[i];
        assert(model_server_by_id(model, server->id) == (int)i);
        assert(server->n_checks <= MODEL_CHECKS_MAX);
        assert(server->n_depends_on <= MODEL_DEPENDS_MAX);
        assert(server->wakes_per_hour >= 0 && server->wakes_per_hour <= WOKEN_MAX);
        check_sleep(&server->sleep);
        for (size_t j = 0; j < server->n_checks; j++)
            enough |= server->checks[j].required ||
                      (server->any_site && server->checks[j].site != MODEL_NONE);
        assert(enough);
    }
    for (size_t i = 0; i < model->n_domains; i++) {
        const struct model_domain *domain = &model->domains[i];
        assert(model_domain_by_host(model, domain->name) == (int)i);
        assert((size_t)domain->server < model->n_servers);
        check_policy(&domain->policy);
        check_hours(&domain->access.hours);
        check_hours(&model->sites[domain->site].hours);
        for (size_t j = 0; j < domain->n_projects; j++) {
            const struct model_site *site = &model->sites[domain->projects[j]];
            check_hours(&site->hours);
            assert(model_project_by_id(model, site->id) == domain->projects[j]);
            assert(model_site_for_path(model, (int)i, site->path) == domain->projects[j]);
        }
    }
}

/* Each has its line in each language, and its fact is JSON. */
static void check_report(const struct report *report)
{
    struct buf lines[CONFIG_LANGUAGES] = {BUF_INIT(ERRORS_MAX), BUF_INIT(ERRORS_MAX)};
    size_t n = 0;

    for (const struct complaint *at = report->first; at != NULL; at = at->next) {
        struct buf fact = BUF_INIT(ERRORS_MAX);
        struct json_writer writer;
        struct json_error error;
        struct json *json = NULL;

        json_writer_init(&writer, &fact);
        complaint_put(&writer, NULL, at);
        assert(json_read(buf_text(&fact), fact.length, &json_limits_payload, &json, &error) == 0);
        json_free(json);
        buf_finish(&fact);
        n++;
    }
    assert(n <= REPORT_ERRORS_MAX + 1);
    for (size_t i = 0; i < CONFIG_LANGUAGES; i++) {
        size_t found = 0;

        report_say(report, (enum config_language)i, &lines[i]);
        assert(buf_error(&lines[i]) == 0);
        assert(text_is_utf8(buf_text(&lines[i]), lines[i].length));
        for (const char *at = buf_text(&lines[i]); *at != '\0'; at++)
            found += *at == '\n';
        assert(found == n);
        buf_finish(&lines[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct report report = {0};
    int r = config_parse("F", (const char *)data, size, &config, &report);

    assert((r == 0) == (config != NULL));
    assert((r == 0) == (report.first == NULL));
    check_report(&report);
    if (config != NULL)
        check_model(&config->model);
    config_free(config);
    report_finish(&report);
    return 0;
}
