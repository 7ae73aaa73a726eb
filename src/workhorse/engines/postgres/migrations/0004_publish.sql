-- Publish what is more than a plain job: given ids, topics, lanes, unique keys, dead letters put in.

create type workhorse.envelope as (
    id text, given boolean, queue text, topic text, task text, priority smallint, attempt integer,
    delay bigint, at bigint, expires bigint, dead text,
    lane text, width integer, ordered boolean, every bigint, burst integer,
    ukey text, until smallint, within bigint, replaces boolean, "unique" jsonb
);

-- One plain job, and the notification of it, where there is one, in one round trip: but in a transaction of its own, after the commit of
-- the first, and not waiting for the disk. A NOTIFY locks out all others of the whole server until its commit is done.
create procedure workhorse.publish_alone(
    _id text, _queue text, _task text, _priority smallint, _attempt integer, _delay bigint, _at bigint, _expires bigint,
    _trail bytea, _extra bytea, _payload bytea, _channel text, _said text, inout is_new boolean
) language plpgsql as $$
declare
    _now bigint := workhorse.now_us();
begin
    insert into workhorse.jobs (id, queue, task, priority, attempt, due, accepted, expires, trail, extra, payload)
        values (_id, _queue, _task, _priority, _attempt, greatest(_now + _delay, _at), _now, _now + _expires, _trail, _extra, _payload)
        on conflict (id) do nothing;
    is_new := found;
    if _said is not null then
        commit;
        perform set_config('synchronous_commit', 'off', true), pg_notify(_channel, _said);
    end if;
end $$;

-- One answer a job, in order: `accepted`, or `duplicate` or `replaced` and the id of the job that stands. And the queues of all.
create function workhorse.publish(
    _jobs jsonb, _trails bytea[], _extras bytea[], _payloads bytea[], _dead_keep bigint, out answers text[], out queues text[]
) language plpgsql as $$
begin
    perform workhorse.hold_for(_jobs);
    select p.answers, p.queues into answers, queues
        from workhorse.publish_held(_jobs, _trails, _extras, _payloads, _dead_keep, workhorse.now_us()) as p;
end $$;

-- The same, once `hold` has the locks.
create function workhorse.publish_held(
    _jobs jsonb, _trails bytea[], _extras bytea[], _payloads bytea[], _dead_keep bigint, _now bigint,
    out answers text[], out queues text[]
) language plpgsql as $$
declare
    _answer text;
    _job record;
begin
    answers := array_fill('accepted'::text, array[jsonb_array_length(_jobs)]);
    queues := '{}';
    for _job in select * from workhorse.arriving(_jobs, _extras) loop
        _answer := workhorse.accept(_job.env, _trails[_job.n], _job.extra, _payloads[_job.n], _dead_keep, _now);
        if _answer <> 'accepted' and answers[_job.n] = 'accepted' then
            answers[_job.n] := _answer;
        end if;
        if (_job.env).queue <> all(queues) then
            queues := queues || (_job.env).queue;
        end if;
    end loop;
end $$;

-- Lock what these jobs touch beyond themselves.
create function workhorse.hold_for(_jobs jsonb) returns void language plpgsql as $$
begin
    perform workhorse.hold('{}', '{}', _jobs);
end $$;

-- Lock all that a call will touch, in the one order: these jobs, facts, lanes, those of the jobs that are parked, unique keys.
-- `state + 0`: nobody shall walk through the index of all that are parked to find these few.
-- What is not there yet cannot be locked; two who make the same at once may still meet in two orders, and one of them does it again.
create function workhorse.hold(_seqs bigint[], _keys text[], _jobs jsonb) returns void language plpgsql as $$
declare
    _replaced text[];
    _ukeys text[];
    _lanes text[];
    _more bigint[] := '{}';
    _mine bigint[];
begin
    select array_agg(doc->>'ukey') filter (where (doc->>'replaces')::boolean), array_agg(doc->>'ukey') filter (where doc ? 'ukey'),
        array_agg(doc->>'lane') filter (where doc ? 'lane'),
        _keys || array_agg('result/' || (doc->>'id')) filter (where (doc->>'given')::boolean)
        into _replaced, _ukeys, _lanes, _keys from jsonb_array_elements(_jobs) as i(doc);
    _mine := array(select seq from workhorse.jobs where seq = any(_seqs) and state <> 1 order by seq for update);
    if _replaced is not null then
        _more := array(select j.seq from workhorse.uniques u join workhorse.jobs j on j.id = u.id where u.ukey = any(_replaced));
        -- whoever has one of them is about to claim or to change it, and may want what we hold: `replace` will see
        perform 1 from workhorse.jobs where seq = any(_more) and state + 0 = 0 and token = 0 for update skip locked;
    end if;
    select _lanes || array_agg(lane) filter (where lane is not null), _ukeys || array_agg(ukey) filter (where ukey is not null)
        into _lanes, _ukeys from workhorse.jobs where seq = any(_seqs || _more) and (lane is not null or ukey is not null);
    perform 1 from workhorse.facts where key = any(_keys) order by key for update;
    if cardinality(_lanes) > 0 then
        perform workhorse.make_lanes(_jobs);
        perform workhorse.hold_lanes(_lanes);
        perform 1 from workhorse.jobs where seq = any(_seqs || _more) and state + 0 = 1 order by seq for update;
    end if;
    if cardinality(_mine) < cardinality(_seqs) then  -- one that was admitted meanwhile must not be waited for any more: all once more
        perform 1 from workhorse.jobs where seq = any(_seqs) and seq <> all(_mine) for update nowait;
    end if;
    perform 1 from workhorse.uniques where ukey = any(_ukeys) order by ukey for update;
end $$;

-- The lanes of these jobs that are not there yet.
create function workhorse.make_lanes(_jobs jsonb) returns void language plpgsql as $$
begin
    insert into workhorse.lanes (lane, width, ordered, every, burst)
        select distinct on (e.lane) e.lane, e.width, e.ordered, e.every, e.burst
        from jsonb_array_elements(_jobs) as i(doc) cross join lateral jsonb_populate_record(null::workhorse.envelope, i.doc) as e
        where e.lane is not null and e.dead is null and not exists (select from workhorse.lanes l where l.lane = e.lane)
        order by e.lane
        on conflict (lane) do nothing;
end $$;

-- The queues that are bound to the topic. A star stands for one part between dots.
create function workhorse.bound(_topic text) returns table (queue text, priority smallint, expires double precision)
language sql stable as $$
    select distinct on (b.queue) b.queue, b.priority, b.expires from workhorse.bindings b
    where b.topic = _topic or (strpos(b.topic, '*') > 0
        and cardinality(string_to_array(b.topic, '.')) = cardinality(string_to_array(_topic, '.'))
        and not exists (
            select from unnest(string_to_array(b.topic, '.'), string_to_array(_topic, '.')) as part(wanted, found)
            where wanted <> '*' and wanted <> found))
    order by b.queue, b.topic <> _topic
$$;

create function workhorse.copied(_env workhorse.envelope, _queue text, _priority smallint, _life double precision)
returns workhorse.envelope language plpgsql immutable as $$
begin
    _env.id := _env.id || '@' || _queue;
    _env.ukey := _env.ukey || '@' || _queue;
    _env.queue := _queue;
    _env.given := false;
    _env.priority := coalesce(_priority, _env.priority);
    _env.expires := coalesce((_life * 1000000)::bigint, _env.expires);
    return _env;
end $$;

-- Of two fields of one name the later one counts.
create function workhorse.extra_copied(_extra bytea, _env workhorse.envelope, _queue text, _life double precision)
returns bytea language sql immutable as $$
    select substring(_extra from 1 for length(_extra) - 1) || convert_to(
        coalesce(',"expires":' || _life, '') || coalesce(
            ',"unique":' || (_env."unique" || jsonb_build_object('key', _env.ukey || '@' || _queue))::text, '') || '}', 'UTF8')
$$;

-- Jobs as they are accepted: an event is one for each queue that is bound to its topic. Ids and keys come in one order, so that two callers
-- do not wait for each other; jobs of lanes in their own, which is that of acceptance.
create function workhorse.arriving(_jobs jsonb, _extras bytea[]) returns table (env workhorse.envelope, extra bytea, n bigint)
language sql stable as $$
    select case when b.queue is null then e else workhorse.copied(e, b.queue, b.priority, b.expires) end,
        case when b.queue is null then _extras[i.n] else workhorse.extra_copied(_extras[i.n], e, b.queue, b.expires) end, i.n
    from jsonb_array_elements(_jobs) with ordinality as i(doc, n)
    cross join lateral jsonb_populate_record(null::workhorse.envelope, i.doc) as e
    left join lateral workhorse.bound(e.topic) as b on e.queue is null
    where e.queue is not null or b.queue is not null
    order by e.lane is not null, case when e.lane is null then coalesce(e.ukey, e.id) end, i.n
$$;

create function workhorse.accept(
    _env workhorse.envelope, _trail bytea, _extra bytea, _payload bytea, _dead_keep bigint, _now bigint
) returns text language plpgsql as $$
declare
    _old record;
    _standing text;
    _due bigint := case when _env.at is null then _now + coalesce(_env.delay, 0) else greatest(_now, _env.at) end;
begin
    select seq, state, due into _old from workhorse.jobs where id = _env.id;
    if found then
        if _old.state <= 1 or _old.due > _now then
            return 'accepted';
        end if;
        perform workhorse.forget(array[_old.seq], _now);
        perform workhorse.begin_anew(array[_env.id]);
    elsif _env.given then
        perform workhorse.begin_anew(array[_env.id]);
    end if;
    if _env.dead is not null then
        insert into workhorse.jobs (id, queue, task, priority, due, attempt, accepted, ended, state, lane, rank, reason,
                expires, trail, extra, payload)
            values (_env.id, _env.queue, _env.task, _env.priority, workhorse.later(_now, _dead_keep), _env.attempt, _now, _now, 3,
                _env.lane, case when _env.ordered then 0 else -_env.priority end, _env.dead,
                _now + _env.expires, _trail, _extra, _payload)
            on conflict (id) do nothing;
        return 'accepted';
    end if;
    if _env.ukey is not null then
        _standing := workhorse.take(_env.ukey, _env.id, _env.until, _now + _env.within, _now);
        if _standing is not null then
            if not coalesce(_env.replaces, false) then  -- apart: null and a call would make the call
                return 'duplicate ' || _standing;
            end if;
            return case when workhorse.replace(_env, _standing, _due, _extra, _payload, _now) then 'replaced ' else 'duplicate ' end
                || _standing;
        end if;
    end if;
    if _env.lane is not null then
        perform workhorse.enroll(_env.lane, _env.width, _env.ordered, _env.every, _env.burst, _now);
    end if;
    insert into workhorse.jobs (id, queue, task, priority, due, attempt, accepted, state, lane, rank, ukey,
            expires, trail, extra, payload)
        values (_env.id, _env.queue, _env.task, _env.priority, _due, _env.attempt, _now,
            -- who asks for a slot now is parked first: admission follows
            case when _env.lane is not null and (_env.ordered or _due <= _now) then 1 else 0 end,
            _env.lane, case when _env.ordered or _env.lane is null then 0 else -_env.priority end, _env.ukey,
            _now + _env.expires, _trail, _extra, _payload)
        on conflict (id) do nothing;
    if _env.lane is not null then
        perform workhorse.admit(_env.lane, _now);
    end if;
    return 'accepted';
end $$;

-- So much later; never past the end of time.
create function workhorse.later(_now bigint, _keep bigint) returns bigint language sql immutable as $$
    select case when _keep >= 4611686018427387904 - _now then 4611686018427387904 else _now + _keep end
$$;

-- Take the key for this job. Null: it is taken; else the id of the job that it stands for.
create function workhorse.take(_ukey text, _id text, _until smallint, _within bigint, _now bigint) returns text language plpgsql as $$
declare
    _key workhorse.uniques;
begin
    loop
        insert into workhorse.uniques (ukey, id, until, within) values (_ukey, _id, _until, coalesce(_within, 0))
            on conflict (ukey) do nothing;
        if found then
            return null;
        end if;
        select * into _key from workhorse.uniques where ukey = _ukey for update;
        exit when found;
    end loop;
    if not _key.freed and exists (select from workhorse.jobs where id = _key.id and (state <= 1 or due > _now)) then
        return _key.id;
    end if;
    if _key.within > _now then
        return _key.id;
    end if;
    update workhorse.uniques set id = _id, until = _until, within = coalesce(_within, 0), freed = false where ukey = _ukey;
    return null;
end $$;

-- A waiting one takes this payload and due, and keeps its id, lane and priority; one that runs stays. Whether it was replaced.
create function workhorse.replace(_env workhorse.envelope, _id text, _due bigint, _extra bytea, _payload bytea, _now bigint)
returns boolean language plpgsql as $$
declare
    _job record;
begin
    select seq, state, slot, lane, extra, cancel into _job from workhorse.jobs
        where id = _id and ukey = _env.ukey and token = 0 and state <= 1 for update nowait;  -- what `hold` did not get is asked for again
    if not found then
        return false;
    end if;
    update workhorse.jobs set payload = _payload, due = _due, expires = _now + _env.expires,
        extra = workhorse.extra_replaced(_job.extra, _extra) where seq = _job.seq;
    if _job.lane is null or (_job.cancel and _due <= _now) then
        return true;  -- who is asked to cancel needs no slot, and must not wait for one
    end if;
    perform workhorse.moved(_job.seq, _job.lane, _job.state, _job.slot, _due, _now);
    return true;
end $$;

-- A waiting job got another due: out of order it asks for a slot only when it is due, and gives back the one it had.
create function workhorse.moved(_seq bigint, _lane text, _state smallint, _slot boolean, _due bigint, _now bigint)
returns void language plpgsql as $$
begin
    if (select ordered from workhorse.lanes where lane = _lane) then
        return;
    end if;
    if _due > _now then
        update workhorse.jobs set state = 0, slot = false where seq = _seq;
        if _slot then
            perform workhorse.vacate(_lane, _now);
        end if;
    elsif not _slot and _state = 0 then
        perform workhorse.ask(_lane, array[_seq], _now);
    end if;
end $$;

-- For a job that is replaced: it takes the new one's headers and times, and keeps its topic, its lane and its unique key.
create function workhorse.extra_replaced(_old bytea, _new bytea) returns bytea language sql immutable as $$
    select coalesce(substring(_new from 1 for length(_new) - 1), '{"delay":0') || convert_to(
        ',"topic":' || coalesce((kept->'topic')::text, '""') || ',"lane":' || coalesce((kept->'lane')::text, 'null')
        || ',"unique":' || coalesce((kept->'unique')::text, 'null') || '}', 'UTF8')
    from (select convert_from(coalesce(_old, '{}'), 'UTF8')::json) as old(kept)
$$;
