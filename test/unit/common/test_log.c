/* The log: its form, priorities, what happens where nobody reads, the end, a child. Each
 * case runs in a child of its own, whose stderr and standard output are pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"

#define TEXT_MAX (4 << 20)

struct child {
	pid_t pid;
	int err, out;
};

/* Runs fn in a child; what it writes waits in pipes of 4096 bytes. */
static struct child run(void (*fn)(void))
{
	int err[2], out[2];
	struct child c;

	assert_int_equal(pipe(err), 0);
	assert_int_equal(pipe(out), 0);
	assert_true(fcntl(err[1], F_SETPIPE_SZ, 4096) > 0);
	assert_true(fcntl(out[1], F_SETPIPE_SZ, 4096) > 0);
	c = (struct child){fork(), err[0], out[0]};
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (dup2(err[1], STDERR_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			_exit(98);
		close(err[1]);
		close(out[1]);
		fn();
		_exit(7);
	}
	close(err[1]);
	close(out[1]);
	return c;
}

static char *read_all(int fd)
{
	char *text = malloc(TEXT_MAX);
	size_t n = 0;
	ssize_t k;

	while ((k = read(fd, text + n, TEXT_MAX - n - 1)) > 0)
		n += (size_t)k;
	text[n] = '\0';
	close(fd);
	return text;
}

/* How it ended: its exit status, or minus the signal. */
static int end_of(struct child c)
{
	int status;

	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

/* --- the form --- */

/* After the end a line is written only where there is room for it at once. */
static void wait_for_room(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (poll(&p, 1, -1) < 0)
		;
}

static void write_some(void)
{
	log_debug("not shown");
	log_info("of %d", 1);
	log_warn("two\nlines");
	log_start();
	log_error("with the thread");
	log_text(LOG_WARN, STR("a report\nof lines\n"));
	log_output(STR("an answer\n"));
	log_stop();
	wait_for_room();
	log_info("after the end");
}

static void lines_have_time_and_level(void **state)
{
	struct child c = run(write_some);
	char *text = read_all(c.err), *out = read_all(c.out);

	(void)state;
	assert_int_equal(end_of(c), 7);
	assert_null(strstr(text, "not shown"));
	assert_int_equal(text[23], 'Z');
	assert_non_null(strstr(text, "Z INFO of 1\n"));
	assert_non_null(strstr(text, "Z WARN two lines\n"));
	assert_non_null(strstr(text, "Z ERROR with the thread\na report\nof lines\n"));
	assert_non_null(strstr(text, "Z INFO after the end\n"));
	assert_null(strchr(text, '<'));
	assert_string_equal(out, "an answer\n");
	free(text);
	free(out);
}

static void log_long(void)
{
	char *text = malloc(100000);

	memset(text, 'x', 99999);
	text[99999] = '\0';
	log_info("%s", text);
	log_start();
	log_info("%s", text);
	text[50000] = '\n';
	log_text(LOG_INFO, (struct str){text, 99999});
	log_stop();
}

static void long_lines_are_cut_and_reports_are_not(void **state)
{
	struct child c = run(log_long);
	char *text = read_all(c.err), *second = strchr(text, '\n') + 1,
	     *report = strchr(second, '\n') + 1;

	(void)state;
	assert_int_equal(end_of(c), 7);
	assert_int_equal(second - text, LOG_LINE_MAX - 1);
	assert_int_equal(report - second, LOG_LINE_MAX - 1);
	assert_int_equal(strspn(report, "x"), 50000);
	assert_int_equal(strspn(report + 50001, "x"), 49998);
	free(text);
	close(c.out);
}

/* --- priorities --- */

static void name_stream(unsigned long long further)
{
	char name[64];
	struct stat st;

	CHECK(fstat(STDERR_FILENO, &st) == 0);
	snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + further);
	setenv("JOURNAL_STREAM", name, 1);
}

static void log_each_level(void)
{
	log_set_level(LOG_DEBUG);
	log_debug("d");
	log_info("i");
	log_start();
	log_warn("w");
	log_error("e");
	log_text(LOG_ERROR, STR("one\ntwo\n"));
	log_output(STR("plain\n"));
	die("the last");
}

static void log_to_journal(void)
{
	name_stream(0);
	log_each_level();
}

static void log_beside_journal(void)
{
	name_stream(1);
	log_each_level();
}

static void priorities_are_for_the_journal_only(void **state)
{
	struct child c = run(log_to_journal), other = run(log_beside_journal);
	char *text = read_all(c.err), *out = read_all(c.out),
	     *plain = read_all(other.err);

	(void)state;
	assert_int_equal(end_of(c), 1);
	assert_int_equal(strncmp(text, "<7>2", 4), 0);
	assert_non_null(strstr(text, "\n<6>2"));
	assert_non_null(strstr(text, "\n<4>2"));
	assert_non_null(
		strstr(text, "Z ERROR e\n<3>one\n<3>two\n<3>tollgate: the last\n"));
	assert_string_equal(out, "plain\n");
	assert_int_equal(end_of(other), 1);
	assert_null(strchr(plain, '<'));
	free(text);
	free(out);
	free(plain);
	close(other.out);
}

/* --- nobody reads --- */

enum { MANY = 20000 };

static void log_many(void)
{
	uint64_t started = clock_mono_us();

	if (!log_start())
		_exit(97);
	for (int i = 0; i < MANY; i++)
		log_info("line %d of many", i);
	_exit(clock_mono_us() - started < 5000000 ? 7 : 8);
}

static void reader_that_does_not_read_stops_nobody(void **state)
{
	struct child c = run(log_many);

	(void)state;
	assert_int_equal(end_of(c), 7);
	close(c.err);
	close(c.out);
}

/* Fills all there is, waits for the reader, and goes on. */
static void log_past_a_pause(void)
{
	char go;

	if (!log_start())
		_exit(97);
	for (int i = 0; i < MANY; i++)
		log_info("line %d of many", i);
	log_output(STR("full\n"));
	if (read(STDIN_FILENO, &go, 1) != 1)
		_exit(96);
	log_stop();
}

static void losses_are_counted_and_told(void **state)
{
	int in[2], kept, old_in = dup(STDIN_FILENO);
	char *text, *told, start[5] = {0};
	struct child c;

	(void)state;
	assert_int_equal(pipe(in), 0);
	dup2(in[0], STDIN_FILENO);
	c = run(log_past_a_pause);
	dup2(old_in, STDIN_FILENO);
	assert_int_equal(read(c.out, start, 5), 5);
	assert_int_equal(write(in[1], "x", 1), 1);
	text = read_all(c.err);
	assert_int_equal(end_of(c), 7);
	kept = count(text, "of many\n");
	told = strstr(text, "WARN log: ");
	assert_non_null(told);
	assert_int_equal(kept + atoi(told + strlen("WARN log: ")), MANY);
	assert_non_null(strstr(told, " lines were lost"));
	assert_true(kept > 1000);
	free(text);
	close(c.out);
	close(in[0]);
	close(in[1]);
	close(old_in);
}

static void end_with_full_pipes(void)
{
	uint64_t started = clock_mono_us();

	log_start();
	for (int i = 0; i < MANY; i++) {
		log_info("line %d", i);
		log_output(STR("line\n"));
	}
	log_stop();
	log_info("and one more");
	_exit(clock_mono_us() - started < 3000000 ? 7 : 8);
}

static void the_end_waits_but_not_for_long(void **state)
{
	struct child c = run(end_with_full_pipes);

	(void)state;
	assert_int_equal(end_of(c), 7);
	close(c.err);
	close(c.out);
}

static void check_with_a_full_pipe(void)
{
	log_start();
	for (int i = 0; i < MANY; i++)
		log_info("line %d", i);
	CHECK(!"reached");
}

static void an_abort_does_not_hang(void **state)
{
	struct child c = run(check_with_a_full_pipe);

	(void)state;
	assert_int_equal(end_of(c), -SIGABRT);
	close(c.err);
	close(c.out);
}

/* --- last words --- */

static void check_after_lines(void)
{
	log_start();
	for (int i = 0; i < 100; i++)
		log_info("line %d.", i);
	CHECK(!"reached");
}

static void last_words_come_last(void **state)
{
	struct child c = run(check_after_lines);
	char *text = read_all(c.err), *at = strstr(text, "line 99.\n");

	(void)state;
	assert_int_equal(end_of(c), -SIGABRT);
	assert_int_equal(count(text, "line "), 100);
	assert_non_null(at);
	assert_int_equal(strncmp(at + 9, "tollgate: CHECK failed: !\"reached\"", 34), 0);
	free(text);
	close(c.out);
}

/* --- a child --- */

static void fork_with_lines(void)
{
	pid_t pid;
	int status;

	log_start();
	log_info("the parent's");
	pid = fork();
	if (pid == 0) {
		log_info("the child's");
		log_stop();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		_exit(96);
	log_info("the parent's second");
	log_stop();
}

static void a_child_loses_and_doubles_nothing(void **state)
{
	struct child c = run(fork_with_lines);
	char *text = read_all(c.err);

	(void)state;
	assert_int_equal(end_of(c), 7);
	assert_int_equal(count(text, "the parent's\n"), 1);
	assert_int_equal(count(text, "the child's\n"), 1);
	assert_int_equal(count(text, "the parent's second\n"), 1);
	free(text);
	close(c.out);
}

/* --- no reader at all --- */

static void lose_the_reader(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_start();
	close(STDERR_FILENO);
	log_info("nobody sees this");
	log_output(STR("but this\n"));
	log_stop();
}

static void a_closed_stderr_holds_up_nothing(void **state)
{
	struct child c = run(lose_the_reader);
	char *out = read_all(c.out);

	(void)state;
	assert_int_equal(end_of(c), 7);
	assert_string_equal(out, "but this\n");
	free(out);
	close(c.err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_time_and_level),
		cmocka_unit_test(long_lines_are_cut_and_reports_are_not),
		cmocka_unit_test(priorities_are_for_the_journal_only),
		cmocka_unit_test(reader_that_does_not_read_stops_nobody),
		cmocka_unit_test(losses_are_counted_and_told),
		cmocka_unit_test(the_end_waits_but_not_for_long),
		cmocka_unit_test(an_abort_does_not_hang),
		cmocka_unit_test(last_words_come_last),
		cmocka_unit_test(a_child_loses_and_doubles_nothing),
		cmocka_unit_test(a_closed_stderr_holds_up_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
