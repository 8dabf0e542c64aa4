/*
 * agent_ports: what the connections that an agent reports mean for the sites of its server. They
 * are told by port: a site is meant where its upstream has that port, and every site of the server
 * where none has it. Pure.
 */
#ifndef HALL_CORE_FACTS_AGENT_PORTS_H
#define HALL_CORE_FACTS_AGENT_PORTS_H

#include "core/emit.h"

/* Bytes move to these: a project whose site is meant is in use. */
void agent_ports_note(struct step *step, const struct agent_uses *uses);
/* So the last report said. */
bool agent_ports_move(const struct step *step, int site);

/* A connection in silence that counts for one idle time after its last byte: an answer is owed on
 * it, or a websocket was asked for on its site; false: none does. */
bool agent_ports_silent(const struct step *step, const struct agent_uses *uses,
                        struct agent_use *ret_use);

#endif
