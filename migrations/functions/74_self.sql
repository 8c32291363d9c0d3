-- What the holder of a key may know of it (GET /api/self).

-- What a token was used for since then, UTC.
CREATE OR REPLACE FUNCTION public.usage_of_token(token bigint, since timestamp)
RETURNS json LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT json_build_object('from', public.usage_local(low, 'UTC'),
	'to', public.usage_local(high, 'UTC'),
	'calls', coalesce(s.calls, 0), 'errors', coalesce(e.errors, 0),
	'success_rate', round(1 - e.errors::numeric / s.calls, 6),
	'mean_ms', round(s.time_sum::numeric / nullif(s.time_count, 0), 1),
	'bytes_in', coalesce(s.bytes_in, 0), 'bytes_out', coalesce(s.bytes_out, 0))
FROM public.usage_range(since, now() AT TIME ZONE 'UTC')
LEFT JOIN LATERAL public.usage_sums(ARRAY[low, high], ARRAY[token], brief => true)
	AS s ON true
CROSS JOIN LATERAL (SELECT s.errors_ours + s.errors_upstream + s.errors_client) AS e
	(errors)
$$;
REVOKE ALL ON FUNCTION public.usage_of_token(bigint, timestamp) FROM PUBLIC;

-- NULL: there is no such key any more.
CREATE OR REPLACE FUNCTION public.usage_self(hash text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT json_build_object('id', t.id, 'name', t.name,
	'scopes', coalesce(string_to_array(nullif(l.scopes, ''), ' '), '{}'),
	'address_ranges', t.tollgate_address_ranges::text[],
	'state', public.token_state(t, t.tollgate_team_id = ANY (
		public.token_teams_disabled())),
	'created_at', public.token_time(t.created_at),
	'expires_at', public.token_time(t.expires_at),
	-- Of a key that was replaced: how long it still works.
	'secret_expires_at', public.token_time(k.valid_until),
	'last_used_at', public.token_time(t.last_used),
	'use', json_build_object(
		'last_24h', public.usage_of_token(t.id,
			now() AT TIME ZONE 'UTC' - interval '24 hours'),
		'last_30d', public.usage_of_token(t.id,
			now() AT TIME ZONE 'UTC' - interval '30 days')))
FROM public.token_keys AS k
JOIN public.token_lookup AS l USING (token_hash)
JOIN public.tokens AS t ON t.id = k.token_id
WHERE k.token_hash = hash
$$;
REVOKE ALL ON FUNCTION public.usage_self(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_of_token(bigint, timestamp),
	public.usage_self(text) TO tollgate;
