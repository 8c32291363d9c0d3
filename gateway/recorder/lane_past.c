/* What batches have stored of one lane. */
#include "gateway/recorder/lane_past.h"

#include <stdlib.h>

#include "common/check.h"

#define ROOM_FIRST 16u

void lane_past_fini(struct lane_past *p)
{
	free(p->list);
	*p = (struct lane_past){0};
}

/* a, and b behind it. */
static struct past_batch join(const struct past_batch *a, const struct past_batch *b)
{
	struct past_batch both = {.to = b->to, .events = a->events + b->events};

	both.first_us = a->first_us;
	if (both.first_us == 0 || (b->first_us != 0 && b->first_us < both.first_us))
		both.first_us = b->first_us;
	both.last_us = a->last_us > b->last_us ? a->last_us : b->last_us;
	return both;
}

/* Pairs become one. */
static void coarsen(struct lane_past *p)
{
	size_t half = p->n / 2;

	for (size_t i = 0; i < half; i++)
		p->list[i] = join(&p->list[2 * i], &p->list[2 * i + 1]);
	p->n = half;
}

void lane_past_add(struct lane_past *p, const struct past_batch *b)
{
	CHECK(p->n == 0 || p->list[p->n - 1].to < b->to);
	if (p->n == LANE_PAST_MAX)
		coarsen(p);
	if (p->n == p->room) {
		p->room = p->room == 0 ? ROOM_FIRST : 2 * p->room;
		p->list = xrealloc(p->list, p->room * sizeof *p->list);
	}
	p->list[p->n++] = *b;
}

struct past_batch lane_past_behind(const struct lane_past *p, uint64_t position)
{
	struct past_batch all = {0};

	for (size_t i = p->n; i-- > 0 && p->list[i].to > position;)
		all = all.events == 0 ? p->list[i] : join(&p->list[i], &all);
	return all;
}
