-- Joint interest billing, and the numbers of papers.

-- The last number drawn of a series of papers.
CREATE TABLE number_series (
    organization_id uuid NOT NULL,
    series text NOT NULL,
    last_number integer DEFAULT 0 NOT NULL,
    CONSTRAINT number_series_pkey PRIMARY KEY (organization_id, series),
    CONSTRAINT number_series_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT number_series_last_number_check CHECK (last_number >= 0)
);

-- A joint interest bill: one partner's share of the costs of a month.
CREATE TABLE jib_statements (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    number integer,
    partner_id uuid NOT NULL,
    lease_id uuid,
    period date NOT NULL,
    revision integer DEFAULT 0 NOT NULL,
    invoice_date date NOT NULL,
    due_date date NOT NULL,
    opening_balance numeric(16, 2) DEFAULT 0 NOT NULL,
    current_charges numeric(16, 2) DEFAULT 0 NOT NULL,
    payments numeric(16, 2) DEFAULT 0 NOT NULL,
    netted numeric(16, 2) DEFAULT 0 NOT NULL,
    closing_balance numeric(16, 2) DEFAULT 0 NOT NULL,
    paid_amount numeric(16, 2) DEFAULT 0 NOT NULL,
    sent_at timestamptz,
    status text DEFAULT 'draft' NOT NULL,
    dispute_note text,
    document_id uuid,
    name text
        GENERATED ALWAYS AS (COALESCE('JIB '::text || number::text, 'Draft JIB'::text)
            || ' '::text || EXTRACT(year FROM period)::text || '-'::text
            || lpad(EXTRACT(month FROM period)::text, 2, '0'::text)) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(number::text, ''::text)
            || ' '::text || COALESCE(dispute_note, ''::text))) STORED NOT NULL,
    CONSTRAINT jib_statements_pkey PRIMARY KEY (id),
    CONSTRAINT jib_statements_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT jib_statements_organization_id_partner_id_fkey FOREIGN KEY (organization_id,
            partner_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statements_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statements_organization_id_document_id_fkey FOREIGN KEY (organization_id,
            document_id)
        REFERENCES documents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statements_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT jib_statements_organization_id_number_key UNIQUE (organization_id, number),
    CONSTRAINT jib_statements_organization_id_partner_id_lease_id_peri_886f UNIQUE NULLS NOT DISTINCT (organization_id, partner_id, lease_id, period, revision),
    CONSTRAINT jib_statements_number_check CHECK (number > 0),
    CONSTRAINT jib_statements_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT jib_statements_revision_check CHECK (revision >= 0),
    CONSTRAINT jib_statements_due_date_check CHECK (due_date >= invoice_date),
    CONSTRAINT jib_statements_closing_balance_check
        CHECK (closing_balance = opening_balance + current_charges - payments - netted),
    CONSTRAINT jib_statements_paid_amount_check CHECK (paid_amount >= 0),
    CONSTRAINT jib_statements_paid_in_full_check
        CHECK (status <> 'paid' OR paid_amount >= closing_balance),
    CONSTRAINT jib_statements_status_check
        CHECK (status IN ('draft', 'approved', 'sent', 'partially_paid', 'paid', 'disputed',
            'void')),
    CONSTRAINT jib_statements_numbered_check CHECK (status = 'draft' OR number IS NOT NULL),
    CONSTRAINT jib_statements_four_eyes_check
        CHECK (status IN ('draft') OR created_by IS NOT NULL AND approved_by IS NOT NULL
            AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX jib_statements_due_date_idx ON jib_statements (organization_id, due_date);
CREATE INDEX jib_statements_period_idx ON jib_statements (organization_id, period);
CREATE INDEX jib_statements_search_text_idx ON jib_statements USING gin (search_text);
CREATE INDEX jib_statements_status_idx ON jib_statements (organization_id, status, due_date);

-- One expense on a bill, and the partner's share of it.
CREATE TABLE jib_statement_lines (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    statement_id uuid NOT NULL,
    line_no integer NOT NULL,
    expense_id uuid,
    afe_id uuid,
    account_id uuid NOT NULL,
    deck_id uuid,
    description text NOT NULL,
    gross numeric(16, 2) NOT NULL,
    interest numeric(12, 10) NOT NULL,
    net numeric(16, 2) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(description,
            ''::text))) STORED NOT NULL,
    CONSTRAINT jib_statement_lines_pkey PRIMARY KEY (id),
    CONSTRAINT jib_statement_lines_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT jib_statement_lines_organization_id_statement_id_fkey FOREIGN KEY (organization_id, statement_id)
        REFERENCES jib_statements (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT jib_statement_lines_organization_id_expense_id_fkey FOREIGN KEY (organization_id,
            expense_id)
        REFERENCES expenses (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statement_lines_organization_id_afe_id_fkey FOREIGN KEY (organization_id, afe_id)
        REFERENCES afes (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statement_lines_organization_id_account_id_fkey FOREIGN KEY (organization_id,
            account_id)
        REFERENCES accounts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statement_lines_organization_id_deck_id_fkey FOREIGN KEY (organization_id,
            deck_id)
        REFERENCES ownership_decks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT jib_statement_lines_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT jib_statement_lines_organization_id_statement_id_line_no_key UNIQUE (organization_id, statement_id, line_no),
    CONSTRAINT jib_statement_lines_line_no_check CHECK (line_no > 0),
    CONSTRAINT jib_statement_lines_interest_check CHECK (interest >= 0 AND interest <= 1)
);
CREATE INDEX jib_statement_lines_expense_idx ON jib_statement_lines (organization_id, expense_id);
CREATE INDEX jib_statement_lines_search_text_idx ON jib_statement_lines USING gin (search_text);
