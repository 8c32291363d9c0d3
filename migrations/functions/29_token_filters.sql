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

CREATE OR REPLACE FUNCTION public.token_id_sought(text text) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN btrim(text) ~ '^[0-9]{1,18}$' THEN btrim(text)::bigint END
$$;

-- A condition for each word that is sought, but for the one that all names begin with
-- (first; '': none that is sought): that a word of the name begins with it, or the key
-- with the whole text. A token whose id the text is has all; the words' index has no ids.
CREATE OR REPLACE FUNCTION public.token_words_wanted(text text, first text,
	by_index boolean) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT array_agg(CASE WHEN by_index THEN format('public.token_lexemes(t.name::text, '
	't.key_start::text, t.scopes) @@ %L::tsquery',
	public.token_query(word, key, is_later))
	ELSE '(' || concat_ws(' OR ', CASE WHEN word <> '' THEN format(
			'strpos(lower(t.name::text), %L) > 0 AND lower(t.name::text) ~ %L', word,
			CASE WHEN is_later THEN '(' ELSE '(^|' END
			|| '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f])' || word) END,
		format('starts_with(lower(t.key_start::text), %L)', key),
		't.id = ' || public.token_id_sought(text)) || ')' END)
FROM (SELECT lower(left(btrim(text), 100)), public.token_words_of(text))
		AS asked (key, words),
	unnest(CASE WHEN words = '{}' THEN ARRAY[NULL] ELSE array_remove(words, first) END)
		AS word,
	-- A name may begin with both, where one is the beginning of the other.
	coalesce(first = '' OR NOT (starts_with(word, first) OR starts_with(first, word)),
		false) AS is_later
$$;

-- That a name begins with a word: those stand together in the order of names.
CREATE OR REPLACE FUNCTION public.token_name_starts(word text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('(%1$s >= %2$L AND %1$s < %3$L)', (public.token_order('name'))[1], word,
	word || chr(1114111))
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

-- What a token t has to be: the conditions that an index has, as it has them and as they
-- are judged by the row in the least time; the rest, by the row; and all of them by the
-- row. filter: see token_list; "first": a word that the names begin with, of those that
-- are sought; '': they begin with none of these.
CREATE OR REPLACE FUNCTION public.token_conditions(seen bigint[], filter jsonb,
	OUT indexed text[], OUT judged text[], OUT rest text, OUT whole text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	since text;
	first CONSTANT text := filter ->> 'first';
BEGIN
	rest := 't.tollgate_deleted_at IS NULL';
	IF filter ? 'state' THEN
		rest := public.token_states_wanted(filter -> 'state');
		indexed := ARRAY[public.token_states_indexed(filter -> 'state')];
	END IF;
	IF seen IS NOT NULL THEN
		indexed := indexed || format('t.tollgate_team_id = ANY (%L::bigint[])', seen);
	END IF;
	IF filter -> 'team' ? 'none' THEN
		rest := rest || ' AND ' || public.token_teams_wanted(seen, filter -> 'team');
	ELSIF filter ? 'team' THEN
		indexed := indexed || public.token_teams_wanted(seen, filter -> 'team');
	END IF;
	IF filter ? 'unused_days' THEN
		since := public.token_days_from_now('-' || (filter ->> 'unused_days'));
		indexed := indexed
			|| ('coalesce(t.tollgate_used_quarter, ''-infinity'') < ' || since);
		rest := rest || format(' AND coalesce(t.last_used, ''-infinity'') < %1$s AND '
			'coalesce(t.created_at, ''-infinity'') < %1$s', since);
	END IF;
	IF filter ? 'expires_days' THEN
		indexed := indexed || format('coalesce(t.expires_at, ''infinity'') > %s '
			'AND coalesce(t.expires_at, ''infinity'') <= %s',
			public.token_days_from_now('0'),
			public.token_days_from_now(filter ->> 'expires_days'));
		rest := rest || format(' AND (%s) IS NOT TRUE', public.token_revoked_condition());
	END IF;
	IF first <> '' THEN
		indexed := indexed || public.token_name_starts(first);
	END IF;
	judged := indexed;
	IF filter ? 'scope' THEN
		indexed := indexed || public.token_scopes_wanted(filter -> 'scope', true);
		judged := judged || public.token_scopes_wanted(filter -> 'scope', false);
	END IF;
	IF filter ->> 'q' ~ '\S' THEN
		IF first = '' THEN
			rest := rest || (SELECT string_agg(' AND NOT '
				|| public.token_name_starts(word), '')
				FROM unnest(public.token_words_of(filter ->> 'q')) AS word);
		END IF;
		indexed := indexed || public.token_words_wanted(filter ->> 'q', first, true);
		judged := judged || public.token_words_wanted(filter ->> 'q', first, false);
	END IF;
	whole := array_to_string(judged || rest, ' AND ');
END
$$;
