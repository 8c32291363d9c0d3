/* Unit tests of gateway/proxy/location.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/proxy/location.h"

static struct settings_endpoint one[] = {{"up.test", 80, "up.test"}};
static struct settings_endpoint other_port[] = {{"127.0.0.1", 9001, "127.0.0.1:9001"}};
static struct settings_endpoint secure[] = {{"up.test", 443, "up.test"}};
static struct settings_endpoint several[] = {
	{"a.test", 8080, "a.test:8080"},
	{"::1", 9001, "[::1]:9001"},
};

#define ROUTE(p, base, strip, ends, https)                                               \
	{                                                                                \
		.path = (char *)(uintptr_t)(p), .path_len = sizeof(p) - 1,               \
		.base_path = (char *)(uintptr_t)(base), .strip_prefix = (strip),         \
		.endpoints = (ends), .n_endpoints = ARRAY_LEN(ends), .tls = (https)      \
	}

static const struct settings_route bare = ROUTE("/r", "", true, one, false);
static const struct settings_route port = ROUTE("/r", "", true, other_port, false);
static const struct settings_route based = ROUTE("/api/r", "/v1", true, secure, true);
static const struct settings_route whole = ROUTE("/api/r", "", false, one, false);
static const struct settings_route both = ROUTE("/r", "/b", false, one, false);
static const struct settings_route root = ROUTE("/", "/v1", true, one, false);
static const struct settings_route many = ROUTE("/r", "", true, several, false);
static const struct settings_route odd = ROUTE("/r", "/a%2Fb/c%7ed", true, one, false);

struct row {
	const struct settings_route *route;
	const char *host; /* that the route sets, or NULL */
	const char *in;
	const char *out; /* NULL: it stays */
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct sbuf out;
		bool done;

		sbuf_init(&out, 4096);
		done = location_rewrite(&out, r->route, str_of(r->host), str_of(r->in));
		if (done != (r->out != NULL) ||
		    !str_eq(sbuf_view(&out), str_of(done ? r->out : "")))
			fail_msg("%s: is '%s', not '%s'", r->in,
				 done ? sbuf_text(&out) : "unchanged",
				 r->out ? r->out : "unchanged");
		sbuf_fini(&out);
	}
}

static void test_authorities(void **state)
{
	static const struct row rows[] = {
		{&bare, NULL, "http://up.test/x", "/r/x"},
		{&bare, NULL, "HTTP://UP.Test/x", "/r/x"},
		{&bare, NULL, "//up.test/x", "/r/x"},
		{&bare, NULL, "http://up.test", "/r/"},
		{&bare, NULL, "http://up.test?q", "/r/?q"},
		{&bare, NULL, "http://up.test/", "/r/"},
		{&bare, NULL, "http://up.test:80/x", "/r/x"},
		{&bare, NULL, "http://up.test:/x", "/r/x"},
		{&bare, NULL, "//up.test:80/x", "/r/x"},
		{&bare, NULL, "http://up.test./x", "/r/x"},
		/* http or https, the default port of either is none */
		{&bare, NULL, "https://up.test/x", "/r/x"},
		{&bare, NULL, "https://up.test:443/x", "/r/x"},
		{&bare, NULL, "https://up.test:80/x", "/r/x"},
		{&bare, NULL, "http://up.test:443/x", NULL},
		{&bare, NULL, "//up.test:443/x", NULL},
		{&based, NULL, "https://up.test/v1/x", "/api/r/x"},
		{&based, NULL, "https://up.test:443/v1/x", "/api/r/x"},
		{&based, NULL, "//up.test/v1/x", "/api/r/x"},
		{&based, NULL, "http://up.test/v1/x", "/api/r/x"},
		{&based, NULL, "http://up.test:80/v1/x", "/api/r/x"},
		{&based, NULL, "http://up.test:443/v1/x", "/api/r/x"},
		{&based, NULL, "https://up.test:80/v1/x", NULL},
		{&based, NULL, "https://up.test:8443/v1/x", NULL},
		{&port, NULL, "http://127.0.0.1:9001/x", "/r/x"},
		{&port, NULL, "https://127.0.0.1:9001/x", "/r/x"},
		{&port, NULL, "//127.0.0.1:9001/x", "/r/x"},
		{&port, NULL, "http://127.0.0.1:09001/x", "/r/x"},
		{&port, NULL, "http://127.0.0.1/x", NULL},
		{&port, NULL, "http://127.0.0.1:9002/x", NULL},
		{&port, NULL, "http://127.0.0.1:90010/x", NULL},
		{&port, NULL, "http://localhost:9001/x", NULL},
		/* others */
		{&bare, NULL, "http://evil.test/x", NULL},
		{&bare, NULL, "//evil.test/x", NULL},
		{&bare, NULL, "http://up.test.evil.test/x", NULL},
		{&bare, NULL, "http://evil-up.test/x", NULL},
		{&bare, NULL, "http://up.test@evil.test/x", NULL},
		{&bare, NULL, "http://evil.test@up.test/x", NULL},
		{&bare, NULL, "http://user:pw@up.test/x", NULL},
		{&bare, NULL, "http://evil.test?//up.test/x", NULL},
		{&bare, NULL, "http://evil.test#//up.test/x", NULL},
		{&bare, NULL, "http://up.test\\@evil.test/x", NULL},
		{&bare, NULL, "http://up.test:99999/x", NULL},
		{&bare, NULL, "http://up.test:0/x", NULL},
		{&bare, NULL, "http://up.test:8o/x", NULL},
		{&bare, NULL, "http://up.test:80:80/x", NULL},
		{&bare, NULL, "http:///x", NULL},
		{&bare, NULL, "http://:80/x", NULL},
		{&bare, NULL, "///x", NULL},
		{&bare, NULL, "////up.test/x", NULL},
		{&bare, NULL, "http:/x", NULL},
		{&bare, NULL, "http:x", NULL},
		{&bare, NULL, "http:", NULL},
		{&bare, NULL, "ftp://up.test/x", NULL},
		{&bare, NULL, "ws://up.test/x", NULL},
		{&bare, NULL, "mailto:x@up.test", NULL},
		{&bare, NULL, "javascript://up.test/x", NULL},
		/* several, IPv6 */
		{&many, NULL, "http://a.test:8080/x", "/r/x"},
		{&many, NULL, "http://[::1]:9001/x", "/r/x"},
		{&many, NULL, "http://[0:0::0001]:9001/x", "/r/x"},
		{&many, NULL, "http://[::1]/x", NULL},
		{&many, NULL, "http://[::1]9001/x", NULL},
		{&many, NULL, "http://[::1:9001/x", NULL},
		{&many, NULL, "http://::1:9001/x", NULL},
		{&many, NULL, "http://[]:9001/x", NULL},
		{&many, NULL, "http://[a.test]:8080", "/r/"},
		{&many, NULL, "http://a.test:9001/x", NULL},
		/* the Host that was sent */
		{&port, "app.test", "http://app.test/x", "/r/x"},
		{&port, "app.test", "https://APP.test/x", "/r/x"},
		{&port, "app.test", "//app.test:80/x", "/r/x"},
		{&port, "app.test", "http://app.test:9001/x", NULL},
		{&port, "app.test", "http://127.0.0.1:9001/x", "/r/x"},
		{&port, "app.test:8080", "http://app.test:8080/x", "/r/x"},
		{&port, "app.test:8080", "http://app.test/x", NULL},
		{&port, "[::2]:81", "http://[::2]:81/x", "/r/x"},
		{&based, "app.test", "https://app.test/v1/x", "/api/r/x"},
		{&based, "app.test", "https://app.test/x", NULL},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_paths(void **state)
{
	static const struct row rows[] = {
		{&bare, NULL, "/", "/r/"},
		{&bare, NULL, "/x/y?q=/z#/f", "/r/x/y?q=/z#/f"},
		{&bare, NULL, "/x?a=http://up.test/&b=%2F#?",
		 "/r/x?a=http://up.test/&b=%2F#?"},
		{&bare, NULL, "/x//y", "/r/x//y"},
		{&bare, NULL, "http://up.test//evil.test/x", "/r//evil.test/x"},
		{&bare, NULL, "/M\xc3\xbcnchen/%2F%zz%", "/r/M\xc3\xbcnchen/%2F%zz%"},
		{&bare, NULL, "/r/x", "/r/r/x"},
		/* on a segment border */
		{&based, NULL, "/v1", "/api/r"},
		{&based, NULL, "/v1/", "/api/r/"},
		{&based, NULL, "/v1?q", "/api/r?q"},
		{&based, NULL, "/v1#f", "/api/r#f"},
		{&based, NULL, "/v1/x", "/api/r/x"},
		{&based, NULL, "/v1x", NULL},
		{&based, NULL, "/v1;x", NULL},
		{&based, NULL, "/v1%2Fx", NULL},
		{&based, NULL, "/V1/x", NULL},
		{&based, NULL, "/v", NULL},
		{&based, NULL, "/", NULL},
		{&based, NULL, "/v2/x", NULL},
		{&based, NULL, "https://up.test", NULL},
		{&based, NULL, "https://up.test//v1/x", NULL},
		{&based, NULL, "/%761/x", "/api/r/x"},
		{&based, NULL, "/v%31", "/api/r"},
		{&odd, NULL, "/a%2fb/c~d/x", "/r/x"},
		{&odd, NULL, "/a/b/c~d/x", NULL},
		/* the prefix goes upstream, too */
		{&whole, NULL, "/api/r/x", "/api/r/x"},
		{&whole, NULL, "http://up.test/api/r?q", "/api/r?q"},
		{&whole, NULL, "/login", NULL},
		{&whole, NULL, "http://up.test/login", NULL},
		{&whole, NULL, "/api/rest", NULL},
		{&both, NULL, "/b/r/x", "/r/x"},
		{&both, NULL, "/r/x", NULL},
		{&both, NULL, "/b/x", NULL},
		/* never a host of its own */
		{&root, NULL, "/v1", "/"},
		{&root, NULL, "/v1?q", "/?q"},
		{&root, NULL, "/v1/x", "/x"},
		{&root, NULL, "/v1//evil.test/x", "/.//evil.test/x"},
		{&root, NULL, "/v1/.//evil.test/x", "/.//evil.test/x"},
		{&root, NULL, "/v1/\\evil.test/x", NULL},
		{&root, NULL, "/v1/\t/evil.test/x", NULL},
		{&root, NULL, "/\\evil.test/v1/x", NULL},
		{&bare, NULL, "\\\\evil.test/x", NULL},
		/* as a client reads dot segments */
		{&bare, NULL, "/a/../b", "/r/b"},
		{&bare, NULL, "/a/./b/.", "/r/a/b/"},
		{&bare, NULL, "/a/b/..", "/r/a/"},
		{&bare, NULL, "/..", "/r/"},
		{&bare, NULL, "/../../x", "/r/x"},
		{&bare, NULL, "/%2e%2E/x", "/r/x"},
		{&bare, NULL, "/.%2e/x/.../..x/.y", "/r/x/.../..x/.y"},
		{&bare, NULL, "/x?../..", "/r/x?../.."},
		{&based, NULL, "/v1/../admin", NULL},
		{&based, NULL, "/v1/%2e%2e/admin", NULL},
		{&based, NULL, "/admin/../v1/x", "/api/r/x"},
		{&based, NULL, "/v1/..", NULL},
		{&whole, NULL, "/api/r/../admin", NULL},
		/* relative ones resolve under the route by themselves */
		{&bare, NULL, "", NULL},
		{&bare, NULL, "x", NULL},
		{&bare, NULL, "./x", NULL},
		{&bare, NULL, "../x", NULL},
		{&bare, NULL, "?q=/x", NULL},
		{&bare, NULL, "#/x", NULL},
		{&bare, NULL, "up.test/x", NULL},
		{&bare, NULL, " /x", NULL},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows));
}

static void test_fields(void **state)
{
	(void)state;
	assert_true(location_is_field(STR("location")));
	assert_true(location_is_field(STR("CONTENT-Location")));
	assert_false(location_is_field(STR("Link")));
	assert_false(location_is_field(STR("Refresh")));
	assert_false(location_is_field(STR("Set-Cookie")));
	assert_false(location_is_field(STR("X-Location")));
	assert_false(location_is_field(STR("Locations")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
