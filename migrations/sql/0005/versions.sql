-- Every version of a rule is kept in the transaction that makes it, whatever the door: the console,
-- the fan-out of a parent, a seed, or a program of the release before.

-- What people wrote of a rule; stamps, faults and counters are no part of it.
CREATE FUNCTION rule_said(rule alert_rules)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT to_jsonb(rule) - ARRAY['id', 'organization_id', 'version', 'faulted_at', 'fault',
        'created_at', 'updated_at', 'created_by', 'updated_by', 'row_version']
$$;

CREATE FUNCTION keep_rule_version()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version AND rule_said(NEW) = rule_said(OLD) THEN
        RETURN NULL;
    END IF;
    INSERT INTO alert_rule_versions (organization_id, rule_id, number, version, said, made_at, made_by)
    SELECT NEW.organization_id, NEW.id, coalesce(max(v.number), 0) + 1, NEW.version, rule_said(NEW),
           now(), coalesce(nullif(current_setting('app.user_id', true), '')::uuid,
                           CASE WHEN TG_OP = 'INSERT' THEN NEW.created_by ELSE NEW.updated_by END)
    FROM alert_rule_versions v
    WHERE v.rule_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION rule_said(alert_rules), keep_rule_version() FROM PUBLIC;

INSERT INTO alert_rule_versions (organization_id, rule_id, number, version, said, made_at, made_by)
SELECT r.organization_id, r.id, 1, r.version, rule_said(r), r.updated_at,
       coalesce(r.updated_by, r.created_by)
FROM alert_rules r;

CREATE TRIGGER versions AFTER INSERT OR UPDATE ON alert_rules
    FOR EACH ROW EXECUTE FUNCTION keep_rule_version();
