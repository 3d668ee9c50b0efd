-- Rules of every kind: what they watch, which rule made them, the template they began with. Every
-- column may be empty or has a default that needs no rewrite; the checks are added unchecked and then
-- validated.

ALTER TABLE alert_rules
    ALTER COLUMN tag_id DROP NOT NULL,
    ADD COLUMN scope text DEFAULT 'tag' NOT NULL,
    ADD COLUMN well_id uuid,
    ADD COLUMN equipment_class text,
    ADD COLUMN measure text,
    ADD COLUMN unit text,
    ADD COLUMN parent_id uuid,
    ADD COLUMN detached boolean DEFAULT false NOT NULL,
    ADD COLUMN template text,
    ADD COLUMN latch boolean DEFAULT false NOT NULL,
    ADD COLUMN capture_fleeting boolean DEFAULT false NOT NULL,
    ADD COLUMN advisory boolean DEFAULT false NOT NULL,
    DROP CONSTRAINT alert_rules_kind_check;

ALTER TABLE alert_rules
    ADD CONSTRAINT alert_rules_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT alert_rules_organization_id_parent_id_fkey FOREIGN KEY (organization_id, parent_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT alert_rules_kind_check
        CHECK (kind IN ('limit', 'rate', 'stale', 'flatline', 'bad_value', 'digital', 'deviation',
                        'expression', 'production_variance', 'mass_balance', 'due_date', 'financial',
                        'meta', 'missing_entry', 'ticket_mismatch')) NOT VALID,
    ADD CONSTRAINT alert_rules_scope_check
        CHECK (scope IN ('tag', 'equipment_class', 'well', 'organization')) NOT VALID,
    ADD CONSTRAINT alert_rules_watched_check
        CHECK ((scope = 'tag') = (tag_id IS NOT NULL) AND (scope = 'well') = (well_id IS NOT NULL)
               AND (scope = 'equipment_class') = (equipment_class IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT alert_rules_parent_id_check
        CHECK ((parent_id IS NULL OR scope = 'tag' AND parent_id <> id)
               AND (parent_id IS NOT NULL OR NOT detached)) NOT VALID;

ALTER TABLE alert_rules
    VALIDATE CONSTRAINT alert_rules_organization_id_well_id_fkey,
    VALIDATE CONSTRAINT alert_rules_organization_id_parent_id_fkey,
    VALIDATE CONSTRAINT alert_rules_kind_check,
    VALIDATE CONSTRAINT alert_rules_scope_check,
    VALIDATE CONSTRAINT alert_rules_watched_check,
    VALIDATE CONSTRAINT alert_rules_parent_id_check;

-- One child per parent and tag, however many times they are made.
CREATE UNIQUE INDEX alert_rules_child_key ON alert_rules (organization_id, parent_id, tag_id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX alert_rules_kind_idx ON alert_rules (organization_id, kind) WHERE tag_id IS NULL;

-- What a rule said, every time it was changed: appended, never changed.
CREATE TABLE alert_rule_versions (
    organization_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    number integer NOT NULL,
    version integer NOT NULL,
    said jsonb NOT NULL,
    made_at timestamptz DEFAULT now() NOT NULL,
    made_by uuid,
    CONSTRAINT alert_rule_versions_pkey PRIMARY KEY (rule_id, number),
    CONSTRAINT alert_rule_versions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_rule_versions_organization_id_rule_id_fkey FOREIGN KEY (organization_id, rule_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX alert_rule_versions_organization_id_idx ON alert_rule_versions (organization_id);
