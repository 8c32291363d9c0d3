/* A server that speaks some of PostgreSQL's protocol. */
#include "fake_postgres.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/embedded.h"
#include "gateway/db/schema.h"

#define MESSAGE_MAX (1 << 20)

/* False: the peer is gone, or the test ends. */
static bool read_all(struct fake_postgres *f, int fd, void *to, size_t n)
{
	char *at = to;

	while (n > 0) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t r;

		if (atomic_load(&f->stop))
			return false;
		if (poll(&p, 1, 20) == 0)
			continue;
		r = recv(fd, at, n, 0);
		if (r <= 0)
			return false;
		at += r;
		n -= (size_t)r;
	}
	return true;
}

static void put(int fd, char type, const void *body, size_t n)
{
	uint32_t length = htonl((uint32_t)n + 4);
	char head[5] = {type};

	memcpy(head + 1, &length, 4);
	if (send(fd, head, 5, MSG_NOSIGNAL) < 0 || send(fd, body, n, MSG_NOSIGNAL) < 0)
		return;
}

#define PUT(fd, type, literal) put(fd, type, literal, sizeof(literal) - 1)

static void ready(int fd)
{
	PUT(fd, 'Z', "I");
}

static void row(int fd)
{
	PUT(fd, 'T', "\0\1c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
	PUT(fd, 'D', "\0\1\0\0\0\4pong");
	PUT(fd, 'C', "SELECT 1\0");
}

static void error(int fd, const char *severity, const char *code, const char *message)
{
	char body[256];
	int n = snprintf(body, sizeof body, "S%s%cV%s%cC%s%cM%s%c%c", severity, 0,
			 severity, 0, code, 0, message, 0, 0);

	put(fd, 'E', body, (size_t)n);
}

static void column_error(int fd)
{
	PUT(fd, 'E', "SERROR\0VERROR\0CTG400\0Mno such name\0cname\0\0");
}

/* What is put between on and off goes out in one piece. */
static void cork(int fd, int is_on)
{
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &is_on, sizeof is_on);
}

/* Ready, and the end of the session, in one piece. */
static void end_at_once(int fd, const char *code, const char *message)
{
	cork(fd, 1);
	ready(fd);
	error(fd, "FATAL", code, message);
	cork(fd, 0);
}

/* As PostgreSQL may send them, where another commits just then. */
static void answer_and_notify(int fd)
{
	cork(fd, 1);
	row(fd);
	ready(fd);
	PUT(fd, 'A', "\0\0\0\1channel\0008\0");
	cork(fd, 0);
}

/* The start-up packet and what a session starts with. */
static bool greet(struct fake_postgres *f, int fd)
{
	char body[1024] = "";
	uint32_t length;
	const char *at;

	if (!read_all(f, fd, &length, 4))
		return false;
	length = ntohl(length) - 4;
	if (length >= sizeof body || !read_all(f, fd, body, length))
		return false;
	for (at = body + 4; at < body + length && *at; at += strlen(at) + 1)
		if (strcmp(at, "application_name") == 0)
			snprintf(f->application_name, sizeof f->application_name, "%s",
				 at + strlen(at) + 1);
	if (atomic_load(&f->refuse_login)) {
		error(fd, "FATAL", "28P01", atomic_load(&f->refuse_login));
		return false;
	}
	PUT(fd, 'R', "\0\0\0\0");
	PUT(fd, 'S', "server_version\00015.2\0");
	PUT(fd, 'S', "client_encoding\0UTF8\0");
	PUT(fd, 'S', "standard_conforming_strings\0on\0");
	PUT(fd, 'K', "\0\0\0\1\0\0\0\2");
	if (atomic_load(&f->ends_at_once)) {
		end_at_once(fd, "57P01", "terminating connection");
		return false;
	}
	ready(fd);
	return strncmp(f->application_name, "tollgate upkeep", 15) != 0;
}

static bool read_message(struct fake_postgres *f, int fd, char *type, char *body,
			 size_t *n)
{
	uint32_t length;

	if (!read_all(f, fd, type, 1) || !read_all(f, fd, &length, 4))
		return false;
	*n = ntohl(length) - 4;
	if (*n >= MESSAGE_MAX || !read_all(f, fd, body, *n))
		return false;
	body[*n] = '\0';
	return true;
}

static size_t lines_in(const char *body, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += body[i] == '\n';
	return lines;
}

static bool copy_in(struct fake_postgres *f, int fd, char *body)
{
	bool is_batch = strncmp(body, "COPY public.token_usage_logs", 28) == 0;
	char type = 'd', tag[32];
	size_t n, total = 0, lines = 0;

	PUT(fd, 'G', "\0\0\0");
	if (atomic_load(&f->leave_in_copy)) {
		error(fd, "FATAL", "57P01", "terminating connection");
		shutdown(fd, SHUT_WR);
		while (read_message(f, fd, &type, body, &n))
			;
		return false;
	}
	while (atomic_load(&f->slow_reader) && !atomic_load(&f->stop))
		usleep(1000);
	while (type == 'd') {
		if (!read_message(f, fd, &type, body, &n))
			return false;
		total += type == 'd' ? n : 0;
		lines += type == 'd' ? lines_in(body, n) : 0;
	}
	if (is_batch && atomic_load(&f->refuse_copies) > 0) {
		atomic_fetch_sub(&f->refuse_copies, 1);
		f->refused[atomic_fetch_add(&f->n_refused, 1) % FAKE_BATCHES_MAX] = lines;
		error(fd, "ERROR", f->refuse_copies_state, "no");
		return true;
	}
	if (is_batch && f->n_batches < FAKE_BATCHES_MAX) {
		f->batches[f->n_batches] = lines;
		atomic_fetch_add(&f->n_batches, 1);
	}
	atomic_store(&f->copied, total);
	if (type == 'f') {
		error(fd, "ERROR", "57014", body);
	} else {
		n = (size_t)snprintf(tag, sizeof tag, "COPY %zu", total);
		put(fd, 'C', tag, n + 1);
	}
	return true;
}

static size_t put_cell(char *to, const char *text)
{
	uint32_t n = htonl(text ? (uint32_t)strlen(text) : UINT32_MAX);

	memcpy(to, &n, 4);
	if (text)
		memcpy(to + 4, text, strlen(text));
	return 4 + (text ? strlen(text) : 0);
}

static void migration_row(int fd, const char *name, const char *hash, const char *schema)
{
	char row[512] = "\0\3";
	size_t n = 2;

	n += put_cell(row + n, name);
	n += put_cell(row + n, hash);
	n += put_cell(row + n, schema);
	put(fd, 'D', row, n);
}

/* As if this very program had migrated it. */
static void migrated(int fd)
{
	static const char column[] =
		"c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0";
	char head[2 + 3 * sizeof column] = "\0\3", hash[DB_SHA256_HEX + 1], schema[16];
	size_t n;
	const struct embedded_file *files = embedded_migrations(&n);

	for (size_t i = 0; i < 3; i++)
		memcpy(head + 2 + i * sizeof column, column, sizeof column);
	put(fd, 'T', head, sizeof head);
	for (size_t i = 0; i < n; i++) {
		db_sha256_hex(hash, files[i].text, files[i].n);
		migration_row(fd, files[i].name, hash, NULL);
	}
	db_functions_hash(hash);
	snprintf(schema, sizeof schema, "%d", DB_SCHEMA);
	migration_row(fd, NULL, hash, schema);
	PUT(fd, 'C', "SELECT 9\0");
}

static bool starts(const char *sql, const char *word)
{
	return strncmp(sql, word, strlen(word)) == 0;
}

static void answer_begin(struct fake_postgres *f, int fd)
{
	if (f->n_begun < FAKE_BATCHES_MAX) {
		f->begun_us[f->n_begun] = clock_mono_us();
		atomic_fetch_add(&f->n_begun, 1);
	}
	if (atomic_load(&f->refuse_batches) > 0) {
		atomic_fetch_sub(&f->refuse_batches, 1);
		error(fd, "ERROR", "53100", "disk full");
	} else {
		PUT(fd, 'C', "UPDATE 1\0");
	}
}

/* The start-up packet of a request to cancel has 16 bytes (manual, 55.7). */
static void wait_for_cancel(struct fake_postgres *f, int fd)
{
	struct pollfd p = {f->listener, POLLIN, 0};
	char request[16];
	int cancel = -1;

	while (!atomic_load(&f->stop) && cancel < 0)
		if (poll(&p, 1, 20) > 0)
			cancel = accept(f->listener, NULL, NULL);
	if (cancel < 0 || !read_all(f, cancel, request, sizeof request))
		return;
	atomic_fetch_add(&f->cancels, 1);
	PUT(fd, 'A', "\0\0\0\1channel\0007\0");
	error(fd, "ERROR", "57014", "canceling statement due to user request");
	ready(fd);
	while (atomic_load(&f->hold_cancel) && !atomic_load(&f->stop))
		usleep(1000);
	close(cancel);
}

/* False: the session ends. */
static bool answer(struct fake_postgres *f, int fd, char *sql)
{
	if (starts(sql, "die"))
		return false;
	if (starts(sql, "hang"))
		return true;
	if (starts(sql, "wait")) {
		wait_for_cancel(f, fd);
		return true;
	}
	if (starts(sql, "fatal")) {
		error(fd, "FATAL", "57P01", "terminating connection");
		return false;
	}
	if (starts(sql, "leave")) {
		PUT(fd, 'C', "SET\0");
		end_at_once(fd, "57P05",
			    "terminating connection due to idle-session timeout");
		return false;
	}
	if (starts(sql, "last")) {
		PUT(fd, 'C', "SET\0");
		ready(fd);
		while (!atomic_load(&f->ends) && !atomic_load(&f->stop))
			poll(NULL, 0, 1);
		error(fd, "FATAL", "57P01", "terminating connection");
		return false;
	}
	if (starts(sql, "late")) {
		answer_and_notify(fd);
		return true;
	}
	if (starts(sql, "notify"))
		PUT(fd, 'A', "\0\0\0\1channel\0007\0");
	if (starts(sql, "ping") || starts(sql, "notify") || starts(sql, "two"))
		row(fd);
	if (starts(sql, "two"))
		error(fd, "ERROR", "42P01", "no such table");
	else if (starts(sql, "fail"))
		error(fd, "ERROR", "22012", "division by zero");
	else if (starts(sql, "column"))
		column_error(fd);
	else if (starts(sql, "SELECT name, sha256"))
		migrated(fd);
	else if (starts(sql, "standby"))
		error(fd, "ERROR", "25006", "cannot execute in a read-only transaction");
	else if (strstr(sql, "current_setting('transaction_read_only')") &&
		 atomic_load(&f->read_only)) {
		PUT(fd, 'T',
		    "\0\2p\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
		    "c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
		PUT(fd, 'D', "\0\2\0\0\0\0011\0\0\0\2on");
		PUT(fd, 'C', "SELECT 1\0");
	} else if (starts(sql, "BEGIN"))
		answer_begin(f, fd);
	else if (starts(sql, "copy") || starts(sql, "COPY")) {
		if (!copy_in(f, fd, sql))
			return false;
	} else if (!starts(sql, "ping") && !starts(sql, "notify"))
		PUT(fd, 'C', "SET\0");
	ready(fd);
	return true;
}

static void serve(struct fake_postgres *f, int fd, char *body)
{
	bool first = true, go_on = greet(f, fd);
	char type;
	size_t n;

	while (go_on && read_message(f, fd, &type, body, &n)) {
		if (type == 'X')
			break;
		if (type != 'Q')
			continue;
		if (first) {
			snprintf(f->first_sql, sizeof f->first_sql, "%s", body);
			atomic_fetch_add(&f->sessions, 1);
		}
		if (first && atomic_load(&f->refuse_set_up)) {
			error(fd, "ERROR", "22023", "set-up refused");
			ready(fd);
		} else {
			go_on = answer(f, fd, body);
		}
		first = false;
	}
}

static void *run(void *arg)
{
	struct fake_postgres *f = arg;
	char *body = malloc(MESSAGE_MAX);

	while (!atomic_load(&f->stop)) {
		struct pollfd p = {f->listener, POLLIN, 0};
		int fd;

		if (poll(&p, 1, 20) <= 0)
			continue;
		fd = accept(f->listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (atomic_load(&f->refuse) > 0)
			atomic_fetch_sub(&f->refuse, 1);
		else
			serve(f, fd, body);
		close(fd);
		atomic_fetch_add(&f->closed, 1);
	}
	free(body);
	return NULL;
}

void fake_postgres_start(struct fake_postgres *f)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof sa;
	int small = 4096;

	memset(f, 0, sizeof *f);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* So that COPY soon meets a full socket. */
	setsockopt(f->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (bind(f->listener, (struct sockaddr *)&sa, sizeof sa) != 0 ||
	    listen(f->listener, 8) != 0 ||
	    getsockname(f->listener, (struct sockaddr *)&sa, &n) != 0 ||
	    pthread_create(&f->thread, NULL, run, f) != 0)
		abort();
	f->port = ntohs(sa.sin_port);
}

void fake_postgres_stop(struct fake_postgres *f)
{
	atomic_store(&f->stop, true);
	pthread_join(f->thread, NULL);
	close(f->listener);
}
