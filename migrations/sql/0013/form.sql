-- The pumper's form at sites: who signs in there, and what it shows, made for each agent.

ALTER TABLE site_rules ADD COLUMN form jsonb;

CREATE TABLE field_pins (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    membership_id uuid NOT NULL,
    pin_hash text NOT NULL,
    set_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT field_pins_pkey PRIMARY KEY (id),
    CONSTRAINT field_pins_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT field_pins_organization_id_membership_id_fkey
        FOREIGN KEY (organization_id, membership_id)
        REFERENCES memberships (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT field_pins_membership_id_key UNIQUE (membership_id)
);

CALL tenant_rows('field_pins');
CREATE POLICY work ON field_pins TO wellflow_work USING (true);
GRANT SELECT ON field_pins TO wellflow_work;
GRANT UPDATE (form) ON site_rules TO wellflow_work;
