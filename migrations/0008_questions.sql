-- Helpers of the questions that people ask of usage (docs/usage-questions.md): what is asked often
-- and has no business in the text of each question.
--
-- Runs once, as tollgate_owner, inside a transaction.

-- Percentiles (shares of 0 to 1, rising) of a histogram, in milliseconds: the nearest rank's bucket,
-- and in it as far as its rank is. NULL where nothing was counted. Up to 16 ms they are exact.
-- This and usage_local are called for each point of a series: a search_path of their own would
-- take longer than they do.
CREATE FUNCTION public.usage_percentiles(histogram bigint[], VARIADIC shares double precision[])
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	bounds CONSTANT integer[] := public.usage_bounds();
	answer integer[] := '{}';
	total bigint := 0;
	seen bigint := 0;
	bucket integer := 0;
	i integer := 1;
	rank bigint;
	n bigint;
BEGIN
	FOREACH n IN ARRAY coalesce(histogram, '{}') LOOP
		total := total + n;
	END LOOP;
	IF total = 0 THEN
		RETURN array_fill(NULL::integer, ARRAY[cardinality(shares)]);
	END IF;
	rank := greatest(1, ceil(shares[1] * total));
	FOREACH n IN ARRAY histogram LOOP
		bucket := bucket + 1;
		CONTINUE WHEN n = 0;
		WHILE seen + n >= rank LOOP
			-- The last one has no end: taken for as wide as the one before it.
			answer := answer || bounds[bucket] + floor((rank - seen - 0.5) / n
				* coalesce(bounds[bucket + 1] - bounds[bucket], 65536))::integer;
			i := i + 1;
			IF i > cardinality(shares) THEN
				RETURN answer;
			END IF;
			rank := greatest(1, ceil(shares[i] * total));
		END LOOP;
		seen := seen + n;
	END LOOP;
	RETURN answer;
END
$$;

-- A moment (UTC) as a clock of the zone shows it: 2026-11-24T12:30:00+05:30.
CREATE FUNCTION public.usage_local(moment timestamp, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT to_char(moment AT TIME ZONE 'UTC' AT TIME ZONE zone, 'YYYY-MM-DD"T"HH24:MI:SS')
	|| CASE WHEN moment AT TIME ZONE 'UTC' AT TIME ZONE zone >= moment THEN '+' ELSE '-' END
	|| to_char(greatest(moment AT TIME ZONE 'UTC' AT TIME ZONE zone - moment,
		moment - moment AT TIME ZONE 'UTC' AT TIME ZONE zone), 'HH24:MI')
$$;

-- A range as it was asked for (UTC), widened to whole quarters of an hour.
CREATE FUNCTION public.usage_range(asked_from timestamp, asked_to timestamp, OUT low timestamp,
	OUT high timestamp)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	low := public.usage_floor(asked_from, 900);
	high := public.usage_floor(asked_to + interval '899.999999 seconds', 900);
	IF low >= high OR asked_from > asked_to THEN
		RAISE EXCEPTION 'the range is empty: it ends before it begins'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;

-- The range low to high (UTC, whole quarters of an hour) cut into steps of the zone's clock:
-- bounds for usage_sums. Steps of days, weeks and months begin where the zone's do, whatever their
-- length in hours. Shorter ones, multiples of 15 minutes, count from each local midnight, so that a
-- day of 23 or 25 hours has as many points as it has hours, and none is longer than the step.
CREATE FUNCTION public.usage_steps(low timestamp, high timestamp, zone text, step interval,
	most integer DEFAULT 1000)
RETURNS timestamp[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	months integer := extract(year FROM step) * 12 + extract(month FROM step);
	days integer := extract(day FROM step);
	seconds numeric := extract(epoch FROM step - make_interval(months => months,
		days => days));
	first timestamp := low AT TIME ZONE 'UTC' AT TIME ZONE zone;
	last timestamp := high AT TIME ZONE 'UTC' AT TIME ZONE zone;
	inner_bounds timestamp[];
BEGIN
	IF months < 0 OR days < 0 OR seconds < 0
		OR (months > 0)::integer + (days > 0)::integer + (seconds > 0)::integer <> 1
		OR seconds % 900 <> 0 OR seconds > 86400 THEN
		RAISE EXCEPTION 'a step is a number of days, of months, or a multiple of 15 minutes '
			'up to a day' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF extract(epoch FROM high - low) / extract(epoch FROM step) > most THEN
		RAISE EXCEPTION 'a step of % makes more than % points of this range; take a longer one',
			step, most USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF seconds > 0 THEN
		inner_bounds := ARRAY(SELECT b FROM generate_series(date_trunc('day', first), last,
				interval '1 day') AS d,
			LATERAL (SELECT d AT TIME ZONE zone AT TIME ZONE 'UTC' AS begins,
				(d + interval '1 day') AT TIME ZONE zone AT TIME ZONE 'UTC' AS ends) AS day,
			LATERAL generate_series(begins, ends - interval '1 second', step) AS b);
	ELSE
		first := CASE
			WHEN days = 7 THEN date_trunc('week', first)
			WHEN days > 0 THEN date_trunc('day', first)
			WHEN months = 3 THEN date_trunc('quarter', first)
			WHEN months = 12 THEN date_trunc('year', first)
			ELSE date_trunc('month', first) END;
		inner_bounds := ARRAY(SELECT d AT TIME ZONE zone AT TIME ZONE 'UTC'
			FROM generate_series(first, last, step) AS d);
	END IF;
	RETURN ARRAY(SELECT DISTINCT b FROM unnest(inner_bounds || low || high) AS b
		WHERE b BETWEEN low AND high ORDER BY b);
END
$$;

-- What a row of the usage log tells, as JSON.
CREATE FUNCTION public.usage_row_json(l public.token_usage_logs) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT json_build_object('id', l.id, 'used_at', to_char(l.used_at,
	'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'token_id', l.token_id, 'token_name',
	(SELECT t.name FROM public.tokens AS t WHERE t.id = l.token_id), 'route_path', l.route_path,
	'request_method', l.request_method, 'response_status', l.response_status, 'outcome',
	l.outcome, 'error_message', l.error_message, 'response_time_ms', l.response_time_ms,
	'ttfb_ms', l.ttfb_ms, 'total_ms', l.total_ms, 'client_wait_ms', l.client_wait_ms,
	'upstream_status', l.upstream_status, 'bytes_in', l.bytes_in, 'bytes_out', l.bytes_out,
	'ip_address', l.ip_address, 'user_agent', l.user_agent, 'request_id', l.request_id,
	'trace_id', l.trace_id, 'node', l.node, 'tags', l.tags)
$$;

-- The numbers of these paths; NULL for NULL.
CREATE FUNCTION public.usage_route_numbers(paths text[]) RETURNS integer[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN paths IS NOT NULL THEN ARRAY(SELECT route_id FROM public.usage_routes
	WHERE route_path = ANY (paths)) END
$$;

-- A condition on rows that finds those of some tokens by the index on token_hash, where it finds
-- all of them: a former key's hash may be gone from the tables. Otherwise by token_id alone. `also`
-- is a further condition that the `calls` meet which the cells tell of.
CREATE FUNCTION public.usage_token_condition(part regclass, low timestamp, high timestamp,
	tokens bigint[], also text, calls bigint)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	plain text := format(' AND coalesce(token_id, 0) = ANY (%L::bigint[])', tokens);
	hashed text;
	found bigint;
BEGIN
	IF calls > 2000 THEN
		RETURN plain;
	END IF;
	hashed := format(' AND token_hash = ANY (%L::text[])%s', ARRAY(SELECT token_hash
		FROM public.token_keys WHERE token_id = ANY (tokens)), plain);
	EXECUTE format('SELECT count(*) FROM %s WHERE used_at >= %L AND used_at < %L%s%s', part,
		low, high, hashed, also) INTO found;
	RETURN CASE WHEN found >= calls THEN hashed ELSE plain END;
END
$$;

-- One page of rows, latest first: those before (before_at, before_id), where given. Cells tell which
-- days and quarters of an hour hold rows that may fit, so that rare ones are found without reading
-- what lies between. "next" is where the next page begins, NULL at the end; a page for which many
-- rows had to be looked through may end early.
CREATE FUNCTION public.usage_rows(low timestamp, high timestamp, tokens bigint[], paths text[],
	status_low integer, status_high integer, method text, min_ms integer,
	before_at timestamp, before_id bigint, page integer)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $body$
DECLARE
	-- Cells that may tell of rows that fit, and how many. What is dirty is not known.
	guide text := format('SELECT since, sum(calls) AS calls, sum(fit) AS fit FROM ('
		'SELECT %%1$s AS since, calls, %1$s AS fit FROM (SELECT since, calls, time_max, '
		'status_1xx, status_2xx, status_3xx, status_4xx, status_5xx FROM public.%%2$s '
		'WHERE %2$s AND %3$s UNION ALL SELECT since, calls, time_max, status_1xx, status_2xx, '
		'status_3xx, status_4xx, status_5xx FROM public.usage_open WHERE %2$s AND %3$s '
		'UNION ALL SELECT since, calls, time_max, status_1xx, status_2xx, status_3xx, '
		'status_4xx, status_5xx FROM public.usage_deltas WHERE ($3 IS NULL OR token_id = '
		'ANY ($3)) AND ($5 IS NULL OR route_path = ANY ($5)) UNION ALL SELECT since, 3000, '
		'2147483647, 3000, 3000, 3000, 3000, 3000 FROM public.usage_dirty) AS c '
		'WHERE since >= $1 AND since < $2 AND ($6 IS NULL OR time_max >= $6)) AS g '
		'GROUP BY since HAVING sum(fit) > 0 ORDER BY since DESC',
		CASE WHEN status_low / 100 = status_high / 100 AND status_low BETWEEN 100 AND 599
			THEN format('coalesce(status_%sxx, 0)', status_low / 100) ELSE 'calls' END,
		CASE WHEN tokens IS NULL THEN 'token_id = -1' ELSE 'token_id = ANY ($3)' END,
		CASE WHEN paths IS NULL THEN 'route_id = -1' ELSE 'route_id = ANY ($4)' END);
	days text := format(guide, 'date_trunc(''day'', since)', 'usage_day');
	quarters text := format(guide, 'since', 'usage_15min');
	on_route text := CASE WHEN paths IS NOT NULL
		THEN format(' AND route_path = ANY (%L::text[])', paths) ELSE '' END;
	condition text := concat(on_route,
		CASE WHEN status_low IS NOT NULL THEN format(' AND response_status BETWEEN %s AND %s',
			status_low, status_high) END,
		CASE WHEN method IS NOT NULL THEN format(' AND request_method = %L', method) END,
		CASE WHEN min_ms IS NOT NULL THEN format(' AND response_time_ms >= %s', min_ms) END,
		CASE WHEN before_at IS NOT NULL THEN format(' AND (used_at, id) < (%L::timestamp, '
			'%s)', before_at, before_id) END);
	routes integer[] := public.usage_route_numbers(paths);
	until timestamp := least(high, before_at + interval '1 microsecond');
	rows json[] := '{}';
	places text[] := '{}';
	more json[];
	more_places text[];
	looked bigint := 0;
	whole boolean;
	day record;
	piece record;
	part regclass;
	found text;
	next text;
BEGIN
	<<days>>
	FOR day IN EXECUTE days USING date_trunc('day', low), until, tokens, routes, paths, min_ms
	LOOP
		part := public.usage_partition(day.since::date);
		CONTINUE WHEN part IS NULL;
		-- Few rows of a token or a route are found by their index and then sorted.
		whole := day.fit <= 2000 AND (tokens IS NOT NULL OR paths IS NOT NULL);
		FOR piece IN EXECUTE CASE WHEN whole THEN 'SELECT $1 AS since, $2 AS ends, $7 AS calls'
				ELSE format('SELECT since, since + interval ''15 minutes'' AS ends, calls '
				'FROM (%s) AS q', quarters) END
				USING day.since, day.since + interval '1 day', tokens, routes, paths, min_ms,
				day.calls LOOP
			CONTINUE WHEN piece.since >= until OR piece.ends <= low;
			found := format('SELECT * FROM %s WHERE used_at >= %L AND used_at < %L%s%s', part,
				greatest(piece.since, low), least(piece.ends, until), condition,
				CASE WHEN tokens IS NOT NULL THEN public.usage_token_condition(part,
					piece.since, piece.ends, tokens, on_route, piece.calls::bigint) END);
			found := format(CASE WHEN whole THEN 'WITH w AS MATERIALIZED (%s) SELECT * FROM w'
				ELSE '%s' END || ' ORDER BY used_at DESC, id DESC LIMIT %s', found,
				page - cardinality(rows));
			EXECUTE format('SELECT array_agg(public.usage_row_json(ROW(l.*)::public.'
				'token_usage_logs)), array_agg(used_at || ''/'' || id) FROM (%s) AS l', found) INTO more, more_places;
			rows := rows || coalesce(more, '{}');
			places := places || coalesce(more_places, '{}');
			looked := looked + piece.calls;
			IF cardinality(rows) >= page THEN
				next := places[page];
				EXIT days;
			ELSIF looked > 400000 THEN
				next := greatest(piece.since, low) || '/0';
				EXIT days;
			END IF;
		END LOOP;
	END LOOP;
	RETURN json_build_object('rows', array_to_json(rows), 'next', replace(next, ' ', 'T'));
END
$body$;

-- The n slowest calls of a range. They stand in n of the cells with the greatest time_max: days
-- lead to quarters of an hour, those to tokens, and these to rows.
CREATE FUNCTION public.usage_slowest(low timestamp, high timestamp, tokens bigint[],
	paths text[], n integer)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $body$
#variable_conflict use_column
DECLARE
	routes integer[] := public.usage_route_numbers(paths);
	series text := CASE WHEN tokens IS NULL THEN 'token_id = -1' ELSE 'token_id = ANY ($3)' END
		|| CASE WHEN paths IS NULL THEN ' AND route_id = -1' ELSE ' AND route_id = ANY ($4)' END;
	on_route text := CASE WHEN paths IS NOT NULL
		THEN format(' AND route_path = ANY (%L::text[])', paths) ELSE '' END;
	quarters timestamp[];
	cell record;
	rows json[] := '{}';
	times integer[] := '{}';
	more json[];
	more_times integer[];
	part regclass;
	threshold integer;
BEGIN
	EXECUTE format($$
		WITH days AS (SELECT token_id, route_id, since FROM public.usage_day WHERE %1$s
			AND since >= date_trunc('day', $1) AND since < $2 AND time_max IS NOT NULL
			ORDER BY since > $1 AND since < date_trunc('day', $2), time_max DESC LIMIT 3 * $5
				+ 2 * greatest(1, coalesce(cardinality($3), 1))
				* greatest(1, coalesce(cardinality($4), 1)))
		SELECT array_agg(since) FROM (
			SELECT since FROM (
				SELECT q.since, q.time_max FROM days AS d
				JOIN public.usage_15min AS q ON q.token_id = d.token_id
					AND q.route_id = d.route_id AND q.since >= d.since
					AND q.since < d.since + interval '1 day'
				UNION ALL
				SELECT since, time_max FROM public.usage_open WHERE %1$s) AS all_quarters
			WHERE since >= $1 AND since < $2 AND time_max IS NOT NULL
			ORDER BY time_max DESC LIMIT $5) AS slowest$$, series)
		INTO quarters USING low, high, tokens, routes, n;
	FOR cell IN EXECUTE format($$
		SELECT token_id, since, max(time_max) AS time_max, sum(calls)::bigint AS calls FROM (
			SELECT token_id, since, time_max, calls FROM public.usage_15min
				WHERE %1$s AND since = ANY ($5)
			UNION ALL SELECT token_id, since, time_max, calls FROM public.usage_open
				WHERE %1$s AND since = ANY ($5)
			UNION ALL SELECT token_id, since, time_max, calls FROM public.usage_deltas
				WHERE since >= $1 AND since < $2 AND ($3 IS NULL OR token_id = ANY ($3))
				AND ($7 IS NULL OR route_path = ANY ($7))) AS cells
		WHERE time_max IS NOT NULL GROUP BY token_id, since
		ORDER BY 3 DESC LIMIT $6$$,
		CASE WHEN tokens IS NULL THEN 'token_id >= 0' ELSE 'token_id = ANY ($3)' END
		|| CASE WHEN paths IS NULL THEN ' AND route_id = -1' ELSE ' AND route_id = ANY ($4)' END)
		USING low, high, tokens, routes, quarters, n, paths LOOP
		part := public.usage_partition(cell.since::date);
		threshold := CASE WHEN cardinality(times) >= n THEN (SELECT t FROM unnest(times) AS t
			ORDER BY t DESC OFFSET n - 1 LIMIT 1) END;
		EXIT WHEN cell.time_max < threshold;
		CONTINUE WHEN part IS NULL;
		EXECUTE format('SELECT array_agg(public.usage_row_json(ROW(l.*)::public.'
			'token_usage_logs)), array_agg(response_time_ms) FROM (SELECT * FROM %s WHERE used_at >= %L AND used_at < %L%s%s AND '
			'response_time_ms >= %s ORDER BY response_time_ms DESC, used_at DESC, id DESC '
			'LIMIT %s) AS l', part, cell.since, cell.since + interval '15 minutes',
			public.usage_token_condition(part, cell.since, cell.since + interval '15 minutes',
				ARRAY[cell.token_id], on_route, cell.calls), on_route,
			coalesce(threshold, 0), n) INTO more, more_times;
		rows := rows || coalesce(more, '{}');
		times := times || coalesce(more_times, '{}');
	END LOOP;
	RETURN (SELECT coalesce(json_agg(j), '[]') FROM (SELECT j FROM unnest(rows, times)
		AS r (j, ms) ORDER BY ms DESC, j ->> 'used_at' DESC, (j ->> 'id')::bigint DESC
		LIMIT n) AS slowest);
END
$body$;

REVOKE ALL ON FUNCTION public.usage_rows(timestamp, timestamp, bigint[], text[], integer, integer,
	text, integer, timestamp, bigint, integer),
	public.usage_slowest(timestamp, timestamp, bigint[], text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_rows(timestamp, timestamp, bigint[], text[], integer,
	integer, text, integer, timestamp, bigint, integer),
	public.usage_slowest(timestamp, timestamp, bigint[], text[], integer) TO tollgate;
