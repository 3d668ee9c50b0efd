-- A position is a latitude and a longitude, or none: one rule wherever one is kept.
--
-- Half of one points nowhere. It is taken away; the audit trail keeps what it was. What has ended is
-- not changed by people any more, so the course of incidents looks away meanwhile.
ALTER TABLE incidents DISABLE TRIGGER course;
UPDATE wells SET lat = NULL, lon = NULL WHERE (lat IS NULL) <> (lon IS NULL);
UPDATE wells SET bottom_lat = NULL, bottom_lon = NULL
WHERE (bottom_lat IS NULL) <> (bottom_lon IS NULL);
UPDATE facilities SET lat = NULL, lon = NULL WHERE (lat IS NULL) <> (lon IS NULL);
UPDATE incidents SET lat = NULL, lon = NULL WHERE (lat IS NULL) <> (lon IS NULL);
-- Rules that wait for the end of the transaction are asked now: a table with such is not altered.
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE incidents ENABLE TRIGGER course;

ALTER TABLE wells
    DROP CONSTRAINT wells_place_check,
    DROP CONSTRAINT wells_bottom_check,
    ADD CONSTRAINT wells_place_check
        CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180
            AND (lat IS NULL) = (lon IS NULL)),
    ADD CONSTRAINT wells_bottom_check
        CHECK (bottom_lat BETWEEN -90 AND 90 AND bottom_lon BETWEEN -180 AND 180
            AND (bottom_lat IS NULL) = (bottom_lon IS NULL));
ALTER TABLE facilities
    DROP CONSTRAINT facilities_place_check,
    ADD CONSTRAINT facilities_place_check
        CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180
            AND (lat IS NULL) = (lon IS NULL));
ALTER TABLE incidents
    DROP CONSTRAINT incidents_position_check,
    ADD CONSTRAINT incidents_position_check
        CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180
            AND (lat IS NULL) = (lon IS NULL));
