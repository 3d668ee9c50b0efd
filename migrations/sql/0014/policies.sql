-- A policy may be for the alerts of one rule, or of one piece of equipment and what is part of it.

ALTER TABLE escalation_policies
    ADD COLUMN equipment_id uuid,
    ADD COLUMN rule_id uuid,
    DROP CONSTRAINT escalation_policies_one_place_check;

ALTER TABLE escalation_policies
    ADD CONSTRAINT escalation_policies_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT escalation_policies_organization_id_rule_id_fkey
        FOREIGN KEY (organization_id, rule_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT escalation_policies_one_place_check
        CHECK (num_nonnulls(lease_id, well_id, equipment_id, rule_id) <= 1);

GRANT SELECT (equipment_id, rule_id), INSERT (equipment_id, rule_id),
    UPDATE (equipment_id, rule_id)
    ON escalation_policies TO wellflow_app;

-- A pumper sees what concerns the wells of his route.
ALTER POLICY route ON escalation_policies
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR num_nonnulls(lease_id, well_id, equipment_id, rule_id) = 0
           OR lease_id IN (SELECT assigned_leases()) OR well_id IN (SELECT assigned_wells())
           OR equipment_id IN (SELECT e.id FROM equipment e)
           OR rule_id IN (SELECT r.id FROM alert_rules r));
