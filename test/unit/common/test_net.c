/* common/net: literal addresses, CIDR lists. */
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
#include "common/net.h"

static void test_ip_parse_and_text(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} t[] = {
		{"1.2.3.4", "1.2.3.4"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"::2:0:0:3:0:0", "::2:0:0:3:0:0"}, /* the first of equal runs */
		{"2001:DB8::0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2 */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* 4.2.3 */
		{"::ffff:10.0.0.1", "10.0.0.1"},
		{"::ffff:a00:1", "10.0.0.1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"", NULL},
		{"1.2.3", NULL},
		{"1.2.3.4.5", NULL},
		{"01.2.3.4", NULL},
		{"256.1.1.1", NULL},
		{"1.2.3.4 ", NULL},
		{"[::1]", NULL},
		{"fe80::1%1", NULL},
		{"localhost", NULL},
		{"0000000000000000000000000000000000000000000000000000001", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_ip ip;
		char text[NET_ADDR_TEXT_MAX];

		assert_int_equal(net_ip_parse(&ip, str_of(t[i].in)), t[i].out != NULL);
		net_ip_text(&ip, text);
		assert_string_equal(text, t[i].out ? t[i].out : "");
	}
	struct net_ip ip;

	assert_false(net_ip_parse(&ip, (struct str){"1.2.3.4\0", 8}));
	assert_false(net_ip_parse(&ip, (struct str){"1.2\0.3.4", 8}));
	assert_true(net_ip_parse(&ip, (struct str){"1.2.3.45", 7})); /* not terminated */
	assert_int_equal(ip.bytes[3], 4);
}

/* Against inet_ntop, which writes RFC 5952 too but for addresses that embed an IPv4
 * one. */
static void test_ip_text_is_inet_ntop(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct net_ip ip = {.family = i & 1 ? 4 : 6};
		char text[NET_ADDR_TEXT_MAX], expected[NET_ADDR_TEXT_MAX];

		for (int k = 0; k < 16; k++) {
			seed = seed * 1664525 + 1013904223;
			/* Mostly zeros, so that runs of them come in all places. */
			ip.bytes[k] = seed >> 30 ? 0 : (uint8_t)(seed >> 20);
		}
		ip.bytes[0] |= 1; /* IPv6: nothing embedded */
		inet_ntop(ip.family == 4 ? AF_INET : AF_INET6, ip.bytes, expected,
			  sizeof expected);
		net_ip_text(&ip, text);
		assert_string_equal(text, expected);
	}
}

static void test_ip_of_sockaddr(void **state)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char text[NET_ADDR_TEXT_MAX];
	struct net_ip ip;

	(void)state;
	in4.sin_addr.s_addr = htonl(0x7f000001);
	net_ip_of_sockaddr(&ip, (struct sockaddr *)&in4);
	net_ip_text(&ip, text);
	assert_string_equal(text, "127.0.0.1");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	net_ip_of_sockaddr(&ip, (struct sockaddr *)&in6);
	assert_int_equal(ip.family, 4);
	inet_pton(AF_INET6, "2001:db8::9", &in6.sin6_addr);
	net_ip_of_sockaddr(&ip, (struct sockaddr *)&in6);
	net_ip_text(&ip, text);
	assert_string_equal(text, "2001:db8::9");
	net_ip_of_sockaddr(&ip, (struct sockaddr *)&un);
	assert_int_equal(ip.family, 0);
	assert_false(net_ip_is_loopback(&ip));
	assert_false(net_ip_is_private(&ip));
}

static void test_loopback_and_private(void **state)
{
	static const struct {
		const char *ip;
		bool loopback, private;
	} t[] = {
		{"127.0.0.1", true, true},
		{"127.255.255.255", true, true},
		{"128.0.0.1", false, false},
		{"126.255.255.255", false, false},
		{"::1", true, true},
		{"::2", false, false},
		{"::ffff:127.0.0.1", true, true},
		{"10.255.0.1", false, true},
		{"11.0.0.0", false, false},
		{"172.15.255.255", false, false},
		{"172.16.0.0", false, true},
		{"172.31.255.255", false, true},
		{"172.32.0.0", false, false},
		{"192.168.0.1", false, true},
		{"192.169.0.1", false, false},
		{"169.254.1.1", false, true},
		{"100.63.255.255", false, false},
		{"100.64.0.0", false, true},
		{"100.127.255.255", false, true},
		{"100.128.0.0", false, false},
		{"fbff::1", false, false},
		{"fc00::1", false, true},
		{"fdff::1", false, true},
		{"fe00::1", false, false},
		{"fe80::1", false, true},
		{"febf::1", false, true},
		{"fec0::1", false, false},
		{"8.8.8.8", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_ip ip;

		assert_true(net_ip_parse(&ip, str_of(t[i].ip)));
		assert_int_equal(net_ip_is_loopback(&ip), t[i].loopback);
		assert_int_equal(net_ip_is_private(&ip), t[i].private);
	}
}

static void test_cidr_parse(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: accepted */
		unsigned family, bits;
	} t[] = {
		{"10.0.0.0/8", NULL, 4, 8},
		{"10.0.0.1", NULL, 4, 32},
		{"0.0.0.0/0", NULL, 4, 0},
		{"::/0", NULL, 6, 0},
		{"::1", NULL, 6, 128},
		{"2001:db8::/32", NULL, 6, 32},
		{"::ffff:10.0.0.0/104", NULL, 4, 8},
		{"::ffff:10.0.0.1/128", NULL, 4, 32},
		{"::ffff:10.0.0.0/95", "the prefix length after '/' is out of range", 0,
		 0},
		{"10.0.0.0/33", "the prefix length after '/' is out of range", 0, 0},
		{"::/129", "the prefix length after '/' is out of range", 0, 0},
		{"10.0.0.0/", "the prefix length after '/' is out of range", 0, 0},
		{"10.0.0.0/-1", "the prefix length after '/' is out of range", 0, 0},
		{"10.0.0.1/8", "bits after the prefix are set", 0, 0},
		{"2001:db8::1/64", "bits after the prefix are set", 0, 0},
		{"", "not a literal IPv4 or IPv6 address", 0, 0},
		{"/8", "not a literal IPv4 or IPv6 address", 0, 0},
		{"10/8", "not a literal IPv4 or IPv6 address", 0, 0},
		{"private", "not a literal IPv4 or IPv6 address", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_cidr c;
		const char *why = "none";

		assert_int_equal(net_parse_cidr(&c, str_of(t[i].text), &why),
				 t[i].why == NULL);
		if (t[i].why) {
			assert_string_equal(why, t[i].why);
			continue;
		}
		assert_int_equal(c.ip.family, t[i].family);
		assert_int_equal(c.bits, t[i].bits);
	}
}

static void test_cidrs_contain(void **state)
{
	static const char *const texts[] = {"10.1.0.0/17", "192.0.2.1", "2001:db8::/33",
					    "::ffff:203.0.113.0/120"};
	static const struct {
		const char *ip;
		bool in;
	} t[] = {
		{"10.1.0.0", true},
		{"10.1.127.255", true},
		{"10.1.128.0", false},
		{"10.2.0.0", false},
		{"192.0.2.1", true},
		{"192.0.2.2", false},
		{"2001:db8::1", true},
		{"2001:db8:7fff::", true},
		{"2001:db8:8000::", false},
		{"203.0.113.255", true},
		{"::ffff:203.0.113.9", true},
		{"203.0.114.0", false},
		{"::", false},
		{"0.0.0.0", false},
	};
	struct net_cidr items[ARRAY_LEN(texts)], all;
	struct net_cidrs list = {items, ARRAY_LEN(texts)}, empty = {0}, every = {&all, 1};
	struct net_ip ip = {0};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(net_parse_cidr(&items[i], str_of(texts[i]), &why));
	assert_true(net_parse_cidr(&all, STR("0.0.0.0/0"), &why));
	assert_false(net_cidrs_contain(&every, &ip)); /* a unix socket is in no list */
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_true(net_ip_parse(&ip, str_of(t[i].ip)));
		assert_int_equal(net_cidrs_contain(&list, &ip), t[i].in);
		assert_false(net_cidrs_contain(&empty, &ip));
		assert_int_equal(net_cidrs_contain(&every, &ip), ip.family == 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_parse_and_text),
		cmocka_unit_test(test_ip_text_is_inet_ntop),
		cmocka_unit_test(test_ip_of_sockaddr),
		cmocka_unit_test(test_loopback_and_private),
		cmocka_unit_test(test_cidr_parse),
		cmocka_unit_test(test_cidrs_contain),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
