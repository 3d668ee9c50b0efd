-- Agents, what they declare, what they sent, and the proof that all of it is here.
-- The readings themselves depend on the tier: readings_*.sql.

-- The start of an ingest process. Epochs only rise, also past a restored backup.
CREATE TABLE ingest_epochs (
    epoch bigint NOT NULL,
    process text NOT NULL,
    first_shard smallint NOT NULL,
    last_shard smallint NOT NULL,
    started_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT ingest_epochs_pkey PRIMARY KEY (epoch)
);

-- How far the readings are rolled up and how far back they are kept; one row.
CREATE TABLE readings_state (
    one boolean DEFAULT true NOT NULL,
    rolled_to timestamptz DEFAULT '-infinity' NOT NULL,
    kept_from timestamptz DEFAULT '-infinity' NOT NULL,
    CONSTRAINT readings_state_pkey PRIMARY KEY (one),
    CONSTRAINT readings_state_one_check CHECK (one)
);

-- A box at a well site, with an account at the broker.
CREATE TABLE agents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    shard smallint NOT NULL,
    well_id uuid,
    revoked_at timestamptz,
    online boolean DEFAULT false NOT NULL,
    status_at timestamptz,
    heard_at timestamptz,
    boot text,
    software text,
    clock smallint,
    clock_skew_ms integer,
    config_epoch bigint,
    backlog jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT agents_pkey PRIMARY KEY (id),
    CONSTRAINT agents_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT agents_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT agents_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT agents_name_check CHECK (name ~ '^[a-z0-9][a-z0-9_.-]{1,62}$'),
    CONSTRAINT agents_shard_check CHECK (shard BETWEEN 0 AND 63),
    CONSTRAINT agents_name_key UNIQUE (name)
);

-- Something about an agent that a person should know: its outbox went back, a disk was lost.
CREATE TABLE agent_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    at timestamptz DEFAULT now() NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    detail jsonb,
    CONSTRAINT agent_events_pkey PRIMARY KEY (id),
    CONSTRAINT agent_events_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT agent_events_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX agent_events_agent_id_at_idx ON agent_events (agent_id, at);

-- One declaration of an agent's devices and tags, kept for ever: blocks name its number.
CREATE TABLE config_epochs (
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bigint NOT NULL,
    digest text NOT NULL,
    declaration jsonb NOT NULL,
    declared_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT config_epochs_pkey PRIMARY KEY (agent_id, epoch),
    CONSTRAINT config_epochs_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT config_epochs_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT config_epochs_organization_id_agent_id_epoch_key UNIQUE (organization_id, agent_id, epoch)
);

-- The ledger: one row per stored message and UTC day of its readings.
CREATE TABLE ingest_batches (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    agent_id uuid NOT NULL,
    stream text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    checksum bigint NOT NULL,
    readings integer NOT NULL,
    quarantined integer DEFAULT 0 NOT NULL,
    day timestamptz NOT NULL,
    from_time timestamptz NOT NULL,
    to_time timestamptz NOT NULL,
    received_at timestamptz DEFAULT now() NOT NULL,
    judged_at timestamptz,
    rolled_at timestamptz,
    CONSTRAINT ingest_batches_pkey PRIMARY KEY (id),
    CONSTRAINT ingest_batches_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT ingest_batches_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX ingest_batches_agent_id_day_idx ON ingest_batches (agent_id, day);
CREATE INDEX ingest_batches_agent_id_stream_last_idx ON ingest_batches (agent_id, stream, last);
CREATE INDEX ingest_batches_unjudged_idx ON ingest_batches (agent_id, id) WHERE judged_at IS NULL;
CREATE INDEX ingest_batches_unrolled_idx ON ingest_batches (id) WHERE rolled_at IS NULL;

-- A message or block the hub could not accept, with the reason and the raw bytes.
CREATE TABLE quarantine (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    agent_id uuid,
    received_at timestamptz DEFAULT now() NOT NULL,
    topic text NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    stream text,
    number bigint,
    payload bytea NOT NULL,
    settled_at timestamptz,
    settled_by uuid,
    settlement text,
    CONSTRAINT quarantine_pkey PRIMARY KEY (id),
    CONSTRAINT quarantine_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT quarantine_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX quarantine_organization_id_received_at_idx ON quarantine (organization_id, received_at);

-- Numbers of a stream that will never come, and why: loss is data, not silence.
CREATE TABLE stream_gaps (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    stream text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    reason text NOT NULL,
    readings bigint DEFAULT 0 NOT NULL,
    from_time timestamptz,
    to_time timestamptz,
    found_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT stream_gaps_pkey PRIMARY KEY (id),
    CONSTRAINT stream_gaps_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT stream_gaps_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT stream_gaps_agent_id_stream_first_last_key UNIQUE (agent_id, stream, first, last),
    CONSTRAINT stream_gaps_reason_check
        CHECK (reason IN ('thinned', 'released', 'moved', 'lost', 'lost_with_disk'))
);

-- One numbered run of blocks from one program start of an agent.
CREATE TABLE streams (
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    stream text NOT NULL,
    number bigint DEFAULT 0 NOT NULL,
    checksum bigint DEFAULT 0 NOT NULL,
    announced bigint DEFAULT 0 NOT NULL,
    closed bigint,
    opened_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT streams_pkey PRIMARY KEY (agent_id, stream),
    CONSTRAINT streams_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT streams_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT
);

-- One measured quantity of one agent, linked by a person to a well or a piece of equipment.
CREATE TABLE tags (
    organization_id uuid NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    agent_id uuid NOT NULL,
    name text NOT NULL,
    device text NOT NULL,
    unit text NOT NULL,
    description text DEFAULT '' NOT NULL,
    interval_ms integer NOT NULL,
    low double precision,
    high double precision,
    measure text,
    well_id uuid,
    equipment_id uuid,
    linked_at timestamptz,
    linked_by uuid,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (id),
    CONSTRAINT tags_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT tags_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tags_organization_id_well_id_fkey FOREIGN KEY (organization_id, well_id)
        REFERENCES wells (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tags_organization_id_equipment_id_fkey FOREIGN KEY (organization_id, equipment_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT tags_agent_id_name_key UNIQUE (agent_id, name),
    CONSTRAINT tags_organization_id_id_key UNIQUE (organization_id, id)
);
CREATE INDEX tags_well_id_idx ON tags (organization_id, well_id);

-- Which tag a number means in one configuration epoch.
CREATE TABLE config_epoch_tags (
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    epoch bigint NOT NULL,
    number integer NOT NULL,
    tag_id integer NOT NULL,
    CONSTRAINT config_epoch_tags_pkey PRIMARY KEY (agent_id, epoch, number),
    CONSTRAINT config_epoch_tags_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT config_epoch_tags_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT config_epoch_tags_organization_id_agent_id_epoch_fkey FOREIGN KEY (organization_id, agent_id, epoch)
        REFERENCES config_epochs (organization_id, agent_id, epoch) ON DELETE RESTRICT
);

-- A reading that came after the retention of its time had passed.
CREATE TABLE readings_aside (
    organization_id uuid NOT NULL,
    time timestamptz NOT NULL,
    value double precision,
    tag_id integer NOT NULL,
    quality smallint NOT NULL,
    CONSTRAINT readings_aside_pkey PRIMARY KEY (time, tag_id),
    CONSTRAINT readings_aside_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT readings_aside_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT
);

-- The newest reading of each tag.
CREATE TABLE readings_latest (
    organization_id uuid NOT NULL,
    tag_id integer NOT NULL,
    time timestamptz NOT NULL,
    value double precision,
    quality smallint NOT NULL,
    received_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT readings_latest_pkey PRIMARY KEY (tag_id),
    CONSTRAINT readings_latest_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT readings_latest_organization_id_tag_id_fkey FOREIGN KEY (organization_id, tag_id)
        REFERENCES tags (organization_id, id) ON DELETE RESTRICT
)
 WITH (fillfactor = 50);
