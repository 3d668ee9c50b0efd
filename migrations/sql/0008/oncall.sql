-- Whom to tell of alerts, in which order: policies, rotations, what people prefer.

-- People who are on call in turn, on the clock of one time zone.
CREATE TABLE rotations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    note text DEFAULT '' NOT NULL,
    ended_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT rotations_pkey PRIMARY KEY (id),
    CONSTRAINT rotations_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT rotations_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT rotations_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT rotations_name_check CHECK (name <> ''),
    CONSTRAINT rotations_timezone_check CHECK (timezone <> '')
);

-- One layer of a rotation: whose turn it is, day by day; a higher one covers a lower one.
CREATE TABLE rotation_layers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    rotation_id uuid NOT NULL,
    position smallint NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    handoff_at time NOT NULL,
    every_days smallint DEFAULT 7 NOT NULL,
    window_from time,
    window_to time,
    window_days smallint[],
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT rotation_layers_pkey PRIMARY KEY (id),
    CONSTRAINT rotation_layers_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT rotation_layers_organization_id_rotation_id_fkey
        FOREIGN KEY (organization_id, rotation_id)
        REFERENCES rotations (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT rotation_layers_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT rotation_layers_rotation_id_position_key UNIQUE (rotation_id, position),
    CONSTRAINT rotation_layers_position_check CHECK (position >= 1),
    CONSTRAINT rotation_layers_ends_on_check CHECK (ends_on >= starts_on),
    CONSTRAINT rotation_layers_every_days_check CHECK (every_days BETWEEN 1 AND 62),
    CONSTRAINT rotation_layers_window_times_check
        CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CONSTRAINT rotation_layers_window_days_check
        CHECK (cardinality(window_days) > 0 AND window_days <@ ARRAY[1, 2, 3, 4, 5, 6,
            7]::smallint[])
);

-- A person's place in the turns of a layer.
CREATE TABLE rotation_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    layer_id uuid NOT NULL,
    position smallint NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT rotation_members_pkey PRIMARY KEY (id),
    CONSTRAINT rotation_members_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT rotation_members_organization_id_layer_id_fkey
        FOREIGN KEY (organization_id, layer_id)
        REFERENCES rotation_layers (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT rotation_members_organization_id_user_id_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT rotation_members_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT rotation_members_layer_id_position_key UNIQUE (layer_id, position),
    CONSTRAINT rotation_members_position_check CHECK (position >= 1)
);

-- Somebody is on call instead of whoever it would be; of two, the one entered last holds.
CREATE TABLE rotation_overrides (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    rotation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    replaces_id uuid,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text DEFAULT '' NOT NULL,
    withdrawn_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT rotation_overrides_pkey PRIMARY KEY (id),
    CONSTRAINT rotation_overrides_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT rotation_overrides_organization_id_rotation_id_fkey
        FOREIGN KEY (organization_id, rotation_id)
        REFERENCES rotations (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT rotation_overrides_organization_id_user_id_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT rotation_overrides_organization_id_replaces_id_fkey
        FOREIGN KEY (organization_id, replaces_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT rotation_overrides_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT rotation_overrides_ends_at_check CHECK (ends_at > starts_at),
    CONSTRAINT rotation_overrides_replaces_id_check CHECK (replaces_id <> user_id)
);
CREATE INDEX rotation_overrides_rotation_id_idx ON rotation_overrides (rotation_id, ends_at);

-- One hand-off: who comes after whom, what the one says to the other, and that it was told.
CREATE TABLE rotation_handoffs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    rotation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    from_id uuid,
    to_id uuid,
    note text DEFAULT '' NOT NULL,
    told_at timestamptz,
    CONSTRAINT rotation_handoffs_pkey PRIMARY KEY (id),
    CONSTRAINT rotation_handoffs_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT rotation_handoffs_organization_id_rotation_id_fkey
        FOREIGN KEY (organization_id, rotation_id)
        REFERENCES rotations (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT rotation_handoffs_organization_id_from_id_fkey
        FOREIGN KEY (organization_id, from_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT rotation_handoffs_organization_id_to_id_fkey FOREIGN KEY (organization_id, to_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT rotation_handoffs_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT rotation_handoffs_rotation_id_at_key UNIQUE (rotation_id, at)
);

-- Whom to tell of alerts of some priorities, on one lease or well or everywhere, and in which
-- order.
CREATE TABLE escalation_policies (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    note text DEFAULT '' NOT NULL,
    priorities smallint[] NOT NULL,
    lease_id uuid,
    well_id uuid,
    rounds smallint DEFAULT 3 NOT NULL,
    remind_every_s integer,
    bundle_s integer DEFAULT 0 NOT NULL,
    fallback_id uuid,
    version integer DEFAULT 1 NOT NULL,
    ended_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT escalation_policies_pkey PRIMARY KEY (id),
    CONSTRAINT escalation_policies_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT escalation_policies_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT escalation_policies_organization_id_well_id_fkey
        FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT escalation_policies_organization_id_fallback_id_fkey
        FOREIGN KEY (organization_id, fallback_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT escalation_policies_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT escalation_policies_name_check CHECK (name <> ''),
    CONSTRAINT escalation_policies_priorities_check
        CHECK (cardinality(priorities) > 0 AND priorities <@ ARRAY[1, 2, 3, 4]::smallint[]),
    CONSTRAINT escalation_policies_one_place_check CHECK (num_nonnulls(lease_id, well_id) <= 1),
    CONSTRAINT escalation_policies_rounds_check CHECK (rounds BETWEEN 1 AND 20),
    CONSTRAINT escalation_policies_remind_every_s_check CHECK (remind_every_s >= 60),
    CONSTRAINT escalation_policies_bundle_s_check CHECK (bundle_s BETWEEN 0 AND 900)
);

-- One step of a policy: how it reaches its people, and how long it waits for an answer.
CREATE TABLE escalation_steps (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    position smallint NOT NULL,
    channel_class text DEFAULT 'own' NOT NULL,
    ack_timeout_s integer DEFAULT 300 NOT NULL,
    times smallint DEFAULT 1 NOT NULL,
    window_from time,
    window_to time,
    window_days smallint[],
    worst_only smallint DEFAULT 4 NOT NULL,
    still_active boolean DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT escalation_steps_pkey PRIMARY KEY (id),
    CONSTRAINT escalation_steps_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT escalation_steps_organization_id_policy_id_fkey
        FOREIGN KEY (organization_id, policy_id)
        REFERENCES escalation_policies (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT escalation_steps_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT escalation_steps_policy_id_position_key UNIQUE (policy_id, position),
    CONSTRAINT escalation_steps_position_check CHECK (position >= 1),
    CONSTRAINT escalation_steps_channel_class_check
        CHECK (channel_class IN ('own', 'all', 'push', 'sms', 'voice', 'email')),
    CONSTRAINT escalation_steps_ack_timeout_s_check CHECK (ack_timeout_s BETWEEN 30 AND 604800),
    CONSTRAINT escalation_steps_times_check CHECK (times BETWEEN 1 AND 20),
    CONSTRAINT escalation_steps_window_times_check
        CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CONSTRAINT escalation_steps_window_days_check
        CHECK (cardinality(window_days) > 0 AND window_days <@ ARRAY[1, 2, 3, 4, 5, 6,
            7]::smallint[]),
    CONSTRAINT escalation_steps_worst_only_check CHECK (worst_only BETWEEN 1 AND 4)
);

-- Whom a step is for: a person, everybody of a role, who is on call, who looks after the well.
CREATE TABLE escalation_targets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    step_id uuid NOT NULL,
    kind text NOT NULL,
    user_id uuid,
    role text,
    rotation_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT escalation_targets_pkey PRIMARY KEY (id),
    CONSTRAINT escalation_targets_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT escalation_targets_organization_id_step_id_fkey
        FOREIGN KEY (organization_id, step_id)
        REFERENCES escalation_steps (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT escalation_targets_organization_id_user_id_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT escalation_targets_organization_id_rotation_id_fkey
        FOREIGN KEY (organization_id, rotation_id)
        REFERENCES rotations (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT escalation_targets_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT escalation_targets_kind_check
        CHECK (kind IN ('user', 'role', 'rotation', 'site_manager')),
    CONSTRAINT escalation_targets_role_check
        CHECK (role IN ('owner', 'manager', 'pumper', 'accountant', 'viewer')),
    CONSTRAINT escalation_targets_target_check
        CHECK ((user_id IS NOT NULL) = (kind = 'user') AND (role IS NOT NULL) = (kind = 'role')
            AND (rotation_id IS NOT NULL) = (kind = 'rotation'))
);
CREATE INDEX escalation_targets_step_id_idx ON escalation_targets (step_id);

-- A policy as it stood: an alert keeps to the version under which it was raised.
CREATE TABLE policy_versions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    number integer NOT NULL,
    snapshot jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    CONSTRAINT policy_versions_pkey PRIMARY KEY (id),
    CONSTRAINT policy_versions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT policy_versions_organization_id_policy_id_fkey
        FOREIGN KEY (organization_id, policy_id)
        REFERENCES escalation_policies (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT policy_versions_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT policy_versions_policy_id_number_key UNIQUE (policy_id, number)
);

-- How a person wants to be told by one operator; P1 reaches them whatever stands here.
CREATE TABLE notify_preferences (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    language text DEFAULT 'en' NOT NULL,
    timezone text,
    channels jsonb DEFAULT '{}' NOT NULL,
    quiet_from time,
    quiet_to time,
    digest_at time DEFAULT '07:00' NOT NULL,
    most_sms_a_day smallint,
    away_from timestamptz,
    away_until timestamptz,
    delegate_id uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT notify_preferences_pkey PRIMARY KEY (id),
    CONSTRAINT notify_preferences_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT notify_preferences_organization_id_user_id_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT notify_preferences_organization_id_delegate_id_fkey
        FOREIGN KEY (organization_id, delegate_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT notify_preferences_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT notify_preferences_organization_id_user_id_key UNIQUE (organization_id, user_id),
    CONSTRAINT notify_preferences_language_check CHECK (language IN ('en', 'es')),
    CONSTRAINT notify_preferences_channels_check CHECK (jsonb_typeof(channels) = 'object'),
    CONSTRAINT notify_preferences_quiet_check CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
    CONSTRAINT notify_preferences_most_sms_a_day_check CHECK (most_sms_a_day >= 0),
    CONSTRAINT notify_preferences_away_until_check CHECK (away_until > away_from),
    CONSTRAINT notify_preferences_away_check
        CHECK (num_nonnulls(away_from, away_until, delegate_id) IN (0, 3)),
    CONSTRAINT notify_preferences_delegate_id_check CHECK (delegate_id <> user_id)
);
