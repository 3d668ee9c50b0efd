-- Who may see and change what of incidents and obligations.

CALL tenant_table('promotion_rules');
CALL tenant_table('agency_rules');
CALL tenant_rows('agency_rule_versions');
CALL tenant_table('incident_events');
CALL tenant_rows('incident_alerts');

CALL open_table('promotion_rules', '{}');
CALL open_table('agency_rules', ARRAY['version']);
CALL open_table('incidents', ARRAY['origin', 'promotion_rule_id', 'confirmed_at', 'contained_at',
                                   'resolved_at', 'reviewed_at', 'closed_at']);
CALL open_table('incident_notices', ARRAY['told_by', 'filed_by', 'waived_by']);

-- What the database fills in is granted to nobody; incidents, what was told, and rules that
-- obligations were judged by are kept for good.
REVOKE INSERT (confirmed_at, contained_at, resolved_at, reviewed_at, closed_at),
       UPDATE (closed_at), DELETE ON incidents FROM wellflow_app;
REVOKE INSERT (told_by, filed_by, waived_by), DELETE
    ON incident_notices FROM wellflow_app;
REVOKE INSERT (version), DELETE ON agency_rules FROM wellflow_app;
GRANT SELECT ON agency_rule_versions TO wellflow_app;

-- A timeline is appended to.
GRANT SELECT, INSERT (id, organization_id, incident_id, happened_at, kind, note, before, after,
                      document_id, lat, lon, accuracy_m, row_version)
    ON incident_events TO wellflow_app;
GRANT SELECT, INSERT ON incident_alerts TO wellflow_app;

CREATE POLICY route ON incident_events AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR incident_id IN (SELECT i.id FROM incidents i));
CREATE POLICY route ON incident_alerts AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR incident_id IN (SELECT i.id FROM incidents i));

-- The workers promote alerts, reckon what is owed and remind: for one operator at a time, whose
-- policy holds for them too.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'incidents', 'incident_notices', 'incident_events', 'incident_alerts', 'incident_actions',
        'promotion_rules', 'agency_rules'
    ] LOOP
        EXECUTE format('ALTER POLICY tenant ON %I TO wellflow_app, wellflow_work', name);
    END LOOP;
END $$;
GRANT SELECT ON incident_actions TO wellflow_work;
GRANT SELECT, INSERT ON promotion_rules, agency_rules TO wellflow_work;
GRANT SELECT, INSERT ON incident_events, incident_alerts TO wellflow_work;
GRANT SELECT, INSERT,
    UPDATE (authority, rule, required_by, status, rule_version, facts_hash, because, clock_start,
            clock_basis, written, follow_up, written_required_by, waived_reason, reminded,
            missed_at, updated_at, row_version)
    ON incident_notices TO wellflow_work;
GRANT SELECT, INSERT ON incidents TO wellflow_work;
