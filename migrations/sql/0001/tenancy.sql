-- Operators, the people who work for them, and their sign-ins.

-- An operator: the tenant every other row belongs to.
CREATE TABLE organizations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    timezone text DEFAULT 'America/Chicago' NOT NULL,
    production_day_start time DEFAULT '07:00' NOT NULL,
    closed_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_slug_check CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,40}$'),
    CONSTRAINT organizations_slug_key UNIQUE (slug)
);

-- Failed sign-ins per address and account in the current window, to slow down guessing.
CREATE TABLE sign_in_failures (
    key text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    window_start timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT sign_in_failures_pkey PRIMARY KEY (key)
);

-- A person. People stand outside organizations: contract pumpers serve several operators.
CREATE TABLE users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    phone text,
    password_hash text,
    locale text DEFAULT 'en' NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_check CHECK (email ~ '^[^@ ]+@[^@ ]+$')
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- One person's role with one operator.
CREATE TABLE memberships (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    ended_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (id),
    CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT memberships_organization_id_user_id_key UNIQUE (organization_id, user_id),
    CONSTRAINT memberships_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT memberships_role_check
        CHECK (role IN ('owner', 'manager', 'pumper', 'accountant', 'viewer')),
    CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE RESTRICT
);

-- A signed-in browser. Belongs to a person; names the operator it is working for.
CREATE TABLE sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid,
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz DEFAULT now() NOT NULL,
    address text,
    browser text,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE
);
