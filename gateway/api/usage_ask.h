/* Asks the database a question about usage for a call. */
#ifndef GATEWAY_API_USAGE_ASK_H
#define GATEWAY_API_USAGE_ASK_H

#include "gateway/api/usage_question.h"
#include "gateway/manager/call.h"

/* Ends the caller's hold on the call: its faults are answered, and so is what the
 * database says. then: as call_question's; NULL: the answer goes out as it is. Frees what
 * the question holds. */
void usage_ask(struct call *c, struct usage_question *u,
	       void (*then)(struct call *c, struct str json));

/* The same for all single calls that it asks for, as an export (manager/exports.h). */
void usage_export(struct call *c, struct usage_question *u, const struct query *query);

#endif
