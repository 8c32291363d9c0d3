-- The usage log, one partition a UTC day, and what could not be stored in it.
--
-- Runs once, as tollgate_owner, inside a transaction. An unpartitioned token_usage_logs of the
-- older system is moved out of the way, whole, to token_usage_logs_legacy; `tollgate migrate`
-- then copies its rows day by day. The older backend's INSERT goes on, into the new table.

DO $legacy$
DECLARE
	kind "char";
	item record;
BEGIN
	SELECT relkind INTO kind FROM pg_class
		WHERE oid = to_regclass('public.token_usage_logs');
	IF kind IS NULL THEN
		RETURN;
	ELSIF kind <> 'r' THEN
		RAISE EXCEPTION 'public.token_usage_logs exists and is not an ordinary table'
			USING HINT = 'Nothing was changed. Rename it, then run this again.';
	END IF;
	ALTER TABLE public.token_usage_logs RENAME TO token_usage_logs_legacy;
	-- Index names are unique in a schema.
	FOR item IN SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = 'public.token_usage_logs_legacy'::regclass LOOP
		EXECUTE format('ALTER INDEX public.%I RENAME TO %I', item.relname,
			left(item.relname, 56) || '_legacy');
	END LOOP;
	IF to_regclass('public.token_usage_logs_id_seq') IS NOT NULL THEN
		ALTER SEQUENCE public.token_usage_logs_id_seq
			RENAME TO token_usage_logs_legacy_id_seq;
	END IF;
END
$legacy$;

CREATE SEQUENCE public.token_usage_logs_id_seq AS bigint;

CREATE TABLE public.token_usage_logs (
	-- Not an identity column: PostgreSQL 15's partitions do not inherit one.
	id bigint NOT NULL DEFAULT nextval('public.token_usage_logs_id_seq'),
	token_hash varchar(64) NOT NULL,
	route_path varchar(255),
	used_at timestamp NOT NULL, -- UTC
	response_status integer,
	response_time_ms integer,
	ip_address varchar(45),
	user_agent text,
	request_method varchar(10),
	error_message text,
	-- The columns above are the older system's.
	token_id bigint,
	request_id text,
	outcome text,
	upstream_status integer,
	total_ms integer,
	ttfb_ms integer,
	client_wait_ms integer,
	bytes_in bigint,
	bytes_out bigint,
	node text,
	trace_id text,
	tags jsonb,
	model text,
	tokens_in bigint,
	tokens_out bigint,
	PRIMARY KEY (id, used_at)
) PARTITION BY RANGE (used_at);
ALTER SEQUENCE public.token_usage_logs_id_seq OWNED BY public.token_usage_logs.id;

CREATE INDEX idx_usage_token_hash ON public.token_usage_logs (token_hash);
CREATE INDEX idx_usage_used_at ON public.token_usage_logs (used_at DESC);
CREATE INDEX idx_usage_route ON public.token_usage_logs (route_path);
CREATE INDEX idx_usage_composite ON public.token_usage_logs (token_hash, used_at DESC);

-- Makes sure that rows of a UTC day have a place; true if it had to be made. CREATE TABLE ...
-- PARTITION OF would lock the parent against all use, ATTACH lets readers and writers go on;
-- the CHECK spares it the scan.
CREATE FUNCTION public.usage_ensure_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
	part text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');
BEGIN
	IF day IS NULL OR day < date '1970-01-01' OR day > current_date + 31 THEN
		RAISE EXCEPTION 'no partition for %: too far from today', day
			USING ERRCODE = 'datetime_field_overflow';
	END IF;
	IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.' || part)
			AND inhparent = 'public.token_usage_logs'::regclass) THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtext('tollgate: partitions of token_usage_logs'));
	-- Again: another session may have made it while this one waited.
	IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.' || part)
			AND inhparent = 'public.token_usage_logs'::regclass) THEN
		RETURN false;
	END IF;
	EXECUTE format('CREATE TABLE public.%I (LIKE public.token_usage_logs INCLUDING ALL, '
		'CONSTRAINT %I CHECK (used_at >= %L AND used_at < %L))',
		part, part || '_day', day, day + 1);
	EXECUTE format('ALTER TABLE public.token_usage_logs ATTACH PARTITION public.%I '
		'FOR VALUES FROM (%L) TO (%L)', part, day, day + 1);
	RETURN true;
END
$$;
REVOKE ALL ON FUNCTION public.usage_ensure_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_ensure_partition(date) TO tollgate;

-- Rows that PostgreSQL refused for their own fault (SQLSTATE classes 22 and 23).
CREATE TABLE public.usage_rejected (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rejected_at timestamptz NOT NULL DEFAULT now(),
	sqlstate text NOT NULL,
	reason text NOT NULL,
	record jsonb NOT NULL
);

-- How far the older table is copied: a row for each of its days, and 'infinity' at the end.
CREATE TABLE public.usage_adoption (
	day date PRIMARY KEY, -- in the older backend's own time
	copied bigint NOT NULL,
	copied_at timestamptz NOT NULL DEFAULT now()
);

-- Copies a day of the older table, whose times are those of zone; returns the rows.
CREATE FUNCTION public.usage_adopt_day(which date, zone text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
BEGIN
	IF which NOT BETWEEN date '1970-01-02' AND current_date + 30 THEN
		INSERT INTO public.usage_rejected (sqlstate, reason, record)
			SELECT '22008', 'used_at is too far from today', to_jsonb(l)
			FROM public.token_usage_logs_legacy l
			WHERE used_at >= which AND used_at < which + 1;
		INSERT INTO public.usage_adoption (day, copied) VALUES (which, 0);
		RETURN 0;
	END IF;
	PERFORM public.usage_ensure_partition(d) FROM (
		SELECT DISTINCT (used_at AT TIME ZONE zone AT TIME ZONE 'UTC')::date AS d
		FROM public.token_usage_logs_legacy
		WHERE used_at >= which AND used_at < which + 1) AS days;
	INSERT INTO public.token_usage_logs (id, token_hash, route_path, used_at,
			response_status, response_time_ms, ip_address, user_agent,
			request_method, error_message, token_id)
		SELECT l.id, l.token_hash, l.route_path,
			l.used_at AT TIME ZONE zone AT TIME ZONE 'UTC', l.response_status,
			l.response_time_ms, l.ip_address, l.user_agent, l.request_method,
			l.error_message, k.token_id
		FROM public.token_usage_logs_legacy l
		LEFT JOIN public.token_keys k ON k.token_hash = lower(l.token_hash)
		WHERE l.used_at >= which AND l.used_at < which + 1;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO public.usage_adoption (day, copied) VALUES (which, n);
	RETURN n;
END
$$;
REVOKE ALL ON FUNCTION public.usage_adopt_day(date, text) FROM PUBLIC;

DO $legacy$
DECLARE
	item record;
BEGIN
	IF to_regclass('public.token_usage_logs_legacy') IS NULL THEN
		RETURN;
	END IF;
	PERFORM setval('public.token_usage_logs_id_seq', coalesce(
		(SELECT max(id) FROM public.token_usage_logs_legacy), 0) + 1, false);
	-- Whoever could read and write the older table can read and write the new one.
	FOR item IN SELECT privilege_type AS what,
			CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee))
			END AS who
			FROM pg_class, aclexplode(relacl)
			WHERE oid = 'public.token_usage_logs_legacy'::regclass
			AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') LOOP
		EXECUTE format('GRANT %s ON public.token_usage_logs TO %s', item.what, item.who);
		IF item.what = 'INSERT' THEN
			EXECUTE format('GRANT USAGE ON SEQUENCE public.token_usage_logs_id_seq '
				'TO %s', item.who);
		END IF;
	END LOOP;
END
$legacy$;

SELECT public.usage_ensure_partition(current_date + n) FROM generate_series(-2, 7) AS n;

GRANT SELECT, INSERT ON public.token_usage_logs, public.usage_rejected TO tollgate;
GRANT USAGE ON SEQUENCE public.token_usage_logs_id_seq TO tollgate;
