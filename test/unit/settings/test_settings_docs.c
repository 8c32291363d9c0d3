/* docs/configuration.md against the table of keys: every row, its values, default and
 * change. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/settings/settings_keys.h"

#define DOCS "docs/configuration.md"
#define DOCS_MAX 65536
#define CELLS_MAX 8

enum {
	CELL_KEY,
	CELL_DOC,
	CELL_VALUES,
	CELL_DEFAULT,
	CELL_ROUTE,
	CELL_CHANGE,
	TOP_CELLS
};
#define ROUTE_CELLS CELL_ROUTE /* a route's table has no more columns */

static char *read_docs(void)
{
	char *text = xcalloc(1, DOCS_MAX + 1);
	FILE *f = fopen(DOCS, "rb");

	assert_non_null(f);
	assert_true(fread(text, 1, DOCS_MAX, f) < DOCS_MAX);
	fclose(f);
	return text;
}

/* Splits "| a | b |" in place; returns how many cells there are. */
static size_t split_row(char *line, char *cells[CELLS_MAX])
{
	size_t n = 0;

	for (char *p = line + 1, *bar; (bar = strchr(p, '|')) != NULL; p = bar + 1) {
		struct str cell = str_trim((struct str){p, (size_t)(bar - p)});

		assert_true(n < CELLS_MAX);
		cells[n] = p + (cell.p - p);
		cells[n++][cell.n] = '\0';
	}
	return n;
}

/* The row of a key, "" if there is none or more than one. The caller frees. */
static char *find_row(const char *docs, const char *name)
{
	char *start = xasprintf("\n| `%s` |", name);
	const char *row = strstr(docs, start),
		   *again = row ? strstr(row + 1, start) : NULL;
	char *line = xstrdup("");

	if (row != NULL && again == NULL) {
		free(line);
		line = xstrndup(row + 1, strcspn(row + 1, "\n"));
	}
	free(start);
	return line;
}

static char *expected_values(const struct settings_key *k)
{
	double scale = k->type == KEY_SECONDS ? 1000 : 1;

	if (k->type != KEY_U32 && k->type != KEY_U64 && k->type != KEY_SECONDS &&
	    k->type != KEY_WORKERS)
		return NULL;
	return xasprintf("%.16g to %.16g %s%s", (double)k->min / scale,
			 (double)k->max / scale, k->unit,
			 k->type == KEY_WORKERS       ? " or `\"auto\"`"
			 : (k->flags & KEY_ZERO) != 0 ? ", or 0 for no limit"
						      : "");
}

/* Keys of issuers, rules and providers are told with the list that they stand in. */
static const char *list_of(enum settings_place place)
{
	return place == IN_ISSUER     ? "sign_in.issuers[]."
	       : place == IN_RULE     ? "sign_in.rules[]."
	       : place == IN_PROVIDER ? "sign_in.providers[]."
				      : "";
}

static void check_row(const struct settings_key *k, char *const cells[CELLS_MAX],
		      size_t n)
{
	char *values = expected_values(k);
	char *fallback = k->fallback ? xasprintf("`%s`", k->fallback) : NULL;

	assert_int_equal(n, (k->place & AT_TOP) == 0 ? ROUTE_CELLS : TOP_CELLS);
	assert_true(*cells[CELL_DOC] != '\0' && *cells[CELL_VALUES] != '\0');
	if (values != NULL)
		assert_string_equal(cells[CELL_VALUES], values);
	if (fallback != NULL)
		assert_string_equal(cells[CELL_DEFAULT], fallback);
	else if ((k->flags & KEY_REQUIRED) != 0)
		assert_string_equal(cells[CELL_DEFAULT], "required");
	else
		assert_true(*cells[CELL_DEFAULT] != '\0' && *cells[CELL_DEFAULT] != '`');
	if (n == TOP_CELLS) {
		assert_string_equal(cells[CELL_ROUTE], k->place == AT_BOTH ? "yes" : "");
		assert_string_equal(cells[CELL_CHANGE],
				    (k->flags & KEY_RESTART) != 0 ? "restart" : "reload");
	}
	free(values);
	free(fallback);
}

static void test_every_key_has_its_row(void **state)
{
	char *docs = read_docs();
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *name = xasprintf("%s%s", list_of(keys[i].place), keys[i].name);
		char *line = find_row(docs, name), *cells[CELLS_MAX];

		if (*line == '\0')
			fail_msg(DOCS ": not one row for %s", name);
		check_row(&keys[i], cells, split_row(line, cells));
		free(line);
		free(name);
	}
	free(docs);
}

static bool is_key(const char *name)
{
	static const enum settings_place places[] = {AT_TOP, IN_ROUTE, IN_ISSUER, IN_RULE,
						     IN_PROVIDER};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct str list = str_of(list_of(places[i]));

		if (str_has_prefix(str_of(name), list) &&
		    settings_key_find(name + list.n, places[i]))
			return true;
	}
	return false;
}

/* Rows of key tables that name no key: left over from a key that is gone. */
static void test_every_row_has_its_key(void **state)
{
	char *docs = read_docs(), *save = NULL;
	size_t rows = 0, n;
	bool in_keys = false;

	(void)state;
	settings_keys(&n);
	for (char *line = strtok_r(docs, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[64] = "";

		if (str_has_prefix(str_of(line), STR("| key |")))
			in_keys = true;
		else if (line[0] != '|')
			in_keys = false;
		else if (in_keys && str_has_prefix(str_of(line), STR("| `"))) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 3, "`"),
				 line + 3);
			if (!is_key(name))
				fail_msg(DOCS ": %s is no key", name);
			rows++;
		}
	}
	assert_int_equal(rows, n);
	free(docs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_has_its_row),
		cmocka_unit_test(test_every_row_has_its_key),
	};

	return cmocka_run_group_tests_name("settings docs", tests, NULL, NULL);
}
