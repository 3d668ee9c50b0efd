-- How papers go through the office: which status may follow which, what may still change, who
-- approves, what number they get. Triggers run in the order of their names: course, figures,
-- period, reversal, signature, stamp, and last of all take_number.

-- Refuses a change, in one sentence that names the field.
CREATE FUNCTION refuse(rule text, field text, sentence text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = rule, COLUMN = field,
        MESSAGE = sentence;
END $$;

-- Keeps a paper on its course. Arguments: what it is called; the statuses in which it may be edited
-- and deleted, the first of them where it begins; the columns that may change later; the moves,
-- as from>to; what to do instead of changing one that stands.
CREATE FUNCTION keep_course()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    paper constant text := TG_ARGV[0];
    editable constant text[] := string_to_array(TG_ARGV[1], ' ');
    later constant text[] := string_to_array(TG_ARGV[2], ' ');
    moves constant text[] := string_to_array(TG_ARGV[3], ' ');
    actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
    computed text[];
    changed text;
    allowed text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT OLD.status = ANY (editable) THEN
            PERFORM refuse(TG_TABLE_NAME || '_kept', 'status', format(
                'status: %s that is %s is kept; only one that is %s may be deleted.',
                paper, OLD.status, array_to_string(editable, ' or ')));
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> editable[1] THEN
            PERFORM refuse(TG_TABLE_NAME || '_begins', 'status', format(
                'status: %s begins as %s.', paper, editable[1]));
        END IF;
        NEW.created_by := coalesce(actor, NEW.created_by);
        RETURN NEW;
    END IF;
    SELECT array_agg(a.attname) INTO computed FROM pg_attribute a
    WHERE a.attrelid = TG_RELID AND a.attgenerated <> '';
    SELECT o.key INTO changed
    FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
    WHERE o.value <> n.value
      AND NOT o.key = ANY (later || coalesce(computed, '{}')
                           || ARRAY['status', 'updated_at', 'updated_by', 'row_version'])
    ORDER BY o.key LIMIT 1;
    IF NEW.status = OLD.status THEN
        IF changed IS NOT NULL AND NOT OLD.status = ANY (editable) THEN
            PERFORM refuse(TG_TABLE_NAME || '_stands', changed, format(
                '%s: %s that is %s stands as it is; %s.', changed, paper, OLD.status, TG_ARGV[4]));
        END IF;
    ELSIF NOT OLD.status || '>' || NEW.status = ANY (moves) THEN
        SELECT string_agg(split_part(m, '>', 2), ' or ') INTO allowed
        FROM unnest(moves) m WHERE split_part(m, '>', 1) = OLD.status;
        PERFORM refuse(TG_TABLE_NAME || '_course', 'status', format(
            CASE WHEN allowed IS NULL THEN 'status: %s that is %s stays so.'
                 ELSE 'status: %s that is %s may become %s, not %s.' END,
            paper, OLD.status, allowed, NEW.status));
    ELSIF changed IS NOT NULL
          AND NOT (OLD.status = ANY (editable) AND NEW.status = ANY (editable)) THEN
        PERFORM refuse(TG_TABLE_NAME || '_status_alone', changed, format(
            '%s: save this change first, then change the status by itself.', changed));
    END IF;
    RETURN NEW;
END $$;

-- Notes who approved a paper, and refuses the one who made it or last changed it. Arguments: what it
-- is called; the status that is the approval; tables of its lines, as table.column, whose makers
-- do not approve either.
CREATE FUNCTION sign_paper()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
    own boolean;
    place integer := 2;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
        RETURN NEW;
    END IF;
    NEW.approved_by := OLD.approved_by;
    NEW.approved_at := OLD.approved_at;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF NEW.status IN ('draft', 'calculated') THEN
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
    END IF;
    IF NEW.status <> TG_ARGV[1] THEN
        RETURN NEW;
    END IF;
    IF actor IS NULL OR OLD.created_by IS NULL THEN
        PERFORM refuse(TG_TABLE_NAME || '_signed', 'status', format(
            'status: %s is entered by one person and approved by another; both must be signed in.',
            TG_ARGV[0]));
    END IF;
    own := actor = OLD.created_by OR actor IS NOT DISTINCT FROM OLD.updated_by;
    WHILE place < TG_NARGS AND NOT own LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I WHERE organization_id = $1 AND %I = $2'
            ' AND (created_by = $3 OR updated_by = $3))',
            split_part(TG_ARGV[place], '.', 1), split_part(TG_ARGV[place], '.', 2))
        INTO own USING NEW.organization_id, NEW.id, actor;
        place := place + 1;
    END LOOP;
    IF own THEN
        PERFORM refuse(TG_TABLE_NAME || '_four_eyes', 'status', format(
            'status: who entered or last changed %s does not approve it; ask another person.',
            TG_ARGV[0]));
    END IF;
    NEW.approved_by := actor;
    NEW.approved_at := now();
    RETURN NEW;
END $$;

-- Keeps the lines of a paper that is no longer open. Arguments: the paper's table; the column that
-- names it; what it is called; the statuses in which lines may change; what to do instead.
-- The paper is held meanwhile, so that it cannot be approved while a line is on its way.
CREATE FUNCTION keep_lines()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    line jsonb;
    found text;
BEGIN
    FOREACH line IN ARRAY ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
                                CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END] LOOP
        CONTINUE WHEN line IS NULL;
        EXECUTE format('SELECT status FROM %I WHERE organization_id = $1 AND id = $2 FOR SHARE',
                       TG_ARGV[0])
        INTO found USING (line ->> 'organization_id')::uuid, (line ->> TG_ARGV[1])::uuid;
        IF NOT found = ANY (string_to_array(TG_ARGV[3], ' ')) THEN
            PERFORM refuse(TG_TABLE_NAME || '_stand', TG_ARGV[1], format(
                '%s: the lines of %s that is %s stand as they are; %s.',
                TG_ARGV[1], TG_ARGV[2], found, TG_ARGV[4]));
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Refuses to book into a month that is closed. Arguments: the status that books; the column of the
-- date. The month is held meanwhile, so that it cannot be closed over the booking.
CREATE FUNCTION keep_closed()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    booked date;
    found text;
BEGIN
    IF NEW.status = OLD.status OR NEW.status <> TG_ARGV[0] THEN
        RETURN NEW;
    END IF;
    booked := date_trunc('month', (to_jsonb(NEW) ->> TG_ARGV[1])::date)::date;
    SELECT p.state INTO found FROM accounting_periods p
    WHERE p.organization_id = NEW.organization_id AND p.module = 'finance' AND p.month = booked
    FOR SHARE;
    IF found = 'closed' THEN
        PERFORM refuse(TG_TABLE_NAME || '_period', TG_ARGV[1], format(
            '%s: the books of %s are closed; choose an open month, or open it again.',
            TG_ARGV[1], to_char(booked, 'YYYY-MM')));
    END IF;
    RETURN NEW;
END $$;

-- A posted row is undone by another with the opposite amounts. Arguments: what it is called; the
-- amounts that must be opposite; the columns that must be the same.
CREATE FUNCTION keep_reversal()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    mine constant jsonb := to_jsonb(NEW);
    theirs jsonb;
    undone boolean;
    name text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.posted_at := NULL;
        RETURN NEW;
    END IF;
    NEW.posted_at := OLD.posted_at;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF NEW.status = 'reversed' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE organization_id = $1'
                       ' AND reverses_id = $2 AND posted_at IS NOT NULL)', TG_TABLE_NAME)
        INTO undone USING NEW.organization_id, NEW.id;
        IF NOT undone THEN
            PERFORM refuse(TG_TABLE_NAME || '_reversed', 'status', format(
                'status: to undo %s, enter another that names it in reverses_id, and post that.',
                TG_ARGV[0]));
        END IF;
    ELSIF NEW.status = 'posted' THEN
        NEW.posted_at := now();
        IF NEW.reverses_id IS NOT NULL THEN
            EXECUTE format('SELECT to_jsonb(t) FROM %I t WHERE t.organization_id = $1'
                           ' AND t.id = $2 FOR NO KEY UPDATE', TG_TABLE_NAME)
            INTO theirs USING NEW.organization_id, NEW.reverses_id;
            IF theirs ->> 'posted_at' IS NULL OR theirs ->> 'status' = 'reversed' THEN
                PERFORM refuse(TG_TABLE_NAME || '_reverses', 'reverses_id', format(
                    'reverses_id: %s that is %s cannot be undone; it must be posted.',
                    TG_ARGV[0], theirs ->> 'status'));
            END IF;
            FOREACH name IN ARRAY string_to_array(TG_ARGV[1], ' ') LOOP
                IF (mine ->> name)::numeric <> - (theirs ->> name)::numeric THEN
                    PERFORM refuse(TG_TABLE_NAME || '_opposite', name, format(
                        '%s: %s undoes %s of the other exactly; it must be %s.', name,
                        mine ->> name, theirs ->> name, - (theirs ->> name)::numeric));
                END IF;
            END LOOP;
            FOREACH name IN ARRAY string_to_array(TG_ARGV[2], ' ') LOOP
                IF mine ->> name IS DISTINCT FROM theirs ->> name THEN
                    PERFORM refuse(TG_TABLE_NAME || '_opposite', name, format(
                        '%s: must be the same as on what it undoes.', name));
                END IF;
            END LOOP;
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- Marks what a posted row undoes.
CREATE FUNCTION mark_reversed()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    EXECUTE format('UPDATE %I SET status = ''reversed'' WHERE organization_id = $1 AND id = $2',
                   TG_TABLE_NAME)
    USING NEW.organization_id, NEW.reverses_id;
    RETURN NULL;
END $$;

-- Draws the next number of a series as a paper is approved; nobody else may. The row of the series
-- is locked as the last thing an approval does, and a failed approval gives its number back.
CREATE FUNCTION take_number()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.number := NULL;
        RETURN NEW;
    END IF;
    NEW.number := OLD.number;
    IF NEW.number IS NULL AND NEW.status = 'approved' THEN
        INSERT INTO number_series AS s (organization_id, series, last_number)
        VALUES (NEW.organization_id, TG_ARGV[0], 1)
        ON CONFLICT (organization_id, series) DO UPDATE SET last_number = s.last_number + 1
        RETURNING s.last_number INTO NEW.number;
    END IF;
    RETURN NEW;
END $$;

REVOKE EXECUTE ON FUNCTION
    refuse(text, text, text), keep_course(), sign_paper(), keep_lines(), keep_closed(),
    keep_reversal(), mark_reversed(), take_number()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refuse(text, text, text) TO wellflow_app, wellflow_work;
