/* Who calls: a person or service that signed in, and what they may.
 *
 * Immutable once made, counted references; the manager's thread. */
#ifndef GATEWAY_MANAGER_IDENTITY_H
#define GATEWAY_MANAGER_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct cJSON;

enum identity_how {
	IDENTITY_KEY,     /* a personal key, as Authorization: Bearer tgu_... */
	IDENTITY_SESSION, /* the cookie */
	IDENTITY_JWT,     /* Authorization: Bearer, of a provider's issuer */
};

struct identity_team {
	int64_t id;
	char *name;
	bool is_manager; /* else a viewer */
};

struct identity {
	enum identity_how how;
	int64_t user_id; /* 0: a provider vouches for them, but they are no user here */
	char *name;
	char *email; /* or NULL */
	bool is_service;
	bool is_admin;
	/* sign_in.default_role: sees statistics and routes of all, tokens of its teams
	 * only. */
	bool sees_all;
	struct identity_team *teams;
	size_t n_teams;
	int64_t key_id, session_id; /* 0: not by one */
	/* What they came by holds until then (RFC 3339, UTC); NULL: for ever. */
	char *until;
	char *issuer;  /* of a JWT, or where a session began; or NULL */
	char *subject; /* of a JWT, or NULL */
	char *acting;  /* who acts in their place, by the token; or NULL */
	/* The database is away; this was so at most ten minutes ago. Enough to read. */
	bool is_stale;
	unsigned refs;
};

struct identity *identity_ref(struct identity *i);
/* Clears *i, which may be NULL. */
void identity_unref(struct identity **i);

bool identity_has_rights(const struct identity *i); /* MAY_VIEW */
bool identity_manages(const struct identity *i);    /* MAY_MANAGE */
/* What functions of the database take as their actor; the caller owns it. address is
 * text; request_id as in the answer's field. */
struct cJSON *identity_actor(const struct identity *i, const char *address,
			     struct str request_id);

#endif
