/*
 * ports: ports of ours that another program has at Hall's start are tried again every two seconds,
 * until Hall has them all. Loop thread only.
 */
#ifndef HALL_HALL_PORTS_H
#define HALL_HALL_PORTS_H

#include <systemd/sd-event.h>

#include "web/admin/admin.h"
#include "web/listen/front.h"

struct ports {
    /* Set by the caller, borrowed. */
    struct front *front;
    struct admin *admin; /* NULL: there is none */

    sd_event_source *timer;
};

int ports_watch(struct ports *ports, sd_event *loop); /* 0 or -errno */
void ports_finish(struct ports *ports);

#endif
