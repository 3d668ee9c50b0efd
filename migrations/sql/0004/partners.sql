-- Business associates.

-- A business associate: an owner of an interest, a purchaser, a vendor, an agency.
CREATE TABLE partners (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'company' NOT NULL,
    working_interest boolean DEFAULT false NOT NULL,
    royalty boolean DEFAULT false NOT NULL,
    overriding boolean DEFAULT false NOT NULL,
    purchaser boolean DEFAULT false NOT NULL,
    vendor boolean DEFAULT false NOT NULL,
    regulator boolean DEFAULT false NOT NULL,
    landowner boolean DEFAULT false NOT NULL,
    tax_id_enc bytea,
    tax_id_last4 text,
    w9_status text DEFAULT 'missing' NOT NULL,
    tax_class text,
    backup_withholding boolean DEFAULT false NOT NULL,
    state_withholding boolean DEFAULT false NOT NULL,
    min_pay numeric(16, 2),
    pay_method text DEFAULT 'check' NOT NULL,
    hold_code text DEFAULT 'none' NOT NULL,
    netting_allowed boolean DEFAULT false NOT NULL,
    contact_name text,
    email text,
    phone text,
    billing_address text,
    remit_address text,
    delivery text DEFAULT 'mail' NOT NULL,
    notes text,
    active boolean DEFAULT true NOT NULL,
    merged_into_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
            || ' '::text || COALESCE(code, ''::text) || ' '::text || COALESCE(contact_name,
            ''::text) || ' '::text || COALESCE(email, ''::text))) STORED NOT NULL,
    CONSTRAINT partners_pkey PRIMARY KEY (id),
    CONSTRAINT partners_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT partners_organization_id_merged_into_id_fkey FOREIGN KEY (organization_id,
            merged_into_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT partners_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT partners_organization_id_code_key UNIQUE (organization_id, code),
    CONSTRAINT partners_code_check CHECK (code = btrim(code) AND code <> ''),
    CONSTRAINT partners_kind_check
        CHECK (kind IN ('company', 'individual', 'trust', 'estate', 'government')),
    CONSTRAINT partners_tax_id_last4_check CHECK (tax_id_last4 ~ '^[0-9]{4}$'),
    CONSTRAINT partners_w9_status_check
        CHECK (w9_status IN ('missing', 'requested', 'received', 'expired')),
    CONSTRAINT partners_tax_class_check
        CHECK (tax_class IN ('individual', 'c_corporation', 's_corporation', 'partnership',
            'trust_estate', 'government', 'foreign')),
    CONSTRAINT partners_min_pay_check CHECK (min_pay >= 0),
    CONSTRAINT partners_pay_method_check CHECK (pay_method IN ('check', 'ach', 'wire', 'in_kind')),
    CONSTRAINT partners_hold_code_check
        CHECK (hold_code IN ('none', 'no_w9', 'title_dispute', 'unlocated', 'minimum', 'legal',
            'child_support')),
    CONSTRAINT partners_email_check CHECK (email ~ '^[^@ ]+@[^@ ]+$'),
    CONSTRAINT partners_delivery_check CHECK (delivery IN ('mail', 'email', 'portal')),
    CONSTRAINT partners_merged_into_id_check CHECK (merged_into_id <> id)
);
CREATE INDEX partners_hold_code_idx ON partners (organization_id, hold_code);
CREATE INDEX partners_kind_idx ON partners (organization_id, kind);
CREATE INDEX partners_name_idx ON partners (organization_id, name);
CREATE INDEX partners_search_text_idx ON partners USING gin (search_text);
