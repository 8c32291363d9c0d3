/* WebSocket echo (RFC 6455).
 *
 * A frame's payload goes back as it comes in, so that a message of any size needs no
 * memory; text is not checked to be UTF-8, the receiver does that. */
#include "gateway/dev/demo_ws.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/dev/ws_frame.h"

#define WS_PROTOCOL_ERROR 1002
#define PIECE 16384

struct ws {
	struct ws_frame frame;
	uint64_t done; /* payload bytes of the frame so far */
	bool in_frame, in_message;
	unsigned n_control;
	char control[WS_CONTROL_MAX];
};

static struct str field_of(const struct request_head *h, struct str name)
{
	for (unsigned i = 0; i < h->n_fields; i++)
		if (str_ieq(h->fields[i].name, name))
			return h->fields[i].value;
	return (struct str){0};
}

static bool offers_websocket(const struct request_head *h)
{
	struct str list = h->upgrade, item;

	while (str_list_next(&list, &item))
		if (str_ieq(item, STR("websocket")))
			return h->method == HTTP_GET;
	return false;
}

void demo_ws_end(struct demo_conn *c)
{
	const struct request_head *h = demo_head(c);
	struct str key = field_of(h, STR("Sec-WebSocket-Key"));
	char accept[WS_ACCEPT_LENGTH + 1], fields[160];

	if (!offers_websocket(h) || key.n != WS_KEY_LENGTH ||
	    !str_eq(field_of(h, STR("Sec-WebSocket-Version")), STR("13"))) {
		demo_reply_start(c, 426, 0,
				 "Upgrade: websocket\r\n"
				 "Connection: Upgrade\r\n"
				 "Sec-WebSocket-Version: 13\r\n");
		demo_reply_end(c);
		return;
	}
	ws_accept(accept, key);
	snprintf(fields, sizeof fields,
		 "Upgrade: websocket\r\n"
		 "Connection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: %s\r\n",
		 accept);
	demo_set_data(c, xcalloc(1, sizeof(struct ws)));
	demo_take_over(c, fields);
}

static void send_frame(struct demo_conn *c, uint8_t opcode, const char *bytes, size_t n)
{
	unsigned char head[WS_HEAD_MAX];

	demo_write(c, head, ws_frame_write(head, true, opcode, n));
	demo_write(c, bytes, n);
}

static void fail(struct demo_conn *c)
{
	static const char code[2] = {WS_PROTOCOL_ERROR >> 8,
				     (char)(WS_PROTOCOL_ERROR & 0xff)};

	send_frame(c, WS_CLOSE, code, sizeof code);
	demo_cut(c);
}

/* RFC 6455 5.4: messages are not interleaved; control frames may come between
 * fragments. */
static bool frame_is_in_order(struct ws *w)
{
	if (ws_is_control(&w->frame))
		return true;
	if ((w->frame.opcode == WS_CONTINUATION) != w->in_message)
		return false;
	w->in_message = !w->frame.fin;
	return true;
}

static void control_end(struct demo_conn *c, struct ws *w)
{
	if (w->frame.opcode == WS_PING)
		send_frame(c, WS_PONG, w->control, w->n_control);
	if (w->frame.opcode == WS_CLOSE) {
		send_frame(c, WS_CLOSE, w->control, w->n_control);
		demo_cut(c);
	}
}

static size_t take_payload(struct demo_conn *c, struct ws *w, const char *bytes, size_t n)
{
	char piece[PIECE];

	if (n > w->frame.length - w->done)
		n = (size_t)(w->frame.length - w->done);
	if (n > sizeof piece)
		n = sizeof piece;
	for (size_t i = 0; i < n; i++)
		piece[i] = (char)((unsigned char)bytes[i] ^
				  w->frame.mask[(w->done + i) % 4]);
	w->done += n;
	if (!ws_is_control(&w->frame)) {
		demo_write(c, piece, n);
		return n;
	}
	memcpy(w->control + w->n_control, piece, n);
	w->n_control += (unsigned)n;
	return n;
}

static size_t take_frame_head(struct demo_conn *c, struct ws *w, const char *bytes,
			      size_t n)
{
	unsigned char head[WS_HEAD_MAX];
	size_t used = 0;
	enum ws_verdict verdict =
		ws_frame_parse(&w->frame, (const unsigned char *)bytes, n, &used);

	if (verdict == WS_MORE)
		return 0;
	if (verdict == WS_BAD || !frame_is_in_order(w)) {
		fail(c);
		return 0;
	}
	w->in_frame = true;
	w->done = 0;
	w->n_control = 0;
	if (!ws_is_control(&w->frame))
		demo_write(c, head,
			   ws_frame_write(head, w->frame.fin, w->frame.opcode,
					  w->frame.length));
	return used;
}

size_t demo_ws_raw(struct demo_conn *c, const char *bytes, size_t n)
{
	struct ws *w = demo_data(c);
	size_t used;

	if (!w->in_frame)
		used = take_frame_head(c, w, bytes, n);
	else
		used = take_payload(c, w, bytes, n);
	if (!w->in_frame || w->done < w->frame.length)
		return used;
	w->in_frame = false;
	if (ws_is_control(&w->frame))
		control_end(c, w);
	return used;
}
