/* Keys that people sign in with, and what the database gets of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/people/people.h"
#include "gateway/token/token_calls.h"

static void test_keys(void **state)
{
	char a[KEY_LENGTH + 1], b[KEY_LENGTH + 1];

	(void)state;
	assert_true(people_key_make(a));
	assert_true(people_key_make(b));
	assert_int_equal(strlen(a), KEY_LENGTH);
	assert_memory_equal(a, "tgu_", 4);
	assert_string_not_equal(a, b);
}

static void test_hash(void **state)
{
	char hex[KEY_HASH_HEX + 1];

	(void)state;
	token_hash_hex(str_of("abc"), hex); /* FIPS 180-4's example */
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_json_has_no_key(void **state)
{
	static const char key[] = "tgu_0123456789";
	cJSON *json = people_key_json(key, "a \"b\"", 60);
	char *text = cJSON_PrintUnformatted(json);

	(void)state;
	assert_null(strstr(text, key));
	assert_non_null(strstr(text, "\"start\":\"tgu_0123\""));
	assert_non_null(strstr(text, "\"lifetime_s\":60"));
	assert_non_null(strstr(text, "a \\\"b\\\""));
	cJSON_free(text);
	cJSON_Delete(json);
	json = people_key_json(key, "", 0);
	assert_false(cJSON_HasObjectItem(json, "lifetime_s"));
	cJSON_Delete(json);
}

static void test_each_call_has_a_statement(void **state)
{
	(void)state;
	for (int call = PEOPLE_USER_ADD; call <= PEOPLE_AUDIT; call++)
		assert_non_null(strstr(people_sql((enum people_call)call), "people_"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_json_has_no_key),
		cmocka_unit_test(test_each_call_has_a_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
