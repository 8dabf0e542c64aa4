/*
 * report: reads what agents publish: state, report, containers, results. Pure. Unknown keys are
 * ignored (agents may be newer); wrong types are refused with a sentence. Of a message with another
 * schema number that number alone is read.
 */
#ifndef HALL_WORDS_AGENT_REPORT_H
#define HALL_WORDS_AGENT_REPORT_H

#include <stddef.h>

#include "core/fleet.h"

/* Each turns a payload into the fleet event for this server. 0 or -EINVAL with a sentence. */
int report_read_state(const void *payload, size_t length, struct fleet_event *ret_event,
                      char ret_reason[REASON_SIZE]);
int report_read_report(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE]);
/* For the fleet event, which borrows it. Of more than CONTAINERS_TOLD_MAX the first count. */
int report_read_containers(const void *payload, size_t length, struct containers_told *ret_told,
                           char ret_reason[REASON_SIZE]);
/* {"id":..., "outcome":"accepted|refused|done|failed", "reason":..., "vetoes":[...]}: see
 * sleep_answer. */
int report_read_result(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE]);

#endif
