-- The audit: what was changed, by whom, from what to what; never a key's hash. Written by
-- triggers, in the transaction of the change, whoever makes it: the manager and the
-- command line, which say who acts in the setting tollgate.actor, or anyone with psql.

CREATE OR REPLACE FUNCTION public.tollgate_audit_write(action text, team bigint,
	target text, target_id text, before jsonb, after jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	actor CONSTANT jsonb := nullif(current_setting('tollgate.actor', true), '')::jsonb;
BEGIN
	INSERT INTO public.tollgate_audit (user_id, actor, acting, action, team_id, target,
		target_id, before, after, address, request_id)
	VALUES ((actor ->> 'user_id')::bigint, coalesce(actor ->> 'name', session_user),
		actor ->> 'acting', action, team, target, target_id, before, after,
		(actor ->> 'address')::inet, actor ->> 'request_id');
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_write(text, bigint, text, text, jsonb, jsonb)
	FROM PUBLIC;

-- What was done to a row, by the columns that are switches.
CREATE OR REPLACE FUNCTION public.tollgate_audit_verb(before jsonb, after jsonb)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
	WHEN before IS NULL THEN 'created'
	WHEN after IS NULL THEN 'deleted'
	ELSE coalesce((SELECT CASE WHEN after ->> name IS NULL THEN ends ELSE begins END
		FROM (VALUES (1, 'removed_at', 'removed', 'restored'),
			(2, 'revoked_at', 'revoked', 'restored'),
			(3, 'ended_at', 'ended', 'restored'),
			(4, 'disabled_at', 'disabled', 'enabled'),
			(5, 'tollgate_disabled_at', 'disabled', 'enabled'))
			AS v (rank, name, begins, ends)
		WHERE (after ->> name IS NULL) <> (before ->> name IS NULL)
		ORDER BY rank LIMIT 1), 'changed')
	END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_verb(jsonb, jsonb) FROM PUBLIC;

-- Of tables of people. The argument: what a row is called. When a key was used last is no
-- change.
CREATE OR REPLACE FUNCTION public.tollgate_audit_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	secrets CONSTANT text[] := '{key_hash,cookie_hash,code_hash,last_used}';
	before CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - secrets END;
	after CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - secrets END;
	facts CONSTANT jsonb := coalesce(after, before);
BEGIN
	IF before IS NOT DISTINCT FROM after THEN
		RETURN NULL;
	END IF;
	PERFORM public.tollgate_audit_write(
		TG_ARGV[0] || '.' || public.tollgate_audit_verb(before, after),
		CASE TG_ARGV[0] WHEN 'team' THEN (facts ->> 'id')::bigint
			ELSE (facts ->> 'team_id')::bigint END,
		TG_ARGV[0], coalesce(facts ->> 'id', facts ->> 'user_id'), before, after);
	RETURN NULL;
END
$$;

-- Of a token: the values of columns whose meaning is known. Others may hold anything,
-- keys as well: they are named where they changed.
CREATE OR REPLACE FUNCTION public.tollgate_audit_token(t jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_object_agg(key, value) FROM jsonb_each(t)
WHERE key = ANY ('{id,name,scopes,key_start,expires_at,revoked_at,deleted_at,is_active,
	active,enabled,is_enabled,revoked,is_revoked,disabled,is_disabled,deleted,is_deleted,
	tollgate_team_id,tollgate_description,tollgate_disabled_at,
	tollgate_address_ranges}'::text[])
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_token(jsonb) FROM PUBLIC;

-- More than a thousand at once are one line. Made-up tokens are none.
CREATE OR REPLACE FUNCTION public.tollgate_audit_tokens(pairs jsonb[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	pair jsonb;
	before jsonb;
	after jsonb;
BEGIN
	IF cardinality(pairs) > 1000 THEN
		PERFORM public.tollgate_audit_write('token.many', NULL, 'token', NULL, NULL,
			jsonb_build_object('tokens', cardinality(pairs)));
		RETURN;
	END IF;
	FOREACH pair IN ARRAY coalesce(pairs, '{}') LOOP
		before := public.tollgate_audit_token(nullif(pair -> 'before', 'null'));
		after := public.tollgate_audit_token(nullif(pair -> 'after', 'null'));
		IF before IS NOT NULL AND after IS NOT NULL THEN
			after := after || (SELECT CASE WHEN count(*) > 0 THEN
					jsonb_build_object('other_columns', jsonb_agg(key ORDER BY key))
					ELSE '{}' END
				FROM jsonb_each(pair -> 'after') AS e
				WHERE NOT after ? key AND key <> 'last_used'
					AND value IS DISTINCT FROM pair -> 'before' -> key);
		END IF;
		PERFORM public.tollgate_audit_write(
			'token.' || public.tollgate_audit_verb(before, after),
			(coalesce(after, before) ->> 'tollgate_team_id')::bigint, 'token',
			coalesce(after, before) ->> 'id', before, after);
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_tokens(jsonb[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.tollgate_audit_tokens_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	pairs jsonb[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		pairs := (SELECT array_agg(jsonb_build_object('after', to_jsonb(a)) ORDER BY id)
			FROM after_rows AS a WHERE key_start IS DISTINCT FROM 'generated');
	ELSIF TG_OP = 'DELETE' THEN
		pairs := (SELECT array_agg(jsonb_build_object('before', to_jsonb(b)) ORDER BY id)
			FROM before_rows AS b WHERE key_start IS DISTINCT FROM 'generated');
	ELSE
		pairs := (SELECT array_agg(jsonb_build_object('before', was, 'after', now_is))
			FROM (SELECT to_jsonb(b) AS was, to_jsonb(a) AS now_is
				FROM before_rows AS b JOIN after_rows AS a USING (id)
				ORDER BY id OFFSET 0) AS rows
			WHERE was - 'last_used' <> now_is - 'last_used');
	END IF;
	PERFORM public.tollgate_audit_tokens(pairs);
	RETURN NULL;
END
$$;

SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_insert AFTER INSERT '
	'ON public.tokens REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tollgate_audit_tokens_changed()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_update AFTER UPDATE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR '
	'EACH STATEMENT EXECUTE FUNCTION public.tollgate_audit_tokens_changed()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_audit_delete AFTER DELETE '
	'ON public.tokens REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT EXECUTE '
	'FUNCTION public.tollgate_audit_tokens_changed()');
SELECT public.tollgate_trigger(format('CREATE TRIGGER tollgate_audited AFTER INSERT '
	'OR DELETE OR UPDATE ON public.%I FOR EACH ROW EXECUTE FUNCTION '
	'public.tollgate_audit_row(%L)', name, target))
FROM (VALUES ('tollgate_teams', 'team'), ('tollgate_users', 'user'),
	('tollgate_identities', 'identity'), ('tollgate_members', 'member'),
	('tollgate_user_keys', 'user_key'), ('tollgate_sessions', 'session'))
	AS audited (name, target);

-- A page, newest first. filter: target, target_id, action, user_id, team_id, from, to;
-- after: the last id of the page before; limit.
CREATE OR REPLACE FUNCTION public.people_audit(filter jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH asked AS (SELECT least(coalesce((filter ->> 'limit')::integer, 50), 200) AS most),
found AS (SELECT id, to_jsonb(a) AS line FROM public.tollgate_audit AS a
	WHERE (filter ->> 'after' IS NULL OR id < (filter ->> 'after')::bigint)
	AND (filter ->> 'target' IS NULL OR target = filter ->> 'target')
	AND (filter ->> 'target_id' IS NULL OR target_id = filter ->> 'target_id')
	AND (filter ->> 'action' IS NULL OR action = filter ->> 'action')
	AND (filter ->> 'user_id' IS NULL OR user_id = (filter ->> 'user_id')::bigint)
	AND (filter ->> 'team_id' IS NULL OR team_id = (filter ->> 'team_id')::bigint)
	AND (filter ->> 'from' IS NULL OR at >= (filter ->> 'from')::timestamptz)
	AND (filter ->> 'to' IS NULL OR at < (filter ->> 'to')::timestamptz)
	ORDER BY id DESC LIMIT (SELECT most + 1 FROM asked)),
page AS (SELECT * FROM found ORDER BY id DESC LIMIT (SELECT most FROM asked))
SELECT jsonb_build_object('items', coalesce((SELECT jsonb_agg(line ORDER BY id DESC)
	FROM page), '[]'), 'next', CASE WHEN (SELECT count(*) FROM found) > (SELECT most
	FROM asked) THEN (SELECT min(id) FROM page) END)
$$;
