/* PostgreSQL's answers as rows of the key table, from results made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/token/token_rows.h"

#define HASH "00000000000000000000000000000000000000000000000000000000000000ff"
#define INSTANCE "000102030405060708090a0b0c0d0e0f"

/* One row; NULL is SQL NULL. */
static PGresult *result(const char *const *values, int n)
{
	PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[11] = {0};

	for (int i = 0; i < n; i++)
		columns[i].name = (char *)"c";
	assert_int_equal(PQsetResultAttrs(r, n, columns), 1);
	for (int i = 0; i < n; i++) {
		int length = values[i] ? (int)strlen(values[i]) : -1;

		assert_int_equal(PQsetvalue(r, 0, i, (char *)values[i], length), 1);
	}
	return r;
}

static void test_key(void **state)
{
	static const char *const all[] = {HASH, "7", "5", "-3", "t", "a b"};
	static const char *const nulls[] = {HASH, "9223372036854775807", NULL, NULL, "f",
					    ""};
	static const char *const later[] = {HASH,     "7", NULL, NULL,         "f", "",
					    "a name", "t", "f",  "10.0.0.0/8", "12"};
	static const char *const none[] = {HASH, "7", NULL, NULL, "f", "",
					   NULL, "f", "t",  NULL, NULL};
	PGresult *r = result(all, 6);
	struct token_row row;

	(void)state;
	assert_true(token_row_read(&row, r, 0));
	assert_int_equal(row.hash[31], 0xff);
	assert_int_equal(row.view.token_id, 7);
	assert_int_equal(row.view.key_until_us, 5);
	assert_int_equal(row.view.expires_at_us, -3);
	assert_int_equal(row.view.flags, TOKEN_REVOKED);
	assert_true(str_eq(row.view.scopes, STR("a b")));
	PQclear(r);
	r = result(nulls, 6);
	assert_true(token_row_read(&row, r, 0));
	assert_true(row.view.token_id == INT64_MAX);
	assert_true(row.view.key_until_us == INT64_MAX);
	assert_true(row.view.expires_at_us == INT64_MAX);
	assert_int_equal(row.view.flags, 0);
	assert_int_equal(row.view.scopes.n, 0);
	assert_int_equal(row.view.name.n, 0);
	PQclear(r);
	assert_null(row.ranges_text.p);
	assert_true(row.view.team_id == 0);
	r = result(later, 11);
	assert_true(token_row_read(&row, r, 0));
	assert_true(str_eq(row.view.name, STR("a name")));
	assert_int_equal(row.view.flags, TOKEN_DISABLED);
	assert_true(row.view.team_id == 12);
	assert_true(str_eq(row.ranges_text, STR("10.0.0.0/8")));
	PQclear(r);
	r = result(none, 11);
	assert_true(token_row_read(&row, r, 0));
	assert_int_equal(row.view.name.n, 0);
	assert_int_equal(row.view.flags, TOKEN_TEAM_DISABLED);
	assert_true(row.view.team_id == 0);
	assert_null(row.ranges_text.p);
	PQclear(r);
}

static void test_what_is_no_hash_is_skipped(void **state)
{
	static const char *const bad[] = {"", "ff", "x" HASH, HASH "0", NULL};
	struct token_row row;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *const values[] = {bad[i], "7", NULL, NULL, "f", ""};
		PGresult *r = result(values, 6);

		assert_false(token_row_read(&row, r, 0));
		PQclear(r);
	}
}

static void test_poll(void **state)
{
	static const struct {
		const char *values[4];
		bool ok;
		size_t n_ids;
		const char *array;
	} rows[] = {
		{{INSTANCE, "9", "3", "1,2,30"}, true, 3, "{1,2,30}"},
		{{INSTANCE, "9", "0", NULL}, true, 0, "{}"},
		{{INSTANCE, "9", "9", "0"}, true, 1, "{0}"},
		{{"", "9", "3", "1"}, false, 0, NULL},
		{{INSTANCE, "", "3", "1"}, false, 0, NULL},
		{{INSTANCE, "-1", "3", "1"}, false, 0, NULL},
		{{INSTANCE, "9", "3", "1,x"}, false, 0, NULL},
		{{INSTANCE, "9", "3", "99999999999999999999"}, false, 0, NULL},
	};
	struct token_poll p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		PGresult *r = result(rows[i].values, 4);

		assert_int_equal(token_poll_read(&p, r), rows[i].ok);
		if (rows[i].ok) {
			assert_int_equal(p.at.generation, 9);
			assert_int_equal(p.at.instance[15], 0x0f);
			assert_int_equal(p.n_ids, rows[i].n_ids);
			assert_string_equal(p.ids_array, rows[i].array);
		}
		token_poll_fini(&p);
		PQclear(r);
	}
}

static void test_poll_of_a_load_has_no_changes(void **state)
{
	static const char *const values[] = {INSTANCE, "18446744073709551615"};
	PGresult *r = result(values, 2),
		 *none = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	struct token_poll p;

	(void)state;
	assert_true(token_poll_read(&p, r));
	assert_true(p.at.generation == UINT64_MAX);
	assert_int_equal(p.n_ids, 0);
	token_poll_fini(&p);
	assert_false(token_poll_read(&p, none));
	token_poll_fini(&p);
	PQclear(r);
	PQclear(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_what_is_no_hash_is_skipped),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_poll_of_a_load_has_no_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
