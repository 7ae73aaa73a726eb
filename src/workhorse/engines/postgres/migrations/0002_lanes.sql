-- Lanes: who holds a slot, who is parked, and whom a freed slot admits.
-- A lane's row is locked by whoever gives or takes its slots, changes its numbers or touches its parked jobs: `for no key update`, so that
-- a caller's own transaction that only holds on to the row (`for key share`) is in nobody's way.

create function workhorse.hold_lanes(_lanes text[]) returns void language plpgsql as $$
begin
    perform 1 from workhorse.lanes where lane = any(_lanes) order by lane for no key update;
end $$;

-- The numbers of the job published last hold; those parked under older ones go first.
create function workhorse.enroll(_lane text, _width integer, _ordered boolean, _every bigint, _burst integer, _now bigint)
returns void language plpgsql as $$
declare
    _old workhorse.lanes;
begin
    loop
        select * into _old from workhorse.lanes where lane = _lane for no key update;
        exit when found;
        insert into workhorse.lanes (lane, width, ordered, every, burst) values (_lane, _width, _ordered, _every, _burst)
            on conflict (lane) do nothing;
        if found then
            return;
        end if;
    end loop;
    if (_old.width, _old.ordered, _old.every, _old.burst) is not distinct from (_width, _ordered, _every, _burst) then
        return;
    end if;
    update workhorse.lanes set width = _width, ordered = _ordered, every = _every, burst = _burst where lane = _lane;
    if _old.ordered <> _ordered then
        update workhorse.jobs set rank = case when _ordered then 0 else -priority end where lane = _lane and state = 1;
    end if;
    perform workhorse.admit(_lane, _now);
end $$;

-- Give the free slots to the first of those parked, due now or at their own time if that is later; whether it gave any.
create function workhorse.admit(_lane text, _now bigint) returns boolean language plpgsql as $$
declare
    _room integer;
begin
    select coalesce(width, 1) - taken into _room from workhorse.lanes where lane = _lane for no key update;
    if not found or _room <= 0 then
        return false;
    end if;
    update workhorse.jobs set state = 0, slot = true, due = greatest(due, _now) where seq = any(array(
        select seq from workhorse.jobs where lane = _lane and state = 1 order by rank, seq limit _room));
    get diagnostics _room = row_count;
    if _room > 0 then
        update workhorse.lanes set taken = taken + _room where lane = _lane;
    end if;
    return _room > 0;
end $$;

-- Jobs that held slots have none any more, one for each time that a lane is named: the next.
create function workhorse.vacate(_lanes text[], _now bigint) returns void language plpgsql as $$
declare
    _free record;
begin
    for _free in select lane, count(*) as slots from unnest(_lanes) as f(lane) group by lane order by lane collate "C" loop
        update workhorse.lanes set taken = taken - _free.slots where lane = _free.lane;
        perform workhorse.admit(_free.lane, _now);
    end loop;
end $$;

create function workhorse.vacate(_lane text, _now bigint) returns void language plpgsql as $$
begin
    perform workhorse.vacate(array[_lane], _now);
end $$;

-- Jobs without a slot want one, behind those parked; whether anybody was admitted.
create function workhorse.ask(_lane text, _seqs bigint[], _now bigint) returns boolean language plpgsql as $$
declare
    _before boolean := workhorse.admit(_lane, _now);
begin
    update workhorse.jobs set state = 1 where seq = any(_seqs);
    return workhorse.admit(_lane, _now) or _before;
end $$;

-- Admit those whom a caller's own transaction left parked; whether there were any.
create function workhorse.answer_asking(_now bigint) returns boolean language plpgsql as $$
declare
    _lane workhorse.asking;
    _any boolean := false;
begin
    for _lane in
        with taken as materialized (select seq from workhorse.asking where seq > 0 order by seq for update skip locked),
        gone as (delete from workhorse.asking a using taken where a.seq = taken.seq returning a.*)
        select distinct on (lane) * from gone order by lane, seq desc
    loop
        perform workhorse.enroll(_lane.lane, _lane.width, _lane.ordered, _lane.every, _lane.burst, _now);
        perform workhorse.admit(_lane.lane, _now);
        _any := true;
    end loop;
    return _any;
end $$;

-- Charge a claim to the lane's rate. 0: it is within; else the moment to which the claim is put off, and nothing is charged.
create function workhorse.charge(_lane text, _now bigint) returns bigint language plpgsql as $$
declare
    _every bigint;
    _burst bigint;
    _start bigint;
begin
    select every, burst, greatest(free_at, _now) into _every, _burst, _start from workhorse.lanes where lane = _lane;
    if not found or _every = 0 then
        return 0;
    end if;
    if _start - (_burst - 1) * _every > _now then
        return _start - (_burst - 1) * _every;
    end if;
    update workhorse.lanes set free_at = _start + _every where lane = _lane;
    return 0;
end $$;

-- Forget the lanes that no stored job belongs to, once their rate has caught up. What is in use now can wait for the next time.
create function workhorse.sweep(_lanes text[], _now bigint) returns void language plpgsql as $$
declare
    _idle text[];
begin
    select array_agg(lane) into _idle from (
        select lane from workhorse.lanes where lane = any(_lanes) and taken = 0 and free_at <= _now for update skip locked
    ) as free;
    delete from workhorse.lanes l where l.lane = any(_idle)
        and not exists (select from workhorse.jobs j where j.lane = l.lane);
end $$;
