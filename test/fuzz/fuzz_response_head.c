/* Fuzz target: an upstream's response head, and the head that the client gets.
 *
 * The first byte chooses the request's method and the client's version. What is accepted
 * must point into the input and come out as a head that is accepted again. */
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/forward_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings_header set[] = {{(char *)"X-Set", (char *)"1", false}};
static char *removed[] = {(char *)"server", (char *)"x-custom"};
static const struct settings_route route = {.response_set = {set, 1},
					    .response_remove = {removed, 2}};
static const struct exchange_ids ids = {"rid", "00-trace", false};

static void check_inside(struct str s, const char *p, size_t n)
{
	CHECK(s.n == 0 || (s.p >= p && s.p + s.n <= p + n));
}

static void check_head(const struct response_head *h, const char *p, size_t n)
{
	CHECK(h->status >= 100 && h->status <= 599);
	CHECK(h->n_fields <= RESPONSE_FIELDS_MAX);
	CHECK(h->framing != HTTP_UNTIL_EOF || h->close);
	CHECK(h->framing != HTTP_LENGTH || h->has_content_length);
	check_inside(h->reason, p, n);
	check_inside(h->content_type, p, n);
	check_inside(h->upgrade, p, n);
	for (unsigned i = 0; i < h->n_fields; i++) {
		check_inside(h->fields[i].name, p, n);
		check_inside(h->fields[i].value, p, n);
		CHECK(http_is_token(h->fields[i].name));
		CHECK(http_is_field_value(h->fields[i].value));
	}
}

static void forward(const struct response_head *h, const struct request_head *request)
{
	struct forward_response f = {.head = h,
				     .request = request,
				     .route = &route,
				     .ids = &ids,
				     .wall_us = 1};
	enum http_framing framing = forward_response_framing(h, request);
	static struct response_head out;
	const char *why;
	struct sbuf bytes;
	size_t scan = 0;

	sbuf_init(&bytes, 2 * RESPONSE_HEAD_MAX);
	forward_response_head(&bytes, &f);
	CHECK(!bytes.overflow);
	CHECK(response_head_end(bytes.p, bytes.n, &scan) == bytes.n);
	if (h->n_fields < RESPONSE_FIELDS_MAX - 16 && bytes.n <= RESPONSE_HEAD_MAX) {
		CHECK(response_head_parse(&out, bytes.p, bytes.n, request->method, &why));
		CHECK(out.status == h->status && str_eq(out.reason, h->reason));
		CHECK(out.framing == framing);
		CHECK(framing != HTTP_LENGTH || out.content_length == h->content_length);
		CHECK(out.has_request_id || h->status < 200);
	}
	sbuf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct response_head h;
	struct request_head request = {0};
	const char *p = (const char *)data + 1, *why = NULL;
	size_t scan = 0, end;

	if (size < 2)
		return 0;
	request.method = data[0] & 1 ? HTTP_HEAD : HTTP_GET;
	request.minor = data[0] & 2 ? 0 : 1;
	end = response_head_end(p, size - 1, &scan);
	if (end == 0)
		return 0;
	if (!response_head_parse(&h, p, end, request.method, &why)) {
		CHECK(why != NULL);
		return 0;
	}
	check_head(&h, p, end);
	forward(&h, &request);
	return 0;
}
