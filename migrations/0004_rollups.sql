-- Rollups: what every statistic is answered from, kept equal to a recount of the rows.
--
-- Runs once, as tollgate_owner, inside a transaction. docs/usage-rollups.md explains the whole;
-- docs/adr/0007-rollups.md why it is so.
--
-- A cell holds the sums of all calls of one token on one route in one interval, which `since`
-- begins. token_id -1: all tokens together; 0: a token_hash that is no token's. route_id -1:
-- all routes; 0: no route. Cells only ever add up, so an answer is the sum of all cells of its
-- range, wherever they stand just now:
--
--   usage_deltas    what each batch of the recorder adds, in the batch's own transaction
--   usage_open      the same merged, a cell each 15 minutes, until the day is over
--   usage_15min, usage_hour, usage_6hours, usage_day   whole days, in each width
--
-- In cells NULL is 0. PostgreSQL keeps a NULL in a bit, and sum() passes over it.

-- Lower bounds of the histogram's buckets, in milliseconds: exact to 16 ms, then eight buckets
-- an octave; h137 is everything from 524,288 ms on. Version 1. Bucket n counts bounds[n] <= ms <
-- bounds[n + 1]; negative times count as 0. They are computed in gateway/recorder/rollup.c as well.
CREATE FUNCTION public.usage_bounds() RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_agg(ms ORDER BY ms) FROM (
	SELECT n FROM generate_series(0, 15) AS n
	UNION ALL SELECT (8 + sub) * (1 << (octave - 3))
	FROM generate_series(4, 18) AS octave, generate_series(0, 7) AS sub
	UNION ALL SELECT 524288) AS bounds (ms)
$$;

-- The start of the interval of so many seconds (900, 3600, 21600, 86400) that t is in.
CREATE FUNCTION public.usage_floor(t timestamp, width integer) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT timestamp 'epoch' + floor(extract(epoch FROM t) / width) * width * interval '1 second'
$$;

-- A cell's columns, as pieces of SQL: (placeholder, text with the histogram, text without).
-- {columns}      their names
-- {definitions}  for CREATE TABLE
-- {sums}         each added up, under its name
-- {plain_sums}   the same, 0 as NULL
-- {answer}       each added up but for time_max, NULL as 0
-- {histogram}    the buckets added up, in an array
-- {negated}      each with its sign changed
-- {merge}        the SET list of ON CONFLICT, where the table's alias is c
-- {count}        the cell of rows of the usage log that {row} prepared
CREATE FUNCTION public.usage_sql_pieces()
RETURNS TABLE (placeholder text, with_h text, without_h text) LANGUAGE plpgsql AS $body$
DECLARE
	counts text[] := '{errors_ours,errors_upstream,errors_client,status_1xx,status_2xx,'
		'status_3xx,status_4xx,status_5xx,status_none,time_count,time_sum,total_count,'
		'total_sum,bytes_in,bytes_out}';
	counted text[] := ARRAY[
		'count(*) FILTER (WHERE error = ''ours'')',
		'count(*) FILTER (WHERE error = ''upstream'')',
		'count(*) FILTER (WHERE error = ''client'')',
		'count(*) FILTER (WHERE response_status BETWEEN 100 AND 199)',
		'count(*) FILTER (WHERE response_status BETWEEN 200 AND 299)',
		'count(*) FILTER (WHERE response_status BETWEEN 300 AND 399)',
		'count(*) FILTER (WHERE response_status BETWEEN 400 AND 499)',
		'count(*) FILTER (WHERE response_status BETWEEN 500 AND 599)',
		'count(*) FILTER (WHERE response_status BETWEEN 100 AND 599 IS NOT TRUE)',
		'count(response_time_ms)', 'sum(response_time_ms)', 'count(total_ms)',
		'sum(total_ms)', 'sum(bytes_in)', 'sum(bytes_out)'];
	buckets text[] := ARRAY(SELECT 'h' || n FROM generate_series(1, 137) AS n);
	item record;
BEGIN
	-- first, a list with `each` of the counts, last; then a list with `bucket` of the histogram.
	FOR item IN SELECT * FROM (VALUES
		('{columns}', 'calls, ', '%s', ', time_max', '%s'),
		('{definitions}', 'calls bigint NOT NULL, ', '%s bigint', ', time_max integer',
			'%s integer'),
		('{sums}', 'sum(calls)::bigint AS calls, ', 'sum(%1$s)::bigint AS %1$s',
			', max(time_max) AS time_max', 'sum(%1$s) AS %1$s'),
		('{plain_sums}', 'sum(calls)::bigint AS calls, ',
			'nullif(sum(%1$s), 0)::bigint AS %1$s', ', max(time_max) AS time_max',
			'nullif(sum(%1$s), 0)::bigint AS %1$s'),
		('{answer}', 'sum(calls)::bigint, ', 'coalesce(sum(%s), 0)::bigint', '', NULL),
		('{negated}', '-calls, ', '-%s', ', NULL::integer', '-%s'),
		('{merge}', 'calls = c.calls + excluded.calls, ',
			'%1$s = coalesce(c.%1$s + excluded.%1$s, c.%1$s, excluded.%1$s)',
			', time_max = greatest(c.time_max, excluded.time_max)',
			'%1$s = coalesce(c.%1$s + excluded.%1$s, c.%1$s, excluded.%1$s)'))
		AS v (name, first, each, last, bucket)
	LOOP
		placeholder := item.name;
		without_h := item.first || (SELECT string_agg(format(item.each, c), ', ')
			FROM unnest(counts) AS c) || item.last;
		with_h := without_h || coalesce((SELECT string_agg(', ' || format(item.bucket, b), '')
			FROM unnest(buckets) AS b), '');
		RETURN NEXT;
	END LOOP;
	placeholder := '{histogram}';
	without_h := 'NULL::bigint[]';
	with_h := 'ARRAY[' || (SELECT string_agg('coalesce(sum(' || b || '), 0)::bigint', ', ')
		FROM unnest(buckets) AS b) || ']';
	RETURN NEXT;
	placeholder := '{count}';
	without_h := 'count(*) AS calls, ' || (SELECT string_agg(format('nullif(%s, 0) AS %s', x, c),
			', ') FROM unnest(counted, counts) AS v (x, c))
		|| ', max(response_time_ms) AS time_max';
	with_h := without_h || (SELECT string_agg(format(
			', nullif(count(*) FILTER (WHERE bucket = %s), 0) AS h%1$s', n), '')
		FROM generate_series(1, 137) AS n);
	RETURN NEXT;
	-- Errors as docs/errors.md groups them; what is neither ours nor the caller's came from the
	-- upstream. The same in gateway/recorder/rollup.c.
	placeholder := '{row}';
	with_h := 'used_at, coalesce(token_id, 0) AS token_id, '
		'route_path, response_status, total_ms, bytes_in, bytes_out, '
		'CASE WHEN response_time_ms < 0 THEN 0 ELSE response_time_ms END AS response_time_ms, '
		'CASE WHEN response_time_ms IS NOT NULL THEN width_bucket('
		'greatest(response_time_ms, 0), ' || quote_literal(public.usage_bounds())
		|| '::integer[]) END AS bucket, '
		'CASE WHEN (response_status >= 400 OR outcome <> ''complete'') IS NOT TRUE THEN NULL '
		'WHEN outcome IN (''client_abort'', ''revoked'', ''http_request_denied'', '
		'''http_request_error'') THEN ''client'' '
		'WHEN outcome IN (''shutdown'', ''proxy_internal_error'', '
		'''connection_limit_reached'', ''proxy_loop_detected'') THEN ''ours'' '
		'ELSE ''upstream'' END AS error';
	without_h := with_h;
	RETURN NEXT;
END
$body$;

-- usage_sql(template, with_histogram) puts those pieces into a statement. Its body holds them as
-- they are: to make them in each call took most of a question's time.
DO $generate$
DECLARE
	piece record;
	body text := 'template';
BEGIN
	FOR piece IN SELECT * FROM public.usage_sql_pieces() LOOP
		body := format('replace(%s, %L, CASE WHEN with_histogram THEN %L ELSE %L END)', body,
			piece.placeholder, piece.with_h, piece.without_h);
	END LOOP;
	EXECUTE format('CREATE FUNCTION public.usage_sql(template text, with_histogram boolean '
		'DEFAULT true) RETURNS text LANGUAGE plpgsql IMMUTABLE AS %L',
		'BEGIN RETURN ' || body || '; END');
END
$generate$;
DROP FUNCTION public.usage_sql_pieces();

-- Paths by number. 0 stands for "no route matched", -1 in cells for all routes.
CREATE TABLE public.usage_routes (
	route_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	route_path varchar(255) NOT NULL UNIQUE
);

DO $tables$
DECLARE
	name text;
BEGIN
	-- Only ever appended to and taken from: no key, no index, nothing that two could wait for.
	EXECUTE public.usage_sql('CREATE TABLE public.usage_deltas (since timestamp NOT NULL, '
		'token_id bigint NOT NULL, route_path varchar(255), {definitions})');
	FOREACH name IN ARRAY '{usage_open,usage_15min,usage_hour,usage_6hours,usage_day}'::text[]
	LOOP
		-- Some tokens, their routes together or apart: the range lies in one piece either way.
		EXECUTE public.usage_sql(format('CREATE TABLE public.%I (token_id bigint NOT NULL, '
			'route_id integer NOT NULL, since timestamp NOT NULL, {definitions}, '
			'PRIMARY KEY (token_id, since, route_id))', name));
		-- Questions that go over all tokens; and over everything, however many routes there are.
		EXECUTE format('CREATE INDEX %I ON public.%I (route_id, since)',
			name || '_route_since', name);
		EXECUTE format('CREATE INDEX %I ON public.%I (since) WHERE token_id = -1 '
			'AND route_id = -1', name || '_whole', name);
	END LOOP;
END
$tables$;

-- Changed in place many times a day: room in each page, and vacuumed before it grows.
ALTER TABLE public.usage_open SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE public.usage_deltas SET (autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

-- Intervals whose rows were changed by someone other than the recorder, or were there before
-- the rollups. Appended to by the writer's own transaction, so that it waits for nobody.
CREATE TABLE public.usage_dirty (
	since timestamp NOT NULL, -- of 15 minutes
	noted_at timestamptz NOT NULL DEFAULT now()
);

-- One row.
CREATE TABLE public.usage_rollup_state (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	-- Rows before this were dropped: cells before it are all that is left, and only added to.
	raw_since timestamp NOT NULL DEFAULT '-infinity'
);
INSERT INTO public.usage_rollup_state DEFAULT VALUES;

-- --- Marks ---

-- UPDATE and DELETE as well: whoever changes rows by hand finds the statistics changed. The
-- recorder copies into the day's partition, where this does not fire: it has counted already.
CREATE FUNCTION public.usage_mark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO public.usage_dirty (since)
			SELECT DISTINCT public.usage_floor(used_at, 900) FROM before_rows;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO public.usage_dirty (since)
			SELECT DISTINCT public.usage_floor(used_at, 900) FROM after_rows;
	END IF;
	RETURN NULL;
END
$$;

CREATE FUNCTION public.usage_mark_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.usage_dirty (since)
		SELECT since FROM public.usage_15min WHERE token_id = -1 AND route_id = -1
		UNION SELECT since FROM public.usage_open WHERE token_id = -1 AND route_id = -1
		UNION SELECT since FROM public.usage_deltas;
	RETURN NULL;
END
$$;

-- No writer is at work while these are made, so each row is either there now, and marked below,
-- or marks its interval itself.
CREATE TRIGGER tollgate_inserted AFTER INSERT ON public.token_usage_logs
	REFERENCING NEW TABLE AS after_rows
	FOR EACH STATEMENT EXECUTE FUNCTION public.usage_mark();
CREATE TRIGGER tollgate_updated AFTER UPDATE ON public.token_usage_logs
	REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
	FOR EACH STATEMENT EXECUTE FUNCTION public.usage_mark();
CREATE TRIGGER tollgate_deleted AFTER DELETE ON public.token_usage_logs
	REFERENCING OLD TABLE AS before_rows
	FOR EACH STATEMENT EXECUTE FUNCTION public.usage_mark();
CREATE TRIGGER tollgate_truncated AFTER TRUNCATE ON public.token_usage_logs
	FOR EACH STATEMENT EXECUTE FUNCTION public.usage_mark_all();

-- --- Upkeep: short transactions, each by whoever holds the lock ---

-- False: someone else is at it.
CREATE FUNCTION public.usage_upkeep_lock() RETURNS boolean
LANGUAGE sql VOLATILE AS $$
SELECT pg_try_advisory_xact_lock(hashtext('tollgate: usage rollups'))
$$;

-- Merges up to `most` deltas into usage_open; returns how many. -1: someone else is at it.
CREATE FUNCTION public.usage_merge(most integer DEFAULT 5000) RETURNS integer
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
		merged AS (INSERT INTO public.usage_open AS c (token_id, route_id, since, {columns})
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

-- The partition, NULL where the day has none.
CREATE FUNCTION public.usage_partition(day date) RETURNS regclass
LANGUAGE sql STABLE AS $$
SELECT to_regclass('public.token_usage_logs_p' || to_char(day, 'YYYYMMDD'))
$$;

-- Rows that came without a token's id belong to the token that has their hash now; from then on
-- they say so themselves, so that a recount finds the same after the key was rotated.
CREATE FUNCTION public.usage_attribute(part regclass, which timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
	EXECUTE format($$UPDATE %s AS l SET token_id = k.token_id
		FROM unnest($1) AS w (since), public.token_keys AS k
		WHERE l.used_at >= w.since AND l.used_at < w.since + interval '15 minutes'
		AND l.token_id IS NULL AND k.token_hash = lower(l.token_hash)$$, part) USING which;
END
$body$;

-- Where earlier rows were dropped: counts the rows that nobody has counted, which are those
-- without a token's id, and gives them one.
CREATE FUNCTION public.usage_count_late(part regclass, which timestamp[]) RETURNS void
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
		SELECT since, token_id, route_path, {count} FROM (SELECT since, {row} FROM late) AS rows
		GROUP BY since, token_id, route_path$$, part)) USING which;
END
$body$;

-- All numbers that cells have for routes: an index on (route_id, since) finds an interval.
CREATE FUNCTION public.usage_route_ids() RETURNS integer[]
LANGUAGE sql STABLE AS $$
SELECT ARRAY(SELECT route_id FROM public.usage_routes) || '{-1,0}'
$$;

-- Cells of these intervals of one day that stand in whole days go, and what was made of them is
-- made anew.
CREATE FUNCTION public.usage_unpack(which timestamp[]) RETURNS void
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
	FOR step IN SELECT made, width, source, array_agg(DISTINCT public.usage_floor(w, width))
				AS since
			FROM (VALUES ('usage_hour', 3600, 'usage_15min'),
				('usage_6hours', 21600, 'usage_hour'),
				('usage_day', 86400, 'usage_6hours')) AS v (made, width, source),
			unnest(which) AS w GROUP BY 1, 2, 3 ORDER BY width LOOP
		EXECUTE format('DELETE FROM public.%I WHERE route_id = ANY ($1) AND since = ANY ($2)',
			step.made) USING routes, step.since;
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

-- Counts the rows of some intervals of one day again. The caller holds the lock, and only its
-- holder writes to cells. Batches add deltas beside their rows, both visible or neither: one
-- snapshot has rows and deltas that agree; the deltas that it saw go, those that come later
-- stay.
CREATE FUNCTION public.usage_recount(which timestamp[]) RETURNS void
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
	EXECUTE 'INSERT INTO public.usage_routes (route_path) SELECT DISTINCT route_path FROM '
		|| source || ' WHERE route_path IS NOT NULL '
		'EXCEPT SELECT route_path FROM public.usage_routes ON CONFLICT DO NOTHING' USING which;
	EXECUTE public.usage_sql(format($$
		WITH gone AS (DELETE FROM public.usage_deltas WHERE since = ANY ($1)),
		pairs AS (SELECT since, token_id, route_path, {count}
			FROM (SELECT w.since, {row} FROM %s) AS rows GROUP BY since, token_id, route_path)
		INSERT INTO public.usage_open (token_id, route_id, since, {columns})
		SELECT CASE WHEN grouping(token_id) = 1 THEN -1 ELSE token_id END,
			CASE WHEN grouping(r.route_id) = 1 THEN -1 ELSE coalesce(r.route_id, 0) END,
			since, {sums}
		FROM pairs LEFT JOIN public.usage_routes AS r USING (route_path)
		GROUP BY since, CUBE (token_id, r.route_id)$$, source)) USING which;
END
$body$;

-- Takes the marks of the latest dirty intervals, up to `most` of one day, and counts those
-- again. Returns how many; -1: someone else is at it. A mark that comes after it was looked for
-- stays.
CREATE FUNCTION public.usage_recount_dirty(most integer DEFAULT 8) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	latest timestamp;
	which timestamp[];
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	SELECT max(since) INTO latest FROM public.usage_dirty;
	which := ARRAY(SELECT DISTINCT since FROM public.usage_dirty
		WHERE since >= date_trunc('day', latest) ORDER BY since DESC LIMIT most);
	IF cardinality(which) > 0 THEN
		DELETE FROM public.usage_dirty WHERE since = ANY (which);
		PERFORM public.usage_recount(which);
	END IF;
	RETURN cardinality(which);
END
$$;

-- Moves cells of days that are over (for ten minutes, since batches may come late) and not
-- dirty out of usage_open: up to `most` series of one day. They are laid down in the order in
-- which they are read. Returns the cells moved; -1: someone else is at it.
CREATE FUNCTION public.usage_pack(most integer DEFAULT 200,
	until timestamp DEFAULT date_trunc('day', now() AT TIME ZONE 'UTC' - interval '10 minutes'))
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
		SELECT DISTINCT route_id <> -1 AS is_pair, token_id, route_id FROM public.usage_open
		WHERE route_id = ANY (public.usage_route_ids()) AND since >= day
		AND since < day + interval '1 day' ORDER BY 1, 2, 3 LIMIT most) AS series;
	SELECT 'WITH gone AS (DELETE FROM public.usage_open AS c '
			'USING unnest($2, $3) AS s (token_id, route_id) WHERE c.token_id = s.token_id '
			'AND c.route_id = s.route_id AND c.since >= $1 '
			'AND c.since < $1 + interval ''1 day'' RETURNING c.*), '
		|| string_agg(format('%1$s AS (INSERT INTO public.%1$s AS c (token_id, route_id, '
			'since, {columns}) SELECT token_id, route_id, public.usage_floor(since, %2$s), '
			'{sums} FROM gone GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3 '
			'ON CONFLICT (token_id, route_id, since) DO UPDATE SET {merge})', made, width),
			', ')
		|| 'SELECT count(*) FROM gone' INTO statement
		FROM (VALUES ('usage_15min', 900), ('usage_hour', 3600), ('usage_6hours', 21600),
			('usage_day', 86400)) AS v (made, width);
	EXECUTE public.usage_sql(statement) INTO n USING day, tokens, routes;
	RETURN n;
END
$body$;

-- --- Reading ---

-- A range, in the fewest cells: quarters and hours at its edges, days in the middle.
CREATE FUNCTION public.usage_pieces(low timestamp, high timestamp)
RETURNS TABLE (source text, piece_low timestamp, piece_high timestamp)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[] := '{usage_15min,usage_hour,usage_6hours,usage_day}';
	widths integer[] := '{900,3600,21600,86400}';
	top integer := 1;
BEGIN
	piece_low := low;
	FOR i IN 1 .. 3 LOOP
		piece_high := public.usage_floor(piece_low + (widths[i + 1] - 1) * interval '1 second',
			widths[i + 1]);
		EXIT WHEN piece_high > high;
		source := names[i];
		IF piece_low < piece_high THEN
			RETURN NEXT;
		END IF;
		piece_low := piece_high;
		top := i + 1;
	END LOOP;
	FOR i IN REVERSE top .. 1 LOOP
		piece_high := public.usage_floor(high, widths[i]);
		source := names[i];
		IF piece_low < piece_high THEN
			RETURN NEXT;
		END IF;
		piece_low := piece_high;
	END LOOP;
END
$$;

-- Many points. Reading one width throughout costs least; where a bound falls into a cell, finer
-- cells from that cell's start to the bound belong to the point before it: they are added there
-- and taken off the point after it. Which width, is whichever touches the fewest cells. (Sums can
-- be taken off, a maximum can't.) The finer cells are few, and told one by one: a join on ranges
-- would read them all.
CREATE FUNCTION public.usage_series_parts(bounds timestamp[], keys text, filter text,
	names text, negated text, OUT head text, OUT parts text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
	n integer := cardinality(bounds);
	base record;
	floors timestamp[];
	finer text[];
BEGIN
	SELECT v.*, cost INTO base FROM (VALUES ('usage_15min', 900), ('usage_hour', 3600),
			('usage_6hours', 21600), ('usage_day', 86400)) AS v (source, width),
		LATERAL (SELECT extract(epoch FROM bounds[n] - bounds[1]) / width + sum(
				coalesce(i / 21600 + 3 * (i >= 21600)::integer, 0)
				+ h / 3600 + 3 * (h >= 3600)::integer + q / 900 + 3 * (q > 0)::integer)
			FROM (SELECT CASE WHEN width > 21600 THEN s % width ELSE 0 END AS i,
				CASE WHEN width > 3600 THEN s % least(width, 21600) ELSE 0 END AS h,
				CASE WHEN width > 900 THEN s % least(width, 3600) ELSE 0 END AS q
				FROM (SELECT extract(epoch FROM b)::bigint AS s
					FROM unnest(bounds) AS b) AS seconds) AS rest) AS c (cost)
		ORDER BY cost, width DESC LIMIT 1;
	floors := ARRAY(SELECT public.usage_floor(b, base.width)
		FROM unnest(bounds) WITH ORDINALITY AS u (b, i) ORDER BY i);
	head := '';
	parts := ARRAY[format('SELECT width_bucket(since, %L::timestamp[]) AS point, %s, %s '
		'FROM public.%I WHERE %s AND since >= %L AND since < %L', floors, keys, names,
		base.source, filter, floors[1], floors[n])];
	finer := ARRAY(SELECT format('SELECT bound, %s, %s FROM unnest(%L::integer[], '
			'%L::timestamp[]) AS e (bound, starts) JOIN public.%I ON since = starts WHERE %s '
			'AND since = ANY (%L::timestamp[])', keys, names, array_agg(i), array_agg(starts),
			source, filter, array_agg(DISTINCT starts))
		FROM (VALUES ('usage_15min', 900, 3600), ('usage_hour', 3600, 21600),
			('usage_6hours', 21600, 86400)) AS v (source, width, coarser),
		unnest(bounds) WITH ORDINALITY AS u (b, i),
		LATERAL generate_series(public.usage_floor(b, least(base.width, coarser)),
			public.usage_floor(b, width) - interval '1 second',
			width * interval '1 second') AS starts
		WHERE width < base.width GROUP BY source);
	IF cardinality(finer) > 0 THEN
		head := 'WITH edge_cells AS MATERIALIZED (' || array_to_string(finer, ' UNION ALL ')
			|| ') ';
		parts := parts || format('SELECT bound - 1 AS point, token_id, route_id, %s '
			'FROM edge_cells WHERE bound > 1', names)
			|| format('SELECT bound, token_id, route_id, %s FROM edge_cells '
			'WHERE bound < %s', negated, n);
	END IF;
END
$body$;

-- The cells that add up to an answer, in PostgreSQL's hands: between each two neighbours of
-- `bounds` (UTC, whole quarters of an hour, rising) is one point, numbered from 1.
--   tokens, routes     only these; NULL: all
--   by_token, by_route a row for each of them; false: together, and the column is NULL
--   with_histogram     false: histogram is NULL, and the answer comes faster
--   brief              only calls, errors_*, time_count and time_sum, faster still; others NULL
-- time_max is NULL where bounds are more than two: see above. One snapshot, whoever calls.
-- All cells are added up in one go, since planning some 150 sums takes longer than making them;
-- by hashing, since a sort would carry every cell's columns.
CREATE FUNCTION public.usage_sums(bounds timestamp[], tokens bigint[] DEFAULT NULL,
	routes integer[] DEFAULT NULL, by_token boolean DEFAULT false,
	by_route boolean DEFAULT false, with_histogram boolean DEFAULT false,
	brief boolean DEFAULT false)
RETURNS TABLE (point integer, token_id bigint, route_id integer, calls bigint,
	errors_ours bigint, errors_upstream bigint, errors_client bigint, status_1xx bigint,
	status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint,
	status_none bigint, time_count bigint, time_sum bigint, total_count bigint,
	total_sum bigint, bytes_in bigint, bytes_out bigint, time_max integer,
	histogram bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 SET enable_sort = off AS $body$
#variable_conflict use_column
DECLARE
	n integer := cardinality(bounds);
	token_filter text := CASE WHEN tokens IS NOT NULL THEN 'token_id = ANY ($2)'
		WHEN by_token THEN 'token_id >= 0' ELSE 'token_id = -1' END;
	route_filter text := CASE WHEN routes IS NOT NULL THEN 'route_id = ANY ($3)'
		WHEN by_route THEN 'route_id >= 0' ELSE 'route_id = -1' END;
	keys text := CASE WHEN by_token THEN 'token_id, ' ELSE 'NULL::bigint AS token_id, ' END
		|| CASE WHEN by_route THEN 'route_id' ELSE 'NULL::integer AS route_id' END;
	place text := CASE WHEN n > 2 THEN 'width_bucket(since, $1)' ELSE '1' END;
	grouping_by text := array_to_string(ARRAY[CASE WHEN n > 2 THEN 'point' END,
		CASE WHEN by_token THEN 'token_id' END, CASE WHEN by_route THEN 'route_id' END], ', ');
	names text := '{columns}';
	negated text := '{negated}';
	answer text := '{answer}, ' || CASE WHEN n > 2 THEN 'NULL::integer' ELSE 'max(time_max)' END
		|| ', {histogram}';
	head text := '';
	parts text[];
BEGIN
	IF n IS NULL OR n < 2 OR EXISTS (SELECT FROM unnest(bounds, bounds[2:]) AS b (low, high)
			WHERE low IS NULL OR low >= high OR NOT isfinite(low)
			OR low <> public.usage_floor(low, 900)) THEN
		RAISE EXCEPTION 'bounds must be two or more rising times, each a whole quarter of an '
			'hour, UTC' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF brief THEN
		names := 'calls, errors_ours, errors_upstream, errors_client, time_count, time_sum';
		negated := '-calls, -errors_ours, -errors_upstream, -errors_client, -time_count, '
			'-time_sum';
		answer := 'sum(calls)::bigint, coalesce(sum(errors_ours), 0)::bigint, '
			'coalesce(sum(errors_upstream), 0)::bigint, coalesce(sum(errors_client), 0)::bigint'
			|| repeat(', NULL::bigint', 6) || ', coalesce(sum(time_count), 0)::bigint, '
			'coalesce(sum(time_sum), 0)::bigint' || repeat(', NULL::bigint', 4)
			|| ', NULL::integer, NULL::bigint[]';
	END IF;
	IF n = 2 THEN
		SELECT array_agg(format('SELECT 1 AS point, %s, %s FROM public.%I WHERE %s AND %s '
			'AND since >= %L AND since < %L', keys, names, source, token_filter, route_filter,
			piece_low, piece_high)) INTO parts
			FROM public.usage_pieces(bounds[1], bounds[2]);
	ELSE
		SELECT * INTO head, parts FROM public.usage_series_parts(bounds, keys,
			token_filter || ' AND ' || route_filter, names, negated);
	END IF;
	-- What is not in whole days yet.
	parts := parts || format('SELECT %s AS point, %s, %s FROM public.usage_open WHERE %s '
		'AND %s AND since >= %L AND since < %L', place, keys, names, token_filter,
		route_filter, bounds[1], bounds[n]);
	parts := parts || format('SELECT %s AS point, %s, %s FROM (SELECT since, token_id, '
		'coalesce(r.route_id, 0) AS route_id, {columns} FROM public.usage_deltas '
		'LEFT JOIN public.usage_routes AS r USING (route_path)) AS d WHERE %s AND %s '
		'AND since >= %L AND since < %L', place, keys, names,
		CASE WHEN tokens IS NULL THEN 'true' ELSE token_filter END,
		CASE WHEN routes IS NULL THEN 'true' ELSE route_filter END, bounds[1], bounds[n]);
	RETURN QUERY EXECUTE public.usage_sql(format('%sSELECT * FROM (SELECT %s, %s, %s, %s '
		'FROM (%s) AS cells %s HAVING sum(calls) <> 0 OFFSET 0) AS sums ORDER BY 1, 2, 3', head,
		CASE WHEN n > 2 THEN 'point' ELSE '1 AS point' END,
		CASE WHEN by_token THEN 'token_id' ELSE 'NULL::bigint AS token_id' END,
		CASE WHEN by_route THEN 'route_id' ELSE 'NULL::integer AS route_id' END, answer,
		array_to_string(parts, ' UNION ALL '), CASE WHEN grouping_by <> '' THEN 'GROUP BY '
		|| grouping_by ELSE '' END), with_histogram) USING bounds, tokens, routes;
END
$body$;

-- --- Retention ---

-- Days whose rows are older than so many days, with their sizes; the oldest first.
CREATE FUNCTION public.usage_days_due(retention_days integer)
RETURNS TABLE (day date, bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day, pg_total_relation_size(c.oid)
FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
WHERE inhparent = 'public.token_usage_logs'::regclass AND retention_days > 0
AND relname ~ '^token_usage_logs_p\d{8}$'
AND to_date(right(relname, 8), 'YYYYMMDD')
	< (now() AT TIME ZONE 'UTC')::date - retention_days
ORDER BY day
$$;

-- Drops a day's rows; its cells stay, and are only added to from then on. DETACH CONCURRENTLY
-- can't run inside a function; the exclusive lock on token_usage_logs that this takes instead
-- is waited for one second at most, and held for a few milliseconds. False: the day has
-- changes to be counted first, or someone else is at it: come back.
CREATE FUNCTION public.usage_drop_day(which date, retention_days integer) RETURNS boolean
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
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	LOCK TABLE public.token_usage_logs IN ACCESS EXCLUSIVE MODE;
	-- Nobody writes now: what marks there are can be seen.
	IF EXISTS (SELECT FROM public.usage_dirty WHERE since >= which AND since < which + 1) THEN
		RETURN false;
	END IF;
	UPDATE public.usage_rollup_state SET raw_since = which + 1 WHERE raw_since < which + 1;
	EXECUTE format('ALTER TABLE public.token_usage_logs DETACH PARTITION %s',
		public.usage_partition(which));
	EXECUTE format('DROP TABLE %s', public.usage_partition(which));
	RETURN true;
END
$$;

-- --- Proof ---

CREATE FUNCTION public.usage_has_any(part regclass, low timestamp, high timestamp)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found boolean := false;
	routes integer[] := public.usage_route_ids();
	source text;
BEGIN
	IF part IS NOT NULL THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE used_at >= $1 AND used_at < $2)',
			part) INTO found USING low, high;
	END IF;
	FOREACH source IN ARRAY '{usage_open,usage_15min,usage_hour,usage_6hours,usage_day}'::text[]
	LOOP
		EXIT WHEN found;
		EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE route_id = ANY ($1) '
			'AND since >= date_trunc(''day'', $2) AND since < $3)', source)
			INTO found USING routes, low, high;
	END LOOP;
	RETURN found OR EXISTS (SELECT FROM public.usage_deltas WHERE since >= low
		AND since < high);
END
$$;

-- Recounts the rows of a part of one UTC day, whole quarters, and compares with the cells: in
-- each width and dimension, every column. One row a difference; none: all is right. Where the
-- rows were dropped, the cells of 15 minutes stand in for them. Intervals that wait to be
-- counted again are left out.
CREATE FUNCTION public.usage_differences(low timestamp, high timestamp)
RETURNS TABLE (source text, since timestamp, token_id bigint, route_id integer,
	stored_calls bigint, counted_calls bigint, columns text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	part regclass := public.usage_partition(low::date);
	kept boolean := low >= (SELECT raw_since FROM public.usage_rollup_state);
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

-- The days that have rows or cells.
CREATE FUNCTION public.usage_days() RETURNS TABLE (day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT to_date(right(relname, 8), 'YYYYMMDD') FROM pg_inherits JOIN pg_class AS c
	ON c.oid = inhrelid WHERE inhparent = 'public.token_usage_logs'::regclass
	AND relname ~ '^token_usage_logs_p\d{8}$'
UNION SELECT since::date FROM public.usage_15min WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_day WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_open WHERE token_id = -1 AND route_id = -1
UNION SELECT since::date FROM public.usage_deltas
ORDER BY 1
$$;

-- Marks the intervals of a day that differ; returns how many. usage_recount_dirty mends them.
CREATE FUNCTION public.usage_repair(low timestamp, high timestamp) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH marked AS (INSERT INTO public.usage_dirty (since)
	SELECT DISTINCT since FROM public.usage_differences(low, high) RETURNING since)
SELECT count(*) FROM marked
$$;

-- --- Days, and who may do what ---

-- As in 0002, and the recorder may copy into the partition itself.
CREATE OR REPLACE FUNCTION public.usage_ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
	part text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');
BEGIN
	IF day IS NULL OR day < date '1970-01-01' OR day > current_date + 31 THEN
		RAISE EXCEPTION 'no partition for %: too far from today', day
			USING ERRCODE = 'datetime_field_overflow';
	END IF;
	IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.' || part)
			AND inhparent = 'public.token_usage_logs'::regclass) THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	-- Again: another session may have made it while this one waited.
	IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.' || part)
			AND inhparent = 'public.token_usage_logs'::regclass) THEN
		RETURN false;
	END IF;
	EXECUTE format('CREATE TABLE public.%I (LIKE public.token_usage_logs INCLUDING ALL, '
		'CONSTRAINT %I CHECK (used_at >= %L AND used_at < %L))',
		part, part || '_day', day, day + 1);
	EXECUTE format('ALTER TABLE public.token_usage_logs ATTACH PARTITION public.%I '
		'FOR VALUES FROM (%L) TO (%L)', part, day, day + 1);
	EXECUTE format('GRANT INSERT ON public.%I TO tollgate', part);
	RETURN true;
END
$$;

DO $days$
DECLARE
	part regclass;
BEGIN
	FOR part IN SELECT inhrelid::regclass FROM pg_inherits
			WHERE inhparent = 'public.token_usage_logs'::regclass LOOP
		EXECUTE format('GRANT INSERT ON %s TO tollgate', part);
		-- Rows from before: counted in the background.
		EXECUTE format('INSERT INTO public.usage_dirty (since) '
			'SELECT DISTINCT public.usage_floor(used_at, 900) FROM %s', part);
	END LOOP;
END
$days$;

REVOKE ALL ON FUNCTION public.usage_mark(), public.usage_mark_all(), public.usage_upkeep_lock(),
	public.usage_merge(integer), public.usage_attribute(regclass, timestamp[]),
	public.usage_count_late(regclass, timestamp[]), public.usage_unpack(timestamp[]),
	public.usage_recount(timestamp[]), public.usage_recount_dirty(integer),
	public.usage_pack(integer, timestamp), public.usage_days_due(integer),
	public.usage_drop_day(date, integer), public.usage_differences(timestamp, timestamp),
	public.usage_has_any(regclass, timestamp, timestamp), public.usage_days(),
	public.usage_repair(timestamp, timestamp),
	public.usage_series_parts(timestamp[], text, text, text, text),
	public.usage_sums(timestamp[], bigint[], integer[], boolean, boolean, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_merge(integer), public.usage_recount_dirty(integer),
	public.usage_pack(integer, timestamp), public.usage_days_due(integer),
	public.usage_drop_day(date, integer), public.usage_differences(timestamp, timestamp),
	public.usage_days(), public.usage_repair(timestamp, timestamp),
	public.usage_sums(timestamp[], bigint[], integer[], boolean, boolean, boolean, boolean) TO tollgate;
GRANT SELECT ON public.usage_routes, public.usage_deltas, public.usage_open, public.usage_15min,
	public.usage_hour, public.usage_6hours, public.usage_day, public.usage_dirty,
	public.usage_rollup_state TO tollgate;
GRANT INSERT ON public.usage_deltas, public.usage_routes TO tollgate;
