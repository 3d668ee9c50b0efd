-- Who may see and change what.
--
-- wellflow_app      console and API: the rows of one organization, named by app.organization_id
-- wellflow_ingest   stores what agents send, for all organizations
-- wellflow_work     judges, notifies, rolls up, for all organizations
-- wellflow_owner    owns everything; migrations and definer functions act as it
--
-- Column lists say what a role may change. No role but the owner may change or delete a reading, a
-- ledger row, an alert event or a stream.

-- Every table refuses by default, also to its owner, and then allows by policy.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'organizations', 'users', 'memberships', 'sessions', 'sign_in_failures',
        'leases', 'wells', 'equipment',
        'agents', 'agent_events', 'config_epochs', 'config_epoch_tags', 'tags',
        'readings_aside', 'readings_state', 'readings_latest', 'streams', 'stream_gaps',
        'ingest_batches', 'quarantine', 'ingest_epochs',
        'alert_rules', 'alert_checkpoints', 'alerts', 'alert_events', 'contact_channels',
        'notifications', 'notification_attempts', 'job_runs', 'installation'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner ON %I TO wellflow_owner USING (true)', name);
    END LOOP;
END $$;

-- The tenant's own rows. The subselect makes it one evaluation per query instead of one per row;
-- a session without an organization sees nothing.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'memberships', 'leases', 'wells', 'equipment',
        'agents', 'agent_events', 'config_epochs', 'config_epoch_tags', 'tags',
        'readings_latest', 'streams', 'stream_gaps', 'ingest_batches', 'quarantine',
        'alert_rules', 'alert_checkpoints', 'alerts', 'alert_events', 'contact_channels',
        'notifications', 'notification_attempts'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO wellflow_app USING (organization_id ='
            ' (SELECT nullif(current_setting(''app.organization_id'', true), '''')::uuid))',
            name);
    END LOOP;
END $$;

CREATE POLICY tenant ON organizations TO wellflow_app
    USING (id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid));

-- People stand outside organizations; an operator sees those who work, or worked, for it.
CREATE POLICY tenant ON users FOR SELECT TO wellflow_app
    USING (EXISTS (SELECT FROM memberships m
                   WHERE m.user_id = users.id
                     AND m.organization_id =
                         (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)));

-- Facts about the installation, of no tenant.
CREATE POLICY facts ON installation FOR SELECT
    TO wellflow_app, wellflow_ingest, wellflow_work USING (true);
CREATE POLICY facts ON readings_state FOR SELECT TO wellflow_app USING (true);

-- What the workers do across organizations. Nothing else is open to them.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'organizations', 'agents', 'agent_events', 'config_epochs', 'config_epoch_tags', 'tags',
        'readings_latest', 'streams', 'stream_gaps', 'ingest_batches', 'quarantine',
        'ingest_epochs'
    ] LOOP
        EXECUTE format('CREATE POLICY ingest ON %I TO wellflow_ingest USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'organizations', 'users', 'memberships', 'leases', 'wells', 'equipment',
        'agents', 'agent_events', 'tags', 'readings_state', 'readings_latest', 'streams',
        'stream_gaps', 'ingest_batches',
        'alert_rules', 'alert_checkpoints', 'alerts', 'alert_events', 'contact_channels',
        'notifications', 'notification_attempts', 'job_runs'
    ] LOOP
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
    END LOOP;
END $$;

-- Console and API ------------------------------------------------------------------------------

GRANT SELECT,
    UPDATE (name, timezone, production_day_start, updated_at, updated_by, row_version)
    ON organizations TO wellflow_app;
GRANT SELECT (id, email, name, phone, locale, disabled_at,
              created_at, updated_at, created_by, updated_by, row_version)
    ON users TO wellflow_app;
GRANT SELECT, INSERT, UPDATE (role, ended_at, updated_at, updated_by, row_version)
    ON memberships TO wellflow_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases, wells, equipment TO wellflow_app;
GRANT SELECT, UPDATE (well_id, revoked_at, updated_at, updated_by, row_version)
    ON agents TO wellflow_app;
GRANT SELECT, UPDATE (measure, description, well_id, equipment_id, linked_at, linked_by)
    ON tags TO wellflow_app;
GRANT SELECT
    ON agent_events, config_epochs, config_epoch_tags, readings_latest, streams, stream_gaps,
       ingest_batches
    TO wellflow_app;
GRANT SELECT, UPDATE (settled_at, settled_by, settlement) ON quarantine TO wellflow_app;
GRANT SELECT, INSERT, UPDATE ON alert_rules TO wellflow_app;
GRANT SELECT,
    UPDATE (ack, acked_at, acked_by, ack_note, latched, shelved_until, shelved_by, shelf_reason,
            out_of_service_until, closed_at, row_version)
    ON alerts TO wellflow_app;
GRANT SELECT, INSERT ON alert_events TO wellflow_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_channels TO wellflow_app;
GRANT SELECT, UPDATE (state) ON notifications TO wellflow_app;
GRANT SELECT ON notification_attempts TO wellflow_app;

-- Ingest -----------------------------------------------------------------------------------------

GRANT SELECT (id, closed_at) ON organizations TO wellflow_ingest;
GRANT SELECT,
    UPDATE (online, status_at, heard_at, boot, software, clock, clock_skew_ms, config_epoch,
            backlog)
    ON agents TO wellflow_ingest;
GRANT SELECT, INSERT ON agent_events, config_epoch_tags TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE (digest, declaration, declared_at) ON config_epochs
    TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE (device, unit, description, interval_ms, low, high)
    ON tags TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE ON readings_latest TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE (number, checksum, announced, closed, updated_at)
    ON streams TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE (reason, readings, from_time, to_time) ON stream_gaps
    TO wellflow_ingest;
GRANT SELECT, INSERT ON ingest_batches, ingest_epochs TO wellflow_ingest;
GRANT SELECT, INSERT, UPDATE (code, reason, settled_at, settled_by, settlement) ON quarantine
    TO wellflow_ingest;

-- Work -------------------------------------------------------------------------------------------

GRANT SELECT (id, email, name, phone, locale, disabled_at) ON users TO wellflow_work;
GRANT SELECT
    ON organizations, memberships, leases, wells, equipment, agents, tags, readings_latest,
       streams, stream_gaps
    TO wellflow_work;
GRANT SELECT, INSERT ON agent_events TO wellflow_work;
GRANT SELECT, UPDATE (rolled_to) ON readings_state TO wellflow_work;
GRANT SELECT, UPDATE (judged_at, rolled_at) ON ingest_batches TO wellflow_work;
GRANT SELECT, UPDATE (faulted_at, fault) ON alert_rules TO wellflow_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_checkpoints TO wellflow_work;
GRANT SELECT, INSERT,
    UPDATE (rule_version, level, priority, message, origin, setpoint, value, extreme,
            announced_level, condition, raised_at, detected_at, cleared_at, frozen_since, ack, latched, shelved_until,
            suppressed_by, closed_at, retracted_at, row_version)
    ON alerts TO wellflow_work;
GRANT SELECT, INSERT ON alert_events TO wellflow_work;
GRANT SELECT, UPDATE (broken_at, fault) ON contact_channels TO wellflow_work;
GRANT SELECT, INSERT,
    UPDATE (state, not_before, expires_at, lease_owner, lease_until, attempts, sent_at)
    ON notifications TO wellflow_work;
GRANT SELECT, INSERT, UPDATE (ended_at, outcome, provider_id, detail) ON notification_attempts
    TO wellflow_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_runs TO wellflow_work;

-- All -------------------------------------------------------------------------------------------

GRANT SELECT ON installation TO wellflow_app, wellflow_ingest, wellflow_work;
GRANT SELECT ON readings_state TO wellflow_app;
