-- Marks: intervals whose rows someone else than the recorder has changed are counted
-- again.

-- UPDATE and DELETE as well: whoever changes rows by hand finds the statistics changed.
-- The recorder copies into the day's partition, where this does not fire: it has counted
-- already.
CREATE OR REPLACE FUNCTION public.usage_mark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO public.usage_dirty (since)
			SELECT DISTINCT public.usage_floor(used_at, 900) FROM before_rows;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO public.usage_dirty (since)
			SELECT DISTINCT public.usage_floor(used_at, 900) FROM after_rows;
	END IF;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.usage_mark() FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.usage_mark_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.usage_dirty (since)
		SELECT since FROM public.usage_15min WHERE token_id = -1 AND route_id = -1
		UNION SELECT since FROM public.usage_open WHERE token_id = -1 AND route_id = -1
		UNION SELECT since FROM public.usage_deltas;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION public.usage_mark_all() FROM PUBLIC;

SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_inserted AFTER INSERT '
	'ON public.token_usage_logs REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT '
	'EXECUTE FUNCTION public.usage_mark()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_updated AFTER UPDATE '
	'ON public.token_usage_logs REFERENCING OLD TABLE AS before_rows NEW TABLE AS '
	'after_rows FOR EACH STATEMENT EXECUTE FUNCTION public.usage_mark()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_deleted AFTER DELETE '
	'ON public.token_usage_logs REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT '
	'EXECUTE FUNCTION public.usage_mark()');
SELECT public.tollgate_trigger('CREATE TRIGGER tollgate_truncated AFTER TRUNCATE '
	'ON public.token_usage_logs FOR EACH STATEMENT EXECUTE FUNCTION '
	'public.usage_mark_all()');
