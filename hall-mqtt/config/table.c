/* Every option of domains.json, one row each. */
#include "base/address.h"
#include "config/document.h"
#include "config/monitors.h"
#include "config/raw.h"
#include "config/rows.h"
#include "core/power.h"

/* clang-format off */
/* Items of lists */
static const struct option item_slug = {TEXT(slug, 64), .size = sizeof(char *)};
static const struct option item_text = {TEXT(text, 200), .size = sizeof(char *)};
static const struct option item_host = {TEXT(host, 253), .size = sizeof(char *)};
static const struct option item_container = {TEXT(container, 128), .size = sizeof(char *)};
static const struct option item_mac = {TEXT(mac, 32), .size = sizeof(uint8_t[6])};
static const struct option item_cidr = {TEXT(cidr, 50), .size = sizeof(struct cidr)};
static const struct option item_endpoint = {
    TEXT(endpoint, 32), .size = sizeof(struct sockaddr_in)};
static const struct option item_date = {TEXT(date, 32), .size = sizeof(struct model_date)};
static const struct option item_status = {
    .kind = OPTION_STATUS, .size = sizeof(struct status_range)};

/* mqtt, http, store */

static const struct option mqtt_rows[] = {
    {"url", TEXT(mqtt_url, 512), AT(config_mqtt, broker), .fallback = "mqtt://127.0.0.1:1883",
     .help = "The broker: mqtt://HOST[:PORT], mqtts:// for TLS, mqtt+unix:///PATH for a socket."},
    {"username", TEXT(text, 256), AT(config_mqtt, broker.username),
     .help = "The user at the broker; the password is HALL_MQTT_PASSWORD in the environment."},
    {"ca", TEXT(file, 1024), AT(config_mqtt, broker.ca),
     .help = "File with the authorities that TLS trusts; by default the system's."},
    {"version", CHOICE(document_mqtt_versions), AT(config_mqtt, broker.version), .fallback = "auto",
     .help = "MQTT 5 or 3.1.1; auto takes 5, or 3.1.1 if the broker does not speak 5."},
    {"base_topic", TEXT(topic, 128), AT(config_mqtt, base_topic), .fallback = "hall",
     .help = "What every topic of this Hall begins with."},
    {"discovery_prefix", TEXT(topic, 128), AT(config_mqtt, discovery_prefix),
     .fallback = "homeassistant", .help = "Where Home Assistant looks for discovery."},
};
static const struct option_table mqtt_table = TABLE("mqtt", config_mqtt, mqtt_rows);

static const struct option http_rows[] = {
    {"gateway", LIST(item_endpoint, CONFIG_LISTEN_MAX), .or_one = true, AT(config_http, gateway),
     COUNT_AT(config_http, n_gateway), .fallback = "127.0.0.1:8880",
     .help = "Where the gate and the waiting page listen, for the reverse proxy."},
    {"admin", LIST(item_endpoint, CONFIG_LISTEN_MAX), .or_one = true, AT(config_http, admin),
     COUNT_AT(config_http, n_admin), .fallback = "127.0.0.1:8881",
     .help = "Where the dashboard and its API listen."},
    {"trusted_proxies", LIST(item_cidr, 64), AT(config_http, trusted_proxies),
     COUNT_AT(config_http, n_trusted_proxies), .fallback = "127.0.0.1",
     .help = "Addresses or ranges whose X-Forwarded-* headers are believed."},
    {"admin_allow", LIST(item_cidr, 64), AT(config_http, admin_allow),
     COUNT_AT(config_http, n_admin_allow),
     .fallback = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10",
     .help = "Addresses or ranges that may reach the dashboard."},
    {"admin_hosts", LIST(item_host, 64), AT(config_http, admin_hosts),
     COUNT_AT(config_http, n_admin_hosts), .fallback = "localhost,127.0.0.1",
     .help = "Host names under which the dashboard answers (against DNS rebinding)."},
    {"monitors", LIST(item_text, 128), AT(config_http, monitors), COUNT_AT(config_http, n_monitors),
     .fallback = MONITORS_DEFAULT,
     .help = "Parts of User-Agent headers of monitors and robots, which never wake a server."},
};
static const struct option_table http_table = TABLE("http", config_http, http_rows);

static const struct option store_rows[] = {
    {"path", TEXT(file, 1024), AT(config_store, path), .fallback = "/var/lib/hall/hall.db",
     .help = "The database of events and statistics."},
    {"keep_days", INTEGER(1, 3650), AT(config_store, keep_days), .fallback = "90",
     .help = "Events older than this are removed."},
    {"max_mb", INTEGER(1, 100000), AT(config_store, max_mb), .fallback = "50",
     .help = "The database grows to this many megabytes at most."},
    {"backups", INTEGER(0, 365), AT(config_store, backups), .fallback = "3",
     .help = "So many nightly copies are kept beside it; 0: none are made."},
};
static const struct option_table store_table = TABLE("store", config_store, store_rows);

static const char *const trust_names[] = {[CLOCK_TRUST_AUTO] = "auto",
                                          [CLOCK_TRUST_SYNCHRONISED] = "synchronised",
                                          [CLOCK_TRUST_ALWAYS] = "always",
                                          NULL};
static const struct option clock_rows[] = {
    {"trust", CHOICE(trust_names), AT(config_clock, trust), .fallback = "auto",
     .help = "When schedules believe the clock of Hall's machine: once its time service has "
             "synchronised it; auto: also after five minutes in which nothing speaks against it; "
             "always: at once."},
};
static const struct option_table clock_table = TABLE("clock", config_clock, clock_rows);

static const struct option energy_rows[] = {
    {"price_kwh", NUMBER(0, 1000), AT(config_energy, price_kwh),
     .help = "What a kWh costs; without it the statistics name no money."},
    {"currency", TEXT(text, 8), AT(config_energy, currency), .fallback = "EUR",
     .help = "What that is counted in, as people write it."},
    {"hall_watts", NUMBER(0, 1000), AT(config_energy, hall_watts), .fallback = "3",
     .help = "What the machine Hall runs on draws: it is subtracted from what was saved."},
};
static const struct option_table energy_table = TABLE("energy", config_energy, energy_rows);

static const struct option proxy_rows[] = {
    {"hall", TEXT(http_url, 200), AT(config_proxy, hall),
     .help = "Where the reverse proxy finds the gateway; by default http.gateway."},
    {"fail_open", .kind = OPTION_BOOL, AT(config_proxy, fail_open), .fallback = "false",
     .help = "Whether the proxy lets visitors through while Hall does not answer."},
    {"tls", .kind = OPTION_BOOL, AT(config_proxy, tls), .fallback = "true",
     .help = "Whether the proxy speaks HTTPS to visitors and redirects HTTP to it."},
    {"entry_point", TEXT(slug, 64), AT(config_proxy, entry_point), .fallback = "websecure",
     .help = "Traefik's entry point for visitors."},
    {"http_entry_point", TEXT(slug, 64), AT(config_proxy, http_entry_point), .fallback = "web",
     .help = "Traefik's entry point from which is redirected to HTTPS."},
    {"resolver", TEXT(slug, 64), AT(config_proxy, resolver), .fallback = "letsencrypt",
     .help = "Traefik's certificate resolver; \"none\": the certificates it has itself."},
    {"certificates", TEXT(file, 200), AT(config_proxy, certificates),
     .help = "nginx: the folder with DOMAIN/fullchain.pem and DOMAIN/privkey.pem, by default "
             "/etc/letsencrypt/live. HAProxy: the folder with one file for each certificate, its "
             "key included; by default /etc/haproxy/certs."},
    {"trusted", LIST(item_cidr, 64), AT(config_proxy, trusted), COUNT_AT(config_proxy, n_trusted),
     .help = "Addresses or ranges of proxies in front of it, as of a CDN, whose X-Forwarded-For is "
             "believed."},
};
static const struct option_table proxy_table = TABLE("proxy", config_proxy, proxy_rows);

/* servers */

static const struct option wake_rows[] = {
    {"interface", TEXT(interface, 15), AT(model_wake, interface),
     .help = "The interface magic packets leave by; by default the route decides."},
    {"broadcast", TEXT(ipv4, 32), AT(model_wake, broadcast),
     .help = "Where magic packets go; by default 255.255.255.255, or 127.255.255.255 for a server "
             "on loopback."},
    {"port", PORT, AT(model_wake, port), .fallback = "9", .help = "UDP port of magic packets."},
    {"relay", TEXT(slug, 64), AT(model_wake, relay),
     .help = "Id of the hall-wol relay that sends the packets; by default Hall itself does."},
    {"secureon", TEXT(secureon, 32), .offset = 0,
     .help = "SecureOn password of the network card, 6 or 4 bytes."},
    {"timeout", DURATION(SECOND, HOUR), AT(model_wake, timeout), .fallback = "180s",
     .help = "The longest a wake may take."},
};
static const struct option_table wake_table = TABLE("wake", model_wake, wake_rows);

static const struct option tls_rows[] = {
    {"verify", .kind = OPTION_BOOL, AT(raw_tls, out.verify), .fallback = "true",
     GIVEN_AT(raw_tls, verify_given), .help = "Whether the certificate is verified."},
    {"ca", TEXT(file, 1024), AT(raw_tls, out.ca),
     .help = "File with the authorities, or the certificate itself, that TLS trusts; by default "
             "the system's."},
    {"name", TEXT(host, 253), AT(raw_tls, out.name),
     .help = "The name the certificate must have, sent as SNI; by default the URL's host, or for "
             "the upstream at an address the domain."},
};
static const struct option_table tls_table = TABLE("tls", raw_tls, tls_rows);

#define TIMEOUT_MAX (5 * MINUTE)
#define SITE_TLS(type_, field_) \
    {"tls", OBJECT(tls_table), AT(type_, field_), \
     .help = "What an https upstream is verified by; the generated proxies get the same."}
#define CHECK_TIMEOUT(fallback_, default_) \
    {"timeout", DURATION(SECOND, TIMEOUT_MAX), AT(raw_check, timeout), .fallback = (fallback_), \
     .help = "How long an answer may take; by default " default_ "."}

static const struct option ping_rows[] = {
    {"address", TEXT(unicast, 32), AT(raw_check, address), .help = "By default the server's."},
    CHECK_TIMEOUT(NULL, "until the next round"),
};
static const struct option tcp_rows[] = {
    {"port", PORT, AT(raw_check, port), .required = true, .help = "The port that must accept."},
    {"address", TEXT(unicast, 32), AT(raw_check, address), .help = "By default the server's."},
    CHECK_TIMEOUT(NULL, "until the next round"),
};
static const struct option http_check_rows[] = {
    {"url", TEXT(http_url, 512), AT(raw_check, url), .required = true,
     .help = "What is asked for."},
    {"expect", LIST(item_status, MODEL_EXPECT_MAX), AT(raw_check, expect.ranges),
     COUNT_AT(raw_check, expect.n),
     .help = "Statuses that pass, as 200, \"2xx\" or \"200-299\"; by default 200-399."},
    {"tls", OBJECT(tls_table), AT(raw_check, tls), .help = "What an https url is verified by."},
    CHECK_TIMEOUT("15s", "15s"),
};
static const struct option_table ping_table = TABLE("ping", raw_check, ping_rows);
static const struct option_table tcp_table = TABLE("tcp", raw_check, tcp_rows);
static const struct option_table http_check_table =
    TABLE("http_check", raw_check, http_check_rows);
static const struct option_table agent_table = {.name = "agent", .size = sizeof(struct raw_check)};

static const struct option check_rows[] = {
    {"ping", OBJECT(ping_table), .tag = CHECK_PING, .help = "It answers an ICMP echo."},
    {"tcp", OBJECT(tcp_table), .tag = CHECK_TCP, .help = "It accepts a TCP connection."},
    {"http", OBJECT(http_check_table), .tag = CHECK_HTTP, .help = "A URL answers as expected."},
    {"agent", OBJECT(agent_table), .tag = CHECK_AGENT, .help = "Its agent says that it is online."},
};
static const struct option_table check_table = {
    "check", sizeof(struct raw_check), ROWS(check_rows), .exactly_one = true,
    .tag_offset = offsetof(struct raw_check, kind)};
static const struct option item_check = {OBJECT(check_table), .size = sizeof(struct raw_check)};

static const struct option watts_rows[] = {
    {"on", NUMBER(0, 10000), AT(model_server, watts_on), .help = "What it draws when on."},
    {"asleep", NUMBER(0, 10000), AT(model_server, watts_asleep), .help = "What it draws asleep."},
    {"measured", .kind = OPTION_BOOL, AT(model_server, watts_measured), .fallback = "false",
     .help = "Whether a meter said so; the statistics then say \"measured\"."},
};
static const struct option_table watts_table = TABLE("watts", model_server, watts_rows);

static const struct option server_rows[] = {
    {"name", TEXT(text, 64), AT(raw_server, out.name),
     .help = "For people; by default the id with a capital letter."},
    {"address", TEXT(unicast, 32), AT(raw_server, out.address), .required = true,
     .help = "Its IPv4 address."},
    {"mac", TEXT(mac, 32), AT(raw_server, out.mac), .required = true,
     .help = "The MAC of its network card, which the magic packet names."},
    {"macs", LIST(item_mac, MODEL_MACS_MAX), AT(raw_server, out.macs),
     COUNT_AT(raw_server, out.n_macs),
     .help = "Further MACs that may answer for it, of a bridge, a bond or a second card; others "
             "are learned while its agent is online or a site of it answers."},
    {"wake", OBJECT(wake_table), AT(raw_server, out.wake), .help = "How it is woken."},
    {"sleep", OBJECT(table_sleep), AT(raw_server, sleep), .help = "How it is put to sleep."},
    {"checks", LIST(item_check, MODEL_CHECKS_MAX), AT(raw_server, checks),
     COUNT_AT(raw_server, n_checks),
     .help = "What must pass for it to be ready; by default an echo, and an answer of the "
             "upstreams of its domains."},
    {"depends_on", LIST(item_slug, MODEL_DEPENDS_MAX), AT(raw_server, depends_on),
     COUNT_AT(raw_server, n_depends_on), .help = "Servers that it needs; they are woken first."},
    {"watts", OBJECT(watts_table), AT(raw_server, out),
     .help = "For the energy statistics; without it they are estimates."},
    {"min_down", DURATION(0, DAY), AT(raw_server, out.min_down), .fallback = "0s",
     .help = "Minimum time off before it may be woken."},
    {"wakes_per_hour", INTEGER(1, WOKEN_MAX), AT(raw_server, out.wakes_per_hour), NO_LIMIT,
     .help = "Woken at most so often an hour; without it there is no limit."},
    {"group", TEXT(slug, 64), AT(raw_server, out.group),
     .help = "Circuit group: of one group only one server starts at a time."},
};
static const struct option_table server_table = TABLE("server", raw_server, server_rows);

/* domains */

static const struct option window_rows[] = {
    {"days", TEXT(days, 64), AT(model_window, days), .fallback = "daily",
     .help = "Days it begins on: \"mon-fri\", \"mon,wed\", \"sat-mon\", \"daily\" or \"*\"."},
    {"from", TEXT(time_from, 16), AT(model_window, from), .required = true,
     .help = "HH:MM; the server is ready at this time."},
    {"to", TEXT(time_to, 16), AT(model_window, to), .required = true,
     .help = "HH:MM, up to 24:00; earlier than from: on the next day."},
};
static const struct option_table window_table = TABLE("window", model_window, window_rows);
static const struct option item_window = {
    OBJECT(window_table), .size = sizeof(struct model_window)};

static const char *const mode_names[] = {
    [POLICY_ALWAYS_ON] = "always_on", [POLICY_SCHEDULED] = "scheduled",
    [POLICY_ON_DEMAND] = "on_demand", NULL};
static const char *const otherwise_names[] = {
    [OTHERWISE_ON_DEMAND] = "on_demand", [OTHERWISE_REFUSE] = "refuse", NULL};

static const struct option policy_rows[] = {
    {"mode", CHOICE(mode_names), AT(raw_policy, out.mode), .fallback = "on_demand",
     .given_offset = offsetof(struct raw_policy, mode_given),
     .help = "Whether the server is always on, on in windows, or on when somebody asks for it."},
    {"idle", DURATION(SECOND, 7 * DAY), AT(raw_policy, out.idle), .fallback = "20m",
     .help = "How long it stays awake after the last use."},
    {"timezone", TEXT(zone, 64), AT(raw_policy, out.timezone),
     .help = "Of the windows; by default that of the whole file."},
    {"windows", LIST(item_window, MODEL_WINDOWS_MAX), AT(raw_policy, out.windows),
     COUNT_AT(raw_policy, out.n_windows),
     .given_offset = offsetof(struct raw_policy, windows_given), .help = "When a scheduled server is on."},
    {"except", LIST(item_date, MODEL_EXCEPT_MAX), AT(raw_policy, out.except),
     COUNT_AT(raw_policy, out.n_except), .help = "Dates, YYYY-MM-DD or each year MM-DD, on which no window begins."},
    {"otherwise", CHOICE(otherwise_names), AT(raw_policy, out.otherwise), .fallback = "on_demand",
     .given_offset = offsetof(struct raw_policy, otherwise_given),
     .help = "What a visit does outside the windows."},
};
static const struct option_table policy_table = TABLE("policy", raw_policy, policy_rows);

static const char *const wake_names[] = {
    [ACCESS_WAKE_VISIT] = "visit", [ACCESS_WAKE_CLICK] = "click",
    [ACCESS_WAKE_PERSON] = "person", NULL};

/* When visitors are let in: the same three for a domain and for a project. */
/* clang-format off */
#define HOURS_ROWS(type_, zone_) \
    {"windows", LIST(item_window, MODEL_WINDOWS_MAX), AT(type_, out.hours.windows), \
     COUNT_AT(type_, out.hours.n_windows), .given_offset = offsetof(struct type_, hours_given), \
     .help = "Hours of access: visitors are let in within them only; by default always."}, \
    {"except", LIST(item_date, MODEL_EXCEPT_MAX), AT(type_, out.hours.except), \
     COUNT_AT(type_, out.hours.n_except), \
     .help = "Dates, YYYY-MM-DD or each year MM-DD, on which no hours of access begin."}, \
    {"timezone", TEXT(zone, 64), AT(type_, out.hours.timezone), \
     .help = "Of the hours of access; by default " zone_ "."}
/* clang-format on */

static const char *const as_names[] = {[RULE_AS_MONITOR] = "monitor",
                                       [RULE_AS_CLIENT] = "client",
                                       [RULE_AS_REFUSED] = "refused",
                                       NULL};

static const struct option rule_rows[] = {
    {"agent", TEXT(text, 200), AT(model_rule, agent),
     .help = "Part of the User-Agent; case does not count."},
    {"path", TEXT(path, 200), AT(model_rule, path), .help = "This path and all below it."},
    {"method", TEXT(method, 16), AT(model_rule, method), .help = "The method, as \"HEAD\"."},
    {"address", TEXT(cidr, 50), AT(model_rule, address), .help = "Address or range of the client."},
    {"as", CHOICE(as_names), AT(model_rule, as), .fallback = "monitor",
     .help = "monitor: never wakes and never counts as use; client: treated like any other; "
             "refused: not let in."},
};
static const struct option_table rule_table = TABLE("rule", model_rule, rule_rows);
static const struct option item_rule = {OBJECT(rule_table), .size = sizeof(struct model_rule)};

static const struct option access_rows[] = {
    {"allow", LIST(item_cidr, 64), AT(raw_access, out.allow), COUNT_AT(raw_access, out.n_allow),
     .help = "Client addresses or ranges that are let in; by default, and when empty, everyone."},
    {"deny", LIST(item_cidr, 64), AT(raw_access, out.deny), COUNT_AT(raw_access, out.n_deny),
     .help = "Client addresses or ranges that are not let in, whatever allow says."},
    HOURS_ROWS(raw_access, "that of the policy"),
    {"wakes_per_day", INTEGER(1, 100000), AT(raw_access, out.wakes_per_day), NO_LIMIT,
     .help = "Wakes a client address may cause a day; without it there is no limit."},
    {"minutes_per_day", INTEGER(1, 1440), AT(raw_access, out.minutes_per_day), NO_LIMIT,
     .help = "Awake minutes a client address may cause a day; without it there is no limit."},
    {"wake", CHOICE(wake_names), AT(raw_access, out.wake), .fallback = "visit",
     .help = "Whether any visit wakes, only a click on the waiting page, or only a person who "
             "opens the site in a browser."},
    {"hold", DURATION(0, 29 * SECOND), AT(raw_access, out.hold), .fallback = "0s",
     .help = "How long an API request, or a form that is sent, is held for the server before it "
             "gets 503."},
    {"websocket", .kind = OPTION_BOOL, AT(raw_access, out.websocket_wakes), .fallback = "false",
     GIVEN_AT(raw_access, websocket_given),
     .help = "Whether a websocket that connects wakes the server. If it is set to false, a silent "
             "websocket or open request does not keep the server awake either."},
    {"monitors", LIST(item_rule, 32), AT(raw_access, out.monitors),
     COUNT_AT(raw_access, out.n_monitors),
     .help = "Requests of monitors and robots, or of those that only look like it, beside "
             "http.monitors; the first that fits counts."},
};
static const struct option_table access_table = TABLE("access", raw_access, access_rows);

#define PROJECT_WAKES_HELP "Wakes the project may cause a day; without it there is no limit."
#define PROJECT_MINUTES_HELP                                                                       \
    "Awake minutes the project may cause a day; without it there is no limit."

static const struct option project_access_rows[] = {
    {"allow", LIST(item_cidr, 64), AT(raw_site, out.allow), COUNT_AT(raw_site, out.n_allow),
     .help = "Client addresses or ranges that are let in to the project, of those that the domain "
             "lets in; by default, and when empty, all of them."},
    HOURS_ROWS(raw_site, "that of the domain's access"),
    {"wakes_per_day", INTEGER(1, 100000), AT(raw_site, access_wakes_per_day), NO_LIMIT,
     .help = PROJECT_WAKES_HELP},
    {"minutes_per_day", INTEGER(1, 1440), AT(raw_site, access_minutes_per_day), NO_LIMIT,
     .help = PROJECT_MINUTES_HELP},
};
static const struct option_table project_access_table =
    TABLE("project_access", raw_site, project_access_rows);

#define UPSTREAM_HELP                                                                              \
    "Where the site really is; it then has a check of its own. Of a gRPC server h2c://HOST:PORT."
#define EXPECT_HELP                                                                                \
    "Statuses that count as an answer of the site; by default 200-399, 401, 403, 404 and 405."

static const struct option project_rows[] = {
    {"name", TEXT(text, 64), AT(raw_site, out.name),
     .help = "For people; by default the id with a capital letter."},
    {"path", TEXT(path, 200), AT(raw_site, out.path),
     .help = "Takes this path and all below it; by default \"/\" and the id."},
    {"upstream", TEXT(upstream_url, 512), AT(raw_site, out.upstream), .help = UPSTREAM_HELP},
    {"containers", LIST(item_container, 32), AT(raw_site, out.containers),
     COUNT_AT(raw_site, out.n_containers), .help = "Docker containers the project is made of."},
    {"health", TEXT(health, 512), AT(raw_site, health),
     .help = "Path its check asks for; by default that of the upstream, or the project's."},
    {"expect", LIST(item_status, MODEL_EXPECT_MAX), AT(raw_site, expect.ranges),
     COUNT_AT(raw_site, expect.n), .help = EXPECT_HELP},
    SITE_TLS(raw_site, tls),
    {"timeout", DURATION(SECOND, TIMEOUT_MAX), AT(raw_site, out.timeout),
     .help = "How long an answer of the site may take; by default that of the domain."},
    {"idle_stop", DURATION(0, 30 * DAY), AT(raw_site, out.idle_stop), .fallback = "0s",
     .help = "How long after the last visit its containers are stopped; 0s: never."},
    {"access", OBJECT(project_access_table), .offset = 0,
     .help = "Who may come to the project, and when, beside what its domain says."},
    {"wakes_per_day", INTEGER(1, 100000), AT(raw_site, out.wakes_per_day), NO_LIMIT,
     .help = PROJECT_WAKES_HELP},
    {"minutes_per_day", INTEGER(1, 1440), AT(raw_site, out.minutes_per_day), NO_LIMIT,
     .help = PROJECT_MINUTES_HELP},
};
static const struct option_table project_table = TABLE("project", raw_site, project_rows);

static const struct option domain_rows[] = {
    {"server", TEXT(slug, 64), AT(raw_domain, server), .required = true,
     .help = "Id of the server behind it."},
    {"name", TEXT(text, 64), AT(raw_domain, own.out.name),
     .help = "For people; by default the host name."},
    {"upstream", TEXT(upstream_url, 512), AT(raw_domain, own.out.upstream), .help = UPSTREAM_HELP},
    {"health", TEXT(health, 512), AT(raw_domain, own.health),
     .help = "Path its check asks for; by default that of the upstream, or \"/\"."},
    {"expect", LIST(item_status, MODEL_EXPECT_MAX), AT(raw_domain, own.expect.ranges),
     COUNT_AT(raw_domain, own.expect.n), .help = EXPECT_HELP},
    SITE_TLS(raw_domain, own.tls),
    {"timeout", DURATION(SECOND, TIMEOUT_MAX), AT(raw_domain, own.out.timeout), .fallback = "15s",
     .help = "How long an answer of the site may take."},
    {"policy", OBJECT(policy_table), AT(raw_domain, policy), .help = "When the server is on."},
    {"access", OBJECT(access_table), AT(raw_domain, access), .help = "Who may come, and wake."},
    {"projects", MAP(project_table, slug, MODEL_PROJECTS_MAX), AT(raw_domain, projects),
     COUNT_AT(raw_domain, n_projects),
     .help = "Parts of the domain with a path of their own; ids are unique in the whole file."},
};
static const struct option_table domain_table = TABLE("domain", raw_domain, domain_rows);

static const char *const language_names[] = {[CONFIG_ENGLISH] = "en", [CONFIG_FRENCH] = "fr", NULL};

static const struct option root_rows[] = {
    {"$schema", TEXT(any, 1024), AT(raw_config, schema), .help = "For editors; Hall ignores it."},
    {"timezone", TEXT(zone, 64), AT(raw_config, config.timezone), .fallback = "UTC",
     .help = "IANA name of the zone that windows are in."},
    {"site", TEXT(slug, 64), AT(raw_config, config.site), .fallback = "hall",
     .help = "The name of this Hall."},
    {"language", CHOICE(language_names), AT(raw_config, config.language), .fallback = "en",
     .help = "Language of what Home Assistant shows, names and sentences: en or fr."},
    {"mqtt", OBJECT(mqtt_table), AT(raw_config, config.mqtt), .help = "The broker."},
    {"http", OBJECT(http_table), AT(raw_config, config.http), .help = "The listeners."},
    {"store", OBJECT(store_table), AT(raw_config, config.store), .help = "The database."},
    {"clock", OBJECT(clock_table), AT(raw_config, config.clock),
     .help = "The clock of Hall's machine."},
    {"energy", OBJECT(energy_table), AT(raw_config, config.energy),
     .help = "For the energy statistics."},
    {"proxy", OBJECT(proxy_table), AT(raw_config, config.proxy),
     .help =
         "What the reverse proxy in front is told, by /traefik/config or hallctl proxy-config."},
    {"servers", MAP(server_table, slug, 20000), AT(raw_config, servers),
     COUNT_AT(raw_config, n_servers), .help = "The servers that sleep and wake, by id."},
    {"domains", MAP(domain_table, host, 20000), AT(raw_config, domains),
     COUNT_AT(raw_config, n_domains), .help = "The host names visitors ask for."},
};
const struct option_table option_root = TABLE("root", raw_config, root_rows);
