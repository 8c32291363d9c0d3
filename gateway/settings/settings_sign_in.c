/* The names that the manager is called by, and whose word it takes for who one is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

#define TEXT_MAX 255 /* bytes */
#define URL_MAX 2048
#define EXAMPLE_ISSUER                                                                   \
	"{\"issuer\": \"https://clerk.example.com\", \"kind\": \"clerk\", \"parties\": " \
	"[\"https://app.example\"]}"
#define EXAMPLE_RULE                                                                     \
	"{\"issuer\": \"https://clerk.example.com\", \"claim\": \"groups\", \"value\": " \
	"\"gateway-team\", \"team\": \"search\", \"role\": \"viewer\"}"

static void *field(const struct settings_slot *slot)
{
	return settings_key_field(slot->key, slot->place, slot->base);
}

/* --- texts --- */

static bool has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static const char *host_fault(const char *s)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	struct net_ip ip;
	size_t n = strlen(s);

	if (net_ip_parse(&ip, str_of(s)))
		return NULL;
	if (strstr(s, "://") != NULL || strchr(s, '/') != NULL)
		return "is more than a name; leave scheme and path out";
	if (strchr(s, ':') != NULL)
		return "has a port; leave it out: a name holds with any port";
	if (n == 0 || n > TEXT_MAX || strspn(s, plain) != n || s[n - 1] == '.')
		return "is no host name; write tollgate.internal, for instance";
	return NULL;
}

/* To literal loopback addresses keys may come in clear: nobody is in between. */
const char *settings_fetched_url_fault(const char *s)
{
	static const char *const starts[] = {"https://",
					     "http://127.0.0.1:", "http://127.0.0.1/",
					     "http://[::1]:", "http://[::1]/"};
	size_t host;

	if (strlen(s) > URL_MAX || has_control(s) || strpbrk(s, " \"<>\\^`{|}#") != NULL)
		return "is no URL; write https://idp.example/jwks.json";
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		if (strncmp(s, starts[i], strlen(starts[i])) != 0)
			continue;
		s = strstr(s, "://") + 3;
		host = strcspn(s, "/?");
		if (memchr(s, '@', host) != NULL)
			return "has a user or a password in it; remove them";
		return host > 0 ? NULL
				: "has no host; write https://idp.example/jwks.json";
	}
	return "must be https://, or http:// to 127.0.0.1 or [::1]; write https://";
}

static const char *text_fault(enum settings_key_type type, const char *s)
{
	if (type == KEY_HOSTS)
		return host_fault(s);
	if (type == KEY_KEYS_URL)
		return settings_fetched_url_fault(s);
	if (*s == '\0')
		return "is empty; fill it in";
	if (strlen(s) > TEXT_MAX)
		return "is longer than 255 bytes; shorten it";
	return has_control(s) ? "holds a control character; remove it" : NULL;
}

/* The checked text, which the caller owns; NULL: reported. */
static char *plain_text(const struct settings_slot *slot, const struct jsonc_node *node,
			const char *(*fault)(enum settings_key_type type, const char *s))
{
	struct settings_text t;
	const char *why;
	char *text = NULL;

	if (!slot_text(slot, node, 0, &t))
		return NULL;
	why = fault(slot->key->type, t.text);
	if (why != NULL) {
		slot_error(slot, node, "\"%.60s\" %s", slot_shown(node, &t), why);
	} else {
		text = t.text;
		t.text = NULL;
	}
	settings_text_fini(&t);
	return text;
}

static void set_text(const struct settings_slot *slot, const struct jsonc_node *node,
		     const char *(*fault)(enum settings_key_type type, const char *s))
{
	char *text = plain_text(slot, node, fault), **to = field(slot);

	if (text == NULL)
		return;
	free(*to);
	*to = text;
}

void slot_set_plain(const struct settings_slot *slot, const struct jsonc_node *node)
{
	set_text(slot, node, text_fault);
}

static const char *own_origin_fault(enum settings_key_type type, const char *s)
{
	const char *why = settings_origin_fault(s);

	(void)type;
	if (why == NULL && strncmp(s, "https://", 8) != 0 &&
	    strncmp(s, "http://", 7) != 0)
		return "is neither http:// nor https://; write https://tollgate.example";
	return why;
}

void slot_set_own_origin(const struct settings_slot *slot, const struct jsonc_node *node)
{
	set_text(slot, node, own_origin_fault);
}

bool slot_fits(const struct settings_slot *slot, const struct jsonc_node *node,
	       size_t most)
{
	if (!slot_expect(slot, node, JSONC_ARRAY))
		return false;
	if (node->n > most)
		slot_error(slot, node, "has more than %zu elements; leave some out",
			   most);
	return node->n <= most;
}

void slot_set_plain_list(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_names *to = field(slot);

	if (!slot_fits(slot, node, SETTINGS_LIST_MAX))
		return;
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
		char *text = plain_text(slot, c, text_fault);

		if (text == NULL)
			continue;
		to->items = xrealloc(to->items, (to->n + 1) * sizeof *to->items);
		to->items[to->n++] = text;
	}
}

/* --- words --- */

struct word {
	const char *text;
	unsigned value;
};

static const struct word kinds[] = {{"oidc", ISSUER_OIDC}, {"clerk", ISSUER_CLERK}};
static const struct word client_auths[] = {{"client_secret_basic", CLIENT_AUTH_BASIC},
					   {"client_secret_post", CLIENT_AUTH_POST}};
static const struct word roles[] = {
	{"viewer", ROLE_VIEWER}, {"manager", ROLE_MANAGER}, {"admin", ROLE_ADMIN}};
static const struct word algorithms[] = {{"RS256", SETTINGS_RS256},
					 {"ES256", SETTINGS_ES256}};

/* 0: reported. */
static unsigned read_word(const struct settings_slot *slot, const struct jsonc_node *node,
			  const struct word *words, size_t n)
{
	struct settings_text t;
	unsigned value = 0;
	char list[64] = "";

	if (!slot_text(slot, node, 0, &t))
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(list);

		snprintf(list + at, sizeof list - at, "%s\"%s\"", i ? " or " : "",
			 words[i].text);
		if (strcmp(t.text, words[i].text) == 0)
			value = words[i].value;
	}
	if (value == 0)
		slot_error(slot, node, "must be %s; write \"%s\"", list, words[0].text);
	settings_text_fini(&t);
	return value;
}

/* A role that is everybody's can only be the least. */
static size_t n_roles(const struct settings_slot *slot)
{
	return slot->place == AT_TOP ? 1 : ARRAY_LEN(roles);
}

void slot_set_word(const struct settings_slot *slot, const struct jsonc_node *node)
{
	void *to = field(slot);

	if (slot->key->type == KEY_ISSUER_KIND)
		*(enum settings_issuer_kind *)to = (enum settings_issuer_kind)read_word(
			slot, node, kinds, ARRAY_LEN(kinds));
	else if (slot->key->type == KEY_CLIENT_AUTH)
		*(enum settings_client_auth *)to = (enum settings_client_auth)read_word(
			slot, node, client_auths, ARRAY_LEN(client_auths));
	else
		*(enum settings_role *)to =
			(enum settings_role)read_word(slot, node, roles, n_roles(slot));
}

void slot_set_algorithms(const struct settings_slot *slot, const struct jsonc_node *node)
{
	uint32_t *mask = field(slot);

	if (!slot_fits(slot, node, ARRAY_LEN(algorithms)))
		return;
	if (node->n == 0)
		slot_error(slot, node, "is empty; write [\"RS256\"]");
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		*mask |= read_word(slot, c, algorithms, ARRAY_LEN(algorithms));
}

/* --- issuers and rules --- */

void settings_item_error(struct settings_loader *l, const struct jsonc_node *item,
			 const char *key, const char *text)
{
	const struct jsonc_node *at = jsonc_get(item, key);

	faults_error(&l->faults, (at != NULL ? at : item)->pos, "%s%s: %s", l->where, key,
		     text);
}

static void check_keys(struct settings_loader *l, const struct jsonc_node *node,
		       const struct settings_issuer *i)
{
	if (i->jwks_url != NULL && i->jwks_file != NULL)
		settings_item_error(l, node, "jwks_file",
				    "jwks_url is there too; remove one");
	if (i->jwks_url == NULL && i->jwks_file == NULL)
		settings_item_error(
			l, node, "jwks_url",
			"is missing; add it (the provider's "
			"/.well-known/openid-configuration names it), or jwks_file");
	if (i->ca_file != NULL && i->jwks_file != NULL)
		settings_item_error(l, node, "ca_file",
				    "has no effect on jwks_file; remove it");
}

static void check_kind(struct settings_loader *l, const struct jsonc_node *node,
		       const struct settings_issuer *i)
{
	bool clerk = i->kind == ISSUER_CLERK;

	if (clerk && i->audiences.n > 0)
		settings_item_error(l, node, "audiences",
				    "session tokens of Clerk have none; remove it");
	if (clerk && i->parties.n == 0)
		settings_item_error(
			l, node, "parties",
			"is missing or empty; list the origins of the pages that sign "
			"in: [\"https://app.example\"]");
	if (!clerk && (i->parties.n > 0 || i->azp_optional))
		settings_item_error(l, node,
				    i->parties.n > 0 ? "parties" : "azp_optional",
				    "is for kind clerk; remove it");
	if (!clerk && i->audiences.n == 0)
		settings_item_error(
			l, node, "audiences",
			"is missing or empty; list what the tokens' aud says: "
			"[\"https://tollgate.example\"]");
}

/* Where Clerk has its keys. */
static void find_keys(struct settings_issuer *i)
{
	size_t n = strlen(i->issuer);

	if (i->kind != ISSUER_CLERK || i->jwks_url != NULL || i->jwks_file != NULL ||
	    settings_fetched_url_fault(i->issuer) != NULL)
		return;
	i->jwks_url = xasprintf("%s%s.well-known/jwks.json", i->issuer,
				i->issuer[n - 1] == '/' ? "" : "/");
}

static void check_issuer(struct settings_loader *l, const struct jsonc_node *node,
			 const struct settings_sign_in *all, size_t at)
{
	struct settings_issuer *i = &all->issuers[at];

	find_keys(i);
	check_kind(l, node, i);
	check_keys(l, node, i);
	for (size_t j = 0; j < at; j++)
		if (all->issuers[j].issuer != NULL &&
		    strcmp(all->issuers[j].issuer, i->issuer) == 0)
			settings_item_error(l, node, "issuer",
					    "is there already; remove one");
}

static void check_rule(struct settings_loader *l, const struct jsonc_node *node,
		       const struct settings_rule *r)
{
	if (r->role == ROLE_ADMIN && r->team != NULL)
		settings_item_error(
			l, node, "team",
			"an admin is one of all teams; remove it, or write another "
			"role");
	if (r->role != ROLE_ADMIN && r->team == NULL)
		settings_item_error(
			l, node, "team",
			"is missing; add the team's name (viewers of everything: "
			"sign_in.default_role)");
}

bool settings_read_item(struct settings_loader *l, const struct jsonc_node *node,
			enum settings_place place, void *base, const char *example)
{
	size_t errors = l->faults.errors;

	if (node->type != JSONC_OBJECT) {
		faults_error(&l->faults, node->pos,
			     "%.*s: must be an object, is %s; write %s",
			     (int)strlen(l->where) - 1, l->where,
			     jsonc_type_name(node->type), example);
		return false;
	}
	settings_check_names(l, node, place, false);
	settings_read_keys(l, node, place, base, NULL);
	return !l->dry && l->faults.errors == errors;
}

size_t slot_enter(const struct settings_slot *slot, size_t i)
{
	struct settings_loader *l = slot->loader;
	size_t n = strlen(l->where);

	snprintf(l->where + n, sizeof l->where - n, "%s[%zu].", slot->key->name, i);
	return n;
}

void slot_set_issuers(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_sign_in *to = &((struct settings *)slot->base)->sign_in;
	struct settings_loader *l = slot->loader;

	if (!slot_fits(slot, node, SETTINGS_ISSUERS_MAX))
		return;
	to->issuers = xcalloc(node->n + 1, sizeof *to->issuers);
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
		size_t at = to->n_issuers++, outer = slot_enter(slot, at);

		if (settings_read_item(l, c, IN_ISSUER, &to->issuers[at], EXAMPLE_ISSUER))
			check_issuer(l, c, to, at);
		l->where[outer] = '\0';
	}
}

void slot_set_rules(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_sign_in *to = &((struct settings *)slot->base)->sign_in;
	struct settings_loader *l = slot->loader;

	if (!slot_fits(slot, node, SETTINGS_LIST_MAX))
		return;
	to->rules = xcalloc(node->n + 1, sizeof *to->rules);
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
		size_t at = to->n_rules++, outer = slot_enter(slot, at);

		if (settings_read_item(l, c, IN_RULE, &to->rules[at], EXAMPLE_RULE))
			check_rule(l, c, &to->rules[at]);
		l->where[outer] = '\0';
	}
}

static bool is_issuer(const struct settings_sign_in *s, const char *issuer)
{
	for (size_t i = 0; i < s->n_issuers; i++)
		if (s->issuers[i].issuer != NULL &&
		    strcmp(s->issuers[i].issuer, issuer) == 0)
			return true;
	for (size_t i = 0; i < s->n_providers; i++)
		if (s->providers[i].issuer != NULL &&
		    strcmp(s->providers[i].issuer, issuer) == 0)
			return true;
	return false;
}

void settings_check_rules(struct settings_loader *l, const struct jsonc_node *root,
			  const struct settings *s)
{
	const struct jsonc_node *group = jsonc_get(root, "sign_in"), *node;
	const struct jsonc_node *list = jsonc_get(group, "rules");

	node = list != NULL && list->type == JSONC_ARRAY ? list->first : NULL;
	for (size_t i = 0; i < s->sign_in.n_rules && node != NULL; i++, node = node->next)
		if (s->sign_in.rules[i].issuer != NULL &&
		    !is_issuer(&s->sign_in, s->sign_in.rules[i].issuer))
			faults_error(
				&l->faults, jsonc_get(node, "issuer")->pos,
				"sign_in.rules[%zu].issuer: there is no such issuer in "
				"sign_in.issuers or sign_in.providers; add it, or remove "
				"the rule",
				i);
}

void settings_sign_in_fini(struct settings_sign_in *s)
{
	for (size_t i = 0; i < s->n_issuers; i++) {
		struct settings_issuer *p = &s->issuers[i];

		free(p->issuer);
		settings_names_fini(&p->audiences);
		settings_names_fini(&p->parties);
		free(p->jwks_url);
		free(p->jwks_file);
		free(p->ca_file);
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		free(s->rules[i].issuer);
		free(s->rules[i].claim);
		free(s->rules[i].value);
		free(s->rules[i].team);
	}
	settings_providers_fini(s);
	free(s->issuers);
	free(s->rules);
	*s = (struct settings_sign_in){0};
}
