/* Values of the configuration that are arrays: listeners, networks, methods, headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings_priv.h"

static bool list_fits(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (!slot_expect(slot, node, JSONC_ARRAY))
		return false;
	if (node->n <= SETTINGS_LIST_MAX)
		return true;
	slot_error(slot, node, "has more than %d elements; leave some out",
		   SETTINGS_LIST_MAX);
	return false;
}

static void add_listener(const struct settings_slot *slot, const struct jsonc_node *item)
{
	struct settings_listeners *to =
		settings_key_field(slot->key, slot->place, slot->base);
	struct settings_text t;
	struct net_listen l;
	const char *why;
	char advice[NET_LISTEN_TEXT_MAX];

	if (item->type != JSONC_STRING) {
		slot_type_error(slot, item, JSONC_STRING, "an address");
		return;
	}
	if (!slot_text(slot, item, 0, &t))
		return;
	if (!net_parse_listen(&l, t.text, &why)) {
		net_listen_suggest(advice, slot_shown(item, &t), slot_example_port(slot));
		slot_error(slot, item, "\"%.128s\": %s; write \"%s\"",
			   slot_shown(item, &t), why, advice);
	} else {
		for (size_t i = 0; i < to->n; i++)
			if (strcmp(to->items[i].text, l.text) == 0 &&
			    !net_listen_is_any_port(&l))
				slot_error(slot, item, "%s is listed twice; remove one",
					   l.text);
		to->items = xrealloc(to->items, (to->n + 1) * sizeof *to->items);
		to->items[to->n++] = l;
	}
	settings_text_fini(&t);
}

void slot_set_listeners(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (node->type == JSONC_STRING) {
		add_listener(slot, node);
		return;
	}
	if (node->type != JSONC_ARRAY) {
		slot_type_error(slot, node, JSONC_STRING,
				"an address or an array of addresses");
		return;
	}
	if (!list_fits(slot, node))
		return;
	if (node->n == 0)
		slot_error(slot, node, "is empty; write [\"%s\"]", slot->key->example);
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_listener(slot, c);
}

/* What a list of networks should not hold, by what the list is for. */
static void warn_of_cidr(const struct settings_slot *slot, const struct jsonc_node *item,
			 const char *text, const struct net_cidr *c)
{
	bool proxies = strcmp(slot->key->name, "trusted_proxies") == 0;

	if (c->bits == 0)
		slot_warn(
			slot, item, "%.60s %s", text,
			proxies ? "trusts every peer to name the client's address; list "
				  "your proxies only"
				: "lets everyone in; list your callers only, or set "
				  "usage.ingest.secret");
	else if (!proxies && net_ip_is_loopback(&c->ip))
		slot_warn(
			slot, item,
			"%.60s has no effect: callers on this machine are let in anyway, "
			"unless they come through a proxy; leave it out",
			text);
}

static void add_cidr(const struct settings_slot *slot, const struct jsonc_node *item)
{
	struct net_cidrs *to = settings_key_field(slot->key, slot->place, slot->base);
	struct settings_text t;
	struct net_cidr c;
	const char *why;

	if (!slot_text(slot, item, 0, &t))
		return;
	if (!net_parse_cidr(&c, str_of(t.text), &why)) {
		slot_error(slot, item,
			   "\"%.60s\": %s; write 10.0.0.0/8 or a single address",
			   slot_shown(item, &t), why);
	} else {
		to->items = xrealloc(to->items, (to->n + 1) * sizeof *to->items);
		to->items[to->n++] = c;
		warn_of_cidr(slot, item, slot_shown(item, &t), &c);
	}
	settings_text_fini(&t);
}

void slot_set_cidrs(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (!list_fits(slot, node))
		return;
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_cidr(slot, c);
}

static void method_error(const struct settings_slot *slot, const struct jsonc_node *item,
			 const struct settings_text *t)
{
	const char *names[HTTP_METHOD_COUNT], *near;
	char upper[16];

	for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
		names[i] = http_method_name((enum http_method)i);
	snprintf(upper, sizeof upper, "%s", t->text);
	for (char *p = upper; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
	near = settings_nearest(upper, names, HTTP_METHOD_COUNT);
	if (near == NULL)
		slot_error(slot, item,
			   "\"%.20s\" is none of GET HEAD POST PUT PATCH DELETE OPTIONS; "
			   "name one of these, or leave methods out for all",
			   slot_shown(item, t));
	else
		slot_error(
			slot, item,
			"\"%.20s\" is none of GET HEAD POST PUT PATCH DELETE OPTIONS; did "
			"you mean %s?",
			slot_shown(item, t), near);
}

static void add_method(const struct settings_slot *slot, const struct jsonc_node *item)
{
	uint32_t *mask = settings_key_field(slot->key, slot->place, slot->base), bit;
	struct settings_text t;
	enum http_method m;

	if (!slot_text(slot, item, 0, &t))
		return;
	m = http_method_of(str_of(t.text));
	bit = m == HTTP_OTHER ? 0 : HTTP_METHOD_BIT(m);
	if (m == HTTP_OTHER)
		method_error(slot, item, &t);
	else if ((*mask & bit) != 0)
		slot_error(slot, item, "%s is listed twice; remove one", t.text);
	*mask |= bit;
	settings_text_fini(&t);
}

void slot_set_methods(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (!list_fits(slot, node))
		return;
	if (node->n == 0)
		slot_error(slot, node,
			   "is empty, so nothing could reach this route; list methods, "
			   "or leave the key out for all");
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_method(slot, c);
}

/* --- credentials --- */

static const char *const credential_names[] = {SETTINGS_CREDENTIAL_NAMES};

#define CREDENTIAL_NAMES "Authorization, Cookie, Proxy-Authorization, X-Goog-Api-Key"

static uint64_t credential_bit(const char *name)
{
	return HTTP_H_BIT(http_field_id(str_of(name))) & SETTINGS_CREDENTIALS;
}

static void credential_error(const struct settings_slot *slot,
			     const struct jsonc_node *item, const struct settings_text *t)
{
	const char *shown = slot_shown(item, t), *near;

	near = settings_nearest(t->text, credential_names, ARRAY_LEN(credential_names));
	if (str_ieq(str_of(t->text), STR("x-api-key")))
		slot_error(slot, item,
			   "\"%.40s\" holds the caller's key, which is never sent on; "
			   "remove it",
			   shown);
	else if (near != NULL)
		slot_error(slot, item,
			   "\"%.40s\" is none of " CREDENTIAL_NAMES "; did you mean %s?",
			   shown, near);
	else
		slot_error(slot, item,
			   "\"%.40s\" is none of " CREDENTIAL_NAMES
			   "; remove it: other headers are sent on anyway",
			   shown);
}

static void add_credential(const struct settings_slot *slot,
			   const struct jsonc_node *item)
{
	uint64_t *mask = settings_key_field(slot->key, slot->place, slot->base), bit;
	struct settings_text t;

	if (!slot_text(slot, item, 0, &t))
		return;
	bit = credential_bit(t.text);
	if (bit == 0)
		credential_error(slot, item, &t);
	else if ((*mask & bit) != 0)
		slot_error(slot, item, "%s is listed twice; remove one", t.text);
	*mask |= bit;
	settings_text_fini(&t);
}

void slot_set_credentials(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (node->type == JSONC_STRING && credential_bit(node->text) != 0) {
		slot_error(slot, node, "must be an array, is a string; write [\"%s\"]",
			   node->text);
		return;
	}
	if (node->type != JSONC_ARRAY) {
		slot_set_scalar(slot, node);
		return;
	}
	*(uint64_t *)settings_key_field(slot->key, slot->place, slot->base) = 0;
	if (node->n == 0)
		slot_error(slot, node, "is empty; write false, or list headers");
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_credential(slot, c);
}
