-- How triggers are made: only where one is missing or another, since making one waits for
-- writers.

CREATE OR REPLACE FUNCTION public.tollgate_trigger(definition text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts CONSTANT text[] := regexp_match(definition, '^CREATE TRIGGER (\w+) .* '
		'ON (public\.\w+) ');
BEGIN
	IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = parts[2]::regclass
			AND tgname = parts[1]
			AND pg_get_triggerdef(oid) = definition) THEN
		RETURN;
	END IF;
	EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', parts[1], parts[2]);
	EXECUTE definition;
END
$$;
REVOKE ALL ON FUNCTION public.tollgate_trigger(text) FROM PUBLIC;
