/* Encoding of one usage event as a compact, extensible record.
 *
 * A record is a row of fields: a key byte (number << 1 | wire), then a base-128 varint
 * (wire 0) or a 16-bit little-endian length and that many bytes (wire 1). NULL is the
 * field's absence. Integers are two's complement, so a negative one takes ten bytes. */
#include "gateway/journal/event.h"

#include <stddef.h>

#include "common/check.h"
#include "common/utf8.h"

#define VARINT_MAX 10
#define WIRE_VARINT 0u
#define WIRE_BYTES 1u
#define HASH_BYTES 32u

static const char cut_mark[] = "\xe2\x80\xa6";    /* U+2026 */
static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
#define MARK_BYTES 3u

enum field_kind {
	KIND_I32,
	KIND_I64,
	KIND_TIME,
	KIND_HASH,
	KIND_TEXT,
	KIND_JSON,
	KIND_MARK
};

struct field {
	uint8_t number;
	uint8_t kind;
	uint16_t offset;
	uint16_t width;
};

#define FIELD_ROW(number, member, column, kind, width)                                   \
	{number, KIND_##kind, offsetof(struct usage_event, member), width},
static const struct field fields[] = {USAGE_FIELDS(FIELD_ROW) USAGE_MARKS(FIELD_ROW)};

/* What the widest record takes, to keep USAGE_RECORD_MAX honest. */
#define FIELD_MAX_I32(width) (1 + VARINT_MAX)
#define FIELD_MAX_I64(width) (1 + VARINT_MAX)
#define FIELD_MAX_TIME(width) (1 + VARINT_MAX)
#define FIELD_MAX_MARK(width) (1 + VARINT_MAX)
#define FIELD_MAX_HASH(width) (3 + HASH_BYTES)
#define FIELD_MAX_TEXT(width) (3 + (width))
#define FIELD_MAX_JSON(width) (3 + (width))
#define FIELD_MAX(number, member, column, kind, width) FIELD_MAX_##kind(width) +
_Static_assert(USAGE_FIELDS(FIELD_MAX) USAGE_MARKS(FIELD_MAX) 0 <= USAGE_RECORD_MAX,
	       "a record fits its buffer");

static void *member_of(struct usage_event *e, const struct field *f)
{
	return (char *)e + f->offset;
}

static const void *const_member_of(const struct usage_event *e, const struct field *f)
{
	return (const char *)e + f->offset;
}

void usage_event_init(struct usage_event *e)
{
	*e = (struct usage_event){0};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].kind == KIND_I32)
			*(int32_t *)member_of(e, &fields[i]) = USAGE_NULL;
		else if (fields[i].kind == KIND_I64)
			*(int64_t *)member_of(e, &fields[i]) = USAGE_NULL;
	}
}

/* --- text --- */

/* Bytes of the character at p, 0 where it is none. NUL is none: PostgreSQL's text cannot
 * hold it. */
static size_t text_length(const unsigned char *p, size_t n)
{
	return p[0] == 0 ? 0 : utf8_length(p, n);
}

/* How many of the first max bytes are ASCII without NUL. */
static size_t plain_run(const unsigned char *p, size_t max)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t n = 0;
	uint64_t word;

	for (; n + sizeof word <= max; n += sizeof word) {
		memcpy(&word, p + n, sizeof word);
		/* A byte of 0 borrows into its top bit; a byte above 0x7f has it. */
		if (((word - ones) | word) & tops)
			break;
	}
	while (n < max && (unsigned char)(p[n] - 1) < 0x7f)
		n++;
	return n;
}

/* Copies s as clean UTF-8, at most width bytes; *cut tells whether it did not fit, in
 * which case the text ends in the mark. Returns the bytes written. */
static size_t put_utf8(unsigned char *to, size_t width, struct str s, bool *cut)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
	size_t out = 0, border = 0; /* border: the last one behind which the mark fits */

	*cut = false;
	while (p < end) {
		size_t left = (size_t)(end - p), room = width - MARK_BYTES - border;
		size_t run = out == border ? plain_run(p, left < room ? left : room) : 0;
		size_t used = run ? run : text_length(p, left);
		size_t k = used ? used : sizeof replacement - 1;
		const void *from = used ? (const void *)p : replacement;

		if (out + k > width) {
			*cut = true;
			memcpy(to + border, cut_mark, MARK_BYTES);
			return border + MARK_BYTES;
		}
		memcpy(to + out, from, k);
		p += used ? used : 1;
		out += k;
		if (out + MARK_BYTES <= width)
			border = out;
	}
	return out;
}

size_t usage_text_clean(char *to, size_t width, struct str s)
{
	bool cut;

	return put_utf8((unsigned char *)to, width, s, &cut);
}

/* --- fields --- */

static unsigned char *put_key(unsigned char *p, const struct field *f, unsigned wire)
{
	*p = (unsigned char)((unsigned)f->number << 1 | wire);
	return p + 1;
}

static unsigned char *put_integer(unsigned char *p, const struct field *f, int64_t value)
{
	uint64_t v = (uint64_t)value;

	p = put_key(p, f, WIRE_VARINT);
	for (; v >= 0x80; v >>= 7)
		*p++ = (unsigned char)(v | 0x80);
	*p++ = (unsigned char)v;
	return p;
}

static unsigned char *put_length(unsigned char *p, size_t n)
{
	p[0] = (unsigned char)(n & 0xff);
	p[1] = (unsigned char)(n >> 8);
	return p + 2;
}

static unsigned char *put_hash(unsigned char *p, const struct field *f, const void *hash)
{
	p = put_length(put_key(p, f, WIRE_BYTES), HASH_BYTES);
	memcpy(p, hash, HASH_BYTES);
	return p + HASH_BYTES;
}

static unsigned char *put_text(unsigned char *p, const struct field *f, struct str s)
{
	bool cut;
	size_t n;

	if (s.p == NULL)
		return p;
	n = put_utf8(p + 3, f->width, s, &cut);
	if (cut && f->kind == KIND_JSON)
		return p;
	put_length(put_key(p, f, WIRE_BYTES), n);
	return p + 3 + n;
}

static unsigned char *put_field(unsigned char *p, const struct field *f,
				const struct usage_event *e)
{
	const void *member = const_member_of(e, f);
	int64_t value = USAGE_NULL;

	switch ((enum field_kind)f->kind) {
	case KIND_I32:
		value = *(const int32_t *)member;
		break;
	case KIND_I64:
		value = *(const int64_t *)member;
		break;
	case KIND_TIME:
		return put_integer(p, f, *(const int64_t *)member);
	case KIND_MARK:
		value = *(const int64_t *)member;
		return value == 0 ? p : put_integer(p, f, value);
	case KIND_HASH:
		return put_hash(p, f, member);
	case KIND_TEXT:
	case KIND_JSON:
		return put_text(p, f, *(const struct str *)member);
	}
	return value == USAGE_NULL ? p : put_integer(p, f, value);
}

size_t usage_event_encode(const struct usage_event *e, unsigned char *buf)
{
	unsigned char *p = buf;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		p = put_field(p, &fields[i], e);
	CHECK((size_t)(p - buf) <= USAGE_RECORD_MAX);
	return (size_t)(p - buf);
}

/* --- decoding --- */

struct value {
	unsigned wire;
	int64_t integer;
	struct str bytes;
};

static bool take_varint(const unsigned char **p, const unsigned char *end, int64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned char c = *(*p)++;

		if (shift == 63 && c > 1)
			return false;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*out = (int64_t)v;
			return true;
		}
	}
	return false;
}

static bool take_bytes(const unsigned char **p, const unsigned char *end, struct str *out)
{
	size_t n;

	if (end - *p < 2)
		return false;
	n = (size_t)((*p)[0] | (*p)[1] << 8);
	*p += 2;
	if ((size_t)(end - *p) < n)
		return false;
	*out = (struct str){(const char *)*p, n};
	*p += n;
	return true;
}

static bool store(struct usage_event *e, const struct field *f, const struct value *v)
{
	bool is_bytes =
		f->kind == KIND_HASH || f->kind == KIND_TEXT || f->kind == KIND_JSON;
	void *member = member_of(e, f);

	if (v->wire != (is_bytes ? WIRE_BYTES : WIRE_VARINT))
		return false;
	switch ((enum field_kind)f->kind) {
	case KIND_I32:
		if (v->integer < INT32_MIN || v->integer > INT32_MAX)
			return false;
		*(int32_t *)member = (int32_t)v->integer;
		break;
	case KIND_I64:
	case KIND_TIME:
	case KIND_MARK:
		*(int64_t *)member = v->integer;
		break;
	case KIND_HASH:
		if (v->bytes.n != HASH_BYTES)
			return false;
		memcpy(member, v->bytes.p, HASH_BYTES);
		break;
	case KIND_TEXT:
	case KIND_JSON:
		*(struct str *)member = v->bytes;
		break;
	}
	return true;
}

static const struct field *field_of(unsigned number)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].number == number)
			return &fields[i];
	return NULL;
}

bool usage_event_decode(struct usage_event *e, const unsigned char *buf, size_t n)
{
	const unsigned char *p = buf, *end = buf + n;
	bool has_hash = false, has_time = false;

	usage_event_init(e);
	while (p < end) {
		struct value v = {.wire = *p & 1u};
		const struct field *f = field_of((unsigned)*p++ >> 1);

		if (v.wire == WIRE_VARINT ? !take_varint(&p, end, &v.integer)
					  : !take_bytes(&p, end, &v.bytes))
			return false;
		if (f == NULL)
			continue;
		if (!store(e, f, &v))
			return false;
		has_hash |= f->kind == KIND_HASH;
		has_time |= f->kind == KIND_TIME;
	}
	return has_hash && has_time;
}
