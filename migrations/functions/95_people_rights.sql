-- Functions of people are the running role's.
DO $grant$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'people\_%'
			AND pronamespace = 'public'::regnamespace
			AND proowner = current_user::regrole LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tollgate', f);
	END LOOP;
END
$grant$;
