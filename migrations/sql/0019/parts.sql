-- Which part of a table a list is sorted in. Sorted by what has an index, a list is read in that
-- order, until enough rows meet the rest: the planner takes for granted that those lie everywhere.
-- The best days of the weakest well lie at the very end, and all the others' were read before
-- (14 s of 5.5 million). A part that is small is rather read whole, and sorted.

-- Columns of the conditions that lead to a part by an index, the smallest part first; how many rows
-- are worth reading whole; in which order, where the planner must be told to take the index.
--
-- It must be told of bounds on numbers: under row level security, even under a policy that allows
-- all, statistics serve leakproof operators only, and those of numeric are not. For a pumper their
-- index is of no use at all.
CREATE FUNCTION register_parts(relation regclass, conditions jsonb, sort text)
RETURNS TABLE (part text, most integer, ordered text)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH asked AS (
        SELECT a.attname::text AS name, a.atttypid AS type, a.attnum AS place,
               bool_or(c.told ->> 'op' = 'eq') AS same,
               bool_or(c.told ->> 'op' IN ('gt', 'gte')) AS low,
               bool_or(c.told ->> 'op' IN ('lt', 'lte')) AS high
        FROM jsonb_array_elements(conditions) AS c (told)
        JOIN pg_attribute a ON a.attrelid = relation AND a.attname = c.told ->> 'column'
        GROUP BY 1, 2, 3
    ), led AS (
        SELECT asked.*, coalesce(bool_or(third.attname = sort), false) AS sorted
        FROM asked
        JOIN pg_index i ON i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL
            AND i.indkey[1] = asked.place
        JOIN pg_attribute first ON first.attrelid = relation AND first.attnum = i.indkey[0]
            AND first.attname = 'organization_id'
        LEFT JOIN pg_attribute third ON third.attrelid = relation AND third.attnum = i.indkey[2]
        GROUP BY asked.name, asked.type, asked.place, asked.same, asked.low, asked.high
    )
    SELECT name, most, ordered
    FROM (
        SELECT name, 1 AS turn, 25000 AS most, '' AS ordered FROM led
        WHERE type = 'uuid'::regtype AND same AND NOT sorted AND name <> sort
        UNION ALL
        SELECT name, 2, 50000, format('ORDER BY t.%I', name) FROM led
        WHERE type = 'numeric'::regtype AND (same OR low OR high)
          AND name <> sort AND current_user <> 'wellflow_app'
        UNION ALL
        SELECT name, 3, 50000, '' FROM led
        WHERE type = 'date'::regtype AND (same OR low AND high) AND name <> sort
    ) parts
    ORDER BY turn, name
$$;

DROP FUNCTION register_source(regclass, jsonb, uuid);

-- What a list is read from: the part of a table that holds all it asks for, if it is small.
CREATE FUNCTION register_source(
    relation regclass, conditions jsonb, sort text, organization uuid
)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    chosen record;
    met text;
    few text;
    counted bigint;
BEGIN
    FOR chosen IN SELECT * FROM register_parts(relation, conditions, sort) LOOP
        SELECT string_agg(register_condition(relation, (n - 1)::integer, told), ' AND ')
        INTO met FROM jsonb_array_elements(conditions) WITH ORDINALITY AS c (told, n)
        WHERE told ->> 'column' = chosen.part;
        few := format('FROM %s t WHERE t.organization_id = $1 AND %s %s LIMIT %s',
                      relation, met, chosen.ordered, chosen.most + 1);
        EXECUTE format('SELECT count(*) FROM (SELECT %s) s', few)
        INTO counted USING organization, conditions;
        IF counted <= chosen.most THEN
            RETURN format('(SELECT t.* %s) t', few);
        END IF;
    END LOOP;
    RETURN format('%s t', relation);
END $$;

REVOKE EXECUTE ON FUNCTION register_parts(regclass, jsonb, text),
    register_source(regclass, jsonb, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register_parts(regclass, jsonb, text),
    register_source(regclass, jsonb, text, uuid) TO wellflow_app;
