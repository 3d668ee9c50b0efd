-- What must be right before a paper is approved: decks, splits, bills and runs foot to the last
-- digit. The paper is locked by the change itself, its lines wait for it (keep_lines).

-- The shares of a deck sum to exactly 1, at eight decimals.
CREATE FUNCTION deck_foots()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    total numeric;
    strange text;
BEGIN
    SELECT coalesce(sum(l.decimal_interest), 0),
           min(l.interest_type) FILTER (WHERE l.interest_type NOT IN ('WI', 'UMI'))
    INTO total, strange
    FROM lease_partners l
    WHERE l.organization_id = NEW.organization_id AND l.deck_id = NEW.id;
    IF round(total, 8) <> 1 THEN
        PERFORM refuse('ownership_decks_foots', 'status', format(
            'status: the shares of this deck sum to %s; they must sum to exactly 1.00000000'
            ' before it is approved.', round(total, 8)));
    END IF;
    IF NEW.deck_kind = 'billing' AND strange IS NOT NULL THEN
        PERFORM refuse('ownership_decks_billing', 'status', format(
            'status: a billing deck has working interests only (WI, UMI), not %s.', strange));
    END IF;
    RETURN NULL;
END $$;

-- An approved deck may be ended once, on a day it still holds.
CREATE FUNCTION deck_ends()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF OLD.status = 'superseded' OR OLD.status = 'approved' AND OLD.effective_to IS NOT NULL THEN
        PERFORM refuse('ownership_decks_ends', 'effective_to', format(
            'effective_to: a deck that is %s ends once; make a new deck.', OLD.status));
    END IF;
    RETURN NEW;
END $$;

-- The parts of a split expense sum to it, to the cent; an authority it draws on is open.
CREATE FUNCTION expense_foots()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    total numeric;
    authority text;
BEGIN
    SELECT sum(a.amount) INTO total FROM expense_allocations a
    WHERE a.organization_id = NEW.organization_id AND a.expense_id = NEW.id;
    IF total <> NEW.gross THEN
        PERFORM refuse('expenses_foots', 'gross', format(
            'gross: the parts of this expense sum to %s, the expense is %s; they must agree.',
            total, NEW.gross));
    END IF;
    SELECT a.status INTO authority FROM afes a
    WHERE a.organization_id = NEW.organization_id AND a.id = NEW.afe_id;
    IF authority <> 'approved' THEN
        PERFORM refuse('expenses_afe', 'afe_id', format(
            'afe_id: nothing is booked to an AFE that is %s; it must be approved.', authority));
    END IF;
    RETURN NEW;
END $$;

-- The charges of a bill are the sum of its lines, and no expense is billed to a partner twice.
CREATE FUNCTION statement_foots()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    total numeric;
    twice text;
BEGIN
    SELECT coalesce(sum(l.net), 0) INTO total FROM jib_statement_lines l
    WHERE l.organization_id = NEW.organization_id AND l.statement_id = NEW.id;
    IF total <> NEW.current_charges THEN
        PERFORM refuse('jib_statements_foots', 'current_charges', format(
            'current_charges: the lines sum to %s, the statement says %s; they must agree.',
            total, NEW.current_charges));
    END IF;
    SELECT l.description INTO twice
    FROM jib_statement_lines l
    JOIN jib_statement_lines o
      ON o.organization_id = l.organization_id AND o.expense_id = l.expense_id AND o.id <> l.id
    JOIN jib_statements s ON s.organization_id = o.organization_id AND s.id = o.statement_id
    WHERE l.organization_id = NEW.organization_id AND l.statement_id = NEW.id
      AND s.partner_id = NEW.partner_id
      AND (s.id = NEW.id OR s.status NOT IN ('draft', 'void'))
    LIMIT 1;
    IF twice IS NOT NULL THEN
        PERFORM refuse('jib_statements_billed_once', 'status', format(
            'status: "%s" was billed to this partner already; take the line out.', twice));
    END IF;
    RETURN NEW;
END $$;

-- A run is shared by a deck that was in effect, and every column of its distributions foots.
CREATE FUNCTION run_foots()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    name text;
    shares jsonb;
    whole constant jsonb := to_jsonb(NEW);
BEGIN
    IF NOT EXISTS (SELECT FROM ownership_decks d
                   WHERE d.organization_id = NEW.organization_id AND d.id = NEW.deck_id
                     AND d.lease_id = NEW.lease_id AND d.deck_kind = 'revenue'
                     AND d.product IN ('all', NEW.product) AND d.status <> 'draft'
                     AND d.effective_from < NEW.period + interval '1 month'
                     AND coalesce(d.effective_to, 'infinity') >= NEW.period) THEN
        PERFORM refuse('revenue_runs_deck', 'deck_id', format(
            'deck_id: not an approved revenue deck of this property for %s in %s.',
            NEW.product, to_char(NEW.period, 'YYYY-MM')));
    END IF;
    SELECT jsonb_build_object(
        'volume', coalesce(sum(d.owner_volume), 0), 'gross_value', coalesce(sum(d.gross_value), 0),
        'taxes', coalesce(sum(d.taxes), 0), 'deductions', coalesce(sum(d.deductions), 0),
        'adjustments', coalesce(sum(d.adjustments), 0), 'net_value', coalesce(sum(d.net), 0))
    INTO shares FROM revenue_distributions d
    WHERE d.organization_id = NEW.organization_id AND d.run_id = NEW.id;
    FOREACH name IN ARRAY ARRAY['volume', 'gross_value', 'taxes', 'deductions', 'adjustments',
                                'net_value'] LOOP
        IF (shares ->> name)::numeric <> (whole ->> name)::numeric THEN
            PERFORM refuse('revenue_runs_foots', name, format(
                '%s: the distributions sum to %s, the run says %s; they must agree.',
                name, shares ->> name, whole ->> name));
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

-- What a distribution must agree with: its own deductions, its run, its payment. The run and the
-- payment are held meanwhile.
CREATE FUNCTION distribution_follows()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    it constant revenue_distributions := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    moved constant boolean := TG_OP = 'UPDATE' AND NEW.status <> OLD.status;
    run text;
    payment owner_payments;
    odd text;
BEGIN
    SELECT r.status INTO run FROM revenue_runs r
    WHERE r.organization_id = it.organization_id AND r.id = it.run_id FOR SHARE;
    IF run <> 'draft' AND (TG_OP <> 'UPDATE' OR NEW.run_id <> OLD.run_id) THEN
        PERFORM refuse('revenue_distributions_stand', 'run_id', format(
            'run_id: the distributions of a run that is %s stand as they are; reverse the run.',
            run));
    END IF;
    IF moved AND run IS DISTINCT FROM (CASE
           WHEN NEW.status IN ('approved', 'posted', 'reversed') THEN NEW.status
           WHEN OLD.status = 'approved' THEN 'draft'
           ELSE run END) THEN
        PERFORM refuse('revenue_distributions_follow', 'status', format(
            'status: a distribution becomes %s together with its run, which is %s.',
            NEW.status, run));
    END IF;
    IF moved AND NEW.status = 'approved' THEN
        SELECT d.kind INTO odd FROM revenue_deductions d
        WHERE d.organization_id = NEW.organization_id AND d.distribution_id = NEW.id
        GROUP BY d.kind
        HAVING sum(d.amount) <> CASE d.kind WHEN 'tax' THEN NEW.taxes
                                WHEN 'deduction' THEN NEW.deductions ELSE NEW.adjustments END
        LIMIT 1;
        IF odd IS NOT NULL THEN
            PERFORM refuse('revenue_distributions_foots', CASE odd WHEN 'tax' THEN 'taxes'
                ELSE odd || 's' END, format('status: the lines of kind "%s" of %s net do not sum to what'
                ' the distribution says; they must agree.', odd, NEW.net));
        END IF;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.payment_id IS NULL AND (TG_OP = 'INSERT' OR OLD.payment_id IS NULL)
    THEN
        RETURN it;
    END IF;
    SELECT * INTO payment FROM owner_payments p
    WHERE p.organization_id = it.organization_id
      AND p.id = coalesce(NEW.payment_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.payment_id END)
    FOR SHARE;
    IF (TG_OP = 'INSERT' OR NEW.payment_id IS DISTINCT FROM OLD.payment_id)
       AND payment.id IS NOT NULL
       AND (NEW.payment_id IS NOT NULL
            AND (payment.status <> 'draft' OR payment.partner_id <> NEW.partner_id
                 OR NEW.status NOT IN ('posted', 'released'))
            OR NEW.payment_id IS NULL AND payment.status NOT IN ('draft', 'void')) THEN
        PERFORM refuse('revenue_distributions_payment', 'payment_id',
            'payment_id: only posted or released shares of the same partner are put on a payment,'
            ' and taken off it, while it is a draft.');
    END IF;
    IF moved AND (NEW.status = 'paid' AND payment.status NOT IN ('issued', 'cleared')
                  OR OLD.status = 'paid' AND NEW.status = 'released'
                     AND payment.status <> 'void') THEN
        PERFORM refuse('revenue_distributions_paid', 'status', format(
            'status: a distribution is paid together with its payment, which is %s.',
            payment.status));
    END IF;
    RETURN it;
END $$;

-- The distributions of a run become what it becomes.
CREATE FUNCTION run_leads()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE revenue_distributions d
    SET status = CASE NEW.status WHEN 'draft' THEN 'calculated' ELSE NEW.status END
    WHERE d.organization_id = NEW.organization_id AND d.run_id = NEW.id
      AND d.status <> 'escheated';
    RETURN NULL;
END $$;

-- A payment is the sum of the distributions on it, all due to its payee; a transfer goes to an
-- account of the payee that two people have verified and whose hold is over.
CREATE FUNCTION payment_foots()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    total numeric;
BEGIN
    IF NEW.status = OLD.status OR NEW.status NOT IN ('approved', 'issued') THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(sum(d.net), 0) INTO total FROM revenue_distributions d
    WHERE d.organization_id = NEW.organization_id AND d.payment_id = NEW.id
      AND d.status IN ('posted', 'released');
    IF total <> NEW.amount THEN
        PERFORM refuse('owner_payments_foots', 'amount', format(
            'amount: the distributions on this payment sum to %s, the payment is %s;'
            ' they must agree.', total, NEW.amount));
    END IF;
    IF NEW.method IN ('ach', 'wire') AND NOT EXISTS (
        SELECT FROM bank_accounts b
        WHERE b.organization_id = NEW.organization_id AND b.id = NEW.bank_account_id
          AND b.partner_id = NEW.partner_id AND b.status = 'verified'
          AND b.change_hold_until <= now()) THEN
        PERFORM refuse('owner_payments_account', 'bank_account_id',
            'bank_account_id: a transfer needs an account of the payee that is verified;'
            ' choose one, or pay by check.');
    END IF;
    RETURN NEW;
END $$;

-- What is on a payment is paid as it is issued, and due again when it is void.
CREATE FUNCTION payment_leads()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.status = 'issued' THEN
        UPDATE revenue_distributions d SET status = 'paid'
        WHERE d.organization_id = NEW.organization_id AND d.payment_id = NEW.id
          AND d.status IN ('posted', 'released');
    ELSIF NEW.status = 'void' THEN
        UPDATE revenue_distributions d
        SET status = CASE d.status WHEN 'paid' THEN 'released' ELSE d.status END,
            payment_id = NULL
        WHERE d.organization_id = NEW.organization_id AND d.payment_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;

-- Only a rate whose source was read is declared to an authority.
CREATE FUNCTION tax_rate_verified()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found text;
BEGIN
    SELECT r.verification INTO found FROM tax_rates r
    WHERE r.organization_id = NEW.organization_id AND r.id = NEW.rate_id;
    IF found <> 'verified' THEN
        PERFORM refuse('tax_records_verified', 'rate_id', format(
            'rate_id: the source of this rate is %s; read it and mark the rate verified first.',
            found));
    END IF;
    RETURN NEW;
END $$;

REVOKE EXECUTE ON FUNCTION
    deck_foots(), deck_ends(), expense_foots(), statement_foots(), run_foots(),
    distribution_follows(), run_leads(), payment_foots(), payment_leads(), tax_rate_verified()
    FROM PUBLIC;
