-- What is told of tokens, who may see and change them, and by which words they are found.

-- Whether a token is revoked: as token_revoked_condition says, of a row.
DO $generate$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION public.token_is_revoked(t public.tokens) '
		'RETURNS boolean LANGUAGE sql IMMUTABLE AS %L',
		'SELECT coalesce(' || public.token_revoked_condition() || ', false)');
END
$generate$;

-- --- words ---

-- Where words end: at anything of ASCII that is no letter and no digit.
CREATE OR REPLACE FUNCTION public.token_words_of(text text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_remove(regexp_split_to_array(lower(left(text, 500)),
	'[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+'), '')
$$;

-- The words that a token is found by: those of its name, the one that it begins with
-- behind '^'; its key's start behind '#', each scope behind '='. Of an index: another
-- meaning needs another name.
DO $generate$
BEGIN
	EXECUTE format($function$
CREATE OR REPLACE FUNCTION public.token_lexemes(name text, key_start text, scopes %s)
RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	scopes_text CONSTANT text := left(public.token_scopes_out(scopes), 4096);
	words text[] := public.token_words_of(name);
BEGIN
	IF starts_with(lower(name), words[1]) THEN
		words[1] := '^' || words[1];
	END IF;
	RETURN array_to_tsvector(words
		|| CASE WHEN key_start <> '' THEN ARRAY['#' || lower(key_start)] ELSE '{}' END
		|| CASE WHEN scopes_text <> '' THEN ARRAY(SELECT '=' || left(scope, 100)
			FROM regexp_split_to_table(scopes_text, '[\s,]+') AS scope) ELSE '{}' END);
END
$$
$function$, (SELECT format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = 'public.tokens'::regclass AND attname = 'scopes'));
END
$generate$;

CREATE OR REPLACE FUNCTION public.token_word(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT '''' || replace(replace(word, '\', '\\'), '''', '''''') || ''''
$$;

-- What finds them, as tsquery: the beginning of a word (is_later: of one that no name
-- begins with), or of the key. Where there is no word: of the key alone.
CREATE OR REPLACE FUNCTION public.token_query(word text, key text, is_later boolean)
RETURNS tsquery LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT concat_ws(' | ', public.token_word(word) || ':*',
	CASE WHEN NOT is_later THEN public.token_word('^' || word) || ':*' END,
	public.token_word('#' || key) || ':*')::tsquery
$$;

DO $index$
BEGIN
	IF to_regclass('public.tokens_tollgate_lexemes') IS NULL THEN
		CREATE INDEX tokens_tollgate_lexemes ON public.tokens USING gin
			(public.token_lexemes(name::text, key_start::text, scopes));
		-- Of a table that is taken over, PostgreSQL else knows nothing for minutes, and
		-- of the words never where autovacuum is off.
		ANALYZE public.tokens;
	END IF;
	IF to_regclass('public.tokens_tollgate_revoked') IS NULL THEN
		EXECUTE 'CREATE INDEX tokens_tollgate_revoked ON public.tokens (id) WHERE '
			|| replace(public.token_revoked_condition(), 't.', '');
	END IF;
END
$index$;

-- --- who may ---

-- The teams whose tokens somebody sees; NULL: all tokens.
CREATE OR REPLACE FUNCTION public.token_teams_seen(actor jsonb) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN NOT public.people_is_admin(actor)
	THEN public.people_teams_of(actor) END
$$;

-- A token without a team is the admins'.
CREATE OR REPLACE FUNCTION public.token_is_seen(actor jsonb, team bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(public.people_sees_team(actor, team), false)
$$;

CREATE OR REPLACE FUNCTION public.token_is_managed(actor jsonb, team bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_is_admin(actor)
	OR coalesce(team = ANY (public.people_teams_of(actor, 'manager')), false)
$$;

-- --- what is told ---

CREATE OR REPLACE FUNCTION public.token_time(t timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

CREATE OR REPLACE FUNCTION public.token_scopes_list(text text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
SELECT array_remove(regexp_split_to_array(text, '[\s,]+'), '')
$$;

CREATE OR REPLACE FUNCTION public.token_teams_disabled() RETURNS bigint[]
LANGUAGE sql STABLE AS $$
SELECT ARRAY(SELECT id FROM public.tollgate_teams WHERE disabled_at IS NOT NULL)
$$;

-- In the order in which gateways refuse. What every answer says of a token, and what
-- token_states_wanted looks for. Who asks knows whether its team is disabled: to look
-- that up for each row of a list would take as long as all the rest of it.
CREATE OR REPLACE FUNCTION public.token_state(t public.tokens, team_is_disabled boolean)
RETURNS text
LANGUAGE sql STABLE AS $$
SELECT CASE WHEN t.tollgate_deleted_at IS NOT NULL THEN 'deleted'
	WHEN public.token_is_revoked(t) THEN 'revoked'
	WHEN t.expires_at <= now() THEN 'expired'
	WHEN t.tollgate_disabled_at IS NOT NULL THEN 'disabled'
	WHEN team_is_disabled THEN 'team_disabled'
	ELSE 'active' END
$$;

-- A list's item and what changes answer with.
CREATE OR REPLACE FUNCTION public.token_facts(token bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
SELECT json_build_object('id', t.id, 'name', t.name, 'description',
	t.tollgate_description,
	'team', CASE WHEN g.id IS NOT NULL THEN json_build_object('id', g.id, 'name', g.name,
		'disabled', g.disabled_at IS NOT NULL) END,
	'scopes', coalesce(public.token_scopes_list(public.token_scopes_out(t.scopes)), '{}'),
	'key_start', t.key_start, 'state', public.token_state(t, g.disabled_at IS NOT NULL),
	'created_at', public.token_time(t.created_at),
	'expires_at', public.token_time(t.expires_at),
	'last_used_at', public.token_time(t.last_used),
	'disabled_at', public.token_time(t.tollgate_disabled_at),
	'revoked_at', public.token_time(t.revoked_at),
	'deleted_at', public.token_time(t.tollgate_deleted_at),
	'address_ranges', t.tollgate_address_ranges,
	'old_secret_expires_at', (SELECT public.token_time(max(k.valid_until))
		FROM public.token_keys AS k WHERE k.token_id = t.id AND k.valid_until > now()))
FROM public.tokens AS t LEFT JOIN public.tollgate_teams AS g ON g.id = t.tollgate_team_id
WHERE t.id = token
$$;
