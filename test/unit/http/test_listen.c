/* Unit tests of gateway/http/listen.c, on real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/http/listen.h"

static const struct listen_access ours = {LISTEN_UNIX_MODE, LISTEN_OWN_GROUP};

static struct net_listen address(const char *text)
{
	struct net_listen a;
	const char *why;

	assert_true(net_parse_listen(&a, text, &why));
	return a;
}

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void test_port_zero_is_resolved_once(void **state)
{
	struct net_listen a = address("127.0.0.1:0");
	char bound[128];
	const char *why;
	int fds[3], client;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	(void)state;
	assert_true(listen_open(&a, &ours, fds, 3, bound, &why));
	assert_memory_equal(bound, "127.0.0.1:", 10);
	assert_true(atoi(bound + 10) > 0);
	for (int i = 0; i < 3; i++) {
		char text[32];

		len = sizeof sa;
		assert_int_equal(getsockname(fds[i], (struct sockaddr *)&sa, &len), 0);
		snprintf(text, sizeof text, "127.0.0.1:%d",
			 ntohs(((struct sockaddr_in *)&sa)->sin_port));
		assert_string_equal(text, bound);
	}
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&sa, len), 0);
	close(client);
	close_all(fds, 3);
}

static void test_busy_port_is_refused(void **state)
{
	struct net_listen a = address("127.0.0.1:0"), again;
	char bound[128], second[128];
	const char *why;
	int fds[2], more[2];

	(void)state;
	/* Two sockets: SO_REUSEPORT is set, which alone would let a second opener in. */
	assert_true(listen_open(&a, &ours, fds, 2, bound, &why));
	again = address(bound);
	assert_false(listen_open(&again, &ours, more, 2, second, &why));
	assert_string_equal(why, "the address is in use by another process");
	assert_int_equal(errno, EADDRINUSE);
	close_all(fds, 2);
	assert_true(listen_open(&again, &ours, more, 2, second, &why));
	assert_string_equal(second, bound);
	close_all(more, 2);
}

static void test_unix_socket(void **state)
{
	char dir[] = "/tmp/tollgate-listen-XXXXXX", text[128], bound[128];
	struct net_listen a;
	const char *why;
	int fds[2], more[1];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof text, "unix:%s/s", dir);
	a = address(text);
	assert_true(listen_open(&a, &ours, fds, 2, bound, &why));
	assert_string_equal(bound, text);
	assert_false(listen_open(&a, &ours, more, 1, bound, &why));
	assert_string_equal(why, "the socket file exists and is in use");
	/* Left behind by a killed process: taken over. */
	close_all(fds, 2);
	assert_int_equal(stat(text + 5, &st), 0);
	assert_true(listen_open(&a, &ours, more, 1, bound, &why));
	close(more[0]);
	unlink(text + 5);
	/* A file that is no socket is nobody's to remove. */
	fclose(fopen(text + 5, "w"));
	assert_false(listen_open(&a, &ours, more, 1, bound, &why));
	assert_int_equal(stat(text + 5, &st), 0);
	unlink(text + 5);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_zero_is_resolved_once),
		cmocka_unit_test(test_busy_port_is_refused),
		cmocka_unit_test(test_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
