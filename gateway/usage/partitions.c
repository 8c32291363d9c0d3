/* Which days are known to have a partition. */
#include "gateway/usage/partitions.h"

#include "common/check.h"
#include "gateway/usage/copy_row.h"

static bool knows(const struct usage_partitions *p, int64_t day)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->days[i] == day)
			return true;
	return false;
}

bool partitions_sql(const struct usage_partitions *p, const int64_t *days, size_t n,
		    struct sbuf *sql)
{
	char text[USAGE_TIME_TEXT_MAX];
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		if (knows(p, days[i]))
			continue;
		usage_day_text(text, days[i]);
		sbuf_printf(sql, "%s(date '%s')",
			    missing++ ? ", "
				      : "SELECT usage_ensure_partition(d) FROM (VALUES ",
			    text);
	}
	if (missing)
		sbuf_lit(sql, ") AS v (d)");
	return missing > 0;
}

void partitions_know(struct usage_partitions *p, const int64_t *days, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (knows(p, days[i]))
			continue;
		p->days[p->next] = days[i];
		p->next = (p->next + 1) % PARTITIONS_KNOWN_MAX;
		if (p->n < PARTITIONS_KNOWN_MAX)
			p->n++;
	}
}

void partitions_forget(struct usage_partitions *p)
{
	*p = (struct usage_partitions){0};
}
