#include "ha-discovery/entities.h"

#include "base/array.h"
#include "core/fleet.h"
#include "words/payload.h"
#include "words/topic.h"

#define ON(kind_) ((uint8_t)(TOPIC_##kind_ + 1))

/* What a button sends: who asked is in the log, in the leases and on every page. */
#define PRESS(action_) "{\"action\":\"" action_ "\",\"by\":\"Home Assistant\"}"

#define CLASS(class_)                                                                              \
    {                                                                                              \
        "device_class", class_, 0                                                                  \
    }
#define UNIT(unit_)                                                                                \
    {                                                                                              \
        "unit_of_measurement", unit_, 0                                                            \
    }
#define COUNTS(class_)                                                                             \
    {                                                                                              \
        "state_class", class_, 0                                                                   \
    }
/* A command that was late is not wanted any more (Home Assistant 2026.6; passed over before). */
#define EXPIRES                                                                                    \
    {                                                                                              \
        "message_expiry_interval", NULL, 60                                                        \
    }

/* Sentences as they are read, by how_: ENGLISH, or LOCAL, in the language of the names; retained
 * messages of an older Hall have the English ones alone. SAID is a sentence, WITH an object in
 * which one stands, LEASES their list, after what OPEN_LEASES has prepared. */
/* clang-format off */
#define ENGLISH_SAID(object_, key_) object_ "." key_
#define ENGLISH_WITH(object_, key_) object_
#define ENGLISH_OPEN_LEASES         ""
#define ENGLISH_LEASES              "value_json.leases"

#define LOCAL_SAID(object_, key_) "(" object_ ".get('" key_ "_localized') or " object_ "." key_ ")"
#define LOCAL_WITH(object_, key_)                                                                  \
    "(dict(" object_ ".items() | rejectattr('0', 'eq', '" key_ "_localized'), "                    \
    key_ "=" LOCAL_SAID(object_, key_) ") if " object_ " else None)"
#define LOCAL_OPEN_LEASES                                                                          \
    "{% set said = namespace(leases=[]) %}{% for lease in value_json.leases %}"                    \
    "{% set said.leases = said.leases + [dict(lease.items() | rejectattr('0', 'in', "              \
    "['label_localized', 'reason_localized']), label=" LOCAL_SAID("lease", "label")                \
    ", reason=" LOCAL_SAID("lease", "reason") ")] %}{% endfor %}"
#define LOCAL_LEASES "said.leases"

/* State and attributes come from one message: were they two, an automation that runs at a change of
 * the state would read the reason of the state before. */
#define STATE_TEMPLATE "{{ value_json.state }}"
/* Of "unknown" nothing is claimed. */
#define RUNNING_TEMPLATE                                                                           \
    "{{ 'None' if value_json.state == 'unknown' else 'ON' if value_json.state in "                 \
    "['booting', 'ready', 'degraded'] else 'OFF' }}"
#define IS_PROBLEM                                                                                 \
    "value_json.problem or value_json.state in ['degraded', 'unreachable', 'wake_failed']"
#define PROBLEM_TEMPLATE "{{ 'ON' if " IS_PROBLEM " else 'OFF' }}"
#define IDLE_TEMPLATE    "{{ [1, (value_json.idle_s / 60) | round(0, 'ceil') | int] | max }}"
/* A state of Home Assistant has 255 characters at most. */
#define BECAUSE_TEMPLATE(how_)                                                                     \
    "{{ " how_##_SAID("value_json", "awake_because") "[:255] if value_json.awake_because else "    \
    "'None' }}"
#define PROJECT_RUNNING_TEMPLATE                                                                   \
    "{{ 'None' if value_json.state == 'unknown' else 'ON' if value_json.state == 'ready' else "    \
    "'OFF' }}"
#define ENERGY_TEMPLATE(key_) "{{ value_json.energy." key_ " if value_json.energy else 'None' }}"
#define LOCAL_EVENT_TEMPLATE  "{{ " LOCAL_WITH("value_json", "detail") " | tojson }}"

/* Attributes are made one by one: "state", "icon", "available" and "device_class" would vanish, and
 * a whole status would fill Home Assistant's database. */
#define FACT_ATTRIBUTES(fact_)                                                                     \
    "'reason_fact': " fact_ " or None, 'reason_code': (" fact_ " or {}).get('code'), "
#define STATE_ATTRIBUTES(how_)                                                                     \
    "{{ {'reason': " how_##_SAID("value_json", "reason") ", "                                      \
    FACT_ATTRIBUTES("value_json.reason_fact")                                                      \
    "'since': value_json.since, 'wake': " how_##_WITH("value_json.wake", "cause")                  \
    ", 'next_event': " how_##_WITH("value_json.next_event", "reason")                              \
    ", 'guard': value_json.guard} | tojson }}"
#define PROBLEM_ATTRIBUTES(how_)                                                                   \
    "{% set fact = value_json.problem_fact or value_json.reason_fact or {} if " IS_PROBLEM         \
    " else {} %}{{ {'reason': " how_##_SAID("value_json", "problem") " or "                        \
    how_##_SAID("value_json", "reason") " if " IS_PROBLEM                                          \
    " else None, 'reason_fact': fact or None, 'reason_code': fact.get('code')} | tojson }}"
/* The whole sentence too: a state of Home Assistant has no room for many leases. */
#define BECAUSE_ATTRIBUTES(how_)                                                                   \
    how_##_OPEN_LEASES "{{ {'because': " how_##_SAID("value_json", "awake_because")                \
    ", 'reason_code': (value_json.awake_because_fact or {}).get('code'), 'leases': "               \
    how_##_LEASES "} | tojson }}"
#define PROJECT_ATTRIBUTES(how_)                                                                   \
    "{{ {'reason': " how_##_SAID("value_json", "problem") ", "                                     \
    FACT_ATTRIBUTES("value_json.problem_fact")                                                     \
    "'visits': value_json.visits, 'last_visit': value_json.last_visit, "                           \
    "'containers': value_json.containers} | tojson }}"

const struct entity entities[] = {
    {.owner = OWNER_HUB, .key = "connectivity", .platform = "binary_sensor",
     .state = ON(STATUS), .category = "diagnostic", .presence = PRESENCE_ALWAYS,
     .options = {CLASS("connectivity"), {"payload_on", "online", 0}, {"payload_off", "offline", 0}}},
    {.owner = OWNER_HUB, .key = "version", .platform = "sensor", .names = {"Version", "Version"},
     .state = ON(INFO), .value_template = "{{ value_json.version }}", .category = "diagnostic",
     .icon = "mdi:tag-outline"},
    {.owner = OWNER_HUB, .key = "servers_awake", .platform = "sensor",
     .names = {"Servers awake", "Serveurs éveillés"}, .state = ON(INFO),
     .value_template = "{{ value_json.servers_awake }}", .icon = "mdi:server",
     .options = {COUNTS("measurement")}},

    {.owner = OWNER_SERVER, .key = "power", .platform = "switch",
     .state = ON(SERVER_POWER), .command = ON(SERVER_POWER_SET), .icon = "mdi:server",
     .options = {{"payload_on", "ON", 0}, {"payload_off", "OFF", 0}, EXPIRES}},
    {.owner = OWNER_SERVER, .key = "state", .platform = "sensor", .names = {"State", "État"},
     .state = ON(SERVER_STATUS), .value_template = STATE_TEMPLATE,
     .attributes = ON(SERVER_STATUS), .attributes_template = STATE_ATTRIBUTES(ENGLISH),
     .localized = {.attributes = STATE_ATTRIBUTES(LOCAL)}, .icon = "mdi:state-machine",
     .words = WORDS_STATES,
     .options = {CLASS("enum")}},
    {.owner = OWNER_SERVER, .key = "running", .platform = "binary_sensor",
     .names = {"Running", "En marche"}, .state = ON(SERVER_STATUS),
     .value_template = RUNNING_TEMPLATE, .options = {CLASS("running")}},
    {.owner = OWNER_SERVER, .key = "problem", .platform = "binary_sensor",
     .names = {"Problem", "Problème"}, .state = ON(SERVER_STATUS),
     .value_template = PROBLEM_TEMPLATE, .attributes = ON(SERVER_STATUS),
     .attributes_template = PROBLEM_ATTRIBUTES(ENGLISH),
     .localized = {.attributes = PROBLEM_ATTRIBUTES(LOCAL)}, .options = {CLASS("problem")}},
    {.owner = OWNER_SERVER, .key = "wake", .platform = "button", .names = {"Wake", "Réveiller"},
     .command = ON(SERVER_COMMAND), .press = PRESS("wake"), .icon = "mdi:power-on",
     .options = {EXPIRES}},
    {.owner = OWNER_SERVER, .key = "sleep", .platform = "button",
     .names = {"Sleep", "Mettre en veille"}, .command = ON(SERVER_COMMAND),
     .press = PRESS("sleep"), .icon = "mdi:power-sleep", .need = NEED_SLEEP, .options = {EXPIRES}},
    {.owner = OWNER_SERVER, .key = "restart", .platform = "button",
     .names = {"Restart", "Redémarrer"}, .command = ON(SERVER_COMMAND), .press = PRESS("restart"),
     .need = NEED_RESTART, .options = {CLASS("restart"), EXPIRES}},
    {.owner = OWNER_SERVER, .key = "keep_awake", .platform = "switch",
     .names = {"Keep awake", "Garder éveillé"}, .state = ON(SERVER_CONFIG),
     .command = ON(SERVER_KEEP_AWAKE_SET),
     .value_template = "{{ 'ON' if value_json.keep_awake else 'OFF' }}", .category = "config",
     .icon = "mdi:sleep-off",
     .options = {{"payload_on", "ON", 0}, {"payload_off", "OFF", 0}, EXPIRES}},
    {.owner = OWNER_SERVER, .key = "policy", .platform = "select", .names = {"Policy", "Politique"},
     .state = ON(SERVER_CONFIG), .command = ON(SERVER_POLICY_SET),
     .value_template = "{{ value_json.policy }}", .category = "config",
     .icon = "mdi:calendar-clock", .words = WORDS_POLICIES, .options = {EXPIRES}},
    {.owner = OWNER_SERVER, .key = "idle", .platform = "number",
     .names = {"Idle timeout", "Délai d’inactivité"}, .state = ON(SERVER_CONFIG),
     .command = ON(SERVER_IDLE_SET), .value_template = IDLE_TEMPLATE, .category = "config",
     .icon = "mdi:timer-outline",
     .options = {UNIT("min"), {"min", NULL, 1}, {"max", NULL, 10080}, {"step", NULL, 1},
                 {"mode", "box", 0}, EXPIRES}},
    {.owner = OWNER_SERVER, .key = "activity", .platform = "event",
     .names = {"Activity", "Activité"}, .state = ON(SERVER_EVENT),
     .localized = {.value = LOCAL_EVENT_TEMPLATE}, .icon = "mdi:history", .words = WORDS_EVENTS},
    {.owner = OWNER_SERVER, .key = "awake_until", .platform = "sensor",
     .names = {"Awake until", "Éveillé jusqu’à"}, .state = ON(SERVER_STATUS),
     .value_template = "{{ value_json.awake_until }}", .options = {CLASS("timestamp")}},
    {.owner = OWNER_SERVER, .key = "awake_because", .platform = "sensor",
     .names = {"Awake because", "Raison de l’éveil"}, .state = ON(SERVER_STATUS),
     .value_template = BECAUSE_TEMPLATE(ENGLISH), .attributes = ON(SERVER_STATUS),
     .attributes_template = BECAUSE_ATTRIBUTES(ENGLISH),
     .localized = {BECAUSE_TEMPLATE(LOCAL), BECAUSE_ATTRIBUTES(LOCAL)},
     .icon = "mdi:comment-question-outline"},
    {.owner = OWNER_SERVER, .key = "last_ready", .platform = "sensor",
     .names = {"Last ready", "Dernière disponibilité"}, .state = ON(SERVER_STATUS),
     .value_template = "{{ value_json.last_ready }}", .options = {CLASS("timestamp")}},
    {.owner = OWNER_SERVER, .key = "boot_time", .platform = "sensor",
     .names = {"Boot time", "Durée de démarrage"}, .state = ON(SERVER_STATUS),
     .value_template = "{{ value_json.last_boot_s }}",
     .options = {CLASS("duration"), UNIT("s"), COUNTS("measurement"),
                 {"suggested_display_precision", NULL, 1}}},
    {.owner = OWNER_SERVER, .key = "wakes", .platform = "sensor", .names = {"Wakes", "Réveils"},
     .state = ON(SERVER_STATUS), .value_template = "{{ value_json.wakes }}",
     .icon = "mdi:counter", .options = {COUNTS("total_increasing")}},
    {.owner = OWNER_SERVER, .key = "energy_saved", .platform = "sensor",
     .names = {"Energy saved", "Énergie économisée"}, .state = ON(SERVER_STATUS),
     .value_template = ENERGY_TEMPLATE("saved_kwh"), .icon = "mdi:leaf",
     .options = {CLASS("energy"), UNIT("kWh"), COUNTS("total_increasing"),
                 {"suggested_display_precision", NULL, 2}}},
    {.owner = OWNER_SERVER, .key = "energy_used", .platform = "sensor",
     .names = {"Energy used", "Énergie consommée"}, .state = ON(SERVER_STATUS),
     .value_template = ENERGY_TEMPLATE("used_kwh"),
     .options = {CLASS("energy"), UNIT("kWh"), COUNTS("total_increasing"),
                 {"suggested_display_precision", NULL, 2}}},
    {.owner = OWNER_SERVER, .key = "load", .platform = "sensor", .names = {"Load", "Charge"},
     .state = ON(SERVER_STATUS), .value_template = "{{ value_json.load }}",
     .category = "diagnostic", .icon = "mdi:gauge", .presence = PRESENCE_AGENT,
     .options = {COUNTS("measurement"), {"suggested_display_precision", NULL, 2}}},
    {.owner = OWNER_SERVER, .key = "uptime", .platform = "sensor",
     .names = {"Uptime", "Durée de fonctionnement"}, .state = ON(SERVER_STATUS),
     .value_template = "{{ value_json.uptime_s }}", .category = "diagnostic",
     .presence = PRESENCE_AGENT, .options = {CLASS("duration"), UNIT("s")}},

    {.owner = OWNER_PROJECT, .key = "state", .platform = "sensor",
     .names = {"{} state", "État de {}"}, .state = ON(PROJECT_STATUS),
     .value_template = STATE_TEMPLATE, .attributes = ON(PROJECT_STATUS),
     .attributes_template = PROJECT_ATTRIBUTES(ENGLISH),
     .localized = {.attributes = PROJECT_ATTRIBUTES(LOCAL)},
     .icon = "mdi:application-outline", .words = WORDS_PROJECT_STATES,
     .options = {CLASS("enum")}},
    {.owner = OWNER_PROJECT, .key = "running", .platform = "binary_sensor",
     .names = {"{} running", "{} en marche"}, .state = ON(PROJECT_STATUS),
     .value_template = PROJECT_RUNNING_TEMPLATE, .options = {CLASS("running")}},
    {.owner = OWNER_PROJECT, .key = "start", .platform = "button",
     .names = {"Start {}", "Démarrer {}"}, .command = ON(PROJECT_COMMAND),
     .press = PRESS("start"), .icon = "mdi:play", .options = {EXPIRES}},
    {.owner = OWNER_PROJECT, .key = "stop", .platform = "button",
     .names = {"Stop {}", "Arrêter {}"}, .command = ON(PROJECT_COMMAND),
     .press = PRESS("stop"), .icon = "mdi:stop", .options = {EXPIRES}},
};
/* clang-format on */
const size_t n_entities = ARRAY_SIZE(entities);

static const char *state_word(unsigned index)
{
    return index < POWER_STATES ? power_state_name((enum power_state)index) : NULL;
}

static const char *policy_word(unsigned index)
{
    return index <= POLICY_ON_DEMAND ? policy_mode_name((enum policy_mode)index) : NULL;
}

static const char *event_word(unsigned index)
{
    return index < HAPPENINGS ? happening_name((enum happening)index) : NULL;
}

typedef const char *words(unsigned index);

static words *const sets[] = {
    [WORDS_NONE] = NULL,
    [WORDS_STATES] = state_word,
    [WORDS_POLICIES] = policy_word,
    [WORDS_EVENTS] = event_word,
    [WORDS_PROJECT_STATES] = payload_project_state_name,
};

const char *entity_word(enum entity_words set, unsigned index)
{
    return sets[set] ? sets[set](index) : NULL;
}
