-- Accepting jobs: who was here before, whose a unique key is, who needs a slot.
local ACCEPTED = {'accepted', ''}

-- What an earlier life of this id came to must not be taken for the result of this one.
local function begin_anew(id)
    delete_fact('result/' .. id)
end

-- Whether the id is taken. One that is no longer kept, and only waits to be pruned, does not stand in the way of a new job.
local function is_taken(id)
    local job = stated(id)
    if not job or not is_over(job) then
        return true
    end
    forget(job)
    begin_anew(id)
    return false
end

local function accept_plain(queue, level, due, given, first, last)
    local ids, known = known_ids(first, last)
    for i, id in ipairs(ids) do
        if known[i] then
            known[i] = is_taken(id)
        elseif given then
            begin_anew(id)
        end
    end
    touched[queue] = accept_new(queue, level, due, first, ids, known) or touched[queue]
end

-- The job that the key stands for; nil: the key is free.
local function standing(key)
    local unique = unique_of(key)
    if not unique then
        return nil
    end
    if not unique.freed then
        local holder = stated(unique.id)
        if holder and not is_over(holder) then
            return unique.id
        elseif holder then
            forget(holder)
        end
    end
    return unique.within > now and unique.id or nil
end

-- A waiting job got another due: out of order it asks for a slot only when it is due, and gives back the one it had.
local function move(job, due)
    local needs_none = job.cancel and due <= now -- who is asked to cancel must not wait for a slot either
    local by_time = job.lane and not needs_none and not is_ordered(job.lane)
    if by_time and due <= now and job.phase == LIVE and not job.slot then
        job.due = due
        ask_for_slots({job})
        return
    end
    local had_slot = job.slot
    if by_time and due > now then
        if job.phase == PARKED then
            call('ZREM', parked_key(job.lane), job.id)
        end
        job.phase, job.slot = LIVE, nil
    end
    if job.phase == LIVE then
        job.due = nil
        save(job)
        wait_until(job, due)
    else
        job.due = due
        save(job)
    end
    if had_slot and not job.slot then
        vacate(job.lane)
    end
end

-- A waiting one takes this payload, these headers and this due, and keeps its id, lane and level; one that runs stays.
local function replace(id, key, rest, due, expires)
    local job = stated(id)
    if not job or job.ukey ~= key or job.token ~= NOBODY or job.phase > PARKED then
        return false
    end
    local doc = call('HGET', JOBS, id)
    local accepted, length = struct.unpack('>dI4', doc)
    local skipped, loose = struct.unpack('>I4I4', rest)
    local meta = string.sub(doc, HEAD + 1, HEAD + length)
    local anew = string.sub(rest, 9 + skipped)
    call('HSET', JOBS, id, struct.pack('>dI4I4', accepted, length, loose) .. meta .. anew)
    call('HDEL', P .. 'large', id)
    note_size(id, anew)
    job.expires = expires and now + expires or -1
    move(job, due)
    touched[job.queue] = true
    return true
end

local function insert(job, rest, trail)
    call('HSET', JOBS, job.id, stamp .. rest)
    note_size(job.id, rest)
    call('SADD', P .. 'queues', job.queue)
    touched[job.queue] = true
    if trail ~= '' then
        job.trail = true
        call('HSET', TRAILS, job.id, trail)
    end
    if job.lane then
        job.seq = call('INCR', SEQ)
        count_member(job.lane, 1)
    end
end

-- One with a lane, a unique key, a trail, or among the dead; what became of it.
local function accept(id, queue, level, due, rest, special, trail)
    if call('HEXISTS', JOBS, id) == 1 then
        if is_taken(id) then
            return ACCEPTED
        end
    elseif special.given then
        begin_anew(id)
    end
    local lane, unique = special.lane, special.unique
    local job = {id = id, token = NOBODY, phase = LIVE, level = level, queue = queue, lane = lane and lane.key}
    if special.dead then
        insert(job, rest, trail)
        job.phase, job.reason, job.ended, job.kept = DEAD, special.dead, now, now + special.kept
        save(job)
        call('ZADD', ended_key(DEAD, queue), int(job.kept), id)
        return ACCEPTED
    end
    local stands = unique and standing(unique.key)
    if stands then
        local replaced = unique.replace and replace(stands, unique.key, rest, due, special.expires)
        return {replaced and 'replaced' or 'duplicate', stands}
    end
    if lane then
        enroll(lane)
    end
    job.ukey = unique and unique.key
    insert(job, rest, trail)
    if lane and (lane.ordered or due <= now) then
        park(job, due)
    else
        save(job)
        wait_until(job, due)
    end
    if unique then
        take_unique(unique.key, id, unique.till, now + unique.within)
    end
    if lane then
        admit(lane.key)
    end
    return ACCEPTED
end

-- Jobs as `publishing.py` lays them out from ARGV[i] on: groups of plain ones, and special ones, each with its answer. Returned: what
-- follows, and the answers.
local function accept_all(i, last)
    local answers = {}
    while i <= last do
        local kind, queue, level, due = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), when(ARGV[i + 3], ARGV[i + 4])
        if kind == 'special' then
            local special = cmsgpack.unpack(ARGV[i + 7])
            answers[#answers + 1] = accept(ARGV[i + 5], queue, level, due, ARGV[i + 6], special, ARGV[i + 8])
            i = i + 9
        else
            local first, count = i + 6, tonumber(ARGV[i + 5])
            accept_plain(queue, level, due, kind == 'given', first, first + 2 * count - 1)
            i = first + 2 * count
        end
    end
    return answers
end
