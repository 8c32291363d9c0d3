-- The usage log, one partition a UTC day, and what could not be stored in it.
--
-- Runs once, as tollgate_owner, inside a transaction. An unpartitioned token_usage_logs
-- of the older system is moved out of the way, whole, to token_usage_logs_legacy;
-- `tollgate migrate` then copies its rows day by day. The older backend's INSERT goes on,
-- into the new table.

DO $legacy$
DECLARE
	kind "char";
	item record;
	wrong record;
BEGIN
	SELECT relkind INTO kind FROM pg_class
		WHERE oid = to_regclass('public.token_usage_logs');
	IF kind IS NULL THEN
		RETURN;
	ELSIF kind <> 'r' THEN
		RAISE EXCEPTION 'public.token_usage_logs exists and is not an ordinary table'
			USING HINT = 'Nothing was changed. Rename it, then run this again.';
	END IF;
	-- Each column that is copied must be there, of a type that can be.
	SELECT want.name, format_type(a.atttypid, NULL) AS type, want.types INTO wrong
	FROM (VALUES
		('id', '{smallint,integer,bigint}'::text[]),
		('token_hash', '{character varying,text,character}'),
		('route_path', '{character varying,text,character}'),
		('used_at', '{timestamp without time zone,timestamp with time zone}'),
		('response_status', '{smallint,integer}'),
		('response_time_ms', '{smallint,integer}'),
		('ip_address', '{character varying,text,character}'),
		('user_agent', '{character varying,text,character}'),
		('request_method', '{character varying,text,character}'),
		('error_message', '{character varying,text,character}')
	) AS want (name, types)
	LEFT JOIN pg_attribute a ON a.attrelid = 'public.token_usage_logs'::regclass
		AND a.attname = want.name AND NOT a.attisdropped
	WHERE a.attname IS NULL
		OR (want.name = 'id' AND format_type(a.atttypid, NULL) <> ALL (want.types))
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'column token_usage_logs.% %', wrong.name,
			coalesce('has type ' || wrong.type, 'is missing')
			|| '; it must be of type ' || array_to_string(wrong.types, ' or ')
			USING HINT = 'Nothing was changed. Add or convert the column, or rename the '
				'table if it is not the older system''s.';
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

-- Rows of days whose partition is missing, locked, or refused to the recorder: it puts
-- them here instead, and upkeep moves them to their day, for 7 days; then into
-- usage_bad_rows. The same columns as token_usage_logs, also in migrations to come.
CREATE TABLE public.token_usage_logs_held (
	LIKE public.token_usage_logs INCLUDING DEFAULTS,
	held_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX held_used_at ON public.token_usage_logs_held (used_at);
GRANT SELECT, INSERT ON public.token_usage_logs_held TO tollgate;

-- Rows that PostgreSQL refused for their own fault (SQLSTATE classes 22 and 23), or for
-- so long that nobody will mend it.
CREATE TABLE public.usage_bad_rows (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rejected_at timestamptz NOT NULL DEFAULT now(),
	sqlstate text NOT NULL,
	reason text NOT NULL,
	record jsonb NOT NULL
);

-- How far the older table is copied: a row for each of its days, and 'infinity' at the
-- end.
CREATE TABLE public.usage_adoption (
	day date PRIMARY KEY, -- in the older backend's own time
	copied bigint NOT NULL,
	copied_at timestamptz NOT NULL DEFAULT now()
);

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

GRANT SELECT, INSERT ON public.token_usage_logs, public.usage_bad_rows TO tollgate;
GRANT USAGE ON SEQUENCE public.token_usage_logs_id_seq TO tollgate;

-- How far each running process has written its lanes: the recorder's acknowledgement. A
-- row moves in the transaction that stores the events before its position, so an event is
-- stored once or not at all, whatever happens to the connection. Rows outlive their
-- process, so that a folder that comes back from a copy is not stored again, and go after
-- 400 days; those of lanes of which nothing was stored go at once.
CREATE TABLE public.usage_cursors (
	lane_group uuid NOT NULL, -- a process's lanes: 128 random bits, made at its start
	lane integer NOT NULL,
	position bigint NOT NULL,
	moved_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (lane_group, lane)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_cursors TO tollgate;

-- What has no row of its own in token_usage_logs: calls whose event found no room (gaps),
-- and calls without a known key (strangers). Both are counted, never listed. A row is one
-- counter of one lane of a process's group. Its name never comes again and its count only
-- grows, so that storing it twice changes nothing. Ask for sums.
CREATE TABLE public.usage_gaps (
	lane_group uuid NOT NULL,
	lane integer NOT NULL,
	serial bigint NOT NULL,
	minute timestamp NOT NULL, -- of used_at, UTC
	token_id bigint,           -- with route_path NULL: several, for want of room
	route_path varchar(255),
	dropped bigint NOT NULL,
	reason text,               -- NULL: no room was left for them
	lost_from timestamp,       -- 'database set back': used_at of the first and
	lost_to timestamp,         -- the last of those that the database has lost
	PRIMARY KEY (lane_group, lane, serial)
);

CREATE INDEX usage_gaps_minute ON public.usage_gaps (minute);

CREATE TABLE public.usage_strangers (
	lane_group uuid NOT NULL,
	lane integer NOT NULL,
	serial bigint NOT NULL,
	minute timestamp NOT NULL, -- UTC
	route_path varchar(255),
	reason text,               -- the answer's code; NULL: several, for want of room
	network cidr,              -- the caller's /24 or /64; NULL: from several
	requests bigint NOT NULL,
	PRIMARY KEY (lane_group, lane, serial)
);

CREATE INDEX usage_strangers_minute ON public.usage_strangers (minute);
GRANT SELECT, INSERT, UPDATE ON public.usage_gaps TO tollgate;

-- Of no use for ever: those of 90 days ago are deleted.
GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_strangers TO tollgate;

-- Events of POST /api/usage-log that carry a request_id, so that each is stored once. The
-- recorder puts an id in with the batch that stores its event; what is there already is
-- left out of the batch. Rows are kept for 48 hours, and go as others come.
CREATE TABLE public.usage_ingest_ids (
	id uuid PRIMARY KEY, -- of the token's hash and the request_id: SHA-256's first half
	seen_at timestamptz NOT NULL -- the event's arrival
);

CREATE INDEX usage_ingest_ids_seen_at ON public.usage_ingest_ids (seen_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_ingest_ids TO tollgate;

-- What `tollgate usage generate` has made, so that it can be taken away again. Its rows
-- carry the tag "generated", its tokens have 'generated' in key_start.
CREATE TABLE public.usage_generated (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	made_at timestamptz NOT NULL DEFAULT now(),
	low timestamp NOT NULL, -- no call is earlier
	high timestamp NOT NULL, -- nor this late
	calls bigint NOT NULL,
	-- Where days have cells only: what usage_rollup_state.raw_since was before.
	raw_since timestamp
);

GRANT SELECT, INSERT ON public.usage_generated TO tollgate;
