-- What an alert is about beside a tag, and the axes of its life: seen, acknowledged for a time,
-- shelved, suppressed, out of service, to be looked into.
ALTER TABLE alerts
    ALTER COLUMN tag_id DROP NOT NULL,
    ALTER COLUMN setpoint DROP NOT NULL,
    ADD COLUMN kind text DEFAULT 'limit' NOT NULL,
    ADD COLUMN subject text DEFAULT '' NOT NULL,
    ADD COLUMN equipment_id uuid,
    ADD COLUMN facility_id uuid,
    ADD COLUMN agent_id uuid,
    ADD COLUMN detected_by text DEFAULT 'hub' NOT NULL,
    ADD COLUMN first_out_id uuid,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN seen_by uuid,
    ADD COLUMN ack_via text,
    ADD COLUMN ack_until timestamptz,
    ADD COLUMN eta timestamptz,
    ADD COLUMN arrived_at timestamptz,
    ADD COLUMN arrived_by uuid,
    ADD COLUMN shelf_count smallint DEFAULT 0 NOT NULL,
    ADD COLUMN suppressed_cause_id uuid,
    ADD COLUMN suppressed_at timestamptz,
    ADD COLUMN tell_at timestamptz,
    ADD COLUMN to_review boolean DEFAULT false NOT NULL,
    ADD COLUMN reviewed_at timestamptz,
    ADD COLUMN reviewed_by uuid,
    ADD COLUMN digested_at timestamptz,
    ADD CONSTRAINT alerts_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT alerts_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT alerts_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT alerts_organization_id_first_out_id_fkey
        FOREIGN KEY (organization_id, first_out_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT alerts_organization_id_suppressed_cause_id_fkey
        FOREIGN KEY (organization_id, suppressed_cause_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT alerts_seen_by_fkey FOREIGN KEY (seen_by) REFERENCES users (id),
    ADD CONSTRAINT alerts_arrived_by_fkey FOREIGN KEY (arrived_by) REFERENCES users (id),
    ADD CONSTRAINT alerts_reviewed_by_fkey FOREIGN KEY (reviewed_by) REFERENCES users (id),
    ADD CONSTRAINT alerts_detected_by_check CHECK (detected_by IN ('hub', 'site')),
    DROP CONSTRAINT alerts_level_check,
    ADD CONSTRAINT alerts_level_check CHECK (level IN ('lolo', 'lo', 'hi', 'hihi', 'alarm'));

CREATE INDEX alerts_agent_id_idx ON alerts (agent_id) WHERE closed_at IS NULL;
CREATE INDEX alerts_ack_until_idx ON alerts (ack_until)
    WHERE closed_at IS NULL AND ack_until IS NOT NULL;

-- Where an alert's tag is, so that what is said of equipment, sites and agents finds the alert.
CREATE FUNCTION place_alert()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    place record;
BEGIN
    IF NEW.tag_id IS NOT NULL THEN
        SELECT t.agent_id, t.equipment_id, t.well_id INTO place FROM tags t WHERE t.id = NEW.tag_id;
        NEW.agent_id := coalesce(NEW.agent_id, place.agent_id);
        NEW.equipment_id := coalesce(NEW.equipment_id, place.equipment_id);
        NEW.well_id := coalesce(NEW.well_id, place.well_id);
    END IF;
    IF NEW.facility_id IS NULL AND (NEW.equipment_id IS NOT NULL OR NEW.well_id IS NOT NULL) THEN
        NEW.facility_id := coalesce(
            (SELECT e.facility_id FROM equipment e WHERE e.id = NEW.equipment_id),
            (SELECT coalesce(w.facility_id, l.facility_id)
             FROM wells w LEFT JOIN leases l ON l.id = w.lease_id WHERE w.id = NEW.well_id));
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION place_alert() FROM PUBLIC;
CREATE TRIGGER place BEFORE INSERT ON alerts FOR EACH ROW EXECUTE FUNCTION place_alert();
