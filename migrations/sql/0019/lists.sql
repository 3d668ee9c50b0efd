-- Everything a list's rows must meet; first of all that they are the organization's ($1).
--
-- A pumper's wells are named although a policy keeps to them: said by a policy for pumpers alone it
-- leads to no index, and of 5.5 million records a route of ten wells has one in fifty.
CREATE OR REPLACE FUNCTION register_where(relation regclass, conditions jsonb, words text[], columns text[])
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found text;
    number integer;
BEGIN
    IF nullif(current_setting('app.organization_id', true), '') IS NULL THEN
        RAISE EXCEPTION 'no organization is set for this transaction'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    CASE
        WHEN relation = 'organizations'::regclass THEN found := 't.id = $1';
        WHEN relation = 'users'::regclass THEN
            found := 't.id IN (SELECT m.user_id FROM memberships m WHERE m.organization_id = $1)';
        WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation
                     AND a.attname = 'organization_id' AND NOT a.attisdropped) THEN
            found := 't.organization_id = $1';
        ELSE RAISE EXCEPTION '% belongs to no organization', relation
            USING ERRCODE = 'insufficient_privilege';
    END CASE;
    IF relation = 'production_records'::regclass AND current_setting('app.role', true) = 'pumper' THEN
        found := found || ' AND t.well_id = ANY (ARRAY(SELECT assigned_wells()))';
    END IF;
    FOR number IN 0 .. coalesce(jsonb_array_length(conditions), 0) - 1 LOOP
        found := found || ' AND ' || register_condition(relation, number, conditions -> number);
    END LOOP;
    IF cardinality(words) > 0 THEN
        found := found || ' AND ' || register_words(relation, words, columns);
    END IF;
    RETURN found;
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
    given text := CASE type WHEN 'date' THEN format('register_day(%s)', place)
                       ELSE format('%s::%s', place, type) END;
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
-- a value, by index, then those without one. Only those are written as texts that are told.
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
    source text := register_source(relation, conditions, sort, organization);
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
            'SELECT l.k::text, l.o::text, l.v::text FROM (SELECT t.id AS k, %s AS o, t.%I AS v'
            ' FROM %s WHERE %s ORDER BY %s t.id %s LIMIT $5) l',
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
