/* Unit tests of gateway/http/address_cap.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "gateway/http/address_cap.h"

static struct net_ip ip(const char *text)
{
	struct net_ip out;

	assert_true(net_ip_parse(&out, str_of(text)));
	return out;
}

static void test_up_to_the_limit(void **state)
{
	struct address_cap *cap = address_cap_new();
	struct net_ip a = ip("192.0.2.1"), b = ip("192.0.2.2");

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(address_cap_add(cap, &a, 3));
	assert_false(address_cap_add(cap, &a, 3));
	assert_false(address_cap_add(cap, &a, 3));
	assert_true(address_cap_add(cap, &b, 3));
	address_cap_remove(cap, &a);
	assert_true(address_cap_add(cap, &a, 3));
	assert_false(address_cap_add(cap, &a, 3));
	assert_false(address_cap_add(cap, &a, 0));
	address_cap_free(&cap);
	assert_null(cap);
}

static void test_ipv6_is_its_64(void **state)
{
	struct address_cap *cap = address_cap_new();
	struct net_ip a = ip("2001:db8::1"), same = ip("2001:db8::ffff:1"),
		      other = ip("2001:db8:0:1::1");

	(void)state;
	assert_true(address_cap_add(cap, &a, 1));
	assert_false(address_cap_add(cap, &same, 1));
	assert_true(address_cap_add(cap, &other, 1));
	address_cap_free(&cap);
}

/* A crowd of single connections does not use up anybody's share. */
static void test_many_addresses(void **state)
{
	struct address_cap *cap = address_cap_new();
	struct net_ip busy = ip("198.51.100.7");

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct net_ip one = {
			.family = 4,
			.bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};

		assert_true(address_cap_add(cap, &one, 50));
	}
	for (int i = 0; i < 50; i++)
		assert_true(address_cap_add(cap, &busy, 50 + 20));
	address_cap_free(&cap);
}

static void *add_and_remove(void *arg)
{
	struct address_cap *cap = arg;
	struct net_ip a = {.family = 4, .bytes = {192, 0, 2, 9}};

	for (int i = 0; i < 20000; i++)
		if (address_cap_add(cap, &a, 2))
			address_cap_remove(cap, &a);
	return NULL;
}

static void test_threads_leave_nothing_behind(void **state)
{
	struct address_cap *cap = address_cap_new();
	struct net_ip a = ip("192.0.2.9");
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_and_remove, cap),
				 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(address_cap_add(cap, &a, 1));
	assert_false(address_cap_add(cap, &a, 1));
	address_cap_free(&cap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_to_the_limit),
		cmocka_unit_test(test_ipv6_is_its_64),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_threads_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
