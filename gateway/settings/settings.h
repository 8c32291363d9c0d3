/* The configuration, parsed, checked and immutable.
 *
 * Every key is declared once, in settings_keys.c, which drives parsing, the dump, the docs
 * check and reload. One `struct settings` lives from settings_load to the last settings_unref; workers
 * of several threads read it, nobody writes. */
#ifndef GATEWAY_SETTINGS_SETTINGS_H
#define GATEWAY_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "common/str.h"

enum on_client_abort { ON_ABORT_CANCEL, ON_ABORT_DRAIN };

struct settings_limits {
	uint32_t head_bytes;  /* 1024-65536 */
	uint32_t headers;     /* 1-200 */
	uint64_t body_bytes;  /* 0: no limit */
	uint32_t connections; /* of the whole process; not per route */
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
	char *host;      /* name or literal address, without brackets */
	uint16_t port;
	char *authority; /* what Host says: host[:port], port only where not the scheme's own */
};

struct settings_route {
	char *name;
	char *path; /* "/api/openai"; "/" matches all; never ends in "/" otherwise */
	size_t path_len;
	bool tls;
	char *base_path; /* of the upstream URL, "" or "/v1"; never ends in "/" */
	struct settings_endpoint *endpoints;
	size_t n_endpoints;
	char *ca_file; /* NULL: the system's CAs */
	bool tls_verify_name_override; /* reserved, false */
	bool strip_prefix;
	char *scope; /* NULL: every valid key */
	uint32_t methods; /* mask of HTTP_METHOD_BIT */
	struct settings_headers set_headers;
	struct settings_names remove_headers;
	struct settings_headers response_set;
	struct settings_names response_remove;
	bool forward_credentials;
	bool forward_client_info;
	enum on_client_abort on_client_abort;
	struct settings_limits limits;     /* merged with the global ones */
	struct settings_timeouts timeouts; /* merged */
	struct settings_pool pool;         /* merged */
	bool secret_missing; /* a ${VAR} of set_headers is unset (only where the loader allows it) */
	unsigned index;      /* in settings.routes */
};

struct settings_listeners {
	struct net_listen *items;
	size_t n;
};

struct settings {
	char *file; /* as given */
	char *env;  /* overlay's name or NULL */
	struct settings_listeners listen;
	unsigned workers; /* resolved: "auto" is the number of cores */
	char *database;   /* conninfo or URL; a secret */
	char *node;       /* this node's name in usage rows; default the host's name */
	struct net_cidrs trusted_proxies;
	bool trust_cf_connecting_ip, trust_x_real_ip;
	struct settings_listeners manager_listen;
	struct settings_limits limits;
	struct settings_timeouts timeouts;
	struct settings_pool pool;
	uint32_t max_stale_ms;    /* tokens: serve known keys this long without PostgreSQL */
	uint32_t token_poll_ms;
	char *state_dir;          /* snapshot of hashes; NULL: none */
	uint32_t usage_queue_bytes; /* per worker */
	bool access_log;
	struct settings_route *routes;
	size_t n_routes;
	unsigned refs; /* atomic; settings_ref/unref only */
};

struct settings_options {
	const char *env;          /* overlay to apply or NULL */
	bool allow_missing_secrets; /* dev: an unset ${VAR} in set_headers marks the route instead */
	bool database_optional;   /* dev and check: `database` need not resolve */
	/* Looks a variable up; NULL: getenv. dev reads .env and .dev.vars through it. */
	const char *(*variable)(void *ctx, const char *name);
	void *variable_ctx;
};

/* Reads, expands, overlays and checks a file. All errors and warnings are collected into
 * *report, one "file:line:column: error|warning: what; what to do" a line (sbuf_init'ed by the
 * caller). NULL if there was any error. The result has one reference. Any thread. */
struct settings *settings_load(const char *file, const struct settings_options *options,
			       struct sbuf *report);
struct settings *settings_ref(struct settings *s);
/* Clears *s; frees with the last reference. Secrets are wiped. */
void settings_unref(struct settings **s);

/* Appends the effective configuration as JSON, each secret as "***". */
void settings_dump(const struct settings *s, struct sbuf *out);

#endif
