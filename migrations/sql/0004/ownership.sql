-- Who owns what share of a property, from when to when.

-- A division of interest: the parties of a property and their shares over one span of time.
CREATE TABLE ownership_decks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    completion_id uuid,
    product text DEFAULT 'all' NOT NULL,
    deck_kind text DEFAULT 'revenue' NOT NULL,
    payout text DEFAULT 'none' NOT NULL,
    effective_from date NOT NULL,
    effective_to date,
    status text DEFAULT 'draft' NOT NULL,
    note text,
    name text
        GENERATED ALWAYS AS (deck_kind || ' '::text || product || ' from '::text
            || EXTRACT(year FROM effective_from)::text || '-'::text
            || lpad(EXTRACT(month FROM effective_from)::text, 2, '0'::text) || '-'::text
            || lpad(EXTRACT(day FROM effective_from)::text, 2, '0'::text)) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT ownership_decks_pkey PRIMARY KEY (id),
    CONSTRAINT ownership_decks_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT ownership_decks_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT ownership_decks_organization_id_completion_id_fkey FOREIGN KEY (organization_id,
            completion_id)
        REFERENCES completions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT ownership_decks_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT ownership_decks_no_overlap
        EXCLUDE USING gist (organization_id WITH =, lease_id WITH =, coalesce(completion_id,
            '00000000-0000-0000-0000-000000000000') WITH =, deck_kind WITH =, (CASE product
            WHEN 'all' THEN int4range(1, 4) WHEN 'oil' THEN int4range(1, 2) WHEN 'gas'
            THEN int4range(2, 3) ELSE int4range(3, 4) END) WITH &&, (CASE payout WHEN 'none'
            THEN int4range(1, 3) WHEN 'before' THEN int4range(1, 2) ELSE int4range(2,
            3) END) WITH &&, daterange(effective_from, effective_to,
            '[]') WITH &&) WHERE (status = 'approved'),
    CONSTRAINT ownership_decks_product_check CHECK (product IN ('all', 'oil', 'gas', 'ngl')),
    CONSTRAINT ownership_decks_deck_kind_check CHECK (deck_kind IN ('revenue', 'billing')),
    CONSTRAINT ownership_decks_payout_check CHECK (payout IN ('none', 'before', 'after')),
    CONSTRAINT ownership_decks_effective_to_check CHECK (effective_to >= effective_from),
    CONSTRAINT ownership_decks_status_check CHECK (status IN ('draft', 'approved', 'superseded')),
    CONSTRAINT ownership_decks_four_eyes_check
        CHECK (status IN ('draft') OR created_by IS NOT NULL AND approved_by IS NOT NULL
            AND approved_at IS NOT NULL AND approved_by <> created_by)
);
CREATE INDEX ownership_decks_from_idx ON ownership_decks (organization_id, effective_from);
CREATE INDEX ownership_decks_lease_idx
    ON ownership_decks (organization_id, lease_id, effective_from);
CREATE INDEX ownership_decks_status_idx ON ownership_decks (organization_id, status, effective_from);

-- One line of a deck: the share one party owns in one kind of interest.
CREATE TABLE lease_partners (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    deck_id uuid NOT NULL,
    partner_id uuid NOT NULL,
    interest_type text DEFAULT 'WI' NOT NULL,
    decimal_interest numeric(12, 10) NOT NULL,
    burdened_by_id uuid,
    pay_status text DEFAULT 'pay' NOT NULL,
    cost_free boolean DEFAULT false NOT NULL,
    tax_exempt text[] DEFAULT '{}'::text[] NOT NULL,
    name text
        GENERATED ALWAYS AS (interest_type || ' '::text || decimal_interest::text) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT lease_partners_pkey PRIMARY KEY (id),
    CONSTRAINT lease_partners_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT lease_partners_organization_id_deck_id_fkey FOREIGN KEY (organization_id, deck_id)
        REFERENCES ownership_decks (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT lease_partners_organization_id_partner_id_fkey FOREIGN KEY (organization_id,
            partner_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT lease_partners_organization_id_burdened_by_id_fkey FOREIGN KEY (organization_id,
            burdened_by_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT lease_partners_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT lease_partners_once_key UNIQUE NULLS NOT DISTINCT (organization_id, deck_id,
            partner_id, interest_type, burdened_by_id),
    CONSTRAINT lease_partners_interest_type_check
        CHECK (interest_type IN ('WI', 'RI', 'ORRI', 'NPRI', 'NPI', 'PP', 'MI', 'UMI')),
    CONSTRAINT lease_partners_decimal_interest_check
        CHECK (decimal_interest > 0 AND decimal_interest <= 1),
    CONSTRAINT lease_partners_pay_status_check
        CHECK (pay_status IN ('pay', 'suspend', 'minimum', 'in_kind', 'net_jib'))
);
CREATE INDEX lease_partners_partner_idx ON lease_partners (organization_id, partner_id);
