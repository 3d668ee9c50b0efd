-- What costs are booked to.

-- One line of the chart of accounts.
CREATE TABLE accounts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'operating' NOT NULL,
    billable boolean DEFAULT true NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
            || ' '::text || COALESCE(code, ''::text))) STORED NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CONSTRAINT accounts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT accounts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT accounts_organization_id_code_key UNIQUE (organization_id, code),
    CONSTRAINT accounts_code_check CHECK (code ~ '^[0-9]{4,6}$'),
    CONSTRAINT accounts_kind_check
        CHECK (kind IN ('operating', 'overhead', 'tax', 'capital', 'revenue', 'balance'))
);
CREATE INDEX accounts_name_idx ON accounts (organization_id, name);
CREATE INDEX accounts_search_text_idx ON accounts USING gin (search_text);

-- An authority for expenditure: a budget the partners agreed to before the work.
CREATE TABLE afes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    number text NOT NULL,
    description text NOT NULL,
    kind text DEFAULT 'workover' NOT NULL,
    lease_id uuid,
    well_id uuid,
    budget numeric(16, 2) NOT NULL,
    opened_on date,
    closed_on date,
    status text DEFAULT 'draft' NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(number, ''::text)
            || ' '::text || COALESCE(description, ''::text))) STORED NOT NULL,
    CONSTRAINT afes_pkey PRIMARY KEY (id),
    CONSTRAINT afes_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT afes_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT afes_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT afes_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT afes_organization_id_number_key UNIQUE (organization_id, number),
    CONSTRAINT afes_kind_check
        CHECK (kind IN ('drilling', 'completion', 'recompletion', 'workover', 'facility',
            'plugging', 'other')),
    CONSTRAINT afes_budget_check CHECK (budget >= 0),
    CONSTRAINT afes_closed_on_check CHECK (closed_on >= opened_on),
    CONSTRAINT afes_status_check CHECK (status IN ('draft', 'approved', 'closed', 'cancelled')),
    CONSTRAINT afes_four_eyes_check
        CHECK (status IN ('draft', 'cancelled') OR created_by IS NOT NULL
            AND approved_by IS NOT NULL AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX afes_search_text_idx ON afes USING gin (search_text);
CREATE INDEX afes_status_idx ON afes (organization_id, status);
