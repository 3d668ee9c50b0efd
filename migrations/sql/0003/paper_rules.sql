-- Papers that stand: documents under hold or retention, reports once they are filed.

-- A document that is held, or must be kept for a time, is not deleted; its time is not shortened.
CREATE FUNCTION keep_document()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.supersedes_id IS NOT NULL THEN
            SELECT d.version + 1 INTO NEW.version FROM documents d
            WHERE d.organization_id = NEW.organization_id AND d.id = NEW.supersedes_id;
            NEW.version := coalesce(NEW.version, 1);
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' THEN
        IF OLD.retention_until >= current_date
           AND coalesce(NEW.retention_until, '-infinity') < OLD.retention_until THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'retention_until',
                CONSTRAINT = 'documents_retention_extended',
                MESSAGE = format('Retention can be extended, not shortened: it runs until %s.',
                                 OLD.retention_until);
        END IF;
        RETURN NEW;
    ELSIF OLD.legal_hold THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'legal_hold',
            CONSTRAINT = 'documents_held',
            MESSAGE = 'This document is under legal hold: lift the hold before deleting it.';
    ELSIF OLD.retention_until >= current_date THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'retention_until',
            CONSTRAINT = 'documents_retained',
            MESSAGE = format('This document must be kept until %s: it can be deleted after that.',
                             OLD.retention_until);
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION keep_document();

-- A link leads to a row of the same operator; no foreign key can say "of one of these tables".
CREATE FUNCTION check_document_link()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I WHERE organization_id = $1 AND id = $2', NEW.table_name)
        INTO found USING NEW.organization_id, NEW.row_id;
    IF found IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', COLUMN = 'row_id',
            CONSTRAINT = 'document_links_row',
            MESSAGE = format('There is no such row in %s: choose one that exists.', NEW.table_name);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER row AFTER INSERT OR UPDATE ON document_links
    FOR EACH ROW EXECUTE FUNCTION check_document_link();

-- What is attached to a deleted row is attached to it no more. As the owner: the row was deleted by
-- somebody who may, and its links go with it.
CREATE FUNCTION unlink_documents()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    DELETE FROM document_links l
    WHERE l.organization_id = OLD.organization_id AND l.row_id = OLD.id;
    RETURN NULL;
END $$;
CREATE PROCEDURE linked_table(name text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER unlink AFTER DELETE ON %I'
                   ' FOR EACH ROW EXECUTE FUNCTION unlink_documents()', name);
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'leases', 'wells', 'equipment', 'facilities', 'completions', 'tanks',
        'production_records', 'well_tests', 'run_tickets', 'tank_gauges', 'tank_strap_tables',
        'downtime_events', 'compliance_reports', 'maintenance_records', 'incidents', 'permits',
        'contracts'
    ] LOOP
        CALL linked_table(name);
    END LOOP;
END $$;

-- A report goes from draft to filed; from then on its figures are what the agency has.
CREATE FUNCTION keep_report()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    -- Computed columns among them: a new row has them only after this.
    later constant text[] := ARRAY['status', 'confirmation', 'note', 'title', 'search_text',
                                   'updated_at', 'updated_by', 'row_version'];
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status IN ('filed', 'accepted', 'amended') THEN
        IF TG_OP = 'DELETE' OR to_jsonb(NEW) - later <> to_jsonb(OLD) - later THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'status',
                CONSTRAINT = 'compliance_reports_filed',
                MESSAGE = 'A filed report stands as it is: amend it with the next revision.';
        ELSIF NEW.status <> OLD.status AND NOT (
            OLD.status = 'filed' AND NEW.status IN ('accepted', 'rejected', 'amended')
            OR OLD.status = 'accepted' AND NEW.status = 'amended') THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'status',
                CONSTRAINT = 'compliance_reports_course',
                MESSAGE = format('A report does not go from %s to %s.', OLD.status, NEW.status);
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NEW.status = 'filed' AND (TG_OP = 'INSERT' OR OLD.status <> 'filed') THEN
        NEW.filed_at := coalesce(NEW.filed_at, now());
        NEW.filed_by := coalesce(NEW.filed_by,
                                 nullif(current_setting('app.user_id', true), '')::uuid);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON compliance_reports
    FOR EACH ROW EXECUTE FUNCTION keep_report();

-- Lines follow their report. It is held meanwhile, so that it cannot be filed in between.
CREATE FUNCTION keep_report_line()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    line constant compliance_report_lines := coalesce(NEW, OLD);
    found text;
BEGIN
    SELECT r.status INTO found FROM compliance_reports r WHERE r.id = line.report_id FOR SHARE;
    IF found IN ('filed', 'accepted', 'amended') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'report_id',
            CONSTRAINT = 'compliance_report_lines_filed',
            MESSAGE = 'Lines of a filed report stand: amend it with the next revision.';
    END IF;
    RETURN line;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON compliance_report_lines
    FOR EACH ROW EXECUTE FUNCTION keep_report_line();

REVOKE EXECUTE ON FUNCTION
    keep_document(), check_document_link(), unlink_documents(), keep_report(), keep_report_line()
    FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE linked_table(text) FROM PUBLIC;
