/* Unit tests of route matching and of the upstream's target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/route.h"

static char *const paths[] = {
	"/",           "/api/openai", "/api/test",     "/api/testing",
	"/api/test/x", "/api",        "/api/admin/x-y"};

#define N_PATHS ARRAY_LEN(paths)

static struct settings_route routes[N_PATHS];
static struct settings settings = {.routes = routes, .n_routes = N_PATHS};
static struct settings without_root = {.routes = routes + 1, .n_routes = N_PATHS - 1};

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PATHS; i++)
		routes[i] = (struct settings_route){.path = paths[i],
						    .path_len = strlen(paths[i]),
						    .strip_prefix = true};
	return 0;
}

struct row {
	const char *path;
	enum route_verdict verdict;
	const char *route; /* its path */
};

static void check_rows(const struct settings *s, const struct row *rows, size_t n)
{
	struct route_table *t = route_table_new(s);

	for (size_t i = 0; i < n; i++) {
		const struct settings_route *r = NULL;
		const char *detail = NULL;
		enum route_verdict v = route_match(t, str_of(rows[i].path), &r, &detail);

		if (v != rows[i].verdict)
			fail_msg("%d for %s", v, rows[i].path);
		assert_int_equal(detail != NULL, v == ROUTE_BAD_PATH);
		assert_int_equal(r != NULL, v == ROUTE_FOUND);
		if (r != NULL)
			assert_string_equal(r->path, rows[i].route);
		assert_int_equal(route_match(t, str_of(rows[i].path), &r, NULL), v);
	}
	route_table_free(&t);
	assert_null(t);
}

static void takes_the_longest_prefix(void **state)
{
	static const struct row rows[] = {
		{"/api/openai", ROUTE_FOUND, "/api/openai"},
		{"/api/openai/", ROUTE_FOUND, "/api/openai"},
		{"/api/openai/chat/completions", ROUTE_FOUND, "/api/openai"},
		{"/api/openaix", ROUTE_FOUND, "/api"},
		{"/api/opena", ROUTE_FOUND, "/api"},
		{"/api/test", ROUTE_FOUND, "/api/test"},
		{"/api/testing/a", ROUTE_FOUND, "/api/testing"},
		{"/api/testin", ROUTE_FOUND, "/api"},
		{"/api/test/x", ROUTE_FOUND, "/api/test/x"},
		{"/api/test/x/", ROUTE_FOUND, "/api/test/x"},
		{"/api/test/xy", ROUTE_FOUND, "/api/test"},
		{"/api/admin/x-y/z", ROUTE_FOUND, "/api/admin/x-y"},
		{"/API/test", ROUTE_FOUND, "/"},
		{"/", ROUTE_FOUND, "/"},
		{"/x", ROUTE_FOUND, "/"},
		{"/.well-known/x", ROUTE_FOUND, "/"},
		{"", ROUTE_NONE, NULL},
		{"*", ROUTE_NONE, NULL},
		{"api/test", ROUTE_NONE, NULL},
	};
	static const struct row rootless[] = {
		{"/", ROUTE_NONE, NULL},         {"/x", ROUTE_NONE, NULL},
		{"/ap", ROUTE_NONE, NULL},       {"/apix", ROUTE_NONE, NULL},
		{"/%61pix", ROUTE_NONE, NULL},   {"/api", ROUTE_FOUND, "/api"},
		{"/api/x", ROUTE_FOUND, "/api"},
	};
	static const struct settings none;

	(void)state;
	check_rows(&settings, rows, ARRAY_LEN(rows));
	check_rows(&without_root, rootless, ARRAY_LEN(rootless));
	check_rows(&none, (const struct row[]){{"/", ROUTE_NONE, NULL}}, 1);
}

static void reads_paths_as_upstreams_do(void **state)
{
	static const struct row rows[] = {
		/* the prefix may be encoded, and means the same */
		{"/%61pi/%74est/a", ROUTE_FOUND, "/api/test"},
		{"/api/admin/x%2Dy", ROUTE_FOUND, "/api/admin/x-y"},
		/* behind the prefix bytes pass as they are */
		{"/api/test/a%2Fb", ROUTE_FOUND, "/api/test"},
		{"/api/test/a%2fb//c", ROUTE_FOUND, "/api/test"},
		{"/api/test///a", ROUTE_FOUND, "/api/test"},
		{"/api/test/%0d%0a", ROUTE_FOUND, "/api/test"},
		{"/api/test/%zz%", ROUTE_FOUND, "/api/test"},
		{"/api/test/...", ROUTE_FOUND, "/api/test"},
		{"/api/test/..a/.b/c./d..", ROUTE_FOUND, "/api/test"},
		{"/api/test/%252e%252e/x", ROUTE_FOUND, "/api/test"},
		{"//x", ROUTE_FOUND, "/"},
		{"/x%2Fy", ROUTE_FOUND, "/"},
		/* a slash that is encoded or doubled inside the prefix */
		{"/api%2Ftest/a", ROUTE_BAD_PATH, NULL},
		{"/api%2ftest", ROUTE_BAD_PATH, NULL},
		{"/api/test%2Fa", ROUTE_BAD_PATH, NULL},
		{"/api/test%2Fx/a", ROUTE_BAD_PATH, NULL},
		{"/api//test/a", ROUTE_BAD_PATH, NULL},
		{"//api/test", ROUTE_BAD_PATH, NULL},
		{"/api/test//x", ROUTE_BAD_PATH, NULL},
		{"%2Fapi/test", ROUTE_NONE, NULL},
		/* dot segments */
		{"/api/test/../admin", ROUTE_BAD_PATH, NULL},
		{"/api/test/..", ROUTE_BAD_PATH, NULL},
		{"/api/test/.", ROUTE_BAD_PATH, NULL},
		{"/.", ROUTE_BAD_PATH, NULL},
		{"/..", ROUTE_BAD_PATH, NULL},
		{"/./api", ROUTE_BAD_PATH, NULL},
		{"/api/test/%2e%2E/x", ROUTE_BAD_PATH, NULL},
		{"/api/test/.%2e/x", ROUTE_BAD_PATH, NULL},
		{"/api/test/%2e", ROUTE_BAD_PATH, NULL},
		{"/api/test/..%2fx", ROUTE_BAD_PATH, NULL},
		{"/api/test/a%2f..%2fx", ROUTE_BAD_PATH, NULL},
		{"/api/test//..//x", ROUTE_BAD_PATH, NULL},
		{"/api/test/..;/x", ROUTE_BAD_PATH, NULL},
		{"/api/test/..%3ba=b/x", ROUTE_BAD_PATH, NULL},
		{"/api/test/.;x", ROUTE_BAD_PATH, NULL},
		/* backslash and NUL */
		{"/api/test/a\\b", ROUTE_BAD_PATH, NULL},
		{"/api/test/..\\x", ROUTE_BAD_PATH, NULL},
		{"/api/test/a%5Cb", ROUTE_BAD_PATH, NULL},
		{"/api/test/a%00", ROUTE_BAD_PATH, NULL},
	};

	(void)state;
	check_rows(&settings, rows, ARRAY_LEN(rows));
}

static void bounds_the_path(void **state)
{
	static char text[8194];
	struct route_table *t = route_table_new(&settings);
	const struct settings_route *r;
	const char *detail;

	(void)state;
	memset(text, 'a', sizeof text);
	text[0] = '/';
	text[1] = '%';
	assert_int_equal(route_match(t, (struct str){text, 8192}, &r, &detail),
			 ROUTE_FOUND);
	assert_int_equal(route_match(t, (struct str){text, 8193}, &r, &detail),
			 ROUTE_BAD_PATH);
	text[1] = 'a';
	assert_int_equal(route_match(t, (struct str){text, 8193}, &r, &detail),
			 ROUTE_FOUND);
	route_table_free(&t);
}

static void makes_the_upstream_target(void **state)
{
	static const struct {
		char *route, *base;
		bool strip;
		const char *path, *query, *target; /* query NULL: none */
	} rows[] = {
		{"/api/openai", "/v1", true, "/api/openai/chat", NULL, "/v1/chat"},
		{"/api/openai", "/v1", true, "/api/openai", NULL, "/v1"},
		{"/api/openai", "/v1", true, "/api/openai/", NULL, "/v1/"},
		{"/api/openai", "", true, "/api/openai", NULL, "/"},
		{"/api/openai", "", true, "/api/openai/", NULL, "/"},
		{"/api/openai", "", true, "/api/openai", "a=b?c", "/?a=b?c"},
		{"/api/openai", "/v1", true, "/api/openai/x", "", "/v1/x?"},
		{"/api/openai", "/v1", true, "/%61pi/openai/%2e.%2Fx", "%20",
		 "/v1/%2e.%2Fx?%20"},
		{"/api/openai", "", true, "/api/openai//x", NULL, "//x"},
		{"/api/test", "", false, "/api/test/x", NULL, "/api/test/x"},
		{"/api/test", "/b", false, "/%61pi/test", "q", "/b/%61pi/test?q"},
		{"/", "", true, "/x/y", NULL, "/x/y"},
		{"/", "/v1", true, "/", NULL, "/v1/"},
		{"/r", "", true, "/r/M\xc3\xbc/%c3%zz", "\xe2\x82\xac=%e2",
		 "/M%C3%BC/%c3%zz?%E2%82%AC=%e2"},
		{"/r", "/b", false, "/%72/\xf0\x9f\x98\x80", NULL, "/b/%72/%F0%9F%98%80"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings_route r = {.path = rows[i].route,
					   .path_len = strlen(rows[i].route),
					   .base_path = rows[i].base,
					   .strip_prefix = rows[i].strip};
		struct request_head head = {0};
		struct sbuf out;

		sbuf_init(&out, 256);
		sbuf_lit(&out, "GET ");
		sbuf_reset(&out);
		head.path = str_of(rows[i].path);
		head.has_query = rows[i].query != NULL;
		head.query = str_of(rows[i].query);
		head.has_utf8 = !http_is_target(head.path);
		route_upstream_target(&out, &r, &head);
		if (!str_eq(sbuf_view(&out), str_of(rows[i].target)))
			fail_msg("%.*s, not %s", (int)out.n, out.p, rows[i].target);
		sbuf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_longest_prefix),
		cmocka_unit_test(reads_paths_as_upstreams_do),
		cmocka_unit_test(bounds_the_path),
		cmocka_unit_test(makes_the_upstream_target),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
