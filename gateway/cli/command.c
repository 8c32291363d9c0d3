/* The frame of the command line: finding the command, parsing its options. */
#include "gateway/cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/command_help.h"
#include "common/near.h"
#include "gateway/token/token_admin.h"

#define TEXT_MAX (1u << 20)
#define OPTIONS_MAX 64
#define FIRST_OPTION 0x100 /* of getopt's values, beside letters */
#define LETTERS_MAX (2 * OPTIONS_MAX + 3)

/* --- messages --- */

static void say(FILE *out, const char *path, const char *format, va_list ap)
{
	struct sbuf text, cleaned;

	sbuf_init(&text, TEXT_MAX);
	sbuf_init(&cleaned, 8 * TEXT_MAX);
	sbuf_vprintf(&text, format, ap);
	clean_lines(&cleaned, sbuf_view(&text));
	fprintf(out, "%s%s" STR_FMT "%s", path ? path : "", path ? ": " : "",
		STR_ARG(sbuf_view(&cleaned)), path ? "\n" : "");
	sbuf_fini(&cleaned);
	sbuf_fini(&text);
}

void cli_say(FILE *out, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(out, NULL, format, ap);
	va_end(ap);
}

int cli_fail(const struct cli_call *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(stderr, c->path, format, ap);
	va_end(ap);
	return 1;
}

void cli_warn(const struct cli_call *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(stderr, c->path, format, ap);
	va_end(ap);
}

int cli_usage_error(const struct cli_call *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(stderr, c->path, format, ap);
	va_end(ap);
	cli_print_usage(stderr, c->command, c->path);
	fprintf(stderr, "`%s --help` tells more\n", c->path);
	return 2;
}

/* --- what was given --- */

static const struct cli_given *given(const struct cli_call *c, const char *option)
{
	const struct cli_option *o = cli_option_named(c->command, option);

	CHECK(o != NULL);
	for (size_t i = c->n_given; i-- > 0;)
		if (c->given[i].option == o)
			return &c->given[i];
	return NULL;
}

bool cli_has(const struct cli_call *c, const char *option)
{
	return given(c, option) != NULL;
}

const char *cli_text(const struct cli_call *c, const char *option)
{
	const struct cli_given *g = given(c, option);

	return g != NULL ? g->value : NULL;
}

int64_t cli_number(const struct cli_call *c, const char *option, int64_t otherwise)
{
	const struct cli_given *g = given(c, option);

	return g != NULL ? g->number : otherwise;
}

const char **cli_list(const struct cli_call *c, const char *option, size_t *n)
{
	const struct cli_option *o = cli_option_named(c->command, option);
	const char **list = xcalloc(c->n_given + 1, sizeof *list);

	CHECK(o != NULL);
	*n = 0;
	for (size_t i = 0; i < c->n_given; i++)
		if (c->given[i].option == o)
			list[(*n)++] = c->given[i].value;
	return list;
}

/* The word at *rest, of words with spaces between; false: there is none. */
static bool next_word(const char **rest, struct str *word)
{
	*rest += strspn(*rest, " ");
	*word = (struct str){*rest, strcspn(*rest, " ")};
	*rest += word->n;
	return word->n > 0;
}

static int word_index(const char *words, const char *value)
{
	struct str word;

	for (int i = 0; next_word(&words, &word); i++)
		if (str_eq(word, str_of(value)))
			return i;
	return -1;
}

int cli_word(const struct cli_call *c, const char *option)
{
	const struct cli_given *g = given(c, option);

	return g != NULL ? word_index(g->option->words, g->value) : -1;
}

static void add(struct cli_call *c, struct cli_given g)
{
	if (c->n_given == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		c->given = xrealloc(c->given, c->room * sizeof *c->given);
	}
	c->given[c->n_given++] = g;
}

void cli_call_fini(struct cli_call *c)
{
	free(c->given);
	c->given = NULL;
	c->n_given = c->room = 0;
}

/* --- values --- */

static bool wrong_word(const struct cli_call *c, const struct cli_option *o,
		       const char *value)
{
	struct near near = {.given = value};
	char *words = xstrdup(o->words), *save = NULL;
	struct sbuf list;
	struct str word;
	const char *rest = o->words;

	sbuf_init(&list, TEXT_MAX);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		near_try(&near, w);
	while (next_word(&rest, &word))
		sbuf_printf(&list, "%s" STR_FMT,
			    list.n == 0                       ? ""
			    : rest[strspn(rest, " ")] == '\0' ? " or "
							      : ", ",
			    STR_ARG(word));
	cli_usage_error(c, "--%s '%s' is not %s%s%s%s", o->name, cli_shown(value),
			sbuf_text(&list), near.best ? "; did you mean '" : "",
			near.best ? near.best : "", near.best ? "'?" : "");
	sbuf_fini(&list);
	free(words);
	return false;
}

static bool take_number(const struct cli_call *c, struct cli_given *g)
{
	const struct cli_option *o = g->option;
	long long number;
	char *end;

	errno = 0;
	number = strtoll(g->value, &end, 10);
	if (errno == 0 && end != g->value && *end == '\0' && number >= o->least &&
	    number <= o->most) {
		g->number = number;
		return true;
	}
	cli_usage_error(c, "--%s '%s' is not a number from %lld to %lld", o->name,
			cli_shown(g->value), (long long)o->least, (long long)o->most);
	return false;
}

/* Splits in place: getopt's strings are ours to change. */
static bool take_list(struct cli_call *c, const struct cli_option *o, char *value)
{
	const char *separators = o->separators ? o->separators : ",";
	size_t before = c->n_given;
	char *save = NULL;

	for (char *part = strtok_r(value, separators, &save); part != NULL;
	     part = strtok_r(NULL, separators, &save)) {
		if (o->words != NULL && word_index(o->words, part) < 0)
			return wrong_word(c, o, part);
		add(c, (struct cli_given){.option = o, .value = part});
	}
	if (c->n_given > before)
		return true;
	cli_usage_error(c, "--%s takes %s; this is empty", o->name, o->value);
	return false;
}

/* value NULL: of an option that needs none. False: it said what is wrong. */
static bool take(struct cli_call *c, const struct cli_option *o, char *value)
{
	struct cli_given g = {.option = o, .value = value ? value : o->otherwise};

	switch (o->kind) {
	case CLI_FLAG:
	case CLI_TEXT:
	case CLI_TEXTS:
		break;
	case CLI_LIST:
		return take_list(c, o, value);
	case CLI_WORD:
		if (word_index(o->words, g.value) < 0)
			return wrong_word(c, o, g.value);
		break;
	case CLI_NUMBER:
		if (!take_number(c, &g))
			return false;
		break;
	case CLI_LIFETIME:
		if (token_lifetime_parse(g.value, &g.number))
			break;
		cli_usage_error(c,
				"--%s takes a number and a unit (90s, 15m, 12h, 30d, 2w, "
				"1y), up to 100 years",
				o->name);
		return false;
	}
	add(c, g);
	return true;
}

/* --- options --- */

static size_t getopt_table(const struct cli_command *command,
			   struct option table[OPTIONS_MAX + 2])
{
	const struct cli_option *o;
	size_t n = 0;

	for (; (o = cli_option_at(command, n)) != NULL; n++) {
		CHECK(n < OPTIONS_MAX);
		table[n] = (struct option){o->name,
					   o->kind == CLI_FLAG    ? no_argument
					   : o->otherwise != NULL ? optional_argument
								  : required_argument,
					   NULL, FIRST_OPTION + (int)n};
	}
	table[n++] = (struct option){"help", no_argument, NULL, 'h'};
	table[n] = (struct option){0};
	return n;
}

/* ":h", and those of options; all of them take a value. */
static void letters_of(const struct cli_command *command, char letters[LETTERS_MAX])
{
	const struct cli_option *o;
	size_t n = 2;

	memcpy(letters, ":h", n);
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (o->letter != 0) {
			CHECK(o->kind != CLI_FLAG);
			letters[n++] = o->letter;
			letters[n++] = ':';
		}
	letters[n] = '\0';
}

/* What getopt has found, an option's letter or its number. */
static const struct cli_option *option_of(const struct cli_command *command, int found)
{
	const struct cli_option *o;

	if (found >= FIRST_OPTION)
		return cli_option_at(command, (size_t)(found - FIRST_OPTION));
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (o->letter != 0 && o->letter == found)
			return o;
	return NULL;
}

/* What another command below the same one takes is no mistyped word. */
static const char *taken_elsewhere(const struct cli_call *c, const char *name)
{
	const struct cli_command *sub;

	for (size_t i = 0; c->group && (sub = c->group->subcommand(i)) != NULL; i++)
		if (sub != c->command && cli_option_named(sub, name) != NULL)
			return sub->name;
	return NULL;
}

/* The argument that getopt_long has refused. Its value may be a secret: only what stands
 * before it is shown. */
static void tell_unknown(const struct cli_call *c, const char *argument)
{
	char name[NEAR_WORD_MAX + 1];
	struct near near = {.given = name};
	const char *other;
	const struct cli_option *o;

	if (argument[0] != '-' || argument[1] != '-') {
		cli_usage_error(c, "there is no option -%c here", optopt);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="),
		 argument + 2);
	other = taken_elsewhere(c, name);
	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++)
		near_try(&near, o->name);
	if (other != NULL)
		cli_usage_error(c, "there is no option --%s here; it goes with %s", name,
				other);
	else
		cli_usage_error(c, "there is no option --%s here%s%s%s", name,
				near.best ? "; did you mean --" : "",
				near.best ? near.best : "", near.best ? "?" : "");
}

static int tell_wrong(const struct cli_call *c, int found, const char *argument)
{
	const struct cli_option *o = optopt != 0 ? option_of(c->command, optopt) : NULL;

	if (found == ':' && o != NULL)
		cli_usage_error(c, "--%s needs a value", o->name);
	else if (o != NULL || (optopt == 'h' && argument[1] == '-'))
		cli_usage_error(c, "--%s takes no value", o != NULL ? o->name : "help");
	else
		tell_unknown(c, argument);
	return 2;
}

static int check_given(const struct cli_call *c)
{
	const struct cli_command *command = c->command;
	const struct cli_option *o;

	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (o->demand != NULL && !cli_has(c, o->name) &&
		    (o->unless == NULL || !cli_has(c, o->unless)))
			return cli_usage_error(c, "--%s is missing: %s", o->name,
					       o->demand);
	if (c->n_operands < command->least)
		return cli_usage_error(c, "%s is missing", command->arguments);
	if (command->most >= 0 && c->n_operands > command->most)
		return cli_usage_error(c, "too many arguments: '%s' is not expected",
				       cli_shown(c->operands[command->most]));
	return -1;
}

int cli_parse(struct cli_call *c, int argc, char **argv)
{
	struct option table[OPTIONS_MAX + 2];
	const struct cli_option *o;
	char letters[LETTERS_MAX];
	int found, before;

	getopt_table(c->command, table);
	letters_of(c->command, letters);
	optind = 0; /* getopt(3): start anew */
	for (;;) {
		before = optind > 0 ? optind : 1;
		opterr = 0;
		found = getopt_long(argc, argv, letters, table, NULL);
		if (found == -1)
			break;
		if (found == 'h') {
			cli_print_help(stdout, c->command, c->path);
			return 0;
		}
		o = option_of(c->command, found);
		if (o == NULL)
			return tell_wrong(c, found,
					  argv[optind > before ? optind - 1 : before]);
		if (!take(c, o, optarg))
			return 2;
	}
	c->operands = (const char *const *)(void *)(argv + optind);
	c->n_operands = argc - optind;
	return check_given(c);
}

/* --- finding --- */

static bool is_help(const char *argument)
{
	return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int tell_no_command(const struct cli_call *c, const char *name)
{
	struct near near = {.given = name};
	const struct cli_command *sub;

	if (name[0] == '-') /* its value, if it has one, may be a secret */
		return cli_usage_error(c, "a command comes first, then its options");
	for (size_t i = 0; (sub = c->command->subcommand(i)) != NULL; i++)
		near_try(&near, sub->name);
	return cli_usage_error(c, "no command '%s'%s%s%s", cli_shown(name),
			       near.best ? "; did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?" : "");
}

void cli_enter(struct cli_call *c, const struct cli_command *sub)
{
	size_t n = strlen(c->path);

	c->group = c->command;
	c->command = sub;
	snprintf(c->path + n, sizeof c->path - n, " %s", sub->name);
}

/* `help COMMAND [SUBCOMMAND]`: of what argv names, as far as there is something. */
static int help(struct cli_call *c, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const struct cli_command *sub = cli_subcommand(c->command, argv[i]);

		if (sub == NULL && c->command->subcommand == NULL)
			break;
		if (sub == NULL)
			return tell_no_command(c, argv[i]);
		cli_enter(c, sub);
	}
	cli_print_help(stdout, c->command, c->path);
	return 0;
}

int cli_run(const struct cli_command *root, int argc, char **argv)
{
	struct cli_call c = {.command = root};
	int status;

	snprintf(c.path, sizeof c.path, "%s", root->name);
	for (; c.command->run == NULL; argc--, argv++) {
		const struct cli_command *sub;

		if (argc < 2) {
			cli_print_help(stderr, c.command, c.path);
			return 2;
		}
		if (is_help(argv[1]) || strcmp(argv[1], "help") == 0)
			return help(&c, is_help(argv[1]) ? 0 : argc - 2, argv + 2);
		sub = cli_subcommand(c.command, argv[1]);
		if (sub == NULL)
			return tell_no_command(&c, argv[1]);
		cli_enter(&c, sub);
	}
	status = cli_parse(&c, argc, argv);
	if (status < 0)
		status = c.command->run(&c);
	cli_call_fini(&c);
	return status;
}
