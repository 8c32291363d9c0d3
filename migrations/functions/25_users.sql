-- Users: people and services.

-- What they may at the moment.
CREATE OR REPLACE FUNCTION public.people_user(id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email, 'kind', u.kind,
	'is_admin', u.is_admin AND (h.hold OR NOT u.admin_by_rule),
	'admin_by_rule', u.admin_by_rule,
	'state', CASE WHEN removed_at IS NOT NULL THEN 'removed'
		WHEN disabled_at IS NOT NULL THEN 'disabled' ELSE 'active' END,
	'created_at', public.people_time(u.created_at),
	'disabled_at', public.people_time(u.disabled_at),
	'removed_at', public.people_time(u.removed_at),
	'teams', coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name,
			'role', m.role) ORDER BY lower(t.name))
		FROM public.tollgate_members AS m JOIN public.tollgate_teams AS t
		ON t.id = m.team_id WHERE m.user_id = u.id AND (h.hold OR NOT m.by_rule)),
		'[]'))
FROM public.tollgate_users AS u CROSS JOIN public.people_rules_hold(u.id) AS h (hold)
WHERE u.id = people_user.id
$$;

-- What the actor may see of them; NULL: nothing. Managers see whom they may take into
-- their teams, by name; what else there is of someone is for themselves and for admins.
CREATE OR REPLACE FUNCTION public.people_user_seen(actor jsonb, who bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
	WHEN public.people_is_admin(actor) OR (public.people_who(actor) = u.id
		AND u.removed_at IS NULL AND u.disabled_at IS NULL)
	THEN public.people_user(u.id)
	WHEN u.removed_at IS NULL AND public.people_is_manager(actor)
	THEN jsonb_build_object('id', u.id, 'name', u.name, 'kind', u.kind, 'teams',
		(SELECT coalesce(jsonb_agg(t ORDER BY place), '[]')
		FROM jsonb_array_elements(public.people_user(u.id) -> 'teams')
			WITH ORDINALITY AS teams (t, place)
		WHERE (t ->> 'id')::bigint = ANY (public.people_teams_of(actor, 'manager'))))
	END
FROM public.tollgate_users AS u WHERE u.id = who
$$;

CREATE OR REPLACE FUNCTION public.people_user_read(actor jsonb, who bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seen CONSTANT jsonb := public.people_user_seen(actor, who);
BEGIN
	IF seen IS NULL THEN
		PERFORM public.people_refuse('TG404', 'there is no such user, or not for you');
	END IF;
	RETURN seen;
END
$$;

-- filter: state (active, disabled, removed; none: all but the removed), kind, q (in
-- the name, or for admins the e-mail address).
CREATE OR REPLACE FUNCTION public.people_users(actor jsonb, filter jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT text := public.people_word(filter, 'state',
		'{active,disabled,removed}');
	of_kind CONSTANT text := public.people_word(filter, 'kind', '{person,service}');
	sought CONSTANT text := lower(filter ->> 'q');
	by_admin CONSTANT boolean := public.people_is_admin(actor);
BEGIN
	IF NOT public.people_is_manager(actor) THEN
		PERFORM public.people_refuse('TG403', 'only an admin, or a manager of a team, '
			'may see who there is');
	END IF;
	RETURN public.people_page(filter, ARRAY(
		SELECT public.people_user_seen(actor, u.id) FROM public.tollgate_users AS u
		WHERE u.id > public.people_after(filter)
		AND CASE WHEN u.removed_at IS NOT NULL THEN by_admin AND wanted = 'removed'
			WHEN u.disabled_at IS NOT NULL THEN coalesce(wanted, 'disabled') = 'disabled'
			ELSE coalesce(wanted, 'active') = 'active' END
		AND (of_kind IS NULL OR u.kind = of_kind)
		AND (sought IS NULL OR position(sought IN lower(u.name)) > 0
			OR by_admin AND position(sought IN lower(u.email)) > 0)
		ORDER BY u.id LIMIT public.people_limit(filter) + 1));
END
$$;

CREATE OR REPLACE FUNCTION public.people_is_email(email text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT length(email) <= 254
	AND email ~ '^[^[:cntrl:][:space:]@]+@[^[:cntrl:][:space:]@]+$'
$$;

CREATE OR REPLACE FUNCTION public.people_check_email(email text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_is_email(email) THEN
		PERFORM public.people_refuse('TG400', 'an e-mail address is like '
			'ada@example.com, up to 254 characters', 'email');
	END IF;
END
$$;

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
	PERFORM public.people_check_email(spec ->> 'email');
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
	PERFORM public.people_check_email(patch ->> 'email');
	UPDATE public.tollgate_users SET
		name = CASE WHEN patch ? 'name' THEN patch ->> 'name' ELSE name END,
		email = CASE WHEN patch ? 'email' THEN patch ->> 'email' ELSE email END,
		is_admin = coalesce((patch ->> 'is_admin')::boolean, is_admin),
		-- Nobody makes a right that a rule gives them one that outlives the rule.
		admin_by_rule = admin_by_rule AND ((patch ->> 'is_admin') IS NULL
			OR id IS NOT DISTINCT FROM public.people_who(actor)),
		admin_refused_at = CASE WHEN (patch ->> 'is_admin')::boolean THEN NULL
			WHEN NOT (patch ->> 'is_admin')::boolean AND is_admin THEN now()
			ELSE admin_refused_at END,
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
