-- How an incident goes from suspicion to closing, and what the database itself notes of it.

-- An incident that is given no number gets the next one that is free.
CREATE FUNCTION number_incident()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    drawn integer;
BEGIN
    WHILE NEW.incident_no = '' OR drawn IS NOT NULL AND EXISTS (
        SELECT FROM incidents i
        WHERE i.organization_id = NEW.organization_id AND i.incident_no = NEW.incident_no) LOOP
        INSERT INTO number_series AS s (organization_id, series, last_number)
        VALUES (NEW.organization_id, 'incident', 1)
        ON CONFLICT (organization_id, series) DO UPDATE SET last_number = s.last_number + 1
        RETURNING s.last_number INTO drawn;
        NEW.incident_no := 'I-' || lpad(drawn::text, 4, '0');
    END LOOP;
    RETURN NEW;
END $$;

-- Which facts a change makes milder: volumes and numbers of people that shrink, a yes that becomes
-- a no, a protection that is said to have held after all, a later hour of knowledge.
CREATE FUNCTION milder_facts(told jsonb, now_told jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT coalesce(array_agg(f.name ORDER BY f.name), '{}')
    FROM (
        SELECT n AS name FROM unnest(ARRAY[
            'released_low', 'released', 'released_high', 'gas_low', 'gas', 'gas_high',
            'h2s_lb_low', 'h2s_lb', 'h2s_lb_high', 'h2s_ppm', 'water_tds_ppm', 'property_damage',
            'injured', 'first_aid_cases', 'medical_cases', 'restricted_cases',
            'days_away_cases', 'deaths', 'hospitalised', 'amputations', 'eye_losses']) n
        WHERE (told ->> n)::numeric > coalesce((now_told ->> n)::numeric, -1)
        UNION ALL
        SELECT n FROM unnest(ARRAY[
            'reached_water', 'threatens_water', 'sensitive_area', 'endangers_health',
            'threatens_property', 'h2s_uncontrolled', 'fire', 'explosion', 'lightning', 'blowout',
            'emergency', 'major', 'significant', 'pipeline', 'coastal', 'offshore', 'h2s_plan',
            'federal_lease']) n
        WHERE (told ->> n)::boolean AND (now_told ->> n)::boolean IS NOT TRUE
        UNION ALL
        SELECT n FROM unnest(ARRAY['inside_containment', 'on_site']) n
        WHERE NOT (told ->> n)::boolean AND (now_told ->> n)::boolean IS NOT FALSE
        UNION ALL
        SELECT n FROM unnest(ARRAY['occurred_at', 'discovered_at', 'discharge_stopped_at',
                                   'cleanup_ended_on']) n
        WHERE (told ->> n)::timestamptz < coalesce((now_told ->> n)::timestamptz, 'infinity')
        UNION ALL
        SELECT n FROM unnest(ARRAY['fluid', 'state', 'built_on', 'incident_class']) n
        WHERE told ->> n <> coalesce(now_told ->> n, '')
    ) f
$$;

-- Writes changed facts into the timeline. What makes them milder could end what an agency is owed:
-- only a manager does that, and says why.
CREATE FUNCTION keep_facts()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    role constant text := coalesce(current_setting('app.role', true), '');
    hurt constant integer := NEW.first_aid_cases + NEW.medical_cases + NEW.restricted_cases
        + NEW.days_away_cases + NEW.deaths;
    facts constant text[] := ARRAY[
        'incident_class', 'occurred_at', 'discovered_at', 'fluid',
        'released_low', 'released', 'released_high', 'gas_low', 'gas', 'gas_high',
        'h2s_lb_low', 'h2s_lb', 'h2s_lb_high', 'h2s_ppm', 'water_tds_ppm', 'recovered',
        'contained', 'property_damage', 'inside_containment', 'on_site', 'reached_water',
        'threatens_water', 'sensitive_area', 'endangers_health', 'threatens_property',
        'h2s_uncontrolled', 'fire', 'explosion', 'lightning', 'blowout', 'emergency', 'major',
        'significant', 'pipeline', 'coastal', 'offshore', 'h2s_plan', 'injured',
        'first_aid_cases', 'medical_cases', 'restricted_cases', 'days_away_cases', 'deaths',
        'hospitalised', 'amputations', 'eye_losses', 'injury_class', 'state', 'federal_lease',
        'built_on', 'discharge_stopped_at', 'cleanup_ended_on', 'clock_choice', 'clock_reason'];
    told jsonb;
    told_now jsonb;
    milder text[];
BEGIN
    NEW.injured := greatest(NEW.injured, hurt);
    NEW.injury_class := CASE
        WHEN NEW.deaths > 0 THEN 'fatality' WHEN NEW.days_away_cases > 0 THEN 'days_away'
        WHEN NEW.restricted_cases > 0 THEN 'restricted' WHEN NEW.medical_cases > 0 THEN 'medical'
        WHEN NEW.first_aid_cases > 0 THEN 'first_aid' ELSE NEW.injury_class END;
    IF TG_OP = 'INSERT' THEN
        NEW.correction := NULL;
        RETURN NEW;
    END IF;
    SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(n.key, n.value) INTO told, told_now
    FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
    WHERE o.value <> n.value AND o.key = ANY (facts);
    IF told IS NULL THEN
        NEW.correction := NULL;
        RETURN NEW;
    END IF;
    milder := milder_facts(told, told_now);
    IF NEW.clock_choice <> OLD.clock_choice AND NEW.clock_choice <> 'earliest' THEN
        milder := array_append(milder, 'clock_choice');
    END IF;
    IF current_user = 'wellflow_app' AND milder <> '{}' THEN
        IF role NOT IN ('owner', 'manager') THEN
            PERFORM refuse('incidents_milder', milder[1], format(
                '%s: only a manager may make a fact of an incident milder; add what you know to'
                ' the timeline.', milder[1]));
        END IF;
        IF 'clock_choice' = ANY (milder) AND coalesce(NEW.clock_reason, '') = '' THEN
            PERFORM refuse('incidents_clock', 'clock_reason',
                'clock_reason: say why deadlines are to count from there.');
        END IF;
        IF milder <> ARRAY['clock_choice'::text] AND coalesce(NEW.correction, '') = '' THEN
            PERFORM refuse('incidents_correction', 'correction', format(
                'correction: say why %s is made milder; the reason is kept in the timeline.',
                milder[1]));
        END IF;
    END IF;
    INSERT INTO incident_events (organization_id, incident_id, kind, note, before, after)
    VALUES (NEW.organization_id, NEW.id, 'facts', nullif(NEW.correction, ''), told, told_now);
    NEW.correction := NULL;
    RETURN NEW;
END $$;

-- When an incident came to each status; who may move it, and what must be known for it.
CREATE FUNCTION keep_steps()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    role constant text := coalesce(current_setting('app.role', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.confirmed_at := NULL;
        NEW.contained_at := NULL;
        NEW.resolved_at := NULL;
        NEW.reviewed_at := NULL;
        NEW.closed_at := NULL;
        RETURN NEW;
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF current_user = 'wellflow_app' AND role NOT IN ('owner', 'manager') THEN
        PERFORM refuse('incidents_decided', 'status',
            'status: a manager decides how an incident goes on; add what you know to the timeline.');
    END IF;
    IF NEW.status = 'not_an_incident' AND coalesce(NEW.not_incident_reason, '') = '' THEN
        PERFORM refuse('incidents_reason', 'not_incident_reason',
            'not_incident_reason: say why it is no incident.');
    ELSIF NEW.status = 'reviewed' AND coalesce(NEW.review, '') = '' THEN
        PERFORM refuse('incidents_review', 'review',
            'review: write what the review found before it is reviewed.');
    ELSIF NEW.status = 'closed' AND EXISTS (
        SELECT FROM incident_notices n
        WHERE n.organization_id = NEW.organization_id AND n.incident_id = NEW.id
          AND n.status IN ('potential', 'due', 'written_due')) THEN
        PERFORM refuse('incidents_owed', 'status',
            'status: an agency is still owed a notice; record it, or say why none is due.');
    ELSIF NEW.status = 'closed' AND EXISTS (
        SELECT FROM incident_actions a
        WHERE a.organization_id = NEW.organization_id AND a.incident_id = NEW.id
          AND a.done_on IS NULL) THEN
        PERFORM refuse('incidents_unfinished', 'status',
            'status: a corrective action is not done yet; do it, or remove it.');
    END IF;
    NEW.confirmed_at := CASE NEW.status WHEN 'confirmed' THEN coalesce(OLD.confirmed_at, now())
                                        ELSE OLD.confirmed_at END;
    NEW.contained_at := CASE NEW.status WHEN 'contained' THEN now() ELSE OLD.contained_at END;
    NEW.resolved_at := CASE NEW.status WHEN 'resolved' THEN coalesce(OLD.resolved_at, now())
                                       WHEN 'remediating' THEN NULL ELSE OLD.resolved_at END;
    NEW.reviewed_at := CASE NEW.status WHEN 'reviewed' THEN now()
                                       WHEN 'closed' THEN OLD.reviewed_at END;
    NEW.closed_at := CASE WHEN NEW.status IN ('closed', 'not_an_incident') THEN now() END;
    RETURN NEW;
END $$;

-- Tells the timeline that an incident began, and each change of its status.
CREATE FUNCTION tell_incident()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO incident_events (organization_id, incident_id, kind, note, after)
        VALUES (NEW.organization_id, NEW.id, 'opened', NEW.summary,
                jsonb_build_object('status', NEW.status, 'origin', NEW.origin));
    ELSE
        INSERT INTO incident_events (organization_id, incident_id, kind, note, before, after)
        VALUES (NEW.organization_id, NEW.id, 'status',
                CASE NEW.status WHEN 'not_an_incident' THEN NEW.not_incident_reason END,
                jsonb_build_object('status', OLD.status),
                jsonb_build_object('status', NEW.status));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER course BEFORE INSERT OR UPDATE OR DELETE ON incidents
    FOR EACH ROW EXECUTE FUNCTION keep_course(
        'an incident', 'suspected confirmed contained remediating resolved reviewed',
        'not_incident_reason correction',
        'suspected>confirmed suspected>not_an_incident confirmed>contained '
         'confirmed>remediating confirmed>resolved confirmed>not_an_incident '
         'not_an_incident>suspected contained>confirmed contained>remediating '
         'contained>resolved remediating>contained remediating>resolved resolved>remediating '
         'resolved>reviewed reviewed>resolved reviewed>closed',
        'open another one');
CREATE TRIGGER facts BEFORE INSERT OR UPDATE ON incidents
    FOR EACH ROW EXECUTE FUNCTION keep_facts();
CREATE TRIGGER number BEFORE INSERT ON incidents
    FOR EACH ROW EXECUTE FUNCTION number_incident();
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON incidents
    FOR EACH ROW EXECUTE FUNCTION keep_steps();
CREATE TRIGGER begins AFTER INSERT ON incidents
    FOR EACH ROW EXECUTE FUNCTION tell_incident();
CREATE TRIGGER goes_on AFTER UPDATE OF status ON incidents
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION tell_incident();

-- What was told to an agency stands; a status follows from what was recorded, whatever the door.
CREATE FUNCTION keep_notice()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    role constant text := coalesce(current_setting('app.role', true), '');
    actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
    changed text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.told_by := OLD.told_by;
        NEW.filed_by := OLD.filed_by;
        NEW.waived_by := OLD.waived_by;
        SELECT o.key INTO changed
        FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
        WHERE o.value <> n.value
          AND (OLD.done_at IS NOT NULL
               AND o.key IN ('done_at', 'told_to', 'method', 'reference')
               OR OLD.filed_at IS NOT NULL AND o.key IN ('filed_at', 'filed_reference')
               OR o.key IN ('incident_id', 'rule_id'))
        ORDER BY o.key LIMIT 1;
        IF changed IS NOT NULL THEN
            PERFORM refuse('incident_notices_stands', changed, format(
                '%s: what an agency was told stands; add the correction to the timeline.',
                changed));
        END IF;
    ELSE
        NEW.told_by := NULL;
        NEW.filed_by := NULL;
        NEW.waived_by := NULL;
    END IF;
    IF greatest(NEW.done_at, NEW.filed_at) > now() + interval '5 minutes' THEN
        PERFORM refuse('incident_notices_future', 'done_at',
            'done_at: a notice is recorded once it was given; this time is still to come.');
    END IF;
    IF NEW.filed_at IS NOT NULL THEN
        IF TG_OP = 'INSERT' OR OLD.filed_at IS NULL THEN
            NEW.filed_by := actor;
        END IF;
        NEW.status := 'filed';
    ELSIF NEW.done_at IS NOT NULL THEN
        IF TG_OP = 'INSERT' OR OLD.done_at IS NULL THEN
            NEW.told_by := actor;
            -- What follows in writing has a time and reminders of its own.
            NEW.reminded := 0;
            NEW.missed_at := NULL;
        END IF;
        NEW.status := CASE WHEN NEW.follow_up IS NULL THEN 'notified' ELSE 'written_due' END;
    ELSIF NEW.status IN ('notified', 'written_due', 'filed') THEN
        PERFORM refuse('incident_notices_told_first', 'status',
            'status: record whom you told, how, when, and the reference number.');
    END IF;
    IF NEW.status = 'waived' AND (TG_OP = 'INSERT' OR OLD.status <> 'waived') THEN
        NEW.waived_by := actor;
        IF current_user = 'wellflow_app' AND role NOT IN ('owner', 'manager') THEN
            PERFORM refuse('incident_notices_decided', 'status',
                'status: only a manager decides that an agency is not told.');
        END IF;
        IF coalesce(NEW.waived_reason, '') = '' THEN
            PERFORM refuse('incident_notices_reason', 'waived_reason',
                'waived_reason: say why nobody is told.');
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- Tells the timeline what became of a notice.
CREATE FUNCTION tell_notice()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO incident_events (organization_id, incident_id, kind, note, before, after)
    VALUES (NEW.organization_id, NEW.incident_id, 'notice',
            NEW.authority || ', ' || NEW.rule,
            CASE WHEN TG_OP = 'UPDATE' THEN jsonb_build_object('status', OLD.status) END,
            jsonb_strip_nulls(jsonb_build_object(
                'status', NEW.status, 'required_by', NEW.required_by, 'because', NEW.because,
                'done_at', NEW.done_at, 'told_to', NEW.told_to, 'method', NEW.method,
                'reference', NEW.reference, 'filed_at', NEW.filed_at,
                'filed_reference', NEW.filed_reference, 'waived_reason', NEW.waived_reason)));
    RETURN NULL;
END $$;

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON incident_notices
    FOR EACH ROW EXECUTE FUNCTION keep_notice();
CREATE TRIGGER begins AFTER INSERT ON incident_notices
    FOR EACH ROW EXECUTE FUNCTION tell_notice();
CREATE TRIGGER goes_on AFTER UPDATE ON incident_notices
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION tell_notice();

-- Every version of an agency's rule is kept: an obligation says by which it was judged.
CREATE FUNCTION count_agency_rule()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    NEW.version := CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE OLD.version + 1 END;
    RETURN NEW;
END $$;
CREATE FUNCTION keep_agency_rule()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO agency_rule_versions (organization_id, rule_id, version, at, changed_by, body)
    VALUES (NEW.organization_id, NEW.id, NEW.version, now(),
            nullif(current_setting('app.user_id', true), '')::uuid,
            to_jsonb(NEW) - ARRAY['search_text', 'created_at', 'created_by', 'updated_at',
                                  'updated_by', 'row_version', 'organization_id']);
    RETURN NULL;
END $$;
CREATE TRIGGER count BEFORE INSERT OR UPDATE ON agency_rules
    FOR EACH ROW EXECUTE FUNCTION count_agency_rule();
CREATE TRIGGER version AFTER INSERT OR UPDATE ON agency_rules
    FOR EACH ROW EXECUTE FUNCTION keep_agency_rule();

REVOKE EXECUTE ON FUNCTION
    number_incident(), milder_facts(jsonb, jsonb), keep_facts(), keep_steps(), tell_incident(),
    keep_notice(), tell_notice(), count_agency_rule(), keep_agency_rule()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION milder_facts(jsonb, jsonb) TO wellflow_app, wellflow_work;
