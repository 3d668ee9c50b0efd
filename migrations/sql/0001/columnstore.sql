-- What the Community edition adds: columnstore and continuous aggregates.

-- Compressed well after the longest outage an outbox can hold, because late data is slow to merge.
ALTER TABLE readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'organization_id, tag_id',
    timescaledb.compress_orderby = 'time DESC'
);
SELECT add_compression_policy('readings', compress_after => interval '45 days');

CREATE MATERIALIZED VIEW readings_hourly
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

CREATE MATERIALIZED VIEW readings_daily
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
FROM readings_hourly
GROUP BY 1, 2, 3
WITH NO DATA;

-- The window reaches back over every late reading; `keep_readings` ends it before what retention
-- has dropped, because a refresh there would empty the rollups too.
SELECT add_continuous_aggregate_policy('readings_hourly',
    start_offset => interval '700 days', end_offset => interval '5 minutes',
    schedule_interval => interval '5 minutes');
SELECT add_continuous_aggregate_policy('readings_daily',
    start_offset => interval '700 days', end_offset => interval '1 hour',
    schedule_interval => interval '30 minutes');
