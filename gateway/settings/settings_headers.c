/* Header maps of routes; lists of header names and of protocols. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings_priv.h"

#define HEADER_NAME_MAX 128
#define HEADER_VALUE_MAX 8192

/* What the gateway itself writes: framing, hop-by-hop fields, and for a request its Host,
 * which can be set but not left out. */
static const char *reserved_fault(enum http_field_id id, enum settings_key_type type)
{
	switch ((int)id) {
	case HTTP_H_CONTENT_LENGTH:
	case HTTP_H_TRANSFER_ENCODING:
	case HTTP_H_TRAILER:
		return "frames the body, which the gateway does itself; remove it";
	case HTTP_H_CONNECTION:
	case HTTP_H_KEEP_ALIVE:
	case HTTP_H_PROXY_CONNECTION:
	case HTTP_H_TE:
	case HTTP_H_UPGRADE:
		return "is hop-by-hop, which the gateway handles itself; remove it";
	case HTTP_H_EXPECT:
		return "is answered by the gateway itself; remove it";
	case HTTP_H_HOST:
		return type == KEY_HEADER_NAMES ? "is in every request; remove it here"
						: NULL;
	default:
		return NULL;
	}
}

static bool check_name(const struct settings_slot *slot, struct jsonc_pos pos,
		       const char *name, const char *shown)
{
	struct settings_loader *l = slot->loader;
	const char *why = NULL;

	if (!http_is_token(str_of(name)) || strlen(name) > HEADER_NAME_MAX)
		why = "is no header name; write letters, digits and -";
	else
		why = reserved_fault(http_field_id(str_of(name)), slot->key->type);
	if (why != NULL)
		faults_error(&l->faults, pos, "%s%s: \"%.60s\" %s", l->where,
			     slot->key->name, shown, why);
	return why == NULL;
}

/* The one header that is no secret wherever its value comes from. */
static bool is_host(const char *name)
{
	return http_field_id(str_of(name)) == HTTP_H_HOST;
}

static bool is_authority(const char *value)
{
	return *value != '\0' &&
	       value[strspn(
		       value,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] ==
		       '\0';
}

/* Never quotes the value. */
static bool check_value(const struct settings_slot *slot, const struct jsonc_node *node,
			const char *value)
{
	size_t n = strlen(value);
	const char *why = NULL;

	for (size_t i = 0; i < n && why == NULL; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			why = "holds a control character (line break, tab, ...); remove it";
	if (why == NULL && n != 0 && (value[0] == ' ' || value[n - 1] == ' '))
		why = "begins or ends with a space; remove it";
	if (why == NULL && is_host(node->key) && !is_authority(value))
		why = "is no host or host:port; correct it";
	if (why == NULL && n > HEADER_VALUE_MAX)
		why = "is longer than 8192 bytes; shorten it";
	if (why != NULL)
		slot_error(slot, node, "the value %s", why);
	return why == NULL;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && str_ieq((struct str){name + n - m, m}, (struct str){end, m});
}

static bool names_credential(const char *name)
{
	switch ((int)http_field_id(str_of(name))) {
	case HTTP_H_AUTHORIZATION:
	case HTTP_H_PROXY_AUTHORIZATION:
	case HTTP_H_COOKIE:
	case HTTP_H_X_API_KEY:
	case HTTP_H_X_GOOG_API_KEY:
		return true;
	default:
		return ends_with(name, "-key") || ends_with(name, "-token") ||
		       ends_with(name, "-secret") || ends_with(name, "-password");
	}
}

static void fini_header(struct settings_header *h)
{
	if (h->value != NULL)
		OPENSSL_cleanse(h->value, strlen(h->value));
	free(h->value);
	free(h->name);
	*h = (struct settings_header){0};
}

/* A name twice in other letters is one header twice. */
static bool is_twin(const struct settings_slot *slot, const struct jsonc_node *object,
		    const struct jsonc_node *node)
{
	for (const struct jsonc_node *m = object->first; m != node; m = m->next) {
		if (!str_ieq(str_of(m->key), str_of(node->key)))
			continue;
		faults_error(
			&slot->loader->faults, node->key_pos,
			"%s%s: %.60s is given twice, header names have no case; remove one",
			slot->loader->where, slot->key->name, node->key);
		return true;
	}
	return false;
}

static void add_header(const struct settings_slot *slot, const struct jsonc_node *node,
		       struct settings_headers *to)
{
	bool request = slot->key->type == KEY_REQUEST_HEADERS, credential;
	unsigned flags = TEXT_FILE;
	struct settings_text t;

	if (request && slot->loader->options->allow_missing_secrets)
		flags |= TEXT_MAY_MISS;
	if (!slot_text(slot, node, flags, &t)) {
		if (t.missing)
			((struct settings_route *)slot->base)->secret_missing = true;
		settings_text_fini(&t);
		return;
	}
	credential = names_credential(node->key);
	if (credential && !t.secret && t.text[0] != '\0')
		slot_warn(
			slot, node,
			"a credential in clear; write ${VARIABLE} or {\"file\": \"path\"}, so that this file can be shared");
	if (check_value(slot, node, t.text)) {
		to->items = xrealloc(to->items, (to->n + 1) * sizeof *to->items);
		to->items[to->n++] = (struct settings_header){
			xstrdup(node->key), t.text,
			(t.secret || credential) && !is_host(node->key)};
		t.text = NULL;
	}
	settings_text_fini(&t);
}

void slot_set_headers(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_headers *to =
		settings_key_field(slot->key, slot->place, slot->base);

	if (!slot_expect(slot, node, JSONC_OBJECT))
		return;
	if (node->n > SETTINGS_LIST_MAX) {
		slot_error(slot, node, "has more than %d headers; leave some out",
			   SETTINGS_LIST_MAX);
		return;
	}
	for (const struct jsonc_node *m = node->first; m != NULL; m = m->next) {
		struct settings_slot item = *slot;

		item.item = m->key;
		if (check_name(slot, m->key_pos, m->key, m->key) &&
		    !is_twin(slot, node, m))
			add_header(&item, m, to);
	}
}

static void set_names(const struct settings_slot *slot, const struct jsonc_node *node,
		      const char *what,
		      bool (*check)(const struct settings_slot *slot,
				    struct jsonc_pos pos, const char *name,
				    const char *shown))
{
	struct settings_names *to =
		settings_key_field(slot->key, slot->place, slot->base);

	if (!slot_expect(slot, node, JSONC_ARRAY))
		return;
	if (node->n > SETTINGS_LIST_MAX) {
		slot_error(slot, node, "has more than %d %s; leave some out",
			   SETTINGS_LIST_MAX, what);
		return;
	}
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
		struct settings_text t;

		if (!slot_text(slot, c, 0, &t))
			continue;
		if (check(slot, c->pos, t.text, slot_shown(c, &t))) {
			to->items = xrealloc(to->items, (to->n + 1) * sizeof *to->items);
			to->items[to->n++] = t.text;
			t.text = NULL;
		}
		settings_text_fini(&t);
	}
}

void slot_set_header_names(const struct settings_slot *slot,
			   const struct jsonc_node *node)
{
	set_names(slot, node, "headers", check_name);
}

/* protocol-name ["/" protocol-version] (RFC 9110 7.8). */
static const char *protocol_fault(struct str protocol)
{
	static const char *const again[] = {"h2", "h2c", "h3", "tls", "http"};
	const char *slash = memchr(protocol.p, '/', protocol.n);
	struct str name = protocol, version = STR("0");

	if (slash != NULL) {
		name.n = (size_t)(slash - protocol.p);
		version = (struct str){slash + 1, protocol.n - name.n - 1};
	}
	if (!http_is_token(name) || !http_is_token(version) ||
	    protocol.n > HEADER_NAME_MAX)
		return "is no protocol; write it as in Upgrade: websocket, for instance";
	for (size_t i = 0; i < ARRAY_LEN(again); i++)
		if (str_ieq(name, str_of(again[i])))
			return "is HTTP again, whose calls would pass without a key; remove it";
	return NULL;
}

static bool check_protocol(const struct settings_slot *slot, struct jsonc_pos pos,
			   const char *name, const char *shown)
{
	const char *why = protocol_fault(str_of(name));

	if (why != NULL)
		faults_error(&slot->loader->faults, pos, "%s%s: \"%.60s\" %s",
			     slot->loader->where, slot->key->name, shown, why);
	return why == NULL;
}

void slot_set_protocols(const struct settings_slot *slot, const struct jsonc_node *node)
{
	set_names(slot, node, "protocols", check_protocol);
}

void settings_headers_drop_secrets(struct settings_headers *headers)
{
	size_t kept = 0;

	for (size_t i = 0; i < headers->n; i++) {
		if (headers->items[i].secret)
			fini_header(&headers->items[i]);
		else
			headers->items[kept++] = headers->items[i];
	}
	headers->n = kept;
}

void settings_headers_fini(struct settings_headers *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		fini_header(&headers->items[i]);
	free(headers->items);
	*headers = (struct settings_headers){0};
}

void settings_names_fini(struct settings_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct settings_names){0};
}
