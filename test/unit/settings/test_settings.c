/* Settings: values, defaults, inheritance, variables, secrets, overlays, the hook,
 * references. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings.h"

#define ALL_METHODS ((1u << HTTP_METHOD_COUNT) - 1)
#define MINIMAL                                                                          \
	"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\","        \
	"\"upstream\":\"http://h\"}]}"

static const char *variable(void *ctx, const char *name)
{
	const char *const *pairs = ctx;

	for (; pairs != NULL && pairs[0] != NULL; pairs += 2)
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	return NULL;
}

/* What comes back must be free of errors; *report gets the warnings, "" if there are
 * none. */
static struct settings *load(const char *text, const struct settings_options *options,
			     char report[1024])
{
	struct settings_options o = options ? *options : (struct settings_options){0};
	struct settings *s;
	struct sbuf r;

	if (o.variable == NULL)
		o.variable = variable;
	sbuf_init(&r, 65536);
	s = settings_load_text("t", str_of(text), &o, &r);
	snprintf(report, 1024, STR_FMT, STR_ARG(sbuf_view(&r)));
	sbuf_fini(&r);
	return s;
}

static struct settings *load_fine(const char *text,
				  const struct settings_options *options)
{
	char report[1024];
	struct settings *s = load(text, options, report);

	assert_string_equal(report, "");
	assert_non_null(s);
	return s;
}

static void test_defaults(void **state)
{
	struct settings *s = load_fine(MINIMAL, NULL);
	const struct settings_route *r = &s->routes[0];
	char host[65] = "";

	(void)state;
	gethostname(host, sizeof host - 1);
	assert_string_equal(s->file, "t");
	assert_null(s->env);
	assert_int_equal(s->listen.n, 2);
	assert_string_equal(s->listen.items[0].text, "127.0.0.1:8787");
	assert_string_equal(s->listen.items[1].text, "[::1]:8787");
	assert_string_equal(s->manager_listen.items[0].text, "127.0.0.1:8000");
	assert_true(s->workers >= 1 && s->workers <= 256);
	assert_string_equal(s->database, "dbname=x");
	assert_string_equal(s->node, host);
	assert_int_equal(s->trusted_proxies.n, 2);
	assert_false(s->trust_cf_connecting_ip || s->trust_x_real_ip);
	assert_int_equal(s->limits.head_bytes, 16384);
	assert_int_equal(s->limits.headers, 100);
	assert_int_equal(s->limits.body_bytes, 0);
	assert_int_equal(s->limits.connections, 20000);
	assert_int_equal(s->timeouts.head_ms, 10000);
	assert_int_equal(s->timeouts.body_ms, 30000);
	assert_int_equal(s->timeouts.connect_ms, 5000);
	assert_int_equal(s->timeouts.first_byte_ms, 330000);
	assert_int_equal(s->timeouts.idle_ms, 330000);
	assert_int_equal(s->timeouts.total_ms, 0);
	assert_int_equal(s->timeouts.keep_alive_ms, 75000);
	assert_int_equal(s->timeouts.drain_ms, 30000);
	assert_int_equal(s->pool.idle_connections, 64);
	assert_int_equal(s->pool.idle_ms, 4000);
	assert_int_equal(s->pool.max_age_ms, 3600000);
	assert_int_equal(s->pool.max_requests, 10000);
	assert_int_equal(s->max_stale_ms, 86400000);
	assert_int_equal(s->token_poll_ms, 5000);
	assert_null(s->journal.directory);
	assert_int_equal(s->journal.max_bytes, UINT64_C(2) << 30);
	assert_int_equal(s->journal.ring_bytes, 4 << 20);
	assert_int_equal(s->journal.sync_ms, 1000);
	assert_null(s->state_dir);
	assert_true(s->access_log);
	assert_int_equal(s->n_routes, 1);
	assert_true(r->strip_prefix);
	assert_null(r->scope);
	assert_int_equal(r->methods, ALL_METHODS);
	assert_int_equal(r->set_headers.n + r->remove_headers.n + r->response_set.n +
				 r->response_remove.n,
			 0);
	assert_true(r->forward_credentials == 0);
	assert_int_equal(r->on_client_abort, ON_ABORT_CANCEL);
	assert_null(r->ca_file);
	assert_false(r->secret_missing || r->upstream_replaced);
	assert_int_equal(r->cors.origins.n, 0);
	settings_unref(&s);
}

static void test_cors_defaults(void **state)
{
	struct settings *s = load_fine(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"cors\":{\"origins\":[\"*\"]}}]}",
		NULL);
	const struct settings_cors *cors = &s->routes[0].cors;

	(void)state;
	assert_true(cors->any_origin);
	assert_int_equal(cors->origins.n, 1);
	assert_int_equal(cors->methods, 0);
	assert_int_equal(cors->headers.n + cors->expose_headers.n, 0);
	assert_int_equal(cors->max_age_ms, 600000);
	assert_false(cors->credentials);
	settings_unref(&s);
}

/* One list of `bytes` bytes as it is sent, in names of 64. */
static char *cors_with_list(size_t bytes)
{
	struct sbuf out;
	size_t left;

	sbuf_init(&out, 1 << 16);
	sbuf_lit(
		&out,
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"cors\":{\"origins\":[\"*\"],\"headers\":[");
	for (left = bytes; left > 0;) {
		size_t n = left >= 128 ? 64 : left;

		sbuf_printf(&out, "%s\"%0*d\"", left == bytes ? "" : ",", (int)n - 2, 0);
		left -= n;
	}
	sbuf_lit(&out, "]}}]}");
	sbuf_add(&out, "", 1);
	assert_false(out.overflow);
	return out.p;
}

static void test_cors_lists_are_bounded(void **state)
{
	char *fits = cors_with_list(SETTINGS_CORS_BYTES), report[1024];
	char *over = cors_with_list(SETTINGS_CORS_BYTES + 1);
	struct settings *s = load_fine(fits, NULL);

	(void)state;
	settings_unref(&s);
	assert_null(load(over, NULL, report));
	assert_non_null(strstr(
		report, "routes.a.cors.headers: has more than 4096 bytes; list fewer\n"));
	free(fits);
	free(over);
}

static void test_origins_that_browsers_send(void **state)
{
	static const char *const origins[] = {
		"https://app.example",
		"http://localhost:5173",
		"https://app.example:65535",
		"http://127.0.0.1",
		"http://[::1]:3000",
		"https://xn--bcher-kva.example",
		"https://a_b.example.",
		"app://localhost",
		"moz-extension://0f0e6d5c-1111-2222-3333-444455556666",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		char *text = xasprintf(
			"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"cors\":{\"origins\":[\"%s\"]}}]}",
			origins[i]);
		struct settings *s = load_fine(text, NULL);

		assert_string_equal(s->routes[0].cors.origins.items[0], origins[i]);
		settings_unref(&s);
		free(text);
	}
}

static void test_every_value(void **state)
{
	struct settings *s = load_fine(
		"{\"listen\":\"unix:/run/t.sock\",\"workers\":3,\"database\":\"postgresql://u:p@h/d\",\"node\":\"n1\",\"trusted_proxies\":[],\"trust_cf_connecting_ip\":true,\"trust_x_real_ip\":true,\"manager\":{\"listen\":[\"*:1\"]},\"limits\":{\"head_bytes\":2048,\"headers\":7,\"body_bytes\":9007199254740,\"connections\":9},\"timeouts\":{\"head_s\":1.5,\"body_s\":0,\"connect_s\":0.25,\"first_byte_s\":2,\"idle_s\":3.001,\"total_s\":4,\"keep_alive_s\":5,\"drain_s\":6},\"pools\":{\"idle_connections\":0,\"idle_s\":0.5,\"max_age_s\":0,\"max_requests\":1},\"tokens\":{\"max_stale_s\":60,\"poll_s\":0.5},\"usage\":{\"journal_dir\":\"/var/lib/j\",\"journal_bytes\":4194304,\"ring_bytes\":65536,\"sync_ms\":10},\"state_dir\":\"/var/lib/t\",\"access_log\":false,\"routes\":[{\"name\":\"r\",\"path\":\"/r/s\",\"upstream\":[\"https://h:444/b\",\"https://[::2]/b\"],\"strip_prefix\":false,\"scope\":\"sc\",\"methods\":[\"POST\",\"GET\"],\"set_headers\":{\"X-A\":\"1\",\"X-B\":\"\"},\"remove_headers\":[\"X-C\"],\"response_headers\":{\"set\":{\"X-D\":\"4\"},\"remove\":[\"X-E\",\"X-F\"]},\"cors\":{\"origins\":[\"https://app.example\",\"http://[::1]:81\"],\"methods\":[\"POST\"],\"headers\":[\"X-G\"],\"expose_headers\":[\"X-H\"],\"max_age_s\":0.5,\"credentials\":true},\"forward_credentials\":true,\"forward_client_info\":true,\"on_client_abort\":\"drain\",\"limits\":{\"body_bytes\":10},\"timeouts\":{\"total_s\":0},\"pools\":{\"idle_connections\":2}}]}",
		NULL);
	const struct settings_route *r = &s->routes[0];

	(void)state;
	assert_int_equal(s->listen.n, 1);
	assert_string_equal(s->listen.items[0].text, "unix:/run/t.sock");
	assert_int_equal(s->workers, 3);
	assert_string_equal(s->database, "postgresql://u:p@h/d");
	assert_string_equal(s->node, "n1");
	assert_int_equal(s->trusted_proxies.n, 0);
	assert_true(s->trust_cf_connecting_ip && s->trust_x_real_ip);
	assert_string_equal(s->manager_listen.items[0].text, "*:1");
	assert_int_equal(s->limits.head_bytes, 2048);
	assert_int_equal(s->limits.headers, 7);
	assert_true(s->limits.body_bytes == 9007199254740);
	assert_int_equal(s->limits.connections, 9);
	assert_int_equal(s->timeouts.head_ms, 1500);
	assert_int_equal(s->timeouts.body_ms, 0);
	assert_int_equal(s->timeouts.connect_ms, 250);
	assert_int_equal(s->timeouts.idle_ms, 3001);
	assert_int_equal(s->timeouts.drain_ms, 6000);
	assert_int_equal(s->pool.idle_connections, 0);
	assert_int_equal(s->pool.max_age_ms, 0);
	assert_int_equal(s->max_stale_ms, 60000);
	assert_int_equal(s->token_poll_ms, 500);
	assert_string_equal(s->journal.directory, "/var/lib/j");
	assert_int_equal(s->journal.max_bytes, 4194304);
	assert_int_equal(s->journal.ring_bytes, 65536);
	assert_int_equal(s->journal.sync_ms, 10);
	assert_string_equal(s->state_dir, "/var/lib/t");
	assert_false(s->access_log);
	assert_string_equal(r->path, "/r/s");
	assert_int_equal(r->path_len, 4);
	assert_true(r->tls);
	assert_string_equal(r->base_path, "/b");
	assert_int_equal(r->n_endpoints, 2);
	assert_string_equal(r->endpoints[0].host, "h");
	assert_int_equal(r->endpoints[0].port, 444);
	assert_string_equal(r->endpoints[0].authority, "h:444");
	assert_string_equal(r->endpoints[1].host, "::2");
	assert_string_equal(r->endpoints[1].authority, "[::2]");
	assert_false(r->strip_prefix);
	assert_string_equal(r->scope, "sc");
	assert_int_equal(r->methods,
			 HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_POST));
	assert_int_equal(r->set_headers.n, 2);
	assert_string_equal(r->set_headers.items[0].name, "X-A");
	assert_string_equal(r->set_headers.items[0].value, "1");
	assert_false(r->set_headers.items[0].secret);
	assert_string_equal(r->remove_headers.items[0], "X-C");
	assert_string_equal(r->response_set.items[0].value, "4");
	assert_string_equal(r->response_remove.items[1], "X-F");
	assert_int_equal(r->cors.origins.n, 2);
	assert_string_equal(r->cors.origins.items[1], "http://[::1]:81");
	assert_false(r->cors.any_origin);
	assert_int_equal(r->cors.methods, HTTP_METHOD_BIT(HTTP_POST));
	assert_string_equal(r->cors.headers.items[0], "X-G");
	assert_string_equal(r->cors.expose_headers.items[0], "X-H");
	assert_int_equal(r->cors.max_age_ms, 500);
	assert_true(r->cors.credentials);
	assert_true(r->forward_credentials == SETTINGS_CREDENTIALS &&
		    r->forward_client_info);
	assert_int_equal(r->on_client_abort, ON_ABORT_DRAIN);
	settings_unref(&s);
}

static void test_routes_inherit(void **state)
{
	struct settings *s = load_fine(
		"{\"database\":\"dbname=x\",\"limits\":{\"body_bytes\":5},\"timeouts\":{\"connect_s\":1,\"idle_s\":2},\"pools\":{\"max_requests\":3},\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"},{\"name\":\"b\",\"path\":\"/b\",\"upstream\":\"http://h\",\"limits\":{\"body_bytes\":0},\"timeouts\":{\"idle_s\":9},\"pools\":{\"idle_s\":1}}]}",
		NULL);
	const struct settings_route *a = &s->routes[0], *b = &s->routes[1];

	(void)state;
	assert_int_equal(a->index, 0);
	assert_int_equal(b->index, 1);
	assert_int_equal(a->limits.body_bytes, 5);
	assert_int_equal(b->limits.body_bytes, 0);
	assert_int_equal(a->timeouts.connect_ms, 1000);
	assert_int_equal(b->timeouts.connect_ms, 1000);
	assert_int_equal(a->timeouts.idle_ms, 2000);
	assert_int_equal(b->timeouts.idle_ms, 9000);
	assert_int_equal(a->pool.max_requests, 3);
	assert_int_equal(b->pool.max_requests, 3);
	assert_int_equal(b->pool.idle_ms, 1000);
	assert_int_equal(a->pool.idle_ms, 4000);
	settings_unref(&s);
}

static void test_forward_credentials(void **state)
{
	static const struct {
		const char *value, *dumped;
		uint64_t mask;
	} t[] = {
		{"true", "true", SETTINGS_CREDENTIALS},
		{"false", "false", 0},
		{"[\"cookie\"]", "[\"cookie\"]", HTTP_H_BIT(HTTP_H_COOKIE)},
		{"[\"COOKIE\",\"Authorization\"]", "[\"authorization\", \"cookie\"]",
		 HTTP_H_BIT(HTTP_H_COOKIE) | HTTP_H_BIT(HTTP_H_AUTHORIZATION)},
		{"[\"authorization\",\"cookie\",\"proxy-authorization\",\"x-goog-api-key\"]",
		 "true", SETTINGS_CREDENTIALS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char *text = xasprintf(
			"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"forward_credentials\":%s}]}",
			t[i].value);
		char *line = xasprintf("\"forward_credentials\": %s,", t[i].dumped);
		struct settings *s = load_fine(text, NULL);
		struct sbuf dump;

		assert_true(s->routes[0].forward_credentials == t[i].mask);
		sbuf_init(&dump, 65536);
		settings_dump(s, &dump);
		assert_non_null(strstr(sbuf_text(&dump), line));
		sbuf_fini(&dump);
		settings_unref(&s);
		free(text);
		free(line);
	}
}

static void test_client_info_default(void **state)
{
	static const struct {
		const char *upstream;
		bool forwards, loopback;
	} t[] = {
		{"\"http://example.com\"", true, false},
		{"\"https://example.com\"", false, false},
		{"\"https://10.1.2.3\"", true, false},
		{"\"https://127.0.0.1\"", true, true},
		{"\"https://localhost\"", true, true},
		{"\"http://LOCALHOST:1\"", true, true},
		{"\"https://[::1]\"", true, true},
		{"\"https://[fd00::1]\"", true, false},
		{"\"https://8.8.8.8\"", false, false},
		{"[\"https://10.0.0.1\",\"https://8.8.8.8\"]", false, false},
		{"[\"http://127.0.0.1\",\"http://10.0.0.1\"]", true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char *text = xasprintf(
			"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":%s}]}",
			t[i].upstream);
		struct settings *s = load_fine(text, NULL);

		assert_int_equal(s->routes[0].forward_client_info, t[i].forwards);
		assert_int_equal(settings_route_is_loopback(&s->routes[0]),
				 t[i].loopback);
		settings_unref(&s);
		free(text);
	}
}

/* One header's value as it comes out; NULL if the file is refused. */
static char *expand(const char *value, const char *const *pairs, bool *secret)
{
	struct settings_options o = {.variable = variable, .variable_ctx = (void *)pairs};
	char *text = xasprintf(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"set_headers\":{\"X-A\":\"%s\"}}]}",
		value);
	char report[1024], *out = NULL;
	struct settings *s = load(text, &o, report);

	if (s != NULL) {
		out = xstrdup(s->routes[0].set_headers.items[0].value);
		*secret = s->routes[0].set_headers.items[0].secret;
	}
	settings_unref(&s);
	free(text);
	return out;
}

static void test_variables(void **state)
{
	static const char *const pairs[] = {"A", "one", "B_2", "t\\w\"o", "_", "u",
					    "E", "",    "D",   "${A}",    NULL};
	static const struct {
		const char *in, *out;
		bool secret;
	} t[] = {
		{"plain", "plain", false},
		{"${A}", "one", true},
		{"x${A}y${B_2}z", "xoneyt\\w\"oz", true},
		{"${_}", "u", true},
		{"${A:-other}", "one", true},
		{"${N:-other}", "other", true},
		{"${E:-other}", "other", true},
		{"${N:-}", "", true},
		{"${N:-a:-b}", "a:-b", true},
		{"${D}", "${A}", true}, /* once only */
		{"$${A}", "${A}", false},
		{"$${A}${A}", "${A}one", true},
		{"$$${A}", "$${A}", false},
		{"$A $ $$ }", "$A $ $$ }", false},
		{"\\u0024{A}", "one", true}, /* parsed strings, not the text */
		{"${N}", NULL, false},
		{"${E}", NULL, false},
		{"${a}", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		bool secret = false;
		char *out = expand(t[i].in, pairs, &secret);

		if (t[i].out == NULL)
			assert_null(out);
		else
			assert_string_equal(out, t[i].out);
		assert_int_equal(secret, t[i].secret);
		free(out);
	}
}

static void test_variable_cannot_change_structure(void **state)
{
	static const char *const pairs[] = {"A", "x\", \"scope\": \"admin", NULL};
	bool secret;
	char *out = expand("${A}", pairs, &secret);

	(void)state;
	assert_string_equal(out, "x\", \"scope\": \"admin");
	free(out);
}

static void test_long_values(void **state)
{
	char *value = xmalloc(8194);
	const char *pairs[] = {"A", value, NULL};
	bool secret;
	char *out;

	(void)state;
	memset(value, 'v', 8193);
	value[8192] = '\0';
	out = expand("${A}", pairs, &secret);
	assert_int_equal(strlen(out), 8192);
	free(out);
	value[8192] = 'v';
	value[8193] = '\0';
	assert_null(expand("${A}", pairs, &secret));         /* a header's cap */
	assert_null(expand("${A}${A}${A}", pairs, &secret)); /* a string's cap */
	free(value);
}

static void test_getenv_by_default(void **state)
{
	struct settings *s;
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 4096);
	setenv("TG_TEST_DB", "dbname=env", 1);
	s = settings_load_text(
		"t",
		STR("{\"database\":\"${TG_TEST_DB}\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}]}"),
		NULL, &report);
	unsetenv("TG_TEST_DB");
	assert_non_null(s);
	assert_string_equal(s->database, "dbname=env");
	settings_unref(&s);
	sbuf_fini(&report);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

#define SECRET_CONFIG                                                                    \
	"{\"database\":{\"file\":\"db\"},\"routes\":[{\"name\":\"a\",\"path\":\"/a\","   \
	"\"upstream\":\"http://h\",\"set_headers\":{\"Authorization\":{\"file\":"        \
	"\"${DIR}/key\"}}}]}"

static void test_secret_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *value; /* NULL: refused */
	} t[] = {
		{"secret", 6, "secret"},
		{"secret\n", 7, "secret"},
		{"secret\r\n", 8, "secret"},
		{"secret\n\n", 8, NULL}, /* one newline only */
		{"a b", 3, "a b"},
		{"", 0, NULL},
		{"\n", 1, NULL},
		{"a\0b", 3, NULL},
		{"a\nb", 3, NULL},
		{"${DIR}", 6, "${DIR}"}, /* not expanded */
	};
	char dir[] = "/tmp/tollgate-settings-XXXXXX";
	char config[80], db[80], key[80];
	const char *pairs[] = {"DIR", ".", NULL};
	struct settings_options o = {.variable = variable, .variable_ctx = pairs};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(config, sizeof config, "%s/t.json", dir);
	snprintf(db, sizeof db, "%s/db", dir);
	snprintf(key, sizeof key, "%s/key", dir);
	write_file(config, SECRET_CONFIG, strlen(SECRET_CONFIG));
	write_file(db, "dbname=fromfile\n", 16);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct settings *s;
		struct sbuf report;

		write_file(key, t[i].bytes, t[i].n);
		sbuf_init(&report, 4096);
		s = settings_load(config, &o, &report);
		assert_int_equal(s != NULL, t[i].value != NULL);
		if (s != NULL) {
			assert_string_equal(s->database, "dbname=fromfile");
			assert_string_equal(s->routes[0].set_headers.items[0].value,
					    t[i].value);
			assert_true(s->routes[0].set_headers.items[0].secret);
		}
		settings_unref(&s);
		sbuf_fini(&report);
	}
	unlink(key);
	unlink(db);
	unlink(config);
	rmdir(dir);
}

static void test_secret_file_size(void **state)
{
	char path[] = "/tmp/tollgate-settings-XXXXXX", *bytes = xmalloc(8193), *text;
	int fd = mkstemp(path);
	char report[1024];
	struct settings *s;

	(void)state;
	memset(bytes, 's', 8193);
	text = xasprintf(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"set_headers\":{\"X\":{\"file\":\"%s\"}}}]}",
		path);
	assert_int_equal(write(fd, bytes, 8192), 8192);
	s = load_fine(text, NULL);
	settings_unref(&s);
	assert_int_equal(write(fd, bytes, 1), 1);
	assert_null(load(text, NULL, report));
	assert_non_null(strstr(report,
			       "it is too large; it must be a readable text file of at "
			       "most 8192 bytes"));
	close(fd);
	unlink(path);
	free(text);
	free(bytes);
}

static void test_missing_secrets_allowed(void **state)
{
	static const char text[] =
		"{\"database\":\"${DB}\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\",\"set_headers\":{\"Authorization\":\"Bearer ${K}\",\"X-F\":{\"file\":\"/nonexistent/f\"},\"X-A\":\"1\"}},{\"name\":\"b\",\"path\":\"/b\",\"upstream\":\"http://h\"}]}";
	struct settings_options o = {.allow_missing_secrets = true,
				     .database_optional = true};
	char report[1024];
	struct settings *s = load(text, &o, report);

	(void)state;
	assert_string_equal(
		report,
		"t:1:108: warning: routes.a.set_headers.Authorization: the variable K is not set or empty, so this is left out; set it to call the real upstream\n"
		"t:1:128: warning: routes.a.set_headers.X-F: there is no file /nonexistent/f, so this is left out; make it to call the real upstream\n");
	assert_non_null(s);
	assert_null(s->database);
	assert_true(s->routes[0].secret_missing);
	assert_false(s->routes[1].secret_missing);
	assert_int_equal(s->routes[0].set_headers.n, 1);
	assert_string_equal(s->routes[0].set_headers.items[0].name, "X-A");
	settings_unref(&s);
	o.allow_missing_secrets = false;
	assert_null(load(text, &o, report));
}

static void test_options_stand_in(void **state)
{
	struct settings_options o = {.database = "dbname=mine", .state_dir = ".tollgate"};
	struct settings *s = load_fine(
		"{\"database\":\"${UNSET}\",\"state_dir\":\"/x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}]}",
		&o);

	(void)state;
	assert_string_equal(s->database, "dbname=mine");
	assert_string_equal(s->state_dir, ".tollgate");
	settings_unref(&s);
	s = load_fine(
		"{\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}]}",
		&o);
	assert_string_equal(s->database, "dbname=mine");
	settings_unref(&s);
}

/* --- overlays --- */

static const char overlaid[] =
	"{\"database\":\"${UNSET}\",\"listen\":[\"127.0.0.1:1\",\"127.0.0.1:2\"],\n"
	"\"limits\":{\"headers\":5,\"head_bytes\":2048},\n"
	"\"routes\":[\n"
	"{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"https://h/v1\",\n"
	" \"set_headers\":{\"X-A\":\"1\",\"X-B\":\"2\"}},\n"
	"{\"name\":\"b\",\"path\":\"/b\",\"upstream\":[\"http://h1\",\"http://h2\"]}],\n"
	"\"env\":{\n"
	" \"dev\":{\"database\":\"dbname=dev\",\"listen\":[\"127.0.0.1:3\"],\n"
	"  \"routes\":[{\"name\":\"b\",\"upstream\":\"http://d\"},\n"
	"   {\"name\":\"a\",\"set_headers\":{\"X-B\":\"dev\",\"X-C\":\"3\"}},\n"
	"   {\"name\":\"c\",\"path\":\"/c\",\"upstream\":\"http://c\"}]},\n"
	" \"other\":{\"database\":\"${ALSO_UNSET}\",\"node\":\"o\"}}}";

static void test_overlay(void **state)
{
	struct settings_options o = {.env = "dev"};
	char report[1024];
	struct settings *s = load(overlaid, &o, report);
	const struct settings_route *a, *b;

	(void)state;
	assert_non_null(s);
	assert_string_equal(report, "t:11:12: warning: env.dev.routes.c: exists in this "
				    "environment only; move it out of env if it should "
				    "be everywhere\n");
	a = &s->routes[0];
	b = &s->routes[1];
	assert_string_equal(s->env, "dev");
	assert_string_equal(s->database, "dbname=dev");
	assert_int_equal(s->listen.n, 1); /* arrays replace */
	assert_int_equal(s->limits.headers, 5);
	assert_int_equal(s->n_routes, 3);
	assert_string_equal(a->name, "a"); /* places are kept */
	assert_string_equal(a->base_path, "/v1");
	assert_int_equal(a->set_headers.n, 3); /* objects merge */
	assert_string_equal(a->set_headers.items[1].value, "dev");
	assert_int_equal(b->n_endpoints, 1);
	assert_string_equal(b->endpoints[0].host, "d");
	assert_string_equal(s->routes[2].name, "c");
	settings_unref(&s);
}

/* The inner env once replaced the object that its overlay stood in, while being
 * merged. */
static void test_environment_inside_environment(void **state)
{
	struct settings_options o = {.env = "dev"};
	char report[1024];

	(void)state;
	assert_null(load(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}],\n"
		"\"env\":{\"dev\":{\"env\":{},\"node\":\"n\"}}}",
		&o, report));
	assert_string_equal(report,
			    "t:2:15: error: env.dev.env: an environment cannot hold "
			    "environments; move it to the top level\n");
}

static void test_unknown_environment(void **state)
{
	struct settings_options o = {.env = "prod"};
	char report[1024];
	struct settings *s;

	(void)state;
	assert_null(load(overlaid, &o, report));
	assert_non_null(strstr(
		report,
		"t:7:7: error: env: there is no environment \"prod\"; the file has dev, other\n"));
	assert_null(load(MINIMAL, &o, report));
	assert_string_equal(
		report,
		"t:1:1: error: env: there is no environment \"prod\"; add it under env, or leave --env out\n");
	o.env_optional = true;
	s = load_fine(MINIMAL, &o);
	assert_string_equal(s->env, "prod");
	settings_unref(&s);
}

/* --- the hook --- */

struct hook_log {
	char calls[256];
};

static const char *to_mock(void *ctx, const struct settings_route *r)
{
	struct hook_log *log = ctx;
	size_t n = strlen(log->calls);

	snprintf(log->calls + n, sizeof log->calls - n, "%s:%s:%d:%d ", r->name,
		 r->endpoints[0].host, r->secret_missing, settings_route_is_loopback(r));
	return settings_route_is_loopback(r) ? NULL : "http://127.0.0.1:4321/mock";
}

static void test_override_upstream(void **state)
{
	struct hook_log log = {""};
	const char *pairs[] = {"KEY", "k3y", NULL};
	struct settings_options o = {.allow_missing_secrets = true,
				     .variable = variable,
				     .variable_ctx = pairs,
				     .override_upstream = to_mock,
				     .override_ctx = &log};
	char report[1024];
	struct settings *s = load(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":[\"https://h/v1\",\"https://i/v1\"],\"set_headers\":{\"Authorization\":\"Bearer "
		"${KEY}\",\"X-A\":\"1\",\"X-Token\":\"clear\"}},{\"name\":\"b\",\"path\":\"/b\",\"upstream\":\"https://h\",\"set_headers\":{\"Authorization\":\"Bearer "
		"${NOPE}\"}},{\"name\":\"c\",\"path\":\"/c\",\"upstream\":\"http://localhost:1\"}]}",
		&o, report);
	const struct settings_route *a;

	(void)state;
	assert_non_null(s);
	a = &s->routes[0];
	assert_string_equal(log.calls, "a:h:0:0 b:h:1:0 c:localhost:0:1 ");
	assert_true(a->upstream_replaced);
	assert_false(a->tls);
	assert_string_equal(a->base_path, "/mock");
	assert_int_equal(a->n_endpoints, 1);
	assert_string_equal(a->endpoints[0].authority, "127.0.0.1:4321");
	assert_true(a->forward_client_info);   /* told by where it really goes */
	assert_int_equal(a->set_headers.n, 1); /* no secret goes to the stand-in */
	assert_string_equal(a->set_headers.items[0].name, "X-A");
	assert_true(s->routes[1].upstream_replaced);
	assert_true(s->routes[1].secret_missing);
	assert_int_equal(s->routes[1].set_headers.n, 0);
	assert_false(s->routes[2].upstream_replaced);
	settings_unref(&s);
}

static void test_hook_is_not_asked_for_faulty_routes(void **state)
{
	struct hook_log log = {""};
	struct settings_options o = {.override_upstream = to_mock, .override_ctx = &log};
	char report[1024];

	(void)state;
	assert_null(load(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"ftp://h\"},{\"path\":\"/b\",\"upstream\":\"http://h\"}]}",
		&o, report));
	assert_string_equal(log.calls, "");
}

/* --- references --- */

static void *ref_and_unref(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		struct settings *mine = settings_ref(arg);

		settings_unref(&mine);
	}
	return NULL;
}

static void test_references(void **state)
{
	struct settings *s = load_fine(MINIMAL, NULL), *second = settings_ref(s);
	pthread_t threads[2];

	(void)state;
	assert_ptr_equal(s, second);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, s), 0);
	settings_unref(&s);
	assert_null(s);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_string_equal(second->database, "dbname=x");
	settings_unref(&second);
	settings_unref(&second); /* NULL is fine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_cors_defaults),
		cmocka_unit_test(test_cors_lists_are_bounded),
		cmocka_unit_test(test_origins_that_browsers_send),
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_routes_inherit),
		cmocka_unit_test(test_forward_credentials),
		cmocka_unit_test(test_client_info_default),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variable_cannot_change_structure),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_getenv_by_default),
		cmocka_unit_test(test_secret_files),
		cmocka_unit_test(test_secret_file_size),
		cmocka_unit_test(test_missing_secrets_allowed),
		cmocka_unit_test(test_options_stand_in),
		cmocka_unit_test(test_overlay),
		cmocka_unit_test(test_environment_inside_environment),
		cmocka_unit_test(test_unknown_environment),
		cmocka_unit_test(test_override_upstream),
		cmocka_unit_test(test_hook_is_not_asked_for_faulty_routes),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
