/* HTTP's vocabulary: methods, field names, status phrases, character classes. */
#include "common/http.h"

#include "common/check.h"

/* Eight bytes at a time, after S. E. Anderson, "Bit Twiddling Hacks". */
#define ONES UINT64_C(0x0101010101010101)
#define HIGHS (ONES * 0x80)

static inline uint64_t load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

static inline uint32_t load4(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* Not zero if some byte of x is below limit (<= 128). */
static inline uint64_t any_below(uint64_t x, unsigned char limit)
{
	return (x - ONES * limit) & ~x & HIGHS;
}

static inline uint64_t any_equal(uint64_t x, unsigned char c)
{
	return any_below(x ^ (ONES * c), 1);
}

static const struct str method_names[HTTP_METHOD_COUNT] = {
	[HTTP_GET] = {"GET", 3},         [HTTP_HEAD] = {"HEAD", 4},
	[HTTP_POST] = {"POST", 4},       [HTTP_PUT] = {"PUT", 3},
	[HTTP_PATCH] = {"PATCH", 5},     [HTTP_DELETE] = {"DELETE", 6},
	[HTTP_OPTIONS] = {"OPTIONS", 7},
};

enum http_method http_method_of(struct str name)
{
	for (int m = 0; m < HTTP_METHOD_COUNT; m++)
		if (str_eq(name, method_names[m]))
			return (enum http_method)m;
	return HTTP_OTHER;
}

const char *http_method_name(enum http_method m)
{
	return m < HTTP_METHOD_COUNT ? method_names[m].p : "other";
}

void http_add_allow(struct sbuf *out, uint32_t methods)
{
	const char *separator = "Allow: ";

	for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
		if (!(methods & HTTP_METHOD_BIT(m)))
			continue;
		sbuf_str(out, str_of(separator));
		sbuf_str(out, method_names[m]);
		separator = ", ";
	}
	sbuf_lit(out, "\r\n");
}

bool http_method_is_idempotent(enum http_method m)
{
	return m != HTTP_POST && m != HTTP_PATCH && m != HTTP_OTHER;
}

/* Compares with a lower-case name of letters and '-'. A letter has bit 6 set, '-' has
 * not, so that the mask folds letters only. With n constant this is one or two words. */
static inline __attribute__((always_inline)) bool name_is(const char *p,
							  const char *lower, size_t n)
{
	size_t i = 0;

	if (n >= 8) {
		for (i = 0; i + 8 <= n; i += 8) {
			uint64_t want = load8(lower + i);

			if ((load8(p + i) | (want & ONES * 0x40) >> 1) != want)
				return false;
		}
		if (i < n) {
			uint64_t want = load8(lower + n - 8);

			return (load8(p + n - 8) | (want & ONES * 0x40) >> 1) == want;
		}
		return true;
	}
	for (; i + 4 <= n; i += 4) {
		uint32_t want = load4(lower + i);

		if ((load4(p + i) | (want & 0x40404040u) >> 1) != want)
			return false;
	}
	for (; i < n; i++)
		if (((unsigned char)p[i] | (lower[i] & 0x40) >> 1) != lower[i])
			return false;
	return true;
}

#define IS(id, name)                                                                     \
	if (name_is(p, name, sizeof(name) - 1))                                          \
	return HTTP_H_##id

static enum http_field_id short_field(const char *p, size_t n)
{
	switch (n) {
	case 2:
		IS(TE, "te");
		break;
	case 3:
		IS(VIA, "via");
		break;
	case 4:
		IS(HOST, "host");
		IS(DATE, "date");
		break;
	case 5:
		IS(PROXY, "proxy");
		break;
	case 6:
		IS(ACCEPT, "accept");
		IS(COOKIE, "cookie");
		IS(EXPECT, "expect");
		IS(ORIGIN, "origin");
		break;
	case 7:
		IS(API_KEY, "api-key");
		IS(BAGGAGE, "baggage");
		IS(TRAILER, "trailer");
		IS(UPGRADE, "upgrade");
		break;
	case 9:
		IS(X_API_KEY, "x-api-key");
		IS(FORWARDED, "forwarded");
		IS(X_REAL_IP, "x-real-ip");
		break;
	case 10:
		IS(CONNECTION, "connection");
		IS(USER_AGENT, "user-agent");
		IS(KEEP_ALIVE, "keep-alive");
		IS(TRACESTATE, "tracestate");
		IS(SET_COOKIE, "set-cookie");
		break;
	case 11:
		IS(TRACEPARENT, "traceparent");
		break;
	}
	return HTTP_H_OTHER;
}

static enum http_field_id long_field(const char *p, size_t n)
{
	switch (n) {
	case 12:
		IS(CONTENT_TYPE, "content-type");
		IS(X_REQUEST_ID, "x-request-id");
		IS(MAX_FORWARDS, "max-forwards");
		break;
	case 13:
		IS(AUTHORIZATION, "authorization");
		break;
	case 14:
		IS(CONTENT_LENGTH, "content-length");
		IS(X_GOOG_API_KEY, "x-goog-api-key");
		break;
	case 15:
		IS(X_FORWARDED_FOR, "x-forwarded-for");
		break;
	case 16:
		IS(CF_CONNECTING_IP, "cf-connecting-ip");
		IS(PROXY_CONNECTION, "proxy-connection");
		break;
	case 17:
		IS(TRANSFER_ENCODING, "transfer-encoding");
		IS(X_ACCEL_BUFFERING, "x-accel-buffering");
		break;
	case 18:
		IS(PROXY_AUTHENTICATE, "proxy-authenticate");
		break;
	case 19:
		IS(PROXY_AUTHORIZATION, "proxy-authorization");
		IS(TOLLGATE_REQUEST_ID, "tollgate-request-id");
		break;
	case 22:
		IS(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol");
		break;
	}
	return HTTP_H_OTHER;
}

enum http_field_id http_field_id(struct str name)
{
	const char *p = name.p;
	enum http_field_id id;

	if (name.n < 12)
		return short_field(p, name.n);
	id = long_field(p, name.n);
	if (id == HTTP_H_OTHER && (p[0] | 0x20) == 'x')
		IS(X_FORWARDED, "x-forwarded-");
	return id;
}

enum { CLASS_TOKEN = 1, CLASS_VALUE = 2, CLASS_HOST = 4 };

/* V: may stand in a field's value; T: in a token, too; H: in a host's name (unreserved
 * and sub-delims of RFC 3986), too; A: in all three. */
#define V CLASS_VALUE
#define T (CLASS_TOKEN | CLASS_VALUE)
#define H (CLASS_HOST | CLASS_VALUE)
#define A (CLASS_TOKEN | CLASS_HOST | CLASS_VALUE)
#define V16 V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V
/* clang-format off */
static const unsigned char char_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0, /* HTAB */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	V, A, V, T, A, T, A, A, H, H, A, A, H, A, A, V, /*  !"#$%&'()*+,-./ */
	A, A, A, A, A, A, A, A, A, A, V, H, V, H, V, V, /* 0123456789:;<=>? */
	V, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* @A-O */
	A, A, A, A, A, A, A, A, A, A, A, V, V, V, T, A, /* P-Z[\]^_ */
	T, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* `a-o */
	A, A, A, A, A, A, A, A, A, A, A, V, T, V, A, 0, /* p-z{|}~ */
	V16, V16, V16, V16, V16, V16, V16, V16,         /* obs-text */
};
/* clang-format on */
#undef V
#undef T
#undef H
#undef A
#undef V16

static inline bool is_in(unsigned char class, char c)
{
	return (char_class[(unsigned char)c] & class) != 0;
}

size_t http_token_span(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	/* Four at a time: names are most of a head. */
	while (i + 4 <= s.n &&
	       (char_class[p[i]] & char_class[p[i + 1]] & char_class[p[i + 2]] &
		char_class[p[i + 3]] & CLASS_TOKEN))
		i += 4;
	while (i < s.n && (char_class[p[i]] & CLASS_TOKEN))
		i++;
	return i;
}

bool http_is_token(struct str s)
{
	return s.n > 0 && http_token_span(s) == s.n;
}

bool http_is_reg_name(struct str s)
{
	unsigned char byte;

	for (size_t i = 0; i < s.n; i++) {
		if (is_in(CLASS_HOST, s.p[i]))
			continue;
		if (s.p[i] != '%' || s.n - i < 3 ||
		    !hex_decode(&byte, 1, (struct str){s.p + i + 1, 2}))
			return false;
		i += 2;
	}
	return true;
}

static bool all_value_bytes(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_in(CLASS_VALUE, p[i]))
			return false;
	return true;
}

/* Controls are rare, so whole words are looked at first: not zero if some byte may be
 * below 0x20 or be 0x7f. Such a word is checked again byte by byte, since HTAB may
 * stay. */
static inline bool word_is_value(const char *p)
{
	uint64_t x = load8(p);

	return (((x - ONES * 0x20) | (x + ONES)) & ~x & HIGHS) == 0 ||
	       all_value_bytes(p, 8);
}

bool http_is_field_value(struct str s)
{
	if (s.n < 8)
		return all_value_bytes(s.p, s.n);
	for (size_t i = 0; i + 8 < s.n; i += 8)
		if (!word_is_value(s.p + i))
			return false;
	return word_is_value(s.p + s.n - 8);
}

bool http_is_target(struct str s)
{
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		uint64_t x = load8(s.p + i);

		if ((x & HIGHS) | any_below(x, 0x21) | any_equal(x, 0x7f) |
		    any_equal(x, '#'))
			return false;
	}
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return false;
	}
	return s.n > 0;
}

size_t http_encode_high(char *out, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x80) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

struct reason {
	int status;
	const char *phrase;
};

/* The IANA registry of status codes, in order. */
static const struct reason reasons[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{102, "Processing"},
	{103, "Early Hints"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{203, "Non-Authoritative Information"},
	{204, "No Content"},
	{205, "Reset Content"},
	{206, "Partial Content"},
	{207, "Multi-Status"},
	{208, "Already Reported"},
	{226, "IM Used"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{305, "Use Proxy"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{423, "Locked"},
	{424, "Failed Dependency"},
	{425, "Too Early"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{451, "Unavailable For Legal Reasons"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{506, "Variant Also Negotiates"},
	{507, "Insufficient Storage"},
	{508, "Loop Detected"},
	{511, "Network Authentication Required"},
};

const char *http_reason(int status)
{
	static const char *const classes[] = {"Informational", "Successful",
					      "Redirection", "Client Error",
					      "Server Error"};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return status >= 100 && status < 600 ? classes[status / 100 - 1] : "Unknown";
}

static char *two_digits(char *p, unsigned v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

/* Days to a date after H. Hinnant, "chrono-compatible low-level date algorithms". */
void http_date(char out[HTTP_DATE_SIZE], int64_t unix_s)
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	const int64_t last = INT64_C(253402300799); /* 9999-12-31 23:59:59 */
	int64_t t = unix_s < 0 ? 0 : unix_s > last ? last : unix_s;
	unsigned second = (unsigned)(t % 86400), day = (unsigned)(t / 86400);
	unsigned z = day + 719468, era = z / 146097, doe = z % 146097;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153; /* from March */
	unsigned year = yoe + era * 400 + (mp >= 10);
	char *p = out;

	memcpy(p, days + day % 7 * 3, 3);
	memcpy(p + 3, ", ", 2);
	p = two_digits(p + 5, doy - (153 * mp + 2) / 5 + 1);
	*p++ = ' ';
	memcpy(p, months + mp * 3, 3);
	p[3] = ' ';
	p = two_digits(p + 4, year / 100);
	p = two_digits(p, year % 100);
	*p++ = ' ';
	p = two_digits(p, second / 3600);
	*p++ = ':';
	p = two_digits(p, second / 60 % 60);
	*p++ = ':';
	p = two_digits(p, second % 60);
	memcpy(p, " GMT", 5);
}
