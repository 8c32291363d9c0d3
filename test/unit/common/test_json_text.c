/* A value's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "common/json_text.h"

static void test_text(void **state)
{
	static const char *const texts[] = {
		"null",
		"\"\"",
		"[]",
		"{\"a\":[1,\"\xc3\xa9\\n\"],\"b\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *text = json_text_take(cJSON_Parse(texts[i]));

		assert_string_equal(text, texts[i]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
