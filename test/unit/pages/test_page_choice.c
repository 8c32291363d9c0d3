/* Unit tests: which file of the pages a request gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/pages/page_choice.h"

#define BROWSER "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n"
#define BOTH "Accept-Encoding: gzip, deflate, br\r\n"
#define MAIN "GET /assets/main-1.js"

static const struct page_file index_file = {
	"/index.html", "text/html", "aa", {{"index", 5}, {"in", 2}, {NULL, 0}}};
static const struct page_file assets[] = {
	{"/assets/main-1.js",
	 "text/javascript",
	 "bb",
	 {{"main", 4}, {"ma", 2}, {"m", 1}}},
	{"/assets/icon-2.svg",
	 "image/svg+xml",
	 "cc",
	 {{"icon", 4}, {NULL, 0}, {NULL, 0}}},
};
static const struct page_files files = {&index_file, assets, ARRAY_LEN(assets), false};
static const struct page_files absent = {&index_file, NULL, 0, true};

struct request {
	char text[1024];
	struct request_head head;
};

static const struct request_head *ask(struct request *r, const char *line,
				      const char *fields)
{
	static const struct head_limits limits = {16384, 100};
	struct head_refusal why;
	int n = snprintf(r->text, sizeof r->text, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n",
			 line, fields);

	assert_in_range(n, 1, sizeof r->text - 1);
	if (!request_head_parse(&r->head, r->text, (size_t)n, &limits, &why))
		fail_msg("%s: %s", why.detail, r->text);
	return &r->head;
}

static void test_paths(void **state)
{
	static const struct {
		const char *line;
		enum page_verdict verdict;
		const struct page_file *file;
	} rows[] = {
		{"GET /dashboard", PAGE_FILE, &index_file},
		{"HEAD /dashboard", PAGE_FILE, &index_file},
		{"GET /dashboard?range=7d", PAGE_FILE, &index_file},
		{"GET /token-usage/7", PAGE_FILE, &index_file},
		{"GET /token-usage/7?x=/", PAGE_FILE, &index_file},
		{"GET /tokens", PAGE_FILE, &index_file},
		{"GET /tokens/a%2Fb", PAGE_FILE, &index_file},
		{"GET /sign-in", PAGE_FILE, &index_file},
		{"GET /assets/main-1.js", PAGE_FILE, &assets[0]},
		{"HEAD /assets/icon-2.svg", PAGE_FILE, &assets[1]},
		{"GET /", PAGE_NONE, NULL},
		{"GET /dashboard/", PAGE_FILE, &index_file},
		{"GET /token-usage/7/", PAGE_FILE, &index_file},
		{"GET /dashboard//", PAGE_NONE, NULL},
		{"GET //dashboard", PAGE_NONE, NULL},
		{"GET /dashboards", PAGE_NONE, NULL},
		{"GET /Dashboard", PAGE_NONE, NULL},
		{"GET /token-usage", PAGE_NONE, NULL},
		{"GET /token-usage/", PAGE_NONE, NULL},
		{"GET /tokens/", PAGE_FILE, &index_file},
		{"GET /tokens//", PAGE_NONE, NULL},
		{"GET /tokens/7/x", PAGE_NONE, NULL},
		{"GET /index.html", PAGE_NONE, NULL},
		{"GET /health", PAGE_NONE, NULL},
		{"GET /api/tokens", PAGE_NONE, NULL},
		{"GET /assets", PAGE_NONE, NULL},
		{"GET /assets/", PAGE_GONE, NULL},
		{"GET /assets/main-0.js", PAGE_GONE, NULL},
		{"GET /assets/main-1.js/", PAGE_GONE, NULL},
		{"GET /assets/main-1.js.gz", PAGE_GONE, NULL},
		{"GET /assets/%2e%2e/index.html", PAGE_GONE, NULL},
		{"POST /assets/main-0.js", PAGE_GONE, NULL},
		{"POST /dashboard", PAGE_METHOD, NULL},
		{"DELETE /tokens/7", PAGE_METHOD, NULL},
		{"OPTIONS /tokens", PAGE_METHOD, NULL},
		{"PUT /assets/main-1.js", PAGE_METHOD, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		struct page_choice c = page_choose(&files, ask(&r, rows[i].line, ""));

		if (c.verdict != rows[i].verdict || c.file != rows[i].file)
			fail_msg("%s: %d", rows[i].line, (int)c.verdict);
		if (c.file != NULL)
			assert_int_equal(c.is_asset, c.file != &index_file);
	}
}

static void test_home_is_for_browsers(void **state)
{
	static const struct {
		const char *line, *fields;
		enum page_verdict verdict;
	} rows[] = {
		{"GET /", BROWSER, PAGE_HOME},
		{"HEAD /", BROWSER, PAGE_HOME},
		{"POST /", BROWSER, PAGE_NONE},
		{"GET /", "Accept: */*\r\n", PAGE_NONE},
		{"GET /", "Accept: text/html;q=0, */*\r\n", PAGE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;

		assert_int_equal(
			page_choose(&files, ask(&r, rows[i].line, rows[i].fields))
				.verdict,
			rows[i].verdict);
	}
}

static void test_unknown_paths_are_for_browsers(void **state)
{
	static const struct {
		const char *line, *fields;
		enum page_verdict verdict;
	} rows[] = {
		{"GET /nothing", BROWSER, PAGE_FILE},
		{"HEAD /tokens/7/x", BROWSER, PAGE_FILE},
		{"GET /apiary", BROWSER, PAGE_FILE},
		{"GET /nothing", "", PAGE_NONE},
		{"POST /nothing", BROWSER, PAGE_NONE},
		{"GET /api", BROWSER, PAGE_NONE},
		{"GET /api/nothing", BROWSER, PAGE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		struct page_choice c = page_choose_unknown(
			&files, ask(&r, rows[i].line, rows[i].fields));

		if (c.verdict != rows[i].verdict)
			fail_msg("%s", rows[i].line);
		assert_ptr_equal(c.file, c.verdict == PAGE_FILE ? &index_file : NULL);
	}
}

static void test_encodings(void **state)
{
	static const struct {
		const char *path, *fields;
		enum page_form form;
	} rows[] = {
		{MAIN, "", PAGE_PLAIN},
		{MAIN, BOTH, PAGE_BROTLI},
		{MAIN, "Accept-Encoding: gzip, deflate\r\n", PAGE_GZIP},
		{MAIN, "Accept-Encoding: *\r\n", PAGE_BROTLI},
		{MAIN, "Accept-Encoding: br\r\n", PAGE_BROTLI},
		{MAIN, "Accept-Encoding: br;q=0, *\r\n", PAGE_GZIP},
		{MAIN, "Accept-Encoding: br;q=0, gzip;q=0, *\r\n", PAGE_PLAIN},
		{MAIN, "Accept-Encoding: identity\r\n", PAGE_PLAIN},
		{MAIN, "Accept-Encoding: *;q=0\r\n", PAGE_PLAIN},
		{"GET /assets/icon-2.svg", BOTH, PAGE_PLAIN},
		{"GET /dashboard", BOTH, PAGE_GZIP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		struct page_choice c =
			page_choose(&files, ask(&r, rows[i].path, rows[i].fields));

		assert_int_equal(c.verdict, PAGE_FILE);
		if (c.form != rows[i].form)
			fail_msg("%s %s", rows[i].path, rows[i].fields);
	}
}

static void test_what_the_client_has(void **state)
{
	static const struct {
		const char *fields;
		enum page_verdict verdict;
	} rows[] = {
		{"If-None-Match: \"aa\"\r\n", PAGE_SAME},
		{"If-None-Match: W/\"aa\"\r\n", PAGE_SAME},
		{"If-None-Match: \"b\", \"aa\"\r\n", PAGE_SAME},
		{"If-None-Match: \"b\"\r\nIf-None-Match: \"aa\"\r\n", PAGE_SAME},
		{"If-None-Match: *\r\n", PAGE_SAME},
		{BOTH "If-None-Match: \"aa-gz\"\r\n", PAGE_SAME},
		/* The same content, but not the same bytes. */
		{BOTH "If-None-Match: \"aa\"\r\n", PAGE_FILE},
		{"If-None-Match: \"aa-gz\"\r\n", PAGE_FILE},
		{"If-None-Match: \"aaa\"\r\n", PAGE_FILE},
		{"If-None-Match: \"a\"\r\n", PAGE_FILE},
		{"If-None-Match: aa\r\n", PAGE_FILE},
		{"If-None-Match: \"aa\r\n", PAGE_FILE},
		{"If-None-Match: w/\"aa\"\r\n", PAGE_FILE},
		{"If-None-Match: \r\n", PAGE_FILE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;

		if (page_choose(&files, ask(&r, "GET /dashboard", rows[i].fields))
			    .verdict != rows[i].verdict)
			fail_msg("%s", rows[i].fields);
	}
}

/* The page that says so is no answer to keep. */
static void test_without_pages(void **state)
{
	struct request r;

	(void)state;
	assert_int_equal(
		page_choose(&absent, ask(&r, "GET /dashboard", "If-None-Match: *\r\n"))
			.verdict,
		PAGE_FILE);
	assert_int_equal(
		page_choose(&absent, ask(&r, "GET /assets/main-1.js", "")).verdict,
		PAGE_GONE);
	assert_int_equal(page_choose(&absent, ask(&r, "GET /", BROWSER)).verdict,
			 PAGE_HOME);
}

/* What the program was built with. */
static void test_files(void **state)
{
	const struct page_files *built = page_files();

	(void)state;
	assert_true(built->index->forms[PAGE_PLAIN].n > 0);
	assert_true(built->are_absent == (built->n_assets == 0));
	for (size_t i = 0; i < built->n_assets; i++) {
		const struct page_file *f = &built->assets[i];

		assert_true(str_has_prefix(str_of(f->path), STR("/assets/")));
		assert_int_equal(strlen(f->tag), 32);
		for (int form = PAGE_GZIP; form < PAGE_FORMS; form++)
			assert_true(f->forms[form].n < f->forms[PAGE_PLAIN].n);
		assert_true(f->forms[PAGE_GZIP].n == 0 ||
			    (unsigned char)f->forms[PAGE_GZIP].p[0] == 0x1f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_home_is_for_browsers),
		cmocka_unit_test(test_unknown_paths_are_for_browsers),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_what_the_client_has),
		cmocka_unit_test(test_without_pages),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
