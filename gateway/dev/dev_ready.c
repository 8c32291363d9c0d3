/* What `tollgate dev` tells when all runs. */
#include "gateway/dev/dev_ready.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "gateway/dev/files.h"
#include "gateway/dev/say.h"

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

static void print_routes(const struct dev_ready *r)
{
	static const char *const targets[] = {
		[DEV_OWN] = "its own upstream",
		[DEV_DEMO] = "the demo upstream",
		[DEV_MOCK] = "the mock",
	};
	bool mocked = false;

	for (size_t i = 0; i < r->settings->n_routes; i++) {
		const struct settings_route *route = &r->settings->routes[i];
		enum dev_target target = dev_routes_target(r->routes, route);

		mocked = mocked || (target == DEV_MOCK && !route->secret_missing);
		say("  %-20s -> %s", route->path, targets[target]);
	}
	if (mocked)
		say("  (real upstreams only with --live)");
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
	if (r->env.key != NULL)
		say("key      %s   (all routes)", r->env.key);
	sbuf_init(&file, TEXT_MAX);
	dev_env_quote(&file, r->env_file);
	say("shells   set -a; . " STR_FMT "; set +a\n", STR_ARG(sbuf_view(&file)));
	sbuf_fini(&file);
	print_routes(r);
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
