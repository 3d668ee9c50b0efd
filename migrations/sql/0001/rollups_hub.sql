-- Rollups where the database has no continuous aggregates: what lies before
-- `readings_state.rolled_to` comes from the hub's tables, the rest is computed from the readings.

CREATE OR REPLACE VIEW readings_hourly AS
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

CREATE OR REPLACE VIEW readings_daily AS
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

-- What continuous aggregates need before readings are dropped; nothing here.
CREATE OR REPLACE FUNCTION limit_rollups(horizon timestamptz)
RETURNS void
LANGUAGE sql IMMUTABLE
AS $$ $$;
