-- What was spent, and how it is split.

-- One line of an invoice.
CREATE TABLE expenses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    vendor_id uuid NOT NULL,
    invoice_no text NOT NULL,
    line_no integer DEFAULT 1 NOT NULL,
    invoice_date date NOT NULL,
    service_period date NOT NULL,
    accounting_period date NOT NULL,
    description text NOT NULL,
    account_id uuid NOT NULL,
    afe_id uuid,
    lease_id uuid,
    well_id uuid,
    completion_id uuid,
    maintenance_id uuid,
    gross numeric(16, 2) NOT NULL,
    currency CHAR(3) DEFAULT 'USD' NOT NULL,
    billable boolean DEFAULT true NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    posted_at timestamptz,
    reverses_id uuid,
    notes text,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(description, ''::text)
            || ' '::text || COALESCE(invoice_no, ''::text))) STORED NOT NULL,
    CONSTRAINT expenses_pkey PRIMARY KEY (id),
    CONSTRAINT expenses_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_vendor_id_fkey FOREIGN KEY (organization_id, vendor_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_account_id_fkey FOREIGN KEY (organization_id, account_id)
        REFERENCES accounts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_afe_id_fkey FOREIGN KEY (organization_id, afe_id)
        REFERENCES afes (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_completion_id_fkey FOREIGN KEY (organization_id,
            completion_id)
        REFERENCES completions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_maintenance_id_fkey FOREIGN KEY (organization_id,
            maintenance_id)
        REFERENCES maintenance_records (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_reverses_id_fkey FOREIGN KEY (organization_id, reverses_id)
        REFERENCES expenses (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expenses_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT expenses_invoice_no_check
        CHECK (invoice_no = btrim(invoice_no) AND invoice_no <> ''),
    CONSTRAINT expenses_line_no_check CHECK (line_no > 0),
    CONSTRAINT expenses_service_period_is_month_check CHECK (extract(day FROM service_period) = 1),
    CONSTRAINT expenses_accounting_period_is_month_check
        CHECK (extract(day FROM accounting_period) = 1),
    CONSTRAINT expenses_gross_check CHECK (gross <> 0),
    CONSTRAINT expenses_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT expenses_status_check
        CHECK (status IN ('draft', 'submitted', 'approved', 'posted', 'billed', 'paid',
            'reversed', 'void')),
    CONSTRAINT expenses_reverses_id_check CHECK (reverses_id <> id),
    CONSTRAINT expenses_four_eyes_check
        CHECK (status IN ('draft', 'submitted', 'void') OR created_by IS NOT NULL
            AND approved_by IS NOT NULL AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX expenses_accounting_period_idx ON expenses (organization_id, accounting_period);
CREATE INDEX expenses_gross_idx ON expenses (organization_id, gross);
CREATE INDEX expenses_invoice_date_idx ON expenses (organization_id, invoice_date);
CREATE UNIQUE INDEX expenses_invoice_key
    ON expenses (organization_id, vendor_id, lower(invoice_no),
            line_no) WHERE reverses_id IS NULL AND status NOT IN ('void', 'reversed');
CREATE INDEX expenses_lease_idx ON expenses (organization_id, lease_id, service_period);
CREATE UNIQUE INDEX expenses_reverses_key
    ON expenses (organization_id, reverses_id) WHERE status <> 'void';
CREATE INDEX expenses_search_text_idx ON expenses USING gin (search_text);
CREATE INDEX expenses_status_idx ON expenses (organization_id, status, invoice_date);
CREATE INDEX expenses_vendor_idx ON expenses (organization_id, vendor_id, invoice_date);

-- The part of an expense that one property bears.
CREATE TABLE expense_allocations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    expense_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    well_id uuid,
    method text DEFAULT 'percentage' NOT NULL,
    share numeric(12, 10),
    amount numeric(16, 2) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT expense_allocations_pkey PRIMARY KEY (id),
    CONSTRAINT expense_allocations_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT expense_allocations_organization_id_expense_id_fkey FOREIGN KEY (organization_id,
            expense_id)
        REFERENCES expenses (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT expense_allocations_organization_id_lease_id_fkey FOREIGN KEY (organization_id,
            lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expense_allocations_organization_id_well_id_fkey FOREIGN KEY (organization_id,
            well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT expense_allocations_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT expense_allocations_once_key UNIQUE NULLS NOT DISTINCT (organization_id,
            expense_id, lease_id, well_id),
    CONSTRAINT expense_allocations_method_check
        CHECK (method IN ('per_well', 'percentage', 'fixed', 'by_days', 'by_volume')),
    CONSTRAINT expense_allocations_share_check CHECK (share >= 0 AND share <= 1)
);
CREATE INDEX expense_allocations_lease_idx ON expense_allocations (organization_id, lease_id);
