/* Unit tests of lists in JSON as lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/json_rows.h"

static const char *const columns[] = {"a", "b.c", "d", NULL};

/* Of an allocation of the exact size, for the address sanitizer. */
static char *csv_of(const char *object)
{
	size_t n = strlen(object);
	char *copy = malloc(n ? n : 1), *told;
	struct sbuf out;

	assert_non_null(copy);
	memcpy(copy, object, n);
	sbuf_init(&out, 1 << 20);
	json_rows_csv(&out, (struct str){copy, n}, columns);
	told = xstrdup(sbuf_text(&out));
	sbuf_fini(&out);
	free(copy);
	return told;
}

static void cells_are_as_they_are_told(void **state)
{
	static const struct {
		const char *object, *line;
	} rows[] = {
		{"{}", ",,\r\n"},
		{"{\"a\":null,\"d\":null,\"b\":null}", ",,\r\n"},
		{"{\"a\" : 1, \"b\" : {\"c\" : 2}, \"d\" : 3}", "1,2,3\r\n"},
		{"{\"d\":12345678901234567890,\"a\":-5,\"b\":{\"x\":1,\"c\":1.5e3}}",
		 "-5,1.5e3,12345678901234567890\r\n"},
		{"{\"a\":true,\"b\":{},\"d\":false}", "true,,false\r\n"},
		{"{\"a\":\"\",\"d\":\"x\"}", "\"\",,\"x\"\r\n"},
		{"{\"a\":\"say \\\"hi\\\", you\",\"d\":\"\\\\\\/\"}",
		 "\"say \"\"hi\"\", you\",,\"\\/\"\r\n"},
		{"{\"a\":\"l1\\r\\nl2\\t\",\"d\":\"\\u00e4\\u6f22\\ud83d\\ude00\"}",
		 "\"l1\r\nl2\t\",,\"\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80\"\r\n"},
		{"{\"a\":\"\\ud83d\",\"d\":\"\\u0001\"}",
		 "\"\xef\xbf\xbd\",,\"\x01\"\r\n"},
		/* formulas */
		{"{\"a\":\"=1\",\"b\":{\"c\":\"+1\"},\"d\":\"-1\"}",
		 "\"'=1\",\"'+1\",\"'-1\"\r\n"},
		{"{\"a\":\"@x\",\"b\":{\"c\":\"\\t=1\"},\"d\":\"\\r=1\"}",
		 "\"'@x\",\"'\t=1\",\"'\r=1\"\r\n"},
		{"{\"a\":\"\\u003d1\",\"d\":[\"=1\",\"b\"]}", "\"'=1\",,\"'=1 b\"\r\n"},
		{"{\"a\":\"1=1\",\"d\":\" =1\"}", "\"1=1\",,\" =1\"\r\n"},
		/* lists and objects */
		{"{\"a\":[\"x\",\"y\",3],\"d\":[]}", "\"x y 3\",,\"\"\r\n"},
		{"{\"a\":[{\"id\":1}],\"d\":{\"k\":\"}\\\"\"}}",
		 "\"[{\"\"id\"\":1}]\",,\"{\"\"k\"\":\"\"}\\\"\"\"\"}\"\r\n"},
		/* what is cut off ends, whatever it says */
		{"{\"a\":", ",,\r\n"},
		{"{\"a\":[1", "\"1\",,\r\n"},
		{"", ",,\r\n"},
		{"7", ",,\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *told = csv_of(rows[i].object);

		assert_string_equal(told, rows[i].line);
		free(told);
	}
}

static void a_head_has_the_names(void **state)
{
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 1024);
	json_rows_csv_head(&out, columns);
	assert_string_equal(sbuf_text(&out), "a,b.c,d\r\n");
	sbuf_fini(&out);
}

static void elements_come_one_by_one(void **state)
{
	static const char text[] = " [ {\"a\":[1,2]} , \"x,]\" ,3, [ ] ,null ] ";
	static const char *const elements[] = {"{\"a\":[1,2]}", "\"x,]\"", "3", "[ ]",
					       "null"};
	struct str array = STR(text), element;
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
		assert_true(json_rows_next(array, &at, &element));
		assert_true(str_eq(element, str_of(elements[i])));
	}
	assert_false(json_rows_next(array, &at, &element));
	assert_false(json_rows_next(array, &at, &element));
	at = 0;
	assert_false(json_rows_next(STR("[]"), &at, &element));
	at = 0;
	assert_false(json_rows_next(STR("{}"), &at, &element));
}

static void members_are_found_by_their_whole_name(void **state)
{
	struct str object = STR("{\"items2\":1,\"x\":{\"items\":2},\"items\":[3]}"),
		   value;

	(void)state;
	assert_true(json_rows_member(object, "items", &value));
	assert_true(str_eq(value, STR("[3]")));
	assert_false(json_rows_member(object, "item", &value));
	assert_false(json_rows_member(STR("[]"), "items", &value));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_as_they_are_told),
		cmocka_unit_test(a_head_has_the_names),
		cmocka_unit_test(elements_come_one_by_one),
		cmocka_unit_test(members_are_found_by_their_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
