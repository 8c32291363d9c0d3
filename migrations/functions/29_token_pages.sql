-- A page of a list of tokens, found by looking at few of them, however many there are.
--
-- An index has each order, of all tokens or of a team's, and others have what is filtered
-- by. Where what is wanted is frequent, the order is walked through until a page is full.
-- Where it is rare, the indexes of what is wanted find all of it, which is sorted. Where
-- it is neither, or frequent but for where the order begins, both are asked at once:
-- which of the tokens that are wanted stand in a stretch of the order (a BitmapAnd,
-- which looks at no other). A sample of the table says which of these, and where
-- stretches end; that it may be wrong costs time, and never a row.

-- The most rows that are walked through, and that are sorted; the pages of 8 KiB of which
-- one row in four is sampled, and that it takes no plan to read: tokens that are
-- neighbours are often of one time, so that few rows of many pages tell more.
CREATE OR REPLACE FUNCTION public.token_looks(OUT walked integer, OUT sorted integer,
	OUT sampled integer)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT 8000, 12000, 100
$$;

-- That these keys stand behind a place, whose last value is an id.
CREATE OR REPLACE FUNCTION public.token_behind(keys text[], way text, past jsonb)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN past IS NULL THEN 'true' ELSE format('(%s) %s (%s)',
	array_to_string(keys, ', '), CASE WHEN way = '' THEN '>' ELSE '<' END,
	(SELECT string_agg(quote_literal(v) || CASE WHEN n = cardinality(keys)
		THEN '::bigint' ELSE '' END, ', ' ORDER BY n)
	FROM jsonb_array_elements_text(past) WITH ORDINALITY AS p (v, n))) END
$$;

-- What a page is asked for by, in SQL: keys of the order, under names of their own,
-- which way, what is behind the page before.
CREATE OR REPLACE FUNCTION public.token_page_parts(sort text, past jsonb, OUT keys text[],
	OUT way text, OUT behind text, OUT columns text, OUT named text,
	OUT names text, OUT behind_named text, OUT place text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	keys := public.token_order(sort);
	way := CASE WHEN sort LIKE '-%' THEN ' DESC' ELSE '' END;
	behind := 'true';
	columns := 't.id::bigint AS id, jsonb_build_array((' || array_to_string(keys,
		')::text, (') || ')::text) AS here';
	SELECT 't.id, ' || string_agg(format('%s AS tollgate_key%s', key, n), ', '
		ORDER BY n), string_agg(format('tollgate_key%s%s', n, way), ', ' ORDER BY n),
		string_agg(format('tollgate_key%s::text', n), ', ' ORDER BY n)
		INTO named, names, place FROM unnest(keys) WITH ORDINALITY AS k (key, n);
	behind := public.token_behind(keys, way, past);
	behind_named := public.token_behind(ARRAY(SELECT 'tollgate_key' || n
		FROM generate_series(1, cardinality(keys)) AS n), way, past);
END
$$;

-- What the filter says of the key of the order, so that a walk begins and ends there.
CREATE OR REPLACE FUNCTION public.token_walked_range(filter jsonb, sort text)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT concat_ws(' AND ', 'true',
	CASE WHEN filter ? 'unused_days' AND ltrim(sort, '-') IN ('created_at',
		'last_used_at') THEN key || ' < '
		|| public.token_days_from_now('-' || (filter ->> 'unused_days')) END,
	CASE WHEN ltrim(sort, '-') = 'name' AND filter @> '{"first": true}'
		THEN public.token_name_begins(filter ->> 'q') END,
	CASE WHEN ltrim(sort, '-') = 'expires_at' THEN
		CASE WHEN filter ? 'expires_days' THEN format('%1$s > %2$s AND %1$s <= %3$s', key,
			public.token_days_from_now('0'),
			public.token_days_from_now(filter ->> 'expires_days'))
		WHEN filter -> 'state' = '["expired"]' THEN key || ' <= '
			|| public.token_days_from_now('0')
		WHEN filter -> 'state' <@ '["active", "disabled", "team_disabled"]'
			THEN key || ' > ' || public.token_days_from_now('0') END END)
FROM (SELECT (public.token_order(sort))[1]) AS first (key)
$$;

-- The pieces that an order is walked through in, one behind the other: all tokens, or
-- those of teams. Tokens that were never used are equal in all but their ids, which an
-- index has in order; it does not know that. Conditions are written so that only the
-- index that is meant has them.
CREATE OR REPLACE FUNCTION public.token_walks(sort text, past jsonb, range text,
	teams bigint[], OUT walk text, OUT names text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part CONSTANT record := public.token_page_parts(sort, past);
	pieces CONSTANT integer[] := CASE WHEN ltrim(sort, '-') <> 'last_used_at' THEN '{0}'
		WHEN part.way = '' THEN '{1,2}' ELSE '{2,1}' END::integer[];
	keys text[];
	named text;
	bounds text;
	place jsonb;
BEGIN
	FOR i IN 1 .. cardinality(pieces) LOOP
		bounds := part.keys[1] || CASE pieces[i] WHEN 1 THEN ' <= ''-infinity'''
			WHEN 2 THEN ' > ''-infinity''' ELSE ' IS NOT NULL' END || ' AND ' || range;
		keys := CASE pieces[i] WHEN 1 THEN ARRAY[part.keys[1], 't.id'] ELSE part.keys END;
		place := CASE pieces[i] WHEN 1 THEN past - 1 ELSE past END;
		SELECT string_agg(format('%s AS tollgate_key%s', key, n), ', '),
			string_agg(format('tollgate_key%s%s', n, part.way), ', ' ORDER BY n)
			INTO named, names FROM unnest(keys) WITH ORDINALITY AS k (key, n);
		walk := (SELECT string_agg(format('SELECT t.*, %s FROM public.tokens AS t WHERE '
			'%s AND %s', named, bounds, CASE WHEN team IS NULL
			THEN public.token_behind(keys, part.way, place)
			ELSE format('t.tollgate_team_id = %s AND ', team) || public.token_behind(
				array_prepend('t.tollgate_team_id', keys), part.way,
				jsonb_build_array(team) || place) END), ' UNION ALL ')
			FROM unnest(coalesce(teams, ARRAY[NULL::bigint])) AS team);
		RETURN NEXT;
	END LOOP;
END
$$;

-- The ids of a page by walking, or NULL: it is not full when so many have been looked at.
CREATE OR REPLACE FUNCTION public.token_walked(wanted record, sort text, past jsonb,
	range text, teams bigint[], most integer, walked integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = off SET enable_seqscan = off
SET enable_sort = off SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	ids bigint[] := '{}';
	taken bigint[];
	is_whole boolean;
	piece record;
BEGIN
	FOR piece IN SELECT * FROM public.token_walks(sort, past, range, teams) LOOP
		EXECUTE format($$SELECT coalesce(array_agg(id ORDER BY n)
			FILTER (WHERE is_wanted), '{}'), coalesce(max(n) < $2, true)
			FROM (SELECT t.id::bigint AS id, n,
			%1$s AND %2$s AS is_wanted FROM (SELECT *, row_number() OVER () AS n FROM
			(SELECT * FROM (%3$s) AS t ORDER BY %4$s LIMIT $2) AS t) AS t
			WHERE %1$s AND %2$s OR n = $2 LIMIT $1) AS t$$, wanted.by_row, wanted.rest,
			piece.walk, piece.names) INTO taken, is_whole
			USING most - cardinality(ids), walked;
		ids := ids || taken;
		IF cardinality(ids) = most THEN
			RETURN ids;
		ELSIF NOT is_whole THEN
			RETURN NULL;
		END IF;
	END LOOP;
	RETURN ids;
END
$body$;

-- The first ids of those tokens that are wanted and stand in a stretch of the order.
-- NULL: too many have what the indexes tell; a good part of them, and fewer than all,
-- stand before the place `nearer`. To find a row in one index more costs far less than to
-- look at it; that all that is counted is looked at, PostgreSQL must not hope against.
CREATE OR REPLACE FUNCTION public.token_few(part record, wanted record, stretch text,
	most integer, OUT ids bigint[], OUT nearer jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = on SET enable_seqscan = off
SET enable_indexscan = off SET enable_indexonlyscan = off SET enable_sort = on
SET cpu_tuple_cost = 1000 SET work_mem = '32MB' SET max_parallel_workers_per_gather = 0
AS $body$
BEGIN
	EXECUTE format($$WITH few AS MATERIALIZED (SELECT %1$s, %2$s AS tollgate_wanted
		FROM public.tokens AS t WHERE %3$s AND %4$s) SELECT CASE WHEN n <= $2 THEN
		ARRAY(SELECT id FROM few WHERE tollgate_wanted AND %5$s ORDER BY %6$s LIMIT $1)
		END, CASE WHEN n > $2 THEN (SELECT jsonb_build_array(%7$s) FROM (SELECT * FROM
		few LIMIT $2) AS f WHERE %5$s ORDER BY %6$s OFFSET $2 / 8 LIMIT 1) END FROM
		(SELECT count(*) FROM (SELECT FROM few LIMIT $2 + 1) AS f OFFSET 0) AS c (n)$$,
		part.named, wanted.rest, wanted.by_index, stretch, part.behind_named, part.names,
		part.place) INTO ids, nearer USING most, (public.token_looks()).sorted;
END
$body$;

-- The same of the whole table, which is looked at.
CREATE OR REPLACE FUNCTION public.token_all(part record, wanted record, most integer)
RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = on SET enable_seqscan = on
SET enable_sort = on SET max_parallel_workers_per_gather = 2 AS $$
DECLARE
	ids bigint[];
BEGIN
	EXECUTE format('SELECT ARRAY(SELECT id FROM (SELECT %s FROM public.tokens AS t '
		'WHERE %s AND %s AND %s OFFSET 0) AS t ORDER BY %s LIMIT $1)', part.named,
		wanted.by_row, wanted.rest, part.behind, part.names) INTO ids USING most;
	RETURN ids;
END
$$;

-- A stretch of the order that ends, or begins, at a place, in terms that its index has:
-- it has no times within a quarter of an hour.
CREATE OR REPLACE FUNCTION public.token_stretch(sort text, forward text, backward text,
	place jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN place IS NULL THEN 'true'
	WHEN ltrim(sort, '-') <> 'last_used_at' THEN format('(%s, t.id) %s (%L, %L::bigint)',
		keys[1], way, place ->> 0, place ->> 1)
	WHEN place ->> 0 = '-infinity' THEN format('(%s, t.id) %s (%L, %L::bigint)', keys[1],
		way, place ->> 0, place ->> 2)
	ELSE format('%s %s %L', keys[1], way, place ->> 0) END
FROM (SELECT public.token_order(sort), CASE WHEN sort LIKE '-%' THEN backward
	ELSE forward END) AS o (keys, way)
$$;

-- What a sample of the table says of a list behind a place: how many rows stand for one
-- of its rows; the places of those that have what the indexes tell, in the list's order;
-- how many of the rows that are walked come before a page is full. is_wordless: without
-- words they are not many, or few have not the words; to collect by all indexes what has
-- them would cost more.
CREATE OR REPLACE FUNCTION public.token_sample(part record, wanted record, walked text,
	most integer, OUT weight float8, OUT places jsonb[], OUT before float8,
	OUT is_wordless boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_sort = on AS $$
DECLARE
	looks CONSTANT record := public.token_looks();
	share CONSTANT float8 := least(1, looks.sampled * 8192.0
		/ greatest(pg_relation_size('public.tokens'), 1));
	near CONSTANT integer := greatest(2 * looks.walked * share / 4, 1);
	n integer;
	others jsonb[];
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(place ORDER BY n) FILTER (WHERE is_found), '
		'''{}''), coalesce(array_agg(place ORDER BY n), ''{}''), '
		'count(*) FILTER (WHERE is_found AND is_wanted AND n <= $1) '
		'FROM (SELECT n, jsonb_build_array(%2$s) AS place, is_found, is_wanted FROM '
		'(SELECT row_number() OVER (ORDER BY %1$s) AS n, * FROM (SELECT %3$s, %4$s AS '
		'is_wordless, %5$s AS is_found, %6$s AS is_wanted FROM public.tokens AS t '
		'TABLESAMPLE SYSTEM (%7$s) WHERE random() < 0.25 AND %8$s AND %9$s) AS t) AS t '
		'WHERE is_wordless) AS s', part.names, part.place, part.named,
		wanted.wordless, wanted.by_row, wanted.rest, share * 100, part.behind, walked)
		INTO places, others, n USING near;
	weight := 4 / share;
	before := coalesce(1.0 * most * near / nullif(n, 0), 'infinity'::float8);
	is_wordless := cardinality(others) * weight <= 4 * looks.sorted
		AND (cardinality(others) * weight <= looks.sorted / 2
			OR cardinality(others) <= 4 * cardinality(places));
	IF is_wordless THEN
		places := others;
	END IF;
END
$$;

-- The ids of a page by stretches of the order, or NULL: it takes too many. The first is
-- short, where there is likely to be a page's worth of rows; or all, where those are few.
CREATE OR REPLACE FUNCTION public.token_stretched(part record, wanted record, sort text,
	past jsonb, sample record, most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	sorted CONSTANT integer := (public.token_looks()).sorted;
	is_all CONSTANT boolean := cardinality(sample.places) * sample.weight <= sorted / 2;
	width integer := ceil(2 * most / sample.weight); -- of the sample, in one stretch
	at integer := width; -- in the sample
	until jsonb := CASE WHEN NOT is_all THEN sample.places[at] END;
	since text := CASE WHEN is_all THEN 'true'
		ELSE public.token_stretch(sort, '>=', '<=', past) END;
	ids bigint[] := '{}';
	few record;
BEGIN
	FOR i IN 1 .. 8 LOOP
		few := public.token_few(part, wanted, since || ' AND '
			|| public.token_stretch(sort, '<=', '>=', until), most - cardinality(ids));
		IF few.ids IS NOT NULL THEN
			ids := ids || few.ids;
			IF until IS NULL OR cardinality(ids) = most THEN
				RETURN ids;
			END IF;
			since := public.token_stretch(sort, '>', '<', until);
			IF until = sample.places[at] THEN
				width := least(2 * width, greatest(1, sorted / 2 / sample.weight));
				at := at + width;
			END IF;
			until := sample.places[at];
		ELSIF few.nearer IS NULL OR few.nearer = until THEN
			EXIT;
		ELSE
			until := few.nearer;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;

-- The page's ids in their order.
CREATE OR REPLACE FUNCTION public.token_page_ids(seen bigint[], filter jsonb, sort text,
	past jsonb, most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part CONSTANT record := public.token_page_parts(sort, past);
	wanted record := public.token_wanted(seen, filter);
	looks CONSTANT record := public.token_looks();
	teams CONSTANT bigint[] := public.token_teams_walked(seen, filter);
	range CONSTANT text := public.token_walked_range(filter, sort);
	-- By more than what a walk goes through: it may find few.
	is_narrow CONSTANT boolean := filter ?| '{scope,unused_days,expires_days}'
		OR filter ? 'q' AND NOT filter @> '{"first": true}'
		OR coalesce(NOT filter -> 'state' ? 'active', false)
		OR teams IS NULL AND (seen IS NOT NULL OR filter ? 'team');
	sample record;
	ids bigint[];
BEGIN
	IF teams = '{}' THEN
		RETURN teams;
	END IF;
	ids := public.token_walked(wanted, sort, past, range, teams, most,
		CASE WHEN is_narrow THEN looks.walked / 8 ELSE looks.walked END);
	IF ids IS NULL AND pg_relation_size('public.tokens') > looks.sampled * 8192 THEN
		sample := public.token_sample(part, wanted, range || CASE WHEN teams IS NULL
			THEN '' ELSE format(' AND t.tollgate_team_id = ANY (%L::bigint[])', teams)
			END, most);
		IF is_narrow AND sample.before <= looks.walked THEN
			ids := public.token_walked(wanted, sort, past, range, teams, most,
				looks.walked);
		END IF;
		IF sample.is_wordless THEN
			wanted.by_index := wanted.wordless;
			wanted.rest := wanted.by_row || ' AND ' || wanted.rest;
		END IF;
		IF ids IS NULL THEN
			ids := public.token_stretched(part, wanted, sort, past, sample, most);
		END IF;
	END IF;
	RETURN coalesce(ids, public.token_all(part, wanted, most));
END
$$;

-- The same with what the next page begins behind. In the order of names, those that begin
-- with the word that is sought stand together, and the others elsewhere.
CREATE OR REPLACE FUNCTION public.token_page(seen bigint[], filter jsonb, sort text,
	past jsonb, most integer) RETURNS TABLE (id bigint, here jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off AS $$
DECLARE
	part CONSTANT record := public.token_page_parts(sort, past);
	ids bigint[];
BEGIN
	IF ltrim(sort, '-') = 'name' AND public.token_name_begins(filter ->> 'q') IS NOT NULL
	THEN
		ids := public.token_page_ids(seen, filter || '{"first": true}', sort, past, most)
			|| public.token_page_ids(seen, filter || '{"first": false}', sort, past,
				most);
	ELSE
		ids := public.token_page_ids(seen, filter, sort, past, most);
	END IF;
	RETURN QUERY EXECUTE format('SELECT %s FROM (SELECT t.*, %s FROM unnest($1) AS f '
		'(id), LATERAL (SELECT * FROM public.tokens AS t WHERE t.id = f.id OFFSET 0) '
		'AS t) AS t ORDER BY %s LIMIT $2', part.columns,
		replace(part.named, 't.id, ', ''), part.names)
		USING ids, most;
END
$$;

-- These functions are the running role's; those that indexes are made of are everyone's
-- who writes tokens.
DO $grant$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid::regprocedure FROM pg_proc
			WHERE pronamespace = 'public'::regnamespace
			AND proowner = current_user::regrole AND proname = ANY ('{token_is_revoked,
			token_word,token_query,token_teams_seen,token_is_seen,
			token_is_managed,token_time,token_scopes_list,token_state,token_facts,
			token_check_name,token_check_scopes,token_check_ranges,token_check_expiry,
			token_check_team,token_check_ceiling,token_check_hash,token_repeated,
			token_of_spec,token_import,token_import_known,token_import_add,
			token_begin,token_keep_answer,token_create,token_take,token_need_living,
			token_change,token_switch,token_rotate,token_get,token_by_hash,token_order,
			token_days_from_now,token_scopes_wanted,token_text_wanted,
			token_page_parts,token_teams_wanted,token_states_wanted,token_wanted,
			token_teams_disabled,token_team_ids,token_teams_walked,token_walked_range,
			token_walks,token_behind,token_looks,token_states_indexed,token_walked,
			token_few,token_all,token_stretch,token_sample,token_stretched,token_page_ids,
			token_page,token_name_begins,
			token_ranking,token_link_out,token_link_in,token_place,token_place_types,
			token_list,tokens_named,
			token_list_ranked,token_addresses,token_revoked_condition}') LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tollgate', f);
	END LOOP;
END
$grant$;
