/* Which hosts and origins the manager answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/http/request_head.h"
#include "gateway/manager/origin.h"

static const char *const hosts[] = {"tollgate.internal"};
static const struct origin_rules rules = {"https://t.example", hosts, ARRAY_LEN(hosts)};
static const struct origin_rules with_port = {"http://t.example:8443", NULL, 0};
static const struct origin_rules none = {0};

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool by_rules, by_port, by_none;
	} rows[] = {
		{"t.example", true, false, false},
		{"T.Example.", true, false, false},
		{"t.example:443", true, false, false},
		{"t.example:80", false, false, false},
		{"t.example:8443", false, true, false},
		{"tollgate.internal", true, false, false},
		{"tollgate.internal:9", true, false, false},
		{"localhost", true, true, true},
		{"LOCALHOST:8000", true, true, true},
		{"127.0.0.1:8000", true, true, true},
		{"127.1.2.3", true, true, true},
		{"[::1]:8000", true, true, true},
		{"[::1]", true, true, true},
		{"[::ffff:127.0.0.1]", true, true, true},
		{"10.0.0.1", false, false, false},
		{"127.1", false, false, false},
		{"0.0.0.0:8000", false, false, false},
		{"[::]", false, false, false},
		{"[::1", false, false, false},
		{"[::1]x", false, false, false},
		{"localhost.evil.example", false, false, false},
		{"a.localhost", false, false, false},
		{"evil.example", false, false, false},
		{"t.example.evil.example", false, false, false},
		{"xt.example", false, false, false},
		{".", false, false, false},
		{"", false, false, false},
		{":8000", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str host = str_of(rows[i].host);

		if (origin_knows_host(&rules, host) != rows[i].by_rules ||
		    origin_knows_host(&with_port, host) != rows[i].by_port ||
		    origin_knows_host(&none, host) != rows[i].by_none)
			fail_msg("%s", rows[i].host);
	}
}

static enum origin_verdict judge(const char *host, const char *fields)
{
	static const struct head_limits limits = {16384, 100};
	struct head_refusal why;
	struct request_head h;
	char text[1024];
	int n = snprintf(text, sizeof text,
			 "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n%s\r\n",
			 host, fields);

	assert_in_range(n, 1, 1023);
	if (!request_head_parse(&h, text, (size_t)n, &limits, &why))
		fail_msg("%s: %s", why.detail, text);
	return origin_judge(&rules, &h);
}

static void test_origins(void **state)
{
	static const struct {
		const char *host, *fields;
		enum origin_verdict verdict;
	} rows[] = {
		{"t.example", "", ORIGIN_UNKNOWN},
		{"t.example", "Origin: https://t.example\r\n", ORIGIN_OWN},
		{"10.0.0.9", "Origin: https://t.example\r\n", ORIGIN_OWN},
		{"localhost:8000", "Origin: http://localhost:8000\r\n", ORIGIN_OWN},
		{"localhost:8000", "Origin: http://localhost:5173\r\n", ORIGIN_FOREIGN},
		{"localhost:8000", "Origin: http://localhost\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: https://t.example:443\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: https://evil.example\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: https://t.example.evil.example\r\n",
		 ORIGIN_FOREIGN},
		{"t.example", "Origin: null\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin:\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: t.example\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: file://t.example\r\n", ORIGIN_FOREIGN},
		{"t.example", "Origin: https://t.example, https://t.example\r\n",
		 ORIGIN_FOREIGN},
		{"t.example",
		 "Origin: https://t.example\r\nOrigin: https://t.example\r\n",
		 ORIGIN_FOREIGN},
		{"t.example",
		 "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n",
		 ORIGIN_FOREIGN},
		{"t.example", "Sec-Fetch-Site: same-origin\r\n", ORIGIN_OWN},
		{"t.example", "sec-fetch-site: same-site\r\n", ORIGIN_FOREIGN},
		{"t.example", "Sec-Fetch-Site: cross-site\r\n", ORIGIN_FOREIGN},
		{"t.example", "Sec-Fetch-Site: none\r\n", ORIGIN_FOREIGN},
		{"t.example", "Sec-Fetch-Site: same-origin, cross-site\r\n",
		 ORIGIN_FOREIGN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (judge(rows[i].host, rows[i].fields) != rows[i].verdict)
			fail_msg("Host %s, %s", rows[i].host, rows[i].fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
