/* Looks on at the lanes of a process's own group. */
#include "gateway/journal/group_tap.h"

#include "common/check.h"
#include "gateway/journal/group.h"
#include "gateway/journal/lane_tap.h"
#include "gateway/journal/tap.h"

struct group_tap {
	struct usage_tap *tap;
	struct usage_group *group; /* NULL: before the first look */
	struct lane_tap *lanes;
};

struct group_tap *group_tap_new(struct usage_tap *tap, size_t n_lanes)
{
	struct group_tap *t;

	if (tap == NULL)
		return NULL;
	t = xcalloc(1, sizeof *t);
	t->tap = tap;
	t->lanes = xcalloc(n_lanes, sizeof *t->lanes);
	return t;
}

void group_tap_free(struct group_tap **tap)
{
	if (*tap != NULL)
		free((*tap)->lanes);
	free(*tap);
	*tap = NULL;
}

static void copy(struct group_tap *t)
{
	for (size_t i = 0; i < t->group->n_lanes; i++)
		lane_tap_copy(&t->lanes[i], t->group->lanes[i], t->tap);
}

static void begin(struct group_tap *t, struct usage_group *own, bool from_start)
{
	for (size_t i = 0; i < own->n_lanes; i++) {
		t->lanes[i] = (struct lane_tap){0};
		if (!from_start)
			lane_tap_start(&t->lanes[i], own->lanes[i]);
	}
	t->group = own;
}

void group_tap_look(struct group_tap *t, struct usage_group *own)
{
	if (t == NULL)
		return;
	if (!usage_tap_is_wanted(t->tap)) {
		begin(t, own, false);
		return;
	}
	if (t->group != NULL)
		copy(t);
	if (t->group != own) {
		begin(t, own, true);
		copy(t);
	}
	usage_tap_flush(t->tap);
}
