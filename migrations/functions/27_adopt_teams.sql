-- Teams of an older system, which its column of `tokens` tells.

-- Columns that look like it, with how many values have no team here yet.
CREATE OR REPLACE FUNCTION public.tollgate_older_teams()
RETURNS TABLE (name text, n bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	FOR name IN SELECT attname FROM pg_attribute
			WHERE attrelid = 'public.tokens'::regclass AND NOT attisdropped
			AND attname = ANY ('{team_id,team,team_uuid,team_name,tenant_id,
				organization_id,org_id,workspace_id,group_id}')
			AND format_type(atttypid, NULL) = ANY ('{integer,bigint,smallint,uuid,text,
				character varying,character}') ORDER BY attnum LOOP
		EXECUTE format('SELECT count(DISTINCT %1$I) FROM public.tokens '
			'WHERE %1$I IS NOT NULL AND tollgate_team_id IS NULL', name) INTO n;
		IF n > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_older_teams() FROM PUBLIC;

-- Where the older teams' names are: a table `teams` whose id is of the column's type.
CREATE OR REPLACE FUNCTION public.tollgate_older_names(type text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN EXISTS (SELECT FROM pg_attribute AS i JOIN pg_attribute AS n
		ON n.attrelid = i.attrelid AND n.attname = 'name' AND NOT n.attisdropped
		AND format_type(n.atttypid, NULL) = ANY ('{text,character varying,character}')
		WHERE i.attrelid = to_regclass('public.teams') AND i.attname = 'id'
		AND NOT i.attisdropped AND (format_type(i.atttypid, NULL) = type
			OR (format_type(i.atttypid, NULL) LIKE '%int%' AND type LIKE '%int%')))
	THEN '(SELECT btrim(name::text) FROM public.teams WHERE id = v.value LIMIT 1)'
	ELSE 'NULL::text' END
$$;
REVOKE ALL ON FUNCTION public.tollgate_older_names(text) FROM PUBLIC;

-- Makes a team of each value of a column of tokens, and its tokens the team's; tokens
-- that have a team here keep it. Again: what has come since. How many tokens were given
-- one.
CREATE OR REPLACE FUNCTION public.tollgate_adopt_teams(col text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	type CONSTANT text := (SELECT format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = 'public.tokens'::regclass AND attname = col AND attnum > 0
		AND NOT attisdropped);
	n bigint;
BEGIN
	IF type IS NULL OR type <> ALL ('{integer,bigint,smallint,uuid,text,
			character varying,character}') OR col LIKE 'tollgate%' THEN
		RAISE EXCEPTION '%', CASE WHEN type IS NULL THEN format('tokens has no column %s',
			col) ELSE format('column tokens.%s has type %s; teams are adopted from '
			'integer, uuid or text', col, type) END;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: people'));
	-- A name that another value has too, or that could be an id, has its value behind it.
	EXECUTE format('CREATE TEMPORARY TABLE tollgate_adopted ON COMMIT DROP AS '
		'SELECT value, left(CASE WHEN name ~ ''^[0-9]+$'' OR name IS NULL OR name = '''' '
		'THEN ''team '' || value::text WHEN count(*) OVER (PARTITION BY lower(name)) > 1 '
		'THEN name || '' ('' || value::text || '')'' ELSE name END, 100) AS name FROM ('
		'SELECT v.value, coalesce(%2$s, CASE WHEN %3$L THEN btrim(v.value::text) END) '
		'AS name FROM (SELECT DISTINCT %1$I AS value FROM public.tokens '
		'WHERE %1$I IS NOT NULL) AS v) AS named', col,
		public.tollgate_older_names(type), type IN ('text', 'character varying',
			'character'));
	INSERT INTO public.tollgate_teams (name) SELECT name FROM pg_temp.tollgate_adopted
		ON CONFLICT DO NOTHING;
	EXECUTE format('UPDATE public.tokens AS k SET tollgate_team_id = t.id '
		'FROM pg_temp.tollgate_adopted AS a JOIN public.tollgate_teams AS t '
		'ON lower(t.name) = lower(a.name) '
		'WHERE k.%I = a.value AND k.tollgate_team_id IS NULL', col);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_adopt_teams(text) FROM PUBLIC;
