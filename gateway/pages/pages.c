/* The web pages, as they are sent. */
#include "gateway/pages/pages.h"

#include "common/check.h"
#include "gateway/pages/page_choice.h"

#define FIELDS_MAX 1024
#define HOME "/dashboard"

/* Everything comes from here and nothing inline runs (CSP 3); no other page frames or
 * opens these, or is told what stood in their address. Assets have it too: a worker goes
 * by the policy that its own script came with. */
#define GUARD                                                                            \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; "               \
	"style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "  \
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "  \
	"frame-ancestors 'none'\r\n"                                                     \
	"Referrer-Policy: same-origin\r\n"                                               \
	"Cross-Origin-Opener-Policy: same-origin\r\n"                                    \
	"Cross-Origin-Resource-Policy: same-origin\r\n"

/* index.html may change with every new version; what it names never does. An answer that
 * is not 200 is about this moment. */
static const char *cache_of(const struct page_choice *c, int status)
{
	if (c->is_asset)
		return "public, max-age=31536000, immutable";
	return status == 404 || status == 503 ? "no-store" : "no-cache";
}

static void send_file(struct http_conn *conn, const struct page_choice *c, int status)
{
	const struct page_file *f = c->file;
	const char *coding = page_form_coding(c->form);
	struct str body = f->forms[c->form];
	struct sbuf fields;

	sbuf_init(&fields, FIELDS_MAX);
	sbuf_lit(&fields, GUARD);
	sbuf_printf(&fields, "ETag: \"%s%s\"\r\n", f->tag, page_form_suffix(c->form));
	sbuf_lit(&fields, "Vary: Accept-Encoding\r\n");
	if (coding != NULL && status != 304)
		sbuf_printf(&fields, "Content-Encoding: %s\r\n", coding);
	CHECK(!fields.overflow);
	http_conn_answer(conn, &(struct http_answer){
				       .status = status,
				       .content_type = status != 304 ? f->type : NULL,
				       .fields = sbuf_view(&fields),
				       .body = status != 304 ? body : (struct str){0},
				       .cache_control = cache_of(c, status),
				       .is_constant = true,
			       });
	sbuf_fini(&fields);
}

static void send_home(struct http_conn *conn)
{
	http_conn_answer(conn, &(struct http_answer){
				       .status = 302,
				       .content_type = "text/plain; charset=utf-8",
				       .fields = STR("Location: " HOME "\r\n"
						     "Vary: Accept\r\n"),
			       });
}

bool pages_answer(struct http_conn *conn)
{
	const struct page_files *files = page_files();
	struct page_choice c = page_choose(files, http_conn_head(conn));

	switch (c.verdict) {
	case PAGE_NONE:
		return false;
	case PAGE_HOME:
		send_home(conn);
		break;
	case PAGE_FILE:
		send_file(conn, &c, files->are_absent ? 503 : 200);
		break;
	case PAGE_SAME:
		send_file(conn, &c, 304);
		break;
	case PAGE_METHOD:
		http_conn_problem(conn,
				  (struct problem_answer){
					  .id = PROBLEM_METHOD_NOT_ALLOWED,
					  .allow_methods = HTTP_METHOD_BIT(HTTP_GET) |
							   HTTP_METHOD_BIT(HTTP_HEAD),
				  });
		break;
	case PAGE_GONE:
		http_conn_problem(conn,
				  (struct problem_answer){
					  .id = PROBLEM_NO_ROUTE,
					  .detail = "this version has no such file; "
						    "load the page anew",
				  });
		break;
	}
	return true;
}

bool pages_answer_unknown(struct http_conn *conn)
{
	struct page_choice c = page_choose_unknown(page_files(), http_conn_head(conn));

	if (c.verdict == PAGE_FILE)
		send_file(conn, &c, 404);
	return c.verdict == PAGE_FILE;
}
