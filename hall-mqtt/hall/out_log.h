/* out_log: what happens, as lines of the log. */
#ifndef HALL_HALL_OUT_LOG_H
#define HALL_HALL_OUT_LOG_H

#include "hall/current.h"
#include "hall/outlet.h"

extern const struct outlet_ops out_log_outlet; /* context: a const struct current */

#endif
