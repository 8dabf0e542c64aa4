/*
 * agent_report_internal: what the files that read agents' messages share. agent_report.c knows the
 * messages, agent_report_use.c what is in use, agent_report_read.c the small things of all.
 */
#ifndef HALL_WORDS_AGENT_REPORT_INTERNAL_H
#define HALL_WORDS_AGENT_REPORT_INTERNAL_H

#include "base/json.h"
#include "words/agent_report.h"

/* Says why; -EINVAL. */
__attribute__((format(printf, 2, 3))) int report_refuse(char ret_reason[REASON_SIZE],
                                                        const char *format, ...);
/* The value of a key that may be absent or null (NULL, no error), else must have the type. */
int report_member(const struct json *object, const char *key, enum json_type type,
                  const struct json **ret_value, char ret_reason[REASON_SIZE]);
/* Has the message another schema? Then nothing else of it is understood. */
int report_read_schema(const struct json *root, int *ret_schema, char ret_reason[REASON_SIZE]);
bool report_is_foreign(int schema);

/* The words of an agent that gives no code for them. */
struct fact report_said(const char *words);
/* What an agent says with a code. One that Hall does not know, or that is none of its codes, counts
 * for nothing: then its words do. */
bool report_read_fact(const struct json *json, struct fact *ret_fact);

/* Its vetoes, and the connections that they are of. */
int report_read_uses(const struct json *root, struct agent_uses *uses,
                     char ret_reason[REASON_SIZE]);

#endif
