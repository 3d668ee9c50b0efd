-- Rollups kept by the hub, where the database has no continuous aggregates.
--
-- `rolled_hours` and `rolled_days` hold what lies before `readings_state.rolled_to`; the views show
-- the same columns as the continuous aggregates of the Community edition, with what is not yet
-- rolled up computed from the readings.

CREATE TABLE rolled_hours (
    bucket timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    tag_id integer NOT NULL,
    n bigint NOT NULL,
    n_good bigint NOT NULL,
    total double precision,
    minimum double precision,
    maximum double precision,
    last_value double precision,
    CONSTRAINT rolled_hours_pkey PRIMARY KEY (tag_id, bucket)
);

CREATE TABLE rolled_days (
    LIKE rolled_hours,
    CONSTRAINT rolled_days_pkey PRIMARY KEY (tag_id, bucket)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['rolled_hours', 'rolled_days'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner ON %I TO wellflow_owner USING (true)', name);
        EXECUTE format('CREATE POLICY work ON %I TO wellflow_work USING (true)', name);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON rolled_hours, rolled_days TO wellflow_work;

CREATE VIEW readings_hourly AS
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM rolled_hours
WHERE bucket < (SELECT rolled_to FROM readings_state)
UNION ALL
SELECT date_bin('1 hour', time, '2000-01-01 00:00:00+00') AS bucket,
       organization_id,
       tag_id,
       count(*),
       count(value),
       sum(value),
       min(value),
       max(value),
       (array_agg(value ORDER BY time DESC) FILTER (WHERE value IS NOT NULL))[1]
FROM readings
WHERE time >= (SELECT rolled_to FROM readings_state)
GROUP BY 1, 2, 3;

CREATE VIEW readings_daily AS
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM rolled_days
WHERE bucket < (SELECT date_bin('1 day', rolled_to, '2000-01-01 00:00:00+00') FROM readings_state)
UNION ALL
SELECT date_bin('1 day', bucket, '2000-01-01 00:00:00+00') AS bucket,
       organization_id,
       tag_id,
       sum(n)::bigint,
       sum(n_good)::bigint,
       sum(total),
       min(minimum),
       max(maximum),
       (array_agg(last_value ORDER BY bucket DESC) FILTER (WHERE last_value IS NOT NULL))[1]
FROM readings_hourly
WHERE bucket >= (SELECT date_bin('1 day', rolled_to, '2000-01-01 00:00:00+00')
                 FROM readings_state)
GROUP BY 1, 2, 3;
