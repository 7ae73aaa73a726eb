-- Pruning: one small batch of what is no longer kept, for whoever has the turn. It never waits for a row that somebody holds, and its
-- commit does not wait for the disk: what a crash brings back is pruned again.

create function workhorse.prune(
    _turn bigint, _batch integer, inout fact_place text, inout lane_place text, out more boolean
) language plpgsql as $$
declare
    _now bigint := workhorse.now_us();
    _old bigint[];
    _upto text;
    _lanes text[];
    _keys text[];
    _gone integer;
begin
    more := false;
    if not pg_try_advisory_xact_lock(_turn) then
        return;
    end if;
    perform set_config('synchronous_commit', 'off', true);

    select array_agg(ended.seq) into _old from (
        select j.seq from unnest(array[2, 3, 4]::smallint[]) as s(state) cross join lateral (
            select seq from workhorse.jobs where state = s.state and state > 1 and due <= _now
            order by due limit _batch for update skip locked
        ) as j limit _batch
    ) as ended;
    -- one whose unique key somebody is about to take can wait, and so need we not
    _keys := array(
        select u.ukey from workhorse.uniques u join workhorse.jobs j on j.ukey = u.ukey and j.id = u.id
        where j.seq = any(_old) for update of u skip locked
    );
    select array_agg(j.seq) into _old from workhorse.jobs j where j.seq = any(_old) and (j.ukey = any(_keys)
        or not exists (select from workhorse.uniques u where u.ukey = j.ukey and u.id = j.id));
    if _old is not null then
        perform workhorse.forget(_old, _now);
        more := cardinality(_old) = _batch;
    end if;

    delete from workhorse.uniques where ukey in (
        select ukey from workhorse.uniques where freed and within <= _now order by within limit _batch for update skip locked
    );
    get diagnostics _gone = row_count;
    more := more or _gone = _batch;

    -- facts in a round over all keys: an index on their expiry would make each write dearer
    select key into _upto from workhorse.facts where key > fact_place order by key offset 2 * _batch limit 1;
    delete from workhorse.facts where key in (
        select key from workhorse.facts where key > fact_place and (_upto is null or key <= _upto) and expires <= _now
        for update skip locked
    );
    fact_place := coalesce(_upto, '');

    -- lanes likewise; `sweep` leaves those that are in use
    select array_agg(next.lane) into _lanes from (
        select lane from workhorse.lanes where lane > lane_place order by lane limit _batch / 10
    ) as next;
    lane_place := case when cardinality(_lanes) = _batch / 10 then _lanes[_batch / 10] else '' end;
    if _lanes is not null then
        perform workhorse.sweep(_lanes, _now);
    end if;
end $$;
