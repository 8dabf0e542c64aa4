/*
 * event: what each event means for the server it is about.
 */
#ifndef HALL_CORE_EVENT_H
#define HALL_CORE_EVENT_H

#include "core/state.h"

void event_handle(struct step *step, const struct fleet_event *event);

#endif
