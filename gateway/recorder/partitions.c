/* Which days are known to have a partition, and under which name. */
#include "gateway/recorder/partitions.h"

#include <stdio.h>

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

/* One that is missing is about to be made. */
#define LOOK_AGAIN_US UINT64_C(1000000)
#define TRY_AGAIN_US UINT64_C(5000000)
#define TRY_AGAIN_MAX_US UINT64_C(60000000)

static struct usage_partition *find(const struct usage_partitions *p, int64_t day)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->days[i].day == day)
			return (struct usage_partition *)&p->days[i];
	return NULL;
}

static bool is_due(const struct usage_partitions *p, int64_t day, uint64_t now_us)
{
	const struct usage_partition *d = find(p, day);

	return d == NULL || (d->look_us != 0 && d->look_us <= now_us);
}

static size_t count_unknown(const struct usage_partitions *p, const int64_t *days,
			    size_t n)
{
	size_t unknown = 0;

	for (size_t i = 0; i < n; i++)
		unknown += find(p, days[i]) == NULL;
	return unknown;
}

bool partitions_sql(struct usage_partitions *p, const int64_t *days, size_t n,
		    uint64_t now_us, struct sbuf *sql)
{
	char text[USAGE_TIME_TEXT_MAX];
	size_t asked = 0;

	CHECK(n <= PARTITIONS_KNOWN_MAX);
	if (p->n + count_unknown(p, days, n) > PARTITIONS_KNOWN_MAX)
		partitions_forget(p);
	for (size_t i = 0; i < n; i++) {
		if (!is_due(p, days[i], now_us))
			continue;
		usage_day_text(text, days[i]);
		sbuf_printf(sql, "%s(date '%s')",
			    asked++ ? ", "
				    : "SELECT v.day - date '1970-01-01', c.relname "
				      "FROM (VALUES ",
			    text);
	}
	if (asked)
		sbuf_lit(sql, ") AS v (day) JOIN pg_class AS c "
			      "ON c.oid = public.usage_partition(v.day)");
	return asked > 0;
}

void partitions_looked(struct usage_partitions *p, const int64_t *days, size_t n,
		       uint64_t now_us)
{
	for (size_t i = 0; i < n; i++) {
		struct usage_partition *d = find(p, days[i]);

		if (!is_due(p, days[i], now_us))
			continue;
		if (d == NULL) {
			CHECK(p->n < PARTITIONS_KNOWN_MAX);
			d = &p->days[p->n++];
			*d = (struct usage_partition){.day = days[i]};
		}
		d->name[0] = '\0';
		d->look_us = now_us + LOOK_AGAIN_US;
	}
}

void partitions_found(struct usage_partitions *p, int64_t day, const char *name)
{
	struct usage_partition *d = find(p, day);

	if (d == NULL)
		return;
	snprintf(d->name, sizeof d->name, "%s", name);
	d->look_us = 0;
}

const char *partitions_name(const struct usage_partitions *p, int64_t day)
{
	const struct usage_partition *d = find(p, day);

	return d != NULL && d->name[0] ? d->name : NULL;
}

void partitions_worked(struct usage_partitions *p, int64_t day)
{
	struct usage_partition *d = find(p, day);

	if (d != NULL && d->name[0])
		d->failures = 0;
}

bool partitions_failed(struct usage_partitions *p, int64_t day, bool is_gone,
		       uint64_t now_us)
{
	struct usage_partition *d = find(p, day);
	uint64_t pause = TRY_AGAIN_US;

	if (d == NULL)
		return false;
	d->name[0] = '\0';
	d->look_us = 1;
	if (d->failures++ == 0 && is_gone)
		return false;
	for (unsigned i = 1; i < d->failures && pause < TRY_AGAIN_MAX_US; i++)
		pause *= 2;
	d->look_us = now_us + (pause < TRY_AGAIN_MAX_US ? pause : TRY_AGAIN_MAX_US);
	return true;
}

void partitions_doubt(struct usage_partitions *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->days[i].look_us = 1;
}

void partitions_forget(struct usage_partitions *p)
{
	p->n = 0;
}
