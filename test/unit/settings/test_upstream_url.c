/* Upstream URLs: what is taken apart how, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/check.h"
#include "gateway/settings/upstream_url.h"

static void test_accepts(void **state)
{
	static const struct {
		const char *text;
		bool tls;
		const char *host;
		unsigned port;
		const char *path;
	} t[] = {
		{"http://h", false, "h", 80, ""},
		{"https://api.openai.com/v1", true, "api.openai.com", 443, "/v1"},
		{"https://api.openai.com/v1/", true, "api.openai.com", 443, "/v1"},
		{"HTTPS://API.Example.COM:8443/", true, "api.example.com", 8443, ""},
		{"http://h:80//", false, "h", 80, ""},
		{"http://a_b-c.d1:65535/x/y", false, "a_b-c.d1", 65535, "/x/y"},
		{"http://127.0.0.1:9001", false, "127.0.0.1", 9001, ""},
		{"http://[::1]:9001/a", false, "::1", 9001, "/a"},
		{"https://[2001:DB8::0:1]", true, "2001:db8::1", 443, ""},
		{"http://[::ffff:127.0.0.1]", false, "127.0.0.1", 80, ""},
		{"http://h/a.b/~c/..d/%e4%BD/;=@:", false, "h", 80,
		 "/a.b/~c/..d/%e4%BD/;=@:"},
		{"http://1password.com", false, "1password.com", 80, ""},
		{"http://xn--bcher-kva.example", false, "xn--bcher-kva.example", 80, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct upstream_url u;
		const char *why = "";

		assert_true(upstream_url_parse(&u, str_of(t[i].text), &why));
		assert_int_equal(u.tls, t[i].tls);
		assert_string_equal(u.host, t[i].host);
		assert_int_equal(u.port, t[i].port);
		assert_string_equal(u.path, t[i].path);
		assert_int_equal(u.ipv6, strchr(t[i].host, ':') != NULL);
	}
}

static void test_refuses(void **state)
{
	static const char *const t[][2] = {
		{"",
		 "is no http:// or https:// URL; write it in full, as https://api.example/v1"},
		{"h",
		 "is no http:// or https:// URL; write it in full, as https://api.example/v1"},
		{"http:/h",
		 "is no http:// or https:// URL; write it in full, as https://api.example/v1"},
		{" http://h",
		 "is no http:// or https:// URL; write it in full, as https://api.example/v1"},
		{"unix:/run/x",
		 "is no http:// or https:// URL; write it in full, as https://api.example/v1"},
		{"wss://h",
		 "has a WebSocket scheme; write http:// or https://, WebSockets pass through these"},
		{"http://", "has no host; write http://billing.internal:8080/path"},
		{"http:///a", "has no host; write http://billing.internal:8080/path"},
		{"http://:80", "has no host; write http://billing.internal:8080/path"},
		{"http://h:", "has a malformed port; write 1 to 65535"},
		{"http://h:0", "has a malformed port; write 1 to 65535"},
		{"http://h:65536", "has a malformed port; write 1 to 65535"},
		{"http://h:+80", "has a malformed port; write 1 to 65535"},
		{"http://h:80x/", "has a malformed port; write 1 to 65535"},
		{"http://u@h",
		 "holds a user name or password; put credentials into set_headers"},
		{"http://u:p@h:80/x",
		 "holds a user name or password; put credentials into set_headers"},
		{"http://h?x", "holds a query; leave it out, the caller's is sent on"},
		{"http://h/a?", "holds a query; leave it out, the caller's is sent on"},
		{"http://h/a#b", "holds a fragment; leave it out"},
		{"http://[::1", "has [ without ]; write http://[::1]:9001"},
		{"http://[::1]80", "has text after ]; write http://[::1]:9001"},
		{"http://[::1]:", "has a malformed port; write 1 to 65535"},
		{"http://[127.0.0.1]",
		 "has a malformed IPv6 address in [ ]; write http://[::1]:9001, for instance"},
		{"http://[]",
		 "has a malformed IPv6 address in [ ]; write http://[::1]:9001, for instance"},
		{"http://[fe80::1%25eth0]",
		 "has a malformed IPv6 address in [ ]; write http://[::1]:9001, for instance"},
		{"http://::1",
		 "has an IPv6 address without brackets; write http://[::1]:9001"},
		{"http://2001:db8::1/",
		 "has an IPv6 address without brackets; write http://[::1]:9001"},
		{"http://127.1",
		 "has a malformed IPv4 address; write four numbers, as http://127.0.0.1:9001"},
		{"http://256.0.0.1",
		 "has a malformed IPv4 address; write four numbers, as http://127.0.0.1:9001"},
		{"http://2130706433",
		 "has a malformed IPv4 address; write four numbers, as http://127.0.0.1:9001"},
		{"http://0x7f.1",
		 "has a malformed IPv4 address; write four numbers, as http://127.0.0.1:9001"},
		{"http://0x7f000001",
		 "has a malformed IPv4 address; write four numbers, as http://127.0.0.1:9001"},
		{"http://b\303\274cher.example",
		 "has a host outside ASCII; write its xn-- form"},
		{"http://a..b",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://.a",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://a.",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://-a",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://a b",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://a\\b",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://a%2eb",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://h\r\n",
		 "has a malformed host name; write letters, digits and -, as http://billing.internal:8080"},
		{"http://h/a b",
		 "has a character in its path that a URL cannot hold; leave it out"},
		{"http://h/a\\b",
		 "has a character in its path that a URL cannot hold; leave it out"},
		{"http://h/a\nb",
		 "has a character in its path that a URL cannot hold; leave it out"},
		{"http://h/\303\251",
		 "has a character in its path that a URL cannot hold; leave it out"},
		{"http://h/a%",
		 "has a malformed %-escape in its path; write % and two hexadecimal digits, or leave it out"},
		{"http://h/a%4",
		 "has a malformed %-escape in its path; write % and two hexadecimal digits, or leave it out"},
		{"http://h/a%zz",
		 "has a malformed %-escape in its path; write % and two hexadecimal digits, or leave it out"},
		{"http://h/a%2Fb",
		 "has an escaped slash, dot, backslash, space or control in its path; "
		 "write the path plainly"},
		{"http://h/%2e%2e/",
		 "has an escaped slash, dot, backslash, space or control in its path; "
		 "write the path plainly"},
		{"http://h/%00",
		 "has an escaped slash, dot, backslash, space or control in its path; "
		 "write the path plainly"},
		{"http://h/a//b", "has an empty segment // in its path; write one slash"},
		{"http://h//a", "has an empty segment // in its path; write one slash"},
		{"http://h/a/../b",
		 "has a . or .. segment in its path; write the path that it leads to"},
		{"http://h/./",
		 "has a . or .. segment in its path; write the path that it leads to"},
		{"http://h/..",
		 "has a . or .. segment in its path; write the path that it leads to"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct upstream_url u;
		const char *why = "none";

		assert_false(upstream_url_parse(&u, str_of(t[i][0]), &why));
		assert_string_equal(why, t[i][1]);
	}
}

/* "http://" and n bytes of labels of 63. */
static struct str long_host(char *out, size_t n)
{
	memcpy(out, "http://", 7);
	for (size_t i = 0; i < n; i++)
		out[7 + i] = i % 64 == 63 ? '.' : 'a';
	return (struct str){out, 7 + n};
}

static void test_lengths(void **state)
{
	char text[1024];
	struct upstream_url u;
	const char *why;

	(void)state;
	assert_true(upstream_url_parse(&u, long_host(text, 253), &why));
	assert_int_equal(strlen(u.host), 253);
	assert_false(upstream_url_parse(&u, long_host(text, 254), &why));
	assert_string_equal(why, "has a host longer than 253 bytes; shorten it");
	memset(text, 'a', sizeof text);
	memcpy(text, "http://", 7);
	assert_true(upstream_url_parse(&u, (struct str){text, 7 + 63}, &why));
	assert_false(
		upstream_url_parse(&u, (struct str){text, 7 + 64}, &why)); /* one label */
	text[8] = '/';
	assert_true(upstream_url_parse(&u, (struct str){text, 8 + 512}, &why));
	assert_int_equal(strlen(u.path), 512);
	assert_false(upstream_url_parse(&u, (struct str){text, 8 + 513}, &why));
	assert_string_equal(why, "has a path longer than 512 bytes; shorten it");
}

static void test_nul_and_no_terminator(void **state)
{
	static const char text[] = "http://h\0x/a";
	struct upstream_url u;
	const char *why;

	(void)state;
	assert_false(upstream_url_parse(&u, (struct str){text, sizeof text - 1}, &why));
	assert_string_equal(
		why,
		"has a malformed host name; write letters, digits and -, as http://billing.internal:8080");
	assert_false(upstream_url_parse(&u, (struct str){"http://h/\0", 10}, &why));
	assert_string_equal(
		why, "has a character in its path that a URL cannot hold; leave it out");
	for (size_t n = 0; n <= 24; n++) { /* asan sees a byte too far */
		char *copy = xstrndup("http://[::1]:8080/a%20bc", 24),
		     *exact = xmalloc(n);

		memcpy(exact, copy, n);
		upstream_url_parse(&u, (struct str){exact, n}, &why);
		free(exact);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_nul_and_no_terminator),
	};

	return cmocka_run_group_tests_name("upstream URL", tests, NULL, NULL);
}
