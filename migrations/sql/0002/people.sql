-- Questions and changes about people that need more than a member's own rights.
--
-- Like those of 0001: each runs as wellflow_owner and answers for one person or one key only.

-- Who is behind a cookie, as session_lookup says, and under which membership.
CREATE FUNCTION session_visitor(token_hash bytea, idle interval, used boolean)
RETURNS TABLE (session_id uuid, user_id uuid, user_name text, email text,
               organization_id uuid, organization text, timezone text, role text,
               expires_at timestamptz, membership_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT l.session_id, l.user_id, l.user_name, l.email, l.organization_id, l.organization,
           l.timezone, l.role, l.expires_at, m.id
    FROM session_lookup(session_visitor.token_hash, session_visitor.idle, session_visitor.used) l
    JOIN memberships m ON m.user_id = l.user_id AND m.organization_id = l.organization_id
$$;

-- Sets the password of the person behind a cookie and ends that person's other sessions; answers
-- how many those were, null for a cookie nobody is behind.
CREATE FUNCTION password_change(token_hash bytea, password_hash text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    person uuid;
    place text;
    ended bigint;
BEGIN
    SELECT s.user_id, s.address INTO person, place FROM sessions s
    WHERE s.token_hash = password_change.token_hash AND s.expires_at > now();
    IF person IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('app.user_id', person::text, true),  -- as the trail shall say
            set_config('app.door', 'console', true),
            set_config('app.address', coalesce(place, ''), true);
    UPDATE users u SET password_hash = password_change.password_hash WHERE u.id = person;
    DELETE FROM sessions s
    WHERE s.user_id = person AND s.token_hash <> password_change.token_hash;
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END $$;

-- Takes a person on in the operator of this transaction, as its owner does: someone not known here
-- gets the name and password given, someone known keeps theirs, someone who left comes back.
CREATE FUNCTION member_add(email text, name text, role text, password_hash text)
RETURNS TABLE (user_id uuid, membership_id uuid, is_new boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization constant uuid := nullif(current_setting('app.organization_id', true), '')::uuid;
    member memberships;
BEGIN
    IF organization IS NULL OR coalesce(current_setting('app.role', true), '') <> 'owner' THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'Only an owner may say who works here.';
    END IF;
    SELECT u.id INTO user_id FROM users u WHERE lower(u.email) = lower(member_add.email);
    is_new := user_id IS NULL;
    IF is_new THEN
        INSERT INTO users (email, name, password_hash)
        VALUES (member_add.email, member_add.name, member_add.password_hash)
        RETURNING id INTO user_id;
    END IF;
    SELECT * INTO member FROM memberships m
    WHERE m.organization_id = organization AND m.user_id = member_add.user_id
    FOR UPDATE;
    IF member.id IS NULL THEN
        INSERT INTO memberships (organization_id, user_id, role)
        VALUES (organization, user_id, member_add.role)
        RETURNING id INTO membership_id;
    ELSIF member.ended_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'memberships_once',
            COLUMN = 'email', MESSAGE = member_add.email || ' already works here.';
    ELSE
        UPDATE memberships m SET ended_at = NULL, role = member_add.role WHERE m.id = member.id;
        membership_id := member.id;
    END IF;
    RETURN NEXT;
END $$;

-- An operator without an owner could never be put in order again from the console. Memberships are
-- ended, not deleted: nobody who serves has the right to.
CREATE FUNCTION keep_an_owner()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    -- Two owners who end each other's work at once wait here for one another.
    PERFORM FROM organizations o WHERE o.id = OLD.organization_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM memberships m JOIN users u ON u.id = m.user_id
                   WHERE m.organization_id = OLD.organization_id AND m.id <> OLD.id
                     AND m.role = 'owner' AND m.ended_at IS NULL AND u.disabled_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'memberships_last_owner',
            COLUMN = 'role',
            MESSAGE = 'This is the last owner: make somebody else owner first.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_an_owner BEFORE UPDATE OF role, ended_at ON memberships
    FOR EACH ROW WHEN (OLD.role = 'owner' AND OLD.ended_at IS NULL
                       AND (NEW.role <> 'owner' OR NEW.ended_at IS NOT NULL))
    EXECUTE FUNCTION keep_an_owner();

-- The key a program presented, by its prefix and the SHA-256 of the whole; no row once it, its
-- operator or its time has ended. Notes once a minute that it was used.
CREATE FUNCTION api_key_lookup(prefix text, hash bytea)
RETURNS TABLE (key_id uuid, name text, organization_id uuid, organization text, timezone text,
               role text, scopes text[], created_by uuid, membership_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE api_keys k SET last_used_at = now()
    WHERE k.prefix = api_key_lookup.prefix AND k.secret_hash = api_key_lookup.hash
      AND k.revoked_at IS NULL
      AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute');
    SELECT k.id, k.name, o.id, o.name, o.timezone, k.role, k.scopes, k.created_by,
           (SELECT m.id FROM memberships m
            WHERE m.organization_id = k.organization_id AND m.user_id = k.created_by
              AND m.ended_at IS NULL)
    FROM api_keys k JOIN organizations o ON o.id = k.organization_id AND o.closed_at IS NULL
    WHERE k.prefix = api_key_lookup.prefix AND k.secret_hash = api_key_lookup.hash
      AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
$$;

-- The leases on the route of the person who acts, and the wells of them.
CREATE FUNCTION assigned_leases()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT a.lease_id
    FROM lease_assignments a
    JOIN organizations o ON o.id = a.organization_id
    WHERE a.membership_id = nullif(current_setting('app.membership_id', true), '')::uuid
      AND a.organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
      AND (now() AT TIME ZONE o.timezone)::date
          BETWEEN a.from_day AND coalesce(a.to_day, 'infinity')
$$;

CREATE FUNCTION assigned_wells()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT w.id FROM wells w WHERE w.lease_id IN (SELECT assigned_leases())
$$;

REVOKE EXECUTE ON FUNCTION
    session_visitor(bytea, interval, boolean), password_change(bytea, text),
    member_add(text, text, text, text), keep_an_owner(), api_key_lookup(text, bytea),
    assigned_leases(), assigned_wells()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    session_visitor(bytea, interval, boolean), password_change(bytea, text),
    member_add(text, text, text, text), api_key_lookup(text, bytea),
    assigned_leases(), assigned_wells()
    TO wellflow_app;
