-- Keeping cells: short transactions, each by whoever holds the lock.

-- False: someone else is at it.
CREATE OR REPLACE FUNCTION public.usage_upkeep_lock() RETURNS boolean
LANGUAGE sql VOLATILE AS $$
SELECT pg_try_advisory_xact_lock(hashtext('tollgate: usage rollups'))
$$;
REVOKE ALL ON FUNCTION public.usage_upkeep_lock() FROM PUBLIC;

-- Merges up to `most` deltas into usage_open; returns how many. -1: someone else is at
-- it.
CREATE OR REPLACE FUNCTION public.usage_merge(most integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	n integer;
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	EXECUTE public.usage_sql($$
		WITH gone AS (DELETE FROM public.usage_deltas WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM public.usage_deltas LIMIT $1)) RETURNING *),
		merged AS (INSERT INTO public.usage_open AS c (token_id, route_id, since,
			{columns})
			SELECT CASE WHEN grouping(token_id) = 1 THEN -1 ELSE token_id END,
				CASE WHEN grouping(r.route_id) = 1 THEN -1
					ELSE coalesce(r.route_id, 0) END, since, {sums}
			FROM gone LEFT JOIN public.usage_routes AS r USING (route_path)
			GROUP BY since, CUBE (token_id, r.route_id)
			ON CONFLICT (token_id, route_id, since) DO UPDATE SET {merge})
		SELECT count(*) FROM gone$$) INTO n USING most;
	RETURN n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_merge(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_merge(integer) TO tollgate;

-- Rows that came without a token's id belong to the token that has their hash now; from
-- then on they say so themselves, so that a recount finds the same after the key was
-- rotated.
CREATE OR REPLACE FUNCTION public.usage_attribute(part regclass, which timestamp[])
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
	EXECUTE format($$UPDATE %s AS l SET token_id = k.token_id
		FROM unnest($1) AS w (since), public.token_keys AS k
		WHERE l.used_at >= w.since AND l.used_at < w.since + interval '15 minutes'
		AND l.token_id IS NULL AND k.token_hash = lower(l.token_hash)$$, part)
			USING which;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_attribute(regclass, timestamp[]) FROM PUBLIC;

-- Where earlier rows were dropped: counts the rows that nobody has counted, which are
-- those without a token's id, and gives them one.
CREATE OR REPLACE FUNCTION public.usage_count_late(part regclass, which timestamp[])
	RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
	EXECUTE public.usage_sql(format($$
		WITH late AS (UPDATE %s AS l SET token_id = coalesce((SELECT k.token_id
				FROM public.token_keys AS k WHERE k.token_hash = lower(l.token_hash)), 0)
			FROM unnest($1) AS w (since)
			WHERE used_at >= w.since AND used_at < w.since + interval '15 minutes'
			AND token_id IS NULL RETURNING w.since, l.*),
		known AS (INSERT INTO public.usage_routes (route_path)
			SELECT DISTINCT route_path FROM late WHERE route_path IS NOT NULL
			EXCEPT SELECT route_path FROM public.usage_routes ON CONFLICT DO NOTHING)
		INSERT INTO public.usage_deltas (since, token_id, route_path, {columns})
		SELECT since, token_id, route_path, {count} FROM (SELECT since, {row}
			FROM late) AS rows
		GROUP BY since, token_id, route_path$$, part)) USING which;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_count_late(regclass, timestamp[]) FROM PUBLIC;

-- All numbers that cells have for routes: an index on (route_id, since) finds an
-- interval.
CREATE OR REPLACE FUNCTION public.usage_route_ids() RETURNS integer[]
LANGUAGE sql STABLE AS $$
SELECT ARRAY(SELECT route_id FROM public.usage_routes) || '{-1,0}'
$$;

-- Makes the wide cells anew that these days are in.
CREATE OR REPLACE FUNCTION public.usage_widen(days timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	routes integer[] := public.usage_route_ids();
	step record;
BEGIN
	FOR step IN SELECT made, width, source, array_agg(DISTINCT public.usage_floor(d,
				width))
				AS since
			FROM public.usage_widths() AS v (made, width, source, coarser),
			unnest(days) AS d WHERE width > 86400 GROUP BY 1, 2, 3 ORDER BY width LOOP
		EXECUTE format('DELETE FROM public.%I WHERE route_id = ANY ($1) '
			'AND since = ANY ($2)', step.made) USING routes, step.since;
		EXECUTE public.usage_sql(format($$INSERT INTO public.%I
			(token_id, route_id, since, {columns})
			SELECT token_id, route_id, w.since, {sums} FROM unnest($2) AS w (since)
			JOIN public.%I AS c ON route_id = ANY ($1) AND c.since >= w.since
				AND c.since < w.since + $3
			GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3$$, step.made, step.source))
			USING routes, step.since, step.width * interval '1 second';
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_widen(timestamp[]) FROM PUBLIC;

-- Cells of these intervals of one day that stand in whole days go, and what was made of
-- them is made anew.
CREATE OR REPLACE FUNCTION public.usage_unpack(which timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	routes integer[] := public.usage_route_ids();
	step record;
BEGIN
	IF NOT EXISTS (SELECT FROM public.usage_day
			WHERE route_id = ANY (routes) AND since = date_trunc('day', which[1]))
		AND NOT EXISTS (SELECT FROM public.usage_15min
			WHERE route_id = ANY (routes) AND since = ANY (which)) THEN
		RETURN;
	END IF;
	DELETE FROM public.usage_15min WHERE route_id = ANY (routes) AND since = ANY (which);
	FOR step IN SELECT made, width, source, array_agg(DISTINCT public.usage_floor(w,
				width))
				AS since
			FROM public.usage_widths() AS v (made, width, source, coarser),
			unnest(which) AS w WHERE width > 900 AND width <= 86400
			GROUP BY 1, 2, 3 ORDER BY width LOOP
		EXECUTE format('DELETE FROM public.%I WHERE route_id = ANY ($1) '
			'AND since = ANY ($2)', step.made) USING routes, step.since;
		EXECUTE public.usage_sql(format($$INSERT INTO public.%I
			(token_id, route_id, since, {columns})
			SELECT token_id, route_id, w.since, {sums} FROM unnest($2) AS w (since)
			JOIN public.%I AS c ON route_id = ANY ($1) AND c.since >= w.since
				AND c.since < w.since + $3
			GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3$$, step.made, step.source))
			USING routes, step.since, step.width * interval '1 second';
	END LOOP;
	PERFORM public.usage_widen(ARRAY[which[1]]);
END
$body$;
REVOKE ALL ON FUNCTION public.usage_unpack(timestamp[]) FROM PUBLIC;

-- Counts the rows of some intervals of one day again. The caller holds the lock, and only
-- its holder writes to cells. Batches add deltas beside their rows, both visible or
-- neither: one snapshot has rows and deltas that agree; the deltas that it saw go, those
-- that come later stay.
CREATE OR REPLACE FUNCTION public.usage_recount(which timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	part regclass := public.usage_partition(which[1]::date);
	source text;
BEGIN
	IF which[1] < (SELECT raw_since FROM public.usage_rollup_state) THEN
		IF part IS NOT NULL THEN
			PERFORM public.usage_count_late(part, which);
		END IF;
		RETURN;
	END IF;
	-- Partitions that someone else laid out, other than by days.
	IF part IS NULL AND EXISTS (SELECT FROM pg_inherits
			WHERE inhparent = 'public.token_usage_logs'::regclass
			AND inhrelid NOT IN (SELECT p.part FROM public.usage_partitions() AS p)) THEN
		part := 'public.token_usage_logs';
	END IF;
	PERFORM public.usage_unpack(which);
	DELETE FROM public.usage_open
		WHERE route_id = ANY (public.usage_route_ids()) AND since = ANY (which);
	IF part IS NULL THEN
		DELETE FROM public.usage_deltas WHERE since = ANY (which);
		RETURN;
	END IF;
	PERFORM public.usage_attribute(part, which);
	source := format($$unnest($1) AS w (since) JOIN %s ON used_at >= w.since
		AND used_at < w.since + interval '15 minutes'$$, part);
	EXECUTE 'INSERT INTO public.usage_routes (route_path) SELECT DISTINCT route_path '
		'FROM '
		|| source || ' WHERE route_path IS NOT NULL '
		'EXCEPT SELECT route_path FROM public.usage_routes ON CONFLICT DO NOTHING'
			USING which;
	EXECUTE public.usage_sql(format($$
		WITH gone AS (DELETE FROM public.usage_deltas WHERE since = ANY ($1)),
		pairs AS (SELECT since, token_id, route_path, {count}
			FROM (SELECT w.since, {row} FROM %s) AS rows GROUP BY since, token_id,
			route_path)
		INSERT INTO public.usage_open (token_id, route_id, since, {columns})
		SELECT CASE WHEN grouping(token_id) = 1 THEN -1 ELSE token_id END,
			CASE WHEN grouping(r.route_id) = 1 THEN -1 ELSE coalesce(r.route_id, 0) END,
			since, {sums}
		FROM pairs LEFT JOIN public.usage_routes AS r USING (route_path)
		GROUP BY since, CUBE (token_id, r.route_id)$$, source)) USING which;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_recount(timestamp[]) FROM PUBLIC;

-- The same for each interval by itself, since together they failed. One that fails alone
-- keeps its marks and is left alone for ten minutes. Returns those that were counted.
CREATE OR REPLACE FUNCTION public.usage_recount_each(which timestamp[])
	RETURNS timestamp[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	done timestamp[] := '{}';
	w timestamp;
BEGIN
	FOREACH w IN ARRAY which LOOP
		BEGIN
			DELETE FROM public.usage_dirty WHERE since = w;
			PERFORM public.usage_recount(ARRAY[w]);
			done := done || w;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			-- Soon again, after others.
			INSERT INTO public.usage_recounted (since, rests_until)
				VALUES (w, clock_timestamp() + interval '10 seconds')
				ON CONFLICT (since) DO UPDATE SET rests_until = excluded.rests_until;
		WHEN OTHERS THEN
			INSERT INTO public.usage_recounted (since, rests_until, sqlstate, reason)
				VALUES (w, clock_timestamp() + interval '10 minutes', SQLSTATE, SQLERRM)
				ON CONFLICT (since) DO UPDATE SET rests_until = excluded.rests_until,
					sqlstate = excluded.sqlstate, reason = excluded.reason;
		END;
	END LOOP;
	RETURN done;
END
$$;
REVOKE ALL ON FUNCTION public.usage_recount_each(timestamp[]) FROM PUBLIC;

-- Takes the marks of up to `most` dirty intervals of one day, and counts those again. By
-- turns those that have waited longest, so that none waits for ever, and the latest, so
-- that a backlog does not hide today. An interval that is dirty all the time comes again
-- after ten seconds, or four times as long as it took, if others wait; one that could not
-- be counted, after ten minutes. Returns how many; -1: someone else is at it. A mark that
-- comes after it was looked for stays.
CREATE OR REPLACE FUNCTION public.usage_recount_dirty(most integer DEFAULT 8)
	RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '1s'
AS $$
DECLARE
	began CONSTANT timestamptz := clock_timestamp();
	longest_first boolean;
	which timestamp[];
	n integer;
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	longest_first := nextval('public.usage_recount_turns') % 2 = 0;
	DELETE FROM public.usage_recounted WHERE rests_until <= began;
	which := ARRAY(
		WITH waiting AS (SELECT since, min(noted_at) AS noted_at FROM public.usage_dirty
			GROUP BY since),
		queue AS MATERIALIZED (SELECT since, r.since IS NOT NULL AS rests,
				row_number() OVER (
				ORDER BY r.since IS NOT NULL, CASE WHEN longest_first THEN noted_at END,
				since DESC) AS place
			FROM waiting LEFT JOIN public.usage_recounted AS r USING (since)
			WHERE r.reason IS NULL)
		SELECT q.since FROM queue AS q JOIN queue AS first ON first.place = 1
			AND date_trunc('day', q.since) = date_trunc('day', first.since)
			AND q.rests = first.rests
		ORDER BY q.place LIMIT most);
	n := cardinality(which);
	IF n > 0 THEN
		BEGIN
			DELETE FROM public.usage_dirty WHERE since = ANY (which);
			PERFORM public.usage_recount(which);
		EXCEPTION WHEN OTHERS THEN
			which := public.usage_recount_each(which);
		END;
		INSERT INTO public.usage_recounted (since, rests_until)
			SELECT w, clock_timestamp() + greatest(interval '10 seconds',
				4 * (clock_timestamp() - began)) FROM unnest(which) AS w
			ON CONFLICT (since) DO UPDATE SET rests_until = excluded.rests_until;
	END IF;
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.usage_recount_dirty(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_recount_dirty(integer) TO tollgate;

-- Moves cells of days that are over (for ten minutes, since batches may come late) and
-- not dirty out of usage_open: up to `most` series of one day. They are laid down in the
-- order in which they are read. Returns the cells moved; -1: someone else is at it.
CREATE OR REPLACE FUNCTION public.usage_pack(most integer DEFAULT 50,
	until timestamp DEFAULT date_trunc('day', now() AT TIME ZONE 'UTC' - interval '10 '
	'minutes'))
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	day timestamp;
	tokens bigint[];
	routes integer[];
	n integer;
	statement text;
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	SELECT date_trunc('day', min(since)) INTO day FROM public.usage_open AS o
		WHERE route_id = -1 AND since < until
		AND NOT EXISTS (SELECT FROM public.usage_dirty AS d
			WHERE date_trunc('day', d.since) = date_trunc('day', o.since));
	IF day IS NULL THEN
		RETURN 0;
	END IF;
	SELECT array_agg(token_id), array_agg(route_id) INTO tokens, routes FROM (
		SELECT DISTINCT route_id <> -1 AS is_pair, token_id, route_id
			FROM public.usage_open
		WHERE route_id = ANY (public.usage_route_ids()) AND since >= day
		AND since < day + interval '1 day' ORDER BY 1, 2, 3 LIMIT most) AS series;
	SELECT 'WITH gone AS (DELETE FROM public.usage_open AS c '
			'USING unnest($2, $3) AS s (token_id, route_id) '
			'WHERE c.token_id = s.token_id AND c.route_id = s.route_id AND c.since >= $1 '
			'AND c.since < $1 + interval ''1 day'' RETURNING c.*), '
		|| string_agg(format('%1$s AS (INSERT INTO public.%1$s AS c (token_id, route_id, '
			'since, {columns}) SELECT token_id, route_id, public.usage_floor(since, '
			'%2$s), {sums} FROM gone GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3 '
			'ON CONFLICT (token_id, route_id, since) DO UPDATE SET {merge})', made,
				width),
			', ')
		|| 'SELECT count(*) FROM gone' INTO statement
		FROM public.usage_widths() AS v (made, width, finer, coarser);
	EXECUTE public.usage_sql(statement) INTO n USING day, tokens, routes;
	RETURN n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_pack(integer, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_pack(integer, timestamp) TO tollgate;
