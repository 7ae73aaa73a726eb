-- Jobs and facts in a caller's own transaction. How long that takes is not ours to say, so no lane is locked there, which the workers' settles
-- would wait for: a job of a lane is parked, and a claim is asked to admit it.

-- Who listens hears of it with the commit, if there is a channel. As the engine's own notifications: sender, queues, keys; null is too much to name.
create function workhorse.announce(_channel text, _queues text[], _keys text[]) returns void language plpgsql as $$
declare
    _said text := json_build_array('', (select array_agg(distinct q) from unnest(_queues) as q), _keys)::text;
begin
    if _channel is not null and cardinality(_queues) + cardinality(_keys) > 0 then
        perform pg_notify(_channel, case when octet_length(_said) < 8000 then _said else '["", null, null]' end);
    end if;
end $$;

-- Jobs into their queues, and events into those that are bound to their topics.
create function workhorse.enqueue(
    _jobs jsonb, _trails bytea[], _extras bytea[], _payloads bytea[], _dead_keep bigint, _channel text
) returns void language plpgsql as $$
declare
    _now bigint := workhorse.now_us();
    _queues text[] := '{}';
    _job record;
begin
    perform workhorse.hold_for((select jsonb_agg(doc - 'lane') from jsonb_array_elements(_jobs) as doc));
    for _job in select * from workhorse.arriving(_jobs, _extras) loop
        perform workhorse.accept_parked(_job.env, _trails[_job.n], _job.extra, _payloads[_job.n], _dead_keep, _now);
        _queues := _queues || (_job.env).queue;
    end loop;
    perform workhorse.announce(_channel, _queues, '{}');
end $$;

-- As `accept`, but for the lane: the new row is seen by nobody else yet, so that it can be put there afterwards.
create function workhorse.accept_parked(
    _env workhorse.envelope, _trail bytea, _extra bytea, _payload bytea, _dead_keep bigint, _now bigint
) returns void language plpgsql as $$
declare
    _plain workhorse.envelope := _env;
    _known boolean;
    _answer text;
begin
    _plain.lane := null;
    _known := exists (select from workhorse.jobs where id = _env.id and (state <= 1 or due > _now));
    if not coalesce(_env.replaces, false) then
        _answer := workhorse.accept(_plain, _trail, _extra, _payload, _dead_keep, _now);
    end if;
    while _answer is null loop
        begin
            _answer := workhorse.accept(_plain, _trail, _extra, _payload, _dead_keep, _now);
        exception when lock_not_available then  -- somebody is about to claim or to change the one that it may replace
            perform 1 from workhorse.uniques u join workhorse.jobs j on j.id = u.id where u.ukey = _env.ukey for update of j;
        end;
    end loop;
    if _env.lane is null or _known or _answer <> 'accepted' then
        return;
    end if;
    update workhorse.jobs set lane = _env.lane, rank = case when _env.ordered then 0 else -priority end,
        state = case when state = 0 and (_env.ordered or due <= _now) then 1 else state end
        where id = _env.id and accepted = _now and lane is null;
    if _env.dead is null then
        insert into workhorse.asking (lane, width, ordered, every, burst)
            values (_env.lane, _env.width, _env.ordered, _env.every, _env.burst);
    end if;
end $$;

-- All of these facts, or the caller's transaction fails.
create function workhorse.write(_keys text[], _values bytea[], _expects bigint[], _ttls bigint[], _channel text)
returns void language plpgsql as $$
declare
    _place integer := array_position(workhorse.put(_keys, _values, _expects, _ttls, workhorse.now_us()), null);
begin
    if _place is not null then
        raise unique_violation using message = format('fact %s is not as it was expected to be', _keys[_place]);
    end if;
    perform workhorse.announce(_channel, '{}', _keys);
end $$;
