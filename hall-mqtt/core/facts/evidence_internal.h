/* What the files of evidence share; for evidence*.c alone. */
#ifndef HALL_CORE_FACTS_EVIDENCE_INTERNAL_H
#define HALL_CORE_FACTS_EVIDENCE_INTERNAL_H

#include "core/facts/evidence.h"

/* Is its agent online, beyond what silence says? */
bool evidence_agent_is_there(const struct evidence *evidence);
bool evidence_some_site_passes(const struct evidence *evidence, const struct model_server *server);
/* Does something answer that a card alone could not? */
bool evidence_is_beyond_echoes(const struct evidence *evidence, const struct model_server *server);
/* What answered before says nothing of who answers now. */
void evidence_forget_answers(struct evidence *evidence, const struct model_server *server);
/* Another MAC answers: where it may be taken for the server's own, it is. */
void evidence_adopt_mac(struct evidence *evidence, const struct model_server *server);
/* Derives the two facts again and reports the edges. */
struct evidence_change evidence_weigh(struct evidence *evidence, const struct model_server *server,
                                      bool changed);

#endif
