-- Photos of entries on their way from sites: parts, until all of a photo are there.

CREATE TABLE entry_photo_parts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    part smallint NOT NULL,
    parts smallint NOT NULL,
    content bytea NOT NULL,
    received_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT entry_photo_parts_pkey PRIMARY KEY (id),
    CONSTRAINT entry_photo_parts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT entry_photo_parts_organization_id_agent_id_fkey
        FOREIGN KEY (organization_id, agent_id)
        REFERENCES agents (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT entry_photo_parts_agent_id_entry_id_sha256_part_key
        UNIQUE (agent_id, entry_id, sha256, part),
    CONSTRAINT entry_photo_parts_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT entry_photo_parts_part_check CHECK (part BETWEEN 1 AND parts AND parts <= 1000),
    CONSTRAINT entry_photo_parts_content_check CHECK (octet_length(content) BETWEEN 1 AND 8192)
);

CALL tenant_rows('entry_photo_parts');
CREATE POLICY ingest ON entry_photo_parts TO wellflow_ingest USING (true);
CREATE POLICY work ON entry_photo_parts TO wellflow_work USING (true);
GRANT SELECT (agent_id, entry_id, sha256, part), INSERT ON entry_photo_parts TO wellflow_ingest;
GRANT SELECT, DELETE ON entry_photo_parts TO wellflow_work;

-- A photo that is no entry's is set aside by who puts the parts together.
CREATE POLICY work ON quarantine TO wellflow_work USING (true);
GRANT INSERT ON quarantine TO wellflow_work;
