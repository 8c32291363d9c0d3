/* What a question may hold. */
#include "gateway/statistics/question_fields.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/str.h"

#define ARRAY_MAX (4u << 20)
#define ZONE_MAX 64
#define TIME_TEXT_MAX 48

/* Matches the start of text against a pattern, in which d is a digit and all else stands
 * for itself. Returns what is behind it, or NULL. */
static const char *match(const char *text, const char *pattern)
{
	for (; *pattern != '\0'; pattern++, text++)
		if (*pattern == 'd' ? !isdigit((unsigned char)*text) : *text != *pattern)
			return NULL;
	return text;
}

static const char *skip_fraction(const char *p)
{
	size_t n = *p == '.' ? strspn(p + 1, "0123456789") : 0;

	return n >= 1 && n <= 6 ? p + 1 + n : p;
}

static int two_digits(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* Up to 15:59, as PostgreSQL takes them. */
static const char *skip_offset(const char *p)
{
	const char *next;

	if (*p == 'Z')
		return p + 1;
	if ((*p != '+' && *p != '-') || match(p + 1, "dd") == NULL ||
	    two_digits(p + 1) > 15)
		return p;
	next = match(p + 1, "dd:dd");
	if (next == NULL)
		return p + 3;
	return two_digits(p + 4) < 60 ? next : p;
}

/* The Gregorian calendar's. */
static bool is_day(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && leap);
}

bool question_time_is_valid(const char *text, bool *has_offset)
{
	const char *p = match(text, "dddd-dd-dd"), *next;

	*has_offset = false;
	if (p == NULL || strncmp(text, "1970", 4) < 0 || strncmp(text, "2200", 4) >= 0 ||
	    !is_day(two_digits(text) * 100 + two_digits(text + 2), two_digits(text + 5),
		    two_digits(text + 8)))
		return false;
	if (*p == '\0')
		return true;
	if (*p != 'T' && *p != ' ')
		return false;
	p = match(p + 1, "dd:dd");
	if (p == NULL || two_digits(p - 5) > 23 || two_digits(p - 2) > 59)
		return false;
	next = match(p, ":dd");
	if (next != NULL && two_digits(next - 2) > 59)
		return false;
	if (next != NULL)
		p = skip_fraction(next);
	next = skip_offset(p);
	*has_offset = next != p;
	return *next == '\0';
}

bool question_time_lost_plus(const char *text)
{
	char copy[TIME_TEXT_MAX];
	bool has_offset;
	size_t n = strlen(text);
	char *blank;

	if (n >= sizeof copy)
		return false;
	memcpy(copy, text, n + 1);
	blank = strrchr(copy, ' ');
	if (blank == NULL || blank - copy <= 10)
		return false;
	*blank = '+';
	return question_time_is_valid(copy, &has_offset) && has_offset;
}

/* IANA's names of one word (the files `backward`, `etcetera` and others of its tz
 * database). Whatever else has no slash is PostgreSQL's own: abbreviations, among them
 * IST for Israel, and "XYZ+5". */
static const char *const short_zones[] = {
	"CET",       "CST6CDT",   "Cuba",     "EET",     "EST",    "EST5EDT",   "Egypt",
	"Eire",      "GB",        "GB-Eire",  "GMT",     "GMT+0",  "GMT-0",     "GMT0",
	"Greenwich", "HST",       "Hongkong", "Iceland", "Iran",   "Israel",    "Jamaica",
	"Japan",     "Kwajalein", "Libya",    "MET",     "MST",    "MST7MDT",   "NZ",
	"NZ-CHAT",   "Navajo",    "PRC",      "PST8PDT", "Poland", "Portugal",  "ROC",
	"ROK",       "Singapore", "Turkey",   "UCT",     "UTC",    "Universal", "W-SU",
	"WET",       "Zulu",
};

bool question_zone_is_valid(const char *text)
{
	size_t n = strlen(text);

	if (strchr(text, '/') == NULL) {
		for (size_t i = 0; i < ARRAY_LEN(short_zones); i++)
			if (strcasecmp(text, short_zones[i]) == 0)
				return true;
		return false;
	}
	if (n > ZONE_MAX || !isalpha((unsigned char)text[0]))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("/_+-", *p) == NULL)
			return false;
	return true;
}

char *question_step(const char *text)
{
	static const struct unit {
		const char *name, *interval;
		unsigned long most, multiple;
	} units[] = {
		{"m", "minutes", 1440, 15}, {"h", "hours", 24, 1},
		{"d", "days", 366, 1},      {"w", "days", 53, 1},
		{"mo", "months", 24, 1},    {"y", "years", 10, 1},
	};
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 8)
		return NULL;
	n = strtoul(text, &end, 10);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (n == 0 || n > units[i].most || n % units[i].multiple != 0)
			return NULL;
		return xasprintf("%lu %s", *end == 'w' ? 7 * n : n, units[i].interval);
	}
	return NULL;
}

bool question_place(const char *text, char **used_at, char **id)
{
	const char *slash = strchr(text, '/');
	bool has_offset;

	if (slash == NULL || slash[1] == '\0' || strlen(slash + 1) > 18 ||
	    strspn(slash + 1, "0123456789") != strlen(slash + 1))
		return false;
	*used_at = xstrndup(text, (size_t)(slash - text));
	if (!question_time_is_valid(*used_at, &has_offset) || has_offset) {
		free(*used_at);
		*used_at = NULL;
		return false;
	}
	*id = xstrdup(slash + 1);
	return true;
}

bool question_network_is_valid(const char *text)
{
	unsigned char address[16];
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	int most = memchr(text, ':', n) ? 128 : 32;

	if (n >= sizeof host)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(most == 128 ? AF_INET6 : AF_INET, host, address) != 1)
		return false;
	return slash == NULL ||
	       (digits >= 1 && digits <= 3 && slash[1 + digits] == '\0' &&
		strtol(slash + 1, NULL, 10) <= most);
}

bool question_id_time(const char *text, int64_t *unix_ms)
{
	char hex[13];

	if (strlen(text) != 36)
		return false;
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23
			    ? text[i] != '-'
			    : !isxdigit((unsigned char)text[i]))
			return false;
	if (text[14] != '7')
		return false;
	memcpy(hex, text, 8);
	memcpy(hex + 8, text + 9, 4);
	hex[12] = '\0';
	*unix_ms = (int64_t)strtoll(hex, NULL, 16);
	return *unix_ms < INT64_C(7258118400000); /* the year 2200 */
}

char *question_time_text(int64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;
	char text[32];

	CHECK(gmtime_r(&seconds, &tm) != NULL);
	CHECK(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) > 0);
	return xasprintf("%s.%03d", text, (int)(unix_ms % 1000));
}

static char *finish(struct sbuf *b)
{
	char *text;

	sbuf_lit(b, "}");
	CHECK(!b->overflow);
	text = xstrndup(b->p, b->n);
	sbuf_fini(b);
	return text;
}

char *question_ids_array(const int64_t *ids, size_t n)
{
	struct sbuf b;

	sbuf_init(&b, ARRAY_MAX);
	sbuf_lit(&b, "{");
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&b, "%s%lld", i ? "," : "", (long long)ids[i]);
	return finish(&b);
}

char *question_texts_array(const char *const *texts, size_t n)
{
	struct sbuf b;

	sbuf_init(&b, ARRAY_MAX);
	sbuf_lit(&b, "{");
	for (size_t i = 0; i < n; i++) {
		sbuf_str(&b, i ? STR(",\"") : STR("\""));
		for (const char *p = texts[i]; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				sbuf_lit(&b, "\\");
			sbuf_add(&b, p, 1);
		}
		sbuf_lit(&b, "\"");
	}
	return finish(&b);
}
