-- What every table of an operator gets, in one call: row level security, stamps, the audit trail.

-- Notes who made and last changed a row, and counts its versions; a change by a stale copy is then
-- seen whatever door it came through. What the product itself notes in a row (a rule's fault, an
-- alert's course) is no change by people: rules are judged since their last one.
CREATE FUNCTION stamp_row()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    actor uuid := nullif(current_setting('app.user_id', true), '')::uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.created_by := coalesce(NEW.created_by, actor);
        NEW.updated_by := coalesce(NEW.updated_by, actor);
    ELSIF current_user = 'wellflow_app' THEN
        NEW.created_by := OLD.created_by;
        NEW.created_at := OLD.created_at;
        NEW.updated_by := coalesce(actor, NEW.updated_by);
        NEW.updated_at := now();
        NEW.row_version := OLD.row_version + 1;
    ELSIF current_user = 'wellflow_owner' THEN
        NEW.row_version := greatest(NEW.row_version, OLD.row_version + 1);
    END IF;
    RETURN NEW;
END $$;

-- Stamps a table's rows and keeps every change of them in the audit trail.
CREATE PROCEDURE watch_table(name text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = name::regclass AND a.attname = 'row_version'
                 AND NOT a.attisdropped) THEN
        EXECUTE format('CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION stamp_row()', name);
    END IF;
    EXECUTE format('CREATE TRIGGER trail AFTER INSERT OR UPDATE OR DELETE ON %I'
                   ' FOR EACH ROW EXECUTE FUNCTION audit_row()', name);
END $$;

-- Makes a table's rows an operator's: it refuses by default, also to its owner, and then allows by
-- policy. Rights are granted beside it, by column where that matters.
CREATE PROCEDURE tenant_rows(name text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY owner ON %I TO wellflow_owner USING (true)', name);
    EXECUTE format(
        'CREATE POLICY tenant ON %I TO wellflow_app USING (organization_id ='
        ' (SELECT nullif(current_setting(''app.organization_id'', true), '''')::uuid))', name);
END $$;

-- Makes a new table an operator's, and watches it.
CREATE PROCEDURE tenant_table(name text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL tenant_rows(name);
    CALL watch_table(name);
END $$;

REVOKE EXECUTE ON FUNCTION stamp_row() FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE watch_table(text), tenant_rows(text), tenant_table(text) FROM PUBLIC;
