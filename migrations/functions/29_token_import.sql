-- Many tokens at once, of a key-value store: each is made as token_create makes it, with
-- the same rules, and what is wrong with one is told of that one.

-- What the token that has the hash already is to the row: there; bare: it has no scopes,
-- and the row has some; filled: it got them.
CREATE OR REPLACE FUNCTION public.token_import_known(actor jsonb, token bigint,
	row_spec jsonb, fill boolean) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t public.tokens;
BEGIN
	SELECT * INTO t FROM public.tokens WHERE id = token;
	IF cardinality(public.token_scopes_list(coalesce(public.token_scopes_out(t.scopes),
			''))) > 0 OR coalesce(jsonb_array_length(row_spec -> 'scopes'), 0) = 0 THEN
		RETURN 'there';
	ELSIF NOT fill THEN
		RETURN 'bare';
	END IF;
	PERFORM public.token_change(actor, token, jsonb_build_object('scopes',
		row_spec -> 'scopes'));
	RETURN 'filled';
END
$$;

-- specs: token_create's, with token_hash, and disabled. For each of them, in their order,
-- {"did": made, expired, or as above} or {"fault", "field"}. fill: tokens that are there
-- without scopes get them. What can be made is made at once.
CREATE OR REPLACE FUNCTION public.token_import(actor jsonb, specs jsonb, fill boolean)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
	answers jsonb[] := '{}';
	made public.tokens[] := '{}';
	names text[] := '{}';
	hashes text[] := '{}';
	row_spec jsonb;
	t public.tokens;
	known bigint;
	did text;
BEGIN
	PERFORM public.token_begin(actor, NULL);
	PERFORM public.people_need_admin(actor);
	FOR row_spec IN SELECT value FROM jsonb_array_elements(specs) LOOP
		BEGIN
			SELECT token_id INTO known FROM public.token_keys
				WHERE token_hash = row_spec ->> 'token_hash';
			IF row_spec ->> 'token_hash' = ANY (hashes) THEN
				did := 'there';
			ELSIF FOUND THEN
				did := public.token_import_known(actor, known, row_spec, fill);
			ELSIF public.people_instant(row_spec, 'expires_at') <= now() THEN
				did := 'expired';
			ELSE
				t := public.token_of_spec(actor, row_spec);
				IF t.name::text = ANY (names) THEN
					PERFORM public.people_refuse('TG409', format('another entry has '
						'the name ''%s'' already', t.name), 'name');
				END IF;
				hashes := hashes || (row_spec ->> 'token_hash');
				t.token_hash := row_spec ->> 'token_hash';
				t.tollgate_disabled_at := CASE WHEN (row_spec ->> 'disabled')::boolean
					THEN now() END;
				names := names || t.name::text;
				made := made || t;
				did := 'made';
			END IF;
			answers := answers || jsonb_build_object('did', did);
		EXCEPTION WHEN SQLSTATE 'TG400' OR SQLSTATE 'TG409' THEN
			answers := answers || jsonb_build_object('fault', SQLERRM);
		END;
	END LOOP;
	PERFORM public.token_add(made);
	RETURN to_jsonb(answers);
END
$$;
