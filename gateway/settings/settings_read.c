/* Objects of the configuration, read as the key table says. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

#define DOTTED_MAX 256 /* bytes of "group.key" */

static void no_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)ctx;
	(void)pos;
	CHECK(text == NULL); /* defaults are well-formed */
}

static void set_fallback(const struct settings_slot *slot)
{
	struct jsonc_sink sink = {no_fault, NULL};
	struct jsonc_node *node = jsonc_parse(str_of(slot->key->fallback), &sink);

	slot_set(slot, node);
	jsonc_free(&node);
}

static size_t field_size(enum settings_key_type type)
{
	CHECK(type == KEY_U32 || type == KEY_U64 || type == KEY_SECONDS);
	return type == KEY_U64 ? sizeof(uint64_t) : sizeof(uint32_t);
}

static void inherit(const struct settings_slot *slot, const struct settings *top)
{
	const struct settings_key *k = slot->key;

	memcpy(settings_key_field(k, IN_ROUTE, slot->base), (const char *)top + k->top,
	       field_size(k->type));
}

static void set_absent(const struct settings_slot *slot, const struct jsonc_node *object,
		       const struct settings *top)
{
	const struct settings_key *k = slot->key;
	struct settings_loader *l = slot->loader;
	bool optional = k->type == KEY_DATABASE &&
			(l->options->database_optional || l->options->database != NULL);

	if (slot->place == IN_ROUTE && k->place == AT_BOTH)
		inherit(slot, top);
	else if (k->fallback != NULL)
		set_fallback(slot);
	else if ((k->flags & KEY_REQUIRED) != 0 && !optional)
		slot_missing_error(slot, object);
}

/* The value of "group.key", "group.group.key" or "key"; NULL too where the group is no
 * object, which settings_check_names reports. */
static const struct jsonc_node *find_value(const struct jsonc_node *object,
					   const char *dotted)
{
	char group[DOTTED_MAX];
	const char *dot;

	while ((dot = strchr(dotted, '.')) != NULL) {
		snprintf(group, sizeof group, "%.*s", (int)(dot - dotted), dotted);
		object = jsonc_get(object, group);
		dotted = dot + 1;
	}
	return jsonc_get(object, dotted);
}

/* Servers close idle connections after 5 to 75 seconds. */
static void warn_long_idle(const struct settings_slot *slot,
			   const struct jsonc_node *node)
{
	if (strcmp(slot->key->name, "pools.idle_s") == 0 &&
	    *(uint32_t *)settings_key_field(slot->key, slot->place, slot->base) > 60000)
		slot_warn(slot, node,
			  "many servers close idle connections sooner than this; keep it "
			  "below the upstream's own time");
}

void settings_read_keys(struct settings_loader *l, const struct jsonc_node *object,
			enum settings_place place, void *base, const struct settings *top)
{
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	for (size_t i = 0; i < n; i++) {
		struct settings_slot slot = {l, &keys[i], place, base, NULL};
		const struct jsonc_node *node;

		if ((keys[i].place & place) == 0)
			continue;
		node = find_value(object, keys[i].name);
		if (node == NULL) {
			if (!l->dry)
				set_absent(&slot, object, top);
			continue;
		}
		slot_set(&slot, node);
		warn_long_idle(&slot, node);
	}
}

/* --- names --- */

struct name_check {
	struct settings_loader *loader;
	enum settings_place place;
	bool overlay;
};

static void unknown_key(const struct name_check *c, const struct jsonc_node *node,
			const char *name)
{
	struct settings_faults *f = &c->loader->faults;
	const char *where = c->loader->where, *near;
	enum settings_place other = c->place == AT_TOP ? IN_ROUTE : AT_TOP;
	bool is_route = c->place == AT_TOP || c->place == IN_ROUTE;

	if (is_route &&
	    (settings_key_find(name, other) || settings_key_is_group(name, other))) {
		faults_error(f, node->key_pos,
			     c->place == AT_TOP
				     ? "%s%s: belongs inside a route; move it there"
				     : "%s%s: cannot be set per route; move it to the "
				       "top level",
			     where, name);
		return;
	}
	near = settings_key_suggest(name, c->place);
	if (near != NULL)
		faults_error(f, node->key_pos, "%s%s: unknown key; did you mean %s?",
			     where, name, near);
	else
		faults_error(f, node->key_pos,
			     "%s%s: unknown key; docs/configuration.md lists all keys",
			     where, name);
}

static void known_key(const struct name_check *c, const struct jsonc_node *node,
		      const struct settings_key *key)
{
	struct settings_loader *l = c->loader;

	if (!c->overlay)
		return;
	if (key->type == KEY_ENVS)
		faults_error(
			&l->faults, node->key_pos,
			"%s%s: an environment cannot hold environments; move it to the top level",
			l->where, key->name);
	else if ((key->flags & KEY_ENV) == 0)
		faults_warn(&l->faults, node->key_pos,
			    "%s%s: an environment should change addresses and secrets, "
			    "not behaviour; move it out of env",
			    l->where, key->name);
}

static void check_members(const struct name_check *c, const struct jsonc_node *object,
			  const char *group)
{
	for (const struct jsonc_node *m = object->first; m != NULL; m = m->next) {
		const struct settings_key *key;
		char name[DOTTED_MAX];

		snprintf(name, sizeof name, "%s%s%s", group, *group ? "." : "", m->key);
		key = settings_key_find(name, c->place);
		if (strchr(m->key, '.') != NULL)
			faults_error(
				&c->loader->faults, m->key_pos,
				"%s%s: unknown key; a dot does not nest, write { } inside { }",
				c->loader->where, name);
		else if (key != NULL)
			known_key(c, m, key);
		else if (!settings_key_is_group(name, c->place))
			unknown_key(c, m, name);
		else if (m->type != JSONC_OBJECT)
			faults_error(&c->loader->faults, m->pos,
				     "%s%s: must be an object, is %s; write %s",
				     c->loader->where, name, jsonc_type_name(m->type),
				     strcmp(name, "cors") == 0
					     ? "{\"origins\": [\"https://app.example\"]}"
					     : "{}, and its keys inside");
		else
			check_members(c, m, name);
	}
}

void settings_check_names(struct settings_loader *l, const struct jsonc_node *object,
			  enum settings_place place, bool overlay)
{
	struct name_check check = {l, place, overlay};

	check_members(&check, object, "");
}
