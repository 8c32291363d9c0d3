-- Rollups: what every statistic is answered from, kept equal to a recount of the rows.
--
-- Runs once, as tollgate_owner, inside a transaction. docs/usage-rollups.md explains the
-- whole; docs/adr/0007-rollups.md why it is so.
--
-- A cell holds the sums of all calls of one token on one route in one interval, which
-- `since` begins. token_id -1: all tokens together; 0: a token_hash that is no token's.
-- route_id -1: all routes; 0: no route. Cells only ever add up, so an answer is the sum
-- of all cells of its range, wherever they stand just now:
--
--   usage_deltas    what each batch of the recorder adds, in the batch's own transaction
--   usage_open      the same merged, a cell each 15 minutes, until the day is over
--   usage_15min, usage_hour, usage_6hours, usage_day, usage_8days, usage_64days
--                   days that are over, in each width
--
-- In cells NULL is 0. PostgreSQL keeps a NULL in a bit, and sum() passes over it.

-- Paths by number. 0 stands for "no route matched", -1 in cells for all routes.
CREATE TABLE public.usage_routes (
	route_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	route_path varchar(255) NOT NULL UNIQUE
);

DO $tables$
DECLARE
	-- The sums that every cell has are those of gateway/recorder/cells.def; one that is
	-- added there is added to these tables by a migration.
	sums CONSTANT text := (SELECT string_agg(name || ' bigint', ', ') FROM unnest(
		'{errors_ours,errors_upstream,errors_client,status_1xx,status_2xx,status_3xx,status_4xx,'
		'status_5xx,status_none,time_count,time_sum,total_count,total_sum,bytes_in,bytes_out}'
		::text[]) AS name);
	buckets CONSTANT text := (SELECT string_agg('h' || n || ' integer', ', ')
		FROM generate_series(1, 137) AS n);
	columns CONSTANT text := 'calls bigint NOT NULL, ' || sums || ', time_max integer, '
		|| buckets;
	ranked CONSTANT text := 'calls, errors_ours, errors_upstream, errors_client, '
		'time_count, time_sum, bytes_in, bytes_out';
	name text;
BEGIN
	-- Only ever appended to and taken from: no key, no index, nothing that two could wait
	-- for.
	EXECUTE 'CREATE TABLE public.usage_deltas (since timestamp NOT NULL, '
		'token_id bigint NOT NULL, route_path varchar(255), ' || columns || ')';
	FOREACH name IN ARRAY '{usage_open,usage_15min,usage_hour,usage_6hours,usage_day,'
		'usage_8days,usage_64days}'::text[] LOOP
		-- Some tokens, their routes together or apart: the range lies in one piece either
		-- way.
		EXECUTE format('CREATE TABLE public.%I (token_id bigint NOT NULL, '
			'route_id integer NOT NULL, since timestamp NOT NULL, %s, '
			'PRIMARY KEY (token_id, since, route_id))', name, columns);
		-- Questions that go over all tokens.
		EXECUTE format('CREATE INDEX %I ON public.%I (route_id, since)',
			name || '_route_since', name);
	END LOOP;
	FOREACH name IN ARRAY
		'{usage_open,usage_15min,usage_hour,usage_6hours,usage_day}'::text[]
	LOOP
		-- And over everything, however many routes there are.
		EXECUTE format('CREATE INDEX %I ON public.%I (since) WHERE token_id = -1 '
			'AND route_id = -1', name || '_whole', name);
	END LOOP;
	-- Cells stand token by token, so that one interval of all tokens is all over the
	-- table. What rankings read of them is in an index by time as well. Index-only
	-- scans need a vacuum: after about a day's narrow cells. IS TRUE keeps those who ask
	-- for some tokens away from it: nothing but the same words has this index in mind.
	FOREACH name IN ARRAY
		'{usage_15min,usage_hour,usage_6hours,usage_day,usage_8days}'::text[]
	LOOP
		EXECUTE format('CREATE INDEX %I ON public.%I (since) INCLUDE (token_id, %s) '
			'WHERE route_id = -1 AND (token_id >= 0) IS TRUE', name || '_tokens', name,
			ranked);
		EXECUTE format('ALTER TABLE public.%I SET (autovacuum_vacuum_insert_scale_factor '
			'= 0, autovacuum_vacuum_insert_threshold = 20000)', name);
	END LOOP;
	FOREACH name IN ARRAY '{usage_15min,usage_hour,usage_6hours}'::text[] LOOP
		-- Where a zone's days begin: the same time of many days.
		EXECUTE format('CREATE INDEX %I ON public.%I (token_id, (since::time), since) '
			'INCLUDE (%s) WHERE route_id = -1', name || '_clock', name, ranked);
	END LOOP;
END
$tables$;

-- Changed in place many times a day: room in each page, and vacuumed before it grows.
ALTER TABLE public.usage_open SET (fillfactor = 50,
	autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE public.usage_deltas SET (autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

-- Intervals whose rows were changed by someone other than the recorder, or were there
-- before the rollups. Appended to by the writer's own transaction, so that it waits for
-- nobody.
CREATE TABLE public.usage_dirty (
	since timestamp NOT NULL, -- of 15 minutes
	noted_at timestamptz NOT NULL DEFAULT now()
);

-- One row.
CREATE TABLE public.usage_rollup_state (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	-- Rows before this were dropped: cells before it are all that is left, and only added
	-- to. Also where a load of made-up usage has cells only.
	raw_since timestamp NOT NULL DEFAULT '-infinity',
	-- Retention has dropped the days before this.
	dropped_before timestamp NOT NULL DEFAULT '-infinity'
);

INSERT INTO public.usage_rollup_state DEFAULT VALUES;

GRANT SELECT ON public.usage_routes, public.usage_deltas, public.usage_open,
	public.usage_15min,
	public.usage_hour, public.usage_6hours, public.usage_day, public.usage_8days,
	public.usage_64days, public.usage_dirty, public.usage_rollup_state TO tollgate;

GRANT INSERT ON public.usage_deltas, public.usage_routes TO tollgate;

-- Whose turn it is. Not undone with a recount that fails, so that the next turn is
-- another's.
CREATE SEQUENCE public.usage_recount_turns;

-- Intervals that were counted again a moment ago, or could not be (then with the reason).
-- Of no use after a crash.
CREATE UNLOGGED TABLE public.usage_recounted (
	since timestamp PRIMARY KEY,
	rests_until timestamptz NOT NULL,
	sqlstate text,
	reason text
);

GRANT SELECT ON public.usage_recounted TO tollgate;
