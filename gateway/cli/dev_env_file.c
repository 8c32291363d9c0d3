/* The dev.env of a `tollgate dev` that runs in this folder. */
#include "gateway/cli/dev_env_file.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"

#define REPORT_MAX (64u << 10)
#define PID_MAX_LIMIT (1u << 22) /* proc(5), of 64-bit machines */

static bool is_mine(void)
{
	struct stat st;

	return stat(CLI_DEV_ENV, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid();
}

static bool runs(const char *pid_text)
{
	uint64_t pid;

	if (pid_text == NULL || !str_to_u64(str_of(pid_text), &pid) || pid == 0 ||
	    pid > PID_MAX_LIMIT)
		return false;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

struct env_file *cli_dev_variables(void)
{
	struct env_file *variables;
	struct sbuf report;

	if (!is_mine())
		return NULL;
	variables = env_file_new();
	sbuf_init(&report, REPORT_MAX);
	if (!env_file_read(variables, CLI_DEV_ENV, &report) ||
	    !runs(env_file_get(variables, "TOLLGATE_PID")))
		env_file_free(&variables);
	sbuf_fini(&report);
	return variables;
}

const char *cli_dev_env(void)
{
	struct env_file *variables = cli_dev_variables();
	bool is_there = variables != NULL;

	env_file_free(&variables);
	return is_there ? CLI_DEV_ENV : NULL;
}
