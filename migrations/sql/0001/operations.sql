-- Alert rules, alerts, the notifications that follow from them; the jobs' slots.

-- Facts about this database: its storage tier, when it was last restored.
CREATE TABLE installation (
    key text NOT NULL,
    value jsonb NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT installation_pkey PRIMARY KEY (key)
);

-- One due time of one periodic job: whoever inserts the row runs it.
CREATE TABLE job_runs (
    job text NOT NULL,
    due_at timestamptz NOT NULL,
    worker text NOT NULL,
    started_at timestamptz DEFAULT now() NOT NULL,
    finished_at timestamptz,
    outcome text,
    detail text,
    CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at)
);

-- Where a person or the organization is reached: an e-mail address, a webhook.
CREATE TABLE contact_channels (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    kind text NOT NULL,
    address text NOT NULL,
    secret bytea,
    worst_priority smallint DEFAULT 3 NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    broken_at timestamptz,
    fault text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT contact_channels_pkey PRIMARY KEY (id),
    CONSTRAINT contact_channels_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT contact_channels_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT contact_channels_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT contact_channels_organization_id_kind_address_key UNIQUE (organization_id, kind, address),
    CONSTRAINT contact_channels_kind_check CHECK (kind IN ('email', 'webhook')),
    CONSTRAINT contact_channels_worst_priority_check CHECK (worst_priority BETWEEN 1 AND 4)
);

-- When a tag's readings become an alert, and what the person woken by it should do.
CREATE TABLE alert_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'limit' NOT NULL,
    tag_id integer NOT NULL,
    params jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    cause text DEFAULT '' NOT NULL,
    consequence text DEFAULT '' NOT NULL,
    action text DEFAULT '' NOT NULL,
    respond_within_s integer,
    faulted_at timestamptz,
    fault text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT alert_rules_pkey PRIMARY KEY (id),
    CONSTRAINT alert_rules_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_rules_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_rules_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT alert_rules_kind_check CHECK (kind IN ('limit'))
);
CREATE INDEX alert_rules_tag_id_idx ON alert_rules (tag_id);

-- State of the evaluator for one rule at an instant of event time, so that late data can be judged again from there.
CREATE TABLE alert_checkpoints (
    organization_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    at timestamptz NOT NULL,
    rule_version integer NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    state jsonb NOT NULL,
    CONSTRAINT alert_checkpoints_pkey PRIMARY KEY (rule_id, at),
    CONSTRAINT alert_checkpoints_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_checkpoints_organization_id_rule_id_fkey FOREIGN KEY (organization_id, rule_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE RESTRICT
);

-- One episode of one rule: six independent axes, from which the ISA-18.2 state is derived.
CREATE TABLE alerts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    rule_version integer NOT NULL,
    tag_id integer NOT NULL,
    well_id uuid,
    dedup_key text NOT NULL,
    level text NOT NULL,
    priority smallint NOT NULL,
    message text NOT NULL,
    origin text NOT NULL,
    setpoint double precision NOT NULL,
    value double precision,
    extreme double precision,
    announced_level text,
    condition text NOT NULL,
    raised_at timestamptz NOT NULL,
    detected_at timestamptz NOT NULL,
    cleared_at timestamptz,
    frozen_since timestamptz,
    ack text DEFAULT 'unacked' NOT NULL,
    acked_at timestamptz,
    acked_by uuid,
    ack_note text,
    latched boolean DEFAULT false NOT NULL,
    shelved_until timestamptz,
    shelved_by uuid,
    shelf_reason text,
    suppressed_by text,
    out_of_service_until timestamptz,
    closed_at timestamptz,
    retracted_at timestamptz,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT alerts_pkey PRIMARY KEY (id),
    CONSTRAINT alerts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alerts_organization_id_rule_id_fkey FOREIGN KEY (organization_id, rule_id)
        REFERENCES alert_rules (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alerts_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alerts_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alerts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT alerts_condition_check
        CHECK (condition IN ('normal', 'pending_on', 'active', 'pending_off', 'unknown')),
    CONSTRAINT alerts_ack_check CHECK (ack IN ('none', 'unacked', 'acked')),
    CONSTRAINT alerts_origin_check CHECK (origin IN ('live', 'historical')),
    CONSTRAINT alerts_level_check CHECK (level IN ('lolo', 'lo', 'hi', 'hihi')),
    CONSTRAINT alerts_priority_check CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT alerts_cleared_at_check CHECK (cleared_at >= raised_at),
    CONSTRAINT alerts_acked_by_fkey FOREIGN KEY (acked_by) REFERENCES users (id),
    CONSTRAINT alerts_shelved_by_fkey FOREIGN KEY (shelved_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX alerts_open_key ON alerts (organization_id, dedup_key) WHERE closed_at IS NULL;
CREATE INDEX alerts_organization_id_raised_at_idx ON alerts (organization_id, raised_at);
CREATE INDEX alerts_rule_id_raised_at_idx ON alerts (rule_id, raised_at);
CREATE INDEX alerts_rule_id_cleared_at_idx ON alerts (rule_id, cleared_at);

-- What happened to an alert: appended, never changed.
CREATE TABLE alert_events (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    alert_id uuid NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    event_time timestamptz,
    kind text NOT NULL,
    actor uuid,
    note text,
    before jsonb,
    after jsonb,
    CONSTRAINT alert_events_pkey PRIMARY KEY (id),
    CONSTRAINT alert_events_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT alert_events_organization_id_alert_id_fkey FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT alert_events_actor_fkey FOREIGN KEY (actor) REFERENCES users (id)
);
CREATE INDEX alert_events_alert_id_idx ON alert_events (alert_id, id);

-- One message owed to one channel, written in the transaction that changed the alert.
CREATE TABLE notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind text NOT NULL,
    idempotency_key text NOT NULL,
    subject text NOT NULL,
    body jsonb NOT NULL,
    state text DEFAULT 'queued' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    not_before timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz,
    lease_owner text,
    lease_until timestamptz,
    attempts integer DEFAULT 0 NOT NULL,
    sent_at timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT notifications_organization_id_alert_id_fkey FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT notifications_organization_id_channel_id_fkey FOREIGN KEY (organization_id, channel_id)
        REFERENCES contact_channels (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT notifications_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT notifications_state_check
        CHECK (state IN ('queued', 'leased', 'sent', 'delivered', 'failed', 'dead', 'cancelled')),
    CONSTRAINT notifications_idempotency_key_key UNIQUE (idempotency_key)
);
CREATE INDEX notifications_alert_id_idx ON notifications (alert_id);
CREATE INDEX notifications_due_idx ON notifications (not_before) WHERE state IN ('queued', 'leased');

-- One try at delivering a notification, recorded whatever came of it.
CREATE TABLE notification_attempts (
    organization_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    number integer NOT NULL,
    worker text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text NOT NULL,
    provider_id text,
    detail text,
    CONSTRAINT notification_attempts_pkey PRIMARY KEY (notification_id, number),
    CONSTRAINT notification_attempts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT notification_attempts_organization_id_notification_id_fkey FOREIGN KEY (organization_id, notification_id)
        REFERENCES notifications (organization_id, id) ON DELETE RESTRICT
);
