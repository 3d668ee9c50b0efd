-- Production records: what fills them in, guards them, and keeps what they said before. On
-- TimescaleDB a trigger runs on the chunk, which has the table's right to delete but none of its
-- policies: so the guard also looks whose row it is.

CREATE FUNCTION keep_production()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    pumper constant boolean := coalesce(current_setting('app.role', true), '') = 'pumper';
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_user = 'wellflow_app' AND (
            OLD.organization_id IS DISTINCT FROM
                nullif(current_setting('app.organization_id', true), '')::uuid
            OR pumper AND (OLD.production_date < first_entry_day() OR OLD.created_by
                IS DISTINCT FROM nullif(current_setting('app.user_id', true), '')::uuid)) THEN
            RETURN NULL;
        END IF;
        PERFORM require_open_period(OLD.organization_id, 'production', OLD.production_date,
                                    'production_date');
        RETURN OLD;
    END IF;
    IF NEW.completion_id IS NULL THEN
        NEW.completion_id := only_completion(NEW.organization_id, NEW.well_id);
    END IF;
    PERFORM require_open_period(NEW.organization_id, 'production', NEW.production_date,
                                'production_date');
    IF pumper AND NEW.production_date < first_entry_day() THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'production_date',
            CONSTRAINT = 'production_records_entry_days',
            MESSAGE = format('Pumpers enter days from %s on: ask the office to enter this one.',
                             first_entry_day());
    ELSIF pumper AND NEW.production_date > production_day(NEW.organization_id, now()) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'production_date',
            CONSTRAINT = 'production_records_future',
            MESSAGE = 'This day has not come yet: enter the day that was gauged.';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.revision := 0;
    ELSE
        NEW.revision := OLD.revision + CASE WHEN
            (OLD.oil_bbl, OLD.gas_mcf, OLD.water_bbl, OLD.injected_water_bbl,
             OLD.injected_gas_mcf, OLD.hours_on, OLD.quality, OLD.record_kind)
            IS DISTINCT FROM
            (NEW.oil_bbl, NEW.gas_mcf, NEW.water_bbl, NEW.injected_water_bbl,
             NEW.injected_gas_mcf, NEW.hours_on, NEW.quality, NEW.record_kind)
            THEN 1 ELSE 0 END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON production_records
    FOR EACH ROW EXECUTE FUNCTION keep_production();

-- What a record said before it was corrected or deleted. As the owner: nobody else writes here.
CREATE FUNCTION keep_revision()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.revision = OLD.revision THEN
        RETURN NULL;
    END IF;
    INSERT INTO production_revisions (
        organization_id, record_id, production_date, well_id, completion_id, record_kind,
        revision, oil_bbl, gas_mcf, water_bbl, injected_water_bbl, injected_gas_mcf, hours_on,
        source, quality, deleted, replaced_by)
    VALUES (
        OLD.organization_id, OLD.id, OLD.production_date, OLD.well_id, OLD.completion_id,
        OLD.record_kind, OLD.revision, OLD.oil_bbl, OLD.gas_mcf, OLD.water_bbl,
        OLD.injected_water_bbl, OLD.injected_gas_mcf, OLD.hours_on, OLD.source, OLD.quality,
        TG_OP = 'DELETE', nullif(current_setting('app.user_id', true), '')::uuid);
    RETURN NULL;
END $$;
CREATE TRIGGER revise AFTER UPDATE OR DELETE ON production_records
    FOR EACH ROW EXECUTE FUNCTION keep_revision();

REVOKE EXECUTE ON FUNCTION keep_production(), keep_revision() FROM PUBLIC;
