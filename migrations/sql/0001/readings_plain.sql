-- Readings on plain PostgreSQL: one partition per week (UTC, counted from 1970-01-01, as TimescaleDB
-- counts its chunks). No unique index: the stream row makes each reading exactly once.

CREATE TABLE readings (
    time timestamptz NOT NULL,
    value double precision,
    organization_id uuid NOT NULL,
    tag_id integer NOT NULL,
    quality smallint NOT NULL
) PARTITION BY RANGE (time);
CREATE INDEX readings_tag_id_time_idx ON readings (tag_id, time DESC);

GRANT SELECT, INSERT ON readings TO wellflow_ingest;
GRANT SELECT ON readings TO wellflow_work;

-- Makes the partitions that readings between two instants go to; answers how many were missing.
-- A partition is made aside and then attached, which blocks neither readers nor writers.
CREATE OR REPLACE FUNCTION ensure_readings_partitions(from_time timestamptz, to_time timestamptz)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    week CONSTANT interval := '7 days';
    origin CONSTANT timestamptz := '1970-01-01 00:00:00+00';
    starts timestamptz := date_bin(week, from_time, origin);
    partition text;
    made integer := 0;
BEGIN
    IF to_time - from_time > interval '10 years' THEN
        RAISE EXCEPTION 'partitions for more than ten years were asked for: % to %',
            from_time, to_time;
    END IF;
    WHILE starts <= to_time LOOP
        partition := 'readings_' || to_char(starts AT TIME ZONE 'UTC', 'YYYYMMDD');
        IF to_regclass('public.' || partition) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('wellflow.readings.partitions'));
            IF to_regclass('public.' || partition) IS NULL THEN
                EXECUTE format('CREATE TABLE public.%I (LIKE public.readings INCLUDING ALL)',
                               partition);
                EXECUTE format('ALTER TABLE public.readings ATTACH PARTITION public.%I'
                               ' FOR VALUES FROM (%L) TO (%L)',
                               partition, starts, starts + week);
                made := made + 1;
            END IF;
        END IF;
        starts := starts + week;
    END LOOP;
    RETURN made;
END $$;

-- The stretches of time in which readings are stored: table, first instant, first instant after.
CREATE OR REPLACE FUNCTION readings_stretches()
RETURNS TABLE (stretch regclass, from_time timestamptz, to_time timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT c.oid::regclass, starts, starts + interval '7 days'
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid,
    LATERAL (SELECT to_timestamp(right(c.relname, 8), 'YYYYMMDD')::timestamp
                    AT TIME ZONE 'UTC') AS s(starts)
    WHERE i.inhparent = 'public.readings'::regclass
$$;

CREATE OR REPLACE FUNCTION drop_readings_stretch(stretch regclass, from_time timestamptz, to_time timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    EXECUTE format('DROP TABLE %s', stretch);
END $$;

SELECT ensure_readings_partitions(now() - interval '7 days', now() + interval '28 days');
