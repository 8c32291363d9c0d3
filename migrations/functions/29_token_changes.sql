-- Changes of tokens, as 25_people.sql makes those of people: one function each, in the
-- order of one lock, who acts first. Keys never come here, only their hashes.

-- --- what is asked for ---

CREATE OR REPLACE FUNCTION public.token_check_name(actor jsonb, name text, own bigint)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other bigint;
BEGIN
	IF name IS NULL OR octet_length(name) NOT BETWEEN 1 AND 100
			OR name ~ '[\x01-\x1f\x7f]|^ | $' THEN
		PERFORM public.people_refuse('TG400', 'a name is 1 to 100 bytes without control '
			'characters, and does not begin or end with a space', 'name');
	ELSIF name ~ '^[0-9]+$' THEN
		PERFORM public.people_refuse('TG400', format('''%1$s'' could be a token''s id: a '
			'name needs a character that is no digit, like token-%1$s', name), 'name');
	END IF;
	SELECT id INTO other FROM public.tokens AS t
		WHERE lower(t.name::text) COLLATE "C" = lower(token_check_name.name) COLLATE "C"
		AND t.name = token_check_name.name AND revoked_at IS NULL
		AND id IS DISTINCT FROM own LIMIT 1;
	IF FOUND THEN
		PERFORM public.people_refuse('TG409', CASE
			WHEN public.people_is_admin(actor)
			THEN format('token %s has the name ''%s'' already', other, name)
			ELSE 'another token has this name already' END, 'name');
	END IF;
	RETURN name;
END
$$;

-- spec -> 'scopes', each once.
CREATE OR REPLACE FUNCTION public.token_check_scopes(spec jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked CONSTANT text[] := coalesce(public.people_list(spec, 'scopes'), '{}');
	wrong bigint;
BEGIN
	SELECT min(n) INTO wrong FROM unnest(asked) WITH ORDINALITY AS s (scope, n)
		WHERE scope IS NULL OR scope !~ '^([A-Za-z0-9_.:/-]{1,64}|\*)$';
	IF wrong IS NOT NULL THEN
		PERFORM public.people_refuse('TG400', format('''%s'' is not a scope: letters, '
			'digits and _ - . : / (up to 64), or * for all', asked[wrong]),
			'scopes/' || wrong - 1);
	ELSIF octet_length(array_to_string(asked, ' ')) > 4096 THEN
		PERFORM public.people_refuse('TG400', 'a token''s scopes are 4096 bytes at most',
			'scopes');
	END IF;
	RETURN ARRAY(SELECT scope FROM unnest(asked) WITH ORDINALITY AS s (scope, n)
		GROUP BY scope ORDER BY min(n));
END
$$;

-- spec -> 'address_ranges'; NULL: from anywhere.
CREATE OR REPLACE FUNCTION public.token_check_ranges(spec jsonb) RETURNS cidr[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked CONSTANT text[] := public.people_list(spec, 'address_ranges');
	made cidr[] := CASE WHEN asked IS NOT NULL THEN '{}'::cidr[] END;
BEGIN
	IF cardinality(asked) > 1000 THEN
		PERFORM public.people_refuse('TG400', 'a token has 1000 address ranges at most',
			'address_ranges');
	END IF;
	FOR i IN 1 .. coalesce(cardinality(asked), 0) LOOP
		BEGIN
			IF asked[i] !~ ':|^([0-9]{1,3}\.){3}[0-9]{1,3}(/[0-9]{1,2})?$' THEN
				RAISE invalid_text_representation;
			END IF;
			made := made || asked[i]::cidr;
		EXCEPTION WHEN invalid_text_representation THEN
			PERFORM public.people_refuse('TG400', format('''%s'' is not a range of '
				'addresses: like 10.0.0.0/8, 203.0.113.9 or 2001:db8::/32, with nothing '
				'behind the prefix', asked[i]), 'address_ranges/' || i - 1);
		END;
	END LOOP;
	RETURN made;
END
$$;

-- spec: expires_at, or lifetime_s from now on. NULL: never.
CREATE OR REPLACE FUNCTION public.token_check_expiry(spec jsonb) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	asked CONSTANT timestamptz := coalesce(public.people_instant(spec, 'expires_at'),
		now() + (spec ->> 'lifetime_s')::bigint * interval '1 s');
BEGIN
	IF asked <= now() THEN
		PERFORM public.people_refuse('TG400', 'expires_at is in the past: to end a key '
			'now, disable or revoke it', 'expires_at');
	END IF;
	RETURN asked;
END
$$;

-- The team that a token is to belong to; NULL: none, which is the admins'.
CREATE OR REPLACE FUNCTION public.token_check_team(actor jsonb, team bigint)
RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF team IS NULL THEN
		IF NOT public.token_is_managed(actor, NULL) THEN
			PERFORM public.people_refuse('TG400', 'a token without a team is the '
				'admins'': say which of your teams it belongs to', 'team_id');
		END IF;
	ELSIF NOT public.token_is_seen(actor, team)
			OR NOT EXISTS (SELECT FROM public.tollgate_teams WHERE id = team) THEN
		PERFORM public.people_refuse('TG400', format('there is no team %s', team),
			'team_id');
	ELSIF NOT public.token_is_managed(actor, team) THEN
		PERFORM public.people_refuse('TG403', 'only a manager of the team may give it '
			'tokens', 'team_id');
	END IF;
	RETURN team;
END
$$;

-- That an admin disabled a team holds for all its tokens: no move wakes one.
CREATE OR REPLACE FUNCTION public.token_check_leave(actor jsonb, team bigint)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.people_is_admin(actor) AND EXISTS (SELECT FROM public.tollgate_teams
			WHERE id = team AND disabled_at IS NOT NULL) THEN
		PERFORM public.people_refuse('TG403', 'the token''s team is disabled: only an '
			'admin may move its tokens', 'team_id');
	END IF;
END
$$;

-- Nobody gives more than the team has. `what` is asked about: scopes, expires_at,
-- address_ranges. t: as it is to be.
CREATE OR REPLACE FUNCTION public.token_check_ceiling(t public.tokens, what text[])
RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
	most public.tollgate_teams;
	more text;
BEGIN
	SELECT * INTO most FROM public.tollgate_teams WHERE id = t.tollgate_team_id;
	IF 'scopes' = ANY (what) AND most.scopes_most IS NOT NULL
			AND '*' <> ALL (most.scopes_most) THEN
		SELECT s INTO more FROM unnest(public.token_scopes_list(
			public.token_scopes_out(t.scopes))) AS s WHERE s <> ALL (most.scopes_most);
		IF more IS NOT NULL THEN
			PERFORM public.people_refuse('TG400', format('the team ''%s'' may not give '
				'''%s''; its scopes: %s', most.name, more, coalesce(nullif(
				array_to_string(most.scopes_most, ', '), ''), 'none')), 'scopes');
		END IF;
	END IF;
	IF 'expires_at' = ANY (what) AND most.lifetime_most_s IS NOT NULL
			AND (t.expires_at IS NULL OR t.expires_at > coalesce(t.created_at, now())
			+ most.lifetime_most_s * interval '1 s') THEN
		PERFORM public.people_refuse('TG400', format('keys of the team ''%s'' live for '
			'%s seconds at most: expires_at must not be later than %s', most.name,
			most.lifetime_most_s, public.token_time(coalesce(t.created_at, now())
			+ most.lifetime_most_s * interval '1 s')), 'expires_at');
	END IF;
	IF 'address_ranges' = ANY (what) AND most.address_ranges_most IS NOT NULL
			AND (t.tollgate_address_ranges IS NULL OR EXISTS (SELECT
			FROM unnest(t.tollgate_address_ranges) AS r WHERE NOT EXISTS (SELECT
			FROM unnest(most.address_ranges_most) AS m WHERE r <<= m))) THEN
		PERFORM public.people_refuse('TG400', format('keys of the team ''%s'' are used '
			'from %s only: address_ranges must be within', most.name, coalesce(nullif(
			array_to_string(most.address_ranges_most, ', '), ''), 'nowhere')),
			'address_ranges');
	END IF;
END
$$;

CREATE OR REPLACE FUNCTION public.token_check_hash(actor jsonb, hash text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	whose text;
BEGIN
	IF hash IS NULL OR hash !~ '^[0-9a-fA-F]{64}$' THEN
		PERFORM public.people_refuse('TG400', 'a hash is the SHA-256 of the key: 64 hex '
			'digits', 'token_hash');
	END IF;
	SELECT format(': token %s, ''%s''', t.id, t.name) INTO whose
		FROM public.token_keys AS k JOIN public.tokens AS t ON t.id = k.token_id
		WHERE k.token_hash = lower(hash);
	IF FOUND THEN
		PERFORM public.people_refuse('TG409', 'this key is there already' || CASE
			WHEN actor IS NULL THEN whose ELSE ', or was' END, 'token_hash');
	END IF;
	RETURN lower(hash);
END
$$;

-- --- the same request again ---

-- once: {"id", "body"}, hashes of caller, operation and Idempotency-Key, and of the body.
-- What the request was answered before; NULL: it is new.
CREATE OR REPLACE FUNCTION public.token_repeated(once jsonb) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	before public.tollgate_repeats;
BEGIN
	IF once IS NULL THEN
		RETURN NULL;
	END IF;
	DELETE FROM public.tollgate_repeats WHERE at < now() - interval '24 hours';
	SELECT * INTO before FROM public.tollgate_repeats WHERE id = once ->> 'id';
	IF before.body_hash <> once ->> 'body' THEN
		PERFORM public.people_refuse('TG422', 'this Idempotency-Key came with another '
			'body before: take a new one for another request');
	END IF;
	RETURN before.answer;
END
$$;

-- Before the lock of all changes, so that it need not be waited for.
CREATE OR REPLACE FUNCTION public.token_begin(actor jsonb, once jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended(once ->> 'id', 0)) THEN
		PERFORM public.people_refuse('TG409', 'a request with this Idempotency-Key is '
			'still at work: try again in a moment');
	END IF;
	PERFORM public.people_begin(actor);
END
$$;

CREATE OR REPLACE FUNCTION public.token_keep_answer(once jsonb, token bigint)
RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answer CONSTANT json := public.token_facts(token);
BEGIN
	INSERT INTO public.tollgate_repeats (id, body_hash, answer)
		SELECT once ->> 'id', once ->> 'body', ('{"key": null, "hint": "this request was '
			'answered before, and its key shown then: keys are not kept. Rotate the token '
			'to get another one", ' || substr(answer::text, 2))::json
		WHERE once IS NOT NULL;
	RETURN answer;
END
$$;

-- --- changes ---

-- What spec says that a token is to be; the team, and what it allows, are not looked at.
CREATE OR REPLACE FUNCTION public.token_of_spec(actor jsonb, spec jsonb)
RETURNS public.tokens
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	t public.tokens;
BEGIN
	t.name := public.token_check_name(actor, spec ->> 'name', NULL);
	t.scopes := public.token_scopes_in(public.token_check_scopes(spec));
	t.expires_at := public.token_check_expiry(spec);
	t.tollgate_address_ranges := public.token_check_ranges(spec);
	t.tollgate_description := spec ->> 'description';
	t.key_start := spec ->> 'key_start';
	RETURN t;
END
$$;

-- Stores tokens, as they are; their ids.
CREATE OR REPLACE FUNCTION public.token_add(made public.tokens[]) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	missing text;
BEGIN
	RETURN QUERY INSERT INTO public.tokens AS k (name, token_hash, key_start, scopes,
		expires_at, tollgate_team_id, tollgate_description, tollgate_address_ranges,
		tollgate_disabled_at)
		SELECT t.name, t.token_hash, t.key_start, t.scopes, t.expires_at,
		t.tollgate_team_id, t.tollgate_description, t.tollgate_address_ranges,
		t.tollgate_disabled_at FROM unnest(made) AS t RETURNING k.id::bigint;
EXCEPTION
	WHEN unique_violation THEN
		PERFORM public.people_refuse('TG409', 'the table ''tokens'' has such a row '
			'already: ' || SQLERRM, 'name');
	WHEN not_null_violation THEN
		GET STACKED DIAGNOSTICS missing = COLUMN_NAME;
		PERFORM public.people_refuse('TG409', format('the column ''%s'' of tokens has no '
			'default: give it one, so that tokens can be made here', missing));
END
$$;

-- spec: name, scopes, team_id, description, address_ranges, expires_at or lifetime_s;
-- token_hash and key_start of its key, which only admins bring themselves ("brought").
CREATE OR REPLACE FUNCTION public.token_create(actor jsonb, spec jsonb,
	once jsonb DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	team bigint;
	t public.tokens;
	before json;
BEGIN
	PERFORM public.token_begin(actor, once);
	IF (spec ->> 'brought')::boolean THEN
		PERFORM public.people_need_admin(actor);
	END IF;
	team := public.token_check_team(actor, (spec ->> 'team_id')::bigint);
	before := public.token_repeated(once);
	IF before IS NOT NULL THEN
		IF NOT public.token_is_managed(actor, (SELECT tollgate_team_id
				FROM public.tokens WHERE id = (before ->> 'id')::bigint)) THEN
			PERFORM public.people_refuse('TG403', 'the token that this request made '
				'has moved to a team that you do not manage');
		END IF;
		RETURN before;
	END IF;
	t := public.token_of_spec(actor, spec);
	t.tollgate_team_id := team;
	PERFORM public.token_check_ceiling(t, '{scopes,expires_at,address_ranges}');
	IF spec ->> 'key_start' = 'generated' THEN
		PERFORM public.people_refuse('TG400', 'is the mark of tokens that `tollgate '
			'usage generate` makes and takes away: give the key''s first characters',
			'key_start');
	END IF;
	t.token_hash := public.token_check_hash(actor, spec ->> 'token_hash');
	RETURN public.token_keep_answer(once, (SELECT * FROM public.token_add(ARRAY[t])));
END
$$;

-- A token that the actor may change, locked.
CREATE OR REPLACE FUNCTION public.token_take(actor jsonb, token bigint)
RETURNS public.tokens
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t public.tokens;
BEGIN
	SELECT * INTO t FROM public.tokens WHERE id = token FOR UPDATE;
	IF NOT FOUND OR NOT public.token_is_seen(actor, t.tollgate_team_id) THEN
		PERFORM public.people_refuse('TG404', 'there is no such token');
	ELSIF NOT public.token_is_managed(actor, t.tollgate_team_id) THEN
		PERFORM public.people_refuse('TG403', 'only a manager of the token''s team may '
			'change it');
	END IF;
	RETURN t;
END
$$;

CREATE OR REPLACE FUNCTION public.token_need_living(t public.tokens) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF public.token_is_revoked(t) THEN
		PERFORM public.people_refuse('TG409', 'the token is revoked, which is for good');
	END IF;
END
$$;

-- patch: name, description, scopes, team_id, expires_at, address_ranges; what is absent
-- stays, null clears. Only what is changed is held against the team's ceiling.
CREATE OR REPLACE FUNCTION public.token_change(actor jsonb, token bigint, patch jsonb)
RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
	t public.tokens;
	bounds text[] := ARRAY(SELECT name FROM unnest('{scopes,expires_at,address_ranges}'
		::text[]) AS name WHERE patch ? name);
BEGIN
	PERFORM public.token_begin(actor, NULL);
	t := public.token_take(actor, token);
	IF patch ? 'team_id' AND (patch ->> 'team_id')::bigint
			IS DISTINCT FROM t.tollgate_team_id THEN
		PERFORM public.token_check_leave(actor, t.tollgate_team_id);
		t.tollgate_team_id := public.token_check_team(actor,
			(patch ->> 'team_id')::bigint);
		bounds := '{scopes,expires_at,address_ranges}';
	END IF;
	IF patch ? 'name' AND patch ->> 'name' IS DISTINCT FROM t.name THEN
		t.name := public.token_check_name(actor, patch ->> 'name', token);
	END IF;
	IF patch ? 'description' THEN
		t.tollgate_description := patch ->> 'description';
	END IF;
	IF patch ? 'scopes' THEN
		t.scopes := public.token_scopes_in(public.token_check_scopes(patch));
	END IF;
	IF patch ? 'expires_at' OR patch ? 'lifetime_s' THEN
		t.expires_at := public.token_check_expiry(patch);
		bounds := bounds || '{expires_at}'::text[];
	END IF;
	IF patch ? 'address_ranges' THEN
		t.tollgate_address_ranges := public.token_check_ranges(patch);
	END IF;
	PERFORM public.token_check_ceiling(t, bounds);
	UPDATE public.tokens SET name = t.name, scopes = t.scopes, expires_at = t.expires_at,
		tollgate_team_id = t.tollgate_team_id,
		tollgate_description = t.tollgate_description,
		tollgate_address_ranges = t.tollgate_address_ranges WHERE id = token;
	RETURN public.token_facts(token);
EXCEPTION WHEN unique_violation THEN
	PERFORM public.people_refuse('TG409', 'the table ''tokens'' has such a row already: '
		|| SQLERRM, 'name');
END
$$;

-- act: disable, enable, revoke, delete. Twice is as once.
CREATE OR REPLACE FUNCTION public.token_switch(actor jsonb, token bigint, act text)
RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
	t public.tokens;
BEGIN
	PERFORM public.token_begin(actor, NULL);
	t := public.token_take(actor, token);
	IF act IN ('disable', 'enable') THEN
		PERFORM public.token_need_living(t);
		UPDATE public.tokens SET tollgate_disabled_at = CASE WHEN act = 'disable' THEN
			coalesce(tollgate_disabled_at, now()) END
			WHERE id = token AND (tollgate_disabled_at IS NULL) = (act = 'disable');
	ELSE
		UPDATE public.tokens SET revoked_at = coalesce(revoked_at, now()),
			tollgate_deleted_at = CASE WHEN act = 'delete' THEN
			coalesce(tollgate_deleted_at, now()) ELSE tollgate_deleted_at END
			WHERE id = token AND (revoked_at IS NULL
			OR act = 'delete' AND tollgate_deleted_at IS NULL);
	END IF;
	-- What gateways have to reach.
	RETURN (left(public.token_facts(token)::text, -1) || format(', "generation": %s}',
		(SELECT generation FROM public.token_generation)))::json;
END
$$;

-- Another key for the same token. spec: token_hash, key_start, and grace_s: so long the
-- secrets before it go on, but no longer than the token. They stay in token_keys for
-- good: none of them can be given again.
CREATE OR REPLACE FUNCTION public.token_rotate(actor jsonb, token bigint, spec jsonb,
	once jsonb DEFAULT NULL) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	t public.tokens;
	before json;
	until timestamptz;
BEGIN
	PERFORM public.token_begin(actor, once);
	t := public.token_take(actor, token);
	before := public.token_repeated(once);
	IF before IS NOT NULL THEN
		RETURN before;
	END IF;
	PERFORM public.token_need_living(t);
	IF t.expires_at <= now() THEN
		PERFORM public.people_refuse('TG409', 'the token has expired: give it a later '
			'expires_at first');
	END IF;
	until := least(now() + coalesce((spec ->> 'grace_s')::bigint, 0) * interval '1 s',
		t.expires_at);
	UPDATE public.token_keys SET valid_until = until
		WHERE token_id = token AND (valid_until IS NULL OR valid_until > until);
	UPDATE public.tokens SET
		token_hash = public.token_check_hash(actor, spec ->> 'token_hash'),
		key_start = spec ->> 'key_start' WHERE id = token;
	RETURN public.token_keep_answer(once, token);
END
$$;
