-- Proof: what cells say against what rows add up to.

CREATE OR REPLACE FUNCTION public.usage_has_any(part regclass, low timestamp,
	high timestamp)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found boolean := false;
	routes integer[] := public.usage_route_ids();
	source text;
BEGIN
	IF part IS NOT NULL THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE used_at >= $1 '
			'AND used_at < $2)', part) INTO found USING low, high;
	END IF;
	FOR source IN SELECT 'usage_open' UNION ALL
			SELECT name FROM public.usage_widths() WHERE width <= 86400 LOOP
		EXIT WHEN found;
		EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE route_id = ANY ($1) '
			'AND since >= date_trunc(''day'', $2) AND since < $3)', source)
			INTO found USING routes, low, high;
	END LOOP;
	RETURN found OR EXISTS (SELECT FROM public.usage_deltas WHERE since >= low
		AND since < high);
END
$$;
REVOKE ALL ON FUNCTION public.usage_has_any(regclass, timestamp, timestamp) FROM PUBLIC;

-- What the cells of one day should add up to, by token and route: a statement, from $1 to
-- $2.
CREATE OR REPLACE FUNCTION public.usage_counted_pairs(part regclass, kept boolean,
	unpacked text)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
	WHEN kept AND part IS NOT NULL THEN format(
		'SELECT public.usage_floor(used_at, 900) AS since, token_id, '
		'coalesce(r.route_id, 0) AS route_id, {count} '
		'FROM (SELECT {row} FROM %s WHERE used_at >= $1 AND used_at < $2) AS rows '
		'LEFT JOIN public.usage_routes AS r USING (route_path) GROUP BY 1, 2, 3', part)
	WHEN kept THEN
		'SELECT since, token_id, route_id, {columns} FROM public.usage_15min WHERE false'
	ELSE 'SELECT since, token_id, route_id, {plain_sums} FROM (SELECT since, token_id, '
		'route_id, {columns} FROM public.usage_15min WHERE token_id >= 0 '
		'AND route_id >= 0 UNION ALL SELECT since, token_id, route_id, {columns} '
			'FROM public.usage_open WHERE token_id >= 0 AND route_id >= 0 UNION ALL '
			|| unpacked || ') AS cells WHERE since >= $1 AND since < $2 GROUP BY 1, 2, 3'
	END
$$;
REVOKE ALL ON FUNCTION public.usage_counted_pairs(regclass, boolean, text) FROM PUBLIC;

-- What compares the cells of one width with what `pairs` counts: from $1 to $2, of routes
-- $3.
CREATE OR REPLACE FUNCTION public.usage_differences_sql(pairs text, name text,
	width integer, unpacked text)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
SELECT public.usage_sql(format($$
	WITH pairs AS (%1$s),
	counted AS (SELECT public.usage_floor(since, %3$s) AS since, %4$s,
		{plain_sums}
		FROM pairs GROUP BY 1, CUBE (token_id, route_id)),
	waiting AS (%5$s),
	stored AS (SELECT since, token_id, route_id, {plain_sums} FROM (
		SELECT since, token_id, route_id, {columns} FROM public.%2$I
		WHERE route_id = ANY ($3) AND since >= $1 AND since < $2
		UNION ALL SELECT public.usage_floor(since, %3$s), token_id, route_id,
			{columns}
		FROM public.usage_open
		WHERE route_id = ANY ($3) AND since >= $1 AND since < $2
		UNION ALL SELECT public.usage_floor(since, %3$s), %4$s, {sums}
			FROM waiting
		WHERE since >= $1 AND since < $2 GROUP BY 1, CUBE (token_id,
			route_id)) AS cells
		GROUP BY 1, 2, 3)
	SELECT %2$L, found.since, found.token_id, found.route_id, found.stored,
		found.counted, found.columns
	FROM (SELECT since, token_id, route_id, coalesce(s.calls, 0) AS stored,
			coalesce(c.calls, 0) AS counted,
			(SELECT string_agg(key, ', ' ORDER BY key) FROM (
				SELECT key, value FROM jsonb_each(to_jsonb(s)) EXCEPT
				SELECT key, value FROM jsonb_each(to_jsonb(c))) AS d) AS columns
		FROM (SELECT * FROM counted WHERE calls > 0) AS c
		FULL JOIN stored AS s USING (since, token_id, route_id)
		WHERE c IS DISTINCT FROM s) AS found
	WHERE NOT EXISTS (SELECT FROM public.usage_dirty AS d
		WHERE d.since >= found.since
		AND d.since < found.since + %3$s * interval '1 second')
	ORDER BY 2, 3, 4$$, pairs, name, width,
	'CASE WHEN grouping(token_id) = 1 THEN -1 ELSE token_id END AS token_id, '
	'CASE WHEN grouping(route_id) = 1 THEN -1 ELSE route_id END AS route_id', unpacked))
$body$;
REVOKE ALL ON FUNCTION public.usage_differences_sql(text, text, integer, text)
	FROM PUBLIC;

-- Recounts the rows of a part of one UTC day, whole quarters, and compares with the
-- cells: in each width and dimension, every column. One row a difference; none: all is
-- right. Where the rows were dropped, the cells of 15 minutes stand in for them.
-- Intervals that wait to be counted again are left out. Right while retention drops the
-- day.
CREATE OR REPLACE FUNCTION public.usage_differences(low timestamp, high timestamp)
RETURNS TABLE (source text, since timestamp, token_id bigint, route_id integer,
	stored_calls bigint, counted_calls bigint, columns text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	part regclass;
	is_gone boolean;
	kept boolean;
	-- Deltas, by the number of their route.
	unpacked text := 'SELECT since, token_id, coalesce(r.route_id, 0) AS route_id, '
		'{columns} FROM public.usage_deltas LEFT JOIN public.usage_routes AS r '
		'USING (route_path)';
	pairs text;
	step record;
BEGIN
	IF high > date_trunc('day', low) + interval '1 day' OR low >= high THEN
		RAISE EXCEPTION 'low and high must be of one UTC day'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO part, is_gone FROM public.usage_partition_seen(low::date);
	kept := NOT is_gone AND low >= (SELECT raw_since FROM public.usage_rollup_state);
	IF NOT public.usage_has_any(part, low, high) THEN
		RETURN;
	END IF;
	pairs := public.usage_counted_pairs(part, kept, unpacked);
	FOR step IN SELECT * FROM public.usage_widths() AS v
			WHERE v.width <= 86400 AND public.usage_floor(low, v.width) = low
			AND public.usage_floor(high, v.width) = high LOOP
		RETURN QUERY EXECUTE public.usage_differences_sql(pairs, step.name, step.width,
			unpacked) USING low, high, public.usage_route_ids();
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_differences(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_differences(timestamp, timestamp) TO tollgate;

-- The wide cells that touch a range and differ from the narrower ones which they were
-- made of, as usage_differences tells of the others.
CREATE OR REPLACE FUNCTION public.usage_wide_differences(low timestamp, high timestamp)
RETURNS TABLE (source text, since timestamp, token_id bigint, route_id integer,
	stored_calls bigint, counted_calls bigint, columns text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	step record;
BEGIN
	FOR step IN SELECT v.*, public.usage_floor(low, width) AS begins
			FROM public.usage_widths() AS v (name, width, made_of, coarser)
			WHERE width > 86400 LOOP
		RETURN QUERY EXECUTE public.usage_sql(format($$
			WITH counted AS (SELECT public.usage_floor(since, %2$s) AS since, token_id,
					route_id, {plain_sums} FROM public.%3$I
				WHERE route_id = ANY ($3) AND since >= $1
					AND since < public.usage_floor($2 + interval '%2$s s', %2$s)
				GROUP BY 1, 2, 3),
			stored AS (SELECT since, token_id, route_id, {plain_sums} FROM public.%1$I
				WHERE route_id = ANY ($3) AND since >= $1 AND since < $2 GROUP BY 1, 2, 3)
			SELECT %1$L, since, token_id, route_id, coalesce(s.calls, 0),
				coalesce(c.calls, 0), (SELECT string_agg(key, ', ' ORDER BY key) FROM (
					SELECT key, value FROM jsonb_each(to_jsonb(s)) EXCEPT
					SELECT key, value FROM jsonb_each(to_jsonb(c))) AS d)
			FROM (SELECT * FROM counted WHERE since < $2 AND calls > 0) AS c
			FULL JOIN stored AS s USING (since, token_id, route_id)
			WHERE c IS DISTINCT FROM s ORDER BY 2, 3, 4$$, step.name, step.width,
				step.made_of))
			USING step.begins, high, public.usage_route_ids();
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_wide_differences(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_wide_differences(timestamp, timestamp) TO tollgate;

-- The days that have rows or cells.
CREATE OR REPLACE FUNCTION public.usage_days() RETURNS TABLE (day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT p.day FROM public.usage_partitions() AS p
UNION SELECT since::date FROM public.usage_15min WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_day WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_open WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_deltas
ORDER BY 1
$$;
REVOKE ALL ON FUNCTION public.usage_days() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_days() TO tollgate;

-- Marks the intervals of a day that differ; returns how many. usage_recount_dirty mends
-- them.
CREATE OR REPLACE FUNCTION public.usage_repair(low timestamp, high timestamp)
	RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH marked AS (INSERT INTO public.usage_dirty (since)
	SELECT DISTINCT since FROM public.usage_differences(low, high) RETURNING since)
SELECT count(*) FROM marked
$$;
REVOKE ALL ON FUNCTION public.usage_repair(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_repair(timestamp, timestamp) TO tollgate;

-- Makes the wide cells of a range anew; false: the lock is someone else's just now.
CREATE OR REPLACE FUNCTION public.usage_repair_wide(low timestamp, high timestamp)
	RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN false;
	END IF;
	PERFORM public.usage_widen(ARRAY(SELECT generate_series(date_trunc('day', low),
		high - interval '1 second', interval '1 day')));
	RETURN true;
END
$$;
REVOKE ALL ON FUNCTION public.usage_repair_wide(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_repair_wide(timestamp, timestamp) TO tollgate;
