/* What a provider says of itself in its discovery document. */
#include "gateway/sign_in/discovery.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "gateway/sign_in/fetch.h"

/* Discovery 4.1: a slash at the issuer's end goes. */
char *discovery_url(const char *issuer)
{
	size_t n = strlen(issuer);

	if (n > 0 && issuer[n - 1] == '/')
		n--;
	return xasprintf("%.*s/.well-known/openid-configuration", (int)n, issuer);
}

/* Of a provider elsewhere, a place on this machine is none of its own. */
static bool is_good_place(const char *url, const char *issuer)
{
	bool is_http = strncmp(url, "http://", 7) == 0;

	return strlen(url) <= DISCOVERY_URL_MAX && fetch_url_is_allowed(url) &&
	       strpbrk(url, "\"<>^`{|}") == NULL &&
	       (!is_http || strncmp(issuer, "http://", 7) == 0);
}

static bool read_place(char **to, const struct jsonc_node *document, const char *name,
		       const char *issuer, struct sbuf *error)
{
	const char *url = jsonc_text(document, name);

	if (url == NULL) {
		sbuf_printf(error, "its discovery document has no %s", name);
		return false;
	}
	if (!is_good_place(url, issuer)) {
		sbuf_printf(error,
			    "the %s of its discovery document is no https URL, or is "
			    "longer than %d bytes",
			    name, DISCOVERY_URL_MAX);
		return false;
	}
	*to = xstrdup(url);
	return true;
}

static bool read_all(struct discovery *d, const struct jsonc_node *document,
		     const char *issuer, struct sbuf *error)
{
	const char *who = jsonc_text(document, "issuer");
	const struct jsonc_node *sends =
		jsonc_get(document, "authorization_response_iss_parameter_supported");

	if (who == NULL || strcmp(who, issuer) != 0) {
		sbuf_lit(error, "its discovery document is of another issuer; write "
				"sign_in.providers[].issuer as the document has it");
		return false;
	}
	d->sends_issuer = sends != NULL && sends->type == JSONC_BOOL && sends->boolean;
	if (jsonc_get(document, "end_session_endpoint") != NULL &&
	    !read_place(&d->end_session_endpoint, document, "end_session_endpoint",
			issuer, error))
		return false;
	return read_place(&d->authorization_endpoint, document, "authorization_endpoint",
			  issuer, error) &&
	       read_place(&d->token_endpoint, document, "token_endpoint", issuer,
			  error) &&
	       read_place(&d->jwks_uri, document, "jwks_uri", issuer, error);
}

bool discovery_parse(struct discovery *d, struct str text, const char *issuer,
		     struct sbuf *error)
{
	const struct jsonc_sink sink = {jsonc_note_first, error};
	size_t before = error->n;
	struct jsonc_node *document = jsonc_parse_body(text, &sink);
	bool good = document != NULL && error->n == before;

	*d = (struct discovery){0};
	if (good && document->type != JSONC_OBJECT) {
		sbuf_lit(error, "its discovery document is no JSON object");
		good = false;
	}
	good = good && read_all(d, document, issuer, error);
	if (!good)
		discovery_fini(d);
	jsonc_free(&document);
	return good;
}

void discovery_copy(struct discovery *to, const struct discovery *from)
{
	*to = (struct discovery){
		.authorization_endpoint = xstrdup(from->authorization_endpoint),
		.token_endpoint = xstrdup(from->token_endpoint),
		.jwks_uri = xstrdup(from->jwks_uri),
		.sends_issuer = from->sends_issuer,
	};
	if (from->end_session_endpoint != NULL)
		to->end_session_endpoint = xstrdup(from->end_session_endpoint);
}

void discovery_fini(struct discovery *d)
{
	free(d->authorization_endpoint);
	free(d->token_endpoint);
	free(d->jwks_uri);
	free(d->end_session_endpoint);
	*d = (struct discovery){0};
}
