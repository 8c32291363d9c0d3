/* The head of the response to the client. */
#include "gateway/proxy/forward_response.h"

#include "common/check.h"
#include "common/clock.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/header_edits.h"
#include "gateway/proxy/location.h"

enum http_framing forward_response_framing(const struct response_head *head,
					   const struct request_head *request)
{
	switch (head->framing) {
	case HTTP_NO_BODY:
	case HTTP_LENGTH:
		return head->framing;
	case HTTP_CHUNKED:
	case HTTP_UNTIL_EOF:
		break;
	}
	/* RFC 9112 7.1: a 1.0 client knows no chunks. */
	return request->minor == 0 ? HTTP_UNTIL_EOF : HTTP_CHUNKED;
}

struct writer {
	struct sbuf *out;
	const struct forward_response *f;
	struct header_edits edits;
	bool event_stream, cors;
};

/* HTML, 9.2 server-sent events: the type may carry parameters. */
static bool is_event_stream(struct str type)
{
	struct str sse = STR("text/event-stream");

	return type.n >= sse.n && str_ieq((struct str){type.p, sse.n}, sse) &&
	       (type.n == sse.n || memchr("; \t", type.p[sse.n], 3) != NULL);
}

static void add_status_line(struct writer *w)
{
	const struct response_head *h = w->f->head;
	char code[4] = {(char)('0' + h->status / 100), (char)('0' + h->status / 10 % 10),
			(char)('0' + h->status % 10), ' '};

	sbuf_lit(w->out, "HTTP/1.1 ");
	sbuf_add(w->out, code, sizeof code);
	sbuf_str(w->out, h->reason);
	sbuf_lit(w->out, "\r\n");
}

static bool passes(const struct writer *w, const struct http_field *f)
{
	if (f->hop || f->id == HTTP_H_CONTENT_LENGTH ||
	    f->id == HTTP_H_TOLLGATE_REQUEST_ID)
		return false;
	if (f->id == HTTP_H_X_ACCEL_BUFFERING && w->event_stream)
		return false;
	if (w->cors && f->id == HTTP_H_OTHER && cors_replaces(f->name))
		return false;
	return !header_edits_drop(&w->edits, f->id, f->name);
}

/* The Host that the route sent in place of the upstream's own; empty: none. */
static struct str host_sent(const struct settings_route *route)
{
	for (size_t i = 0; i < route->set_headers.n; i++)
		if (str_ieq(str_of(route->set_headers.items[i].name), STR("Host")))
			return str_of(route->set_headers.items[i].value);
	return (struct str){0};
}

static void add_upstream_field(struct writer *w, const struct http_field *f)
{
	const struct settings_route *route = w->f->route;
	size_t before = w->out->n;

	if (f->id == HTTP_H_OTHER && route->rewrite_location &&
	    location_is_field(f->name)) {
		sbuf_str(w->out, f->name);
		sbuf_lit(w->out, ": ");
		if (location_rewrite(w->out, route, host_sent(route), f->value)) {
			sbuf_lit(w->out, "\r\n");
			return;
		}
		w->out->n = before;
	}
	header_add(w->out, f->name, f->value);
}

/* The length of HEAD's and 304's absent body is told too; 1xx and 204 never tell one
 * (RFC 9110 8.6). */
static void add_framing(struct writer *w)
{
	const struct response_head *h = w->f->head;

	switch (forward_response_framing(h, w->f->request)) {
	case HTTP_CHUNKED:
		sbuf_lit(w->out, "Transfer-Encoding: chunked\r\n");
		break;
	case HTTP_NO_BODY:
	case HTTP_LENGTH:
		if (!h->has_content_length || h->status < 200 || h->status == 204)
			break;
		sbuf_lit(w->out, "Content-Length: ");
		sbuf_u64(w->out, h->content_length);
		sbuf_lit(w->out, "\r\n");
		break;
	case HTTP_UNTIL_EOF:
		break;
	}
}

/* Milliseconds with two digits, without zeros at the end. */
static void add_milliseconds(struct sbuf *out, uint32_t us)
{
	unsigned hundredths = us / 10 % 100;
	char digits[3] = {'.', (char)('0' + hundredths / 10),
			  (char)('0' + hundredths % 10)};

	sbuf_u64(out, us / 1000);
	if (hundredths)
		sbuf_add(out, digits, hundredths % 10 ? 3 : 2);
}

static void add_server_timing(struct writer *w)
{
	if (header_edits_drop(&w->edits, HTTP_H_OTHER, STR("Server-Timing")))
		return;
	sbuf_lit(w->out, "Server-Timing: tollgate;dur=");
	add_milliseconds(w->out, w->f->gateway_us);
	sbuf_lit(w->out, ", upstream;dur=");
	add_milliseconds(w->out, w->f->upstream_us);
	sbuf_lit(w->out, "\r\n");
}

static void add_own(struct writer *w, enum http_field_id id, struct str name,
		    struct str value)
{
	if (!header_edits_drop(&w->edits, id, name))
		header_add(w->out, name, value);
}

/* RFC 9110 6.6.1: a response that came without a date gets one. */
static void add_date(struct writer *w)
{
	char date[HTTP_DATE_SIZE];

	if (w->f->head->has_date)
		return;
	http_date(date, (w->f->wall_us ? w->f->wall_us : clock_wall_us()) / 1000000);
	add_own(w, HTTP_H_DATE, STR("Date"), (struct str){date, HTTP_DATE_SIZE - 1});
}

static void add_connection(struct writer *w)
{
	if (w->f->upgrade) {
		sbuf_lit(w->out, "Connection: Upgrade\r\n");
		header_add(w->out, STR("Upgrade"), w->f->head->upgrade);
	} else if (w->f->close || w->f->request->minor == 0) {
		sbuf_lit(w->out, "Connection: close\r\n");
	}
}

/* What an interim response (RFC 9110 15.2) goes without. */
static void add_final_fields(struct writer *w)
{
	struct str id = str_of(w->f->ids->request_id);

	add_framing(w);
	add_connection(w);
	add_date(w);
	header_add(w->out, STR("Tollgate-Request-Id"), id);
	if (!w->f->head->has_request_id)
		add_own(w, HTTP_H_X_REQUEST_ID, STR("X-Request-Id"), id);
	add_server_timing(w);
	if (w->event_stream)
		add_own(w, HTTP_H_X_ACCEL_BUFFERING, STR("X-Accel-Buffering"), STR("no"));
	if (w->cors && !w->f->upgrade)
		cors_add_fields(w->out, w->f->route, w->f->request);
	header_edits_add_set(&w->edits, w->out);
}

void forward_response_head(struct sbuf *out, const struct forward_response *f)
{
	const struct response_head *h = f->head;
	struct writer w = {.out = out, .f = f};

	header_edits_init(&w.edits, &f->route->response_set, &f->route->response_remove);
	w.event_stream = is_event_stream(h->content_type);
	w.cors = cors_enabled(f->route);
	add_status_line(&w);
	for (unsigned i = 0; i < h->n_fields; i++)
		if (passes(&w, &h->fields[i]))
			add_upstream_field(&w, &h->fields[i]);
	if (h->status >= 200 || f->upgrade)
		add_final_fields(&w);
	sbuf_lit(out, "\r\n");
}
