-- Tokens as people look for them: lists in pages, one, by its key, and from where it is
-- used.

-- A token, or NULL: there is none that the actor may see.
CREATE OR REPLACE FUNCTION public.token_get(actor jsonb, token bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.token_facts(t.id) FROM public.tokens AS t
WHERE t.id = token AND public.token_is_seen(actor, t.tollgate_team_id)
$$;

-- By the hash of a key, current or former.
CREATE OR REPLACE FUNCTION public.token_by_hash(actor jsonb, hash text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT json_build_object('secret', CASE WHEN k.valid_until IS NULL THEN 'current'
		ELSE 'old' END,
	'secret_expires_at', public.token_time(k.valid_until),
	'token', public.token_facts(t.id))
FROM public.token_keys AS k JOIN public.tokens AS t ON t.id = k.token_id
WHERE k.token_hash = hash AND public.token_is_seen(actor, t.tollgate_team_id)
$$;

-- --- lists ---

-- How a list is ordered: by these expressions of a token t, the last of them its id.
CREATE OR REPLACE FUNCTION public.token_order(sort text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE ltrim(sort, '-')
	WHEN 'name' THEN ARRAY['lower(t.name::text) COLLATE "C"']
	WHEN 'created_at' THEN ARRAY['coalesce(t.created_at, ''-infinity'')']
	WHEN 'expires_at' THEN ARRAY['coalesce(t.expires_at, ''infinity'')']
	WHEN 'last_used_at' THEN ARRAY['coalesce(t.tollgate_used_quarter, ''-infinity'')',
		'coalesce(t.last_used, ''-infinity'')']
	END || 't.id'::text
$$;

CREATE OR REPLACE FUNCTION public.token_days_from_now(days text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
SELECT quote_literal((now() + days::integer * interval '1 day')::text)
$$;

-- The teams that a filter names by id, or by name; "none" is none of them.
CREATE OR REPLACE FUNCTION public.token_team_ids(seen bigint[], wanted jsonb)
RETURNS bigint[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ids bigint[] := '{}';
	which text;
	id bigint;
BEGIN
	FOR which IN SELECT jsonb_array_elements_text(wanted) LOOP
		SELECT t.id INTO id FROM public.tollgate_teams AS t
			WHERE (t.id::text = which OR lower(t.name) = lower(which))
			AND (seen IS NULL OR t.id = ANY (seen))
			ORDER BY t.id::text = which DESC LIMIT 1;
		IF FOUND THEN
			ids := ids || id;
		ELSIF which <> 'none' THEN
			PERFORM public.people_refuse('TG400', format('there is no team ''%s''',
				which), 'team');
		END IF;
	END LOOP;
	RETURN ids;
END
$$;

CREATE OR REPLACE FUNCTION public.token_teams_wanted(seen bigint[], wanted jsonb)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('(t.tollgate_team_id = ANY (%L::bigint[])%s)',
	public.token_team_ids(seen, wanted),
	CASE WHEN wanted ? 'none' THEN ' OR t.tollgate_team_id IS NULL' ELSE '' END)
$$;

-- The few teams that all of a list's tokens belong to; NULL: they may have any, or none.
CREATE OR REPLACE FUNCTION public.token_teams_walked(seen bigint[], filter jsonb)
RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN cardinality(teams) <= 16 THEN teams END
FROM (SELECT CASE WHEN filter ? 'team'
		AND (seen IS NOT NULL OR NOT filter -> 'team' ? 'none')
	THEN public.token_team_ids(seen, filter -> 'team') ELSE seen END) AS f (teams)
$$;

-- Tokens in any of these states, as token_state says.
CREATE OR REPLACE FUNCTION public.token_states_wanted(wanted jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT '(' || string_agg(format(CASE state
	WHEN 'deleted' THEN 't.tollgate_deleted_at IS NOT NULL'
	WHEN 'revoked' THEN '(%1$s) AND t.tollgate_deleted_at IS NULL'
	WHEN 'expired' THEN '(%1$s) IS NOT TRUE AND coalesce(t.expires_at, ''infinity'') '
		'<= %2$s'
	ELSE '(%1$s) IS NOT TRUE AND coalesce(t.expires_at, ''infinity'') > %2$s AND '
		't.tollgate_disabled_at IS ' || CASE state WHEN 'disabled' THEN 'NOT NULL'
		WHEN 'team_disabled' THEN 'NULL AND t.tollgate_team_id = ANY (%3$L::bigint[])'
		WHEN 'active' THEN 'NULL' || CASE WHEN off.teams = '{}' THEN '' ELSE
			' AND (t.tollgate_team_id = ANY (%3$L::bigint[])) IS NOT TRUE' END END END,
	public.token_revoked_condition(), public.token_days_from_now('0'), off.teams),
	' OR ') || ')'
FROM (SELECT public.token_teams_disabled()) AS off (teams),
	jsonb_array_elements_text(wanted) AS state
$$;

-- That a token t has one of these scopes; and the words or the key that is sought. Twice
-- each: as the index has it, and as it takes the least time to judge a row.
CREATE OR REPLACE FUNCTION public.token_scopes_wanted(scopes jsonb, by_index boolean)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN by_index THEN format('public.token_words(t.name::text, '
	't.key_start::text, t.scopes) @@ %L::tsquery',
	string_agg(public.token_word('=' || left(scope, 100)), ' | '))
	ELSE format('string_to_array(translate(public.token_scopes_out(t.scopes), '','', '
	''' ''), '' '') && %L::text[]', array_agg(scope)) END
FROM jsonb_array_elements_text(scopes) AS scope
$$;

CREATE OR REPLACE FUNCTION public.token_text_wanted(text text, by_index boolean)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT '(' || concat_ws(' OR ',
	CASE WHEN by_index THEN format('public.token_words(t.name::text, '
		't.key_start::text, t.scopes) @@ %L::tsquery', public.token_query(text)) ELSE
	(SELECT '(' || string_agg(format('lower(t.name::text) ~ %L',
		'(^|[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f])' || word), ' AND ') || ')'
		FROM unnest(public.token_words_of(text)) AS word) END,
	CASE WHEN NOT by_index THEN format('starts_with(lower(t.key_start::text), %L)',
		lower(left(btrim(text), 100))) END,
	CASE WHEN btrim(text) ~ '^[0-9]{1,18}$' THEN 't.id = ' || btrim(text) END) || ')'
$$;

-- Conditions for a token t. filter: see token_list.
CREATE OR REPLACE FUNCTION public.token_wanted(seen bigint[], filter jsonb,
	by_index boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted text := 't.tollgate_deleted_at IS NULL';
BEGIN
	IF filter ? 'state' THEN
		wanted := public.token_states_wanted(filter -> 'state');
	END IF;
	IF seen IS NOT NULL THEN
		wanted := wanted || format(' AND t.tollgate_team_id = ANY (%L::bigint[])', seen);
	END IF;
	IF filter ? 'team' THEN
		wanted := wanted || ' AND ' || public.token_teams_wanted(seen, filter -> 'team');
	END IF;
	IF filter ? 'unused_days' THEN
		wanted := wanted || format(' AND coalesce(t.tollgate_used_quarter, '
			'''-infinity'') < %1$s AND coalesce(t.last_used, ''-infinity'') < %1$s '
			'AND coalesce(t.created_at, ''-infinity'') < %1$s',
			public.token_days_from_now('-' || (filter ->> 'unused_days')));
	END IF;
	IF filter ? 'expires_days' THEN
		wanted := wanted || format(' AND coalesce(t.expires_at, ''infinity'') > %s '
			'AND coalesce(t.expires_at, ''infinity'') <= %s AND (%s) IS NOT TRUE',
			public.token_days_from_now('0'),
			public.token_days_from_now(filter ->> 'expires_days'),
			public.token_revoked_condition());
	END IF;
	IF filter ? 'scope' THEN
		wanted := wanted || ' AND ' || public.token_scopes_wanted(filter -> 'scope',
			by_index);
	END IF;
	IF filter ->> 'q' ~ '\S' THEN
		wanted := wanted || ' AND ' || public.token_text_wanted(filter ->> 'q', by_index);
	END IF;
	RETURN wanted;
END
$$;

-- How many tokens are wanted, as PostgreSQL expects. (EXPLAIN is for volatile functions.)
CREATE OR REPLACE FUNCTION public.token_estimate(wanted text) RETURNS float8
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM public.tokens AS t WHERE ' || wanted
		INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;

-- The first ids of the tokens that are wanted, where those are 12,000 at most, by the
-- indexes of what is wanted. NULL: more.
CREATE OR REPLACE FUNCTION public.token_few(part record, wanted text, skip integer,
	most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = on SET enable_seqscan = off
SET enable_indexscan = off SET enable_indexonlyscan = off SET enable_sort = on AS $$
DECLARE
	few bigint[];
	n integer;
BEGIN
	EXECUTE format('WITH few AS MATERIALIZED (SELECT %s FROM public.tokens AS t WHERE %s '
		'LIMIT 12001) SELECT (SELECT count(*) FROM few), ARRAY(SELECT id FROM few '
		'WHERE %s ORDER BY %s OFFSET $1 LIMIT $2)', part.named, wanted,
		part.behind_named, part.names) INTO n, few USING skip, most;
	RETURN CASE WHEN n <= 12000 THEN few END;
END
$$;

-- The same of however many.
CREATE OR REPLACE FUNCTION public.token_all(part record, wanted text, skip integer,
	most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' SET jit = off SET enable_bitmapscan = on SET enable_seqscan = on
SET enable_sort = on SET max_parallel_workers_per_gather = 2 AS $$
DECLARE
	ids bigint[];
BEGIN
	EXECUTE format('SELECT ARRAY(SELECT id FROM (SELECT %s FROM public.tokens AS t '
		'WHERE %s AND %s OFFSET 0) AS t ORDER BY %s OFFSET $1 LIMIT $2)', part.named,
		wanted, part.behind, part.names) INTO ids USING skip, most;
	RETURN ids;
END
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
	OUT names text, OUT behind_named text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	keys := public.token_order(sort);
	way := CASE WHEN sort LIKE '-%' THEN ' DESC' ELSE '' END;
	behind := 'true';
	columns := 't.id::bigint AS id, jsonb_build_array((' || array_to_string(keys,
		')::text, (') || ')::text) AS here';
	SELECT 't.id, ' || string_agg(format('%s AS tollgate_key%s', key, n), ', '
		ORDER BY n), string_agg(format('tollgate_key%s%s', n, way), ', ' ORDER BY n)
		INTO named, names FROM unnest(keys) WITH ORDINALITY AS k (key, n);
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

-- The page's ids in their order, with what the next one begins behind. is_narrow: the
-- filter may find few. An index has the order, of all tokens or of a team's, and 8,000 of
-- it are walked through; others have the tokens that are wanted, of which 12,000 are
-- sorted at most. Each finds a page soon where the other does not: a page's worth among
-- 8,000 tokens, or less than one in a hundred. Only where the order and the filter are at
-- odds, all is looked at. A walk must not be taken for a sort: an estimate that is wrong
-- would cost a look at everything.
CREATE OR REPLACE FUNCTION public.token_page(seen bigint[], filter jsonb,
	is_narrow boolean, sort text, past jsonb, most integer)
RETURNS TABLE (id bigint, here jsonb) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
SET jit = off SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	part record := public.token_page_parts(sort, past);
	by_row CONSTANT text := public.token_wanted(seen, filter, false);
	by_index CONSTANT text := public.token_wanted(seen, filter, true);
	teams CONSTANT bigint[] := public.token_teams_walked(seen, filter);
	expected CONSTANT float8 := CASE WHEN is_narrow
		THEN public.token_estimate(by_index) END;
	few bigint[];
	n integer := 0;
	got integer;
	piece record;
	is_whole boolean := true;
BEGIN
	IF teams = '{}' THEN
		RETURN;
	ELSIF teams IS NULL AND expected < 8000 THEN
		few := public.token_few(part, by_index, 0, most);
	END IF;
	IF few IS NULL THEN
		FOR piece IN SELECT * FROM public.token_walks(sort, past,
				public.token_walked_range(filter, sort), teams) LOOP
			RETURN QUERY EXECUTE format('SELECT %s FROM (SELECT * FROM (%s) AS t '
				'ORDER BY %s LIMIT 8000) AS t WHERE %s LIMIT $1', part.columns,
				piece.walk, piece.names, by_row) USING most - n;
			GET DIAGNOSTICS got = ROW_COUNT;
			n := n + got;
			IF n = most THEN
				RETURN;
			END IF;
			EXECUTE format('SELECT count(*) < 8000 FROM (SELECT FROM (%s) AS t LIMIT 8000) '
				'AS t', piece.walk) INTO is_whole;
			EXIT WHEN NOT is_whole;
		END LOOP;
		IF is_whole THEN
			RETURN;
		ELSIF expected < 50000 THEN
			few := public.token_few(part, by_index, n, most - n);
		END IF;
	END IF;
	IF few IS NULL THEN
		few := public.token_all(part, by_row, n, most - n);
	END IF;
	RETURN QUERY EXECUTE format('SELECT %s FROM unnest($1) WITH ORDINALITY AS f (id, n), '
		'LATERAL (SELECT * FROM public.tokens AS t WHERE t.id = f.id OFFSET 0) AS t '
		'ORDER BY f.n', part.columns) USING few;
END
$body$;

-- The first 1,000 by calls or errors of the 24 hours before `at`, or a page of them.
CREATE OR REPLACE FUNCTION public.token_ranking(wanted text, tokens bigint[],
	rank_by text, at timestamp, past jsonb, most integer)
RETURNS TABLE (id bigint, calls bigint, errors bigint, here jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT id, calls, errors, jsonb_build_array($3, %1$I, '
		'id) FROM (SELECT t.id::bigint AS id, s.calls, s.errors FROM (SELECT token_id, '
		'calls, errors_ours + errors_upstream + errors_client AS errors FROM '
		'public.usage_sums($1, $2, NULL, by_token => true, brief => true)) AS s '
		'JOIN public.tokens AS t ON t.id = s.token_id WHERE %1$I > 0 AND %2$s '
		'ORDER BY %1$I DESC, id LIMIT 1000) AS ranked WHERE %3$s '
		'ORDER BY %1$I DESC, id LIMIT %4$s', rank_by, wanted,
		CASE WHEN past IS NULL THEN 'true' ELSE format('(%I, -id) < (%s, -%s)', rank_by,
			(past ->> 0)::bigint, (past ->> 1)::bigint) END, most)
		USING ARRAY[public.usage_floor(at - interval '24 hours', 900),
			public.usage_floor(at, 900) + interval '15 minutes'], tokens, at;
END
$$;

-- Text in a URL, and back: RFC 4648 5, without padding.
CREATE OR REPLACE FUNCTION public.token_link_out(link text, here jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(link, '') || translate(encode(convert_to(here::text, 'UTF8'), 'base64'),
	E'+/=\n', '-_')
$$;

CREATE OR REPLACE FUNCTION public.token_link_in(text text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT convert_from(decode(translate(text, '-_', '+/')
	|| repeat('=', (4 - length(text) % 4) % 4), 'base64'), 'UTF8')::jsonb
$$;

-- The types of a place's values, which stand behind the name of its order.
CREATE OR REPLACE FUNCTION public.token_place_types(sort text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE ltrim(sort, '-')
	WHEN 'name' THEN '{text,id}'
	WHEN 'last_used_at' THEN '{time,time,id}'
	WHEN 'calls' THEN '{instant,id,id}'
	WHEN 'errors' THEN '{instant,id,id}'
	ELSE '{time,id}' END::text[]
$$;

-- The place that the next page begins behind, as one of this order's has it; NULL: the
-- list begins. Whoever made it may have made it up.
CREATE OR REPLACE FUNCTION public.token_place(sort text, after text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' AS $$
DECLARE
	place jsonb;
	types CONSTANT text[] := public.token_place_types(sort);
	is_right boolean;
BEGIN
	BEGIN
		place := public.token_link_in(after);
		IF place IS NULL AND after IS NULL THEN
			RETURN NULL;
		ELSIF jsonb_typeof(place) = 'array' AND place ->> 0 = sort
				AND jsonb_array_length(place) = cardinality(types) + 1 THEN
			place := place - 0;
			is_right := (SELECT bool_and(coalesce(jsonb_typeof(p.v) IN ('string',
				'number') AND CASE types[p.n] WHEN 'text' THEN true
				WHEN 'id' THEN (p.v #>> '{}')::bigint IS NOT NULL
				WHEN 'time' THEN (p.v #>> '{}')::timestamptz IS NOT NULL
				ELSE (p.v #>> '{}')::timestamp BETWEEN '1970-01-01'
					AND now() AT TIME ZONE 'UTC' + interval '1 day' END, false))
				FROM jsonb_array_elements(place) WITH ORDINALITY AS p (v, n));
		END IF;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		is_right := false;
	END;
	IF is_right IS NOT TRUE THEN
		PERFORM public.people_refuse('TG400', 'is no place in this list: follow `next`',
			'after');
	END IF;
	RETURN place;
END
$$;

-- filter: q (the beginnings of words, or of the key, or an id), team, scope, state
-- (lists: any of them), unused_days, expires_days; sort (name, created_at, expires_at,
-- last_used_at, - before it: the last first) or by (calls, errors); after, limit; link:
-- what stands before the next page's `after`.
CREATE OR REPLACE FUNCTION public.token_list(actor jsonb, filter jsonb) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	seen CONSTANT bigint[] := public.token_teams_seen(actor);
	most CONSTANT integer := least(coalesce((filter ->> 'limit')::integer, 50), 200);
	rank_by CONSTANT text := filter ->> 'by';
	sort CONSTANT text := coalesce(rank_by, filter ->> 'sort', '-created_at');
	past CONSTANT jsonb := public.token_place(sort, filter ->> 'after');
	answer json;
BEGIN
	IF rank_by IS NOT NULL THEN
		RETURN public.token_list_ranked(seen, rank_by, past, most, filter);
	END IF;
	WITH found AS MATERIALIZED (SELECT row_number() OVER () AS n, p.id, p.here
		FROM public.token_page(seen, filter, seen IS NOT NULL
			OR filter ?| '{q,scope,team,unused_days,expires_days}'
			OR coalesce(NOT filter -> 'state' ? 'active', false), sort, past, most + 1)
			AS p)
	SELECT json_build_object('items', coalesce((SELECT json_agg(public.token_facts(id)
			ORDER BY n) FROM found WHERE n <= most), '[]'),
		'next', CASE WHEN (SELECT count(*) FROM found) > most THEN
			public.token_link_out(filter ->> 'link', jsonb_build_array(sort)
			|| (SELECT here FROM found WHERE n = most)) END)
		INTO answer;
	RETURN answer;
END
$$;

CREATE OR REPLACE FUNCTION public.token_list_ranked(seen bigint[],
	rank_by text, past jsonb, most integer, filter jsonb) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
WITH asked AS (SELECT coalesce((past ->> 0)::timestamp, date_trunc('second', now())
	AT TIME ZONE 'UTC') AS at),
found AS MATERIALIZED (SELECT row_number() OVER () AS n, r.* FROM asked,
	public.token_ranking(public.token_wanted(seen, filter, false),
		public.usage_tokens(NULL, seen), rank_by, at, past - 0, most + 1) AS r)
SELECT json_build_object('items', coalesce((SELECT json_agg((left(
		public.token_facts(id)::text, -1) || format(', "calls": %s, "errors": %s}', calls,
		errors))::json ORDER BY n) FROM found WHERE n <= most), '[]'),
	'next', CASE WHEN (SELECT count(*) FROM found) > most THEN
		public.token_link_out(filter ->> 'link', jsonb_build_array(rank_by)
		|| (SELECT here FROM found WHERE n = most)) END,
	'as_of', public.token_time((SELECT at FROM asked) AT TIME ZONE 'UTC'))
$$;

-- --- addresses ---

-- From where a token was used in the last 24 hours, the latest first: by secret and
-- address. The latest 20,000 calls are looked through; `complete` is false beyond, and
-- beyond 1,000 lines.
CREATE OR REPLACE FUNCTION public.token_addresses(actor jsonb, token bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET jit = off AS $$
WITH secrets AS (SELECT k.token_hash, k.valid_until FROM public.token_keys AS k
	WHERE k.token_id = token AND (k.valid_until IS NULL
		OR k.valid_until > now() - interval '24 hours')),
calls AS MATERIALIZED (SELECT s.valid_until, l.ip_address, l.used_at FROM secrets AS s,
	LATERAL (SELECT ip_address, used_at FROM public.token_usage_logs
		WHERE token_hash = s.token_hash
		AND used_at >= (now() - interval '24 hours') AT TIME ZONE 'UTC'
		ORDER BY used_at DESC LIMIT 20001) AS l ORDER BY l.used_at DESC LIMIT 20001),
lines AS (SELECT valid_until, ip_address, count(*) AS calls, max(used_at) AS last
	FROM (SELECT * FROM calls ORDER BY used_at DESC LIMIT 20000) AS c
	GROUP BY valid_until, ip_address)
SELECT json_build_object('items', coalesce((SELECT json_agg(json_build_object(
		'secret', CASE WHEN valid_until IS NULL THEN 'current' ELSE 'old' END,
		'secret_expires_at', public.token_time(valid_until), 'address', ip_address,
		'calls', calls, 'last_used_at', public.token_time(last AT TIME ZONE 'UTC'))
		ORDER BY last DESC, ip_address)
		FROM (SELECT * FROM lines ORDER BY last DESC, ip_address LIMIT 1000) AS l), '[]'),
	'next', NULL,
	'from', public.token_time(now() - interval '24 hours'),
	'complete', (SELECT count(*) <= 20000 FROM calls)
		AND (SELECT count(*) <= 1000 FROM lines))
FROM public.tokens AS t
WHERE t.id = token AND public.token_is_seen(actor, t.tollgate_team_id)
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
			token_walks,token_estimate,token_behind,token_few,token_all,token_page,
			token_ranking,token_link_out,token_link_in,token_place,token_place_types,
			token_list,
			token_list_ranked,token_addresses,token_revoked_condition}') LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tollgate', f);
	END LOOP;
END
$grant$;
