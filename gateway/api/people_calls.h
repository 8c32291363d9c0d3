/* What operations on people share: a statement of people.h, asked for who calls.
 *
 * Each ends the caller's hold on the call. Whether this actor may is for the statement.
 * The manager's thread. */
#ifndef GATEWAY_API_PEOPLE_CALLS_H
#define GATEWAY_API_PEOPLE_CALLS_H

#include "gateway/manager/call.h"
#include "gateway/manager/exports.h"
#include "gateway/people/people.h"

/* Parameters of each list beside its own: it ends with them. */
#define PEOPLE_LIST_PARAMETERS "limit", "after", EXPORT_PARAMETERS, NULL

/* A path parameter that is an id, as text. NULL: it is none, and the call has been
 * answered, since no such thing is there. */
const char *people_call_id(struct call *c, const char *name);
/* Asks with the actor and then `values`, n of them. status 204: the answer has no
 * body. */
void people_call_ask(struct call *c, enum people_call what, int status,
		     const char *const *values, int n);
/* A page of a list, or all of it (exports.h); of: what belongs to whom (a user's id), or
 * NULL. known: the query's
 * parameters, of which PEOPLE_LIST_PARAMETERS are checked here, others by the
 * statement. */
void people_call_list(struct call *c, enum people_call what, const char *of,
		      const char *const *known);
/* A change by the body's fields; of: what is changed, or NULL. */
void people_call_change(struct call *c, enum people_call what, int status, const char *of,
			const struct body_field *fields, size_t n);
/* One thing by its id in the path: read, or removed (status 204). */
void people_call_one(struct call *c, enum people_call what, int status);
/* One thing of another: the ids are the path's parameters `owner` and `one`. */
void people_call_part(struct call *c, enum people_call what, int status,
		      const char *owner, const char *one);

#endif
