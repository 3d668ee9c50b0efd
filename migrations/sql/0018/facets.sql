-- Facets of free words have thousands of values, of which a list shows twenty: only the most frequent
-- of each leave the database. What was looked at is told beside them, so that nobody counts twice.

-- How often each of the 100 most frequent values of some columns occurs among the first `most` rows
-- of a list: all of them, or else at least so often; `complete` tells which. The row without a facet
-- says how many rows were looked at. Rows that are alike are counted together first: values in
-- question are few, rows many.
CREATE OR REPLACE FUNCTION register_values(
    name text, conditions jsonb, words text[], columns text[], facets text[], most integer
)
RETURNS TABLE (facet text, value text, number bigint, complete boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    relation regclass := register_table(name);
    facet_name text;
    listed text;
    alike text;
    alone text;
    texts text;
    masks text;
    whole bigint := (1::bigint << cardinality(facets)) - 1;  -- GROUPING() of what is not grouped
BEGIN
    FOREACH facet_name IN ARRAY facets LOOP
        PERFORM register_type(relation, facet_name);
    END LOOP;
    SELECT string_agg(format('t.%I AS f%s', f, n), ', '), string_agg(format('f%s', n), ', '),
           string_agg(format('(f%s)', n), ', '), string_agg(format('f%s::text', n), ', '),
           string_agg(format('(%L, %s)', f, whole - (1::bigint << (cardinality(facets) - n)::integer)), ', ')
    INTO listed, alike, alone, texts, masks FROM unnest(facets) WITH ORDINALITY AS u (f, n);
    RETURN QUERY EXECUTE format(
        'WITH s AS MATERIALIZED (SELECT %1$s, count(*) AS n'
        ' FROM (SELECT %2$s FROM %3$s t WHERE %4$s LIMIT $4) l GROUP BY %1$s),'
        ' c AS MATERIALIZED (SELECT GROUPING(%1$s) AS g, coalesce(%5$s) AS v, sum(n)::bigint AS n'
        ' FROM s GROUP BY GROUPING SETS (%6$s, ())),'
        ' w AS (SELECT coalesce(sum(n), 0)::bigint AS n FROM c WHERE g = %7$s)'
        ' SELECT NULL::text, NULL::text, w.n, w.n < $4 FROM w UNION ALL'
        ' SELECT m.f, p.v, p.n, w.n < $4 FROM w CROSS JOIN (VALUES %8$s) AS m (f, g)'
        ' CROSS JOIN LATERAL (SELECT c.v, c.n FROM c WHERE c.g = m.g ORDER BY c.n DESC, c.v'
        ' LIMIT 100) p',
        alike, listed, relation, register_where(relation, conditions, words, columns), texts, alone,
        whole, masks)
    USING nullif(current_setting('app.organization_id', true), '')::uuid, conditions, words, most;
END $$;
