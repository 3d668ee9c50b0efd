-- Who may see and change who is told. What people set up is kept in the audit trail; what follows
-- from it while alerts go their way is not: the rows are their own record.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'rotations', 'rotation_layers', 'rotation_members', 'rotation_overrides',
        'escalation_policies', 'escalation_steps', 'escalation_targets', 'notify_preferences'
    ] LOOP
        CALL tenant_table(name);
        CALL open_table(name, CASE name
            WHEN 'rotation_layers' THEN ARRAY['rotation_id']
            WHEN 'rotation_members' THEN ARRAY['layer_id']
            WHEN 'rotation_overrides' THEN ARRAY['rotation_id']
            WHEN 'escalation_steps' THEN ARRAY['policy_id']
            WHEN 'escalation_targets' THEN ARRAY['step_id']
            WHEN 'notify_preferences' THEN ARRAY['user_id']
            ELSE ARRAY[]::text[] END);
        EXECUTE format('GRANT INSERT ON %I TO wellflow_app', name);
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO wellflow_work', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'policy_versions', 'rotation_handoffs', 'escalation_runs', 'pages', 'storms', 'digests',
        'reach_checks'
    ] LOOP
        CALL tenant_rows(name);
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO wellflow_app, wellflow_work', name);
    END LOOP;
END $$;

-- A policy or a rotation is ended, never removed: alerts and hand-offs of the past name it.
REVOKE DELETE ON escalation_policies, rotations, rotation_overrides FROM wellflow_app;
-- A version is written once.
GRANT INSERT ON policy_versions TO wellflow_app;
GRANT INSERT, UPDATE (note) ON rotation_handoffs TO wellflow_app;
GRANT INSERT, UPDATE (from_id, to_id, told_at) ON rotation_handoffs TO wellflow_work;

-- Alerts are acknowledged, taken up again and raised in the console, too.
GRANT INSERT,
    UPDATE (policy_version_id, priority, kind, occasion, subject, body, step_no, turn, round,
            pages, started_at, due_at, ended_at, end_reason, audited_at)
    ON escalation_runs TO wellflow_app, wellflow_work;
GRANT INSERT, UPDATE (manner, reason, due_at, done_at) ON pages TO wellflow_app, wellflow_work;
GRANT INSERT, UPDATE (due_at, told_at, messages, pages, ended_at) ON storms TO wellflow_work;
GRANT INSERT ON digests TO wellflow_work;
GRANT INSERT, UPDATE (answered_at, missed_at) ON reach_checks TO wellflow_work;

-- A pumper sees what concerns the wells of his route, and himself.
CREATE POLICY route ON escalation_policies AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR (lease_id IS NULL AND well_id IS NULL)
           OR lease_id IN (SELECT assigned_leases()) OR well_id IN (SELECT assigned_wells()));
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['escalation_runs', 'pages'] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
            '  OR alert_id IN (SELECT a.id FROM alerts a))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['storms', 'digests', 'reach_checks'] LOOP
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
            '  OR user_id = (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))',
            name);
    END LOOP;
END $$;
