/* The file that tells shells about a running `tollgate dev`. */
#include "gateway/dev/dev_env.h"

static bool is_plain(const char *value)
{
	return value[0] != '\0' &&
	       value[strspn(
		       value,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_")] ==
		       '\0';
}

void dev_env_quote(struct sbuf *out, const char *value)
{
	if (is_plain(value)) {
		sbuf_str(out, str_of(value));
		return;
	}
	sbuf_lit(out, "'");
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			sbuf_lit(out, "'\\''");
		else
			sbuf_add(out, value, 1);
	}
	sbuf_lit(out, "'");
}

static void add_line(struct sbuf *out, const char *name, const char *value)
{
	sbuf_printf(out, "%s=", name);
	dev_env_quote(out, value);
	sbuf_lit(out, "\n");
}

void dev_env_format(struct sbuf *out, const struct dev_env *e)
{
	add_line(out, "TOLLGATE_URL", e->url);
	add_line(out, "TOLLGATE_MANAGER_URL", e->manager_url);
	if (e->key != NULL)
		add_line(out, "TOLLGATE_KEY", e->key);
	if (e->admin_key != NULL)
		add_line(out, "TOLLGATE_ADMIN_KEY", e->admin_key);
	add_line(out, "DATABASE_URL", e->database);
	add_line(out, "TOLLGATE_CONFIG", e->config);
	add_line(out, "TOLLGATE_DEMO_URL", e->demo_url);
	add_line(out, "TOLLGATE_MOCK_URL", e->mock_url);
	add_line(out, "TOLLGATE_LIVE", e->live ? "1" : "0");
	sbuf_printf(out, "TOLLGATE_PID=%ld\n", e->pid);
}
