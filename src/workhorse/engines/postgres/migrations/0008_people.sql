-- People's orders, a chunk of jobs in one statement. Each locks first, in the order of all verbs, and then looks again: what was found may have
-- been claimed, settled or admitted by then. Answered: to how many it was done, whom it may wake, which facts it touched.

create function workhorse.status(_state smallint, _due bigint, _lease bigint, _now bigint) returns text language sql immutable as $$
    select case _state when 1 then 'parked' when 2 then 'succeeded' when 3 then 'dead' when 4 then 'cancelled' else
        case when _lease > _now then 'running' when _due > _now then 'scheduled' else 'ready' end end
$$;

-- Mark those that have not ended. One that nobody holds becomes due at once, parked or not.
create function workhorse.cancel(_seqs bigint[], _status text, out done bigint, out queues text[]) language plpgsql as $$
declare
    _now bigint;
begin
    perform workhorse.hold(_seqs, '{}', '[]');
    _now := workhorse.now_us();
    with marked as (
        update workhorse.jobs set cancel = true, state = case when token = 0 then 0 else state end,
            due = case when token = 0 then _now else due end
            where seq = any(_seqs) and state < 2 and (_status is null or workhorse.status(state, due, lease, _now) = _status)
            returning queue, token
    )
    select count(*), array_agg(distinct queue) filter (where token = 0) into done, queues from marked;
end $$;

-- Forget them, whatever they do, and leave a note for whoever waits for the result of one that had not ended.
create function workhorse.erase(
    _seqs bigint[], _status text, _note bytea, _life bigint, out done bigint, out queues text[], out keys text[]
) language plpgsql as $$
declare
    _now bigint;
begin
    perform workhorse.hold(_seqs, array(select 'result/' || id from workhorse.jobs where seq = any(_seqs)), '[]');
    _now := workhorse.now_us();
    select array_agg(seq), count(*), array_agg(distinct queue), array_agg('result/' || id) filter (where state < 2)
        into _seqs, done, queues, keys from workhorse.jobs
        where seq = any(_seqs) and (_status is null or workhorse.status(state, due, lease, _now) = _status);
    if keys is not null then
        perform workhorse.put(keys, array_fill(_note, array[cardinality(keys)]), array_fill(null::bigint, array[cardinality(keys)]),
            array_fill(_life, array[cardinality(keys)]), _now);
    end if;
    if done > 0 then
        perform workhorse.forget(_seqs, _now);
    end if;
end $$;

-- Put dead ones back, those that are still as they were seen: the next attempt, with this trail, and no crashes.
create function workhorse.revive(
    _seqs bigint[], _attempts integer[], _trails bytea[], _lanes text[], _widths integer[], _orders boolean[], _everys bigint[],
    _bursts integer[], out done bigint, out queues text[], out keys text[]
) language plpgsql as $$
declare
    _now bigint;
    _ids text[];
    _lane record;
begin
    perform workhorse.hold(_seqs, array(select 'result/' || id from workhorse.jobs where seq = any(_seqs)), '[]');
    _now := workhorse.now_us();
    with back as (
        update workhorse.jobs j
            set state = case when j.lane is null then 0 else 1 end, due = _now, token = 0, lease = 0, attempt = j.attempt + 1, crashes = 0,
                cancel = false, expires = null, ended = null, reason = null, trail = seen.trail
            from unnest(_seqs, _attempts, _trails) as seen(seq, attempt, trail)
            where j.seq = seen.seq and j.state = 3 and j.attempt = seen.attempt
            returning j.id, j.queue
    )
    select count(*), array_agg(id), array_agg(distinct queue) into done, _ids, queues from back;
    with gone as (
        delete from workhorse.facts where key in (select 'result/' || id from unnest(_ids) as id) returning key
    )
    select array_agg(key) into keys from gone;
    for _lane in  -- with the numbers of the one accepted last
        select distinct on (l.key collate "C") l.*
        from unnest(_lanes, _widths, _orders, _everys, _bursts) with ordinality as l(key, width, ordered, every, burst, n)
        where l.key is not null order by l.key collate "C", l.n desc
    loop
        if not exists (select from workhorse.lanes where lane = _lane.key) then
            perform workhorse.enroll(_lane.key, _lane.width, _lane.ordered, _lane.every, _lane.burst, _now);
        end if;
        perform workhorse.admit(_lane.key, _now);
    end loop;
end $$;
