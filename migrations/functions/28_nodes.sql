-- Nodes: what running gateways tell of themselves (gateway/token/token_report.h), and who
-- has applied which change of tokens.

-- A node reports every 5 s, and at each generation: one that has missed two reports is
-- silent.
CREATE OR REPLACE FUNCTION public.node_is_live(reported_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT reported_at > clock_timestamp() - interval '12 seconds'
$$;
REVOKE ALL ON FUNCTION public.node_is_live(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.node_is_live(timestamptz) TO tollgate;

CREATE OR REPLACE FUNCTION public.node_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
REVOKE ALL ON FUNCTION public.node_time(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.node_time(timestamptz) TO tollgate;

-- On the session that keeps the keys: waits for nobody. Silent ones go after a day; one
-- whose name has come back, at once.
CREATE OR REPLACE FUNCTION public.node_report(report jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
	mine CONSTANT public.tollgate_nodes := jsonb_populate_record(
		NULL::public.tollgate_nodes,
		report || jsonb_build_object('applied_at', at, 'reported_at', at));
BEGIN
	IF current_setting('transaction_read_only') = 'on' THEN
		RETURN;
	END IF;
	PERFORM set_config('lock_timeout', '100', true);
	INSERT INTO public.tollgate_nodes AS n SELECT mine.*
		ON CONFLICT (id) DO UPDATE SET instance = excluded.instance,
			generation = excluded.generation, right_at = excluded.right_at,
			waiting_bytes = excluded.waiting_bytes, oldest_at = excluded.oldest_at,
			dropped = excluded.dropped, reported_at = excluded.reported_at,
			applied_at = CASE WHEN (n.instance, n.generation)
				IS DISTINCT FROM (excluded.instance, excluded.generation)
				THEN excluded.applied_at ELSE n.applied_at END;
	DELETE FROM public.tollgate_nodes AS n WHERE n.reported_at < at - interval '1 day'
		OR n.name = mine.name AND n.id <> mine.id
			AND NOT public.node_is_live(n.reported_at);
END
$$;
REVOKE ALL ON FUNCTION public.node_report(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.node_report(jsonb) TO tollgate;

-- It ends, and serves nobody any more.
CREATE OR REPLACE FUNCTION public.node_end(node uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF current_setting('transaction_read_only') = 'off' THEN
		DELETE FROM public.tollgate_nodes WHERE id = node;
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.node_end(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.node_end(uuid) TO tollgate;

-- Of these few rows nothing is compiled, which takes 100 ms in a new session: the planner
-- takes tables that nobody has analyzed for large ones.
--
-- Per node: who, the generation that it has applied (of this database; 0: none), whether
-- it is alive, and when it was last heard of.
CREATE OR REPLACE FUNCTION public.nodes_progress()
RETURNS TABLE (id uuid, name text, generation bigint, is_live boolean, reported_at text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $$
SELECT n.id, n.name, CASE WHEN n.instance = g.instance THEN n.generation ELSE 0 END,
	public.node_is_live(n.reported_at), public.node_time(n.reported_at)
FROM public.tollgate_nodes AS n CROSS JOIN public.token_generation AS g
ORDER BY n.name, n.started_at, n.id
$$;
REVOKE ALL ON FUNCTION public.nodes_progress() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nodes_progress() TO tollgate;

-- All of them, as JSON.
CREATE OR REPLACE FUNCTION public.nodes_list() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $$
SELECT jsonb_build_object('items', coalesce(jsonb_agg(jsonb_build_object(
	'id', n.id, 'name', n.name, 'version', n.version,
	'state', CASE WHEN public.node_is_live(n.reported_at) THEN 'live' ELSE 'silent' END,
	'started_at', public.node_time(n.started_at),
	'reported_at', public.node_time(n.reported_at),
	'tokens', jsonb_build_object('generation', n.generation, 'newest', g.generation,
		'is_newest', n.instance = g.instance AND n.generation >= g.generation,
		'applied_at', public.node_time(n.applied_at),
		'age_ms', (extract(epoch FROM n.reported_at - n.right_at) * 1000)::bigint),
	'usage', jsonb_build_object('waiting_bytes', n.waiting_bytes,
		'oldest_at', public.node_time(n.oldest_at), 'dropped', n.dropped))
	ORDER BY n.name, n.started_at, n.id), '[]'), 'next', NULL)
FROM public.tollgate_nodes AS n CROSS JOIN public.token_generation AS g
$$;
REVOKE ALL ON FUNCTION public.nodes_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nodes_list() TO tollgate;
