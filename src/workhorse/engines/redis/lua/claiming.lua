-- Claiming: each level in turn, the queues in their order, none of them more than its share.
local ROUNDS, LOOKS = 8, 20 -- bounds of one script; what is left is due, so the next claim comes at once
local LATE, SPECIAL = 150, 100
local BYTES = 8388608 -- of large documents in one answer

-- What came too late comes back: it waits since its lease ran out, and the token of its claim stays good until it is claimed again.
local function bring_back_late(claim, queue)
    if claim.late == 0 then
        return
    end
    local late = call('ZRANGEBYSCORE', held_key(queue), '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, claim.late)
    claim.late = claim.late - #late / 2
    for i = 1, #late, 2 do
        local id, job = late[i], stated(late[i])
        call('ZREM', held_key(queue), id)
        call('ZADD', due_key(job.level, queue), late[i + 1], id)
    end
end

local function earliest(level, queue)
    local first = call('ZRANGE', due_key(level, queue), 0, 0, 'WITHSCORES')
    return first[2] and tonumber(first[2])
end

-- Those that may run now; the others are parked, or put off by their lane's rate.
local function with_slots(claim, queue, level, ids, states)
    local good, slotless = {}, {}
    for i, id in ipairs(ids) do
        local job = states[i] and job_of(id, states[i])
        if not job then
            good[#good + 1] = {id = id}
        elseif not job.lane or job.cancel then -- one asked to cancel needs no slot and is not charged
            good[#good + 1] = job
        elseif not (job.slot or job.token ~= NOBODY and passes_on(job.lane)) then
            job.due = tonumber(call('ZSCORE', due_key(level, queue), id))
            slotless[#slotless + 1] = job
        else
            local later = charge(job.lane)
            if later then
                call('ZADD', due_key(job.level, job.queue), int(later), id)
            else
                if job.slot and passes_on(job.lane) then
                    job.slot = nil
                    vacate(job.lane)
                    claim.admitted = true
                end
                good[#good + 1] = job
            end
        end
    end
    if #slotless > 0 then
        claim.admitted = ask_for_slots(slotless) or claim.admitted
    end
    return good
end

local function answer(claim, queue, level, ids, special)
    claim.found[#claim.found + 1] = {queue, level, ids, call('HMGET', JOBS, unpack(ids)), special}
    claim.room = claim.room - #ids
end

-- Hold those that were never more than waiting: all of them have the same state.
local function hold_plain(claim, queue, level, ids)
    local state = claim.token .. cmsgpack.pack({level = level, queue = queue, worker = claim.worker})
    local ends, states = {}, {}
    for i, id in ipairs(ids) do
        ends[2 * i - 1], ends[2 * i] = claim.till, id
        states[2 * i - 1], states[2 * i] = id, state
    end
    call('ZREMRANGEBYRANK', due_key(level, queue), 0, #ids - 1)
    many('ZADD', held_key(queue), ends)
    many('HSET', STATES, states)
    answer(claim, queue, level, ids, {})
end

local function hold_special(claim, queue, level, jobs)
    local ids, special = {}, {}
    for i, job in ipairs(jobs) do
        ids[i] = job.id
        call('ZREM', due_key(level, queue), job.id)
        call('ZADD', held_key(queue), claim.till, job.id)
        if job.token and job.token ~= NOBODY then
            job.crashes = (job.crashes or 0) + 1
        end
        job.token, job.level, job.queue, job.worker = claim.token, level, queue, claim.worker
        local state = save(job)
        if job.ukey then
            release_unique(job.ukey, job.id, CLAIMED)
        end
        special[#special + 1] = i
        special[#special + 1] = string.sub(state, FIRST)
        special[#special + 1] = job.trail and call('HGET', TRAILS, job.id) or ''
    end
    if #ids > 0 then
        answer(claim, queue, level, ids, special)
    end
end

local function any_stated(states)
    for _, state in ipairs(states) do
        if state then
            return true
        end
    end
    return false
end

-- Those of them that fit into one answer, beside what it has already; one is always taken.
local function fitting(claim, ids)
    if claim.large == nil then
        claim.large = call('EXISTS', LARGE_ONES) == 1
    end
    if not claim.large or #ids == 0 then
        return ids
    end
    local sizes, fit = call('HMGET', LARGE_ONES, unpack(ids)), {}
    for i, id in ipairs(ids) do
        claim.bytes = claim.bytes + (sizes[i] or 0)
        if claim.bytes > BYTES and (#fit > 0 or #claim.found > 0) then
            claim.room = #fit
            return fit
        end
        fit[i] = id
    end
    return fit
end

-- Take what is due there, at most so many.
local function take(claim, queue, level, most)
    for _ = 1, LOOKS do
        if most <= 0 then
            return
        end
        local ids = call('ZRANGEBYSCORE', due_key(level, queue), '-inf', int(now), 'LIMIT', 0, most)
        ids = fitting(claim, ids)
        if #ids == 0 then
            return
        end
        local states = call('HMGET', STATES, unpack(ids))
        if not any_stated(states) then
            hold_plain(claim, queue, level, ids)
            return
        end
        if claim.special == 0 then
            return
        end
        ids = {unpack(ids, 1, claim.special)}
        claim.special = claim.special - #ids
        local good = with_slots(claim, queue, level, ids, states)
        hold_special(claim, queue, level, good)
        if #good == #ids then
            return
        end
        most = most - #good
    end
end

-- Every level once.
local function round(claim, queues)
    local by_level = {}
    for level = HIGHEST, 1, -1 do
        by_level[level] = {}
        for _, queue in ipairs(queues) do
            local due = earliest(level, queue)
            if due and due <= now then
                table.insert(by_level[level], queue)
            end
        end
    end
    for level = HIGHEST, 1, -1 do
        local ready = by_level[level]
        local share = math.max(1, math.floor(claim.limit / 2))
        for _, most in ipairs(#ready > 1 and {share, claim.limit} or {claim.limit}) do -- the rest goes to who has more than a share
            for _, queue in ipairs(ready) do
                take(claim, queue, level, math.min(most, claim.room))
            end
        end
    end
end

-- Something is left for others, who may sleep.
local function wake_for_the_rest(claim, queues)
    if claim.room > 0 or not anybody_sleeps() then
        return
    end
    for _, queue in ipairs(queues) do
        for level = HIGHEST, 1, -1 do
            local due = earliest(level, queue)
            if due and due <= now then
                touched[queue] = true
            end
        end
    end
end
