-- What the operator runs.

-- A producing property: what is billed, allocated and reported as one.
CREATE TABLE leases (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    property_no text,
    state text,
    county text,
    status text DEFAULT 'producing' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (id),
    CONSTRAINT leases_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT leases_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT leases_organization_id_property_no_key UNIQUE (organization_id, property_no),
    CONSTRAINT leases_status_check
        CHECK (status IN ('draft', 'producing', 'shut_in', 'held_by_production', 'expired', 'terminated')),
    CONSTRAINT leases_state_check CHECK (state ~ '^[A-Z]{2}$')
);

-- A wellbore.
CREATE TABLE wells (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    lease_id uuid,
    name text NOT NULL,
    site text,
    api14 text,
    well_type text DEFAULT 'oil' NOT NULL,
    status text DEFAULT 'producing' NOT NULL,
    lat NUMERIC(9, 6),
    lon NUMERIC(9, 6),
    first_production date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT wells_pkey PRIMARY KEY (id),
    CONSTRAINT wells_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT wells_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT wells_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT wells_organization_id_api14_key UNIQUE (organization_id, api14),
    CONSTRAINT wells_api14_check CHECK (api14 ~ '^[0-9]{14}$'),
    CONSTRAINT wells_well_type_check
        CHECK (well_type IN ('oil', 'gas', 'oil_gas', 'injection', 'disposal', 'water_supply', 'observation', 'co2')),
    CONSTRAINT wells_status_check
        CHECK (status IN ('permitted', 'drilling', 'completed', 'producing', 'shut_in', 'temporarily_abandoned', 'plugged', 'sold')),
    CONSTRAINT wells_place_check CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180)
);
CREATE UNIQUE INDEX wells_name_key ON wells (organization_id, lower(name));

-- A pump, tank, meter, separator: what can be read, serviced and replaced.
CREATE TABLE equipment (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid,
    name text NOT NULL,
    kind text NOT NULL,
    manufacturer text,
    model text,
    serial text,
    status text DEFAULT 'in_service' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT equipment_pkey PRIMARY KEY (id),
    CONSTRAINT equipment_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT equipment_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT equipment_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT equipment_status_check
        CHECK (status IN ('in_service', 'standby', 'in_shop', 'scrapped', 'sold'))
);
CREATE UNIQUE INDEX equipment_serial_key
    ON equipment (organization_id, manufacturer, serial) WHERE serial IS NOT NULL;
