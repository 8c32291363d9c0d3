-- Notices of changed tokens: whoever writes, the older backend, psql or Tollgate. The
-- UPDATE trigger compares rows, since PostgreSQL gives no transition tables to UPDATE OF;
-- an UPDATE of last_used alone changes no generation.
--
-- They write keys as the owner, so nobody else may execute them, or hang them on a table
-- of their own. A trigger that is there asks for no right of whoever writes.

CREATE OR REPLACE FUNCTION public.token_changed(ids bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	g bigint;
BEGIN
	IF coalesce(cardinality(ids), 0) = 0 THEN
		RETURN;
	END IF;
	UPDATE public.token_generation SET generation = generation + 1 RETURNING generation
		INTO g;
	INSERT INTO public.token_changes (generation, token_id)
		SELECT DISTINCT g, id
		FROM unnest(CASE WHEN cardinality(ids) > 1000 THEN '{0}' ELSE ids END) AS id;
	DELETE FROM public.token_changes WHERE generation <= g - 10000;
	PERFORM pg_notify('token_generation', g::text);
END
$$;
REVOKE ALL ON FUNCTION public.token_changed(bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tokens_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.token_keys (token_hash, token_id)
		SELECT lower(token_hash), id FROM after_rows
		WHERE token_hash ~* '^[0-9a-f]{64}$'
		ON CONFLICT DO NOTHING;
	PERFORM public.token_changed((SELECT array_agg(id::bigint) FROM after_rows));
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tokens_inserted() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tokens_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.token_changed((SELECT array_agg(id::bigint) FROM before_rows));
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tokens_deleted() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.token_keys_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		PERFORM public.token_changed((SELECT array_agg(token_id) FROM before_rows));
	END IF;
	IF TG_OP <> 'DELETE' THEN
		PERFORM public.token_changed((SELECT array_agg(token_id) FROM after_rows));
	END IF;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.token_keys_changed() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tokens_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.token_changed('{0}');
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tokens_truncated() FROM PUBLIC;

-- A team that is disabled, or no more, takes its tokens with it. More than a statement's
-- changes are one of everything.
CREATE OR REPLACE FUNCTION public.teams_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.token_changed((SELECT array_agg(c.id) FROM (
		SELECT t.id::bigint AS id
		FROM before_rows b JOIN after_rows a ON a.id = b.id
		JOIN public.tokens t ON t.tollgate_team_id = a.id
		WHERE (a.disabled_at IS NULL) <> (b.disabled_at IS NULL)
		LIMIT 1001) AS c));
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.teams_updated() FROM PUBLIC;

-- Whether a token (t) is revoked, by the columns that an adopted table has: the switches
-- of older systems; each that exists counts.
CREATE OR REPLACE FUNCTION public.token_revoked_condition() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT string_agg(format(want.test, want.name), ' OR ')
FROM (VALUES
	('revoked_at', 'timestamp%', 't.%I IS NOT NULL'),
	('deleted_at', 'timestamp%', 't.%I IS NOT NULL'),
	('is_active', 'boolean', 't.%I IS FALSE'),
	('active', 'boolean', 't.%I IS FALSE'),
	('enabled', 'boolean', 't.%I IS FALSE'),
	('is_enabled', 'boolean', 't.%I IS FALSE'),
	('revoked', 'boolean', 't.%I IS TRUE'),
	('is_revoked', 'boolean', 't.%I IS TRUE'),
	('disabled', 'boolean', 't.%I IS TRUE'),
	('is_disabled', 'boolean', 't.%I IS TRUE'),
	('deleted', 'boolean', 't.%I IS TRUE'),
	('is_deleted', 'boolean', 't.%I IS TRUE')
) AS want (name, type, test)
JOIN pg_attribute a ON a.attrelid = 'public.tokens'::regclass
	AND a.attname = want.name AND NOT a.attisdropped
	AND format_type(a.atttypid, NULL) LIKE want.type
$$;
REVOKE ALL ON FUNCTION public.token_revoked_condition() FROM PUBLIC;

-- How scopes are kept, in a list or as text, by the type that an adopted table's column
-- has.
DO $generate$
DECLARE
	scopes_type text := (
		SELECT format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = 'public.tokens'::regclass AND attname = 'scopes');
	scopes_out text := CASE
		WHEN scopes_type LIKE '%[]' THEN
			'SELECT array_to_string($1::text[], '' '')'
		WHEN scopes_type IN ('json', 'jsonb') THEN
			'SELECT CASE WHEN jsonb_typeof($1::jsonb) = ''array'' THEN (SELECT '
			'string_agg(s, '' '') FROM jsonb_array_elements_text($1::jsonb) AS s) END'
		-- Text: a JSON list, an array literal, or names parted by commas or spaces.
		ELSE 'SELECT CASE WHEN $1 !~ ''^\s*\{\s*"[^"]*"\s*:'' THEN '
			'translate($1, ''[]{}",;'', ''       '') END'
		END;
	scopes_in text := CASE
		WHEN scopes_type LIKE '%[]' THEN 'SELECT $1::' || scopes_type
		ELSE 'SELECT to_json($1)::text::' || scopes_type
		END;
	time_us text := '(CASE WHEN %1$s = ''-infinity'' THEN 0 WHEN isfinite(%1$s) '
		'THEN extract(epoch FROM %1$s) * 1000000 END)::bigint';
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION public.token_scopes_out(%s) RETURNS text '
		'LANGUAGE sql STABLE AS %L', scopes_type, scopes_out);
	EXECUTE format('CREATE OR REPLACE FUNCTION public.token_scopes_in(text[]) RETURNS %s '
		'LANGUAGE sql STABLE AS %L', scopes_type, scopes_in);
	EXECUTE format('CREATE OR REPLACE VIEW public.token_lookup AS '
		'SELECT k.token_hash, k.token_id, %s AS key_until_us, %s AS expires_at_us, '
		'%s AS revoked, coalesce(public.token_scopes_out(t.scopes), '''') AS scopes, '
		't.name::text AS name, t.tollgate_disabled_at IS NOT NULL AS disabled, '
		'g.disabled_at IS NOT NULL AS team_disabled, '
		'array_to_string(t.tollgate_address_ranges, '' '') AS address_ranges, '
		't.tollgate_team_id AS team_id '
		'FROM public.token_keys k JOIN public.tokens t ON t.id = k.token_id '
		'LEFT JOIN public.tollgate_teams g ON g.id = t.tollgate_team_id',
		format(time_us, 'k.valid_until'), format(time_us, 't.expires_at'),
		'(' || public.token_revoked_condition() || ')');
END
$generate$;
GRANT SELECT ON public.token_lookup TO tollgate;

-- Which columns make a difference to the gateway depends on the adopted table as well.
DO $generate$
DECLARE
	revoked CONSTANT text := public.token_revoked_condition();
BEGIN
	EXECUTE format($function$
CREATE OR REPLACE FUNCTION public.tokens_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
-- An adopted table may have further columns, of any name.
#variable_conflict use_variable
DECLARE
	rehashed bigint[] := (SELECT array_agg(a.id) FROM before_rows b JOIN after_rows a
		ON a.id = b.id WHERE a.token_hash IS DISTINCT FROM b.token_hash);
BEGIN
	IF rehashed IS NOT NULL THEN
		-- The former hash ends, unless it was given a time to live on.
		DELETE FROM public.token_keys k USING before_rows b
			WHERE b.id = ANY (rehashed) AND k.token_hash = lower(b.token_hash)
			AND k.token_id = b.id AND k.valid_until IS NULL;
		INSERT INTO public.token_keys (token_hash, token_id)
			SELECT lower(token_hash), id FROM after_rows
			WHERE id = ANY (rehashed) AND token_hash ~* '^[0-9a-f]{64}$'
			ON CONFLICT (token_hash) DO UPDATE SET valid_until = NULL
				WHERE token_keys.token_id = excluded.token_id;
	END IF;
	PERFORM public.token_changed((
		SELECT array_agg(coalesce(a.id, b.id)::bigint)
		FROM before_rows b FULL JOIN after_rows a ON a.id = b.id
		WHERE a.id IS NULL OR b.id IS NULL
			OR (a.token_hash, a.expires_at, public.token_scopes_out(a.scopes),
				a.tollgate_team_id, a.tollgate_disabled_at IS NULL,
				a.tollgate_address_ranges, a.name::text, %s)
			IS DISTINCT FROM
			(b.token_hash, b.expires_at, public.token_scopes_out(b.scopes),
				b.tollgate_team_id, b.tollgate_disabled_at IS NULL,
				b.tollgate_address_ranges, b.name::text, %s)));
	RETURN NULL;
END
$$
$function$, replace(revoked, 't.', 'a.'), replace(revoked, 't.', 'b.'));
END
$generate$;
REVOKE ALL ON FUNCTION public.tokens_updated() FROM PUBLIC;

SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_inserted AFTER INSERT '
	'ON public.tokens REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tokens_inserted()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_updated AFTER UPDATE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR '
	'EACH STATEMENT EXECUTE FUNCTION public.tokens_updated()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_deleted AFTER DELETE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tokens_deleted()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_truncated AFTER TRUNCATE '
	'ON public.tokens FOR EACH STATEMENT EXECUTE FUNCTION public.tokens_truncated()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_updated AFTER UPDATE '
	'ON public.tollgate_teams REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows '
	'FOR EACH STATEMENT EXECUTE FUNCTION public.teams_updated()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_inserted AFTER INSERT '
	'ON public.token_keys REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.token_keys_changed()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_updated AFTER UPDATE '
	'ON public.token_keys REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows '
	'FOR EACH STATEMENT EXECUTE FUNCTION public.token_keys_changed()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_deleted AFTER DELETE '
	'ON public.token_keys REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT '
	'EXECUTE FUNCTION public.token_keys_changed()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_truncated AFTER TRUNCATE '
	'ON public.token_keys FOR EACH STATEMENT EXECUTE FUNCTION public.tokens_truncated()');

-- The view may just have become another: gateways that run load all keys anew.
SELECT public.token_changed('{0}');
