/* The ids of one exchange: X-Request-Id and traceparent. */
#include "gateway/proxy/exchange_ids.h"

#include "common/check.h"
#include "gateway/token/key_text.h"

static bool is_id_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return true;
	return c != '\0' && strchr("._:/+=@-", c) != NULL;
}

static bool is_sane(struct str id)
{
	if (id.n == 0 || id.n > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!is_id_char((unsigned char)id.p[i]))
			return false;
	return !key_in_text(id, (struct str){NULL, 0});
}

static void make_request_id(struct exchange_ids *ids, const struct request_head *h,
			    int64_t wall_us, struct id_source *src)
{
	const struct http_field *f = request_head_field(h, HTTP_H_X_REQUEST_ID, NULL);

	if (f == NULL || !is_sane(f->value))
		id_make_uuid7(ids->request_id, wall_us, src);
	else
		CHECK(str_copy(ids->request_id, sizeof ids->request_id, f->value));
}

/* n lower-case hex digits; *zero tells whether all are 0. */
static bool is_hex(const char *p, size_t n, bool *zero)
{
	*zero = true;
	for (size_t i = 0; i < n; i++) {
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
		*zero &= p[i] == '0';
	}
	return true;
}

/* A later version may be longer; its start is read as version 00 (Trace Context 4.3). */
static bool is_traceparent(struct str s)
{
	bool zero_version, zero_trace, zero_parent, zero_flags;
	const char *p = s.p;

	if (s.n < TRACEPARENT_LENGTH || p[2] != '-' || p[35] != '-' || p[52] != '-')
		return false;
	if (!is_hex(p, 2, &zero_version) || !is_hex(p + 3, 32, &zero_trace) ||
	    !is_hex(p + 36, 16, &zero_parent) || !is_hex(p + 53, 2, &zero_flags))
		return false;
	if (zero_trace || zero_parent || (p[0] == 'f' && p[1] == 'f'))
		return false;
	if (s.n == TRACEPARENT_LENGTH)
		return true;
	return !zero_version && p[TRACEPARENT_LENGTH] == '-';
}

/* Started as sampled: what an upstream that samples by its parent does without one,
 * too. */
static void start_trace(char *out, struct id_source *src)
{
	memcpy(out, "00-", 3);
	id_put_hex(out + 3, id_source_next(src) | 1, 16); /* never all zero */
	id_put_hex(out + 19, id_source_next(src), 16);
	out[35] = '-';
	id_put_hex(out + 36, id_source_next(src) | 1, 16);
	memcpy(out + 52, "-01", 4);
}

void exchange_ids_make(struct exchange_ids *ids, const struct request_head *h,
		       int64_t wall_us, struct id_source *src)
{
	const struct http_field *f = request_head_field(h, HTTP_H_TRACEPARENT, NULL);

	make_request_id(ids, h, wall_us, src);
	ids->trace_kept = f != NULL && is_traceparent(f->value);
	if (!ids->trace_kept) {
		start_trace(ids->traceparent, src);
		return;
	}
	memcpy(ids->traceparent, f->value.p, TRACEPARENT_LENGTH);
	memcpy(ids->traceparent, "00", 2);
	ids->traceparent[TRACEPARENT_LENGTH] = '\0';
}

void exchange_ids_hide(struct exchange_ids *ids, struct str key, int64_t wall_us,
		       struct id_source *src)
{
	if (key_in_text(str_of(ids->request_id), key))
		id_make_uuid7(ids->request_id, wall_us, src);
	if (ids->trace_kept && key_in_text(str_of(ids->traceparent), key)) {
		start_trace(ids->traceparent, src);
		ids->trace_kept = false;
	}
}
