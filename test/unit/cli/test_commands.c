/* The tables of commands: whole, with examples that are right, and in
 * docs/command-line.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/command_help.h"

#define DOCS "docs/command-line.md"
#define DOCS_MAX (1u << 20)
#define WORDS_MAX 32

/* --- every command --- */

static void walk(const struct cli_call *at, void (*visit)(const struct cli_call *c))
{
	const struct cli_command *sub;

	visit(at);
	for (size_t i = 0;
	     at->command->subcommand && (sub = at->command->subcommand(i)) != NULL; i++) {
		struct cli_call below = *at;

		cli_enter(&below, sub);
		walk(&below, visit);
	}
}

static void walk_all(void (*visit)(const struct cli_call *c))
{
	struct cli_call root = {.command = cli_root(), .path = "tollgate"};

	walk(&root, visit);
}

static void check_option(const struct cli_call *c, const struct cli_option *o)
{
	bool fine = o->help != NULL && *o->help != '\0';

	fine = fine && (o->kind == CLI_FLAG) == (o->value == NULL);
	fine = fine && (o->kind != CLI_WORD || o->words != NULL);
	fine = fine && (o->words == NULL || o->kind == CLI_WORD || o->kind == CLI_LIST);
	fine = fine && (o->kind != CLI_NUMBER || o->most > o->least);
	fine = fine && cli_option_named(c->command, o->name) == o; /* none twice */
	if (!fine)
		fail_msg("%s --%s", c->path, o->name);
}

static void check_command(const struct cli_call *c)
{
	const struct cli_command *command = c->command;
	const struct cli_option *o;
	bool fine = command->summary != NULL && *command->summary != '\0';

	fine = fine && (command->run == NULL) == (command->subcommand != NULL);
	fine = fine && command->examples[0] != NULL && command->examples[1] != NULL;
	fine = fine && (command->least == 0 || command->arguments != NULL);
	fine = fine && (command->most < 0 || command->most >= command->least);
	if (!fine)
		fail_msg("%s", c->path);
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		check_option(c, o);
}

static void tables_are_whole(void **state)
{
	(void)state;
	walk_all(check_command);
}

/* --- examples --- */

/* As a shell would split it: words and 'quoted words'. Changes the line. */
static int split(char *line, char *words[WORDS_MAX + 1])
{
	int n = 0;

	while (*line != '\0' && n < WORDS_MAX) {
		char end = *line == '\'' ? '\'' : ' ';

		line += end == '\'';
		words[n++] = line;
		line += strcspn(line, end == '\'' ? "'" : " ");
		if (*line != '\0')
			*line++ = '\0';
		line += strspn(line, " ");
	}
	words[n] = NULL;
	return n;
}

static bool is_subject(const struct cli_call *c, const char *example)
{
	size_t n = strlen(c->path);

	if (c->command->run == NULL && strncmp(example, "tollgate help ", 14) == 0)
		return true;
	return strncmp(example, c->path, n) == 0 &&
	       (example[n] == '\0' || example[n] == ' ');
}

/* Of the command that the example is of, which may be below the one that shows it. */
static int parse_example(const char *example)
{
	struct cli_call c = {.command = cli_root(), .path = "tollgate"};
	char *line = xstrdup(example), *words[WORDS_MAX + 1];
	int n = split(line, words), at = 0, status;

	if (n > 1 && strcmp(words[1], "help") == 0) {
		free(line);
		return -1;
	}
	while (c.command->run == NULL && at + 1 < n) {
		const struct cli_command *sub = cli_subcommand(c.command, words[at + 1]);

		if (sub == NULL)
			break;
		cli_enter(&c, sub);
		at++;
	}
	status = c.command->run != NULL ? cli_parse(&c, n - at, words + at) : 2;
	cli_call_fini(&c);
	free(line);
	return status;
}

static void check_examples(const struct cli_call *c)
{
	for (size_t i = 0; i < 2; i++) {
		const char *example = c->command->examples[i];

		if (!is_subject(c, example) || parse_example(example) != -1)
			fail_msg("%s: %s", c->path, example);
	}
}

static void examples_are_right(void **state)
{
	(void)state;
	walk_all(check_examples);
}

/* --- docs --- */

static char *docs;

static int read_docs(void **state)
{
	FILE *f = fopen(DOCS, "rb");
	size_t n;

	(void)state;
	docs = xcalloc(1, DOCS_MAX);
	if (f == NULL)
		return -1;
	n = fread(docs, 1, DOCS_MAX - 1, f);
	fclose(f);
	return n > 0 ? 0 : -1;
}

static int free_docs(void **state)
{
	(void)state;
	free(docs);
	return 0;
}

/* | `tollgate token create` | make a key | `--name NAME`, ... | */
static void row_of(struct sbuf *out, const struct cli_call *c)
{
	const struct cli_command *command = c->command;
	const struct cli_option *o = command->options;
	const char *separator = "";

	sbuf_printf(out, "| `%s%s", c->path, command->arguments ? " " : "");
	for (const char *p = command->arguments; p && *p != '\0'; p++)
		sbuf_printf(out, "%s%c", *p == '|' ? "\\" : "", *p);
	sbuf_printf(out, "` | %s | ", command->summary);
	for (; o != NULL && o->name != NULL; o++, separator = ", ")
		sbuf_printf(out, "%s`--%s%s%s%s`", separator, o->name,
			    o->otherwise ? "[="
			    : o->value   ? " "
					 : "",
			    o->value ? o->value : "", o->otherwise ? "]" : "");
	if (command->shares & CLI_TAKES_JSON)
		sbuf_printf(out, "%s`--json`", separator);
	sbuf_lit(out, " |\n");
}

static void check_docs(const struct cli_call *c)
{
	struct sbuf row;

	if (c->command->run == NULL)
		return;
	sbuf_init(&row, 4096);
	row_of(&row, c);
	if (strstr(docs, sbuf_text(&row)) == NULL)
		fail_msg(DOCS " lacks this row:\n%s", sbuf_text(&row));
	sbuf_fini(&row);
}

static void docs_have_every_command(void **state)
{
	(void)state;
	walk_all(check_docs);
}

/* No row of a command or an option that there is not any more. */
static void docs_have_no_others(void **state)
{
	static const char mark[] = "\n| `tollgate ";

	(void)state;
	for (const char *at = docs; (at = strstr(at, mark)) != NULL; at++) {
		struct cli_call c = {.command = cli_root(), .path = "tollgate"};
		char *line = xstrndup(at + sizeof mark - 1,
				      strcspn(at + sizeof mark - 1, "`"));
		char *words[WORDS_MAX + 1];
		int n = split(line, words);

		for (int i = 0; i < n && c.command->run == NULL; i++) {
			const struct cli_command *sub =
				cli_subcommand(c.command, words[i]);

			if (sub == NULL)
				fail_msg(DOCS ": there is no `%s %s`", c.path, words[i]);
			cli_enter(&c, sub);
		}
		free(line);
	}
}

/* --- help --- */

static char *help_of(const struct cli_call *c)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	CHECK(out != NULL);
	cli_print_help(out, c->command, c->path);
	fclose(out);
	return text;
}

static void check_help(const struct cli_call *c)
{
	char *text = help_of(c), *save = NULL;
	const struct cli_option *o;

	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++) {
		char wanted[64];

		snprintf(wanted, sizeof wanted, "\n  --%s", o->name);
		if (strstr(text, wanted) == NULL)
			fail_msg("the help of %s lacks --%s", c->path, o->name);
	}
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > CLI_HELP_COLUMNS && strncmp(line, "  tollgate ", 11) &&
		    strncmp(line, "usage: ", 7))
			fail_msg("too wide: %s", line);
	free(text);
}

static void help_tells_all(void **state)
{
	(void)state;
	walk_all(check_help);
}

/* --- wrong use --- */

static char *errors_of(const char *line)
{
	char *copy = xstrdup(line), *words[WORDS_MAX + 1];
	static char text[8192];
	int n = split(copy, words), kept = dup(STDERR_FILENO), status;
	FILE *to = tmpfile();
	size_t got;

	CHECK(to != NULL);
	fflush(stderr);
	dup2(fileno(to), STDERR_FILENO);
	status = cli_run(cli_root(), n, words);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(to);
	got = fread(text, 1, sizeof text - 1, to);
	text[got] = '\0';
	fclose(to);
	free(copy);
	assert_int_equal(status, 2);
	return text;
}

static void wrong_use_is_told(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{"tollgate tokne list", "no command 'tokne'; did you mean 'token'?"},
		{"tollgate nothing-like-it", "no command 'nothing-like-it'\n"},
		{"tollgate token lst", "no command 'lst'; did you mean 'list'?"},
		{"tollgate help tokens", "did you mean 'token'?"},
		{"tollgate help token lsit", "did you mean 'list'?"},
		{"tollgate token list --jsn",
		 "no option --jsn here; did you mean --json?"},
		{"tollgate token list --jsn=secret", "did you mean --json?"},
		{"tollgate token list -x", "there is no option -x here"},
		{"tollgate token list --name x", "no option --name here; it goes with"},
		{"tollgate token create --scope x",
		 "--name is missing: what people call"},
		{"tollgate token create --name", "--name needs a value"},
		{"tollgate token list --json=yes", "--json takes no value"},
		{"tollgate token list stray", "'stray' is not expected"},
		{"tollgate user key", "USER is missing"},
		{"tollgate user add --name a --role admn", "did you mean 'admin'?"},
		{"tollgate audit --limit 0", "not a number from 1 to 200"},
		{"tollgate audit --limit 1x", "not a number from 1 to 200"},
		{"tollgate usage top tokens --last 5", "takes a number and a unit"},
		{"tollgate usage top tokens --tokens ''", "this is empty"},
		{"tollgate usage top tokens --tokens ,", "this is empty"},
		{"tollgate explain / -X", "--method needs a value"},
		{"tollgate explain / -Y x", "there is no option -Y here"},
		{"tollgate --database x", "a command comes first"},
		{"tollgate team", "commands:\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *errors = errors_of(rows[i].line);

		if (strstr(errors, rows[i].why) == NULL || strstr(errors, "secret"))
			fail_msg("%s: %s", rows[i].line, errors);
		assert_non_null(strstr(errors, "usage: tollgate"));
	}
}

static void what_was_given(void **state)
{
	char line[] = "list --last 2h --tokens 1,b --tokens 3 --min-ms 5 --status 5xx";
	struct cli_call c = {.command = cli_usage_logs(), .path = "tollgate usage logs"};
	char *words[WORDS_MAX + 1];
	const char **list;
	size_t n;

	(void)state;
	assert_int_equal(cli_parse(&c, split(line, words), words), -1);
	assert_int_equal(cli_number(&c, "last", 0), 7200);
	assert_int_equal(cli_number(&c, "min-ms", 0), 5);
	assert_int_equal(cli_number(&c, "limit", 50), 50);
	assert_string_equal(cli_text(&c, "status"), "5xx");
	assert_null(cli_text(&c, "method"));
	assert_true(cli_has(&c, "tokens") && !cli_has(&c, "json"));
	list = cli_list(&c, "tokens", &n);
	assert_int_equal(n, 3);
	assert_string_equal(list[1], "b");
	assert_string_equal(list[2], "3");
	free(list);
	cli_call_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(examples_are_right),
		cmocka_unit_test(help_tells_all),
		cmocka_unit_test(wrong_use_is_told),
		cmocka_unit_test(what_was_given),
		cmocka_unit_test_setup_teardown(docs_have_every_command, read_docs,
						free_docs),
		cmocka_unit_test_setup_teardown(docs_have_no_others, read_docs,
						free_docs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
