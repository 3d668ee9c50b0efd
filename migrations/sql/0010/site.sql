-- What comes from the site beside readings: its own alarms, what people enter there, its rules.

-- A change of an alarm as the agent at the site judged it, or its acknowledgement there.
CREATE TABLE site_alarms (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    record_id uuid NOT NULL,
    spell uuid NOT NULL,
    rule_id uuid NOT NULL,
    rule_version integer NOT NULL,
    tag_id integer NOT NULL,
    kind text NOT NULL,
    level text NOT NULL,
    priority smallint NOT NULL,
    value double precision,
    extreme double precision,
    raised_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    certain_at timestamptz NOT NULL,
    said_by text,
    note text,
    received_at timestamptz DEFAULT now() NOT NULL,
    alert_id uuid,
    settled_at timestamptz,
    stands boolean DEFAULT false NOT NULL,
    CONSTRAINT site_alarms_pkey PRIMARY KEY (id),
    CONSTRAINT site_alarms_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT site_alarms_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT site_alarms_organization_id_rule_id_fkey FOREIGN KEY (organization_id, rule_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT site_alarms_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT site_alarms_organization_id_alert_id_fkey FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT site_alarms_agent_id_record_id_key UNIQUE (agent_id, record_id),
    CONSTRAINT site_alarms_kind_check
        CHECK (kind IN ('raised', 'level', 'cleared', 'frozen', 'unfrozen', 'acknowledged')),
    CONSTRAINT site_alarms_priority_check CHECK (priority BETWEEN 1 AND 4)
);
CREATE INDEX site_alarms_unsettled_idx ON site_alarms (agent_id, certain_at)
    WHERE settled_at IS NULL OR stands;
CREATE INDEX site_alarms_alert_id_idx ON site_alarms (alert_id);
CREATE INDEX site_alarms_spell_idx ON site_alarms (agent_id, spell);

-- A form that a person saved in the field, whatever door it came by: the same id counts once.
CREATE TABLE field_entries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    agent_id uuid,
    door text NOT NULL,
    body jsonb NOT NULL,
    saved_at timestamptz NOT NULL,
    received_at timestamptz DEFAULT now() NOT NULL,
    state text DEFAULT 'new' NOT NULL,
    taken_at timestamptz,
    reason text,
    CONSTRAINT field_entries_pkey PRIMARY KEY (id),
    CONSTRAINT field_entries_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT field_entries_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT field_entries_organization_id_entry_id_key UNIQUE (organization_id, entry_id),
    CONSTRAINT field_entries_door_check CHECK (door IN ('agent', 'console', 'api', 'import')),
    CONSTRAINT field_entries_state_check CHECK (state IN ('new', 'taken', 'refused'))
);
CREATE INDEX field_entries_new_idx ON field_entries (received_at) WHERE state = 'new';

-- The rules that one agent shall run, signed for it, and which ones it says it runs.
CREATE TABLE site_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    alarm_key bytea,
    key_made_at timestamptz,
    epoch bigint DEFAULT 0 NOT NULL,
    fingerprint text DEFAULT '' NOT NULL,
    bundle bytea,
    rules integer DEFAULT 0 NOT NULL,
    made_at timestamptz,
    published bigint DEFAULT 0 NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    running_at timestamptz,
    refusal text,
    CONSTRAINT site_rules_pkey PRIMARY KEY (id),
    CONSTRAINT site_rules_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT site_rules_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT site_rules_agent_id_key UNIQUE (agent_id)
);

-- How far each loop of the hub's processes has come: whoever stands still is noticed.
CREATE TABLE process_beats (
    process text NOT NULL,
    loop text NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    overdue_after_s integer NOT NULL,
    CONSTRAINT process_beats_pkey PRIMARY KEY (process, loop)
);
