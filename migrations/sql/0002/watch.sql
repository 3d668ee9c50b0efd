-- The tables that were here before: stamps and trail, and what a pumper sees of them.

CALL watch_table('organizations');
CALL watch_table('memberships');
CALL watch_table('leases');
CALL watch_table('wells');
CALL watch_table('equipment');

-- What the judge and the post office note on these is no new version of what a person wrote.
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON alert_rules
    FOR EACH ROW WHEN (current_user <> 'wellflow_work') EXECUTE FUNCTION stamp_row();
CREATE TRIGGER trail AFTER INSERT OR UPDATE OR DELETE ON alert_rules
    FOR EACH ROW EXECUTE FUNCTION audit_row();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON contact_channels
    FOR EACH ROW WHEN (current_user <> 'wellflow_work') EXECUTE FUNCTION stamp_row();
CREATE TRIGGER trail AFTER INSERT OR UPDATE OR DELETE ON contact_channels
    FOR EACH ROW EXECUTE FUNCTION audit_row();

CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION stamp_row();
CREATE TRIGGER trail AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION audit_row('password_hash');

-- Of what ingest keeps up to date many times a minute, only what people decide.
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE OF name, well_id, revoked_at ON agents
    FOR EACH ROW EXECUTE FUNCTION stamp_row();
CREATE TRIGGER trail AFTER INSERT OR DELETE OR UPDATE OF name, well_id, revoked_at ON agents
    FOR EACH ROW EXECUTE FUNCTION audit_row();
CREATE TRIGGER trail
    AFTER UPDATE OF measure, well_id, equipment_id, linked_at, linked_by ON tags
    FOR EACH ROW EXECUTE FUNCTION audit_row();
CREATE TRIGGER trail AFTER UPDATE OF settled_at, settled_by, settlement ON quarantine
    FOR EACH ROW WHEN (NEW.settled_by IS NOT NULL) EXECUTE FUNCTION audit_row();

-- An alert's own events tell what the judge found; here stands what people did.
CREATE TRIGGER trail AFTER UPDATE ON alerts
    FOR EACH ROW WHEN (current_user = 'wellflow_app') EXECUTE FUNCTION audit_row();

-- A pumper sees the leases of his route, and what stands and happens on them.
CREATE POLICY route ON leases AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR id IN (SELECT assigned_leases()));
CREATE POLICY route ON wells AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR lease_id IN (SELECT assigned_leases()));
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['equipment', 'tags', 'alerts'] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
            '  OR well_id IN (SELECT assigned_wells()))', name);
    END LOOP;
END $$;
CREATE POLICY route ON agents AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR well_id IN (SELECT assigned_wells())
           OR id IN (SELECT t.agent_id FROM tags t));
CREATE POLICY route ON readings_latest AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR tag_id IN (SELECT t.id FROM tags t));
CREATE POLICY route ON alert_rules AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR tag_id IN (SELECT t.id FROM tags t));
CREATE POLICY route ON alert_events AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR alert_id IN (SELECT a.id FROM alerts a));
