-- Routes, API keys, answers kept for repeats, saved views and feature flags.

-- A lease on somebody's route: a pumper sees only what is assigned, the others see all.
CREATE TABLE lease_assignments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    membership_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    from_day date DEFAULT CURRENT_DATE NOT NULL,
    to_day date,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT lease_assignments_pkey PRIMARY KEY (id),
    CONSTRAINT lease_assignments_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT lease_assignments_organization_id_membership_id_fkey
        FOREIGN KEY (organization_id, membership_id)
        REFERENCES memberships (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT lease_assignments_organization_id_lease_id_fkey
        FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT lease_assignments_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT lease_assignments_organization_id_membership_id_lease_i_a483
        UNIQUE (organization_id, membership_id, lease_id, from_day),
    CONSTRAINT lease_assignments_to_day_check CHECK (to_day >= from_day)
);
CREATE INDEX lease_assignments_lease_id_idx ON lease_assignments (organization_id, lease_id);

-- A program's way in: acts with one role for one organization, as far as its scopes reach.
CREATE TABLE api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    role text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT api_keys_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT api_keys_organization_id_prefix_key UNIQUE (organization_id, prefix),
    CONSTRAINT api_keys_name_check CHECK (name <> ''),
    CONSTRAINT api_keys_prefix_check CHECK (prefix ~ '^[a-z0-9]{8}$'),
    CONSTRAINT api_keys_secret_hash_check CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT api_keys_scopes_check
        CHECK (cardinality(scopes) > 0
               AND array_to_string(scopes, ' ', '-') ~ '^((read|write)(:[a-z_]+)?( |$))+$'),
    CONSTRAINT api_keys_role_check
        CHECK (role IN ('owner', 'manager', 'pumper', 'accountant', 'viewer'))
);
CREATE INDEX api_keys_prefix_idx ON api_keys (prefix);

-- A change asked for once by a program, and what it was answered: a repeat changes nothing.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL,
    key text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    response text,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (organization_id, key),
    CONSTRAINT idempotency_keys_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 300)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- A list as somebody left it: filters, order and search under a name.
CREATE TABLE saved_views (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    table_name text NOT NULL,
    name text NOT NULL,
    query text DEFAULT '' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT saved_views_pkey PRIMARY KEY (id),
    CONSTRAINT saved_views_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT saved_views_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT saved_views_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT saved_views_organization_id_table_name_user_id_name_key
        UNIQUE NULLS NOT DISTINCT (organization_id, table_name, user_id, name),
    CONSTRAINT saved_views_name_check CHECK (length(name) BETWEEN 1 AND 80),
    CONSTRAINT saved_views_query_check CHECK (length(query) <= 4000)
);

-- Whether an organization uses a feature yet; without a row the feature's own default holds.
CREATE TABLE feature_flags (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    feature text NOT NULL,
    enabled boolean DEFAULT false NOT NULL,
    percent smallint,
    note text DEFAULT '' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT feature_flags_pkey PRIMARY KEY (id),
    CONSTRAINT feature_flags_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT feature_flags_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT feature_flags_organization_id_feature_key UNIQUE (organization_id, feature),
    CONSTRAINT feature_flags_feature_check CHECK (feature ~ '^[a-z][a-z_]{1,40}$'),
    CONSTRAINT feature_flags_percent_check CHECK (percent BETWEEN 0 AND 100)
);

CALL tenant_table('lease_assignments');
CALL tenant_table('saved_views');
CALL tenant_table('feature_flags');
CALL tenant_rows('idempotency_keys');  -- comes and goes within a day: not for the trail
CALL tenant_rows('api_keys');

-- That a key was used is no change of it.
CREATE TRIGGER stamp
    BEFORE INSERT OR UPDATE OF name, scopes, role, expires_at, revoked_at, updated_by ON api_keys
    FOR EACH ROW EXECUTE FUNCTION stamp_row();
CREATE TRIGGER trail
    AFTER INSERT OR DELETE OR UPDATE OF name, scopes, role, expires_at, revoked_at ON api_keys
    FOR EACH ROW EXECUTE FUNCTION audit_row();

GRANT SELECT, INSERT, DELETE, UPDATE (from_day, to_day, updated_at, updated_by, row_version)
    ON lease_assignments TO wellflow_app;
GRANT SELECT (id, organization_id, name, prefix, scopes, role, expires_at, last_used_at,
              revoked_at, created_at, updated_at, created_by, updated_by, row_version),
    INSERT, UPDATE (name, expires_at, revoked_at, updated_at, updated_by, row_version)
    ON api_keys TO wellflow_app;
GRANT SELECT, INSERT, DELETE, UPDATE (status, headers, response)
    ON idempotency_keys TO wellflow_app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (user_id, name, query, updated_at, updated_by, row_version)
    ON saved_views TO wellflow_app;
GRANT SELECT, INSERT, UPDATE (enabled, percent, note, updated_at, updated_by, row_version)
    ON feature_flags TO wellflow_app;

CREATE POLICY work ON idempotency_keys TO wellflow_work USING (true);
GRANT SELECT (created_at), DELETE ON idempotency_keys TO wellflow_work;
CREATE POLICY work ON feature_flags TO wellflow_work USING (true);
GRANT SELECT ON feature_flags TO wellflow_work;
CREATE POLICY work ON lease_assignments TO wellflow_work USING (true);
GRANT SELECT ON lease_assignments TO wellflow_work;

-- A view of one's own is nobody else's business.
CREATE POLICY own ON saved_views AS RESTRICTIVE TO wellflow_app
    USING (user_id IS NULL
           OR user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));

-- Only an owner says who works here, which programs may come in, and what is switched on; routes
-- are a manager's business too. Everybody may look.
CREATE PROCEDURE kept_by(name text, VARIADIC roles text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    verb text;
BEGIN
    FOREACH verb IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %I AS RESTRICTIVE FOR %s TO wellflow_app %s'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''')) = ANY (%L))',
            'kept_by_' || lower(verb), name, verb,
            CASE verb WHEN 'INSERT' THEN 'WITH CHECK' ELSE 'USING' END, roles);
    END LOOP;
END $$;
REVOKE EXECUTE ON PROCEDURE kept_by(text, text[]) FROM PUBLIC;

CALL kept_by('memberships', 'owner');
CALL kept_by('api_keys', 'owner');
CALL kept_by('feature_flags', 'owner');
CALL kept_by('lease_assignments', 'owner', 'manager');
