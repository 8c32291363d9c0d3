/* An upstream's response as its bytes come in: heads, then the body, decoded in place. */
#include "gateway/http/response_reader.h"

#include "common/check.h"

void response_reader_init(struct response_reader *r, enum http_method method,
			  size_t read_max)
{
	*r = (struct response_reader){.method = method};
	sbuf_init(&r->partial, RESPONSE_HEAD_MAX + read_max);
}

void response_reader_restart(struct response_reader *r)
{
	enum http_method method = r->method;
	size_t cap = r->partial.cap;

	response_reader_fini(r);
	*r = (struct response_reader){.method = method};
	sbuf_init(&r->partial, cap);
}

void response_reader_fini(struct response_reader *r)
{
	sbuf_fini(&r->partial);
}

void response_bytes_init(struct response_bytes *b, struct response_reader *r, char *bytes,
			 size_t n)
{
	*b = (struct response_bytes){.p = bytes, .n = n};
	if (r->partial.n == 0)
		return;
	b->joined = r->partial;
	sbuf_init(&r->partial, b->joined.cap);
	sbuf_add(&b->joined, bytes, n);
	CHECK(!b->joined.overflow);
	b->p = b->joined.p;
	b->n = b->joined.n;
}

void response_bytes_fini(struct response_bytes *b)
{
	sbuf_fini(&b->joined);
}

static void keep(struct response_reader *r, struct response_bytes *b)
{
	if (b->n != 0 && b->p == b->joined.p) { /* nothing used up: the buffer as it is */
		r->partial = b->joined;
		b->joined = (struct sbuf){0};
		return;
	}
	sbuf_add(&r->partial, b->p, b->n);
}

enum response_found response_reader_head(struct response_reader *r,
					 struct response_bytes *b,
					 struct response_head *h, const char **why)
{
	size_t end = response_head_end(b->p, b->n, &r->scan);

	if (end == 0 && b->n > RESPONSE_HEAD_MAX)
		return RESPONSE_TOO_LARGE;
	if (end == 0) {
		keep(r, b);
		return RESPONSE_NOTHING;
	}
	if (!response_head_parse(h, b->p, end, r->method, why))
		return RESPONSE_BAD;
	r->scan = 0;
	b->p += end;
	b->n -= end;
	if (h->status == 101)
		return RESPONSE_SWITCHED;
	if (h->status < 200)
		return RESPONSE_INTERIM;
	r->has_head = true;
	r->framing = h->framing;
	r->left = h->content_length;
	return RESPONSE_FINAL;
}

struct response_piece response_reader_body(struct response_reader *r, char *bytes,
					   size_t n)
{
	struct response_piece p = {0};
	size_t used = n;

	switch (r->framing) {
	case HTTP_NO_BODY:
		used = 0;
		p.done = true;
		break;
	case HTTP_LENGTH:
		used = p.n = n < r->left ? n : (size_t)r->left;
		r->left -= p.n;
		p.done = r->left == 0;
		break;
	case HTTP_CHUNKED: {
		enum chunk_result result =
			chunk_decode(&r->chunks, bytes, n, &used, bytes, &p.n);

		p.bad = result == CHUNK_BAD;
		p.done = result == CHUNK_DONE;
		break;
	}
	case HTTP_UNTIL_EOF:
		p.n = n;
		break;
	}
	p.excess = used < n;
	return p;
}
