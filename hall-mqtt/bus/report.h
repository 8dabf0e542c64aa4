/*
 * report: reads what agents publish: state, report, containers, results. Pure. Unknown keys are
 * ignored (agents may be newer); wrong types are refused with a sentence.
 */
#ifndef HALL_BUS_REPORT_H
#define HALL_BUS_REPORT_H

#include <stddef.h>

#include "core/fleet.h"

/* Each turns a payload into the fleet event for this server. 0 or -EINVAL with a sentence. */
int report_read_state(const void *payload, size_t length, struct fleet_event *ret_event,
                      char ret_reason[REASON_SIZE]);
int report_read_report(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE]);
/* Containers are matched to the sites of this server by the names configured for them, or by their
 * project. */
int report_read_containers(const struct model *model, int server, const void *payload,
                           size_t length, struct fleet_event *ret_event,
                           char ret_reason[REASON_SIZE]);
/* {"id":..., "outcome":"accepted|refused|done|failed", "reason":..., "vetoes":[...]}: accepted and
 * done mean SLEEP_ACCEPTED. */
int report_read_result(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE]);

#endif
