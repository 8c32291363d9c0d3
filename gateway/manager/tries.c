/* Attempts to sign in: their limits, and what is told of them. */
#include "gateway/manager/tries.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/manager/refusals.h"

struct tries {
	struct attempts *attempts;
	struct refusals *refusals;
	uint64_t limited;
};

struct tries *tries_new(struct manager_db *db)
{
	struct tries *t = xcalloc(1, sizeof *t);

	t->attempts = attempts_new();
	t->refusals = refusals_new(db);
	return t;
}

void tries_free(struct tries **tries)
{
	struct tries *t = *tries;

	*tries = NULL;
	if (t == NULL)
		return;
	attempts_free(&t->attempts);
	refusals_free(&t->refusals);
	free(t);
}

bool tries_begin(struct tries *t, const struct net_ip *client)
{
	bool may = attempts_take(t->attempts, client, clock_mono_us());

	t->limited += !may;
	return may;
}

bool tries_begin_person(struct tries *t, const struct net_ip *client,
			const unsigned char who[ATTEMPTS_WHO])
{
	bool may = attempts_take_person(t->attempts, who, clock_mono_us());

	t->limited += !may;
	if (!may)
		attempts_give_back(t->attempts, client);
	return may;
}

void tries_failed(struct tries *t, const struct net_ip *client, const char *by,
		  const char *why)
{
	refusals_tell(t->refusals, client, by, why);
}

void tries_end(struct tries *t, const struct net_ip *client,
	       const unsigned char who[ATTEMPTS_WHO])
{
	attempts_give_back(t->attempts, client);
	if (who != NULL)
		attempts_give_back_person(t->attempts, who);
}

struct tries_counts tries_count(const struct tries *t)
{
	return (struct tries_counts){refusals_count(t->refusals), t->limited};
}
