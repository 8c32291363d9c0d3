/* Unit tests of the caller's address and of locality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/http/client_addr.h"

static struct net_cidr cidrs[3];
static struct settings settings = {.trusted_proxies = {cidrs, ARRAY_LEN(cidrs)}};

static int set_up(void **state)
{
	const char *why;

	(void)state;
	assert_true(net_parse_cidr(&cidrs[0], STR("127.0.0.1/32"), &why));
	assert_true(net_parse_cidr(&cidrs[1], STR("10.0.0.0/8"), &why));
	assert_true(net_parse_cidr(&cidrs[2], STR("::1/128"), &why));
	return 0;
}

static void parse(struct request_head *h, char text[1024], const char *host,
		  const char *fields)
{
	static const struct head_limits limits = {16384, 100};
	struct head_refusal why;
	int n = snprintf(text, 1024, "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host,
			 fields);

	assert_in_range(n, 1, 1023);
	if (!request_head_parse(h, text, (size_t)n, &limits, &why))
		fail_msg("%s: %s", why.detail, text);
}

static struct net_ip ip_of(const char *text)
{
	struct net_ip ip = {0};

	if (*text)
		assert_true(net_ip_parse(&ip, str_of(text)));
	return ip;
}

struct row {
	const char *peer, *fields, *client;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct request_head h;
		struct net_ip peer = ip_of(rows[i].peer), client;
		char text[1024], got[NET_ADDR_TEXT_MAX];

		parse(&h, text, "a", rows[i].fields);
		client = client_addr_of(&h, &peer, &settings);
		net_ip_text(&client, got);
		if (strcmp(got, rows[i].client) != 0)
			fail_msg("%s, not %s: %s", got, rows[i].client, rows[i].fields);
	}
}

#define XFF "X-Forwarded-For: "

static void walks_forwarded_for_from_the_right(void **state)
{
	static const struct row rows[] = {
		{"1.2.3.4", "", "1.2.3.4"},
		{"127.0.0.1", "", "127.0.0.1"},
		{"", "", ""},
		{"127.0.0.1", XFF "9.9.9.9\r\n", "9.9.9.9"},
		{"::1", XFF "9.9.9.9\r\n", "9.9.9.9"},
		{"", XFF "9.9.9.9\r\n", "9.9.9.9"},
		/* a stranger's word counts for nothing */
		{"1.2.3.4", XFF "9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\n", "1.2.3.4"},
		{"2001:db8::1", XFF "9.9.9.9\r\n", "2001:db8::1"},
		/* what stands left of the first untrusted address may be made up */
		{"127.0.0.1", XFF "6.6.6.6, 9.9.9.9\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "6.6.6.6,9.9.9.9 ,\t10.0.0.1,10.1.1.1\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "6.6.6.6\r\nA: b\r\n" XFF "9.9.9.9\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "9.9.9.9\r\n" XFF "10.0.0.1\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "10.0.0.2, 10.0.0.1\r\n", "10.0.0.2"},
		/* empty elements, and forms that proxies write */
		{"127.0.0.1", XFF "\r\n", "127.0.0.1"},
		{"127.0.0.1", XFF ",, 9.9.9.9 ,,\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "9.9.9.9:4711\r\n", "9.9.9.9"},
		{"127.0.0.1", XFF "2001:db8::2\r\n", "2001:db8::2"},
		{"127.0.0.1", XFF "[2001:db8::2]\r\n", "2001:db8::2"},
		{"127.0.0.1", XFF "[2001:db8::2]:80\r\n", "2001:db8::2"},
		{"127.0.0.1", XFF "::ffff:9.9.9.9\r\n", "9.9.9.9"},
		/* unreadable: what is known so far */
		{"127.0.0.1", XFF "unknown\r\n", "127.0.0.1"},
		{"127.0.0.1", XFF "9.9.9.9, unknown\r\n", "127.0.0.1"},
		{"127.0.0.1", XFF "9.9.9.9, unknown, 10.0.0.1\r\n", "10.0.0.1"},
		{"127.0.0.1", XFF "9.9.9.9\r\n" XFF "[::1\r\n", "127.0.0.1"},
		{"127.0.0.1", XFF "9.9.9.999\r\n", "127.0.0.1"},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void other_fields_count_where_configured(void **state)
{
	static const struct row off[] = {
		{"127.0.0.1", "CF-Connecting-IP: 7.7.7.7\r\nX-Real-IP: 8.8.8.8\r\n",
		 "127.0.0.1"},
	};
	static const struct row on[] = {
		{"127.0.0.1", "CF-Connecting-IP: 7.7.7.7\r\nX-Real-IP: 8.8.8.8\r\n",
		 "7.7.7.7"},
		{"127.0.0.1", "X-Real-IP: 8.8.8.8\r\n" XFF "9.9.9.9\r\n", "8.8.8.8"},
		{"127.0.0.1", "CF-Connecting-IP: x\r\n" XFF "9.9.9.9\r\n", "9.9.9.9"},
		{"127.0.0.1", "CF-Connecting-IP: x\r\n", "127.0.0.1"},
		{"127.0.0.1", "X-Real-IP: 1.1.1.1\r\nX-Real-IP: 2.2.2.2\r\n",
		 "127.0.0.1"},
		{"1.2.3.4", "CF-Connecting-IP: 7.7.7.7\r\n", "1.2.3.4"},
	};

	(void)state;
	check_rows(off, ARRAY_LEN(off));
	settings.trust_cf_connecting_ip = settings.trust_x_real_ip = true;
	check_rows(on, ARRAY_LEN(on));
	settings.trust_cf_connecting_ip = settings.trust_x_real_ip = false;
}

static void trusts_listed_peers_and_unix_sockets(void **state)
{
	static const struct {
		const char *peer;
		bool trusted;
	} rows[] = {
		{"", true},         {"127.0.0.1", true}, {"127.0.0.2", false},
		{"10.9.8.7", true}, {"11.0.0.1", false}, {"::1", true},
		{"::2", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_ip peer = ip_of(rows[i].peer);

		assert_int_equal(client_peer_is_trusted(&peer, &settings),
				 rows[i].trusted);
	}
}

static void tells_local_requests(void **state)
{
	static const struct {
		const char *peer, *host, *fields;
		bool local;
	} rows[] = {
		{"127.0.0.1", "localhost", "", true},
		{"127.0.0.1", "LocalHost:8000", "", true},
		{"127.0.0.1", "127.0.0.1:8000", "", true},
		{"127.9.9.9", "127.1.2.3", "", true},
		{"::1", "[::1]:8000", "", true},
		{"::1", "[::1]", "", true},
		{"", "localhost", "", true},
		{"1.2.3.4", "localhost", "", false},
		{"10.0.0.1", "localhost", "", false},
		{"127.0.0.1", "", "", false},
		{"127.0.0.1", "example.com", "", false},
		{"127.0.0.1", "localhost.example.com", "", false},
		{"127.0.0.1", "127.0.0.1.example.com", "", false},
		{"127.0.0.1", "10.0.0.1", "", false},
		{"127.0.0.1", "[::2]", "", false},
		{"127.0.0.1", "localhost", XFF "127.0.0.1\r\n", false},
		{"127.0.0.1", "localhost", "X-Forwarded-Proto: http\r\n", false},
		{"127.0.0.1", "localhost", "Forwarded: for=x\r\n", false},
		{"127.0.0.1", "localhost", "X-Real-IP: x\r\n", false},
		{"127.0.0.1", "localhost", "CF-Connecting-IP: x\r\n", false},
		{"127.0.0.1", "localhost", "Via: 1.1 x\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request_head h;
		struct net_ip peer = ip_of(rows[i].peer);
		char text[1024];

		parse(&h, text, rows[i].host, rows[i].fields);
		if (client_is_local(&h, &peer) != rows[i].local)
			fail_msg("wrong: %s %s %s", rows[i].peer, rows[i].host,
				 rows[i].fields);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_forwarded_for_from_the_right),
		cmocka_unit_test(other_fields_count_where_configured),
		cmocka_unit_test(trusts_listed_peers_and_unix_sockets),
		cmocka_unit_test(tells_local_requests),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
