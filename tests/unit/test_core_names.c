/* Every name of the core's closed sets, as docs/BUS.md and docs/HTTP.md have them: other programs
 * compare them, and the store keeps some. */
#include <string.h>

#include "base/array.h"
#include "core/fleet.h"
#include "unit.h"

/* All names of an enum that begins with 0, in its order. */
#define EACH_NAME(count_, type_, name_of_, ...)                                                    \
    do {                                                                                           \
        static const char *const expected[] = {__VA_ARGS__};                                       \
        assert_int_equal(ARRAY_SIZE(expected), count_);                                            \
        for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {                                      \
            const char *name = name_of_((type_)i);                                                 \
            if (expected[i])                                                                       \
                assert_string_equal(name, expected[i]);                                            \
            else                                                                                   \
                assert_null(name);                                                                 \
        }                                                                                          \
    } while (0)

static void names_of_servers(void **state)
{
    EACH_NAME(POWER_STATES, enum power_state, power_state_name, "unknown", "off", "waking",
              "booting", "ready", "degraded", "sleeping", "unreachable", "wake_failed");
    EACH_NAME(GUARDS, enum guard_kind, guard_name, NULL, "min_down", "wakes_per_hour",
              "access.wakes_per_day", "access.minutes_per_day", "project.wakes_per_day",
              "project.minutes_per_day", "access.windows");
    EACH_NAME(LEASE_KINDS, enum lease_kind, lease_kind_name, "visit", "schedule", "always_on",
              "manual", "hold", "agent", "dependent", "stream");
    EACH_NAME(STREAM_KINDS, enum stream_kind, stream_kind_name, "download", "upload", "websocket",
              "open request");
    EACH_NAME(STAGES, enum stage, stage_name, "packet_sent", "first_sign", "agent_online",
              "docker_up", "container_present", "container_healthy", "site_answers");
    EACH_NAME(HAPPENINGS, enum happening, happening_name, "wake_requested", "packet_sent", "stage",
              "ready", "wake_failed", "sleep_requested", "sleep_refused", "asleep", "sleep_failed",
              "unreachable", "back", "policy_changed", "hold", "release", "command_refused");
}

static void names_of_what_is_configured(void **state)
{
    EACH_NAME(3, enum policy_mode, policy_mode_name, "always_on", "scheduled", "on_demand");
    EACH_NAME(4, enum sleep_via, sleep_via_name, "agent", "ssh", "webhook", "none");
    EACH_NAME(SLEEP_MODES, enum sleep_mode, sleep_mode_name, "suspend", "hibernate", "poweroff");
    EACH_NAME(4, enum check_kind, check_kind_name, "ping", "tcp", "http", "agent");
    for (unsigned mode = 0; mode < 3; mode++) {
        enum policy_mode read;
        assert_true(policy_mode_from_name(policy_mode_name((enum policy_mode)mode), &read));
        assert_int_equal(read, mode);
    }
}

static void names_of_projects(void **state)
{
    EACH_NAME(PROJECT_STATES, enum project_state, project_state_name, "unknown", "missing",
              "stopped", "starting", "unhealthy", "ready");
    EACH_NAME(PROJECT_VERBS, enum project_verb, project_verb_name, "nothing", "start", "stop",
              "restart");
    EACH_NAME(CONTAINER_STATES, enum container_state, container_state_name, "missing", "unknown",
              "created", "running", "paused", "restarting", "removing", "exited", "dead");
    EACH_NAME(HEALTHS, enum container_health, container_health_name, NULL, "starting", "healthy",
              "unhealthy");
    /* Read back, but for what Docker does not say. */
    for (unsigned i = 0; i < CONTAINER_STATES; i++)
        assert_int_equal(container_state_from_name(container_state_name((enum container_state)i)),
                         i < CONTAINER_CREATED ? CONTAINER_UNKNOWN : i);
    assert_int_equal(container_state_from_name(NULL), CONTAINER_UNKNOWN);
    for (unsigned i = 0; i < HEALTHS; i++)
        assert_int_equal(
            container_health_from_name(container_health_name((enum container_health)i)), i);
    assert_int_equal(container_health_from_name(""), HEALTH_NONE);
    assert_int_equal(container_health_from_name("none"), HEALTH_NONE);
    assert_int_equal(container_health_from_name("odd"), HEALTH_UNHEALTHY);
}

static void names_of_commands(void **state)
{
    EACH_NAME(COMMAND_ACTIONS, enum command_action, command_action_name, "wake", "sleep", "restart",
              "cancel", "policy", "idle", "keep_awake", "hold", "release", "start", "stop",
              "announce", "reload");
    assert_null(command_action_name(COMMAND_NONE));
    for (unsigned i = 0; i < COMMAND_ACTIONS; i++) {
        enum command_action read = COMMAND_NONE;
        assert_true(command_action_from_name(command_action_name((enum command_action)i), &read));
        assert_int_equal(read, i);
    }
}

static void names_of_faults(void **state)
{
    EACH_NAME(FAULTS, enum fault_code, fault_name, NULL, "silent", "refused", "status", "slow",
              "closed", "unresolved", "certificate.self_signed", "certificate.untrusted",
              "certificate.expired", "certificate.not_yet_valid", "certificate.wrong_name",
              "certificate.refused", "certificate.ca_file", "tls", "unable", "agent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_servers),  cmocka_unit_test(names_of_what_is_configured),
        cmocka_unit_test(names_of_projects), cmocka_unit_test(names_of_commands),
        cmocka_unit_test(names_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
