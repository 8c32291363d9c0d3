-- A page of a list of tokens, found by looking at few of them, however many there are.
--
-- An index has each order, of all tokens or of a team's, and others have what is filtered
-- by. Where what is wanted is frequent, the order is walked through until a page is full;
-- how many of the first rows are wanted says whether it pays. Where it is rare, indexes
-- of what is wanted find all of it, which is sorted. Where it is neither, or frequent but
-- for where the order begins, both are asked at once: which of the tokens that are wanted
-- stand in a stretch of the order (a BitmapAnd, which looks at no other). A sample of the
-- table says which of these, by which indexes, and where stretches end; that it may be
-- wrong costs time, and never a row.

-- The most rows that are walked through, and that are sorted; the pages of 8 KiB of which
-- one row in four is sampled, and that it takes no plan to read: tokens that are
-- neighbours are often of one time, so that few rows of many pages tell more.
CREATE OR REPLACE FUNCTION public.token_looks(OUT walked integer, OUT sorted integer,
	OUT sampled integer)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT 8000, 12000, 100
$$;

-- How keys, the last of them an id, stand to a place. PostgreSQL is not to know which
-- place: where many rows have one key (never used, no end, a name that all have) it takes
-- those behind one of them for none, and leaves other indexes out.
CREATE OR REPLACE FUNCTION public.token_stands(keys text[], type text, way text,
	place jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN place IS NULL THEN 'true' ELSE format('(%s) %s (%s)',
	array_to_string(keys, ', '), way, (SELECT string_agg(format('(SELECT %L::%s)', v,
		CASE WHEN n = jsonb_array_length(place) THEN 'bigint' ELSE type END), ', '
		ORDER BY n)
	FROM jsonb_array_elements_text(place) WITH ORDINALITY AS p (v, n))) END
$$;

-- What a page is asked for by, in SQL: keys of the order, the type of all but the id,
-- which way; keys under names of their own; what is behind the page before.
CREATE OR REPLACE FUNCTION public.token_page_terms(sort text, past jsonb, OUT keys text[],
	OUT type text, OUT way text, OUT is_past text, OUT behind text, OUT named text,
	OUT names text, OUT behind_named text, OUT place text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	keys := public.token_order(sort);
	type := CASE WHEN ltrim(sort, '-') = 'name' THEN 'text' ELSE 'timestamptz' END;
	way := CASE WHEN sort LIKE '-%' THEN ' DESC' ELSE '' END;
	is_past := CASE WHEN sort LIKE '-%' THEN '<' ELSE '>' END;
	SELECT 't.id, ' || string_agg(format('%s AS tollgate_key%s', key, n), ', '
		ORDER BY n), string_agg(format('tollgate_key%s%s', n, way), ', ' ORDER BY n),
		string_agg(format('tollgate_key%s::text', n), ', ' ORDER BY n)
		INTO named, names, place FROM unnest(keys) WITH ORDINALITY AS k (key, n);
	behind := public.token_stands(keys, type, is_past, past);
	behind_named := public.token_stands(ARRAY(SELECT 'tollgate_key' || n
		FROM generate_series(1, cardinality(keys)) AS n), type, is_past, past);
END
$$;

-- What the filter says of the key of the order, so that a walk begins and ends there.
CREATE OR REPLACE FUNCTION public.token_walked_range(filter jsonb, sort text)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT concat_ws(' AND ', 'true',
	CASE WHEN filter ? 'unused_days' AND ltrim(sort, '-') IN ('created_at',
		'last_used_at') THEN key || ' < '
		|| public.token_days_from_now('-' || (filter ->> 'unused_days')) END,
	CASE WHEN ltrim(sort, '-') = 'name' AND filter ->> 'first' <> ''
		THEN public.token_name_starts(filter ->> 'first') END,
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
	part CONSTANT record := public.token_page_terms(sort, past);
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
			'%s AND %s AND %s', named, bounds,
			public.token_stands(keys, part.type, part.is_past, place),
			coalesce('t.tollgate_team_id = ' || team, 'true')), ' UNION ALL ')
			FROM unnest(coalesce(teams, ARRAY[NULL::bigint])) AS team);
		RETURN NEXT;
	END LOOP;
END
$$;

-- A page's ids by walking: all of them (is_whole), or those that are among so many rows.
-- With pages at no price a team is walked by its own index, however its tokens lie.
CREATE OR REPLACE FUNCTION public.token_walk(wanted record, sort text, past jsonb,
	range text, teams bigint[], most integer, walked integer, OUT ids bigint[],
	OUT is_whole boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = off SET enable_seqscan = off
SET enable_sort = off SET seq_page_cost = 0 SET random_page_cost = 0
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	taken bigint[];
	piece record;
BEGIN
	ids := '{}';
	FOR piece IN SELECT * FROM public.token_walks(sort, past, range, teams) LOOP
		EXECUTE format($$SELECT coalesce(array_agg(id ORDER BY n)
			FILTER (WHERE is_wanted), '{}'), coalesce(max(n) < $2, true)
			FROM (SELECT t.id::bigint AS id, n,
			%1$s AS is_wanted FROM (SELECT *, row_number() OVER () AS n FROM
			(SELECT * FROM (%2$s) AS t ORDER BY %3$s LIMIT $2) AS t) AS t
			WHERE %1$s OR n = $2 LIMIT $1) AS t$$, wanted.whole, piece.walk,
			piece.names) INTO taken, is_whole USING most - cardinality(ids), walked;
		ids := ids || taken;
		is_whole := is_whole OR cardinality(ids) = most;
		EXIT WHEN NOT is_whole OR cardinality(ids) = most;
	END LOOP;
END
$body$;

-- The first ids of those tokens that are wanted, and stand in a stretch of the order.
-- NULL: too many have what the indexes tell; a good part of them, and fewer than all,
-- stand before the place `nearer`. That all that is counted is looked at, PostgreSQL must
-- not hope against.
CREATE OR REPLACE FUNCTION public.token_few(part record, condition text, indexed text,
	stretch text, most integer, OUT ids bigint[], OUT nearer jsonb)
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
		part.named, condition, indexed, stretch, part.behind_named, part.names,
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
		'WHERE %s AND %s OFFSET 0) AS t ORDER BY %s LIMIT $1)', part.named,
		wanted.whole, part.behind, part.names) INTO ids USING most;
	RETURN ids;
END
$$;

-- A stretch of the order that ends, or begins, at a place, in terms that its index has:
-- it has no times within a quarter of an hour.
CREATE OR REPLACE FUNCTION public.token_stretch_ends(part record, forward text,
	backward text, place jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	way CONSTANT text := CASE WHEN part.way = '' THEN forward ELSE backward END;
BEGIN
	IF cardinality(part.keys) = 2 THEN
		RETURN public.token_stands(part.keys, part.type, way, place);
	ELSIF place ->> 0 = '-infinity' THEN
		RETURN public.token_stands(ARRAY[part.keys[1], 't.id'], part.type, way,
			place - 1);
	END IF;
	RETURN CASE WHEN place IS NULL THEN 'true' ELSE format('%s %s (SELECT %L::%s)',
		part.keys[1], way, place ->> 0, part.type) END;
END
$$;

-- What a sample of the table says: how many rows stand for one of its rows; which of the
-- indexes find what is wanted in the least time, and what is left to judge by the row;
-- how many rows of the sample these indexes find, and the places of those that are ahead,
-- in the order. To find a row in one more index costs far less than to look at it, but
-- not when that is the index of what many others have as well.
CREATE OR REPLACE FUNCTION public.token_sample(part record, wanted record, ahead text,
	OUT weight float8, OUT indexed text, OUT judged text, OUT hits integer,
	OUT places jsonb[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_sort = on AS $$
DECLARE
	share CONSTANT float8 := least(1, (public.token_looks()).sampled * 8192.0
		/ greatest(pg_relation_size('public.tokens'), 1));
	-- Twice the same rows; which, another time, is other chance.
	rows CONSTANT text := format('FROM public.tokens AS t TABLESAMPLE SYSTEM (%s) '
		'REPEATABLE (%s) WHERE hashint8(t.id) & 3 = 0', share * 100, random() * 1000000);
	total integer;
	share_found float8; -- by the indexes so far, as if they were independent
	counts integer[];
	sampled text := 'true'; -- what these find, judged by the row
	i integer;
BEGIN
	weight := 4 / share;
	indexed := 'true';
	judged := wanted.rest;
	EXECUTE format('SELECT count(*), ARRAY[%s]::integer[] %s', (SELECT string_agg(format(
		'count(*) FILTER (WHERE %s)', j), ', ') FROM unnest(wanted.judged) AS j), rows)
		INTO total, counts;
	FOR i IN SELECT n FROM unnest(counts) WITH ORDINALITY AS c (count, n)
			ORDER BY count, n LOOP
		IF counts[i] > 16 * share_found * (total - counts[i]) THEN
			judged := concat_ws(' AND ', wanted.judged[i], judged);
		ELSE
			share_found := coalesce(share_found, 1) * (counts[i] + 1) / (total + 1);
			indexed := concat_ws(' AND ', indexed, wanted.indexed[i]);
			sampled := concat_ws(' AND ', sampled, wanted.judged[i]);
		END IF;
	END LOOP;
	EXECUTE format('SELECT count(*), coalesce(array_agg(jsonb_build_array(%s) ORDER BY %s) '
		'FILTER (WHERE is_ahead), ''{}'') FROM (SELECT %s, %s AS is_ahead %s AND %s) AS t',
		part.place, part.names, part.named, ahead, rows, sampled) INTO hits, places;
END
$$;

-- The ids of a page by stretches of the order, or NULL: it takes too many. The first is
-- short, where there is likely to be a page's worth of rows; or all, where those are few.
CREATE OR REPLACE FUNCTION public.token_stretched(part record, wanted record,
	past jsonb, range text, most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	sample CONSTANT record := public.token_sample(part, wanted,
		concat_ws(' AND ', part.behind, range));
	sorted CONSTANT integer := (public.token_looks()).sorted;
	few CONSTANT integer := sorted / 2 / sample.weight; -- of the sample
	width integer := ceil(2 * most / sample.weight); -- of the sample, in one stretch
	at integer := width; -- in the sample
	until jsonb := CASE WHEN cardinality(sample.places) > few THEN sample.places[at] END;
	since text := CASE WHEN sample.hits <= few THEN 'true' ELSE concat_ws(' AND ', range,
		public.token_stretch_ends(part, '>=', '<=', past)) END;
	ids bigint[] := '{}';
	piece record;
BEGIN
	FOR i IN 1 .. 8 LOOP
		piece := public.token_few(part, sample.judged, sample.indexed, since || ' AND '
			|| public.token_stretch_ends(part, '<=', '>=', until),
			most - cardinality(ids));
		IF piece.ids IS NOT NULL THEN
			ids := ids || piece.ids;
			IF until IS NULL OR cardinality(ids) = most THEN
				RETURN ids;
			END IF;
			since := concat_ws(' AND ', range,
				public.token_stretch_ends(part, '>', '<', until));
			IF until = sample.places[at] THEN
				width := least(2 * width, greatest(1, few));
				at := at + width;
			END IF;
			until := sample.places[at];
		ELSIF piece.nearer IS NULL OR piece.nearer = until THEN
			EXIT;
		ELSE
			until := piece.nearer;
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
	part CONSTANT record := public.token_page_terms(sort, past);
	wanted CONSTANT record := public.token_conditions(seen, filter);
	looks CONSTANT record := public.token_looks();
	teams CONSTANT bigint[] := public.token_teams_walked(seen, filter);
	range CONSTANT text := public.token_walked_range(filter, sort);
	page record;
	ids bigint[];
BEGIN
	IF teams = '{}' THEN
		RETURN teams;
	END IF;
	page := public.token_walk(wanted, sort, past, range, teams, most,
		most + looks.walked / 8);
	IF NOT page.is_whole AND 8 * cardinality(page.ids) >= most THEN
		page := public.token_walk(wanted, sort, past, range, teams, most, looks.walked);
	END IF;
	IF page.is_whole THEN
		RETURN page.ids;
	ELSIF pg_relation_size('public.tokens') > looks.sampled * 8192 THEN
		ids := public.token_stretched(part, wanted, past, range, most);
	END IF;
	RETURN coalesce(ids, public.token_all(part, wanted, most));
END
$$;

-- The lists whose pages make up a page, and the place that each is behind: in the order
-- of names, those that begin with a word that is sought stand together, and the others
-- elsewhere. A list that ends before the place is left out; one that begins behind it has
-- none, or an index would be read from there on.
CREATE OR REPLACE FUNCTION public.token_page_lists(filter jsonb, sort text, past jsonb)
RETURNS TABLE (listed jsonb, behind jsonb)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT CASE WHEN word IS NULL THEN filter
		ELSE filter || jsonb_build_object('first', word) END,
	CASE WHEN word <> '' AND (is_down AND at >= word || chr(1114111)
		OR NOT is_down AND at < word) THEN NULL ELSE past END
FROM (SELECT sort LIKE '-%', (past ->> 0) COLLATE "C",
		public.token_words_of(filter ->> 'q')) AS asked (is_down, at, words),
	unnest(CASE WHEN ltrim(sort, '-') = 'name' AND cardinality(words) BETWEEN 1 AND 3
		THEN words || ''::text ELSE ARRAY[NULL] END) AS word
WHERE at IS NULL OR word IS NULL OR word = ''
	OR CASE WHEN is_down THEN at >= word ELSE at < word || chr(1114111) END
$$;

-- The same with what the next page begins behind, and the token whose id is sought.
CREATE OR REPLACE FUNCTION public.token_page(seen bigint[], filter jsonb, sort text,
	past jsonb, most integer) RETURNS TABLE (id bigint, here jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off AS $$
DECLARE
	part CONSTANT record := public.token_page_terms(sort, past);
	sought CONSTANT bigint := public.token_id_sought(filter ->> 'q');
	ids bigint[] := '{}';
	list record;
BEGIN
	FOR list IN SELECT * FROM public.token_page_lists(filter, sort, past) LOOP
		ids := ids || public.token_page_ids(seen, list.listed, sort, list.behind, most);
	END LOOP;
	IF sought IS NOT NULL THEN
		EXECUTE format('SELECT $1 || ARRAY(SELECT t.id::bigint FROM public.tokens AS t '
			'WHERE t.id = $2 AND %s AND %s)', part.behind,
			(public.token_conditions(seen, filter - 'q')).whole) INTO ids
			USING ids, sought;
	END IF;
	RETURN QUERY EXECUTE format('SELECT id::bigint, jsonb_build_array(%s) FROM (SELECT '
		'%s FROM (SELECT DISTINCT unnest($1)) AS f (id), LATERAL (SELECT * FROM '
		'public.tokens AS t WHERE t.id = f.id OFFSET 0) AS t) AS t ORDER BY %s LIMIT $2',
		part.place, part.named, part.names) USING ids, most;
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
			token_of_spec,token_import,token_import_known,token_add,
			token_begin,token_keep_answer,token_create,token_take,token_need_living,
			token_change,token_switch,token_rotate,token_get,token_by_hash,token_order,
			token_days_from_now,token_scopes_wanted,token_words_wanted,
			token_page_terms,token_teams_wanted,token_states_wanted,token_conditions,
			token_teams_disabled,token_team_ids,token_teams_walked,token_walked_range,
			token_walks,token_stands,token_looks,token_states_indexed,token_walk,
			token_few,token_all,token_stretch_ends,token_sample,token_stretched,
			token_page_ids,token_page_lists,token_page,token_id_sought,token_name_starts,
			token_ranking,token_link_out,token_link_in,token_place,token_place_types,
			token_list,tokens_named,
			token_list_ranked,token_addresses,token_revoked_condition}') LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tollgate', f);
	END LOOP;
END
$grant$;
