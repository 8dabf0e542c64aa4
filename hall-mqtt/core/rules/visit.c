#include "core/rules/visit.h"

#include "core/emit.h"
#include "core/facts/guard.h"
#include "core/facts/leases.h"
#include "core/facts/projects.h"
#include "core/facts/waking.h"
#include "core/facts/wish.h"

static void take_visit_lease(struct step *step, int site)
{
    struct lease_set *set = step->power->leases;
    const bool is_new = !lease_find(set, LEASE_VISIT, site, "");
    const int64_t until = step->now.boot + step_idle(step);

    (void)lease_take(set, LEASE_VISIT, site, "", NULL, step->now.boot, until);
    if (is_new)
        step->fleet->sites[site].visits++;
    step->durable |= is_new; /* who is let in is not forgotten by a crash of Hall */
    step->fleet->sites[site].last_visit = step->now.boot;
    step->changed = true;
}

static void visit(struct step *step, const struct fleet_event *event)
{
    const int site = event->visit.site;

    if (guard_visit(step, site, event->visit.who))
        return;
    take_visit_lease(step, site);
    if (step->fleet->sites[site].ready) {
        guard_note_use(step, site, event->visit.who, false);
        return;
    }
    projects_want(step, site);
    step->power->awaited_until = step->now.boot + AWAITED_MOST;
    if (step->power->state == POWER_READY || waking_is_in_vain(step))
        return;
    wish_wake(step, &FACT(WAKE_VISIT, .subject = site), false);
    step->wish.site = site;
    step->wish.who = event->visit.who;
}

static void use(struct step *step, const struct fleet_event *event)
{
    /* A use seen while it was ready may arrive after it is not. */
    if (!step->fleet->sites[event->visit.site].ready ||
        guard_visit(step, event->visit.site, event->visit.who))
        return;
    take_visit_lease(step, event->visit.site);
    guard_note_use(step, event->visit.site, event->visit.who, false);
}

void visit_take(struct step *step)
{
    const struct fleet_event *event = step->heard.visit;

    if (!event)
        return;
    if (event->kind == FLEET_VISIT)
        visit(step, event);
    else
        use(step, event);
}
