-- Dropping readings that are older than they must be kept. Rollups stay.
--
-- One way for all tiers: TimescaleDB's own retention policy neither waits for the rollups nor sets
-- aside what comes late.

INSERT INTO readings_state DEFAULT VALUES;

-- How many readings of a stretch of time the stored rollups account for.
CREATE FUNCTION readings_accounted(from_time timestamptz, to_time timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    rollup text := 'public.rolled_hours';
    accounted bigint;
BEGIN
    IF to_regclass('public.readings_by_hour') IS NOT NULL THEN
        -- What the continuous aggregate holds, without what it would compute on the spot.
        SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
        INTO STRICT rollup
        FROM timescaledb_information.continuous_aggregates
        WHERE view_schema = 'public' AND view_name = 'readings_by_hour';
    END IF;
    EXECUTE format('SELECT coalesce(sum(n), 0) FROM %s WHERE bucket >= $1 AND bucket < $2', rollup)
    INTO accounted USING from_time, to_time;
    RETURN accounted;
END $$;

-- First half, in a transaction of its own: sees how far the rollups account for every reading, and
-- keeps later refreshes from what will be dropped; answers that instant.
CREATE FUNCTION prepare_drop(before timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    piece record;
    stored bigint;
    horizon timestamptz;
BEGIN
    SELECT kept_from INTO STRICT horizon FROM readings_state;
    FOR piece IN
        SELECT s.* FROM readings_stretches() s
        WHERE s.to_time <= before AND s.from_time >= horizon
        ORDER BY s.from_time
    LOOP
        EXECUTE format('SELECT count(*) FROM %s', piece.stretch) INTO stored;
        EXIT WHEN stored > readings_accounted(piece.from_time, piece.to_time);
        horizon := piece.to_time;
    END LOOP;
    PERFORM limit_rollups(horizon);
    RETURN horizon;
END $$;

-- Second half: drops every stretch of readings that ends by an instant; answers what became of each.
--   dropped     its rollups account for every reading, and stay
--   set aside   its time was dropped before; what came late since is kept in readings_aside
--   kept        its rollups lack readings; it, and what follows, waits for them
CREATE FUNCTION drop_readings(before timestamptz)
RETURNS TABLE (from_time timestamptz, to_time timestamptz, readings bigint, outcome text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    piece record;
    state readings_state;
BEGIN
    IF before > now() - interval '7 days' THEN
        RAISE EXCEPTION 'readings of the last seven days cannot be dropped (asked: before %)',
            before;
    END IF;
    SELECT * INTO STRICT state FROM readings_state FOR UPDATE;
    FOR piece IN
        SELECT s.* FROM readings_stretches() s WHERE s.to_time <= before ORDER BY s.from_time
    LOOP
        from_time := piece.from_time;
        to_time := piece.to_time;
        -- Nothing may come in between the count and the drop.
        EXECUTE format('LOCK TABLE %s IN SHARE MODE', piece.stretch);
        EXECUTE format('SELECT count(*) FROM %s', piece.stretch) INTO readings;
        IF piece.to_time <= state.kept_from THEN
            INSERT INTO readings_aside (time, value, organization_id, tag_id, quality)
            SELECT r.time, r.value, r.organization_id, r.tag_id, r.quality
            FROM public.readings r
            WHERE r.time >= piece.from_time AND r.time < piece.to_time
            ON CONFLICT DO NOTHING;
            outcome := 'set aside';
        ELSIF readings > readings_accounted(piece.from_time, piece.to_time) THEN
            outcome := 'kept';
            RETURN NEXT;
            EXIT;
        ELSE
            state.kept_from := piece.to_time;
            outcome := 'dropped';
        END IF;
        PERFORM drop_readings_stretch(piece.stretch, piece.from_time, piece.to_time);
        RETURN NEXT;
    END LOOP;
    UPDATE readings_state SET kept_from = state.kept_from;
END $$;

REVOKE EXECUTE ON FUNCTION
    ensure_readings_partitions(timestamptz, timestamptz), readings_stretches(),
    drop_readings_stretch(regclass, timestamptz, timestamptz), limit_rollups(timestamptz),
    readings_accounted(timestamptz, timestamptz), prepare_drop(timestamptz),
    drop_readings(timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_readings_partitions(timestamptz, timestamptz)
    TO wellflow_ingest, wellflow_work;
GRANT EXECUTE ON FUNCTION prepare_drop(timestamptz), drop_readings(timestamptz) TO wellflow_work;
