/* One sign-in at a provider by the authorization code flow: what is kept between sending
 * a browser there and its coming back, and what is said to the provider.
 *
 * OpenID Connect Core 1.0 3.1, RFC 6749 4.1, RFC 7636 (PKCE, S256). Pure; any thread. */
#ifndef GATEWAY_SIGN_IN_CODE_FLOW_H
#define GATEWAY_SIGN_IN_CODE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define CODE_FLOW_S 600           /* from leaving to coming back */
#define CODE_FLOW_RETURN_MAX 1024 /* bytes of where to go in the end */
#define CODE_FLOW_SECRET 43       /* characters of 32 random bytes */
#define CODE_FLOW_NAME_MAX 64
#define CODE_FLOW_SEALED_MAX 3072 /* bytes, as code_flow_seal makes it */

struct code_flow {
	char state[CODE_FLOW_SECRET + 1], nonce[CODE_FLOW_SECRET + 1];
	char verifier[CODE_FLOW_SECRET + 1];
	char provider[CODE_FLOW_NAME_MAX + 1];
	char return_to[CODE_FLOW_RETURN_MAX + 1];
	int64_t until_s; /* seconds since 1970 */
};

/* Whether it is a path of this very site, in visible ASCII: browsers take "//host" and
 * "/\host" for other sites. */
bool code_flow_is_local(const char *return_to);

/* provider: of up to CODE_FLOW_NAME_MAX bytes; return_to: as above. */
void code_flow_begin(struct code_flow *f, const char *provider, const char *return_to,
		     int64_t now_s);
/* Appends what the browser keeps of it, readable to nobody (seal.h). */
void code_flow_seal(const struct code_flow *f, const unsigned char *key,
		    struct sbuf *out);
/* False: it is no such text, or by another key. */
bool code_flow_open(struct code_flow *f, const unsigned char *key, struct str sealed);
/* NULL: state, which may be NULL, is that of f, and in time. Else what is wrong. */
const char *code_flow_fault(const struct code_flow *f, const char *state, int64_t now_s);

struct code_client {
	const char *client_id, *redirect_uri;
	const char *const *scopes;
	size_t n_scopes;
};

/* Appends where to send the browser. endpoint: the provider's, which may have a query. */
void code_flow_authorize_url(const struct code_flow *f, const struct code_client *c,
			     const char *endpoint, struct sbuf *out);
/* Appends the form that asks for the tokens. secret: NULL where it is sent otherwise. */
void code_flow_token_form(const struct code_flow *f, const struct code_client *c,
			  const char *secret, const char *code, struct sbuf *out);
/* Appends where a browser ends its session at the provider, and comes back from to
 * `back`. */
void code_flow_sign_out_url(const char *endpoint, const char *client_id, const char *back,
			    struct sbuf *out);
/* Appends text as a form has it: what is not unreserved (RFC 3986 2.3) as %XX. */
void code_flow_escape(struct sbuf *out, const char *text);

/* The ID token of an answer 200 of the token endpoint; the caller's to free. NULL: error
 * (appended to) says what is wrong. */
char *code_flow_read_tokens(struct str body, struct sbuf *error);
/* Appends what the provider calls its refusal ("invalid_grant"); "?" where it does not
 * say so in the words of RFC 6749. */
void code_flow_read_refusal(struct str body, struct sbuf *out);
/* The same of a word that stands alone; false: none. */
bool code_flow_is_error_word(const char *word);

#endif
