/* Made-up usage for tests and for sizing. */
#include "gateway/generate/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/xoshiro.h"

#define SLOT_US INT64_C(900000000) /* how busy it is changes each 15 minutes */
#define SLOTS_PER_DAY 96u
#define ZIPF_EXPONENT 1.1
#define SIGMA 0.7 /* of the latencies' logarithm */
#define BURST_CHANCE                                                                     \
	(1.0 / (2.5 * SLOTS_PER_DAY)) /* that one begins, per route and slot */
#define BURST_SLOTS_MAX 8u
#define SLOW_ANSWER_MS 330000

struct token {
	uint16_t routes[WORKLOAD_TOKEN_ROUTES];
	uint8_t n_routes;
	/* Walker's alias method (Vose 1991): one draw, whatever the number of tokens. */
	float keep;
	uint32_t alias;
};

struct route {
	double median_ms;
	unsigned burst_left; /* slots; 0: none is on */
	unsigned burst_kind;
	double burst_rate;
};

struct workload {
	struct workload_options o;
	uint64_t random[4];
	struct token *tokens;
	struct route *routes;
	double weight, weight_sum; /* of the slots so far, and of all */
	unsigned slot;             /* the one that comes next */
	int64_t slot_us;           /* start of the one at hand */
	int64_t in_slot, slot_n;   /* calls done and to do in it */
	int64_t done;              /* calls in slots before it */
	char ip[46];
	double spare_normal;
	bool has_spare;
};

/* --- chance --- */

/* SplitMix64 spreads a seed (Steele, Lea, Flood 2014). */
static uint64_t split_mix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t draw(struct workload *w)
{
	return xoshiro_next(w->random);
}

/* 0 <= u < 1 */
static double uniform(struct workload *w)
{
	return (double)(draw(w) >> 11) * 0x1p-53;
}

static unsigned below(struct workload *w, unsigned n)
{
	return (unsigned)((draw(w) >> 32) * n >> 32);
}

/* Marsaglia's polar method: two at a time. */
static double normal(struct workload *w)
{
	double u, v, s;

	if (w->has_spare) {
		w->has_spare = false;
		return w->spare_normal;
	}
	do {
		u = 2 * uniform(w) - 1;
		v = 2 * uniform(w) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	s = sqrt(-2 * log(s) / s);
	w->spare_normal = v * s;
	w->has_spare = true;
	return u * s;
}

/* --- who calls what --- */

static bool calls_already(const struct token *t, uint16_t route)
{
	for (unsigned i = 0; i < t->n_routes; i++)
		if (t->routes[i] == route)
			return true;
	return false;
}

/* Low numbers are the popular routes. */
static void choose_routes(struct workload *w, struct token *t)
{
	unsigned wanted = 1 + below(w, WORKLOAD_TOKEN_ROUTES);

	for (unsigned tries = 0; t->n_routes < wanted && tries < 20; tries++) {
		double u = uniform(w);
		uint16_t route = (uint16_t)(u * u * w->o.routes);

		if (!calls_already(t, route))
			t->routes[t->n_routes++] = route;
	}
}

/* Splits n columns of different height into n of the same, each of two colours at
 * most. */
static void make_aliases(struct workload *w)
{
	size_t n = w->o.tokens, n_small = 0, n_large = 0;
	double *height = xcalloc(n, sizeof *height), sum = 0;
	uint32_t *small = xcalloc(n, sizeof *small), *large = xcalloc(n, sizeof *large);

	for (size_t i = 0; i < n; i++)
		sum += height[i] = pow((double)i + 1, -ZIPF_EXPONENT);
	for (size_t i = 0; i < n; i++) {
		height[i] *= (double)n / sum;
		if (height[i] < 1)
			small[n_small++] = (uint32_t)i;
		else
			large[n_large++] = (uint32_t)i;
		w->tokens[i].keep = 1;
		w->tokens[i].alias = (uint32_t)i;
	}
	while (n_small != 0 && n_large != 0) {
		uint32_t s = small[--n_small], l = large[n_large - 1];

		w->tokens[s].keep = (float)height[s];
		w->tokens[s].alias = l;
		height[l] -= 1 - height[s];
		if (height[l] < 1) {
			n_large--;
			small[n_small++] = l;
		}
	}
	free(height);
	free(small);
	free(large);
}

static unsigned draw_token(struct workload *w)
{
	unsigned i = below(w, w->o.tokens);

	return uniform(w) < (double)w->tokens[i].keep ? i : w->tokens[i].alias;
}

/* The first half of the calls go to the first route, half of the rest to the second,
 * ... */
static unsigned draw_route(struct workload *w, const struct token *t)
{
	unsigned i = 0;
	uint64_t bits = draw(w);

	for (; i + 1 < t->n_routes && (bits & 1) != 0; bits >>= 1)
		i++;
	return t->routes[i];
}

/* --- when --- */

static int64_t slot_start(const struct workload *w, unsigned slot)
{
	return w->o.end_us - ((int64_t)w->o.days * SLOTS_PER_DAY - slot) * SLOT_US;
}

/* How busy a slot is, 0.2 to 1: a wave that peaks at 14:00 UTC, weekends at a third. */
static double busy(const struct workload *w, unsigned slot)
{
	int64_t at = slot_start(w, slot) / SLOT_US;
	double hour = (double)(at % SLOTS_PER_DAY) / 4;
	int64_t weekday = (at / SLOTS_PER_DAY + 4) % 7; /* 1970-01-01 was a Thursday */
	double wave = 0.6 - 0.4 * cos((hour - 2) * (2 * M_PI / 24));

	return wave * (weekday == 0 || weekday == 6 ? 0.33 : 1);
}

static void turn_bursts(struct workload *w)
{
	for (unsigned i = 0; i < w->o.routes; i++) {
		struct route *r = &w->routes[i];

		if (r->burst_left > 0) {
			r->burst_left--;
		} else if (uniform(w) < BURST_CHANCE) {
			r->burst_left = 1 + below(w, BURST_SLOTS_MAX);
			r->burst_kind = below(w, 3);
			r->burst_rate = 0.2 + 0.7 * uniform(w);
		}
	}
}

/* On to the next slot that has calls. False: there is none. The shares are rounded in
 * such a way that their sum is exact. */
static bool next_slot(struct workload *w)
{
	while (w->in_slot == w->slot_n) {
		double upto;

		if (w->slot == w->o.days * SLOTS_PER_DAY)
			return false;
		w->done += w->slot_n;
		w->slot_us = slot_start(w, w->slot);
		w->weight += busy(w, w->slot);
		w->slot++;
		turn_bursts(w);
		upto = w->slot == w->o.days * SLOTS_PER_DAY
			       ? (double)w->o.calls
			       : floor((double)w->o.calls * w->weight / w->weight_sum);
		w->in_slot = 0;
		w->slot_n = (int64_t)upto - w->done;
	}
	return true;
}

static int64_t draw_time(struct workload *w)
{
	double at = ((double)w->in_slot + uniform(w)) / (double)w->slot_n;

	return w->slot_us + (int64_t)(at * (double)SLOT_US);
}

/* --- how it went --- */

struct answer {
	int16_t status, upstream_status; /* 0: none */
	const char *outcome, *error;
};

static const struct answer fine[] = {
	{200, 200, USAGE_OUTCOME_COMPLETE, NULL},
	{201, 201, USAGE_OUTCOME_COMPLETE, NULL},
	{204, 204, USAGE_OUTCOME_COMPLETE, NULL},
};

/* By chance, at any time. */
static const struct answer faults[] = {
	{400, 400, USAGE_OUTCOME_COMPLETE, "upstream: 400 Bad Request"},
	{400, 400, USAGE_OUTCOME_COMPLETE, "upstream: 400 Bad Request"},
	{404, 404, USAGE_OUTCOME_COMPLETE, "upstream: 404 Not Found"},
	{429, 429, USAGE_OUTCOME_COMPLETE, "upstream: 429 Too Many Requests"},
	{500, 500, USAGE_OUTCOME_COMPLETE, "upstream: 500 Internal Server Error"},
	{403, 0, "http_request_denied", "scope_missing: API key may not use this route"},
	{499, 0, USAGE_OUTCOME_CLIENT_ABORT, "client_abort: the client left"},
	{200, 200, USAGE_OUTCOME_CLIENT_ABORT, "client_abort: the client left"},
};

/* What a burst is made of. */
static const struct answer bursts[] = {
	{503, 503, USAGE_OUTCOME_COMPLETE, "upstream: 503 Service Unavailable"},
	{502, 0, "connection_refused",
	 "connection_refused: Upstream refused the connection"},
	{504, 0, "http_response_timeout",
	 "http_response_timeout: Upstream took too long to answer"},
};

static const struct answer *draw_answer(struct workload *w, const struct route *r)
{
	double u = uniform(w);

	if (r->burst_left > 0 && u < r->burst_rate)
		return &bursts[r->burst_kind];
	if (u > 0.975)
		return &faults[below(w, ARRAY_LEN(faults))];
	return &fine[u > 0.93 ? 1 + below(w, 2) : 0];
}

static int32_t to_ms(double ms)
{
	return ms < SLOW_ANSWER_MS ? (int32_t)ms : SLOW_ANSWER_MS;
}

static void fill_times(struct workload *w, const struct route *r, const struct answer *a,
		       struct usage_event *e)
{
	double ms = r->median_ms * exp(SIGMA * normal(w));
	bool answered = a->upstream_status != 0;

	e->response_time_ms = answered ? to_ms(ms) : USAGE_NULL;
	e->ttfb_ms = answered ? to_ms(ms + 1) : USAGE_NULL;
	if (a->status == 504)
		e->total_ms = SLOW_ANSWER_MS;
	else if (a->status == 502 || a->status == 403)
		e->total_ms = (int32_t)below(w, 3);
	else
		e->total_ms = to_ms(ms * (1 + uniform(w)) + 1);
	e->client_wait_ms = below(w, 50) == 0 ? (int32_t)below(w, 200) : 0;
	e->bytes_in = a->status == 403 ? 0 : 100 + below(w, 4000);
	e->bytes_out = answered ? 50 + (int64_t)(ms * (double)below(w, 20)) : 300;
}

static void fill_event(struct workload *w, unsigned token, const struct route *r,
		       struct usage_event *e)
{
	static const char *const agents[] = {"n8n", "python-requests/2.32.3",
					     "OpenAI/Python 1.58.1", "curl/7.88.1",
					     "node"};
	const struct answer *a = draw_answer(w, r);

	usage_event_init(e);
	e->used_at_us = draw_time(w);
	e->response_status = a->status;
	e->upstream_status = a->upstream_status ? a->upstream_status : USAGE_NULL;
	e->outcome = str_of(a->outcome);
	e->error_message = str_of(a->error);
	snprintf(w->ip, sizeof w->ip, "10.%u.%u.%u", token >> 8 & 255, token & 255,
		 1 + below(w, 4));
	e->ip_address = str_of(w->ip);
	e->user_agent = str_of(agents[token % ARRAY_LEN(agents)]);
	e->request_method = below(w, 10) < 7 ? STR("POST") : STR("GET");
	fill_times(w, r, a, e);
}

bool workload_next(struct workload *w, unsigned *token, unsigned *route,
		   struct usage_event *e)
{
	if (!next_slot(w))
		return false;
	*token = draw_token(w);
	*route = draw_route(w, &w->tokens[*token]);
	fill_event(w, *token, &w->routes[*route], e);
	w->in_slot++;
	return true;
}

struct workload *workload_new(const struct workload_options *o)
{
	struct workload *w = xcalloc(1, sizeof *w);
	uint64_t seed = o->seed;

	CHECK(o->calls >= 1 && o->calls <= WORKLOAD_CALLS_MAX && o->days >= 1 &&
	      o->days <= WORKLOAD_DAYS_MAX && o->tokens >= 1 &&
	      o->tokens <= WORKLOAD_TOKENS_MAX && o->routes >= 1 &&
	      o->routes <= WORKLOAD_ROUTES_MAX);
	w->o = *o;
	for (size_t i = 0; i < ARRAY_LEN(w->random); i++)
		w->random[i] = split_mix(&seed);
	w->tokens = xcalloc(o->tokens, sizeof *w->tokens);
	w->routes = xcalloc(o->routes, sizeof *w->routes);
	for (unsigned i = 0; i < o->routes; i++)
		w->routes[i].median_ms = 20 * pow(150, uniform(w)); /* 20 ms to 3 s */
	for (unsigned i = 0; i < o->tokens; i++)
		choose_routes(w, &w->tokens[i]);
	make_aliases(w);
	for (unsigned slot = 0; slot < o->days * SLOTS_PER_DAY; slot++)
		w->weight_sum += busy(w, slot);
	return w;
}

void workload_free(struct workload **workload)
{
	struct workload *w = *workload;

	*workload = NULL;
	if (w == NULL)
		return;
	free(w->tokens);
	free(w->routes);
	free(w);
}
