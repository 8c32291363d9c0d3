/* The sockets of a whole process: who gets which, and what is left when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/run/listeners.h"

#define WORKERS 3

static char folder[] = "/tmp/tollgate-listeners-XXXXXX";
static char socket_file[64];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(socket_file, sizeof socket_file, "%s/a.sock", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static struct settings_listeners list(struct net_listen *items, size_t n,
				      const char *const *texts)
{
	const char *why;

	for (size_t i = 0; i < n; i++)
		assert_true(net_parse_listen(&items[i], texts[i], &why));
	return (struct settings_listeners){items, n};
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The text of the address that a socket is bound to. */
static void bound_to(int fd, char text[128])
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	struct net_ip ip;
	char address[NET_ADDR_TEXT_MAX];

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	if (sa.ss_family == AF_UNIX) {
		snprintf(text, 128, "unix:%s", socket_file);
		return;
	}
	net_ip_of_sockaddr(&ip, (struct sockaddr *)&sa);
	net_ip_text(&ip, address);
	snprintf(text, 128, "%s:%d", address,
		 ntohs(((struct sockaddr_in *)&sa)->sin_port));
}

static void test_each_worker_has_all_addresses(void **state)
{
	struct net_listen plain[2], tls[1], manager[1];
	char unix_text[80], text[128];
	struct settings s = {.workers = WORKERS, .unix_mode = 0660};
	const struct run_addresses *a;
	struct listeners *l;
	int fds[WORKERS][3], manager_fd;

	(void)state;
	snprintf(unix_text, sizeof unix_text, "unix:%s", socket_file);
	s.listen = list(plain, 2, (const char *[]){"127.0.0.1:0", unix_text});
	s.tls_listen = list(tls, 1, (const char *[]){"127.0.0.1:0"});
	s.manager_listen = list(manager, 1, (const char *[]){"127.0.0.1:0"});
	l = listeners_open(&s);
	assert_non_null(l);
	a = listeners_addresses(l);
	assert_int_equal(a->n_gateway, 2);
	assert_int_equal(a->n_tls, 1);
	assert_int_equal(a->n_manager, 1);
	assert_int_equal(listeners_per_worker(l), 3);
	assert_int_equal(listeners_of_manager(l), 1);
	for (unsigned i = 0; i < WORKERS; i++) {
		listeners_take_worker(l, i, fds[i]);
		bound_to(fds[i][0], text);
		assert_string_equal(text, a->gateway[0]);
		bound_to(fds[i][1], text);
		assert_string_equal(text, a->gateway[1]);
		bound_to(fds[i][2], text);
		assert_string_equal(text, a->tls[0]);
	}
	listeners_take_manager(l, &manager_fd);
	bound_to(manager_fd, text);
	assert_string_equal(text, a->manager[0]);
	listeners_close(&l);
	assert_null(l);
	listeners_close(&l); /* NULL is fine */
	assert_int_equal(access(socket_file, F_OK), -1);
	for (unsigned i = 0; i < WORKERS; i++)
		for (unsigned k = 0; k < 3; k++) {
			assert_true(is_open(fds[i][k])); /* the worker's */
			close(fds[i][k]);
		}
	close(manager_fd);
}

static void test_what_nobody_took_is_closed(void **state)
{
	struct net_listen plain[1], manager[1];
	struct settings s = {.workers = WORKERS, .unix_mode = 0660};
	struct listeners *l;
	int fd, next = dup(STDIN_FILENO);

	(void)state;
	close(next);
	s.listen = list(plain, 1, (const char *[]){"127.0.0.1:0"});
	s.manager_listen = list(manager, 1, (const char *[]){"127.0.0.1:0"});
	l = listeners_open(&s);
	assert_non_null(l);
	listeners_take_worker(l, 1, &fd);
	listeners_close(&l);
	for (int i = next; i < next + WORKERS + 1; i++)
		assert_int_equal(is_open(i), i == fd);
	close(fd);
}

static void test_one_that_is_taken_undoes_the_others(void **state)
{
	struct net_listen first[1], second[2], none[1];
	char unix_text[80];
	struct settings s = {.workers = 1}, t = {.workers = WORKERS, .unix_mode = 0660};
	struct listeners *l;
	int next, saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	s.listen = list(first, 1, (const char *[]){"127.0.0.1:0"});
	s.manager_listen = list(none, 0, NULL);
	l = listeners_open(&s);
	assert_non_null(l);
	snprintf(unix_text, sizeof unix_text, "unix:%s", socket_file);
	t.listen = list(second, 2,
			(const char *[]){unix_text, listeners_addresses(l)->gateway[0]});
	next = dup(STDIN_FILENO);
	close(next);
	dup2(null, STDERR_FILENO); /* the reason is in the log */
	assert_null(listeners_open(&t));
	dup2(saved, STDERR_FILENO);
	assert_int_equal(access(socket_file, F_OK), -1);
	assert_false(is_open(next));
	listeners_close(&l);
	close(null);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_worker_has_all_addresses),
		cmocka_unit_test(test_what_nobody_took_is_closed),
		cmocka_unit_test(test_one_that_is_taken_undoes_the_others),
	};

	return cmocka_run_group_tests_name("listeners", tests, make_folder,
					   remove_folder);
}
