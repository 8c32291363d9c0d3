/* Who may call POST /api/usage-log. */
#include "gateway/manager/ingest_access.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "gateway/http/client_addr.h"

/* Without the path at its end, and the slashes before that. */
static bool strip_path(struct str *s)
{
	struct str path = STR(INGEST_PATH);

	if (s->n < path.n || memcmp(s->p + s->n - path.n, path.p, path.n) != 0)
		return false;
	s->n -= path.n;
	while (s->n > 0 && s->p[s->n - 1] == '/')
		s->n--;
	return true;
}

bool ingest_path(struct str path, struct str *secret)
{
	struct str behind = STR(INGEST_PATH "/");

	*secret = (struct str){0};
	if (str_has_prefix(path, behind)) {
		*secret = (struct str){path.p + behind.n, path.n - behind.n};
		strip_path(secret);
		return true;
	}
	if (!strip_path(&path))
		return false;
	if (path.n == 0)
		return true;
	*secret = (struct str){path.p + 1, path.n - 1};
	return path.p[0] == '/' && memchr(secret->p, '/', secret->n) == NULL;
}

enum shown { SHOWN_NONE, SHOWN_RIGHT, SHOWN_WRONG };

/* Digests are compared, in constant time: neither bytes nor length can be guessed from
 * how long it takes. */
static bool is_secret(struct str shown, const char *secret)
{
	unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];

	if (secret == NULL)
		return false;
	SHA256((const unsigned char *)shown.p, shown.n, a);
	SHA256((const unsigned char *)secret, strlen(secret), b);
	return CRYPTO_memcmp(a, b, sizeof a) == 0;
}

static enum shown look(enum shown before, struct str shown, const char *secret)
{
	return before != SHOWN_WRONG && is_secret(shown, secret) ? SHOWN_RIGHT
								 : SHOWN_WRONG;
}

static enum shown secret_shown(const struct request_head *h, struct str path_secret,
			       const char *secret)
{
	enum shown shown = SHOWN_NONE;

	if (path_secret.p != NULL)
		shown = look(shown, path_secret, secret);
	for (unsigned i = 0; i < h->n_fields; i++)
		if (str_ieq(h->fields[i].name, STR(INGEST_SECRET_HEADER)))
			shown = look(shown, h->fields[i].value, secret);
	return shown;
}

static void explain(char detail[INGEST_ACCESS_DETAIL], const struct settings *s,
		    const struct net_ip *client)
{
	char text[NET_ADDR_TEXT_MAX];
	bool listable = client->family != 0 && !net_ip_is_loopback(client);

	net_ip_text(client, text);
	snprintf(detail, INGEST_ACCESS_DETAIL,
		 "%s as the header " INGEST_SECRET_HEADER
		 " or as /api/usage-log/{secret}%s%s%s; "
		 "only direct callers on the same machine need neither",
		 s->ingest_secret ? "send the secret of usage.ingest.secret"
				  : "set usage.ingest.secret and send it",
		 listable ? ", or list " : "", listable ? text : "",
		 listable ? " in usage.ingest.allow" : "");
}

bool ingest_access(const struct request_head *h, const struct net_ip *peer,
		   struct str path_secret, const struct settings *s,
		   char detail[INGEST_ACCESS_DETAIL])
{
	struct net_ip client = client_addr_of(h, peer, s);

	switch (secret_shown(h, path_secret, s->ingest_secret)) {
	case SHOWN_RIGHT:
		return true;
	case SHOWN_WRONG:
		snprintf(
			detail, INGEST_ACCESS_DETAIL, "%s",
			s->ingest_secret
				? "the secret is not that of usage.ingest.secret"
				: "a secret was sent, but usage.ingest.secret is not set");
		return false;
	case SHOWN_NONE:
		break;
	}
	if (client_is_local(h, peer))
		return true;
	if (client.family != 0 && !net_ip_is_loopback(&client) &&
	    net_cidrs_contain(&s->ingest_allow, &client))
		return true;
	explain(detail, s, &client);
	return false;
}
