-- How people come in, by what they bring: a key, a session's cookie, a one-time code. All
-- secrets are hashed before they come here.

-- Who signs in so, with their teams and the issuers that have vouched for them within a
-- day; how long it holds, in seconds. NULL: nobody. No row is written.
CREATE OR REPLACE FUNCTION public.people_known(who bigint, until timestamptz)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_user(who) || jsonb_build_object('until', until,
	'lives_s', ceil(extract(epoch FROM until - now()))::bigint,
	'issuers', CASE WHEN public.people_rules_hold(who) THEN
		coalesce((SELECT jsonb_agg(DISTINCT issuer)
		FROM public.tollgate_identities WHERE user_id = who), '[]') ELSE '[]' END)
$$;

-- fresh: when the key was used last is known to the minute.
CREATE OR REPLACE FUNCTION public.people_by_key(hash text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_known(u.id, k.expires_at) || jsonb_build_object('key_id', k.id,
	'fresh', coalesce(k.last_used > now() - interval '1 min', false))
FROM public.tollgate_user_keys AS k JOIN public.tollgate_users AS u ON u.id = k.user_id
WHERE k.key_hash = hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL
	OR k.expires_at > now()) AND u.disabled_at IS NULL AND u.removed_at IS NULL
$$;

CREATE OR REPLACE FUNCTION public.people_by_session(hash text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_known(u.id, s.expires_at) || jsonb_build_object('session_id', s.id,
	'issuer', s.issuer)
FROM public.tollgate_sessions AS s JOIN public.tollgate_users AS u ON u.id = s.user_id
LEFT JOIN public.tollgate_user_keys AS k ON k.id = s.key_id
WHERE s.cookie_hash = hash AND s.ended_at IS NULL AND s.expires_at > now()
	AND k.revoked_at IS NULL AND u.disabled_at IS NULL AND u.removed_at IS NULL
$$;

CREATE OR REPLACE FUNCTION public.people_key_used(key_id bigint) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.tollgate_user_keys SET last_used = now() WHERE id = key_id
	AND (last_used IS NULL OR last_used < now() - interval '1 min');
SELECT 'true'::jsonb
$$;

-- --- sessions and codes ---

CREATE OR REPLACE FUNCTION public.people_sessions_end(who bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.tollgate_sessions SET ended_at = now()
	WHERE user_id = who AND ended_at IS NULL;
DELETE FROM public.tollgate_sign_in_codes WHERE user_id = who
$$;

-- Somebody has at most 20 sessions: the oldest ends. Of those that are over, the latest
-- are kept for a while (people_prune), and no more than a hundred.
CREATE OR REPLACE FUNCTION public.people_sessions_bound(who bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.tollgate_sessions SET ended_at = now() WHERE id IN (
	SELECT id FROM public.tollgate_sessions WHERE user_id = who AND ended_at IS NULL
	AND expires_at > now() ORDER BY id DESC OFFSET 20);
DELETE FROM public.tollgate_sessions WHERE id IN (
	SELECT id FROM public.tollgate_sessions WHERE user_id = who
	AND (ended_at IS NOT NULL OR expires_at <= now()) ORDER BY id DESC OFFSET 100)
$$;

-- What is over, a few at a time; how many rows. Of sessions it is told for a week that
-- there were. No line of the audit tells of it.
CREATE OR REPLACE FUNCTION public.people_prune() RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
WITH sessions AS (
	DELETE FROM public.tollgate_sessions WHERE id IN (
		SELECT id FROM public.tollgate_sessions
		WHERE least(ended_at, expires_at) < now() - interval '7 days'
		LIMIT 5000 FOR UPDATE SKIP LOCKED)
	RETURNING 1),
codes AS (
	DELETE FROM public.tollgate_sign_in_codes WHERE code_hash IN (
		SELECT code_hash FROM public.tollgate_sign_in_codes WHERE expires_at <= now()
		LIMIT 5000 FOR UPDATE SKIP LOCKED)
	RETURNING 1),
states AS (
	DELETE FROM public.tollgate_spent_states WHERE state_hash IN (
		SELECT state_hash FROM public.tollgate_spent_states WHERE expires_at <= now()
		ORDER BY expires_at LIMIT 5000)
	RETURNING 1),
repeats AS (
	DELETE FROM public.tollgate_repeats WHERE id IN (
		SELECT id FROM public.tollgate_repeats WHERE at < now() - interval '24 hours'
		ORDER BY at LIMIT 5000)
	RETURNING 1)
SELECT greatest((SELECT count(*) FROM sessions), (SELECT count(*) FROM codes),
	(SELECT count(*) FROM states), (SELECT count(*) FROM repeats))
$$;

-- key_id: of the key that it begins by, and ends with at the latest; issuer: of the
-- provider where it begins; NULL: by none.
CREATE OR REPLACE FUNCTION public.people_session_start(actor jsonb, who bigint,
	cookie_hash text, lifetime_s bigint, user_agent text, key_id bigint DEFAULT NULL,
	issuer text DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	-- By whom they are: nobody signs in as another.
	IF public.people_who(actor) <> who OR NOT EXISTS (SELECT
			FROM public.tollgate_users WHERE id = who AND kind = 'person'
			AND disabled_at IS NULL AND removed_at IS NULL) THEN
		PERFORM public.people_refuse('TG403', 'only a person who is not disabled can '
			'begin a session; a service sends its key with each call');
	END IF;
	INSERT INTO public.tollgate_sessions (user_id, cookie_hash, key_id, issuer,
		expires_at, address, user_agent)
		VALUES (who, people_session_start.cookie_hash, people_session_start.key_id,
		people_session_start.issuer,
		least(now() + lifetime_s * interval '1 s', (SELECT expires_at
			FROM public.tollgate_user_keys AS k
			WHERE k.id = people_session_start.key_id)),
		nullif(actor ->> 'address', '')::inet,
		left(people_session_start.user_agent, 200));
	PERFORM public.people_sessions_bound(who);
	RETURN public.people_by_session(people_session_start.cookie_hash);
END
$$;

-- actor: address and request_id of whoever shows the key. NULL: it is nobody's.
CREATE OR REPLACE FUNCTION public.people_session_by_key(actor jsonb, key_hash text,
	cookie_hash text, lifetime_s bigint, user_agent text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who CONSTANT jsonb := public.people_by_key(people_session_by_key.key_hash);
BEGIN
	IF who IS NULL THEN
		RETURN NULL;
	END IF;
	PERFORM public.people_key_used((who ->> 'key_id')::bigint);
	RETURN public.people_session_start(coalesce(actor, '{}')
		|| jsonb_build_object('user_id', who -> 'id', 'name', who -> 'name'),
		(who ->> 'id')::bigint, people_session_by_key.cookie_hash, lifetime_s,
		user_agent, (who ->> 'key_id')::bigint);
END
$$;

-- A code signs in once, within lifetime_s.
CREATE OR REPLACE FUNCTION public.people_code_make(actor jsonb, who bigint, hash text,
	lifetime_s bigint) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	IF NOT EXISTS (SELECT FROM public.tollgate_users WHERE id = who AND kind = 'person'
			AND disabled_at IS NULL AND removed_at IS NULL) THEN
		PERFORM public.people_refuse('TG409', 'only a person who is not disabled can '
			'sign in with a link');
	END IF;
	DELETE FROM public.tollgate_sign_in_codes WHERE expires_at <= now();
	INSERT INTO public.tollgate_sign_in_codes (code_hash, user_id, expires_at)
		VALUES (hash, who, now() + lifetime_s * interval '1 s');
	PERFORM public.tollgate_audit_link(who);
	RETURN public.people_user(who);
END
$$;

CREATE OR REPLACE FUNCTION public.tollgate_audit_link(who bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT public.tollgate_audit_write('user.linked', NULL, NULL, 'user', who::text, NULL,
	NULL)
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_link(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.tollgate_audit_link(bigint) TO tollgate;

-- The session that the code is worth; NULL: it is none, spent or too old.
CREATE OR REPLACE FUNCTION public.people_code_spend(actor jsonb, hash text,
	cookie_hash text, lifetime_s bigint, user_agent text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
	until timestamptz;
BEGIN
	DELETE FROM public.tollgate_sign_in_codes WHERE code_hash = hash
		RETURNING user_id, expires_at INTO who, until;
	IF who IS NULL OR until <= now() THEN
		RETURN NULL;
	END IF;
	RETURN public.people_session_start(coalesce(actor, '{}')
		|| (SELECT jsonb_build_object('user_id', id, 'name', name)
			FROM public.tollgate_users WHERE id = who),
		who, people_code_spend.cookie_hash, lifetime_s, user_agent);
END
$$;

-- --- providers ---

-- true: the state of a sign-in comes back for the first time, on any node; NULL: again.
CREATE OR REPLACE FUNCTION public.people_state_spend(state_hash text, lifetime_s bigint)
RETURNS jsonb LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
INSERT INTO public.tollgate_spent_states AS s (state_hash, expires_at)
	VALUES (people_state_spend.state_hash, now() + lifetime_s * interval '1 s')
	ON CONFLICT DO NOTHING RETURNING 'true'::jsonb
$$;

-- The session of whom a provider's ID token is for (seen, token_hash: as
-- people_identity_seen has them), whose rights by the rules are looked at anew; what else
-- people_identity_seen says of those who have none.
CREATE OR REPLACE FUNCTION public.people_session_by_provider(actor jsonb, seen jsonb,
	token_hash text, cookie_hash text, lifetime_s bigint, user_agent text)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who CONSTANT jsonb := public.people_identity_seen(seen, token_hash);
BEGIN
	IF who ->> 'state' IS DISTINCT FROM 'active' THEN
		RETURN who;
	END IF;
	RETURN public.people_session_start(coalesce(actor, '{}')
		|| jsonb_build_object('user_id', who -> 'id', 'name', who -> 'name'),
		(who ->> 'id')::bigint, people_session_by_provider.cookie_hash, lifetime_s,
		user_agent, NULL, seen ->> 'issuer');
END
$$;
