/* Subcommands: one file each. The tables are in main.c and, for `usage`, in usage.c. */
#ifndef GATEWAY_CLI_CLI_H
#define GATEWAY_CLI_CLI_H

struct cli_command {
	const char *name;
	const char *summary;
	/* argv[0] is the subcommand's name. Returns the exit status: 0 fine, 1 failed, 2
	 * usage. */
	int (*run)(int argc, char **argv);
};

int cli_audit(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_dev(int argc, char **argv);
int cli_health(int argc, char **argv);
int cli_journal(int argc, char **argv);
/* `tollgate journal ...`, where argv[0] is the name of what it does. */
int cli_journal_hand_over(int argc, char **argv);
int cli_journal_discard(int argc, char **argv);
int cli_migrate(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_team(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_usage(int argc, char **argv);
/* `tollgate usage ...`, where argv[0] is the name of what it does. */
int cli_usage_ask(int argc, char **argv);
int cli_usage_generate(int argc, char **argv);
int cli_usage_verify(int argc, char **argv);
int cli_user(int argc, char **argv);

#endif
