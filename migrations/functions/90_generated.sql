-- Made-up usage, taken away.

-- Takes the made-up calls of a day away, returns how many; the caller forgets what was
-- made (usage_forget_generated) once all days are done. Rows that are anyone else's stay,
-- and so does what they added, also where rows are not kept: of those days, what marked
-- tokens added is taken off. Other days are emptied if they hold nothing else, which
-- nobody may change meanwhile.
CREATE OR REPLACE FUNCTION public.usage_remove_generated(day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '60s'
	SET jit = off
AS $body$
DECLARE
	part CONSTANT regclass := public.usage_partition(day);
	low CONSTANT timestamp := day;
	high CONSTANT timestamp := day + 1;
	cells text;
	mine boolean;
	n bigint := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));
	IF low < (SELECT raw_since FROM public.usage_rollup_state) THEN
		RETURN public.usage_remove_generated_cells(day);
	ELSIF part IS NULL THEN
		RETURN 0;
	END IF;
	EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s '
		'WHERE (tags ? ''generated'') IS NOT TRUE)', part) INTO mine;
	IF mine THEN
		BEGIN
			-- Whoever writes just now may be about to commit.
			PERFORM set_config('lock_timeout', '2s', true);
			EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
			EXECUTE format('SELECT count(*), coalesce(bool_and(tags ? ''generated''), '
				'true) AND count(tags) = count(*) FROM %s', part) INTO n, mine;
			IF mine THEN
				EXECUTE format('TRUNCATE %s', part);
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
	FOR cells IN SELECT unnest('{usage_deltas,usage_open,usage_dirty}'::text[]) UNION ALL
			SELECT name FROM public.usage_widths() WHERE width <= 86400 LOOP
		EXECUTE format('DELETE FROM public.%I WHERE since >= $1 AND since < $2', cells)
			USING low, high;
	END LOOP;
	PERFORM public.usage_widen(ARRAY[low]);
	RETURN n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_remove_generated(date) FROM PUBLIC;

-- The same where cells are all that is left, or more than the rows: the marked tokens'
-- go, and those of all tokens are made of the others' anew.
CREATE OR REPLACE FUNCTION public.usage_remove_generated_cells(day date) RETURNS bigint
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
		SELECT calls FROM public.usage_15min WHERE token_id = ANY (marked)
			AND route_id = -1
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
	FOR cells IN SELECT 'usage_open' UNION ALL
			SELECT name FROM public.usage_widths() WHERE width <= 86400 LOOP
		EXECUTE format('DELETE FROM public.%I WHERE since >= $1 AND since < $2 '
			'AND token_id = ANY ($3 || -1::bigint)', cells) USING low, high, marked;
		EXECUTE public.usage_sql(format('INSERT INTO public.%1$I (token_id, route_id, '
			'since, {columns}) SELECT -1, route_id, since, {sums} FROM public.%1$I '
			'WHERE route_id = ANY ($3) AND since >= $1 AND since < $2 AND token_id >= 0 '
			'GROUP BY route_id, since ORDER BY route_id <> -1, route_id, since', cells))
			USING low, high, public.usage_route_ids();
	END LOOP;
	PERFORM public.usage_widen(ARRAY[low]);
	RETURN n;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_remove_generated_cells(date) FROM PUBLIC;

-- What was made is forgotten, its tokens and routes go; returns how many tokens. Rows
-- count as kept from when they did before, but not of days that retention has dropped
-- since.
CREATE OR REPLACE FUNCTION public.usage_forget_generated() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '60s' AS $$
DECLARE
	n bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));
	UPDATE public.usage_rollup_state AS s SET raw_since = greatest(dropped_before,
		g.raw_since)
		FROM (SELECT min(raw_since) AS raw_since FROM public.usage_generated) AS g
		WHERE g.raw_since IS NOT NULL;
	DELETE FROM public.tokens WHERE key_start = 'generated';
	GET DIAGNOSTICS n = ROW_COUNT;
	DELETE FROM public.usage_routes AS r WHERE route_path LIKE '/generated/%'
		AND NOT EXISTS (SELECT FROM public.usage_open AS c WHERE c.route_id = r.route_id)
		AND NOT EXISTS (SELECT FROM public.usage_day AS c WHERE c.route_id = r.route_id)
		AND NOT EXISTS (SELECT FROM public.usage_deltas AS c
			WHERE c.route_path = r.route_path);
	DELETE FROM public.usage_generated;
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.usage_forget_generated() FROM PUBLIC;
