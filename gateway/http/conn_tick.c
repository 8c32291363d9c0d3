/* Deadlines of a client's connection, checked by the set's tick. */
#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/conn_priv.h"

#define DRAIN_IDLE_MS 1000 /* while draining: then nobody is about to send a request */
#define HALF_CLOSED_US                                                                   \
	1000000u /* silence after which a half-closed client counts as gone */

static void tick_idle(struct http_conn *c, uint64_t now)
{
	const struct settings_timeouts *t = &c->set->timeouts;

	if (c->head.since_us == 0) {
		if (clock_over(c->head.idle_since_us, t->keep_alive_ms, now) ||
		    (c->set->draining &&
		     clock_over(c->head.idle_since_us, DRAIN_IDLE_MS, now)))
			conn_doom(c);
		return;
	}
	if (evbuffer_get_length(c->raw) == 0 && c->set->draining &&
	    clock_over(c->head.since_us, DRAIN_IDLE_MS, now)) {
		conn_doom(c);
		return;
	}
	if (!clock_over(c->head.since_us, t->head_ms, now))
		return;
	if (evbuffer_get_length(c->raw) == 0) {
		conn_doom(c);
		return;
	}
	conn_refuse(c, (struct head_refusal){
			       .status = 408,
			       .detail = "the request's head did not arrive within "
					 "timeouts.head_s",
		       });
}

/* Of the bytes that were ever written. What TLS adds to those in the kernel counts as
 * not taken. */
static uint64_t taken_by_client(const struct http_conn *c)
{
	size_t left = http_conn_unacknowledged(c);

	return c->out.total > left ? c->out.total - left : 0;
}

/* A client that takes a byte now and then holds an upstream, a descriptor and buffers for
 * next to nothing: within the limit it must take all that waits, or a piece of some size.
 * The kernel's buffer is so large that a slow reader may empty it for minutes before the
 * queue moves. */
static void tick_output(struct http_conn *c, uint64_t now)
{
	uint64_t taken;

	if (http_conn_queued(c) == 0) {
		c->out.since_us = now;
		return;
	}
	taken = taken_by_client(c);
	if (taken >= c->out.taken_seen + CONN_PROGRESS_BYTES) {
		c->out.taken_seen = taken;
		c->out.since_us = now;
		return;
	}
	if (clock_over(c->out.since_us, c->set->timeouts.idle_ms, now)) {
		c->out.stalled = true;
		conn_doom(c);
	}
}

/* On TCP a client that really left answers our writes with a reset, which ends the
 * connection; one that we have nothing to write to is given up after a moment. */
static void tick_half_closed(struct http_conn *c, uint64_t now)
{
	uint64_t since =
		c->out.written_us > c->in.eof_us ? c->out.written_us : c->in.eof_us;

	if (!c->in.half_closed && !c->in.paused)
		return;
	if (conn_has_left(c)) {
		conn_doom(c);
		return;
	}
	if (!c->in.half_closed || conn_is_unix(c) || c->body.framing == HTTP_UNTIL_EOF)
		return;
	/* Output that waits is tick_output's business: the client may read slowly. */
	if (http_conn_unacknowledged(c) > 0)
		c->out.written_us = now;
	else if (now > since && now - since > HALF_CLOSED_US)
		conn_doom(c);
}

/* Silence counts only while the handler could take more. */
static bool body_is_silent(const struct http_conn *c, uint64_t now)
{
	return !c->in.paused && !c->body.continue_due &&
	       evbuffer_get_length(c->raw) == 0 &&
	       clock_over(c->body.since_us, c->body.silence_ms, now);
}

static void tick_body(struct http_conn *c, uint64_t now)
{
	bool is_late = c->body.until_us != 0 && now > c->body.until_us;

	if (!c->body.done && !c->in.dropping && (is_late || body_is_silent(c, now))) {
		c->body.timed_out = true;
		conn_make_ready(c);
	}
}

static void tick_linger(struct http_conn *c, uint64_t now)
{
	uint64_t silence =
		c->set->draining ? DRAIN_IDLE_MS * 1000u : CONN_LINGER_SILENCE_US;

	if (now > c->linger.until_us || now > c->linger.since_us + silence)
		conn_doom(c);
}

void conn_tick(struct http_conn *c, uint64_t now)
{
	switch (c->state) {
	case CONN_IDLE:
		tick_idle(c, now);
		break;
	case CONN_BUSY:
		tick_output(c, now);
		tick_half_closed(c, now);
		tick_body(c, now);
		break;
	case CONN_FLUSH:
		tick_output(c, now);
		break;
	case CONN_LINGER:
		tick_linger(c, now);
		break;
	}
}
