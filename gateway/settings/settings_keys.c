/* The table of all configuration keys, and look-ups in it.
 *
 * docs/configuration.md tells the same for people; test/unit/test_settings_docs.c
 * compares the two. */
#include "gateway/settings/settings_keys.h"

#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

#define TOP(field) AT_TOP, .top = offsetof(struct settings, field)
#define ROUTE(field) IN_ROUTE, .inner = offsetof(struct settings_route, field)
#define ISSUER(field) IN_ISSUER, .inner = offsetof(struct settings_issuer, field)
#define RULE(field) IN_RULE, .inner = offsetof(struct settings_rule, field)
#define PROVIDER(field) IN_PROVIDER, .inner = offsetof(struct settings_provider, field)
#define BOTH(field)                                                                      \
	AT_BOTH, .top = offsetof(struct settings, field),                                \
		 .inner = offsetof(struct settings_route, field)

#define DAY_MS 86400000u
#define HOUR_MS 3600000u
#define WORD_MAX 64 /* longer words are never compared */

static const struct settings_key keys[] = {
	{"listen", TOP(listen), .type = KEY_LISTENERS, .example = "127.0.0.1:8787",
	 .fallback = "[\"127.0.0.1:8787\", \"[::1]:8787\"]",
	 .flags = KEY_ENV | KEY_RESTART, .doc = "where the gateway accepts calls"},
	{"workers", TOP(workers), .type = KEY_WORKERS, .example = "auto", .min = 1,
	 .max = 256, .fallback = "\"auto\"", .unit = "threads", .flags = KEY_RESTART,
	 .doc = "threads that serve calls; \"auto\": one per CPU that the process may use"},
	{"database", TOP(database), .type = KEY_DATABASE,
	 .example = "postgresql://user:password@host:5432/name",
	 .flags = KEY_REQUIRED | KEY_ENV | KEY_RESTART,
	 .doc = "PostgreSQL, as a postgresql:// URL or keyword=value pairs"},
	{"node", TOP(node), .type = KEY_NAME, .example = "tollgate-1",
	 .flags = KEY_OPTIONAL | KEY_ENV | KEY_RESTART,
	 .doc = "this node's name in usage rows; default: the host's name"},
	{"trusted_proxies", TOP(trusted_proxies), .type = KEY_CIDRS,
	 .example = "10.0.0.0/8", .fallback = "[\"127.0.0.1/32\", \"::1/128\"]",
	 .flags = KEY_ENV,
	 .doc = "peers whose X-Forwarded-For and other forwarding headers are believed"},
	{"trust_cf_connecting_ip", TOP(trust_cf_connecting_ip), .type = KEY_BOOL,
	 .fallback = "false",
	 .doc = "take the client's address from CF-Connecting-IP of a trusted proxy"},
	{"trust_x_real_ip", TOP(trust_x_real_ip), .type = KEY_BOOL, .fallback = "false",
	 .doc = "take the client's address from X-Real-IP of a trusted proxy"},
	{"manager.listen", TOP(manager_listen), .type = KEY_LISTENERS,
	 .example = "127.0.0.1:8000", .fallback = "[\"127.0.0.1:8000\", \"[::1]:8000\"]",
	 .flags = KEY_ENV | KEY_RESTART, .doc = "where the manager's API listens"},
	{"manager.public_url", TOP(public_url), .type = KEY_OWN_ORIGIN,
	 .example = "https://tollgate.example", .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "the manager as browsers see it, behind a proxy; with https sessions' "
		"cookies are secure"},
	{"manager.hosts", TOP(manager_hosts), .type = KEY_HOSTS,
	 .example = "tollgate.internal", .fallback = "[]", .flags = KEY_ENV,
	 .doc = "further names that the manager is called by; localhost and public_url's "
		"are known"},
	{"manager.cors_origins", TOP(manager_cors), .type = KEY_ORIGINS,
	 .example = "https://app.example", .fallback = "[]", .flags = KEY_ENV,
	 .doc = "origins elsewhere whose pages may call the manager with an "
		"Authorization, never with cookies"},

	{"sign_in.issuers", TOP(sign_in.issuers), .type = KEY_ISSUERS, .fallback = "[]",
	 .flags = KEY_ENV, .doc = "providers whose JWTs sign in, an array"},
	{"sign_in.providers", TOP(sign_in.providers), .type = KEY_PROVIDERS,
	 .fallback = "[]", .flags = KEY_ENV,
	 .doc = "providers that browsers are sent to for signing in, an array"},
	{"sign_in.rules", TOP(sign_in.rules), .type = KEY_RULES, .fallback = "[]",
	 .doc = "who is what by a claim of their token, an array"},
	{"sign_in.default_role", TOP(sign_in.default_role), .type = KEY_ROLE,
	 .example = "viewer", .flags = KEY_OPTIONAL,
	 .doc = "what everybody is whom an issuer vouches for: \"viewer\" sees statistics "
		"and routes of all; default: nothing"},

	{"issuer", ISSUER(issuer), .type = KEY_TEXT,
	 .example = "https://clerk.example.com", .flags = KEY_REQUIRED,
	 .doc = "the tokens' `iss`, exactly; unique"},
	{"kind", ISSUER(kind), .type = KEY_ISSUER_KIND, .example = "oidc",
	 .flags = KEY_REQUIRED,
	 .doc = "\"clerk\" takes Clerk's session tokens, \"oidc\" access tokens of any "
		"provider"},
	{"audiences", ISSUER(audiences), .type = KEY_TEXTS,
	 .example = "https://tollgate.example", .fallback = "[]",
	 .doc = "oidc: `aud` has to be, or hold, one of these"},
	{"parties", ISSUER(parties), .type = KEY_TEXTS, .example = "https://app.example",
	 .fallback = "[]", .doc = "clerk: `azp` has to be one of these"},
	{"azp_optional", ISSUER(azp_optional), .type = KEY_BOOL, .fallback = "false",
	 .doc = "clerk: tokens without `azp` are taken too"},
	{"algorithms", ISSUER(algorithms), .type = KEY_ALGORITHMS, .example = "RS256",
	 .fallback = "[\"RS256\"]", .doc = "what its tokens are signed with"},
	{"jwks_url", ISSUER(jwks_url), .type = KEY_KEYS_URL,
	 .example = "https://idp.example/jwks.json", .flags = KEY_OPTIONAL,
	 .doc = "its public keys; default of clerk: /.well-known/jwks.json of the issuer"},
	{"jwks_file", ISSUER(jwks_file), .type = KEY_KEYS_FILE, .example = "jwks.json",
	 .flags = KEY_OPTIONAL, .doc = "a file of them instead"},
	{"ca_file", ISSUER(ca_file), .type = KEY_FILE, .example = "ca.pem",
	 .flags = KEY_OPTIONAL,
	 .doc = "PEM file of the authorities to trust for jwks_url; default: the system's"},

	{"issuer", RULE(issuer), .type = KEY_TEXT, .example = "https://clerk.example.com",
	 .flags = KEY_REQUIRED,
	 .doc = "whose tokens the rule looks at, of sign_in.issuers or sign_in.providers"},
	{"claim", RULE(claim), .type = KEY_TEXT, .example = "groups",
	 .flags = KEY_REQUIRED,
	 .doc = "a claim, or one inside others: realm_access.roles"},
	{"value", RULE(value), .type = KEY_TEXT, .example = "gateway-team",
	 .flags = KEY_REQUIRED, .doc = "what it has to be, or as an array to hold"},
	{"team", RULE(team), .type = KEY_TEXT, .example = "search", .flags = KEY_OPTIONAL,
	 .doc = "the team that they are in then, by its name"},
	{"role", RULE(role), .type = KEY_ROLE, .example = "viewer", .flags = KEY_REQUIRED,
	 .doc = "as what: manager or viewer; or admin, without a "
		"team"},

	{"name", PROVIDER(name), .type = KEY_NAME, .example = "keycloak",
	 .flags = KEY_REQUIRED,
	 .doc = "what it is called in /api/sign-in/NAME: small letters, digits, -; "
		"unique"},
	{"label", PROVIDER(label), .type = KEY_TEXT, .example = "Keycloak",
	 .flags = KEY_OPTIONAL, .doc = "what pages call it; default: the name"},
	{"issuer", PROVIDER(issuer), .type = KEY_TEXT,
	 .example = "https://idp.example/realms/main", .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "its URL, exactly as its discovery document and its ID tokens have it"},
	{"kind", PROVIDER(kind), .type = KEY_ISSUER_KIND, .example = "oidc",
	 .fallback = "\"oidc\"",
	 .doc = "\"clerk\": rules find organisations under either name"},
	{"client_id", PROVIDER(client_id), .type = KEY_TEXT, .example = "tollgate",
	 .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "what the provider knows the manager by"},
	{"client_secret", PROVIDER(client_secret), .type = KEY_CLIENT_SECRET,
	 .example = "${OIDC_CLIENT_SECRET}", .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "the secret that the provider gave out with it"},
	{"client_auth", PROVIDER(client_auth), .type = KEY_CLIENT_AUTH,
	 .example = "client_secret_basic", .fallback = "\"client_secret_basic\"",
	 .doc = "how it is sent: client_secret_basic or client_secret_post"},
	{"scopes", PROVIDER(scopes), .type = KEY_TEXTS, .example = "openid",
	 .fallback = "[\"openid\", \"profile\", \"email\"]",
	 .doc = "what is asked for; openid has to be among them"},
	{"algorithms", PROVIDER(algorithms), .type = KEY_ALGORITHMS, .example = "RS256",
	 .fallback = "[\"RS256\"]", .doc = "what its ID tokens are signed with"},
	{"ca_file", PROVIDER(ca_file), .type = KEY_FILE, .example = "ca.pem",
	 .flags = KEY_OPTIONAL,
	 .doc = "PEM file of the authorities to trust for it; default: the system's"},

	{"tls.listen", TOP(tls_listen), .type = KEY_LISTENERS,
	 .example = "127.0.0.1:8443", .flags = KEY_OPTIONAL | KEY_ENV | KEY_RESTART,
	 .doc = "where the gateway accepts calls over TLS"},
	{"tls.certificate", TOP(tls_certificate), .type = KEY_FILE,
	 .example = "server.pem", .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "PEM file of the certificate and its chain, for tls.listen"},
	{"tls.key", TOP(tls_key), .type = KEY_PRIVATE_KEY, .example = "server.key",
	 .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "PEM file of the certificate's private key"},

	{"unix_sockets.mode", TOP(unix_mode), .type = KEY_MODE, .example = "0660",
	 .fallback = "\"0660\"", .flags = KEY_RESTART,
	 .doc = "mode of the files of unix sockets: who may connect must write"},
	{"unix_sockets.group", TOP(unix_group), .type = KEY_GROUP, .example = "www-data",
	 .flags = KEY_OPTIONAL | KEY_ENV | KEY_RESTART,
	 .doc = "group of these files; default: the process's"},

	{"name", ROUTE(name), .type = KEY_NAME, .example = "test",
	 .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "what the route is called in logs and overlays; unique"},
	{"path", ROUTE(path), .type = KEY_PATH, .example = "/api/test",
	 .flags = KEY_REQUIRED,
	 .doc = "prefix of the paths that the route takes, on segment borders; unique"},
	{"upstream", ROUTE(endpoints), .type = KEY_UPSTREAM,
	 .example = "http://127.0.0.1:9001", .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "URL to send to, or an array of URLs that differ in host and port only"},
	{"tls.ca_file", ROUTE(ca_file), .type = KEY_FILE, .example = "ca.pem",
	 .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "PEM file of the authorities to trust; default: the system's"},
	{"strip_prefix", ROUTE(strip_prefix), .type = KEY_BOOL, .fallback = "true",
	 .doc = "leave `path` out of what is sent to the upstream"},
	{"scope", ROUTE(scope), .type = KEY_NAME, .example = "test",
	 .flags = KEY_OPTIONAL,
	 .doc = "scope that a key must hold; default: every valid key may call"},
	{"price_per_call", ROUTE(price_micro), .type = KEY_PRICE, .min = 0,
	 .max = UINT64_C(1000000000000), .fallback = "0",
	 .doc = "what a call costs, in a currency of yours, for `usage ask cost`"},
	{"methods", ROUTE(methods), .type = KEY_METHODS, .example = "GET",
	 .fallback =
		 "[\"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\"]",
	 .doc = "methods that are let through; others get 405"},
	{"set_headers", ROUTE(set_headers), .type = KEY_REQUEST_HEADERS,
	 .example = "value", .fallback = "{}", .flags = KEY_ENV,
	 .doc = "headers set on what is sent to the upstream: its credentials"},
	{"remove_headers", ROUTE(remove_headers), .type = KEY_HEADER_NAMES,
	 .example = "X-Name", .fallback = "[]",
	 .doc = "headers of the caller that are not sent on"},
	{"response_headers.set", ROUTE(response_set), .type = KEY_RESPONSE_HEADERS,
	 .example = "value", .fallback = "{}", .doc = "headers set on the response"},
	{"response_headers.remove", ROUTE(response_remove), .type = KEY_HEADER_NAMES,
	 .example = "X-Name", .fallback = "[]",
	 .doc = "headers of the upstream that are not sent back"},
	{"cors.origins", ROUTE(cors.origins), .type = KEY_ORIGINS,
	 .example = "https://app.example", .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "origins whose pages may call, as browsers send them, or \"*\"; default: "
		"none, and preflights, which have no key, get 401"},
	{"cors.methods", ROUTE(cors.methods), .type = KEY_METHODS, .example = "GET",
	 .flags = KEY_OPTIONAL | KEY_CORS,
	 .doc = "methods that pages may use; default: those of the route"},
	{"cors.headers", ROUTE(cors.headers), .type = KEY_HEADER_NAMES,
	 .example = "Content-Type", .flags = KEY_OPTIONAL | KEY_CORS,
	 .doc = "headers that pages may send; default: those that they ask for"},
	{"cors.expose_headers", ROUTE(cors.expose_headers), .type = KEY_HEADER_NAMES,
	 .example = "Retry-After", .fallback = "[]", .flags = KEY_CORS,
	 .doc = "headers of the answer that pages may read"},
	{"cors.max_age_s", ROUTE(cors.max_age_ms), .type = KEY_SECONDS, .min = 0,
	 .max = DAY_MS, .fallback = "600", .unit = "seconds", .flags = KEY_CORS,
	 .doc = "how long browsers keep the answer to a preflight"},
	{"cors.credentials", ROUTE(cors.credentials), .type = KEY_BOOL,
	 .fallback = "false", .flags = KEY_CORS,
	 .doc = "pages may call with the browser's cookies"},
	{"forward_credentials", ROUTE(forward_credentials), .type = KEY_CREDENTIALS,
	 .fallback = "false",
	 .doc = "send the caller's Authorization, Cookie, ... on, or those that are "
		"listed: [\"cookie\"]; never a key of the gateway"},
	{"forward_client_info", ROUTE(forward_client_info), .type = KEY_BOOL,
	 .flags = KEY_OPTIONAL,
	 .doc = "tell the upstream the caller's address (X-Forwarded-*, Via); default: "
		"true for http and private addresses, false for public https"},
	{"rewrite_location", ROUTE(rewrite_location), .type = KEY_BOOL,
	 .fallback = "true",
	 .doc = "let redirects to the upstream lead back to the route"},
	{"upgrade_protocols", ROUTE(upgrade_protocols), .type = KEY_PROTOCOLS,
	 .example = "websocket", .fallback = "[\"websocket\"]",
	 .doc = "protocols that a call may be switched to (Upgrade)"},
	{"on_client_abort", ROUTE(on_client_abort), .type = KEY_ON_ABORT,
	 .example = "cancel", .fallback = "\"cancel\"",
	 .doc = "when the caller leaves: \"cancel\" the upstream's work or \"drain\" it"},

	{"limits.head_bytes", TOP(limits.head_bytes), .type = KEY_U32, .min = 1024,
	 .max = 65536, .fallback = "16384", .unit = "bytes",
	 .doc = "size of a request's head; above: 431"},
	{"limits.headers", TOP(limits.headers), .type = KEY_U32, .min = 1, .max = 200,
	 .fallback = "100", .unit = "headers", .doc = "headers of a request; above: 431"},
	{"limits.body_bytes", BOTH(limits.body_bytes), .type = KEY_U64, .min = 1,
	 .max = (uint64_t)1 << 50, .fallback = "0", .unit = "bytes", .flags = KEY_ZERO,
	 .doc = "size of a request's body; above: 413"},
	{"limits.connections", TOP(limits.connections), .type = KEY_U32, .min = 1,
	 .max = 1000000, .fallback = "20000", .unit = "connections",
	 .doc = "client connections of the whole process"},
	{"limits.connections_per_address", TOP(limits.connections_per_address),
	 .type = KEY_U32, .min = 1, .max = 1000000, .fallback = "0",
	 .unit = "connections", .flags = KEY_ZERO,
	 .doc = "connections of one client address (IPv6: of its /64); more are closed"},

	{"timeouts.head_s", TOP(timeouts.head_ms), .type = KEY_SECONDS, .min = 100,
	 .max = HOUR_MS, .fallback = "10", .unit = "seconds",
	 .doc = "for a whole request head; then 408"},
	{"timeouts.body_s", BOTH(timeouts.body_ms), .type = KEY_SECONDS, .min = 100,
	 .max = DAY_MS, .fallback = "30", .unit = "seconds", .flags = KEY_ZERO,
	 .doc = "longest silence inside a request body; then 408"},
	{"timeouts.connect_s", BOTH(timeouts.connect_ms), .type = KEY_SECONDS, .min = 10,
	 .max = HOUR_MS, .fallback = "5", .unit = "seconds",
	 .doc = "to reach the upstream: name, TCP and TLS together; then 504"},
	{"timeouts.first_byte_s", BOTH(timeouts.first_byte_ms), .type = KEY_SECONDS,
	 .min = 10, .max = DAY_MS, .fallback = "330", .unit = "seconds",
	 .flags = KEY_ZERO,
	 .doc = "from the request being sent to the upstream's response head; then 504"},
	{"timeouts.idle_s", BOTH(timeouts.idle_ms), .type = KEY_SECONDS, .min = 10,
	 .max = DAY_MS, .fallback = "330", .unit = "seconds", .flags = KEY_ZERO,
	 .doc = "longest silence inside a response; then it is cut"},
	{"timeouts.total_s", BOTH(timeouts.total_ms), .type = KEY_SECONDS, .min = 10,
	 .max = 7 * DAY_MS, .fallback = "0", .unit = "seconds", .flags = KEY_ZERO,
	 .doc = "the whole exchange; then 504, or the response is cut"},
	{"timeouts.keep_alive_s", TOP(timeouts.keep_alive_ms), .type = KEY_SECONDS,
	 .min = 100, .max = DAY_MS, .fallback = "75", .unit = "seconds",
	 .doc = "a client connection without a request; then it is closed"},
	{"timeouts.drain_s", TOP(timeouts.drain_ms), .type = KEY_SECONDS, .min = 100,
	 .max = DAY_MS, .fallback = "30", .unit = "seconds", .flags = KEY_RESTART,
	 .doc = "for running calls to finish after SIGTERM; then they are cut"},

	{"pools.idle_connections", BOTH(pool.idle_connections), .type = KEY_U32, .min = 0,
	 .max = 10000, .fallback = "64", .unit = "connections",
	 .doc = "idle connections kept per upstream and worker"},
	{"pools.idle_s", BOTH(pool.idle_ms), .type = KEY_SECONDS, .min = 100,
	 .max = HOUR_MS, .fallback = "4", .unit = "seconds",
	 .doc = "how long they are kept, where the upstream tells no shorter time"},
	{"pools.max_age_s", BOTH(pool.max_age_ms), .type = KEY_SECONDS, .min = 1000,
	 .max = 7 * DAY_MS, .fallback = "3600", .unit = "seconds", .flags = KEY_ZERO,
	 .doc = "age at which a connection is not used again"},
	{"pools.max_requests", BOTH(pool.max_requests), .type = KEY_U32, .min = 1,
	 .max = 1000000000, .fallback = "10000", .unit = "requests", .flags = KEY_ZERO,
	 .doc = "requests after which a connection is not used again"},

	{"tokens.max_stale_s", TOP(max_stale_ms), .type = KEY_SECONDS, .min = 1000,
	 .max = 30 * DAY_MS, .fallback = "86400", .unit = "seconds", .flags = KEY_RESTART,
	 .doc = "how long known keys are served without PostgreSQL; then 503"},
	{"tokens.poll_s", TOP(token_poll_ms), .type = KEY_SECONDS, .min = 100,
	 .max = HOUR_MS, .fallback = "5", .unit = "seconds", .flags = KEY_RESTART,
	 .doc = "how often keys are looked over, beside PostgreSQL's notifications"},
	{"usage.retention_days", TOP(usage_retention_days), .type = KEY_U32, .min = 1,
	 .max = 36500, .fallback = "0", .unit = "days", .flags = KEY_ZERO | KEY_RESTART,
	 .doc = "age in UTC days at which usage rows are dropped; statistics stay"},
	{"usage.journal_dir", TOP(journal.directory), .type = KEY_DIRECTORY,
	 .example = "/var/lib/tollgate/usage",
	 .flags = KEY_OPTIONAL | KEY_ENV | KEY_RESTART,
	 .doc = "folder of the usage journal; default: \"usage\" in state_dir"},
	{"usage.journal_bytes", TOP(journal.max_bytes), .type = KEY_U64, .min = 1u << 20,
	 .max = (uint64_t)1 << 50, .fallback = "2147483648", .unit = "bytes",
	 .flags = KEY_RESTART,
	 .doc = "size of that folder at most; above, events are dropped and counted"},
	{"usage.ring_bytes", TOP(journal.ring_bytes), .type = KEY_U32, .min = 65536,
	 .max = 1u << 26, .fallback = "4194304", .unit = "bytes", .flags = KEY_RESTART,
	 .doc = "size of the journal's files, and of each worker's mapped ring"},
	{"usage.sync_ms", TOP(journal.sync_ms), .type = KEY_U32, .min = 10, .max = 60000,
	 .fallback = "1000", .unit = "milliseconds", .flags = KEY_RESTART,
	 .doc = "how often the journal is synced: what a power cut may cost"},
	{"usage.ingest.secret", TOP(ingest_secret), .type = KEY_SECRET, .example = "",
	 .flags = KEY_OPTIONAL | KEY_ENV,
	 .doc = "what callers of POST /api/usage-log show; default: none"},
	{"usage.ingest.allow", TOP(ingest_allow), .type = KEY_CIDRS,
	 .example = "10.0.0.0/8", .fallback = "[]", .flags = KEY_ENV,
	 .doc = "addresses from which POST /api/usage-log is taken without a secret"},
	{"state_dir", TOP(state_dir), .type = KEY_DIRECTORY,
	 .example = "/var/lib/tollgate", .flags = KEY_OPTIONAL | KEY_ENV | KEY_RESTART,
	 .doc = "folder for the usage journal and the snapshot of key hashes; default: none"},
	{"access_log", TOP(access_log), .type = KEY_BOOL, .fallback = "true",
	 .flags = KEY_RESTART, .doc = "one line per call on standard output"},
	{"routes", TOP(routes), .type = KEY_ROUTES, .flags = KEY_REQUIRED | KEY_ENV,
	 .doc = "what is proxied where, an array"},
	{"env", TOP(env), .type = KEY_ENVS, .flags = KEY_OPTIONAL,
	 .doc = "overlays by name, one of which `--env` applies"},
};

const struct settings_key *settings_keys(size_t *n)
{
	*n = ARRAY_LEN(keys);
	return keys;
}

const struct settings_key *settings_key_find(const char *name, enum settings_place place)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((keys[i].place & place) != 0 && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool settings_key_is_group(const char *name, enum settings_place place)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((keys[i].place & place) != 0 && strncmp(keys[i].name, name, n) == 0 &&
		    keys[i].name[n] == '.')
			return true;
	return false;
}

void *settings_key_field(const struct settings_key *key, enum settings_place place,
			 void *base)
{
	CHECK((key->place & place) != 0);
	return (char *)base + (place == AT_TOP ? key->top : key->inner);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein distance of two words of at most WORD_MAX bytes. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1], diagonal, above;
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

/* Smaller is nearer; WORD_MAX is not near at all: more than about a third of it
 * differs. */
static unsigned distance_if_near(const char *word, const char *candidate)
{
	size_t n = strlen(word);
	unsigned d;

	if (n == 0 || n > WORD_MAX || strlen(candidate) > WORD_MAX)
		return WORD_MAX;
	d = edit_distance(word, candidate);
	return d < n && d <= (n + 2) / 3 ? d : WORD_MAX;
}

const char *settings_nearest(const char *word, const char *const *words, size_t n)
{
	unsigned best = WORD_MAX;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned d = distance_if_near(word, words[i]);

		if (d < best) {
			best = d;
			found = words[i];
		}
	}
	return found;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

/* The first part of a dotted name, among those of `place`; a static string. */
static const char *nearest_group(const char *name, enum settings_place place)
{
	static const char *const groups[] = {
		"manager", "limits",       "timeouts", "pools",
		"tokens",  "usage",        "tls",      "response_headers",
		"cors",    "unix_sockets", "sign_in"};
	const char *there[ARRAY_LEN(groups)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (settings_key_is_group(groups[i], place))
			there[n++] = groups[i];
	return settings_nearest(name, there, n);
}

/* "headers" alone is hardly cors.headers. */
static bool may_be_meant(const struct settings_key *key, const char *name)
{
	return (key->flags & KEY_CORS) == 0 || strncmp(name, "cors.", 5) == 0;
}

const char *settings_key_suggest(const char *name, enum settings_place place)
{
	const char *names[ARRAY_LEN(keys)], *found;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((keys[i].place & place) != 0 && may_be_meant(&keys[i], name))
			names[n++] = keys[i].name;
	for (size_t i = 0; i < n; i++) /* right key, wrong group */
		if (strcmp(last_part(names[i]), last_part(name)) == 0)
			return names[i];
	found = settings_nearest(name, names, n);
	if (found == NULL)
		found = nearest_group(name, place);
	for (size_t i = 0; i < n && found == NULL; i++)
		if (distance_if_near(last_part(name), last_part(names[i])) <= 1)
			found = names[i];
	return found;
}
