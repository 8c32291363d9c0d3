/* The demo upstream: echo, status, delay, stream, bytes, upload, abort. */
#include "gateway/dev/demo_endpoints.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/dev/demo_util.h"
#include "gateway/dev/demo_ws.h"

#define JSON_MAX (1024 * 1024) /* an echoed head of 64 KiB, each byte escaped, twice */
#define ABORT_BEYOND 1000      /* bytes that /abort promises and never sends */
#define EVENTS_MAX 1000000
#define INTERVAL_MAX_MS 3600000
#define PATTERN "0123456789abcdef"
#define PIECE 16384

static void reply_json(struct demo_conn *c, int status, struct sbuf *json)
{
	CHECK(!json->overflow);
	demo_reply(c, status, "application/json", sbuf_view(json));
	sbuf_fini(json);
}

static void reply_error(struct demo_conn *c, const char *what)
{
	struct sbuf json;

	sbuf_init(&json, 1024);
	sbuf_printf(&json, "{\"error\": \"%s\"}\n", what);
	reply_json(c, 400, &json);
}

/* --- echo --- */

static void echo_fields(struct sbuf *json, const struct request_head *h)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		sbuf_add(json, i ? ", [" : "[", i ? 3 : 1);
		demo_json_string(json, h->fields[i].name);
		sbuf_lit(json, ", ");
		demo_json_string(json, h->fields[i].value);
		sbuf_lit(json, "]");
	}
}

static bool is_first_of_its_name(const struct request_head *h, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (str_ieq(h->fields[i].name, h->fields[at].name))
			return false;
	return true;
}

/* One field's values, joined as RFC 9110 5.3 allows. */
static void echo_joined(struct sbuf *json, const struct request_head *h, unsigned at)
{
	struct sbuf value;

	sbuf_init(&value, JSON_MAX);
	for (unsigned i = at; i < h->n_fields; i++) {
		if (!str_ieq(h->fields[i].name, h->fields[at].name))
			continue;
		if (i != at)
			sbuf_lit(&value, ", ");
		sbuf_str(&value, h->fields[i].value);
	}
	demo_json_string(json, sbuf_view(&value));
	sbuf_fini(&value);
}

static void echo_by_name(struct sbuf *json, const struct request_head *h)
{
	const char *between = "";

	for (unsigned i = 0; i < h->n_fields; i++) {
		char name[256];
		size_t n = h->fields[i].name.n;

		if (n > sizeof name || !is_first_of_its_name(h, i))
			continue;
		for (size_t k = 0; k < n; k++) {
			char ch = h->fields[i].name.p[k];

			name[k] = ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;
		}
		sbuf_printf(json, "%s", between);
		demo_json_string(json, (struct str){name, n});
		sbuf_lit(json, ": ");
		echo_joined(json, h, i);
		between = ", ";
	}
}

static void echo_end(struct demo_conn *c)
{
	const struct request_head *h = demo_head(c);
	struct sbuf json;

	sbuf_init(&json, JSON_MAX);
	sbuf_lit(&json, "{\"method\": ");
	demo_json_string(&json, h->method_name);
	sbuf_lit(&json, ", \"path\": ");
	demo_json_string(&json, h->path);
	sbuf_lit(&json, ", \"query\": ");
	demo_json_string(&json, h->query);
	sbuf_lit(&json, ", \"headers\": {");
	echo_by_name(&json, h);
	sbuf_lit(&json, "}, \"raw_headers\": [");
	echo_fields(&json, h);
	sbuf_printf(&json, "], \"body_bytes\": %" PRIu64 "}\n", demo_body_bytes(c));
	reply_json(c, 200, &json);
}

/* --- status, delay --- */

static void status_end(struct demo_conn *c)
{
	struct sbuf json;
	uint64_t status = 0;

	demo_path_is(demo_head(c)->path, STR("/status"), &status);
	if (status < 200 || status > 599) {
		reply_error(c, "status is 200 to 599");
		return;
	}
	sbuf_init(&json, 256);
	sbuf_printf(&json, "{\"status\": %d, \"reason\": \"%s\"}\n", (int)status,
		    http_reason((int)status));
	reply_json(c, (int)status, &json);
}

static void delay_over(struct demo_conn *c)
{
	struct sbuf json;
	uint64_t ms = 0;

	demo_path_is(demo_head(c)->path, STR("/delay"), &ms);
	sbuf_init(&json, 256);
	sbuf_printf(&json, "{\"delayed_ms\": %" PRIu64 "}\n", ms);
	reply_json(c, 200, &json);
}

static void delay_end(struct demo_conn *c)
{
	uint64_t ms = 0;

	demo_path_is(demo_head(c)->path, STR("/delay"), &ms);
	if (ms > INTERVAL_MAX_MS)
		reply_error(c, "delay is an hour at most");
	else
		demo_timer(c, ms * 1000, delay_over);
}

/* --- stream --- */

struct stream {
	uint64_t events, sent, interval_us, started_us;
};

static void stream_next(struct demo_conn *c)
{
	struct stream *s = demo_data(c);
	char event[256];
	int64_t now_us = clock_wall_us();
	uint64_t due_us, mono_us;
	int n;

	s->sent++;
	n = snprintf(event, sizeof event,
		     "id: %" PRIu64 "\ndata: {\"n\": %" PRIu64 ", \"sent_us\": %" PRId64
		     ", \"sent_ms\": %" PRId64 "}\n\n",
		     s->sent, s->sent, now_us, now_us / 1000);
	demo_reply_data(c, event, (size_t)n);
	if (s->sent == s->events) {
		demo_reply_end(c);
		return;
	}
	/* From the start, not from the last event: the schedule does not drift. */
	due_us = s->started_us + s->sent * s->interval_us;
	mono_us = clock_mono_us();
	demo_timer(c, due_us > mono_us ? due_us - mono_us : 0, stream_next);
}

static void stream_end(struct demo_conn *c)
{
	struct str query = demo_head(c)->query;
	uint64_t events = demo_query_u64(query, STR("events"), 20);
	uint64_t interval_ms = demo_query_u64(query, STR("interval_ms"), 50);
	struct stream *s;

	if (events < 1 || events > EVENTS_MAX || interval_ms > INTERVAL_MAX_MS) {
		reply_error(c, "events is 1 to 1000000, interval_ms an hour at most");
		return;
	}
	s = xcalloc(1, sizeof *s);
	*s = (struct stream){events, 0, interval_ms * 1000, clock_mono_us()};
	demo_set_data(c, s);
	demo_reply_start(
		c, 200, DEMO_CHUNKED,
		"Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n");
	stream_next(c);
}

/* --- bytes, abort --- */

struct bytes {
	uint64_t left, at;
	bool cut; /* end the connection instead of the reply */
};

static void bytes_more(struct demo_conn *c)
{
	struct bytes *b = demo_data(c);
	char piece[PIECE];

	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = PATTERN[(b->at + i) % (sizeof PATTERN - 1)];
	while (b->left > 0 && demo_queued(c) < DEMO_OUT_HIGH) {
		size_t n = b->left < sizeof piece ? (size_t)b->left : sizeof piece;

		demo_reply_data(c, piece, n);
		b->left -= n;
		b->at += n;
	}
	if (b->left > 0)
		return;
	if (b->cut)
		demo_cut(c);
	else
		demo_reply_end(c);
}

static void bytes_start(struct demo_conn *c, uint64_t n, uint64_t promised, bool cut)
{
	struct bytes *b = xcalloc(1, sizeof *b);
	bool head = demo_head(c)->method == HTTP_HEAD;

	*b = (struct bytes){head ? 0 : n, 0, cut};
	demo_set_data(c, b);
	if (demo_query_u64(demo_head(c)->query, STR("chunked"), 0) != 0)
		promised = DEMO_CHUNKED;
	demo_reply_start(c, 200, promised, "Content-Type: application/octet-stream\r\n");
	bytes_more(c);
}

static void bytes_end(struct demo_conn *c)
{
	uint64_t n = 0;

	demo_path_is(demo_head(c)->path, STR("/bytes"), &n);
	if (n > INT64_MAX)
		reply_error(c, "that is too many bytes");
	else
		bytes_start(c, n, n, false);
}

static void abort_end(struct demo_conn *c)
{
	uint64_t n = 0;

	demo_path_is(demo_head(c)->path, STR("/abort"), &n);
	if (n > INT64_MAX)
		reply_error(c, "that is too many bytes");
	else
		bytes_start(c, n, n + ABORT_BEYOND, true);
}

/* --- upload --- */

struct upload {
	EVP_MD_CTX *sha256;
	uint64_t rate; /* bytes per second; 0: as fast as they come */
	uint64_t started_us;
};

static void upload_free(void *data)
{
	struct upload *u = data;

	EVP_MD_CTX_free(u->sha256);
	free(u);
}

static void upload_head(struct demo_conn *c)
{
	struct upload *u = xcalloc(1, sizeof *u);

	u->sha256 = EVP_MD_CTX_new();
	CHECK(u->sha256 != NULL && EVP_DigestInit_ex(u->sha256, EVP_sha256(), NULL) == 1);
	u->rate = demo_query_u64(demo_head(c)->query, STR("rate"), 0);
	u->started_us = clock_mono_us();
	demo_set_data(c, u);
}

static void upload_body(struct demo_conn *c, const char *bytes, size_t n)
{
	struct upload *u = demo_data(c);
	uint64_t due_us, now_us;

	CHECK(EVP_DigestUpdate(u->sha256, bytes, n) == 1);
	if (u->rate == 0)
		return;
	due_us = u->started_us +
		 (uint64_t)((double)demo_body_bytes(c) / (double)u->rate * 1e6);
	now_us = clock_mono_us();
	if (due_us <= now_us)
		return;
	demo_pause(c);
	demo_timer(c, due_us - now_us, demo_resume);
}

static void upload_end(struct demo_conn *c)
{
	struct upload *u = demo_data(c);
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;
	struct sbuf json;

	CHECK(EVP_DigestFinal_ex(u->sha256, digest, &n) == 1);
	hex_encode(hex, digest, n);
	sbuf_init(&json, 256);
	sbuf_printf(&json, "{\"bytes\": %" PRIu64 ", \"sha256\": \"%s\"}\n",
		    demo_body_bytes(c), hex);
	reply_json(c, 200, &json);
}

/* --- the table --- */

static const struct demo_endpoint echo = {.on_end = echo_end};

static const struct {
	struct str name;
	bool number; /* "/name/N" */
	struct demo_endpoint endpoint;
} endpoints[] = {
	{{"/status", 7}, true, {.on_end = status_end}},
	{{"/delay", 6}, true, {.on_end = delay_end}},
	{{"/stream", 7}, false, {.on_end = stream_end, .free_data = free}},
	{{"/bytes", 6},
	 true,
	 {.on_end = bytes_end, .on_writable = bytes_more, .free_data = free}},
	{{"/abort", 6},
	 true,
	 {.on_end = abort_end, .on_writable = bytes_more, .free_data = free}},
	{{"/upload", 7},
	 false,
	 {.on_head = upload_head,
	  .on_body = upload_body,
	  .on_end = upload_end,
	  .free_data = upload_free}},
	{{"/ws", 3},
	 false,
	 {.on_end = demo_ws_end, .on_raw = demo_ws_raw, .free_data = free}},
};

const struct demo_endpoint *demo_route(const struct request_head *h)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (demo_path_is(h->path, endpoints[i].name,
				 endpoints[i].number ? &number : NULL))
			return &endpoints[i].endpoint;
	return &echo;
}
