/* `tollgate completion`: scripts by which shells complete commands, options and values,
 * made of the tables of commands. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/command_walk.h"

/* "token create" of "tollgate token create"; "" of the root. */
static const char *below_root(const struct cli_call *c)
{
	const char *blank = strchr(c->path, ' ');

	return blank != NULL ? blank + 1 : "";
}

static bool takes_file(const char *value)
{
	return strncmp(value, "FILE", 4) == 0 || strncmp(value, "DIR", 3) == 0;
}

/* The words that an argument may be, as "bash|zsh|fish" tells them; NULL: any text. */
static const char *argument_words(const struct cli_command *command)
{
	const char *text = command->arguments;

	return text != NULL && text[strspn(text, "abcdefghijklmnopqrstuvwxyz|")] == '\0'
		       ? text
		       : NULL;
}

static void put_argument_words(const struct cli_command *command, char separator)
{
	const char *text = argument_words(command);

	for (; text != NULL && *text != '\0'; text++)
		putchar(*text == '|' ? separator : *text);
}

/* In single quotes: in sh, bash and zsh those of the text stand outside. */
static void put_quoted(const char *text, const char *quote)
{
	putchar('\'');
	for (; *text != '\0'; text++)
		if (*text == '\'')
			fputs(quote, stdout);
		else if (*text == '\n')
			putchar(' ');
		else
			putchar(*text);
	putchar('\'');
}

/* --- what bash and zsh are told alike --- */

/* Patterns of `case` for paths: each is a command's with a blank before each word. */
static void put_path_pattern(void *ctx, const struct cli_call *c)
{
	(void)ctx;
	if (*below_root(c) != '\0')
		printf("|' %s'", below_root(c));
}

/* A value is expected behind these. */
static void put_values(void *ctx, const struct cli_call *c)
{
	const struct cli_option *o;

	(void)ctx;
	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++) {
		if (o->kind == CLI_FLAG || o->otherwise != NULL)
			continue;
		printf("\t' %s --%s'", below_root(c), o->name);
		if (o->letter != 0)
			printf("|' %s -%c'", below_root(c), o->letter);
		if (o->words != NULL)
			printf(") kind=words; list='%s' ;;\n", o->words);
		else
			printf(") kind=%s ;;\n", takes_file(o->value) ? "files" : "none");
	}
}

/* The cases of bash and zsh: how far the words are a command's path, what there is to
 * choose of behind it, and what behind an option. words: their array. */
static void put_cases(const struct cli_command *root, const char *words,
		      void (*put_words)(void *ctx, const struct cli_call *c))
{
	printf("\t\tcase \"$at ${%s[i]}\" in\n\t\t' '", words);
	cli_walk(root, NULL, put_path_pattern);
	printf(") at=\"$at ${%s[i]}\" ;;\n"
	       "\t\t*) break ;;\n\t\tesac\n\tdone\n"
	       "\tcase \"$at\" in\n",
	       words);
	cli_walk(root, NULL, put_words);
	puts("\tesac\n\tcase \"$at $prev\" in");
	cli_walk(root, NULL, put_values);
	puts("\tesac");
}

/* --- bash --- */

static void put_bash_words(void *ctx, const struct cli_call *c)
{
	const struct cli_option *o;
	const struct cli_command *sub;

	(void)ctx;
	if (*below_root(c) == '\0')
		printf("\t'') list='help --help --version");
	else
		printf("\t' %s') list='--help", below_root(c));
	for (size_t i = 0;
	     c->command->subcommand && (sub = c->command->subcommand(i)) != NULL; i++)
		printf(" %s", sub->name);
	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++)
		printf(" --%s", o->name);
	if (argument_words(c->command) != NULL)
		putchar(' ');
	put_argument_words(c->command, ' ');
	putchar('\'');
	if (c->command->arguments != NULL && takes_file(c->command->arguments))
		fputs("; kind=both", stdout);
	puts(" ;;");
}

static void put_bash(const struct cli_command *root)
{
	puts("# bash completion for tollgate, made by `tollgate completion bash`.\n"
	     "_tollgate()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tlocal at= kind=words list= i=1\n"
	     "\t# bash takes --name=value for three words.\n"
	     "\tif [ \"$cur\" = = ]; then cur=; fi\n"
	     "\tif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	     "\tif [ \"${COMP_WORDS[1]}\" = help ]; then i=2; fi\n"
	     "\tfor (( ; i < COMP_CWORD; i++)); do");
	put_cases(root, "COMP_WORDS", put_bash_words);
	puts("\tCOMPREPLY=()\n"
	     "\tif [ $kind = words ] || [ $kind = both ]; then\n"
	     "\t\tset -f; COMPREPLY=($(compgen -W \"$list\" -- \"$cur\")); set +f\n\tfi\n"
	     "\tif [ $kind = files ] || [ $kind = both ]; then\n"
	     "\t\tlocal IFS=$'\\n'\n"
	     "\t\tcompopt -o filenames 2>/dev/null\n"
	     "\t\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n\tfi\n"
	     "}\ncomplete -F _tollgate tollgate");
}

/* --- zsh --- */

static void put_zsh_word(const char *name, const char *help)
{
	fputs("\t\t", stdout);
	putchar('\'');
	for (const char *p = name; *p != '\0'; p++)
		printf("%s%c", *p == ':' ? "\\" : "", *p);
	putchar(':');
	for (; *help != '\0'; help++)
		if (*help == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*help == '\n' ? ' ' : *help);
	puts("'");
}

static void put_zsh_words(void *ctx, const struct cli_call *c)
{
	const struct cli_option *o;
	const struct cli_command *sub;
	char name[80];

	(void)ctx;
	printf("\t'%s%s') all=(\n", *below_root(c) != '\0' ? " " : "", below_root(c));
	if (*below_root(c) == '\0')
		put_zsh_word("help", "tell what a command takes");
	for (size_t i = 0;
	     c->command->subcommand && (sub = c->command->subcommand(i)) != NULL; i++)
		put_zsh_word(sub->name, sub->summary);
	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++) {
		snprintf(name, sizeof name, "--%s", o->name);
		put_zsh_word(name, o->help);
	}
	put_zsh_word("--help", "tell what it takes");
	fputs("\t\t", stdout);
	put_argument_words(c->command, ' ');
	printf(")%s ;;\n",
	       c->command->arguments != NULL && takes_file(c->command->arguments)
		       ? "; kind=both"
		       : "");
}

static void put_zsh(const struct cli_command *root)
{
	puts("#compdef tollgate\n"
	     "# zsh completion for tollgate, made by `tollgate completion zsh`.\n"
	     "_tollgate()\n{\n"
	     "\tlocal at= kind=words list= prev=${words[CURRENT-1]} i=2\n"
	     "\tlocal -a all\n"
	     "\tif [[ ${words[2]} = help ]]; then i=3; fi\n"
	     "\tfor (( ; i < CURRENT; i++)); do");
	put_cases(root, "words", put_zsh_words);
	puts("\tif [[ -n $list ]]; then compadd -- ${=list}; return; fi\n"
	     "\tif [[ $kind = words || $kind = both ]]; then _describe tollgate all; fi\n"
	     "\tif [[ $kind = files || $kind = both ]]; then _files; fi\n"
	     "}\n"
	     "if [[ $funcstack[1] = _tollgate ]]; then _tollgate \"$@\"; "
	     "else compdef _tollgate tollgate; fi");
}

/* --- fish --- */

static void put_fish_pattern(void *ctx, const struct cli_call *c)
{
	(void)ctx;
	if (*below_root(c) != '\0')
		printf(" ' %s'", below_root(c));
}

static void put_fish_option(const struct cli_call *c, const struct cli_option *o)
{
	printf("complete -c tollgate -n \"__tollgate_at ' %s'\" -l %s", below_root(c),
	       o->name);
	if (o->letter != 0)
		printf(" -s %c", o->letter);
	if (o->words != NULL)
		printf(" -x -a '%s'", o->words);
	else if (o->kind != CLI_FLAG && o->otherwise == NULL)
		fputs(takes_file(o->value) ? " -r -F" : " -x", stdout);
	fputs(" -d ", stdout);
	put_quoted(o->help, "\\'");
	putchar('\n');
}

static void put_fish_command(void *ctx, const struct cli_call *c)
{
	const struct cli_option *o;
	const struct cli_command *sub;
	const char *at = below_root(c), *blank = *at != '\0' ? " " : "";

	(void)ctx;
	for (size_t i = 0;
	     c->command->subcommand && (sub = c->command->subcommand(i)) != NULL; i++) {
		printf("complete -c tollgate -n \"__tollgate_at '%s%s'\" -a %s -d ",
		       blank, at, sub->name);
		put_quoted(sub->summary, "\\'");
		putchar('\n');
	}
	for (size_t i = 0; (o = cli_option_at(c->command, i)) != NULL; i++)
		put_fish_option(c, o);
	if (argument_words(c->command) != NULL) {
		printf("complete -c tollgate -n \"__tollgate_at ' %s'\" -a '", at);
		put_argument_words(c->command, ' ');
		puts("'");
	}
	if (c->command->arguments != NULL && takes_file(c->command->arguments))
		printf("complete -c tollgate -n \"__tollgate_at ' %s'\" -F\n", at);
}

static void put_fish(const struct cli_command *root)
{
	puts("# fish completion for tollgate, made by `tollgate completion fish`.\n"
	     "function __tollgate_at\n"
	     "\tset -l words (commandline -opc)\n"
	     "\tset -l at ''\n"
	     "\tset -e words[1]\n"
	     "\tif test \"$words[1]\" = help\n\t\tset -e words[1]\n\tend\n"
	     "\tfor word in $words\n"
	     "\t\tswitch \"$at $word\"");
	fputs("\t\tcase", stdout);
	cli_walk(root, NULL, put_fish_pattern);
	puts("\n\t\t\tset at \"$at $word\"\n"
	     "\t\tcase '*'\n\t\t\tbreak\n\t\tend\n\tend\n"
	     "\ttest \"$at\" = \"$argv[1]\"\nend\n"
	     "complete -c tollgate -f\n"
	     "complete -c tollgate -l help -d 'tell what it takes'\n"
	     "complete -c tollgate -n \"__tollgate_at ''\" -l version -d 'tell which "
	     "version this is'\n"
	     "complete -c tollgate -n \"__tollgate_at ''\" -a help -d 'tell what a command "
	     "takes'");
	cli_walk(root, NULL, put_fish_command);
}

/* --- the command --- */

static int run(const struct cli_call *c)
{
	static const struct {
		const char *name;
		void (*put)(const struct cli_command *root);
	} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(c->operands[0], shells[i].name) == 0) {
			shells[i].put(c->group);
			return 0;
		}
	return cli_usage_error(c, "there is no completion for it: bash, zsh or fish");
}

const struct cli_command *cli_completion(void)
{
	static const struct cli_command command = {
		.name = "completion",
		.summary = "print a script that completes commands in a shell",
		.arguments = "bash|zsh|fish",
		.least = 1,
		.most = 1,
		.text = "Prints what a shell needs to complete commands, options and their "
			"values. `make install` puts it where shells look for it; elsewhere:\n"
			"  bash  source <(tollgate completion bash)\n"
			"  zsh   source <(tollgate completion zsh)\n"
			"  fish  tollgate completion fish | source",
		.examples = {"tollgate completion bash", "tollgate completion fish"},
		.run = run,
	};

	return &command;
}
