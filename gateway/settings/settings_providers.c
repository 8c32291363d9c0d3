/* Providers that browsers sign in at. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

#define SECRET_MAX 1024 /* bytes */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define EXAMPLE_PROVIDER                                                                 \
	"{\"name\": \"keycloak\", \"issuer\": \"https://idp.example/realms/main\", "     \
	"\"client_id\": \"tollgate\", \"client_secret\": \"${OIDC_CLIENT_SECRET}\"}"

/* RFC 6749 A.2: visible characters. */
static bool is_visible(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

void slot_set_client_secret(const struct settings_slot *slot,
			    const struct jsonc_node *node)
{
	struct settings_provider *p = slot->base;
	bool may_miss = slot->loader->options->allow_missing_secrets;
	struct settings_text t;
	size_t n;

	if (!slot_text(slot, node, TEXT_FILE | (may_miss ? TEXT_MAY_MISS : 0u), &t)) {
		settings_text_fini(&t);
		return;
	}
	n = strlen(t.text);
	if (n == 0)
		slot_error(
			slot, node,
			"is empty; write \"${OIDC_CLIENT_SECRET}\", and put the secret "
			"that the provider gave out into that variable");
	else if (n > SECRET_MAX || !is_visible(t.text))
		slot_error(slot, node,
			   "holds control characters, others than ASCII, or more than %d "
			   "bytes; copy it again from the provider",
			   SECRET_MAX);
	else
		p->client_secret = xstrdup(t.text);
	OPENSSL_cleanse(t.text, n);
	settings_text_fini(&t);
}

static bool holds(const struct settings_names *names, const char *text)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], text) == 0)
			return true;
	return false;
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Of Microsoft's, for accounts of any company: their tokens have other issuers, and
 * anybody in the world would be somebody here. */
static bool is_of_any_tenant(const char *issuer)
{
	static const char *const tenants[] = {"/common/", "/organizations/",
					      "/consumers/"};

	if (strncmp(issuer, "https://login.microsoftonline.com/", 34) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tenants); i++)
		if (strstr(issuer, tenants[i]) != NULL)
			return true;
	return false;
}

static const char *issuer_fault(const char *issuer)
{
	const char *why = settings_fetched_url_fault(issuer);

	if (why != NULL)
		return why;
	if (strchr(issuer, '?') != NULL)
		return "has a query; leave it out";
	if (ends_in(issuer, "/.well-known/openid-configuration"))
		return "is the discovery document; write what its \"issuer\" says";
	if (is_of_any_tenant(issuer))
		return "is for accounts of any company; write your tenant's: "
		       "https://login.microsoftonline.com/TENANT-ID/v2.0";
	return NULL;
}

static const char *name_fault(const char *name)
{
	size_t n = strlen(name);

	if (strspn(name, NAME_CHARS) != n)
		return "is made of small letters, digits and - only; write \"keycloak\", "
		       "for instance";
	return strcmp(name, "callback") == 0
		       ? "is where providers send browsers back to; choose another"
		       : NULL;
}

static const char *scopes_fault(const struct settings_names *scopes)
{
	for (size_t i = 0; i < scopes->n; i++)
		if (strpbrk(scopes->items[i], " \"\\") != NULL ||
		    !is_visible(scopes->items[i]))
			return "one of them has a blank or a quote in it; write each as "
			       "an element of its own: [\"openid\", \"profile\"]";
	return holds(scopes, "openid")
		       ? NULL
		       : "\"openid\" is missing; add it: without it there "
			 "is no ID token";
}

static void check_others(struct settings_loader *l, const struct jsonc_node *node,
			 const struct settings_sign_in *all, size_t at)
{
	const struct settings_provider *p = &all->providers[at];

	for (size_t j = 0; j < at; j++) {
		const struct settings_provider *other = &all->providers[j];

		if (other->name != NULL && strcmp(other->name, p->name) == 0)
			settings_item_error(l, node, "name",
					    "is there already; choose another");
		if (other->issuer != NULL && strcmp(other->issuer, p->issuer) == 0)
			settings_item_error(l, node, "issuer",
					    "is there already; remove one");
	}
}

static void check_provider(struct settings_loader *l, const struct jsonc_node *node,
			   const struct settings_sign_in *all, size_t at)
{
	struct settings_provider *p = &all->providers[at];
	const struct {
		const char *key, *why;
	} faults[] = {{"name", name_fault(p->name)},
		      {"issuer", issuer_fault(p->issuer)},
		      {"scopes", scopes_fault(&p->scopes)}};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].why != NULL)
			settings_item_error(l, node, faults[i].key, faults[i].why);
	check_others(l, node, all, at);
	if (p->label == NULL)
		p->label = xstrdup(p->name);
}

void slot_set_providers(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_sign_in *to = &((struct settings *)slot->base)->sign_in;
	struct settings_loader *l = slot->loader;

	if (!slot_fits(slot, node, SETTINGS_ISSUERS_MAX))
		return;
	to->providers = xcalloc(node->n + 1, sizeof *to->providers);
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
		size_t at = to->n_providers++, outer = slot_enter(slot, at);

		if (settings_read_item(l, c, IN_PROVIDER, &to->providers[at],
				       EXAMPLE_PROVIDER))
			check_provider(l, c, to, at);
		l->where[outer] = '\0';
	}
}

void settings_check_providers(struct settings_loader *l, const struct jsonc_node *root,
			      const struct settings *s)
{
	const struct jsonc_node *group = jsonc_get(root, "sign_in");

	if (s->sign_in.n_providers > 0 && s->public_url == NULL)
		faults_error(
			&l->faults, jsonc_get(group, "providers")->pos,
			"sign_in.providers: need manager.public_url, where providers "
			"send browsers back to; add \"manager\": {\"public_url\": "
			"\"https://tollgate.example\"}");
}

void settings_providers_fini(struct settings_sign_in *s)
{
	for (size_t i = 0; i < s->n_providers; i++) {
		struct settings_provider *p = &s->providers[i];

		if (p->client_secret != NULL)
			OPENSSL_cleanse(p->client_secret, strlen(p->client_secret));
		free(p->name);
		free(p->label);
		free(p->issuer);
		free(p->client_id);
		free(p->client_secret);
		settings_names_fini(&p->scopes);
		free(p->ca_file);
	}
	free(s->providers);
}
