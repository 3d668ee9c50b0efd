-- Revenue, and every owner's share of it.

-- What a purchaser says it bought: volume, price and value of one property's month.
CREATE TABLE sales_statements (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    purchaser_id uuid NOT NULL,
    statement_no text NOT NULL,
    lease_id uuid NOT NULL,
    product text DEFAULT 'oil' NOT NULL,
    period date NOT NULL,
    received_on date,
    volume numeric(14, 4) NOT NULL,
    price numeric(14, 6),
    gravity_or_btu numeric(14, 6),
    gross_value numeric(16, 2) NOT NULL,
    taxes numeric(16, 2) DEFAULT 0 NOT NULL,
    deductions numeric(16, 2) DEFAULT 0 NOT NULL,
    net_value numeric(16, 2) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(statement_no,
            ''::text))) STORED NOT NULL,
    CONSTRAINT sales_statements_pkey PRIMARY KEY (id),
    CONSTRAINT sales_statements_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT sales_statements_organization_id_purchaser_id_fkey FOREIGN KEY (organization_id,
            purchaser_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT sales_statements_organization_id_lease_id_fkey FOREIGN KEY (organization_id,
            lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT sales_statements_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT sales_statements_organization_id_purchaser_id_statement_40fc UNIQUE (organization_id, purchaser_id, statement_no, lease_id, product, period),
    CONSTRAINT sales_statements_product_check CHECK (product IN ('oil', 'gas', 'ngl')),
    CONSTRAINT sales_statements_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT sales_statements_net_value_check CHECK (net_value = gross_value - taxes - deductions)
);
CREATE INDEX sales_statements_lease_idx ON sales_statements (organization_id, lease_id, period);
CREATE INDEX sales_statements_period_idx ON sales_statements (organization_id, period);
CREATE INDEX sales_statements_search_text_idx ON sales_statements USING gin (search_text);

-- One month's revenue of one product of one property, shared among its owners as one.
CREATE TABLE revenue_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    period date NOT NULL,
    accounting_period date NOT NULL,
    lease_id uuid NOT NULL,
    product text DEFAULT 'oil' NOT NULL,
    purchaser_id uuid NOT NULL,
    sales_statement_id uuid,
    deck_id uuid NOT NULL,
    volume numeric(14, 4) NOT NULL,
    price numeric(14, 6) NOT NULL,
    gross_value numeric(16, 2) NOT NULL,
    taxes numeric(16, 2) DEFAULT 0 NOT NULL,
    deductions numeric(16, 2) DEFAULT 0 NOT NULL,
    adjustments numeric(16, 2) DEFAULT 0 NOT NULL,
    net_value numeric(16, 2) NOT NULL,
    status text DEFAULT 'draft' NOT NULL,
    posted_at timestamptz,
    reverses_id uuid,
    note text,
    name text
        GENERATED ALWAYS AS (product || ' '::text || EXTRACT(year FROM period)::text
            || '-'::text || lpad(EXTRACT(month FROM period)::text, 2, '0'::text)) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT revenue_runs_pkey PRIMARY KEY (id),
    CONSTRAINT revenue_runs_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_purchaser_id_fkey FOREIGN KEY (organization_id,
            purchaser_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_sales_statement_id_fkey FOREIGN KEY (organization_id,
            sales_statement_id)
        REFERENCES sales_statements (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_deck_id_fkey FOREIGN KEY (organization_id, deck_id)
        REFERENCES ownership_decks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_reverses_id_fkey FOREIGN KEY (organization_id,
            reverses_id)
        REFERENCES revenue_runs (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_runs_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT revenue_runs_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT revenue_runs_accounting_period_is_month_check
        CHECK (extract(day FROM accounting_period) = 1),
    CONSTRAINT revenue_runs_product_check CHECK (product IN ('oil', 'gas', 'ngl')),
    CONSTRAINT revenue_runs_net_value_check
        CHECK (net_value = gross_value - taxes - deductions + adjustments),
    CONSTRAINT revenue_runs_status_check
        CHECK (status IN ('draft', 'approved', 'posted', 'reversed')),
    CONSTRAINT revenue_runs_reverses_id_check CHECK (reverses_id <> id),
    CONSTRAINT revenue_runs_four_eyes_check
        CHECK (status IN ('draft') OR created_by IS NOT NULL AND approved_by IS NOT NULL
            AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX revenue_runs_lease_idx ON revenue_runs (organization_id, lease_id, period);
CREATE INDEX revenue_runs_period_idx ON revenue_runs (organization_id, period);
CREATE UNIQUE INDEX revenue_runs_reverses_key ON revenue_runs (organization_id, reverses_id);
CREATE INDEX revenue_runs_status_idx ON revenue_runs (organization_id, status, period);

-- One owner's share of a revenue run: a line of a check stub.
CREATE TABLE revenue_distributions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    run_id uuid NOT NULL,
    deck_id uuid NOT NULL,
    partner_id uuid NOT NULL,
    interest_type text DEFAULT 'WI' NOT NULL,
    decimal_interest numeric(12, 10) NOT NULL,
    owner_volume numeric(14, 4) NOT NULL,
    price numeric(14, 6) NOT NULL,
    gross_value numeric(16, 2) NOT NULL,
    taxes numeric(16, 2) DEFAULT 0 NOT NULL,
    deductions numeric(16, 2) DEFAULT 0 NOT NULL,
    adjustments numeric(16, 2) DEFAULT 0 NOT NULL,
    net numeric(16, 2) NOT NULL,
    pay_code text DEFAULT 'pay' NOT NULL,
    hold_code text DEFAULT 'none' NOT NULL,
    payment_id uuid,
    status text DEFAULT 'draft' NOT NULL,
    reverses_id uuid,
    note text,
    name text
        GENERATED ALWAYS AS (interest_type || ' '::text || decimal_interest::text || ' '::text
            || net::text) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT revenue_distributions_pkey PRIMARY KEY (id),
    CONSTRAINT revenue_distributions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT revenue_distributions_organization_id_run_id_fkey FOREIGN KEY (organization_id,
            run_id)
        REFERENCES revenue_runs (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT revenue_distributions_organization_id_deck_id_fkey FOREIGN KEY (organization_id,
            deck_id)
        REFERENCES ownership_decks (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_distributions_organization_id_partner_id_fkey FOREIGN KEY (organization_id, partner_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_distributions_organization_id_payment_id_fkey FOREIGN KEY (organization_id, payment_id)
        REFERENCES owner_payments (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_distributions_organization_id_reverses_id_fkey FOREIGN KEY (organization_id, reverses_id)
        REFERENCES revenue_distributions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT revenue_distributions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT revenue_distributions_interest_type_check
        CHECK (interest_type IN ('WI', 'RI', 'ORRI', 'NPRI', 'NPI', 'PP', 'MI', 'UMI')),
    CONSTRAINT revenue_distributions_decimal_interest_check
        CHECK (decimal_interest > 0 AND decimal_interest <= 1),
    CONSTRAINT revenue_distributions_net_check
        CHECK (net = gross_value - taxes - deductions + adjustments),
    CONSTRAINT revenue_distributions_pay_code_check
        CHECK (pay_code IN ('pay', 'suspend', 'minimum', 'in_kind', 'net_jib')),
    CONSTRAINT revenue_distributions_hold_code_check
        CHECK (hold_code IN ('none', 'no_w9', 'title_dispute', 'unlocated', 'minimum', 'legal',
            'child_support')),
    CONSTRAINT revenue_distributions_held_why_check
        CHECK (status <> 'suspended' OR hold_code <> 'none'),
    CONSTRAINT revenue_distributions_paid_by_check
        CHECK (status <> 'paid' OR payment_id IS NOT NULL),
    CONSTRAINT revenue_distributions_status_check
        CHECK (status IN ('draft', 'calculated', 'approved', 'posted', 'paid', 'suspended',
            'released', 'reversed', 'escheated')),
    CONSTRAINT revenue_distributions_reverses_id_check CHECK (reverses_id <> id),
    CONSTRAINT revenue_distributions_four_eyes_check
        CHECK (status IN ('draft', 'calculated') OR created_by IS NOT NULL
            AND approved_by IS NOT NULL AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX revenue_distributions_net_idx ON revenue_distributions (organization_id, net);
CREATE INDEX revenue_distributions_partner_idx
    ON revenue_distributions (organization_id, partner_id, status);
CREATE INDEX revenue_distributions_payment_idx
    ON revenue_distributions (organization_id, payment_id);
CREATE UNIQUE INDEX revenue_distributions_reverses_key
    ON revenue_distributions (organization_id, reverses_id);
CREATE INDEX revenue_distributions_run_idx ON revenue_distributions (organization_id, run_id);
CREATE INDEX revenue_distributions_status_idx ON revenue_distributions (organization_id, status);

-- One tax, deduction or adjustment of one owner's distribution.
CREATE TABLE revenue_deductions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    distribution_id uuid NOT NULL,
    kind text DEFAULT 'tax' NOT NULL,
    code text NOT NULL,
    whole numeric(16, 2) NOT NULL,
    amount numeric(16, 2) NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT revenue_deductions_pkey PRIMARY KEY (id),
    CONSTRAINT revenue_deductions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT revenue_deductions_organization_id_distribution_id_fkey FOREIGN KEY (organization_id, distribution_id)
        REFERENCES revenue_distributions (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT revenue_deductions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT revenue_deductions_organization_id_distribution_id_kind_db93 UNIQUE (organization_id, distribution_id, kind, code),
    CONSTRAINT revenue_deductions_kind_check CHECK (kind IN ('tax', 'deduction', 'adjustment'))
);
