-- Events of POST /api/usage-log that carry a request_id, so that each is stored once.
--
-- Runs once, as tollgate_owner, inside a transaction. The recorder puts an id in with the batch
-- that stores its event; what is there already is left out of the batch. Rows are kept for 48
-- hours, and go as others come.

CREATE TABLE public.usage_ingest_ids (
	id uuid PRIMARY KEY, -- of the token's hash and the request_id: SHA-256's first half
	seen_at timestamptz NOT NULL -- the event's arrival
);
CREATE INDEX usage_ingest_ids_seen_at ON public.usage_ingest_ids (seen_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.usage_ingest_ids TO tollgate;
