/* HTTP's vocabulary: methods, field names, status phrases, character classes.
 *
 * RFC 9110 (semantics), RFC 9112 (HTTP/1.1). Pure. */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_METHOD_COUNT,
	HTTP_OTHER = HTTP_METHOD_COUNT /* a valid token, but none of ours */
};

/* Bit of a method in a mask; HTTP_OTHER has none. */
#define HTTP_METHOD_BIT(m) (1u << (unsigned)(m))
#define HTTP_METHODS_ALL (HTTP_METHOD_BIT(HTTP_METHOD_COUNT) - 1)

/* Methods are case-sensitive (RFC 9110 9.1). */
enum http_method http_method_of(struct str name);
const char *http_method_name(enum http_method m);
/* Appends "Allow: " and the methods of a mask (RFC 9110 10.2.1), with CRLF. */
void http_add_allow(struct sbuf *out, uint32_t methods);
/* RFC 9110 9.2.2. */
bool http_method_is_idempotent(enum http_method m);

/* Field names that some rule of ours is about; all others are HTTP_H_OTHER. */
#define HTTP_FIELDS(X)                                                                   \
	X(ACCEPT, "accept")                                                              \
	X(API_KEY, "api-key")                                                            \
	X(AUTHORIZATION, "authorization")                                                \
	X(BAGGAGE, "baggage")                                                            \
	X(CF_CONNECTING_IP, "cf-connecting-ip")                                          \
	X(CONNECTION, "connection")                                                      \
	X(CONTENT_LENGTH, "content-length")                                              \
	X(CONTENT_TYPE, "content-type")                                                  \
	X(COOKIE, "cookie")                                                              \
	X(DATE, "date")                                                                  \
	X(EXPECT, "expect")                                                              \
	X(FORWARDED, "forwarded")                                                        \
	X(HOST, "host")                                                                  \
	X(KEEP_ALIVE, "keep-alive")                                                      \
	X(MAX_FORWARDS, "max-forwards")                                                  \
	X(ORIGIN, "origin")                                                              \
	X(PROXY, "proxy")                                                                \
	X(PROXY_AUTHENTICATE, "proxy-authenticate")                                      \
	X(PROXY_AUTHORIZATION, "proxy-authorization")                                    \
	X(PROXY_CONNECTION, "proxy-connection")                                          \
	X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol")                              \
	X(SET_COOKIE, "set-cookie")                                                      \
	X(TE, "te")                                                                      \
	X(TOLLGATE_REQUEST_ID, "tollgate-request-id")                                    \
	X(TRACEPARENT, "traceparent")                                                    \
	X(TRACESTATE, "tracestate")                                                      \
	X(TRAILER, "trailer")                                                            \
	X(TRANSFER_ENCODING, "transfer-encoding")                                        \
	X(UPGRADE, "upgrade")                                                            \
	X(USER_AGENT, "user-agent")                                                      \
	X(VIA, "via")                                                                    \
	X(X_ACCEL_BUFFERING, "x-accel-buffering")                                        \
	X(X_API_KEY, "x-api-key")                                                        \
	X(X_FORWARDED, "x-forwarded-*") /* every name that starts with x-forwarded- */   \
	X(X_FORWARDED_FOR, "x-forwarded-for")                                            \
	X(X_GOOG_API_KEY, "x-goog-api-key")                                              \
	X(X_REAL_IP, "x-real-ip")                                                        \
	X(X_REQUEST_ID, "x-request-id")

#define HTTP_FIELD_ENUM(id, name) HTTP_H_##id,
enum http_field_id { HTTP_H_OTHER, HTTP_FIELDS(HTTP_FIELD_ENUM) HTTP_H_COUNT };

/* Bit of a field id in a mask. */
#define HTTP_H_BIT(id) (UINT64_C(1) << (unsigned)(id))
_Static_assert(HTTP_H_COUNT <= 64, "field ids fit a 64-bit mask");

/* Case-insensitive; cheap for names that are none of ours. */
enum http_field_id http_field_id(struct str name);

/* How many bytes at the start of s are tchar of RFC 9110 5.6.2. */
size_t http_token_span(struct str s);
/* One tchar or more, nothing else. */
bool http_is_token(struct str s);
/* reg-name of RFC 3986 3.2.2, which may be empty. */
bool http_is_reg_name(struct str s);
/* field-vchar, SP, HTAB, obs-text: what a field value may hold (RFC 9110 5.5). */
bool http_is_field_value(struct str s);
/* One byte or more, all of visible ASCII, no '#': what a request target may be made
 * of. */
bool http_is_target(struct str s);
/* Percent-encodes the bytes above 0x7f and leaves all others. out has 3 * s.n bytes;
 * returns how many are used. */
size_t http_encode_high(char *out, struct str s);

/* RFC 9110 15's phrase, for all registered codes; the class's name for others. Never
 * NULL. */
const char *http_reason(int status);

/* IMF-fixdate of RFC 9110 5.6.7, "Sun, 06 Nov 1994 08:49:37 GMT", with its NUL. Years
 * 1970-9999; what is outside is clamped. */
#define HTTP_DATE_SIZE 30
void http_date(char out[HTTP_DATE_SIZE], int64_t unix_s);

struct http_field {
	struct str name, value; /* value without surrounding white space */
	enum http_field_id id;
	bool hop; /* hop-by-hop: one of RFC 9110 7.6.1's names, or named by Connection */
};

/* How a message's end is found (RFC 9112 6.3). */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,    /* Content-Length */
	HTTP_CHUNKED,   /* Transfer-Encoding: chunked */
	HTTP_UNTIL_EOF, /* responses only */
};

#endif
