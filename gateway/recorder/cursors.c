/* A group's rows in usage_cursors. */
#include "gateway/recorder/cursors.h"

void cursors_end_older_sql(struct sbuf *sql)
{
	sbuf_lit(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		      "WHERE application_name = current_setting('application_name') "
		      "AND pid <> pg_backend_pid() AND usename = current_user; ");
}

void cursors_join_sql(const char *group, struct usage_lane *const *lanes, size_t n,
		      bool had_them, struct sbuf *sql)
{
	sbuf_printf(sql,
		    "DELETE FROM usage_cursors WHERE lane_group <> '%s' AND (moved_at < "
		    "now() - interval '400 days' OR (position = 0 AND moved_at < now() - "
		    "interval '1 day')); "
		    "INSERT INTO usage_cursors (lane_group, lane, position) VALUES ",
		    group);
	for (size_t i = 0; i < n; i++)
		sbuf_printf(sql, "%s('%s', %zu, %llu)", i ? ", " : "", group, i,
			    had_them ? 0ull
				     : (unsigned long long)usage_lane_tail(lanes[i]));
	sbuf_printf(sql,
		    " ON CONFLICT (lane_group, lane) DO NOTHING; SELECT lane, position "
		    "FROM usage_cursors WHERE lane_group = '%s' ORDER BY lane",
		    group);
}

bool cursor_take(struct usage_lane *lane, uint64_t position, uint64_t sent,
		 uint64_t *rows)
{
	uint64_t at = usage_lane_tail(lane);
	const unsigned char *bytes;
	size_t n;

	*rows = 0;
	if (position < at || position > sent)
		return false;
	while (at < position && usage_lane_read(lane, at, &bytes, &n, &at))
		++*rows;
	usage_lane_rest(lane);
	if (at != position)
		return false;
	usage_lane_release(lane, position);
	return true;
}

void cursors_reset_sql(const char *group, size_t index, const struct usage_lane *lane,
		       struct sbuf *sql)
{
	sbuf_printf(sql,
		    "UPDATE usage_cursors SET position = %llu, moved_at = now() "
		    "WHERE lane_group = '%s' AND lane = %zu; ",
		    (unsigned long long)usage_lane_tail(lane), group, index);
}

void cursors_gap_sql(const char *group, size_t index, const struct usage_lane *lane,
		     const struct past_batch *gone, struct sbuf *sql)
{
	/* No counter's serial is negative. Where it is lost as well, and all that was
	 * stored since, the same name comes again with more. */
	sbuf_printf(
		sql,
		"INSERT INTO usage_gaps (lane_group, lane, serial, minute, dropped, "
		"reason, lost_from, lost_to) SELECT '%s', %zu, -%llu, "
		"date_trunc('minute', f), %llu, 'database set back', f, t FROM (SELECT "
		"timestamp 'epoch' + %lld * interval '1 microsecond' AS f, timestamp "
		"'epoch' + %lld * interval '1 microsecond' AS t) AS x ON CONFLICT "
		"(lane_group, lane, serial) DO UPDATE SET dropped = "
		"greatest(usage_gaps.dropped, excluded.dropped), lost_from = "
		"least(usage_gaps.lost_from, excluded.lost_from); ",
		group, index, (unsigned long long)usage_lane_tail(lane),
		(unsigned long long)gone->events, (long long)gone->first_us,
		(long long)gone->last_us);
}
