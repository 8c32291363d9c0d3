-- The audit: what was changed, by whom, from what to what; never a key's hash. Written by
-- triggers, in the transaction of the change, whoever makes it: the manager and the
-- command line, which say who acts in the setting tollgate.actor, or anyone with psql. Of
-- the setting, which every session may set, is believed what those say that may be
-- Tollgate's own roles; all others are told by the role that they have signed in as.

CREATE OR REPLACE FUNCTION public.tollgate_audit_write(action text, team bigint,
	former_team bigint, target text, target_id text, before jsonb, after jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	actor CONSTANT jsonb := CASE WHEN pg_has_role(session_user, 'tollgate', 'MEMBER')
		OR pg_has_role(session_user, 'tollgate_owner', 'MEMBER')
		THEN nullif(current_setting('tollgate.actor', true), '')::jsonb END;
BEGIN
	INSERT INTO public.tollgate_audit (user_id, actor, acting, action, team_id,
		former_team_id, target, target_id, before, after, address, request_id)
	VALUES ((actor ->> 'user_id')::bigint, coalesce(actor ->> 'name', session_user),
		actor ->> 'acting', action, team, nullif(former_team, team), target,
		target_id, before, after, nullif(actor ->> 'address', '')::inet,
		actor ->> 'request_id');
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_write(text, bigint, bigint, text, text,
	jsonb, jsonb) FROM PUBLIC;

-- A row as the API names it, with times in Z: made where TimeZone is UTC. Times without a
-- zone, of older systems, stay without.
CREATE OR REPLACE FUNCTION public.tollgate_audit_facts(facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_object_agg(regexp_replace(key, '^tollgate_', ''),
	CASE WHEN key LIKE '%\_at' AND jsonb_typeof(value) = 'string'
	THEN to_jsonb(regexp_replace(value #>> '{}', '\+00:00$', 'Z')) ELSE value END)
FROM jsonb_each(facts)
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_facts(jsonb) FROM PUBLIC;

-- What was done, by the facts that are switches.
CREATE OR REPLACE FUNCTION public.tollgate_audit_verb(before jsonb, after jsonb)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
	WHEN before IS NULL THEN 'created'
	WHEN after IS NULL THEN 'deleted'
	ELSE coalesce((SELECT CASE WHEN after ->> name IS NULL THEN ends ELSE begins END
		FROM (VALUES (1, 'deleted_at', 'deleted', 'restored'),
			(2, 'removed_at', 'removed', 'restored'),
			(3, 'revoked_at', 'revoked', 'restored'),
			(4, 'ended_at', 'ended', 'restored'),
			(5, 'refused_at', 'refused', 'restored'),
			(6, 'disabled_at', 'disabled', 'enabled'))
			AS v (rank, name, begins, ends)
		WHERE (after ->> name IS NULL) <> (before ->> name IS NULL)
		ORDER BY rank LIMIT 1), 'changed')
	END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_verb(jsonb, jsonb) FROM PUBLIC;

-- --- tables of people ---

-- The argument: what a row is called. When a key was used last is no change.
CREATE OR REPLACE FUNCTION public.tollgate_audit_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
	secrets CONSTANT text[] := '{key_hash,cookie_hash,code_hash,last_used}';
	before CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN
		public.tollgate_audit_facts(to_jsonb(OLD) - secrets) END;
	after CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN
		public.tollgate_audit_facts(to_jsonb(NEW) - secrets) END;
	facts CONSTANT jsonb := coalesce(after, before);
BEGIN
	-- A session that is over and goes is no news.
	IF before IS NOT DISTINCT FROM after OR (TG_ARGV[0] = 'session' AND after IS NULL
		AND least((before ->> 'ended_at')::timestamptz,
			(before ->> 'expires_at')::timestamptz) <= now()) THEN
		RETURN NULL;
	END IF;
	PERFORM public.tollgate_audit_write(
		TG_ARGV[0] || '.' || public.tollgate_audit_verb(before, after),
		CASE TG_ARGV[0] WHEN 'team' THEN (facts ->> 'id')::bigint
			ELSE (facts ->> 'team_id')::bigint END,
		NULL, TG_ARGV[0], coalesce(facts ->> 'id', facts ->> 'user_id'), before,
		after);
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_row() FROM PUBLIC;

SELECT public.tollgate_trigger(format('CREATE TRIGGER tollgate_audited AFTER INSERT '
	'OR DELETE OR UPDATE ON public.%I FOR EACH ROW EXECUTE FUNCTION '
	'public.tollgate_audit_row(%L)', name, target))
FROM (VALUES ('tollgate_teams', 'team'), ('tollgate_users', 'user'),
	('tollgate_identities', 'identity'), ('tollgate_members', 'member'),
	('tollgate_user_keys', 'user_key'), ('tollgate_sessions', 'session'))
	AS audited (name, target);
-- Whoever asks again for access changes nothing.
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audited AFTER UPDATE OF '
	'refused_at ON public.tollgate_access_requests FOR EACH ROW EXECUTE FUNCTION '
	'public.tollgate_audit_row(''access_request'')');

-- --- tokens ---

-- The columns whose meaning is known, and whose values are told. Others may hold
-- anything, keys as well: they are named where they changed.
CREATE OR REPLACE FUNCTION public.tollgate_audit_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT '{id,name,scopes,key_start,expires_at,revoked_at,deleted_at,is_active,active,
	enabled,is_enabled,revoked,is_revoked,disabled,is_disabled,deleted,is_deleted,
	tollgate_team_id,tollgate_description,tollgate_disabled_at,tollgate_deleted_at,
	tollgate_address_ranges}'::text[]
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_columns() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tollgate_audit_token(was jsonb, now_is jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known CONSTANT text[] := public.tollgate_audit_columns();
	others CONSTANT text[] := (SELECT array_agg(key ORDER BY key)
		FROM jsonb_each(now_is) WHERE key <> ALL (known)
		AND key <> ALL ('{last_used,tollgate_used_quarter}')
		AND was IS NOT NULL AND value IS DISTINCT FROM was -> key);
	before CONSTANT jsonb := public.tollgate_audit_facts((SELECT jsonb_object_agg(key,
		value) FROM jsonb_each(was) WHERE key = ANY (known)));
	after CONSTANT jsonb := public.tollgate_audit_facts((SELECT jsonb_object_agg(key,
		value) FROM jsonb_each(now_is) WHERE key = ANY (known)))
		|| CASE WHEN others IS NULL THEN '{}'
			ELSE jsonb_build_object('other_columns', others) END;
	verb text := public.tollgate_audit_verb(before, after);
BEGIN
	IF verb = 'changed' AND 'token_hash' = ANY (others) THEN
		verb := 'rotated';
	END IF;
	PERFORM public.tollgate_audit_write('token.' || verb,
		(coalesce(after, before) ->> 'team_id')::bigint,
		(before ->> 'team_id')::bigint, 'token', coalesce(after, before) ->> 'id',
		before, after);
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_token(jsonb, jsonb) FROM PUBLIC;

-- Whether a row of tokens differs in a column whose meaning is known.
CREATE OR REPLACE FUNCTION public.tollgate_audit_condition() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('(%s) IS DISTINCT FROM (%s)',
	string_agg('a.' || of_row, ', ' ORDER BY attnum),
	string_agg('b.' || of_row, ', ' ORDER BY attnum))
FROM (SELECT attnum, quote_ident(attname)
	-- json has no =.
	|| CASE WHEN atttypid = 'json'::regtype THEN '::text' ELSE '' END AS of_row
	FROM pg_attribute WHERE attrelid = 'public.tokens'::regclass AND NOT attisdropped
	AND attname = ANY (public.tollgate_audit_columns() || '{token_hash}')) AS known
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_condition() FROM PUBLIC;

-- A statement that changes more than a thousand tokens is one line a team. Made-up tokens
-- come and go without any. Gateways write last_used of many tokens at a time: those cost
-- a comparison of the known columns; others are looked at where last_used is as it was.
CREATE OR REPLACE FUNCTION public.tollgate_audit_tokens_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
BEGIN
	IF (SELECT count(*) FROM after_rows) > 1000 THEN
		PERFORM public.tollgate_audit_write('token.many', team, NULL, 'token', NULL,
			NULL, jsonb_build_object('tokens', n))
		FROM (SELECT tollgate_team_id AS team, count(*) AS n FROM after_rows
			WHERE key_start IS DISTINCT FROM 'generated' GROUP BY 1) AS teams;
	ELSE
		PERFORM public.tollgate_audit_token(NULL, now_is)
		FROM (SELECT to_jsonb(a) AS now_is FROM after_rows AS a
			WHERE key_start IS DISTINCT FROM 'generated' ORDER BY id) AS rows;
	END IF;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_tokens_inserted() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tollgate_audit_tokens_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
BEGIN
	IF (SELECT count(*) FROM before_rows) > 1000 THEN
		PERFORM public.tollgate_audit_write('token.many', team, NULL, 'token', NULL,
			jsonb_build_object('tokens', n), NULL)
		FROM (SELECT tollgate_team_id AS team, count(*) AS n FROM before_rows
			WHERE key_start IS DISTINCT FROM 'generated' GROUP BY 1) AS teams;
	ELSE
		PERFORM public.tollgate_audit_token(was, NULL)
		FROM (SELECT to_jsonb(b) AS was FROM before_rows AS b
			WHERE key_start IS DISTINCT FROM 'generated' ORDER BY id) AS rows;
	END IF;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_tokens_deleted() FROM PUBLIC;

DO $generate$
BEGIN
	EXECUTE format($function$
CREATE OR REPLACE FUNCTION public.tollgate_audit_tokens_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
-- An adopted table may have further columns, of any name.
#variable_conflict use_variable
DECLARE
	touched bigint[] := ARRAY(SELECT coalesce(a.id, b.id)
		FROM before_rows AS b FULL JOIN after_rows AS a ON a.id = b.id
		WHERE a.id IS NULL OR b.id IS NULL OR %s
			OR a.last_used IS NOT DISTINCT FROM b.last_used);
BEGIN
	IF cardinality(touched) > 0 THEN
		touched := ARRAY(SELECT coalesce(a.id, b.id)
			FROM before_rows AS b FULL JOIN after_rows AS a ON a.id = b.id
			WHERE coalesce(a.id, b.id) = ANY (touched)
			AND (a.id IS NULL OR b.id IS NULL OR a OPERATOR(pg_catalog.*<>) b));
	END IF;
	IF cardinality(touched) = 0 THEN
		RETURN NULL;
	ELSIF cardinality(touched) > 1000 THEN
		PERFORM public.tollgate_audit_write('token.many', teams.team, teams.former,
			'token', NULL, NULL, jsonb_build_object('tokens', teams.n))
		FROM (SELECT CASE WHEN a.id IS NULL THEN b.tollgate_team_id
				ELSE a.tollgate_team_id END AS team,
				b.tollgate_team_id AS former, count(*) AS n
			FROM before_rows AS b FULL JOIN after_rows AS a ON a.id = b.id
			WHERE coalesce(a.id, b.id) = ANY (touched) GROUP BY 1, 2) AS teams;
		RETURN NULL;
	END IF;
	PERFORM public.tollgate_audit_token(pairs.was, pairs.now_is)
	FROM (SELECT to_jsonb(b) AS was, to_jsonb(a) AS now_is
		FROM before_rows AS b FULL JOIN after_rows AS a ON a.id = b.id
		WHERE coalesce(a.id, b.id) = ANY (touched)
		ORDER BY coalesce(a.id, b.id)) AS pairs;
	RETURN NULL;
END
$$
$function$, public.tollgate_audit_condition());
END
$generate$;
REVOKE ALL ON FUNCTION public.tollgate_audit_tokens_updated() FROM PUBLIC;

SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_insert AFTER INSERT '
	'ON public.tokens REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tollgate_audit_tokens_inserted()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_update AFTER UPDATE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR '
	'EACH STATEMENT EXECUTE FUNCTION public.tollgate_audit_tokens_updated()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_delete AFTER DELETE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tollgate_audit_tokens_deleted()');
