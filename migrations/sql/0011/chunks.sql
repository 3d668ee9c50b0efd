-- Production records on TimescaleDB in chunks of ten years: every statement is planned for each
-- chunk and each of its indexes, and thirty chunks of a year took longer to plan than to read.
-- Chunks there are stay as they are; a database made anew, or moved up a tier, has these from the
-- beginning (sql/0003).
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM set_chunk_time_interval('production_records', interval '10 years');
    END IF;
END $$;
