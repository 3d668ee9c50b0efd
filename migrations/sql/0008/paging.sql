-- Alerts on their way through a policy, and what each person was told.

-- An alert on its way through a policy: the next step is due at an instant, whoever does it.
CREATE TABLE escalation_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    policy_version_id uuid,
    priority smallint NOT NULL,
    kind text NOT NULL,
    occasion text NOT NULL,
    subject text NOT NULL,
    body jsonb NOT NULL,
    step_no smallint DEFAULT 0 NOT NULL,
    turn smallint DEFAULT 0 NOT NULL,
    round smallint DEFAULT 0 NOT NULL,
    pages integer DEFAULT 0 NOT NULL,
    started_at timestamptz DEFAULT now() NOT NULL,
    due_at timestamptz,
    ended_at timestamptz,
    end_reason text,
    audited_at timestamptz,
    CONSTRAINT escalation_runs_pkey PRIMARY KEY (id),
    CONSTRAINT escalation_runs_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT escalation_runs_organization_id_alert_id_fkey
        FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT escalation_runs_organization_id_policy_version_id_fkey
        FOREIGN KEY (organization_id, policy_version_id)
        REFERENCES policy_versions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT escalation_runs_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT escalation_runs_organization_id_alert_id_key UNIQUE (organization_id, alert_id),
    CONSTRAINT escalation_runs_priority_check CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT escalation_runs_end_reason_check CHECK (end_reason IN ('stopped', 'exhausted')),
    CONSTRAINT escalation_runs_due_at_check CHECK ((ended_at IS NULL) = (due_at IS NOT NULL))
);
CREATE INDEX escalation_runs_due_idx ON escalation_runs (due_at) WHERE ended_at IS NULL;

-- One person's turn of being told of one alert, whatever came of it.
CREATE TABLE pages (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    user_id uuid,
    channel_id uuid,
    for_id uuid,
    priority smallint NOT NULL,
    kind text NOT NULL,
    step_no smallint NOT NULL,
    manner text NOT NULL,
    reason text DEFAULT '' NOT NULL,
    at timestamptz NOT NULL,
    due_at timestamptz,
    done_at timestamptz,
    CONSTRAINT pages_pkey PRIMARY KEY (id),
    CONSTRAINT pages_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT pages_organization_id_alert_id_fkey FOREIGN KEY (organization_id, alert_id)
        REFERENCES alerts (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT pages_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT pages_organization_id_channel_id_fkey FOREIGN KEY (organization_id, channel_id)
        REFERENCES contact_channels (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT pages_organization_id_for_id_fkey FOREIGN KEY (organization_id, for_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT pages_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT pages_priority_check CHECK (priority BETWEEN 1 AND 4),
    CONSTRAINT pages_manner_check
        CHECK (manner IN ('told', 'bundle', 'storm', 'digest', 'nobody'))
);
CREATE INDEX pages_alert_id_idx ON pages (alert_id);
CREATE INDEX pages_due_idx ON pages (due_at) WHERE done_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX pages_user_id_at_idx ON pages (organization_id, user_id, channel_id, at);

-- A flood of pages for one person: they are told in one message that is renewed.
CREATE TABLE storms (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    channel_id uuid,
    began_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    told_at timestamptz,
    messages integer DEFAULT 0 NOT NULL,
    pages integer DEFAULT 0 NOT NULL,
    ended_at timestamptz,
    CONSTRAINT storms_pkey PRIMARY KEY (id),
    CONSTRAINT storms_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT storms_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT storms_organization_id_channel_id_fkey FOREIGN KEY (organization_id, channel_id)
        REFERENCES contact_channels (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT storms_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT storms_recipient_check CHECK (num_nonnulls(user_id, channel_id) = 1)
);
CREATE INDEX storms_due_idx ON storms (due_at) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX storms_open_key ON storms (organization_id, user_id, channel_id) NULLS NOT
    DISTINCT WHERE ended_at IS NULL;

-- What one person was told at their hour: whoever writes the row sends it.
CREATE TABLE digests (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    from_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT digests_pkey PRIMARY KEY (id),
    CONSTRAINT digests_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT digests_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT digests_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT digests_organization_id_user_id_due_at_key UNIQUE (organization_id, user_id, due_at)
);

-- The weekly question to a person on call, and whether they tapped back in time.
CREATE TABLE reach_checks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    answered_at timestamptz,
    missed_at timestamptz,
    CONSTRAINT reach_checks_pkey PRIMARY KEY (id),
    CONSTRAINT reach_checks_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT reach_checks_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT reach_checks_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT reach_checks_organization_id_user_id_asked_at_key UNIQUE (organization_id, user_id, asked_at)
);
