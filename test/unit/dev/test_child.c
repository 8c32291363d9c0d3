/* Running other programs: output, status, environment, and that they end with their
 * parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/dev/child.h"

static int run(const char *script, struct sbuf *out)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct child_options o = {.argv = argv,
				  .parent_death_signal = SIGKILL,
				  .more_environment = "EXTRA=1"};
	int status;

	sbuf_init(out, 4096);
	status = child_run(&o, out);
	sbuf_add(out, "", 1);
	return status;
}

static void output_and_status(void **state)
{
	struct sbuf out;

	(void)state;
	assert_int_equal(run("echo out; echo err >&2; exit 3", &out), 3);
	assert_string_equal(out.p, "out\nerr\n");
	sbuf_fini(&out);
	assert_int_equal(run("kill -TERM $$", &out), 128 + SIGTERM);
	sbuf_fini(&out);
}

static void program_that_is_not_there(void **state)
{
	const char *const argv[] = {"/nonexistent", NULL};
	struct child_options o = {.argv = argv, .parent_death_signal = SIGKILL};
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 64);
	assert_int_equal(child_run(&o, &out), 127);
	sbuf_fini(&out);
}

static void output_beyond_the_cap_does_not_block(void **state)
{
	struct sbuf out;

	(void)state;
	assert_int_equal(run("head -c 1000000 /dev/zero", &out), 0);
	assert_true(out.overflow);
	sbuf_fini(&out);
}

static void surroundings(void **state)
{
	struct sbuf out;

	(void)state;
	setenv("PGHOST", "elsewhere", 1);
	setenv("DATABASE_URL", "secret", 1);
	setenv("LC_ALL", "tr_TR", 1);
	assert_int_equal(
		run("echo \"$PGHOST$DATABASE_URL$LC_ALL,$EXTRA,$(pwd),$(umask)\"; read x; echo $?",
		    &out),
		0);
	assert_string_equal(out.p, ",1,/,0077\n1\n");
	sbuf_fini(&out);
}

static void no_file_is_inherited(void **state)
{
	int fd = dup(STDERR_FILENO);
	struct sbuf out;

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(run("ls /proc/self/fd | wc -l", &out), 0);
	assert_string_equal(out.p,
			    "4\n"); /* the three standard ones, and the folder itself */
	sbuf_fini(&out);
	close(fd);
}

static void blocked_signals_are_not_inherited(void **state)
{
	sigset_t all, before;
	struct sbuf out;

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	assert_int_equal(run("grep SigBlk /proc/self/status", &out), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_non_null(strstr(out.p, "0000000000000000"));
	sbuf_fini(&out);
}

static void wait_has_a_limit(void **state)
{
	const char *const argv[] = {"/bin/sleep", "60", NULL};
	struct child_options o = {
		.argv = argv, .parent_death_signal = SIGKILL, .output_fd = -1};
	pid_t pid = child_start(&o);
	int status;

	(void)state;
	assert_true(pid > 0);
	assert_false(child_wait(pid, 20, NULL));
	kill(pid, SIGTERM);
	assert_true(child_wait(pid, 10000, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* The pipe's last writer is the grandchild: its end shows as EOF. */
static void child_ends_with_its_parent(void **state)
{
	const char *const argv[] = {"/bin/sleep", "60", NULL};
	struct pollfd p = {.events = POLLIN};
	int fds[2];
	pid_t parent;
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (parent == 0) {
		struct child_options o = {.argv = argv,
					  .parent_death_signal = SIGKILL,
					  .output_fd = fds[1]};

		if (child_start(&o) <= 0 || write(fds[1], "r", 1) != 1)
			_exit(1);
		close(fds[1]);
		pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	p.fd = fds[0];
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void entering_folders(void **state)
{
	struct child_user self = {false, 0, 0};

	(void)state;
	assert_true(child_user_can_enter(&self, "/tmp"));
	assert_false(child_user_can_enter(&self, "/nonexistent"));
	if (geteuid() == 0) {
		struct child_user nobody = {true, 65534, 65534};

		assert_true(child_user_can_enter(&nobody, "/tmp"));
		assert_false(child_user_can_enter(&nobody, "/root"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status),
		cmocka_unit_test(program_that_is_not_there),
		cmocka_unit_test(output_beyond_the_cap_does_not_block),
		cmocka_unit_test(surroundings),
		cmocka_unit_test(no_file_is_inherited),
		cmocka_unit_test(blocked_signals_are_not_inherited),
		cmocka_unit_test(wait_has_a_limit),
		cmocka_unit_test(child_ends_with_its_parent),
		cmocka_unit_test(entering_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
