/* Lists of hosts, addresses and ports, split as libpq does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/pg_hosts.h"

/* host/hostaddr/port, with ? where the host is to be looked up. */
static void text_of(char *text, size_t size, const struct pg_hosts *h)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < h->n; i++) {
		const struct pg_host *one = &h->list[i];

		n += (size_t)snprintf(text + n, size - n, "%s%s%s/%s/%s", i ? " " : "",
				      one->host, one->by_name ? "?" : "", one->hostaddr,
				      one->port);
	}
}

static void test_split(void **state)
{
	static const struct {
		const char *host, *hostaddr, *port, *wanted; /* NULL: the lists differ */
	} rows[] = {
		{NULL, NULL, NULL, "//5432"},
		{"", "", "7", "//7"},
		{"a", NULL, "5432", "a?//5432"},
		{"a,b.example", NULL, "1", "a?//1 b.example?//1"},
		{"a,b", NULL, "1,2", "a?//1 b?//2"},
		{"h1,h2", NULL, ",77", "h1?//5432 h2?//77"},
		{"a,,/run/pg,@x", NULL, "1", "a?//1 //1 /run/pg//1 @x//1"},
		{"10.0.0.1,::1,fe80::1%lo", NULL, "1",
		 "10.0.0.1/10.0.0.1/1 ::1/::1/1 fe80::1%lo?//1"},
		{"a", "10.0.0.1", "1", "a/10.0.0.1/1"},
		{NULL, "10.0.0.1,10.0.0.2", "1", "/10.0.0.1/1 /10.0.0.2/1"},
		{"a,b,", "10.0.0.1,,10.0.0.3", "1,2,3", "a/10.0.0.1/1 b?//2 /10.0.0.3/3"},
		{",", NULL, "1", "//1 //1"},
		{"a,b", "10.0.0.1", "1", NULL},
		{"a", "10.0.0.1,10.0.0.2", "1", NULL},
		{"a,b,c", NULL, "1,2", NULL},
		{"a", NULL, "1,2", NULL},
		{NULL, NULL, "1,2", NULL},
	};
	struct pg_hosts h;
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ok =
			pg_hosts_split(&h, rows[i].host, rows[i].hostaddr, rows[i].port);

		assert_int_equal(ok, rows[i].wanted != NULL);
		if (!ok)
			continue;
		text_of(text, sizeof text, &h);
		assert_string_equal(text, rows[i].wanted);
		pg_hosts_fini(&h);
	}
}

static void test_many(void **state)
{
	char hosts[4 * PG_HOSTS_MAX] = "x";
	struct pg_hosts h;

	(void)state;
	for (int i = 0; i < PG_HOSTS_MAX; i++)
		memcpy(hosts + strlen(hosts), ",x", 3);
	assert_true(pg_hosts_split(&h, hosts, NULL, "1"));
	assert_int_equal(h.n, PG_HOSTS_MAX);
	pg_hosts_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_split),
					   cmocka_unit_test(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
