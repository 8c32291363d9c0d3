/* What the manager answers: one row an operation. gateway/api/operations.def has them.
 *
 * A row is all that is known of an operation before it runs: its place, who may, and
 * whether it takes a body. The role matrix and docs/openapi.yaml are tested against the
 * rows. */
#ifndef GATEWAY_MANAGER_OPERATION_H
#define GATEWAY_MANAGER_OPERATION_H

#include <stddef.h>

#include "common/http.h"

struct call;

/* Decided on a request's head. Which teams' things somebody may see or change is for the
 * operation's statement. */
enum operation_may {
	MAY_ANYONE, /* nobody is asked for */
	MAY_INGEST, /* whom ingest_access lets in; the path may end in its secret */
	MAY_LOCAL,  /* client_is_local; others as MAY_VIEW */
	MAY_HOLDER, /* holder of a gateway key, which the operation reads */
	MAY_KNOWN,  /* signed in, if without any right */
	MAY_VIEW,   /* with some right: an admin, or a member of a team */
	MAY_MANAGE, /* an admin, or a manager of a team */
	MAY_ADMIN,
};

enum operation_body {
	BODY_NONE, /* one that comes is not read */
	/* An object, up to CALL_BODY_MAX; of MAY_ANYONE up to CALL_STRANGER_BODY_MAX. */
	BODY_JSON,
	BODY_OWN, /* JSON that the operation reads itself, up to CALL_OWN_BODY_MAX */
};

struct operation {
	const char *id;          /* "list_tokens" */
	enum http_method method; /* GET answers HEAD too */
	/* "/api/tokens/{id}/revoke": {name} stands for one segment, not empty. */
	const char *path;
	enum operation_may may;
	enum operation_body body;
	/* Answers by one of the calls in call.h, at once or later: until then the call is
	 * its own. */
	void (*run)(struct call *call);
};

#endif
