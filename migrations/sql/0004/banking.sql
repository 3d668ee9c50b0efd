-- Bank accounts, and payments to owners.

-- Where money is paid to, or from: an account of ours or of a partner.
CREATE TABLE bank_accounts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    owner_kind text DEFAULT 'org' NOT NULL,
    partner_id uuid,
    account_type text DEFAULT 'checking' NOT NULL,
    bank_name text NOT NULL,
    routing text NOT NULL,
    account_enc bytea NOT NULL,
    account_last4 text NOT NULL,
    fingerprint bytea,
    is_primary boolean DEFAULT false NOT NULL,
    number_entered_by uuid,
    change_hold_until timestamptz DEFAULT now() + '48:00:00'::interval NOT NULL,
    status text DEFAULT 'pending_verification' NOT NULL,
    notes text,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
            || ' '::text || COALESCE(bank_name, ''::text))) STORED NOT NULL,
    CONSTRAINT bank_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT bank_accounts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT bank_accounts_organization_id_partner_id_fkey FOREIGN KEY (organization_id,
            partner_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT bank_accounts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT bank_accounts_owner_kind_check CHECK (owner_kind IN ('org', 'partner')),
    CONSTRAINT bank_accounts_owner_check
        CHECK ((owner_kind = 'partner') = (partner_id IS NOT NULL)),
    CONSTRAINT bank_accounts_account_type_check
        CHECK (account_type IN ('checking', 'savings', 'money_market')),
    CONSTRAINT bank_accounts_routing_check CHECK (aba_valid(routing)),
    CONSTRAINT bank_accounts_account_last4_check CHECK (account_last4 ~ '^[0-9]{1,4}$'),
    CONSTRAINT bank_accounts_status_check
        CHECK (status IN ('pending_verification', 'verified', 'frozen', 'closed')),
    CONSTRAINT bank_accounts_four_eyes_check
        CHECK (status IN ('pending_verification', 'closed') OR approved_at IS NOT NULL
            AND number_entered_by IS NOT NULL AND approved_by <> number_entered_by)
);
CREATE UNIQUE INDEX bank_accounts_fingerprint_key
    ON bank_accounts (organization_id, fingerprint) WHERE status <> 'closed';
CREATE INDEX bank_accounts_name_idx ON bank_accounts (organization_id, name);
CREATE INDEX bank_accounts_partner_idx ON bank_accounts (organization_id, partner_id);
CREATE UNIQUE INDEX bank_accounts_primary_key
    ON bank_accounts (organization_id, coalesce(partner_id,
            organization_id)) WHERE is_primary AND status <> 'closed';
CREATE INDEX bank_accounts_search_text_idx ON bank_accounts USING gin (search_text);

-- One check or transfer to one owner, for all the distributions it pays.
CREATE TABLE owner_payments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    number integer,
    partner_id uuid NOT NULL,
    bank_account_id uuid,
    pay_date date NOT NULL,
    method text DEFAULT 'check' NOT NULL,
    amount numeric(16, 2) DEFAULT 0 NOT NULL,
    cleared_on date,
    status text DEFAULT 'draft' NOT NULL,
    note text,
    name text
        GENERATED ALWAYS AS (COALESCE('Payment '::text || number::text,
            'Draft payment'::text)) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT owner_payments_pkey PRIMARY KEY (id),
    CONSTRAINT owner_payments_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT owner_payments_organization_id_partner_id_fkey FOREIGN KEY (organization_id,
            partner_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT owner_payments_organization_id_bank_account_id_fkey FOREIGN KEY (organization_id,
            bank_account_id)
        REFERENCES bank_accounts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT owner_payments_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT owner_payments_organization_id_number_key UNIQUE (organization_id, number),
    CONSTRAINT owner_payments_number_check CHECK (number > 0),
    CONSTRAINT owner_payments_method_check CHECK (method IN ('check', 'ach', 'wire', 'in_kind')),
    CONSTRAINT owner_payments_amount_check CHECK (amount >= 0),
    CONSTRAINT owner_payments_status_check
        CHECK (status IN ('draft', 'approved', 'issued', 'cleared', 'void')),
    CONSTRAINT owner_payments_numbered_check CHECK (status = 'draft' OR number IS NOT NULL),
    CONSTRAINT owner_payments_four_eyes_check
        CHECK (status IN ('draft') OR created_by IS NOT NULL AND approved_by IS NOT NULL
            AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX owner_payments_partner_idx ON owner_payments (organization_id, partner_id, pay_date);
CREATE INDEX owner_payments_pay_date_idx ON owner_payments (organization_id, pay_date);
CREATE INDEX owner_payments_status_idx ON owner_payments (organization_id, status, pay_date);
