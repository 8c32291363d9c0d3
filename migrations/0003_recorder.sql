-- How far each running process has written its lanes: the recorder's acknowledgement.
--
-- Runs once, as tollgate_owner, inside a transaction. A row moves in the transaction that
-- stores the events before its position, so an event is stored once or not at all, whatever
-- happens to the connection. A process that ends in order deletes its rows; those of one that was
-- killed go after 30 days.

CREATE TABLE public.usage_cursors (
	lane_group uuid NOT NULL, -- a process's lanes: 128 random bits, made at its start
	lane integer NOT NULL,
	position bigint NOT NULL,
	moved_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (lane_group, lane)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_cursors TO tollgate;
