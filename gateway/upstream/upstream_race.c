/* A new connection's race: attempts at the addresses of a route's names, one after the
 * other's time or failure, until the first succeeds. RFC 8305 (Happy Eyeballs).
 *
 * Addresses of all URLs take turns, and within a name those of the two families; those
 * that are marked as failing come last. One attempt at a time sends a ClientHello, unless
 * TLS takes longer than the attempt's delay. A race is its connection's, and of the
 * worker's thread. One timer, armed only where something is left to begin. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/upstream/upstream_priv.h"

#define UNRESOLVED_US 20000u /* how often a name is looked at that has no answer yet */

struct candidate {
	struct upstream_address address;
	bool fails;
};

struct upstream_race {
	struct upstream_conn *u;
	struct event timer;
	struct upstream_attempts attempts;
	unsigned first;  /* of the route's pools */
	uint32_t joined; /* those whose addresses are in the list, as bits */
	struct candidate *list;
	unsigned n, next;
	uint64_t next_us;        /* when the next attempt begins beside the others */
	struct upstream_end end; /* of the attempt that tells the most */
};

/* --- faults --- */

/* Of several addresses that failed, the one that got furthest tells the most. */
static bool is_tls_fault(enum problem_id fault)
{
	return fault == PROBLEM_TLS_CERTIFICATE_ERROR ||
	       fault == PROBLEM_TLS_PROTOCOL_ERROR || fault == PROBLEM_TLS_ALERT_RECEIVED;
}

static void note_fault(struct upstream_race *r, enum problem_id fault, const char *detail)
{
	if (is_tls_fault(r->end.fault) && !is_tls_fault(fault))
		return;
	r->end.fault = fault;
	snprintf(r->end.detail, sizeof r->end.detail, "%s", detail);
}

/* --- addresses --- */

/* The k-th of a list where the two families take turns, the first one's first. */
static const struct resolver_address *in_turn(const struct resolver_addresses *a,
					      unsigned k)
{
	sa_family_t family = a->list[0].sa.ss_family;
	unsigned at[2] = {0, 0}, found = 0;

	for (unsigned other = 0;; other = !other) {
		unsigned *i = &at[other];

		while (*i < a->n && (a->list[*i].sa.ss_family != family) != (other == 1))
			++*i;
		if (*i < a->n && found++ == k)
			return &a->list[*i];
		*i += *i < a->n;
	}
}

static void add_address(struct upstream_race *r, struct upstream_pool *pool,
			const struct resolver_address *a)
{
	struct candidate *c = &r->list[r->n++];

	*c = (struct candidate){.address = {.pool = pool, .len = a->len},
				.fails = address_mark_fails(a->mark)};
	CHECK(a->len <= sizeof c->address.sa);
	memcpy(&c->address.sa, &a->sa, a->len);
}

/* From `from` on; the order is kept. Whether there are others before them. */
static bool move_failing_last(struct upstream_race *r, unsigned from)
{
	unsigned n = r->n - from, good = 0, bad = 0;
	struct candidate *failing = xcalloc(n, sizeof *failing);

	for (unsigned i = from; i < r->n; i++) {
		if (r->list[i].fails)
			failing[bad++] = r->list[i];
		else
			r->list[from + good++] = r->list[i];
	}
	memcpy(&r->list[from + good], failing, bad * sizeof *failing);
	free(failing);
	return good > 0 && bad > 0;
}

/* Which pools have an answer that is not in the list yet, as bits; how many addresses
 * these have, and the most of one. */
static uint32_t find_answers(struct upstream_race *r, unsigned *sum, unsigned *most)
{
	struct upstream_route *route = r->u->route;
	uint32_t fresh = 0;

	*sum = *most = 0;
	for (unsigned i = 0; i < route->n; i++) {
		const struct resolver_addresses *a = resolver_get(route->pools[i].name);

		if (r->joined & 1u << i || (a->n == 0 && !a->failed))
			continue;
		fresh |= 1u << i;
		*sum += a->n;
		if (a->n > *most)
			*most = a->n;
		if (a->n == 0)
			note_fault(r, PROBLEM_DNS_ERROR, route->pools[i].endpoint->host);
	}
	return fresh;
}

static void gather(struct upstream_race *r)
{
	struct upstream_route *route = r->u->route;
	unsigned from = r->n, sum, most;
	uint32_t fresh = find_answers(r, &sum, &most);

	r->joined |= fresh;
	if (sum == 0)
		return;
	r->list = xrealloc(r->list, (r->n + sum) * sizeof *r->list);
	for (unsigned k = 0; k < most; k++) {
		for (unsigned i = 0; i < route->n; i++) {
			unsigned at = (r->first + i) % (unsigned)route->n;
			struct upstream_pool *pool = &route->pools[at];
			const struct resolver_addresses *a = resolver_get(pool->name);

			if (fresh & 1u << at && k < a->n && r->n < from + sum)
				add_address(r, pool, in_turn(a, k));
		}
	}
	/* Where none is left but such, the race itself is the probe. */
	if (sum > 1 && move_failing_last(r, from))
		for (unsigned i = 0; i < route->n; i++)
			if (fresh & 1u << i)
				upstream_probe_marked(r->u->set, &route->pools[i]);
}

static bool has_all_names(const struct upstream_race *r)
{
	return r->joined == (uint32_t)((UINT64_C(1) << r->u->route->n) - 1);
}

/* --- attempts --- */

static void drop(struct upstream_race *r, struct upstream_attempt *a)
{
	TAILQ_REMOVE(&r->attempts, a, all);
	upstream_attempt_free(a);
}

static bool is_waiting(const struct upstream_attempt *a)
{
	return a->connected_us != 0 && a->ssl == NULL;
}

/* Since when it is the peer's turn. */
static uint64_t pending_since(const struct upstream_attempt *a)
{
	return a->secure_us ? a->secure_us : a->begun_us;
}

/* One that took longer than its time, while another succeeded. Not those that only began
 * after that one. */
static void blame_overtaken(struct upstream_race *r,
			    const struct upstream_attempt *winner)
{
	uint64_t now = clock_mono_us();
	struct upstream_attempt *a;

	TAILQ_FOREACH(a, &r->attempts, all)
	if (a != winner && !is_waiting(a) &&
	    now - pending_since(a) >= a->delay_ms * UINT64_C(1000))
		upstream_attempt_blame(a);
}

static void win(struct upstream_race *r, struct upstream_attempt *a)
{
	struct upstream_conn *u = r->u;

	blame_overtaken(r, a);
	upstream_attempt_give(a, u);
	upstream_race_free(&u->race);
	upstream_connected(u);
}

/* False: the race is over. */
static bool take(struct upstream_race *r, struct upstream_attempt *a,
		 enum upstream_attempt_state s)
{
	switch (s) {
	case ATTEMPT_PENDING:
	case ATTEMPT_CONNECTED:
		break;
	case ATTEMPT_READY:
		win(r, a);
		return false;
	case ATTEMPT_FAILED:
		note_fault(r, a->end.fault, a->end.detail);
		drop(r, a);
		r->next_us = 0;
		break;
	}
	return true;
}

static void step(struct upstream_race *r);

static void on_change(struct upstream_attempt *a, enum upstream_attempt_state s)
{
	struct upstream_race *r = a->ctx;

	if (take(r, a, s))
		step(r);
}

/* The delay, or less where connect_s would not do for all. */
static uint32_t delay_ms(const struct upstream_race *r, const struct upstream_attempt *a)
{
	uint32_t whole = r->u->pool->route->timeouts.connect_ms;
	uint32_t share = whole / r->n;

	return whole == 0 || a->delay_ms < share ? a->delay_ms : share;
}

static enum upstream_attempt_state begin_next(struct upstream_race *r,
					      struct upstream_attempt **attempt)
{
	struct upstream_attempt *a =
		upstream_attempt_new(r->u->set, &r->list[r->next++].address);

	a->on_change = on_change;
	a->ctx = r;
	a->delay_ms = delay_ms(r, a);
	TAILQ_INSERT_TAIL(&r->attempts, a, all);
	r->next_us = clock_mono_us() + a->delay_ms * UINT64_C(1000);
	*attempt = a;
	return upstream_attempt_begin(a);
}

/* The first that waits to begin TLS; when it may. */
static struct upstream_attempt *find_waiting(struct upstream_race *r, uint64_t *at_us)
{
	struct upstream_attempt *a, *first = NULL;

	*at_us = 0;
	TAILQ_FOREACH(a, &r->attempts, all)
	{
		uint64_t until_us = a->secure_us + a->delay_ms * UINT64_C(1000);

		if (a->secure_us != 0 && until_us > *at_us)
			*at_us = until_us;
		if (first == NULL && is_waiting(a))
			first = a;
	}
	return first;
}

/* --- the race --- */

/* Begins what is due. False: the race is over. */
static bool begin_due(struct upstream_race *r)
{
	struct upstream_attempt *a;
	uint64_t at_us, now = clock_mono_us();
	enum upstream_attempt_state s;

	for (;;) {
		a = find_waiting(r, &at_us);
		if (a != NULL && now >= at_us)
			s = upstream_attempt_secure(a);
		else if (r->next < r->n &&
			 (TAILQ_EMPTY(&r->attempts) || now >= r->next_us))
			s = begin_next(r, &a);
		else
			return true;
		if (!take(r, a, s))
			return false;
	}
}

static void arm(struct upstream_race *r)
{
	uint64_t now = clock_mono_us(), at_us = UINT64_MAX, us;

	if (find_waiting(r, &us) != NULL)
		at_us = us;
	if (r->next < r->n && r->next_us < at_us)
		at_us = r->next_us;
	if (!has_all_names(r) && now + UNRESOLVED_US < at_us)
		at_us = now + UNRESOLVED_US;
	event_del(&r->timer);
	if (at_us == UINT64_MAX)
		return;
	us = at_us > now ? at_us - now : 0;
	event_add(&r->timer,
		  &(struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)});
}

static void step(struct upstream_race *r)
{
	gather(r);
	if (!begin_due(r))
		return;
	if (TAILQ_EMPTY(&r->attempts) && r->next == r->n && has_all_names(r)) {
		struct upstream_end end = r->end;

		upstream_fail(r->u, false, end.fault, end.detail);
		return;
	}
	arm(r);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

struct upstream_race *upstream_race_new(struct upstream_conn *u, unsigned first)
{
	struct upstream_race *r = xcalloc(1, sizeof *r);

	CHECK(u->route->n <= 32);
	r->u = u;
	r->first = first;
	r->end.fault = PROBLEM_DESTINATION_UNAVAILABLE;
	TAILQ_INIT(&r->attempts);
	evtimer_assign(&r->timer, u->set->base, on_timer, r);
	event_active(&r->timer, EV_TIMEOUT, 0);
	return r;
}

void upstream_race_free(struct upstream_race **race)
{
	struct upstream_race *r = *race;

	*race = NULL;
	if (r == NULL)
		return;
	event_del(&r->timer);
	while (!TAILQ_EMPTY(&r->attempts))
		drop(r, TAILQ_FIRST(&r->attempts));
	free(r->list);
	free(r);
}

static void tell_timeout(struct upstream_race *r)
{
	struct upstream_attempt *a;
	char text[sizeof r->end.detail], peer[sizeof text];
	size_t n = 0;

	TAILQ_FOREACH(a, &r->attempts, all)
	{
		upstream_peer_text(a->address.pool, &a->address.sa, peer, sizeof peer);
		if (n < sizeof text)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
					      n ? ", " : "", peer);
		if (!is_waiting(a))
			upstream_attempt_blame(a);
	}
	note_fault(r, PROBLEM_CONNECTION_TIMEOUT, text);
}

static const char *missing_name(const struct upstream_race *r)
{
	unsigned i = 0;

	while (i + 1 < r->u->route->n && r->joined & 1u << i)
		i++;
	return r->u->route->pools[i].endpoint->host;
}

void upstream_race_timeout(struct upstream_race *r)
{
	struct upstream_end end;

	if (!TAILQ_EMPTY(&r->attempts))
		tell_timeout(r);
	else
		note_fault(r, PROBLEM_DNS_TIMEOUT, missing_name(r));
	end = r->end;
	upstream_fail(r->u, false, end.fault, end.detail);
}
