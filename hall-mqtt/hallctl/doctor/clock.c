/* Does a time service keep this machine's clock, and is there one that runs without power? */
#include "base/clock.h"
#include "hallctl/doctor/facts.h"

static void gather(const struct doctor *doctor, void *facts)
{
    struct clock_facts *into = facts;

    (void)doctor;
    into->synchronised = clock_is_synchronised();
    into->has_rtc = clock_rtc() != 0;
    into->looked = true;
}

static void judge(const void *facts, struct findings *findings)
{
    const struct clock_facts *from = facts;

    if (!from->looked)
        return;
    if (!from->synchronised)
        findings_add(findings, DOCTOR_CLOCK_FREE, NULL);
    else
        findings_add(findings, from->has_rtc ? DOCTOR_CLOCK_GOOD : DOCTOR_CLOCK_NO_RTC, NULL);
}

const struct doctor_check clock_check = {"clock", sizeof(struct clock_facts), gather, judge};
