/*
 * order: commands: each has one first answer and one end; a repeated id is answered from memory.
 */
#ifndef HALL_CORE_RULES_ORDER_H
#define HALL_CORE_RULES_ORDER_H

#include "core/state.h"

void order_take(struct step *step);

#endif
