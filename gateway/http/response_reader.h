/* An upstream's response as its bytes come in: heads, then the body, decoded in place.
 *
 * Pure. Keeps nothing but an incomplete head and the place in the body. */
#ifndef GATEWAY_HTTP_RESPONSE_READER_H
#define GATEWAY_HTTP_RESPONSE_READER_H

#include "gateway/http/chunk.h"
#include "gateway/http/response_head.h"

struct response_reader {
	enum http_method method; /* the request's */
	bool has_head;           /* the final head is read: the body follows */
	enum http_framing framing;
	uint64_t left; /* of a body with a length */
	struct chunk_decoder chunks;
	struct sbuf partial; /* an incomplete head */
	size_t scan;
};

/* read_max: the most that one read brings. */
void response_reader_init(struct response_reader *r, enum http_method method,
			  size_t read_max);
/* Another response to the same request, of which nothing has come. */
void response_reader_restart(struct response_reader *r);
void response_reader_fini(struct response_reader *r);

/* Something of a head has come, and no end of it. */
static inline bool response_reader_is_inside_head(const struct response_reader *r)
{
	return r->partial.n != 0;
}

/* --- heads --- */

/* What is not used up of a read, behind what an incomplete head had left. */
struct response_bytes {
	char *p;
	size_t n;
	struct sbuf joined; /* where p points, if anything was left */
};

enum response_found {
	RESPONSE_NOTHING,  /* the head is not complete yet */
	RESPONSE_INTERIM,  /* 1xx: another head follows */
	RESPONSE_SWITCHED, /* 101: what follows is of the new protocol */
	RESPONSE_FINAL,    /* what follows is the body: response_reader_body */
	RESPONSE_BAD,      /* *why, static, says what is wrong */
	RESPONSE_TOO_LARGE,
};

/* Begins with the n bytes of a read, which must stay until response_bytes_fini. */
void response_bytes_init(struct response_bytes *b, struct response_reader *r, char *bytes,
			 size_t n);
void response_bytes_fini(struct response_bytes *b);
/* Takes the next head. h points into the bytes. RESPONSE_NOTHING: the reader keeps what
 * is there. */
enum response_found response_reader_head(struct response_reader *r,
					 struct response_bytes *b,
					 struct response_head *h, const char **why);

/* --- the body --- */

/* What a read brought of it. */
struct response_piece {
	size_t n; /* decoded bytes, at the place of those that came */
	bool done, bad;
	bool excess; /* bytes behind the response's end belong to nothing asked for */
};

struct response_piece response_reader_body(struct response_reader *r, char *bytes,
					   size_t n);

#endif
