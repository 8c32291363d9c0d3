-- Pages of rows, which take next to the same time whatever they are restricted to and
-- wherever they are.

-- Cuts quarters of an hour (latest first) into pieces of up to so many calls: those that
-- touch are joined, since planning a statement takes as long as reading some hundred
-- rows; fuller ones are split, and then nobody knows how many calls a piece has.
CREATE OR REPLACE FUNCTION public.usage_cut_pieces(quarters timestamp[], calls bigint[],
	most bigint)
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
REVOKE ALL ON FUNCTION public.usage_cut_pieces(timestamp[], bigint[], bigint) FROM PUBLIC;

-- Intervals with rows that may fit, and how many calls there are: a statement, for
-- format(), of a table of cells and its intervals. What is dirty is not known.
CREATE OR REPLACE FUNCTION public.usage_rows_guide(tokens bigint[], paths text[],
	status_low integer, status_high integer)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('SELECT since, sum(calls)::bigint AS calls FROM ('
	'SELECT %%1$s AS since, calls, time_max, %1$s AS fit FROM (SELECT since, calls, '
	'time_max, status_1xx, status_2xx, status_3xx, status_4xx, status_5xx '
		'FROM public.%%2$s WHERE %2$s AND %3$s UNION ALL SELECT since, calls, time_max, '
		'status_1xx, status_2xx, status_3xx, status_4xx, status_5xx '
			'FROM public.usage_open WHERE %2$s AND %3$s UNION ALL SELECT since, calls, '
			'time_max, status_1xx, status_2xx, status_3xx, '
	'status_4xx, status_5xx FROM public.usage_deltas WHERE ($3 IS NULL OR token_id = '
	'ANY ($3)) AND ($5 IS NULL OR route_path = ANY ($5)) UNION ALL SELECT since, 3000, '
	'2147483647, 3000, 3000, 3000, 3000, 3000 FROM public.usage_dirty) AS c '
	'WHERE since >= $1 AND since < $2) AS g GROUP BY since HAVING '
	'sum(fit) FILTER (WHERE $6 IS NULL OR time_max >= $6) > 0 ORDER BY since DESC',
	CASE WHEN status_low / 100 = status_high / 100 AND status_low BETWEEN 100 AND 599
		THEN format('coalesce(status_%sxx, 0)', status_low / 100) ELSE 'calls' END,
	CASE WHEN tokens IS NULL THEN 'token_id = -1' ELSE 'token_id = ANY ($3)' END,
	CASE WHEN paths IS NULL THEN 'route_id = -1' ELSE 'route_id = ANY ($4)' END)
$$;
REVOKE ALL ON FUNCTION public.usage_rows_guide(bigint[], text[], integer, integer) FROM
	PUBLIC;

-- Whether an address, which may be any text, is of this network.
CREATE OR REPLACE FUNCTION public.usage_is_within(address text, network inet)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN address::inet <<= network;
EXCEPTION WHEN invalid_text_representation THEN
	RETURN false;
END
$$;

CREATE OR REPLACE FUNCTION public.usage_rows_condition(status_low integer,
	status_high integer, method text, min_ms integer, before_at timestamp,
	before_id bigint, outcome text, network inet)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT concat(
	CASE WHEN status_low IS NOT NULL THEN format(' AND response_status BETWEEN %s AND %s',
		status_low, status_high) END,
	CASE WHEN method IS NOT NULL THEN format(' AND request_method = %L', method) END,
	CASE WHEN min_ms IS NOT NULL THEN format(' AND response_time_ms >= %s', min_ms) END,
	CASE WHEN before_at IS NOT NULL THEN format(' AND (used_at, id) < (%L::timestamp, '
		'%s)', before_at, before_id) END,
	CASE WHEN outcome IS NOT NULL THEN format(' AND outcome = %L', outcome) END,
	CASE WHEN network IS NOT NULL THEN format(
		' AND public.usage_is_within(ip_address, %L)', network) END)
$$;
REVOKE ALL ON FUNCTION public.usage_rows_condition(integer, integer, text, integer,
	timestamp, bigint, text, inet) FROM PUBLIC;

-- The rows of one piece, latest first. Of tokens, they are found by the tokens' hashes,
-- if that finds all piece_calls of them: a former key's hash may be in no table any more.
CREATE OR REPLACE FUNCTION public.usage_rows_of_piece(part regclass, low timestamp,
	high timestamp, piece_low timestamp, piece_high timestamp, piece_calls bigint,
	tokens bigint[], on_route text, condition text, most integer, OUT rows json[],
	OUT places text[])
LANGUAGE plpgsql STABLE AS $body$
DECLARE
	wanted CONSTANT text := format('%s AND used_at >= %L AND used_at < %L', condition,
		low, high);
	of_tokens CONSTANT text := CASE WHEN tokens IS NULL THEN ''
		ELSE ' AND coalesce(token_id, 0) = ANY ($2)' END;
	-- {with} {count} {from} {condition} {limit}
	found CONSTANT text := '%s SELECT %s, '
		'array_agg(public.usage_row_json(ROW(l.*)::public.token_usage_logs)), '
		'array_agg(used_at || ''/'' || id) FROM (SELECT * FROM %s WHERE true%s '
		'ORDER BY used_at DESC, id DESC LIMIT %s) AS l';
	hashes CONSTANT text[] := ARRAY(SELECT token_hash FROM public.token_keys
		WHERE token_id = ANY (tokens));
	counted bigint;
BEGIN
	IF tokens IS NOT NULL AND piece_calls IS NOT NULL THEN
		EXECUTE format(found, 'WITH w AS MATERIALIZED (SELECT * FROM ' || part || format(
			' WHERE used_at >= %L AND used_at < %L AND token_hash = ANY ($1) AND '
			'coalesce(token_id, 0) = ANY ($2)%s)', piece_low, piece_high, on_route),
			'(SELECT count(*) FROM w)', 'w', wanted, most)
			INTO counted, rows, places USING hashes, tokens;
	END IF;
	IF counted IS NULL OR counted < piece_calls THEN
		-- Apart from the limit, which would mislead the planner where few rows fit.
		EXECUTE CASE WHEN of_tokens || on_route <> '' THEN
			format(found, 'WITH w AS MATERIALIZED (SELECT * FROM ' || part || ' '
				'WHERE true'
				|| of_tokens || wanted || ')', 'NULL', 'w', '', most)
			ELSE format(found, '', 'NULL', part, wanted, most) END
			INTO counted, rows, places USING hashes, tokens;
	END IF;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_rows_of_piece(regclass, timestamp, timestamp,
	timestamp, timestamp, bigint, bigint[], text, text, integer) FROM PUBLIC;

-- The rows of one day, latest first, piece by piece, until there are `most` or time is
-- up: `next` is then where to go on. Time begins with the end of the first piece, which
-- in a new session is mostly that of compiling and planning.
CREATE OR REPLACE FUNCTION public.usage_rows_of_day(day timestamp, day_calls bigint,
	guide text, low timestamp, until timestamp, tokens bigint[], paths text[],
	min_ms integer, condition text, most integer, INOUT enough timestamptz,
	OUT rows json[], OUT places text[], OUT next text)
LANGUAGE plpgsql STABLE AS $body$
DECLARE
	-- A day of up to so many calls is one piece, others are cut. Restricted to both
	-- tokens and routes, their rows stand among those of the tokens' other routes.
	piece_max CONSTANT bigint := CASE
		WHEN tokens IS NOT NULL AND paths IS NOT NULL THEN 300
		WHEN tokens IS NOT NULL OR paths IS NOT NULL THEN 1000 ELSE 20000 END;
	whole CONSTANT boolean := day_calls <= piece_max;
	part CONSTANT regclass := public.usage_partition(day::date);
	-- With tokens, theirs is the better index.
	on_route CONSTANT text := CASE WHEN paths IS NULL THEN '' ELSE format(CASE
		WHEN tokens IS NULL THEN ' AND route_path = ANY (%L::text[])'
		ELSE ' AND (route_path = ANY (%L::text[])) IS TRUE' END, paths) END;
	since timestamp[] := ARRAY[day];
	calls bigint[] := ARRAY[day_calls];
	more record;
	piece record;
BEGIN
	rows := '{}';
	places := '{}';
	IF part IS NULL THEN
		RETURN;
	ELSIF NOT whole THEN
		EXECUTE format('SELECT array_agg(since), array_agg(calls) FROM (%s) AS q',
			format(guide, 'since', 'usage_15min'))
			INTO since, calls USING greatest(low - interval '15 minutes', day),
			least(until, day + interval '1 day'), tokens,
			public.usage_route_numbers(paths), paths, min_ms;
	END IF;
	FOR piece IN SELECT * FROM public.usage_cut_pieces(since, calls, piece_max) LOOP
		IF whole THEN
			piece.piece_high := piece.piece_low + interval '1 day';
		END IF;
		CONTINUE WHEN piece.piece_low >= until OR piece.piece_high <= low;
		SELECT * INTO more FROM public.usage_rows_of_piece(part,
			greatest(piece.piece_low, low), least(piece.piece_high, until),
			piece.piece_low, piece.piece_high, piece.piece_calls, tokens, on_route,
			on_route || condition, most - cardinality(rows));
		rows := rows || coalesce(more.rows, '{}');
		places := places || coalesce(more.places, '{}');
		IF cardinality(rows) >= most THEN
			next := places[most];
			EXIT;
		ELSIF clock_timestamp() > enough THEN
			next := greatest(piece.piece_low, low) || '/0';
			EXIT;
		END IF;
		enough := coalesce(enough, clock_timestamp() + interval '25 milliseconds');
	END LOOP;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_rows_of_day(timestamp, bigint, text, timestamp,
	timestamp, bigint[], text[], integer, text, integer, timestamptz) FROM PUBLIC;

-- One page of rows, latest first: those before (before_at, before_id), where given. Cells
-- tell which days and quarters of an hour hold rows that may fit, so that rare ones are
-- found without reading what lies between. "next" is where the next page begins, NULL at
-- the end. A page ends early, with what it has, when looking took its time: whoever wants
-- more asks on.
CREATE OR REPLACE FUNCTION public.usage_rows(low timestamp, high timestamp,
	tokens bigint[], paths text[], status_low integer, status_high integer, method text,
	min_ms integer, before_at timestamp, before_id bigint, page integer,
	outcome text DEFAULT NULL, network inet DEFAULT NULL)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $body$
DECLARE
	enough timestamptz;
	guide CONSTANT text := public.usage_rows_guide(tokens, paths, status_low,
		status_high);
	condition CONSTANT text := public.usage_rows_condition(status_low, status_high,
		method, min_ms, before_at, before_id, outcome, network);
	-- Before (time, 0) nothing of that very time is left: a page that ended early at the
	-- start of a piece goes on with the next one, however short its time is.
	until CONSTANT timestamp := least(high, CASE WHEN before_id > 0
		THEN before_at + interval '1 microsecond' ELSE before_at END);
	rows json[] := '{}';
	more record;
	day record;
	next text;
BEGIN
	FOR day IN EXECUTE format(guide, 'date_trunc(''day'', since)', 'usage_day')
			USING date_trunc('day', low), until, tokens,
			public.usage_route_numbers(paths), paths, min_ms LOOP
		SELECT * INTO more FROM public.usage_rows_of_day(day.since, day.calls, guide, low,
			until, tokens, paths, min_ms, condition, page - cardinality(rows), enough);
		rows := rows || more.rows;
		next := more.next;
		enough := more.enough;
		EXIT WHEN next IS NOT NULL;
	END LOOP;
	RETURN json_build_object('rows', array_to_json(rows),
		'next', replace(next, ' ', 'T'));
END
$body$;
REVOKE ALL ON FUNCTION public.usage_rows(timestamp, timestamp, bigint[], text[],
	integer, integer, text, integer, timestamp, bigint, integer, text, inet) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_rows(timestamp, timestamp, bigint[], text[],
	integer, integer, text, integer, timestamp, bigint, integer, text, inet) TO tollgate;
