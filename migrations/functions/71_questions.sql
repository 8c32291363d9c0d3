-- Helpers of the questions that people ask of usage (docs/usage-questions.md): what is
-- asked often and has no business in the text of each question.

-- Percentiles (shares of 0 to 1, rising) of a histogram, in milliseconds: the nearest
-- rank's bucket, and in it as far as its rank is. NULL where nothing was counted. Up to
-- 16 ms they are exact. None is above the longest time: in the last bucket that has any,
-- longest_ms bounds it, where that is known, and else it is the bucket's start. This and
-- usage_local are called for each point of a series: a
-- search_path of their own would take longer than they do.
CREATE OR REPLACE FUNCTION public.usage_percentiles(histogram bigint[],
	longest_ms integer, VARIADIC shares double precision[])
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
			-- The last one has no end but the longest time.
			answer := answer || CASE WHEN seen + n < total THEN bounds[bucket]
				+ floor((rank - seen - 0.5) / n
				* (bounds[bucket + 1] - bounds[bucket]))::integer
				ELSE least(greatest(longest_ms, bounds[bucket]), bounds[bucket]
				+ floor((rank - seen - 0.5) / n * coalesce(bounds[bucket + 1]
				- bounds[bucket], longest_ms::bigint - bounds[bucket] + 1))::bigint
				)::integer END;
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

-- When a clock of the zone shows this, in UTC; the earlier moment where it does so twice,
-- as midnight may: PostgreSQL takes the later one. (No zone's clock has been set back by
-- more than six hours since 1970.)
CREATE OR REPLACE FUNCTION public.usage_instant(clock timestamp, zone text)
	RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT CASE WHEN earlier < later AND earlier AT TIME ZONE 'UTC' AT TIME ZONE zone = clock
	THEN earlier ELSE later END
FROM (SELECT later, clock - ((later - interval '6 hours') AT TIME ZONE 'UTC' AT TIME ZONE
		zone - (later - interval '6 hours')) AS earlier
	FROM (SELECT clock AT TIME ZONE zone AT TIME ZONE 'UTC' AS later) AS l) AS e
$$;

-- A moment (UTC) as a clock of the zone shows it: 2026-11-24T12:30:00+05:30, and with Z
-- where the zone's clock shows UTC.
CREATE OR REPLACE FUNCTION public.usage_local(moment timestamp, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT to_char(moment AT TIME ZONE 'UTC' AT TIME ZONE zone, 'YYYY-MM-DD"T"HH24:MI:SS')
	|| CASE WHEN moment AT TIME ZONE 'UTC' AT TIME ZONE zone = moment THEN 'Z'
	WHEN moment AT TIME ZONE 'UTC' AT TIME ZONE zone > moment THEN '+'
	|| to_char(moment AT TIME ZONE 'UTC' AT TIME ZONE zone - moment, 'HH24:MI')
	ELSE '-'
	|| to_char(moment - moment AT TIME ZONE 'UTC' AT TIME ZONE zone, 'HH24:MI') END
$$;

-- Up to when all gateways that are heard of have stored their calls; and those that were
-- heard of and are silent, whose calls may be missing. NULL: none is heard of.
CREATE OR REPLACE FUNCTION public.usage_recorded(OUT as_of text, OUT silent json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT public.node_time(min(least(reported_at, oldest_at)) FILTER (WHERE is_live)),
	coalesce(json_agg(json_build_object('name', name,
		'reported_at', public.node_time(reported_at)) ORDER BY name, reported_at)
		FILTER (WHERE NOT is_live), '[]')
FROM public.tollgate_nodes, LATERAL public.node_is_live(reported_at) AS is_live
$$;
REVOKE ALL ON FUNCTION public.usage_recorded() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_recorded() TO tollgate;

-- A range as it was asked for (UTC), widened to whole quarters of an hour.
CREATE OR REPLACE FUNCTION public.usage_range(asked_from timestamp, asked_to timestamp,
	OUT low timestamp, OUT high timestamp)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	low := public.usage_floor(asked_from, 900);
	high := public.usage_floor(asked_to + interval '899.999999 seconds', 900);
	IF low >= high OR asked_from > asked_to THEN
		RAISE EXCEPTION 'the range is empty: it ends before it begins'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from';
	END IF;
END
$$;

-- The range low to high (UTC, whole quarters of an hour) cut into steps of the zone's
-- clock: bounds for usage_sums. Steps of days, weeks and months begin where the zone's
-- do, whatever their length in hours. Shorter ones, multiples of 15 minutes, count from
-- each local midnight, so that a day of 23 or 25 hours has as many points as it has
-- hours, and none is longer than the step.
CREATE OR REPLACE FUNCTION public.usage_steps(low timestamp, high timestamp, zone text,
	step interval, most integer DEFAULT 1000)
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
		RAISE EXCEPTION 'a step is a number of days, of months, '
			'or a multiple of 15 minutes up to a day'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'step';
	END IF;
	IF extract(epoch FROM high - low) / extract(epoch FROM step) > most THEN
		RAISE EXCEPTION 'a step of % makes more than % points of this range; '
			'take a longer one', step, most
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'step';
	END IF;
	IF seconds > 0 THEN
		inner_bounds := ARRAY(SELECT b FROM generate_series(date_trunc('day', first),
				last, interval '1 day') AS d,
			LATERAL (SELECT public.usage_instant(d, zone) AS begins,
				public.usage_instant(d + interval '1 day', zone) AS ends) AS
				day,
			LATERAL generate_series(begins, ends - interval '1 second', step) AS b);
	ELSE
		first := CASE
			WHEN days = 7 THEN date_trunc('week', first)
			WHEN days > 0 THEN date_trunc('day', first)
			WHEN months = 3 THEN date_trunc('quarter', first)
			WHEN months = 12 THEN date_trunc('year', first)
			ELSE date_trunc('month', first) END;
		inner_bounds := ARRAY(SELECT public.usage_instant(d, zone)
			FROM generate_series(first, last, step) AS d);
	END IF;
	RETURN ARRAY(SELECT DISTINCT b FROM unnest(inner_bounds || low || high) AS b
		WHERE b BETWEEN low AND high ORDER BY b);
END
$$;

-- What a row of the usage log tells, as JSON. Without a search_path of its own, which
-- would cost more than all the rest in each row: those who call it have theirs.
CREATE OR REPLACE FUNCTION public.usage_row_json(l public.token_usage_logs) RETURNS json
LANGUAGE sql STABLE AS $$
SELECT json_build_object('id', l.id, 'used_at', to_char(l.used_at,
	'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'token_id', l.token_id, 'token_name',
	(SELECT t.name FROM public.tokens AS t WHERE t.id = l.token_id), 'route_path',
		l.route_path,
	'request_method', l.request_method, 'response_status', l.response_status, 'outcome',
	l.outcome, 'error_message', l.error_message, 'response_time_ms', l.response_time_ms,
	'ttfb_ms', l.ttfb_ms, 'total_ms', l.total_ms, 'client_wait_ms', l.client_wait_ms,
	'upstream_status', l.upstream_status, 'bytes_in', l.bytes_in, 'bytes_out',
		l.bytes_out,
	'ip_address', l.ip_address, 'user_agent', l.user_agent, 'request_id', l.request_id,
	'trace_id', l.trace_id, 'node', l.node, 'tags', l.tags)
$$;

-- The numbers of these paths; NULL for NULL.
CREATE OR REPLACE FUNCTION public.usage_route_numbers(paths text[]) RETURNS integer[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN paths IS NOT NULL THEN ARRAY(SELECT route_id FROM public.usage_routes
	WHERE route_path = ANY (paths)) END
$$;

-- The tokens that are asked about: those of these teams, of the ids that are given. NULL:
-- not restricted.
CREATE OR REPLACE FUNCTION public.usage_tokens(ids bigint[], teams bigint[])
RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN teams IS NULL THEN ids ELSE ARRAY(SELECT t.id::bigint
	FROM public.tokens AS t WHERE t.tollgate_team_id = ANY (teams)
	AND (ids IS NULL OR t.id = ANY (ids))) END
$$;

-- The same, where what is named must be there: each of the tokens, and of the teams too.
CREATE OR REPLACE FUNCTION public.usage_tokens_named(ids bigint[], teams bigint[],
	teams_are_named boolean)
RETURNS bigint[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found CONSTANT bigint[] := public.usage_tokens(ids, teams);
	missing bigint;
BEGIN
	IF teams_are_named THEN
		SELECT min(id) INTO missing FROM unnest(teams) AS u (id)
		WHERE NOT EXISTS (SELECT FROM public.tollgate_teams AS m WHERE m.id = u.id);
		IF missing IS NOT NULL THEN
			RAISE EXCEPTION 'there is no team %', missing
				USING ERRCODE = 'TG400', COLUMN = 'team';
		END IF;
	END IF;
	SELECT min(id) INTO missing FROM unnest(ids) AS u (id)
		WHERE NOT EXISTS (SELECT FROM public.tokens AS t
			WHERE t.id = u.id) OR NOT u.id = ANY (found);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'there is no token %, or it is none of those that may be seen '
			'here', missing USING ERRCODE = 'TG400', COLUMN = 'token';
	END IF;
	RETURN found;
END
$$;

-- The step of a range of which nobody said one: 25 to 100 points of most.
CREATE OR REPLACE FUNCTION public.usage_step(low timestamp, high timestamp)
RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN high - low <= interval '12 hours' THEN interval '15 minutes'
	WHEN high - low <= interval '4 days' THEN interval '1 hour'
	WHEN high - low <= interval '15 days' THEN interval '6 hours'
	WHEN high - low <= interval '200 days' THEN interval '1 day'
	WHEN high - low <= interval '1400 days' THEN interval '7 days'
	ELSE interval '1 month' END
$$;

-- A step as it is asked for: 15m, 2h, 1d, 1w, 1mo, 1y.
CREATE OR REPLACE FUNCTION public.usage_step_text(step interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE
	WHEN months > 0 THEN CASE months % 12 WHEN 0 THEN months / 12 || 'y'
		ELSE months || 'mo' END
	WHEN days > 0 THEN CASE days % 7 WHEN 0 THEN days / 7 || 'w' ELSE days || 'd' END
	WHEN minutes % 60 = 0 THEN minutes / 60 || 'h' ELSE minutes || 'm' END
FROM (SELECT extract(year FROM step)::integer * 12 + extract(month FROM step)::integer
		AS months, extract(day FROM step)::integer AS days,
	extract(hour FROM step)::integer * 60 + extract(minute FROM step)::integer
		AS minutes) AS parts
$$;

-- The bounds of what a series is compared with: of the period before ("previous"), which
-- ends where the first point begins, or of the same a week before ("week_before"); each
-- bound so much earlier on the zone's clock. Where that is set, bounds may be equal, and
-- what is between them is empty. NULL: compared with nothing.
CREATE OR REPLACE FUNCTION public.usage_compared(bounds timestamp[], zone text,
	compare text)
RETURNS timestamp[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n CONSTANT integer := cardinality(bounds);
	-- Elapsed time, and the same on the clock.
	elapsed CONSTANT interval := CASE compare WHEN 'previous' THEN bounds[n] - bounds[1]
		WHEN 'week_before' THEN interval '7 days' END;
	shift CONSTANT interval := CASE compare WHEN 'previous' THEN
		bounds[n] AT TIME ZONE 'UTC' AT TIME ZONE zone
		- bounds[1] AT TIME ZONE 'UTC' AT TIME ZONE zone ELSE elapsed END;
	shifted timestamp[];
BEGIN
	IF elapsed IS NULL THEN
		RETURN NULL;
	END IF;
	shifted := ARRAY(SELECT max(CASE WHEN i = n AND compare = 'previous' THEN bounds[1]
			WHEN compare = 'previous' THEN least(moved, bounds[1]) ELSE moved END)
			OVER (ORDER BY i)
		FROM unnest(bounds) WITH ORDINALITY AS b (b, i),
		LATERAL public.usage_floor(public.usage_instant(
			b AT TIME ZONE 'UTC' AT TIME ZONE zone - shift, zone), 900) AS moved
		ORDER BY i);
	IF shifted[1] >= shifted[n] THEN
		shifted := ARRAY(SELECT b - elapsed FROM unnest(bounds) WITH ORDINALITY
			AS u (b, i) ORDER BY i);
	END IF;
	RETURN shifted;
END
$$;

-- The first and the last call that there ever was of these; of those whose rows are gone
-- the quarter of an hour's start.
CREATE OR REPLACE FUNCTION public.usage_call_times(tokens bigint[], paths text[],
	OUT first_at timestamp, OUT last_at timestamp)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET jit = off
SET plan_cache_mode = force_custom_plan AS $body$
DECLARE
	routes CONSTANT integer[] := public.usage_route_numbers(paths);
BEGIN
	SELECT least(min(low), (SELECT min(since) FROM public.usage_deltas AS d
			WHERE (tokens IS NULL OR d.token_id = ANY (tokens))
			AND (paths IS NULL OR d.route_path = ANY (paths)))),
		greatest(max(high), (SELECT max(since) FROM public.usage_deltas AS d
			WHERE (tokens IS NULL OR d.token_id = ANY (tokens))
			AND (paths IS NULL OR d.route_path = ANY (paths))))
		INTO first_at, last_at
	FROM unnest(coalesce(tokens, '{-1}')) AS t (id),
		unnest(coalesce(routes, '{-1}')) AS r (id),
		LATERAL (SELECT least(
			(SELECT min(since) FROM public.usage_15min AS c WHERE c.token_id = t.id
				AND c.route_id = r.id),
			(SELECT min(since) FROM public.usage_open AS c WHERE c.token_id = t.id
				AND c.route_id = r.id)) AS low, greatest(
			(SELECT max(since) FROM public.usage_15min AS c WHERE c.token_id = t.id
				AND c.route_id = r.id),
			(SELECT max(since) FROM public.usage_open AS c WHERE c.token_id = t.id
				AND c.route_id = r.id)) AS high) AS cells;
	first_at := coalesce((SELECT used_at FROM public.token_usage_logs AS l
		WHERE used_at >= first_at AND used_at < first_at + interval '15 minutes'
		AND (tokens IS NULL OR coalesce(l.token_id, 0) = ANY (tokens))
		AND (paths IS NULL OR l.route_path = ANY (paths))
		ORDER BY used_at LIMIT 1), first_at);
	last_at := coalesce((SELECT used_at FROM public.token_usage_logs AS l
		WHERE used_at >= last_at AND used_at < last_at + interval '15 minutes'
		AND (tokens IS NULL OR coalesce(l.token_id, 0) = ANY (tokens))
		AND (paths IS NULL OR l.route_path = ANY (paths))
		ORDER BY used_at DESC LIMIT 1), last_at);
END
$body$;
REVOKE ALL ON FUNCTION public.usage_call_times(bigint[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_call_times(bigint[], text[]) TO tollgate;
