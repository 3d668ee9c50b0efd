-- More ways of reaching people, receipts, and links to answer a message with.

ALTER TABLE contact_channels
    ADD COLUMN label text,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN proven_at timestamptz,
    ADD COLUMN removed_at timestamptz,
    DROP CONSTRAINT contact_channels_kind_check,
    ADD CONSTRAINT contact_channels_kind_check
        CHECK (kind IN ('email', 'webhook', 'sms', 'voice', 'push', 'apprise'));

ALTER TABLE notifications
    ALTER COLUMN alert_id DROP NOT NULL,
    ADD COLUMN user_id uuid,
    ADD COLUMN priority smallint DEFAULT 3 NOT NULL,
    ADD COLUMN lane text DEFAULT 'people' NOT NULL,
    ADD COLUMN step smallint,
    ADD COLUMN is_test boolean DEFAULT false NOT NULL,
    ADD COLUMN instead_of_id uuid,
    ADD COLUMN receipt_due_at timestamptz,
    ADD COLUMN delivered_at timestamptz,
    ADD COLUMN fault text,
    DROP CONSTRAINT notifications_state_check,
    ADD CONSTRAINT notifications_state_check
        CHECK (state IN ('queued', 'leased', 'sent', 'delivered', 'failed', 'dead', 'cancelled', 'expired')),
    ADD CONSTRAINT notifications_priority_check CHECK (priority BETWEEN 1 AND 4),
    ADD CONSTRAINT notifications_lane_check CHECK (lane IN ('people', 'endpoints')),
    ADD CONSTRAINT notifications_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    ADD CONSTRAINT notifications_organization_id_instead_of_id_fkey
        FOREIGN KEY (organization_id, instead_of_id)
        REFERENCES notifications (organization_id, id) ON DELETE RESTRICT;
CREATE INDEX notifications_turn_idx ON notifications (lane, organization_id, priority, not_before)
    WHERE state IN ('queued', 'leased');
CREATE INDEX notifications_receipt_due_at_idx ON notifications (receipt_due_at)
    WHERE state = 'sent' AND receipt_due_at IS NOT NULL;
CREATE INDEX notifications_organization_id_created_at_idx
    ON notifications (organization_id, created_at);
CREATE INDEX notifications_channel_id_created_at_idx ON notifications (channel_id, created_at);

ALTER TABLE notification_attempts
    ADD COLUMN provider text,
    ADD COLUMN error_class text,
    ADD COLUMN receipt text,
    ADD COLUMN receipt_at timestamptz;

-- The secret by which one message is answered: its link, its code, its receipts.
CREATE TABLE message_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    user_id uuid,
    token_hash bytea NOT NULL,
    code text,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    seen_at timestamptz,
    used_at timestamptz,
    CONSTRAINT message_links_pkey PRIMARY KEY (id),
    CONSTRAINT message_links_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT message_links_organization_id_notification_id_fkey
        FOREIGN KEY (organization_id, notification_id)
        REFERENCES notifications (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT message_links_organization_id_channel_id_fkey
        FOREIGN KEY (organization_id, channel_id)
        REFERENCES contact_channels (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT message_links_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT message_links_code_check CHECK (code ~ '^[0-9]{4}$')
);
CREATE INDEX message_links_notification_id_idx ON message_links (notification_id);
CREATE INDEX message_links_token_hash_idx ON message_links (token_hash);
CREATE INDEX message_links_channel_id_idx ON message_links (channel_id, expires_at);
CREATE INDEX message_links_expires_at_idx ON message_links (expires_at);

-- What came back on a message: an answer that was taken, or one that was refused, and why.
CREATE TABLE message_replies (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    via text NOT NULL,
    channel_id uuid,
    notification_id uuid,
    user_id uuid,
    said text DEFAULT '' NOT NULL,
    outcome text NOT NULL,
    sentence text NOT NULL,
    address text,
    CONSTRAINT message_replies_pkey PRIMARY KEY (id),
    CONSTRAINT message_replies_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT message_replies_organization_id_channel_id_fkey
        FOREIGN KEY (organization_id, channel_id)
        REFERENCES contact_channels (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT message_replies_organization_id_notification_id_fkey
        FOREIGN KEY (organization_id, notification_id)
        REFERENCES notifications (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT message_replies_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT message_replies_via_check CHECK (via IN ('link', 'sms', 'voice')),
    CONSTRAINT message_replies_outcome_check CHECK (outcome IN ('taken', 'refused'))
);
CREATE INDEX message_replies_organization_id_at_idx ON message_replies (organization_id, at);
CREATE INDEX message_replies_notification_id_idx ON message_replies (notification_id);

-- When an operator's messages had their last turn, so that no operator's storm holds up another's.
CREATE TABLE delivery_turns (
    organization_id uuid NOT NULL,
    lane text NOT NULL,
    served_at timestamptz NOT NULL,
    CONSTRAINT delivery_turns_pkey PRIMARY KEY (organization_id, lane),
    CONSTRAINT delivery_turns_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT delivery_turns_lane_check CHECK (lane IN ('people', 'endpoints'))
);

-- Providers that fail are left alone for a while; every process knows from here.
CREATE TABLE provider_breakers (
    provider text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamptz,
    fault text,
    changed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT provider_breakers_pkey PRIMARY KEY (provider)
);
