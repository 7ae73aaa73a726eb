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
        answers := answers || workhorse.settle_one(_it, _trails[_out.n],
            _keys[_it.writes[1]:_it.writes[2]], _values[_it.writes[1]:_it.writes[2]],
            _expects[_it.writes[1]:_it.writes[2]], _ttls[_it.writes[1]:_it.writes[2]], _now);
        if answers[_out.n] = '' and _it.jobs is not null then
            queues := queues || (select p.queues from workhorse.publish_held(_it.jobs, _job_trails[_it.slice[1]:_it.slice[2]],
                _job_extras[_it.slice[1]:_it.slice[2]], _job_payloads[_it.slice[1]:_it.slice[2]], _dead_keep, _now) as p);
        end if;
    end loop;
end $$;

create function workhorse.settle_one(
    _it workhorse.outcome, _trail bytea, _keys text[], _values bytea[], _expects bigint[], _ttls bigint[], _now bigint
) returns text language plpgsql as $$
declare
    _job record;
begin
    select seq, id, lane, slot, ukey, cancel into _job from workhorse.jobs
        where seq = _it.seq and token = _it.token and state < 2 for update;
    if not found or _job.id <> _it.id then
        return 'stale';
    elsif _it.unfit is not null then
        return _it.unfit;
    elsif _it.expects then
        if not workhorse.put_all(_keys, _values, _expects, _ttls, _now) then
            return 'conflict';
        end if;
    elsif cardinality(_keys) > 0 then
        perform workhorse.put(_keys, _values, _expects, _ttls, _now);
    end if;
    if _it.kind <= 1 then
        perform workhorse.again(_it, _job.lane, _job.slot, _trail, _now);
    elsif _it.keep <= 0 then
        perform workhorse.forget(array[_it.seq], _now);
    else
        update workhorse.jobs set state = _it.kind, ended = _now, due = workhorse.later(_now, _it.keep), reason = _it.reason,
            slot = false, trail = case when _it.trailed then _trail else trail end where seq = _it.seq;
        if _job.slot then
            perform workhorse.vacate(_job.lane, _now);
        end if;
        if _job.ukey is not null then
            perform workhorse.release(_job.ukey, _job.id, 1::smallint, _now);
        end if;
    end if;
    return '';
end $$;

-- Retried or released. Out of order it gives its slot back before its successor asks, and asks again when it is due.
create function workhorse.again(_it workhorse.outcome, _lane text, _slot boolean, _trail bytea, _now bigint)
returns void language plpgsql as $$
declare
    _frees boolean := _slot and not coalesce((select ordered from workhorse.lanes where lane = _lane), false);
begin
    update workhorse.jobs set state = 0, token = 0, due = case when cancel then _now else _now + _it.after end,
        attempt = attempt + (_it.kind = 0)::integer, crashes = case when _it.kind = 0 then 0 else crashes end,
        slot = slot and not _frees, trail = case when _it.trailed then _trail else trail end
        where seq = _it.seq;
    if _frees then
        perform workhorse.vacate(_lane, _now);
    end if;
end $$;
