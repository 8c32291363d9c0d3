/* The head of the request to the upstream. */
#include "gateway/proxy/forward_request.h"

#include "common/check.h"
#include "gateway/proxy/header_edits.h"
#include "gateway/proxy/route.h"
#include "gateway/token/key_text.h"

#define PSEUDONYM "tollgate" /* in Via (RFC 9110 7.6.3) */

/* One gateway may stand behind another, both under this name; a request that comes by for
 * the third time is going round. */
#define LOOP_PASSES 2

enum rule {
	PASS, /* the default */
	DROP, /* hop-by-hop, framing, or made anew by the gateway */
	CREDENTIAL,
	FORWARDING, /* who the caller is, by the word of the peer */
	FORWARDED_FOR,
	VIA,
	TRACESTATE,
	MAX_FORWARDS,
};

static const unsigned char rules[HTTP_H_COUNT] = {
	[HTTP_H_AUTHORIZATION] = CREDENTIAL,
	[HTTP_H_CF_CONNECTING_IP] = FORWARDING,
	[HTTP_H_CONNECTION] = DROP,
	[HTTP_H_CONTENT_LENGTH] = DROP,
	[HTTP_H_COOKIE] = CREDENTIAL,
	[HTTP_H_EXPECT] = DROP,
	[HTTP_H_FORWARDED] = FORWARDING,
	[HTTP_H_HOST] = DROP,
	[HTTP_H_KEEP_ALIVE] = DROP,
	[HTTP_H_MAX_FORWARDS] = MAX_FORWARDS,
	[HTTP_H_PROXY] = DROP,
	[HTTP_H_PROXY_AUTHENTICATE] = DROP,
	[HTTP_H_PROXY_AUTHORIZATION] = CREDENTIAL,
	[HTTP_H_PROXY_CONNECTION] = DROP,
	[HTTP_H_TE] = DROP,
	[HTTP_H_TRACEPARENT] = DROP,
	[HTTP_H_TRACESTATE] = TRACESTATE,
	[HTTP_H_TRAILER] = DROP,
	[HTTP_H_TRANSFER_ENCODING] = DROP,
	[HTTP_H_UPGRADE] = DROP,
	[HTTP_H_VIA] = VIA,
	[HTTP_H_X_API_KEY] = DROP,
	[HTTP_H_X_FORWARDED] = FORWARDING,
	[HTTP_H_X_FORWARDED_FOR] = FORWARDED_FOR,
	[HTTP_H_X_GOOG_API_KEY] = CREDENTIAL,
	[HTTP_H_X_REAL_IP] = FORWARDING,
	[HTTP_H_X_REQUEST_ID] = DROP,
};

struct writer {
	struct sbuf *out;
	const struct forward_request *f;
	struct header_edits edits;
	const struct key_filter *keys;
	bool has_proto, has_host; /* a trusted peer's X-Forwarded-Proto, -Host passed */
};

/* --- Via and Max-Forwards --- */

static size_t word_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	return n;
}

/* received-protocol RWS received-by [ RWS comment ]: the second word. */
static bool names_us(struct str hop)
{
	size_t protocol = word_length(hop);
	struct str by = str_trim((struct str){hop.p + protocol, hop.n - protocol});

	return str_ieq((struct str){by.p, word_length(by)}, STR(PSEUDONYM));
}

bool forward_is_loop(const struct request_head *head)
{
	unsigned passes = 0;

	for (unsigned i = 0; request_head_has(head, HTTP_H_VIA) && i < head->n_fields;
	     i++) {
		struct str list = head->fields[i].value, hop;

		if (head->fields[i].id != HTTP_H_VIA)
			continue;
		while (str_list_next(&list, &hop))
			passes += names_us(hop);
	}
	return passes >= LOOP_PASSES;
}

bool forward_ends_here(const struct request_head *head)
{
	const struct http_field *f;

	if (head->method != HTTP_OPTIONS)
		return false;
	f = request_head_field(head, HTTP_H_MAX_FORWARDS, NULL);
	if (f == NULL)
		return false;
	for (size_t i = 0; i < f->value.n; i++)
		if (f->value.p[i] != '0')
			return false;
	return true;
}

/* RFC 9110 7.6.2: one less, and no more than we can count. */
static void add_max_forwards(struct writer *w, const struct http_field *f)
{
	uint64_t hops;

	if (!str_to_u64(f->value, &hops) || hops > UINT32_MAX)
		hops = UINT32_MAX;
	sbuf_lit(w->out, "Max-Forwards: ");
	sbuf_u64(w->out, hops ? hops - 1 : 0);
	sbuf_lit(w->out, "\r\n");
}

/* --- the client's fields --- */

/* Basic and its like hold what they hold in base64. */
static bool passes_credential(const struct writer *w, const struct http_field *f)
{
	if ((w->f->route->forward_credentials & HTTP_H_BIT(f->id)) == 0)
		return false;
	return (f->id != HTTP_H_AUTHORIZATION && f->id != HTTP_H_PROXY_AUTHORIZATION) ||
	       !key_in_base64(f->value, w->keys->key);
}

static bool passes_forwarding(struct writer *w, const struct http_field *f)
{
	if (!w->f->peer_trusted || !w->f->route->forward_client_info)
		return false;
	if (str_ieq(f->name, STR("X-Forwarded-Proto")))
		w->has_proto = true;
	else if (str_ieq(f->name, STR("X-Forwarded-Host")))
		w->has_host = true;
	return true;
}

static bool passes(struct writer *w, const struct http_field *f)
{
	switch ((enum rule)rules[f->id]) {
	case DROP:
	case FORWARDED_FOR: /* written by add_client_info */
		return false;
	case CREDENTIAL:
		return passes_credential(w, f);
	case FORWARDING:
		return passes_forwarding(w, f);
	case VIA:
		return w->f->route->forward_client_info;
	case TRACESTATE:
		return w->f->ids->trace_kept;
	case MAX_FORWARDS:
	case PASS:
		return true;
	}
	return true;
}

/* A page can set no fields: what they would say stands in subprotocols as NAME.VALUE, and
 * goes with the field of that name. */
static bool is_edited(const struct writer *w, const struct http_field *f, struct str item)
{
	const char *dot = memchr(item.p, '.', item.n);
	struct str name = {item.p, dot ? (size_t)(dot - item.p) : 0};

	return f->id == HTTP_H_SEC_WEBSOCKET_PROTOCOL && name.n &&
	       header_edits_drop(&w->edits, http_field_id(name), name);
}

static bool has_edited_item(const struct writer *w, const struct http_field *f)
{
	struct str list = f->value, item;

	if (f->id != HTTP_H_SEC_WEBSOCKET_PROTOCOL)
		return false;
	while (key_filter_next_item(f->id, &list, &item))
		if (is_edited(w, f, item))
			return true;
	return false;
}

/* Items of a field that go on, behind what was written since `start`. */
static void add_items(struct writer *w, const struct http_field *f, size_t start)
{
	struct str list = f->value, item;

	while (key_filter_next_item(f->id, &list, &item)) {
		if (key_filter_in_text(w->keys, item) || is_edited(w, f, item))
			continue;
		if (w->out->n > start)
			sbuf_str(w->out, key_filter_separator(f->id));
		sbuf_str(w->out, item);
	}
}

/* A list of which something goes. */
static void add_rest(struct writer *w, const struct http_field *f)
{
	size_t before = w->out->n, start;

	sbuf_str(w->out, f->name);
	sbuf_lit(w->out, ": ");
	start = w->out->n;
	add_items(w, f, start);
	if (w->out->n > start)
		sbuf_lit(w->out, "\r\n");
	else
		w->out->n = before;
}

/* Content_Length and its like: read as Content-Length by some. */
static bool is_look_alike(const struct writer *w, const struct http_field *f,
			  enum http_field_id *id)
{
	if (f->id != HTTP_H_OTHER || !w->keys->underscores)
		return false;
	*id = header_alias(f->name);
	return *id != HTTP_H_OTHER && rules[*id] != PASS;
}

static void add_client_field(struct writer *w, const struct http_field *f)
{
	enum http_field_id id = f->id;
	bool has_key;

	if (f->hop || is_look_alike(w, f, &id))
		return;
	if (header_edits_drop(&w->edits, id, f->name))
		return;
	has_key = key_filter_in_field(w->keys, f);
	if (rules[f->id] == PASS && !has_key && !has_edited_item(w, f)) {
		header_add(w->out, f->name, f->value);
		return;
	}
	if ((has_key && !key_filter_has_items(w->keys, f->id)) || !passes(w, f))
		return;
	if (has_key || f->id == HTTP_H_SEC_WEBSOCKET_PROTOCOL)
		add_rest(w, f);
	else if (f->id == HTTP_H_MAX_FORWARDS && w->f->head->method == HTTP_OPTIONS)
		add_max_forwards(w, f);
	else
		header_add(w->out, f->name, f->value);
}

/* --- ours --- */

/* Unless the route sets or removes it. */
static void add_own(struct writer *w, enum http_field_id id, struct str name,
		    struct str value)
{
	if (!header_edits_drop(&w->edits, id, name))
		header_add(w->out, name, value);
}

static void add_forwarders(struct writer *w, const struct http_field *f, size_t start)
{
	if (key_filter_in_text(w->keys, f->value)) {
		if (key_filter_has_items(w->keys, f->id))
			add_items(w, f, start);
		return;
	}
	if (w->out->n > start)
		sbuf_lit(w->out, ", ");
	sbuf_str(w->out, f->value);
}

static void add_forwarded_for(struct writer *w)
{
	const struct request_head *h = w->f->head;
	size_t start;

	if (header_edits_drop(&w->edits, HTTP_H_X_FORWARDED_FOR, STR("X-Forwarded-For")))
		return;
	sbuf_lit(w->out, "X-Forwarded-For: ");
	start = w->out->n;
	for (unsigned i = 0; w->f->peer_trusted && i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->id == HTTP_H_X_FORWARDED_FOR && !f->hop && f->value.n)
			add_forwarders(w, f, start);
	}
	if (w->out->n == start) {
		sbuf_str(w->out, w->f->client_ip);
	} else if (w->f->peer_ip.n) {
		sbuf_lit(w->out, ", ");
		sbuf_str(w->out, w->f->peer_ip);
	}
	sbuf_lit(w->out, "\r\n");
}

static void add_client_info(struct writer *w)
{
	const struct request_head *h = w->f->head;

	if (!w->f->route->forward_client_info)
		return;
	if (w->f->client_ip.n)
		add_forwarded_for(w);
	if (!w->has_proto)
		add_own(w, HTTP_H_X_FORWARDED, STR("X-Forwarded-Proto"),
			w->f->client_tls ? STR("https") : STR("http"));
	if (!w->has_host && h->host.n && !key_filter_in_text(w->keys, h->host))
		add_own(w, HTTP_H_X_FORWARDED, STR("X-Forwarded-Host"), h->host);
	add_own(w, HTTP_H_VIA, STR("Via"),
		h->minor == 0 ? STR("1.0 " PSEUDONYM) : STR("1.1 " PSEUDONYM));
}

static void add_length(struct sbuf *out, uint64_t length)
{
	sbuf_lit(out, "Content-Length: ");
	sbuf_u64(out, length);
	sbuf_lit(out, "\r\n");
}

static void add_framing(struct writer *w)
{
	const struct request_head *h = w->f->head;

	switch (h->framing) {
	case HTTP_LENGTH:
		add_length(w->out, h->content_length);
		break;
	case HTTP_CHUNKED:
		sbuf_lit(w->out, "Transfer-Encoding: chunked\r\n");
		break;
	case HTTP_NO_BODY:
		/* RFC 9110 8.6: where the method foresees content, its absence is
		 * told. */
		if (h->method == HTTP_POST || h->method == HTTP_PUT ||
		    h->method == HTTP_PATCH)
			add_length(w->out, 0);
		break;
	case HTTP_UNTIL_EOF:
		CHECK(h->framing != HTTP_UNTIL_EOF); /* responses only */
		break;
	}
}

static void add_start(struct writer *w)
{
	const struct request_head *h = w->f->head;

	sbuf_str(w->out, h->method_name);
	sbuf_lit(w->out, " ");
	route_upstream_target(w->out, w->f->route, h);
	sbuf_lit(w->out, " HTTP/1.1\r\n");
	if (!header_edits_set(&w->edits, HTTP_H_HOST))
		header_add(w->out, STR("Host"), str_of(w->f->endpoint->authority));
}

void forward_request_head(struct sbuf *out, const struct forward_request *f)
{
	struct writer w = {.out = out, .f = f, .keys = f->keys};

	header_edits_init(&w.edits, &f->route->set_headers, &f->route->remove_headers);
	add_start(&w);
	for (unsigned i = 0; i < f->head->n_fields; i++)
		add_client_field(&w, &f->head->fields[i]);
	add_framing(&w);
	if (f->upgrade && f->head->upgrade.n &&
	    !key_filter_in_text(f->keys, f->head->upgrade)) {
		sbuf_lit(out, "Connection: Upgrade\r\n");
		header_add(out, STR("Upgrade"), f->head->upgrade);
	}
	add_own(&w, HTTP_H_X_REQUEST_ID, STR("X-Request-Id"), str_of(f->ids->request_id));
	add_own(&w, HTTP_H_TRACEPARENT, STR("traceparent"), str_of(f->ids->traceparent));
	add_client_info(&w);
	header_edits_add_set(&w.edits, out);
	sbuf_lit(out, "\r\n");
}
