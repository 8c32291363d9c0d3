/* What is decided on a request's head: whether this name and this page may call the
 * manager at all, and whether somebody may run an operation.
 *
 * Pure; any thread. */
#ifndef GATEWAY_MANAGER_CALL_GATE_H
#define GATEWAY_MANAGER_CALL_GATE_H

#include "gateway/http/problem.h"
#include "gateway/http/request_head.h"
#include "gateway/manager/identity.h"
#include "gateway/manager/operation.h"
#include "gateway/settings/settings.h"

#define GATE_FIRST_KEY                                                                   \
	"`tollgate user add --name NAME --role admin`, on the machine, makes the first key"

struct gate_refusal {
	enum problem_id id;
	const char *detail;
};

/* False: *why says so. Health pages, and senders of usage records, are not asked for the
 * name that they called. by_cookie: it brings a session's cookie and nothing better. */
bool gate_head(const struct request_head *h, const struct operation *o,
	       const struct settings *s, bool by_cookie, struct gate_refusal *why);

/* Whether they may run it. An identity that is stale only reads. */
bool gate_identity(const struct identity *i, const struct operation *o,
		   struct gate_refusal *why);

/* The Origin of a page elsewhere that manager.cors_origins lists; p NULL: none. */
struct str gate_cors_origin(const struct request_head *h, const struct settings *s);

#endif
