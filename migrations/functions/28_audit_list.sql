-- Reading the audit.

CREATE OR REPLACE FUNCTION public.people_audit_line(a public.tollgate_audit)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object('id', a.id, 'created_at', public.people_time(a.at),
	'user_id', a.user_id, 'actor', a.actor, 'acting', a.acting, 'action', a.action,
	'target', a.target, 'target_id', a.target_id, 'team_id', a.team_id,
	'former_team_id', a.former_team_id, 'before', a.before, 'after', a.after,
	'address', host(a.address), 'request_id', a.request_id)
$$;

-- Newest first. Admins see all of it, managers what concerns their teams, also what has
-- left them. filter: target, target_id, action, actor (as it is written), user and team
-- (ids or names), from, to.
CREATE OR REPLACE FUNCTION public.people_audit(actor jsonb, filter jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	own CONSTANT bigint[] := CASE WHEN NOT public.people_is_admin(actor) THEN
		public.people_teams_of(actor, 'manager') END;
	last_id CONSTANT bigint := public.people_integer(filter, 'after', 0,
		999999999999999999);
	who CONSTANT bigint := CASE WHEN filter ->> 'user' IS NOT NULL THEN
		public.people_user_id(filter ->> 'user') END;
	of_team CONSTANT bigint := CASE WHEN filter ->> 'team' IS NOT NULL THEN
		public.people_team_id(filter ->> 'team') END;
	starts CONSTANT timestamptz := public.people_instant(filter, 'from');
	ends CONSTANT timestamptz := public.people_instant(filter, 'to');
	found jsonb[];
BEGIN
	IF cardinality(own) = 0 THEN
		PERFORM public.people_refuse('TG403', 'only an admin, or a manager of a team, '
			'may read the audit');
	ELSIF of_team IS NOT NULL AND public.people_sees_team(actor, of_team) IS NOT TRUE THEN
		PERFORM public.people_refuse_unseen('team', filter ->> 'team');
	END IF;
	-- Only the conditions that are asked for, so that indexes answer them.
	EXECUTE 'SELECT ARRAY(SELECT public.people_audit_line(a) FROM public.tollgate_audit AS a '
		'WHERE true'
		|| CASE WHEN last_id IS NULL THEN '' ELSE ' AND a.id < $2' END
		|| CASE WHEN own IS NULL THEN '' ELSE ' AND (a.team_id = ANY ($3) '
			'OR a.former_team_id = ANY ($3))' END
		|| CASE WHEN of_team IS NULL THEN '' ELSE ' AND (a.team_id = $4 '
			'OR a.former_team_id = $4)' END
		|| CASE WHEN who IS NULL THEN '' ELSE ' AND a.user_id = $5' END
		|| CASE WHEN starts IS NULL THEN '' ELSE ' AND a.at >= $6' END
		|| CASE WHEN ends IS NULL THEN '' ELSE ' AND a.at < $7' END
		|| (SELECT coalesce(string_agg(format(' AND a.%1$I = $1 ->> %1$L', name), ''),
			'') FROM unnest('{target,target_id,action,actor}'::text[]) AS name
			WHERE filter ->> name IS NOT NULL)
		|| ' ORDER BY a.id DESC LIMIT $8)'
		INTO found USING filter, last_id, own, of_team, who, starts, ends,
			public.people_limit(filter) + 1;
	IF found = '{}' AND public.people_user_seen(actor, who) IS NULL AND who IS NOT NULL
			AND own IS NOT NULL THEN
		PERFORM public.people_refuse_unseen('user', filter ->> 'user');
	END IF;
	RETURN public.people_page(filter, found);
END
$$;

-- The owner's: takes away what is older, and leaves a line that tells so.
CREATE OR REPLACE FUNCTION public.tollgate_audit_prune(keep interval) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	upto CONSTANT timestamptz := now() - keep;
	n bigint;
BEGIN
	IF keep IS NULL OR upto > now() THEN
		RAISE EXCEPTION 'keep must be an interval of the past, as ''1 year'''
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM public.tollgate_audit WHERE at < upto;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM public.tollgate_audit_write('audit.pruned', NULL, NULL, 'audit', NULL, NULL,
		jsonb_build_object('lines', n, 'before', public.people_time(upto)));
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_audit_prune(interval) FROM PUBLIC;

-- An export begins, or has ended: facts say of what, how many rows, and how.
CREATE OR REPLACE FUNCTION public.people_export_note(actor jsonb, action text,
	facts jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.people_check_actor(actor);
	PERFORM set_config('tollgate.actor', coalesce(actor::text, ''), true);
	IF action IN ('export.begun', 'export.ended') THEN
		PERFORM public.tollgate_audit_write(action, NULL, NULL, 'export',
			facts ->> 'list', NULL, facts);
	END IF;
	RETURN true;
END
$$;
