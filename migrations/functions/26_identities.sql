-- People whom a provider vouches for: what sign_in.rules make of them, and those without
-- rights, who are kept as requests for access. Identities are an issuer's subjects, never
-- e-mail addresses.

-- A name that no user has, of one that a provider says.
CREATE OR REPLACE FUNCTION public.people_free_name(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	base text := btrim(left(regexp_replace(coalesce(wanted, ''), '[[:cntrl:]\s]+', ' ',
		'g'), 90));
	free text;
	n integer := 1;
BEGIN
	IF base ~ '^[0-9]*$' THEN
		base := btrim('user ' || base);
	END IF;
	free := base;
	WHILE EXISTS (SELECT FROM public.tollgate_users AS u
			WHERE lower(u.name) = lower(free) AND removed_at IS NULL) LOOP
		n := n + 1;
		free := base || ' ' || n;
	END LOOP;
	RETURN free;
END
$$;

-- seen ->> 'teams': [{"team": name, "role"}], those of the rules that fit. A team that is
-- not there gives nothing.
CREATE OR REPLACE FUNCTION public.people_rule_teams(seen jsonb)
RETURNS TABLE (team_id bigint, role text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT t.id, min(w.role) -- manager comes before viewer
FROM jsonb_to_recordset(coalesce(seen -> 'teams', '[]')) AS w (team text, role text)
JOIN public.tollgate_teams AS t ON lower(t.name) = lower(w.team) GROUP BY t.id
$$;

-- The same without the teams that they were taken from by hand.
CREATE OR REPLACE FUNCTION public.people_rules_give(who bigint, seen jsonb)
RETURNS TABLE (team_id bigint, role text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT w.team_id, w.role FROM public.people_rule_teams(seen) AS w
WHERE NOT EXISTS (SELECT FROM public.tollgate_refused_members AS r
	WHERE r.user_id = who AND r.team_id = w.team_id)
$$;

-- Writes what has changed since the rules were looked at last. What was made by hand
-- stays, and what was taken away by hand does not come back.
CREATE OR REPLACE FUNCTION public.people_rules_apply(who bigint, seen jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
UPDATE public.tollgate_users SET is_admin = NOT is_admin,
	admin_by_rule = NOT admin_by_rule
	WHERE id = who AND is_admin = admin_by_rule
	AND admin_by_rule <> (coalesce((seen ->> 'admin')::boolean, false)
		AND admin_refused_at IS NULL);
DELETE FROM public.tollgate_members AS m WHERE user_id = who AND by_rule
	AND NOT EXISTS (SELECT FROM public.people_rules_give(who, seen) AS w
		WHERE w.team_id = m.team_id);
UPDATE public.tollgate_members AS m SET role = w.role
	FROM public.people_rules_give(who, seen) AS w WHERE m.user_id = who
	AND m.team_id = w.team_id AND m.by_rule AND m.role <> w.role;
INSERT INTO public.tollgate_members (user_id, team_id, role, by_rule)
	SELECT who, w.team_id, w.role, true FROM public.people_rules_give(who, seen) AS w
	WHERE NOT EXISTS (SELECT FROM public.tollgate_members AS m
		WHERE m.user_id = who AND m.team_id = w.team_id)
	ON CONFLICT DO NOTHING
$$;

-- Whether that would write anything.
CREATE OR REPLACE FUNCTION public.people_rules_differ(who bigint, seen jsonb)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM public.tollgate_users WHERE id = who
		AND is_admin = admin_by_rule
		AND admin_by_rule <> (coalesce((seen ->> 'admin')::boolean, false)
			AND admin_refused_at IS NULL))
	OR EXISTS (SELECT FROM public.people_rules_give(who, seen) AS w
		FULL JOIN (SELECT team_id, role, by_rule FROM public.tollgate_members
			WHERE user_id = who) AS m ON m.team_id = w.team_id
		WHERE m.team_id IS NULL
		OR (m.by_rule AND (w.team_id IS NULL OR m.role <> w.role)))
$$;

-- Whether the token is the newest of all that their identities came with within a day:
-- by iat, and of those of one second by their hashes, so that two of them never take
-- turns.
CREATE OR REPLACE FUNCTION public.people_token_counts(who bigint, seen jsonb,
	token_hash text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT NOT EXISTS (SELECT FROM public.tollgate_vouched AS v
	JOIN public.tollgate_identities AS i ON i.id = v.identity_id
	WHERE i.user_id = who AND v.seen_at > now() - interval '24 hours'
	AND (v.issued_at, v.token_hash) > (coalesce((seen ->> 'issued_at')::bigint, 0),
		people_token_counts.token_hash))
$$;

-- The user of an identity that has none yet.
CREATE OR REPLACE FUNCTION public.people_identity_make(seen jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: people'));
	SELECT user_id INTO who FROM public.tollgate_identities
		WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject';
	IF who IS NOT NULL THEN
		RETURN who;
	END IF;
	INSERT INTO public.tollgate_users (name, email)
		VALUES (public.people_free_name(seen ->> 'name'), left(seen ->> 'email', 320))
		RETURNING id INTO who;
	INSERT INTO public.tollgate_identities (issuer, subject, user_id)
		VALUES (seen ->> 'issuer', seen ->> 'subject', who);
	DELETE FROM public.tollgate_access_requests
		WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject';
	RETURN who;
END
$$;

-- At most 1,000 are open: the one that was here last the longest ago goes. Those that an
-- admin refused stay.
CREATE OR REPLACE FUNCTION public.people_access_request(seen jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE public.tollgate_access_requests SET name = left(seen ->> 'name', 200),
		email = left(seen ->> 'email', 320), last_at = now()
		WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject'
		AND last_at < now() - interval '1 min';
	IF FOUND OR EXISTS (SELECT FROM public.tollgate_access_requests
			WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject') THEN
		RETURN;
	END IF;
	INSERT INTO public.tollgate_access_requests (issuer, subject, name, email)
		VALUES (seen ->> 'issuer', seen ->> 'subject', left(seen ->> 'name', 200),
		left(seen ->> 'email', 320)) ON CONFLICT DO NOTHING;
	DELETE FROM public.tollgate_access_requests WHERE (issuer, subject) IN (
		SELECT issuer, subject FROM public.tollgate_access_requests
		WHERE refused_at IS NULL ORDER BY last_at DESC, issuer, subject OFFSET 1000);
END
$$;

-- The same without writing, for those of whom nothing is new; NULL: ask the other one.
-- fresh: the token was shown within the last minutes, as far as that is kept.
CREATE OR REPLACE FUNCTION public.people_identity_known(seen jsonb, token_hash text)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known CONSTANT public.tollgate_identities := (SELECT i
		FROM public.tollgate_identities AS i
		WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject');
	who CONSTANT bigint := known.user_id;
	counts boolean;
BEGIN
	IF who IS NULL THEN
		RETURN NULL;
	END IF;
	counts := public.people_token_counts(who, seen, token_hash)
		AND EXISTS (SELECT FROM public.tollgate_users WHERE id = who
			AND disabled_at IS NULL AND removed_at IS NULL);
	IF counts AND (public.people_rules_differ(who, seen)
			OR NOT public.people_rules_hold(who)) THEN
		RETURN NULL;
	END IF;
	RETURN public.people_known(who, NULL) || jsonb_build_object('fresh', NOT counts
		OR EXISTS (SELECT FROM public.tollgate_vouched AS v
			WHERE v.identity_id = known.id
			AND v.token_hash = people_identity_known.token_hash
			AND v.seen_at > now() - interval '10 min'));
END
$$;

-- Whoever a provider's token is for: seen has issuer, subject, name, email, issued_at,
-- and what the rules say: admin, sees_all, teams; which counts where no newer token was
-- shown. Writes only what is new. Who was removed or disabled stays so, as `state` tells;
-- "unknown": they have no rights.
CREATE OR REPLACE FUNCTION public.people_identity_seen(seen jsonb,
	token_hash text DEFAULT '') RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	who bigint;
BEGIN
	PERFORM set_config('tollgate.actor', jsonb_build_object(
		'name', left('rules for ' || (seen ->> 'issuer'), 200),
		'acting', seen -> 'acting', 'address', seen -> 'address')::text, true);
	SELECT user_id INTO who FROM public.tollgate_identities
		WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject';
	IF who IS NULL AND (coalesce((seen ->> 'admin')::boolean, false)
			OR coalesce((seen ->> 'sees_all')::boolean, false)
			OR EXISTS (SELECT FROM public.people_rule_teams(seen)))
			AND NOT EXISTS (SELECT FROM public.tollgate_access_requests
				WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject'
				AND refused_at IS NOT NULL) THEN
		who := public.people_identity_make(seen);
	END IF;
	IF who IS NULL THEN
		PERFORM public.people_access_request(seen);
		RETURN '{"state": "unknown"}';
	END IF;
	-- One token of theirs at a time.
	PERFORM FROM public.tollgate_users WHERE id = who AND disabled_at IS NULL
		AND removed_at IS NULL FOR NO KEY UPDATE;
	IF FOUND AND public.people_token_counts(who, seen, token_hash) THEN
		INSERT INTO public.tollgate_vouched AS v (identity_id, issued_at, token_hash)
			SELECT i.id, coalesce((seen ->> 'issued_at')::bigint, 0),
				people_identity_seen.token_hash
			FROM public.tollgate_identities AS i
			WHERE issuer = seen ->> 'issuer' AND subject = seen ->> 'subject'
			ON CONFLICT (identity_id) DO UPDATE SET issued_at = excluded.issued_at,
				token_hash = excluded.token_hash, seen_at = now();
		PERFORM public.people_rules_apply(who, seen);
	END IF;
	RETURN public.people_known(who, NULL);
END
$$;

-- Somebody was not let in: refused has address, by ("key", "code", "session" or "jwt"),
-- why, and how many others since the last line, which had none of their own.
CREATE OR REPLACE FUNCTION public.people_sign_in_refused(refused jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('tollgate.actor', jsonb_build_object('name', 'nobody',
		'address', refused -> 'address')::text, true);
	PERFORM public.tollgate_audit_write('sign_in.refused', NULL, NULL, 'sign_in', NULL,
		NULL, refused - 'address');
	RETURN 'true';
END
$$;
