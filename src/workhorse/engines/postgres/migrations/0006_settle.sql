-- Settle what is more than a plain success: lanes, unique keys, follow-ups, expectations, retries, hand-backs, deaths.

-- One outcome. kind: 0 retried, 1 released, else the state in which it ends. `writes` and `jobs` are slices of the arrays beside it, from
-- 1: [first, last]. `unfit` says why a follow-up cannot be stored.
create type workhorse.outcome as (
    seq bigint, token bigint, id text, kind smallint, keep bigint, after bigint, reason text, trailed boolean,
    writes integer[], expects boolean, jobs jsonb, slice integer[], unfit text
);

-- One answer an outcome, in order: empty where it was done, else why not. And the queues of the follow-ups.
-- Arrays: the outcomes' trails; the facts; the follow-ups' bytes.
create function workhorse.settle(
    _outcomes jsonb, _trails bytea[], _keys text[], _values bytea[], _expects bigint[], _ttls bigint[],
    _job_trails bytea[], _job_extras bytea[], _job_payloads bytea[], _dead_keep bigint, out answers text[], out queues text[]
) language plpgsql as $$
declare
    _now bigint;
    _out record;
    _it workhorse.outcome;
    _did record;
    _gone bigint[] := '{}';
    _slots text[] := '{}';
    _ukeys text[] := '{}';
    _ids text[] := '{}';
begin
    answers := '{}';
    queues := '{}';
    perform workhorse.hold(array(select (doc->>'seq')::bigint from jsonb_array_elements(_outcomes) as i(doc)), _keys,
        jsonb_path_query_array(_outcomes, '$[*].jobs[*]'));
    _now := workhorse.now_us();
    for _out in
        select o as it, i.n from jsonb_array_elements(_outcomes) with ordinality as i(doc, n)
        cross join lateral jsonb_populate_record(null::workhorse.outcome, i.doc) as o order by i.n
    loop
        _it := _out.it;
        if _it.seq = any(_gone) then
            answers := answers || 'stale'::text;
            continue;
        end if;
        select * into _did from workhorse.settle_one(_it, _trails[_out.n],
            _keys[_it.writes[1]:_it.writes[2]], _values[_it.writes[1]:_it.writes[2]],
            _expects[_it.writes[1]:_it.writes[2]], _ttls[_it.writes[1]:_it.writes[2]], _now);
        answers := answers || _did.answer;
        if _did.gone then
            _gone := _gone || _it.seq;
        end if;
        if _did.slot is not null then
            _slots := _slots || _did.slot;
        end if;
        if _did.ukey is not null then
            _ukeys := _ukeys || _did.ukey;
            _ids := _ids || _it.id;
        end if;
        if _did.answer = '' and _it.jobs is not null then
            perform workhorse.wind_up(_gone, _slots, _ukeys, _ids, _now);  -- what follows may need what it had
            _gone := '{}';
            _slots := '{}';
            _ukeys := '{}';
            _ids := '{}';
            queues := queues || (select p.queues from workhorse.publish_held(_it.jobs, _job_trails[_it.slice[1]:_it.slice[2]],
                _job_extras[_it.slice[1]:_it.slice[2]], _job_payloads[_it.slice[1]:_it.slice[2]], _dead_keep, _now) as p);
        end if;
    end loop;
    perform workhorse.wind_up(_gone, _slots, _ukeys, _ids, _now);
end $$;

-- What the jobs that ended had: rows that are not kept, slots, unique keys. For many at once: a lane's row that is changed over and over
-- in one transaction gets slower each time.
create function workhorse.wind_up(_gone bigint[], _slots text[], _ukeys text[], _ids text[], _now bigint) returns void language plpgsql as $$
begin
    if cardinality(_gone) > 0 then
        perform workhorse.forget(_gone, _now);
    end if;
    if cardinality(_slots) > 0 then
        perform workhorse.vacate(_slots, _now);
    end if;
    if cardinality(_ukeys) > 0 then
        perform workhorse.release(_ukeys, _ids, 1::smallint, _now);
    end if;
end $$;

-- The answer, and what `wind_up` is to do about it: the row, the lane in which it had a slot, its unique key.
create function workhorse.settle_one(
    _it workhorse.outcome, _trail bytea, _keys text[], _values bytea[], _expects bigint[], _ttls bigint[], _now bigint,
    out answer text, out gone boolean, out slot text, out ukey text
) language plpgsql as $$
declare
    _job record;
begin
    select j.seq, j.id, j.lane, j.slot, j.ukey, j.cancel into _job from workhorse.jobs j
        where j.seq = _it.seq and j.token = _it.token and j.state < 2 for update;
    if not found or _job.id <> _it.id then
        answer := 'stale';
        return;
    elsif _it.unfit is not null then
        answer := _it.unfit;
        return;
    elsif _it.expects then
        if not workhorse.put_all(_keys, _values, _expects, _ttls, _now) then
            answer := 'conflict';
            return;
        end if;
    elsif cardinality(_keys) > 0 then
        perform workhorse.put(_keys, _values, _expects, _ttls, _now);
    end if;
    answer := '';
    if _it.kind <= 1 then
        if workhorse.again(_it, _job.lane, _job.slot, _trail, _now) then
            slot := _job.lane;
        end if;
    elsif _it.keep <= 0 then
        gone := true;
    else
        update workhorse.jobs j set state = _it.kind, ended = _now, due = workhorse.later(_now, _it.keep), reason = _it.reason,
            slot = false, trail = case when _it.trailed then _trail else j.trail end where j.seq = _it.seq;
        ukey := _job.ukey;
        if _job.slot then
            slot := _job.lane;
        end if;
    end if;
end $$;

-- Retried or released; whether it gives its slot back: out of order it asks for one again when it is due.
create function workhorse.again(_it workhorse.outcome, _lane text, _slot boolean, _trail bytea, _now bigint)
returns boolean language plpgsql as $$
declare
    _frees boolean := _slot and not coalesce((select ordered from workhorse.lanes where lane = _lane), false);
begin
    update workhorse.jobs set state = 0, token = 0, lease = 0, due = case when cancel then _now else _now + _it.after end,
        attempt = attempt + (_it.kind = 0)::integer, crashes = case when _it.kind = 0 then 0 else crashes end,
        slot = slot and not _frees, trail = case when _it.trailed then _trail else trail end
        where seq = _it.seq;
    return _frees;
end $$;
