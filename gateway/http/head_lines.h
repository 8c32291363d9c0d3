/* What request and response heads share: finding the end, field lines, Connection's list.
 *
 * Pure. RFC 9112 5 (field lines), RFC 9110 5.6.1 (lists), 7.6.1 (Connection). */
#ifndef GATEWAY_HTTP_HEAD_LINES_H
#define GATEWAY_HTTP_HEAD_LINES_H

#include "common/http.h"

/* What is not parsed yet of a head; its last byte is LF. */
struct head_cursor {
	const char *p, *end;
};

/* Bytes up to and with the first empty line after offset *scan, or 0; moves *scan on. */
size_t head_lines_end(const char *p, size_t n, size_t *scan);

/* Takes the start line, without its CRLF. False: it does not end in CRLF. */
bool head_take_line(struct head_cursor *c, struct str *line);

enum head_line {
	HEAD_LINE_FIELD,
	HEAD_LINE_END, /* the empty line, and nothing behind it */
	HEAD_LINE_BAD, /* *why says what is wrong */
};

/* Takes the next field line. Fills all of f. */
enum head_line head_take_field(struct head_cursor *c, struct http_field *f,
			       const char **why);

/* 1 to `digits` (<= 18) decimal digits and nothing else. */
bool head_number(struct str s, unsigned digits, uint64_t *number);
/* Content-Length of 1-18 digits. */
bool head_content_length(struct str value, uint64_t *length);

#define HEAD_CONNECTION_OPTIONS_MAX 64

struct head_connection {
	bool close, keep_alive, upgrade;
};

/* Reads all Connection fields and marks each field that one names as hop-by-hop. What is
 * no token is passed over. False: more than HEAD_CONNECTION_OPTIONS_MAX options. */
bool head_read_connection(struct http_field *fields, unsigned n,
			  struct head_connection *out);

#endif
