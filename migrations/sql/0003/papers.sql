-- Documents with what they are about, and contracts.

-- A file kept by its content: what is stored is named by its SHA-256 and never changed.
CREATE TABLE documents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    title text NOT NULL,
    kind text DEFAULT 'other' NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    storage_key text NOT NULL,
    version smallint DEFAULT 1 NOT NULL,
    supersedes_id uuid,
    expires_on date,
    retention_until date,
    legal_hold boolean DEFAULT false NOT NULL,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(title, ''::text)
                || ' '::text || COALESCE(file_name, ''::text) || ' '::text || COALESCE(note,
                ''::text))) STORED NOT NULL,
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT documents_organization_id_supersedes_id_fkey
        FOREIGN KEY (organization_id, supersedes_id)
        REFERENCES documents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT documents_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT documents_organization_id_supersedes_id_key UNIQUE (organization_id, supersedes_id),
    CONSTRAINT documents_title_check CHECK (title <> ''),
    CONSTRAINT documents_kind_check
        CHECK (kind IN ('lease', 'contract', 'division_order', 'joa', 'afe', 'permit',
                'run_ticket_photo', 'gauge_sheet', 'jib_pdf', 'check_stub', 'w9', 'strap_table',
                'sds', 'photo', 'report', 'other')),
    CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT documents_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT documents_version_check CHECK (version > 0),
    CONSTRAINT documents_supersedes_id_check CHECK (supersedes_id <> id)
);
CREATE INDEX documents_created_at_idx ON documents (organization_id, created_at);
CREATE INDEX documents_search_text_idx ON documents USING gin (search_text);
CREATE INDEX documents_sha256_idx ON documents (organization_id, sha256);
CREATE INDEX documents_title_idx ON documents (organization_id, title);

-- An agreement the operator is bound by, with its dates and terms.
CREATE TABLE contracts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    contract_no text NOT NULL,
    title text NOT NULL,
    contract_type text NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    counterparty text NOT NULL,
    counterparty_id uuid,
    effective date,
    ends_on date,
    auto_renew_months smallint,
    notice_days smallint,
    notice_on date GENERATED ALWAYS AS (ends_on - notice_days) STORED,
    value numeric(16, 2),
    key_terms text,
    overhead_drilling numeric(16, 2),
    overhead_producing numeric(16, 2),
    escalation_month smallint,
    non_consent_pct numeric(7, 4),
    payment_days smallint,
    late_interest_pct numeric(7, 4),
    audit_months smallint,
    price_index text,
    price_differential numeric(14, 6),
    gravity_bank jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(contract_no,
                ''::text) || ' '::text || COALESCE(title, ''::text) || ' '::text
                || COALESCE(counterparty, ''::text) || ' '::text || COALESCE(key_terms,
                ''::text))) STORED NOT NULL,
    CONSTRAINT contracts_pkey PRIMARY KEY (id),
    CONSTRAINT contracts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT contracts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT contracts_organization_id_counterparty_contract_no_key
        UNIQUE (organization_id, counterparty, contract_no),
    CONSTRAINT contracts_contract_no_check CHECK (contract_no <> ''),
    CONSTRAINT contracts_title_check CHECK (title <> ''),
    CONSTRAINT contracts_contract_type_check
        CHECK (contract_type IN ('mineral_lease', 'joa', 'copas_exhibit', 'farmout',
                'unit_agreement', 'surface_use', 'row', 'msa', 'service_order', 'pumper',
                'purchase_oil', 'gathering_processing_gas', 'saltwater_disposal',
                'equipment_rental', 'insurance', 'bond', 'other')),
    CONSTRAINT contracts_status_check
        CHECK (status IN ('draft', 'active', 'expired', 'terminated')),
    CONSTRAINT contracts_ends_on_check CHECK (ends_on >= effective),
    CONSTRAINT contracts_auto_renew_months_check CHECK (auto_renew_months BETWEEN 1 AND 240),
    CONSTRAINT contracts_notice_days_check CHECK (notice_days BETWEEN 0 AND 730),
    CONSTRAINT contracts_value_check CHECK (value >= 0),
    CONSTRAINT contracts_overhead_drilling_check CHECK (overhead_drilling >= 0),
    CONSTRAINT contracts_overhead_producing_check CHECK (overhead_producing >= 0),
    CONSTRAINT contracts_escalation_month_check CHECK (escalation_month BETWEEN 1 AND 12),
    CONSTRAINT contracts_non_consent_pct_check CHECK (non_consent_pct BETWEEN 0 AND 999),
    CONSTRAINT contracts_payment_days_check CHECK (payment_days BETWEEN 0 AND 365),
    CONSTRAINT contracts_late_interest_pct_check CHECK (late_interest_pct BETWEEN 0 AND 100),
    CONSTRAINT contracts_audit_months_check CHECK (audit_months BETWEEN 0 AND 120)
);
CREATE INDEX contracts_contract_no_idx ON contracts (organization_id, contract_no);
CREATE INDEX contracts_counterparty_id_idx ON contracts (organization_id, counterparty_id);
CREATE INDEX contracts_ends_on_idx ON contracts (organization_id, ends_on);
CREATE INDEX contracts_search_text_idx ON contracts USING gin (search_text);

-- What a document is about: one row of another table, of the same operator.
CREATE TABLE document_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    document_id uuid NOT NULL,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT document_links_pkey PRIMARY KEY (id),
    CONSTRAINT document_links_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT document_links_organization_id_document_id_fkey
        FOREIGN KEY (organization_id, document_id)
        REFERENCES documents (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT document_links_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT document_links_document_id_table_name_row_id_key
        UNIQUE (document_id, table_name, row_id),
    CONSTRAINT document_links_table_name_check
        CHECK (table_name IN ('leases', 'wells', 'equipment', 'facilities', 'completions',
                'tanks', 'production_records', 'well_tests', 'run_tickets', 'tank_gauges',
                'tank_strap_tables', 'downtime_events', 'partners', 'ownership_decks',
                'lease_partners', 'jib_statements', 'compliance_reports', 'maintenance_records',
                'incidents', 'alerts', 'permits', 'tax_records', 'expenses', 'afes',
                'revenue_distributions', 'bank_accounts', 'forecasts', 'benchmarks', 'contracts'))
);
CREATE INDEX document_links_row_id_idx ON document_links (organization_id, row_id);

-- A lease a contract is about.
CREATE TABLE contract_leases (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    net_acres numeric(12, 4),
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT contract_leases_pkey PRIMARY KEY (id),
    CONSTRAINT contract_leases_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT contract_leases_organization_id_contract_id_fkey
        FOREIGN KEY (organization_id, contract_id)
        REFERENCES contracts (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT contract_leases_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT contract_leases_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT contract_leases_contract_id_lease_id_key UNIQUE (contract_id, lease_id),
    CONSTRAINT contract_leases_net_acres_check CHECK (net_acres > 0)
);
CREATE INDEX contract_leases_lease_id_idx ON contract_leases (organization_id, lease_id);
