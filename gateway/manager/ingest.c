/* POST /api/usage-log's body, read. */
#include "gateway/manager/ingest.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "common/jsonc.h"
#include "common/utf8.h"

#define DAY_US INT64_C(86400000000)
/* In seconds the year 5138, in milliseconds 1973: nobody means either. */
#define SECONDS_BELOW 1e11

#define FAULTS_TOLD 6
#define REQUEST_ID_MAX 128 /* the column's width */

struct text_field {
	const char *name;
	size_t offset;
};

static const struct text_field text_fields[] = {
	{"ip_address", offsetof(struct usage_event, ip_address)},
	{"user_agent", offsetof(struct usage_event, user_agent)},
	{"request_method", offsetof(struct usage_event, request_method)},
	{"error_message", offsetof(struct usage_event, error_message)},
};

_Static_assert(ARRAY_LEN(text_fields) + 1 == INGEST_TEXTS, "these and the route");

struct number_field {
	const char *name;
	size_t offset;
	int32_t min, max;
	bool whole; /* others are rounded */
};

static const struct number_field number_fields[] = {
	{"response_status", offsetof(struct usage_event, response_status), 100, 999,
	 true},
	{"response_time_ms", offsetof(struct usage_event, response_time_ms), 0, INT32_MAX,
	 false},
};

__attribute__((format(printf, 2, 3))) static enum ingest_verdict
bad(struct ingest *in, const char *format, ...)
{
	size_t n = strlen(in->detail), room = sizeof in->detail - n;
	int put = 0;
	va_list ap;

	if (in->n_bad++ >= FAULTS_TOLD)
		return INGEST_BAD_FIELD;
	if (n != 0)
		put = snprintf(in->detail + n, room, "; ");
	if (in->is_array)
		put += snprintf(in->detail + n + put, room - (size_t)put, "[%zu]%s",
				in->index, *format == ' ' ? "" : ".");
	va_start(ap, format);
	vsnprintf(in->detail + n + put, room - (size_t)put, format, ap);
	va_end(ap);
	return INGEST_BAD_FIELD;
}

/* --- characters that no text in PostgreSQL can have --- */

static int hex4(const char *p, const char *end)
{
	unsigned char bytes[2];

	if (end - p < 4 || !hex_decode(bytes, sizeof bytes, (struct str){p, 4}))
		return -1;
	return bytes[0] << 8 | bytes[1];
}

static bool is_escape(const char *p, const char *end)
{
	return p + 1 < end && p[0] == '\\' && p[1] == 'u';
}

static bool is_surrogate(int v, int first)
{
	return v >= first && v < first + 0x400;
}

/* An escape of four digits at p: 0, or half of a character alone, which is what
 * JSON.stringify makes of a text that was cut in the middle of one. *n: how many bytes
 * the character takes. */
static bool is_impossible(const char *p, const char *end, size_t *n)
{
	int v = hex4(p + 2, end);

	*n = 2;
	if (v < 0)
		return false;
	*n = 6;
	if (is_surrogate(v, 0xd800) && is_escape(p + 6, end) &&
	    is_surrogate(hex4(p + 8, end), 0xdc00)) {
		*n = 12;
		return false;
	}
	return v == 0 || is_surrogate(v, 0xd800) || is_surrogate(v, 0xdc00);
}

/* *n: the bytes of the character at p. False: it may not stay as it is. */
static bool take_possible(const char *p, const char *end, size_t *n)
{
	if (is_escape(p, end) && is_impossible(p, end, n))
		return false;
	if (*p == '\\') {
		if (!is_escape(p, end))
			*n = p + 1 < end ? 2 : 1;
		return true;
	}
	*n = utf8_length((const unsigned char *)p, (size_t)(end - p));
	if (*n > 0)
		return true;
	*n = 1;
	return false;
}

/* A copy in which U+FFFD stands for escaped NULs, for half surrogate pairs, and for bytes
 * that are not UTF-8. */
static void copy_possible(struct ingest *in, struct str body)
{
	const char *p = body.p, *end = body.p + body.n;
	size_t n;

	sbuf_init(&in->text, 3 * body.n + 1);
	for (; p < end; p += n) {
		n = 1;
		if (take_possible(p, end, &n))
			sbuf_add(&in->text, p, n);
		else
			sbuf_lit(&in->text, "\xef\xbf\xbd");
	}
}

static bool may_be_impossible(struct str body)
{
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] == '\\' || (body.p[i] & 0x80))
			return true;
	return false;
}

/* The first one is told: what is behind it may be its consequence. */
static void note_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct ingest *in = ctx;

	if (in->n_bad++ == 0)
		snprintf(in->detail, sizeof in->detail,
			 "the body is not one JSON object or array of objects: line %u, "
			 "column %u: %s",
			 pos.line, pos.column, text);
}

static enum ingest_verdict parse_document(struct ingest *in, struct str body)
{
	const struct jsonc_sink sink = {note_fault, in};

	if (may_be_impossible(body)) {
		copy_possible(in, body);
		body = sbuf_view(&in->text);
	}
	in->document = jsonc_parse_body(body, &sink);
	if (in->n_bad > 0)
		return INGEST_NOT_JSON;
	if (in->document->type == JSONC_OBJECT || in->document->type == JSONC_ARRAY)
		return INGEST_OK;
	snprintf(in->detail, sizeof in->detail,
		 "the body is JSON, but neither an object nor an array of objects");
	return INGEST_NOT_JSON;
}

/* NULL where the field is missing or null. */
static const struct jsonc_node *field(const struct ingest *in, const char *name)
{
	const struct jsonc_node *item = jsonc_get(in->next, name);

	return item != NULL && item->type != JSONC_NULL ? item : NULL;
}

static enum ingest_verdict take_text(struct ingest *in, const char *name, struct str *out)
{
	const struct jsonc_node *item = field(in, name);

	if (item == NULL)
		return INGEST_OK;
	if (item->type != JSONC_STRING)
		return bad(in, "%s must be a string", name);
	*out = str_of(item->text);
	return INGEST_OK;
}

static enum ingest_verdict take_required_text(struct ingest *in, const char *name,
					      struct str *out)
{
	if (field(in, name) == NULL)
		return bad(in, "%s is missing", name);
	return take_text(in, name, out);
}

static enum ingest_verdict take_number(struct ingest *in, const struct number_field *f)
{
	const struct jsonc_node *item = field(in, f->name);
	double v;

	if (item == NULL)
		return INGEST_OK;
	if (item->type != JSONC_NUMBER)
		return bad(in, "%s must be a number", f->name);
	v = item->number;
	if (!(v >= f->min && v <= f->max))
		return bad(in, "%s must be between %d and %d", f->name, f->min, f->max);
	if (f->whole && v != floor(v))
		return bad(in, "%s must be a whole number", f->name);
	*(int32_t *)((char *)&in->event + f->offset) = (int32_t)(v + 0.5);
	return INGEST_OK;
}

static enum ingest_verdict take_time(struct ingest *in)
{
	int64_t arrival_us = in->arrival_us;
	const struct jsonc_node *item = field(in, "timestamp");
	double us;

	if (item == NULL)
		return bad(in, "timestamp is missing");
	if (item->type != JSONC_NUMBER)
		return bad(in, "timestamp must be a number: milliseconds since 1970");
	us = item->number * (fabs(item->number) < SECONDS_BELOW ? 1e6 : 1e3);
	if (us >= (double)(arrival_us - INGEST_OLDEST_DAYS * DAY_US) &&
	    us <= (double)(arrival_us + INGEST_NEWEST_DAYS * DAY_US)) {
		in->event.used_at_us = (int64_t)us;
		return INGEST_OK;
	}
	in->event.used_at_us = arrival_us;
	in->time_replaced = true;
	/* JSON knows no infinity, which is what a number like 1e999 is read as. */
	if (isfinite(item->number))
		snprintf(in->tags, sizeof in->tags,
			 "{\"time_replaced\":true,\"timestamp\":%.17g}", item->number);
	else
		snprintf(in->tags, sizeof in->tags, "{\"time_replaced\":true}");
	in->event.tags = str_of(in->tags);
	return INGEST_OK;
}

static enum ingest_verdict take_hash(struct ingest *in)
{
	struct str text = {0};
	enum ingest_verdict v = take_required_text(in, "token_hash", &text);

	if (v == INGEST_OK)
		in->hash_possible = hex_decode(in->event.token_hash,
					       sizeof in->event.token_hash, text);
	return v;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* An id that had to be cut, or cleaned, could be another's. */
static enum ingest_verdict take_request_id(struct ingest *in)
{
	enum ingest_verdict v = take_text(in, "request_id", &in->event.request_id);

	if (v != INGEST_OK || in->event.request_id.p == NULL)
		return v;
	if (in->event.request_id.n == 0 || in->event.request_id.n > REQUEST_ID_MAX ||
	    !is_printable(in->event.request_id))
		return bad(
			in,
			"request_id must have 1 to %d characters of ASCII, without spaces",
			REQUEST_ID_MAX);
	if (key_in_text(in->event.request_id, (struct str){NULL, 0}))
		return bad(in, "request_id holds a key, which must not be stored");
	in->event.once_at_us = in->arrival_us;
	return INGEST_OK;
}

static enum ingest_verdict take_optional(struct ingest *in)
{
	enum ingest_verdict v = INGEST_OK;

	for (size_t i = 0; v == INGEST_OK && i < ARRAY_LEN(text_fields); i++)
		v = take_text(in, text_fields[i].name,
			      (struct str *)((char *)&in->event + text_fields[i].offset));
	for (size_t i = 0; v == INGEST_OK && i < ARRAY_LEN(number_fields); i++)
		v = take_number(in, &number_fields[i]);
	if (v == INGEST_OK)
		v = take_request_id(in);
	return v;
}

/* Each error has a message: the status, where the caller told no more. */
static void tell_error(struct ingest *in)
{
	struct usage_event *e = &in->event;

	if (e->response_status < 400 || e->error_message.n > 0)
		return;
	snprintf(in->status, sizeof in->status, "%d %s", e->response_status,
		 http_reason(e->response_status));
	e->error_message = str_of(in->status);
}

/* Keys that callers wrote where they do not belong are not stored. */
static void hide_keys(struct ingest *in)
{
	struct str *texts[INGEST_TEXTS] = {&in->event.route_path}, own = {NULL, 0};

	for (size_t i = 0; i < ARRAY_LEN(text_fields); i++)
		texts[i + 1] = (struct str *)((char *)&in->event + text_fields[i].offset);
	/* One of another shape is known by its hash alone. */
	for (size_t i = 0; i < INGEST_TEXTS && own.n == 0; i++)
		own = key_text_hashed(*texts[i], in->event.token_hash);
	for (size_t i = 0; i < INGEST_TEXTS; i++)
		*texts[i] = key_text_hidden(*texts[i], own, in->shown[i]);
}

static enum ingest_verdict take_event(struct ingest *in)
{
	enum ingest_verdict v;

	usage_event_init(&in->event);
	in->time_replaced = false;
	if (in->next->type != JSONC_OBJECT)
		return bad(in, " is not an object");
	v = take_hash(in);
	if (v == INGEST_OK)
		v = take_required_text(in, "route", &in->event.route_path);
	if (v == INGEST_OK)
		v = take_time(in);
	if (v == INGEST_OK)
		v = take_optional(in);
	if (v != INGEST_OK)
		return v;
	tell_error(in);
	hide_keys(in);
	return INGEST_OK;
}

void ingest_rewind(struct ingest *in)
{
	in->next = in->is_array ? in->document->first : in->document;
	in->index = 0;
}

enum ingest_verdict ingest_parse(struct ingest *in, struct str body, int64_t arrival_us)
{
	enum ingest_verdict v;

	*in = (struct ingest){.arrival_us = arrival_us};
	v = parse_document(in, body);
	if (v != INGEST_OK)
		return v;
	in->is_array = in->document->type == JSONC_ARRAY;
	ingest_rewind(in);
	for (const struct jsonc_node *item = in->next; item != NULL; item = item->next)
		in->n++;
	return INGEST_OK;
}

enum ingest_verdict ingest_next(struct ingest *in)
{
	enum ingest_verdict v;

	if (in->next == NULL)
		return INGEST_END;
	v = take_event(in);
	in->next = in->next->next;
	in->index++;
	return v;
}

void ingest_fini(struct ingest *in)
{
	jsonc_free(&in->document);
	sbuf_fini(&in->text);
	*in = (struct ingest){0};
}
