-- The only way the console reads telemetry. The views belong to wellflow_owner, show one
-- organization's rows, and as security barriers let no function of a query see another's.

GRANT SELECT ON readings_hourly, readings_daily TO wellflow_work;

-- The condition stands outside the UNION: inside, PostgreSQL flattens a UNION ALL view and forgets
-- the barrier, and a cheap function of a query is shown every operator's rows.
CREATE OR REPLACE VIEW reading_points WITH (security_barrier) AS
SELECT time, organization_id, tag_id, value, quality
FROM (SELECT time, organization_id, tag_id, value, quality FROM readings
      UNION ALL
      SELECT time, organization_id, tag_id, value, quality FROM readings_aside) AS r
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid);

CREATE OR REPLACE VIEW reading_hours WITH (security_barrier) AS
SELECT bucket, organization_id, tag_id, n, n_good, total / nullif(n_good, 0) AS average,
       minimum, maximum, last_value
FROM readings_hourly
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid);

CREATE OR REPLACE VIEW reading_days WITH (security_barrier) AS
SELECT bucket, organization_id, tag_id, n, n_good, total / nullif(n_good, 0) AS average,
       minimum, maximum, last_value
FROM readings_daily
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid);

GRANT SELECT ON reading_points, reading_hours, reading_days TO wellflow_app;
