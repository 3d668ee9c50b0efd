-- Production records on TimescaleDB, either edition: a hypertable of one-year chunks, never
-- compressed (row level security excludes it), kept for ever. Also run by a move up a tier.
SELECT create_hypertable('production_records', by_range('production_date', interval '1 year'),
                         create_default_indexes => false, migrate_data => true);
