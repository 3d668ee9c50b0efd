-- Who may do what with the life of an alert.

GRANT UPDATE (seen_at, seen_by, ack_via, ack_until, eta, arrived_at, arrived_by, shelf_count,
              suppressed_by, suppressed_cause_id, suppressed_at, tell_at, reviewed_at,
              reviewed_by, announced_level)
    ON alerts TO wellflow_app;
GRANT UPDATE (kind, subject, tag_id, well_id, equipment_id, facility_id, agent_id, detected_by,
              first_out_id, acked_at, acked_by, ack_note, seen_at, seen_by, ack_via, ack_until,
              eta, arrived_at, arrived_by, shelved_by, shelf_reason, shelf_count,
              out_of_service_until, suppressed_cause_id, suppressed_at, tell_at, to_review,
              reviewed_at, reviewed_by, digested_at)
    ON alerts TO wellflow_work;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['alert_priorities', 'flow_links', 'alert_holds'] LOOP
        CALL tenant_table(name);
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
    END LOOP;
    CALL open_table('alert_priorities', ARRAY['priority']);
    CALL open_table('flow_links', ARRAY[]::text[]);
END $$;

GRANT SELECT ON alert_priorities, flow_links TO wellflow_work;
GRANT SELECT, INSERT, UPDATE (until, ended_at, ended_by, updated_at, updated_by, row_version)
    ON alert_holds TO wellflow_app, wellflow_work;

-- Since when the hub listens: silence before that says nothing of a site.
GRANT SELECT ON ingest_epochs TO wellflow_work;

-- A pumper sees what stands on the wells, equipment and facilities of the route; no figures of money.
ALTER POLICY route ON alerts
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR (kind <> 'financial'
               AND (well_id IN (SELECT assigned_wells())
                    OR (well_id IS NULL AND equipment_id IN (SELECT e.id FROM equipment e))
                    OR (well_id IS NULL AND facility_id IN (SELECT f.id FROM facilities f)))));
CREATE POLICY route ON alert_holds AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR well_id IN (SELECT assigned_wells())
           OR tag_id IN (SELECT t.id FROM tags t)
           OR equipment_id IN (SELECT e.id FROM equipment e)
           OR facility_id IN (SELECT f.id FROM facilities f)
           OR dedup_key IN (SELECT a.dedup_key FROM alerts a));
CREATE POLICY route ON flow_links AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR from_well_id IN (SELECT assigned_wells())
           OR to_well_id IN (SELECT assigned_wells())
           OR from_equipment_id IN (SELECT e.id FROM equipment e)
           OR to_equipment_id IN (SELECT e.id FROM equipment e));
