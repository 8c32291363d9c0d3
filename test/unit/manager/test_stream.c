/* Answers that go out piece by piece, on a front with real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/http/front.h"
#include "gateway/http/listen.h"
#include "gateway/manager/stream.h"

#define MOST ((size_t)128 * 1024)
#define FIELDS "X-Accel-Buffering: no\r\n"
#define HEAD_GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD_OLD "GET / HTTP/1.0\r\n\r\n"

/* The front, a client, and what the stream has heard. */
struct place {
	struct event_base *base;
	struct http_front *front;
	struct sockaddr_in address;
	int client;
	struct stream *stream;
	unsigned begun, n_room, n_left;
	bool ends_on_room;
};

static void on_room(struct stream *s, void *ctx)
{
	struct place *p = ctx;

	assert_ptr_equal(s, p->stream);
	assert_true(stream_waiting(s) <= HTTP_OUT_LOW);
	p->n_room++;
	if (p->ends_on_room)
		stream_end(&p->stream);
}

static void on_left(struct stream *s, void *ctx)
{
	struct place *p = ctx;

	assert_ptr_equal(s, p->stream);
	p->stream = NULL;
	p->n_left++;
}

static void on_request(struct http_conn *conn, void *ctx)
{
	static const struct stream_user user = {on_room, on_left};
	struct http_answer a = {
		.status = 200, .content_type = "text/plain", .fields = STR(FIELDS)};
	struct place *p = ctx;

	p->begun++;
	p->stream = stream_begin(conn, &a, &user, p);
}

static int connect_to(const struct place *p)
{
	int small = 32 * 1024, fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&p->address, sizeof p->address), 0);
	return fd;
}

static int set_up(void **state)
{
	static const struct http_handler handler = {.on_request = on_request};
	static const struct listen_access access = {LISTEN_UNIX_MODE, LISTEN_OWN_GROUP};
	struct place *p = xcalloc(1, sizeof *p);
	struct net_listen listen;
	socklen_t len = sizeof p->address;
	char bound[128];
	const char *why;
	int fd;

	p->base = event_base_new();
	p->front = http_front_new(&(struct http_front_options){
		.base = p->base,
		.handler = &handler,
		.ctx = p,
		.limits = {.head_bytes = 4096, .headers = 10, .connections = 10},
		.timeouts = {.head_ms = 60000, .keep_alive_ms = 60000, .idle_ms = 600000},
	});
	assert_true(net_parse_listen(&listen, "127.0.0.1:0", &why));
	assert_true(listen_open(&listen, &access, &fd, 1, bound, &why));
	getsockname(fd, (struct sockaddr *)&p->address, &len);
	http_front_listen(p->front, fd, false);
	p->client = connect_to(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	http_front_free(&p->front);
	event_base_free(p->base);
	if (p->client >= 0)
		close(p->client);
	free(p);
	return 0;
}

static void turn(struct place *p)
{
	event_base_loop(p->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* The client asks, and the stream begins. */
static void ask(struct place *p, const char *head)
{
	unsigned before = p->begun;

	assert_int_equal(send(p->client, head, strlen(head), 0), (ssize_t)strlen(head));
	while (p->begun == before)
		turn(p);
}

/* What has come for the client, until `end` stands at its end, or it was closed. */
static char *hear(struct place *p, const char *end)
{
	size_t n = 0, room = 16 << 20;
	char *text = xmalloc(room + 1);
	ssize_t got;

	for (;;) {
		text[n] = '\0';
		if (end != NULL && n >= strlen(end) &&
		    strcmp(text + n - strlen(end), end) == 0)
			return text;
		turn(p);
		got = recv(p->client, text + n, room - n, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return text;
		n += got > 0 ? (size_t)got : 0;
	}
}

static void test_pieces_are_chunks(void **state)
{
	struct place *p = *state;
	char *text;

	for (int i = 0; i < 2; i++) { /* the connection goes on */
		ask(p, HEAD_GET);
		text = hear(p, "\r\n\r\n");
		assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
		assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n" FIELDS));
		assert_non_null(strstr(text, "Content-Type: text/plain\r\n"));
		assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
		assert_null(strstr(text, "Content-Length"));
		assert_null(strstr(text, "Connection: close"));
		free(text);
		stream_write(p->stream, STR("first"));
		stream_write(p->stream, STR(""));
		stream_write(p->stream, STR("the second of them"));
		text = hear(p, "them\r\n");
		assert_string_equal(text, "5\r\nfirst\r\n12\r\nthe second of them\r\n");
		free(text);
		stream_end(&p->stream);
		assert_null(p->stream);
		text = hear(p, "0\r\n\r\n");
		assert_string_equal(text, "0\r\n\r\n");
		free(text);
	}
	assert_int_equal(p->n_left, 0);
	assert_int_equal(p->n_room, 0);
}

static void test_old_clients_read_to_the_end(void **state)
{
	struct place *p = *state;
	char *text;

	ask(p, HEAD_OLD);
	stream_write(p->stream, STR("all"));
	stream_write(p->stream, STR(" of it"));
	stream_end(&p->stream);
	text = hear(p, NULL);
	assert_null(strstr(text, "Transfer-Encoding"));
	assert_non_null(strstr(text, "Connection: close\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nall of it");
	free(text);
}

static void test_head_has_no_stream(void **state)
{
	struct place *p = *state;
	char *text;

	ask(p, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_null(p->stream);
	text = hear(p, "\r\n\r\n");
	assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
	free(text);
	ask(p, HEAD_GET);
	assert_non_null(p->stream);
	text = hear(p, "\r\n\r\n");
	assert_memory_equal(text, "HTTP/1.1 200", 12);
	free(text);
	stream_end(&p->stream);
}

static void test_slow_reader_holds_back(void **state)
{
	static char piece[16 * 1024];
	struct place *p = *state;
	size_t written = 0;
	char *text;

	memset(piece, 'x', sizeof piece);
	ask(p, HEAD_GET);
	while (stream_has_room(p->stream, MOST)) {
		stream_write(p->stream, (struct str){piece, sizeof piece});
		written += sizeof piece;
		turn(p);
	}
	assert_true(stream_waiting(p->stream) < MOST + 2 * sizeof piece);
	assert_true(written > MOST);
	assert_int_equal(p->n_room, 0);
	p->ends_on_room = true;
	text = hear(p, "0\r\n\r\n");
	assert_true(strlen(text) > 0);
	free(text);
	assert_int_equal(p->n_room, 1);
	assert_int_equal(p->n_left, 0);
}

static void test_who_leaves_is_told_once(void **state)
{
	struct place *p = *state;

	ask(p, HEAD_GET);
	free(hear(p, "\r\n\r\n"));
	setsockopt(p->client, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
		   sizeof(struct linger));
	close(p->client);
	p->client = -1;
	while (p->n_left == 0)
		turn(p);
	assert_null(p->stream);
	assert_int_equal(p->n_left, 1);
}

static void test_the_end_of_all_is_told(void **state)
{
	struct place *p = *state;

	ask(p, HEAD_GET);
	assert_non_null(p->stream);
	http_front_free(&p->front);
	assert_int_equal(p->n_left, 1);
}

static void test_what_broke_off_has_no_last_chunk(void **state)
{
	struct place *p = *state;
	char *text;

	ask(p, HEAD_GET);
	stream_write(p->stream, STR("half"));
	stream_cut(&p->stream);
	assert_null(p->stream);
	text = hear(p, NULL);
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n4\r\nhalf\r\n");
	free(text);
	assert_int_equal(p->n_left, 0);
}

static void test_what_broke_off_is_reset_for_old_clients(void **state)
{
	struct place *p = *state;
	char c;

	ask(p, HEAD_OLD);
	free(hear(p, "\r\n\r\n"));
	stream_cut(&p->stream);
	for (;;) {
		ssize_t n = recv(p->client, &c, 1, MSG_DONTWAIT);

		if (n < 0 && errno == ECONNRESET)
			break;
		assert_true(n < 0 && errno == EAGAIN);
		turn(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pieces_are_chunks, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_old_clients_read_to_the_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_head_has_no_stream, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_slow_reader_holds_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_who_leaves_is_told_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_end_of_all_is_told, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_broke_off_has_no_last_chunk,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_broke_off_is_reset_for_old_clients, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
