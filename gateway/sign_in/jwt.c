/* A bearer JWT read strictly, and what its issuer's tokens must be like. */
#include "gateway/sign_in/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "gateway/sign_in/base64url.h"

/* The JOSE header `cat` of Clerk tells its classes of tokens apart, which one key signs:
 * sessions, templates, machines; and a value that stands for any of them, which is no
 * proof of a session (clerk/javascript, packages/backend). Older tokens have none. */
#define CLERK_SESSION "cl_B7d4PD111AAA"

#define TIME_MAX 253402300799.0 /* the year 9999 */

static bool fail(struct sbuf *error, const char *why)
{
	sbuf_str(error, str_of(why));
	return false;
}

/* --- the three parts --- */

/* Takes what stands before the next dot, or the end. */
static struct str take_part(struct str *rest)
{
	const char *dot = memchr(rest->p, '.', rest->n);
	struct str part = {rest->p, dot != NULL ? (size_t)(dot - rest->p) : rest->n};

	rest->p += part.n + (dot != NULL);
	rest->n -= part.n + (dot != NULL);
	return part;
}

static bool split(struct str text, struct str parts[3])
{
	struct str rest = text;
	size_t dots = 0;

	for (size_t i = 0; i < text.n; i++)
		dots += text.p[i] == '.';
	if (dots != 2)
		return false;
	for (size_t i = 0; i < 3; i++) {
		parts[i] = take_part(&rest);
		if (!base64url_is_strict(parts[i]))
			return false;
	}
	return true;
}

/* NULL: no JSON object. */
static struct jsonc_node *decode(struct str part)
{
	struct jsonc_node *node;
	size_t n;
	char *bytes = base64url_decode(part, &n);

	node = jsonc_parse_object((struct str){bytes, n});
	free(bytes);
	return node;
}

const char *jwt_text(const struct jwt *t, const char *claim)
{
	return jsonc_text(t->claims, claim);
}

/* --- the header --- */

static bool read_kid(struct jwt *t)
{
	const struct jsonc_node *kid = jsonc_get(t->header, "kid");

	if (kid == NULL)
		return true;
	if (kid->type != JSONC_STRING || kid->text[0] == '\0' ||
	    strlen(kid->text) > JWKS_KID_MAX)
		return false;
	t->kid = str_of(kid->text);
	return true;
}

static bool read_header(struct jwt *t, struct sbuf *error)
{
	const char *algorithm = jsonc_text(t->header, "alg");

	if (jsonc_get(t->header, "crit") != NULL || jsonc_get(t->header, "b64") != NULL)
		return fail(error, "its header demands extensions (crit) that are not "
				   "known here");
	if (algorithm == NULL || !jwt_algorithm_named(str_of(algorithm), &t->algorithm))
		return fail(error, "it is not signed with RS256 or ES256");
	if (!read_kid(t))
		return fail(error, "its header's kid is no string of 1 to 256 bytes");
	return true;
}

static bool read_whole(struct jwt *t, struct str text, struct sbuf *error)
{
	struct str parts[3];

	if (!split(text, parts))
		return fail(error, "it is no JWT: three parts in base64url, with dots "
				   "between them");
	t->header = decode(parts[0]);
	t->claims = decode(parts[1]);
	if (t->header == NULL || t->claims == NULL)
		return fail(error,
			    "its header or its claims are no JSON object, or have a "
			    "member twice");
	return read_header(t, error);
}

bool jwt_read(struct jwt *t, struct str text, struct sbuf *error)
{
	*t = (struct jwt){.text = text};
	if (text.n > JWT_MAX)
		return fail(error, "it has more than 8 KB");
	return read_whole(t, text, error);
}

bool jwt_read_id(struct jwt *t, struct str text, struct sbuf *error)
{
	*t = (struct jwt){.text = text};
	if (text.n > JWT_ID_MAX)
		return fail(error, "it has more than 32 KB");
	return read_whole(t, text, error);
}

void jwt_fini(struct jwt *t)
{
	jsonc_free(&t->header);
	jsonc_free(&t->claims);
	*t = (struct jwt){0};
}

/* Missing, or one of these: a media type, whose prefix may be left out (RFC 7515
 * 4.1.9). What is of another kind is signed by the same keys: logout tokens, client
 * assertions, proofs of possession (RFC 8725 3.11). */
static bool has_typ(const struct jwt *t, const char *const *types, size_t n)
{
	static const struct str prefix = STR("application/");
	const struct jsonc_node *typ = jsonc_get(t->header, "typ");
	struct str name;

	if (typ == NULL)
		return true;
	if (typ->type != JSONC_STRING)
		return false;
	name = str_of(typ->text);
	if (name.n > prefix.n && str_ieq((struct str){name.p, prefix.n}, prefix))
		name = (struct str){name.p + prefix.n, name.n - prefix.n};
	for (size_t i = 0; i < n; i++)
		if (str_ieq(name, str_of(types[i])))
			return true;
	return false;
}

static bool has_clerk_header(const struct jwt *t)
{
	static const char *const types[] = {"JWT"};
	const struct jsonc_node *cat = jsonc_get(t->header, "cat");

	return has_typ(t, types, ARRAY_LEN(types)) &&
	       (cat == NULL ||
		(cat->type == JSONC_STRING && strcmp(cat->text, CLERK_SESSION) == 0));
}

/* RFC 9068 2.1; most providers say JWT of access tokens. */
static bool has_oidc_header(const struct jwt *t)
{
	static const char *const types[] = {"JWT", "at+jwt"};

	return has_typ(t, types, ARRAY_LEN(types));
}

/* Most providers say JWT, or nothing. */
static bool has_id_header(const struct jwt *t)
{
	static const char *const types[] = {"JWT"};

	return has_typ(t, types, ARRAY_LEN(types));
}

bool jwt_check_header(const struct jwt *t, const struct jwt_rules *rules,
		      struct sbuf *error)
{
	if (!(rules->algorithms & 1u << t->algorithm))
		return fail(error,
			    "its issuer is not set up for the algorithm that it is "
			    "signed with");
	if (rules->kind == JWT_CLERK && !has_clerk_header(t))
		return fail(error,
			    "it is no session token of Clerk (its header's cat or typ "
			    "says so)");
	if (rules->kind == JWT_OIDC && !has_oidc_header(t))
		return fail(error, "it is no access token (its header's typ says so)");
	if (rules->kind == JWT_ID && !has_id_header(t))
		return fail(error, "it is no ID token (its header's typ says so)");
	return true;
}

/* --- the claims --- */

static bool is_listed(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; text != NULL && i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* RFC 7519 4.1.3: one string, or an array of them. */
static bool has_audience(const struct jwt *t, const struct jwt_rules *rules)
{
	const struct jsonc_node *aud = jsonc_get(t->claims, "aud");
	bool found = false;

	if (aud == NULL || aud->type != JSONC_ARRAY)
		return is_listed(jwt_text(t, "aud"), rules->audiences,
				 rules->n_audiences);
	for (const struct jsonc_node *a = aud->first; a != NULL; a = a->next) {
		if (a->type != JSONC_STRING)
			return false;
		found |= is_listed(a->text, rules->audiences, rules->n_audiences);
	}
	return found;
}

/* OpenID Connect Core 2 and 3.1.3.6: claims of ID tokens alone; what Keycloak and Cognito
 * call them. They are for the one who signed in, and are no proof to anyone else. */
static bool is_id_token(const struct jwt *t)
{
	static const char *const claims[] = {"nonce", "at_hash", "c_hash", "s_hash"};
	static const char *const words[][2] = {{"typ", "ID"}, {"token_use", "id"}};

	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		if (jsonc_get(t->claims, claims[i]) != NULL)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *text = jwt_text(t, words[i][0]);

		if (text != NULL && str_ieq(str_of(text), str_of(words[i][1])))
			return true;
	}
	return false;
}

static bool check_oidc(const struct jwt *t, const struct jwt_rules *rules,
		       struct sbuf *error)
{
	if (!has_audience(t, rules))
		return fail(error,
			    "its aud is none of the audiences that are set up for its "
			    "issuer");
	if (is_id_token(t))
		return fail(error, "it is an ID token: send the access token");
	return true;
}

static bool check_clerk(const struct jwt *t, const struct jwt_rules *rules,
			struct sbuf *error)
{
	const char *sid = jwt_text(t, "sid"), *sts = jwt_text(t, "sts");
	bool party_missing = jsonc_get(t->claims, "azp") == NULL;

	if (sid == NULL || *sid == '\0')
		return fail(error, "it has no sid: no session token of Clerk");
	if (jsonc_get(t->claims, "sts") != NULL &&
	    (sts == NULL || strcmp(sts, "active") != 0))
		return fail(error, "its session is pending: the sign-in is not finished");
	if (party_missing
		    ? !rules->party_optional
		    : !is_listed(jwt_text(t, "azp"), rules->parties, rules->n_parties))
		return fail(error,
			    party_missing
				    ? "it has no azp, which its issuer's settings ask for"
				    : "its azp is none of the parties that are set up "
				      "for its issuer");
	return true;
}

/* OpenID Connect Core 3.1.3.7: `azp` is who it was issued to, and has to be there where
 * there are several audiences. */
static bool is_issued_to(const struct jwt *t, const char *client_id)
{
	const struct jsonc_node *aud = jsonc_get(t->claims, "aud");
	const char *azp = jwt_text(t, "azp");

	if (jsonc_get(t->claims, "azp") == NULL)
		return aud == NULL || aud->type != JSONC_ARRAY || aud->n == 1;
	return azp != NULL && strcmp(azp, client_id) == 0;
}

static bool check_id(const struct jwt *t, const struct jwt_rules *rules,
		     struct sbuf *error)
{
	const char *nonce = jwt_text(t, "nonce");

	if (!has_audience(t, rules))
		return fail(error, "its aud is not the client_id that is set up here");
	if (!is_issued_to(t, rules->audiences[0]))
		return fail(error, "its azp is not the client_id that is set up here");
	if (nonce == NULL || strcmp(nonce, rules->nonce) != 0)
		return fail(error, "its nonce is not that of this sign-in");
	if (jsonc_get(t->claims, "iat") == NULL)
		return fail(error, "it has no iat");
	return true;
}

/* False: no number, or no instant. Missing: *present is false. */
static bool read_time(const struct jwt *t, const char *claim, bool *present, double *s)
{
	const struct jsonc_node *node = jsonc_get(t->claims, claim);

	*present = node != NULL;
	if (node == NULL)
		return true;
	*s = node->number;
	return node->type == JSONC_NUMBER && node->number >= 0 &&
	       node->number <= TIME_MAX;
}

static bool check_times(const struct jwt *t, int64_t now_s, struct sbuf *error)
{
	bool has_exp, has_nbf, has_iat;
	double exp = 0, nbf = 0, iat = 0, now = (double)now_s;

	if (!read_time(t, "exp", &has_exp, &exp) ||
	    !read_time(t, "nbf", &has_nbf, &nbf) || !read_time(t, "iat", &has_iat, &iat))
		return fail(error, "its exp, nbf or iat is no time in seconds");
	if (!has_exp)
		return fail(error, "it has no exp");
	if (now >= exp)
		return fail(error, "it has expired");
	if ((has_nbf && now < nbf - JWT_LEEWAY_S) ||
	    (has_iat && now < iat - JWT_LEEWAY_S))
		return fail(error,
			    "it is not valid yet (nbf, iat): does one of the clocks "
			    "go wrong?");
	return true;
}

bool jwt_check_claims(const struct jwt *t, const struct jwt_rules *rules, int64_t now_s,
		      struct sbuf *error)
{
	const char *issuer = jwt_text(t, "iss"), *subject = jwt_text(t, "sub");

	if (issuer == NULL || strcmp(issuer, rules->issuer) != 0)
		return fail(error, "its iss is not the issuer's");
	if (subject == NULL || *subject == '\0' || strlen(subject) > JWT_SUBJECT_MAX)
		return fail(error, "its sub is no string of 1 to 255 bytes");
	/* RFC 8417 2.2: something happened; OpenID Connect Back-Channel Logout 2.4. */
	if (jsonc_get(t->claims, "events") != NULL)
		return fail(error, "it tells of events: no token to sign in with");
	if (!check_times(t, now_s, error))
		return false;
	switch (rules->kind) {
	case JWT_OIDC:
		return check_oidc(t, rules, error);
	case JWT_CLERK:
		return check_clerk(t, rules, error);
	case JWT_ID:
		return check_id(t, rules, error);
	}
	CHECK(!"a kind of token");
	return false;
}
