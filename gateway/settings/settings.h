/* The configuration, parsed, checked and immutable.
 *
 * Every key is declared once, in settings_keys.c, which drives parsing, the dump, the
 * docs check and reload. One `struct settings` lives from settings_load to the last
 * settings_unref; workers of several threads read it, nobody writes but
 * one mark of a route. */
#ifndef GATEWAY_SETTINGS_SETTINGS_H
#define GATEWAY_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/http.h"
#include "common/net.h"
#include "common/net_listen.h"
#include "common/str.h"

enum on_client_abort { ON_ABORT_CANCEL, ON_ABORT_DRAIN };

struct settings_limits {
	uint32_t head_bytes;              /* 1024-65536 */
	uint32_t headers;                 /* 1-200 */
	uint64_t body_bytes;              /* 0: no limit */
	uint32_t connections_per_address; /* 0: no cap; trusted proxies have none */
	uint32_t connections;             /* of the whole process; not per route */
};

/* Milliseconds here, seconds in the file (fractions allowed); 0: no limit. */
struct settings_timeouts {
	uint32_t head_ms;       /* absolute, for a request's head */
	uint32_t body_ms;       /* longest silence inside a request body */
	uint32_t connect_ms;    /* name, TCP and TLS together */
	uint32_t first_byte_ms; /* from the request being sent to the upstream's head */
	uint32_t idle_ms;       /* longest silence inside a response */
	uint32_t total_ms;      /* whole exchange */
	uint32_t keep_alive_ms; /* idle client connection; not per route */
	uint32_t drain_ms;      /* on SIGTERM; not per route */
};

struct settings_pool {
	uint32_t idle_connections; /* kept per upstream and worker */
	uint32_t idle_ms;          /* where the upstream does not tell its own */
	uint32_t max_age_ms;
	uint32_t max_requests;
};

struct settings_header {
	char *name;
	char *value;
	bool secret; /* value came from ${VAR} or {"file"}: shown as *** */
};

struct settings_headers {
	struct settings_header *items;
	size_t n;
};

struct settings_names {
	char **items;
	size_t n;
};

/* One address of an upstream. */
struct settings_endpoint {
	char *host; /* name or literal address, without brackets */
	uint16_t port;
	/* what Host says: host[:port], port only where not the scheme's own */
	char *authority;
};

/* Cross-origin calls by browsers (Fetch standard). In all, names have
 * SETTINGS_CORS_BYTES. */
struct settings_cors {
	struct settings_names origins; /* none: the route leaves CORS to its upstream */
	bool any_origin;               /* "*" */
	uint32_t methods;              /* mask; 0: those of the route */
	struct settings_names headers; /* none: those that are asked for */
	struct settings_names expose_headers;
	uint32_t max_age_ms; /* how long browsers keep a preflight's answer */
	bool credentials;
};

/* Fields with credentials that are the caller's own, not the gateway's keys. */
#define SETTINGS_CREDENTIALS                                                             \
	(HTTP_H_BIT(HTTP_H_AUTHORIZATION) | HTTP_H_BIT(HTTP_H_COOKIE) |                  \
	 HTTP_H_BIT(HTTP_H_PROXY_AUTHORIZATION) | HTTP_H_BIT(HTTP_H_X_GOOG_API_KEY))
#define SETTINGS_CREDENTIAL_NAMES                                                        \
	"authorization", "cookie", "proxy-authorization", "x-goog-api-key"

struct settings_route {
	char *name;
	char *path; /* "/api/openai"; "/" matches all; never ends in "/" otherwise */
	size_t path_len;
	bool tls;
	char *base_path; /* of the upstream URL, "" or "/v1"; never ends in "/" */
	struct settings_endpoint *endpoints;
	size_t n_endpoints;
	char *ca_file; /* NULL: the system's CAs */
	bool strip_prefix;
	bool rewrite_location; /* redirects to the upstream lead back to the route */
	char *scope;           /* NULL: every valid key */
	uint64_t price_micro;  /* what a call costs, in millionths; 0: nothing */
	uint32_t methods;      /* mask of HTTP_METHOD_BIT */
	struct settings_headers set_headers;
	struct settings_names remove_headers;
	struct settings_headers response_set;
	struct settings_names response_remove;
	struct settings_cors cors;
	uint64_t forward_credentials; /* HTTP_H_BIT of SETTINGS_CREDENTIALS */
	/* The log has heard that the upstream sets cookies, and callers' are not sent on.
	 * Set by workers. */
	_Atomic bool *cookies_told;
	bool forward_client_info;
	struct settings_names upgrade_protocols; /* that are passed on */
	enum on_client_abort on_client_abort;
	struct settings_limits limits;     /* merged with the global ones */
	struct settings_timeouts timeouts; /* merged */
	struct settings_pool pool;         /* merged */
	/* a secret of set_headers is missing and left out (dev, check) */
	bool secret_missing;
	bool upstream_replaced; /* by settings_options.override_upstream */
	char *replaced_url;     /* the upstream of the file then; the first of several */
	/* What answers in its place, for the access log ("mock"); constant. NULL: it does
	 * itself. Set by who has overridden it. */
	const char *stand_in;
	unsigned index; /* in settings.routes */
};

struct settings_journal {
	char *directory; /* NULL: below state_dir */
	uint64_t max_bytes;
	uint32_t ring_bytes; /* rounded up to a power of two by its user */
	uint32_t sync_ms;
};

enum settings_issuer_kind { ISSUER_OIDC = 1, ISSUER_CLERK };

enum { SETTINGS_RS256 = 1, SETTINGS_ES256 = 2 };

/* A provider whose JWTs sign in (gateway/sign_in/jwt.h says what is demanded of them). */
struct settings_issuer {
	char *issuer;
	enum settings_issuer_kind kind;
	struct settings_names audiences; /* oidc: at least one */
	struct settings_names parties;   /* clerk: at least one */
	bool azp_optional;
	uint32_t algorithms;        /* SETTINGS_RS256 and such */
	char *jwks_url, *jwks_file; /* one of them */
	char *ca_file;              /* of the URL; NULL: the system's CAs */
};

enum settings_client_auth { CLIENT_AUTH_BASIC = 1, CLIENT_AUTH_POST };

/* A provider that browsers sign in at (OpenID Connect, authorization code). */
struct settings_provider {
	char *name, *label;
	char *issuer; /* https, or http to a literal loopback address */
	enum settings_issuer_kind kind;
	char *client_id;
	char *client_secret; /* NULL where it is missing (dev, check): not offered */
	enum settings_client_auth client_auth;
	struct settings_names scopes; /* openid is among them */
	uint32_t algorithms;
	char *ca_file; /* NULL: the system's CAs */
};

enum settings_role { ROLE_NONE, ROLE_VIEWER, ROLE_MANAGER, ROLE_ADMIN };

/* Whoever a token of this issuer is for, if a claim of it is `value`, or holds it. */
struct settings_rule {
	char *issuer, *claim, *value;
	char *team; /* NULL where role is ROLE_ADMIN */
	enum settings_role role;
};

struct settings_sign_in {
	struct settings_issuer *issuers;
	size_t n_issuers;
	struct settings_provider *providers; /* with public_url only */
	size_t n_providers;
	struct settings_rule *rules;
	size_t n_rules;
	enum settings_role default_role; /* ROLE_NONE or ROLE_VIEWER */
};

struct settings_listeners {
	struct net_listen *items;
	size_t n;
};

struct settings {
	char *file; /* as given */
	char *env;  /* overlay's name or NULL */
	struct settings_listeners listen;
	unsigned workers; /* resolved: "auto" is what cpus_usable tells */
	bool workers_automatic;
	char *database; /* conninfo or URL; a secret */
	char *node;     /* this node's name in usage rows; default the host's name */
	struct net_cidrs trusted_proxies;
	bool trust_cf_connecting_ip, trust_x_real_ip;
	struct settings_listeners manager_listen;
	char *public_url; /* origin of the manager as browsers see it, or NULL */
	struct settings_names manager_hosts; /* further ones, without ports */
	struct settings_names manager_cors;  /* origins elsewhere */
	struct settings_sign_in sign_in;
	struct settings_listeners tls_listen; /* may be empty */
	uint32_t unix_mode;                   /* of the files of unix sockets */
	char *unix_group;                     /* theirs; NULL: the process's */
	char *tls_certificate, *tls_key;      /* PEM files; set where tls_listen is */
	struct settings_limits limits;
	struct settings_timeouts timeouts;
	struct settings_pool pool;
	uint32_t max_stale_ms; /* tokens: serve known keys this long without PostgreSQL */
	uint32_t token_poll_ms;
	char *state_dir; /* snapshot of hashes, usage journal; NULL: none */
	struct settings_journal journal;
	uint32_t usage_retention_days; /* 0: rows stay */
	char *ingest_secret;           /* of POST /api/usage-log; NULL: none */
	struct net_cidrs ingest_allow; /* who may call it without one */
	bool access_log;
	struct settings_route *routes;
	size_t n_routes;
	unsigned refs; /* atomic; settings_ref/unref only */
};

struct settings_options {
	const char *env;   /* overlay to apply or NULL */
	bool env_optional; /* a file without that overlay is fine (dev) */
	/* dev: a secret of set_headers that is missing (unset variable, absent file) is a
	 * warning, marks the route, and its header is left out */
	bool allow_missing_secrets;
	bool database_optional; /* `database` need not be there nor resolve; then NULL */
	bool database_unused; /* dev: with database_optional, one that cannot be read is a
				 * warning, and NULL */
	const char *database; /* taken instead of the file's (dev); NULL: the file's */
	const char *state_dir; /* likewise */
	/* Looks a variable up; NULL: getenv. dev reads .env and .dev.vars through it. */
	const char *(*variable)(void *ctx, const char *name);
	void *variable_ctx;
	/* Asked once per route, when all else of it is known (name, endpoints,
	 * secret_missing): a URL to send it to instead, or NULL. Headers that hold
	 * secrets are left out then, and upstream_replaced is set. */
	const char *(*override_upstream)(void *ctx, const struct settings_route *route);
	void *override_ctx;
};

#define SETTINGS_CORS_BYTES 4096 /* of one list of headers of cors, as it is sent */
#define SETTINGS_ORIGIN_MAX 300
#define SETTINGS_FILE_MAX (1u << 20) /* bytes of a configuration file */

/* Reads, expands, overlays and checks a file. All errors and warnings are collected into
 * *report, one "file:line:column: error|warning: what; what to do" a line in the file's
 * order (sbuf_init'ed by the caller; 1 MiB holds any report). NULL if there was any
 * error. The result has one reference. options may be NULL. Any thread. */
struct settings *settings_load(const char *file, const struct settings_options *options,
			       struct sbuf *report);
/* The same for a text in memory; file is its name in messages and where relative paths
 * start. */
struct settings *settings_load_text(const char *file, struct str text,
				    const struct settings_options *options,
				    struct sbuf *report);
struct settings *settings_ref(struct settings *s);
/* Clears *s; frees with the last reference. Secrets are wiped. */
void settings_unref(struct settings **s);

/* Appends the effective configuration as JSON, each secret as "***". */
void settings_dump(const struct settings *s, struct sbuf *out);
/* Appends a connection string with its passwords as ***, as keyword=value pairs; only
 * "***" if pg_conninfo_check refuses it. For logs and dumps. */
void settings_redact_database(const char *database, struct sbuf *out);
/* Appends the names, comma-separated, of keys that differ and take a restart. */
void settings_restart_keys(const struct settings *now, const struct settings *next,
			   struct sbuf *names);
/* Appends what else differs, for people: names of keys and routes, never values
 * ("limits.body_bytes; route a: upstream, set_headers; route b added"). Nothing where
 * nothing does. */
void settings_changes(const struct settings *now, const struct settings *next,
		      struct sbuf *out);
/* The number of a group of this machine, by its name or as one; false: there is none. */
bool settings_group_id(const char *group, gid_t *id);
/* Every endpoint is a literal loopback address or localhost. */
bool settings_route_is_loopback(const struct settings_route *route);

#endif
