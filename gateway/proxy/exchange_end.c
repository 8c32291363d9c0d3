/* The one way in which an exchange ends: recorded, answered or broken off, freed. */
#include "gateway/proxy/exchange_end.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/exchange_record.h"

#define PROGRESS_BYTES 4096 /* a client takes at least so much within idle_s */

/* --- the end --- */

/* Bytes of body that have reached the client. Which of those that have not are chunk
 * sizes is known in proportion only. */
static uint64_t body_taken(const struct exchange *x)
{
	const struct exchange_response *r = &x->response;
	uint64_t body = x->record.bytes_out - (r->held.n - r->held_head);
	double share = body == 0 ? 0 : (double)body / (double)(body + r->chunk_bytes);
	uint64_t left = (uint64_t)((double)http_conn_unacknowledged(x->c) * share);

	return left < body ? body - left : 0;
}

/* Chunked, the missing last chunk tells; a body with a length, or until the connection's
 * end, looks whole to some clients where that end is in order. */
static void break_off(const struct exchange *x)
{
	if (x->response.framing == HTTP_CHUNKED)
		http_conn_break_off(x->c);
	else
		http_conn_reset(x->c);
}

static void end_client(const struct exchange *x, const struct exchange_end *end)
{
	switch (end->client) {
	case EXCHANGE_KEEP:
	case EXCHANGE_CLOSE:
		http_conn_finish(x->c, end->last, end->n_last,
				 end->client == EXCHANGE_CLOSE);
		break;
	case EXCHANGE_BREAK:
		break_off(x);
		break;
	case EXCHANGE_GONE: /* or it was we who gave it up */
		if (x->record.first_out_us != 0 && x->response.framing != HTTP_CHUNKED)
			http_conn_cut(x->c);
		break;
	}
}

static void note_error(struct exchange *x, const char *outcome, const char *detail)
{
	snprintf(x->record.error, sizeof x->record.error, "%s: %s", outcome, detail);
}

void exchange_end(struct exchange *x, const struct exchange_end *end)
{
	uint64_t now =
		end->client == EXCHANGE_GONE ? http_conn_gone_us(x->c) : clock_mono_us();

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->u != NULL)
		upstream_release(&x->u, false);
	if (end->detail != NULL)
		note_error(x, end->outcome, end->detail);
	if (end->client >= EXCHANGE_BREAK)
		x->record.bytes_out = body_taken(x);
	exchange_record(x, end->outcome, now);
	end_client(x, end);
	x->c = NULL;
	exchange_free(x);
}

/* --- an answer of our own --- */

#define RETRY_AFTER_S 5
#define ADVICE_MAX 64

/* SDKs repeat a 5xx by themselves, unless told otherwise (x-should-retry is the OpenAI
 * SDKs'). What the upstream has whole, it may have worked on, for money; what it has
 * nothing of may be sent again. Of one that died nothing is known. */
static void advise(const struct exchange *x, struct problem_answer *a, struct sbuf *out)
{
	uint64_t sent = x->request.sent + (x->u ? upstream_sent(x->u) : 0);
	bool whole = x->u != NULL && x->request.done && upstream_queued(x->u) == 0;
	int status = problem_status(a->id);

	if (status < 502 || x->record.send_us == 0)
		return;
	if (sent == 0)
		a->retry_after_s = RETRY_AFTER_S;
	else if (status > 502 && whole &&
		 !http_method_is_idempotent(http_conn_head(x->c)->method))
		sbuf_lit(out, "x-should-retry: false\r\n");
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

	sbuf_init(&fields, CORS_FIELDS_MAX + ADVICE_MAX);
	advise(x, &a, &fields);
	if (route != NULL && request_head_has(h, HTTP_H_ORIGIN))
		cors_add_fields(&fields, route, h);
	CHECK(!fields.overflow);
	a.fields = sbuf_view(&fields);
	sbuf_init(&text, HTTP_ANSWER_HEAD_MAX);
	x->record.bytes_out = http_conn_put_problem(x->c, a, &text);
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

/* --- an answer that breaks off --- */

static void end_ending(struct exchange *x, enum exchange_client client)
{
	exchange_end(x, &(struct exchange_end){
				.outcome = x->ending.outcome,
				.client = client,
			});
}

static void on_body(struct http_conn *c, void *ctx)
{
	(void)c;
	(void)ctx;
}

static void on_writable(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (http_conn_unacknowledged(c) == 0)
		end_ending(x, EXCHANGE_BREAK);
}

static void on_gone(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	end_ending(x, EXCHANGE_GONE);
}

void exchange_ending_tick(struct exchange *x, uint64_t now_us)
{
	struct exchange_ending *e = &x->ending;
	size_t left = http_conn_unacknowledged(x->c);

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (left + PROGRESS_BYTES <= e->left) {
		e->left = left;
		e->since_us = now_us;
	}
	if (now_us >= e->until_us ||
	    clock_over(e->since_us, x->admission.route->timeouts.idle_ms, now_us))
		end_ending(x, EXCHANGE_BREAK);
}

/* Nothing of it comes from the upstream or to it any more. */
static const struct exchange_mode handing_out = {
	.client = {.on_body = on_body, .on_writable = on_writable, .on_gone = on_gone},
	.tick = exchange_ending_tick,
	.revoked_after_us = EXCHANGE_OLD_US,
};

static void hand_out(struct exchange *x)
{
	if (x->u != NULL)
		upstream_release(&x->u, false);
	if (http_conn_unacknowledged(x->c) == 0) {
		end_ending(x, EXCHANGE_BREAK);
		return;
	}
	exchange_wait_begins(x);
	exchange_enter(x, &handing_out);
	http_conn_await_client(x->c);
}

/* When one that breaks off now has to be gone at the latest. */
static uint64_t ending_limit(const struct exchange *x, uint64_t now_us,
			     uint32_t within_ms)
{
	uint32_t total_ms = x->admission.route->timeouts.total_ms;
	uint64_t total_us =
		x->record.arrival_us + ((uint64_t)total_ms + EXCHANGE_CUT_MS) * 1000;

	if (within_ms != 0)
		return now_us + (uint64_t)within_ms * 1000;
	return total_ms != 0 ? total_us : UINT64_MAX;
}

static void end_soon(struct exchange *x, const char *outcome, const char *detail,
		     uint32_t within_ms)
{
	uint64_t now = clock_mono_us(), limit = ending_limit(x, now, within_ms);

	if (exchange_is_ending(x)) {
		if (limit < x->ending.until_us)
			x->ending.until_us = limit;
		return;
	}
	note_error(x, outcome, detail);
	x->ending = (struct exchange_ending){
		.outcome = outcome,
		.until_us = limit,
		.since_us = now,
		.left = http_conn_unacknowledged(x->c),
	};
	/* One that is here whole may still become complete. */
	if (!x->response.held_back)
		hand_out(x);
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
		  const char *detail, uint32_t within_ms)
{
	char text[EXCHANGE_ERROR_MAX];

	if (detail != NULL && detail[0] == '\0')
		detail = NULL;
	detail = with_address(x, id, detail, text, sizeof text);
	if (!exchange_is_ending(x))
		x->record.code = problem_code(id);
	if (x->record.status == 0)
		answer(x, id, outcome, detail);
	else
		end_soon(x, outcome, detail ? detail : problem_title(id), within_ms);
}

void exchange_fail(struct exchange *x, enum problem_id id, const char *detail)
{
	exchange_cut(x, id, problem_proxy_error(id), detail, 0);
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
