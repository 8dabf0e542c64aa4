/* May Hall send pings without rights (icmp(7), ping_group_range)? */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"

static void gather(const struct doctor *doctor, void *facts)
{
    struct ping_facts *into = facts;
    char text[DOCTOR_WORD], *end;
    const struct group *group = getgrnam("hall");

    into->group = group ? group->gr_gid : getegid();
    if (group)
        text_copy(into->name, sizeof(into->name), group->gr_name);
    else
        snprintf(into->name, sizeof(into->name), "%" PRIu64, into->group);
    if (doctor_read(doctor, "/proc/sys/net/ipv4/ping_group_range", text, sizeof(text)) <= 0)
        return;
    into->low = strtoull(text, &end, 10);
    into->known = end != text;
    into->high = strtoull(end, NULL, 10);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct ping_facts *from = facts;
    char range[DOCTOR_WORD];

    if (!from->known)
        return;
    snprintf(range, sizeof(range), "%" PRIu64 " %" PRIu64, from->low, from->high);
    if (from->group >= from->low && from->group <= from->high)
        findings_add(findings, DOCTOR_PING_GOOD, range, NULL);
    else
        findings_add(findings, DOCTOR_PING_CLOSED, range, from->name, NULL);
}

const struct doctor_check ping_check = {"ping", sizeof(struct ping_facts), gather, judge};
