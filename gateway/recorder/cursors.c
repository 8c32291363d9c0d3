/* A group's rows in usage_cursors. */
#include "gateway/recorder/cursors.h"

void cursors_join_sql(const char *group, struct usage_lane *const *lanes, size_t n,
		      struct sbuf *sql)
{
	/* What is released here must outlive the server's crash, whatever its default. A
	 * session of ours that the network lost may still hold the rows' locks. */
	sbuf_lit(sql,
		 "SELECT set_config('synchronous_commit', 'on', false) "
		 "WHERE current_setting('synchronous_commit') = 'off'; "
		 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		 "WHERE application_name = current_setting('application_name') "
		 "AND pid <> pg_backend_pid() AND usename = current_user; "
		 "DELETE FROM usage_cursors WHERE moved_at < now() - interval '400 days' "
		 "OR (position = 0 AND moved_at < now() - interval '1 day'); "
		 "INSERT INTO usage_cursors (lane_group, lane, position) VALUES ");
	for (size_t i = 0; i < n; i++)
		sbuf_printf(sql, "%s('%s', %zu, %llu)", i ? ", " : "", group, i,
			    (unsigned long long)usage_lane_tail(lanes[i]));
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
