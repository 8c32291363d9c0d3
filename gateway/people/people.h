/* People: what is asked of the database about users, teams, their keys and the audit, for
 * whoever runs it (the command line by common/pg_sync.h, the manager by async libpq).
 *
 * Each call is one statement with text parameters, and answers with one JSON text. The
 * functions are in migrations/functions/25_*.sql to 28_*.sql; their refusals have
 * SQLSTATE TG400, TG403, TG404 or TG409, a sentence for people, and the field as the
 * column's name. Pure: any thread. */
#ifndef GATEWAY_PEOPLE_PEOPLE_H
#define GATEWAY_PEOPLE_PEOPLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/token/key.h"

#define PEOPLE_LINK_S 300 /* how long a code to sign in with lives */

/* All take who acts as $1 (NULL: whoever has the database; else an object with user_id),
 * and see and do what that user may. Where a user or team is "named", it may be an id or
 * a name; a list's filter may have `after`, `limit`, and `link`, which `next` begins
 * with. */
enum people_call {
	PEOPLE_USER_ADD,        /* actor, spec */
	PEOPLE_USER_CHANGE,     /* actor, user named, patch */
	PEOPLE_USER_REMOVE,     /* actor, user named */
	PEOPLE_USER_LIST,       /* actor, filter: state, kind, q */
	PEOPLE_USER_READ,       /* actor, user named */
	PEOPLE_KEY_ADD,         /* actor, user named, key */
	PEOPLE_KEY_LIST,        /* actor, user named, filter */
	PEOPLE_KEY_REVOKE,      /* actor, user named, id */
	PEOPLE_SESSION_LIST,    /* actor, user named, filter */
	PEOPLE_SESSION_END,     /* actor, user named, id or NULL: all */
	PEOPLE_IDENTITY_LIST,   /* actor, user named, filter */
	PEOPLE_IDENTITY_ADD,    /* actor, user named, issuer, subject */
	PEOPLE_IDENTITY_REMOVE, /* actor, user named, id */
	PEOPLE_ACCESS_LIST,     /* actor, filter: state */
	PEOPLE_ACCESS_GRANT,    /* actor, id, spec */
	PEOPLE_ACCESS_REFUSE,   /* actor, id */
	PEOPLE_LINK,        /* actor, user named, the code's hash, lifetime in seconds */
	PEOPLE_TEAM_ADD,    /* actor, spec */
	PEOPLE_TEAM_CHANGE, /* actor, team named, patch */
	PEOPLE_TEAM_REMOVE, /* actor, team named */
	PEOPLE_TEAM_LIST,   /* actor, filter: state, q */
	PEOPLE_TEAM_READ,   /* actor, team named */
	PEOPLE_MEMBER_SET,  /* actor, team named, user named, role or NULL */
	PEOPLE_AUDIT, /* actor, filter: target, target_id, action, actor, user, team,
			     * from, to */
};
const char *people_sql(enum people_call call);

/* A new key to sign in with. The caller hands `key` out, once, and wipes it. False: no
 * randomness. */
bool people_key_make(char key[KEY_LENGTH + 1]);
/* What the database gets of it: {"name", "hash", "start", "lifetime_s"}; lifetime_s 0:
 * for ever. The caller owns it. */
cJSON *people_key_json(const char *key, const char *name, int64_t lifetime_s);

#endif
