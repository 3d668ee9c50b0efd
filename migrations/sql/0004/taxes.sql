-- Taxes on production: rates and records.

-- A rate of tax, for whom and from when, and where the law says so.
CREATE TABLE tax_rates (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    authority text NOT NULL,
    tax_kind text NOT NULL,
    product text DEFAULT 'all' NOT NULL,
    well_class text DEFAULT 'all' NOT NULL,
    interest_class text DEFAULT 'all' NOT NULL,
    price_from numeric(14, 6) DEFAULT 0 NOT NULL,
    band_from numeric(16, 2) DEFAULT 0 NOT NULL,
    rate_kind text DEFAULT 'pct' NOT NULL,
    rate numeric(14, 10) NOT NULL,
    unit text DEFAULT 'fraction' NOT NULL,
    pressure_base numeric(6, 3),
    valid_from date NOT NULL,
    valid_to date,
    citation text NOT NULL,
    citation_url text,
    verification text DEFAULT 'unverified' NOT NULL,
    verified_at date,
    note text,
    name text
        GENERATED ALWAYS AS (authority || ' '::text || tax_kind || ' '::text
            || rate::text) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tax_rates_pkey PRIMARY KEY (id),
    CONSTRAINT tax_rates_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tax_rates_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tax_rates_no_overlap
        EXCLUDE USING gist (organization_id WITH =, authority WITH =, tax_kind WITH =,
            product WITH =, well_class WITH =, interest_class WITH =, price_from WITH =,
            band_from WITH =, daterange(valid_from, valid_to, '[]') WITH &&),
    CONSTRAINT tax_rates_tax_kind_check
        CHECK (tax_kind IN ('severance_oil', 'severance_gas', 'extraction', 'gross_production',
            'conservation', 'school', 'regulatory_fee', 'petroleum_excise', 'ad_valorem',
            'depletion_cost', 'depletion_percentage', 'franchise')),
    CONSTRAINT tax_rates_product_check CHECK (product IN ('all', 'oil', 'gas', 'ngl')),
    CONSTRAINT tax_rates_interest_class_check
        CHECK (interest_class IN ('all', 'working', 'non_working')),
    CONSTRAINT tax_rates_price_from_check CHECK (price_from >= 0),
    CONSTRAINT tax_rates_band_from_check CHECK (band_from >= 0),
    CONSTRAINT tax_rates_rate_kind_check CHECK (rate_kind IN ('pct', 'per_unit', 'tiered')),
    CONSTRAINT tax_rates_rate_check CHECK (rate >= 0 AND (unit <> 'fraction' OR rate <= 1)),
    CONSTRAINT tax_rates_unit_check CHECK (unit IN ('fraction', 'USD/bbl', 'USD/Mcf')),
    CONSTRAINT tax_rates_rate_unit_check CHECK ((rate_kind = 'per_unit') = (unit <> 'fraction')),
    CONSTRAINT tax_rates_pressure_base_check CHECK (pressure_base BETWEEN 10 AND 20),
    CONSTRAINT tax_rates_valid_to_check CHECK (valid_to >= valid_from),
    CONSTRAINT tax_rates_verification_check
        CHECK (verification IN ('verified', 'secondary', 'unverified')),
    CONSTRAINT tax_rates_verified_when_check
        CHECK (verification <> 'verified' OR verified_at IS NOT NULL)
);
CREATE INDEX tax_rates_authority_idx ON tax_rates (organization_id, authority, tax_kind);

-- The tax on one product of one property in one month.
CREATE TABLE tax_records (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    period date NOT NULL,
    lease_id uuid,
    authority text NOT NULL,
    tax_kind text NOT NULL,
    product text DEFAULT 'all' NOT NULL,
    revision integer DEFAULT 0 NOT NULL,
    volume numeric(14, 4),
    gross_value numeric(16, 2) DEFAULT 0 NOT NULL,
    exempt_value numeric(16, 2) DEFAULT 0 NOT NULL,
    deductible_cost numeric(16, 2) DEFAULT 0 NOT NULL,
    taxable_value numeric(16, 2) DEFAULT 0 NOT NULL,
    rate_id uuid,
    tax numeric(16, 2) NOT NULL,
    paid_by text DEFAULT 'purchaser' NOT NULL,
    due_date date,
    paid_on date,
    compliance_report_id uuid,
    status text DEFAULT 'computed' NOT NULL,
    note text,
    name text
        GENERATED ALWAYS AS (authority || ' '::text || tax_kind || ' '::text
            || EXTRACT(year FROM period)::text || '-'::text
            || lpad(EXTRACT(month FROM period)::text, 2, '0'::text)) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT tax_records_pkey PRIMARY KEY (id),
    CONSTRAINT tax_records_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tax_records_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tax_records_organization_id_rate_id_fkey FOREIGN KEY (organization_id, rate_id)
        REFERENCES tax_rates (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tax_records_organization_id_compliance_report_id_fkey FOREIGN KEY (organization_id, compliance_report_id)
        REFERENCES compliance_reports (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tax_records_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT tax_records_period_key UNIQUE NULLS NOT DISTINCT (organization_id, lease_id,
            period, authority, product, tax_kind, revision),
    CONSTRAINT tax_records_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT tax_records_tax_kind_check
        CHECK (tax_kind IN ('severance_oil', 'severance_gas', 'extraction', 'gross_production',
            'conservation', 'school', 'regulatory_fee', 'petroleum_excise', 'ad_valorem',
            'depletion_cost', 'depletion_percentage', 'franchise')),
    CONSTRAINT tax_records_product_check CHECK (product IN ('all', 'oil', 'gas', 'ngl')),
    CONSTRAINT tax_records_revision_check CHECK (revision >= 0),
    CONSTRAINT tax_records_taxable_value_check
        CHECK (taxable_value = gross_value - exempt_value - deductible_cost),
    CONSTRAINT tax_records_paid_by_check CHECK (paid_by IN ('purchaser', 'operator')),
    CONSTRAINT tax_records_status_check
        CHECK (status IN ('computed', 'reviewed', 'filed', 'paid', 'amended'))
);
CREATE INDEX tax_records_period_idx ON tax_records (organization_id, period);
CREATE INDEX tax_records_status_idx ON tax_records (organization_id, status, period);
