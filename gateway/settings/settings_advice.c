/* What messages advise to write: values that pass when they are copied into the file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings_priv.h"
#include "gateway/settings/suspicion.h"

#define ADVICE_MAX 1024 /* bytes of a value that is advised */
#define SHOWN_MAX 128   /* bytes of a text of the file that goes into it */

/* --- numbers and switches --- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit *units_of(const char *unit, size_t *n)
{
	static const struct unit seconds[] = {{"s", 1},    {"sec", 1},  {"ms", 0.001},
					      {"m", 60},   {"min", 60}, {"h", 3600},
					      {"d", 86400}};
	static const struct unit milliseconds[] = {{"ms", 1}, {"s", 1000}};
	static const struct unit days[] = {{"d", 1}, {"w", 7}, {"y", 365}};
	static const struct unit bytes[] = {
		{"b", 1},        {"k", 1024},     {"kb", 1024},     {"kib", 1024},
		{"m", 1 << 20},  {"mb", 1 << 20}, {"mib", 1 << 20}, {"g", 1 << 30},
		{"gb", 1 << 30}, {"gib", 1 << 30}};
	static const struct {
		const char *name;
		const struct unit *units;
		size_t n;
	} all[] = {{"seconds", seconds, ARRAY_LEN(seconds)},
		   {"milliseconds", milliseconds, ARRAY_LEN(milliseconds)},
		   {"days", days, ARRAY_LEN(days)},
		   {"bytes", bytes, ARRAY_LEN(bytes)}};

	*n = 0;
	for (size_t i = 0; unit != NULL && i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].name, unit) == 0) {
			*n = all[i].n;
			return all[i].units;
		}
	return NULL;
}

static double unit_factor(const char *unit, const char *text)
{
	size_t n;
	const struct unit *units = units_of(unit, &n);

	text += strspn(text, " ");
	if (*text == '\0')
		return 1;
	for (size_t i = 0; i < n; i++)
		if (str_ieq(str_of(units[i].name), str_of(text)))
			return units[i].factor;
	return 0;
}

/* "10s" where seconds are wanted is 10. False: not to be guessed, or out of range. */
static bool number_meant(const struct settings_key *k, const char *text, double *out)
{
	double scale = k->type == KEY_SECONDS ? 1000 : k->type == KEY_PRICE ? 1e6 : 1, v;
	char *end;

	if (strspn(text, "0123456789.") == 0)
		return false;
	v = strtod(text, &end) * unit_factor(k->unit, end);
	if (!(v * scale >= (double)k->min && v * scale <= (double)k->max) ||
	    floor(v * scale) != v * scale)
		return false;
	*out = v;
	return true;
}

static void advise_number(struct sbuf *out, const struct settings_key *k,
			  const struct jsonc_node *node)
{
	double v;

	if (node->type == JSONC_STRING && number_meant(k, node->text, &v))
		sbuf_printf(out, "%.16g", v);
	else
		sbuf_str(out, str_of(k->fallback));
}

static void advise_bool(struct sbuf *out, const struct jsonc_node *node)
{
	static const char *const yes[] = {"true", "yes", "on", "1", "enabled", "y", "t"};
	bool is_text = node->type == JSONC_STRING || node->type == JSONC_NUMBER;
	bool on = false;

	for (size_t i = 0; is_text && i < ARRAY_LEN(yes); i++)
		on |= str_ieq(str_of(yes[i]), str_of(node->text));
	sbuf_str(out, on ? STR("true") : STR("false"));
}

/* --- texts --- */

static void put_quoted(struct sbuf *out, const char *text)
{
	sbuf_lit(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			sbuf_lit(out, "\\");
		sbuf_add(out, text, 1);
	}
	sbuf_lit(out, "\"");
}

static const char *example_of(const struct settings_key *k)
{
	CHECK(k->example != NULL);
	return k->example;
}

uint16_t slot_example_port(const struct settings_slot *slot)
{
	const char *colon = strrchr(example_of(slot->key), ':');
	uint64_t port = 0;

	CHECK(colon != NULL && str_to_u64(str_of(colon + 1), &port));
	return (uint16_t)port;
}

/* An address as a number, or as {"host": ..., "port": ...}. */
static void advise_listener(struct sbuf *out, const struct settings_slot *slot,
			    const struct jsonc_node *node)
{
	const struct jsonc_node *host = jsonc_get(node, "host"),
				*port = jsonc_get(node, "port");
	char text[2 * SHOWN_MAX] = "", advice[NET_LISTEN_TEXT_MAX];

	if (node->type == JSONC_NUMBER)
		snprintf(text, sizeof text, "%s", node->text);
	else if (host != NULL && host->type == JSONC_STRING && port != NULL &&
		 port->type == JSONC_NUMBER)
		snprintf(text, sizeof text, "%.128s:%.16s", host->text, port->text);
	net_listen_suggest(advice, text, slot_example_port(slot));
	put_quoted(out, advice);
}

static void advise_upstream(struct sbuf *out, const struct settings_key *k,
			    const struct jsonc_node *node)
{
	uint64_t port;

	if (node->type == JSONC_NUMBER && str_to_u64(str_of(node->text), &port) &&
	    port != 0 && port <= UINT16_MAX)
		sbuf_printf(out, "\"http://127.0.0.1:%u\"", (unsigned)port);
	else
		put_quoted(out, example_of(k));
}

/* Whether "5" or "true" would do where 5 or true stands. */
static bool fits_in_quotes(const struct settings_key *k, const struct jsonc_node *node)
{
	bool is_text = k->type == KEY_DIRECTORY || k->type == KEY_REQUEST_HEADERS ||
		       k->type == KEY_RESPONSE_HEADERS;

	if (node->type == JSONC_NUMBER)
		return is_text || (k->type == KEY_NAME && settings_is_name(node->text));
	return node->type == JSONC_BOOL && (is_text || k->type == KEY_NAME);
}

/* One value, or one element of a list. */
static void advise_one(struct sbuf *out, const struct settings_slot *slot,
		       const struct jsonc_node *node)
{
	const struct settings_key *k = slot->key;

	if (k->type == KEY_LISTENERS)
		advise_listener(out, slot, node);
	else if (k->type == KEY_UPSTREAM)
		advise_upstream(out, k, node);
	else if (fits_in_quotes(k, node))
		put_quoted(out, node->type == JSONC_NUMBER ? node->text
				: node->boolean            ? "true"
							   : "false");
	else
		put_quoted(out, example_of(k));
}

static void advise_list(struct sbuf *out, const struct settings_slot *slot,
			const struct jsonc_node *node)
{
	sbuf_lit(out, "[");
	if (node->type == JSONC_STRING && strlen(node->text) < SHOWN_MAX &&
	    (slot->key->type != KEY_METHODS ||
	     http_method_of(str_of(node->text)) != HTTP_OTHER))
		put_quoted(out, node->text);
	else
		put_quoted(out, example_of(slot->key));
	sbuf_lit(out, "]");
}

static void advise(struct sbuf *out, const struct settings_slot *slot,
		   const struct jsonc_node *node, enum jsonc_type wanted)
{
	const struct settings_key *k = slot->key;
	char name[SUSPICION_NAME_MAX];

	if (node->type == JSONC_STRING && suspicion_is_reference(node->text, name))
		sbuf_printf(out, "\"${%s}\"", name);
	else if (wanted == JSONC_NUMBER)
		advise_number(out, k, node);
	else if (wanted == JSONC_BOOL)
		advise_bool(out, node);
	else if (k->type == KEY_ROUTES)
		sbuf_lit(out, "[" EXAMPLE_ROUTE "]");
	else if (k->type == KEY_ISSUERS || k->type == KEY_PROVIDERS ||
		 k->type == KEY_RULES)
		sbuf_lit(out, "[]");
	else if (k->type == KEY_ENVS)
		sbuf_lit(out, "{\"dev\": {}}");
	else if (wanted == JSONC_ARRAY)
		advise_list(out, slot, node);
	else if (wanted == JSONC_OBJECT)
		sbuf_lit(out, "{\"X-Name\": \"value\"}");
	else
		advise_one(out, slot, node);
}

void slot_type_error(const struct settings_slot *slot, const struct jsonc_node *node,
		     enum jsonc_type wanted, const char *must_be)
{
	bool may_go = node->type == JSONC_NULL && slot->item == NULL &&
		      (slot->key->flags & KEY_REQUIRED) == 0;
	struct sbuf advice;

	sbuf_init(&advice, ADVICE_MAX);
	advise(&advice, slot, node, wanted);
	slot_error(slot, node, "must be %s, is %s; %swrite " STR_FMT, must_be,
		   jsonc_type_name(node->type), may_go ? "leave it out, or " : "",
		   STR_ARG(sbuf_view(&advice)));
	sbuf_fini(&advice);
}

void slot_missing_error(const struct settings_slot *slot, const struct jsonc_node *object)
{
	const struct settings_key *k = slot->key;
	struct settings_loader *l = slot->loader;
	bool is_routes = k->type == KEY_ROUTES;

	faults_error(&l->faults, object->pos, "%s%s: is missing; add \"%s\": %s%s%s (%s)",
		     l->where, k->name, k->name, is_routes ? "[" : "\"",
		     is_routes ? EXAMPLE_ROUTE : example_of(k), is_routes ? "]" : "\"",
		     k->doc);
}

bool slot_expect(const struct settings_slot *slot, const struct jsonc_node *node,
		 enum jsonc_type type)
{
	if (node->type == type)
		return true;
	slot_type_error(slot, node, type, jsonc_type_name(type));
	return false;
}

/* --- defaults for variables --- */

/* before: what stands in front of the variable. */
static const char *part_example(const struct settings_key *k, struct str before,
				const char *after)
{
	char last = before.n != 0 ? before.p[before.n - 1] : '\0';
	bool is_url = k->type == KEY_UPSTREAM || k->type == KEY_ORIGINS ||
		      k->type == KEY_OWN_ORIGIN || k->type == KEY_KEYS_URL;

	if (k->type == KEY_LISTENERS)
		return last == ':' ? strrchr(example_of(k), ':') + 1 : "127.0.0.1";
	if (k->type == KEY_CIDRS)
		return last == '/' ? "8" : "10.0.0.0";
	if (k->type == KEY_DATABASE && last == ':')
		return strchr(after, '@') != NULL ? "password" : "5432";
	if (is_url && last == ':')
		return "8080";
	if (is_url && before.n == 0)
		return "https";
	return "default";
}

const char *slot_default_example(const struct settings_slot *slot, struct str before,
				 const char *after)
{
	const struct settings_key *k = slot->key;

	if (k->type == KEY_FILE || k->type == KEY_PRIVATE_KEY ||
	    k->type == KEY_KEYS_FILE || k->type == KEY_CLIENT_SECRET)
		return NULL; /* no file is sure to be there, and no secret right */
	if (k->type == KEY_DIRECTORY || k->type == KEY_SECRET)
		return ""; /* none */
	if (k->type == KEY_REQUEST_HEADERS || k->type == KEY_RESPONSE_HEADERS)
		return "default";
	if (before.n != 0 || *after != '\0')
		return part_example(k, before, after);
	return k->example != NULL ? k->example : k->fallback;
}
