/* Settings: variables as numbers and switches, in lists and choices, and values from them
 * that cannot be meant. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings.h"
#include "gateway/settings/suspicion.h"

#define FILE_WITH(top, route)                                                            \
	"{\"database\": \"dbname=x\"" top                                                \
	", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": "              \
	"\"http://h\"" route "}]}"

static const char *value_of_x; /* what ${X} is in the file at hand */

static const char *variable(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "X") == 0 ? value_of_x : NULL;
}

/* NULL: report has why. */
static struct settings *load(const char *text, const char *x, struct sbuf *report)
{
	struct settings_options options = {.variable = variable};
	struct settings *s;

	value_of_x = x;
	sbuf_reset(report);
	s = settings_load_text("t", str_of(text), &options, report);
	sbuf_add(report, "", 1);
	return s;
}

static int set_up(void **state)
{
	static struct sbuf report;

	sbuf_init(&report, 65536);
	*state = &report;
	return 0;
}

static int tear_down(void **state)
{
	sbuf_fini(*state);
	return 0;
}

static void test_numbers_and_switches(void **state)
{
	struct settings *s = load(
		FILE_WITH(", \"workers\": \"${X}\", \"access_log\": \"${NONE:-false}\", "
			  "\"timeouts\": {\"head_s\": \"${X}\", \"idle_s\": "
			  "\"${NONE:-0.5}\"}, \"limits\": {\"body_bytes\": \"${X}\"}, "
			  "\"usage\": {\"journal_bytes\": \"${NONE:-2147483648}\"}",
			  ", \"price_per_call\": \"${NONE:-0.25}\", \"strip_prefix\": "
			  "\"${NONE:-false}\", \"on_client_abort\": \"${NONE:-drain}\", "
			  "\"methods\": [\"${NONE:-GET}\"], \"remove_headers\": "
			  "[\"X-${X}\"], \"cors\": {\"origins\": [\"*\"], \"methods\": "
			  "[\"${NONE:-GET}\"], \"headers\": [\"${NONE:-X-A}\"]}"),
		"7", *state);
	const struct settings_route *r;

	if (s == NULL)
		fail_msg("%s", ((struct sbuf *)*state)->p);
	r = &s->routes[0];
	assert_int_equal(s->workers, 7);
	assert_false(s->access_log);
	assert_int_equal(s->timeouts.head_ms, 7000);
	assert_int_equal(s->timeouts.idle_ms, 500);
	assert_int_equal(s->limits.body_bytes, 7);
	assert_int_equal(s->journal.max_bytes, 2147483648);
	assert_int_equal(r->price_micro, 250000);
	assert_false(r->strip_prefix);
	assert_int_equal(r->on_client_abort, ON_ABORT_DRAIN);
	assert_int_equal(r->methods, HTTP_METHOD_BIT(HTTP_GET));
	assert_string_equal(r->remove_headers.items[0], "X-7");
	assert_int_equal(r->cors.methods, HTTP_METHOD_BIT(HTTP_GET));
	assert_string_equal(r->cors.headers.items[0], "X-A");
	settings_unref(&s);
}

/* Only what the file itself could say, and nothing around it. */
static void test_they_are_read_strictly(void **state)
{
	static const struct {
		const char *x;
		bool number, boolean, workers;
	} t[] = {
		{"7", true, false, true},       {"1e2", true, false, true},
		{"true", false, true, false},   {"false", false, true, false},
		{"auto", false, false, true},   {" 7", false, false, false},
		{"7 ", false, false, false},    {"7\n", false, false, false},
		{"+7", false, false, false},    {"07", false, false, false},
		{"0x7", false, false, false},   {"7s", false, false, false},
		{"7,0", false, false, false},   {".7", false, false, false},
		{"\"7\"", false, false, false}, {"7//", false, false, false},
		{"7e", false, false, false},    {"-", false, false, false},
		{"nan", false, false, false},   {"inf", false, false, false},
		{"1e999", false, false, false}, {"null", false, false, false},
		{"TRUE", false, false, false},  {"yes", false, false, false},
		{"1", true, false, true},       {"on", false, false, false},
		{"[7]", false, false, false},   {"Auto", false, false, false},
	};
	static const char *const texts[] = {
		FILE_WITH(", \"timeouts\": {\"head_s\": \"${X}\"}", ""),
		FILE_WITH(", \"access_log\": \"${X}\"", ""),
		FILE_WITH(", \"workers\": \"${X}\"", "")};
	struct sbuf *report = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		bool wanted[] = {t[i].number, t[i].boolean, t[i].workers};

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			struct settings *s = load(texts[k], t[i].x, report);

			if ((s != NULL) != wanted[k])
				fail_msg("%s in %s: %s", t[i].x, texts[k], report->p);
			if (s == NULL)
				assert_non_null(strstr(report->p, "${X}"));
			settings_unref(&s);
		}
	}
}

/* Half a variable is a text: no number comes from it. */
static void test_a_part_is_no_number(void **state)
{
	static const char *const texts[] = {FILE_WITH(", \"workers\": \"1${X}\"", ""),
					    FILE_WITH(", \"workers\": \"${X}${X}\"", ""),
					    FILE_WITH(", \"workers\": \"$${X}\"", ""),
					    FILE_WITH(", \"access_log\": \"${X} \"", "")};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_null(load(texts[i], "1", *state));
}

/* In an overlay that is not asked for a variable may be anything; a default is judged. */
static void test_dry_overlays(void **state)
{
	struct settings *s =
		load(FILE_WITH(", \"env\": {\"e\": {\"workers\": \"${X}\"}}", ""),
		     "nonsense", *state);

	assert_non_null(s);
	settings_unref(&s);
	assert_null(load(FILE_WITH(", \"env\": {\"e\": {\"workers\": "
				   "\"${X:-nonsense}\"}}",
				   ""),
			 "1", *state));
}

static void test_suspicious_values(void **state)
{
	static const struct {
		const char *value, *says; /* NULL: nothing */
	} t[] = {
		{"sk-proj-4fj3kd9", NULL},
		{"hunter2", NULL},
		{"a", NULL},
		{"/var/lib/tollgate", NULL},
		{"postgresql://u:p%20w@h:5432/d?sslmode=require", NULL},
		{"it's", NULL},
		{"pa$$word", NULL},
		{"$2b$12$abcdef", NULL},
		{"100%", NULL},
		{"xx", NULL},
		{"\"sk-1\"", "quote"},
		{"'sk-1'", "quote"},
		{"`sk-1`", "quote"},
		{"\"sk-1", "quote"},
		{"sk-1'", "quote"},
		{"\xe2\x80\x9csk-1\xe2\x80\x9d", "quote"},
		{" sk-1", "blank"},
		{"sk-1 ", "blank"},
		{"sk-1\r", "blank"},
		{"sk-1\n", "blank"},
		{"\tsk-1", "blank"},
		{"\xc2\xa0sk-1", "blank"},
		{"sk-1\xe2\x80\x8b", "blank"},
		{" ", "blank"},
		{"\xef\xbb\xbfsk-1", "byte order mark"},
		{"undefined", "placeholder"},
		{"null", "placeholder"},
		{"None", "placeholder"},
		{"CHANGEME", "placeholder"},
		{"change-me", "placeholder"},
		{"your-api-key", "placeholder"},
		{"YOUR_API_KEY", "placeholder"},
		{"sk-...", "placeholder"},
		{"sk-\xe2\x80\xa6", "placeholder"},
		{"sk-xxxx", "placeholder"},
		{"XXXXXXXX", "placeholder"},
		{"********", "placeholder"},
		{"<your key>", "placeholder"},
		{"[object Object]", "placeholder"},
		{"postgresql://tollgate:...@127.0.0.1/tollgate", "placeholder"},
		{"postgresql://user:password@host:5432/name", "placeholder"},
		{"$OPENAI_API_KEY", "another variable"},
		{"${OPENAI_API_KEY}", "another variable"},
		{"$(cat key)", NULL},
		{"$(KEY)", "another variable"},
		{"%KEY%", "another variable"},
		{"{{ KEY }}", "another variable"},
	};
	struct sbuf *report = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *why = suspicion_of(t[i].value);
		struct settings *s;

		if ((why == NULL) != (t[i].says == NULL) ||
		    (why != NULL && strstr(why, t[i].says) == NULL))
			fail_msg("%s: %s", t[i].value, why ? why : "nothing");
		s = load(FILE_WITH("", ", \"set_headers\": {\"X-A\": \"a${X}b\"}"),
			 t[i].value, report);
		assert_int_equal(strstr(report->p, "warning: routes.a.set_headers.X-A: "
						   "the variable X ") != NULL,
				 why != NULL);
		if (strlen(t[i].value) > 4)
			assert_null(strstr(report->p, t[i].value));
		settings_unref(&s);
	}
	assert_null(suspicion_of(""));
}

static void test_bearer_twice(void **state)
{
	static const char text[] =
		FILE_WITH("", ", \"set_headers\": {\"Authorization\": \"Bearer ${X}\"}");
	struct sbuf *report = *state;
	struct settings *s = load(text, "Bearer sk-1", report);

	assert_non_null(strstr(report->p, "begins with \"Bearer \""));
	settings_unref(&s);
	s = load(text, "sk-1", report);
	assert_string_equal(report->p, "");
	settings_unref(&s);
}

/* $NAME in a header is perhaps meant as it stands. */
static void test_names_without_braces(void **state)
{
	static const struct {
		const char *text;
		bool warned;
	} t[] = {
		{"Bearer $X_KEY", true}, {"$X_KEY", true}, {"{{X_KEY}}", true},
		{"costs $5", false},     {"$x", false},    {"$$X_KEY", false},
		{"a$Xb", false},         {"US$ 5", false}, {"$X", true},
	};
	struct sbuf *report = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char *file = xasprintf(FILE_WITH("", ", \"set_headers\": {\"X-A\": "
						     "\"%s\"}"),
				       t[i].text);
		struct settings *s = load(file, "", report);

		assert_non_null(s);
		assert_string_equal(s->routes[0].set_headers.items[0].value, t[i].text);
		if ((strstr(report->p, "without braces; write ${X") != NULL) !=
		    t[i].warned)
			fail_msg("%s: %s", t[i].text, report->p);
		settings_unref(&s);
		free(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_switches),
		cmocka_unit_test(test_they_are_read_strictly),
		cmocka_unit_test(test_a_part_is_no_number),
		cmocka_unit_test(test_dry_overlays),
		cmocka_unit_test(test_suspicious_values),
		cmocka_unit_test(test_bearer_twice),
		cmocka_unit_test(test_names_without_braces),
	};

	return cmocka_run_group_tests_name("settings variables", tests, set_up,
					   tear_down);
}
