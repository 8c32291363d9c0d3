-- The slowest calls.

-- Where some of the greatest time_max stand: (token, route, quarter) of the n cells of
-- the series that `filter` names. From the widest cells of the range down: what is among
-- the n greatest of a width, or is of the edges, is looked into in the next.
CREATE OR REPLACE FUNCTION public.usage_slowest_cells(low timestamp, high timestamp,
	filter text, tokens bigint[], routes integer[], n integer, OUT cell_tokens bigint[],
	OUT cell_routes integer[], OUT cell_since timestamp[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $body$
DECLARE
	step record;
BEGIN
	FOR step IN SELECT v.*, coalesce((SELECT string_agg(format('SELECT token_id, '
				'route_id, since, time_max FROM public.%I WHERE %s AND since >= %L '
				'AND since < %L UNION ALL ', source, filter, piece_low, piece_high), '')
				FROM public.usage_pieces(low, high) WHERE source = v.name),
					'') AS of_range
			FROM public.usage_widths() AS v (name, width, finer, wider)
			ORDER BY width DESC LOOP
		EXECUTE format('SELECT array_agg(token_id), array_agg(route_id), '
			'array_agg(since) FROM (SELECT token_id, route_id, since FROM (%s'
			'SELECT c.token_id, c.route_id, c.since, c.time_max FROM unnest($4, $5, $6) '
			'AS k (token_id, route_id, since) JOIN public.%I AS c '
				'ON c.token_id = k.token_id AND c.route_id = k.route_id '
				'AND c.since >= k.since AND c.since < k.since + interval ''%s s'') AS '
					'cells WHERE time_max IS NOT NULL ORDER BY time_max DESC '
					'LIMIT $7) AS slowest',
			step.of_range || CASE WHEN step.width = 900 THEN format('SELECT token_id, '
				'route_id, since, time_max FROM public.usage_open WHERE %s '
				'AND since >= $1 AND since < $2 UNION ALL ', filter) ELSE '' END,
					step.name, coalesce(step.wider, 0))
			INTO cell_tokens, cell_routes, cell_since
			USING low, high, tokens, cell_tokens, cell_routes, cell_since, n, routes;
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_slowest_cells(timestamp, timestamp, text, bigint[],
	integer[], integer) FROM PUBLIC;

-- From cells of all tokens to a token's: by their slowest routes, since there are fewer.
CREATE OR REPLACE FUNCTION public.usage_slowest_series(cell_tokens bigint[],
	cell_routes integer[], cell_since timestamp[], low timestamp, high timestamp,
	tokens bigint[], paths text[], n integer)
RETURNS TABLE (token_id bigint, route_id integer, since timestamp, time_max integer,
	calls bigint, route_path varchar)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
SET plan_cache_mode = force_custom_plan AS $body$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH slowest AS (SELECT * FROM unnest(cell_tokens, cell_routes,
		cell_since) AS s (token_id, route_id, since)),
	cells AS NOT MATERIALIZED (
		SELECT token_id, route_id, since, time_max, calls FROM public.usage_15min
		UNION ALL SELECT token_id, route_id, since, time_max, calls
			FROM public.usage_open),
	by_route AS (SELECT c.route_id, c.since FROM slowest AS s JOIN cells AS c
			ON c.token_id = s.token_id AND c.since = s.since
		WHERE s.token_id = -1 AND c.route_id >= 0 AND s.route_id IN (-1, c.route_id)
			AND time_max IS NOT NULL
		GROUP BY 1, 2 ORDER BY max(time_max) DESC LIMIT n),
	chosen AS (SELECT c.* FROM slowest AS s JOIN cells AS c USING (token_id, route_id,
			since)
			WHERE s.token_id >= 0
		UNION ALL SELECT c.* FROM by_route AS r JOIN cells AS c USING (route_id, since)
			WHERE c.token_id >= 0
		UNION ALL SELECT token_id, CASE WHEN tokens IS NOT NULL AND paths IS NULL THEN -1
			ELSE coalesce(r.route_id, 0) END, since, time_max, calls
			FROM public.usage_deltas
			LEFT JOIN public.usage_routes AS r USING (route_path)
			WHERE since >= low AND since < high
				AND (tokens IS NULL OR token_id = ANY (tokens))
			AND (paths IS NULL OR route_path = ANY (paths)))
	SELECT token_id, route_id, since, max(time_max) AS time_max,
		sum(calls)::bigint AS calls,
		(SELECT route_path FROM public.usage_routes AS r
			WHERE r.route_id = chosen.route_id)
	FROM chosen WHERE time_max IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_slowest_series(bigint[], integer[], timestamp[],
	timestamp, timestamp, bigint[], text[], integer) FROM PUBLIC;

-- A cell's slowest calls. By the token's hash, if that finds all its rows: a former key's
-- may be in no table any more. Not by the index of routes, which holds a whole day's
-- rows.
CREATE OR REPLACE FUNCTION public.usage_slowest_rows(part regclass, low timestamp,
	of_token bigint, of_route integer, path text, calls bigint, least_ms integer,
	n integer, OUT rows json[], OUT times integer[])
LANGUAGE plpgsql STABLE AS $body$
DECLARE
	on_route CONSTANT text := CASE
		WHEN of_route > 0 THEN format(' AND (route_path = %L) IS TRUE', path)
		WHEN of_route = 0 THEN ' AND route_path IS NULL' ELSE '' END;
	by_hash boolean;
	counted bigint;
BEGIN
	FOREACH by_hash IN ARRAY CASE WHEN calls <= 2000 THEN '{t,f}'
		ELSE '{f}' END::boolean[]
	LOOP
		EXECUTE format('WITH w AS %sMATERIALIZED (SELECT * FROM %s WHERE used_at >= $1 '
			'AND used_at < $1 + interval ''15 minutes'' AND coalesce(token_id, '
			'0) = $2%s%s) SELECT %s, '
				'array_agg(public.usage_row_json(ROW(l.*)::public.token_usage_logs)), '
			'array_agg(response_time_ms) FROM (SELECT * FROM w '
				'WHERE response_time_ms >= $3 ORDER BY response_time_ms DESC, '
				'used_at DESC, id DESC LIMIT $4) AS l',
			CASE WHEN by_hash THEN '' ELSE 'NOT ' END, part, on_route, CASE
				WHEN by_hash THEN
			' AND token_hash = ANY (ARRAY(SELECT token_hash FROM public.token_keys '
			'WHERE token_id = $2))' ELSE '' END,
			CASE WHEN by_hash THEN '(SELECT count(*) FROM w)' ELSE 'NULL' END)
			INTO counted, rows, times USING low, of_token, least_ms, n;
		EXIT WHEN counted >= calls;
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_slowest_rows(regclass, timestamp, bigint, integer,
	text, bigint, integer, integer) FROM PUBLIC;

-- The n slowest calls of a range, of which there are rows.
CREATE OR REPLACE FUNCTION public.usage_slowest(low timestamp, high timestamp,
	tokens bigint[], paths text[], n integer)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog,
	pg_temp
SET jit = off AS $body$
#variable_conflict use_column
DECLARE
	routes integer[] := public.usage_route_numbers(paths);
	since_raw timestamp := greatest(low, (SELECT raw_since
		FROM public.usage_rollup_state));
	filter text := CASE WHEN tokens IS NULL THEN 'token_id = -1'
		ELSE 'token_id = ANY ($3)' END
		|| CASE WHEN paths IS NULL THEN ' AND route_id = -1' ELSE ' '
			'AND route_id = ANY ($8)' END;
	found record;
	cell record;
	rows json[] := '{}';
	times integer[] := '{}';
	more json[];
	more_times integer[];
	part regclass;
	threshold integer;
BEGIN
	IF since_raw >= high THEN
		RETURN '[]';
	END IF;
	found := public.usage_slowest_cells(since_raw, high, filter, tokens, routes, n);
	FOR cell IN SELECT * FROM public.usage_slowest_series(found.cell_tokens,
			found.cell_routes, found.cell_since, since_raw, high, tokens, paths, n) LOOP
		part := public.usage_partition(cell.since::date);
		threshold := CASE WHEN cardinality(times) >= n THEN (SELECT t
			FROM unnest(times) AS t
			ORDER BY t DESC OFFSET n - 1 LIMIT 1) END;
		EXIT WHEN cell.time_max < threshold;
		CONTINUE WHEN part IS NULL;
		SELECT * INTO more, more_times FROM public.usage_slowest_rows(part, cell.since,
			cell.token_id, cell.route_id, cell.route_path, cell.calls, coalesce(threshold,
			0), n);
		rows := rows || coalesce(more, '{}');
		times := times || coalesce(more_times, '{}');
	END LOOP;
	RETURN (SELECT coalesce(json_agg(j), '[]') FROM (SELECT j FROM unnest(rows, times)
		AS r (j, ms) ORDER BY ms DESC, j ->> 'used_at' DESC, (j ->> 'id')::bigint DESC
		LIMIT n) AS slowest);
END
$body$;
REVOKE ALL ON FUNCTION public.usage_slowest(timestamp, timestamp, bigint[], text[],
	integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_slowest(timestamp, timestamp, bigint[], text[],
	integer) TO tollgate;
