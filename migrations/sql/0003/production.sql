-- What wells made each day, what records said before, and months that are closed.

-- A month of one module: open, soft-closed (only the office writes), or closed (nobody).
CREATE TABLE accounting_periods (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    module text NOT NULL,
    month date NOT NULL,
    state text DEFAULT 'open' NOT NULL,
    note text,
    title text
        GENERATED ALWAYS AS ((module || ' '::text) || (EXTRACT(year FROM month)::text
                || '-'::text || lpad(EXTRACT(month FROM month)::text, 2,
                '0'::text))) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT accounting_periods_pkey PRIMARY KEY (id),
    CONSTRAINT accounting_periods_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT accounting_periods_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT accounting_periods_organization_id_module_month_key
        UNIQUE (organization_id, module, month),
    CONSTRAINT accounting_periods_module_check CHECK (module IN ('production', 'finance')),
    CONSTRAINT accounting_periods_state_check CHECK (state IN ('open', 'soft_closed', 'closed')),
    CONSTRAINT accounting_periods_month_is_month_check CHECK (extract(day FROM month) = 1)
);

-- What one completion made in one production day, of one kind: estimated, measured, allocated.
CREATE TABLE production_records (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    production_date date NOT NULL,
    organization_id uuid NOT NULL,
    well_id uuid NOT NULL,
    completion_id uuid NOT NULL,
    record_kind text DEFAULT 'measured' NOT NULL,
    oil_bbl numeric(14, 4),
    gas_mcf numeric(14, 4),
    water_bbl numeric(14, 4),
    injected_water_bbl numeric(14, 4),
    injected_gas_mcf numeric(14, 4),
    gas_pressure_base_psia numeric(6, 3),
    hours_on numeric(5, 2),
    days_produced smallint,
    tubing_psig numeric(9, 2),
    casing_psig numeric(9, 2),
    line_psig numeric(9, 2),
    choke_64ths smallint,
    strokes_per_minute numeric(5, 2),
    fluid_level_ft numeric(9, 2),
    source text DEFAULT 'office' NOT NULL,
    quality text DEFAULT 'good' NOT NULL,
    revision smallint DEFAULT 0 NOT NULL,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT production_records_pkey PRIMARY KEY (id, production_date),
    CONSTRAINT production_records_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT production_records_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT production_records_organization_id_well_id_completion_id_fkey
        FOREIGN KEY (organization_id, well_id, completion_id)
        REFERENCES completions (organization_id, well_id, id) ON DELETE RESTRICT,
    CONSTRAINT production_records_record_kind_check
        CHECK (record_kind IN ('field_estimate', 'measured', 'allocated', 'adjusted',
                'state_reported')),
    CONSTRAINT production_records_source_check
        CHECK (source IN ('pumper', 'telemetry', 'import', 'allocation', 'office')),
    CONSTRAINT production_records_quality_check
        CHECK (quality IN ('good', 'suspect', 'bad', 'estimated')),
    CONSTRAINT production_records_oil_bbl_check CHECK (record_kind = 'adjusted' OR oil_bbl >= 0),
    CONSTRAINT production_records_gas_mcf_check CHECK (record_kind = 'adjusted' OR gas_mcf >= 0),
    CONSTRAINT production_records_water_bbl_check
        CHECK (record_kind = 'adjusted' OR water_bbl >= 0),
    CONSTRAINT production_records_injected_water_bbl_check
        CHECK (record_kind = 'adjusted' OR injected_water_bbl >= 0),
    CONSTRAINT production_records_injected_gas_mcf_check
        CHECK (record_kind = 'adjusted' OR injected_gas_mcf >= 0),
    CONSTRAINT production_records_gas_pressure_base_check
        CHECK (gas_pressure_base_psia BETWEEN 14 AND 16),
    CONSTRAINT production_records_hours_on_check CHECK (hours_on BETWEEN 0 AND 25),
    CONSTRAINT production_records_days_produced_check CHECK (days_produced BETWEEN 0 AND 31),
    CONSTRAINT production_records_choke_64ths_check CHECK (choke_64ths BETWEEN 0 AND 256),
    CONSTRAINT production_records_strokes_per_minute_check
        CHECK (strokes_per_minute BETWEEN 0 AND 60),
    CONSTRAINT production_records_fluid_level_ft_check CHECK (fluid_level_ft >= 0),
    CONSTRAINT production_records_production_date_check
        CHECK (production_date BETWEEN '1859-08-27' AND '2199-12-31')
);
CREATE INDEX production_records_day_idx
    ON production_records (organization_id, production_date, id);
CREATE UNIQUE INDEX production_records_day_key
    ON production_records (completion_id, production_date, record_kind);
CREATE INDEX production_records_gas_idx ON production_records (organization_id, gas_mcf, id);
CREATE INDEX production_records_oil_idx ON production_records (organization_id, oil_bbl, id);
CREATE INDEX production_records_water_idx ON production_records (organization_id, water_bbl, id);
CREATE INDEX production_records_well_idx
    ON production_records (organization_id, well_id, production_date);

-- What a production record said before it was corrected or deleted.
CREATE TABLE production_revisions (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    record_id uuid NOT NULL,
    production_date date NOT NULL,
    well_id uuid NOT NULL,
    completion_id uuid NOT NULL,
    record_kind text NOT NULL,
    revision smallint NOT NULL,
    oil_bbl numeric(14, 4),
    gas_mcf numeric(14, 4),
    water_bbl numeric(14, 4),
    injected_water_bbl numeric(14, 4),
    injected_gas_mcf numeric(14, 4),
    hours_on numeric(5, 2),
    source text NOT NULL,
    quality text NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    replaced_at timestamptz DEFAULT now() NOT NULL,
    replaced_by uuid,
    CONSTRAINT production_revisions_pkey PRIMARY KEY (id),
    CONSTRAINT production_revisions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT production_revisions_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT production_revisions_organization_id_well_id_completion_id_fkey
        FOREIGN KEY (organization_id, well_id, completion_id)
        REFERENCES completions (organization_id, well_id, id) ON DELETE RESTRICT
);
CREATE INDEX production_revisions_record_id_idx ON production_revisions (record_id, revision);
CREATE INDEX production_revisions_well_id_idx
    ON production_revisions (organization_id, well_id, production_date);
