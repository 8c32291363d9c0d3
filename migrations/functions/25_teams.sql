-- Teams, what their tokens may have at most, and who belongs to them.

CREATE OR REPLACE FUNCTION public.people_team_facts(id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', t.id, 'name', t.name,
	'state', CASE WHEN disabled_at IS NULL THEN 'active' ELSE 'disabled' END,
	'disabled_at', public.people_time(t.disabled_at),
	'scopes_most', t.scopes_most, 'lifetime_most_s', t.lifetime_most_s,
	'address_ranges_most', t.address_ranges_most,
	'created_at', public.people_time(t.created_at),
	'members', coalesce((SELECT jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name,
			'role', m.role) ORDER BY lower(u.name))
		FROM public.tollgate_members AS m JOIN public.tollgate_users AS u
		ON u.id = m.user_id WHERE m.team_id = t.id), '[]'),
	'tokens', (SELECT count(*) FROM public.tokens AS k WHERE k.tollgate_team_id = t.id))
FROM public.tollgate_teams AS t WHERE t.id = people_team_facts.id
$$;

-- Living tokens that have more than their team may give: what lowering it has left. The
-- first hundred.
CREATE OR REPLACE FUNCTION public.people_team_above(team bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object('id', above.id, 'name', above.name)
	ORDER BY above.id), '[]')
FROM (SELECT k.id, k.name
	FROM public.tollgate_teams AS t JOIN public.tokens AS k ON k.tollgate_team_id = t.id
	CROSS JOIN LATERAL (SELECT string_to_array(translate(coalesce(
		public.token_scopes_out(k.scopes), ''), ',', ' '), ' ') AS scopes) AS held
	WHERE t.id = people_team_above.team AND (t.scopes_most IS NOT NULL
		OR t.lifetime_most_s IS NOT NULL OR t.address_ranges_most IS NOT NULL)
	AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
	AND (EXISTS (SELECT FROM unnest(held.scopes) AS s WHERE s <> ''
			AND s <> ALL (t.scopes_most) AND '*' <> ALL (t.scopes_most))
		OR (t.lifetime_most_s IS NOT NULL AND (k.expires_at IS NULL OR k.expires_at
			> coalesce(k.created_at, now()) + t.lifetime_most_s * interval '1 s'))
		OR (t.address_ranges_most IS NOT NULL AND (k.tollgate_address_ranges IS NULL
			OR EXISTS (SELECT FROM unnest(k.tollgate_address_ranges) AS r
				WHERE NOT EXISTS (SELECT FROM unnest(t.address_ranges_most) AS most
					WHERE r <<= most)))))
	ORDER BY k.id LIMIT 100) AS above
$$;

CREATE OR REPLACE FUNCTION public.people_team(id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_team_facts(id)
	|| jsonb_build_object('above_ceiling', public.people_team_above(id))
$$;

CREATE OR REPLACE FUNCTION public.people_team_read(actor jsonb, team bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seen CONSTANT jsonb := CASE WHEN public.people_sees_team(actor, team)
		THEN public.people_team(team) END;
BEGIN
	IF seen IS NULL THEN
		PERFORM public.people_refuse('TG404', 'there is no such team, or not for you');
	END IF;
	RETURN seen;
END
$$;

-- Of members: their own. filter: state (active, disabled), q (in the name). Tokens
-- above a ceiling are told by each team alone.
CREATE OR REPLACE FUNCTION public.people_teams(actor jsonb, filter jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted CONSTANT text := public.people_word(filter, 'state', '{active,disabled}');
	sought CONSTANT text := lower(filter ->> 'q');
	by_admin CONSTANT boolean := public.people_is_admin(actor);
	own CONSTANT bigint[] := public.people_teams_of(actor);
BEGIN
	RETURN public.people_page(filter, ARRAY(
		SELECT public.people_team_facts(t.id) FROM public.tollgate_teams AS t
		WHERE t.id > public.people_after(filter)
		AND (by_admin OR t.id = ANY (own))
		AND (wanted IS NULL OR (wanted = 'disabled') = (t.disabled_at IS NOT NULL))
		AND (sought IS NULL OR position(sought IN lower(t.name)) > 0)
		ORDER BY t.id LIMIT public.people_limit(filter) + 1));
END
$$;

-- {"scopes_most": [...]} as text[]; what is absent or null: none.
CREATE OR REPLACE FUNCTION public.people_list(spec jsonb, name text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN jsonb_typeof(spec -> name) = 'array' THEN
	ARRAY(SELECT jsonb_array_elements_text(spec -> name)) END
$$;

CREATE OR REPLACE FUNCTION public.people_check_bounds(spec jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wrong text := (SELECT s FROM unnest(public.people_list(spec, 'scopes_most')) AS s
		WHERE s !~ '^(\*|[A-Za-z0-9_.:/-]{1,64})$' LIMIT 1);
BEGIN
	IF wrong IS NOT NULL THEN
		PERFORM public.people_refuse('TG400', format('''%s'' is not a scope: letters, '
			'digits and _ - . : / (up to 64), or * for all', wrong), 'scopes_most');
	ELSIF cardinality(public.people_list(spec, 'address_ranges_most')) = 0 THEN
		PERFORM public.people_refuse('TG400', 'no range lets nobody in: name one, or '
			'null for no bound', 'address_ranges_most');
	ELSIF (spec ->> 'lifetime_most_s')::numeric NOT BETWEEN 1 AND 3153600000 THEN
		PERFORM public.people_refuse('TG400', 'takes 1 to 3153600000 seconds (100 '
			'years)', 'lifetime_most_s');
	END IF;
	PERFORM public.people_list(spec, 'address_ranges_most')::cidr[];
EXCEPTION WHEN invalid_text_representation THEN
	PERFORM public.people_refuse('TG400', 'an address range is like 10.0.0.0/8 or '
		'2001:db8::/32, with no bit set behind its length', 'address_ranges_most');
END
$$;

-- spec: name, scopes_most, lifetime_most_s, address_ranges_most.
CREATE OR REPLACE FUNCTION public.people_team_add(actor jsonb, spec jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made bigint;
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_admin(actor);
	PERFORM public.people_check_name(spec ->> 'name');
	PERFORM public.people_check_bounds(spec);
	INSERT INTO public.tollgate_teams (name, scopes_most, lifetime_most_s,
		address_ranges_most)
		VALUES (spec ->> 'name', public.people_list(spec, 'scopes_most'),
		(spec ->> 'lifetime_most_s')::bigint,
		public.people_list(spec, 'address_ranges_most')::cidr[]) RETURNING id INTO made;
	RETURN public.people_team(made);
EXCEPTION WHEN unique_violation THEN
	PERFORM public.people_refuse('TG409', format('there is a team ''%s'' already',
		spec ->> 'name'), 'name');
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
	PERFORM public.people_check_bounds(patch);
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
EXCEPTION WHEN unique_violation THEN
	PERFORM public.people_refuse('TG409', 'there is another team of this name', 'name');
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
		(SELECT count(*) FROM public.tokens AS k
		WHERE k.tollgate_team_id = people_team_remove.team)));
END
$$;

-- role NULL: no longer a member, also where a rule says otherwise, until a role is given.
CREATE OR REPLACE FUNCTION public.people_member_set(actor jsonb, team bigint, who bigint,
	role text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_begin(actor);
	PERFORM public.people_need_manager(actor, team);
	IF role IS NULL THEN
		DELETE FROM public.tollgate_members WHERE user_id = who AND team_id = team;
		INSERT INTO public.tollgate_refused_members (user_id, team_id)
			SELECT id, team FROM public.tollgate_users
			WHERE id = who AND kind = 'person' ON CONFLICT DO NOTHING;
		RETURN public.people_team(team);
	ELSIF role NOT IN ('manager', 'viewer') THEN
		PERFORM public.people_refuse('TG400', 'a role in a team is manager or viewer',
			'role');
	ELSIF NOT EXISTS (SELECT FROM public.tollgate_users
			WHERE id = who AND removed_at IS NULL) THEN
		PERFORM public.people_refuse('TG404', 'there is no such user, or not for '
			'you');
	END IF;
	DELETE FROM public.tollgate_refused_members WHERE user_id = who AND team_id = team;
	INSERT INTO public.tollgate_members AS m (user_id, team_id, role)
		VALUES (who, team, people_member_set.role)
		-- Nobody makes a right that a rule gives them one that outlives the rule.
		ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role,
			by_rule = m.by_rule AND m.user_id IS NOT DISTINCT FROM
				public.people_who(actor);
	RETURN public.people_team(team);
END
$$;
