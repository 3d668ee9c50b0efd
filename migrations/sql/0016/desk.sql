-- Meters and chemicals in the register, and what people at a desk are refused by.

CREATE INDEX meter_readings_read_at_idx ON meter_readings (organization_id, read_at);
CREATE INDEX chemical_treatments_day_idx ON chemical_treatments (organization_id, production_date);

-- A meter's reading counts for its production day, and for the lease that the meter measures.
CREATE FUNCTION place_reading()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    NEW.production_date := coalesce(NEW.production_date,
                                    production_day(NEW.organization_id, NEW.read_at));
    IF NEW.lease_id IS NULL THEN
        SELECT coalesce(w.lease_id, (SELECT l.id FROM leases l WHERE l.facility_id = e.facility_id
                                     ORDER BY l.id LIMIT 1))
        INTO NEW.lease_id
        FROM equipment e LEFT JOIN wells w ON w.id = e.well_id
        WHERE e.id = NEW.equipment_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER measure BEFORE INSERT ON meter_readings
    FOR EACH ROW EXECUTE FUNCTION place_reading();

-- Nobody has read yet what a day to come will show. The arguments are the column of the day and, where
-- there is one, that of the instant. Named so that it runs after what fills in the day.
CREATE FUNCTION refuse_future()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    written constant jsonb := to_jsonb(NEW);
    day constant date := written ->> TG_ARGV[0];
    instant constant timestamptz := CASE WHEN TG_NARGS > 1 THEN written ->> TG_ARGV[1] END;
BEGIN
    IF current_user <> 'wellflow_app' THEN
        RETURN NEW;
    ELSIF day > current_date - 2 AND day > production_day(NEW.organization_id, now()) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = TG_ARGV[0],
            CONSTRAINT = TG_TABLE_NAME || '_future',
            MESSAGE = 'This day has not come yet: enter the day that was gauged.';
    ELSIF instant > now() + interval '10 minutes' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = TG_ARGV[1],
            CONSTRAINT = TG_TABLE_NAME || '_future',
            MESSAGE = 'This time is still to come: check day and hour.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reached BEFORE INSERT OR UPDATE OF production_date ON production_records
    FOR EACH ROW EXECUTE FUNCTION refuse_future('production_date');
CREATE TRIGGER reached BEFORE INSERT OR UPDATE OF production_date, gauged_at ON tank_gauges
    FOR EACH ROW EXECUTE FUNCTION refuse_future('production_date', 'gauged_at');
CREATE TRIGGER reached BEFORE INSERT OR UPDATE OF production_date, closed_at ON run_tickets
    FOR EACH ROW EXECUTE FUNCTION refuse_future('production_date', 'closed_at');
CREATE TRIGGER reached BEFORE INSERT OR UPDATE OF production_date, read_at ON meter_readings
    FOR EACH ROW EXECUTE FUNCTION refuse_future('production_date', 'read_at');
CREATE TRIGGER reached BEFORE INSERT OR UPDATE OF production_date ON chemical_treatments
    FOR EACH ROW EXECUTE FUNCTION refuse_future('production_date');

-- A level above its tank was read wrong, also where the tank has no strapping table to say so.
CREATE FUNCTION refuse_above_tank()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    level constant numeric := to_jsonb(NEW) ->> TG_ARGV[0];
    height numeric;
BEGIN
    SELECT t.height_in INTO height FROM tanks t WHERE t.id = NEW.tank_id;
    IF level > height THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = TG_ARGV[0],
            CONSTRAINT = TG_TABLE_NAME || '_above_tank',
            MESSAGE = format('%s in is above this tank, which is %s in high: read the tape again.',
                             trim_scale(level), trim_scale(height));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER height BEFORE INSERT OR UPDATE OF tank_id, level_in ON tank_gauges
    FOR EACH ROW EXECUTE FUNCTION refuse_above_tank('level_in');
CREATE TRIGGER height BEFORE INSERT OR UPDATE OF tank_id, opening_in ON run_tickets
    FOR EACH ROW EXECUTE FUNCTION refuse_above_tank('opening_in');

-- A pumper corrects a well test of his own until the office has accepted it or its days are over.
DO $$
DECLARE
    verb text;
BEGIN
    FOREACH verb IN ARRAY ARRAY['UPDATE', 'DELETE'] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON well_tests AS RESTRICTIVE FOR %s TO wellflow_app USING'
            ' ((SELECT coalesce(current_setting(''app.role'', true), '''') <> ''pumper'')'
            '  OR status = ''draft'''
            '     AND started_at + make_interval(hours => ceil(duration_hours)::integer)'
            '         >= (SELECT first_entry_day())'
            '     AND created_by ='
            '         (SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid))',
            'entry_' || lower(verb), verb);
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION place_reading(), refuse_future(), refuse_above_tank() FROM PUBLIC;
