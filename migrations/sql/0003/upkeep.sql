-- Work orders, incidents, notices to agencies.

-- Something that went wrong: a spill, an injury, a fire, a theft; from report to closing.
CREATE TABLE incidents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    incident_no text NOT NULL,
    incident_class text NOT NULL,
    severity smallint DEFAULT 2 NOT NULL,
    status text DEFAULT 'open' NOT NULL,
    summary text NOT NULL,
    description text,
    occurred_at timestamptz NOT NULL,
    discovered_at timestamptz,
    lease_id uuid,
    well_id uuid,
    facility_id uuid,
    equipment_id uuid,
    place text,
    fluid text,
    released numeric(14, 4),
    recovered numeric(14, 4),
    contained numeric(14, 4),
    inside_containment boolean,
    reached_water boolean,
    injured smallint DEFAULT 0 NOT NULL,
    injury_class text DEFAULT 'none' NOT NULL,
    root_cause text,
    closed_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(incident_no,
                ''::text) || ' '::text || COALESCE(summary, ''::text) || ' '::text
                || COALESCE(description, ''::text) || ' '::text || COALESCE(place, ''::text)
                || ' '::text || COALESCE(root_cause, ''::text))) STORED NOT NULL,
    CONSTRAINT incidents_pkey PRIMARY KEY (id),
    CONSTRAINT incidents_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT incidents_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT incidents_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT incidents_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT incidents_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT incidents_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT incidents_organization_id_incident_no_key UNIQUE (organization_id, incident_no),
    CONSTRAINT incidents_incident_no_check CHECK (incident_no <> ''),
    CONSTRAINT incidents_summary_check CHECK (summary <> ''),
    CONSTRAINT incidents_incident_class_check
        CHECK (incident_class IN ('spill', 'release_gas', 'fire', 'well_control', 'injury',
                'near_miss', 'vehicle', 'h2s', 'equipment_failure', 'security_theft',
                'regulatory_violation', 'landowner')),
    CONSTRAINT incidents_severity_check CHECK (severity BETWEEN 1 AND 5),
    CONSTRAINT incidents_status_check
        CHECK (status IN ('open', 'contained', 'investigating', 'remediation', 'closed')),
    CONSTRAINT incidents_fluid_check
        CHECK (fluid IN ('oil', 'produced_water', 'condensate', 'chemical', 'gas')),
    CONSTRAINT incidents_injury_class_check
        CHECK (injury_class IN ('none', 'first_aid', 'medical', 'restricted', 'days_away',
                'fatality')),
    CONSTRAINT incidents_discovered_at_check CHECK (discovered_at >= occurred_at),
    CONSTRAINT incidents_released_check CHECK (released >= 0),
    CONSTRAINT incidents_recovered_check CHECK (recovered BETWEEN 0 AND released),
    CONSTRAINT incidents_contained_check CHECK (contained BETWEEN 0 AND released),
    CONSTRAINT incidents_injured_check CHECK (injured >= 0),
    CONSTRAINT incidents_injury_check CHECK (injured > 0 OR injury_class = 'none'),
    CONSTRAINT incidents_closed_at_check CHECK (status <> 'closed' OR closed_at IS NOT NULL)
);
CREATE INDEX incidents_occurred_at_idx ON incidents (organization_id, occurred_at);
CREATE INDEX incidents_search_text_idx ON incidents USING gin (search_text);
CREATE INDEX incidents_well_id_idx ON incidents (organization_id, well_id);

-- Something to be done so that an incident does not happen again.
CREATE TABLE incident_actions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    measure text NOT NULL,
    assigned_to text,
    due_on date,
    done_on date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(measure, ''::text)
                || ' '::text || COALESCE(assigned_to, ''::text))) STORED NOT NULL,
    CONSTRAINT incident_actions_pkey PRIMARY KEY (id),
    CONSTRAINT incident_actions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT incident_actions_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id)
        REFERENCES incidents (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT incident_actions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT incident_actions_measure_check CHECK (measure <> '')
);
CREATE INDEX incident_actions_due_on_idx ON incident_actions (organization_id, due_on);
CREATE INDEX incident_actions_incident_id_idx ON incident_actions (organization_id, incident_id);
CREATE INDEX incident_actions_search_text_idx ON incident_actions USING gin (search_text);

-- A notice an agency is owed about an incident, with its deadline.
CREATE TABLE incident_notices (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    authority text NOT NULL,
    rule text NOT NULL,
    required_by timestamptz NOT NULL,
    done_at timestamptz,
    told_to text,
    reference text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT incident_notices_pkey PRIMARY KEY (id),
    CONSTRAINT incident_notices_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT incident_notices_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id)
        REFERENCES incidents (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT incident_notices_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT incident_notices_incident_id_authority_rule_key
        UNIQUE (incident_id, authority, rule),
    CONSTRAINT incident_notices_authority_check
        CHECK (authority IN ('TX-RRC', 'OK-OCC', 'OK-OTC', 'NM-OCD', 'ND-NDIC', 'CO-ECMC',
                'WY-WOGCC', 'MT-BOGC', 'LA-DENR', 'KS-KCC', 'UT-DOGM', 'CA-CalGEM', 'ONRR', 'BLM',
                'BIA', 'EPA', 'PHMSA', 'OSHA', 'other')),
    CONSTRAINT incident_notices_rule_check CHECK (rule <> '')
);
CREATE INDEX incident_notices_required_by_idx ON incident_notices (organization_id, required_by);

-- A work order: what is to be done to a piece of equipment, a well or a facility, and was.
CREATE TABLE maintenance_records (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    work_order_no text NOT NULL,
    summary text NOT NULL,
    kind text DEFAULT 'corrective' NOT NULL,
    status text DEFAULT 'requested' NOT NULL,
    priority smallint DEFAULT 3 NOT NULL,
    equipment_id uuid,
    well_id uuid,
    facility_id uuid,
    triggered_by text DEFAULT 'request' NOT NULL,
    alert_id uuid,
    incident_id uuid,
    failure_mode text,
    failure_cause text,
    description text,
    performed_by text,
    parts_used text[],
    scheduled_on date,
    started_at timestamptz,
    completed_at timestamptz,
    downtime_hours numeric(8, 2),
    deferred_bbl numeric(14, 4),
    next_due_on date,
    next_due_hours numeric(10, 1),
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(work_order_no,
                ''::text) || ' '::text || COALESCE(summary, ''::text) || ' '::text
                || COALESCE(description, ''::text) || ' '::text || COALESCE(performed_by,
                ''::text))) STORED NOT NULL,
    CONSTRAINT maintenance_records_pkey PRIMARY KEY (id),
    CONSTRAINT maintenance_records_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_alert_id_fkey
        FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_incident_id_fkey
        FOREIGN KEY (organization_id, incident_id)
        REFERENCES incidents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT maintenance_records_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT maintenance_records_organization_id_work_order_no_key
        UNIQUE (organization_id, work_order_no),
    CONSTRAINT maintenance_records_work_order_no_check CHECK (work_order_no <> ''),
    CONSTRAINT maintenance_records_summary_check CHECK (summary <> ''),
    CONSTRAINT maintenance_records_kind_check
        CHECK (kind IN ('preventive', 'predictive', 'corrective', 'emergency', 'inspection',
                'calibration', 'regulatory_test')),
    CONSTRAINT maintenance_records_status_check
        CHECK (status IN ('requested', 'planned', 'scheduled', 'in_progress', 'waiting_parts',
                'done', 'cancelled')),
    CONSTRAINT maintenance_records_priority_check CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT maintenance_records_triggered_by_check
        CHECK (triggered_by IN ('request', 'time', 'run_hours', 'alert', 'incident')),
    CONSTRAINT maintenance_records_failure_cause_check
        CHECK (failure_cause IN ('rod_part', 'tubing_leak', 'pump_stuck', 'gas_interference',
                'scale', 'paraffin', 'corrosion', 'motor', 'belt', 'seal', 'electrical',
                'controls', 'wear', 'other')),
    CONSTRAINT maintenance_records_subject_check
        CHECK (num_nonnulls(equipment_id, well_id, facility_id) > 0),
    CONSTRAINT maintenance_records_completed_at_check CHECK (completed_at >= started_at),
    CONSTRAINT maintenance_records_done_check CHECK (status <> 'done' OR completed_at IS NOT NULL),
    CONSTRAINT maintenance_records_downtime_hours_check CHECK (downtime_hours >= 0),
    CONSTRAINT maintenance_records_deferred_bbl_check CHECK (deferred_bbl >= 0),
    CONSTRAINT maintenance_records_next_due_hours_check CHECK (next_due_hours >= 0)
);
CREATE INDEX maintenance_records_equipment_id_idx
    ON maintenance_records (organization_id, equipment_id);
CREATE INDEX maintenance_records_next_due_on_idx
    ON maintenance_records (organization_id, next_due_on);
CREATE INDEX maintenance_records_scheduled_on_idx
    ON maintenance_records (organization_id, scheduled_on);
CREATE INDEX maintenance_records_search_text_idx ON maintenance_records USING gin (search_text);
CREATE INDEX maintenance_records_well_id_idx ON maintenance_records (organization_id, well_id);
