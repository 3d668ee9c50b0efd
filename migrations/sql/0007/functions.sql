-- Answers to messages, which come before it is known who answers.
--
-- Like those of sign-in: each runs as wellflow_owner and answers for one message only, which the
-- caller has to name by the hash of its secret, or by the number it came from and its code.

-- What a message's link leads to; no row for one that was never made. Notes when it was first seen.
CREATE FUNCTION message_link_open(token_hash bytea)
RETURNS TABLE (link_id uuid, organization_id uuid, organization text, timezone text,
               notification_id uuid, channel_id uuid, channel_kind text, alert_id uuid, kind text,
               is_test boolean, subject text, body jsonb, user_id uuid, user_name text, role text,
               expires_at timestamptz, used_at timestamptz, code text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE message_links l SET seen_at = now()
    WHERE l.token_hash = message_link_open.token_hash AND l.seen_at IS NULL;
    SELECT l.id, o.id, o.name, o.timezone, n.id, c.id, c.kind, n.alert_id, n.kind, n.is_test,
           n.subject, n.body, m.user_id, u.name, m.role, l.expires_at, l.used_at, l.code
    FROM message_links l
    JOIN organizations o ON o.id = l.organization_id AND o.closed_at IS NULL
    JOIN notifications n ON n.id = l.notification_id
    JOIN contact_channels c ON c.id = l.channel_id
    LEFT JOIN memberships m ON m.organization_id = l.organization_id AND m.user_id = l.user_id
                           AND m.ended_at IS NULL
    LEFT JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
    WHERE l.token_hash = message_link_open.token_hash
$$;

-- Uses a message's link; answers whether this was the first time, in time. A channel whose test is
-- answered is proven by it.
CREATE FUNCTION message_link_use(token_hash bytea)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    link message_links;
BEGIN
    UPDATE message_links l SET used_at = now()
    WHERE l.token_hash = message_link_use.token_hash
      AND l.used_at IS NULL AND l.expires_at > now()
    RETURNING * INTO link;
    IF link.id IS NULL THEN
        RETURN false;
    END IF;
    UPDATE contact_channels c
    SET verified_at = coalesce(c.verified_at, now()), proven_at = now(),
        broken_at = NULL, fault = NULL
    WHERE c.id = link.channel_id AND c.removed_at IS NULL;
    UPDATE notifications n
    SET state = 'delivered', delivered_at = coalesce(n.delivered_at, now())
    WHERE n.id = link.notification_id AND n.state IN ('sent', 'failed');
    RETURN true;
END $$;

-- The hash of the message's secret that an SMS from this number means by its code, and what stands
-- against taking it; the operator is known as soon as the number is.
CREATE FUNCTION message_code_open(phone text, code text)
RETURNS TABLE (organization_id uuid, channel_id uuid, user_id uuid, token_hash bytea,
               hindrance text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH numbers AS (
        SELECT c.* FROM contact_channels c
        JOIN memberships m ON m.organization_id = c.organization_id AND m.user_id = c.user_id
                          AND m.ended_at IS NULL
        JOIN users u ON u.id = c.user_id AND u.disabled_at IS NULL
        JOIN organizations o ON o.id = c.organization_id AND o.closed_at IS NULL
        WHERE c.kind = 'sms' AND c.address = message_code_open.phone AND c.removed_at IS NULL),
    meant AS (
        SELECT l.*, n.is_test, c.verified_at,
               count(*) FILTER (WHERE l.used_at IS NULL AND l.expires_at > now()) OVER () AS open
        FROM numbers c
        JOIN message_links l ON l.channel_id = c.id AND l.code = message_code_open.code
        JOIN notifications n ON n.id = l.notification_id
        ORDER BY l.used_at IS NULL AND l.expires_at > now() DESC, l.created_at DESC
        LIMIT 1)
    SELECT x.organization_id, x.channel_id, x.user_id, x.token_hash,
           CASE WHEN x.used_at IS NOT NULL THEN 'used'
                WHEN x.expires_at <= now() THEN 'expired'
                WHEN x.open > 1 THEN 'ambiguous'
                WHEN x.verified_at IS NULL AND NOT x.is_test THEN 'unverified' END
    FROM meant x
    UNION ALL
    (SELECT c.organization_id, c.id, c.user_id, NULL, 'code' FROM numbers c
     WHERE NOT EXISTS (SELECT FROM meant) ORDER BY c.created_at LIMIT 1)
$$;

-- What a provider says became of a message it took; answers whether that message was known.
CREATE FUNCTION message_receipt(
    token_hash bytea, number integer, provider text, provider_id text, receipt text, reached boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    message uuid;
BEGIN
    SELECT l.notification_id INTO message FROM message_links l
    WHERE l.token_hash = message_receipt.token_hash;
    UPDATE notification_attempts a
    SET receipt = message_receipt.receipt, receipt_at = now(),
        provider = coalesce(a.provider, message_receipt.provider),
        provider_id = coalesce(a.provider_id, message_receipt.provider_id)
    WHERE a.notification_id = message AND a.number = message_receipt.number
      AND (message_receipt.provider_id IS NULL
           OR coalesce(a.provider_id, message_receipt.provider_id) = message_receipt.provider_id);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF reached THEN
        UPDATE notifications n
        SET state = 'delivered', delivered_at = coalesce(n.delivered_at, now()),
            receipt_due_at = NULL
        WHERE n.id = message AND n.state IN ('leased', 'sent', 'failed');
    ELSIF reached IS NOT NULL THEN  -- told that it did not arrive: no need to wait longer
        UPDATE notifications n SET receipt_due_at = now()
        WHERE n.id = message AND n.state = 'sent';
        NOTIFY wellflow_deliver;
    END IF;
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION
    message_link_open(bytea), message_link_use(bytea), message_code_open(text, text),
    message_receipt(bytea, integer, text, text, text, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    message_link_open(bytea), message_link_use(bytea), message_code_open(text, text),
    message_receipt(bytea, integer, text, text, text, boolean)
    TO wellflow_app;
