-- More columns for the tables that were here before. Every one may be empty or has a default that
-- needs no rewrite, except the computed ones (API-10, and the words of search): PostgreSQL writes
-- those tables anew for them. They hold master data, hundreds to thousands of rows, so that takes
-- milliseconds. New constraints are added unchecked and then validated, under a lock that lets
-- readers and writers through.

ALTER TABLE organizations
    ADD COLUMN legal_name text,
    ADD COLUMN tax_id_enc bytea,
    ADD COLUMN tax_id_last4 text,
    ADD COLUMN phone text,
    ADD COLUMN email text,
    ADD COLUMN contact_name text,
    ADD COLUMN address text,
    ADD COLUMN city text,
    ADD COLUMN state text,
    ADD COLUMN postal_code text,
    ADD COLUMN currency text DEFAULT 'USD' NOT NULL,
    ADD COLUMN pressure_base_psia numeric(6, 3) DEFAULT 14.65 NOT NULL,
    ADD COLUMN fiscal_year_start smallint DEFAULT 1 NOT NULL,
    ADD COLUMN entry_days smallint DEFAULT 3 NOT NULL,
    ADD COLUMN is_demo boolean DEFAULT false NOT NULL,
    ADD COLUMN settings jsonb DEFAULT '{}' NOT NULL;

ALTER TABLE organizations
    ADD CONSTRAINT organizations_tax_id_last4_check CHECK (tax_id_last4 ~ '^[0-9]{4}$') NOT VALID,
    ADD CONSTRAINT organizations_email_check CHECK (email ~ '^[^@ ]+@[^@ ]+$') NOT VALID,
    ADD CONSTRAINT organizations_state_check CHECK (state ~ '^[A-Z]{2}$') NOT VALID,
    ADD CONSTRAINT organizations_currency_check CHECK (currency ~ '^[A-Z]{3}$') NOT VALID,
    ADD CONSTRAINT organizations_pressure_base_psia_check
        CHECK (pressure_base_psia BETWEEN 14 AND 16) NOT VALID,
    ADD CONSTRAINT organizations_fiscal_year_start_check
        CHECK (fiscal_year_start BETWEEN 1 AND 12) NOT VALID,
    ADD CONSTRAINT organizations_entry_days_check CHECK (entry_days BETWEEN 1 AND 62) NOT VALID,
    ADD CONSTRAINT organizations_settings_check CHECK (jsonb_typeof(settings) = 'object') NOT VALID;

ALTER TABLE organizations
    VALIDATE CONSTRAINT organizations_tax_id_last4_check,
    VALIDATE CONSTRAINT organizations_email_check,
    VALIDATE CONSTRAINT organizations_state_check,
    VALIDATE CONSTRAINT organizations_currency_check,
    VALIDATE CONSTRAINT organizations_pressure_base_psia_check,
    VALIDATE CONSTRAINT organizations_fiscal_year_start_check,
    VALIDATE CONSTRAINT organizations_entry_days_check,
    VALIDATE CONSTRAINT organizations_settings_check;

ALTER TABLE leases
    ADD COLUMN county_fips text,
    ADD COLUMN jurisdiction_lease_no text,
    ADD COLUMN district text,
    ADD COLUMN land_class text,
    ADD COLUMN federal_agreement_no text,
    ADD COLUMN commodity text,
    ADD COLUMN gross_acres numeric(12, 4),
    ADD COLUMN effective date,
    ADD COLUMN primary_term_end date,
    ADD COLUMN hbp_gap_days smallint DEFAULT 90 NOT NULL,
    ADD COLUMN facility_id uuid,
    ADD COLUMN legal_description text,
    ADD COLUMN plss jsonb,
    ADD COLUMN search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(property_no, ''::text) || ' '::text || COALESCE(county,
                ''::text) || ' '::text || COALESCE(jurisdiction_lease_no, ''::text)
                || ' '::text || COALESCE(federal_agreement_no, ''::text) || ' '::text
                || COALESCE(legal_description, ''::text))) STORED NOT NULL;

ALTER TABLE leases
    ADD CONSTRAINT leases_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT leases_county_fips_check CHECK (county_fips ~ '^[0-9]{5}$') NOT VALID,
    ADD CONSTRAINT leases_land_class_check
        CHECK (land_class IN ('fee', 'state', 'federal', 'indian', 'mixed')) NOT VALID,
    ADD CONSTRAINT leases_federal_agreement_no_check
        CHECK (federal_agreement_no ~ '^[A-Z0-9]{10,11}$') NOT VALID,
    ADD CONSTRAINT leases_commodity_check CHECK (commodity IN ('oil', 'gas')) NOT VALID,
    ADD CONSTRAINT leases_gross_acres_check CHECK (gross_acres > 0) NOT VALID,
    ADD CONSTRAINT leases_primary_term_end_check CHECK (primary_term_end >= effective) NOT VALID,
    ADD CONSTRAINT leases_hbp_gap_days_check CHECK (hbp_gap_days BETWEEN 1 AND 730) NOT VALID;

ALTER TABLE leases
    VALIDATE CONSTRAINT leases_organization_id_facility_id_fkey,
    VALIDATE CONSTRAINT leases_county_fips_check,
    VALIDATE CONSTRAINT leases_land_class_check,
    VALIDATE CONSTRAINT leases_federal_agreement_no_check,
    VALIDATE CONSTRAINT leases_commodity_check,
    VALIDATE CONSTRAINT leases_gross_acres_check,
    VALIDATE CONSTRAINT leases_primary_term_end_check,
    VALIDATE CONSTRAINT leases_hbp_gap_days_check;

CREATE INDEX leases_county_idx ON leases (organization_id, state, county);
CREATE INDEX leases_facility_id_idx ON leases (organization_id, facility_id);
CREATE UNIQUE INDEX leases_jurisdiction_key
    ON leases (organization_id, state, district, jurisdiction_lease_no,
            commodity) NULLS NOT DISTINCT WHERE jurisdiction_lease_no IS NOT NULL;
CREATE INDEX leases_name_idx ON leases (organization_id, name);
CREATE INDEX leases_search_text_idx ON leases USING gin (search_text);
CREATE INDEX leases_status_idx ON leases (organization_id, status);

ALTER TABLE wells
    ADD COLUMN api10 text GENERATED ALWAYS AS (left(api14, 10)) STORED,
    ADD COLUMN lift_type text,
    ADD COLUMN facility_id uuid,
    ADD COLUMN spud_date date,
    ADD COLUMN completion_date date,
    ADD COLUMN plug_date date,
    ADD COLUMN md_ft numeric(9, 2),
    ADD COLUMN tvd_ft numeric(9, 2),
    ADD COLUMN elevation_ft numeric(9, 2),
    ADD COLUMN datum text DEFAULT 'WGS84' NOT NULL,
    ADD COLUMN bottom_lat numeric(9, 6),
    ADD COLUMN bottom_lon numeric(9, 6),
    ADD COLUMN pump_depth_ft numeric(9, 2),
    ADD COLUMN completion_data jsonb,
    ADD COLUMN search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(api14, ''::text) || ' '::text || COALESCE(site,
                ''::text))) STORED NOT NULL;

ALTER TABLE wells
    ADD CONSTRAINT wells_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT wells_api14_state_check
        CHECK (left(api14, 2) BETWEEN '01' AND '51' OR left(api14, 2) IN ('55', '56', '60',
                '61')) NOT VALID,
    ADD CONSTRAINT wells_bottom_check
        CHECK (bottom_lat BETWEEN -90 AND 90 AND bottom_lon BETWEEN -180 AND 180) NOT VALID,
    ADD CONSTRAINT wells_lift_type_check
        CHECK (lift_type IN ('flowing', 'rod_pump', 'pcp', 'esp', 'plunger', 'gas_lift', 'jet',
                'swab', 'none')) NOT VALID,
    ADD CONSTRAINT wells_datum_check CHECK (datum IN ('NAD27', 'NAD83', 'WGS84')) NOT VALID,
    ADD CONSTRAINT wells_md_ft_check CHECK (md_ft BETWEEN 0 AND 60000) NOT VALID,
    ADD CONSTRAINT wells_tvd_ft_check CHECK (tvd_ft BETWEEN 0 AND 40000) NOT VALID,
    ADD CONSTRAINT wells_tvd_within_md_check CHECK (tvd_ft <= md_ft) NOT VALID,
    ADD CONSTRAINT wells_pump_depth_ft_check CHECK (pump_depth_ft BETWEEN 0 AND 40000) NOT VALID,
    ADD CONSTRAINT wells_elevation_ft_check CHECK (elevation_ft BETWEEN -400 AND 15000) NOT VALID,
    ADD CONSTRAINT wells_completion_date_check CHECK (completion_date >= spud_date) NOT VALID,
    ADD CONSTRAINT wells_plug_date_check CHECK (plug_date >= spud_date) NOT VALID;

ALTER TABLE wells
    VALIDATE CONSTRAINT wells_organization_id_facility_id_fkey,
    VALIDATE CONSTRAINT wells_bottom_check,
    VALIDATE CONSTRAINT wells_lift_type_check,
    VALIDATE CONSTRAINT wells_datum_check,
    VALIDATE CONSTRAINT wells_md_ft_check,
    VALIDATE CONSTRAINT wells_tvd_ft_check,
    VALIDATE CONSTRAINT wells_tvd_within_md_check,
    VALIDATE CONSTRAINT wells_pump_depth_ft_check,
    VALIDATE CONSTRAINT wells_elevation_ft_check,
    VALIDATE CONSTRAINT wells_completion_date_check,
    VALIDATE CONSTRAINT wells_plug_date_check;

CREATE INDEX wells_facility_id_idx ON wells (organization_id, facility_id);
CREATE INDEX wells_lease_id_idx ON wells (organization_id, lease_id);
CREATE INDEX wells_search_text_idx ON wells USING gin (search_text);
CREATE INDEX wells_sort_name_idx ON wells (organization_id, name);
CREATE INDEX wells_status_idx ON wells (organization_id, status);

ALTER TABLE equipment
    ADD COLUMN facility_id uuid,
    ADD COLUMN parent_id uuid,
    ADD COLUMN criticality smallint,
    ADD COLUMN run_hours numeric(10, 1),
    ADD COLUMN installed_on date,
    ADD COLUMN warranty_until date,
    ADD COLUMN service_interval_days integer,
    ADD COLUMN specifications jsonb,
    ADD COLUMN search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(name, ''::text)
                || ' '::text || COALESCE(manufacturer, ''::text) || ' '::text || COALESCE(model,
                ''::text) || ' '::text || COALESCE(serial, ''::text))) STORED NOT NULL;

ALTER TABLE equipment
    ADD CONSTRAINT equipment_organization_id_facility_id_fkey
        FOREIGN KEY (organization_id, facility_id)
        REFERENCES facilities (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT equipment_organization_id_parent_id_fkey
        FOREIGN KEY (organization_id, parent_id)
        REFERENCES equipment (organization_id, id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT equipment_one_place_check
        CHECK (well_id IS NULL OR facility_id IS NULL) NOT VALID,
    ADD CONSTRAINT equipment_parent_id_check CHECK (parent_id <> id) NOT VALID,
    ADD CONSTRAINT equipment_criticality_check CHECK (criticality BETWEEN 1 AND 5) NOT VALID,
    ADD CONSTRAINT equipment_run_hours_check CHECK (run_hours >= 0) NOT VALID,
    ADD CONSTRAINT equipment_warranty_until_check CHECK (warranty_until >= installed_on) NOT VALID,
    ADD CONSTRAINT equipment_service_interval_days_check
        CHECK (service_interval_days > 0) NOT VALID;

ALTER TABLE equipment
    VALIDATE CONSTRAINT equipment_organization_id_facility_id_fkey,
    VALIDATE CONSTRAINT equipment_organization_id_parent_id_fkey,
    VALIDATE CONSTRAINT equipment_one_place_check,
    VALIDATE CONSTRAINT equipment_parent_id_check,
    VALIDATE CONSTRAINT equipment_criticality_check,
    VALIDATE CONSTRAINT equipment_run_hours_check,
    VALIDATE CONSTRAINT equipment_warranty_until_check,
    VALIDATE CONSTRAINT equipment_service_interval_days_check;

CREATE INDEX equipment_facility_id_idx ON equipment (organization_id, facility_id);
CREATE INDEX equipment_kind_idx ON equipment (organization_id, kind);
CREATE INDEX equipment_name_idx ON equipment (organization_id, name);
CREATE INDEX equipment_parent_id_idx ON equipment (organization_id, parent_id);
CREATE INDEX equipment_search_text_idx ON equipment USING gin (search_text);
CREATE INDEX equipment_well_id_idx ON equipment (organization_id, well_id);

-- API numbers that begin with no state code would be live data of an operator: they stay, and only
-- new ones are checked.
DO $$
BEGIN
    ALTER TABLE wells VALIDATE CONSTRAINT wells_api14_state_check;
EXCEPTION WHEN check_violation THEN
    RAISE NOTICE 'some wells have an API number without a valid state code; correct them';
END $$;
