/* An event as one line of COPY's text format (PostgreSQL manual, COPY, "Text Format"). */
#include "gateway/recorder/copy_row.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"

#define DAY_US INT64_C(86400000000)
#define NODE_MAX 255u

/* The longest line: each byte of text may need a backslash. */
#define MAX_I32(width) 21
#define MAX_I64(width) 21
#define MAX_TIME(width) USAGE_TIME_TEXT_MAX
#define MAX_HASH(width) 65
#define MAX_TEXT(width) (2 * (width) + 1)
#define MAX_JSON(width) (2 * (width) + 1)
#define MAX_FIELD(number, member, column, kind, width) MAX_##kind(width) +
#define ROW_MAX (USAGE_FIELDS(MAX_FIELD) 2 * NODE_MAX + 1)

static char *put_null(char *p)
{
	p[0] = '\\';
	p[1] = 'N';
	return p + 2;
}

static char *put_integer(char *p, int64_t value)
{
	char digits[20];
	size_t i = sizeof digits;
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (value == USAGE_NULL)
		return put_null(p);
	if (value < 0)
		*p++ = '-';
	do
		digits[--i] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	memcpy(p, digits + i, sizeof digits - i);
	return p + (sizeof digits - i);
}

/* The letter behind the backslash, 0 where the byte stands for itself. */
static char escape_of(char c)
{
	switch (c) {
	case '\\':
		return '\\';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\v':
		return 'v';
	default:
		return 0;
	}
}

static char *put_text(char *p, struct str s)
{
	if (s.p == NULL)
		return put_null(p);
	for (size_t i = 0; i < s.n; i++) {
		char escape = escape_of(s.p[i]);

		if (escape)
			*p++ = '\\';
		*p++ = escape ? escape : s.p[i];
	}
	return p;
}

void copy_text_add(struct sbuf *out, struct str s)
{
	char *p = sbuf_reserve(out, 2 * s.n + 2);

	if (p != NULL)
		out->n += (size_t)(put_text(p, s) - p);
}

static char *put_time(char *p, int64_t time_us)
{
	char text[USAGE_TIME_TEXT_MAX];
	size_t n;

	usage_time_text(text, time_us);
	n = strlen(text);
	memcpy(p, text, n);
	return p + n;
}

static char *put_hash(char *p, const unsigned char hash[32])
{
	hex_encode(p, hash, 32);
	return p + 64;
}

#define PUT_I32(p, v) put_integer(p, v)
#define PUT_I64(p, v) put_integer(p, v)
#define PUT_TIME(p, v) put_time(p, v)
#define PUT_HASH(p, v) put_hash(p, v)
#define PUT_TEXT(p, v) put_text(p, v)
#define PUT_JSON(p, v) put_text(p, v)
#define PUT_FIELD(number, member, column, kind, width)                                   \
	p = PUT_##kind(p, e->member);                                                    \
	*p++ = '\t';

void copy_row_add(struct sbuf *out, const struct usage_event *e, struct str node)
{
	char *start = sbuf_reserve(out, ROW_MAX), *p = start;

	if (start == NULL)
		return;
	if (node.n > NODE_MAX)
		node.n = NODE_MAX;
	USAGE_FIELDS(PUT_FIELD)
	p = put_text(p, node);
	*p++ = '\n';
	CHECK((size_t)(p - start) <= ROW_MAX);
	out->n += (size_t)(p - start);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t usage_day_of(int64_t time_us)
{
	return floor_div(time_us, DAY_US);
}

struct date {
	int64_t year;
	unsigned month, day;
};

/* The proleptic Gregorian date, in eras of 400 years that start on the first of March
 * (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days). */
static struct date date_of(int64_t day)
{
	int64_t since = day + 719468, era = floor_div(since, 146097);
	unsigned doe = (unsigned)(since - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	struct date d = {.month = mp < 10 ? mp + 3 : mp - 9,
			 .day = doy - (153 * mp + 2) / 5 + 1};

	d.year = (int64_t)yoe + era * 400 + (d.month <= 2);
	return d;
}

void usage_day_text(char out[USAGE_TIME_TEXT_MAX], int64_t day)
{
	struct date d = date_of(day);

	snprintf(out, USAGE_TIME_TEXT_MAX, "%04lld-%02u-%02u", (long long)d.year, d.month,
		 d.day);
}

void usage_time_text(char out[USAGE_TIME_TEXT_MAX], int64_t time_us)
{
	struct date d = date_of(usage_day_of(time_us));
	int64_t in_day = time_us % DAY_US + (time_us % DAY_US < 0 ? DAY_US : 0);
	unsigned seconds = (unsigned)(in_day / 1000000);

	snprintf(out, USAGE_TIME_TEXT_MAX, "%04lld-%02u-%02u %02u:%02u:%02u.%06u",
		 (long long)d.year, d.month, d.day, seconds / 3600, seconds / 60 % 60,
		 seconds % 60, (unsigned)(in_day % 1000000));
}
