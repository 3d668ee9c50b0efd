-- Who may see and change what comes from the site. The key that signs an agent's rules is seen by
-- whoever signs them, and by nobody at a screen.

CALL tenant_rows('site_alarms');
CALL tenant_rows('field_entries');
CALL tenant_rows('site_rules');
ALTER TABLE process_beats ENABLE ROW LEVEL SECURITY;
ALTER TABLE process_beats FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON process_beats TO wellflow_owner USING (true);

CREATE POLICY ingest ON site_alarms TO wellflow_ingest USING (true);
CREATE POLICY ingest ON field_entries TO wellflow_ingest USING (true);
CREATE POLICY ingest ON site_rules TO wellflow_ingest USING (true);
CREATE POLICY ingest ON process_beats TO wellflow_ingest USING (true);
CREATE POLICY ingest ON alert_rules TO wellflow_ingest USING (true);
CREATE POLICY work ON site_alarms TO wellflow_work USING (true);
CREATE POLICY work ON field_entries TO wellflow_work USING (true);
CREATE POLICY work ON site_rules TO wellflow_work USING (true);
CREATE POLICY work ON process_beats TO wellflow_work USING (true);

GRANT SELECT (id, organization_id, tag_id) ON alert_rules TO wellflow_ingest;
GRANT SELECT (agent_id, record_id), INSERT ON site_alarms TO wellflow_ingest;
GRANT SELECT (organization_id, entry_id), INSERT ON field_entries TO wellflow_ingest;
GRANT SELECT (id, organization_id, agent_id, epoch, bundle, published, running, running_at, refusal),
    UPDATE (published, running, running_at, refusal)
    ON site_rules TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON process_beats TO wellflow_ingest, wellflow_work;

GRANT SELECT, UPDATE (alert_id, settled_at, stands) ON site_alarms TO wellflow_work;
GRANT SELECT, UPDATE (state, taken_at, reason) ON field_entries TO wellflow_work;
GRANT SELECT, UPDATE (epoch, fingerprint, bundle, rules, made_at) ON site_rules TO wellflow_work;

GRANT SELECT ON site_alarms TO wellflow_app;
GRANT SELECT, INSERT (id, organization_id, entry_id, agent_id, door, body, saved_at),
    UPDATE (state, taken_at, reason)
    ON field_entries TO wellflow_app;
GRANT SELECT (id, organization_id, agent_id, key_made_at, epoch, rules, made_at, published,
              running, running_at, refusal)
    ON site_rules TO wellflow_app;

-- A pumper sees what comes from the sites of the route.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['site_alarms', 'site_rules'] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
            '  OR agent_id IN (SELECT a.id FROM agents a))', name);
    END LOOP;
END $$;
