-- Tokens as people look for them: lists in pages, one, by its key, and from where it is
-- used.

-- A token, or NULL: there is none that the actor may see.
CREATE OR REPLACE FUNCTION public.token_get(actor jsonb, token bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT public.token_facts(t.id) FROM public.tokens AS t
WHERE t.id = token AND public.token_is_seen(actor, t.tollgate_team_id)
$$;

-- The tokens that somebody may mean, two at most: by the id, which goes first, and the
-- name of one that is not revoked.
CREATE OR REPLACE FUNCTION public.tokens_named(text text, by_id boolean, by_name boolean)
RETURNS TABLE (id bigint, name text, is_id boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
SELECT t.id::bigint, t.name::text, true FROM public.tokens AS t
WHERE by_id AND t.id = CASE WHEN text ~ '^(0|-?[1-9][0-9]{0,18})$'
	THEN CASE WHEN abs(text::numeric) <= 9223372036854775807 THEN text::bigint END END
UNION ALL
(SELECT t.id::bigint, t.name::text, false FROM public.tokens AS t
WHERE by_name AND lower(t.name::text) COLLATE "C" = lower(text) AND t.name::text = text
	AND t.revoked_at IS NULL
	AND NOT (by_id AND t.id::text = text) ORDER BY t.id LIMIT 2)
ORDER BY 3 DESC, 1 LIMIT 2
$$;

-- By the hash of a key, current or former.
CREATE OR REPLACE FUNCTION public.token_by_hash(actor jsonb, hash text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT json_build_object('secret', CASE WHEN k.valid_until IS NULL THEN 'current'
		ELSE 'old' END,
	'secret_expires_at', public.token_time(k.valid_until),
	'token', public.token_facts(t.id))
FROM public.token_keys AS k JOIN public.tokens AS t ON t.id = k.token_id
WHERE k.token_hash = hash AND public.token_is_seen(actor, t.tollgate_team_id)
$$;

-- --- lists ---

-- The first 1,000 by calls or errors of the 24 hours before `at`, or a page of them.
CREATE OR REPLACE FUNCTION public.token_ranking(wanted text, tokens bigint[],
	rank_by text, at timestamp, past jsonb, most integer)
RETURNS TABLE (id bigint, calls bigint, errors bigint, here jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT id, calls, errors, jsonb_build_array($3, %1$I, '
		'id) FROM (SELECT t.id::bigint AS id, s.calls, s.errors FROM (SELECT token_id, '
		'calls, errors_ours + errors_upstream + errors_client AS errors FROM '
		'public.usage_sums($1, $2, NULL, by_token => true, brief => true)) AS s '
		'JOIN public.tokens AS t ON t.id = s.token_id WHERE %1$I > 0 AND %2$s '
		'ORDER BY %1$I DESC, id LIMIT 1000) AS ranked WHERE %3$s '
		'ORDER BY %1$I DESC, id LIMIT %4$s', rank_by, wanted,
		CASE WHEN past IS NULL THEN 'true' ELSE format('(%I, -id) < (%s, -%s)', rank_by,
			(past ->> 0)::bigint, (past ->> 1)::bigint) END, most)
		USING ARRAY[public.usage_floor(at - interval '24 hours', 900),
			public.usage_floor(at, 900) + interval '15 minutes'], tokens, at;
END
$$;

-- Text in a URL, and back: RFC 4648 5, without padding.
CREATE OR REPLACE FUNCTION public.token_link_out(link text, here jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(link, '') || translate(encode(convert_to(here::text, 'UTF8'), 'base64'),
	E'+/=\n', '-_')
$$;

CREATE OR REPLACE FUNCTION public.token_link_in(text text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT convert_from(decode(translate(text, '-_', '+/')
	|| repeat('=', (4 - length(text) % 4) % 4), 'base64'), 'UTF8')::jsonb
$$;

-- The types of a place's values, which stand behind the name of its order.
CREATE OR REPLACE FUNCTION public.token_place_types(sort text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE ltrim(sort, '-')
	WHEN 'name' THEN '{text,id}'
	WHEN 'last_used_at' THEN '{time,time,id}'
	WHEN 'calls' THEN '{instant,id,id}'
	WHEN 'errors' THEN '{instant,id,id}'
	ELSE '{time,id}' END::text[]
$$;

-- The place that the next page begins behind, as one of this order's has it; NULL: the
-- list begins. Whoever made it may have made it up.
CREATE OR REPLACE FUNCTION public.token_place(sort text, after text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET datestyle = 'ISO' AS $$
DECLARE
	place jsonb;
	types CONSTANT text[] := public.token_place_types(sort);
	is_right boolean;
BEGIN
	BEGIN
		place := public.token_link_in(after);
		IF place IS NULL AND after IS NULL THEN
			RETURN NULL;
		ELSIF jsonb_typeof(place) = 'array' AND place ->> 0 = sort
				AND jsonb_array_length(place) = cardinality(types) + 1 THEN
			place := place - 0;
			is_right := (SELECT bool_and(coalesce(jsonb_typeof(p.v) IN ('string',
				'number') AND CASE types[p.n] WHEN 'text' THEN true
				WHEN 'id' THEN (p.v #>> '{}')::bigint IS NOT NULL
				WHEN 'time' THEN (p.v #>> '{}')::timestamptz IS NOT NULL
				ELSE (p.v #>> '{}')::timestamp BETWEEN '1970-01-01'
					AND now() AT TIME ZONE 'UTC' + interval '1 day' END, false))
				FROM jsonb_array_elements(place) WITH ORDINALITY AS p (v, n));
		END IF;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		is_right := false;
	END;
	IF is_right IS NOT TRUE THEN
		PERFORM public.people_refuse('TG400', 'is no place in this list: follow `next`',
			'after');
	END IF;
	RETURN place;
END
$$;

-- filter: q (the beginnings of words, or of the key, or an id), team, scope, state
-- (lists: any of them), unused_days, expires_days; sort (name, created_at, expires_at,
-- last_used_at, - before it: the last first) or by (calls, errors); after, limit; link:
-- what stands before the next page's `after`.
CREATE OR REPLACE FUNCTION public.token_list(actor jsonb, filter jsonb) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	seen CONSTANT bigint[] := public.token_teams_seen(actor);
	most CONSTANT integer := least(coalesce((filter ->> 'limit')::integer, 50), 1000);
	rank_by CONSTANT text := filter ->> 'by';
	sort CONSTANT text := coalesce(rank_by, filter ->> 'sort', '-created_at');
	past CONSTANT jsonb := public.token_place(sort, filter ->> 'after');
	answer json;
BEGIN
	IF rank_by IS NOT NULL THEN
		RETURN public.token_list_ranked(seen, rank_by, past, most, filter);
	END IF;
	WITH found AS MATERIALIZED (SELECT row_number() OVER () AS n, p.id, p.here
		FROM public.token_page(seen, filter, sort, past, most + 1) AS p)
	SELECT json_build_object('items', coalesce((SELECT json_agg(public.token_facts(id)
			ORDER BY n) FROM found WHERE n <= most), '[]'),
		'next', CASE WHEN (SELECT count(*) FROM found) > most THEN
			public.token_link_out(filter ->> 'link', jsonb_build_array(sort)
			|| (SELECT here FROM found WHERE n = most)) END)
		INTO answer;
	RETURN answer;
END
$$;

CREATE OR REPLACE FUNCTION public.token_list_ranked(seen bigint[],
	rank_by text, past jsonb, most integer, filter jsonb) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
WITH asked AS (SELECT coalesce((past ->> 0)::timestamp, date_trunc('second', now())
	AT TIME ZONE 'UTC') AS at),
found AS MATERIALIZED (SELECT row_number() OVER () AS n, r.* FROM asked,
	public.token_conditions(seen, filter) AS w,
	public.token_ranking(w.whole, public.usage_tokens(NULL, seen), rank_by, at,
		past - 0, most + 1) AS r)
SELECT json_build_object('items', coalesce((SELECT json_agg((left(
		public.token_facts(id)::text, -1) || format(', "calls": %s, "errors": %s}', calls,
		errors))::json ORDER BY n) FROM found WHERE n <= most), '[]'),
	'next', CASE WHEN (SELECT count(*) FROM found) > most THEN
		public.token_link_out(filter ->> 'link', jsonb_build_array(rank_by)
		|| (SELECT here FROM found WHERE n = most)) END,
	'as_of', public.token_time((SELECT at FROM asked) AT TIME ZONE 'UTC'))
$$;

-- --- addresses ---

-- From where a token was used in the last 24 hours, the latest first: by secret and
-- address. The latest 20,000 calls are looked through; `complete` is false beyond, and
-- beyond 1,000 lines.
CREATE OR REPLACE FUNCTION public.token_addresses(actor jsonb, token bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET jit = off AS $$
WITH secrets AS (SELECT k.token_hash, k.valid_until FROM public.token_keys AS k
	WHERE k.token_id = token AND (k.valid_until IS NULL
		OR k.valid_until > now() - interval '24 hours')),
calls AS MATERIALIZED (SELECT s.valid_until, l.ip_address, l.used_at FROM secrets AS s,
	LATERAL (SELECT ip_address, used_at FROM public.token_usage_logs
		WHERE token_hash = s.token_hash
		AND used_at >= (now() - interval '24 hours') AT TIME ZONE 'UTC'
		ORDER BY used_at DESC LIMIT 20001) AS l ORDER BY l.used_at DESC LIMIT 20001),
lines AS (SELECT valid_until, ip_address, count(*) AS calls, max(used_at) AS last
	FROM (SELECT * FROM calls ORDER BY used_at DESC LIMIT 20000) AS c
	GROUP BY valid_until, ip_address)
SELECT json_build_object('items', coalesce((SELECT json_agg(json_build_object(
		'secret', CASE WHEN valid_until IS NULL THEN 'current' ELSE 'old' END,
		'secret_expires_at', public.token_time(valid_until), 'address', ip_address,
		'calls', calls, 'last_used_at', public.token_time(last AT TIME ZONE 'UTC'))
		ORDER BY last DESC, ip_address)
		FROM (SELECT * FROM lines ORDER BY last DESC, ip_address LIMIT 1000) AS l), '[]'),
	'next', NULL,
	'from', public.token_time(now() - interval '24 hours'),
	'complete', (SELECT count(*) <= 20000 FROM calls)
		AND (SELECT count(*) <= 1000 FROM lines))
FROM public.tokens AS t
WHERE t.id = token AND public.token_is_seen(actor, t.tollgate_team_id)
$$;
