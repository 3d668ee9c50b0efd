-- Readings on TimescaleDB, either edition: a hypertable. No unique index: the stream row makes each
-- reading exactly once.

CREATE TABLE readings (
    time timestamptz NOT NULL,
    value double precision,
    organization_id uuid NOT NULL,
    tag_id integer NOT NULL,
    quality smallint NOT NULL
);
SELECT create_hypertable('readings', by_range('time', interval '7 days'),
                         create_default_indexes => false);
CREATE INDEX readings_tag_id_time_idx ON readings (tag_id, time DESC);

-- A chunk copies these grants but never a policy, so the console has none at all.
GRANT SELECT, INSERT ON readings TO wellflow_ingest;
GRANT SELECT ON readings TO wellflow_work;

-- TimescaleDB makes its chunks itself.
CREATE OR REPLACE FUNCTION ensure_readings_partitions(from_time timestamptz, to_time timestamptz)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ SELECT 0 $$;

-- The stretches of time in which readings are stored: table, first instant, first instant after.
CREATE OR REPLACE FUNCTION readings_stretches()
RETURNS TABLE (stretch regclass, from_time timestamptz, to_time timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT format('%I.%I', c.chunk_schema, c.chunk_name)::regclass, c.range_start, c.range_end
    FROM timescaledb_information.chunks c
    WHERE c.hypertable_schema = 'public' AND c.hypertable_name = 'readings'
$$;

CREATE OR REPLACE FUNCTION drop_readings_stretch(stretch regclass, from_time timestamptz, to_time timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM public.drop_chunks('public.readings', older_than => to_time, newer_than => from_time);
END $$;
