-- Claim where lanes, unique keys or a caller's own transaction have a say. What is plain is claimed without a function.

create function workhorse.claim(_queues text[], _limit integer, _lease bigint, _token bigint, _worker integer)
returns table (
    seq bigint, id text, task text, payload bytea, attempt integer, trail bytea, extra bytea, queue text, priority smallint,
    crashes integer, accepted bigint, expired boolean, cancel boolean, was_due bigint
) language plpgsql as $$
#variable_conflict use_column
declare
    _now bigint := workhorse.now_us();
    _got bigint[] := '{}';
    _admitted boolean;
    _one record;
    _ready text[];
    _queue text;
    _most integer;
    _patient boolean := not workhorse.answer_asking(_now);
begin
    for round in 1 .. 8 loop
        _admitted := false;
        for level in reverse 3 .. 1 loop
            _ready := array(
                select q.queue from unnest(_queues) with ordinality as q(queue, n)
                where exists (select from workhorse.jobs j where j.queue = q.queue and j.priority = level and j.state = 0
                        and j.due <= _now and j.lease <= _now)
                    and not exists (select from workhorse.paused p where p.queue = q.queue)
                order by q.n);
            -- each its share; the rest of it goes to who has more than a share
            foreach _most in array array[case when cardinality(_ready) = 1 then _limit else greatest(1, _limit / 2) end, _limit] loop
                foreach _queue in array _ready loop
                    if _limit > cardinality(_got) then
                        select * into _one from workhorse.claim_from(_queue, level::smallint,
                            least(_most, _limit - cardinality(_got)), _patient, _now, _now + _lease, _token, _worker);
                        _patient := _one.still_patient;
                        _got := _got || _one.held;
                        _admitted := _admitted or _one.admitted;
                    end if;
                end loop;
            end loop;
        end loop;
        exit when not _admitted or cardinality(_got) >= _limit;
    end loop;
    return query
        select j.seq, j.id, j.task, j.payload, j.attempt, j.trail, j.extra, j.queue, j.priority, j.crashes, j.accepted,
            j.expires <= _now, j.cancel, 0::bigint
        from unnest(_got) with ordinality as g(seq, n) join workhorse.jobs j on j.seq = g.seq order by g.n;
end $$;

-- Of one queue and level; the seqs in the order of their due, and whether anybody was admitted meanwhile. Patient: it may wait for lanes.
create function workhorse.claim_from(
    _queue text, _level smallint, _most integer, _patient boolean, _now bigint, _until bigint, _token bigint, _worker integer,
    out held bigint[], out admitted boolean, out still_patient boolean
) language plpgsql as $$
declare
    _found bigint[];
    _good bigint[];
    _left bigint[] := '{}';
    _lanes text[];
    _asking jsonb;
    _job record;
    _lane record;
begin
    held := '{}';
    admitted := false;
    still_patient := _patient;
    for look in 1 .. 20 loop
        exit when _most <= 0;
        with found as (
            select seq, due from workhorse.jobs where queue = _queue and priority = _level and state = 0 and due <= _now
                and lease <= _now and seq <> all(_left)
            order by due limit _most for update skip locked
        )
        select array_agg(seq order by due) into _found from found;
        exit when _found is null;
        _lanes := array(select distinct lane from workhorse.jobs where seq = any(_found) and lane is not null);
        if still_patient and cardinality(_lanes) > 0 then
            perform workhorse.hold_lanes(_lanes);
            still_patient := false;  -- from now on we hold some: whoever holds another may be waiting for them
        elsif cardinality(_lanes) > 0 then
            _left := _left || workhorse.out_of_reach(_found, _lanes);
        end if;
        _good := '{}';
        _asking := '{}';
        for _job in
            select j.seq, j.id, j.lane, j.slot, j.token, j.cancel, j.ukey, l.width is null as passes_on, l.lane is not null as known
            from unnest(_found) with ordinality as f(seq, n) join workhorse.jobs j on j.seq = f.seq
            left join workhorse.lanes l on l.lane = j.lane where f.seq <> all(_left) order by f.n
        loop
            if _job.lane is not null and not _job.cancel
                and not (_job.slot or (_job.token <> 0 and _job.known and _job.passes_on)) then
                _asking := jsonb_set(_asking, array[_job.lane], coalesce(_asking->_job.lane, '[]') || to_jsonb(_job.seq));
            elsif not workhorse.let_go(_job.ukey, _job.id, _now) then
                _left := _left || _job.seq;
            elsif _job.lane is null or _job.cancel or workhorse.charged(_job.seq, _job.lane, _now) then
                still_patient := still_patient and _job.ukey is null;
                _good := _good || _job.seq;  -- one asked to cancel needs no slot and is not charged
                if _job.slot and _job.known and _job.passes_on and not _job.cancel then
                    update workhorse.jobs set slot = false where seq = _job.seq;
                    perform workhorse.vacate(_job.lane, _now);
                    admitted := true;
                end if;
            end if;
        end loop;
        for _lane in select key, array(select jsonb_array_elements_text(value)::bigint) as seqs from jsonb_each(_asking) order by key loop
            admitted := workhorse.ask(_lane.key, _lane.seqs, _now) or admitted;
        end loop;
        update workhorse.jobs set token = _token, lease = _until, worker = _worker, crashes = crashes + (token <> 0)::integer
            where seq = any(_good);
        held := held || _good;
        _most := _most - cardinality(_good);
        exit when cardinality(_good) = cardinality(_found);
    end loop;
end $$;

-- Those of these jobs whose lane somebody else holds this moment.
create function workhorse.out_of_reach(_seqs bigint[], _lanes text[]) returns bigint[] language plpgsql as $$
declare
    _mine text[];
begin
    _mine := array(select lane from workhorse.lanes where lane = any(_lanes) for no key update skip locked);
    return array(select j.seq from workhorse.jobs j join workhorse.lanes l on l.lane = j.lane
        where j.seq = any(_seqs) and j.lane <> all(_mine));
end $$;

-- A job that is claimed lets go of a key that it had until then. False: somebody is at the key this moment, and a claim waits for nobody.
create function workhorse.let_go(_ukey text, _id text, _now bigint) returns boolean language plpgsql as $$
begin
    if _ukey is null or not exists (select from workhorse.uniques where ukey = _ukey and id = _id and until = 0) then
        return true;
    end if;
    perform 1 from workhorse.uniques where ukey = _ukey and id = _id for update skip locked;
    if found then
        perform workhorse.release(array[_ukey], array[_id], 0::smallint, _now);
        return true;
    end if;
    return false;
end $$;

-- Whether the claim is within the lane's rate; else it is put off.
create function workhorse.charged(_seq bigint, _lane text, _now bigint) returns boolean language plpgsql as $$
declare
    _later bigint := workhorse.charge(_lane, _now);
begin
    if _later > 0 then
        update workhorse.jobs set due = _later where seq = _seq;
    end if;
    return _later = 0;
end $$;
