-- The views of telemetry as in 0001, and for a pumper the gauges of his route only.
--
-- Both conditions on who asks are made once for each query; they stand outside the UNION for the
-- same reason as there.

CREATE OR REPLACE FUNCTION assigned_tags()
RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT t.id FROM tags t WHERE t.well_id IN (SELECT assigned_wells())
$$;
REVOKE EXECUTE ON FUNCTION assigned_tags() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assigned_tags() TO wellflow_app;

CREATE OR REPLACE VIEW reading_points WITH (security_barrier) AS
SELECT time, organization_id, tag_id, value, quality
FROM (SELECT time, organization_id, tag_id, value, quality FROM readings
      UNION ALL
      SELECT time, organization_id, tag_id, value, quality FROM readings_aside) AS r
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)
  AND ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
       OR tag_id IN (SELECT assigned_tags()));

CREATE OR REPLACE VIEW reading_hours WITH (security_barrier) AS
SELECT bucket, organization_id, tag_id, n, n_good, total / nullif(n_good, 0) AS average,
       minimum, maximum, last_value
FROM readings_hourly
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)
  AND ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
       OR tag_id IN (SELECT assigned_tags()));

CREATE OR REPLACE VIEW reading_days WITH (security_barrier) AS
SELECT bucket, organization_id, tag_id, n, n_good, total / nullif(n_good, 0) AS average,
       minimum, maximum, last_value
FROM readings_daily
WHERE organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)
  AND ((SELECT coalesce(current_setting('app.role', true), '') <> 'pumper')
       OR tag_id IN (SELECT assigned_tags()));
