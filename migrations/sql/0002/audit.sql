-- The audit trail: what was changed, by whom, when and from where; appended in the transaction of
-- the change, chained by hashes once that has ended.

-- One change of one row, or one act worth keeping: appended in its transaction, never changed.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organization_id uuid,
    table_name text NOT NULL,
    row_id uuid,
    verb text NOT NULL,
    before jsonb,
    after jsonb,
    at timestamptz DEFAULT now() NOT NULL,
    user_id uuid,
    door text DEFAULT '' NOT NULL,
    address text DEFAULT '' NOT NULL,
    xid bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_verb_check
        CHECK (verb IN ('insert', 'update', 'delete', 'reveal', 'export', 'import',
               'download', 'approve', 'sign_in', 'sign_out', 'note'))
);
CREATE INDEX audit_log_organization_id_id_idx ON audit_log (organization_id, id);
CREATE INDEX audit_log_row_id_id_idx ON audit_log (row_id, id);
CREATE INDEX audit_log_xid_idx ON audit_log (xid);

-- One link of an organization's chain: the hash of an entry and of all sealed before it.
CREATE TABLE audit_seals (
    entry_id bigint NOT NULL,
    organization_id uuid,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT audit_seals_pkey PRIMARY KEY (entry_id),
    CONSTRAINT audit_seals_organization_id_number_key
        UNIQUE NULLS NOT DISTINCT (organization_id, number),
    CONSTRAINT audit_seals_number_check CHECK (number > 0),
    CONSTRAINT audit_seals_hash_check CHECK (octet_length(hash) = 32)
);

-- How far the sealer has come; no evidence: without it the next pass looks at everything.
CREATE TABLE audit_progress (
    one boolean DEFAULT true NOT NULL,
    xid bigint NOT NULL,
    CONSTRAINT audit_progress_pkey PRIMARY KEY (one),
    CONSTRAINT audit_progress_one_check CHECK (one)
);

-- Nobody but the owner changes these; the console sees its operator's, the sealer adds seals.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_log', 'audit_seals', 'audit_progress'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner ON %I TO wellflow_owner USING (true)', name);
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['audit_log', 'audit_seals'] LOOP
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO wellflow_app USING (organization_id ='
            ' (SELECT nullif(current_setting(''app.organization_id'', true), '''')::uuid))', name);
    END LOOP;
END $$;

GRANT SELECT ON audit_log, audit_seals TO wellflow_app, wellflow_work;
GRANT INSERT ON audit_seals TO wellflow_work;
GRANT SELECT, INSERT, UPDATE ON audit_progress TO wellflow_work;

-- A pumper reads of the trail what he did himself.
CREATE POLICY route ON audit_log AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
           OR user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));

-- Keeps a change of a row: all of a new or deleted one, the changed columns of another. Bytes, and
-- columns named as arguments, appear only as "(sealed)"; stamps and computed columns not at all.
CREATE FUNCTION audit_row()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    stamps constant text[] := ARRAY['created_at', 'created_by', 'updated_at', 'updated_by',
                                    'row_version'];
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    became jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    whole constant jsonb := coalesce(became, was);
    left_out text[];
    hidden text[];
    known_as name := TG_TABLE_NAME;
BEGIN
    IF TG_TABLE_SCHEMA <> 'public' THEN  -- a chunk of a hypertable: it goes by the table's name
        SELECT p.relname INTO known_as FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
        WHERE i.inhrelid = TG_RELID;
    END IF;
    SELECT array_agg(a.attname) FILTER (WHERE a.attgenerated <> ''
                                           OR a.atttypid = 'tsvector'::regtype),
           array_agg(a.attname) FILTER (WHERE a.atttypid = 'bytea'::regtype
                                           OR a.attname = ANY (TG_ARGV))
    INTO left_out, hidden
    FROM pg_attribute a
    WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped;
    left_out := stamps || left_out;
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, CASE WHEN o.key = ANY (hidden) AND o.value <> 'null'
                                            THEN '"(sealed)"' ELSE o.value END),
               jsonb_object_agg(o.key, CASE WHEN o.key = ANY (hidden) AND n.value <> 'null'
                                            THEN '"(sealed)"' ELSE n.value END)
        INTO was, became
        FROM jsonb_each(was) o JOIN jsonb_each(became) n USING (key)
        WHERE o.value <> n.value AND NOT o.key = ANY (left_out);
        IF became IS NULL THEN
            RETURN NULL;
        END IF;
    ELSE
        SELECT jsonb_object_agg(w.key, CASE WHEN w.key = ANY (hidden) THEN '"(sealed)"'
                                            ELSE w.value END)
        INTO became
        FROM jsonb_each(whole) w
        WHERE w.value <> 'null' AND NOT w.key = ANY (left_out);
        IF TG_OP = 'DELETE' THEN
            was := became;
            became := NULL;
        END IF;
    END IF;
    INSERT INTO audit_log (organization_id, table_name, row_id, verb, before, after,
                           user_id, door, address)
    VALUES (CASE known_as
            WHEN 'organizations' THEN (whole->>'id')::uuid
            ELSE coalesce(whole->>'organization_id',
                          nullif(current_setting('app.organization_id', true), ''))::uuid END,
            known_as, trail_key(whole->'id'), lower(TG_OP), was, became,
            nullif(current_setting('app.user_id', true), '')::uuid,
            coalesce(current_setting('app.door', true), ''),
            coalesce(current_setting('app.address', true), ''));
    RETURN NULL;
END $$;

-- How the trail names a row: its uuid; a number stands in the last twelve digits of one.
CREATE FUNCTION trail_key(id jsonb)
RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT CASE jsonb_typeof(id)
        WHEN 'string' THEN (id #>> '{}')::uuid
        WHEN 'number' THEN ('00000000-0000-0000-0000-'
                            || lpad(to_hex((id #>> '{}')::bigint), 12, '0'))::uuid
    END
$$;

-- Keeps an act that changes no row by itself: a number revealed, a list exported. Nobody can note a
-- change that a trigger would have seen, nor for another operator.
CREATE FUNCTION note_in_trail(table_name text, row_id uuid, verb text, after jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization constant uuid := nullif(current_setting('app.organization_id', true), '')::uuid;
BEGIN
    IF organization IS NULL OR verb IN ('insert', 'update', 'delete') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_log_noted',
            MESSAGE = 'The trail takes notes for one operator, and none of changes it sees itself.';
    END IF;
    INSERT INTO audit_log (organization_id, table_name, row_id, verb, after,
                           user_id, door, address)
    VALUES (organization, note_in_trail.table_name, note_in_trail.row_id, note_in_trail.verb,
            note_in_trail.after,
            nullif(current_setting('app.user_id', true), '')::uuid,
            coalesce(current_setting('app.door', true), ''),
            coalesce(current_setting('app.address', true), ''));
END $$;

REVOKE EXECUTE ON FUNCTION audit_row(), trail_key(jsonb), note_in_trail(text, uuid, text, jsonb)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_in_trail(text, uuid, text, jsonb) TO wellflow_app;
