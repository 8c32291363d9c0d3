/* Who calls, from what the database says of them.
 *
 * Pure; any thread. */
#ifndef GATEWAY_MANAGER_IDENTITY_READ_H
#define GATEWAY_MANAGER_IDENTITY_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/manager/identity.h"
#include "gateway/settings/settings.h"

/* What the database says beside who they are. */
struct identity_facts {
	enum { PERSON_ACTIVE, PERSON_OUT, PERSON_UNKNOWN } state;
	int64_t lives_s; /* how long key or session go on; INT64_MAX: for ever */
	bool is_fresh;   /* that key or token were used lately is written already */
};

/* json: of people_by_key, people_by_session or people_identity_known. NULL: it is nobody
 * who may be here (facts say why). One reference, the caller's. */
struct identity *identity_read(struct str json, enum identity_how how,
			       const struct settings *s, struct identity_facts *facts);
/* For the one who calls. is_out: they are somebody, who may not be here. */
const char *identity_why_nobody(enum identity_how how, bool is_out);
/* A copy that is stale; one reference, the caller's. */
struct identity *identity_stale(const struct identity *i);

#endif
