/* Unit tests of what a dump of a key-value store is read as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/token/kv_token.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define V "{\"name\":\"n\",\"scopes\":[\"s\"]}"
#define TEXT "\"{\\\"name\\\":\\\"n\\\",\\\"scopes\\\":[\\\"s\\\"]}\""
#define SPEC(hash) "{\"name\":\"n\",\"scopes\":[\"s\"],\"token_hash\":\"" hash "\"}"

/* Reads all, of an allocation of the exact size. What is wrong: "LINE: why". */
static char *read_dump(const char *text, const char *prefix, cJSON *ignored)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	struct kv_dump d;
	struct kv_entry e;
	struct sbuf out;
	char *told;

	assert_non_null(copy);
	memcpy(copy, text, n);
	sbuf_init(&out, 1 << 20);
	kv_dump_init(&d, (struct str){copy, n});
	while (kv_dump_next(&d, &e)) {
		struct kv_token t;
		char *spec;

		kv_token_read(&t, &e, str_of(prefix), ignored);
		spec = t.spec != NULL ? cJSON_PrintUnformatted(t.spec) : NULL;
		sbuf_printf(&out, "%u: %s\n", t.line,
			    spec != NULL ? spec
			    : t.is_ended ? "ended"
					 : t.fault);
		cJSON_free(spec);
		kv_token_fini(&t);
	}
	if (d.fault != NULL)
		sbuf_printf(&out, "%u! %s\n", d.fault_line, d.fault);
	told = xstrdup(sbuf_text(&out));
	sbuf_fini(&out);
	free(copy);
	return told;
}

static void every_form_of_a_dump_is_read(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"", ""},
		{" \n\t", ""},
		{"{}", ""},
		{"[]", ""},
		/* an object from hashes to values, as JSON or as text */
		{"{\"" A "\": " V ",\n\"" B "\": " TEXT "}",
		 "1: " SPEC(A) "\n2: " SPEC(B) "\n"},
		{"\xef\xbb\xbf{\"" A "\":" V "}", "1: " SPEC(A) "\n"},
		/* `wrangler kv bulk get` */
		{"{\"values\": {\"" A "\": {\"value\": " TEXT ",\n\"metadata\": null},\n"
		 "\"" B "\": " TEXT "}}\n",
		 "1: " SPEC(A) "\n3: " SPEC(B) "\n"},
		{"{\"values\":{\"" A "\":null}}",
		 "1: it has no value: the store had none under this key\n"},
		{"{\"values\":{\"" A "\":" V "}, \"more\": 1}",
		 "1: " SPEC(A) "\n1! something else stands beside \"values\"\n"},
		/* `wrangler kv bulk put` */
		{"[{\"key\":\"" A "\",\"value\":" TEXT ",\"metadata\":{}},\n"
		 " {\"name\":\"" B "\",\"value\":" V "}]",
		 "1: " SPEC(A) "\n2: " SPEC(B) "\n"},
		/* JSON lines */
		{"{\"key\":\"" A "\",\"value\":" TEXT "}\r\n{\"" B "\":" V "}\n",
		 "1: " SPEC(A) "\n2: " SPEC(B) "\n"},
		{"\n{\"token_hash\":\"" A "\",\"name\":\"n\",\"scopes\":[\"s\"]}\n",
		 "2: " SPEC(A) "\n"},
		/* hash, tab, JSON */
		{A "\t" V "\r\n\n" B "\t" TEXT, "1: " SPEC(A) "\n3: " SPEC(B) "\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cJSON *ignored = cJSON_CreateObject();
		char *told = read_dump(rows[i].text, "", ignored);

		assert_string_equal(told, rows[i].told);
		free(told);
		cJSON_Delete(ignored);
	}
}

static void what_is_no_dump_ends_at_its_line(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"hello", "1! this line is neither JSON nor a hash, a tab and JSON\n"},
		{"\n{\"" A "\": {",
		 "2! what begins here is not closed: is the file whole?\n"},
		{"{\"" A "\": \"x",
		 "1! what begins here is not closed: is the file whole?\n"},
		{"{\"" A "\"\n 1}", "2! a ':' is missing behind the key\n"},
		{"{\"" A "\":" V " \"" B "\":" V "}",
		 "1: " SPEC(A) "\n1! a ',' is missing here\n"},
		{"{\"" A "\":" V "\n", "1: " SPEC(A) "\n2! the file ends too early\n"},
		{"{1:2}", "1! a key in double quotes is missing here\n"},
		{"[,]", "1! a value is missing here\n"},
		{"{\"" A "\": \\\"}", "1: its JSON, column 1: "},
		{"[\"x\\", "1! what begins here is not closed: is the file whole?\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cJSON *ignored = cJSON_CreateObject();
		char *told = read_dump(rows[i].text, "", ignored);

		assert_memory_equal(told, rows[i].told, strlen(rows[i].told));
		free(told);
		cJSON_Delete(ignored);
	}
}

/* One entry under A; its spec without name, scopes and hash, or the fault's beginning. */
static void fields_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *more, *told;
	} rows[] = {
		{"", ""},
		{"\"created_at\":1,\"id\":7,\"lastUsed\":\"x\"", ""},
		{"\"expires_at\":\"2030-01-01T00:00:00.000Z\"",
		 "\"expires_at\":\"2030-01-01T00:00:00.000Z\","},
		{"\"expiresAt\":1893456000", "\"expires_at\":\"2030-01-01T00:00:00Z\","},
		{"\"Expires\":1893456000000", "\"expires_at\":\"2030-01-01T00:00:00Z\","},
		{"\"expires_at\":null", ""},
		{"\"expires_at\":true", "expires_at is no time: "},
		{"\"expires_at\":-1", "expires_at is no time: "},
		{"\"expires_at\":1e300", "expires_at is no time: "},
		{"\"is_active\":true,\"enabled\":1", ""},
		{"\"is_active\":false", "\"disabled\":true,"},
		{"\"isActive\":0,\"disabled\":true", "\"disabled\":true,"},
		{"\"disabled_at\":\"2020-01-01\"", "\"disabled\":true,"},
		{"\"is_active\":\"no\"", "is_active is neither true nor false"},
		{"\"revoked\":false,\"deleted_at\":null", ""},
		{"\"revoked\":true", "ended"},
		{"\"revoked_at\":1700000000", "ended"},
		{"\"status\":\"active\"", ""},
		{"\"status\":\"disabled\"", "\"disabled\":true,"},
		{"\"status\":\"deleted\"", "ended"},
		{"\"status\":\"asleep\"", "status is none of active, "},
		{"\"description\":\"d\"", "\"description\":\"d\","},
		{"\"description\":1", "description is a number: a string"},
		{"\"allowed_ips\":[\"10.0.0.0/8\"]",
		 "\"address_ranges\":[\"10.0.0.0/8\"],"},
		{"\"allowed_ips\":[]", "allowed_ips is empty: "},
		{"\"allowed_ips\":[1]", "allowed_ips is not an array of strings"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cJSON *ignored = cJSON_CreateObject();
		char *text =
			xasprintf("{\"" A "\":{\"name\":\"n\",\"scopes\":\"s, t\"%s%s}}",
				  rows[i].more[0] ? "," : "", rows[i].more);
		char *told = read_dump(text, "", ignored);
		bool is_spec = rows[i].told[0] == '"' || rows[i].told[0] == '\0';
		char *wanted =
			is_spec ? xasprintf(
					  "1: {\"name\":\"n\",\"scopes\":[\"s\",\"t\"],%s"
					  "\"token_hash\":\"" A "\"}\n",
					  rows[i].told)
				: xasprintf("1: %s", rows[i].told);

		assert_memory_equal(told, wanted, strlen(wanted));
		assert_null(ignored->child);
		free(wanted);
		free(told);
		free(text);
		cJSON_Delete(ignored);
	}
}

static void what_is_wrong_is_told_of_the_entry(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"{\"x\":" V "}", "1: its key is not a SHA-256 in hex (64 digits)"},
		{"{\"ntk_secret\":" V "}",
		 "1: a key itself stands here, not its SHA-256"},
		{"{\"" A "\":{\"scopes\":[]}}", "1: name is missing"},
		{"{\"" A "\":{\"name\":\"n\"}}", "1: scopes is missing"},
		{"{\"" A "\":{\"name\":1,\"scopes\":[]}}", "1: name is a number"},
		{"{\"" A "\":[]}", "1: its value is an array, not an object"},
		{"{\"" A "\":\"text\"}", "1: its JSON, column 1: "},
		{"{\"" A "\":{\"name\":\"n\",\"name\":\"m\"}}",
		 "1: its JSON, column 13: dup"},
		{"[{\"name\":\"" A "\"}]", "1: it has no value: `wrangler kv key list`"},
		{"[{\"value\":" V "}]", "1: it has no key"},
		{"[3]", "1: it has no key"},
		{"[{\"key\":\"" A "\",\"value\":\"eA==\",\"base64\":true}]",
		 "1: its value is in base64"},
		{"[{\"key\":\"" A "\",\"value\":" V ",\"expiration_ttl\":60}]",
		 "1: expiration_ttl does not say"},
		{A "\t", "1: its JSON, column 1: the body is empty"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cJSON *ignored = cJSON_CreateObject();
		char *told = read_dump(rows[i].text, "", ignored);

		assert_memory_equal(told, rows[i].told, strlen(rows[i].told));
		assert_null(strstr(told, "secret"));
		free(told);
		cJSON_Delete(ignored);
	}
}

static void what_is_not_known_is_counted(void **state)
{
	cJSON *ignored = cJSON_CreateObject();
	char *told = read_dump(
		"{\"" A "\":{\"name\":\"n\",\"scopes\":[],\"rate\":1,\"x\":null},"
		"\"" B "\":{\"name\":\"m\",\"scopes\":[],\"rate\":2,\"q\":{}}}",
		"", ignored);
	char *counts = cJSON_PrintUnformatted(ignored);

	(void)state;
	assert_string_equal(counts, "{\"rate\":2,\"q\":1}");
	cJSON_free(counts);
	free(told);
	cJSON_Delete(ignored);
}

static void a_prefix_stands_before_hashes_of_the_store(void **state)
{
	cJSON *ignored = cJSON_CreateObject();
	char *told =
		read_dump("{\"token:" A "\":" V ",\n\"other:x\":1}", "token:", ignored);

	(void)state;
	assert_string_equal(told, "1: " SPEC(A) "\n2: its key does not begin with "
						"'token:'\n");
	free(told);
	cJSON_Delete(ignored);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_dump_is_read),
		cmocka_unit_test(what_is_no_dump_ends_at_its_line),
		cmocka_unit_test(fields_are_read_as_they_are_written),
		cmocka_unit_test(what_is_wrong_is_told_of_the_entry),
		cmocka_unit_test(what_is_not_known_is_counted),
		cmocka_unit_test(a_prefix_stands_before_hashes_of_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
