-- Users, teams and who belongs to which. Each change is one function that answers in
-- JSON, whose first argument says who acts ({"user_id", "name", "acting", "address",
-- "request_id"}; NULL: whoever has the database). One change at a time: a rule that two
-- of them could break together is kept. Refusals have SQLSTATE TG400, TG403, TG404 or
-- TG409, and name the field as COLUMN.

CREATE OR REPLACE FUNCTION public.people_refuse(code text, message text,
	field text DEFAULT '') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, COLUMN = field;
END
$$;

CREATE OR REPLACE FUNCTION public.people_begin(actor jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('tollgate.actor', coalesce(actor::text, ''), true);
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: people'));
END
$$;

-- --- who may ---

-- As it stands in the tables now; whoever has the database may everything.
CREATE OR REPLACE FUNCTION public.people_is_admin(actor jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT actor ->> 'user_id' IS NULL OR EXISTS (SELECT FROM public.tollgate_users
	WHERE id = (actor ->> 'user_id')::bigint AND is_admin AND disabled_at IS NULL
	AND removed_at IS NULL)
$$;

CREATE OR REPLACE FUNCTION public.people_need_admin(actor jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_is_admin(actor) THEN
		PERFORM public.people_refuse('TG403', 'only an admin may do this');
	END IF;
END
$$;

CREATE OR REPLACE FUNCTION public.people_need_manager(actor jsonb, team bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_is_admin(actor) AND NOT EXISTS (SELECT
			FROM public.tollgate_members AS m JOIN public.tollgate_users AS u
			ON u.id = m.user_id
			WHERE m.user_id = (actor ->> 'user_id')::bigint AND m.team_id = team
			AND m.role = 'manager' AND u.disabled_at IS NULL
			AND u.removed_at IS NULL) THEN
		PERFORM public.people_refuse('TG403', 'only a manager of the team may do this');
	END IF;
END
$$;

-- An admin who can sign in: by a key that lives, or by a provider.
CREATE OR REPLACE FUNCTION public.people_has_admin() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM public.tollgate_users AS u
	WHERE is_admin AND disabled_at IS NULL AND removed_at IS NULL
	AND (EXISTS (SELECT FROM public.tollgate_user_keys AS k WHERE k.user_id = u.id
			AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
		OR kind = 'person' AND EXISTS (SELECT FROM public.tollgate_identities AS i
			WHERE i.user_id = u.id)))
$$;

-- Behind a change, with what people_has_admin() was before it.
CREATE OR REPLACE FUNCTION public.people_keep_admin(had boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF had AND NOT public.people_has_admin() THEN
		PERFORM public.people_refuse('TG409', 'this would leave no admin who can sign '
			'in: give another one a key first (tollgate user add --role admin)');
	END IF;
END
$$;

-- --- what is meant ---

CREATE OR REPLACE FUNCTION public.people_check_name(name text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF name IS NULL OR name = '' OR length(name) > 100 OR name ~ '[[:cntrl:]]'
			OR name ~ '^\s|\s$' THEN
		PERFORM public.people_refuse('TG400', 'a name is 1 to 100 characters, none of '
			'them a control character, and no blank at either end', 'name');
	ELSIF name ~ '^[0-9]+$' THEN
		PERFORM public.people_refuse('TG400', format('''%s'' could be an id: a name '
			'needs a character that is no digit', name), 'name');
	END IF;
	RETURN name;
END
$$;

-- The id, of an id or a name. Who was removed is found by the id alone.
CREATE OR REPLACE FUNCTION public.people_user_id(which text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id bigint;
BEGIN
	SELECT id INTO found_id FROM public.tollgate_users
		WHERE id::text = which OR (lower(name) = lower(which) AND removed_at IS NULL);
	IF found_id IS NULL THEN
		PERFORM public.people_refuse('TG404', format('there is no user ''%s''', which),
			'user');
	END IF;
	RETURN found_id;
END
$$;

CREATE OR REPLACE FUNCTION public.people_team_id(which text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id bigint;
BEGIN
	SELECT id INTO found_id FROM public.tollgate_teams
		WHERE id::text = which OR lower(name) = lower(which)
		ORDER BY id::text = which DESC LIMIT 1;
	IF found_id IS NULL THEN
		PERFORM public.people_refuse('TG404', format('there is no team ''%s''', which),
			'team');
	END IF;
	RETURN found_id;
END
$$;

CREATE OR REPLACE FUNCTION public.people_user(id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT to_jsonb(u) || jsonb_build_object(
	'state', CASE WHEN removed_at IS NOT NULL THEN 'removed'
		WHEN disabled_at IS NOT NULL THEN 'disabled' ELSE 'active' END,
	'teams', coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name,
			'role', m.role) ORDER BY lower(t.name))
		FROM public.tollgate_members AS m JOIN public.tollgate_teams AS t
		ON t.id = m.team_id WHERE m.user_id = u.id), '[]'))
FROM public.tollgate_users AS u WHERE u.id = people_user.id
$$;

-- Living tokens that have more than their team may give: what lowering it has left.
CREATE OR REPLACE FUNCTION public.people_team_above(team bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name)
	ORDER BY k.id), '[]')
FROM public.tollgate_teams AS t JOIN public.tokens AS k ON k.tollgate_team_id = t.id
CROSS JOIN LATERAL (SELECT string_to_array(translate(coalesce(
	public.token_scopes_out(k.scopes), ''), ',', ' '), ' ') AS scopes) AS held
WHERE t.id = team AND k.revoked_at IS NULL
	AND (k.expires_at IS NULL OR k.expires_at > now())
	AND (EXISTS (SELECT FROM unnest(held.scopes) AS s WHERE s <> ''
			AND s <> ALL (t.scopes_most) AND '*' <> ALL (t.scopes_most))
		OR (t.lifetime_most_s IS NOT NULL AND (k.expires_at IS NULL OR k.expires_at
			> coalesce(k.created_at, now()) + t.lifetime_most_s * interval '1 s'))
		OR (t.address_ranges_most IS NOT NULL AND (k.tollgate_address_ranges IS NULL
			OR EXISTS (SELECT FROM unnest(k.tollgate_address_ranges) AS r
				WHERE NOT EXISTS (SELECT FROM unnest(t.address_ranges_most) AS most
					WHERE r <<= most)))))
$$;

CREATE OR REPLACE FUNCTION public.people_team(id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT to_jsonb(t) || jsonb_build_object(
	'members', coalesce((SELECT jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name,
			'role', m.role) ORDER BY lower(u.name))
		FROM public.tollgate_members AS m JOIN public.tollgate_users AS u
		ON u.id = m.user_id WHERE m.team_id = t.id), '[]'),
	'tokens', (SELECT count(*) FROM public.tokens AS k WHERE k.tollgate_team_id = t.id),
	'above_ceiling', public.people_team_above(t.id))
FROM public.tollgate_teams AS t WHERE t.id = people_team.id
$$;

-- Pages by id. filter: after, limit, state (removed ones only when asked for).
CREATE OR REPLACE FUNCTION public.people_users(filter jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH asked AS (SELECT least(coalesce((filter ->> 'limit')::integer, 50), 200) AS most),
found AS (SELECT id FROM public.tollgate_users
	WHERE (filter ->> 'after' IS NULL OR id > (filter ->> 'after')::bigint)
	AND (filter ->> 'state' IS NOT DISTINCT FROM 'removed') = (removed_at IS NOT NULL)
	ORDER BY id LIMIT (SELECT most + 1 FROM asked)),
page AS (SELECT * FROM found ORDER BY id LIMIT (SELECT most FROM asked))
SELECT jsonb_build_object('items', coalesce((SELECT jsonb_agg(public.people_user(id)
	ORDER BY id) FROM page), '[]'), 'next', CASE WHEN (SELECT count(*) FROM found)
	> (SELECT most FROM asked) THEN (SELECT max(id) FROM page) END)
$$;

CREATE OR REPLACE FUNCTION public.people_teams(filter jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH asked AS (SELECT least(coalesce((filter ->> 'limit')::integer, 50), 200) AS most),
found AS (SELECT id FROM public.tollgate_teams
	WHERE (filter ->> 'after' IS NULL OR id > (filter ->> 'after')::bigint)
	ORDER BY id LIMIT (SELECT most + 1 FROM asked)),
page AS (SELECT * FROM found ORDER BY id LIMIT (SELECT most FROM asked))
SELECT jsonb_build_object('items', coalesce((SELECT jsonb_agg(public.people_team(id)
	ORDER BY id) FROM page), '[]'), 'next', CASE WHEN (SELECT count(*) FROM found)
	> (SELECT most FROM asked) THEN (SELECT max(id) FROM page) END)
$$;

-- --- users ---

-- spec: name, email, kind, is_admin, teams: [{team, role}], key: {name, hash, start,
-- lifetime_s}. Only the hash of a key comes here.
CREATE OR REPLACE FUNCTION public.people_user_add(actor jsonb, spec jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made bigint;
	membership jsonb;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	PERFORM public.people_check_name(spec ->> 'name');
	INSERT INTO public.tollgate_users (name, email, kind, is_admin)
		VALUES (spec ->> 'name', spec ->> 'email', coalesce(spec ->> 'kind', 'person'),
		coalesce((spec ->> 'is_admin')::boolean, false)) RETURNING id INTO made;
	FOR membership IN SELECT jsonb_array_elements(coalesce(spec -> 'teams', '[]')) LOOP
		PERFORM public.people_member_set(actor,
			public.people_team_id(membership ->> 'team'), made, membership ->> 'role');
	END LOOP;
	IF spec ? 'key' THEN
		PERFORM public.people_key_add(actor, made, spec -> 'key');
	END IF;
	RETURN public.people_user(made);
EXCEPTION
	WHEN unique_violation THEN
		PERFORM public.people_refuse('TG409', format('there is a user ''%s'' already',
			spec ->> 'name'), 'name');
	WHEN check_violation THEN
		PERFORM public.people_refuse('TG400', 'kind is person or service', 'kind');
END
$$;

-- patch: name, email, is_admin, disabled; what is absent stays.
CREATE OR REPLACE FUNCTION public.people_user_change(actor jsonb, who bigint, patch jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	had boolean;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	had := public.people_has_admin();
	IF patch ? 'name' THEN
		PERFORM public.people_check_name(patch ->> 'name');
	END IF;
	UPDATE public.tollgate_users SET
		name = CASE WHEN patch ? 'name' THEN patch ->> 'name' ELSE name END,
		email = CASE WHEN patch ? 'email' THEN patch ->> 'email' ELSE email END,
		is_admin = coalesce((patch ->> 'is_admin')::boolean, is_admin),
		admin_by_rule = admin_by_rule AND (patch ->> 'is_admin') IS NULL,
		disabled_at = CASE (patch ->> 'disabled')::boolean WHEN true THEN
			coalesce(disabled_at, now()) WHEN false THEN NULL ELSE disabled_at END,
		-- Enabling lets in again whoever was removed.
		removed_at = CASE WHEN (patch ->> 'disabled')::boolean IS FALSE THEN NULL
			ELSE removed_at END
		WHERE id = who;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such user');
	END IF;
	IF (patch ->> 'disabled')::boolean THEN
		PERFORM public.people_sessions_end(who);
	END IF;
	PERFORM public.people_keep_admin(had);
	RETURN public.people_user(who);
EXCEPTION WHEN unique_violation THEN
	PERFORM public.people_refuse('TG409', 'there is another user of this name', 'name');
END
$$;

-- Keys, sessions and memberships end; identities stay, so that the person stays out.
CREATE OR REPLACE FUNCTION public.people_user_remove(actor jsonb, who bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	had boolean;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	had := public.people_has_admin();
	UPDATE public.tollgate_users SET removed_at = coalesce(removed_at, now()),
		is_admin = false, admin_by_rule = false WHERE id = who;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such user');
	END IF;
	UPDATE public.tollgate_user_keys SET revoked_at = now()
		WHERE user_id = who AND revoked_at IS NULL;
	DELETE FROM public.tollgate_members WHERE user_id = who;
	PERFORM public.people_sessions_end(who);
	PERFORM public.people_keep_admin(had);
	RETURN public.people_user(who);
END
$$;

-- --- teams ---

-- {"scopes_most": [...]} as text[]; what is absent or null: none.
CREATE OR REPLACE FUNCTION public.people_list(spec jsonb, name text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN jsonb_typeof(spec -> name) = 'array' THEN
	ARRAY(SELECT jsonb_array_elements_text(spec -> name)) END
$$;

CREATE OR REPLACE FUNCTION public.people_team_add(actor jsonb, spec jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made bigint;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	PERFORM public.people_check_name(spec ->> 'name');
	INSERT INTO public.tollgate_teams (name, scopes_most, lifetime_most_s,
		address_ranges_most)
		VALUES (spec ->> 'name', public.people_list(spec, 'scopes_most'),
		(spec ->> 'lifetime_most_s')::bigint,
		public.people_list(spec, 'address_ranges_most')::cidr[]) RETURNING id INTO made;
	RETURN public.people_team(made);
EXCEPTION
	WHEN unique_violation THEN
		PERFORM public.people_refuse('TG409', format('there is a team ''%s'' already',
			spec ->> 'name'), 'name');
	WHEN invalid_text_representation THEN
		PERFORM public.people_refuse('TG400', 'an address range is like 10.0.0.0/8 or '
			'2001:db8::/32', 'address_ranges_most');
END
$$;

-- patch: name, disabled, scopes_most, lifetime_most_s, address_ranges_most; null takes a
-- bound away. No token changes: above_ceiling lists those that have more.
CREATE OR REPLACE FUNCTION public.people_team_change(actor jsonb, team bigint,
	patch jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	IF patch ? 'name' THEN
		PERFORM public.people_check_name(patch ->> 'name');
	END IF;
	UPDATE public.tollgate_teams SET
		name = CASE WHEN patch ? 'name' THEN patch ->> 'name' ELSE name END,
		disabled_at = CASE (patch ->> 'disabled')::boolean WHEN true THEN
			coalesce(disabled_at, now()) WHEN false THEN NULL ELSE disabled_at END,
		scopes_most = CASE WHEN patch ? 'scopes_most'
			THEN public.people_list(patch, 'scopes_most') ELSE scopes_most END,
		lifetime_most_s = CASE WHEN patch ? 'lifetime_most_s'
			THEN (patch ->> 'lifetime_most_s')::bigint ELSE lifetime_most_s END,
		address_ranges_most = CASE WHEN patch ? 'address_ranges_most'
			THEN public.people_list(patch, 'address_ranges_most')::cidr[]
			ELSE address_ranges_most END
		WHERE id = team;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such team');
	END IF;
	RETURN public.people_team(team);
EXCEPTION
	WHEN unique_violation THEN
		PERFORM public.people_refuse('TG409', 'there is another team of this name',
			'name');
	WHEN invalid_text_representation THEN
		PERFORM public.people_refuse('TG400', 'an address range is like 10.0.0.0/8 or '
			'2001:db8::/32', 'address_ranges_most');
END
$$;

CREATE OR REPLACE FUNCTION public.people_team_remove(actor jsonb, team bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	gone jsonb;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	gone := public.people_team(team);
	DELETE FROM public.tollgate_teams WHERE id = team;
	IF NOT FOUND THEN
		PERFORM public.people_refuse('TG404', 'there is no such team');
	END IF;
	RETURN gone;
EXCEPTION WHEN foreign_key_violation THEN
	PERFORM public.people_refuse('TG409', format('the team has tokens (%s, revoked ones '
		'counted too): move them to another one, or disable the team',
		(SELECT count(*) FROM public.tokens WHERE tollgate_team_id = team)));
END
$$;

-- role NULL: no longer a member.
CREATE OR REPLACE FUNCTION public.people_member_set(actor jsonb, team bigint, who bigint,
	role text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_manager(actor, team);
	IF role IS NULL THEN
		DELETE FROM public.tollgate_members WHERE user_id = who AND team_id = team;
		RETURN public.people_team(team);
	ELSIF role NOT IN ('manager', 'viewer') THEN
		PERFORM public.people_refuse('TG400', 'a role in a team is manager or viewer',
			'role');
	ELSIF NOT EXISTS (SELECT FROM public.tollgate_users
			WHERE id = who AND removed_at IS NULL) THEN
		PERFORM public.people_refuse('TG404', 'there is no such user', 'user');
	END IF;
	INSERT INTO public.tollgate_members AS m (user_id, team_id, role)
		VALUES (who, team, people_member_set.role)
		ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role,
			by_rule = false;
	RETURN public.people_team(team);
EXCEPTION WHEN foreign_key_violation THEN
	PERFORM public.people_refuse('TG404', 'there is no such team', 'team');
END
$$;
