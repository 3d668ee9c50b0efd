-- What an operator says itself: when alerts become an incident, and what agencies want to know.

-- When alerts become an incident without anybody declaring it.
CREATE TABLE promotion_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    amount numeric(12, 2),
    minutes smallint,
    incident_class text NOT NULL,
    severity smallint DEFAULT 3 NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    note text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT promotion_rules_pkey PRIMARY KEY (id),
    CONSTRAINT promotion_rules_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT promotion_rules_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT promotion_rules_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT promotion_rules_name_check CHECK (name <> ''),
    CONSTRAINT promotion_rules_kind_check
        CHECK (kind IN ('priority', 'mass_balance', 'tank_high_high', 'site_down', 'unanswered')),
    CONSTRAINT promotion_rules_amount_check CHECK (amount > 0),
    CONSTRAINT promotion_rules_minutes_check CHECK (minutes BETWEEN 0 AND 10080),
    CONSTRAINT promotion_rules_incident_class_check
        CHECK (incident_class IN ('spill', 'release_gas', 'fire', 'well_control', 'injury',
            'near_miss', 'vehicle', 'h2s', 'equipment_failure', 'security_theft',
            'regulatory_violation', 'landowner')),
    CONSTRAINT promotion_rules_severity_check CHECK (severity BETWEEN 1 AND 5)
);

-- A rule by which an agency is told of an incident. No legal advice: confirm with counsel.
CREATE TABLE agency_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    code text NOT NULL,
    jurisdiction text NOT NULL,
    state text,
    agency text NOT NULL,
    category text NOT NULL,
    asks_when text NOT NULL,
    logic text NOT NULL,
    written boolean DEFAULT false NOT NULL,
    deadline_kind text NOT NULL,
    deadline_n smallint,
    clock text DEFAULT 'discovery' NOT NULL,
    follow_up text,
    follow_up_kind text,
    follow_up_n smallint,
    follow_up_clock text DEFAULT 'discovery' NOT NULL,
    form text,
    contact text NOT NULL,
    citation text NOT NULL,
    verification text DEFAULT 'unverified' NOT NULL,
    verified_on date,
    reverify_on date GENERATED ALWAYS AS (verified_on + 365) STORED,
    params jsonb,
    note text,
    enabled boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(code, ''::text)
            || ' '::text || COALESCE(jurisdiction, ''::text) || ' '::text
            || COALESCE(agency, ''::text) || ' '::text || COALESCE(asks_when, ''::text)))
        STORED NOT NULL,
    CONSTRAINT agency_rules_pkey PRIMARY KEY (id),
    CONSTRAINT agency_rules_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT agency_rules_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT agency_rules_organization_id_code_key UNIQUE (organization_id, code),
    CONSTRAINT agency_rules_code_check CHECK (code ~ '^[a-z0-9-]{3,60}$'),
    CONSTRAINT agency_rules_state_check CHECK (state ~ '^[A-Z]{2}$'),
    CONSTRAINT agency_rules_agency_check CHECK (agency <> ''),
    CONSTRAINT agency_rules_logic_check CHECK (logic <> ''),
    CONSTRAINT agency_rules_citation_check CHECK (citation <> ''),
    CONSTRAINT agency_rules_deadline_kind_check
        CHECK (deadline_kind IN ('immediate', 'hours', 'days', 'working_days',
            'next_business_day')),
    CONSTRAINT agency_rules_deadline_check
        CHECK ((deadline_n IS NULL) = (deadline_kind IN ('immediate', 'next_business_day'))),
    CONSTRAINT agency_rules_deadline_n_check CHECK (deadline_n BETWEEN 1 AND 3650),
    CONSTRAINT agency_rules_clock_check
        CHECK (clock IN ('discovery', 'occurrence', 'cleanup', 'discharge_stopped')),
    CONSTRAINT agency_rules_follow_up_kind_check
        CHECK (follow_up_kind IN ('hours', 'days', 'working_days')),
    CONSTRAINT agency_rules_follow_up_check
        CHECK ((follow_up_kind IS NULL) = (follow_up_n IS NULL)),
    CONSTRAINT agency_rules_follow_up_n_check CHECK (follow_up_n BETWEEN 1 AND 3650),
    CONSTRAINT agency_rules_follow_up_clock_check
        CHECK (follow_up_clock IN ('discovery', 'occurrence', 'deadline', 'told', 'cleanup',
            'discharge_stopped')),
    CONSTRAINT agency_rules_verification_check
        CHECK (verification IN ('verified', 'partial', 'unverified'))
);
CREATE INDEX agency_rules_search_text_idx ON agency_rules USING gin (search_text);

-- An agency's rule as it stood at some time: what an obligation of then was judged by.
CREATE TABLE agency_rule_versions (
    organization_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    changed_by uuid,
    body jsonb NOT NULL,
    CONSTRAINT agency_rule_versions_pkey PRIMARY KEY (rule_id, version),
    CONSTRAINT agency_rule_versions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT agency_rule_versions_organization_id_rule_id_fkey
        FOREIGN KEY (organization_id, rule_id) REFERENCES agency_rules (organization_id, id)
        ON DELETE RESTRICT
);
