/* Telling the service manager: kinds of addresses, full sockets, none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/notify.h"

static char folder[] = "/tmp/tollgate-notify-XXXXXX";

static void set(const char *name)
{
	if (name == NULL)
		unsetenv("NOTIFY_SOCKET");
	else
		setenv("NOTIFY_SOCKET", name, 1);
}

/* As a service manager listens; name as in NOTIFY_SOCKET, which is set to it. */
static int listen_on(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, name, strlen(name));
	if (*name == '@')
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	set(name);
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[4096];
	ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void test_path_and_abstract_name(void **state)
{
	char path[sizeof folder + 8], abstract[64];
	const char *names[] = {path, abstract};

	(void)state;
	snprintf(path, sizeof path, "%s/socket", folder);
	snprintf(abstract, sizeof abstract, "@tollgate test %ld", (long)getpid());
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd = listen_on(names[i]);

		assert_true(notify_is_wanted());
		notify_send("READY=1\nSTATUS=%d routes", 3);
		expect(fd, "READY=1\nSTATUS=3 routes");
		close(fd);
	}
	unlink(path);
}

/* The longest path, which leaves no room for a NUL. */
static void test_longest_path(void **state)
{
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/%0*d", folder,
		 (int)(sizeof path - sizeof folder - 1), 0);
	assert_int_equal(strlen(path), sizeof path - 1);
	fd = listen_on(path);
	notify_send("X=1");
	expect(fd, "X=1");
	close(fd);
	unlink(path);
}

static void test_nobody_asks(void **state)
{
	static const char *const names[] = {NULL, "",         "/",
					    "@",  "relative", "vsock:2:1234"};
	char longer[200];

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		set(names[i]);
		assert_false(notify_is_wanted());
		notify_send("READY=1");
	}
	set(longer);
	assert_false(notify_is_wanted());
}

static void test_nobody_listens(void **state)
{
	char path[sizeof folder + 8];

	(void)state;
	snprintf(path, sizeof path, "%s/nobody", folder);
	set(path);
	assert_true(notify_is_wanted());
	notify_send("READY=1");
}

/* A service manager that does not read: told what fits, waits for a second at most. */
static void test_full_socket(void **state)
{
	char path[sizeof folder + 8];
	uint64_t started;
	int fd, told = 0;

	(void)state;
	snprintf(path, sizeof path, "%s/full", folder);
	fd = listen_on(path);
	for (started = clock_mono_us(); clock_mono_us() - started < 500000; told++)
		notify_send("N=%d", told);
	assert_true(told > 1);
	assert_true(clock_mono_us() - started < 10000000);
	expect(fd, "N=0");
	close(fd);
	unlink(path);
}

static void test_long_text_is_cut(void **state)
{
	char path[sizeof folder + 8], text[5000], got[5000];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/long", folder);
	fd = listen_on(path);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	notify_send("READY=1\nSTATUS=%s", text);
	assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), 2047);
	assert_memory_equal(got, "READY=1\n", 8);
	close(fd);
	unlink(path);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_and_abstract_name),
		cmocka_unit_test(test_longest_path),
		cmocka_unit_test(test_nobody_asks),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_long_text_is_cut),
	};

	return cmocka_run_group_tests_name("notify", tests, make_folder, remove_folder);
}
