/* The answers that the gateway makes itself: every code is declared once, here.
 *
 * Each answer is one JSON object: a problem of RFC 9457 (type, title, status, detail,
 * instance) with `code`, and `error: {message, type, code}` as the OpenAI SDKs read it.
 * With Proxy-Status (RFC 9209). docs/errors.md is checked against this table. */
#ifndef GATEWAY_HTTP_PROBLEM_H
#define GATEWAY_HTTP_PROBLEM_H

#include "common/http.h"
#include "common/str.h"

/* X(id, code, status, Proxy-Status error of RFC 9209 2.3, title) */
#define PROBLEMS(X)                                                                      \
	X(MISSING_KEY, "missing_key", 401, "http_request_denied", "API key is missing")  \
	X(UNKNOWN_KEY, "unknown_key", 401, "http_request_denied",                        \
	  "API key is not valid")                                                        \
	X(MALFORMED_KEY, "malformed_key", 401, "http_request_denied",                    \
	  "API key is mistyped")                                                         \
	X(EXPIRED_KEY, "expired_key", 401, "http_request_denied", "API key has expired") \
	X(REVOKED_KEY, "revoked_key", 401, "http_request_denied", "API key was revoked") \
	X(DISABLED_KEY, "disabled_key", 401, "http_request_denied",                      \
	  "API key is disabled")                                                         \
	X(AMBIGUOUS_KEY, "ambiguous_key", 401, "http_request_denied",                    \
	  "More than one API key was sent")                                              \
	X(KEY_IN_URL, "key_in_url", 400, "http_request_error", "API key in the URL")     \
	X(SCOPE_MISSING, "scope_missing", 403, "http_request_denied",                    \
	  "API key may not use this route")                                              \
	X(ADDRESS_FORBIDDEN, "address_forbidden", 403, "http_request_denied",            \
	  "API key may not be used from this address")                                   \
	X(NO_ROUTE, "no_route", 404, "http_request_denied",                              \
	  "No route matches this path")                                                  \
	X(BAD_PATH, "bad_path", 400, "http_request_error", "Path is ambiguous")          \
	X(BAD_REQUEST, "bad_request", 400, "http_request_error", "Request is malformed") \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "http_request_denied",          \
	  "Method is not allowed")                                                       \
	X(TLS_ON_PLAIN_PORT, "tls_on_plain_port", 400, "http_request_error",             \
	  "This port does not speak TLS")                                                \
	X(REQUEST_TIMEOUT, "request_timeout", 408, "http_request_error",                 \
	  "Request took too long to arrive")                                             \
	X(BODY_TOO_LARGE, "body_too_large", 413, "http_request_error",                   \
	  "Request body is too large")                                                   \
	X(URI_TOO_LONG, "uri_too_long", 414, "http_request_error",                       \
	  "Request target is too long")                                                  \
	X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, "http_request_error",   \
	  "Content-Type is not supported")                                               \
	X(EXPECTATION_FAILED, "expectation_failed", 417, "http_request_error",           \
	  "Expectation is not supported")                                                \
	X(HEAD_TOO_LARGE, "head_too_large", 431, "http_request_error",                   \
	  "Request header fields are too large")                                         \
	X(NOT_IMPLEMENTED, "not_implemented", 501, "http_request_error",                 \
	  "Request uses a feature that is not implemented")                              \
	X(HTTP_VERSION, "http_version_not_supported", 505, "http_request_error",         \
	  "HTTP version is not supported")                                               \
	X(FORBIDDEN, "forbidden", 403, "http_request_denied", "Not allowed from here")   \
	X(KEYS_UNAVAILABLE, "keys_unavailable", 503, "proxy_internal_error",             \
	  "API keys cannot be checked right now")                                        \
	X(INVALID_FIELD, "invalid_field", 400, "http_request_error",                     \
	  "Some fields cannot be taken")                                                 \
	X(NOT_SIGNED_IN, "not_signed_in", 401, "http_request_denied",                    \
	  "Nobody is signed in")                                                         \
	X(BAD_SIGN_IN, "bad_sign_in", 401, "http_request_denied",                        \
	  "Sign-in is not valid")                                                        \
	X(NO_ROLE, "no_role", 403, "http_request_denied", "You have no role here")       \
	X(ROLE_MISSING, "role_missing", 403, "http_request_denied",                      \
	  "Your role does not allow this")                                               \
	X(NOT_FOUND, "not_found", 404, "http_request_denied", "There is no such thing")  \
	X(CONFLICT, "conflict", 409, "http_request_denied",                              \
	  "What is there stands against it")                                             \
	X(IDEMPOTENCY_MISMATCH, "idempotency_mismatch", 422, "http_request_error",       \
	  "Idempotency-Key was used for another request")                                \
	X(SIGN_IN_BUSY, "sign_in_busy", 429, "http_request_denied",                      \
	  "Too many failed sign-ins")                                                    \
	X(TOO_MANY_STREAMS, "too_many_streams", 429, "http_request_denied",              \
	  "Too many streams are open")                                                   \
	X(INTERNAL_ERROR, "internal_error", 500, "proxy_internal_error",                 \
	  "Something went wrong here")                                                   \
	X(BUSY, "busy", 503, "proxy_internal_error", "Too much is waiting")              \
	X(TOOK_TOO_LONG, "took_too_long", 503, "proxy_internal_error",                   \
	  "Database took too long")                                                      \
	X(SHUTTING_DOWN, "shutting_down", 503, "proxy_internal_error",                   \
	  "Gateway is stopping")                                                         \
	X(QUEUE_FULL, "queue_full", 503, "proxy_internal_error", "Usage queue is full")  \
	X(DATABASE_UNAVAILABLE, "database_unavailable", 503, "proxy_internal_error",     \
	  "Database is not available")                                                   \
	X(PROVIDER_UNAVAILABLE, "provider_unavailable", 503, "proxy_internal_error",     \
	  "Sign-in provider is not available")                                           \
	X(PROXY_LOOP, "proxy_loop", 502, "proxy_loop_detected",                          \
	  "Gateway loops to itself")                                                     \
	X(DNS_ERROR, "dns_error", 502, "dns_error",                                      \
	  "Upstream's name cannot be resolved")                                          \
	X(DNS_TIMEOUT, "dns_timeout", 504, "dns_timeout",                                \
	  "Resolving the upstream's name took too long")                                 \
	X(CONNECTION_REFUSED, "connection_refused", 502, "connection_refused",           \
	  "Upstream refused the connection")                                             \
	X(CONNECTION_TERMINATED, "connection_terminated", 502, "connection_terminated",  \
	  "Upstream closed the connection")                                              \
	X(CONNECTION_TIMEOUT, "connection_timeout", 504, "connection_timeout",           \
	  "Upstream could not be reached in time")                                       \
	X(CONNECTION_WRITE_TIMEOUT, "connection_write_timeout", 504,                     \
	  "connection_write_timeout", "Upstream stopped taking the request")             \
	X(DESTINATION_UNAVAILABLE, "destination_unavailable", 503,                       \
	  "destination_unavailable", "Upstream is not reachable")                        \
	X(TLS_CERTIFICATE_ERROR, "tls_certificate_error", 502, "tls_certificate_error",  \
	  "Upstream's certificate is not trusted")                                       \
	X(TLS_PROTOCOL_ERROR, "tls_protocol_error", 502, "tls_protocol_error",           \
	  "TLS with the upstream failed")                                                \
	X(TLS_ALERT_RECEIVED, "tls_alert_received", 502, "tls_alert_received",           \
	  "Upstream refused TLS")                                                        \
	X(RESPONSE_TIMEOUT, "http_response_timeout", 504, "http_response_timeout",       \
	  "Upstream took too long to answer")                                            \
	X(PROTOCOL_ERROR, "http_protocol_error", 502, "http_protocol_error",             \
	  "Upstream's answer is not valid HTTP")                                         \
	X(RESPONSE_INCOMPLETE, "http_response_incomplete", 502,                          \
	  "http_response_incomplete", "Upstream's answer broke off")                     \
	X(RESPONSE_HEAD_TOO_LARGE, "http_response_header_section_size", 502,             \
	  "http_response_header_section_size", "Upstream's header section is too large") \
	X(UPGRADE_FAILED, "http_upgrade_failed", 502, "http_upgrade_failed",             \
	  "Upgrade failed")

#define PROBLEM_ENUM(id, code, status, proxy_error, title) PROBLEM_##id,
enum problem_id { PROBLEMS(PROBLEM_ENUM) PROBLEM_COUNT };

const char *problem_code(enum problem_id id);
int problem_status(enum problem_id id);
const char *problem_proxy_error(enum problem_id id);
const char *problem_title(enum problem_id id);
/* The problem for a head_refusal's status (400 -> BAD_REQUEST, 431 -> HEAD_TOO_LARGE
 * ...). */
enum problem_id problem_of_status(int status);

/* Accept names application/problem+json, and not with a quality of 0. */
struct request_head;
bool problem_wants_json(const struct request_head *h);

/* One answer. `type` is "urn:tollgate:problem:<code>"; error.message is "<title>:
 * <detail>". */
struct problem_answer {
	enum problem_id id;
	const char *detail;     /* what to do about it; NULL: the title says it all */
	struct str request_id;  /* instance "urn:uuid:..."-like, Tollgate-Request-Id */
	bool problem_json;      /* Accept names application/problem+json */
	bool head;              /* answer to HEAD: head only, with the body's length */
	bool close;             /* Connection: close */
	int http_minor;         /* the client's */
	uint32_t retry_after_s; /* 0: none (503 always carries one, default 5) */
	uint32_t allow_methods; /* mask for Allow on 405; 0: all that the gateway knows */
	int64_t wall_us;        /* for Date; 0: now */
	struct str fields;      /* further lines, each with its CRLF; may be empty */
	struct str errors; /* JSON array of what is wrong (RFC 9457 3); may be empty */
};

/* Appends the whole response: status line, fields, JSON body, and returns how many bytes
 * of body it has (none for HEAD). 401 carries
 * `WWW-Authenticate: ApiKey realm="tollgate"` and a Bearer challenge. detail may hold any
 * bytes: it is escaped, and what is no UTF-8 replaced. request_id is visible ASCII or
 * empty. */
size_t problem_write(struct sbuf *out, const struct problem_answer *a);

#endif
