-- Each table's triggers. The courses are those of the classes in hub/schema.

CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON ownership_decks
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a deck', 'draft',
        'effective_to note',
        'draft>approved approved>superseded',
        'make a new deck');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON afes
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'an AFE', 'draft',
        'closed_on',
        'draft>approved draft>cancelled approved>closed approved>cancelled',
        'make a new one');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON expenses
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'an expense', 'draft',
        'notes',
        'draft>submitted draft>void submitted>draft submitted>approved submitted>void '
         'approved>posted approved>void posted>billed posted>paid posted>reversed billed>paid '
         'billed>reversed paid>reversed',
        'enter another that reverses it');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON jib_statements
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a statement', 'draft',
        'paid_amount sent_at document_id dispute_note',
        'draft>approved approved>sent approved>void sent>partially_paid sent>paid '
         'sent>disputed sent>void partially_paid>paid partially_paid>disputed disputed>sent '
         'disputed>partially_paid disputed>paid disputed>void',
        'void it and bill a new revision');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON revenue_runs
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a run', 'draft',
        'note',
        'draft>approved approved>draft approved>posted posted>reversed',
        'enter another that reverses it');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON revenue_distributions
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a distribution', 'draft calculated',
        'payment_id hold_code note',
        'draft>calculated draft>approved calculated>draft calculated>approved '
         'approved>calculated approved>posted posted>paid posted>suspended posted>reversed '
         'suspended>released suspended>escheated suspended>reversed released>paid '
         'released>suspended released>reversed paid>released paid>reversed',
        'reverse its run');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON bank_accounts
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'an account', 'pending_verification',
        'name account_type bank_name routing account_enc account_last4 fingerprint is_primary '
         'notes',
        'pending_verification>verified pending_verification>closed '
         'verified>pending_verification verified>frozen verified>closed '
         'frozen>pending_verification frozen>closed',
        'enter a new one');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON owner_payments
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a payment', 'draft',
        'cleared_on note',
        'draft>approved approved>issued approved>void issued>cleared issued>void',
        'void it and make a new one');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON tax_records
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a tax record', 'computed',
        'paid_on compliance_report_id note',
        'computed>reviewed reviewed>computed reviewed>filed filed>paid filed>amended '
         'paid>amended',
        'amend it with a new revision');
CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON forecasts
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'a forecast', 'draft',
        '',
        'draft>approved draft>archived approved>archived',
        'make a new one');

-- Lines stand with their paper.
CREATE TRIGGER lines BEFORE INSERT OR UPDATE OR DELETE ON lease_partners
    FOR EACH ROW EXECUTE FUNCTION keep_lines(
        'ownership_decks', 'deck_id', 'a deck', 'draft', 'make a new deck');
CREATE TRIGGER lines BEFORE INSERT OR UPDATE OR DELETE ON expense_allocations
    FOR EACH ROW EXECUTE FUNCTION keep_lines(
        'expenses', 'expense_id', 'an expense', 'draft', 'enter another that reverses it');
CREATE TRIGGER lines BEFORE INSERT OR UPDATE OR DELETE ON jib_statement_lines
    FOR EACH ROW EXECUTE FUNCTION keep_lines(
        'jib_statements', 'statement_id', 'a statement', 'draft',
        'void it and bill a new revision');
CREATE TRIGGER lines BEFORE INSERT OR UPDATE OR DELETE ON revenue_deductions
    FOR EACH ROW EXECUTE FUNCTION keep_lines(
        'revenue_distributions', 'distribution_id', 'a distribution', 'draft calculated',
        'reverse its run');
CREATE TRIGGER lines BEFORE INSERT OR UPDATE OR DELETE ON forecast_points
    FOR EACH ROW EXECUTE FUNCTION keep_lines(
        'forecasts', 'forecast_id', 'a forecast', 'draft', 'make a new one');

-- Figures agree before they are approved. A deck's sum may be deferred to the end of a transaction.
CREATE CONSTRAINT TRIGGER foots AFTER UPDATE OF status ON ownership_decks
    DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION deck_foots();
CREATE TRIGGER ends BEFORE UPDATE OF effective_to ON ownership_decks
    FOR EACH ROW WHEN (NEW.effective_to IS DISTINCT FROM OLD.effective_to)
    EXECUTE FUNCTION deck_ends();
CREATE TRIGGER figures BEFORE UPDATE OF status ON expenses
    FOR EACH ROW WHEN (NEW.status <> OLD.status AND NEW.status IN ('approved', 'posted'))
    EXECUTE FUNCTION expense_foots();
CREATE TRIGGER figures BEFORE UPDATE OF status ON jib_statements
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION statement_foots();
CREATE TRIGGER figures BEFORE UPDATE OF status ON revenue_runs
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION run_foots();
CREATE TRIGGER figures BEFORE INSERT OR UPDATE OR DELETE ON revenue_distributions
    FOR EACH ROW EXECUTE FUNCTION distribution_follows();
CREATE TRIGGER figures BEFORE UPDATE OF status ON owner_payments
    FOR EACH ROW EXECUTE FUNCTION payment_foots();
CREATE TRIGGER figures BEFORE UPDATE OF status ON tax_records
    FOR EACH ROW WHEN (NEW.status = 'filed' AND OLD.status <> 'filed')
    EXECUTE FUNCTION tax_rate_verified();

-- What follows from a status.
CREATE TRIGGER leads AFTER UPDATE OF status ON revenue_runs
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION run_leads();
CREATE TRIGGER leads AFTER UPDATE OF status ON owner_payments
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION payment_leads();

-- Closed months.
CREATE TRIGGER period BEFORE UPDATE OF status ON expenses
    FOR EACH ROW EXECUTE FUNCTION keep_closed('posted', 'accounting_period');
CREATE TRIGGER period BEFORE UPDATE OF status ON jib_statements
    FOR EACH ROW EXECUTE FUNCTION keep_closed('approved', 'invoice_date');
CREATE TRIGGER period BEFORE UPDATE OF status ON revenue_runs
    FOR EACH ROW EXECUTE FUNCTION keep_closed('posted', 'accounting_period');
CREATE TRIGGER period BEFORE UPDATE OF status ON owner_payments
    FOR EACH ROW EXECUTE FUNCTION keep_closed('issued', 'pay_date');

-- Reversals.
CREATE TRIGGER reversal BEFORE INSERT OR UPDATE ON expenses
    FOR EACH ROW EXECUTE FUNCTION keep_reversal(
        'an expense', 'gross', 'vendor_id account_id afe_id lease_id well_id currency');
CREATE TRIGGER reversal BEFORE INSERT OR UPDATE ON revenue_runs
    FOR EACH ROW EXECUTE FUNCTION keep_reversal(
        'a run', 'volume gross_value taxes deductions adjustments net_value',
        'lease_id product purchaser_id deck_id period');
CREATE TRIGGER reversed AFTER UPDATE OF status ON expenses
    FOR EACH ROW WHEN (NEW.status = 'posted' AND OLD.status <> 'posted'
                       AND NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION mark_reversed();
CREATE TRIGGER reversed AFTER UPDATE OF status ON revenue_runs
    FOR EACH ROW WHEN (NEW.status = 'posted' AND OLD.status <> 'posted'
                       AND NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION mark_reversed();

-- Approvals and numbers.
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON ownership_decks
    FOR EACH ROW EXECUTE FUNCTION sign_paper('a deck', 'approved', 'lease_partners.deck_id');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON afes
    FOR EACH ROW EXECUTE FUNCTION sign_paper('an AFE', 'approved');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON expenses
    FOR EACH ROW EXECUTE FUNCTION sign_paper(
        'an expense', 'approved', 'expense_allocations.expense_id');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON jib_statements
    FOR EACH ROW EXECUTE FUNCTION sign_paper(
        'a statement', 'approved', 'jib_statement_lines.statement_id');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON revenue_runs
    FOR EACH ROW EXECUTE FUNCTION sign_paper('a run', 'approved');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON revenue_distributions
    FOR EACH ROW EXECUTE FUNCTION sign_paper(
        'a distribution', 'approved', 'revenue_deductions.distribution_id');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON owner_payments
    FOR EACH ROW EXECUTE FUNCTION sign_paper('a payment', 'approved');
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON forecasts
    FOR EACH ROW EXECUTE FUNCTION sign_paper('a forecast', 'approved');
CREATE TRIGGER account BEFORE UPDATE OF routing, account_enc ON bank_accounts
    FOR EACH ROW WHEN (NEW.routing <> OLD.routing OR NEW.account_enc <> OLD.account_enc)
    EXECUTE FUNCTION renew_account();
CREATE TRIGGER signature BEFORE INSERT OR UPDATE ON bank_accounts
    FOR EACH ROW EXECUTE FUNCTION keep_account();
CREATE TRIGGER take_number BEFORE INSERT OR UPDATE ON jib_statements
    FOR EACH ROW EXECUTE FUNCTION take_number('jib');
CREATE TRIGGER take_number BEFORE INSERT OR UPDATE ON owner_payments
    FOR EACH ROW EXECUTE FUNCTION take_number('payment');
