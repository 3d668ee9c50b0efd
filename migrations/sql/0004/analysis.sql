-- Forecasts and benchmarks.

-- How the operator stands among comparable wells: one figure of one month.
CREATE TABLE benchmarks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    metric text NOT NULL,
    cohort text NOT NULL,
    cohort_def jsonb,
    period date NOT NULL,
    unit text,
    n integer NOT NULL,
    p10 numeric(14, 4),
    p25 numeric(14, 4),
    p50 numeric(14, 4),
    p75 numeric(14, 4),
    p90 numeric(14, 4),
    value_self numeric(14, 4),
    percentile_self numeric(5, 2),
    source text NOT NULL,
    licence text,
    computed_at timestamptz DEFAULT now() NOT NULL,
    name text
        GENERATED ALWAYS AS (metric || ' '::text || EXTRACT(year FROM period)::text
            || '-'::text || lpad(EXTRACT(month FROM period)::text, 2, '0'::text)) STORED NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(cohort, ''::text)
            || ' '::text || COALESCE(source, ''::text))) STORED NOT NULL,
    CONSTRAINT benchmarks_pkey PRIMARY KEY (id),
    CONSTRAINT benchmarks_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT benchmarks_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT benchmarks_organization_id_metric_cohort_period_key UNIQUE (organization_id,
            metric, cohort, period),
    CONSTRAINT benchmarks_metric_check
        CHECK (metric IN ('loe_per_boe', 'uptime_pct', 'failures_per_well_year',
            'decline_year_1', 'water_cut', 'bbl_per_pumper_hour', 'days_to_close',
            'netback_per_boe', 'gas_flared_pct')),
    CONSTRAINT benchmarks_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT benchmarks_n_check CHECK (n >= 0),
    CONSTRAINT benchmarks_cohort_of_5_check
        CHECK (n >= 5 OR num_nonnulls(p10, p25, p50, p75, p90) = 0),
    CONSTRAINT benchmarks_order_check
        CHECK (p10 <= p25 AND p25 <= p50 AND p50 <= p75 AND p75 <= p90),
    CONSTRAINT benchmarks_percentile_self_check CHECK (percentile_self BETWEEN 0 AND 100)
);
CREATE INDEX benchmarks_period_idx ON benchmarks (organization_id, period);
CREATE INDEX benchmarks_search_text_idx ON benchmarks USING gin (search_text);

-- An expectation of one product's rate, fitted to the past or set by hand.
CREATE TABLE forecasts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    lease_id uuid,
    completion_id uuid,
    product text DEFAULT 'oil' NOT NULL,
    scenario text DEFAULT 'base' NOT NULL,
    as_of date NOT NULL,
    model text DEFAULT 'modified_hyperbolic' NOT NULL,
    qi numeric(14, 4),
    di_eff_secant numeric(12, 8),
    b numeric(12, 8),
    dterm numeric(12, 8),
    t0 date,
    fit_from date,
    fit_to date,
    exclusions jsonb,
    n integer,
    rmse_log numeric(12, 8),
    covariance jsonb,
    q_limit numeric(14, 4),
    eur_low numeric(14, 4),
    eur_mid numeric(14, 4),
    eur_high numeric(14, 4),
    library text,
    input_sha256 text,
    status text DEFAULT 'draft' NOT NULL,
    note text,
    name text
        GENERATED ALWAYS AS (product || ' '::text || scenario || ' '::text
            || EXTRACT(year FROM as_of)::text || '-'::text
            || lpad(EXTRACT(month FROM as_of)::text, 2, '0'::text)) STORED NOT NULL,
    approved_by uuid,
    approved_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    search_text tsvector
        GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, COALESCE(scenario, ''::text)
            || ' '::text || COALESCE(note, ''::text))) STORED NOT NULL,
    CONSTRAINT forecasts_pkey PRIMARY KEY (id),
    CONSTRAINT forecasts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT forecasts_organization_id_lease_id_fkey FOREIGN KEY (organization_id, lease_id)
        REFERENCES leases (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT forecasts_organization_id_completion_id_fkey FOREIGN KEY (organization_id,
            completion_id)
        REFERENCES completions (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT forecasts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT forecasts_as_of_key UNIQUE NULLS NOT DISTINCT (organization_id, lease_id,
            completion_id, product, scenario, as_of),
    CONSTRAINT forecasts_subject_check CHECK (num_nonnulls(lease_id, completion_id) = 1),
    CONSTRAINT forecasts_product_check CHECK (product IN ('oil', 'gas', 'ngl', 'water')),
    CONSTRAINT forecasts_model_check
        CHECK (model IN ('exponential', 'harmonic', 'hyperbolic', 'modified_hyperbolic',
            'type_curve')),
    CONSTRAINT forecasts_qi_check CHECK (qi > 0),
    CONSTRAINT forecasts_di_eff_secant_check CHECK (di_eff_secant > 0 AND di_eff_secant < 1),
    CONSTRAINT forecasts_b_check CHECK (b >= 0 AND b <= 2),
    CONSTRAINT forecasts_dterm_check CHECK (dterm > 0 AND dterm < 1),
    CONSTRAINT forecasts_terminal_check CHECK (b <= 1 OR dterm IS NOT NULL),
    CONSTRAINT forecasts_fit_to_check CHECK (fit_to >= fit_from),
    CONSTRAINT forecasts_n_check CHECK (n >= 0),
    CONSTRAINT forecasts_eur_check CHECK (eur_low <= eur_mid AND eur_mid <= eur_high),
    CONSTRAINT forecasts_input_sha256_check CHECK (input_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT forecasts_status_check CHECK (status IN ('draft', 'approved', 'archived'))
);
CREATE INDEX forecasts_as_of_idx ON forecasts (organization_id, as_of);
CREATE INDEX forecasts_completion_idx ON forecasts (organization_id, completion_id, as_of);
CREATE INDEX forecasts_lease_idx ON forecasts (organization_id, lease_id, as_of);
CREATE INDEX forecasts_search_text_idx ON forecasts USING gin (search_text);
CREATE INDEX forecasts_status_idx ON forecasts (organization_id, status, as_of);

-- The expected volume of one month of a forecast.
CREATE TABLE forecast_points (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    forecast_id uuid NOT NULL,
    period date NOT NULL,
    low numeric(14, 4),
    mid numeric(14, 4) NOT NULL,
    high numeric(14, 4),
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    created_by uuid,
    updated_by uuid,
    row_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT forecast_points_pkey PRIMARY KEY (id),
    CONSTRAINT forecast_points_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE RESTRICT,
    CONSTRAINT forecast_points_organization_id_forecast_id_fkey FOREIGN KEY (organization_id,
            forecast_id)
        REFERENCES forecasts (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT forecast_points_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT forecast_points_organization_id_forecast_id_period_key UNIQUE (organization_id,
            forecast_id, period),
    CONSTRAINT forecast_points_period_is_month_check CHECK (extract(day FROM period) = 1),
    CONSTRAINT forecast_points_mid_check CHECK (mid >= 0),
    CONSTRAINT forecast_points_low_check CHECK (low >= 0 AND low <= mid),
    CONSTRAINT forecast_points_high_check CHECK (high >= mid)
);
CREATE INDEX forecast_points_period_idx ON forecast_points (organization_id, period);
