/* servers.ID.sleep: how a server is put to sleep. */
#include "config/raw.h"
#include "config/rows.h"

/* clang-format off */
static const struct option item_status = {
    .kind = OPTION_STATUS, .size = sizeof(struct status_range)};

static const char *const via_names[] = {
    [SLEEP_VIA_AGENT] = "agent", [SLEEP_VIA_SSH] = "ssh", [SLEEP_VIA_WEBHOOK] = "webhook",
    [SLEEP_VIA_NONE] = "none", NULL};
static const char *const sleep_names[] = {
    [SLEEP_SUSPEND] = "suspend", [SLEEP_HIBERNATE] = "hibernate", [SLEEP_POWEROFF] = "poweroff",
    NULL};

static const struct option ssh_rows[] = {
    {"user", TEXT(user, 32), AT(raw_sleep, ssh.user), GIVEN_AT(raw_sleep, user_given),
     .help = "Who logs in on the server."},
    {"port", PORT, AT(raw_sleep, ssh.port), .fallback = "22", .help = "Where sshd listens."},
    {"key", TEXT(key_file, 1024), AT(raw_sleep, ssh.key), GIVEN_AT(raw_sleep, key_given),
     .help = "File with the private key, readable by Hall alone and without a passphrase."},
    {"host_key", TEXT(host_key, 2048), AT(raw_sleep, ssh.host_key),
     GIVEN_AT(raw_sleep, host_key_given),
     .help = "The server's public host key, the only one trusted: \"ssh-ed25519 AAAA...\"."},
    {"suspend", TEXT(text, 1024), AT(raw_sleep, ssh.commands[SLEEP_SUSPEND]),
     .fallback = "systemctl suspend", .help = "The command sent for mode suspend."},
    {"hibernate", TEXT(text, 1024), AT(raw_sleep, ssh.commands[SLEEP_HIBERNATE]),
     .fallback = "systemctl hibernate", .help = "The command sent for mode hibernate."},
    {"poweroff", TEXT(text, 1024), AT(raw_sleep, ssh.commands[SLEEP_POWEROFF]),
     .fallback = "systemctl poweroff", .help = "The command sent for mode poweroff."},
    {"restart", TEXT(text, 1024), AT(raw_sleep, ssh.restart), .fallback = "systemctl reboot",
     .help = "The command sent for a restart."},
};
static const struct option_table ssh_table = TABLE("ssh", raw_sleep, ssh_rows);

static const struct option header_rows[] = {
    {"value", TEXT(text, 1024), AT(raw_header, value), .help = "The header's value."},
    {"secret", TEXT(secret, 128), AT(raw_header, secret),
     .help = "The variable of the environment that has the value: HALL_SECRET_ and more."},
};
static const struct option_table header_table = {
    "header", sizeof(struct raw_header), ROWS(header_rows), .exactly_one = true,
    .tag_offset = offsetof(struct raw_header, kind)};

static const char *const method_names[] = {
    [WEBHOOK_POST] = "POST", [WEBHOOK_PUT] = "PUT", [WEBHOOK_PATCH] = "PATCH",
    [WEBHOOK_GET] = "GET", [WEBHOOK_DELETE] = "DELETE", NULL};

static const struct option webhook_rows[] = {
    {"url", TEXT(http_url, 1024), AT(raw_sleep, webhook.out.url), GIVEN_AT(raw_sleep, url_given),
     .help = "What is asked to put the server to sleep."},
    {"restart_url", TEXT(http_url, 1024), AT(raw_sleep, webhook.out.restart_url),
     .help = "What is asked to restart it; without it a restart is refused."},
    {"method", CHOICE(method_names), AT(raw_sleep, webhook.out.method), .fallback = "POST",
     .help = "The method of both."},
    {"headers", MAP(header_table, header, MODEL_HEADERS_MAX), AT(raw_sleep, webhook.headers),
     COUNT_AT(raw_sleep, webhook.n_headers), .help = "Headers, by their names."},
    {"body", TEXT(any, 8192), AT(raw_sleep, webhook.out.body), .help = "What is sent with it."},
    {"restart_body", TEXT(any, 8192), AT(raw_sleep, webhook.out.restart_body),
     .help = "What is sent with a restart; by default body."},
    {"expect", LIST(item_status, MODEL_EXPECT_MAX), AT(raw_sleep, webhook.out.expect),
     COUNT_AT(raw_sleep, webhook.out.n_expect),
     .help = "Statuses that say yes, as 200, \"2xx\" or \"200-299\"; by default 200-299."},
    {"ca", TEXT(file, 1024), AT(raw_sleep, webhook.out.ca),
     .help = "File with the authorities that TLS trusts; by default the system's."},
};
static const struct option_table webhook_table = TABLE("webhook", raw_sleep, webhook_rows);

static const struct option sleep_rows[] = {
    {"via", CHOICE(via_names), AT(raw_sleep, out.via), .fallback = "agent",
     GIVEN_AT(raw_sleep, via_given),
     .help = "How the server is put to sleep; none: Hall never does."},
    {"mode", CHOICE(sleep_names), AT(raw_sleep, out.mode), .fallback = "suspend",
     .help = "What sleep means."},
    {"min_up", DURATION(0, 7 * DAY), AT(raw_sleep, out.min_up), .fallback = "5m",
     .help = "Minimum time awake before it may sleep."},
    {"timeout", DURATION(SECOND, HOUR), AT(raw_sleep, out.timeout), .fallback = "60s",
     .help = "Time allowed for it to go quiet."},
    {"ssh", OBJECT(ssh_table), .offset = 0, GIVEN_AT(raw_sleep, ssh_given),
     .help = "With via ssh: the system's ssh logs in and says a command."},
    {"webhook", OBJECT(webhook_table), .offset = 0, GIVEN_AT(raw_sleep, webhook_given),
     .help = "With via webhook: a URL is asked."},
};
const struct option_table table_sleep = TABLE("sleep", raw_sleep, sleep_rows);
/* clang-format on */
