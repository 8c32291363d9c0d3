/* Uses of tokens that wait for tokens.last_used. */
#include "gateway/recorder/uses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_uses(const struct usage_uses *u, const char *want)
{
	char text[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%lld:%lld",
				      i ? " " : "", (long long)u->uses[i].token_id,
				      (long long)u->uses[i].used_at_us);
	assert_string_equal(text, want);
}

static const struct usage_use some[] = {{-4, 10}, {1, 20}, {5, 30}};

static void test_the_latest_is_kept(void **state)
{
	static const struct usage_use more[] = {{1, 19}, {2, 7}, {5, 31}, {9, 1}};
	struct usage_uses u = {0};

	(void)state;
	usage_uses_add(&u, some, 0);
	assert_uses(&u, "");
	usage_uses_add(&u, some, 3);
	assert_uses(&u, "-4:10 1:20 5:30");
	usage_uses_add(&u, more, 4);
	assert_uses(&u, "-4:10 1:20 2:7 5:31 9:1");
	usage_uses_fini(&u);
}

/* Those that were left out stay, and wait for their turn. */
static void test_what_was_stored_goes(void **state)
{
	static const int64_t left_out[] = {-4, 3, 5};
	struct usage_uses u = {0};
	struct sbuf sql;

	(void)state;
	sbuf_init(&sql, 4096);
	usage_uses_add(&u, some, 3);
	assert_int_equal(usage_uses_sql(&u, 2, &sql), 2);
	assert_non_null(strstr(sbuf_text(&sql),
			       "VALUES (bigint '-4', timestamp '1970-01-01 "
			       "00:00:00.000010'), (bigint '1', timestamp '1970-01-01 "
			       "00:00:00.000020')), "));
	usage_uses_stored(&u, 2, left_out, 3);
	assert_uses(&u, "-4:10 5:30");
	sbuf_reset(&sql);
	assert_int_equal(usage_uses_sql(&u, 2, &sql), 1);
	assert_non_null(strstr(sbuf_text(&sql), "VALUES (bigint '5'"));
	usage_uses_stored(&u, 1, NULL, 0);
	assert_uses(&u, "-4:10");
	sbuf_reset(&sql);
	assert_int_equal(usage_uses_sql(&u, 2, &sql), 1);
	usage_uses_stored(&u, 1, NULL, 0);
	assert_uses(&u, "");
	assert_null(u.uses);
	sbuf_fini(&sql);
}

static void test_bounds(void **state)
{
	struct usage_use *many = calloc(USES_MAX, sizeof *many);
	struct usage_uses u = {0};
	struct sbuf sql;

	(void)state;
	assert_non_null(many);
	sbuf_init(&sql, USES_BYTES_BESIDE + 2 * USES_BYTES_EACH);
	for (size_t i = 0; i < USES_MAX; i++)
		many[i] = (struct usage_use){(int64_t)i, 1};
	usage_uses_add(&u, many, USES_MAX);
	many[0] = (struct usage_use){INT64_MIN, INT64_MIN};
	usage_uses_add(&u, many, 1);
	many[0] = (struct usage_use){INT64_MIN + 1, INT64_MIN};
	usage_uses_add(&u, many, 1);
	assert_int_equal(u.n, USES_MAX);
	usage_uses_sql(&u, 2, &sql);
	assert_false(sql.overflow);
	sbuf_fini(&sql);
	usage_uses_fini(&u);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_latest_is_kept),
		cmocka_unit_test(test_what_was_stored_goes),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
