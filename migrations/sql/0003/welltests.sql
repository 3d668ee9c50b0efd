-- Rates by test, and standing still by reason.

-- A stretch of time in which a completion did not produce, with its reason by code.
CREATE TABLE downtime_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid NOT NULL,
    completion_id uuid NOT NULL,
    equipment_id uuid,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason_code text NOT NULL,
    planned boolean GENERATED ALWAYS AS (left(reason_code, 4) = 'PLN-'::text) STORED NOT NULL,
    deferred_oil_bbl numeric(14, 4),
    deferred_gas_mcf numeric(14, 4),
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT downtime_events_pkey PRIMARY KEY (id),
    CONSTRAINT downtime_events_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT downtime_events_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT downtime_events_organization_id_well_id_completion_id_fkey
        FOREIGN KEY (organization_id, well_id, completion_id)
        REFERENCES completions (organization_id, well_id, id) ON DELETE RESTRICT,
    CONSTRAINT downtime_events_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT downtime_events_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT downtime_events_overlap
        EXCLUDE USING gist (completion_id WITH =, tstzrange(started_at, ended_at) WITH &&),
    CONSTRAINT downtime_events_reason_code_check
        CHECK (reason_code IN ('PLN-PM', 'PLN-WO', 'PLN-TEST', 'PLN-ECON', 'UNP-ROD',
                'UNP-TUBING', 'UNP-PUMP', 'UNP-GASLOCK', 'UNP-SCALE', 'UNP-PARAFFIN',
                'UNP-CORROSION', 'UNP-MOTOR', 'UNP-BELT', 'UNP-ELEC-UTILITY', 'UNP-ELEC-SITE',
                'UNP-COMPRESSOR', 'UNP-SEPARATOR', 'UNP-TREATER', 'UNP-FLOWLINE', 'EXT-TANK-FULL',
                'EXT-SWD', 'EXT-HIGH-LINE-PRESSURE', 'EXT-PLANT', 'EXT-WEATHER', 'EXT-REGULATORY',
                'EXT-OFFSET-FRAC', 'SAF-H2S', 'SAF-ESD', 'COMM-UNKNOWN')),
    CONSTRAINT downtime_events_ended_at_check CHECK (ended_at > started_at),
    CONSTRAINT downtime_events_deferred_check
        CHECK (coalesce(deferred_oil_bbl, 0) >= 0 AND coalesce(deferred_gas_mcf, 0) >= 0)
);
CREATE INDEX downtime_events_started_at_idx ON downtime_events (organization_id, started_at);
CREATE INDEX downtime_events_well_id_idx ON downtime_events (organization_id, well_id, started_at);

-- A measured stretch of production that tells a completion's rate; accepted, it allocates.
CREATE TABLE well_tests (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid NOT NULL,
    completion_id uuid NOT NULL,
    test_kind text DEFAULT 'allocation' NOT NULL,
    method text DEFAULT 'separator' NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    started_at timestamptz NOT NULL,
    duration_hours numeric(6, 2) NOT NULL,
    oil_bbl numeric(14, 4),
    gas_mcf numeric(14, 4),
    water_bbl numeric(14, 4),
    oil_bpd numeric(14, 4)
        GENERATED ALWAYS AS (round(oil_bbl * 24::numeric / NULLIF(duration_hours, 0::numeric),
                4)) STORED,
    gas_mcfd numeric(14, 4)
        GENERATED ALWAYS AS (round(gas_mcf * 24::numeric / NULLIF(duration_hours, 0::numeric),
                4)) STORED,
    water_bpd numeric(14, 4)
        GENERATED ALWAYS AS (round(water_bbl * 24::numeric / NULLIF(duration_hours, 0::numeric),
                4)) STORED,
    gor_scf_bbl numeric(16, 2)
        GENERATED ALWAYS AS (round(gas_mcf * 1000::numeric / NULLIF(oil_bbl, 0::numeric),
                2)) STORED,
    wor numeric(16, 4)
        GENERATED ALWAYS AS (round(water_bbl / NULLIF(oil_bbl, 0::numeric), 4)) STORED,
    bsw_pct numeric(5, 2),
    api_gravity numeric(4, 1),
    tubing_psig numeric(9, 2),
    casing_psig numeric(9, 2),
    separator_psig numeric(9, 2),
    separator_f numeric(5, 1),
    choke_64ths smallint,
    use_for_allocation boolean DEFAULT true NOT NULL,
    effective_from date,
    conducted_by text,
    witnessed_by text,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT well_tests_pkey PRIMARY KEY (id),
    CONSTRAINT well_tests_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT well_tests_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT well_tests_organization_id_well_id_completion_id_fkey
        FOREIGN KEY (organization_id, well_id, completion_id)
        REFERENCES completions (organization_id, well_id, id) ON DELETE RESTRICT,
    CONSTRAINT well_tests_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT well_tests_completion_id_started_at_key UNIQUE (completion_id, started_at),
    CONSTRAINT well_tests_test_kind_check
        CHECK (test_kind IN ('initial_potential', 'allocation', 'regulatory_annual', 'retest',
                'injection_mit')),
    CONSTRAINT well_tests_method_check
        CHECK (method IN ('separator', 'tank', 'portable', 'multiphase', 'estimate')),
    CONSTRAINT well_tests_status_check CHECK (status IN ('draft', 'accepted', 'rejected')),
    CONSTRAINT well_tests_duration_hours_check
        CHECK (duration_hours > 0 AND duration_hours <= 744),
    CONSTRAINT well_tests_volumes_check
        CHECK (coalesce(oil_bbl, 0) >= 0 AND coalesce(gas_mcf, 0) >= 0 AND coalesce(water_bbl,
                0) >= 0),
    CONSTRAINT well_tests_bsw_pct_check CHECK (bsw_pct BETWEEN 0 AND 100),
    CONSTRAINT well_tests_api_gravity_check CHECK (api_gravity BETWEEN 0 AND 100),
    CONSTRAINT well_tests_choke_64ths_check CHECK (choke_64ths BETWEEN 0 AND 256),
    CONSTRAINT well_tests_accepted_check
        CHECK (status <> 'accepted' OR num_nonnulls(oil_bbl, gas_mcf, water_bbl) > 0)
);
CREATE INDEX well_tests_effective_idx
    ON well_tests (completion_id, effective_from) WHERE status = 'accepted';
CREATE INDEX well_tests_started_at_idx ON well_tests (organization_id, started_at);
CREATE INDEX well_tests_well_id_idx ON well_tests (organization_id, well_id, started_at);
