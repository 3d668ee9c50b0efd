-- Who sees the new table, and what the jobs that look at the office's rows may read.

CALL tenant_rows('alert_rule_versions');
CREATE POLICY route ON alert_rule_versions AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR rule_id IN (SELECT r.id FROM alert_rules r));
GRANT SELECT ON alert_rule_versions TO wellflow_app;

-- A pumper also sees the rules of the route's wells, and those of no place, but for money.
ALTER POLICY route ON alert_rules
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR tag_id IN (SELECT t.id FROM tags t)
           OR well_id IN (SELECT assigned_wells())
           OR tag_id IS NULL AND well_id IS NULL AND kind <> 'financial');

-- The job that keeps children in step with their parents makes and changes rules.
GRANT INSERT (id, organization_id, name, kind, tag_id, params, version, enabled, cause, consequence,
        action, respond_within_s, scope, parent_id, template, latch, capture_fleeting, advisory,
        created_by, updated_by),
    UPDATE (name, kind, params, version, enabled, cause, consequence, action, respond_within_s,
        template, latch, capture_fleeting, advisory, updated_at, updated_by, row_version)
    ON alert_rules TO wellflow_work;

-- Jobs look at the office's rows of one operator at a time: the policy of the operator holds for
-- them too, so that a query without its filter mixes nobody's books. By column: sealed ones are left
-- out, and TimescaleDB's chunks inherit a table's grants.
DO $$
DECLARE
    name text;
    seen text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'facilities', 'completions', 'accounting_periods', 'production_records', 'downtime_events',
        'well_tests', 'tanks', 'tank_gauges', 'run_tickets', 'contracts', 'contract_leases',
        'permits', 'permit_conditions', 'compliance_reports', 'maintenance_records',
        'accounts', 'expenses', 'expense_allocations', 'jib_statements', 'sales_statements',
        'forecasts', 'forecast_points'
    ] LOOP
        SELECT string_agg(quote_ident(a.attname), ', ') INTO seen
        FROM pg_attribute a
        WHERE a.attrelid = name::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid <> 'bytea'::regtype;
        EXECUTE format('GRANT SELECT (%s) ON %I TO wellflow_work', seen, name);
        EXECUTE format('ALTER POLICY tenant ON %I TO wellflow_app, wellflow_work', name);
    END LOOP;
END $$;
GRANT SELECT (id, organization_id, code, name) ON partners TO wellflow_work;
ALTER POLICY tenant ON partners TO wellflow_app, wellflow_work;
