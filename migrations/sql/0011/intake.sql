-- Files on their way into a table: whichever web process is asked knows how far they are.
CREATE TABLE import_files (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    table_name text NOT NULL,
    name text NOT NULL,
    header jsonb NOT NULL,
    content bytea NOT NULL,
    lines integer NOT NULL,
    mapping jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'read' NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    report jsonb,
    fault text DEFAULT '' NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT import_files_pkey PRIMARY KEY (id),
    CONSTRAINT import_files_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT import_files_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT import_files_state_check
        CHECK (state IN ('read', 'trying', 'storing', 'tried', 'stored', 'failed')),
    CONSTRAINT import_files_name_check CHECK (length(name) BETWEEN 1 AND 120),
    CONSTRAINT import_files_done_check CHECK (done >= 0)
);
CREATE INDEX import_files_created_at_idx ON import_files (created_at);

CALL tenant_rows('import_files');  -- comes and goes within an hour: not for the trail
GRANT SELECT, INSERT, DELETE, UPDATE (mapping, state, done, report, fault, seen_at)
    ON import_files TO wellflow_app;
CREATE POLICY work ON import_files TO wellflow_work USING (true);
GRANT SELECT (created_at), DELETE ON import_files TO wellflow_work;
