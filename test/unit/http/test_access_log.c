/* The access log: the line's form, order over lanes, dropped lines, readers that do not
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "gateway/http/access_log.h"

static struct access_entry entry(int64_t wall_us, int status, const char *path)
{
	struct access_entry e = {
		.wall_us = wall_us,
		.status = status,
		.total_ms = 12,
		.upstream_ms = 9,
		.method = "GET",
		.has_token = true,
		.token_id = 1,
		.request_id = "id-1",
		.ip = "127.0.0.1",
	};

	snprintf(e.path, sizeof e.path, "%s", path);
	return e;
}

static char *format(const struct access_entry *e, bool terminal)
{
	struct sbuf out;
	char *text;

	sbuf_init(&out, 4096);
	access_log_format(&out, e, terminal);
	assert_false(out.overflow);
	text = strndup(out.p, out.n);
	sbuf_fini(&out);
	return text;
}

static void line_for_a_file(void **state)
{
	struct access_entry e = entry(1700000000123456, 200, "/api/test");
	char *text;

	(void)state;
	e.bytes_in = 17;
	e.bytes_out = 2400;
	text = format(&e, false);
	assert_string_equal(
		text, "2023-11-14T22:13:20.123Z 200 GET        12ms (upstream     9ms) "
		      "in    17 out  2.4k #1    /api/test 127.0.0.1 id-1\n");
	free(text);
}

static void tokens_have_an_id_and_often_a_name(void **state)
{
	static const struct {
		bool has_token;
		int64_t id;
		const char *name, *text;
	} rows[] = {
		{false, 0, "", " -     /x 127.0.0.1"},
		{true, 7, "", " #7    /x 127.0.0.1"},
		{true, 123456, "", " #123456 /x 127.0.0.1"},
		{true, 7, "n8n: invoices", " #7    \"n8n: invoices\" /x 127.0.0.1"},
		{true, 7, "a\"\n\xff", " #7    \"a\\x22\\x0a\\xff\" /x 127.0.0.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct access_entry e = entry(0, 200, "/x");
		char *text;

		e.has_token = rows[i].has_token;
		e.token_id = rows[i].id;
		e.name.n = (uint8_t)strlen(rows[i].name);
		memcpy(e.name.p, rows[i].name, e.name.n);
		text = format(&e, false);
		if (strstr(text, rows[i].text) == NULL)
			fail_msg("no '%s' in %s", rows[i].text, text);
		free(text);
	}
}

/* Bytes that all have to be escaped. */
static void the_longest_name(void **state)
{
	struct access_entry e = entry(0, 200, "/x");
	char *text;

	(void)state;
	e.name.n = sizeof e.name.p;
	memset(e.name.p, 0xff, sizeof e.name.p);
	text = format(&e, false);
	assert_non_null(strstr(text, "\\xff\" /x 127.0.0.1"));
	free(text);
}

static void why_shows_where_there_is_one(void **state)
{
	struct access_entry e = entry(0, 499, "/x");
	char *text;

	(void)state;
	e.outcome = "client_abort";
	e.upstream_ms = -1;
	text = format(&e, false);
	assert_non_null(strstr(text, " /x [client_abort] 127.0.0.1"));
	assert_non_null(strstr(text, "(upstream       -)"));
	free(text);
	e.code = "client_abort";
	memcpy(e.route.p, "a", e.route.n = 1);
	text = format(&e, false);
	assert_non_null(strstr(text, " /x [client_abort route=a] 127.0.0.1"));
	free(text);
	e.code = "other";
	memcpy(e.detail, "\"b\"", e.detail_n = 3);
	text = format(&e, false);
	assert_non_null(strstr(
		text, " /x [client_abort other route=a \"\\x22b\\x22\"] 127.0.0.1"));
	free(text);
}

static void bytes_have_units(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} rows[] = {
		{0, "out     0 "},         {999, "out   999 "},
		{1000, "out  1.0k "},      {9949, "out  9.9k "},
		{9950, "out   10k "},      {999499, "out  999k "},
		{999500, "out  1.0M "},    {200000000, "out  200M "},
		{INT64_MAX, "out 9223P "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct access_entry e = entry(0, 200, "/x");
		char *text;

		e.bytes_out = rows[i].bytes;
		text = format(&e, false);
		if (strstr(text, rows[i].text) == NULL)
			fail_msg("%lld: no '%s' in %s", (long long)rows[i].bytes,
				 rows[i].text, text);
		free(text);
	}
}

static void colour_follows_the_status(void **state)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{200, "\033[32m200\033[0m"},
		{304, "\033[36m304\033[0m"},
		{404, "\033[33m404\033[0m"},
		{502, "\033[31m502\033[0m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct access_entry e = entry(0, rows[i].status, "/x");
		char *coloured = format(&e, true), *plain = format(&e, false);

		assert_non_null(strstr(coloured, rows[i].text));
		assert_null(strchr(plain, '\033'));
		free(coloured);
		free(plain);
	}
}

static void end(struct log_writer **w)
{
	assert_true(log_writer_stop(*w, 1000));
	log_writer_free(w);
}

static char *read_all(int fd)
{
	size_t n = 0, room = 4 << 20;
	char *text = malloc(room);
	ssize_t k;

	while ((k = read(fd, text + n, room - n - 1)) > 0)
		n += (size_t)k;
	text[n] = '\0';
	return text;
}

static void lines_of_two_lanes_come_in_order_of_time(void **state)
{
	int fds[2];
	struct access_log *log;
	struct log_writer *writer;
	struct access_lane *a, *b;
	char *text;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	writer = log_writer_start();
	log = access_log_start(writer, fds[1]);
	a = access_log_lane(log);
	b = access_log_lane(log);
	for (int i = 0; i < 10; i++) {
		char path[16];
		struct access_entry e;

		snprintf(path, sizeof path, "/p%d", i);
		e = entry(1000 + i, 200, path);
		access_lane_put(i % 2 ? a : b, &e);
	}
	access_log_stop(&log);
	end(&writer);
	assert_null(log);
	close(fds[1]);
	text = read_all(fds[0]);
	for (int i = 0, at = 0; i < 10; i++) {
		char path[16], *found;

		snprintf(path, sizeof path, "/p%d ", i);
		found = strstr(text + at, path);
		assert_non_null(found);
		at = (int)(found - text);
	}
	free(text);
	close(fds[0]);
}

struct reader {
	int fd;
	char *text;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	r->text = read_all(r->fd);
	return NULL;
}

static void full_lane_drops_and_tells(void **state)
{
	enum { SENT = ACCESS_LANE_ENTRIES * 20 };
	struct access_entry e = entry(1, 200, "/x");
	struct access_log *log;
	struct log_writer *writer;
	struct access_lane *lane;
	struct reader reader;
	pthread_t thread;
	int fds[2], lines = 0, dropped = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader.fd = fds[0];
	writer = log_writer_start();
	log = access_log_start(writer, fds[1]);
	lane = access_log_lane(log);
	for (int i = 0; i < SENT; i++)
		access_lane_put(lane, &e);
	assert_int_equal(pthread_create(&thread, NULL, reader_main, &reader), 0);
	access_log_stop(&log);
	end(&writer);
	close(fds[1]);
	pthread_join(thread, NULL);
	for (char *at = reader.text, *end; (end = strchr(at, '\n')) != NULL;
	     at = end + 1) {
		static const char told[] = "access log: ";

		if (strncmp(at, told, sizeof told - 1) == 0)
			dropped += (int)strtol(at + sizeof told - 1, NULL, 10);
		else
			lines++;
	}
	assert_true(dropped > 0);
	assert_int_equal(lines + dropped, SENT);
	free(reader.text);
	close(fds[0]);
}

static void reader_that_does_not_read_delays_nobody_for_long(void **state)
{
	struct access_entry e = entry(1, 200, "/x");
	struct access_log *log;
	struct log_writer *writer;
	struct access_lane *lane;
	uint64_t started = clock_mono_us();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
	writer = log_writer_start();
	log = access_log_start(writer, fds[1]);
	lane = access_log_lane(log);
	for (int i = 0; i < ACCESS_LANE_ENTRIES; i++)
		access_lane_put(lane, &e);
	access_log_stop(&log);
	end(&writer);
	assert_true(clock_mono_us() - started < 3000000);
	close(fds[0]);
	close(fds[1]);
}

static void terminal_is_noticed(void **state)
{
	struct access_entry e = entry(1, 200, "/x");
	struct access_log *log;
	struct log_writer *writer;
	char text[512];
	int leader, follower;
	ssize_t n;

	(void)state;
	assert_int_equal(openpty(&leader, &follower, NULL, NULL, NULL), 0);
	writer = log_writer_start();
	log = access_log_start(writer, follower);
	access_lane_put(access_log_lane(log), &e);
	access_log_stop(&log);
	end(&writer);
	n = read(leader, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "\033[32m200"));
	close(leader);
	close(follower);
}

static void stop_of_nothing(void **state)
{
	struct access_log *log = NULL;

	(void)state;
	access_log_stop(&log);
	assert_null(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_for_a_file),
		cmocka_unit_test(tokens_have_an_id_and_often_a_name),
		cmocka_unit_test(the_longest_name),
		cmocka_unit_test(why_shows_where_there_is_one),
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(colour_follows_the_status),
		cmocka_unit_test(lines_of_two_lanes_come_in_order_of_time),
		cmocka_unit_test(full_lane_drops_and_tells),
		cmocka_unit_test(reader_that_does_not_read_delays_nobody_for_long),
		cmocka_unit_test(terminal_is_noticed),
		cmocka_unit_test(stop_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
