-- Who may see and change what: an operator's office; pumpers nothing at all.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'accounts', 'benchmarks', 'partners', 'tax_rates', 'bank_accounts', 'jib_statements',
        'owner_payments', 'sales_statements', 'afes', 'forecasts', 'ownership_decks',
        'tax_records', 'forecast_points', 'lease_partners', 'revenue_runs',
        'revenue_distributions', 'revenue_deductions', 'expenses', 'expense_allocations',
        'jib_statement_lines'
    ] LOOP
        CALL tenant_table(name);
        EXECUTE format(
            'CREATE POLICY route ON %I AS RESTRICTIVE TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper''))', name);
    END LOOP;
END $$;

-- Only the owner's triggers draw numbers.
CALL tenant_rows('number_series');

-- Columns that the database fills in are granted to nobody; sealed ones are written, never read.
-- The operator's id and who made a row are given once.

GRANT SELECT, INSERT (id, organization_id, code, name, kind, billable, active, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (code, name, kind,
        billable, active, updated_at, updated_by, row_version)
    ON accounts TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, metric, cohort, cohort_def, period, unit, n, p10,
        p25, p50, p75, p90, value_self, percentile_self, source, licence, computed_at,
        created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE (metric,
        cohort, cohort_def, period, unit, n, p10, p25, p50, p75, p90, value_self,
        percentile_self, source, licence, computed_at, updated_at, updated_by, row_version)
    ON benchmarks TO wellflow_app;

GRANT SELECT (id, organization_id, code, name, kind, working_interest, royalty, overriding,
        purchaser, vendor, regulator, landowner, tax_id_last4, w9_status, tax_class,
        backup_withholding, state_withholding, min_pay, pay_method, hold_code, netting_allowed,
        contact_name, email, phone, billing_address, remit_address, delivery, notes, active,
        merged_into_id, created_at, updated_at, created_by, updated_by, row_version,
        search_text), INSERT (id, organization_id, code, name, kind, working_interest, royalty,
        overriding, purchaser, vendor, regulator, landowner, tax_id_enc, tax_id_last4,
        w9_status, tax_class, backup_withholding, state_withholding, min_pay, pay_method,
        hold_code, netting_allowed, contact_name, email, phone, billing_address, remit_address,
        delivery, notes, active, merged_into_id, created_at, updated_at, created_by, updated_by,
        row_version), DELETE, UPDATE (code, name, kind, working_interest, royalty, overriding,
        purchaser, vendor, regulator, landowner, tax_id_enc, tax_id_last4, w9_status, tax_class,
        backup_withholding, state_withholding, min_pay, pay_method, hold_code, netting_allowed,
        contact_name, email, phone, billing_address, remit_address, delivery, notes, active,
        merged_into_id, updated_at, updated_by, row_version)
    ON partners TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, authority, tax_kind, product, well_class,
        interest_class, price_from, band_from, rate_kind, rate, unit, pressure_base, valid_from,
        valid_to, citation, citation_url, verification, verified_at, note, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (authority, tax_kind,
        product, well_class, interest_class, price_from, band_from, rate_kind, rate, unit,
        pressure_base, valid_from, valid_to, citation, citation_url, verification, verified_at,
        note, updated_at, updated_by, row_version)
    ON tax_rates TO wellflow_app;

GRANT SELECT (id, organization_id, name, owner_kind, partner_id, account_type, bank_name,
        routing, account_last4, is_primary, number_entered_by, change_hold_until, status, notes,
        approved_by, approved_at, created_at, updated_at, created_by, updated_by, row_version,
        search_text), INSERT (id, organization_id, name, owner_kind, partner_id, account_type,
        bank_name, routing, account_enc, account_last4, fingerprint, is_primary, status, notes,
        created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE (name,
        owner_kind, partner_id, account_type, bank_name, routing, account_enc, account_last4,
        fingerprint, is_primary, status, notes, updated_at, updated_by, row_version)
    ON bank_accounts TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, partner_id, lease_id, period, revision,
        invoice_date, due_date, opening_balance, current_charges, payments, netted,
        closing_balance, paid_amount, sent_at, status, dispute_note, document_id, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (partner_id, lease_id,
        period, revision, invoice_date, due_date, opening_balance, current_charges, payments,
        netted, closing_balance, paid_amount, sent_at, status, dispute_note, document_id,
        updated_at, updated_by, row_version)
    ON jib_statements TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, partner_id, bank_account_id, pay_date, method,
        amount, cleared_on, status, note, created_at, updated_at, created_by, updated_by,
        row_version), DELETE, UPDATE (partner_id, bank_account_id, pay_date, method, amount,
        cleared_on, status, note, updated_at, updated_by, row_version)
    ON owner_payments TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, purchaser_id, statement_no, lease_id, product,
        period, received_on, volume, price, gravity_or_btu, gross_value, taxes, deductions,
        net_value, created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE
        (purchaser_id, statement_no, lease_id, product, period, received_on, volume, price,
        gravity_or_btu, gross_value, taxes, deductions, net_value, updated_at, updated_by,
        row_version)
    ON sales_statements TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, number, description, kind, lease_id, well_id,
        budget, opened_on, closed_on, status, created_at, updated_at, created_by, updated_by,
        row_version), DELETE, UPDATE (number, description, kind, lease_id, well_id, budget,
        opened_on, closed_on, status, updated_at, updated_by, row_version)
    ON afes TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, lease_id, completion_id, product, scenario, as_of,
        model, qi, di_eff_secant, b, dterm, t0, fit_from, fit_to, exclusions, n, rmse_log,
        covariance, q_limit, eur_low, eur_mid, eur_high, library, input_sha256, status, note,
        created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE (lease_id,
        completion_id, product, scenario, as_of, model, qi, di_eff_secant, b, dterm, t0,
        fit_from, fit_to, exclusions, n, rmse_log, covariance, q_limit, eur_low, eur_mid,
        eur_high, library, input_sha256, status, note, updated_at, updated_by, row_version)
    ON forecasts TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, lease_id, completion_id, product, deck_kind,
        payout, effective_from, effective_to, status, note, created_at, updated_at, created_by,
        updated_by, row_version), DELETE, UPDATE (lease_id, completion_id, product, deck_kind,
        payout, effective_from, effective_to, status, note, updated_at, updated_by, row_version)
    ON ownership_decks TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, period, lease_id, authority, tax_kind, product,
        revision, volume, gross_value, exempt_value, deductible_cost, taxable_value, rate_id,
        tax, paid_by, due_date, paid_on, compliance_report_id, status, note, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (period, lease_id,
        authority, tax_kind, product, revision, volume, gross_value, exempt_value,
        deductible_cost, taxable_value, rate_id, tax, paid_by, due_date, paid_on,
        compliance_report_id, status, note, updated_at, updated_by, row_version)
    ON tax_records TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, forecast_id, period, low, mid, high, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (forecast_id, period,
        low, mid, high, updated_at, updated_by, row_version)
    ON forecast_points TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, deck_id, partner_id, interest_type,
        decimal_interest, burdened_by_id, pay_status, cost_free, tax_exempt, created_at,
        updated_at, created_by, updated_by, row_version), DELETE, UPDATE (deck_id, partner_id,
        interest_type, decimal_interest, burdened_by_id, pay_status, cost_free, tax_exempt,
        updated_at, updated_by, row_version)
    ON lease_partners TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, period, accounting_period, lease_id, product,
        purchaser_id, sales_statement_id, deck_id, volume, price, gross_value, taxes,
        deductions, adjustments, net_value, status, reverses_id, note, created_at, updated_at,
        created_by, updated_by, row_version), DELETE, UPDATE (period, accounting_period,
        lease_id, product, purchaser_id, sales_statement_id, deck_id, volume, price,
        gross_value, taxes, deductions, adjustments, net_value, status, reverses_id, note,
        updated_at, updated_by, row_version)
    ON revenue_runs TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, run_id, deck_id, partner_id, interest_type,
        decimal_interest, owner_volume, price, gross_value, taxes, deductions, adjustments, net,
        pay_code, hold_code, payment_id, status, reverses_id, note, created_at, updated_at,
        created_by, updated_by, row_version), DELETE, UPDATE (run_id, deck_id, partner_id,
        interest_type, decimal_interest, owner_volume, price, gross_value, taxes, deductions,
        adjustments, net, pay_code, hold_code, payment_id, status, reverses_id, note,
        updated_at, updated_by, row_version)
    ON revenue_distributions TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, distribution_id, kind, code, whole, amount,
        created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE
        (distribution_id, kind, code, whole, amount, updated_at, updated_by, row_version)
    ON revenue_deductions TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, vendor_id, invoice_no, line_no, invoice_date,
        service_period, accounting_period, description, account_id, afe_id, lease_id, well_id,
        completion_id, maintenance_id, gross, currency, billable, status, reverses_id, notes,
        created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE (vendor_id,
        invoice_no, line_no, invoice_date, service_period, accounting_period, description,
        account_id, afe_id, lease_id, well_id, completion_id, maintenance_id, gross, currency,
        billable, status, reverses_id, notes, updated_at, updated_by, row_version)
    ON expenses TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, expense_id, lease_id, well_id, method, share,
        amount, created_at, updated_at, created_by, updated_by, row_version), DELETE, UPDATE
        (expense_id, lease_id, well_id, method, share, amount, updated_at, updated_by,
        row_version)
    ON expense_allocations TO wellflow_app;

GRANT SELECT, INSERT (id, organization_id, statement_id, line_no, expense_id, afe_id,
        account_id, deck_id, description, gross, interest, net, created_at, updated_at,
        created_by, updated_by, row_version), DELETE, UPDATE (statement_id, line_no, expense_id,
        afe_id, account_id, deck_id, description, gross, interest, net, updated_at, updated_by,
        row_version)
    ON jib_statement_lines TO wellflow_app;
