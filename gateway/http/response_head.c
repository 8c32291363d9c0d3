/* An upstream's response head, checked as strictly as a request's (RFC 9112 4, 6, 9). */
#include "gateway/http/response_head.h"

#include "common/check.h"
#include "gateway/http/head_lines.h"

static bool bad(const char **why, const char *sentence)
{
	*why = sentence;
	return false;
}

size_t response_head_end(const char *p, size_t n, size_t *scan)
{
	return head_lines_end(p, n, scan);
}

/* HTTP-version SP status-code [ SP [ reason-phrase ] ]: RFC 9112 4 asks for the second
 * SP, but some servers leave it out where they have no phrase. */
static bool parse_status_line(struct response_head *h, struct str line, const char **why)
{
	uint64_t status;

	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || line.p[7] < '0' ||
	    line.p[7] > '9' || line.p[8] != ' ')
		return bad(why, "the response does not start with HTTP/1.0 or HTTP/1.1");
	h->minor = line.p[7] == '0' ? 0 : 1;
	if (!str_to_u64((struct str){line.p + 9, 3}, &status) || status < 100 ||
	    status > 599)
		return bad(why, "the response has no valid status code");
	h->status = (int)status;
	if (line.n == 12)
		return true;
	h->reason = (struct str){line.p + 13, line.n - 13};
	if (line.p[12] != ' ' || !http_is_field_value(h->reason))
		return bad(why, "the response's status line is not valid");
	return true;
}

/* Framing fields are kept here while the head is read. */
struct framing_fields {
	struct str length, coding;
	unsigned n_length, n_coding;
	bool connection, keep_alive;
};

static void note_field(struct response_head *h, const struct http_field *f,
		       struct framing_fields *seen)
{
	enum http_field_id id = f->id;

	if (id == HTTP_H_CONTENT_LENGTH) {
		seen->length = f->value;
		seen->n_length++;
	} else if (id == HTTP_H_TRANSFER_ENCODING) {
		seen->coding = f->value;
		seen->n_coding++;
	} else if (id == HTTP_H_CONNECTION) {
		seen->connection = true;
	} else if (id == HTTP_H_KEEP_ALIVE) {
		seen->keep_alive = true;
	} else if (id == HTTP_H_X_REQUEST_ID) {
		h->has_request_id = true;
	} else if (id == HTTP_H_DATE) {
		h->has_date = true;
	} else if (id == HTTP_H_SET_COOKIE) {
		h->sets_cookies = true;
	} else if (id == HTTP_H_CONTENT_TYPE) {
		h->content_type = f->value;
	} else if (id == HTTP_H_UPGRADE) {
		h->upgrade = f->value;
	}
}

static bool parse_fields(struct response_head *h, struct head_cursor *c,
			 struct framing_fields *seen, const char **why)
{
	struct http_field spare, *f;
	enum head_line line;

	for (;;) {
		f = h->n_fields < RESPONSE_FIELDS_MAX ? &h->fields[h->n_fields] : &spare;
		line = head_take_field(c, f, why);
		if (line != HEAD_LINE_FIELD)
			return line == HEAD_LINE_END;
		if (f == &spare)
			return bad(why, "the response has too many fields");
		note_field(h, f, seen);
		h->n_fields++;
	}
}

/* Keep-Alive: timeout=5, max=100 (RFC 2068 19.7.1.1 and common use). */
static void read_keep_alive(struct response_head *h)
{
	struct str list, item, timeout = STR("timeout=");
	uint64_t s;

	for (unsigned i = 0; i < h->n_fields; i++) {
		if (h->fields[i].id != HTTP_H_KEEP_ALIVE)
			continue;
		list = h->fields[i].value;
		while (str_list_next(&list, &item)) {
			if (item.n <= timeout.n ||
			    !str_ieq((struct str){item.p, timeout.n}, timeout))
				continue;
			item = (struct str){item.p + timeout.n, item.n - timeout.n};
			if (str_to_u64(item, &s))
				h->keep_alive_s =
					s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
		}
	}
}

static bool has_no_body(int status, enum http_method method)
{
	return method == HTTP_HEAD || status < 200 || status == 204 || status == 304;
}

/* RFC 9112 6.3, refusing what it calls faulty. */
static bool check_framing(struct response_head *h, const struct framing_fields *seen,
			  enum http_method method, const char **why)
{
	if (seen->n_coding > 1 || seen->n_length > 1)
		return bad(why, "the response tells its length twice");
	if (seen->n_coding && seen->n_length)
		return bad(why, "the response has Content-Length and Transfer-Encoding");
	if (seen->n_coding && h->minor == 0)
		return bad(why, "the response is HTTP/1.0 and has Transfer-Encoding");
	if (seen->n_coding && !str_ieq(seen->coding, STR("chunked")))
		return bad(why, "the response has a transfer coding other than chunked");
	if (seen->n_length && !head_content_length(seen->length, &h->content_length))
		return bad(why, "the response's Content-Length is not valid");
	h->has_content_length = seen->n_length > 0;
	if (has_no_body(h->status, method))
		h->framing = HTTP_NO_BODY;
	else if (seen->n_coding)
		h->framing = HTTP_CHUNKED;
	else
		h->framing = seen->n_length ? HTTP_LENGTH : HTTP_UNTIL_EOF;
	return true;
}

/* RFC 9112 9.3. */
static bool check_connection(struct response_head *h, const struct framing_fields *seen,
			     const char **why)
{
	struct head_connection options = {0};

	if (seen->connection && !head_read_connection(h->fields, h->n_fields, &options))
		return bad(why, "the response's Connection names too many options");
	h->close = options.close || h->framing == HTTP_UNTIL_EOF ||
		   (h->minor == 0 && !options.keep_alive);
	if (!options.upgrade)
		h->upgrade = (struct str){NULL, 0};
	if (seen->keep_alive)
		read_keep_alive(h);
	return true;
}

bool response_head_parse(struct response_head *h, const char *p, size_t n,
			 enum http_method method, const char **why)
{
	struct head_cursor c = {p, p + n};
	struct framing_fields seen = {0};
	struct str line;

	CHECK(n > 0 && p[n - 1] == '\n');
	memset(h, 0, offsetof(struct response_head, fields));
	if (n > RESPONSE_HEAD_MAX)
		return bad(why, "the response's head is too large");
	if (!head_take_line(&c, &line))
		return bad(why, "the response's lines must end in CRLF");
	if (!parse_status_line(h, line, why) || !parse_fields(h, &c, &seen, why))
		return false;
	return check_framing(h, &seen, method, why) && check_connection(h, &seen, why);
}
