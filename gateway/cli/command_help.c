/* Help, from the tables of commands. */
#include "gateway/cli/command_help.h"

#include <string.h>

#include "common/version.h"

#define OPTION_COLUMN_MAX 26 /* help of longer ones begins on the next line */

/* --- wrapping --- */

/* Words of a line from a column on; those behind the first line stand at `indent`.
 * Returns what is behind the line. */
static const char *print_line(FILE *out, const char *text, size_t column, size_t indent)
{
	size_t line = strcspn(text, "\n"), done = 0;
	size_t at = column;

	while (done < line) {
		size_t word = strcspn(text + done, " \n");

		if (at > column && at + 1 + word > CLI_HELP_COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = column = indent;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)word, text + done);
		at += word;
		done += word;
		done += strspn(text + done, " ");
	}
	return text + line + (text[line] == '\n');
}

/* Paragraphs; lines that begin with a space stand as they are. */
static void print_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t line = strcspn(text, "\n");

		if (*text == ' ') {
			fprintf(out, "%.*s", (int)line, text);
			text += line + (text[line] == '\n');
		} else {
			text = print_line(out, text, 0, 0);
		}
		fputc('\n', out);
	}
}

/* --- options --- */

static size_t left_length(const struct cli_option *o)
{
	return 4 + strlen(o->name) + (o->value ? 1 + strlen(o->value) : 0) +
	       (o->otherwise ? 2 : 0);
}

static void print_option(FILE *out, const struct cli_option *o, size_t column)
{
	size_t left = left_length(o);

	fprintf(out, "  --%s%s%s%s", o->name,
		o->otherwise ? "[="
		: o->value   ? " "
			     : "",
		o->value ? o->value : "", o->otherwise ? "]" : "");
	if (left + 2 > column)
		fprintf(out, "\n%*s", (int)column, "");
	else
		fprintf(out, "%*s", (int)(column - left), "");
	print_line(out, o->help, column, column);
	fputc('\n', out);
}

static void print_options(FILE *out, const struct cli_command *command)
{
	const struct cli_option *o;
	size_t column = 0;

	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (left_length(o) + 2 > column &&
		    left_length(o) + 2 <= OPTION_COLUMN_MAX)
			column = left_length(o) + 2;
	if (cli_option_at(command, 0) != NULL)
		fputs("\noptions:\n", out);
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		print_option(out, o, column);
}

/* --- commands --- */

static void print_subcommands(FILE *out, const struct cli_command *command,
			      const char *path)
{
	const struct cli_command *sub;
	size_t column = 0;

	for (size_t i = 0; (sub = command->subcommand(i)) != NULL; i++)
		if (strlen(sub->name) + 4 > column)
			column = strlen(sub->name) + 4;
	fputs("\ncommands:\n", out);
	for (size_t i = 0; (sub = command->subcommand(i)) != NULL; i++) {
		fprintf(out, "  %-*s", (int)column - 2, sub->name);
		print_line(out, sub->summary, column, column);
		fputc('\n', out);
	}
	fprintf(out, "\n`%s COMMAND --help` tells a command's options.\n", path);
}

void cli_print_usage(FILE *out, const struct cli_command *command, const char *path)
{
	const struct cli_option *o;

	fprintf(out, "usage: %s", path);
	if (command->run == NULL)
		fputs(" COMMAND", out);
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (o->demand != NULL)
			fprintf(out, " --%s %s", o->name, o->value);
	if (command->run == NULL || cli_option_at(command, 0) != NULL)
		fputs(" [options]", out);
	fprintf(out, "%s%s\n", command->arguments ? " " : "",
		command->arguments ? command->arguments : "");
}

static void print_ends(FILE *out, const struct cli_command *command)
{
	if (command->examples[0] != NULL)
		fprintf(out, "\nexamples:\n");
	for (size_t i = 0; i < 2 && command->examples[i] != NULL; i++)
		fprintf(out, "  %s\n", command->examples[i]);
	fputs("\nexit status:\n  0  fine\n  1  failed", out);
	if (command->fails != NULL)
		fprintf(out, "; also %s", command->fails);
	fputs("\n  2  wrong use\n", out);
}

void cli_print_help(FILE *out, const struct cli_command *command, const char *path)
{
	if (strchr(path, ' ') == NULL)
		fprintf(out, "tollgate %s: %s\n\n", TOLLGATE_VERSION, command->summary);
	cli_print_usage(out, command, path);
	if (command->text != NULL) {
		fputc('\n', out);
		print_text(out, command->text);
	} else if (strchr(path, ' ') != NULL) {
		fputc('\n', out);
		print_text(out, command->summary);
	}
	if (command->subcommand != NULL)
		print_subcommands(out, command, path);
	else
		print_options(out, command);
	if (command->more != NULL)
		fprintf(out, "\n%s", command->more);
	print_ends(out, command);
}
