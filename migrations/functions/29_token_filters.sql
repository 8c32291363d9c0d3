-- Which tokens a list has, and in which order: filters and sorts in SQL.

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
SELECT CASE WHEN by_index THEN format('public.token_lexemes(t.name::text, '
	't.key_start::text, t.scopes) @@ %L::tsquery',
	string_agg(public.token_word('=' || left(scope, 100)), ' | '))
	ELSE format('string_to_array(translate(public.token_scopes_out(t.scopes), '','', '
	''' ''), '' '') && %L::text[]', array_agg(scope)) END
FROM jsonb_array_elements_text(scopes) AS scope
$$;

CREATE OR REPLACE FUNCTION public.token_text_wanted(text text, by_index boolean,
	is_later boolean) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT '(' || concat_ws(' OR ',
	CASE WHEN by_index THEN format('public.token_lexemes(t.name::text, '
		't.key_start::text, t.scopes) @@ %L::tsquery', public.token_query(text, is_later))
	ELSE (SELECT '(' || string_agg(format('lower(t.name::text) ~ %L',
		'(^|[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f])' || word), ' AND ') || ')'
		FROM unnest(public.token_words_of(text)) AS word) END,
	CASE WHEN NOT by_index THEN format('starts_with(lower(t.key_start::text), %L)',
		lower(left(btrim(text), 100))) END,
	CASE WHEN btrim(text) ~ '^[0-9]{1,18}$' THEN 't.id = ' || btrim(text) END) || ')'
$$;

-- That a name begins with the one word that is sought: those stand together in the order
-- of names. NULL: more are sought, or none.
CREATE OR REPLACE FUNCTION public.token_name_begins(text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('(%1$s >= %2$L AND %1$s < %3$L)', (public.token_order('name'))[1], words[1],
	words[1] || chr(1114111))
FROM public.token_words_of(text) AS words WHERE cardinality(words) = 1
$$;

-- These and more, by what an index has of the states that few tokens are in.
CREATE OR REPLACE FUNCTION public.token_states_indexed(wanted jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT '(' || string_agg(CASE state
	WHEN 'deleted' THEN 't.tollgate_deleted_at IS NOT NULL'
	WHEN 'revoked' THEN '(' || public.token_revoked_condition() || ')'
	WHEN 'expired' THEN 'coalesce(t.expires_at, ''infinity'') <= '
		|| public.token_days_from_now('0')
	WHEN 'disabled' THEN 't.tollgate_disabled_at IS NOT NULL'
	WHEN 'team_disabled' THEN format('t.tollgate_team_id = ANY (%L::bigint[])',
		public.token_teams_disabled())
	ELSE 'true' END, ' OR ') || ')'
FROM jsonb_array_elements_text(wanted) AS state
$$;

-- Conditions for a token t, which hold together: those that an index has, as it has them,
-- and by the row; these without words; and the rest, by the row. filter: see token_list;
-- "first": those whose name begins with the word that is sought (true), or the others.
CREATE OR REPLACE FUNCTION public.token_wanted(seen bigint[], filter jsonb,
	OUT by_index text, OUT by_row text, OUT wordless text, OUT rest text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	indexed text := 'true';
	since text;
	is_sought CONSTANT boolean := filter ->> 'q' ~ '\S'
		AND NOT filter @> '{"first": true}';
BEGIN
	rest := 't.tollgate_deleted_at IS NULL';
	IF filter ? 'state' THEN
		rest := public.token_states_wanted(filter -> 'state');
		indexed := public.token_states_indexed(filter -> 'state');
	END IF;
	IF seen IS NOT NULL THEN
		indexed := indexed || format(' AND t.tollgate_team_id = ANY (%L::bigint[])',
			seen);
	END IF;
	IF filter -> 'team' ? 'none' THEN
		rest := rest || ' AND ' || public.token_teams_wanted(seen, filter -> 'team');
	ELSIF filter ? 'team' THEN
		indexed := indexed || ' AND '
			|| public.token_teams_wanted(seen, filter -> 'team');
	END IF;
	IF filter ? 'unused_days' THEN
		since := public.token_days_from_now('-' || (filter ->> 'unused_days'));
		indexed := indexed || ' AND coalesce(t.tollgate_used_quarter, ''-infinity'') < '
			|| since;
		rest := rest || format(' AND coalesce(t.last_used, ''-infinity'') < %1$s AND '
			'coalesce(t.created_at, ''-infinity'') < %1$s', since);
	END IF;
	IF filter ? 'expires_days' THEN
		indexed := indexed || format(' AND coalesce(t.expires_at, ''infinity'') > %s '
			'AND coalesce(t.expires_at, ''infinity'') <= %s',
			public.token_days_from_now('0'),
			public.token_days_from_now(filter ->> 'expires_days'));
		rest := rest || format(' AND (%s) IS NOT TRUE', public.token_revoked_condition());
	END IF;
	IF filter @> '{"first": true}' THEN
		indexed := indexed || ' AND ' || public.token_name_begins(filter ->> 'q');
	ELSIF filter @> '{"first": false}' THEN
		rest := rest || ' AND NOT ' || public.token_name_begins(filter ->> 'q');
	END IF;
	wordless := indexed;
	by_index := concat_ws(' AND ', indexed,
		CASE WHEN filter ? 'scope'
			THEN public.token_scopes_wanted(filter -> 'scope', true) END,
		CASE WHEN is_sought THEN public.token_text_wanted(filter ->> 'q', true,
			filter ? 'first') END);
	by_row := concat_ws(' AND ', indexed,
		CASE WHEN filter ? 'scope'
			THEN public.token_scopes_wanted(filter -> 'scope', false) END,
		CASE WHEN is_sought THEN public.token_text_wanted(filter ->> 'q', false,
			filter ? 'first') END,
		CASE WHEN filter @> '{"first": false}' THEN 'NOT '
			|| public.token_name_begins(filter ->> 'q') END);
END
$$;
