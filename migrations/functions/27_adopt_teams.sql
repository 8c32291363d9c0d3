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
			'WHERE %1$I::text ~ ''[^[:space:][:cntrl:]]'' '
			'AND tollgate_team_id IS NULL', name) INTO n;
		IF n > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_older_teams() FROM PUBLIC;

-- Where the older teams' names are, as a query: a table `teams` with id and name.
CREATE OR REPLACE FUNCTION public.tollgate_older_names() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN EXISTS (SELECT FROM pg_class AS c
		JOIN pg_attribute AS i ON i.attrelid = c.oid AND i.attname = 'id'
		JOIN pg_attribute AS n ON n.attrelid = c.oid AND n.attname = 'name'
		WHERE c.oid = to_regclass('public.teams') AND c.relkind IN ('r', 'p')
		AND format_type(i.atttypid, NULL) = ANY ('{integer,bigint,smallint,uuid,text,
			character varying,character}') AND NOT i.attisdropped
		AND format_type(n.atttypid, NULL) = ANY ('{text,character varying,character}')
		AND NOT n.attisdropped)
	THEN 'SELECT id::text AS id, min(name::text) AS name FROM public.teams GROUP BY 1'
	ELSE 'SELECT NULL::text AS id, NULL::text AS name' END
$$;
REVOKE ALL ON FUNCTION public.tollgate_older_names() FROM PUBLIC;

-- A name that a team may have, of what an older system calls it: at most `most`
-- characters of it. NULL: it says none, or one that could be an id.
CREATE OR REPLACE FUNCTION public.tollgate_older_name(said text, most integer)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN name !~ '^[0-9]*$' THEN name END
FROM (SELECT rtrim(left(btrim(regexp_replace(said, '[[:cntrl:][:space:]]+', ' ', 'g')),
	most))) AS made (name)
$$;
REVOKE ALL ON FUNCTION public.tollgate_older_name(text, integer) FROM PUBLIC;

-- A new team for a value that is called `name`, the nth of of_n that are called so. A
-- name that others have as well is followed by the value, or by a number.
CREATE OR REPLACE FUNCTION public.tollgate_adopt_team(value text, name text, nth bigint,
	of_n bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	suffix text := '';
	n bigint := nth;
	made bigint;
BEGIN
	IF of_n > 1 AND value ~ '^[[:graph:]]{1,40}$' AND lower(name) <> lower(value) THEN
		suffix := ' (' || value || ')';
	ELSIF nth > 1 THEN
		suffix := ' ' || n;
	END IF;
	LOOP
		INSERT INTO public.tollgate_teams AS t (name) VALUES (
			public.tollgate_older_name(name, 100 - length(suffix)) || suffix)
			ON CONFLICT DO NOTHING RETURNING t.id INTO made;
		EXIT WHEN made IS NOT NULL;
		n := n + 1;
		suffix := ' ' || n;
	END LOOP;
	RETURN made;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_adopt_team(text, text, bigint, bigint)
	FROM PUBLIC;

-- Makes a team of each value of a column of tokens, never one of two values, nor of a
-- team that is there for another reason, and its tokens the team's; tokens that have a
-- team here keep it, and a blank value is none. Again: what has come since; which team a
-- value is stays known, whatever it is called now. How many tokens were given one.
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
	-- Values as they are written: two that the column's collation holds equal are two.
	EXECUTE format('CREATE TEMPORARY TABLE tollgate_adopted ON COMMIT DROP AS '
		'SELECT v.value, sha256(convert_to(v.value, ''UTF8'')) AS hash, coalesce('
		'public.tollgate_older_name(o.name, 100), '
		'CASE WHEN %2$L AND o.id IS NULL THEN '
		'public.tollgate_older_name(v.value, 100) END, '
		'public.tollgate_older_name(''team '' || v.value, 100)) AS name '
		'FROM (SELECT DISTINCT %1$I::text COLLATE "C" AS value FROM public.tokens '
		'WHERE %1$I::text ~ ''[^[:space:][:cntrl:]]'' AND tollgate_team_id IS NULL) AS v '
		'LEFT JOIN (%3$s) AS o ON o.id = v.value', col, type IN ('text',
			'character varying', 'character'), public.tollgate_older_names());
	INSERT INTO public.tollgate_adopted_teams (column_name, value_hash, team_id)
		SELECT col, hash, public.tollgate_adopt_team(value, name, nth, of_n)
		FROM (SELECT *, row_number() OVER (PARTITION BY lower(name) ORDER BY value)
				AS nth, count(*) OVER (PARTITION BY lower(name)) AS of_n
			FROM pg_temp.tollgate_adopted AS a
			WHERE NOT EXISTS (SELECT FROM public.tollgate_adopted_teams AS known
				WHERE known.column_name = col AND known.value_hash = a.hash)) AS new
		ORDER BY value;
	EXECUTE format('UPDATE public.tokens AS k SET tollgate_team_id = t.team_id '
		'FROM pg_temp.tollgate_adopted AS a JOIN public.tollgate_adopted_teams AS t '
		'ON t.column_name = %1$L AND t.value_hash = a.hash '
		'WHERE k.%1$I::text COLLATE "C" = a.value AND k.tollgate_team_id IS NULL', col);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_adopt_teams(text) FROM PUBLIC;
