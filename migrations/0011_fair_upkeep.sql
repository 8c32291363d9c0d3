-- No mark waits for ever, what is made up goes without a trace, and proof holds while days are dropped.
--
-- Runs once, as tollgate_owner, inside a transaction.

-- --- Marks ---

-- Whose turn it is. Not undone with a recount that fails, so that the next turn is another's.
CREATE SEQUENCE public.usage_recount_turns;

-- Intervals that were counted again a moment ago. Of no use after a crash.
CREATE UNLOGGED TABLE public.usage_recounted (
	since timestamp PRIMARY KEY,
	rests_until timestamptz NOT NULL
);

-- Takes the marks of up to `most` dirty intervals of one day, and counts those again. By turns
-- those that have waited longest, so that none waits for ever, and the latest, so that a backlog
-- does not hide today. An interval that is dirty all the time comes again after ten seconds, or
-- four times as long as it took, if others wait. Returns how many; -1: someone else is at it. A mark
-- that comes after it was looked for stays.
CREATE OR REPLACE FUNCTION public.usage_recount_dirty(most integer DEFAULT 8) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	began CONSTANT timestamptz := clock_timestamp();
	longest_first boolean;
	which timestamp[];
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	longest_first := nextval('public.usage_recount_turns') % 2 = 0;
	DELETE FROM public.usage_recounted WHERE rests_until <= began;
	which := ARRAY(
		WITH waiting AS (SELECT since, min(noted_at) AS noted_at FROM public.usage_dirty
			GROUP BY since),
		queue AS MATERIALIZED (SELECT since, r.since IS NOT NULL AS rests, row_number() OVER (
				ORDER BY r.since IS NOT NULL, CASE WHEN longest_first THEN noted_at END,
				since DESC) AS place
			FROM waiting LEFT JOIN public.usage_recounted AS r USING (since))
		SELECT q.since FROM queue AS q JOIN queue AS first ON first.place = 1
			AND date_trunc('day', q.since) = date_trunc('day', first.since)
			AND q.rests = first.rests
		ORDER BY q.place LIMIT most);
	IF cardinality(which) > 0 THEN
		DELETE FROM public.usage_dirty WHERE since = ANY (which);
		PERFORM public.usage_recount(which);
		INSERT INTO public.usage_recounted (since, rests_until)
			SELECT w, clock_timestamp() + greatest(interval '10 seconds',
				4 * (clock_timestamp() - began)) FROM unnest(which) AS w
			ON CONFLICT (since) DO UPDATE SET rests_until = excluded.rests_until;
	END IF;
	RETURN cardinality(which);
END
$$;

-- --- Retention ---

-- Retention has dropped the days before this. raw_since is later where a load has cells only.
ALTER TABLE public.usage_rollup_state ADD dropped_before timestamp NOT NULL DEFAULT '-infinity';
-- Which of the two raw_since came from is not known: cells before it are only added to.
UPDATE public.usage_rollup_state SET dropped_before = raw_since;

-- As in 0004. Marks of earlier days wait as well: from then on their rows could not be counted
-- again. And a sample's calls, which are of real tokens, are taken off the statistics first, while
-- there are rows to count again.
CREATE OR REPLACE FUNCTION public.usage_drop_day(which date, retention_days integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
AS $$
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN false;
	END IF;
	IF NOT EXISTS (SELECT FROM public.usage_days_due(retention_days) AS d
			WHERE d.day = which) THEN
		RAISE EXCEPTION '% is not older than % days, or has no rows', which, retention_days
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF EXISTS (SELECT FROM public.usage_generated, public.usage_rollup_state AS s
			WHERE low < which + 1 AND high > s.raw_since) THEN
		DELETE FROM public.token_usage_logs AS l
			WHERE used_at >= (SELECT raw_since FROM public.usage_rollup_state)
			AND used_at < which + 1 AND tags ? 'generated'
			AND token_id NOT IN (SELECT id FROM public.tokens WHERE key_start = 'generated');
		IF FOUND THEN
			RETURN false;
		END IF;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	LOCK TABLE public.token_usage_logs IN ACCESS EXCLUSIVE MODE;
	-- Nobody writes now: what marks there are can be seen.
	IF EXISTS (SELECT FROM public.usage_dirty WHERE since < which + 1) THEN
		RETURN false;
	END IF;
	UPDATE public.usage_rollup_state SET raw_since = greatest(raw_since, which + 1),
		dropped_before = greatest(dropped_before, which + 1);
	EXECUTE format('ALTER TABLE public.token_usage_logs DETACH PARTITION %s',
		public.usage_partition(which));
	EXECUTE format('DROP TABLE %s', public.usage_partition(which));
	RETURN true;
END
$$;

-- As in 0002. Rows of days that were dropped come without a token's id, as late rows do: that is
-- how they are told from those that were counted. The locks are a retention's, so that a day is
-- dropped before or after.
CREATE OR REPLACE FUNCTION public.usage_adopt_day(which date, zone text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kept_since timestamp;
	n bigint;
BEGIN
	IF which NOT BETWEEN date '1970-01-02' AND current_date + 30 THEN
		INSERT INTO public.usage_rejected (sqlstate, reason, record)
			SELECT '22008', 'used_at is too far from today', to_jsonb(l)
			FROM public.token_usage_logs_legacy l
			WHERE used_at >= which AND used_at < which + 1;
		INSERT INTO public.usage_adoption (day, copied) VALUES (which, 0);
		RETURN 0;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	LOCK TABLE public.token_usage_logs IN ROW EXCLUSIVE MODE;
	SELECT raw_since INTO kept_since FROM public.usage_rollup_state;
	PERFORM public.usage_ensure_partition(d) FROM (
		SELECT DISTINCT (used_at AT TIME ZONE zone AT TIME ZONE 'UTC')::date AS d
		FROM public.token_usage_logs_legacy
		WHERE used_at >= which AND used_at < which + 1) AS days;
	INSERT INTO public.token_usage_logs (id, token_hash, route_path, used_at,
			response_status, response_time_ms, ip_address, user_agent,
			request_method, error_message, token_id)
		SELECT l.id, l.token_hash, l.route_path,
			l.used_at AT TIME ZONE zone AT TIME ZONE 'UTC', l.response_status,
			l.response_time_ms, l.ip_address, l.user_agent, l.request_method,
			l.error_message, CASE WHEN l.used_at AT TIME ZONE zone AT TIME ZONE 'UTC'
				>= kept_since THEN k.token_id END
		FROM public.token_usage_logs_legacy l
		LEFT JOIN public.token_keys k ON k.token_hash = lower(l.token_hash)
		WHERE l.used_at >= which AND l.used_at < which + 1;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO public.usage_adoption (day, copied) VALUES (which, n);
	RETURN n;
END
$$;

-- --- Proof ---

-- The day's partition as the snapshot at hand knows it, held until the transaction's end; NULL where
-- it has none. is_gone: it was dropped since, and what the snapshot saw in it can't be read.
CREATE FUNCTION public.usage_partition_seen(day date, OUT part regclass, OUT is_gone boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');
BEGIN
	is_gone := false;
	SELECT c.oid INTO part FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
		WHERE inhparent = 'public.token_usage_logs'::regclass AND relname = name;
	IF part IS NULL THEN
		RETURN;
	END IF;
	BEGIN
		EXECUTE format('SELECT FROM public.%I LIMIT 0', name);
	EXCEPTION WHEN undefined_table THEN
		NULL;
	END;
	-- Another one of that name is one that was made since.
	IF to_regclass('public.' || name) IS DISTINCT FROM part THEN
		part := NULL;
		is_gone := true;
	END IF;
END
$$;

-- As in 0004, and right while retention drops the day: recounts the rows of a part of one UTC day,
-- whole quarters, and compares with the cells: in
-- each width and dimension, every column. One row a difference; none: all is right. Where the
-- rows were dropped, the cells of 15 minutes stand in for them. Intervals that wait to be
-- counted again are left out.
CREATE OR REPLACE FUNCTION public.usage_differences(low timestamp, high timestamp)
RETURNS TABLE (source text, since timestamp, token_id bigint, route_id integer,
	stored_calls bigint, counted_calls bigint, columns text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	part regclass;
	is_gone boolean;
	kept boolean;
	dimensions text := 'CASE WHEN grouping(token_id) = 1 THEN -1 ELSE token_id END AS token_id, '
		'CASE WHEN grouping(route_id) = 1 THEN -1 ELSE route_id END AS route_id';
	pairs text;
	unpacked text;
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
	-- Deltas, by the number of their route.
	unpacked := 'SELECT since, token_id, coalesce(r.route_id, 0) AS route_id, {columns} '
		'FROM public.usage_deltas LEFT JOIN public.usage_routes AS r USING (route_path)';
	IF kept AND part IS NOT NULL THEN
		pairs := format('SELECT %s AS since, token_id, coalesce(r.route_id, 0) AS route_id, '
			'{count} FROM (SELECT {row} FROM %s WHERE used_at >= $1 AND used_at < $2) AS rows '
			'LEFT JOIN public.usage_routes AS r USING (route_path) GROUP BY 1, 2, 3',
			'public.usage_floor(used_at, 900)', part);
	ELSIF kept THEN
		pairs := 'SELECT since, token_id, route_id, {columns} FROM public.usage_15min '
			'WHERE false';
	ELSE
		pairs := 'SELECT since, token_id, route_id, {plain_sums} FROM (SELECT since, token_id, '
			'route_id, {columns} FROM public.usage_15min WHERE token_id >= 0 AND route_id >= 0 '
			'UNION ALL SELECT since, token_id, route_id, {columns} FROM public.usage_open '
			'WHERE token_id >= 0 AND route_id >= 0 UNION ALL ' || unpacked || ') AS cells '
			'WHERE since >= $1 AND since < $2 GROUP BY 1, 2, 3';
	END IF;
	FOR step IN SELECT * FROM (VALUES ('usage_15min', 900), ('usage_hour', 3600),
			('usage_6hours', 21600), ('usage_day', 86400)) AS v (name, width)
			WHERE public.usage_floor(low, v.width) = low
			AND public.usage_floor(high, v.width) = high LOOP
		RETURN QUERY EXECUTE public.usage_sql(format($$
			WITH pairs AS (%1$s),
			counted AS (SELECT public.usage_floor(since, %3$s) AS since, %4$s, {plain_sums}
				FROM pairs GROUP BY 1, CUBE (token_id, route_id)),
			waiting AS (%5$s),
			stored AS (SELECT since, token_id, route_id, {plain_sums} FROM (
				SELECT since, token_id, route_id, {columns} FROM public.%2$I
				WHERE route_id = ANY ($3) AND since >= $1 AND since < $2
				UNION ALL SELECT public.usage_floor(since, %3$s), token_id, route_id, {columns}
				FROM public.usage_open
				WHERE route_id = ANY ($3) AND since >= $1 AND since < $2
				UNION ALL SELECT public.usage_floor(since, %3$s), %4$s, {sums} FROM waiting
				WHERE since >= $1 AND since < $2 GROUP BY 1, CUBE (token_id, route_id)) AS cells
				GROUP BY 1, 2, 3)
			SELECT %2$L, found.since, found.token_id, found.route_id, found.stored, found.counted,
				found.columns
			FROM (SELECT since, token_id, route_id, coalesce(s.calls, 0) AS stored,
					coalesce(c.calls, 0) AS counted,
					(SELECT string_agg(key, ', ' ORDER BY key) FROM (
						SELECT key, value FROM jsonb_each(to_jsonb(s)) EXCEPT
						SELECT key, value FROM jsonb_each(to_jsonb(c))) AS d) AS columns
				FROM (SELECT * FROM counted WHERE calls > 0) AS c
				FULL JOIN stored AS s USING (since, token_id, route_id)
				WHERE c IS DISTINCT FROM s) AS found
			WHERE NOT EXISTS (SELECT FROM public.usage_dirty AS d WHERE d.since >= found.since
				AND d.since < found.since + %3$s * interval '1 second')
			ORDER BY 2, 3, 4$$, pairs, step.name, step.width, dimensions, unpacked))
			USING low, high, public.usage_route_ids();
	END LOOP;
END
$body$;

-- --- Made-up usage ---

-- Takes the made-up calls of a day away, returns how many; the caller forgets what was made
-- (usage_forget_generated) once all days are done. Rows that are anyone else's stay, and so does
-- what they added, also where rows are not kept: of those days, what marked tokens added is taken
-- off. Other days are emptied if they hold nothing else, which nobody may change meanwhile.
CREATE FUNCTION public.usage_remove_generated(day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '60s' SET jit = off
AS $body$
DECLARE
	part CONSTANT text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');
	low CONSTANT timestamp := day;
	high CONSTANT timestamp := day + 1;
	cells text;
	mine boolean;
	n bigint := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));
	IF low < (SELECT raw_since FROM public.usage_rollup_state) THEN
		RETURN public.usage_remove_generated_cells(day);
	ELSIF to_regclass('public.' || part) IS NULL THEN
		RETURN 0;
	END IF;
	EXECUTE format('SELECT NOT EXISTS (SELECT FROM public.%I WHERE (tags ? ''generated'') '
		'IS NOT TRUE)', part) INTO mine;
	IF mine THEN
		BEGIN
			-- Whoever writes just now may be about to commit.
			PERFORM set_config('lock_timeout', '2s', true);
			EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', part);
			EXECUTE format('SELECT count(*), coalesce(bool_and(tags ? ''generated''), true) '
				'AND count(tags) = count(*) FROM public.%I', part) INTO n, mine;
			IF mine THEN
				EXECUTE format('TRUNCATE public.%I', part);
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			mine := false;
		END;
	END IF;
	IF NOT mine THEN
		-- Marks are made, and counted again.
		DELETE FROM public.token_usage_logs WHERE used_at >= low AND used_at < high
			AND tags ? 'generated';
		GET DIAGNOSTICS n = ROW_COUNT;
		RETURN n;
	END IF;
	FOREACH cells IN ARRAY '{usage_deltas,usage_open,usage_15min,usage_hour,usage_6hours,'
		'usage_day,usage_dirty}'::text[] LOOP
		EXECUTE format('DELETE FROM public.%I WHERE since >= $1 AND since < $2', cells)
			USING low, high;
	END LOOP;
	PERFORM public.usage_widen(ARRAY[low]);
	RETURN n;
END
$body$;

-- The same where cells are all that is left, or more than the rows: the marked tokens' go, and those
-- of all tokens are made of the others' anew.
CREATE FUNCTION public.usage_remove_generated_cells(day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $body$
DECLARE
	part regclass := public.usage_partition(day);
	low CONSTANT timestamp := day;
	high CONSTANT timestamp := day + 1;
	marked CONSTANT bigint[] := ARRAY(SELECT id FROM public.tokens
		WHERE key_start = 'generated');
	cells text;
	n bigint;
BEGIN
	IF part IS NOT NULL THEN
		-- From the partition itself: that makes no marks.
		EXECUTE format('DELETE FROM %s WHERE tags ? ''generated''', part);
	END IF;
	SELECT coalesce(sum(calls), 0) INTO n FROM (
		SELECT calls FROM public.usage_15min WHERE token_id = ANY (marked) AND route_id = -1
			AND since >= low AND since < high
		UNION ALL SELECT calls FROM public.usage_open WHERE token_id = ANY (marked)
			AND route_id = -1 AND since >= low AND since < high
		UNION ALL SELECT calls FROM public.usage_deltas WHERE token_id = ANY (marked)
			AND since >= low AND since < high) AS c;
	DELETE FROM public.usage_deltas WHERE since >= low AND since < high
		AND token_id = ANY (marked);
	IF n = 0 THEN
		RETURN 0;
	END IF;
	FOREACH cells IN ARRAY '{usage_open,usage_15min,usage_hour,usage_6hours,usage_day}'::text[]
	LOOP
		EXECUTE format('DELETE FROM public.%I WHERE since >= $1 AND since < $2 '
			'AND token_id = ANY ($3 || -1::bigint)', cells) USING low, high, marked;
		EXECUTE public.usage_sql(format('INSERT INTO public.%1$I (token_id, route_id, since, '
			'{columns}) SELECT -1, route_id, since, {sums} FROM public.%1$I '
			'WHERE route_id = ANY ($3) AND since >= $1 AND since < $2 AND token_id >= 0 '
			'GROUP BY route_id, since ORDER BY route_id <> -1, route_id, since', cells))
			USING low, high, public.usage_route_ids();
	END LOOP;
	PERFORM public.usage_widen(ARRAY[low]);
	RETURN n;
END
$body$;

-- What was made is forgotten, its tokens and routes go; returns how many tokens. Rows count as kept
-- from when they did before, but not of days that retention has dropped since.
CREATE FUNCTION public.usage_forget_generated() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '60s' AS $$
DECLARE
	n bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));
	UPDATE public.usage_rollup_state AS s SET raw_since = greatest(dropped_before, g.raw_since)
		FROM (SELECT min(raw_since) AS raw_since FROM public.usage_generated) AS g
		WHERE g.raw_since IS NOT NULL;
	DELETE FROM public.tokens WHERE key_start = 'generated';
	GET DIAGNOSTICS n = ROW_COUNT;
	DELETE FROM public.usage_routes AS r WHERE route_path LIKE '/generated/%'
		AND NOT EXISTS (SELECT FROM public.usage_open AS c WHERE c.route_id = r.route_id)
		AND NOT EXISTS (SELECT FROM public.usage_day AS c WHERE c.route_id = r.route_id)
		AND NOT EXISTS (SELECT FROM public.usage_deltas AS c WHERE c.route_path = r.route_path);
	DELETE FROM public.usage_generated;
	RETURN n;
END
$$;

REVOKE ALL ON FUNCTION public.usage_partition_seen(date), public.usage_remove_generated(date),
	public.usage_remove_generated_cells(date), public.usage_forget_generated() FROM PUBLIC;
