-- What `tollgate usage generate` has made, so that it can be taken away again. Its rows carry
-- the tag "generated", its tokens have 'generated' in key_start.
--
-- Runs once, as tollgate_owner, inside a transaction.

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
