-- Who may see and change what of a field's day.

CALL tenant_rows('entry_rows');
CALL tenant_table('meter_readings');
CALL tenant_table('chemical_treatments');
CALL tenant_rows('daily_closes');
CALL tenant_rows('reconciliations');
CALL open_table('meter_readings', ARRAY['equipment_id', 'production_date']);
CALL open_table('chemical_treatments', ARRAY['lease_id', 'production_date']);

GRANT SELECT, INSERT ON entry_rows TO wellflow_app;
GRANT SELECT, INSERT, UPDATE (state, opening_bbl, closing_bbl, runs_bbl, drawn_bbl, oil_bbl,
                              water_bbl, factor, findings, closed_at)
    ON daily_closes TO wellflow_app;
GRANT SELECT, INSERT, UPDATE (lease_id, unit, opening, closing, ticketed, gauge_opening,
                              gauge_closing, unexplained, reckoned_at)
    ON reconciliations TO wellflow_app;
GRANT UPDATE (lease_id, production_date, person_id, replaces, conflicts_with, faults)
    ON field_entries TO wellflow_app;

-- The rules about tanks and entries look at one operator at a time.
GRANT SELECT ON daily_closes, reconciliations TO wellflow_work;
ALTER POLICY tenant ON daily_closes TO wellflow_app, wellflow_work;
ALTER POLICY tenant ON reconciliations TO wellflow_app, wellflow_work;

CREATE TRIGGER period BEFORE INSERT OR UPDATE OR DELETE ON meter_readings
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period('production', 'production_date');
CREATE TRIGGER period BEFORE INSERT OR UPDATE OR DELETE ON chemical_treatments
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period('production', 'production_date');

-- A pumper sees what happens on the leases of the route, and what he entered himself.
DO $$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['field_entries', 'lease_id IN (SELECT assigned_leases())'
                          ' OR person_id ='
                          '    (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid)'
                          ' OR lease_id IS NULL AND person_id IS NULL'],
        ['entry_rows', 'entry_id IN (SELECT e.entry_id FROM field_entries e)'],
        ['meter_readings', 'lease_id IN (SELECT assigned_leases())'],
        ['chemical_treatments', 'lease_id IN (SELECT assigned_leases())'],
        ['daily_closes', 'lease_id IN (SELECT assigned_leases())'],
        ['reconciliations', 'lease_id IN (SELECT assigned_leases())']
    ] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'') OR %s)',
            pair[1], pair[2]);
    END LOOP;
END $$;

-- Of what was entered, a pumper changes only what is his own and of a day still open to him.
DO $$
DECLARE
    name text;
    verb text;
BEGIN
    FOREACH name IN ARRAY ARRAY['meter_readings', 'chemical_treatments'] LOOP
        FOREACH verb IN ARRAY ARRAY['UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE POLICY %I ON %I AS RESTRICTIVE FOR %s TO wellflow_app USING'
                ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
                '  OR production_date >= (SELECT first_entry_day()) AND created_by ='
                '     (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))',
                'entry_' || lower(verb), name, verb);
        END LOOP;
    END LOOP;
END $$;
