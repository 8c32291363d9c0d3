/* How often somebody may fail, and who is remembered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/manager/attempts.h"
#include "gateway/manager/remembered.h"

#define S UINT64_C(1000000)

static struct net_ip ip(const char *text)
{
	struct net_ip to;

	assert_true(net_ip_parse(&to, str_of(text)));
	return to;
}

/* How many of n may be made at once. */
static unsigned take(struct attempts *a, const char *address, unsigned n, uint64_t now)
{
	struct net_ip from = ip(address);
	unsigned may = 0;

	while (n-- > 0)
		may += attempts_take(a, &from, now);
	return may;
}

static void test_an_address(void **state)
{
	struct attempts *a = attempts_new();
	struct net_ip one = ip("192.0.2.1");

	(void)state;
	assert_int_equal(take(a, "192.0.2.1", 50, 100 * S), 30);
	assert_int_equal(take(a, "192.0.2.2", 5, 100 * S), 5);
	assert_int_equal(take(a, "192.0.2.1", 5, 101 * S), 0);
	assert_int_equal(take(a, "192.0.2.1", 5, 102 * S), 1);
	assert_int_equal(take(a, "192.0.2.1", 50, 122 * S), 10);
	attempts_give_back(a, &one);
	assert_int_equal(take(a, "192.0.2.1", 5, 122 * S), 1);
	assert_int_equal(take(a, "192.0.2.1", 50, 9999 * S), 30);
	/* A clock that stands still, or goes back, gives nothing. */
	assert_int_equal(take(a, "192.0.2.1", 50, 9998 * S), 0);
	attempts_free(&a);
}

static void test_a_net(void **state)
{
	struct attempts *a = attempts_new();

	(void)state;
	assert_int_equal(take(a, "2001:db8::1", 20, S), 20);
	assert_int_equal(take(a, "2001:db8::ffff:1", 20, S), 10);
	assert_int_equal(take(a, "2001:db8:0:1::1", 20, S), 20);
	attempts_free(&a);
}

static void test_a_person(void **state)
{
	static const unsigned char one[ATTEMPTS_WHO] = "one", two[ATTEMPTS_WHO] = "two";
	struct attempts *a = attempts_new();
	unsigned may = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		may += attempts_take_person(a, one, 5 * S);
	assert_int_equal(may, 30);
	assert_true(attempts_take_person(a, two, 5 * S));
	assert_true(attempts_take_person(a, one, 7 * S));
	assert_false(attempts_take_person(a, one, 7 * S));
	attempts_give_back_person(a, one);
	assert_true(attempts_take_person(a, one, 7 * S));
	/* Addresses are others than persons. */
	assert_int_equal(take(a, "192.0.2.1", 50, 7 * S), 30);
	attempts_free(&a);
}

/* However many others fail, whoever comes with a right key from elsewhere gets in. */
static void test_all_together(void **state)
{
	struct attempts *a = attempts_new();
	char address[40];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(address, sizeof address, "10.0.%u.1", i);
		assert_int_equal(take(a, address, 50, 50 * S), 30);
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(address, sizeof address, "10.1.%u.1", i);
		assert_int_equal(take(a, address, 50, 50 * S), 5);
	}
	assert_int_equal(take(a, "10.0.0.1", 50, 50 * S), 0);
	/* Twenty a second go back to where they were. */
	assert_int_equal(take(a, "192.0.2.1", 50, 51 * S), 20);
	assert_int_equal(take(a, "192.0.2.2", 50, 51 * S), 5);
	assert_int_equal(take(a, "192.0.2.3", 50, 70 * S), 30);
	/* What did not fail is no pressure. */
	for (unsigned i = 0; i < 1000; i++) {
		struct net_ip good = ip("192.0.2.9");

		assert_true(attempts_take(a, &good, 90 * S));
		attempts_give_back(a, &good);
	}
	assert_int_equal(take(a, "192.0.2.10", 50, 90 * S), 30);
	attempts_free(&a);
}

/* --- who is remembered --- */

static struct identity *person(int64_t id)
{
	struct identity *i = xcalloc(1, sizeof *i);

	i->refs = 1;
	i->user_id = id;
	i->name = xstrdup("x");
	return i;
}

static void hash_of(unsigned char hash[KEY_HASH_BYTES], uint32_t n)
{
	memset(hash, 0, KEY_HASH_BYTES);
	memcpy(hash, &n, sizeof n);
	memcpy(hash + 8, &n, sizeof n);
}

static void test_remembering(void **state)
{
	struct remembering *r = remembering_new();
	unsigned char one[KEY_HASH_BYTES], two[KEY_HASH_BYTES];

	(void)state;
	hash_of(one, 1);
	hash_of(two, 2);
	assert_null(remembering_find(r, one, 1));
	remembering_add(r, one, person(1), 5);
	assert_int_equal(remembering_find(r, one, 6)->identity->user_id, 1);
	assert_int_equal(remembering_find(r, one, 6)->found_us, 5);
	remembering_add(r, one, person(7), 8);
	assert_int_equal(remembering_find(r, one, 9)->identity->user_id, 7);
	remembering_add_nobody(r, two, "no", 9);
	assert_string_equal(remembering_find_nobody(r, two)->why, "no");
	assert_null(remembering_find_nobody(r, one));
	remembering_doubt(r);
	assert_int_equal(remembering_find(r, one, 9)->found_us, 0);
	assert_int_equal(remembering_find(r, one, 9)->known_us, 8);
	assert_null(remembering_find_nobody(r, two));
	/* One is either. */
	remembering_add_nobody(r, one, "gone", 10);
	assert_null(remembering_find(r, one, 10));
	remembering_add(r, one, person(1), 11);
	assert_null(remembering_find_nobody(r, one));
	remembering_free(&r);
}

static void test_memory_is_bounded(void **state)
{
	struct remembering *r = remembering_new();
	unsigned char hash[KEY_HASH_BYTES], first[KEY_HASH_BYTES];
	unsigned left = 0;

	(void)state;
	hash_of(first, 0);
	for (uint32_t i = 0; i < 20000; i++) {
		hash_of(hash, i);
		remembering_add(r, hash, person(i), i + 1);
		assert_non_null(
			remembering_find(r, first, i + 1)); /* used all the time */
	}
	for (uint32_t i = 0; i < 100000; i++) {
		hash_of(hash, i + 20000);
		remembering_add_nobody(r, hash, "no", 30000 + i);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		hash_of(hash, i);
		left += remembering_find(r, hash, 200000) != NULL;
	}
	assert_int_equal(left, 4096);
	remembering_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address),
		cmocka_unit_test(test_a_net),
		cmocka_unit_test(test_a_person),
		cmocka_unit_test(test_all_together),
		cmocka_unit_test(test_remembering),
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
