-- What there may be only one of. The unique and exclusion constraints make sure of it, also when two
-- people save at the same moment; these tell the usual case in a sentence.

CREATE FUNCTION deck_once()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    other ownership_decks;
BEGIN
    SELECT * INTO other FROM ownership_decks d
    WHERE d.organization_id = NEW.organization_id AND d.lease_id = NEW.lease_id AND d.id <> NEW.id
      AND d.completion_id IS NOT DISTINCT FROM NEW.completion_id
      AND d.deck_kind = NEW.deck_kind AND d.status = 'approved'
      AND (d.product = NEW.product OR 'all' IN (d.product, NEW.product))
      AND (d.payout = NEW.payout OR 'none' IN (d.payout, NEW.payout))
      AND daterange(d.effective_from, d.effective_to, '[]')
          && daterange(NEW.effective_from, NEW.effective_to, '[]')
    LIMIT 1;
    IF other.id IS NOT NULL THEN
        PERFORM refuse('ownership_decks_no_overlap', 'effective_from', format(
            'effective_from: the approved deck "%s" holds then; end that one, or supersede it.',
            other.name));
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION expense_once()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    other expenses;
BEGIN
    SELECT * INTO other FROM expenses e
    WHERE e.organization_id = NEW.organization_id AND e.vendor_id = NEW.vendor_id
      AND lower(e.invoice_no) = lower(NEW.invoice_no) AND e.line_no = NEW.line_no
      AND e.id <> NEW.id AND e.reverses_id IS NULL AND e.status NOT IN ('void', 'reversed')
    LIMIT 1;
    IF other.id IS NOT NULL THEN
        PERFORM refuse('expenses_invoice_key', 'invoice_no', format(
            'invoice_no: line %s of invoice %s of this vendor is entered already, as "%s" for %s.',
            NEW.line_no, NEW.invoice_no, other.description, other.gross));
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION account_once()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    other text;
BEGIN
    IF NEW.status = 'closed' THEN
        RETURN NEW;
    END IF;
    SELECT b.name INTO other FROM bank_accounts b
    WHERE b.organization_id = NEW.organization_id AND b.id <> NEW.id AND b.status <> 'closed'
      AND b.partner_id IS NOT DISTINCT FROM NEW.partner_id AND b.is_primary AND NEW.is_primary
    LIMIT 1;
    IF other IS NOT NULL THEN
        PERFORM refuse('bank_accounts_primary_key', 'is_primary', format(
            'is_primary: "%s" is the primary account already; take that away first.', other));
    END IF;
    RETURN NEW;
END $$;

-- As the owner: what tells the same account twice is read by nobody else.
CREATE FUNCTION account_known()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    other text;
BEGIN
    SELECT b.name INTO other FROM bank_accounts b
    WHERE b.organization_id = NEW.organization_id AND b.fingerprint = NEW.fingerprint
      AND b.id <> NEW.id AND b.status <> 'closed' AND NEW.status <> 'closed'
    LIMIT 1;
    IF other IS NOT NULL THEN
        PERFORM refuse('bank_accounts_fingerprint_key', 'account_enc', format(
            'account_enc: this account is entered already, as "%s".', other));
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION rate_once()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    other date;
BEGIN
    IF NEW.valid_to < NEW.valid_from THEN
        RETURN NEW;  -- the CHECK says so
    END IF;
    SELECT r.valid_from INTO other FROM tax_rates r
    WHERE r.organization_id = NEW.organization_id AND r.id <> NEW.id
      AND r.authority = NEW.authority AND r.tax_kind = NEW.tax_kind AND r.product = NEW.product
      AND r.well_class = NEW.well_class AND r.interest_class = NEW.interest_class
      AND r.price_from = NEW.price_from AND r.band_from = NEW.band_from
      AND daterange(r.valid_from, r.valid_to, '[]')
          && daterange(NEW.valid_from, NEW.valid_to, '[]')
    LIMIT 1;
    IF other IS NOT NULL THEN
        PERFORM refuse('tax_rates_no_overlap', 'valid_from', format(
            'valid_from: the same rate from %s holds then; end that one first.', other));
    END IF;
    RETURN NEW;
END $$;

REVOKE EXECUTE ON FUNCTION
    deck_once(), expense_once(), account_once(), account_known(), rate_once() FROM PUBLIC;

CREATE TRIGGER once BEFORE UPDATE OF status ON ownership_decks
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION deck_once();
CREATE TRIGGER once BEFORE INSERT OR UPDATE OF vendor_id, invoice_no, line_no ON expenses
    FOR EACH ROW WHEN (NEW.reverses_id IS NULL) EXECUTE FUNCTION expense_once();
CREATE TRIGGER once BEFORE INSERT OR UPDATE OF is_primary, partner_id ON bank_accounts
    FOR EACH ROW EXECUTE FUNCTION account_once();
CREATE TRIGGER once_known BEFORE INSERT OR UPDATE OF fingerprint ON bank_accounts
    FOR EACH ROW WHEN (NEW.fingerprint IS NOT NULL) EXECUTE FUNCTION account_known();
CREATE TRIGGER once BEFORE INSERT OR UPDATE ON tax_rates
    FOR EACH ROW EXECUTE FUNCTION rate_once();
