-- What has no row of its own in token_usage_logs: calls whose event found no room (gaps), and calls
-- without a known key (rejects). Both are counted, never listed.
--
-- Runs once, as tollgate_owner, inside a transaction. A row is one counter of one lane of a
-- process's group. Its name never comes again and its count only grows, so that storing it
-- twice changes nothing. Ask for sums.

CREATE TABLE public.usage_gaps (
	lane_group uuid NOT NULL,
	lane integer NOT NULL,
	serial bigint NOT NULL,
	minute timestamp NOT NULL, -- of used_at, UTC
	token_id bigint,           -- with route_path NULL: several, for want of room
	route_path varchar(255),
	dropped bigint NOT NULL,
	PRIMARY KEY (lane_group, lane, serial)
);
CREATE INDEX usage_gaps_minute ON public.usage_gaps (minute);

CREATE TABLE public.usage_rejects (
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
CREATE INDEX usage_rejects_minute ON public.usage_rejects (minute);

GRANT SELECT, INSERT, UPDATE ON public.usage_gaps TO tollgate;
-- Of no use for ever: those of 90 days ago are deleted.
GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_rejects TO tollgate;
