/* Which days are known to have a partition. */
#include "gateway/recorder/partitions.h"

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

/* Its place; p->n: it is not known. */
static size_t find(const struct usage_partitions *p, int64_t day)
{
	size_t i = 0;

	while (i < p->n && !(p->days[i] == day && p->kinds[i] != PARTITION_UNKNOWN))
		i++;
	return i;
}

static bool knows(const struct usage_partitions *p, int64_t day)
{
	return find(p, day) < p->n;
}

bool partitions_sql(struct usage_partitions *p, const int64_t *days, size_t n,
		    struct sbuf *sql)
{
	char text[USAGE_TIME_TEXT_MAX];
	size_t missing = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->kinds[i] == PARTITION_FRESH)
			p->kinds[i] = PARTITION_KNOWN;
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
		p->kinds[p->next] = PARTITION_FRESH;
		p->next = (p->next + 1) % PARTITIONS_KNOWN_MAX;
		if (p->n < PARTITIONS_KNOWN_MAX)
			p->n++;
	}
}

enum partition_kind partitions_kind(const struct usage_partitions *p, int64_t day)
{
	size_t i = find(p, day);

	return i < p->n ? p->kinds[i] : PARTITION_UNKNOWN;
}

void partitions_failed(struct usage_partitions *p, int64_t day)
{
	size_t i = find(p, day);

	if (i < p->n)
		p->kinds[i] = p->kinds[i] == PARTITION_FRESH ? PARTITION_FOREIGN
							     : PARTITION_UNKNOWN;
}

void partitions_forget(struct usage_partitions *p)
{
	*p = (struct usage_partitions){0};
}
