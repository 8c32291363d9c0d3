/* An event as JSON. */
#include "gateway/journal/event_json.h"

#include <time.h>

void usage_put_json_text(struct sbuf *out, struct str s)
{
	size_t from = 0;

	if (s.p == NULL) {
		sbuf_lit(out, "null");
		return;
	}
	sbuf_lit(out, "\"");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		sbuf_add(out, s.p + from, i - from);
		if (c >= ' ')
			sbuf_printf(out, "\\%c", c);
		else
			sbuf_printf(out, "\\u%04x", c);
		from = i + 1;
	}
	sbuf_add(out, s.p + from, s.n - from);
	sbuf_lit(out, "\"");
}

static void put_integer(struct sbuf *out, int64_t value)
{
	if (value == USAGE_NULL)
		sbuf_lit(out, "null");
	else
		sbuf_printf(out, "%lld", (long long)value);
}

static void put_time(struct sbuf *out, int64_t us)
{
	int64_t seconds = us / 1000000 - (us % 1000000 < 0);
	time_t at = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		sbuf_lit(out, "null");
	else
		sbuf_printf(out, "\"%s.%06dZ\"", text, (int)(us - seconds * 1000000));
}

/* Which is JSON of ours, of one line. */
static void put_tags(struct sbuf *out, struct str tags)
{
	if (tags.p == NULL || tags.n == 0 || memchr(tags.p, '\n', tags.n) != NULL)
		sbuf_lit(out, "null");
	else
		sbuf_str(out, tags);
}

#define PUT(name, how, value) (sbuf_lit(out, ",\"" name "\":"), how(out, value))

void usage_event_put_json(struct sbuf *out, const struct usage_event *e, struct str name,
			  struct str node)
{
	sbuf_lit(out, "{\"id\":null");
	PUT("used_at", put_time, e->used_at_us);
	PUT("token_id", put_integer, e->token_id);
	PUT("token_name", usage_put_json_text, name);
	PUT("route_path", usage_put_json_text, e->route_path);
	PUT("request_method", usage_put_json_text, e->request_method);
	PUT("response_status", put_integer, e->response_status);
	PUT("outcome", usage_put_json_text, e->outcome);
	PUT("error_message", usage_put_json_text, e->error_message);
	PUT("response_time_ms", put_integer, e->response_time_ms);
	PUT("ttfb_ms", put_integer, e->ttfb_ms);
	PUT("total_ms", put_integer, e->total_ms);
	PUT("client_wait_ms", put_integer, e->client_wait_ms);
	PUT("upstream_status", put_integer, e->upstream_status);
	PUT("bytes_in", put_integer, e->bytes_in);
	PUT("bytes_out", put_integer, e->bytes_out);
	PUT("ip_address", usage_put_json_text, e->ip_address);
	PUT("user_agent", usage_put_json_text, e->user_agent);
	PUT("request_id", usage_put_json_text, e->request_id);
	PUT("trace_id", usage_put_json_text, e->trace_id);
	PUT("node", usage_put_json_text, node);
	PUT("tags", put_tags, e->tags);
	sbuf_lit(out, "}");
}
