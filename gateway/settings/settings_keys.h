/* The table of all configuration keys: what parsing, ranges, dump, docs and reload go
 * by. */
#ifndef GATEWAY_SETTINGS_SETTINGS_KEYS_H
#define GATEWAY_SETTINGS_SETTINGS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum settings_key_type {
	KEY_U32,
	KEY_U64,
	/* in the file; uint32_t milliseconds in the struct and in min and max */
	KEY_SECONDS,
	KEY_BOOL,
	KEY_NAME, /* letters, digits, . _ - and : */
	KEY_PATH, /* of a route */
	KEY_FILE, /* certificates: a path, relative to the configuration file; readable */
	KEY_PRIVATE_KEY, /* likewise, a private key */
	KEY_DIRECTORY,   /* likewise; need not exist; "" is none */
	KEY_MODE,        /* of a file, octal in a string */
	KEY_GROUP,       /* of users */
	KEY_WORKERS,
	KEY_DATABASE,
	/* up to six decimals in the file; uint64_t millionths in the struct, min, max */
	KEY_PRICE,
	KEY_SECRET, /* text that fits a path segment; "" is none */
	KEY_LISTENERS,
	KEY_CIDRS,
	KEY_UPSTREAM,
	KEY_METHODS,
	KEY_CREDENTIALS,     /* true, false, or names of SETTINGS_CREDENTIALS */
	KEY_REQUEST_HEADERS, /* name: value */
	KEY_RESPONSE_HEADERS,
	KEY_HEADER_NAMES,
	KEY_PROTOCOLS,  /* of Upgrade, but for those that are HTTP again */
	KEY_ORIGINS,    /* scheme://host:port, or * */
	KEY_OWN_ORIGIN, /* one of http or https */
	KEY_HOSTS,      /* names without ports */
	KEY_TEXT,       /* 1 to 255 bytes without control characters */
	KEY_TEXTS,
	KEY_KEYS_URL,    /* of a provider's key set */
	KEY_KEYS_FILE,   /* likewise a file, readable */
	KEY_ISSUER_KIND, /* "oidc" or "clerk" */
	KEY_ALGORITHMS,  /* of signatures */
	KEY_ROLE,
	KEY_CLIENT_AUTH,   /* "client_secret_basic" or "client_secret_post" */
	KEY_CLIENT_SECRET, /* 1 to 1024 visible bytes; a secret */
	KEY_ON_ABORT,
	KEY_ISSUERS,
	KEY_PROVIDERS,
	KEY_RULES,
	KEY_ROUTES,
	KEY_ENVS,
	KEY_TYPE_COUNT
};

/* Where a key stands: at the top, inside a route, or both (the route's own value wins);
 * inside an issuer, a rule or a provider of sign_in. */
enum settings_place {
	AT_TOP = 1,
	IN_ROUTE = 2,
	AT_BOTH = 3,
	IN_ISSUER = 4,
	IN_RULE = 8,
	IN_PROVIDER = 16,
};

enum {
	KEY_REQUIRED = 1,
	/* a change takes a restart; all others hold from the next request on */
	KEY_RESTART = 2,
	KEY_ENV = 4,       /* an address or a secret: what an environment may change */
	KEY_ZERO = 8,      /* 0 is allowed too and means none */
	KEY_OPTIONAL = 16, /* no default: absent is a state of its own */
	KEY_CORS = 32,     /* means nothing without cors.origins, nor is it shown */
};

struct settings_key {
	const char *name; /* "limits.head_bytes"; keys of one group stand together */
	enum settings_place place;
	enum settings_key_type type;
	/* offsets in struct settings, and in struct settings_route, settings_issuer,
	 * settings_rule or settings_provider */
	size_t top, inner;
	uint64_t min, max;
	const char *fallback; /* the default as JSON; NULL: none, or told by doc */
	const char *example;  /* for messages: one value, of a list one element, without
			       * quotes; NULL where the default is one */
	const char *unit;     /* "" where there is none */
	unsigned flags;
	const char *doc;
};

const struct settings_key *settings_keys(size_t *n);
/* By dotted name, NULL if there is none at that place. */
const struct settings_key *settings_key_find(const char *name, enum settings_place place);
/* Is name the first part of some "name.key"? */
bool settings_key_is_group(const char *name, enum settings_place place);
/* The likeliest meant name (static), or NULL. */
const char *settings_key_suggest(const char *name, enum settings_place place);
/* The likeliest of n words, or NULL when none is near. */
const char *settings_nearest(const char *word, const char *const *words, size_t n);
/* The field in the struct at base, which is the place's. */
void *settings_key_field(const struct settings_key *key, enum settings_place place,
			 void *base);

#endif
