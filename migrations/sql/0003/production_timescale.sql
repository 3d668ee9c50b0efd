-- Production records on TimescaleDB, either edition: a hypertable of ten-year chunks, never
-- compressed (row level security excludes it), kept for ever. Also run by a move up a tier: what is
-- there already is copied into chunks, which row level security would refuse and triggers would
-- take for entries. So both stand aside; nobody else sees the table until all of this is done.
DO $$
DECLARE
    triggers text[];
    one record;
BEGIN
    ALTER TABLE production_records DISABLE ROW LEVEL SECURITY;
    FOR one IN SELECT t.tgname, pg_get_triggerdef(t.oid) AS definition FROM pg_trigger t
               WHERE t.tgrelid = 'production_records'::regclass AND NOT t.tgisinternal LOOP
        triggers := triggers || one.definition;
        EXECUTE format('DROP TRIGGER %I ON production_records', one.tgname);
    END LOOP;
    PERFORM create_hypertable('production_records', by_range('production_date', interval '10 years'),
                              create_default_indexes => false, migrate_data => true);
    FOR number IN 1 .. coalesce(cardinality(triggers), 0) LOOP
        EXECUTE triggers[number];
    END LOOP;
    ALTER TABLE production_records ENABLE ROW LEVEL SECURITY;
END $$;
