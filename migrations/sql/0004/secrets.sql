-- Bank accounts and tax ids: who entered a number, who verified it, who was shown it.

-- Another number makes an account wait to be verified again; before its course is looked at.
CREATE FUNCTION renew_account()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF OLD.status = 'closed' THEN
        PERFORM refuse('bank_accounts_stands', 'routing',
            'routing: an account that is closed stands as it is; enter a new one.');
    END IF;
    IF NEW.status = OLD.status THEN
        NEW.status := 'pending_verification';
    END IF;
    RETURN NEW;
END $$;

-- A number that is entered waits 48 hours, and another person verifies it.
CREATE FUNCTION keep_account()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
    entered constant boolean := TG_OP = 'INSERT'
        OR NEW.routing <> OLD.routing OR NEW.account_enc <> OLD.account_enc;
BEGIN
    IF NOT aba_valid(NEW.routing) THEN
        PERFORM refuse('bank_accounts_routing', 'routing',
            'routing: nine digits whose check digit agrees; read them from a check again.');
    END IF;
    IF entered THEN
        NEW.number_entered_by := actor;
        NEW.change_hold_until := now() + interval '48 hours';
    ELSE
        NEW.number_entered_by := OLD.number_entered_by;
        NEW.change_hold_until := OLD.change_hold_until;
        NEW.approved_by := OLD.approved_by;
        NEW.approved_at := OLD.approved_at;
    END IF;
    IF entered OR NEW.status = 'pending_verification' THEN
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
    ELSIF NEW.status = 'verified' AND OLD.status <> 'verified' THEN
        IF now() < NEW.change_hold_until THEN
            PERFORM refuse('bank_accounts_hold', 'status', format(
                'status: a number waits 48 hours after it was entered; verify this one after %s.',
                to_char(NEW.change_hold_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')));
        END IF;
        IF actor IS NULL OR NEW.number_entered_by IS NULL OR actor = NEW.number_entered_by THEN
            PERFORM refuse('bank_accounts_four_eyes', 'status',
                'status: who entered a number does not verify it; ask another person.');
        END IF;
        NEW.approved_by := actor;
        NEW.approved_at := now();
    END IF;
    RETURN NEW;
END $$;

-- Whether the person who acts may be shown a sealed number; refuses those who may not.
CREATE FUNCTION may_reveal()
RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization constant uuid := nullif(current_setting('app.organization_id', true), '')::uuid;
BEGIN
    IF organization IS NULL
       OR coalesce(current_setting('app.role', true), '') NOT IN ('owner', 'accountant') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'Only an owner or an accountant is shown account numbers and tax ids.';
    END IF;
    RETURN organization;
END $$;

-- The sealed number of one bank account, for an owner or accountant; the trail keeps who asked.
CREATE FUNCTION reveal_bank_account(account uuid)
RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization constant uuid := may_reveal();
    found bytea;
BEGIN
    SELECT b.account_enc INTO found FROM bank_accounts b
    WHERE b.organization_id = organization AND b.id = reveal_bank_account.account;
    IF found IS NOT NULL THEN
        PERFORM note_in_trail('bank_accounts', account, 'reveal',
                              '{"column": "account_enc"}'::jsonb);
    END IF;
    RETURN found;
END $$;

-- The sealed tax id of one partner, or the operator's own, likewise.
CREATE FUNCTION reveal_tax_id(table_name text, row_id uuid)
RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization constant uuid := may_reveal();
    found bytea;
BEGIN
    CASE table_name
        WHEN 'partners' THEN
            SELECT p.tax_id_enc INTO found FROM partners p
            WHERE p.organization_id = organization AND p.id = row_id;
        WHEN 'organizations' THEN
            SELECT o.tax_id_enc INTO found FROM organizations o
            WHERE o.id = organization AND o.id = row_id;
        ELSE
            RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
                MESSAGE = format('%s: no tax ids are kept there.', table_name);
    END CASE;
    IF found IS NOT NULL THEN
        PERFORM note_in_trail(table_name, row_id, 'reveal', '{"column": "tax_id_enc"}'::jsonb);
    END IF;
    RETURN found;
END $$;

REVOKE EXECUTE ON FUNCTION
    renew_account(), keep_account(), may_reveal(), reveal_bank_account(uuid), reveal_tax_id(text, uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reveal_bank_account(uuid), reveal_tax_id(text, uuid) TO wellflow_app;
