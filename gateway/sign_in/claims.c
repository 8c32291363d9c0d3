/* What a JWT says of whom it is for. */
#include "gateway/sign_in/claims.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"

static const struct jsonc_node *member(const struct jsonc_node *object, const char *name,
				       size_t n)
{
	char *copy = xstrndup(name, n);
	const struct jsonc_node *found = jsonc_get(object, copy);

	free(copy);
	return found;
}

static bool is_value(const struct jsonc_node *node, const char *value)
{
	switch (node->type) {
	case JSONC_STRING:
	case JSONC_NUMBER:
		return strcmp(node->text, value) == 0;
	case JSONC_BOOL:
		return strcmp(node->boolean ? "true" : "false", value) == 0;
	case JSONC_ARRAY:
		for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
			if (c->type != JSONC_ARRAY && is_value(c, value))
				return true;
		return false;
	case JSONC_NULL:
	case JSONC_OBJECT:
		return false;
	}
	return false;
}

/* Each dot may end a name, or be one of it. */
static bool holds(const struct jsonc_node *object, const char *path, const char *value)
{
	const struct jsonc_node *node = jsonc_get(object, path);

	if (node != NULL && is_value(node, value))
		return true;
	for (const char *dot = strchr(path, '.'); dot != NULL;
	     dot = strchr(dot + 1, '.')) {
		node = member(object, path, (size_t)(dot - path));
		if (node != NULL && node->type == JSONC_OBJECT &&
		    holds(node, dot + 1, value))
			return true;
	}
	return false;
}

/* The role of version 2 lacks the prefix that version 1 has ("org:admin"). */
static bool role_holds(const struct jwt *t, const char *path, const char *value)
{
	static const char prefix[] = "org:";
	bool is_prefixed = strncmp(value, prefix, sizeof prefix - 1) == 0;
	char *other = is_prefixed ? xstrdup(value + sizeof prefix - 1)
				  : xasprintf("%s%s", prefix, value);
	bool found = holds(t->claims, path, value) || holds(t->claims, path, other);

	free(other);
	return found;
}

bool claims_hold(const struct jwt *t, enum jwt_kind kind, const char *path,
		 const char *value)
{
	static const char *const pairs[][2] = {
		{"org_id", "o.id"}, {"org_slug", "o.slg"}, {"org_role", "o.rol"}};

	for (size_t i = 0; kind == JWT_CLERK && i < ARRAY_LEN(pairs); i++) {
		if (strcmp(path, pairs[i][0]) != 0 && strcmp(path, pairs[i][1]) != 0)
			continue;
		if (strcmp(pairs[i][0], "org_role") == 0)
			return role_holds(t, pairs[i][0], value) ||
			       role_holds(t, pairs[i][1], value);
		return holds(t->claims, pairs[i][0], value) ||
		       holds(t->claims, pairs[i][1], value);
	}
	return holds(t->claims, path, value);
}

const char *claims_name(const struct jwt *t)
{
	static const char *const claims[] = {"name", "preferred_username", "email"};

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		const char *text = jwt_text(t, claims[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return jwt_text(t, "sub");
}

const char *claims_acting(const struct jwt *t)
{
	const struct jsonc_node *act = jsonc_get(t->claims, "act");
	const struct jsonc_node *sub = jsonc_get(act, "sub");

	if (act == NULL || act->type == JSONC_NULL)
		return NULL;
	return sub != NULL && sub->type == JSONC_STRING && *sub->text ? sub->text : "?";
}
