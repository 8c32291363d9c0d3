/* Sessions with one of several servers: silent, refusing, good; names that are looked up;
 * threads that are stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_dial.h"
#include "common/pg_dialer.h"

#include "test/unit/fake_postgres.c"

#define S UINT64_C(1000000)
#define PATIENCE_MS 20000

/* --- names: of ours, and none that libpq looks up itself --- */

static _Atomic bool server_is_dead;

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **);
	struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST,
				   .ai_socktype = SOCK_STREAM};

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (name == NULL || hints->ai_flags & AI_NUMERICHOST)
		return real(name, service, hints, found);
	assert_null(service); /* libpq gives one */
	while (strcmp(name, "dead.test") == 0 && atomic_load(&server_is_dead))
		poll(NULL, 0, 5);
	if (strcmp(name, "two.test") == 0) {
		struct addrinfo *second;

		assert_int_equal(real("127.0.0.2", NULL, &numeric, found), 0);
		assert_int_equal(real("127.0.0.1", NULL, &numeric, &second), 0);
		(*found)->ai_next = second;
		return 0;
	}
	if (strcmp(name, "good.test") == 0)
		return real("127.0.0.1", NULL, &numeric, found);
	return EAI_NONAME;
}

/* --- the fixture --- */

struct fixture {
	struct fake_postgres server;
	int hole_fd, hole; /* takes connections, and says nothing */
	int closed;        /* a port at which nobody listens */
	struct pg_place place;
	struct sbuf why;
	uint64_t took_us;
};

static int bound(int *port, bool listens)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	if (listens)
		assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	log_set_level(LOG_ERROR);
	setenv("PGSSLMODE", "disable", 1);
	setenv("PGGSSENCMODE", "disable", 1);
	setenv("PGUSER", "u", 1);
	fake_postgres_start(&f->server);
	f->hole_fd = bound(&f->hole, true);
	close(bound(&f->closed, false));
	sbuf_init(&f->why, 1000);
	atomic_store(&server_is_dead, true);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	atomic_store(&server_is_dead, false);
	fake_postgres_stop(&f->server);
	close(f->hole_fd);
	sbuf_fini(&f->why);
	free(f);
	return 0;
}

static bool dial_with(struct fixture *f, const char *conninfo, uint32_t limit_ms,
		      int stop)
{
	struct pg_dial_options o = {
		.conninfo = conninfo,
		.application_name = "test",
		.limit_ms = limit_ms,
		.timeout_ms = 5000,
		.stop_fd = stop,
	};
	uint64_t before = clock_mono_us();
	PGconn *pg;

	sbuf_reset(&f->why);
	pg = pg_dial(&o, &f->place, &f->why);
	f->took_us = clock_mono_us() - before;
	sbuf_add(&f->why, "", 1);
	if (pg != NULL)
		PQfinish(pg);
	return pg != NULL;
}

/* Ports as h (the hole), c (closed), g (the good one). */
static bool dial(struct fixture *f, const char *hosts, const char *ports,
		 const char *more)
{
	char conninfo[512];
	size_t n = (size_t)snprintf(conninfo, sizeof conninfo,
				    "dbname=d %s host=%s port=", more, hosts);

	for (; *ports != '\0'; ports++) {
		int port = *ports == 'h'   ? f->hole
			   : *ports == 'c' ? f->closed
					   : f->server.port;

		n += (size_t)snprintf(conninfo + n, sizeof conninfo - n, "%d%s", port,
				      ports[1] ? "," : "");
	}
	return dial_with(f, conninfo, 5000, -1);
}

static bool says(const struct fixture *f, const char *words)
{
	return strstr(f->why.p, words) != NULL;
}

/* --- several servers --- */

static void test_a_silent_first_host(void **state)
{
	struct fixture *f = *state;

	assert_true(dial(f, "127.0.0.1,127.0.0.1", "hg", ""));
	assert_in_range(f->took_us, 2 * S, 3 * S);
	assert_int_equal(f->place.host, 1);
	assert_false(f->place.past);
	/* The next goes to where this one ended. */
	assert_true(dial(f, "127.0.0.1,127.0.0.1", "hg", ""));
	assert_true(f->took_us < S);
}

static void test_the_place_wanders(void **state)
{
	struct fixture *f = *state;

	assert_false(dial(f, "127.0.0.1,127.0.0.1,127.0.0.1", "ccc", ""));
	assert_true(f->took_us < S);
	assert_int_equal(f->place.host, 2);
	assert_true(f->place.past);
	f->place = (struct pg_place){.host = 1, .past = true};
	assert_true(dial(f, "127.0.0.1,127.0.0.1", "gg", ""));
	assert_int_equal(f->place.host, 0);
	f->place = (struct pg_place){.host = 1};
	assert_true(dial(f, "127.0.0.1,127.0.0.1", "gg", ""));
	assert_int_equal(f->place.host, 1);
	f->place = (struct pg_place){.host = 7}; /* of a list that was longer */
	assert_true(dial(f, "127.0.0.1,127.0.0.1", "gg", ""));
	assert_int_equal(f->place.host, 0);
	f->place = (struct pg_place){.past = true}; /* there is only one */
	assert_true(dial(f, "127.0.0.1", "g", ""));
}

static void test_each_attempt_is_told(void **state)
{
	struct fixture *f = *state;
	char both[64];

	snprintf(both, sizeof both, "port %d", f->closed);
	assert_false(dial(f, "127.0.0.1,none.test,127.0.0.1", "ccc", ""));
	assert_true(says(f, both));
	assert_true(says(f, "; none.test: "));
	assert_true(says(f, "refused"));
	assert_false(says(f, "; ;"));
}

static void test_the_last_one_has_longer(void **state)
{
	struct fixture *f = *state;

	assert_false(dial(f, "127.0.0.1,127.0.0.1", "hh", ""));
	assert_in_range(f->took_us, 7 * S, 8 * S);
	assert_true(says(f, "took too long (2 s); connecting to 127.0.0.1, port "));
	assert_true(says(f, "took too long (5 s)"));
}

static void test_connect_timeout(void **state)
{
	struct fixture *f = *state;

	assert_true(dial(f, "127.0.0.1,127.0.0.1", "hg", "connect_timeout=1"));
	assert_in_range(f->took_us, S, 2 * S - 1);
	f->place = (struct pg_place){0};
	/* None, to libpq; a loop has to end some time. */
	assert_true(dial(f, "127.0.0.1,127.0.0.1", "hg", "connect_timeout=0"));
	assert_in_range(f->took_us, 2 * S, 3 * S);
}

static void test_lists_that_differ(void **state)
{
	struct fixture *f = *state;

	assert_false(dial(f, "127.0.0.1,127.0.0.1", "ggg", ""));
	assert_true(says(f, "could not match 3 port numbers to 2 hosts"));
	assert_false(dial(f, "a.test,b.test", "g", "hostaddr=127.0.0.1"));
	assert_true(says(f, "could not match 2 host names to 1 hostaddr values"));
}

static void test_an_empty_one_is_the_default_socket(void **state)
{
	struct fixture *f = *state;

	assert_true(dial(f, ",127.0.0.1", "cg", ""));
	assert_int_equal(f->place.host, 1);
	f->place = (struct pg_place){0};
	assert_false(dial(f, ",127.0.0.1", "cc", ""));
	assert_true(says(f, ".s.PGSQL."));
	f->place = (struct pg_place){0};
	assert_true(dial(f, "/nowhere,127.0.0.1", "cg", ""));
	/* hostaddr, with a host that has none */
	f->place = (struct pg_place){0};
	assert_true(dial(f, "a.test,/nowhere,b.test", "ccg",
			 "hostaddr=127.0.0.1,,127.0.0.1"));
	assert_int_equal(f->place.host, 2);
	f->place = (struct pg_place){0};
	assert_false(dial(f, ",a.test", "cc", "hostaddr=127.0.0.1,127.0.0.1"));
	assert_true(says(f, "connection to server at \"127.0.0.1\""));
	assert_true(says(f, "a.test: connection"));
	assert_false(says(f, ",:"));
	f->place = (struct pg_place){0};
	assert_false(dial(f, "/nowhere,a.test", "cc", "hostaddr=,127.0.0.1"));
	assert_true(says(f, "/nowhere/.s.PGSQL."));
	assert_false(says(f, "/nowhere,/nowhere"));
}

static void test_addresses_that_are_given(void **state)
{
	struct fixture *f = *state;

	assert_true(dial(f, "none.test", "g", "hostaddr=127.0.0.1"));
	assert_true(dial(f, "dead.test", "g", "hostaddr=127.0.0.1"));
	assert_true(f->took_us < S);
}

static void test_environment_and_service(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/tollgate-test-XXXXXX", port[32];
	int fd = mkstemp(path);

	assert_true(dprintf(fd, "[two]\nhost=127.0.0.1,127.0.0.1\nport=%d,%d\n", f->hole,
			    f->server.port) > 0);
	setenv("PGSERVICEFILE", path, 1);
	assert_true(dial_with(f, "service=two dbname=d", 5000, -1));
	assert_in_range(f->took_us, 2 * S, 3 * S);
	assert_false(dial_with(f, "service=three dbname=d", 5000, -1));
	assert_true(says(f, "three"));
	snprintf(port, sizeof port, "%d,%d", f->closed, f->server.port);
	setenv("PGHOST", "127.0.0.1,localhost", 1);
	setenv("PGPORT", port, 1);
	f->place = (struct pg_place){0};
	assert_true(dial_with(f, "dbname=d", 5000, -1));
	assert_int_equal(f->place.host, 1);
	unsetenv("PGHOST");
	unsetenv("PGPORT");
	unsetenv("PGSERVICEFILE");
	unlink(path);
	close(fd);
}

/* --- names --- */

static void test_an_attempt_for_each_address(void **state)
{
	struct fixture *f = *state;

	/* Nobody listens at 127.0.0.2. */
	assert_true(dial(f, "two.test", "g", ""));
	assert_string_equal(f->place.address, "127.0.0.1");
	f->place.past = true;
	assert_true(dial(f, "two.test", "g", ""));
	assert_false(dial(f, "two.test", "c", ""));
	assert_true(says(f, "two.test: connection to server at \"127.0.0.1\""));
	assert_true(says(f, "; two.test: connection to server at \"127.0.0.2\""));
	assert_true(dial(f, "two.test,good.test", "cg", ""));
	assert_int_equal(f->place.host, 1);
}

static void test_a_name_that_does_not_exist(void **state)
{
	struct fixture *f = *state;

	assert_false(dial(f, "none.test", "g", ""));
	assert_string_equal(f->why.p, "none.test: Name or service not known");
	assert_true(dial(f, "none.test,good.test", "gg", ""));
	assert_true(f->took_us < S);
}

static void test_a_dead_name_server(void **state)
{
	struct fixture *f = *state;

	assert_true(dial(f, "dead.test,127.0.0.1", "gg", ""));
	assert_in_range(f->took_us, 2 * S, 3 * S);
	assert_true(dial(f, "dead.test,127.0.0.1", "gg", ""));
	assert_true(f->took_us < S);
	f->place = (struct pg_place){0};
	assert_false(dial(f, "dead.test", "g", ""));
	assert_in_range(f->took_us, 5 * S, 6 * S);
	assert_string_equal(f->why.p, "dead.test: no name server has answered in time");
}

/* --- stopping --- */

static void test_stopped(void **state)
{
	struct fixture *f = *state;
	char conninfo[64];
	int stop = eventfd(1, EFD_NONBLOCK);

	snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d", f->hole);
	assert_false(dial_with(f, conninfo, 5000, stop));
	assert_string_equal(f->why.p, "");
	assert_false(dial_with(f, "host=dead.test,dead.test", 5000, stop));
	assert_string_equal(f->why.p, "");
	assert_true(f->took_us < S);
	close(stop);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void wait_for_threads(int n)
{
	for (int ms = 0; count_threads() > n; ms++) {
		assert_true(ms < PATIENCE_MS);
		poll(NULL, 0, 1);
	}
}

static void test_dialer(void **state)
{
	struct fixture *f = *state;
	struct pollfd done = {.fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN};
	char conninfo[64];
	struct pg_dial_options o = {.conninfo = conninfo,
				    .application_name = "test",
				    .limit_ms = 5000,
				    .timeout_ms = 5000};
	struct pg_dialer *d;
	struct pg_dialed dialed;

	snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d", f->server.port);
	d = pg_dialer_start(&o, &f->place, done.fd);
	assert_int_equal(poll(&done, 1, PATIENCE_MS), 1);
	assert_true(pg_dialer_take(&d, &dialed));
	assert_null(d);
	assert_non_null(dialed.pg);
	PQfinish(dialed.pg);
	snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d", f->closed);
	eventfd_read(done.fd, &(eventfd_t){0});
	d = pg_dialer_start(&o, &f->place, done.fd);
	assert_int_equal(poll(&done, 1, PATIENCE_MS), 1);
	assert_true(pg_dialer_take(&d, &dialed));
	assert_null(dialed.pg);
	assert_non_null(strstr(dialed.why, "refused"));
	close(done.fd);
}

/* A file that blocks whoever opens it, as one of a file server that is gone. */
static void test_a_dialer_that_is_stuck(void **state)
{
	struct fixture *f = *state;
	int done = eventfd(0, EFD_NONBLOCK), threads = count_threads(), fifo;
	struct pg_dial_options o = {.conninfo = "service=x",
				    .application_name = "test",
				    .limit_ms = 5000,
				    .timeout_ms = 5000};
	char path[] = "/tmp/tollgate-test-XXXXXX", doing[64];
	struct pg_dialer *d;
	struct pg_dialed dialed;
	uint64_t before;

	close(mkstemp(path));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	setenv("PGSERVICEFILE", path, 1);
	d = pg_dialer_start(&o, &f->place, done);
	do
		pg_dialer_doing(d, doing, sizeof doing);
	while (doing[0] == '\0');
	assert_string_equal(doing, "reading its settings");
	assert_false(pg_dialer_take(&d, &dialed));
	before = clock_mono_us();
	pg_dialer_drop(&d);
	assert_true(clock_mono_us() - before < S);
	/* It goes on at last, and finds that nobody wants it any more. */
	fifo = open(path, O_WRONLY);
	assert_true(fifo >= 0);
	close(fifo);
	wait_for_threads(threads);
	unsetenv("PGSERVICEFILE");
	unlink(path);
	close(done);
}

static void test_dropped(void **state)
{
	struct fixture *f = *state;
	int done = eventfd(0, EFD_NONBLOCK), threads = count_threads();
	char conninfo[64];
	struct pg_dial_options o = {.conninfo = conninfo,
				    .application_name = "test",
				    .limit_ms = 5000,
				    .timeout_ms = 5000};
	struct pg_dialer *d = NULL;

	pg_dialer_drop(&d);
	snprintf(conninfo, sizeof conninfo, "host=dead.test,127.0.0.1 port=%d", f->hole);
	for (int i = 0; i < 20; i++) {
		d = pg_dialer_start(&o, &f->place, done);
		poll(NULL, 0, i);
		pg_dialer_drop(&d);
		assert_null(d);
	}
	atomic_store(&server_is_dead, false);
	wait_for_threads(threads);
	close(done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_silent_first_host),
		TEST(test_the_place_wanders),
		TEST(test_each_attempt_is_told),
		TEST(test_the_last_one_has_longer),
		TEST(test_connect_timeout),
		TEST(test_lists_that_differ),
		TEST(test_an_empty_one_is_the_default_socket),
		TEST(test_addresses_that_are_given),
		TEST(test_environment_and_service),
		TEST(test_an_attempt_for_each_address),
		TEST(test_a_name_that_does_not_exist),
		TEST(test_a_dead_name_server),
		TEST(test_stopped),
		TEST(test_dialer),
		TEST(test_a_dialer_that_is_stuck),
		TEST(test_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
