/* Which word was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/check.h"
#include "common/near.h"

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{"", "", 0},           {"", "abc", 3},          {"token", "token", 0},
		{"tokne", "token", 1}, /* exchanged */
		{"tken", "token", 1},  {"tookeen", "token", 2}, {"kitten", "sitting", 3},
		{"ca", "abc", 3}, /* no letter twice: 2 without that */
		{"list", "revoke", 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(near_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(near_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}

static void words_that_are_too_long(void **state)
{
	char longest[NEAR_WORD_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof longest);
	longest[NEAR_WORD_MAX + 1] = '\0';
	assert_true(near_distance(longest, "a") > NEAR_WORD_MAX);
	longest[NEAR_WORD_MAX] = '\0';
	assert_int_equal(near_distance(longest, "a"), NEAR_WORD_MAX - 1);
}

static const char *meant(const char *given)
{
	static const char *const words[] = {"create", "list", "revoke", "import",
					    "rotate"};
	struct near near = {.given = given};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		near_try(&near, words[i]);
	return near.best;
}

static void what_is_meant(void **state)
{
	(void)state;
	assert_string_equal(meant("creat"), "create");
	assert_string_equal(meant("crate"), "create");
	assert_string_equal(meant("lits"), "list");
	assert_null(meant("ls"));
	assert_string_equal(meant("rovoke"), "revoke");
	assert_string_equal(meant("imp"), "import");
	assert_null(meant("delete-it"));
	assert_null(meant(""));
	assert_null(meant("x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(words_that_are_too_long),
		cmocka_unit_test(what_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
