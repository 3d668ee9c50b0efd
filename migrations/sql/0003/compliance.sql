-- Permits with limits and conditions, reports to agencies.

-- A report owed to an agency for a month; once filed, its figures stand.
CREATE TABLE compliance_reports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    authority text NOT NULL,
    form_code text NOT NULL,
    period date NOT NULL,
    lease_id uuid,
    facility_id uuid,
    well_id uuid,
    revision smallint DEFAULT 0 NOT NULL,
    amends_id uuid,
    status text DEFAULT 'draft' NOT NULL,
    due_on date,
    layout_version text,
    findings jsonb,
    export_document_id uuid,
    export_sha256 bytea,
    filed_at timestamptz,
    filed_by uuid,
    confirmation text,
    note text,
    title text
        GENERATED ALWAYS AS ((form_code || ' '::text) || (EXTRACT(year FROM period)::text
                || '-'::text || lpad(EXTRACT(month FROM period)::text, 2,
                '0'::text))) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(form_code, ''::text)
                || ' '::text || COALESCE(authority, ''::text) || ' '::text
                || COALESCE(confirmation, ''::text) || ' '::text || COALESCE(note,
                ''::text))) STORED NOT NULL,
    CONSTRAINT compliance_reports_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_reports_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_amends_id_fkey
        FOREIGN KEY (organization_id, amends_id)
        REFERENCES compliance_reports (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_export_document_id_fkey
        FOREIGN KEY (organization_id, export_document_id)
        REFERENCES documents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_reports_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT compliance_reports_authority_check
        CHECK (authority IN ('TX-RRC', 'OK-OCC', 'OK-OTC', 'NM-OCD', 'ND-NDIC', 'CO-ECMC',
                'WY-WOGCC', 'MT-BOGC', 'LA-DENR', 'KS-KCC', 'UT-DOGM', 'CA-CalGEM', 'ONRR', 'BLM',
                'BIA', 'EPA', 'PHMSA', 'OSHA', 'other')),
    CONSTRAINT compliance_reports_form_code_check
        CHECK (form_code IN ('form_pr', 'form_1002a', 'otc_300r', 'c115', 'form_5', 'form_5b',
                'form_7', 'ogor_a', 'ogor_b', 'ogor_c', 'severance_tax', 'royalty_report',
                'emissions', 'spcc', 'other')),
    CONSTRAINT compliance_reports_status_check
        CHECK (status IN ('not_due', 'draft', 'ready', 'exported', 'filed', 'accepted',
                'rejected', 'amended', 'waived')),
    CONSTRAINT compliance_reports_one_subject_check
        CHECK (num_nonnulls(lease_id, facility_id, well_id) <= 1),
    CONSTRAINT compliance_reports_revision_check CHECK (revision BETWEEN 0 AND 99),
    CONSTRAINT compliance_reports_amends_id_check CHECK (amends_id <> id),
    CONSTRAINT compliance_reports_export_sha256_check CHECK (octet_length(export_sha256) = 32),
    CONSTRAINT compliance_reports_filed_at_check
        CHECK (status NOT IN ('filed', 'accepted') OR filed_at IS NOT NULL),
    CONSTRAINT compliance_reports_period_is_month_check CHECK (extract(day FROM period) = 1)
);
CREATE INDEX compliance_reports_due_on_idx ON compliance_reports (organization_id, due_on);
CREATE UNIQUE INDEX compliance_reports_key
    ON compliance_reports (organization_id, form_code, lease_id, facility_id, well_id, period,
            revision) NULLS NOT DISTINCT;
CREATE INDEX compliance_reports_period_idx ON compliance_reports (organization_id, period);
CREATE INDEX compliance_reports_search_text_idx ON compliance_reports USING gin (search_text);

-- A permission, plan or bond an agency gave, with the day it ends.
CREATE TABLE permits (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    permit_no text NOT NULL,
    permit_type text NOT NULL,
    authority text NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    subject text,
    lease_id uuid,
    well_id uuid,
    facility_id uuid,
    applied_on date,
    granted_on date,
    expires_on date,
    notice_days smallint DEFAULT 60 NOT NULL,
    renew_by date GENERATED ALWAYS AS (expires_on - notice_days) STORED,
    cost numeric(16, 2),
    bond_id uuid,
    bond_amount numeric(16, 2),
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(permit_no, ''::text)
                || ' '::text || COALESCE(authority, ''::text) || ' '::text || COALESCE(subject,
                ''::text) || ' '::text || COALESCE(note, ''::text))) STORED NOT NULL,
    CONSTRAINT permits_pkey PRIMARY KEY (id),
    CONSTRAINT permits_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT permits_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT permits_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT permits_organization_id_facility_id_fkey FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT permits_organization_id_bond_id_fkey FOREIGN KEY (organization_id, bond_id)
        REFERENCES permits (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT permits_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT permits_organization_id_authority_permit_no_key
        UNIQUE (organization_id, authority, permit_no),
    CONSTRAINT permits_permit_no_check CHECK (permit_no <> ''),
    CONSTRAINT permits_permit_type_check
        CHECK (permit_type IN ('drilling', 'recompletion', 'injection_uic', 'disposal',
                'flaring_venting_exception', 'air', 'npdes_stormwater', 'spcc_plan', 'pit',
                'surface_use', 'road', 'pipeline_row', 'plugging', 'h2s_contingency',
                'surface_commingling', 'bond')),
    CONSTRAINT permits_authority_check
        CHECK (authority IN ('TX-RRC', 'OK-OCC', 'OK-OTC', 'NM-OCD', 'ND-NDIC', 'CO-ECMC',
                'WY-WOGCC', 'MT-BOGC', 'LA-DENR', 'KS-KCC', 'UT-DOGM', 'CA-CalGEM', 'ONRR', 'BLM',
                'BIA', 'EPA', 'PHMSA', 'OSHA', 'other')),
    CONSTRAINT permits_status_check
        CHECK (status IN ('draft', 'submitted', 'approved', 'active', 'renewal_due', 'expired',
                'revoked', 'closed')),
    CONSTRAINT permits_expires_on_check CHECK (expires_on >= granted_on),
    CONSTRAINT permits_granted_on_check CHECK (granted_on >= applied_on),
    CONSTRAINT permits_notice_days_check CHECK (notice_days BETWEEN 0 AND 730),
    CONSTRAINT permits_cost_check CHECK (cost >= 0),
    CONSTRAINT permits_bond_amount_check CHECK (bond_amount > 0),
    CONSTRAINT permits_bond_id_check CHECK (bond_id <> id)
);
CREATE INDEX permits_expires_on_idx ON permits (organization_id, expires_on);
CREATE INDEX permits_search_text_idx ON permits USING gin (search_text);
CREATE INDEX permits_well_id_idx ON permits (organization_id, well_id);

-- One line of a compliance report: what a well or lease made of a product, and where it went.
CREATE TABLE compliance_report_lines (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    report_id uuid NOT NULL,
    line_no smallint NOT NULL,
    lease_id uuid,
    well_id uuid,
    completion_id uuid,
    product text NOT NULL,
    opening_stock numeric(14, 4),
    produced numeric(14, 4),
    disposed numeric(14, 4),
    disposition_code text,
    closing_stock numeric(14, 4),
    days_produced smallint,
    remark text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT compliance_report_lines_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_report_lines_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT compliance_report_lines_organization_id_report_id_fkey
        FOREIGN KEY (organization_id, report_id)
        REFERENCES compliance_reports (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT compliance_report_lines_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_report_lines_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_report_lines_organization_id_completion_id_fkey
        FOREIGN KEY (organization_id, completion_id)
        REFERENCES completions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT compliance_report_lines_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT compliance_report_lines_report_id_line_no_key UNIQUE (report_id, line_no),
    CONSTRAINT compliance_report_lines_line_no_check CHECK (line_no > 0),
    CONSTRAINT compliance_report_lines_product_check
        CHECK (product IN ('oil', 'condensate', 'gas', 'casinghead_gas', 'water', 'ngl', 'co2')),
    CONSTRAINT compliance_report_lines_produced_check CHECK (produced >= 0),
    CONSTRAINT compliance_report_lines_days_produced_check CHECK (days_produced BETWEEN 0 AND 31)
);
CREATE INDEX compliance_report_lines_line_no_idx
    ON compliance_report_lines (organization_id, line_no);

-- Something a permit asks for, often by a day: a test, a notice, a report.
CREATE TABLE permit_conditions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    permit_id uuid NOT NULL,
    condition text NOT NULL,
    due_on date,
    every_months smallint,
    status text DEFAULT 'open' NOT NULL,
    met_on date,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(condition, ''::text)
                || ' '::text || COALESCE(note, ''::text))) STORED NOT NULL,
    CONSTRAINT permit_conditions_pkey PRIMARY KEY (id),
    CONSTRAINT permit_conditions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT permit_conditions_organization_id_permit_id_fkey
        FOREIGN KEY (organization_id, permit_id)
        REFERENCES permits (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT permit_conditions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT permit_conditions_condition_check CHECK (condition <> ''),
    CONSTRAINT permit_conditions_status_check CHECK (status IN ('open', 'met', 'waived')),
    CONSTRAINT permit_conditions_every_months_check CHECK (every_months BETWEEN 1 AND 120),
    CONSTRAINT permit_conditions_met_on_check CHECK (status <> 'met' OR met_on IS NOT NULL)
);
CREATE INDEX permit_conditions_due_on_idx ON permit_conditions (organization_id, due_on);
CREATE INDEX permit_conditions_permit_id_idx ON permit_conditions (organization_id, permit_id);
CREATE INDEX permit_conditions_search_text_idx ON permit_conditions USING gin (search_text);

-- One figure a permit must not be exceeded by: an injection pressure, a flare volume.
CREATE TABLE permit_limits (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    permit_id uuid NOT NULL,
    quantity text NOT NULL,
    minimum numeric(16, 4),
    maximum numeric(16, 4),
    unit text NOT NULL,
    per text DEFAULT 'instant' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT permit_limits_pkey PRIMARY KEY (id),
    CONSTRAINT permit_limits_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT permit_limits_organization_id_permit_id_fkey
        FOREIGN KEY (organization_id, permit_id)
        REFERENCES permits (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT permit_limits_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT permit_limits_permit_id_quantity_per_key UNIQUE (permit_id, quantity, per),
    CONSTRAINT permit_limits_quantity_check CHECK (quantity <> ''),
    CONSTRAINT permit_limits_unit_check CHECK (unit <> ''),
    CONSTRAINT permit_limits_per_check
        CHECK (per IN ('instant', 'hour', 'day', 'month', 'year', 'in_all')),
    CONSTRAINT permit_limits_range_check CHECK (minimum <= maximum)
);
CREATE INDEX permit_limits_quantity_idx ON permit_limits (organization_id, quantity);
