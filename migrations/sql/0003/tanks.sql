-- Oil in tanks: what they hold by the inch, what was gauged, and what left by ticket.

-- A stock or water tank: what is gauged, and run from.
CREATE TABLE tanks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    tank_no text,
    contents text DEFAULT 'oil' NOT NULL,
    lease_id uuid,
    facility_id uuid,
    equipment_id uuid,
    capacity_bbl numeric(14, 4) NOT NULL,
    height_in numeric(7, 3) NOT NULL,
    out_of_use_on date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(tank_no, ''::text))) STORED NOT NULL,
    CONSTRAINT tanks_pkey PRIMARY KEY (id),
    CONSTRAINT tanks_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tanks_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tanks_organization_id_facility_id_fkey FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tanks_organization_id_equipment_id_fkey FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tanks_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tanks_contents_check CHECK (contents IN ('oil', 'condensate', 'water', 'slop')),
    CONSTRAINT tanks_place_check CHECK (num_nonnulls(lease_id, facility_id) > 0),
    CONSTRAINT tanks_capacity_bbl_check CHECK (capacity_bbl > 0),
    CONSTRAINT tanks_height_in_check CHECK (height_in > 0 AND height_in <= 960)
);
CREATE INDEX tanks_lease_id_idx ON tanks (organization_id, lease_id);
CREATE INDEX tanks_name_idx ON tanks (organization_id, name);
CREATE INDEX tanks_search_text_idx ON tanks USING gin (search_text);

-- What was hauled or sold out of a tank in one run, with all a federal ticket must say.
CREATE TABLE run_tickets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    ticket_no text NOT NULL,
    kind text DEFAULT 'oil_sale' NOT NULL,
    status text DEFAULT 'open' NOT NULL,
    lease_id uuid NOT NULL,
    tank_id uuid,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz NOT NULL,
    production_date date NOT NULL,
    opening_in numeric(7, 3),
    closing_in numeric(7, 3),
    opening_f numeric(5, 1),
    closing_f numeric(5, 1),
    opening_bbl numeric(14, 4),
    closing_bbl numeric(14, 4),
    gross_standard_bbl numeric(14, 4),
    observed_gravity numeric(4, 1),
    observed_gravity_f numeric(5, 1),
    gravity_60f numeric(4, 1),
    sediment_water_pct numeric(6, 3),
    net_standard_bbl numeric(14, 4),
    seals_off text[],
    seals_on text[],
    gauger text,
    hauler text,
    purchaser text,
    purchaser_id uuid,
    destination text,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(ticket_no, ''::text)
                || ' '::text || COALESCE(hauler, ''::text) || ' '::text || COALESCE(purchaser,
                ''::text) || ' '::text || COALESCE(destination, ''::text) || ' '::text
                || COALESCE(gauger, ''::text))) STORED NOT NULL,
    CONSTRAINT run_tickets_pkey PRIMARY KEY (id),
    CONSTRAINT run_tickets_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT run_tickets_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT run_tickets_organization_id_tank_id_fkey FOREIGN KEY (organization_id, tank_id)
        REFERENCES tanks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT run_tickets_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT run_tickets_organization_id_ticket_no_key UNIQUE (organization_id, ticket_no),
    CONSTRAINT run_tickets_ticket_no_check CHECK (ticket_no <> ''),
    CONSTRAINT run_tickets_kind_check
        CHECK (kind IN ('oil_sale', 'condensate_sale', 'water_haul', 'transfer', 'tank_bottoms')),
    CONSTRAINT run_tickets_status_check CHECK (status IN ('open', 'final', 'void')),
    CONSTRAINT run_tickets_closed_at_check CHECK (closed_at >= opened_at),
    CONSTRAINT run_tickets_opening_in_check CHECK (opening_in BETWEEN 0 AND 960),
    CONSTRAINT run_tickets_closing_in_check CHECK (closing_in BETWEEN 0 AND opening_in),
    CONSTRAINT run_tickets_opening_bbl_check CHECK (opening_bbl >= 0),
    CONSTRAINT run_tickets_closing_bbl_check CHECK (closing_bbl BETWEEN 0 AND opening_bbl),
    CONSTRAINT run_tickets_temperatures_check
        CHECK (opening_f BETWEEN -60 AND 300 AND closing_f BETWEEN -60 AND 300),
    CONSTRAINT run_tickets_observed_gravity_check CHECK (observed_gravity BETWEEN 0 AND 100),
    CONSTRAINT run_tickets_gravity_60f_check CHECK (gravity_60f BETWEEN 0 AND 100),
    CONSTRAINT run_tickets_sediment_water_pct_check CHECK (sediment_water_pct BETWEEN 0 AND 100),
    CONSTRAINT run_tickets_gross_standard_bbl_check CHECK (gross_standard_bbl >= 0),
    CONSTRAINT run_tickets_net_standard_bbl_check
        CHECK (net_standard_bbl >= 0 AND net_standard_bbl <= gross_standard_bbl),
    CONSTRAINT run_tickets_final_has_volume_check
        CHECK (status <> 'final' OR net_standard_bbl IS NOT NULL)
);
CREATE INDEX run_tickets_closed_at_idx ON run_tickets (organization_id, closed_at);
CREATE INDEX run_tickets_lease_id_idx ON run_tickets (organization_id, lease_id, closed_at);
CREATE INDEX run_tickets_purchaser_id_idx ON run_tickets (organization_id, purchaser_id);
CREATE INDEX run_tickets_search_text_idx ON run_tickets USING gin (search_text);

-- One look into a tank: levels and temperature at an instant.
CREATE TABLE tank_gauges (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    tank_id uuid NOT NULL,
    gauged_at timestamptz NOT NULL,
    production_date date NOT NULL,
    kind text DEFAULT 'routine' NOT NULL,
    level_in numeric(7, 3) NOT NULL,
    water_in numeric(7, 3),
    temperature_f numeric(5, 1),
    volume_bbl numeric(14, 4),
    source text DEFAULT 'pumper' NOT NULL,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tank_gauges_pkey PRIMARY KEY (id),
    CONSTRAINT tank_gauges_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tank_gauges_organization_id_tank_id_fkey FOREIGN KEY (organization_id, tank_id)
        REFERENCES tanks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tank_gauges_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tank_gauges_tank_id_gauged_at_kind_key UNIQUE (tank_id, gauged_at, kind),
    CONSTRAINT tank_gauges_kind_check
        CHECK (kind IN ('routine', 'opening', 'closing', 'month_end', 'calibration')),
    CONSTRAINT tank_gauges_source_check
        CHECK (source IN ('pumper', 'telemetry', 'import', 'hauler')),
    CONSTRAINT tank_gauges_level_in_check CHECK (level_in BETWEEN 0 AND 960),
    CONSTRAINT tank_gauges_water_in_check CHECK (water_in BETWEEN 0 AND level_in),
    CONSTRAINT tank_gauges_temperature_f_check CHECK (temperature_f BETWEEN -60 AND 300),
    CONSTRAINT tank_gauges_volume_bbl_check CHECK (volume_bbl >= 0)
);
CREATE INDEX tank_gauges_gauged_at_idx ON tank_gauges (organization_id, gauged_at);

-- A calibration of a tank: its volume by level, valid from a day on.
CREATE TABLE tank_strap_tables (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    tank_id uuid NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    strapped_by text,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tank_strap_tables_pkey PRIMARY KEY (id),
    CONSTRAINT tank_strap_tables_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tank_strap_tables_organization_id_tank_id_fkey
        FOREIGN KEY (organization_id, tank_id)
        REFERENCES tanks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tank_strap_tables_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tank_strap_tables_overlap
        EXCLUDE USING gist (tank_id WITH =, daterange(valid_from, valid_to, '[]') WITH &&),
    CONSTRAINT tank_strap_tables_valid_to_check CHECK (valid_to >= valid_from)
);

-- One line of a strapping table: at this level the tank holds this much.
CREATE TABLE tank_strap_points (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    strap_table_id uuid NOT NULL,
    level_in numeric(7, 3) NOT NULL,
    volume_bbl numeric(14, 4) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tank_strap_points_pkey PRIMARY KEY (id),
    CONSTRAINT tank_strap_points_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tank_strap_points_organization_id_strap_table_id_fkey
        FOREIGN KEY (organization_id, strap_table_id)
        REFERENCES tank_strap_tables (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT tank_strap_points_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tank_strap_points_strap_table_id_level_in_key UNIQUE (strap_table_id, level_in),
    CONSTRAINT tank_strap_points_level_in_check CHECK (level_in >= 0),
    CONSTRAINT tank_strap_points_volume_bbl_check CHECK (volume_bbl >= 0)
);
CREATE INDEX tank_strap_points_level_in_idx ON tank_strap_points (organization_id, level_in);
