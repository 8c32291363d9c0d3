/* Answers whose bodies are constant, on a front with real sockets: what the client does
 * not take yet is not copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/http/front.h"
#include "gateway/http/listen.h"

/* More than the kernel takes for a client that does not read. */
#define BODY_BYTES ((size_t)16 << 20)

struct place {
	struct event_base *base;
	struct http_front *front;
	struct sockaddr_in address;
	int client;
	char *body;
	unsigned asked;
};

static void on_request(struct http_conn *conn, void *ctx)
{
	struct place *p = ctx;

	p->asked++;
	http_conn_answer(conn,
			 &(struct http_answer){
				 .status = 200,
				 .content_type = "text/plain",
				 .body = {p->body, BODY_BYTES},
				 .cache_control = "public, max-age=31536000, immutable",
				 .is_constant = true,
			 });
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

	p->body = xmalloc(BODY_BYTES);
	for (size_t i = 0; i < BODY_BYTES; i++)
		p->body[i] = (char)(i * 2654435761u >> 13);
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
	p->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(p->client, (const struct sockaddr *)&p->address,
				 sizeof p->address),
			 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	http_front_free(&p->front);
	event_base_free(p->base);
	close(p->client);
	free(p->body);
	free(p);
	return 0;
}

static void ask(struct place *p)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	unsigned before = p->asked;

	assert_int_equal(send(p->client, head, sizeof head - 1, 0), sizeof head - 1);
	while (p->asked == before)
		event_base_loop(p->base, EVLOOP_ONCE);
}

/* Reads one whole answer, the front's loop turning meanwhile; its body is the whole one.
 */
static void hear(struct place *p)
{
	char *text = xmalloc(BODY_BYTES + 4096), *body = NULL;
	size_t n = 0;

	while (body == NULL || n < (size_t)(body - text) + BODY_BYTES) {
		ssize_t got =
			recv(p->client, text + n, BODY_BYTES + 4095 - n, MSG_DONTWAIT);

		event_base_loop(p->base, EVLOOP_NONBLOCK);
		if (got <= 0)
			continue;
		n += (size_t)got;
		text[n] = '\0';
		if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL)
			body += 4;
	}
	assert_non_null(strstr(
		text, "\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
	assert_memory_equal(body, p->body, BODY_BYTES);
	assert_int_equal(n, (size_t)(body - text) + BODY_BYTES);
	free(text);
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void test_is_not_copied(void **state)
{
	struct place *p = *state;
	size_t before = in_use();

	ask(p);
	assert_in_range(in_use() - before + 65536, 0, 2 * 65536);
	hear(p);
	/* The connection goes on. */
	ask(p);
	hear(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_is_not_copied, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
