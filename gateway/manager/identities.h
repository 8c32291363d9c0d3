/* Finds who calls by what a request brings: a personal key, a session's cookie or a
 * provider's JWT. Remembers for a few seconds, and for ten minutes while the database is
 * away.
 *
 * The manager's thread. */
#ifndef GATEWAY_MANAGER_IDENTITIES_H
#define GATEWAY_MANAGER_IDENTITIES_H

#include "gateway/http/request_head.h"
#include "gateway/manager/identity.h"

struct identities;
struct manager_db;
struct net_ip;
struct providers;
struct settings;
struct tries;

enum identity_verdict {
	IDENTITY_FOUND,
	IDENTITY_NONE,     /* the request brings nothing */
	IDENTITY_BAD,      /* what it brings is not, or no longer, valid */
	IDENTITY_BUSY,     /* too many failed attempts (tries.h); later */
	IDENTITY_UNKNOWN,  /* no answer of the database, and nobody remembered */
	IDENTITY_UNJUDGED, /* a token whose issuer's keys cannot be had */
};

struct identity_answer {
	enum identity_verdict verdict;
	struct identity *identity; /* FOUND; the receiver's reference */
	const char *detail; /* else, for the one who calls; lives during the call */
};

/* Refers to s on its own; tries and providers outlive it, and providers has s as well,
 * whenever it is configured. */
struct identities *identities_new(struct manager_db *db, struct tries *tries,
				  struct providers *providers, struct settings *s);
void identities_configure(struct identities *i, struct settings *s);
/* Who waits is told IDENTITY_UNKNOWN. */
void identities_free(struct identities **i);

/* `done` is called once: from here where nothing need be asked, later otherwise. The head
 * is read before this returns. */
void identities_find(struct identities *i, const struct request_head *h,
		     const struct net_ip *client,
		     void (*done)(void *ctx, const struct identity_answer *answer),
		     void *ctx);
/* Whether the request brings a session's cookie and no Authorization: then its origin
 * counts. */
bool identities_by_cookie(const struct request_head *h);
/* All are looked up again: somebody's rights changed. */
void identities_forget(struct identities *i);
/* What this user is known by is forgotten, also for reading while the database is away:
 * a key, a session or rights were taken from them here. session_id: that one alone; 0:
 * all. */
void identities_forget_user(struct identities *i, int64_t user_id, int64_t session_id);

/* Whether cookies are for https alone, by manager.public_url. */
bool identities_are_secure(const struct settings *s);

#endif
