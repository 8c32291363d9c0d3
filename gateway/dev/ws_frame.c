/* Heads of WebSocket frames, and the handshake's answer (RFC 6455). */
#include "gateway/dev/ws_frame.h"

#include <openssl/evp.h>

#include "common/check.h"

#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool opcode_is_known(uint8_t opcode)
{
	return opcode <= WS_BINARY || (opcode >= WS_CLOSE && opcode <= WS_PONG);
}

bool ws_is_control(const struct ws_frame *f)
{
	return (f->opcode & 0x8) != 0;
}

enum ws_verdict ws_frame_parse(struct ws_frame *f, const unsigned char *p, size_t n,
			       size_t *used)
{
	size_t extra;

	if (n < 2)
		return WS_MORE;
	f->fin = (p[0] & 0x80) != 0;
	f->opcode = p[0] & 0x0f;
	f->length = p[1] & 0x7f;
	if ((p[0] & 0x70) || !(p[1] & 0x80) || !opcode_is_known(f->opcode))
		return WS_BAD;
	if (ws_is_control(f) && (!f->fin || f->length > WS_CONTROL_MAX))
		return WS_BAD;
	extra = f->length == 127 ? 8 : f->length == 126 ? 2 : 0;
	if (n < 2 + extra + sizeof f->mask)
		return WS_MORE;
	if (extra > 0)
		f->length = 0;
	for (size_t i = 0; i < extra; i++)
		f->length = f->length << 8 | p[2 + i];
	if (f->length > INT64_MAX)
		return WS_BAD;
	memcpy(f->mask, p + 2 + extra, sizeof f->mask);
	*used = 2 + extra + sizeof f->mask;
	return WS_FRAME;
}

size_t ws_frame_write(unsigned char out[WS_HEAD_MAX], bool fin, uint8_t opcode,
		      uint64_t length)
{
	size_t extra = length > 0xffff ? 8 : length > WS_CONTROL_MAX ? 2 : 0;

	out[0] = (unsigned char)((fin ? 0x80 : 0) | opcode);
	out[1] = (unsigned char)(extra == 8 ? 127 : extra == 2 ? 126 : length);
	for (size_t i = 0; i < extra; i++)
		out[2 + i] = (unsigned char)(length >> (8 * (extra - 1 - i)));
	return 2 + extra;
}

void ws_accept(char out[WS_ACCEPT_LENGTH + 1], struct str key)
{
	char text[WS_KEY_LENGTH + sizeof WS_GUID];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	CHECK(key.n == WS_KEY_LENGTH);
	memcpy(text, key.p, key.n);
	memcpy(text + key.n, WS_GUID, sizeof WS_GUID);
	CHECK(EVP_Digest(text, sizeof text - 1, digest, &n, EVP_sha1(), NULL) == 1);
	CHECK(EVP_EncodeBlock((unsigned char *)out, digest, (int)n) == WS_ACCEPT_LENGTH);
}
