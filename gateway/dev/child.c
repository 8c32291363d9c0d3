/* Running other programs. */
#include "gateway/dev/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"

#define ENVIRONMENT_MAX 512
#define POLL_INTERVAL_US 5000

/* A child of ours speaks English and knows nothing of settings for PostgreSQL's clients
 * or servers that the user's shell may hold. */
static bool is_dropped(const char *variable)
{
	static const char *const prefixes[] = {
		"LC_", "LANG=", "LANGUAGE=", "PG", "TZ=", "DATABASE_URL="};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void make_environment(char **out, const char *more)
{
	size_t n = 0;

	for (char **e = environ; *e != NULL && n < ENVIRONMENT_MAX - 2; e++)
		if (!is_dropped(*e))
			out[n++] = *e;
	if (more != NULL)
		out[n++] = (char *)(uintptr_t)more;
	out[n] = NULL;
}

static bool become(const struct child_user *user)
{
	if (!user->change)
		return true;
	return setgroups(0, NULL) == 0 && setgid(user->gid) == 0 &&
	       setuid(user->uid) == 0;
}

static bool redirect(int output_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return false;
	if (output_fd >= 0 &&
	    (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(output_fd, STDERR_FILENO) < 0))
		return false;
	return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

/* After fork in a process with threads: async-signal-safe calls only (signal-safety(7)).
 * The death signal is set last, since changing the user clears it (prctl(2)). */
static _Noreturn void exec_child(const struct child_options *o, char **env, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	umask(077);
	if (redirect(o->output_fd) && chdir("/") == 0 && become(&o->user) &&
	    prctl(PR_SET_PDEATHSIG, o->parent_death_signal) == 0 && getppid() == parent &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(o->argv[0], (char *const *)(uintptr_t)o->argv, env);
	_exit(127);
}

pid_t child_start(const struct child_options *o)
{
	char *env[ENVIRONMENT_MAX];
	pid_t parent = getpid(), pid;

	make_environment(env, o->more_environment);
	pid = fork();
	if (pid == 0)
		exec_child(o, env, parent);
	return pid;
}

static void read_output(int fd, struct sbuf *out)
{
	char piece[4096];
	ssize_t n;

	for (;;) {
		n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		sbuf_add(out, piece, (size_t)n);
	}
}

int child_run(struct child_options *o, struct sbuf *out)
{
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	o->output_fd = fds[1];
	pid = child_start(o);
	close(fds[1]);
	if (pid > 0)
		read_output(fds[0], out);
	close(fds[0]);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_user_can_enter(const struct child_user *user, const char *folder)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(become(user) && chdir(folder) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool child_wait(pid_t pid, uint32_t timeout_ms, int *status)
{
	uint64_t deadline_us = clock_mono_us() + (uint64_t)timeout_ms * 1000;
	int unused;

	for (;;) {
		if (waitpid(pid, status ? status : &unused, WNOHANG) != 0)
			return true;
		if (clock_mono_us() >= deadline_us)
			return false;
		usleep(POLL_INTERVAL_US);
	}
}
