-- What the field's tables had to wait for: partners to refer to, and papers of the office that
-- documents are attached to.

ALTER TABLE contracts
    ADD CONSTRAINT contracts_organization_id_counterparty_id_fkey
        FOREIGN KEY (organization_id, counterparty_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE contracts VALIDATE CONSTRAINT contracts_organization_id_counterparty_id_fkey;
ALTER TABLE run_tickets
    ADD CONSTRAINT run_tickets_organization_id_purchaser_id_fkey
        FOREIGN KEY (organization_id, purchaser_id)
        REFERENCES partners (organization_id, id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE run_tickets VALIDATE CONSTRAINT run_tickets_organization_id_purchaser_id_fkey;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'partners', 'ownership_decks', 'lease_partners', 'jib_statements', 'tax_records',
        'expenses', 'afes', 'revenue_distributions', 'bank_accounts', 'forecasts', 'benchmarks'
    ] LOOP
        CALL linked_table(name);
    END LOOP;
END $$;
