/* Fuzz target: a request's head, from the client's bytes to the upstream's head.
 *
 * What is accepted must point into the input, and must come out of the gateway as a head
 * that is accepted again, with the same framing, one Host, and nothing that was to be
 * held back. */
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/credentials.h"
#include "gateway/proxy/forward_request.h"
#include "gateway/proxy/route.h"
#include "gateway/token/key_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct head_limits limits = {16384, 100};
static const struct head_limits wide = {65536, 200};

static struct settings_header set[] = {
	{(char *)"Authorization", (char *)"Bearer b", true}};
static char *removed[] = {(char *)"accept"};
static struct settings_endpoint endpoint = {(char *)"up", 80, (char *)"up"};
static struct settings_route routes[] = {
	{.path = (char *)"/",
	 .path_len = 1,
	 .base_path = (char *)"",
	 .strip_prefix = true},
	{.path = (char *)"/api",
	 .path_len = 4,
	 .base_path = (char *)"/v1",
	 .strip_prefix = true,
	 .set_headers = {set, 1},
	 .remove_headers = {removed, 1},
	 .forward_client_info = true},
	{.path = (char *)"/api/open",
	 .path_len = 9,
	 .base_path = (char *)"",
	 .forward_credentials = SETTINGS_CREDENTIALS,
	 .forward_client_info = true},
};
static const struct settings settings = {.routes = routes, .n_routes = ARRAY_LEN(routes)};

static void check_inside(struct str s, const uint8_t *data, size_t size)
{
	const char *start = (const char *)data;

	CHECK(s.n == 0 || (s.p >= start && s.p + s.n <= start + size));
}

static void check_head(const struct request_head *h, const uint8_t *data, size_t size)
{
	check_inside(h->target, data, size);
	check_inside(h->query, data, size);
	check_inside(h->host, data, size);
	check_inside(h->upgrade, data, size);
	if (h->path.n != 1)
		check_inside(h->path, data, size);
	CHECK(h->path.n > 0 && (h->has_utf8 || http_is_target(h->path)));
	CHECK(h->n_fields <= limits.headers);
	for (unsigned i = 0; i < h->n_fields; i++) {
		check_inside(h->fields[i].name, data, size);
		check_inside(h->fields[i].value, data, size);
		CHECK(http_is_token(h->fields[i].name));
		CHECK(http_is_field_value(h->fields[i].value));
	}
}

/* The head that came out, as the upstream reads it. */
static void check_sent(const struct request_head *in, const struct request_head *out)
{
	const struct str none = {NULL, 0};
	unsigned hosts = 0;

	CHECK(out->method == in->method && out->minor == 1 && !out->has_utf8);
	CHECK(str_eq(out->host, STR("up")));
	CHECK(out->framing == in->framing || in->framing == HTTP_NO_BODY);
	CHECK(out->content_length == in->content_length);
	CHECK(request_head_field(out, HTTP_H_HOST, &hosts) != NULL && hosts == 1);
	CHECK(!request_head_has(out, HTTP_H_X_API_KEY));
	CHECK(!request_head_has(out, HTTP_H_CONNECTION));
	CHECK(!request_head_has(out, HTTP_H_EXPECT));
	CHECK(request_head_field(out, HTTP_H_X_REQUEST_ID, NULL) != NULL);
	CHECK(request_head_field(out, HTTP_H_TRACEPARENT, NULL) != NULL);
	for (unsigned i = 0; i < out->n_fields; i++) {
		CHECK(!key_in_text(out->fields[i].name, none));
		CHECK(!key_in_text(out->fields[i].value, none));
	}
}

static void forward(const struct request_head *h, const struct settings_route *route,
		    struct str key, bool trusted)
{
	static struct id_source source = {{1, 2, 3, 4}};
	struct exchange_ids ids;
	struct key_filter keys;
	struct forward_request f = {.head = h,
				    .route = route,
				    .endpoint = &endpoint,
				    .ids = &ids,
				    .keys = &keys,
				    .client_ip = STR("1.2.3.4"),
				    .peer_ip = STR("10.0.0.1"),
				    .peer_trusted = trusted};
	struct request_head out;
	struct head_refusal why;
	struct sbuf bytes;
	size_t scan = 0;

	exchange_ids_make(&ids, h, 1700000000000000, &source);
	key_filter_init(&keys, h, key);
	exchange_ids_hide(&ids, key, 1700000000000000, &source);
	sbuf_init(&bytes, 65536);
	forward_request_head(&bytes, &f);
	CHECK(!bytes.overflow);
	CHECK(request_head_end(bytes.p, bytes.n, &scan) == bytes.n);
	if (request_head_parse(&out, bytes.p, bytes.n, &wide, &why))
		check_sent(h, &out);
	else /* a base path in front of the longest target */
		CHECK(why.status == 414);
	sbuf_fini(&bytes);
}

static void route_and_forward(const struct request_head *h)
{
	static struct route_table *table;
	const struct settings_route *route;
	const char *detail = NULL;
	enum route_verdict v;
	struct credentials c;
	enum credential_verdict found = credentials_find(h, &c);
	struct str key = {NULL, 0};

	if (table == NULL)
		table = route_table_new(&settings);
	CHECK(found != CREDENTIALS_FOUND || c.n > 0);
	for (unsigned i = 0; i < c.n; i++)
		CHECK(c.items[i].value.n > 0);
	v = route_match(table, h->path, &route, &detail);
	CHECK((v == ROUTE_FOUND) == (route != NULL));
	CHECK((v == ROUTE_BAD_PATH) == (detail != NULL));
	(void)forward_is_loop(h);
	(void)forward_ends_here(h);
	if (v != ROUTE_FOUND || h->method == HTTP_OTHER || found == CREDENTIALS_IN_URL)
		return;
	if (c.n)
		key = c.items[0].value;
	forward(h, route, key, false);
	forward(h, route, key, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct request_head h;
	struct head_refusal why = {0}, early = {0};
	size_t scan = 0, end = request_head_end(p, size, &scan);

	if (end == 0) {
		CHECK(!request_head_refuse_early(p, size, &limits, &early) ||
		      early.detail);
		return 0;
	}
	if (!request_head_parse(&h, p, end, &limits, &why)) {
		CHECK(why.status >= 400 && why.status <= 505 && why.detail != NULL);
		return 0;
	}
	/* What is accepted whole is never refused on its way in. */
	for (size_t n = 0; n < end; n += 1 + end / 16)
		CHECK(!request_head_refuse_early(p, n, &limits, &early));
	check_head(&h, data, size);
	route_and_forward(&h);
	return 0;
}
