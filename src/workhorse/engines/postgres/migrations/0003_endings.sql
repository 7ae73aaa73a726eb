-- Facts and unique keys, and the end of a job: its slot and its unique key are free, its row is kept for a while; then it is forgotten.

-- Each by itself: its new version, or null where `expect` did not hold. Null expects nothing, 0 that it is not there. Written in the order
-- of keys, those of one key in theirs.
create function workhorse.put(_keys text[], _values bytea[], _expects bigint[], _ttls bigint[], _now bigint)
returns bigint[] language plpgsql as $$
declare
    _done bigint[] := array_fill(null::bigint, array[cardinality(_keys)]);
    _version bigint;
    _expires bigint;
    i integer;
begin
    perform 1 from workhorse.facts where key = any(_keys) order by key for update;
    for i in select n from unnest(_keys) with ordinality as k(key, n) order by key collate "C", n loop
        _version := null;
        _expires := _now + _ttls[i];
        if _expects[i] > 0 then
            update workhorse.facts set value = _values[i], version = nextval('workhorse.versions'), expires = _expires
                where key = _keys[i] and version = _expects[i] and (expires is null or expires > _now)
                returning version into _version;
        elsif _expects[i] = 0 then
            insert into workhorse.facts as old (key, value, version, expires)
                values (_keys[i], _values[i], nextval('workhorse.versions'), _expires)
                on conflict (key) do update
                set value = excluded.value, version = excluded.version, expires = excluded.expires where old.expires <= _now
                returning version into _version;
        else
            insert into workhorse.facts (key, value, version, expires)
                values (_keys[i], _values[i], nextval('workhorse.versions'), _expires)
                on conflict (key) do update
                set value = excluded.value, version = excluded.version, expires = excluded.expires
                returning version into _version;
        end if;
        _done[i] := _version;
    end loop;
    return _done;
end $$;

-- All of them or none; whether it was all.
create function workhorse.put_all(_keys text[], _values bytea[], _expects bigint[], _ttls bigint[], _now bigint)
returns boolean language plpgsql as $$
begin
    if array_position(workhorse.put(_keys, _values, _expects, _ttls, _now), null) is not null then
        raise exception using errcode = 'WH001', message = 'an expectation did not hold';
    end if;
    return true;
exception when sqlstate 'WH001' then
    return false;
end $$;

-- What an earlier life of these ids came to must not be taken for the result of this one.
create function workhorse.begin_anew(_ids text[]) returns void language plpgsql as $$
begin
    delete from workhorse.facts where key in (select 'result/' || id from unnest(_ids) as id);
end $$;

-- These jobs have come to this moment (0 claimed, 1 settled, 2 no longer kept): their keys are free, if that is when, and once `within` has
-- passed.
create function workhorse.release(_ukeys text[], _ids text[], _moment smallint, _now bigint) returns void language plpgsql as $$
begin
    delete from workhorse.uniques u using unnest(_ukeys, _ids) as f(ukey, id)
        where u.ukey = f.ukey and u.id = f.id and u.until <= _moment and u.within <= _now;
    update workhorse.uniques u set freed = true from unnest(_ukeys, _ids) as f(ukey, id)
        where u.ukey = f.ukey and u.id = f.id and u.until <= _moment and not u.freed;
end $$;

-- Delete the rows, whatever state they are in, with all that hangs on them.
create function workhorse.forget(_seqs bigint[], _now bigint) returns void language plpgsql as $$
declare
    _lanes text[];
    _slots text[];
    _ukeys text[];
    _ids text[];
begin
    perform 1 from workhorse.jobs where seq = any(_seqs) order by seq for update;
    with gone as (delete from workhorse.jobs where seq = any(_seqs) returning id, lane, slot, ukey)
    select array_agg(distinct lane) filter (where lane is not null), array_agg(lane order by lane) filter (where slot),
        array_agg(ukey order by ukey) filter (where ukey is not null), array_agg(id order by ukey) filter (where ukey is not null)
        into _lanes, _slots, _ukeys, _ids from gone where lane is not null or ukey is not null;
    if _slots is not null then
        perform workhorse.vacate(_slots, _now);
    end if;
    if _ukeys is not null then
        perform workhorse.release(_ukeys, _ids, 2::smallint, _now);
    end if;
    if _lanes is not null then
        perform workhorse.sweep(_lanes, _now);
    end if;
end $$;
