-- Ranges of days that may not overlap need btree_gist beside the keys; it is a trusted extension, so
-- the account that migrates may create it in a database it owns.
RESET ROLE;
CREATE EXTENSION IF NOT EXISTS btree_gist;
SET ROLE wellflow_owner;

-- Whether nine digits are a routing number of the American Bankers Association: a district of the
-- Federal Reserve in front, and a check digit by the weights 3, 7, 1.
CREATE FUNCTION aba_valid(routing text)
RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN routing ~ '^(0[1-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)[0-9]{7}$'
        THEN (SELECT sum(d::int * (ARRAY[3, 7, 1])[(n - 1) % 3 + 1])
              FROM regexp_split_to_table(routing, '') WITH ORDINALITY AS t (d, n)) % 10 = 0
        ELSE false
    END
$$;
REVOKE EXECUTE ON FUNCTION aba_valid(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION aba_valid(text) TO wellflow_app, wellflow_work;
