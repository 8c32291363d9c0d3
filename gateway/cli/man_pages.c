/* Manual pages, of the same tables as --help and the configuration. */
#include "gateway/cli/man_pages.h"

#include <string.h>

#include "common/check.h"
#include "common/str.h"
#include "common/version.h"
#include "gateway/cli/command_walk.h"
#include "gateway/cli/service_files.h"
#include "gateway/settings/settings_keys.h"

/* --- roff --- */

/* What roff would read otherwise: a backslash, a dash (which is a hyphen to it), a dot or
 * an apostrophe that begins a line. */
static void put_n(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", out);
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else if (text[i] == '`')
			fputs("\\(ga", out);
		else
			fputc(text[i], out);
	}
}

static void put(FILE *out, const char *text)
{
	put_n(out, text, strlen(text));
}

/* Paragraphs; lines that begin with a space stand as they are. */
static void put_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t line = strcspn(text, "\n");

		if (*text == ' ')
			fputs(".nf\n", out);
		else if (line > 0)
			fputs(".PP\n", out);
		if (line > 0) {
			put_n(out, text, line);
			fputc('\n', out);
		}
		if (*text == ' ')
			fputs(".fi\n", out);
		text += line + (text[line] == '\n');
	}
}

static void put_head(FILE *out, const char *name, int section, const char *summary)
{
	fprintf(out, ".TH %s %d \"\" \"tollgate %s\" \"Tollgate\"\n.SH NAME\n%s \\- ",
		name, section, TOLLGATE_VERSION, name);
	put(out, summary);
	fputc('\n', out);
}

/* --- tollgate(1) --- */

static void put_option(FILE *out, const struct cli_option *o)
{
	fputs(".TP\n.B \"", out);
	if (o->letter != 0)
		fprintf(out, "\\-%c, ", o->letter);
	fputs("\\-\\-", out);
	put(out, o->name);
	fputs(o->otherwise ? "[=" : o->value ? " " : "", out);
	put(out, o->value != NULL ? o->value : "");
	fputs(o->otherwise ? "]\"\n" : "\"\n", out);
	put(out, o->help);
	if (o->words != NULL) {
		fputs("\n.br\nOne of: ", out);
		put(out, o->words);
	}
	fputc('\n', out);
}

static void put_examples(FILE *out, const struct cli_command *command)
{
	fputs(".PP\n.nf\n", out);
	for (size_t i = 0; i < 2 && command->examples[i] != NULL; i++) {
		fputs("    ", out);
		put(out, command->examples[i]);
		fputc('\n', out);
	}
	fputs(".fi\n", out);
}

static void put_command(void *ctx, const struct cli_call *c)
{
	const struct cli_command *command = c->command;
	const struct cli_option *o;
	FILE *out = ctx;

	if (command->run == NULL)
		return;
	fputs(".SS \"", out);
	put(out, c->path);
	if (cli_option_at(command, 0) != NULL)
		fputs(" [options]", out);
	fprintf(out, "%s", command->arguments ? " " : "");
	put(out, command->arguments ? command->arguments : "");
	fputs("\"\n", out);
	put_text(out, command->text != NULL ? command->text : command->summary);
	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		put_option(out, o);
	if (command->more != NULL) {
		fputs(".PP\n.nf\n", out);
		for (const char *p = command->more; *p != '\0';) {
			size_t line = strcspn(p, "\n");

			put_n(out, p, line);
			fputc('\n', out);
			p += line + (p[line] == '\n');
		}
		fputs(".fi\n", out);
	}
	put_examples(out, command);
	if (command->fails != NULL) {
		fputs(".PP\nThe exit status is 1 also ", out);
		put(out, command->fails);
		fputs(".\n", out);
	}
}

void man_print_commands(FILE *out, const struct cli_command *root)
{
	put_head(out, "tollgate", 1, root->summary);
	fputs(".SH SYNOPSIS\n.B tollgate\n.I COMMAND\n[options]\n"
	      ".SH DESCRIPTION\n"
	      "Options of a command stand behind its name, before or behind its arguments; "
	      "\\-\\-name=VALUE is \\-\\-name VALUE, and a beginning that fits one option "
	      "alone will do. What takes a list takes it with commas, or given again. "
	      "\\-\\-help behind any command, or\n.B tollgate help\n.IR COMMAND ,\n"
	      "tells the same as this page;\n.B tollgate \\-\\-version\n"
	      "which version this is.\n.SH COMMANDS\n",
	      out);
	cli_walk(root, out, put_command);
	fputs(".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\nfailed: the reason is on "
	      "standard error\n.TP\n.B 2\nwrong use\n.SH FILES\n.TP\n.I ",
	      out);
	put(out, CLI_CONFIG);
	fputs("\nthe configuration where none is named, with tollgate.env beside it\n"
	      ".TP\n.I .tollgate/dev.env\nwhat the running tollgate dev of a folder says of "
	      "itself\n.SH SEE ALSO\n.BR tollgate.json (5)\n",
	      out);
}

/* --- tollgate.json(5) --- */

static void put_key(FILE *out, const struct settings_key *key)
{
	fputs(".TP\n.B \"", out);
	put(out, key->name);
	fputs("\"\n", out);
	put(out, key->doc);
	fputs(".\n", out);
	if (key->fallback != NULL) {
		fputs("Default: ", out);
		put(out, key->fallback);
		fputs(".\n", out);
	}
	if (key->example != NULL) {
		fputs("Like: ", out);
		put(out, key->example);
		fputs(".\n", out);
	}
	if (key->flags & KEY_REQUIRED)
		fputs("It must be there.\n", out);
	if (key->flags & KEY_RESTART)
		fputs("A change takes a restart.\n", out);
}

static void put_place(FILE *out, const char *title, enum settings_place place)
{
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	fprintf(out, ".SH %s\n", title);
	for (size_t i = 0; i < n; i++)
		if (keys[i].place & place)
			put_key(out, &keys[i]);
}

void man_print_settings(FILE *out)
{
	put_head(out, "tollgate.json", 5, "the configuration of tollgate");
	fputs(".SH DESCRIPTION\n"
	      "One file of JSON with comments. ${VARIABLE} and ${VARIABLE:\\-default} stand "
	      "in texts for variables of the environment; a secret may be {\"file\": "
	      "\"path\"}. Under\n.B env\nstand overlays by name, for addresses and secrets: "
	      "objects merge, arrays replace, routes merge by name.\n"
	      ".B tollgate check\ntells every fault with its place.\n",
	      out);
	put_place(out, "KEYS", AT_TOP);
	put_place(out, "KEYS OF A ROUTE", IN_ROUTE);
	put_place(out, "KEYS OF AN ISSUER", IN_ISSUER);
	put_place(out, "KEYS OF A RULE", IN_RULE);
	fputs(".SH SEE ALSO\n.BR tollgate (1)\n", out);
}
