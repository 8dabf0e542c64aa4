/* hall-agent: what a server says and does for Hall. */
#include "bridges/agent/agent.h"
#include "bridges/companion/companion.h"

static int serve(const void *config, const char *password)
{
    struct agent *agent = NULL;
    int result = agent_create(config, password, &agent);
    if (result == 0)
        result = agent_run(agent);
    agent_destroy(agent);
    return result;
}

int main(int argc, char *argv[])
{
    static const struct companion companion = {
        .name = "hall-agent",
        .purpose = "Reports to Hall what this server does, and lets it sleep when nobody needs it.",
        .file = "/etc/hall/agent.json",
        .what = "agent of",
        .document = &config_agent_document,
        .serve = serve,
    };
    return companion_main(&companion, argc, argv);
}
