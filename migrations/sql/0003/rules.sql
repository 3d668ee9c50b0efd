-- What the database itself refuses or fills in, whichever door a row comes through. Each refusal
-- has a name, the column it is about, and one sentence.

-- The production day an instant belongs to: an operator's day begins at its own hour, in its own
-- time zone.
CREATE FUNCTION production_day(organization uuid, instant timestamptz)
RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT ((instant AT TIME ZONE o.timezone) - (o.production_day_start - time '00:00'))::date
    FROM organizations o WHERE o.id = organization
$$;

-- The first day for which a pumper of the current operator may still enter and correct.
CREATE FUNCTION first_entry_day()
RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT production_day(o.id, now()) - (o.entry_days - 1)
    FROM organizations o
    WHERE o.id = nullif(current_setting('app.organization_id', true), '')::uuid
$$;

-- Refuses a change in a closed month. Whoever closes it waits for changes on their way, and changes
-- that come after see it closed: both take a lock in the name of the month.
CREATE FUNCTION require_open_period(organization uuid, module text, day date, field text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    first_day constant date := date_trunc('month', day)::date;
    found text;
BEGIN
    IF organization IS NULL OR day IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(
        hashtextextended(organization::text || module || first_day::text, 0));
    SELECT p.state INTO found FROM accounting_periods p
    WHERE p.organization_id = organization AND p.module = require_open_period.module
      AND p.month = first_day;
    IF found = 'closed' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = field,
            CONSTRAINT = 'accounting_periods_closed',
            MESSAGE = format('The %s month %s is closed: open it again before changing it.',
                             module, to_char(first_day, 'YYYY-MM'));
    ELSIF found = 'soft_closed' AND coalesce(current_setting('app.role', true), '')
            NOT IN ('', 'owner', 'manager', 'accountant') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = field,
            CONSTRAINT = 'accounting_periods_soft_closed',
            MESSAGE = format('The %s month %s is being closed: only the office may change it.',
                             module, to_char(first_day, 'YYYY-MM'));
    END IF;
END $$;

-- For any table: arguments are the module and the column that holds the day.
CREATE FUNCTION refuse_closed_period()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM require_open_period(OLD.organization_id, TG_ARGV[0],
                                    (to_jsonb(OLD) ->> TG_ARGV[1])::date, TG_ARGV[1]);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM require_open_period(NEW.organization_id, TG_ARGV[0],
                                    (to_jsonb(NEW) ->> TG_ARGV[1])::date, TG_ARGV[1]);
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;

-- Closing a month waits for the changes in it that are on their way.
CREATE FUNCTION keep_period()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'open' THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'state',
                CONSTRAINT = 'accounting_periods_kept',
                MESSAGE = 'A closed month is opened again, not deleted: set its state to open.';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.state <> 'open' AND NEW.organization_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(
            hashtextextended(NEW.organization_id::text || NEW.module || NEW.month::text, 0));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON accounting_periods
    FOR EACH ROW EXECUTE FUNCTION keep_period();

-- A well's only completion is meant where none is named.
CREATE FUNCTION only_completion(organization uuid, well uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    known uuid[];
BEGIN
    SELECT array_agg(c.id) INTO known FROM completions c
    WHERE c.organization_id = organization AND c.well_id = well AND c.status <> 'abandoned';
    IF cardinality(known) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'completion_id',
            CONSTRAINT = 'completions_named',
            MESSAGE = 'This well has several completions: name the one that is meant.';
    END IF;
    RETURN known[1];
END $$;

CREATE FUNCTION name_completion()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.completion_id IS NULL THEN
        NEW.completion_id := only_completion(NEW.organization_id, NEW.well_id);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER completion BEFORE INSERT ON well_tests
    FOR EACH ROW EXECUTE FUNCTION name_completion();
CREATE TRIGGER completion BEFORE INSERT ON downtime_events
    FOR EACH ROW EXECUTE FUNCTION name_completion();

-- Every well has a completion and a status from the beginning; the first completion bears the key
-- of its well.
CREATE FUNCTION begin_well()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO completions (id, organization_id, well_id)
    VALUES (NEW.id, NEW.organization_id, NEW.id);
    INSERT INTO well_status_history (organization_id, well_id, status)
    VALUES (NEW.organization_id, NEW.id, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER begin AFTER INSERT ON wells FOR EACH ROW EXECUTE FUNCTION begin_well();

-- A change of status ends the current stretch and begins another.
CREATE FUNCTION note_well_status()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE well_status_history SET status = NEW.status
    WHERE well_id = NEW.id AND to_at IS NULL AND from_at >= now();
    IF NOT FOUND THEN
        UPDATE well_status_history SET to_at = now() WHERE well_id = NEW.id AND to_at IS NULL;
        INSERT INTO well_status_history (organization_id, well_id, status)
        VALUES (NEW.organization_id, NEW.id, NEW.status);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER status AFTER UPDATE OF status ON wells
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION note_well_status();

INSERT INTO completions (id, organization_id, well_id)
SELECT w.id, w.organization_id, w.id FROM wells w;
INSERT INTO well_status_history (organization_id, well_id, status, from_at)
SELECT w.organization_id, w.id, w.status, w.created_at FROM wells w;

-- A new kind of equipment is one of the list; what was written before there was a list stays.
CREATE FUNCTION check_equipment_kind()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.kind NOT IN (
        'pump_jack', 'rod_string', 'downhole_pump', 'esp', 'pcp', 'vfd', 'motor', 'engine',
        'tank_oil', 'tank_water', 'gun_barrel', 'heater_treater', 'separator_2ph',
        'separator_3ph', 'fwko', 'compressor', 'meter_orifice', 'meter_turbine',
        'meter_coriolis', 'lact', 'flare', 'combustor', 'vru', 'chem_pump', 'injection_pump',
        'transformer', 'rtu_plc', 'gauge_transmitter', 'valve', 'line') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'kind',
            CONSTRAINT = 'equipment_kind',
            MESSAGE = 'Kind must be one of the list: pump_jack, tank_oil, meter_orifice …';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER kind_new AFTER INSERT ON equipment
    FOR EACH ROW EXECUTE FUNCTION check_equipment_kind();
CREATE TRIGGER kind_changed AFTER UPDATE OF kind ON equipment
    FOR EACH ROW WHEN (OLD.kind <> NEW.kind) EXECUTE FUNCTION check_equipment_kind();

-- An accepted test allocates from the day it ended, unless told otherwise.
CREATE FUNCTION date_well_test()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.status = 'accepted' AND NEW.effective_from IS NULL THEN
        NEW.effective_from := production_day(NEW.organization_id,
            NEW.started_at + make_interval(secs => (NEW.duration_hours * 3600)::double precision));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER effective BEFORE INSERT OR UPDATE ON well_tests
    FOR EACH ROW EXECUTE FUNCTION date_well_test();

REVOKE EXECUTE ON FUNCTION
    production_day(uuid, timestamptz), first_entry_day(),
    require_open_period(uuid, text, date, text), refuse_closed_period(), keep_period(),
    only_completion(uuid, uuid), name_completion(), begin_well(), note_well_status(),
    check_equipment_kind(), date_well_test()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    production_day(uuid, timestamptz), first_entry_day(),
    require_open_period(uuid, text, date, text), only_completion(uuid, uuid)
    TO wellflow_app, wellflow_work;
