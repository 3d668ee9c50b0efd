-- Tanks: volumes by strapping table, days by the operator's own clock, tickets that stand.

-- A strapping table rises: at a higher level there is more in the tank. The table is held
-- meanwhile, so that two people cannot add lines that contradict each other.
CREATE FUNCTION check_strap_point()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM FROM tank_strap_tables t WHERE t.id = NEW.strap_table_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM tank_strap_points p
        WHERE p.strap_table_id = NEW.strap_table_id AND p.id <> NEW.id
          AND (p.level_in < NEW.level_in AND p.volume_bbl >= NEW.volume_bbl
               OR p.level_in > NEW.level_in AND p.volume_bbl <= NEW.volume_bbl)) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'volume_bbl',
            CONSTRAINT = 'tank_strap_points_rising',
            MESSAGE = 'A strapping table must rise: a higher level holds more than a lower one.';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rising AFTER INSERT OR UPDATE ON tank_strap_points
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION check_strap_point();

-- Volume up to a level, by the strapping table of a day, in barrels; null where there is none.
-- Between two lines it is interpolated; beyond the last one nothing is guessed.
CREATE FUNCTION tank_volume(tank uuid, level numeric, day date)
RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    strapping uuid;
    below record;
    above record;
    highest numeric;
BEGIN
    SELECT t.id INTO strapping FROM tank_strap_tables t
    WHERE t.tank_id = tank AND day BETWEEN t.valid_from AND coalesce(t.valid_to, 'infinity');
    SELECT max(p.level_in) INTO highest FROM tank_strap_points p WHERE p.strap_table_id = strapping;
    IF highest IS NULL THEN
        RETURN NULL;
    ELSIF level > highest THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'level_in',
            CONSTRAINT = 'tank_strap_tables_range',
            MESSAGE = format('The strapping table of this tank ends at %s in: check the gauge.',
                             trim_scale(highest));
    END IF;
    SELECT p.level_in AS level, p.volume_bbl AS volume INTO above FROM tank_strap_points p
    WHERE p.strap_table_id = strapping AND p.level_in >= tank_volume.level
    ORDER BY p.level_in LIMIT 1;
    SELECT p.level_in AS level, p.volume_bbl AS volume INTO below FROM tank_strap_points p
    WHERE p.strap_table_id = strapping AND p.level_in <= tank_volume.level
    ORDER BY p.level_in DESC LIMIT 1;
    IF below.level IS NULL OR below.level = above.level THEN
        RETURN CASE WHEN below.level IS NOT NULL THEN above.volume END;
    END IF;
    RETURN round(below.volume + (above.volume - below.volume) * (level - below.level)
                 / (above.level - below.level), 4);
END $$;

-- A gauge counts for its production day, and its volume follows from the strapping table.
CREATE FUNCTION measure_gauge()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.production_date := coalesce(NEW.production_date,
                                        production_day(NEW.organization_id, NEW.gauged_at));
        NEW.volume_bbl := coalesce(NEW.volume_bbl,
                                   tank_volume(NEW.tank_id, NEW.level_in, NEW.production_date));
        RETURN NEW;
    END IF;
    IF NEW.gauged_at <> OLD.gauged_at AND NEW.production_date = OLD.production_date THEN
        NEW.production_date := production_day(NEW.organization_id, NEW.gauged_at);
    END IF;
    IF NEW.level_in <> OLD.level_in AND NEW.volume_bbl IS NOT DISTINCT FROM OLD.volume_bbl THEN
        NEW.volume_bbl := tank_volume(NEW.tank_id, NEW.level_in, NEW.production_date);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER measure BEFORE INSERT OR UPDATE ON tank_gauges
    FOR EACH ROW EXECUTE FUNCTION measure_gauge();
CREATE TRIGGER period BEFORE INSERT OR UPDATE OR DELETE ON tank_gauges
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period('production', 'production_date');

-- A final ticket is the paper of a sale: it stands, or is voided and written anew.
CREATE FUNCTION keep_ticket()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    later constant text[] := ARRAY['status', 'note', 'search_text', 'updated_at', 'updated_by',
                                   'row_version'];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        NEW.production_date := coalesce(NEW.production_date,
                                        production_day(NEW.organization_id, NEW.closed_at));
    END IF;
    IF TG_OP = 'INSERT' OR OLD.status = 'open' THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' OR NEW.status = 'open' OR OLD.status = 'void' AND NEW.status <> 'void'
       OR to_jsonb(NEW) - later <> to_jsonb(OLD) - later THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', COLUMN = 'status',
            CONSTRAINT = 'run_tickets_final',
            MESSAGE = CASE OLD.status
                WHEN 'void' THEN 'A void ticket stays void: write another.'
                ELSE 'A final ticket stands as it is: void it and write another.' END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON run_tickets
    FOR EACH ROW EXECUTE FUNCTION keep_ticket();
CREATE TRIGGER period BEFORE INSERT OR UPDATE OR DELETE ON run_tickets
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period('production', 'production_date');

REVOKE EXECUTE ON FUNCTION
    check_strap_point(), tank_volume(uuid, numeric, date), measure_gauge(), keep_ticket()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tank_volume(uuid, numeric, date) TO wellflow_app, wellflow_work;
