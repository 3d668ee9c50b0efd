-- The production day an instant belongs to, also where the cut-off itself falls into the hour in
-- which clocks change: the day begins when AT TIME ZONE says, the later of two showings.
CREATE OR REPLACE FUNCTION production_day(organization uuid, instant timestamptz)
RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT shown.day
           - CASE WHEN instant < (shown.day + o.production_day_start) AT TIME ZONE o.timezone
                  THEN 1 ELSE 0 END
           + CASE WHEN instant >= (shown.day + 1 + o.production_day_start) AT TIME ZONE o.timezone
                  THEN 1 ELSE 0 END
    FROM organizations o
    CROSS JOIN LATERAL (
        SELECT ((instant AT TIME ZONE o.timezone) - (o.production_day_start - time '00:00'))::date
            AS day) AS shown
    WHERE o.id = organization
$$;
