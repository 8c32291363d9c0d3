/* The life of a configuration: references, and wiping at its end. */
#include "gateway/settings/settings.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

struct settings *settings_ref(struct settings *s)
{
	unsigned before = __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);

	CHECK(before != 0);
	return s;
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->n_routes; i++)
		settings_route_fini(&s->routes[i]);
	free(s->routes);
	if (s->database != NULL)
		OPENSSL_cleanse(s->database, strlen(s->database));
	free(s->database);
	free(s->file);
	free(s->env);
	free(s->node);
	free(s->state_dir);
	free(s->journal.directory);
	free(s->listen.items);
	free(s->manager_listen.items);
	free(s->public_url);
	settings_names_fini(&s->manager_hosts);
	settings_names_fini(&s->manager_cors);
	settings_sign_in_fini(&s->sign_in);
	free(s->tls_listen.items);
	free(s->unix_group);
	free(s->tls_certificate);
	free(s->tls_key);
	free(s->trusted_proxies.items);
	free(s->ingest_allow.items);
	if (s->ingest_secret != NULL)
		OPENSSL_cleanse(s->ingest_secret, strlen(s->ingest_secret));
	free(s->ingest_secret);
}

void settings_unref(struct settings **s)
{
	struct settings *old = *s;
	unsigned before;

	*s = NULL;
	if (old == NULL)
		return;
	before = __atomic_fetch_sub(&old->refs, 1, __ATOMIC_ACQ_REL);
	CHECK(before != 0);
	if (before != 1)
		return;
	settings_fini(old);
	free(old);
}
