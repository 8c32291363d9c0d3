/* What `tollgate dev` tells when all runs. */
#include "gateway/dev/dev_ready.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/dev/files.h"
#include "gateway/dev/say.h"
#include "gateway/people/people.h"

#define TEXT_MAX (64 * 1024)

static bool is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static void url_of(char out[DEV_URL_MAX], const char (*addresses)[128], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_unix(addresses[i]))
			continue;
		snprintf(out, DEV_URL_MAX, "http://%s", addresses[i]);
		return;
	}
	snprintf(out, DEV_URL_MAX, "http://127.0.0.1");
}

void dev_urls_of(struct dev_urls *out, const struct run_addresses *a)
{
	url_of(out->gateway, a->gateway, a->n_gateway);
	url_of(out->manager, a->manager, a->n_manager);
}

static void print_addresses(const char *what, const char (*addresses)[128], size_t n)
{
	for (size_t i = 0; i < n; i++)
		say("%s  %s%s", what, is_unix(addresses[i]) ? "" : "http://",
		    addresses[i]);
}

void dev_ready_print_routes(const struct settings *s, const struct dev_routes *routes)
{
	struct sbuf where;

	sbuf_init(&where, TEXT_MAX);
	for (size_t i = 0; i < s->n_routes; i++) {
		sbuf_reset(&where);
		dev_routes_describe(routes, &s->routes[i], &where);
		say("  %-20s -> " STR_FMT, s->routes[i].path, STR_ARG(sbuf_view(&where)));
	}
	sbuf_fini(&where);
}

/* "/proc/self/exe", from here if it is below. */
static void print_program(void)
{
	char path[PATH_MAX], here[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	size_t skip = getcwd(here, sizeof here) != NULL ? strlen(here) : 0;

	if (n <= 0)
		return;
	path[n] = '\0';
	if (skip > 1 && strncmp(path, here, skip) == 0 && path[skip] == '/')
		say("program  %s", path + skip + 1);
	else
		say("program  %s", path);
}

/* By the name that people type: of a loopback address that is `localhost`. */
static void print_pages(const struct dev_ready *r)
{
	const char *url = r->env.manager_url;
	const char *local = "http://127.0.0.1:";
	bool is_local = strncmp(url, local, strlen(local)) == 0;

	url += is_local ? strlen(local) : strlen("http://");
	if (r->sign_in_code == NULL) {
		say("pages    http://%s%s/", is_local ? "localhost:" : "", url);
		return;
	}
	say("pages    http://%s%s/sign-in#%s", is_local ? "localhost:" : "", url,
	    r->sign_in_code);
	say("         (signs a browser in as `dev`, once, within %d minutes; another: "
	    "tollgate user link dev)",
	    PEOPLE_LINK_S / 60);
}

static void print_calls(const struct dev_ready *r)
{
	struct sbuf lines;

	sbuf_init(&lines, TEXT_MAX);
	dev_routes_curl(&lines, r->settings, r->routes, r->env.url,
			r->env.key != NULL ? r->env.key : "YOUR_KEY");
	say("\nTry:\n" STR_FMT, STR_ARG(sbuf_view(&lines)));
	say("See the rows:\ncurl %s/api/usage/test-data", r->env.manager_url);
	sbuf_reset(&lines);
	dev_env_quote(&lines, r->env_file);
	say("psql \"$(. " STR_FMT
	    "; echo \"$DATABASE_URL\")\" -c 'SELECT * FROM token_usage_logs ORDER BY id DESC LIMIT 5'\n",
	    STR_ARG(sbuf_view(&lines)));
	sbuf_fini(&lines);
}

void dev_ready_print(const struct dev_ready *r)
{
	const struct run_addresses *a = r->addresses;
	struct sbuf file;

	say("\nTollgate is ready. Ctrl-C stops it.\n");
	print_addresses("gateway", a->gateway, a->n_gateway);
	print_addresses("manager", a->manager, a->n_manager);
	print_pages(r);
	print_program();
	if (r->env.key != NULL)
		say("key      %s   (all routes)", r->env.key);
	if (r->env.admin_key != NULL)
		say("admin    %s   (of the manager)", r->env.admin_key);
	sbuf_init(&file, TEXT_MAX);
	dev_env_quote(&file, r->env_file);
	say("shells   set -a; . " STR_FMT "; set +a\n", STR_ARG(sbuf_view(&file)));
	sbuf_fini(&file);
	dev_ready_print_routes(r->settings, r->routes);
	print_calls(r);
}

bool dev_ready_write_env(const struct dev_ready *r, const char *path)
{
	struct sbuf text;
	bool ok;

	sbuf_init(&text, TEXT_MAX);
	dev_env_format(&text, &r->env);
	ok = !text.overflow && file_write_private(path, sbuf_view(&text));
	if (!ok)
		complain("cannot write %s: %s", path, strerror(errno));
	OPENSSL_cleanse(text.p, text.n);
	sbuf_fini(&text);
	return ok;
}
