-- Where production is gathered, and the layers it comes from; numbers agencies know them by.

-- A battery, plant or disposal site that serves several wells or leases.
CREATE TABLE facilities (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'tank_battery' NOT NULL,
    code text,
    state text,
    county text,
    lat numeric(9, 6),
    lon numeric(9, 6),
    directions text,
    closed_on date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(code, ''::text) || ' '::text || COALESCE(county,
                ''::text) || ' '::text || COALESCE(directions, ''::text))) STORED NOT NULL,
    CONSTRAINT facilities_pkey PRIMARY KEY (id),
    CONSTRAINT facilities_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT facilities_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT facilities_organization_id_code_key UNIQUE (organization_id, code),
    CONSTRAINT facilities_kind_check
        CHECK (kind IN ('tank_battery', 'central_battery', 'compressor_station', 'gas_plant',
                'disposal', 'injection_station', 'lact_site', 'yard', 'other')),
    CONSTRAINT facilities_state_check CHECK (state ~ '^[A-Z]{2}$'),
    CONSTRAINT facilities_place_check CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180)
);
CREATE UNIQUE INDEX facilities_name_key ON facilities (organization_id, lower(name));
CREATE INDEX facilities_search_text_idx ON facilities USING gin (search_text);

-- A layer a well produces from: the level at which volumes are kept and reported.
CREATE TABLE completions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid NOT NULL,
    name text DEFAULT 'Main' NOT NULL,
    formation text,
    pool_code text,
    state_completion_no text,
    producing_interval_code text,
    status text DEFAULT 'active' NOT NULL,
    top_ft numeric(9, 2),
    bottom_ft numeric(9, 2),
    completed_on date,
    first_production date,
    abandoned_on date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(formation, ''::text) || ' '::text || COALESCE(pool_code,
                ''::text) || ' '::text || COALESCE(state_completion_no,
                ''::text))) STORED NOT NULL,
    CONSTRAINT completions_pkey PRIMARY KEY (id),
    CONSTRAINT completions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT completions_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT completions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT completions_organization_id_well_id_id_key UNIQUE (organization_id, well_id, id),
    CONSTRAINT completions_status_check
        CHECK (status IN ('planned', 'active', 'shut_in', 'abandoned')),
    CONSTRAINT completions_interval_code_check CHECK (producing_interval_code ~ '^[A-Z][0-9]{2}$'),
    CONSTRAINT completions_depths_check CHECK (top_ft >= 0 AND bottom_ft >= top_ft),
    CONSTRAINT completions_abandoned_on_check CHECK (abandoned_on >= completed_on)
);
CREATE INDEX completions_name_idx ON completions (organization_id, name);
CREATE UNIQUE INDEX completions_name_key ON completions (well_id, lower(name));
CREATE INDEX completions_search_text_idx ON completions USING gin (search_text);

-- A stretch of time in which a well had one status; stretches of a well never overlap.
CREATE TABLE well_status_history (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid NOT NULL,
    status text NOT NULL,
    from_at timestamptz DEFAULT now() NOT NULL,
    to_at timestamptz,
    reason text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT well_status_history_pkey PRIMARY KEY (id),
    CONSTRAINT well_status_history_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT well_status_history_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT well_status_history_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT well_status_history_overlap
        EXCLUDE USING gist (well_id WITH =, tstzrange(from_at, to_at) WITH &&),
    CONSTRAINT well_status_history_status_check
        CHECK (status IN ('permitted', 'drilling', 'completed', 'producing', 'shut_in',
                'temporarily_abandoned', 'plugged', 'sold')),
    CONSTRAINT well_status_history_to_at_check CHECK (to_at > from_at)
);
CREATE INDEX well_status_history_from_at_idx ON well_status_history (organization_id, from_at);

-- A number under which an agency knows the operator, a facility, lease, well or completion.
CREATE TABLE regulatory_ids (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    authority text NOT NULL,
    id_kind text NOT NULL,
    value text NOT NULL,
    facility_id uuid,
    lease_id uuid,
    well_id uuid,
    completion_id uuid,
    from_day date,
    to_day date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(authority, ''::text)
                || ' '::text || COALESCE(id_kind, ''::text) || ' '::text || COALESCE(value,
                ''::text))) STORED NOT NULL,
    CONSTRAINT regulatory_ids_pkey PRIMARY KEY (id),
    CONSTRAINT regulatory_ids_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT regulatory_ids_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT regulatory_ids_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT regulatory_ids_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT regulatory_ids_organization_id_completion_id_fkey
        FOREIGN KEY (organization_id, completion_id)
        REFERENCES completions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT regulatory_ids_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT regulatory_ids_overlap
        EXCLUDE USING gist (organization_id WITH =, authority WITH =, id_kind WITH =,
                value WITH =, daterange(from_day, to_day, '[]') WITH &&),
    CONSTRAINT regulatory_ids_authority_check
        CHECK (authority IN ('TX-RRC', 'OK-OCC', 'OK-OTC', 'NM-OCD', 'ND-NDIC', 'CO-ECMC',
                'WY-WOGCC', 'MT-BOGC', 'LA-DENR', 'KS-KCC', 'UT-DOGM', 'CA-CalGEM', 'ONRR', 'BLM',
                'BIA', 'EPA', 'PHMSA', 'OSHA', 'other')),
    CONSTRAINT regulatory_ids_value_check CHECK (value <> ''),
    CONSTRAINT regulatory_ids_one_subject_check
        CHECK (num_nonnulls(facility_id, lease_id, well_id, completion_id) <= 1),
    CONSTRAINT regulatory_ids_to_day_check CHECK (to_day >= from_day)
);
CREATE INDEX regulatory_ids_search_text_idx ON regulatory_ids USING gin (search_text);
CREATE INDEX regulatory_ids_value_idx ON regulatory_ids (organization_id, value);
