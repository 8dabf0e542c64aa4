/* What Hall does and says, judged at the moment it does. */
#include "base/text.h"
#include "world.h"

enum { FLAP_WINDOW = MINUTE, FLAPS_MOST = 3, WANTED_MOST = 12 * MINUTE };

void judge_command(struct world *world, uint32_t number, const struct fleet_event *event)
{
    struct asked *asked = &world->judge.asked[number];
    const struct command *command = &event->command;

    *asked = (struct asked){.server = event->server,
                            .action = command->action,
                            .force = command->force,
                            .at = world->t,
                            .lasts = command->lasts,
                            .policy = command->policy,
                            .configured = command->policy_configured,
                            .minutes = command->minutes};
    text_copy(asked->by, sizeof(asked->by), command->by);
    text_copy(asked->name, sizeof(asked->name), command->name);
    judge_truth(world, event->server);
}

static void note_wanted(struct world *world, int server)
{
    world->judge.wanted[server] = world->t;
}

/* What people may rely on, once they were told so. */
static void accepted(struct world *world, const struct asked *asked)
{
    const int server = asked->server;

    if (asked->action == COMMAND_WAKE) {
        note_wanted(world, server);
        book_take(world, CLAIM_MANUAL, server, MODEL_NONE, asked->by,
                  world->t + (asked->lasts > 0 ? asked->lasts : book_idle(world, server)));
    } else if (asked->action == COMMAND_RESTART) {
        note_wanted(world, server);
    } else if (asked->action == COMMAND_SLEEP) {
        const bool surely = world->hall.shown[server] != POWER_OFF;

        book_void(world, CLAIM_MANUAL, server, NULL, surely);
        if (!asked->force)
            return;
        book_void(world, CLAIM_VISIT, server, NULL, surely);
        book_void(world, CLAIM_HOLD, server, NULL, surely);
        world->judge.resting[server] = true;
    }
}

static void done(struct world *world, const struct asked *asked)
{
    struct judge *judge = &world->judge;
    const int server = asked->server;

    if (asked->action == COMMAND_HOLD) {
        note_wanted(world, server);
        book_take(world, CLAIM_HOLD, server, MODEL_NONE, asked->name, world->t + asked->lasts);
    } else if (asked->action == COMMAND_RELEASE) {
        book_void(world, CLAIM_HOLD, server, asked->name, true);
    } else if (asked->action == COMMAND_CANCEL) {
        book_void(world, CLAIM_MANUAL, server, asked->by, true);
        judge->failed_at[server] = world->t;
    } else if (asked->action == COMMAND_IDLE) {
        judge->idle[server] = (int64_t)asked->minutes * MINUTE;
        if (judge->idle[server] > judge->idle_most[server])
            judge->idle_most[server] = judge->idle[server];
    } else if (asked->action == COMMAND_POLICY) {
        judge->policy_set[server] = !asked->configured;
        judge->policy[server] = asked->policy;
        judge->resting[server] = false;
    }
}

/* Nothing is in the way of a forced sleep of a machine that is up, but that it cannot be asked. */
static void judge_refused(struct world *world, const struct ledger_entry *entry,
                          const struct asked *asked)
{
    if (asked->action == COMMAND_SLEEP && asked->force && !fact_is(&entry->reason, FACT_NONE) &&
        (fact_is(&entry->reason, FACT_SLEEP_IN_USE) ||
         fact_is(&entry->reason, FACT_SLEEP_TOO_SOON)))
        judge_fail(world, "force", "%s was refused though it was by force", entry->id);
}

static void judge_answer(struct world *world, const struct action *action)
{
    const struct ledger_entry *entry = action->answer;
    const uint32_t number = (uint32_t)strtoul(entry->id + 1, NULL, 10);
    struct asked *asked = &world->judge.asked[number];

    if (entry->id[0] != 'c' || number >= world->people.commands) {
        judge_fail(world, "answer", "%s was answered, and never asked", entry->id);
        return;
    }
    tell(world, "%s %s: %s", command_action_name(entry->action), entry->id,
         command_outcome_name(entry->outcome));
    if (asked->repeats > 0 && asked->first) { /* said again to who asked again */
        asked->repeats--;
        return;
    }
    const bool begins = entry->outcome == OUTCOME_ACCEPTED || entry->outcome == OUTCOME_REFUSED;

    if (asked->ended || (begins && asked->first && entry->outcome == OUTCOME_ACCEPTED) ||
        (!begins && !asked->first))
        judge_fail(world, "answer", "%s was told \"%s\" out of turn", entry->id,
                   command_outcome_name(entry->outcome));
    if (entry->outcome == OUTCOME_ACCEPTED)
        accepted(world, asked);
    else if (entry->outcome == OUTCOME_DONE)
        done(world, asked);
    else if (entry->outcome == OUTCOME_REFUSED)
        judge_refused(world, entry, asked);
    else
        world->judge.failed_at[asked->server] = world->t;
    asked->first = true;
    asked->ended = entry->outcome != OUTCOME_ACCEPTED;
    asked->at = world->t;
}

/* ---- sleeps and wakes ---- */

static void judge_sleep(struct world *world, const struct action *action)
{
    const int server = action->server;
    const struct claim *claim = book_find(world, server);
    const bool own = action->sleep.id[0] == 's';

    world->counts[COUNT_JUDGED]++;
    if (action->sleep.force || action->sleep.restart)
        return;
    if (claim && claim->until > world->t + 2 * SECOND && (own || claim->kind != CLAIM_MANUAL))
        judge_fail(world, "claim", "%s is asked to sleep, but it is wanted for %d s more (%s)",
                   world->plan.names[server], (int)((claim->until - world->t) / SECOND),
                   claim->name[0] ? claim->name : "a visit");
    for (int from = server + 1; from < (int)world->plan.model.n_servers; from++)
        if (world->plan.servers[from].n_depends_on > 0 &&
            world->plan.servers[from].depends_on[0] == server &&
            power_is_up(world->hall.shown[from]) &&
            world->t - world->judge.truth[from] > 15 * SECOND)
            judge_fail(world, "claim", "%s is asked to sleep, but %s needs it",
                       world->plan.names[server], world->plan.names[from]);
    if (book_always(world, server) || book_scheduled(world, server, 3 * SECOND, true))
        judge_fail(world, "claim", "%s is asked to sleep against its policy",
                   world->plan.names[server]);
}

static void judge_packet(struct world *world, const struct action *action)
{
    const int server = action->server;
    const struct model_server *model = &world->plan.servers[server];
    const int64_t wanted = world->judge.wanted[server];

    world->counts[COUNT_JUDGED]++;
    tell(world, "Hall sends packet %u to %s", action->packet.number, world->plan.names[server]);
    if (action->packet.number > 1)
        return;
    for (size_t i = 0; i < model->n_depends_on; i++)
        if (!machine_answers(world, server) && !machine_passes(world, model->depends_on[i]) &&
            world->t - world->judge.truth[model->depends_on[i]] > 6 * SECOND)
            judge_fail(world, "order", "%s is woken before %s, which it needs",
                       world->plan.names[server], world->plan.names[model->depends_on[i]]);
    if (!book_wanted(world, server) && (wanted == 0 || world->t - wanted > WANTED_MOST))
        judge_fail(world, "spurious", "%s is woken, and nobody wants it",
                   world->plan.names[server]);
}

/* One that lies there with its cable in, and hears packets. */
static void judge_failure(struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];

    if (machine->phase == PHASE_DOWN && !machine->hung && machine->cable &&
        world->t - machine->since > 4 * MINUTE && world->t - machine->plugged > 4 * MINUTE &&
        world->t - world->judge.restarted > 4 * MINUTE &&
        world->t - world->hall.card_until > 4 * MINUTE &&
        world->plan.servers[server].n_depends_on == 0)
        judge_fail(world, "wake", "%s could be woken, and was not", world->plan.names[server]);
}

static void judge_state(struct world *world, const struct action *action)
{
    struct judge *judge = &world->judge;
    const int server = action->server;
    const uint32_t n = judge->n_changes[server]++;
    int recent = 0;

    tell(world, "%s is shown %s", world->plan.names[server], power_state_name(action->state.to));
    world->hall.shown[server] = action->state.to;
    if (action->state.to == POWER_WAKE_FAILED || action->state.from == POWER_WAKE_FAILED)
        judge->failed_at[server] = world->t;
    if (action->state.to == POWER_WAKE_FAILED)
        judge_failure(world, server);
    if (action->state.to == POWER_READY) {
        judge->proved[server] |= machine_passes(world, server);
        judge->wakes[server] |= judge->sent[server];
        judge->sent[server] = false;
    }
    judge->changes[server][n % CHANGES_KEPT] = world->t;
    for (uint32_t i = 0; i < CHANGES_KEPT && i <= n; i++)
        recent += judge->changes[server][i] > world->t - FLAP_WINDOW;
    world->counts[COUNT_JUDGED]++;
    if (recent > FLAPS_MOST && judge->truth[server] < world->t - FLAP_WINDOW)
        judge_fail(world, "flaps", "%s changed %d times in a minute, and nothing happened to it",
                   world->plan.names[server], recent);
}

void judge_action(struct world *world, const struct action *action)
{
    static void (*const judges[ACTION_CHECK + 1])(struct world *, const struct action *) = {
        [ACTION_STATE] = judge_state,
        [ACTION_PACKET] = judge_packet,
        [ACTION_SLEEP] = judge_sleep,
        [ACTION_ANSWER] = judge_answer};

    if (judges[action->kind])
        judges[action->kind](world, action);
}

/* ---- what happens to it ---- */

void judge_visit(struct world *world, int site, bool uses)
{
    const int server = world->plan.sites[site].server;

    if (!uses) {
        note_wanted(world, server);
        judge_truth(world, server);
    }
    containers_used(world, site);
    book_take(world, CLAIM_VISIT, server, site, "", world->t + book_idle(world, server));
}

void judge_truth(struct world *world, int server)
{
    world->judge.truth[server] = world->t;
    for (size_t i = 0; i < world->plan.servers[server].n_depends_on; i++)
        judge_truth(world, world->plan.servers[server].depends_on[i]);
}

void judge_restarted(struct world *world)
{
    struct judge *judge = &world->judge;

    judge->restarted = world->t;
    for (uint32_t i = 0; i < world->people.commands; i++)
        judge->asked[i].at = world->t;
    for (int i = 0; i < (int)world->plan.model.n_servers; i++) {
        memset(judge->since[i], 0, sizeof(judge->since[i]));
        judge_truth(world, i);
        book_check_kept(world, i);
        judge_look(world, i);
    }
    for (size_t i = 0; i < world->people.n_visitors; i++) {
        struct visitor *visitor = &world->people.visitors[i];

        visitor->since = world->t;
        visitor->answers = visitor->answers > 0 ? world->t : 0;
    }
}
