/* Scopes that open nothing. */
#include "gateway/cli/token_scopes.h"

#include <string.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/settings/settings.h"

#define ERROR_MAX (64u << 10)

static bool is_asked_for(const struct settings *s, const char *scope)
{
	if (strcmp(scope, "*") == 0)
		return true;
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].scope != NULL && strcmp(s->routes[i].scope, scope) == 0)
			return true;
	return false;
}

/* Each scope once, in the routes' order. */
static void list_scopes(const struct settings *s, struct sbuf *out)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		const char *scope = s->routes[i].scope;
		bool is_new = scope != NULL;

		for (size_t j = 0; is_new && j < i; j++)
			is_new = s->routes[j].scope == NULL ||
				 strcmp(s->routes[j].scope, scope) != 0;
		if (is_new)
			sbuf_printf(out, "%s%s", out->n ? ", " : "", scope);
	}
	if (out->n == 0)
		sbuf_lit(out, "none");
}

void token_scopes_warn(const struct cli_call *c, const struct cli_db *db,
		       const char *const *scopes, size_t n)
{
	struct settings *s = cli_db_settings(db);
	struct sbuf known;

	if (s == NULL)
		return;
	sbuf_init(&known, ERROR_MAX);
	list_scopes(s, &known);
	for (size_t i = 0; i < n; i++)
		if (!is_asked_for(s, scopes[i]))
			cli_warn(c,
				 "warning: no route of %s asks for the scope '%s'; the "
				 "routes' scopes: %s",
				 db->config ? db->config : "the running `tollgate dev`",
				 scopes[i], sbuf_text(&known));
	sbuf_fini(&known);
	settings_unref(&s);
}
