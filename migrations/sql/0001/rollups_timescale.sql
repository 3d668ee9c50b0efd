-- What the Community edition adds: columnstore and continuous aggregates.

-- Compressed well after the longest outage an outbox can hold, because late data is slow to merge.
ALTER TABLE readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'organization_id, tag_id',
    timescaledb.compress_orderby = 'time DESC'
);
SELECT add_compression_policy('readings', compress_after => interval '45 days');

CREATE MATERIALIZED VIEW readings_by_hour
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 hour', time) AS bucket,
       organization_id,
       tag_id,
       count(*) AS n,
       count(value) AS n_good,
       sum(value) AS total,
       min(value) AS minimum,
       max(value) AS maximum,
       last(value, time) FILTER (WHERE value IS NOT NULL) AS last_value
FROM readings
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW readings_by_day
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 day', bucket) AS bucket,
       organization_id,
       tag_id,
       sum(n)::bigint AS n,
       sum(n_good)::bigint AS n_good,
       sum(total) AS total,
       min(minimum) AS minimum,
       max(maximum) AS maximum,
       last(last_value, bucket) FILTER (WHERE last_value IS NOT NULL) AS last_value
FROM readings_by_hour
GROUP BY 1, 2, 3
WITH NO DATA;

-- The window reaches back over every late reading. Once retention has dropped something,
-- `limit_rollups` ends the window there: a refresh of dropped time would empty its rollups.
SELECT add_continuous_aggregate_policy('readings_by_hour',
    start_offset => NULL, end_offset => interval '5 minutes',
    schedule_interval => interval '5 minutes', initial_start => now() + interval '5 minutes');
SELECT add_continuous_aggregate_policy('readings_by_day',
    start_offset => NULL, end_offset => interval '1 hour',
    schedule_interval => interval '30 minutes', initial_start => now() + interval '10 minutes');

CREATE OR REPLACE VIEW readings_hourly AS
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM readings_by_hour
UNION ALL
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM rolled_hours;

CREATE OR REPLACE VIEW readings_daily AS
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM readings_by_day
UNION ALL
SELECT bucket, organization_id, tag_id, n, n_good, total, minimum, maximum, last_value
FROM rolled_days;

-- The refresh policies of the two aggregates; older versions of TimescaleDB list them under the
-- aggregate's own table, newer ones under its name.
CREATE FUNCTION rollup_policies()
RETURNS TABLE (job_id integer, aggregate name, config jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT j.job_id, c.view_name, j.config
    FROM timescaledb_information.jobs j
    JOIN timescaledb_information.continuous_aggregates c
      ON (j.hypertable_schema, j.hypertable_name) IN (
         (c.view_schema, c.view_name),
         (c.materialization_hypertable_schema, c.materialization_hypertable_name))
    WHERE j.proc_name = 'policy_refresh_continuous_aggregate'
      AND c.view_schema = 'public'
      AND c.view_name IN ('readings_by_hour', 'readings_by_day')
$$;

-- Keeps every later refresh of the hours from time before `horizon`.
CREATE OR REPLACE FUNCTION limit_rollups(horizon timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    start_offset jsonb := 'null';
BEGIN
    IF horizon > '-infinity' THEN
        start_offset := to_jsonb((now() - horizon)::text);
    END IF;
    PERFORM public.alter_job(p.job_id, config => jsonb_set(p.config, '{start_offset}', start_offset))
    FROM rollup_policies() p WHERE p.aggregate = 'readings_by_hour';
END $$;

-- Asks TimescaleDB to refresh the aggregates now: the hours at once, the days after them.
CREATE FUNCTION refresh_rollups_soon()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM public.alter_job(p.job_id, next_start => now() +
        CASE p.aggregate WHEN 'readings_by_day' THEN interval '20 seconds' ELSE '0' END)
    FROM rollup_policies() p;
END $$;

REVOKE EXECUTE ON FUNCTION rollup_policies(), refresh_rollups_soon() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_rollups_soon() TO wellflow_work;
