-- What someone may sign in with: their keys, sessions and identities of providers, and
-- who asks to be let in. Secrets come here as hashes, and never leave.

-- --- keys ---

CREATE OR REPLACE FUNCTION public.people_key(key_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', k.id, 'user_id', k.user_id, 'name', k.name,
	'key_start', k.key_start, 'state', CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
		WHEN k.expires_at <= now() THEN 'expired' ELSE 'active' END,
	'created_at', public.people_time(k.created_at),
	'expires_at', public.people_time(k.expires_at),
	'revoked_at', public.people_time(k.revoked_at),
	'last_used_at', public.people_time(k.last_used))
FROM public.tollgate_user_keys AS k WHERE k.id = key_id
$$;

-- key: name, hash, start, and lifetime_s or expires_at. A service's key always ends: in a
-- year where nothing is said.
CREATE OR REPLACE FUNCTION public.people_key_end(key jsonb, kind text)
RETURNS timestamptz LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	ends CONSTANT timestamptz := coalesce(public.people_instant(key, 'expires_at'),
		now() + (key ->> 'lifetime_s')::bigint * interval '1 s',
		CASE kind WHEN 'service' THEN now() + interval '365 days' END);
BEGIN
	IF ends <= now() OR ends > now() + interval '36525 days' THEN
		PERFORM public.people_refuse('TG400', 'lies ahead, at most 100 years',
			'expires_at');
	END IF;
	RETURN ends;
END
$$;

CREATE OR REPLACE FUNCTION public.people_key_add(actor jsonb, who bigint, key jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made bigint;
	of_kind text;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_self(actor, who);
	-- A key would outlive what they were lent.
	IF actor ->> 'acting' IS NOT NULL THEN
		PERFORM public.people_refuse('TG403', 'whoever acts in another''s place makes '
			'no keys');
	END IF;
	SELECT kind INTO of_kind FROM public.tollgate_users
		WHERE id = who AND removed_at IS NULL;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such user');
	ELSIF length(key ->> 'name') > 100 OR key ->> 'name' ~ '[[:cntrl:]]' THEN
		PERFORM public.people_refuse('TG400', 'a key''s name is up to 100 characters, '
			'none of them a control character', 'name');
	ELSIF (SELECT count(*) FROM public.tollgate_user_keys WHERE user_id = who
			AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
			>= 100 THEN
		PERFORM public.people_refuse('TG409', 'this user has 100 keys: revoke some '
			'first');
	END IF;
	INSERT INTO public.tollgate_user_keys (user_id, name, key_hash, key_start, expires_at)
		VALUES (who, coalesce(key ->> 'name', ''), key ->> 'hash', key ->> 'start',
		public.people_key_end(key, of_kind)) RETURNING id INTO made;
	RETURN public.people_key(made);
END
$$;

-- Those that were not revoked.
CREATE OR REPLACE FUNCTION public.people_keys(actor jsonb, who bigint, filter jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_need_self(actor, who);
	RETURN public.people_page(filter, ARRAY(
		SELECT public.people_key(k.id) FROM public.tollgate_user_keys AS k
		WHERE k.user_id = who AND k.revoked_at IS NULL
		AND k.id > public.people_after(filter)
		ORDER BY k.id LIMIT public.people_limit(filter) + 1));
END
$$;

-- The sessions that it has begun end as well.
CREATE OR REPLACE FUNCTION public.people_key_revoke(actor jsonb, who bigint,
	key_id bigint) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	had boolean;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_self(actor, who);
	had := public.people_has_admin();
	IF NOT EXISTS (SELECT FROM public.tollgate_user_keys
			WHERE id = key_id AND user_id = who) THEN
		PERFORM public.people_refuse('TG404', 'there is no such key');
	END IF;
	UPDATE public.tollgate_user_keys SET revoked_at = now()
		WHERE id = key_id AND user_id = who AND revoked_at IS NULL;
	UPDATE public.tollgate_sessions AS s SET ended_at = now()
		WHERE s.key_id = people_key_revoke.key_id AND s.ended_at IS NULL;
	PERFORM public.people_keep_admin(had);
	RETURN public.people_key(key_id);
END
$$;

-- --- sessions ---

-- Those that live.
CREATE OR REPLACE FUNCTION public.people_sessions(actor jsonb, who bigint, filter jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_need_self(actor, who);
	RETURN public.people_page(filter, ARRAY(
		SELECT jsonb_build_object('id', s.id, 'user_id', s.user_id,
			'created_at', public.people_time(s.created_at),
			'expires_at', public.people_time(s.expires_at),
			'address', host(s.address), 'user_agent', s.user_agent)
		FROM public.tollgate_sessions AS s
		WHERE s.user_id = who AND s.ended_at IS NULL AND s.expires_at > now()
		AND s.id > public.people_after(filter)
		ORDER BY s.id LIMIT public.people_limit(filter) + 1));
END
$$;

-- session_id NULL: all of them. How many have ended.
CREATE OR REPLACE FUNCTION public.people_session_end(actor jsonb, who bigint,
	session_id bigint) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_self(actor, who);
	IF session_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.tollgate_sessions
			WHERE user_id = who AND id = session_id) THEN
		PERFORM public.people_refuse('TG404', 'there is no such session');
	END IF;
	UPDATE public.tollgate_sessions SET ended_at = now() WHERE user_id = who
		AND ended_at IS NULL AND (session_id IS NULL OR id = session_id);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN jsonb_build_object('ended', n);
END
$$;

-- --- identities ---

CREATE OR REPLACE FUNCTION public.people_identity(identity_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', i.id, 'user_id', i.user_id, 'issuer', i.issuer,
	'subject', i.subject, 'created_at', public.people_time(i.created_at))
FROM public.tollgate_identities AS i WHERE i.id = identity_id
$$;

CREATE OR REPLACE FUNCTION public.people_identities(actor jsonb, who bigint,
	filter jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_need_self(actor, who);
	RETURN public.people_page(filter, ARRAY(
		SELECT public.people_identity(i.id) FROM public.tollgate_identities AS i
		WHERE i.user_id = who AND i.id > public.people_after(filter)
		ORDER BY i.id LIMIT public.people_limit(filter) + 1));
END
$$;

CREATE OR REPLACE FUNCTION public.people_identity_add(actor jsonb, who bigint,
	issuer text, subject text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	of_kind text;
	made bigint;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	SELECT kind INTO of_kind FROM public.tollgate_users AS u WHERE u.id = who;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such user');
	ELSIF of_kind <> 'person' THEN
		PERFORM public.people_refuse('TG409', 'a service signs in by its keys alone');
	END IF;
	INSERT INTO public.tollgate_identities AS i (issuer, subject, user_id)
		VALUES (issuer, subject, who) RETURNING i.id INTO made;
	DELETE FROM public.tollgate_access_requests AS r
		WHERE r.issuer = people_identity_add.issuer
		AND r.subject = people_identity_add.subject;
	RETURN public.people_identity(made);
EXCEPTION WHEN unique_violation THEN
	PERFORM public.people_refuse('TG409', 'this identity has a user already', 'subject');
END
$$;

-- Sessions end as well, and rights by rules, which another identity's next token may give
-- again. Of someone who is to stay out it stays, since it keeps them out.
CREATE OR REPLACE FUNCTION public.people_identity_remove(actor jsonb, who bigint,
	identity_id bigint) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	had boolean;
	gone CONSTANT jsonb := public.people_identity(identity_id);
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	had := public.people_has_admin();
	IF EXISTS (SELECT FROM public.tollgate_users WHERE id = who
			AND (disabled_at IS NOT NULL OR removed_at IS NOT NULL)) THEN
		PERFORM public.people_refuse('TG409', 'this user is disabled or removed, and '
			'their identity keeps them out: enable them first');
	END IF;
	DELETE FROM public.tollgate_identities WHERE id = identity_id AND user_id = who;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such identity');
	END IF;
	PERFORM public.people_rules_apply(who, '{}');
	PERFORM public.people_sessions_end(who);
	PERFORM public.people_keep_admin(had);
	RETURN gone;
END
$$;

-- --- who asks to be let in ---

CREATE OR REPLACE FUNCTION public.people_access_told(request_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', r.id, 'issuer', r.issuer, 'subject', r.subject,
	'name', r.name, 'email', r.email,
	'state', CASE WHEN r.refused_at IS NULL THEN 'open' ELSE 'refused' END,
	'first_at', public.people_time(r.first_at),
	'last_at', public.people_time(r.last_at),
	'refused_at', public.people_time(r.refused_at))
FROM public.tollgate_access_requests AS r WHERE r.id = request_id
$$;

-- filter: state (open, which is so where nothing is said, refused).
CREATE OR REPLACE FUNCTION public.people_access_requests(actor jsonb, filter jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT text := coalesce(public.people_word(filter, 'state',
		'{open,refused}'), 'open');
BEGIN
	PERFORM public.people_need_admin(actor);
	RETURN public.people_page(filter, ARRAY(
		SELECT public.people_access_told(r.id)
		FROM public.tollgate_access_requests AS r
		WHERE (r.refused_at IS NULL) = (wanted = 'open')
		AND r.id > public.people_after(filter)
		ORDER BY r.id LIMIT public.people_limit(filter) + 1));
END
$$;

-- spec: user_id, whose identity it becomes; or name, email, is_admin of a new user, as
-- the provider says where nothing is said. And team (a name) or team_id, with role.
CREATE OR REPLACE FUNCTION public.people_access_grant(actor jsonb, request_id bigint,
	spec jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked public.tollgate_access_requests;
	who bigint := (spec ->> 'user_id')::bigint;
	team CONSTANT text := coalesce(spec ->> 'team_id', spec ->> 'team');
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	SELECT * INTO asked FROM public.tollgate_access_requests AS r
		WHERE r.id = request_id;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such request');
	ELSIF (team IS NULL) <> (spec ->> 'role' IS NULL) THEN
		PERFORM public.people_refuse('TG400', 'a team and a role go together', 'role');
	ELSIF who IS NULL THEN
		who := (public.people_user_add(actor, jsonb_build_object(
			'name', coalesce(spec ->> 'name', public.people_free_name(asked.name)),
			'email', coalesce(spec ->> 'email', CASE WHEN
				public.people_is_email(asked.email) THEN asked.email END),
			'is_admin', coalesce((spec ->> 'is_admin')::boolean, false)))
			->> 'id')::bigint;
	ELSIF spec ?| '{name,email,is_admin}' THEN
		PERFORM public.people_refuse('TG400', 'is of a user who is there already: '
			'leave name, email and is_admin out', 'user_id');
	END IF;
	PERFORM public.people_identity_add(actor, who, asked.issuer, asked.subject);
	IF team IS NOT NULL THEN
		PERFORM public.people_member_set(actor, public.people_team_id(team), who,
			spec ->> 'role');
	END IF;
	RETURN public.people_user(who);
END
$$;

-- They are not asked about again, and no rule lets them in; granting does.
CREATE OR REPLACE FUNCTION public.people_access_refuse(actor jsonb, request_id bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	UPDATE public.tollgate_access_requests AS r
		SET refused_at = coalesce(refused_at, now()) WHERE r.id = request_id;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such request');
	END IF;
	RETURN public.people_access_told(request_id);
END
$$;
