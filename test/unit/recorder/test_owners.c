/* Whose tokens hashes are: what is asked for, what is believed. */
#include "gateway/recorder/owners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"

static struct usage_event event_of(uint32_t key, int64_t token_id)
{
	struct usage_event e;

	usage_event_init(&e);
	memcpy(e.token_hash, &key, sizeof key);
	e.token_id = token_id;
	return e;
}

/* What an event's token becomes; the answer's rows are (key, its token) pairs. */
static int64_t judged(struct usage_owners *o, uint32_t key, int64_t token_id)
{
	struct usage_event e = event_of(key, token_id);

	assert_true(usage_owners_judge(o, &e));
	return e.token_id;
}

static bool is_asked(struct usage_owners *o, uint32_t key, int64_t token_id)
{
	struct usage_event e = event_of(key, token_id);
	bool known = usage_owners_judge(o, &e);

	assert_true(known || e.token_id == token_id);
	return !known;
}

static void find(struct usage_owners *o, uint32_t key, int64_t token_id)
{
	struct usage_event e = event_of(key, 0);
	char hex[65];

	hex_encode(hex, e.token_hash, 32);
	usage_owners_found(o, str_of(hex), token_id);
}

static void test_a_pair_is_asked_for_once(void **state)
{
	struct usage_owners *o = usage_owners_new();

	(void)state;
	assert_true(is_asked(o, 1, 7));
	assert_true(is_asked(o, 1, 7));
	assert_int_equal(usage_owners_asked(o), 1);
	find(o, 1, 7);
	usage_owners_answered(o);
	assert_int_equal(judged(o, 1, 7), 7);
	usage_owners_next(o);
	assert_int_equal(judged(o, 1, 7), 7);
	assert_int_equal(usage_owners_asked(o), 0);
	usage_owners_forget(o);
	assert_true(is_asked(o, 1, 7));
	usage_owners_free(&o);
	assert_null(o);
}

static void test_the_hash_counts_not_the_id(void **state)
{
	struct usage_owners *o = usage_owners_new();

	(void)state;
	assert_true(is_asked(o, 1, 7));
	assert_true(is_asked(o, 2, 7));
	find(o, 1, 8);
	usage_owners_answered(o);
	assert_int_equal(judged(o, 1, 7), 8);
	assert_int_equal(judged(o, 1, USAGE_NULL), 8);
	assert_int_equal(judged(o, 2, 7), USAGE_NULL);
	/* The next batch may be told otherwise. */
	usage_owners_next(o);
	assert_true(is_asked(o, 1, 7));
	assert_true(is_asked(o, 2, 7));
	find(o, 1, 7);
	find(o, 2, 9);
	usage_owners_answered(o);
	assert_int_equal(judged(o, 1, 7), 7);
	assert_int_equal(judged(o, 2, 7), 9);
	usage_owners_free(&o);
}

static void test_an_answer_that_never_came(void **state)
{
	struct usage_owners *o = usage_owners_new();

	(void)state;
	assert_true(is_asked(o, 1, 7));
	usage_owners_next(o);
	assert_int_equal(usage_owners_asked(o), 0);
	assert_true(is_asked(o, 1, 7));
	assert_int_equal(usage_owners_asked(o), 1);
	usage_owners_found(o, STR("no hash"), 3);
	usage_owners_answered(o);
	assert_int_equal(judged(o, 1, 7), USAGE_NULL);
	usage_owners_free(&o);
}

static void test_sql(void **state)
{
	struct usage_owners *o = usage_owners_new();
	struct sbuf sql;

	(void)state;
	is_asked(o, 0x01020304, 7);
	is_asked(o, 0, 7);
	sbuf_init(&sql, 4096);
	usage_owners_sql(o, &sql);
	assert_string_equal(
		sbuf_text(&sql),
		"SELECT token_hash, token_id FROM token_keys WHERE token_hash = ANY ('{"
		"0403020100000000000000000000000000000000000000000000000000000000,"
		"0000000000000000000000000000000000000000000000000000000000000000}'::"
		"varchar[])");
	sbuf_fini(&sql);
	usage_owners_free(&o);
}

static void test_many(void **state)
{
	struct usage_owners *o = usage_owners_new();
	const uint32_t n = 100000;

	(void)state;
	for (uint32_t i = 0; i < n; i++)
		assert_true(is_asked(o, i, i));
	assert_int_equal(usage_owners_asked(o), n);
	for (uint32_t i = 0; i < n; i += 2)
		find(o, i, i + 1);
	usage_owners_answered(o);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(judged(o, i, i), i % 2 ? USAGE_NULL : (int64_t)i + 1);
	/* So many are not kept. */
	usage_owners_next(o);
	assert_true(is_asked(o, 2, 3));
	usage_owners_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pair_is_asked_for_once),
		cmocka_unit_test(test_the_hash_counts_not_the_id),
		cmocka_unit_test(test_an_answer_that_never_came),
		cmocka_unit_test(test_sql),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
