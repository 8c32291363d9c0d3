/* Who was found lately: how long that is enough to read, and who is forgotten. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "common/check.h"
#include "gateway/manager/remembered.h"

#define S UINT64_C(1000000)
#define MINUTE (60 * S)

static struct identity *person(int64_t id, int64_t session_id)
{
	struct identity *i = xcalloc(1, sizeof *i);

	*i = (struct identity){
		.user_id = id, .session_id = session_id, .name = xstrdup(""), .refs = 1};
	return i;
}

static void test_ten_minutes(void **state)
{
	const struct {
		struct remembered r;
		uint64_t now;
		bool may;
	} rows[] = {
		{{.known_us = S, .until_us = UINT64_MAX}, S, true},
		{{.known_us = S, .until_us = UINT64_MAX}, S + 10 * MINUTE, true},
		{{.known_us = S, .until_us = UINT64_MAX}, S + 10 * MINUTE + 1, false},
		/* Something has changed since, somewhere. */
		{{.found_us = 0, .known_us = S, .until_us = UINT64_MAX}, 2 * S, true},
		/* The key, session or token ends before that. */
		{{.known_us = S, .until_us = 2 * S}, 2 * S - 1, true},
		{{.known_us = S, .until_us = 2 * S}, 2 * S, false},
		/* It was looked up while it changed. */
		{{.known_us = 0, .until_us = UINT64_MAX}, 5, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(remembered_may_read(&rows[i].r, rows[i].now),
				 rows[i].may);
}

/* Who comes by these: 1 by a key, by two sessions, and 2 by a session. */
static struct remembering *remember(void)
{
	static const int64_t people[][2] = {{1, 0}, {1, 7}, {1, 8}, {2, 9}};
	struct remembering *r = remembering_new();
	unsigned char hash[KEY_HASH_BYTES] = {0};

	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		hash[0] = (unsigned char)i;
		remembering_add(r, hash, person(people[i][0], people[i][1]), S);
	}
	return r;
}

/* "1" for each of them that is known still. */
static const char *left(struct remembering **r)
{
	static char text[5];
	unsigned char hash[KEY_HASH_BYTES] = {0};

	for (size_t i = 0; i < 4; i++) {
		hash[0] = (unsigned char)i;
		text[i] = remembering_find(*r, hash, S) != NULL ? '1' : '.';
	}
	remembering_free(r);
	return text;
}

static void test_who_is_forgotten(void **state)
{
	struct remembering *r = remember();

	(void)state;
	remembering_drop(r, 1, 8);
	assert_string_equal(left(&r), "11.1");
	r = remember();
	remembering_drop(r, 1, 0);
	assert_string_equal(left(&r), "...1");
	r = remember();
	remembering_drop(r, 3, 0);
	assert_string_equal(left(&r), "1111");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_minutes),
		cmocka_unit_test(test_who_is_forgotten),
	};

	return cmocka_run_group_tests_name("remembered", tests, NULL, NULL);
}
