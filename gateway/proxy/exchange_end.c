/* The one way in which an exchange ends: recorded, answered or cut, freed. */
#include "gateway/proxy/exchange_end.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/exchange_record.h"

static void end_client(struct http_conn *c, const struct exchange_end *end)
{
	switch (end->client) {
	case EXCHANGE_KEEP:
	case EXCHANGE_CLOSE:
		http_conn_finish(c, end->last, end->n_last,
				 end->client == EXCHANGE_CLOSE);
		break;
	case EXCHANGE_RESET:
		http_conn_reset(c);
		break;
	case EXCHANGE_GONE:
		break;
	}
}

void exchange_end(struct exchange *x, const struct exchange_end *end)
{
	uint64_t now =
		end->client == EXCHANGE_GONE ? http_conn_gone_us(x->c) : clock_mono_us();

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->u != NULL)
		upstream_release(&x->u, false);
	if (end->detail != NULL)
		snprintf(x->record.error, sizeof x->record.error, "%s: %s", end->outcome,
			 end->detail);
	exchange_record(x, end->outcome, now);
	end_client(x->c, end);
	x->c = NULL;
	exchange_free(x);
}

/* The whole answer is ours. */
static void answer(struct exchange *x, enum problem_id id, const char *outcome,
		   const char *detail)
{
	const struct settings_route *route = x->admission.route;
	const struct request_head *h = http_conn_head(x->c);
	struct problem_answer a = {
		.id = id,
		.detail = detail,
		.request_id = str_of(x->ids.request_id),
		.allow_methods =
			route && id == PROBLEM_METHOD_NOT_ALLOWED ? route->methods : 0,
	};
	struct sbuf fields, text;

	sbuf_init(&fields, CORS_FIELDS_MAX);
	if (route != NULL && request_head_has(h, HTTP_H_ORIGIN))
		cors_add_fields(&fields, route, h);
	CHECK(!fields.overflow);
	a.fields = sbuf_view(&fields);
	sbuf_init(&text, HTTP_ANSWER_HEAD_MAX);
	http_conn_put_problem(x->c, a, &text);
	x->record.status = problem_status(id);
	x->record.first_out_us = clock_mono_us();
	exchange_end(x, &(struct exchange_end){
				.outcome = outcome,
				.detail = detail ? detail : problem_title(id),
				.last = &(struct iovec){text.p, text.n},
				.n_last = 1,
			});
	sbuf_fini(&text);
	sbuf_fini(&fields);
}

/* What an upstream's connection came to names which of its addresses that was; where
 * there is no connection yet, or any more, the detail does already. */
static const char *with_address(const struct exchange *x, enum problem_id id,
				const char *detail, char *text, size_t size)
{
	int status = problem_status(id);
	size_t n;

	if (x->u == NULL || !x->request.ready || (status != 502 && status != 504))
		return detail;
	upstream_show(x->u, text, size);
	n = strlen(text);
	snprintf(text + n, size - n, ": %s", detail ? detail : problem_title(id));
	return text;
}

void exchange_cut(struct exchange *x, enum problem_id id, const char *outcome,
		  const char *detail)
{
	char text[EXCHANGE_ERROR_MAX];

	if (detail != NULL && detail[0] == '\0')
		detail = NULL;
	detail = with_address(x, id, detail, text, sizeof text);
	x->record.code = problem_code(id);
	if (x->record.status == 0)
		answer(x, id, outcome, detail);
	else
		exchange_end(x, &(struct exchange_end){
					.outcome = outcome,
					.detail = detail ? detail : problem_title(id),
					.client = EXCHANGE_RESET,
				});
}

void exchange_fail(struct exchange *x, enum problem_id id, const char *detail)
{
	exchange_cut(x, id, problem_proxy_error(id), detail);
}

void exchange_abort(struct exchange *x, const char *phase)
{
	char detail[160];

	if (x->record.status == 0)
		x->record.status = 499;
	snprintf(detail, sizeof detail, "%s %s", http_conn_gone_why(x->c), phase);
	exchange_end(x, &(struct exchange_end){
				.outcome = USAGE_OUTCOME_CLIENT_ABORT,
				.detail = detail,
				.client = EXCHANGE_GONE,
			});
}
