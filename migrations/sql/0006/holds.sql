-- What keeps alarms quiet, what a priority means, and where fluid and power go next.

-- What a priority means to an operator: how long an acknowledgement and a shelf may last.
CREATE TABLE alert_priorities (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    priority smallint NOT NULL,
    ack_valid_for_s integer,
    longest_shelf_s integer NOT NULL,
    auto_ack_on_clear boolean DEFAULT false NOT NULL,
    release_grace_s integer DEFAULT 60 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT alert_priorities_pkey PRIMARY KEY (id),
    CONSTRAINT alert_priorities_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_priorities_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT alert_priorities_organization_id_priority_key UNIQUE (organization_id, priority),
    CONSTRAINT alert_priorities_priority_check CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT alert_priorities_ack_valid_for_s_check
        CHECK (ack_valid_for_s BETWEEN 60 AND 2592000),
    CONSTRAINT alert_priorities_longest_shelf_s_check
        CHECK (longest_shelf_s BETWEEN 60 AND 2592000 AND (priority > 1 OR longest_shelf_s <= 3600)),
    CONSTRAINT alert_priorities_release_grace_s_check CHECK (release_grace_s BETWEEN 0 AND 3600)
);

-- Alarms kept quiet for a time by a person: one on the shelf, or what is out of service.
CREATE TABLE alert_holds (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    dedup_key text,
    priority smallint,
    tag_id integer,
    equipment_id uuid,
    well_id uuid,
    facility_id uuid,
    agent_id uuid,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    permit text,
    maintenance_id uuid,
    downtime_id uuid,
    ended_at timestamptz,
    ended_by uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT alert_holds_pkey PRIMARY KEY (id),
    CONSTRAINT alert_holds_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_equipment_id_fkey
        FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_maintenance_id_fkey
        FOREIGN KEY (organization_id, maintenance_id)
        REFERENCES maintenance_records (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_organization_id_downtime_id_fkey
        FOREIGN KEY (organization_id, downtime_id)
        REFERENCES downtime_events (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_holds_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES users (id),
    CONSTRAINT alert_holds_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT alert_holds_kind_check CHECK (kind IN ('shelf', 'service')),
    CONSTRAINT alert_holds_until_check CHECK (until > since),
    CONSTRAINT alert_holds_reason_check CHECK (reason <> ''),
    CONSTRAINT alert_holds_subject_check
        CHECK (CASE kind WHEN 'shelf' THEN dedup_key IS NOT NULL
               ELSE num_nonnulls(tag_id, equipment_id, well_id, facility_id, agent_id) = 1 END),
    CONSTRAINT alert_holds_critical_shelf_check
        CHECK (kind <> 'shelf' OR priority > 1 OR until <= since + interval '1 hour')
);
CREATE INDEX alert_holds_open_idx ON alert_holds (organization_id, dedup_key)
    WHERE ended_at IS NULL;

-- Where fluid or power goes next: from a well or a piece of equipment to another piece.
CREATE TABLE flow_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    from_well_id uuid,
    from_equipment_id uuid,
    to_well_id uuid,
    to_equipment_id uuid,
    note text DEFAULT '' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT flow_links_pkey PRIMARY KEY (id),
    CONSTRAINT flow_links_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT flow_links_organization_id_from_well_id_fkey
        FOREIGN KEY (organization_id, from_well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT flow_links_organization_id_from_equipment_id_fkey
        FOREIGN KEY (organization_id, from_equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT flow_links_organization_id_to_well_id_fkey FOREIGN KEY (organization_id, to_well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT flow_links_organization_id_to_equipment_id_fkey
        FOREIGN KEY (organization_id, to_equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT flow_links_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT flow_links_from_check CHECK (num_nonnulls(from_well_id, from_equipment_id) = 1),
    CONSTRAINT flow_links_to_check CHECK (num_nonnulls(to_well_id, to_equipment_id) = 1),
    CONSTRAINT flow_links_itself_check CHECK (from_equipment_id <> to_equipment_id)
);
CREATE INDEX flow_links_from_well_id_idx ON flow_links (organization_id, from_well_id);
CREATE INDEX flow_links_from_equipment_id_idx ON flow_links (organization_id, from_equipment_id);
CREATE INDEX flow_links_to_well_id_idx ON flow_links (organization_id, to_well_id);
CREATE INDEX flow_links_to_equipment_id_idx ON flow_links (organization_id, to_equipment_id);
