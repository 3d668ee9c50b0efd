-- Lists of tables with millions of rows: by what they are sorted, and with which index.
--
-- A column with few values (quality, kind, source) has millions of rows for one of them. Sorted by
-- it and by key, an index of value, day and key is of no use to the filter "quality is bad, newest
-- day first"; so where such an index is, lists sorted by its column have the day before the key,
-- and one index serves both. Who asks says that its cursors carry the day ("tied").

CREATE INDEX production_records_hours_idx ON production_records (organization_id, hours_on, id);
CREATE INDEX production_records_kind_idx
    ON production_records (organization_id, record_kind, production_date, id);
CREATE INDEX production_records_source_idx
    ON production_records (organization_id, source, production_date, id);
CREATE INDEX production_records_quality_idx
    ON production_records (organization_id, quality, production_date, id);

-- Whether an index has this column, and then the one beside the key.
CREATE FUNCTION register_tied(relation regclass, sort text, beside text)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_index i
        JOIN pg_attribute s ON s.attrelid = relation AND s.attname = sort AND s.attnotnull
            AND s.attnum = i.indkey[1]
        JOIN pg_attribute b ON b.attrelid = relation AND b.attname = beside
            AND b.attnum = i.indkey[2]
        WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL)
$$;

-- The values of an "in", known while a statement is planned: so that their statistics count.
CREATE FUNCTION register_among(told jsonb)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT jsonb_array_elements_text(told));
END $$;

-- One condition, its value taken from place `number` of the conditions in $2.
CREATE OR REPLACE FUNCTION register_condition(relation regclass, number integer, condition jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    name text := condition ->> 'column';
    type text := register_type(relation, name);
    place text := format('($2 -> %s ->> ''value'')', number);
    given text := format('%s::%s', place, type);
BEGIN
    CASE condition ->> 'op'
        WHEN 'eq' THEN RETURN format('t.%I = %s', name, given);
        WHEN 'ne' THEN RETURN format('t.%I IS DISTINCT FROM %s', name, given);
        WHEN 'gt' THEN RETURN format('t.%I > %s', name, given);
        WHEN 'gte' THEN RETURN format('t.%I >= %s', name, given);
        WHEN 'lt' THEN RETURN format('t.%I < %s', name, given);
        WHEN 'lte' THEN RETURN format('t.%I <= %s', name, given);
        WHEN 'in' THEN RETURN format(
            't.%I = ANY (register_among($2 -> %s -> ''value'')::%s[])', name, number, type);
        WHEN 'is_null' THEN RETURN format('(t.%I IS NULL) = %s::boolean', name, place);
        WHEN 'contains' THEN
            IF type LIKE '%[]' THEN
                RETURN format('%s = ANY (t.%I::text[])', place, name);
            END IF;
            RETURN format('t.%I::text ILIKE ''%%'' || register_literal(%s) || ''%%''', name, place);
        ELSE RAISE EXCEPTION 'no condition %', quote_literal(condition ->> 'op')
            USING ERRCODE = 'invalid_parameter_value';
    END CASE;
END $$;

-- Keys of a list in order, from a place on. Empty values come last either way: first the rows with
-- a value, by index, then those without one.
CREATE OR REPLACE FUNCTION register_list(
    name text, conditions jsonb, words text[], columns text[], sort text, descending boolean,
    backward boolean, place jsonb, beside text, wanted integer
)
RETURNS TABLE (key text, other text, value text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization uuid := nullif(current_setting('app.organization_id', true), '')::uuid;
    relation regclass := register_table(name);
    type text := register_type(relation, sort);
    key_type text := register_type(relation, 'id');
    met text := register_where(relation, conditions, words, columns);
    source text := register_source(relation, conditions, organization);
    second text := 'NULL';
    tie text := '';
    way text := CASE WHEN descending <> backward THEN 'DESC' ELSE 'ASC' END;
    beyond text := CASE WHEN descending <> backward THEN '<' ELSE '>' END;
    at text := CASE WHEN place ->> 'value' IS NULL THEN 'without' ELSE 'with' END;
    zones text[] := ARRAY['with', 'without'];
    zone text;
    step text;
    reached boolean := place ->> 'key' IS NULL;
    found integer;
BEGIN
    IF beside IS NOT NULL THEN
        PERFORM register_type(relation, beside);
        second := format('t.%I', beside);
        IF (place ->> 'tied')::boolean AND (reached OR place ->> 'other' IS NOT NULL)
                AND register_tied(relation, sort, beside) THEN
            tie := second || ',';
        END IF;
    END IF;
    IF (SELECT a.attnotnull FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attname = sort) THEN
        zones := ARRAY['with'];
        at := 'with';
    ELSIF backward THEN
        zones := ARRAY['without', 'with'];
    END IF;
    FOREACH zone IN ARRAY zones LOOP
        CONTINUE WHEN NOT reached AND zone <> at;
        step := met;
        IF cardinality(zones) > 1 THEN
            step := step || format(' AND t.%I IS %s NULL', sort,
                                   CASE zone WHEN 'with' THEN 'NOT' ELSE '' END);
        END IF;
        IF NOT reached THEN
            step := step || CASE
                WHEN zone = 'without' OR sort = 'id'
                THEN format(' AND t.id %s ($4 ->> ''key'')::%s', beyond, key_type)
                WHEN tie <> '' THEN format(
                    ' AND (t.%I, t.%I, t.id) %s'
                    ' (($4 ->> ''value'')::%s, ($4 ->> ''other'')::%s, ($4 ->> ''key'')::%s)',
                    sort, beside, beyond, type, register_type(relation, beside), key_type)
                ELSE format(' AND (t.%I, t.id) %s (($4 ->> ''value'')::%s, ($4 ->> ''key'')::%s)',
                            sort, beyond, type, key_type)
            END;
        END IF;
        reached := true;
        RETURN QUERY EXECUTE format(
            'SELECT t.id::text, %s::text, t.%I::text FROM %s WHERE %s ORDER BY %s t.id %s LIMIT $5',
            second, sort, source, step,
            CASE WHEN zone = 'with' AND sort <> 'id' THEN format('t.%I %s,', sort, way) ELSE '' END
            || CASE WHEN tie <> '' THEN format('t.%I %s,', beside, way) ELSE '' END,
            way)
        USING organization, conditions, words, place, wanted;
        GET DIAGNOSTICS found = ROW_COUNT;
        wanted := wanted - found;
        EXIT WHEN wanted <= 0;
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION register_tied(regclass, text, text), register_among(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register_tied(regclass, text, text), register_among(jsonb)
    TO wellflow_app;
