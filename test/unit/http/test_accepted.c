/* Unit tests of lists with qualities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/http/accepted.h"

static void parse(struct request_head *h, char text[1024], const char *fields)
{
	static const struct head_limits limits = {16384, 100};
	struct head_refusal why;
	int n = snprintf(text, 1024, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	assert_in_range(n, 1, 1023);
	if (!request_head_parse(h, text, (size_t)n, &limits, &why))
		fail_msg("%s: %s", why.detail, text);
}

static void test_items(void **state)
{
	static const struct {
		const char *fields;
		enum accepted gzip;
	} rows[] = {
		{"", ACCEPTED_UNNAMED},
		{"Accept: gzip\r\n", ACCEPTED_UNNAMED},
		{"Accept-Encoding:\r\n", ACCEPTED_UNNAMED},
		{"Accept-Encoding: br, *\r\n", ACCEPTED_UNNAMED},
		{"Accept-Encoding: xgzip, gzipx, x-gzip\r\n", ACCEPTED_UNNAMED},
		{"Accept-Encoding: gzip\r\n", ACCEPTED_YES},
		{"ACCEPT-ENCODING: GZip\r\n", ACCEPTED_YES},
		{"Accept-Encoding: br,,\tgzip , deflate\r\n", ACCEPTED_YES},
		{"Accept-Encoding: br\r\nX-A: b\r\nAccept-Encoding: gzip\r\n",
		 ACCEPTED_YES},
		{"Accept-Encoding: gzip;q=1\r\n", ACCEPTED_YES},
		{"Accept-Encoding: gzip ; q=0.001\r\n", ACCEPTED_YES},
		{"Accept-Encoding: gzip;level=0;q=0.5\r\n", ACCEPTED_YES},
		{"Accept-Encoding: gzip;q=0\r\n", ACCEPTED_NO},
		{"Accept-Encoding: gzip; Q=0.000\r\n", ACCEPTED_NO},
		{"Accept-Encoding: br;q=1, gzip;x=1;q=0\r\n", ACCEPTED_NO},
		{"Accept-Encoding: gzip;q=0, gzip\r\n", ACCEPTED_NO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request_head h;
		char text[1024];

		parse(&h, text, rows[i].fields);
		if (accepted_item(&h, STR("accept-encoding"), STR("gzip")) !=
		    rows[i].gzip)
			fail_msg("%s", rows[i].fields);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
