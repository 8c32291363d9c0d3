/* Times as people say them. */
#include "gateway/cli/ago.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/str.h"

void ago_text(char out[AGO_MAX], int64_t then, int64_t now)
{
	/* Each is used from `from` on; so "90 min" stays exact where "1 h" would not. */
	static const struct {
		int64_t from, unit;
		const char *one, *many;
	} units[] = {
		{2 * 365 * 86400ll, 365 * 86400ll, "year", "years"},
		{60 * 86400, 30 * 86400, "month", "months"},
		{2 * 86400, 86400, "day", "days"},
		{2 * 3600, 3600, "h", "h"},
		{60, 60, "min", "min"},
		{5, 1, "s", "s"},
	};
	int64_t age = now > then ? now - then : then - now;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t count = age / units[i].unit;

		if (age < units[i].from)
			continue;
		snprintf(out, AGO_MAX, "%s%lld %s%s", now >= then ? "" : "in ",
			 (long long)count, count == 1 ? units[i].one : units[i].many,
			 now >= then ? " ago" : "");
		return;
	}
	snprintf(out, AGO_MAX, "now");
}

/* Digits of a fixed place. */
static bool number_at(struct str text, size_t at, size_t n, int *out)
{
	uint64_t value;

	if (at + n > text.n || !str_to_u64((struct str){text.p + at, n}, &value))
		return false;
	*out = (int)value;
	return true;
}

/* "", "Z", "+05:30", "+00". */
static bool offset_of(struct str text, int64_t *seconds)
{
	int hours = 0, minutes = 0;

	*seconds = 0;
	if (text.n == 0 || (text.n == 1 && (text.p[0] == 'Z' || text.p[0] == 'z')))
		return true;
	if ((text.p[0] != '+' && text.p[0] != '-') || !number_at(text, 1, 2, &hours))
		return false;
	if (text.n == 6 && text.p[3] == ':') {
		if (!number_at(text, 4, 2, &minutes))
			return false;
	} else if (text.n != 3) {
		return false;
	}
	*seconds = (hours * 60 + minutes) * 60ll;
	if (text.p[0] == '-')
		*seconds = -*seconds;
	return true;
}

bool ago_parse(const char *text, int64_t *then)
{
	struct str s = str_of(text);
	struct tm tm = {0};
	int64_t offset;
	size_t end = 19;

	if (!number_at(s, 0, 4, &tm.tm_year) || !number_at(s, 5, 2, &tm.tm_mon) ||
	    !number_at(s, 8, 2, &tm.tm_mday) || !number_at(s, 11, 2, &tm.tm_hour) ||
	    !number_at(s, 14, 2, &tm.tm_min) || !number_at(s, 17, 2, &tm.tm_sec) ||
	    s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != ' ') ||
	    s.p[13] != ':' || s.p[16] != ':')
		return false;
	if (end < s.n && s.p[end] == '.')
		end += 1 + strspn(s.p + end + 1, "0123456789");
	if (!offset_of((struct str){s.p + end, s.n - end}, &offset))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*then = (int64_t)timegm(&tm) - offset;
	return true;
}
