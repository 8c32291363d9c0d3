-- What functions of people share. Each change is one function that answers in JSON, whose
-- first argument says who acts ({"user_id", "name", "acting", "address",
-- "request_id"}; NULL: whoever has the database). One change at a time: a rule that two
-- of them could break together is kept. Refusals have SQLSTATE TG400, TG403, TG404 or
-- TG409, and name the field as COLUMN. Lists take the actor as well, and a filter:
-- `limit`, `after`, which is the last id of the page before, and what each of them says.

CREATE OR REPLACE FUNCTION public.people_refuse(code text, message text,
	field text DEFAULT '') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, COLUMN = field;
END
$$;

-- Only NULL is whoever has the database: an actor that says nobody is refused.
CREATE OR REPLACE FUNCTION public.people_check_actor(actor jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF actor IS NOT NULL AND jsonb_typeof(actor -> 'user_id') IS DISTINCT FROM 'number'
	THEN
		PERFORM public.people_refuse('TG403', 'who does this is not known');
	END IF;
END
$$;

CREATE OR REPLACE FUNCTION public.people_begin(actor jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_check_actor(actor);
	PERFORM set_config('tollgate.actor', coalesce(actor::text, ''), true);
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: people'));
END
$$;

-- --- who may ---

-- NULL: nobody, or whoever has the database.
CREATE OR REPLACE FUNCTION public.people_who(actor jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE jsonb_typeof(actor -> 'user_id') WHEN 'number'
	THEN (actor ->> 'user_id')::bigint END
$$;

-- Rights that sign_in.rules gave hold for a day after a token that says so was shown
-- last: by a key or a session they do not outlive what the provider says.
CREATE OR REPLACE FUNCTION public.people_rules_hold(who bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM public.tollgate_identities AS i
	JOIN public.tollgate_vouched AS v ON v.identity_id = i.id
	WHERE i.user_id = who AND v.seen_at > now() - interval '24 hours')
$$;

-- As it stands in the tables now; whoever has the database may everything.
CREATE OR REPLACE FUNCTION public.people_is_admin(actor jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT actor IS NULL OR EXISTS (SELECT FROM public.tollgate_users
	WHERE id = public.people_who(actor) AND is_admin AND disabled_at IS NULL
	AND removed_at IS NULL AND (NOT admin_by_rule OR public.people_rules_hold(id)))
$$;

-- Ids of the teams that the actor belongs to, as what role; of any where it is NULL.
CREATE OR REPLACE FUNCTION public.people_teams_of(actor jsonb, role text DEFAULT NULL)
RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT ARRAY(SELECT m.team_id FROM public.tollgate_members AS m
	JOIN public.tollgate_users AS u ON u.id = m.user_id
	WHERE m.user_id = public.people_who(actor) AND u.disabled_at IS NULL
	AND u.removed_at IS NULL AND m.role = coalesce(people_teams_of.role, m.role)
	AND (NOT m.by_rule OR public.people_rules_hold(m.user_id))
	ORDER BY m.team_id)
$$;

CREATE OR REPLACE FUNCTION public.people_is_manager(actor jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_is_admin(actor)
	OR cardinality(public.people_teams_of(actor, 'manager')) > 0
$$;

CREATE OR REPLACE FUNCTION public.people_sees_team(actor jsonb, team bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.people_is_admin(actor) OR team = ANY (public.people_teams_of(actor))
$$;

CREATE OR REPLACE FUNCTION public.people_need_admin(actor jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_is_admin(actor) THEN
		PERFORM public.people_refuse('TG403', 'only an admin may do this');
	END IF;
END
$$;

-- Who does not see the team is not told whether there is one.
CREATE OR REPLACE FUNCTION public.people_need_manager(actor jsonb, team bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_sees_team(actor, team)
			OR NOT EXISTS (SELECT FROM public.tollgate_teams WHERE id = team) THEN
		PERFORM public.people_refuse('TG404', 'there is no such team, or not for you');
	ELSIF NOT public.people_is_admin(actor)
			AND team <> ALL (public.people_teams_of(actor, 'manager')) THEN
		PERFORM public.people_refuse('TG403', 'only a manager of the team may do this');
	END IF;
END
$$;

-- An admin, or the user, who must be there; managers see that others are.
CREATE OR REPLACE FUNCTION public.people_need_self(actor jsonb, who bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF public.people_user_seen(actor, who) IS NULL THEN
		PERFORM public.people_refuse('TG404', 'there is no such user, or not for you');
	ELSIF NOT public.people_is_admin(actor)
			AND public.people_who(actor) IS DISTINCT FROM who THEN
		PERFORM public.people_refuse('TG403', 'only an admin may do this, or the user');
	END IF;
END
$$;

-- An admin who can sign in: by a key that lives, or by a provider.
CREATE OR REPLACE FUNCTION public.people_has_admin() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM public.tollgate_users AS u
	WHERE is_admin AND disabled_at IS NULL AND removed_at IS NULL
	AND kind = 'person' AND (EXISTS (SELECT FROM public.tollgate_user_keys AS k
			WHERE k.user_id = u.id AND revoked_at IS NULL
			AND (expires_at IS NULL OR expires_at > now()))
		OR EXISTS (SELECT FROM public.tollgate_identities AS i WHERE i.user_id = u.id)))
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

-- There is none, or it is not the actor's to see: told in the same words, as it was asked
-- for.
CREATE OR REPLACE FUNCTION public.people_refuse_unseen(kind text, which text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF which ~ '^[0-9]+$' THEN
		PERFORM public.people_refuse('TG404', format('there is no such %s, or not for '
			'you', kind));
	END IF;
	PERFORM public.people_refuse('TG404', format('there is no %s ''%s''', kind, which),
		kind);
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
		PERFORM public.people_refuse_unseen('user', which);
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
		PERFORM public.people_refuse_unseen('team', which);
	END IF;
	RETURN found_id;
END
$$;

-- RFC 3339, in Z; NULL also for a time that never comes.
CREATE OR REPLACE FUNCTION public.people_time(t timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN isfinite(t) THEN
	to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
$$;

-- --- lists ---

-- A whole number of a filter, which may hold it as text.
CREATE OR REPLACE FUNCTION public.people_integer(filter jsonb, name text, low bigint,
	high bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF filter ->> name IS NULL THEN
		RETURN NULL;
	ELSIF filter ->> name !~ '^[0-9]{1,18}$'
			OR (filter ->> name)::bigint NOT BETWEEN low AND high THEN
		PERFORM public.people_refuse('TG400', format('takes a whole number from %s to '
			'%s', low, high), name);
	END IF;
	RETURN (filter ->> name)::bigint;
END
$$;

-- A time of a filter or a body, as RFC 3339 has it.
CREATE OR REPLACE FUNCTION public.people_instant(filter jsonb, name text)
RETURNS timestamptz LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF filter ->> name ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$' THEN
		RETURN (filter ->> name)::timestamptz;
	ELSIF filter ->> name IS NOT NULL THEN
		PERFORM public.people_refuse('TG400', 'takes a time like 2026-11-29T12:00:00Z, '
			'or with an offset, whose + is %2B in a query', name);
	END IF;
	RETURN NULL;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
	PERFORM public.people_refuse('TG400', 'is no day or hour that there is', name);
END
$$;

CREATE OR REPLACE FUNCTION public.people_word(filter jsonb, name text, words text[])
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF filter ->> name IS NOT NULL AND filter ->> name <> ALL (words) THEN
		PERFORM public.people_refuse('TG400', format('takes %s',
			array_to_string(words, ', ')), name);
	END IF;
	RETURN filter ->> name;
END
$$;

CREATE OR REPLACE FUNCTION public.people_limit(filter jsonb) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(public.people_integer(filter, 'limit', 1, 200), 50)::integer
$$;

CREATE OR REPLACE FUNCTION public.people_after(filter jsonb) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(public.people_integer(filter, 'after', 0, 999999999999999999), 0)
$$;

-- One more than a page's items, in order, each {"id": ..., ...}, as a page. `next` leads
-- to the next one: the last id, behind the filter's `link` where there is one.
CREATE OR REPLACE FUNCTION public.people_page(filter jsonb, items jsonb[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('items', to_jsonb(items[1:most]), 'next',
	CASE WHEN cardinality(items) <= most THEN NULL
	WHEN filter ? 'link' THEN to_jsonb((filter ->> 'link') || (items[most] ->> 'id'))
	ELSE items[most] -> 'id' END)
FROM (SELECT public.people_limit(filter)) AS asked (most)
$$;
