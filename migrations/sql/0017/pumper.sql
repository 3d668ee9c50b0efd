-- The order in which one person drives the stops; PINs set, renewed and ended in the console.

CREATE TABLE route_orders (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    membership_id uuid NOT NULL,
    stops uuid[] NOT NULL,
    changed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT route_orders_pkey PRIMARY KEY (id),
    CONSTRAINT route_orders_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT route_orders_organization_id_membership_id_fkey
        FOREIGN KEY (organization_id, membership_id)
        REFERENCES memberships (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT route_orders_membership_id_key UNIQUE (membership_id),
    CONSTRAINT route_orders_stops_check CHECK (cardinality(stops) <= 1000)
);

CALL tenant_rows('route_orders');  -- how somebody drives is no record: not for the trail
CREATE POLICY own ON route_orders AS RESTRICTIVE TO wellflow_app
    USING (membership_id =
           (SELECT nullif(current_setting('app.membership_id', true), '')::uuid));
CREATE POLICY work ON route_orders TO wellflow_work USING (true);
GRANT SELECT ON route_orders TO wellflow_app, wellflow_work;
GRANT INSERT (id, organization_id, membership_id, stops, changed_at), UPDATE (stops, changed_at)
    ON route_orders TO wellflow_app;

-- Who has a PIN is seen in the console, the PIN's hash never. One's own may be set by everybody.
CREATE POLICY own ON field_pins AS RESTRICTIVE TO wellflow_app
    USING ((SELECT coalesce(current_setting('app.role', true), '') IN ('owner', 'manager'))
           OR membership_id =
              (SELECT nullif(current_setting('app.membership_id', true), '')::uuid));
GRANT SELECT (id, organization_id, membership_id, set_at),
    INSERT (id, organization_id, membership_id, pin_hash, set_at),
    UPDATE (pin_hash, set_at), DELETE
    ON field_pins TO wellflow_app;
CREATE TRIGGER trail AFTER INSERT OR UPDATE OR DELETE ON field_pins
    FOR EACH ROW EXECUTE FUNCTION audit_row('pin_hash');
