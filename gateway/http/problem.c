/* The answers that the gateway makes itself. */
#include "gateway/http/problem.h"

#include "common/check.h"
#include "common/clock.h"
#include "common/utf8.h"
#include "gateway/http/accepted.h"

#define RETRY_AFTER_DEFAULT_S 5

struct problem {
	const char *code;
	int status;
	const char *proxy_error;
	const char *title;
};

static const struct problem problems[PROBLEM_COUNT] = {
#define PROBLEM_ROW(id, code, status, proxy_error, title)                                \
	[PROBLEM_##id] = {code, status, proxy_error, title},
	PROBLEMS(PROBLEM_ROW)};

static const struct problem *problem_of(enum problem_id id)
{
	CHECK((unsigned)id < PROBLEM_COUNT);
	return &problems[id];
}

const char *problem_code(enum problem_id id)
{
	return problem_of(id)->code;
}

int problem_status(enum problem_id id)
{
	return problem_of(id)->status;
}

const char *problem_proxy_error(enum problem_id id)
{
	return problem_of(id)->proxy_error;
}

const char *problem_title(enum problem_id id)
{
	return problem_of(id)->title;
}

enum problem_id problem_of_status(int status)
{
	switch (status) {
	case 405:
		return PROBLEM_METHOD_NOT_ALLOWED;
	case 408:
		return PROBLEM_REQUEST_TIMEOUT;
	case 413:
		return PROBLEM_BODY_TOO_LARGE;
	case 414:
		return PROBLEM_URI_TOO_LONG;
	case 417:
		return PROBLEM_EXPECTATION_FAILED;
	case 431:
		return PROBLEM_HEAD_TOO_LARGE;
	case 501:
		return PROBLEM_NOT_IMPLEMENTED;
	case 505:
		return PROBLEM_HTTP_VERSION;
	default:
		return PROBLEM_BAD_REQUEST;
	}
}

bool problem_wants_json(const struct request_head *h)
{
	return request_head_has(h, HTTP_H_ACCEPT) &&
	       accepted_item(h, STR("accept"), STR("application/problem+json")) ==
		       ACCEPTED_YES;
}

/* --- JSON --- */

static void add_escaped(struct sbuf *b, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

	if (c == '"' || c == '\\') {
		text[1] = (char)c;
		sbuf_add(b, text, 2);
	} else {
		sbuf_add(b, text, sizeof text);
	}
}

/* How many bytes from p on stand for themselves in a JSON string, ASCII only. */
static size_t plain_run(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

/* A JSON string's inside (RFC 8259 7); what is no UTF-8 becomes U+FFFD. */
static void add_text(struct sbuf *b, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		size_t run = plain_run(p + i, s.n - i);
		size_t len = run ? run : utf8_length(p + i, s.n - i);

		if (len == 0)
			sbuf_lit(b, "\xef\xbf\xbd");
		else if (run || len > 1)
			sbuf_add(b, p + i, len);
		else
			add_escaped(b, p[i]);
		i += len ? len : 1;
	}
}

static void add_text_member(struct sbuf *b, const char *name, struct str value)
{
	if (b->n && b->p[b->n - 1] != '{')
		sbuf_lit(b, ",");
	sbuf_lit(b, "\"");
	sbuf_str(b, str_of(name));
	sbuf_lit(b, "\":\"");
	add_text(b, value);
	sbuf_lit(b, "\"");
}

/* As OpenAI's API names them. */
static const char *error_type(int status)
{
	switch (status) {
	case 401:
		return "authentication_error";
	case 403:
		return "permission_error";
	default:
		return status >= 500 ? "api_error" : "invalid_request_error";
	}
}

static bool is_uuid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s.p[i];
		bool hex = (c >= '0' && c <= '9') ||
			   ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');

		if (dash ? c != '-' : !hex)
			return false;
	}
	return s.n == 36;
}

static void add_instance(struct sbuf *b, struct str request_id)
{
	if (request_id.n == 0)
		return;
	sbuf_str(b, is_uuid(request_id) ? STR(",\"instance\":\"urn:uuid:")
					: STR(",\"instance\":\"urn:tollgate:request:"));
	add_text(b, request_id);
	sbuf_lit(b, "\"");
}

static void add_body(struct sbuf *b, const struct problem_answer *a)
{
	const struct problem *p = problem_of(a->id);
	struct str title = str_of(p->title),
		   detail = a->detail ? str_of(a->detail) : title;

	sbuf_lit(b, "{\"type\":\"urn:tollgate:problem:");
	sbuf_str(b, str_of(p->code));
	sbuf_lit(b, "\"");
	add_text_member(b, "title", title);
	sbuf_lit(b, ",\"status\":");
	sbuf_u64(b, (uint64_t)p->status);
	add_text_member(b, "detail", detail);
	add_instance(b, a->request_id);
	add_text_member(b, "code", str_of(p->code));
	if (a->errors.n > 0) {
		sbuf_lit(b, ",\"errors\":");
		sbuf_str(b, a->errors);
	}
	sbuf_lit(b, ",\"error\":{\"message\":\"");
	add_text(b, title);
	if (a->detail) {
		sbuf_lit(b, ": ");
		add_text(b, detail);
	}
	sbuf_lit(b, "\"");
	add_text_member(b, "type", str_of(error_type(p->status)));
	add_text_member(b, "code", str_of(p->code));
	sbuf_lit(b, "}}\n");
}

/* --- head --- */

static void add_field(struct sbuf *out, const char *name, struct str value)
{
	sbuf_str(out, str_of(name));
	sbuf_lit(out, ": ");
	sbuf_str(out, value);
	sbuf_lit(out, "\r\n");
}

/* RFC 9110 15.5.2 asks for a challenge, RFC 6750 3.1 for the error's word. */
static void add_challenges(struct sbuf *out, enum problem_id id)
{
	bool of_people = id == PROBLEM_NOT_SIGNED_IN || id == PROBLEM_BAD_SIGN_IN;
	bool missing = id == PROBLEM_MISSING_KEY || id == PROBLEM_NOT_SIGNED_IN;

	if (!of_people)
		sbuf_lit(out, "WWW-Authenticate: ApiKey realm=\"tollgate\"\r\n");
	sbuf_str(
		out,
		missing ? STR("WWW-Authenticate: Bearer realm=\"tollgate\"\r\n")
			: STR("WWW-Authenticate: Bearer realm=\"tollgate\", error=\"invalid_token\"\r\n"));
}

static void add_status_fields(struct sbuf *out, const struct problem_answer *a,
			      int status)
{
	if (status == 401)
		add_challenges(out, a->id);
	if (status == 405) /* RFC 9110 15.5.6 asks for it */
		http_add_allow(out,
			       a->allow_methods ? a->allow_methods : HTTP_METHODS_ALL);
	if (a->retry_after_s || status == 503) {
		sbuf_lit(out, "Retry-After: ");
		sbuf_u64(out,
			 a->retry_after_s ? a->retry_after_s : RETRY_AFTER_DEFAULT_S);
		sbuf_lit(out, "\r\n");
	}
}

static void add_head(struct sbuf *out, const struct problem_answer *a, size_t length)
{
	const struct problem *p = problem_of(a->id);
	char date[HTTP_DATE_SIZE];

	sbuf_lit(out, "HTTP/1.1 ");
	sbuf_u64(out, (uint64_t)p->status);
	sbuf_lit(out, " ");
	sbuf_str(out, str_of(http_reason(p->status)));
	sbuf_lit(out, "\r\n");
	http_date(date, (a->wall_us ? a->wall_us : clock_wall_us()) / 1000000);
	add_field(out, "Date", str_of(date));
	add_field(out, "Content-Type",
		  a->problem_json ? STR("application/problem+json")
				  : STR("application/json"));
	sbuf_lit(out, "Content-Length: ");
	sbuf_u64(out, length);
	sbuf_lit(out, "\r\nCache-Control: no-store\r\n");
	add_status_fields(out, a, p->status);
	sbuf_lit(out, "Proxy-Status: tollgate; error=");
	sbuf_str(out, str_of(p->proxy_error));
	sbuf_lit(out, "; details=\"");
	sbuf_str(out, str_of(p->code));
	sbuf_lit(out, "\"\r\n");
	if (a->request_id.n) {
		add_field(out, "Tollgate-Request-Id", a->request_id);
		add_field(out, "X-Request-Id", a->request_id);
	}
	sbuf_str(out, a->fields);
	if (a->close || a->http_minor == 0)
		add_field(out, "Connection", STR("close"));
	sbuf_lit(out, "\r\n");
}

#define BODY_MAX 65536

size_t problem_write(struct sbuf *out, const struct problem_answer *a)
{
	struct sbuf body;
	size_t n;

	CHECK(a->request_id.n == 0 || http_is_target(a->request_id));
	sbuf_init(&body, BODY_MAX + a->errors.n);
	add_body(&body, a);
	if (body.overflow) {
		/* A detail of this size helps nobody; the title stands alone. */
		struct problem_answer shorter = *a;

		shorter.detail = NULL;
		shorter.errors = (struct str){0};
		sbuf_reset(&body);
		add_body(&body, &shorter);
	}
	add_head(out, a, body.n);
	n = a->head ? 0 : body.n;
	sbuf_add(out, body.p, n);
	sbuf_fini(&body);
	return n;
}
