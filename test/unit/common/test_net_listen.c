/* common/net_listen: addresses to listen on, and what was meant by others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "common/check.h"
#include "common/net_listen.h"

static void test_listen_accepts(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *addr; /* as inet_ntop says, or the unix path */
		int port;
	} t[] = {
		{"127.0.0.1:8787", AF_INET, "127.0.0.1", 8787},
		{"0.0.0.0:0", AF_INET, "0.0.0.0", 0},
		{"[::1]:8787", AF_INET6, "::1", 8787},
		{"[::]:65535", AF_INET6, "::", 65535},
		{"*:8000", AF_INET6, "::", 8000},
		{"[::ffff:127.0.0.1]:80", AF_INET, "127.0.0.1", 80},
		{"unix:/run/tollgate.sock", AF_UNIX, "/run/tollgate.sock", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_listen l;
		const char *why = "none";
		char text[INET6_ADDRSTRLEN] = "";

		assert_true(net_parse_listen(&l, t[i].text, &why));
		assert_string_equal(l.text, t[i].text);
		assert_int_equal(l.sa.ss_family, t[i].family);
		if (t[i].family == AF_INET) {
			struct sockaddr_in *in = (void *)&l.sa;

			assert_int_equal(l.len, sizeof *in);
			assert_int_equal(ntohs(in->sin_port), t[i].port);
			inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
			assert_string_equal(text, t[i].addr);
		} else if (t[i].family == AF_INET6) {
			struct sockaddr_in6 *in = (void *)&l.sa;

			assert_int_equal(l.len, sizeof *in);
			assert_int_equal(ntohs(in->sin6_port), t[i].port);
			inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
			assert_string_equal(text, t[i].addr);
		} else {
			assert_string_equal(
				((struct sockaddr_un *)(void *)&l.sa)->sun_path,
				t[i].addr);
		}
	}
}

static void test_listen_port(void **state)
{
	static const struct {
		const char *text;
		unsigned port;
		bool any;
	} t[] = {
		{"127.0.0.1:8787", 8787, false},
		{"[::1]:65535", 65535, false},
		{"*:0", 0, true},
		{"0.0.0.0:0", 0, true},
		{"unix:/run/x:0", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_listen l;
		const char *why;

		assert_true(net_parse_listen(&l, t[i].text, &why));
		assert_int_equal(net_listen_port(&l), t[i].port);
		assert_int_equal(net_listen_is_any_port(&l), t[i].any);
	}
}

static void test_listen_refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{"", "needs a port from 0 to 65535"},
		{"127.0.0.1", "needs a port from 0 to 65535"},
		{"127.0.0.1:", "needs a port from 0 to 65535"},
		{"127.0.0.1:+1", "needs a port from 0 to 65535"},
		{"127.0.0.1:80 ", "needs a port from 0 to 65535"},
		{"127.0.0.1:65536", "needs a port from 0 to 65535"},
		{"127.0.0.1:18446744073709551616", "needs a port from 0 to 65535"},
		{"::1:8787", "an IPv6 address needs brackets"},
		{"[127.0.0.1]:80", "brackets are for IPv6 addresses"},
		{"[]:80", "brackets are for IPv6 addresses"},
		{"[fe80::1%eth0]:80",
		 "the host must be a literal address, or * for all; names are not resolved"},
		{"localhost:80",
		 "the host must be a literal address, or * for all; names are not resolved"},
		{":80",
		 "the host must be a literal address, or * for all; names are not resolved"},
		{"127.1:80",
		 "the host must be a literal address, or * for all; names are not resolved"},
		{"unix:run/x", "a unix socket needs an absolute path"},
		{"unix:", "a unix socket needs an absolute path"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_listen l;
		const char *why = "none";

		assert_false(net_parse_listen(&l, t[i].text, &why));
		assert_string_equal(why, t[i].why);
	}
}

static void test_listen_lengths(void **state)
{
	char text[160] = "unix:/";
	struct net_listen l;
	const char *why;

	(void)state;
	memset(text + 6, 'x', 106);
	assert_true(net_parse_listen(&l, text, &why)); /* a path of 107 bytes */
	assert_int_equal(l.len, sizeof(struct sockaddr_un));
	text[112] = 'x';
	assert_false(net_parse_listen(&l, text, &why));
	assert_string_equal(why, "a unix socket's path may have 107 bytes at most");
	memset(text + 6, 'x', 122);
	assert_false(net_parse_listen(&l, text, &why)); /* 128: the text's own room */
	assert_string_equal(why, "too long for an address");
}

static void test_suggestions(void **state)
{
	static const char *const t[][2] = {
		{"", "127.0.0.1:1234"},
		{"8787", "127.0.0.1:8787"},
		{"99999", "127.0.0.1:1234"},
		{":8787", "*:8787"},
		{":", "*:1234"},
		{"*", "*:1234"},
		{"*:http", "*:1234"},
		{"127.0.0.1", "127.0.0.1:1234"},
		{"127.0.0.1:", "127.0.0.1:1234"},
		{"127.0.0.1:65536", "127.0.0.1:1234"},
		{"127.0.0.1 :8787", "127.0.0.1:1234"},
		{" 0.0.0.0:80 ", "0.0.0.0:80"},
		{"127.0.0.1:8787:1", "127.0.0.1:1"},
		{"127.1:80", "127.0.0.1:80"},
		{"localhost", "127.0.0.1:1234"},
		{"localhost:8787", "127.0.0.1:8787"},
		{"gateway.example.com:80", "127.0.0.1:80"},
		{"http://127.0.0.1:8787", "127.0.0.1:8787"},
		{"https://[::1]:8787/x?y=1:2", "[::1]:8787"},
		{"http://user:secret@0.0.0.0:1/", "0.0.0.0:1"},
		{"http://localhost/", "127.0.0.1:1234"},
		{"tcp://*:8787", "*:8787"},
		{"tcp:127.0.0.1:8787", "127.0.0.1:8787"},
		{"::", "[::]:1234"},
		{"::1", "[::1]:1234"},
		{"::1:8787", "[::1]:8787"},
		{":::8787", "[::]:8787"},
		{"[::1]", "[::1]:1234"},
		{"[::1", "[::1]:1234"},
		{"[127.0.0.1]:80", "127.0.0.1:80"},
		{"[]:80", "127.0.0.1:80"},
		{"fe80::1%eth0", "127.0.0.1:1234"},
		{"[fe80::1%eth0]:80", "127.0.0.1:80"},
		{"127.0.0.1:80, [::1]:80", "127.0.0.1:80"},
		{"$HOST:$PORT", "127.0.0.1:1234"},
		{"/run/x.sock", "unix:/run/x.sock"},
		{"unix:run/x.sock", "unix:/run/x.sock"},
		{"unix://run/x.sock", "unix:/run/x.sock"},
		{"unix:", "unix:/run/tollgate/tollgate.sock"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[NET_LISTEN_TEXT_MAX];
		struct net_listen l;
		const char *why;

		net_listen_suggest(out, t[i][0], 1234);
		if (strcmp(out, t[i][1]) != 0)
			fail_msg("%s: %s, not %s", t[i][0], out, t[i][1]);
		assert_true(net_parse_listen(&l, out, &why));
	}
}

/* Whatever the text: what is suggested is taken. */
static void test_suggestions_are_taken(void **state)
{
	static const char parts[][8] = {"[",  "]", ":", "::",    "127.0", ".0.1",
					"*",  "/", "@", "unix:", "://",   "%",
					"80", " ", ",", "x"};
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		char text[96] = "", out[NET_LISTEN_TEXT_MAX];
		struct net_listen l;
		const char *why;

		for (unsigned n = i % 9; n > 0; n--) {
			seed = seed * 1664525 + 1013904223;
			strncat(text, parts[seed >> 28], 8);
		}
		net_listen_suggest(out, text, 8787);
		if (!net_parse_listen(&l, out, &why))
			fail_msg("%s: %s: %s", text, out, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_accepts),
		cmocka_unit_test(test_listen_port),
		cmocka_unit_test(test_listen_refuses),
		cmocka_unit_test(test_listen_lengths),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_suggestions_are_taken),
	};

	return cmocka_run_group_tests_name("net_listen", tests, NULL, NULL);
}
