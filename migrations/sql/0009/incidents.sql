-- What is known and what happens in an incident, and what an agency is owed about it.

ALTER TABLE incidents
    ADD COLUMN lat numeric(9, 6),
    ADD COLUMN lon numeric(9, 6),
    ADD COLUMN released_low numeric(14, 4),
    ADD COLUMN released_high numeric(14, 4),
    ADD COLUMN gas_low numeric(14, 4),
    ADD COLUMN gas numeric(14, 4),
    ADD COLUMN gas_high numeric(14, 4),
    ADD COLUMN h2s_lb_low numeric(12, 3),
    ADD COLUMN h2s_lb numeric(12, 3),
    ADD COLUMN h2s_lb_high numeric(12, 3),
    ADD COLUMN h2s_ppm numeric(12, 3),
    ADD COLUMN water_tds_ppm numeric(12, 3),
    ADD COLUMN property_damage numeric(16, 2),
    ADD COLUMN on_site boolean,
    ADD COLUMN threatens_water boolean,
    ADD COLUMN sensitive_area boolean,
    ADD COLUMN endangers_health boolean,
    ADD COLUMN threatens_property boolean,
    ADD COLUMN h2s_uncontrolled boolean,
    ADD COLUMN fire boolean DEFAULT false NOT NULL,
    ADD COLUMN explosion boolean DEFAULT false NOT NULL,
    ADD COLUMN lightning boolean DEFAULT false NOT NULL,
    ADD COLUMN blowout boolean DEFAULT false NOT NULL,
    ADD COLUMN emergency boolean DEFAULT false NOT NULL,
    ADD COLUMN major boolean DEFAULT false NOT NULL,
    ADD COLUMN significant boolean DEFAULT false NOT NULL,
    ADD COLUMN pipeline boolean DEFAULT false NOT NULL,
    ADD COLUMN coastal boolean DEFAULT false NOT NULL,
    ADD COLUMN offshore boolean DEFAULT false NOT NULL,
    ADD COLUMN h2s_plan boolean DEFAULT false NOT NULL,
    ADD COLUMN first_aid_cases smallint DEFAULT 0 NOT NULL,
    ADD COLUMN medical_cases smallint DEFAULT 0 NOT NULL,
    ADD COLUMN restricted_cases smallint DEFAULT 0 NOT NULL,
    ADD COLUMN days_away_cases smallint DEFAULT 0 NOT NULL,
    ADD COLUMN deaths smallint DEFAULT 0 NOT NULL,
    ADD COLUMN hospitalised smallint DEFAULT 0 NOT NULL,
    ADD COLUMN amputations smallint DEFAULT 0 NOT NULL,
    ADD COLUMN eye_losses smallint DEFAULT 0 NOT NULL,
    ADD COLUMN state text,
    ADD COLUMN federal_lease boolean,
    ADD COLUMN built_on date,
    ADD COLUMN discharge_stopped_at timestamptz,
    ADD COLUMN cleanup_ended_on date,
    ADD COLUMN review text,
    ADD COLUMN commander_id uuid,
    ADD COLUMN scribe_id uuid,
    ADD COLUMN origin text DEFAULT 'entered' NOT NULL,
    ADD COLUMN promotion_rule_id uuid,
    ADD COLUMN recurrence_of_id uuid,
    ADD COLUMN clock_choice text DEFAULT 'earliest' NOT NULL,
    ADD COLUMN clock_reason text,
    ADD COLUMN not_incident_reason text,
    ADD COLUMN correction text,
    ADD COLUMN confirmed_at timestamptz,
    ADD COLUMN contained_at timestamptz,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN reviewed_at timestamptz;

-- The course has new names; what was entered as an incident was one.
ALTER TABLE incidents
    DROP CONSTRAINT incidents_status_check,
    DROP CONSTRAINT incidents_closed_at_check,
    ALTER COLUMN status SET DEFAULT 'suspected',
    ALTER COLUMN incident_no SET DEFAULT '';
UPDATE incidents SET
    status = CASE status WHEN 'open' THEN 'confirmed' WHEN 'investigating' THEN 'confirmed'
                         WHEN 'remediation' THEN 'remediating' ELSE status END;
-- Gas has columns of its own: a tank on fire loses both.
UPDATE incidents SET gas = released, released = NULL, recovered = NULL, contained = NULL
WHERE fluid = 'gas';

ALTER TABLE incidents
    ADD CONSTRAINT incidents_organization_id_commander_id_fkey
        FOREIGN KEY (organization_id, commander_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    ADD CONSTRAINT incidents_organization_id_scribe_id_fkey
        FOREIGN KEY (organization_id, scribe_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    ADD CONSTRAINT incidents_organization_id_promotion_rule_id_fkey
        FOREIGN KEY (organization_id, promotion_rule_id)
        REFERENCES promotion_rules (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT incidents_organization_id_recurrence_of_id_fkey
        FOREIGN KEY (organization_id, recurrence_of_id)
        REFERENCES incidents (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT incidents_status_check
        CHECK (status IN ('suspected', 'confirmed', 'not_an_incident', 'contained',
            'remediating', 'resolved', 'reviewed', 'closed')),
    ADD CONSTRAINT incidents_origin_check
        CHECK (origin IN ('entered', 'declared', 'reported', 'promoted')),
    ADD CONSTRAINT incidents_clock_choice_check
        CHECK (clock_choice IN ('earliest', 'alarm_raised', 'alarm_detected', 'first_view',
            'discovered')),
    ADD CONSTRAINT incidents_clock_reason_check
        CHECK (clock_choice = 'earliest' OR COALESCE(clock_reason, '') <> ''),
    ADD CONSTRAINT incidents_position_check
        CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180),
    ADD CONSTRAINT incidents_recurrence_of_id_check CHECK (recurrence_of_id <> id),
    ADD CONSTRAINT incidents_gas_check CHECK (gas >= 0),
    ADD CONSTRAINT incidents_h2s_lb_check CHECK (h2s_lb >= 0),
    ADD CONSTRAINT incidents_released_interval_check
        CHECK (released_low >= 0 AND released >= released_low AND released_high >= released
            AND released_high >= released_low),
    ADD CONSTRAINT incidents_gas_interval_check
        CHECK (gas_low >= 0 AND gas >= gas_low AND gas_high >= gas AND gas_high >= gas_low),
    ADD CONSTRAINT incidents_h2s_lb_interval_check
        CHECK (h2s_lb_low >= 0 AND h2s_lb >= h2s_lb_low AND h2s_lb_high >= h2s_lb
            AND h2s_lb_high >= h2s_lb_low),
    ADD CONSTRAINT incidents_h2s_ppm_check CHECK (h2s_ppm BETWEEN 0 AND 1000000),
    ADD CONSTRAINT incidents_water_tds_ppm_check CHECK (water_tds_ppm BETWEEN 0 AND 1000000),
    ADD CONSTRAINT incidents_property_damage_check CHECK (property_damage >= 0),
    DROP CONSTRAINT incidents_injured_check,
    ADD CONSTRAINT incidents_people_check
        CHECK (injured >= 0 AND first_aid_cases >= 0 AND medical_cases >= 0
            AND restricted_cases >= 0 AND days_away_cases >= 0 AND deaths >= 0
            AND hospitalised >= 0 AND amputations >= 0 AND eye_losses >= 0),
    ADD CONSTRAINT incidents_state_check CHECK (state ~ '^[A-Z]{2}$');
CREATE INDEX incidents_status_idx ON incidents (organization_id, status);

-- What happened in an incident, and what people did and saw: appended, never changed.
CREATE TABLE incident_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    happened_at timestamptz DEFAULT now() NOT NULL,
    kind text DEFAULT 'comment' NOT NULL,
    note text,
    before jsonb,
    after jsonb,
    document_id uuid,
    lat numeric(9, 6),
    lon numeric(9, 6),
    accuracy_m numeric(8, 1),
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(note, ''::text)))
        STORED NOT NULL,
    CONSTRAINT incident_events_pkey PRIMARY KEY (id),
    CONSTRAINT incident_events_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT incident_events_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT incident_events_organization_id_document_id_fkey
        FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT incident_events_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT incident_events_kind_check
        CHECK (kind IN ('opened', 'status', 'facts', 'alert', 'notice', 'reminder', 'missed',
            'comment', 'photo', 'position', 'viewed', 'call', 'role', 'review')),
    CONSTRAINT incident_events_note_check CHECK (kind <> 'comment' OR note <> ''),
    CONSTRAINT incident_events_position_check
        CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180
            AND (lat IS NULL) = (lon IS NULL)),
    CONSTRAINT incident_events_accuracy_m_check CHECK (accuracy_m >= 0)
);
CREATE INDEX incident_events_happened_at_idx ON incident_events (organization_id, happened_at);
CREATE INDEX incident_events_incident_id_idx
    ON incident_events (organization_id, incident_id, created_at);
CREATE INDEX incident_events_search_text_idx ON incident_events USING gin (search_text);

-- An alert that belongs to an incident; to one at most.
CREATE TABLE incident_alerts (
    organization_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    joined_at timestamptz DEFAULT now() NOT NULL,
    because text NOT NULL,
    CONSTRAINT incident_alerts_pkey PRIMARY KEY (alert_id),
    CONSTRAINT incident_alerts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT incident_alerts_organization_id_alert_id_fkey
        FOREIGN KEY (organization_id, alert_id) REFERENCES alerts (organization_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT incident_alerts_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT incident_alerts_because_check CHECK (because <> '')
);
CREATE INDEX incident_alerts_incident_id_idx ON incident_alerts (organization_id, incident_id);

-- What an agency is owed: from a list of notices to obligations with a clock.
ALTER TABLE incident_notices
    ADD COLUMN method text,
    ADD COLUMN status text DEFAULT 'due' NOT NULL,
    ADD COLUMN rule_id uuid,
    ADD COLUMN rule_version integer,
    ADD COLUMN facts_hash text,
    ADD COLUMN because text,
    ADD COLUMN clock_start timestamptz,
    ADD COLUMN clock_basis text,
    ADD COLUMN written boolean DEFAULT false NOT NULL,
    ADD COLUMN follow_up text,
    ADD COLUMN written_required_by timestamptz,
    ADD COLUMN filed_at timestamptz,
    ADD COLUMN filed_reference text,
    ADD COLUMN document_id uuid,
    ADD COLUMN waived_reason text,
    ADD COLUMN told_by uuid,
    ADD COLUMN filed_by uuid,
    ADD COLUMN waived_by uuid,
    ADD COLUMN reminded smallint DEFAULT 0 NOT NULL,
    ADD COLUMN missed_at timestamptz,
    ALTER COLUMN required_by DROP NOT NULL,
    DROP CONSTRAINT incident_notices_authority_check,
    DROP CONSTRAINT incident_notices_incident_id_authority_rule_key,
    DROP CONSTRAINT incident_notices_organization_id_incident_id_fkey;
UPDATE incident_notices SET
    status = 'notified', told_to = coalesce(nullif(told_to, ''), 'not recorded'),
    method = 'phone', reference = coalesce(nullif(reference, ''), 'not recorded')
WHERE done_at IS NOT NULL;
ALTER TABLE incident_notices
    ADD CONSTRAINT incident_notices_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id)
        REFERENCES incidents (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT incident_notices_organization_id_rule_id_fkey
        FOREIGN KEY (organization_id, rule_id)
        REFERENCES agency_rules (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT incident_notices_organization_id_document_id_fkey
        FOREIGN KEY (organization_id, document_id)
        REFERENCES documents (organization_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT incident_notices_incident_id_rule_id_key UNIQUE (incident_id, rule_id),
    ADD CONSTRAINT incident_notices_authority_check CHECK (authority <> ''),
    ADD CONSTRAINT incident_notices_status_check
        CHECK (status IN ('potential', 'due', 'notified', 'written_due', 'filed', 'waived',
            'lapsed')),
    ADD CONSTRAINT incident_notices_method_check
        CHECK (method IN ('phone', 'online', 'email', 'fax', 'letter', 'in_person')),
    ADD CONSTRAINT incident_notices_told_check
        CHECK (done_at IS NULL OR told_to <> '' AND method IS NOT NULL AND reference <> ''
            AND told_to IS NOT NULL AND reference IS NOT NULL),
    ADD CONSTRAINT incident_notices_filed_check
        CHECK (filed_at IS NULL OR filed_reference <> '' AND filed_reference IS NOT NULL),
    ADD CONSTRAINT incident_notices_reminded_check CHECK (reminded BETWEEN 0 AND 100);
