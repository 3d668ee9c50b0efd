-- Who may see and change what of the field. wellflow_app alone: no job reaches across operators.

-- Opens a table to console and API, column by column: keys, operator and authorship are never
-- changed, nor what `fixed` names. By column also because TimescaleDB's chunks inherit a table's
-- grants, but not those of its columns.
CREATE PROCEDURE open_table(name text, fixed text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    seen text;
    given text;
    changed text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', '),
           string_agg(quote_ident(a.attname), ', ') FILTER (
               WHERE a.attgenerated = '' AND a.attname <> ALL (
                   ARRAY['created_at', 'created_by', 'updated_at', 'updated_by'])),
           string_agg(quote_ident(a.attname), ', ') FILTER (
               WHERE a.attgenerated = '' AND a.attname <> ALL (
                   ARRAY['id', 'organization_id', 'created_at', 'created_by'] || fixed))
    INTO seen, given, changed
    FROM pg_attribute a
    WHERE a.attrelid = name::regclass AND a.attnum > 0 AND NOT a.attisdropped;
    EXECUTE format('GRANT SELECT (%s), INSERT (%s), UPDATE (%s) ON %I TO wellflow_app',
                   seen, given, changed, name);
    EXECUTE format('GRANT DELETE ON %I TO wellflow_app', name);
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'facilities', 'completions', 'well_status_history', 'regulatory_ids',
        'accounting_periods', 'production_records', 'downtime_events', 'well_tests',
        'tanks', 'tank_strap_tables', 'tank_strap_points', 'tank_gauges', 'run_tickets',
        'documents', 'document_links', 'contracts', 'contract_leases',
        'permits', 'permit_limits', 'permit_conditions',
        'compliance_reports', 'compliance_report_lines',
        'maintenance_records', 'incidents', 'incident_notices', 'incident_actions'
    ] LOOP
        CALL tenant_table(name);
        CALL open_table(name, CASE name
            WHEN 'completions' THEN ARRAY['well_id']
            WHEN 'well_status_history' THEN ARRAY['well_id']
            WHEN 'accounting_periods' THEN ARRAY['module', 'month']
            WHEN 'production_records' THEN
                ARRAY['production_date', 'well_id', 'completion_id', 'revision']
            WHEN 'documents' THEN ARRAY['sha256', 'size_bytes', 'storage_key', 'media_type',
                                        'version', 'supersedes_id']
            WHEN 'compliance_reports' THEN ARRAY['filed_by']
            ELSE ARRAY[]::text[] END);
    END LOOP;
END $$;

ALTER TABLE production_revisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE production_revisions FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON production_revisions TO wellflow_owner USING (true);
CREATE POLICY tenant ON production_revisions TO wellflow_app USING (organization_id =
    (SELECT nullif(current_setting('app.organization_id', true), '')::uuid));
GRANT SELECT ON production_revisions TO wellflow_app;

-- The sweep of documents' content asks which of it some row still speaks of, and no more.
GRANT SELECT (organization_id, sha256) ON documents TO wellflow_work;
CREATE POLICY work ON documents TO wellflow_work USING (true);

-- More of an operator's own row: its sealed number is written by the console, and read only to be
-- revealed.
GRANT UPDATE (legal_name, tax_id_enc, tax_id_last4, phone, email, contact_name, address, city,
              state, postal_code, currency, pressure_base_psia, fiscal_year_start, entry_days,
              settings)
    ON organizations TO wellflow_app;

-- A pumper sees what stands and happens on the leases of the route.
DO $$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['completions', 'well_id IN (SELECT assigned_wells())'],
        ['well_status_history', 'well_id IN (SELECT assigned_wells())'],
        ['production_records', 'well_id IN (SELECT assigned_wells())'],
        ['production_revisions', 'well_id IN (SELECT assigned_wells())'],
        ['well_tests', 'well_id IN (SELECT assigned_wells())'],
        ['downtime_events', 'well_id IN (SELECT assigned_wells())'],
        ['facilities', 'id IN (SELECT l.facility_id FROM leases l UNION ALL'
                       ' SELECT w.facility_id FROM wells w)'],
        ['tanks', 'lease_id IN (SELECT assigned_leases())'
                  ' OR facility_id IN (SELECT f.id FROM facilities f)'],
        ['tank_strap_tables', 'tank_id IN (SELECT t.id FROM tanks t)'],
        ['tank_strap_points', 'strap_table_id IN (SELECT t.id FROM tank_strap_tables t)'],
        ['tank_gauges', 'tank_id IN (SELECT t.id FROM tanks t)'],
        ['run_tickets', 'lease_id IN (SELECT assigned_leases())'],
        ['regulatory_ids', 'lease_id IN (SELECT assigned_leases())'
                           ' OR well_id IN (SELECT assigned_wells())'
                           ' OR completion_id IN (SELECT c.id FROM completions c)'
                           ' OR facility_id IN (SELECT f.id FROM facilities f)'],
        ['permits', 'lease_id IN (SELECT assigned_leases())'
                    ' OR well_id IN (SELECT assigned_wells())'
                    ' OR facility_id IN (SELECT f.id FROM facilities f)'],
        ['permit_limits', 'permit_id IN (SELECT p.id FROM permits p)'],
        ['permit_conditions', 'permit_id IN (SELECT p.id FROM permits p)'],
        ['compliance_reports', 'lease_id IN (SELECT assigned_leases())'
                               ' OR well_id IN (SELECT assigned_wells())'
                               ' OR facility_id IN (SELECT f.id FROM facilities f)'],
        ['compliance_report_lines', 'report_id IN (SELECT r.id FROM compliance_reports r)'],
        ['maintenance_records', 'well_id IN (SELECT assigned_wells())'
                                ' OR equipment_id IN (SELECT e.id FROM equipment e)'
                                ' OR facility_id IN (SELECT f.id FROM facilities f)'],
        ['incidents', 'lease_id IN (SELECT assigned_leases())'
                      ' OR well_id IN (SELECT assigned_wells())'
                      ' OR equipment_id IN (SELECT e.id FROM equipment e)'
                      ' OR facility_id IN (SELECT f.id FROM facilities f)'
                      ' OR created_by ='
                      '    (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid)'],
        ['incident_notices', 'incident_id IN (SELECT i.id FROM incidents i)'],
        ['incident_actions', 'incident_id IN (SELECT i.id FROM incidents i)'],
        ['contract_leases', 'lease_id IN (SELECT assigned_leases())'],
        ['contracts', 'id IN (SELECT c.contract_id FROM contract_leases c)'],
        ['document_links', 'row_id IN (SELECT assigned_leases() UNION ALL SELECT assigned_wells()'
                           ' UNION ALL SELECT e.id FROM equipment e'
                           ' UNION ALL SELECT m.id FROM maintenance_records m'
                           ' UNION ALL SELECT i.id FROM incidents i'
                           ' UNION ALL SELECT r.id FROM run_tickets r)'],
        ['documents', 'created_by ='
                      ' (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid)'
                      ' OR id IN (SELECT k.document_id FROM document_links k)']
    ] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'') OR %s)',
            pair[1], pair[2]);
    END LOOP;
END $$;
ALTER POLICY route ON equipment
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR well_id IN (SELECT assigned_wells())
           OR facility_id IN (SELECT f.id FROM facilities f));

-- Of what was entered, a pumper changes only what is his own and of a day still open to him.
DO $$
DECLARE
    pair text[];
    verb text;
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['production_records', 'production_date >= (SELECT first_entry_day())'],
        ['tank_gauges', 'production_date >= (SELECT first_entry_day())'],
        ['run_tickets', 'production_date >= (SELECT first_entry_day())'],
        ['downtime_events', 'coalesce(ended_at, ''infinity'') >= (SELECT first_entry_day())']
    ] LOOP
        FOREACH verb IN ARRAY ARRAY['UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE POLICY %I ON %I AS RESTRICTIVE FOR %s TO wellflow_app USING'
                ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
                '  OR %s AND created_by ='
                '     (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))',
                'entry_' || lower(verb), pair[1], verb, pair[2]);
        END LOOP;
    END LOOP;
END $$;

REVOKE EXECUTE ON PROCEDURE open_table(text, text[]) FROM PUBLIC;
