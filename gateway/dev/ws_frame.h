/* Heads of WebSocket frames, and the handshake's answer (RFC 6455). Pure. */
#ifndef GATEWAY_DEV_WS_FRAME_H
#define GATEWAY_DEV_WS_FRAME_H

#include "common/str.h"

#define WS_KEY_LENGTH 24 /* 16 bytes in base64 */
#define WS_ACCEPT_LENGTH 28
#define WS_CONTROL_MAX 125 /* bytes of a control frame's payload */
#define WS_HEAD_MAX 14     /* bytes of a frame's head with its mask */

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa,
};

struct ws_frame {
	bool fin;
	uint8_t opcode;
	uint64_t length;
	unsigned char mask[4];
};

/* Close, ping or pong. */
bool ws_is_control(const struct ws_frame *f);

enum ws_verdict { WS_FRAME, WS_MORE, WS_BAD };

/* Reads a client's frame head (RFC 6455 5.2). WS_BAD: unmasked, reserved bits or opcodes,
 * a control frame that is long or fragmented. */
enum ws_verdict ws_frame_parse(struct ws_frame *f, const unsigned char *p, size_t n,
			       size_t *used);
/* Writes a server's frame head; returns its size. */
size_t ws_frame_write(unsigned char out[WS_HEAD_MAX], bool fin, uint8_t opcode,
		      uint64_t length);
/* Sec-WebSocket-Accept for a client's key of WS_KEY_LENGTH bytes (RFC 6455 4.2.2). */
void ws_accept(char out[WS_ACCEPT_LENGTH + 1], struct str key);

#endif
