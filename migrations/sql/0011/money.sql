-- What else must be right before money moves: shares are those of the deck, who approves a payment
-- does not issue it, and a month that is being closed is booked into by the books' keepers only.

-- Every distribution of a run is a line of its deck: the same owner, interest and decimal.
CREATE FUNCTION run_shares()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    odd record;
BEGIN
    SELECT p.name, d.interest_type, d.decimal_interest, l.decimal_interest AS share
    INTO odd
    FROM revenue_distributions d
    JOIN partners p ON p.organization_id = d.organization_id AND p.id = d.partner_id
    LEFT JOIN lease_partners l
      ON l.organization_id = d.organization_id AND l.deck_id = NEW.deck_id
     AND d.deck_id = NEW.deck_id AND l.partner_id = d.partner_id
     AND l.interest_type = d.interest_type AND l.decimal_interest = d.decimal_interest
    WHERE d.organization_id = NEW.organization_id AND d.run_id = NEW.id AND l.id IS NULL
    ORDER BY p.name, d.id LIMIT 1;
    IF FOUND THEN
        PERFORM refuse('revenue_runs_shares', 'deck_id', format(
            'deck_id: the distribution of %s says %s %s, which is no line of the deck of this run;'
            ' correct one of them.', odd.name, odd.interest_type,
            trim_scale(odd.decimal_interest)));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER shares BEFORE UPDATE OF status ON revenue_runs
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION run_shares();

-- Money leaves only by two people: one approves the payment, another issues it.
CREATE FUNCTION payment_issuer()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    IF actor IS NULL OR actor = OLD.approved_by THEN
        PERFORM refuse('owner_payments_issuer', 'status',
            'status: who approved a payment does not issue it; ask another person.');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER issuer BEFORE UPDATE OF status ON owner_payments
    FOR EACH ROW WHEN (NEW.status = 'issued' AND OLD.status <> 'issued')
    EXECUTE FUNCTION payment_issuer();

-- As before, and for a month that is being closed: owner and accountant still book into it.
CREATE OR REPLACE FUNCTION keep_closed()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    booked date;
    found text;
BEGIN
    IF NEW.status = OLD.status OR NEW.status <> TG_ARGV[0] THEN
        RETURN NEW;
    END IF;
    booked := date_trunc('month', (to_jsonb(NEW) ->> TG_ARGV[1])::date)::date;
    SELECT p.state INTO found FROM accounting_periods p
    WHERE p.organization_id = NEW.organization_id AND p.module = 'finance' AND p.month = booked
    FOR SHARE;
    IF found = 'closed' THEN
        PERFORM refuse(TG_TABLE_NAME || '_period', TG_ARGV[1], format(
            '%s: the books of %s are closed; choose an open month, or open it again.',
            TG_ARGV[1], to_char(booked, 'YYYY-MM')));
    ELSIF found = 'soft_closed'
          AND coalesce(current_setting('app.role', true), '') NOT IN ('', 'owner', 'accountant') THEN
        PERFORM refuse(TG_TABLE_NAME || '_period', TG_ARGV[1], format(
            '%s: the books of %s are being closed: only an owner or accountant books into them;'
            ' ask one, or choose an open month.', TG_ARGV[1], to_char(booked, 'YYYY-MM')));
    END IF;
    RETURN NEW;
END $$;

-- What is held for each owner: shares that are suspended, and posted ones whose pay code holds them
-- back (suspended interest, below the minimum). Runs with the rights of whoever asks.
CREATE VIEW suspense WITH (security_invoker = true, security_barrier = true) AS
SELECT d.organization_id, d.partner_id,
       CASE WHEN d.hold_code <> 'none' THEN d.hold_code
            WHEN d.pay_code = 'minimum' THEN 'below_minimum' ELSE 'unstated' END AS reason,
       count(*) AS shares, sum(d.net) AS net, min(r.period) AS since, max(r.period) AS until
FROM revenue_distributions d
JOIN revenue_runs r ON r.organization_id = d.organization_id AND r.id = d.run_id
WHERE d.status = 'suspended'
   OR d.status IN ('posted', 'released') AND d.pay_code IN ('suspend', 'minimum')
GROUP BY 1, 2, 3;
GRANT SELECT ON suspense TO wellflow_app;

REVOKE EXECUTE ON FUNCTION run_shares(), payment_issuer() FROM PUBLIC;
