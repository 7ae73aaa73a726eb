-- People's orders, a chunk of jobs in one statement. What they wake and which facts they touch is answered.

create function workhorse.erase(
    seqs bigint[], note bytea, life bigint, out done bigint, out last bigint, out queues text[], out keys text[]
) language plpgsql as $$
-- Forget these jobs, whatever they do, and leave a note for whoever waits for the result of one that had not ended.
declare
    now bigint := workhorse.now_us();
begin
    select count(*), max(j.seq), array_agg('result/' || j.id) filter (where j.state < 2), array_agg(distinct j.queue)
    into done, last, keys, queues
    from workhorse.jobs as j where j.seq = any(seqs);
    if keys is not null then
        perform workhorse.put(
            keys, array_fill(note, array[cardinality(keys)]), array_fill(null::bigint, array[cardinality(keys)]),
            array_fill(life, array[cardinality(keys)]), now
        );
    end if;
    perform workhorse.forget(seqs, now);
end
$$;

create function workhorse.revive(
    seqs bigint[], attempts integer[], trails bytea[], lanes text[], widths integer[], orders boolean[], everys bigint[],
    bursts integer[], out done bigint, out queues text[], out keys text[]
) language plpgsql as $$
-- Put dead jobs back, those that are still as they were seen: the next attempt, with this trail, and no crashes.
declare
    now bigint := workhorse.now_us();
    ids text[];
    lane record;
begin
    with seen as (
        select j.seq, w.trail from unnest(seqs, attempts, trails) as w (seq, attempt, trail)
        join workhorse.jobs as j on j.seq = w.seq and j.state = 3 and j.attempt = w.attempt
        order by j.seq for update of j
    ), back as (
        update workhorse.jobs as j
        set state = case when j.lane is null then 0 else 1 end, due = now, token = 0, attempt = j.attempt + 1, crashes = 0,
            cancel = false, expires = null, ended = null, reason = null, trail = seen.trail
        from seen where j.seq = seen.seq
        returning j.id, j.queue
    )
    select count(*), array_agg(back.id), array_agg(distinct back.queue) into done, ids, queues from back;
    with gone as (
        delete from workhorse.facts as f where f.key in (
            select g.key from workhorse.facts as g where g.key = any(select 'result/' || id from unnest(ids) as id)
            order by g.key for update
        ) returning f.key
    )
    select array_agg(gone.key) into keys from gone;
    for lane in
        select distinct on (w.key collate "C") w.* from unnest(lanes, widths, orders, everys, bursts)
            with ordinality as w (key, width, ordered, every, burst, place)
        where w.key is not null order by w.key collate "C", w.place desc  -- the numbers of the one accepted last
    loop
        if not exists (select from workhorse.lanes as l where l.lane = lane.key) then
            perform workhorse.enroll(lane.key, lane.width, lane.ordered, lane.every, lane.burst, now);
        end if;
        perform workhorse.admit(lane.key, now);
    end loop;
end
$$;
