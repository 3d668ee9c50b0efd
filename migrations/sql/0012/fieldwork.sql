-- What field entries become beside the tables that stand, and what each day came to.

-- What an entry is about, and why it was not taken up as it is.
ALTER TABLE field_entries
    ADD COLUMN lease_id uuid,
    ADD COLUMN production_date date,
    ADD COLUMN person_id uuid,
    ADD COLUMN replaces uuid,
    ADD COLUMN conflicts_with uuid,
    ADD COLUMN faults jsonb,
    ADD CONSTRAINT field_entries_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    DROP CONSTRAINT field_entries_state_check,
    ADD CONSTRAINT field_entries_state_check CHECK
        (state IN ('new', 'taken', 'refused', 'conflict', 'replaced', 'set_aside'));
CREATE INDEX field_entries_day_idx ON field_entries (organization_id, production_date, lease_id);
CREATE INDEX field_entries_waiting_idx ON field_entries (organization_id, received_at)
    WHERE state IN ('refused', 'conflict');

-- A void ticket leaves its number to the ticket that is written in its place.
ALTER TABLE run_tickets DROP CONSTRAINT run_tickets_organization_id_ticket_no_key;
CREATE UNIQUE INDEX run_tickets_organization_id_ticket_no_key
    ON run_tickets (organization_id, ticket_no) WHERE status <> 'void';

-- One row that a field entry made or corrected: how a figure is traced to who typed it.
CREATE TABLE entry_rows (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    part text NOT NULL,
    subject text NOT NULL,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    CONSTRAINT entry_rows_pkey PRIMARY KEY (id),
    CONSTRAINT entry_rows_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT entry_rows_organization_id_entry_id_fkey FOREIGN KEY (organization_id, entry_id)
        REFERENCES field_entries (organization_id, entry_id) ON DELETE RESTRICT,
    CONSTRAINT entry_rows_organization_id_entry_id_part_subject_table_name_key
        UNIQUE (organization_id, entry_id, part, subject, table_name)
);
CREATE INDEX entry_rows_row_id_idx ON entry_rows (row_id);

-- The counter of a meter as somebody read it; a day's volume is the rise between two.
CREATE TABLE meter_readings (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    equipment_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    production_date date NOT NULL,
    reading numeric(16, 4) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT meter_readings_pkey PRIMARY KEY (id),
    CONSTRAINT meter_readings_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT meter_readings_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT meter_readings_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT meter_readings_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT meter_readings_equipment_id_production_date_key
        UNIQUE (equipment_id, production_date),
    CONSTRAINT meter_readings_reading_check CHECK (reading >= 0)
);
CREATE INDEX meter_readings_lease_id_idx
    ON meter_readings (organization_id, lease_id, production_date);

-- Treating chemical that was put in at a lease or one of its wells.
CREATE TABLE chemical_treatments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    well_id uuid,
    production_date date NOT NULL,
    product text NOT NULL,
    gallons numeric(14, 4) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT chemical_treatments_pkey PRIMARY KEY (id),
    CONSTRAINT chemical_treatments_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT chemical_treatments_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT chemical_treatments_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT chemical_treatments_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT chemical_treatments_product_check CHECK (product <> ''),
    CONSTRAINT chemical_treatments_gallons_check CHECK (gallons >= 0)
);
CREATE INDEX chemical_treatments_lease_id_idx
    ON chemical_treatments (organization_id, lease_id, production_date);

-- What a lease made in one production day, by its tanks and tickets, and what is open of it.
CREATE TABLE daily_closes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    production_date date NOT NULL,
    state text NOT NULL,
    opening_bbl numeric(14, 4),
    closing_bbl numeric(14, 4),
    runs_bbl numeric(14, 4) NOT NULL,
    drawn_bbl numeric(14, 4) NOT NULL,
    oil_bbl numeric(14, 4),
    water_bbl numeric(14, 4),
    factor numeric(12, 6),
    findings jsonb DEFAULT '[]' NOT NULL,
    closed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT daily_closes_pkey PRIMARY KEY (id),
    CONSTRAINT daily_closes_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT daily_closes_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT daily_closes_lease_id_production_date_key
        UNIQUE (lease_id, production_date),
    CONSTRAINT daily_closes_state_check CHECK (state IN ('complete', 'incomplete'))
);
CREATE INDEX daily_closes_day_idx ON daily_closes (organization_id, production_date);

-- One tank or meter over one production day: what was keyed against what its gauge saw.
CREATE TABLE reconciliations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    tank_id uuid,
    equipment_id uuid,
    lease_id uuid,
    production_date date NOT NULL,
    unit text NOT NULL,
    opening numeric(16, 4),
    closing numeric(16, 4),
    ticketed numeric(16, 4) DEFAULT 0 NOT NULL,
    gauge_opening numeric(16, 4),
    gauge_closing numeric(16, 4),
    unexplained numeric(16, 4),
    reckoned_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (id),
    CONSTRAINT reconciliations_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT reconciliations_organization_id_tank_id_fkey FOREIGN KEY (organization_id, tank_id)
        REFERENCES tanks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT reconciliations_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT reconciliations_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT reconciliations_tank_id_production_date_key
        UNIQUE (tank_id, production_date),
    CONSTRAINT reconciliations_equipment_id_production_date_key
        UNIQUE (equipment_id, production_date),
    CONSTRAINT reconciliations_kind_check CHECK (kind IN ('tank', 'meter')),
    CONSTRAINT reconciliations_subject_check CHECK (num_nonnulls(tank_id, equipment_id) = 1)
);
CREATE INDEX reconciliations_day_idx ON reconciliations (organization_id, production_date);
