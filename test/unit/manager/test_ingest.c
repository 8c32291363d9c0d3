/* The body of POST /api/usage-log: what is taken, what is refused and why. */
#include "gateway/manager/ingest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1795503148123456)
#define DAY INT64_C(86400000000)
#define HASH "abababababababababababababababababababababababababababababababab"
#define HEAD "{\"token_hash\":\"" HASH "\",\"route\":\"/r\","
#define TIMED HEAD "\"timestamp\":1795503148000"

static enum ingest_verdict parse(struct ingest *in, struct str body)
{
	/* Of the exact size, without a NUL behind it, for the address sanitizer. */
	char *copy = malloc(body.n ? body.n : 1);
	enum ingest_verdict v;

	assert_non_null(copy);
	memcpy(copy, body.p, body.n);
	v = ingest_parse(in, (struct str){copy, body.n}, NOW);
	free(copy);
	return v == INGEST_OK ? ingest_next(in) : v;
}

static void assert_text(struct str got, const char *want)
{
	assert_non_null(got.p);
	assert_true(str_eq(got, str_of(want)));
}

static void test_all_fields(void **state)
{
	struct ingest in;
	unsigned char hash[32];

	(void)state;
	memset(hash, 0xab, sizeof hash);
	assert_int_equal(
		parse(&in,
		      STR(" {\"token_hash\":\"" HASH "\",\"route\":\"/api/openai\","
			  "\"timestamp\":1795503148123,\"response_status\":429,"
			  "\"response_time_ms\":812.6,\"ip_address\":\"203.0.113.9\","
			  "\"user_agent\":\"n8n \\u00e9\",\"request_method\":\"POST\","
			  "\"error_message\":\"too many\",\"other\":[1,{}]}\r\n\t ")),
		INGEST_OK);
	assert_true(in.hash_possible);
	assert_memory_equal(in.event.token_hash, hash, sizeof hash);
	assert_text(in.event.route_path, "/api/openai");
	assert_true(in.event.used_at_us == INT64_C(1795503148123000));
	assert_false(in.time_replaced);
	assert_int_equal(in.event.response_status, 429);
	assert_int_equal(in.event.response_time_ms, 813);
	assert_text(in.event.ip_address, "203.0.113.9");
	assert_text(in.event.user_agent, "n8n \xc3\xa9");
	assert_text(in.event.request_method, "POST");
	assert_text(in.event.error_message, "too many");
	assert_null(in.event.tags.p);
	assert_null(in.event.outcome.p); /* nobody told how it ended */
	assert_true(in.event.token_id == USAGE_NULL);
	assert_null(in.event.request_id.p);
	assert_true(in.event.once_at_us == 0);
	ingest_fini(&in);
}

static void test_a_request_id_is_taken_once(void **state)
{
	char body[512], id[130];
	struct ingest in;

	(void)state;
	assert_int_equal(parse(&in, STR(TIMED ",\"request_id\":\"r-1\"}")), INGEST_OK);
	assert_text(in.event.request_id, "r-1");
	assert_true(in.event.once_at_us == NOW);
	ingest_fini(&in);
	assert_int_equal(parse(&in, STR(TIMED ",\"request_id\":null}")), INGEST_OK);
	assert_null(in.event.request_id.p);
	assert_true(in.event.once_at_us == 0);
	ingest_fini(&in);
	for (size_t n = 128; n <= 129; n++) {
		memset(id, 'i', n);
		id[n] = '\0';
		snprintf(body, sizeof body, TIMED ",\"request_id\":\"%s\"}", id);
		assert_int_equal(parse(&in, str_of(body)),
				 n == 128 ? INGEST_OK : INGEST_BAD_FIELD);
		ingest_fini(&in);
	}
}

static void test_ids_that_could_be_anothers(void **state)
{
	static const char *const ids[] = {"",         "a b",      "a\\u0000b", "a\\u0001",
					  "\xc3\xa9", "a\\ud800", "a\\u007f"};
	struct ingest in;
	char body[512];

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		snprintf(body, sizeof body, TIMED ",\"request_id\":\"%s\"}", ids[i]);
		assert_int_equal(parse(&in, str_of(body)), INGEST_BAD_FIELD);
		assert_non_null(strstr(in.detail, "request_id must have"));
		ingest_fini(&in);
	}
}

/* What PostgreSQL's text cannot hold stands as U+FFFD, and what is behind it stays. */
static void test_impossible_characters(void **state)
{
#define REPLACED "\xef\xbf\xbd"
	static const struct {
		struct str sent;
		const char *want;
	} cases[] = {
		{STR("a\\u0000b"), "a" REPLACED "b"},
		{STR("a\xff\xfe"
		     "b"),
		 "a" REPLACED REPLACED "b"},
		{STR("\xed\xa0\x80"), REPLACED REPLACED REPLACED},
		{STR("\\u0000\\u0000"), REPLACED REPLACED},
		{STR("\\\\u0000"), "\\u0000"},
		{STR("\\\\\\u0000"), "\\" REPLACED},
		{STR("\\ud800"), REPLACED},
		{STR("\\udc00x"), REPLACED "x"},
		{STR("\\ud83d\\ude00"), "\xf0\x9f\x98\x80"},
		{STR("\\uD83D\\uDE00\\uD83D"), "\xf0\x9f\x98\x80" REPLACED},
		{STR("\\ud83d\\ud83d\\ude00"), REPLACED "\xf0\x9f\x98\x80"},
		{STR("\\ud83dx\\u00e9"), REPLACED "x\xc3\xa9"},
		{STR("\\n\\\"\\/"), "\n\"/"},
	};
	struct ingest in;
	char body[512];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		n = (size_t)snprintf(body, sizeof body, TIMED ",\"user_agent\":\"");
		memcpy(body + n, cases[i].sent.p, cases[i].sent.n);
		n += cases[i].sent.n;
		memcpy(body + n, "\"}", 2);
		assert_int_equal(parse(&in, (struct str){body, n + 2}), INGEST_OK);
		assert_text(in.event.user_agent, cases[i].want);
		ingest_fini(&in);
	}
	/* Escapes that are none are refused as before. */
	assert_int_equal(parse(&in, STR(TIMED ",\"user_agent\":\"\\u00\"}")),
			 INGEST_NOT_JSON);
	ingest_fini(&in);
	assert_int_equal(parse(&in, STR(TIMED ",\"user_agent\":\"\\")), INGEST_NOT_JSON);
	ingest_fini(&in);
	/* A hash with something behind a NUL is no hash. */
	assert_int_equal(
		parse(&in,
		      STR("{\"token_hash\":\"" HASH
			  "\\u0000\",\"route\":\"/a\",\"timestamp\":1795503148123}")),
		INGEST_OK);
	assert_false(in.hash_possible);
	ingest_fini(&in);
}

static void test_only_required_fields(void **state)
{
	static const char *const bodies[] = {
		TIMED "}",
		TIMED ",\"response_status\":null,\"response_time_ms\":null,"
		      "\"ip_address\":null,\"user_agent\":null,\"request_method\":null,"
		      "\"error_message\":null}",
		/* Names are case-sensitive: this is another field. */
		TIMED ",\"Response_Status\":\"x\",\"IP_ADDRESS\":7}",
	};
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		assert_int_equal(parse(&in, str_of(bodies[i])), INGEST_OK);
		assert_int_equal(in.event.response_status, USAGE_NULL);
		assert_int_equal(in.event.response_time_ms, USAGE_NULL);
		assert_null(in.event.ip_address.p);
		assert_null(in.event.user_agent.p);
		assert_null(in.event.request_method.p);
		assert_null(in.event.error_message.p);
		ingest_fini(&in);
	}
}

static void test_seconds_or_milliseconds(void **state)
{
	static const struct {
		const char *timestamp;
		int64_t used_at_us;
		const char *tags; /* NULL: taken as it is */
	} cases[] = {
		{"1795503148", INT64_C(1795503148000000), NULL},
		{"1795503148.25", INT64_C(1795503148250000), NULL},
		{"1795503148000", INT64_C(1795503148000000), NULL},
		{"1.795503148e12", INT64_C(1795503148000000), NULL},
		{"1795416750", INT64_C(1795416750000000), NULL}, /* yesterday */
		{"1760943149", INT64_C(1760943149000000), NULL}, /* 400 days ago */
		{"1760943148", NOW, "{\"time_replaced\":true,\"timestamp\":1760943148}"},
		{"1795589548", INT64_C(1795589548000000), NULL}, /* tomorrow */
		{"1795589549", NOW, "{\"time_replaced\":true,\"timestamp\":1795589549}"},
		{"123", NOW, "{\"time_replaced\":true,\"timestamp\":123}"},
		{"0", NOW, "{\"time_replaced\":true,\"timestamp\":0}"},
		{"-1795503148", NOW,
		 "{\"time_replaced\":true,\"timestamp\":-1795503148}"},
		{"99999999999", NOW,
		 "{\"time_replaced\":true,\"timestamp\":99999999999}"},
		{"100000000000", NOW,
		 "{\"time_replaced\":true,\"timestamp\":100000000000}"},
		{"1e300", NOW,
		 "{\"time_replaced\":true,\"timestamp\":1.0000000000000001e+300}"},
		{"1e999", NOW, "{\"time_replaced\":true}"},
		{"-1e999", NOW, "{\"time_replaced\":true}"},
	};
	char body[256];
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(body, sizeof body, HEAD "\"timestamp\":%s}", cases[i].timestamp);
		assert_int_equal(parse(&in, str_of(body)), INGEST_OK);
		assert_true(in.event.used_at_us == cases[i].used_at_us);
		assert_int_equal(in.time_replaced, cases[i].tags != NULL);
		if (cases[i].tags)
			assert_text(in.event.tags, cases[i].tags);
		else
			assert_null(in.event.tags.p);
		ingest_fini(&in);
	}
}

static void test_hashes(void **state)
{
	static const struct {
		const char *hash;
		bool possible;
	} cases[] = {
		{HASH, true},
		{"ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB",
		 true},
		{"test", false},
		{"", false},
		{HASH "a", false},
		{"gbababababababababababababababababababababababababababababababab",
		 false},
	};
	char body[256];
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(body, sizeof body,
			 "{\"token_hash\":\"%s\",\"route\":\"/test\",\"timestamp\":123}",
			 cases[i].hash);
		assert_int_equal(parse(&in, str_of(body)), INGEST_OK);
		assert_int_equal(in.hash_possible, cases[i].possible);
		ingest_fini(&in);
	}
}

static void test_not_json(void **state)
{
	static const struct str bodies[] = {
		STR(""),
		STR(" "),
		STR("{"),
		STR("hello"),
		STR("[] []"),
		STR("null"),
		STR("\"x\""),
		STR("1"),
		STR("{} x"),
		STR("{}{}"),
		STR("{}\0"),
		STR("{'a':1}"),
		STR("{\"a\":1,}"),
		STR("token_hash=x&route=y"),
		STR("{} // x"),
		STR("{\"a\":\"b\0c\"}"),
		STR("{\"a\":01}"),
		STR("{\"a\":-01}"),
		STR("{\"a\":1.}"),
		STR("{\"a\":.5}"),
		STR("{\"a\":+1}"),
		STR("{\"a\":1e}"),
		STR("{\"a\":0x1}"),
		STR("{\"a\":NaN}"),
		STR("{\"a\":\"\n\"}"),
		STR("{\"a\":\"\x01\"}"),
		STR("{\"a\":1,\"\\u0061\":1}"),
		STR("{\"a\":tRue}"),
		STR("{\"a\":Infinity}"),
		STR("{\"a\":1 2}"),
	};
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		print_message("body %zu\n", i);
		assert_int_equal(parse(&in, bodies[i]), INGEST_NOT_JSON);
		assert_non_null(strstr(in.detail, "object"));
		ingest_fini(&in);
	}
}

static void test_an_error_has_a_message(void **state)
{
	static const struct {
		const char *fields, *message;
	} cases[] = {
		{"\"response_status\":502", "502 Bad Gateway"},
		{"\"response_status\":404,\"error_message\":null", "404 Not Found"},
		{"\"response_status\":429,\"error_message\":\"\"",
		 "429 Too Many Requests"},
		{"\"response_status\":499", "499 Client Error"},
		{"\"response_status\":999", "999 Unknown"},
		{"\"response_status\":5e2,\"error_message\":\"boom\"", "boom"},
		{"\"response_status\":399", NULL},
		{"\"error_message\":null", NULL},
	};
	char body[512];
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(body, sizeof body, TIMED ",%s}", cases[i].fields);
		assert_int_equal(parse(&in, str_of(body)), INGEST_OK);
		if (cases[i].message)
			assert_text(in.event.error_message, cases[i].message);
		else
			assert_null(in.event.error_message.p);
		ingest_fini(&in);
	}
}

static void test_bad_fields_are_named(void **state)
{
	static const struct {
		const char *body, *detail;
	} cases[] = {
		{"{}", "token_hash is missing"},
		{"{\"token_hash\":null,\"route\":\"/r\",\"timestamp\":1}",
		 "token_hash is missing"},
		{"{\"TOKEN_HASH\":\"x\",\"route\":\"/r\",\"timestamp\":1}",
		 "token_hash is missing"},
		{"{\"token_hash\":1,\"route\":\"/r\",\"timestamp\":1}",
		 "token_hash must be a string"},
		{"{\"token_hash\":\"x\",\"timestamp\":1}", "route is missing"},
		{"{\"token_hash\":\"x\",\"route\":{},\"timestamp\":1}",
		 "route must be a string"},
		{"{\"token_hash\":\"x\",\"route\":\"/r\"}", "timestamp is missing"},
		{HEAD "\"timestamp\":null}", "timestamp is missing"},
		{HEAD "\"timestamp\":\"1795503148000\"}",
		 "timestamp must be a number: milliseconds since 1970"},
		{HEAD "\"timestamp\":true}",
		 "timestamp must be a number: milliseconds since 1970"},
		{TIMED ",\"response_status\":\"200\"}",
		 "response_status must be a number"},
		{TIMED ",\"response_status\":99}",
		 "response_status must be between 100 and 999"},
		{TIMED ",\"response_status\":200.5}",
		 "response_status must be a whole number"},
		{TIMED ",\"response_status\":998.99999}",
		 "response_status must be a whole number"},
		{TIMED ",\"response_status\":1000}",
		 "response_status must be between 100 and 999"},
		{TIMED ",\"response_time_ms\":-1}",
		 "response_time_ms must be between 0 and 2147483647"},
		{TIMED ",\"response_time_ms\":2147483648}",
		 "response_time_ms must be between 0 and 2147483647"},
		{TIMED ",\"response_time_ms\":1e999}",
		 "response_time_ms must be between 0 and 2147483647"},
		{TIMED ",\"ip_address\":1}", "ip_address must be a string"},
		{TIMED ",\"request_id\":7}", "request_id must be a string"},
		{TIMED ",\"request_id\":\"\"}",
		 "request_id must have 1 to 128 characters of ASCII, without spaces"},
		{TIMED ",\"user_agent\":[]}", "user_agent must be a string"},
		{TIMED ",\"request_method\":false}", "request_method must be a string"},
		{TIMED ",\"error_message\":{\"a\":1}}", "error_message must be a string"},
	};
	struct ingest in;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(parse(&in, str_of(cases[i].body)), INGEST_BAD_FIELD);
		assert_string_equal(in.detail, cases[i].detail);
		ingest_fini(&in);
	}
}

static void test_arrays(void **state)
{
	struct ingest in;

	(void)state;
	assert_int_equal(
		parse(&in,
		      STR("[" TIMED
			  "}, {\"token_hash\":\"test\",\"route\":\"/s\",\"timestamp\":123}]")),
		INGEST_OK);
	for (int pass = 0; pass < 2; pass++) {
		assert_true(in.is_array);
		assert_int_equal(in.n, 2);
		assert_text(in.event.route_path, "/r");
		assert_true(in.hash_possible);
		assert_false(in.time_replaced);
		assert_null(in.event.tags.p);
		assert_int_equal(ingest_next(&in), INGEST_OK);
		assert_text(in.event.route_path, "/s");
		assert_false(in.hash_possible);
		assert_true(in.time_replaced);
		assert_non_null(in.event.tags.p);
		assert_int_equal(ingest_next(&in), INGEST_END);
		assert_int_equal(ingest_next(&in), INGEST_END);
		ingest_rewind(&in);
		assert_int_equal(ingest_next(&in), INGEST_OK);
	}
	assert_int_equal(in.n_bad, 0);
	ingest_fini(&in);
	assert_int_equal(parse(&in, STR("[]")), INGEST_END);
	assert_int_equal(in.n, 0);
	ingest_fini(&in);
	assert_int_equal(parse(&in, STR(TIMED "}")), INGEST_OK);
	assert_false(in.is_array);
	assert_int_equal(in.n, 1);
	ingest_fini(&in);
}

static void test_faults_in_an_array_are_all_found(void **state)
{
	struct ingest in;
	struct sbuf many;

	(void)state;
	assert_int_equal(
		parse(&in, STR("[" TIMED "},7," HEAD
			       "\"timestamp\":1,\"user_agent\":1}," TIMED "},{},null]")),
		INGEST_OK);
	assert_int_equal(ingest_next(&in), INGEST_BAD_FIELD);
	assert_int_equal(ingest_next(&in), INGEST_BAD_FIELD);
	assert_int_equal(ingest_next(&in), INGEST_OK);
	assert_int_equal(ingest_next(&in), INGEST_BAD_FIELD);
	assert_int_equal(ingest_next(&in), INGEST_BAD_FIELD);
	assert_int_equal(ingest_next(&in), INGEST_END);
	assert_int_equal(in.n_bad, 4);
	assert_string_equal(in.detail,
			    "[1] is not an object; [2].user_agent must be a string; "
			    "[4].token_hash is missing; [5] is not an object");
	ingest_fini(&in);

	/* As many as a body can hold: counted all, told a few. */
	sbuf_init(&many, 65536);
	sbuf_lit(&many, "[0");
	while (many.n < 65000)
		sbuf_lit(&many, "," HEAD "\"timestamp\":0,\"response_time_ms\":-1}");
	sbuf_lit(&many, "]");
	assert_int_equal(parse(&in, sbuf_view(&many)), INGEST_BAD_FIELD);
	while (ingest_next(&in) == INGEST_BAD_FIELD)
		;
	assert_int_equal(in.n_bad, in.n);
	assert_true(in.n > 400);
	assert_non_null(strstr(in.detail,
			       "[5].response_time_ms must be between 0 and 2147483647"));
	assert_null(strstr(in.detail, "[6]"));
	ingest_fini(&in);
	sbuf_fini(&many);
}

/* The depth is bounded; a body of brackets must not end the process. */
static void test_deep_nesting(void **state)
{
	static char deep[60000];
	struct ingest in;

	(void)state;
	memset(deep, '[', sizeof deep);
	assert_int_equal(parse(&in, (struct str){deep, sizeof deep}), INGEST_NOT_JSON);
	ingest_fini(&in);
}

#define KEY "ntk_abcdefghijklmnopqrstuvwxyz012345ABCDEF"

static void test_keys_are_hidden(void **state)
{
	struct ingest in;

	(void)state;
	assert_int_equal(
		parse(&in, STR("{\"token_hash\":\"" HASH "\",\"route\":\"/r?k=" KEY "\","
			       "\"timestamp\":1795503148000,\"ip_address\":\"" KEY "\","
			       "\"user_agent\":\"curl ntk%5fabcdefgh/8\","
			       "\"request_method\":\"" KEY "\","
			       "\"error_message\":\"no \\u006etk_abcdefgh, but " KEY
			       "!\",\"request_id\":\"a-1\"}")),
		INGEST_OK);
	assert_text(in.event.route_path, "/r?k=***");
	assert_text(in.event.ip_address, "***");
	assert_text(in.event.user_agent, "curl ***/8");
	assert_text(in.event.request_method, "***");
	assert_text(in.event.error_message, "no ***, but ***!");
	assert_text(in.event.request_id, "a-1");
	ingest_fini(&in);
	assert_int_equal(parse(&in, STR(TIMED ",\"request_id\":\"" KEY "\"}")),
			 INGEST_BAD_FIELD);
	assert_null(strstr(in.detail, "ntk_"));
	assert_non_null(strstr(in.detail, "request_id holds a key"));
	ingest_fini(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_hidden),
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_ids_that_could_be_anothers),
		cmocka_unit_test(test_impossible_characters),
		cmocka_unit_test(test_only_required_fields),
		cmocka_unit_test(test_seconds_or_milliseconds),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_an_error_has_a_message),
		cmocka_unit_test(test_bad_fields_are_named),
		cmocka_unit_test(test_a_request_id_is_taken_once),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_faults_in_an_array_are_all_found),
		cmocka_unit_test(test_deep_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
