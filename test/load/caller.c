/* Callers on kept connections, for tests and benches: as fast as answers come, or at a
 * fixed rate.
 *
 * At a fixed rate a call's time counts from when it was due, not from when a connection
 * was free for it; so what a stall holds back is in the figures. Ends after --seconds or
 * on SIGTERM, and prints one JSON object. --ids: a file that gets the Tollgate-Request-Id
 * of each answer that came in full. Only answers with Content-Length are understood. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define DUE_MAX (1u << 20)
#define RETRY_NS INT64_C(5000000)
#define SECOND INT64_C(1000000000)
/* Times from 1 us to 17 s, 64 steps in each doubling. */
#define STEPS 64
#define BUCKETS (24 * STEPS)

struct conn {
	int fd; /* -1: none */
	bool busy, connecting;
	int64_t due, retry_at;
	size_t n;
	char answer[ANSWER_MAX];
};

static struct {
	int port, connections;
	double rate, seconds;
	const char *key, *path;
	FILE *ids;
} options = {.connections = 16, .path = "/api/test/x"};

static struct {
	uint64_t completed, broken, refused;
	uint64_t times[BUCKETS], worst_us;
} seen;

static volatile sig_atomic_t stop;
static int loop;
static char request[1024];
static size_t request_bytes;
static struct conn *conns;
/* Calls that are due while no connection is free, oldest first. */
static int64_t due[DUE_MAX];
static uint64_t due_first, due_end;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static void note_time(int64_t ns)
{
	uint64_t us = (uint64_t)(ns / 1000), base = 0;
	unsigned doubling = 0;

	if (us > seen.worst_us)
		seen.worst_us = us;
	for (base = STEPS; us >= 2 * base && doubling < 22; base *= 2)
		doubling++;
	if (us < STEPS)
		seen.times[us]++;
	else if (us >= 2 * base)
		seen.times[BUCKETS - 1]++;
	else
		seen.times[(doubling + 1) * STEPS + (us - base) * STEPS / base]++;
}

static double quantile_ms(double q)
{
	uint64_t rank = (uint64_t)(q * (double)seen.completed), sum = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		sum += seen.times[i];
		if (sum > rank) {
			unsigned doubling = i / STEPS;
			double base = i < STEPS ? 0 : (double)(STEPS << (doubling - 1));

			return (base + (i % STEPS + 1) * (i < STEPS ? 1 : base / STEPS)) /
			       1000;
		}
	}
	return 0;
}

static void drop(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->busy = c->connecting = false;
	c->n = 0;
	c->retry_at = now_ns() + RETRY_NS;
}

static void break_off(struct conn *c)
{
	seen.broken += c->busy;
	drop(c);
}

static void open_conn(struct conn *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)options.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 &&
	    errno != EINPROGRESS) {
		drop(c);
		return;
	}
	c->connecting = true;
	epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e);
}

static void call(struct conn *c, int64_t was_due)
{
	c->busy = true;
	c->due = was_due;
	if (send(c->fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes)
		break_off(c);
}

/* A connection is free: the oldest call that is due, or at once the next. */
static void next_call(struct conn *c)
{
	if (stop)
		return;
	if (options.rate == 0)
		call(c, now_ns());
	else if (due_first < due_end)
		call(c, due[due_first++ % DUE_MAX]);
}

static bool field(const char *head, const char *name, char *to, size_t room)
{
	const char *at = strcasestr(head, name);
	size_t n;

	if (at == NULL)
		return false;
	at += strlen(name);
	n = strcspn(at, "\r");
	snprintf(to, room, "%.*s", (int)n, at);
	return true;
}

static void on_answer(struct conn *c)
{
	char *end, value[256];
	size_t head, body = 0;

	c->answer[c->n] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return;
	head = (size_t)(end - c->answer) + 4;
	end[2] = '\0';
	if (field(c->answer, "\r\nContent-Length: ", value, sizeof value))
		body = strtoul(value, NULL, 10);
	if (c->n < head + body) {
		end[2] = '\r';
		return;
	}
	c->busy = false;
	seen.completed++;
	seen.refused += strncmp(c->answer, "HTTP/1.1 200", 12) != 0;
	note_time(now_ns() - c->due);
	if (options.ids != NULL &&
	    field(c->answer, "\r\nTollgate-Request-Id: ", value, sizeof value))
		fprintf(options.ids, "%s\n", value);
	c->n = 0;
	if (field(c->answer, "\r\nConnection: close", value, sizeof value))
		drop(c);
	else
		next_call(c);
}

static void on_event(struct conn *c, uint32_t what)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	ssize_t n;

	if (c->connecting && (what & (EPOLLERR | EPOLLHUP)) == 0) {
		c->connecting = false;
		epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e);
		next_call(c);
		return;
	}
	n = recv(c->fd, c->answer + c->n, ANSWER_MAX - 1 - c->n, 0);
	if (n > 0) {
		c->n += (size_t)n;
		on_answer(c);
	} else if (n == 0 || errno != EAGAIN) {
		break_off(c);
	}
}

static bool wait_until(int64_t until)
{
	struct epoll_event events[64];
	int64_t left = until - now_ns();
	struct timespec ts = {left > 0 ? left / SECOND : 0, left > 0 ? left % SECOND : 0};
	int n = epoll_pwait2(loop, events, 64, &ts, NULL);

	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
	return n > 0;
}

static void serve_due(int64_t now)
{
	for (int i = 0; i < options.connections; i++) {
		struct conn *c = &conns[i];

		if (c->fd < 0 && now >= c->retry_at)
			open_conn(c);
		else if (c->fd >= 0 && !c->busy && !c->connecting)
			next_call(c);
	}
}

static void run(void)
{
	int64_t start = now_ns(), now = start, next = start;
	int64_t step = options.rate > 0 ? (int64_t)(1e9 / options.rate) : RETRY_NS;
	int64_t end = options.seconds > 0 ? start + (int64_t)(options.seconds * 1e9)
					  : INT64_MAX;

	for (; !stop && now < end; now = now_ns()) {
		for (; options.rate > 0 && next <= now; next += step)
			if (due_end - due_first < DUE_MAX)
				due[due_end++ % DUE_MAX] = next;
		if (options.rate == 0)
			next = now + step;
		serve_due(now);
		wait_until(next);
	}
	/* Answers that are on their way still count, for a while. */
	stop = 1;
	end = now_ns() + 2 * SECOND;
	for (int i = 0; i < options.connections; i++)
		while (conns[i].busy && now_ns() < end)
			wait_until(now_ns() + RETRY_NS);
	for (int i = 0; i < options.connections; i++)
		break_off(&conns[i]);
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void read_options(int argc, char **argv)
{
	static const struct option names[] = {
		{"port", 1, NULL, 'p'},        {"key", 1, NULL, 'k'},
		{"connections", 1, NULL, 'c'}, {"rate", 1, NULL, 'r'},
		{"seconds", 1, NULL, 's'},     {"path", 1, NULL, 't'},
		{"ids", 1, NULL, 'i'},         {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'p')
			options.port = (int)strtol(optarg, NULL, 10);
		else if (c == 'k')
			options.key = optarg;
		else if (c == 'c')
			options.connections = (int)strtol(optarg, NULL, 10);
		else if (c == 'r')
			options.rate = strtod(optarg, NULL);
		else if (c == 's')
			options.seconds = strtod(optarg, NULL);
		else if (c == 't')
			options.path = optarg;
		else if (c == 'i')
			options.ids = fopen(optarg, "w");
		else
			exit(2);
	}
	if (options.port == 0 || options.key == NULL)
		exit(2);
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	request_bytes = (size_t)snprintf(request, sizeof request,
					 "GET %s HTTP/1.1\r\n"
					 "Host: 127.0.0.1\r\n"
					 "X-API-Key: %s\r\n"
					 "User-Agent: workflow/1.80\r\n\r\n",
					 options.path, options.key);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	loop = epoll_create1(0);
	conns = calloc((size_t)options.connections, sizeof *conns);
	if (loop < 0 || conns == NULL)
		return 1;
	for (int i = 0; i < options.connections; i++)
		conns[i].fd = -1;
	run();
	if (options.ids != NULL)
		fclose(options.ids);
	printf("{\"completed\": %llu, \"broken\": %llu, \"refused\": %llu, \"left\": "
	       "%llu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": "
	       "%.4f}\n",
	       (unsigned long long)seen.completed, (unsigned long long)seen.broken,
	       (unsigned long long)seen.refused,
	       (unsigned long long)(due_end - due_first), quantile_ms(0.5),
	       quantile_ms(0.99), quantile_ms(0.999), (double)seen.worst_us / 1000);
	return 0;
}
