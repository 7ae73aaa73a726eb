-- Lanes: who holds a slot, who is parked, and whom a freed slot admits. They are written once, at the end of a script: `leave`.
local LANES, MEMBERS, SEQ = P .. 'lanes', P .. 'members', P .. 'seq'
local RANK = 2 ^ 50 -- between two levels of parked jobs: more than there will ever be jobs
local HIGHEST = 3

-- Parked jobs that one script admits or places anew, so that it keeps nobody from the server for long: a lane may grow by thousands. What is
-- left waits among the put off, and the claims that follow go on; nobody sleeps until there is none.
local PUT_OFF = P .. 'putoff'
local left = 100

local lanes, changed_lanes = {}, {}

local function lane_of(key)
    if lanes[key] == nil then
        local found = call('HGET', LANES, key)
        lanes[key] = found and cmsgpack.unpack(found)
    end
    return lanes[key]
end

-- Among the parked: the one accepted first; out of order, of the highest level first.
local function place_of(job, ordered)
    return ordered and job.seq or job.seq + (HIGHEST - job.level) * RANK
end

local function park(job, due)
    job.phase, job.due = PARKED, due
    save(job)
    local lane = lane_of(job.lane)
    call('ZADD', parked_key(job.lane), int(place_of(job, lane and lane.ordered)), job.id)
end

-- Those parked while the lane was of the other kind, in the order of acceptance; `lane.placed` is how far it has come. Whether all are placed.
local function place_anew(key, lane)
    local from, to = '(' .. int(lane.placed), '(' .. int(RANK)
    if lane.ordered then
        from, to = int(RANK), '+inf'
    end
    local ids, most = call('ZRANGEBYSCORE', parked_key(key), from, to, 'LIMIT', 0, left), left
    for _, id in ipairs(ids) do
        local job = stated(id)
        call('ZADD', parked_key(key), int(place_of(job, lane.ordered)), id)
        lane.placed = job.seq
    end
    left = left - #ids
    if #ids < most then
        lane.placed = nil
    end
    changed_lanes[key] = true
    return not lane.placed
end

-- Give the free slots to the first of those parked, due now or at their own time if that is later; whether it gave any.
local function admit(key)
    local lane = lane_of(key)
    local room = lane and (lane.width or 1) - lane.taken or 0
    if room <= 0 then
        return false
    elseif left == 0 or lane.placed and not place_anew(key, lane) then
        call('SADD', PUT_OFF, key)
        return false
    end
    local ids = call('ZRANGE', parked_key(key), 0, int(math.min(room, left) - 1))
    if #ids == 0 then
        return false
    end
    left = left - #ids
    if left == 0 and #ids < room then
        call('SADD', PUT_OFF, key)
    end
    call('ZREMRANGEBYRANK', parked_key(key), 0, #ids - 1)
    for _, id in ipairs(ids) do
        local job = stated(id)
        local due = math.max(job.due, now)
        job.phase, job.slot, job.due = LIVE, true, nil
        save(job)
        wait_until(job, due)
    end
    lane.taken = lane.taken + #ids
    changed_lanes[key] = true
    return true
end

-- One who held a slot does so no more: admit the next.
local function vacate(key)
    local lane = lane_of(key)
    if lane then
        lane.taken = lane.taken - 1
        changed_lanes[key] = true
        admit(key)
    end
end

-- Go on with what a script before this one left; whether anybody was admitted.
local function admit_put_off()
    local admitted = false
    while left > 0 do
        local key = call('SPOP', PUT_OFF)
        if not key then
            break
        end
        admitted = admit(key) or admitted
    end
    return admitted
end

-- The numbers of the job published last hold; those parked under older ones go first.
local function enroll(new)
    local old = lane_of(new.key)
    if not old then
        lanes[new.key] = {taken = 0, free_at = 0}
    elseif old.width == new.width and old.ordered == new.ordered and old.every == new.every and old.burst == new.burst then
        return
    elseif old.ordered ~= new.ordered then
        old.placed = 0
    end
    local lane = lanes[new.key]
    lane.width, lane.ordered, lane.every, lane.burst = new.width, new.ordered, new.every, new.burst
    changed_lanes[new.key] = true
    if old then
        admit(new.key)
    end
end

-- Jobs without a slot (each with `due`, its own time) want one, behind those parked; whether anybody was admitted.
local function ask_for_slots(jobs)
    local keys, known, admitted = {}, {}, false
    for _, job in ipairs(jobs) do
        if not known[job.lane] then
            known[job.lane] = true
            keys[#keys + 1] = job.lane
        end
    end
    for _, key in ipairs(keys) do
        admitted = admit(key) or admitted
    end
    for _, job in ipairs(jobs) do
        call('ZREM', due_key(job.level, job.queue), job.id)
        park(job, job.due)
    end
    for _, key in ipairs(keys) do
        admitted = admit(key) or admitted
    end
    return admitted
end

local function is_ordered(key)
    local lane = lane_of(key)
    return lane and lane.ordered
end

-- Whether a claim hands the slot on: a rate alone, any number run.
local function passes_on(key)
    local lane = lane_of(key)
    return lane and not lane.width
end

-- Charge a claim to the lane's rate. Nothing: it is within; else the moment to which the claim is put off, and nothing is charged.
local function charge(key)
    local lane = lane_of(key)
    if not lane or lane.every == 0 then
        return nil
    end
    local start = math.max(lane.free_at, now)
    local earliest = start - (lane.burst - 1) * lane.every
    if earliest > now then
        return earliest
    end
    lane.free_at = start + lane.every
    changed_lanes[key] = true
end

-- One job more or less is stored that belongs to the lane.
local function count_member(key, difference)
    if call('HINCRBY', MEMBERS, key, difference) <= 0 then
        call('HDEL', MEMBERS, key)
    end
end

-- Forget a lane that no stored job belongs to, once its rate has caught up.
local function sweep(key)
    local lane = lane_of(key)
    if lane and lane.taken <= 0 and lane.free_at <= now and call('HEXISTS', MEMBERS, key) == 0 then
        call('HDEL', LANES, key)
        lanes[key], changed_lanes[key] = false, nil
    end
end

-- At the end of each script that may have touched jobs.
local function leave()
    for key in pairs(changed_lanes) do
        call('HSET', LANES, key, cmsgpack.pack(lanes[key]))
    end
    wake_touched()
end
