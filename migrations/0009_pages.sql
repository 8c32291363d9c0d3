-- Pages of rows take next to the same time whatever they are restricted to and wherever they are.
--
-- Runs once, as tollgate_owner, inside a transaction.

-- As in 0008, but for its search_path, which costs more than all the rest in each row: those who call
-- it have theirs.
CREATE OR REPLACE FUNCTION public.usage_row_json(l public.token_usage_logs) RETURNS json
LANGUAGE sql STABLE AS $$
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

-- Cuts quarters of an hour (latest first) into pieces of up to so many calls: those that touch are
-- joined, since planning a statement takes as long as reading some hundred rows; fuller ones are split,
-- and then nobody knows how many calls a piece has.
CREATE FUNCTION public.usage_cut_pieces(quarters timestamp[], calls bigint[], most bigint)
RETURNS TABLE (piece_low timestamp, piece_high timestamp, piece_calls bigint)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	quarter CONSTANT interval := '15 minutes';
	n bigint;
BEGIN
	FOR i IN 1 .. coalesce(cardinality(quarters), 0) LOOP
		n := (calls[i] + most - 1) / most;
		IF piece_low = quarters[i] + quarter AND piece_calls + calls[i] <= most THEN
			piece_low := quarters[i];
			piece_calls := piece_calls + calls[i];
			CONTINUE;
		ELSIF piece_low IS NOT NULL THEN
			RETURN NEXT;
		END IF;
		FOR j IN REVERSE n .. 1 LOOP
			piece_low := quarters[i] + (j - 1) * quarter / n;
			piece_high := quarters[i] + j * quarter / n;
			piece_calls := CASE WHEN n = 1 THEN calls[i] END;
			IF j > 1 THEN
				RETURN NEXT;
			END IF;
		END LOOP;
	END LOOP;
	IF piece_low IS NOT NULL THEN
		RETURN NEXT;
	END IF;
END
$$;

-- As in 0008: one page of rows, latest first, those before (before_at, before_id), where given. Cells
-- tell which days and quarters of an hour hold rows that may fit. "next" is where the next page
-- begins, NULL at the end. A page ends early, with what it has, when looking took its time: whoever
-- wants more asks on.
CREATE OR REPLACE FUNCTION public.usage_rows(low timestamp, high timestamp, tokens bigint[],
	paths text[], status_low integer, status_high integer, method text, min_ms integer,
	before_at timestamp, before_id bigint, page integer)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $body$
DECLARE
	enough CONSTANT timestamptz := clock_timestamp() + interval '25 milliseconds';
	restricted CONSTANT boolean := tokens IS NOT NULL OR paths IS NOT NULL;
	-- A day of up to so many calls is one piece, others are cut. Restricted to both tokens and
	-- routes, their rows stand among those of the tokens' other routes.
	piece_max CONSTANT bigint := CASE WHEN tokens IS NOT NULL AND paths IS NOT NULL THEN 300
		WHEN restricted THEN 1000 ELSE 20000 END;
	-- Intervals with rows that may fit, and how many calls there are. What is dirty is not known.
	guide text := format('SELECT since, sum(calls)::bigint AS calls FROM ('
		'SELECT %%1$s AS since, calls, time_max, %1$s AS fit FROM (SELECT since, calls, time_max, '
		'status_1xx, status_2xx, status_3xx, status_4xx, status_5xx FROM public.%%2$s '
		'WHERE %2$s AND %3$s UNION ALL SELECT since, calls, time_max, status_1xx, status_2xx, '
		'status_3xx, status_4xx, status_5xx FROM public.usage_open WHERE %2$s AND %3$s '
		'UNION ALL SELECT since, calls, time_max, status_1xx, status_2xx, status_3xx, '
		'status_4xx, status_5xx FROM public.usage_deltas WHERE ($3 IS NULL OR token_id = '
		'ANY ($3)) AND ($5 IS NULL OR route_path = ANY ($5)) UNION ALL SELECT since, 3000, '
		'2147483647, 3000, 3000, 3000, 3000, 3000 FROM public.usage_dirty) AS c '
		'WHERE since >= $1 AND since < $2) AS g GROUP BY since HAVING '
		'sum(fit) FILTER (WHERE $6 IS NULL OR time_max >= $6) > 0 ORDER BY since DESC',
		CASE WHEN status_low / 100 = status_high / 100 AND status_low BETWEEN 100 AND 599
			THEN format('coalesce(status_%sxx, 0)', status_low / 100) ELSE 'calls' END,
		CASE WHEN tokens IS NULL THEN 'token_id = -1' ELSE 'token_id = ANY ($3)' END,
		CASE WHEN paths IS NULL THEN 'route_id = -1' ELSE 'route_id = ANY ($4)' END);
	days text := format(guide, 'date_trunc(''day'', since)', 'usage_day');
	quarters text := format('SELECT array_agg(since), array_agg(calls) FROM (%s) AS q',
		format(guide, 'since', 'usage_15min'));
	-- With tokens, theirs is the better index.
	on_route text := CASE WHEN paths IS NULL THEN '' ELSE format(CASE WHEN tokens IS NULL
		THEN ' AND route_path = ANY (%L::text[])'
		ELSE ' AND (route_path = ANY (%L::text[])) IS TRUE' END, paths) END;
	condition text := concat(on_route,
		CASE WHEN status_low IS NOT NULL THEN format(' AND response_status BETWEEN %s AND %s',
			status_low, status_high) END,
		CASE WHEN method IS NOT NULL THEN format(' AND request_method = %L', method) END,
		CASE WHEN min_ms IS NOT NULL THEN format(' AND response_time_ms >= %s', min_ms) END,
		CASE WHEN before_at IS NOT NULL THEN format(' AND (used_at, id) < (%L::timestamp, '
			'%s)', before_at, before_id) END);
	of_tokens text := CASE WHEN tokens IS NULL THEN '' ELSE ' AND coalesce(token_id, 0) = ANY ($2)'
		END;
	-- {with} {count} {from} {condition} {limit}
	found CONSTANT text := '%s SELECT %s, array_agg(public.usage_row_json(ROW(l.*)::public.'
		'token_usage_logs)), array_agg(used_at || ''/'' || id) FROM (SELECT * FROM %s WHERE true%s '
		'ORDER BY used_at DESC, id DESC LIMIT %s) AS l';
	hashes text[] := ARRAY(SELECT token_hash FROM public.token_keys WHERE token_id = ANY (tokens));
	routes integer[] := public.usage_route_numbers(paths);
	until timestamp := least(high, before_at + interval '1 microsecond');
	rows json[] := '{}';
	places text[] := '{}';
	more json[];
	more_places text[];
	whole boolean;
	since timestamp[];
	calls bigint[];
	day record;
	piece record;
	part regclass;
	wanted text;
	counted bigint;
	next text;
BEGIN
	<<days>>
	FOR day IN EXECUTE days USING date_trunc('day', low), until, tokens, routes, paths, min_ms
	LOOP
		part := public.usage_partition(day.since::date);
		CONTINUE WHEN part IS NULL;
		since := ARRAY[day.since];
		calls := ARRAY[day.calls];
		whole := day.calls <= piece_max;
		IF NOT whole THEN
			EXECUTE quarters INTO since, calls USING greatest(low - interval '15 minutes',
				day.since), least(until, day.since + interval '1 day'), tokens, routes, paths,
				min_ms;
		END IF;
		FOR piece IN SELECT * FROM public.usage_cut_pieces(since, calls, piece_max) LOOP
			IF whole THEN
				piece.piece_high := piece.piece_low + interval '1 day';
			END IF;
			CONTINUE WHEN piece.piece_low >= until OR piece.piece_high <= low;
			wanted := format('%s AND used_at >= %L AND used_at < %L', condition,
				greatest(piece.piece_low, low), least(piece.piece_high, until));
			-- A token's rows are found by its hash, if that finds all of them: a former key's may
			-- be in no table any more.
			counted := NULL;
			IF tokens IS NOT NULL AND piece.piece_calls IS NOT NULL THEN
				EXECUTE format(found, 'WITH w AS MATERIALIZED (SELECT * FROM ' || part || format(
					' WHERE used_at >= %L AND used_at < %L AND token_hash = ANY ($1) AND '
					'coalesce(token_id, 0) = ANY ($2)%s)', piece.piece_low, piece.piece_high,
					on_route), '(SELECT count(*) FROM w)', 'w', wanted, page - cardinality(rows))
					INTO counted, more, more_places USING hashes, tokens;
			END IF;
			IF counted IS NULL OR counted < piece.piece_calls THEN
				-- Apart from the limit, which would mislead the planner where few rows fit.
				EXECUTE CASE WHEN restricted THEN format(found, 'WITH w AS MATERIALIZED (SELECT * '
						'FROM ' || part || ' WHERE true' || of_tokens || wanted || ')', 'NULL', 'w',
						'', page - cardinality(rows))
					ELSE format(found, '', 'NULL', part, wanted, page - cardinality(rows)) END
					INTO counted, more, more_places USING hashes, tokens;
			END IF;
			rows := rows || coalesce(more, '{}');
			places := places || coalesce(more_places, '{}');
			IF cardinality(rows) >= page THEN
				next := places[page];
				EXIT days;
			ELSIF clock_timestamp() > enough THEN
				next := greatest(piece.piece_low, low) || '/0';
				EXIT days;
			END IF;
		END LOOP;
	END LOOP;
	RETURN json_build_object('rows', array_to_json(rows), 'next', replace(next, ' ', 'T'));
END
$body$;

REVOKE ALL ON FUNCTION public.usage_cut_pieces(timestamp[], bigint[], bigint) FROM PUBLIC;
