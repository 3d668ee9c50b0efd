-- Who may see and change what: messages, answers to them, and what the deliverers keep.

CALL tenant_rows('message_links');
CALL tenant_rows('message_replies');
CALL tenant_rows('delivery_turns');
ALTER TABLE provider_breakers ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_breakers FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON provider_breakers TO wellflow_owner USING (true);

CREATE POLICY work ON message_links TO wellflow_work USING (true);
CREATE POLICY work ON delivery_turns TO wellflow_work USING (true);
CREATE POLICY work ON provider_breakers TO wellflow_work USING (true);

-- The console makes messages too: channel tests, pages about what people declare.
GRANT INSERT, UPDATE (state, not_before) ON notifications TO wellflow_app;
GRANT SELECT (id, organization_id, notification_id, channel_id, user_id, created_at, expires_at,
              seen_at, used_at)
    ON message_links TO wellflow_app;
GRANT SELECT, INSERT ON message_replies TO wellflow_app;

GRANT UPDATE (state, not_before, expires_at, lease_owner, lease_until, attempts, sent_at,
              receipt_due_at, delivered_at, fault)
    ON notifications TO wellflow_work;
GRANT UPDATE (ended_at, outcome, provider_id, detail, provider, error_class, receipt, receipt_at)
    ON notification_attempts TO wellflow_work;
GRANT UPDATE (broken_at, fault, enabled, verified_at, proven_at, removed_at, secret)
    ON contact_channels TO wellflow_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON message_links TO wellflow_work;
GRANT SELECT, INSERT, UPDATE ON delivery_turns, provider_breakers TO wellflow_work;
