-- Hours and days of each tag as the hub rolled them up. With continuous aggregates these tables
-- hold only what was rolled up before a database moved to that tier.

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
