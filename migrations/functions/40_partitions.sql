-- Days of the usage log: made, copied from the older table, dropped.

-- Every partition that holds just one UTC day, while it is part of the log: one that was
-- detached, or is about to be, is none. Its name may have a number behind the day.
CREATE OR REPLACE FUNCTION public.usage_partitions()
RETURNS TABLE (day date, part regclass)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT d.day, c.oid::regclass
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid,
	LATERAL (SELECT CASE WHEN relname ~ '^token_usage_logs_p\d{8}(_\d+)?$'
		THEN to_date(substr(relname, 19, 8), 'YYYYMMDD') END) AS d (day)
WHERE i.inhparent = 'public.token_usage_logs'::regclass
	AND (to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
	AND pg_get_expr(c.relpartbound, 0) = format('FOR VALUES FROM (%L) TO (%L)',
		d.day::timestamp, (d.day + 1)::timestamp)
$$;
REVOKE ALL ON FUNCTION public.usage_partitions() FROM PUBLIC;

-- The one of that day, found by its name; NULL where the day has none. Waits for no lock:
-- with the table's oid pg_get_expr would.
CREATE OR REPLACE FUNCTION public.usage_partition(day date) RETURNS regclass
LANGUAGE sql STABLE AS $$
SELECT c.oid::regclass FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace
	AND c.relname >= ('token_usage_logs_p' || to_char(day, 'YYYYMMDD'))::name
	AND c.relname < ('token_usage_logs_p' || to_char(day, 'YYYYMMDD') || '`')::name
	AND c.relname ~ '^token_usage_logs_p\d{8}(_\d+)?$'
	AND i.inhparent = 'public.token_usage_logs'::regclass
	AND (to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
	AND pg_get_expr(c.relpartbound, 0) = format('FOR VALUES FROM (%L) TO (%L)',
		day::timestamp, (day + 1)::timestamp)
$$;

-- Makes sure that rows of a UTC day have a place; true if it had to be made. CREATE TABLE
-- ... PARTITION OF would lock the parent against all use, ATTACH lets readers and writers
-- go on; the CHECK spares it the scan. The recorder may copy into the partition itself. A
-- name that is taken, say by a partition that was detached, is another name.
CREATE OR REPLACE FUNCTION public.usage_ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '1s'
AS $$
DECLARE
	base CONSTANT text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');
	part text := base;
	n integer := 1;
BEGIN
	IF day IS NULL OR day < date '1970-01-01' OR day > current_date + 31 THEN
		RAISE EXCEPTION 'no partition for %: too far from today', day
			USING ERRCODE = 'datetime_field_overflow';
	END IF;
	IF public.usage_partition(day) IS NOT NULL THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	-- Again: another session may have made it while this one waited.
	IF public.usage_partition(day) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOOP
		BEGIN
			EXECUTE format('CREATE TABLE public.%I (LIKE public.token_usage_logs '
				'INCLUDING ALL, CONSTRAINT %I CHECK (used_at >= %L AND used_at < %L))',
				part, base || '_day', day, day + 1);
			EXIT;
		EXCEPTION WHEN duplicate_table OR duplicate_object THEN
			n := n + 1;
			IF n > 100 THEN
				RAISE;
			END IF;
			part := base || '_' || n;
		END;
	END LOOP;
	EXECUTE format('ALTER TABLE public.token_usage_logs ATTACH PARTITION public.%I '
		'FOR VALUES FROM (%L) TO (%L)', part, day, day + 1);
	EXECUTE format('GRANT INSERT ON public.%I TO tollgate', part);
	RETURN true;
END
$$;
REVOKE ALL ON FUNCTION public.usage_ensure_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_ensure_partition(date) TO tollgate;

-- Makes sure of today and so many days to come, each for itself; returns how many have a
-- partition, and of one that has none why.
CREATE OR REPLACE FUNCTION public.usage_prepare_days(ahead integer, OUT n integer,
	OUT failed text, OUT state text, OUT reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	day date;
BEGIN
	n := 0;
	FOR i IN 0 .. ahead LOOP
		day := (now() AT TIME ZONE 'UTC')::date + i;
		BEGIN
			PERFORM public.usage_ensure_partition(day);
			n := n + 1;
		EXCEPTION WHEN OTHERS THEN
			failed := day;
			state := SQLSTATE;
			reason := SQLERRM;
		END;
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.usage_prepare_days(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_prepare_days(integer) TO tollgate;

-- Refuses to go on where one of these tables is no part of the log (any more). Asked once
-- rows were copied into them, which keeps others from detaching them until the
-- transaction ends.
CREATE OR REPLACE FUNCTION public.usage_check_attached(names text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	lost text;
BEGIN
	SELECT name INTO lost FROM unnest(names) AS name WHERE NOT EXISTS (
		SELECT FROM pg_inherits AS i
		WHERE i.inhparent = 'public.token_usage_logs'::regclass
		AND i.inhrelid = to_regclass('public.' || quote_ident(name))
		AND (to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true');
	IF FOUND THEN
		RAISE EXCEPTION '% was detached from token_usage_logs', lost
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.usage_check_attached(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_check_attached(text[]) TO tollgate;

-- Copies a day of the older table, whose times are those of zone; returns the rows. Rows
-- of days that were dropped come without a token's id, as late rows do: that is how they
-- are told from those that were counted. The locks are a retention's, so that a day is
-- dropped before or after.
CREATE OR REPLACE FUNCTION public.usage_adopt_day(which date, zone text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
-- An older table may have further columns, of any name.
#variable_conflict use_variable
DECLARE
	kept_since timestamp;
	n bigint;
BEGIN
	IF which NOT BETWEEN date '1970-01-02' AND current_date + 30 THEN
		INSERT INTO public.usage_bad_rows (sqlstate, reason, record)
			SELECT '22008', 'older log: used_at is before 1970 or over 30 days ahead',
				to_jsonb(l)
			FROM public.token_usage_logs_legacy l
			WHERE used_at >= which AND used_at < which + 1;
		INSERT INTO public.usage_adoption (day, copied) VALUES (which, 0);
		RETURN 0;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	LOCK TABLE public.token_usage_logs IN ROW EXCLUSIVE MODE;
	SELECT raw_since INTO kept_since FROM public.usage_rollup_state;
	PERFORM public.usage_ensure_partition(d) FROM (
		SELECT DISTINCT (used_at AT TIME ZONE zone AT TIME ZONE 'UTC')::date AS d
		FROM public.token_usage_logs_legacy
		WHERE used_at >= which AND used_at < which + 1) AS days;
	WITH judged AS (
		SELECT *, CASE
			WHEN id IS NULL THEN 'id is null'
			WHEN token_hash IS NULL THEN 'token_hash is null'
			WHEN length(token_hash) > 64 THEN 'token_hash is too long'
			WHEN length(route_path) > 255 THEN 'route_path is too long'
			WHEN length(ip_address) > 45 THEN 'ip_address is too long'
			WHEN length(request_method) > 10 THEN 'request_method is too long'
			END AS tollgate_refused
		FROM public.token_usage_logs_legacy
		WHERE used_at >= which AND used_at < which + 1
	), bad AS (
		INSERT INTO public.usage_bad_rows (sqlstate, reason, record)
		SELECT CASE WHEN tollgate_refused LIKE '%null' THEN '23502' ELSE '22001' END,
			'older log: ' || tollgate_refused, to_jsonb(j) - 'tollgate_refused'
		FROM judged AS j WHERE tollgate_refused IS NOT NULL
	)
	INSERT INTO public.token_usage_logs (id, token_hash, route_path, used_at,
			response_status, response_time_ms, ip_address, user_agent,
			request_method, error_message, token_id)
		SELECT l.id, l.token_hash, l.route_path,
			l.used_at AT TIME ZONE zone AT TIME ZONE 'UTC', l.response_status,
			l.response_time_ms, l.ip_address, l.user_agent, l.request_method,
			l.error_message, CASE WHEN l.used_at AT TIME ZONE zone AT TIME ZONE 'UTC'
				>= kept_since THEN k.token_id END
		FROM judged AS l
		LEFT JOIN public.token_keys k ON k.token_hash = lower(l.token_hash)
		WHERE l.tollgate_refused IS NULL;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO public.usage_adoption (day, copied) VALUES (which, n);
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.usage_adopt_day(date, text) FROM PUBLIC;

-- Days whose rows are older than so many days, with their sizes; the oldest first.
CREATE OR REPLACE FUNCTION public.usage_days_due(retention_days integer)
RETURNS TABLE (day date, bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT p.day, pg_total_relation_size(p.part)
FROM public.usage_partitions() AS p
WHERE retention_days > 0 AND p.day < (now() AT TIME ZONE 'UTC')::date - retention_days
ORDER BY day
$$;
REVOKE ALL ON FUNCTION public.usage_days_due(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_days_due(integer) TO tollgate;

-- Drops a day's rows; its cells stay, and are only added to from then on. DETACH
-- CONCURRENTLY can't run inside a function; the exclusive lock on token_usage_logs that
-- this takes instead is waited for one second at most, and held for a few milliseconds.
-- False: the day has changes to be counted first, or someone else is at it: come back.
-- Marks of earlier days are waited for as well: from then on their rows could not be
-- counted again. And a sample's calls, which are of real tokens, are taken off the
-- statistics first, while there are rows to count again.
CREATE OR REPLACE FUNCTION public.usage_drop_day(which date, retention_days integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '1s'
AS $$
DECLARE
	part CONSTANT regclass := public.usage_partition(which);
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN false;
	END IF;
	IF NOT EXISTS (SELECT FROM public.usage_days_due(retention_days) AS d
			WHERE d.day = which) THEN
		RAISE EXCEPTION '% is not older than % days, or has no rows', which,
			retention_days
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF EXISTS (SELECT FROM public.usage_generated, public.usage_rollup_state AS s
			WHERE low < which + 1 AND high > s.raw_since) THEN
		DELETE FROM public.token_usage_logs AS l
			WHERE used_at >= (SELECT raw_since FROM public.usage_rollup_state)
			AND used_at < which + 1 AND tags ? 'generated'
			AND token_id NOT IN (SELECT id FROM public.tokens
				WHERE key_start = 'generated');
		IF FOUND THEN
			RETURN false;
		END IF;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	LOCK TABLE public.token_usage_logs IN ACCESS EXCLUSIVE MODE;
	-- Nobody writes now: what marks there are can be seen.
	IF EXISTS (SELECT FROM public.usage_dirty WHERE since < which + 1) THEN
		RETURN false;
	END IF;
	UPDATE public.usage_rollup_state SET raw_since = greatest(raw_since, which + 1),
		dropped_before = greatest(dropped_before, which + 1);
	EXECUTE format('ALTER TABLE public.token_usage_logs DETACH PARTITION %s', part);
	EXECUTE format('DROP TABLE %s', part);
	RETURN true;
END
$$;
REVOKE ALL ON FUNCTION public.usage_drop_day(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_drop_day(date, integer) TO tollgate;

-- The day's partition as the snapshot at hand knows it, held until the transaction's end;
-- NULL where it has none. is_gone: it was dropped since, and what the snapshot saw in it
-- can't be read.
CREATE OR REPLACE FUNCTION public.usage_partition_seen(day date, OUT part regclass,
	OUT is_gone boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text;
BEGIN
	is_gone := false;
	SELECT c.oid, c.relname INTO part, name FROM pg_class AS c
		WHERE c.oid = public.usage_partition(day);
	IF part IS NULL THEN
		RETURN;
	END IF;
	BEGIN
		EXECUTE format('SELECT FROM public.%I LIMIT 0', name);
	EXCEPTION WHEN undefined_table THEN
		NULL;
	END;
	-- Another one of that name is one that was made since.
	IF to_regclass('public.' || name) IS DISTINCT FROM part THEN
		part := NULL;
		is_gone := true;
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.usage_partition_seen(date) FROM PUBLIC;

-- From two days ago to a week ahead; the rest is made while running.
SELECT public.usage_ensure_partition(current_date + n) FROM generate_series(-2, 7) AS n;
