/* The ids of one exchange: X-Request-Id and traceparent. */
#include "gateway/proxy/exchange_ids.h"

#include <endian.h>
#include <openssl/rand.h>

#include "common/check.h"
#include "gateway/token/key_text.h"

void id_source_init(struct id_source *src)
{
	/* All zero is the one state that the generator cannot leave. */
	do {
		if (RAND_bytes((unsigned char *)src->state, sizeof src->state) != 1)
			die("OpenSSL has no randomness");
	} while (!(src->state[0] | src->state[1] | src->state[2] | src->state[3]));
}

static uint64_t rotate(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** 1.0, D. Blackman and S. Vigna, 2018. */
static uint64_t next_random(struct id_source *src)
{
	uint64_t *s = src->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* Eight digits at a time: each nibble in a byte of its own, then all made digits at
 * once. */
static inline void put_hex8(char *out, uint32_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = v;

	x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
	x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	/* A nibble of 10 or more has bit 4 set when 6 is added. */
	x += ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
	x = htobe64(x);
	memcpy(out, &x, sizeof x);
}

/* The low digits of v, 16 at most. */
static inline void put_hex(char *out, uint64_t v, unsigned digits)
{
	char all[16];

	put_hex8(all, (uint32_t)(v >> 32));
	put_hex8(all + 8, (uint32_t)v);
	memcpy(out, all + sizeof all - digits, digits);
}

static void make_uuid7(char out[37], int64_t wall_us, struct id_source *src)
{
	uint64_t ms = (uint64_t)(wall_us / 1000), a = next_random(src),
		 b = next_random(src);

	put_hex(out, ms >> 16, 8);
	put_hex(out + 9, ms, 4);
	put_hex(out + 14, 0x7000 | (a & 0xfff), 4);
	put_hex(out + 19, 0x8000 | (a >> 12 & 0x3fff), 4);
	put_hex(out + 24, b, 12);
	out[8] = out[13] = out[18] = out[23] = '-';
	out[36] = '\0';
}

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
		make_uuid7(ids->request_id, wall_us, src);
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
	put_hex(out + 3, next_random(src) | 1, 16); /* never all zero */
	put_hex(out + 19, next_random(src), 16);
	out[35] = '-';
	put_hex(out + 36, next_random(src) | 1, 16);
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
		make_uuid7(ids->request_id, wall_us, src);
	if (ids->trace_kept && key_in_text(str_of(ids->traceparent), key)) {
		start_trace(ids->traceparent, src);
		ids->trace_kept = false;
	}
}
