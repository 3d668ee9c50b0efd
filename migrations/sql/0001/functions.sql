-- Questions that must be answered before it is known who asks: sign-in and sessions.
--
-- Each runs as wellflow_owner, answers for one person only, and looks nowhere but in this schema.
-- The tables behind them are closed to the console.

-- The person behind an address, for the password to be checked; no row for someone who may not
-- sign in.
CREATE FUNCTION sign_in_lookup(email text)
RETURNS TABLE (user_id uuid, name text, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT u.id, u.name, u.password_hash
    FROM users u
    WHERE lower(u.email) = lower(sign_in_lookup.email)
      AND u.disabled_at IS NULL
      AND u.password_hash IS NOT NULL
$$;

-- Whether another attempt is allowed: ten per account, a hundred per address, in fifteen minutes.
CREATE FUNCTION sign_in_allowed(key text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT NOT EXISTS (
        SELECT FROM sign_in_failures f
        WHERE f.key = sign_in_allowed.key
          AND f.window_start > now() - interval '15 minutes'
          AND f.failures >= CASE WHEN f.key LIKE 'address:%' THEN 100 ELSE 10 END)
$$;

-- Counts a failed attempt; answers how many there were in the current window.
CREATE FUNCTION sign_in_failed(key text)
RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    INSERT INTO sign_in_failures AS f (key, failures, window_start)
    VALUES (sign_in_failed.key, 1, now())
    ON CONFLICT ON CONSTRAINT sign_in_failures_pkey DO UPDATE SET
        failures = CASE WHEN f.window_start > now() - interval '15 minutes'
                        THEN f.failures + 1 ELSE 1 END,
        window_start = CASE WHEN f.window_start > now() - interval '15 minutes'
                            THEN f.window_start ELSE now() END
    RETURNING f.failures
$$;

-- Forgets the failed attempts of an account or address once its password was right.
CREATE FUNCTION sign_in_succeeded(key text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    DELETE FROM sign_in_failures f WHERE f.key = sign_in_succeeded.key
$$;

-- Opens a session for the operator the person has worked for longest; answers which, or null.
CREATE FUNCTION session_open(
    token_hash bytea, user_id uuid, expires_at timestamptz, address text, browser text)
RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    INSERT INTO sessions (token_hash, user_id, organization_id, expires_at, address, browser)
    SELECT session_open.token_hash, u.id,
           (SELECT m.organization_id
            FROM memberships m JOIN organizations o ON o.id = m.organization_id
            WHERE m.user_id = u.id AND m.ended_at IS NULL AND o.closed_at IS NULL
            ORDER BY m.created_at, m.id LIMIT 1),
           session_open.expires_at, session_open.address, session_open.browser
    FROM users u
    WHERE u.id = session_open.user_id AND u.disabled_at IS NULL
    RETURNING organization_id
$$;

-- Who is behind a cookie, and in which role; no row once the session, the person or the work has
-- ended, nor when nobody has used the session for `idle`. Notes once a minute that it was used;
-- a page that refreshes itself (`used` is false) keeps nobody signed in.
CREATE FUNCTION session_lookup(token_hash bytea, idle interval, used boolean)
RETURNS TABLE (session_id uuid, user_id uuid, user_name text, email text,
               organization_id uuid, organization text, timezone text, role text,
               expires_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE sessions s SET last_seen_at = now()
    WHERE session_lookup.used
      AND s.token_hash = session_lookup.token_hash
      AND s.expires_at > now()
      AND s.last_seen_at < now() - interval '1 minute'
      AND s.last_seen_at > now() - session_lookup.idle;
    SELECT s.id, u.id, u.name, u.email, o.id, o.name, o.timezone, m.role, s.expires_at
    FROM sessions s
    JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
    JOIN memberships m ON m.user_id = u.id AND m.organization_id = s.organization_id
                      AND m.ended_at IS NULL
    JOIN organizations o ON o.id = m.organization_id AND o.closed_at IS NULL
    WHERE s.token_hash = session_lookup.token_hash
      AND s.expires_at > now()
      AND s.last_seen_at > now() - session_lookup.idle
$$;

-- The operators the person behind a cookie may work for.
CREATE FUNCTION session_organizations(token_hash bytea)
RETURNS TABLE (organization_id uuid, name text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT o.id, o.name, m.role
    FROM sessions s
    JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
    JOIN memberships m ON m.user_id = u.id AND m.ended_at IS NULL
    JOIN organizations o ON o.id = m.organization_id AND o.closed_at IS NULL
    WHERE s.token_hash = session_organizations.token_hash AND s.expires_at > now()
    ORDER BY o.name
$$;

-- Turns a session to another operator the person works for; answers whether it did.
CREATE FUNCTION session_switch(token_hash bytea, organization_id uuid)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH switched AS (
        UPDATE sessions s
        SET organization_id = m.organization_id, updated_at = now()
        FROM memberships m, organizations o
        WHERE s.token_hash = session_switch.token_hash
          AND s.expires_at > now()
          AND m.user_id = s.user_id
          AND m.organization_id = session_switch.organization_id
          AND m.ended_at IS NULL
          AND o.id = m.organization_id
          AND o.closed_at IS NULL
        RETURNING s.id)
    SELECT EXISTS (SELECT FROM switched)
$$;

-- Ends a session; answers whether there was one.
CREATE FUNCTION session_close(token_hash bytea)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH closed AS (
        DELETE FROM sessions s WHERE s.token_hash = session_close.token_hash RETURNING s.id)
    SELECT EXISTS (SELECT FROM closed)
$$;

-- Ends every session of the person behind a cookie; answers how many there were.
CREATE FUNCTION session_close_all(token_hash bytea)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH closed AS (
        DELETE FROM sessions s
        WHERE s.user_id = (SELECT own.user_id FROM sessions own
                           WHERE own.token_hash = session_close_all.token_hash
                             AND own.expires_at > now())
        RETURNING s.id)
    SELECT count(*) FROM closed
$$;

-- Removes what sign-ins leave behind; answers how many sessions had ended.
CREATE FUNCTION sweep_sign_ins()
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    DELETE FROM sign_in_failures WHERE window_start < now() - interval '15 minutes';
    WITH ended AS (DELETE FROM sessions WHERE expires_at < now() RETURNING id)
    SELECT count(*) FROM ended
$$;

REVOKE EXECUTE ON FUNCTION
    sign_in_lookup(text), sign_in_allowed(text), sign_in_failed(text), sign_in_succeeded(text),
    session_open(bytea, uuid, timestamptz, text, text), session_lookup(bytea, interval, boolean),
    session_organizations(bytea), session_switch(bytea, uuid), session_close(bytea),
    session_close_all(bytea), sweep_sign_ins()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    sign_in_lookup(text), sign_in_allowed(text), sign_in_failed(text), sign_in_succeeded(text),
    session_open(bytea, uuid, timestamptz, text, text), session_lookup(bytea, interval, boolean),
    session_organizations(bytea), session_switch(bytea, uuid), session_close(bytea),
    session_close_all(bytea)
    TO wellflow_app;
GRANT EXECUTE ON FUNCTION sweep_sign_ins() TO wellflow_work;
