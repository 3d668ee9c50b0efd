-- Takes every table the programs write before the first is changed. A migration that took them one
-- after the other would sooner or later hold one that a program asks for while that program holds
-- another, and PostgreSQL would end whichever waited for a second: often the program. This gives up
-- well before (0.7 s at most), lets the programs pass, and is tried again by `hub.migrate`. The
-- readings and the aggregates of them are left out: no migration changes them while they are being
-- written. Views come first: who reads one holds it while it waits for a table, and a migration that
-- makes it anew would ask for it.
DO $$
DECLARE
    target regclass;
    statement text;
    begun timestamptz := clock_timestamp();
BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    FOR target, statement IN
        SELECT c.oid, CASE c.relkind
            -- Changes nothing. LOCK TABLE would take the readings too, which the view reads.
            WHEN 'v' THEN 'ALTER VIEW %s OWNER TO wellflow_owner'
            ELSE 'LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE' END
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = 'wellflow_owner'::regrole
            AND (c.relkind = 'v' AND c.relname NOT IN ('readings_by_hour', 'readings_by_day')
                OR c.relkind = 'r' AND NOT c.relispartition
                    AND c.relname NOT IN ('readings', 'readings_aside'))
        ORDER BY c.relkind = 'v' DESC, c.relname
    LOOP
        EXECUTE format(statement, target);
        IF clock_timestamp() - begun > interval '500 milliseconds' THEN
            RAISE lock_not_available USING MESSAGE = 'the tables are in use';
        END IF;
    END LOOP;
    PERFORM set_config('lock_timeout', '4s', true);
END $$;
