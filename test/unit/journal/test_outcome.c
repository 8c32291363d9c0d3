/* Unit tests of gateway/journal/outcome.c: every word that this program records is in the
 * table, and whose fault it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/http/problem.h"
#include "gateway/journal/event.h"
#include "gateway/journal/outcome.h"

static void test_words_of_problems(void **state)
{
	(void)state;
	for (int id = 0; id < PROBLEM_COUNT; id++) {
		struct str word = str_of(problem_proxy_error((enum problem_id)id));

		if (!usage_outcome_is_known(word))
			fail_msg("%s is no outcome", word.p);
		assert_int_not_equal(usage_outcome_fault(word), USAGE_FAULT_NONE);
	}
}

static void test_words_of_events(void **state)
{
	static const char *const words[] = {
		USAGE_OUTCOME_COMPLETE,       USAGE_OUTCOME_CLIENT_ABORT,
		USAGE_OUTCOME_REVOKED,        USAGE_OUTCOME_SHUTDOWN,
		USAGE_OUTCOME_TUNNEL_TIMEOUT,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_true(usage_outcome_is_known(str_of(words[i])));
	assert_false(usage_outcome_is_known(STR("")));
	assert_false(usage_outcome_is_known(STR("Complete")));
	assert_false(usage_outcome_is_known(STR("complete ")));
}

static void test_faults(void **state)
{
	static const struct {
		const char *word;
		enum usage_fault fault;
	} cases[] = {
		{"complete", USAGE_FAULT_NONE},
		{"client_abort", USAGE_FAULT_CLIENT},
		{"http_request_denied", USAGE_FAULT_CLIENT},
		{"shutdown", USAGE_FAULT_OURS},
		{"connection_read_timeout", USAGE_FAULT_UPSTREAM},
		{"what others may write", USAGE_FAULT_UPSTREAM},
		{"", USAGE_FAULT_UPSTREAM},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(usage_outcome_fault(str_of(cases[i].word)),
				 cases[i].fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_problems),
		cmocka_unit_test(test_words_of_events),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
