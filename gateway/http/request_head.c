/* A request's head, checked strictly: RFC 9112 sections 2-7, RFC 9110 5-7. */
#include "gateway/http/request_head.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/utf8.h"
#include "gateway/http/head_lines.h"

#define LEADING_CRLF_MAX 4 /* empty lines before the request line */
#define EARLY_LOOK 256     /* bytes of an incomplete head that are looked at */
#define IPV6_TEXT_MAX 45
#define PORT_DIGITS 5

static bool refuse(struct head_refusal *why, int status, const char *detail)
{
	*why = (struct head_refusal){status, detail, false};
	return false;
}

/* A record with a handshake of TLS 1.0 to 1.3 (RFC 8446 5.1): what a client begins with
 * that takes this for a port of TLS. */
static bool is_tls(const char *p, size_t n)
{
	return n >= 3 && p[0] == 0x16 && p[1] == 3 && p[2] >= 0 && p[2] <= 4;
}

static bool refuse_tls(struct head_refusal *why)
{
	*why = (struct head_refusal){
		400,
		"the client speaks TLS, and this port plain HTTP: use http://, or a port "
		"of tls.listen",
		true};
	return false;
}

static size_t blank_prefix(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == '\r' || p[i] == '\n'))
		i++;
	return i;
}

size_t request_head_end(const char *p, size_t n, size_t *scan)
{
	if (*scan == 0) {
		size_t blank = blank_prefix(p, n);

		if (blank == n)
			return 0;
		*scan = blank;
	}
	return head_lines_end(p, n, scan);
}

/* --- size --- */

/* n counts the whole head with its blank leading bytes. */
static bool refuse_size(const char *p, size_t n, size_t blank,
			const struct head_limits *limits, struct head_refusal *why)
{
	size_t max = limits->head_bytes;
	size_t line_max = max < REQUEST_LINE_MAX ? max : REQUEST_LINE_MAX;
	size_t look = n - blank < line_max + 2 ? n - blank : line_max + 2;

	if ((n > max || look == line_max + 2) && memchr(p + blank, '\n', look) == NULL)
		return !refuse(why, 414, "the request line is too long");
	if (n > max)
		return !refuse(why, 431, "the request's head is too large");
	return false;
}

bool request_head_refuse_early(const char *p, size_t n, const struct head_limits *limits,
			       struct head_refusal *why)
{
	size_t blank = blank_prefix(p, n);
	size_t look = n < blank + EARLY_LOOK ? n : blank + EARLY_LOOK;

	if (is_tls(p, n))
		return !refuse_tls(why);
	if (n > 0 && n < 3 && p[0] == 0x16)
		return false; /* the next bytes tell */
	if (blank > 2 * LEADING_CRLF_MAX)
		return !refuse(why, 400, "too many empty lines before the request");
	if (blank < n && http_token_span((struct str){p + blank, 1}) == 0)
		return !refuse(why, 400, "this is not an HTTP request");
	for (size_t i = blank; i < look && p[i] != '\n'; i++)
		if ((unsigned char)p[i] < 0x20 &&
		    !(p[i] == '\r' && (i + 1 == n || p[i + 1] == '\n')))
			return !refuse(why, 400,
				       "the request line has a control character");
	return refuse_size(p, n, blank, limits, why);
}

static bool skip_leading(struct head_cursor *c, struct head_refusal *why)
{
	for (unsigned i = 0; c->end - c->p >= 2 && c->p[0] == '\r' && c->p[1] == '\n';
	     i++) {
		if (i == LEADING_CRLF_MAX)
			return refuse(why, 400,
				      "too many empty lines before the request");
		c->p += 2;
	}
	return true;
}

/* --- Host and authority (RFC 3986 3.2.2, RFC 9110 7.2) --- */

static bool is_ipv6(struct str s)
{
	char text[IPV6_TEXT_MAX + 1];
	struct in6_addr addr;

	return str_copy(text, sizeof text, s) && inet_pton(AF_INET6, text, &addr) == 1;
}

/* host [ ":" port ]; an empty port is legal. */
static bool is_authority(struct str s)
{
	const char *end, *colon;
	struct str port = {NULL, 0};
	uint64_t number = 0;

	if (s.n && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		if (end == NULL ||
		    !is_ipv6((struct str){s.p + 1, (size_t)(end - s.p) - 1}))
			return false;
		port = (struct str){end + 1, (size_t)(s.p + s.n - end) - 1};
		if (port.n && *port.p != ':')
			return false;
	} else {
		colon = memchr(s.p, ':', s.n);
		if (colon == s.p)
			return false;
		if (colon != NULL)
			port = (struct str){colon, (size_t)(s.p + s.n - colon)};
		if (!http_is_reg_name((struct str){s.p, s.n - port.n}))
			return false;
	}
	if (port.n <= 1)
		return true;
	return head_number((struct str){port.p + 1, port.n - 1}, PORT_DIGITS, &number) &&
	       number <= 65535;
}

/* --- request line (RFC 9112 3) --- */

static void split_query(struct request_head *h, struct str s)
{
	const char *mark = memchr(s.p, '?', s.n);

	h->path = s;
	if (mark == NULL)
		return;
	h->path.n = (size_t)(mark - s.p);
	h->has_query = true;
	h->query = (struct str){mark + 1, s.n - h->path.n - 1};
}

/* Bytes of "http://" or "https://" at the start; 0: neither. */
static size_t scheme_length(struct str target)
{
	if (target.n >= 7 && str_ieq((struct str){target.p, 7}, STR("http://")))
		return 7;
	if (target.n >= 8 && str_ieq((struct str){target.p, 8}, STR("https://")))
		return 8;
	return 0;
}

/* RFC 9112 3.2.2: the authority takes Host's place. */
static bool parse_absolute(struct request_head *h, size_t scheme,
			   struct head_refusal *why)
{
	struct str rest = {h->target.p + scheme, h->target.n - scheme};
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	h->host = (struct str){rest.p, n};
	if (memchr(rest.p, '@', n) != NULL)
		return refuse(why, 400, "user information in the target is not allowed");
	if (n == 0 || !is_authority(h->host))
		return refuse(why, 400, "the target's host is not valid");
	rest = (struct str){rest.p + n, rest.n - n};
	if (rest.n && rest.p[0] == '/') {
		split_query(h, rest);
		return true;
	}
	if (rest.n)
		split_query(h, rest);
	/* RFC 9112 3.2.4: OPTIONS for the server as a whole. */
	h->path = h->method == HTTP_OPTIONS && rest.n == 0 ? STR("*") : STR("/");
	return true;
}

/* RFC 3986 2 asks for percent-encoding. What is left of it in UTF-8 can mean one thing
 * only; other bytes, and forms of UTF-8 that some decoders take for ASCII, cannot. */
static bool check_characters(struct request_head *h, struct head_refusal *why)
{
	const unsigned char *p = (const unsigned char *)h->target.p;
	size_t length;

	if (http_is_target(h->target))
		return true;
	for (size_t i = 0; i < h->target.n; i += length) {
		length = utf8_length(p + i, h->target.n - i);
		if (length == 0)
			return refuse(why, 400,
				      "the target holds bytes that are no UTF-8; "
				      "percent-encode them");
		if (length == 1 && !http_is_target((struct str){h->target.p + i, 1}))
			return refuse(why, 400,
				      "the target has a character that is not allowed; "
				      "percent-encode it");
	}
	h->has_utf8 = true;
	return true;
}

static bool parse_target(struct request_head *h, struct head_refusal *why)
{
	size_t scheme;

	if (h->target.n == 0)
		return refuse(why, 400, "the request line has no target");
	if (!check_characters(h, why))
		return false;
	if (h->target.p[0] == '/') {
		split_query(h, h->target);
		return true;
	}
	if (h->method == HTTP_OPTIONS && str_eq(h->target, STR("*"))) {
		h->path = h->target;
		return true;
	}
	scheme = scheme_length(h->target);
	if (scheme == 0)
		return refuse(why, 400, "the target must be a path or an http URL");
	return parse_absolute(h, scheme, why);
}

/* RFC 9110 2.5: a minor version above ours is read as ours. */
static bool parse_version(struct request_head *h, struct str v, struct head_refusal *why)
{
	if (v.n == 8 && memcmp(v.p, "HTTP/1.", 7) == 0 && v.p[7] >= '0' &&
	    v.p[7] <= '9') {
		h->minor = v.p[7] == '0' ? 0 : 1;
		return true;
	}
	if (v.n == 8 && memcmp(v.p, "HTTP/", 5) == 0 && v.p[5] >= '0' && v.p[5] <= '9' &&
	    v.p[6] == '.' && v.p[7] >= '0' && v.p[7] <= '9')
		return refuse(why, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	return refuse(why, 400, "the request line has no valid HTTP version");
}

static bool parse_request_line(struct request_head *h, struct str line,
			       struct head_refusal *why)
{
	size_t method = http_token_span(line), target;
	struct str rest;
	const char *sp;

	if (method == 0 || method == line.n || line.p[method] != ' ')
		return refuse(why, 400, "the request line has no valid method");
	h->method_name = (struct str){line.p, method};
	h->method = http_method_of(h->method_name);
	rest = (struct str){line.p + method + 1, line.n - method - 1};
	sp = memchr(rest.p, ' ', rest.n);
	if (sp == NULL)
		return refuse(why, 400, "the request line has no HTTP version");
	target = (size_t)(sp - rest.p);
	h->target = (struct str){rest.p, target};
	if (!parse_version(h, (struct str){sp + 1, rest.n - target - 1}, why))
		return false;
	if (str_eq(h->method_name, STR("CONNECT")) ||
	    str_eq(h->method_name, STR("TRACE")))
		return refuse(why, 405, "CONNECT and TRACE are not offered");
	return parse_target(h, why);
}

/* --- fields --- */

/* Where two of a kind could be read in two ways. */
#define SINGLE_FIELDS                                                                    \
	(HTTP_H_BIT(HTTP_H_HOST) | HTTP_H_BIT(HTTP_H_CONTENT_LENGTH) |                   \
	 HTTP_H_BIT(HTTP_H_TRANSFER_ENCODING) | HTTP_H_BIT(HTTP_H_MAX_FORWARDS))

static bool parse_fields(struct request_head *h, struct head_cursor *c, unsigned max,
			 struct head_refusal *why)
{
	struct http_field spare, *f;
	enum head_line line;
	const char *sentence = NULL;

	for (;;) {
		f = h->n_fields < max ? &h->fields[h->n_fields] : &spare;
		line = head_take_field(c, f, &sentence);
		if (line == HEAD_LINE_END)
			return true;
		if (line == HEAD_LINE_BAD)
			return refuse(why, 400, sentence);
		if (f == &spare)
			return refuse(why, 431, "the request has too many fields");
		if (h->seen & HTTP_H_BIT(f->id) & SINGLE_FIELDS)
			return refuse(why, 400, "a field that may come once comes twice");
		h->seen |= HTTP_H_BIT(f->id);
		h->n_fields++;
	}
}

const struct http_field *request_head_field(const struct request_head *h,
					    enum http_field_id id, unsigned *count)
{
	const struct http_field *found = NULL;
	unsigned n = 0;

	for (unsigned i = 0; request_head_has(h, id) && i < h->n_fields; i++) {
		if (h->fields[i].id != id)
			continue;
		found = &h->fields[i];
		n++;
	}
	if (count != NULL)
		*count = n;
	return n == 1 ? found : NULL;
}

static bool check_host(struct request_head *h, struct head_refusal *why)
{
	const struct http_field *f = request_head_field(h, HTTP_H_HOST, NULL);

	if (f == NULL)
		return h->minor == 0 ||
		       refuse(why, 400, "an HTTP/1.1 request needs Host");
	if (!is_authority(f->value))
		return refuse(why, 400, "Host is not valid");
	if (h->host.n == 0)
		h->host = f->value;
	return true;
}

/* A value that is not just "chunked": which refusal it earns. RFC 9112 6.3 wants 400
 * where the end cannot be found, 6.1 wants 501 for a coding that is not known. */
static bool refuse_coding(struct str value, struct head_refusal *why)
{
	struct str list = value, coding = {NULL, 0};
	bool chunked = false, misplaced = false;
	unsigned n = 0;

	while (str_list_next(&list, &coding)) {
		misplaced |= chunked || !http_is_token(coding);
		chunked |= str_ieq(coding, STR("chunked"));
		n++;
	}
	if (n <= 1 && (chunked || misplaced))
		misplaced = true;
	if (n == 0 || misplaced)
		return refuse(why, 400,
			      "Transfer-Encoding is not valid; only chunked is known");
	return refuse(why, 501, "only the transfer coding chunked is known");
}

/* RFC 9112 6.3. */
static bool check_framing(struct request_head *h, struct head_refusal *why)
{
	const struct http_field *te =
		request_head_field(h, HTTP_H_TRANSFER_ENCODING, NULL);
	const struct http_field *length =
		request_head_field(h, HTTP_H_CONTENT_LENGTH, NULL);

	if (te != NULL) {
		if (length != NULL)
			return refuse(why, 400, "Content-Length and Transfer-Encoding");
		if (h->minor == 0)
			return refuse(why, 400, "HTTP/1.0 has no Transfer-Encoding");
		if (!str_ieq(te->value, STR("chunked")))
			return refuse_coding(te->value, why);
		h->framing = HTTP_CHUNKED;
	} else if (length != NULL) {
		if (!head_content_length(length->value, &h->content_length))
			return refuse(why, 400, "Content-Length is not valid");
		h->framing = HTTP_LENGTH;
	}
	return true;
}

/* RFC 9110 10.1.1: 1.0 clients cannot wait, and without a body there is nothing to wait
 * for. */
static bool check_expect(struct request_head *h, struct head_refusal *why)
{
	bool body = h->framing == HTTP_CHUNKED || h->content_length > 0;

	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str list = h->fields[i].value, item;

		if (h->fields[i].id != HTTP_H_EXPECT)
			continue;
		while (str_list_next(&list, &item)) {
			if (!str_ieq(item, STR("100-continue")))
				return refuse(why, 417,
					      "only 100-continue can be expected");
			h->expect_continue = body && h->minor == 1;
		}
	}
	return true;
}

static void read_te(struct request_head *h)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str list = h->fields[i].value, item;

		if (h->fields[i].id != HTTP_H_TE)
			continue;
		while (str_list_next(&list, &item))
			h->te_trailers |= str_ieq(item, STR("trailers"));
	}
}

static bool check_connection(struct request_head *h, struct head_refusal *why)
{
	struct head_connection options = {0};
	const struct http_field *upgrade;

	if (request_head_has(h, HTTP_H_CONNECTION) &&
	    !head_read_connection(h->fields, h->n_fields, &options))
		return refuse(why, 400, "Connection names too many options");
	h->close = options.close || h->minor == 0;
	upgrade = request_head_field(h, HTTP_H_UPGRADE, NULL);
	if (options.upgrade && upgrade != NULL && h->minor == 1)
		h->upgrade = upgrade->value;
	return true;
}

static bool check_max_forwards(const struct request_head *h, struct head_refusal *why)
{
	const struct http_field *f = request_head_field(h, HTTP_H_MAX_FORWARDS, NULL);

	for (size_t i = 0; f != NULL && i < f->value.n; i++)
		if (f->value.p[i] < '0' || f->value.p[i] > '9')
			return refuse(why, 400, "Max-Forwards is not a number");
	if (f != NULL && f->value.n == 0)
		return refuse(why, 400, "Max-Forwards is not a number");
	return true;
}

static void clear(struct request_head *h)
{
	memset(h, 0, offsetof(struct request_head, fields));
	h->minor = 1;
}

bool request_head_parse(struct request_head *h, const char *p, size_t n,
			const struct head_limits *limits, struct head_refusal *why)
{
	struct head_cursor c = {p, p + n};
	unsigned max = limits->headers < REQUEST_FIELDS_MAX ? limits->headers
							    : REQUEST_FIELDS_MAX;
	struct str line;

	CHECK(n > 0 && p[n - 1] == '\n');
	clear(h);
	if (is_tls(p, n))
		return refuse_tls(why);
	if (!skip_leading(&c, why))
		return false;
	if (refuse_size(p, n, (size_t)(c.p - p), limits, why))
		return false;
	if (!head_take_line(&c, &line))
		return refuse(why, 400, "lines must end in CRLF");
	if (!parse_request_line(h, line, why) || !parse_fields(h, &c, max, why))
		return false;
	if (!check_host(h, why) || !check_framing(h, why) || !check_connection(h, why))
		return false;
	if (request_head_has(h, HTTP_H_EXPECT) && !check_expect(h, why))
		return false;
	if (request_head_has(h, HTTP_H_TE))
		read_te(h);
	return check_max_forwards(h, why);
}
