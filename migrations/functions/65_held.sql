-- Rows that wait for their day (token_usage_logs_held): moved once it takes them.

-- Moves these rows into a day's partition, or into token_usage_logs, with what they add
-- to the statistics, as the recorder does; returns how many. Rows of days of which
-- earlier rows were dropped carry a token's id, so that nobody counts them a second time.
CREATE OR REPLACE FUNCTION public.usage_move_rows(which tid[], part regclass)
	RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
	names text;
	n integer;
BEGIN
	SELECT string_agg(quote_ident(l.attname), ', ' ORDER BY l.attnum) INTO names
		FROM pg_attribute AS l JOIN pg_attribute AS h USING (attname)
		WHERE l.attrelid = 'public.token_usage_logs'::regclass AND l.attnum > 0
		AND h.attrelid = 'public.token_usage_logs_held'::regclass
		AND NOT l.attisdropped AND NOT h.attisdropped AND l.attgenerated = ''
		AND l.attname <> 'token_id';
	EXECUTE public.usage_sql(format($$
		WITH gone AS (DELETE FROM public.token_usage_logs_held WHERE ctid = ANY ($1)
			RETURNING *),
		moved AS (INSERT INTO %1$s (token_id, %2$s)
			SELECT CASE WHEN used_at < s.raw_since THEN coalesce(token_id, 0)
				ELSE token_id END, %2$s FROM gone, public.usage_rollup_state AS s),
		known AS (INSERT INTO public.usage_routes (route_path)
			SELECT DISTINCT route_path FROM gone WHERE route_path IS NOT NULL
			EXCEPT SELECT route_path FROM public.usage_routes ON CONFLICT DO NOTHING),
		added AS (INSERT INTO public.usage_deltas (since, token_id, route_path, {columns})
			SELECT public.usage_floor(used_at, 900), token_id, route_path, {count}
			FROM (SELECT {row} FROM gone) AS rows GROUP BY 1, 2, 3)
		SELECT count(*) FROM gone$$, part, names)) INTO n USING which;
	-- What would be refused at the end only is refused now, while others can still go.
	SET CONSTRAINTS ALL IMMEDIATE;
	RETURN n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_move_rows(tid[], regclass) FROM PUBLIC;

-- Gives rows up that wait: they go, with the reason, to usage_bad_rows. Returns how many.
CREATE OR REPLACE FUNCTION public.usage_refuse_held(which tid[], state text, reason text)
	RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n integer;
BEGIN
	WITH gone AS (DELETE FROM public.token_usage_logs_held WHERE ctid = ANY (which)
		RETURNING *)
	INSERT INTO public.usage_bad_rows (sqlstate, reason, record)
		SELECT state, usage_refuse_held.reason, to_jsonb(gone) FROM gone;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.usage_refuse_held(tid[], text, text) FROM PUBLIC;

-- Moves what it can of these rows: all, or else halves, down to those that are refused. A
-- partition's refusal of a row for its own fault is the last word; anything else has 7
-- days to be mended. Where the partition is someone else's, token_usage_logs lets them
-- in.
CREATE OR REPLACE FUNCTION public.usage_move_some(which tid[], part regclass,
	until timestamptz, OUT moved integer, OUT refused integer, OUT state text,
	OUT reason text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	whole CONSTANT regclass := 'public.token_usage_logs';
	middle CONSTANT integer := cardinality(which) / 2;
	half record;
BEGIN
	moved := 0;
	refused := 0;
	BEGIN
		moved := public.usage_move_rows(which, part);
		RETURN;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
		reason := SQLERRM;
	END;
	IF state = '42501' AND part <> whole THEN
		SELECT * INTO moved, refused, state, reason
			FROM public.usage_move_some(which, whole, until);
	ELSIF state IN ('55P03', '57014') OR state ~ '^(40|53)' THEN
		RETURN;
	ELSIF middle > 0 AND clock_timestamp() < until THEN
		FOR half IN SELECT s.* FROM (VALUES (which[:middle]), (which[middle + 1:]))
				AS v (rows), public.usage_move_some(v.rows, part, until) AS s LOOP
			moved := moved + half.moved;
			refused := refused + half.refused;
		END LOOP;
		IF moved + refused = cardinality(which) THEN
			state := NULL;
		END IF;
	ELSIF middle = 0 AND state ~ '^2[23]' AND part <> whole THEN
		refused := public.usage_refuse_held(which, state, reason);
		state := NULL;
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.usage_move_some(tid[], regclass, timestamptz) FROM PUBLIC;

-- The same for up to so many rows of one day, whose partition is made if it has none.
CREATE OR REPLACE FUNCTION public.usage_move_day(day date, most integer,
	until timestamptz, OUT moved integer, OUT refused integer, OUT state text,
	OUT reason text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part regclass;
	which tid[];
BEGIN
	moved := 0;
	refused := 0;
	BEGIN
		PERFORM public.usage_ensure_partition(day);
		part := public.usage_partition(day);
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
		reason := SQLERRM;
		-- Partitions that someone else laid out, other than by days.
		IF state IN ('42P17', '23514') THEN
			part := 'public.token_usage_logs';
		END IF;
	END;
	-- Any of them: none that is refused holds up the others for long.
	which := ARRAY(SELECT ctid FROM public.token_usage_logs_held
		WHERE used_at >= day AND used_at < day + 1 ORDER BY random() LIMIT most);
	IF part IS NOT NULL THEN
		SELECT * INTO moved, refused, state, reason
			FROM public.usage_move_some(which, part, until);
	ELSIF state LIKE '22%' THEN
		-- There will never be such a day.
		refused := public.usage_refuse_held(which, state, reason);
		state := NULL;
	END IF;
	IF state IS NOT NULL THEN
		which := ARRAY(SELECT ctid FROM public.token_usage_logs_held
			WHERE used_at >= day AND used_at < day + 1
			AND held_at < now() - interval '7 days' LIMIT most);
		refused := refused + public.usage_refuse_held(which, state, reason);
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.usage_move_day(date, integer, timestamptz) FROM PUBLIC;

-- Moves rows that wait to their days, for a few seconds; returns how many rows moved, and
-- how many were given up; -1: someone else is at it. Of a day that still can't take its
-- rows, why.
CREATE OR REPLACE FUNCTION public.usage_move_held(most integer DEFAULT 5000,
	OUT moved integer, OUT refused integer, OUT failed text, OUT state text,
	OUT reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 SET lock_timeout = '1s' AS $$
DECLARE
	until CONSTANT timestamptz := clock_timestamp() + interval '3 seconds';
	of_day record;
	day date;
BEGIN
	moved := 0;
	refused := 0;
	IF NOT EXISTS (SELECT FROM public.token_usage_logs_held) THEN
		RETURN;
	ELSIF NOT pg_try_advisory_xact_lock(hashtext('tollgate: held rows')) THEN
		moved := -1;
		RETURN;
	END IF;
	FOR day IN WITH RECURSIVE days AS (
			SELECT min(used_at)::date AS day FROM public.token_usage_logs_held
			UNION ALL SELECT (SELECT min(used_at)::date FROM public.token_usage_logs_held
				WHERE used_at >= days.day + 1) FROM days WHERE days.day IS NOT NULL)
			SELECT days.day FROM days WHERE days.day IS NOT NULL ORDER BY random() LOOP
		SELECT * INTO of_day FROM public.usage_move_day(day, most, until);
		moved := moved + of_day.moved;
		refused := refused + of_day.refused;
		IF of_day.state IS NOT NULL THEN
			failed := day;
			state := of_day.state;
			reason := of_day.reason;
		END IF;
		EXIT WHEN clock_timestamp() >= until;
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.usage_move_held(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_move_held(integer) TO tollgate;
