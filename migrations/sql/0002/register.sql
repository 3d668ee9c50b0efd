-- Lists, counts and facets of the register.
--
-- Under row level security an operator that is not leakproof (numeric, LIKE, full text) cannot use
-- an index. So these functions look as the owner, in the rows of one organization only, and answer
-- keys; the rows themselves are then read by key under row level security. They look at no column
-- that wellflow_app may not read. A pumper's rows are fewer than the organization's, so for pumpers
-- the same statements run under row level security instead (`register_list` and its like, which
-- whoever calls runs with rights of their own).
--
-- Conditions are [{"column": …, "op": …, "value": …}, …]. Names go into statements by format('%I')
-- after a look in the catalog; values only ever as parameters.

CREATE FUNCTION register_table(name text)
RETURNS regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found regclass;
BEGIN
    SELECT c.oid INTO found FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname = name AND c.relkind IN ('r', 'p');
    IF found IS NULL OR NOT has_any_column_privilege('wellflow_app', found, 'SELECT') THEN
        RAISE EXCEPTION 'no table % to list', quote_ident(name) USING ERRCODE = 'undefined_table';
    END IF;
    RETURN found;
END $$;

-- Type of a column that may be read, for casts; without its modifier, so that nothing is rounded.
CREATE FUNCTION register_type(relation regclass, name text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found text;
BEGIN
    SELECT format_type(a.atttypid, -1) INTO found FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped
      AND has_column_privilege('wellflow_app', relation, a.attnum, 'SELECT');
    IF found IS NULL THEN
        RAISE EXCEPTION 'no column % of % to read', quote_ident(name), relation
            USING ERRCODE = 'undefined_column';
    END IF;
    RETURN found;
END $$;

-- One condition, its value taken from place `number` of the conditions in $2.
CREATE FUNCTION register_condition(relation regclass, number integer, condition jsonb)
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
            't.%I = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> %s -> ''value''))::%s[])',
            name, number, type);
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

-- Words as they are, for LIKE.
CREATE FUNCTION register_literal(words text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
RETURN regexp_replace(words, '([\\%_])', '\\\1', 'g');

-- The condition that every word of a search (in $3) begins a word of the row: by its search vector
-- where it has one, else anywhere in one of the columns named.
CREATE FUNCTION register_words(relation regclass, words text[], columns text[])
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found text;
    name text;
    number integer;
    every text[] := '{}';
BEGIN
    IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation
               AND a.attname = 'search_text' AND a.atttypid = 'tsvector'::regtype) THEN
        RETURN 't.search_text @@ to_tsquery(''simple'', (SELECT string_agg('
               'quote_literal(word) || '':*'', '' & '') FROM unnest($3) word))';
    END IF;
    FOR number IN 1 .. cardinality(words) LOOP
        found := 'false';
        FOREACH name IN ARRAY columns LOOP
            PERFORM register_type(relation, name);
            found := found || format(
                ' OR t.%I::text ILIKE ''%%'' || register_literal($3[%s]) || ''%%''', name, number);
        END LOOP;
        every := every || format('(%s)', found);
    END LOOP;
    RETURN array_to_string(every, ' AND ');
END $$;

-- Everything a list's rows must meet; first of all that they are the organization's ($1).
CREATE FUNCTION register_where(relation regclass, conditions jsonb, words text[], columns text[])
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
    FOR number IN 0 .. coalesce(jsonb_array_length(conditions), 0) - 1 LOOP
        found := found || ' AND ' || register_condition(relation, number, conditions -> number);
    END LOOP;
    IF cardinality(words) > 0 THEN
        found := found || ' AND ' || register_words(relation, words, columns);
    END IF;
    RETURN found;
END $$;

-- A column of the conditions that bounds numbers and leads an index, or null. The planner knows
-- nothing of how many rows such a bound leaves: under row level security, even under a policy that
-- allows all, statistics serve leakproof operators only, and those of numeric are not. Asked in the
-- order of that column it takes the index.
CREATE FUNCTION register_bound(relation regclass, conditions jsonb)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT a.attname::text
    FROM jsonb_array_elements(conditions) WITH ORDINALITY AS c (told, n)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attname = c.told ->> 'column'
        AND a.atttypid = 'numeric'::regtype
    WHERE c.told ->> 'op' IN ('eq', 'gt', 'gte', 'lt', 'lte')
      AND EXISTS (SELECT FROM pg_index i JOIN pg_attribute o
                      ON o.attrelid = i.indrelid AND o.attnum = i.indkey[0]
                  WHERE i.indrelid = relation AND o.attname = 'organization_id'
                    AND i.indkey[1] = a.attnum AND i.indpred IS NULL AND i.indisvalid)
    ORDER BY c.n LIMIT 1
$$;

-- What a list is read from: the table; or, where a bound on numbers leaves at most 5,000 rows, just
-- those, by their index, whatever order is asked.
CREATE FUNCTION register_source(relation regclass, conditions jsonb, organization uuid)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    bound text := register_bound(relation, conditions);
    met text := 't.organization_id = $1';
    few text;
    number integer;
    counted bigint;
BEGIN
    IF bound IS NULL OR current_user = 'wellflow_app' THEN
        RETURN format('%s t', relation);
    END IF;
    FOR number IN 0 .. jsonb_array_length(conditions) - 1 LOOP
        IF conditions -> number ->> 'column' = bound THEN
            met := met || ' AND ' || register_condition(relation, number, conditions -> number);
        END IF;
    END LOOP;
    few := format('FROM %s t WHERE %s ORDER BY t.%I LIMIT 5001', relation, met, bound);
    EXECUTE format('SELECT count(*) FROM (SELECT %s) s', few)
    INTO counted USING organization, conditions;
    RETURN CASE WHEN counted > 5000 THEN format('%s t', relation)
                ELSE format('(SELECT t.* %s) t', few) END;
END $$;

-- Keys of a list in order, from a place on. Empty values come last either way: first the rows with
-- a value, by index, then those without one.
CREATE FUNCTION register_list(
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
    way text := CASE WHEN descending <> backward THEN 'DESC' ELSE 'ASC' END;
    beyond text := CASE WHEN descending <> backward THEN '<' ELSE '>' END;
    at text := CASE WHEN place ->> 'value' IS NULL THEN 'without' ELSE 'with' END;
    zones text[] := ARRAY['with', 'without'];
    zone text;
    step text;
    reached boolean := place IS NULL;
    found integer;
BEGIN
    IF beside IS NOT NULL THEN
        PERFORM register_type(relation, beside);
        second := format('t.%I', beside);
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
                ELSE format(' AND (t.%I, t.id) %s (($4 ->> ''value'')::%s, ($4 ->> ''key'')::%s)',
                            sort, beyond, type, key_type)
            END;
        END IF;
        reached := true;
        RETURN QUERY EXECUTE format(
            'SELECT t.id::text, %s::text, t.%I::text FROM %s WHERE %s ORDER BY %s t.id %s LIMIT $5',
            second, sort, source, step,
            CASE WHEN zone = 'with' AND sort <> 'id' THEN format('t.%I %s,', sort, way) ELSE '' END,
            way)
        USING organization, conditions, words, place, wanted;
        GET DIAGNOSTICS found = ROW_COUNT;
        wanted := wanted - found;
        EXIT WHEN wanted <= 0;
    END LOOP;
END $$;

-- How many rows a list has; counting stops at `most`.
CREATE FUNCTION register_number(
    name text, conditions jsonb, words text[], columns text[], most integer
)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    relation regclass := register_table(name);
    bound text := register_bound(relation, conditions);
    found bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s t WHERE %s %s LIMIT $4) s', relation,
                   register_where(relation, conditions, words, columns),
                   coalesce('ORDER BY t.' || quote_ident(bound), ''))
    INTO found
    USING nullif(current_setting('app.organization_id', true), '')::uuid, conditions, words, most;
    RETURN found;
END $$;

-- How often each value of some columns occurs among the first `most` rows of a list: all of them,
-- or else at least so often. `complete` tells which. Rows that are alike are counted together first:
-- values in question are few, rows many.
CREATE FUNCTION register_values(
    name text, conditions jsonb, words text[], columns text[], facets text[], most integer
)
RETURNS TABLE (facet text, value text, number bigint, complete boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    organization uuid := nullif(current_setting('app.organization_id', true), '')::uuid;
    relation regclass := register_table(name);
    facet_name text;
    listed text;
    alike text;
    pairs text;
BEGIN
    FOREACH facet_name IN ARRAY facets LOOP
        PERFORM register_type(relation, facet_name);
    END LOOP;
    SELECT string_agg(format('t.%I AS f%s', f, n), ', '), string_agg(format('f%s', n), ', '),
           string_agg(format('(%L, s.f%s::text)', f, n), ', ')
    INTO listed, alike, pairs FROM unnest(facets) WITH ORDINALITY AS u (f, n);
    RETURN QUERY EXECUTE format(
        'WITH s AS MATERIALIZED (SELECT %s, count(*) AS n'
        ' FROM (SELECT %s FROM %s t WHERE %s LIMIT $4) l GROUP BY %s)'
        ' SELECT p.facet, p.value, sum(s.n)::bigint, (SELECT sum(n) < $4 FROM s)'
        ' FROM s CROSS JOIN LATERAL (VALUES %s) AS p (facet, value)'
        ' GROUP BY p.facet, p.value ORDER BY p.facet, sum(s.n) DESC, p.value',
        alike, listed, relation, register_where(relation, conditions, words, columns), alike, pairs)
    USING nullif(current_setting('app.organization_id', true), '')::uuid, conditions, words, most;
END $$;

-- The same as the owner, for everybody who sees all of the organization's rows.

CREATE FUNCTION register_whole()
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF current_setting('app.role', true) = 'pumper' THEN
        RAISE EXCEPTION 'a pumper''s rows are listed under row level security'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION register_keys(
    name text, conditions jsonb, words text[], columns text[], sort text, descending boolean,
    backward boolean, place jsonb, beside text, wanted integer
)
RETURNS TABLE (key text, other text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM register_whole();
    RETURN QUERY SELECT * FROM register_list(
        name, conditions, words, columns, sort, descending, backward, place, beside, wanted);
END $$;

CREATE FUNCTION register_count(
    name text, conditions jsonb, words text[], columns text[], most integer
)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM register_whole();
    RETURN register_number(name, conditions, words, columns, most);
END $$;

CREATE FUNCTION register_facets(
    name text, conditions jsonb, words text[], columns text[], facets text[], most integer
)
RETURNS TABLE (facet text, value text, number bigint, complete boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM register_whole();
    RETURN QUERY SELECT * FROM register_values(name, conditions, words, columns, facets, most);
END $$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT p.oid FROM pg_proc p
                WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'register\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO wellflow_app', made);
    END LOOP;
END $$;
