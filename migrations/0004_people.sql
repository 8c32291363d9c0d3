-- People, teams, what they may, and what was changed by whom. The names are ones that an
-- older system's tables do not have: its own users, teams and logs stay as they are.
--
-- Runs once, as tollgate_owner, inside a transaction.

CREATE TABLE public.tollgate_teams (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	-- Its tokens are refused while this is set.
	disabled_at timestamptz,
	-- The most that a token of the team may be given; NULL: no bound.
	scopes_most text[],
	lifetime_most_s bigint CHECK (lifetime_most_s > 0),
	address_ranges_most cidr[],
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tollgate_teams_name ON public.tollgate_teams (lower(name));

CREATE TABLE public.tollgate_users (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	email text,
	-- A service signs in by its keys alone.
	kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
	is_admin boolean NOT NULL DEFAULT false,
	-- ... because sign_in.rules says so: it ends when they no longer do.
	admin_by_rule boolean NOT NULL DEFAULT false,
	-- An admin took it away by hand: no rule gives it again.
	admin_refused_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	disabled_at timestamptz,
	-- Removing is soft: what someone did keeps its name, and who was removed stays out.
	removed_at timestamptz
);
CREATE UNIQUE INDEX tollgate_users_name ON public.tollgate_users (lower(name))
	WHERE removed_at IS NULL;

-- Whom an identity provider means: an issuer's subject, never an e-mail address.
CREATE TABLE public.tollgate_identities (
	id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	issuer text NOT NULL,
	subject text NOT NULL,
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX tollgate_identities_user_id ON public.tollgate_identities (user_id);

-- The newest token that each identity came with: what it says is what sign_in.rules go
-- by, and for a day after it was last shown.
CREATE TABLE public.tollgate_vouched (
	identity_id bigint PRIMARY KEY REFERENCES public.tollgate_identities (id)
		ON DELETE CASCADE,
	issued_at bigint NOT NULL, -- by the token, in seconds since 1970
	token_hash varchar(64) NOT NULL,
	seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.tollgate_members (
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	team_id bigint NOT NULL REFERENCES public.tollgate_teams (id) ON DELETE CASCADE,
	role text NOT NULL CHECK (role IN ('manager', 'viewer')),
	-- Of sign_in.rules, which change it and take it away; not where it was made by hand.
	by_rule boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, team_id)
);
CREATE INDEX tollgate_members_team_id ON public.tollgate_members (team_id);

-- Who was taken out of a team by hand: no rule takes them in again.
CREATE TABLE public.tollgate_refused_members (
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	team_id bigint NOT NULL REFERENCES public.tollgate_teams (id) ON DELETE CASCADE,
	refused_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, team_id)
);
CREATE INDEX tollgate_refused_members_team_id
	ON public.tollgate_refused_members (team_id);

-- The keys that people sign in with, by their SHA-256 as tokens' are.
CREATE TABLE public.tollgate_user_keys (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	name text NOT NULL DEFAULT '',
	key_hash varchar(64) NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),
	key_start varchar(16),
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz,
	last_used timestamptz
);
CREATE INDEX tollgate_user_keys_user_id ON public.tollgate_user_keys (user_id);

CREATE TABLE public.tollgate_sessions (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	cookie_hash varchar(64) NOT NULL UNIQUE CHECK (cookie_hash ~ '^[0-9a-f]{64}$'),
	-- The key that began it, with which it ends.
	key_id bigint REFERENCES public.tollgate_user_keys (id),
	-- The provider that it began at.
	issuer text,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	ended_at timestamptz,
	address inet,
	user_agent text
);
CREATE INDEX tollgate_sessions_user_id ON public.tollgate_sessions (user_id, id);
CREATE INDEX tollgate_sessions_over ON public.tollgate_sessions
	((least(ended_at, expires_at)));

-- Which team a value of an older system's column of tokens was made; by its SHA-256.
CREATE TABLE public.tollgate_adopted_teams (
	column_name text NOT NULL,
	value_hash bytea NOT NULL,
	team_id bigint NOT NULL REFERENCES public.tollgate_teams (id) ON DELETE CASCADE,
	PRIMARY KEY (column_name, value_hash)
);
CREATE INDEX tollgate_adopted_teams_team_id ON public.tollgate_adopted_teams (team_id);

-- One sign-in each, with a browser that has no key.
CREATE TABLE public.tollgate_sign_in_codes (
	code_hash varchar(64) PRIMARY KEY CHECK (code_hash ~ '^[0-9a-f]{64}$'),
	user_id bigint NOT NULL REFERENCES public.tollgate_users (id),
	expires_at timestamptz NOT NULL
);

-- Sign-ins at a provider that have come back: each may once.
CREATE TABLE public.tollgate_spent_states (
	state_hash varchar(64) PRIMARY KEY CHECK (state_hash ~ '^[0-9a-f]{64}$'),
	expires_at timestamptz NOT NULL
);

-- What all nodes seal with that browsers keep between leaving for a provider and coming
-- back. A new value ends the sign-ins that are under way, and nothing else.
CREATE TABLE public.tollgate_secrets (
	name text PRIMARY KEY,
	value varchar(64) NOT NULL CHECK (value ~ '^[0-9a-f]{64}$')
);
INSERT INTO public.tollgate_secrets (name, value) VALUES ('sign_in',
	encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text
		|| gen_random_uuid()::text, 'UTF8')), 'hex'));

-- People whom a provider vouches for, and who have no rights here.
CREATE TABLE public.tollgate_access_requests (
	id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	issuer text NOT NULL,
	subject text NOT NULL,
	name text,
	email text,
	first_at timestamptz NOT NULL DEFAULT now(),
	last_at timestamptz NOT NULL DEFAULT now(),
	-- Not asked about again, whenever they come, and whatever rules say.
	refused_at timestamptz,
	PRIMARY KEY (issuer, subject)
);

-- Written in the transaction of the change that it tells of. Nobody but the owner of the
-- database changes a line.
CREATE TABLE public.tollgate_audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	user_id bigint,
	-- The user's name, or the role that changed a row by hand.
	actor text NOT NULL,
	-- Who acts in the user's place, by the provider's `act`.
	acting text,
	action text NOT NULL,
	team_id bigint,
	-- The team that it was moved from: its managers see the line as well.
	former_team_id bigint,
	target text NOT NULL,
	target_id text,
	before jsonb,
	after jsonb,
	address inet,
	request_id text
);
CREATE INDEX tollgate_audit_at ON public.tollgate_audit (at);
CREATE INDEX tollgate_audit_target ON public.tollgate_audit (target, target_id, id);
CREATE INDEX tollgate_audit_user_id ON public.tollgate_audit (user_id, id)
	WHERE user_id IS NOT NULL;
CREATE INDEX tollgate_audit_team_id ON public.tollgate_audit (team_id, id)
	WHERE team_id IS NOT NULL;
CREATE INDEX tollgate_audit_former_team_id ON public.tollgate_audit (former_team_id, id)
	WHERE former_team_id IS NOT NULL;

-- What each running gateway tells of itself, a row a process. Not logged: after a crash
-- of the database all tell it again, within seconds.
CREATE UNLOGGED TABLE public.tollgate_nodes (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	version text NOT NULL,
	started_at timestamptz NOT NULL,
	-- The change of tokens that its workers judge by, of which database, since when.
	instance uuid,
	generation bigint NOT NULL,
	applied_at timestamptz NOT NULL,
	-- When the keys were last known to be right.
	right_at timestamptz,
	-- Of usage: what waits to be stored, since when, and what was lost.
	waiting_bytes bigint NOT NULL,
	oldest_at timestamptz,
	dropped bigint NOT NULL,
	reported_at timestamptz NOT NULL
);

ALTER TABLE public.tokens
	ADD COLUMN tollgate_team_id bigint REFERENCES public.tollgate_teams (id),
	ADD COLUMN tollgate_description text,
	ADD COLUMN tollgate_disabled_at timestamptz,
	-- Revoked, and out of sight.
	ADD COLUMN tollgate_deleted_at timestamptz,
	-- The callers' addresses; NULL: any.
	ADD COLUMN tollgate_address_ranges cidr[];

-- When a token was used last is in no index, so that it can be written at little cost
-- (HOT); the quarter of an hour is, which changes seldom. Lists sort within it.
DO $used$
BEGIN
	EXECUTE (SELECT format('ALTER TABLE public.tokens ADD COLUMN '
		'tollgate_used_quarter %1$s GENERATED ALWAYS AS (date_bin(''15 minutes'', '
		'last_used, ''2000-01-01''::%1$s)) STORED', format_type(atttypid, NULL))
		FROM pg_attribute WHERE attrelid = 'public.tokens'::regclass
		AND attname = 'last_used');
END
$used$;

-- The orders that lists have, as migrations/functions/29_token_filters.sql writes them.
CREATE INDEX tokens_tollgate_name ON public.tokens
	((lower(name::text) COLLATE "C"), id);
CREATE INDEX tokens_tollgate_created_at ON public.tokens
	((coalesce(created_at, '-infinity')), id);
CREATE INDEX tokens_tollgate_expires_at ON public.tokens
	((coalesce(expires_at, 'infinity')), id);
CREATE INDEX tokens_tollgate_used ON public.tokens
	((coalesce(tollgate_used_quarter, '-infinity')), id);
-- The same of a team, whose tokens may have been made at one time, or have like names.
CREATE INDEX tokens_tollgate_team_name ON public.tokens
	(tollgate_team_id, (lower(name::text) COLLATE "C"), id)
	WHERE tollgate_team_id IS NOT NULL;
CREATE INDEX tokens_tollgate_team_created_at ON public.tokens
	(tollgate_team_id, (coalesce(created_at, '-infinity')), id)
	WHERE tollgate_team_id IS NOT NULL;
CREATE INDEX tokens_tollgate_team_expires_at ON public.tokens
	(tollgate_team_id, (coalesce(expires_at, 'infinity')), id)
	WHERE tollgate_team_id IS NOT NULL;
CREATE INDEX tokens_tollgate_team_used ON public.tokens
	(tollgate_team_id, (coalesce(tollgate_used_quarter, '-infinity')), id)
	WHERE tollgate_team_id IS NOT NULL;
-- And what few tokens have.
CREATE INDEX tokens_tollgate_disabled ON public.tokens (id)
	WHERE tollgate_disabled_at IS NOT NULL;
CREATE INDEX tokens_tollgate_deleted ON public.tokens (id)
	WHERE tollgate_deleted_at IS NOT NULL;

-- What requests with an Idempotency-Key were answered, for a day; never a key.
CREATE TABLE public.tollgate_repeats (
	id varchar(64) PRIMARY KEY, -- SHA-256 of caller, operation and Idempotency-Key
	body_hash varchar(64) NOT NULL,
	answer json NOT NULL,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tollgate_repeats_at ON public.tollgate_repeats (at);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.tollgate_teams, public.tollgate_users,
	public.tollgate_identities, public.tollgate_vouched, public.tollgate_members,
	public.tollgate_refused_members, public.tollgate_user_keys,
	public.tollgate_sessions, public.tollgate_sign_in_codes,
	public.tollgate_access_requests TO tollgate;
GRANT SELECT ON public.tollgate_secrets TO tollgate;
GRANT SELECT, INSERT, DELETE ON public.tollgate_spent_states TO tollgate;
GRANT SELECT, INSERT, DELETE ON public.tollgate_repeats TO tollgate;
GRANT SELECT, INSERT ON public.tollgate_audit TO tollgate;
