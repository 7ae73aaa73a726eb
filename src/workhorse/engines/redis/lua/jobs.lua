-- Jobs: a document that stays as it was published, and, once a job is not merely waiting, a state: the token of who holds it (16 signs)
-- and a table of what is not as it was at first: phase, level, queue, attempt, crashes, cancel, lane, slot, seq, ukey, worker, ended,
-- kept, reason, due (of a parked one), expires, trail.
local JOBS, STATES, TRAILS, LARGE_ONES = P .. 'jobs', P .. 'state', P .. 'trails', P .. 'large'
local LIVE, PARKED, SUCCEEDED, DEAD, CANCELLED = 0, 1, 2, 3, 4
local NOBODY = string.rep('0', 16)
local FIRST = 17 -- where the table begins in a state
local HEAD = 16 -- bytes of a document before its first part

local function token_of(state)
    return string.sub(state, 1, FIRST - 1)
end

local function job_of(id, state)
    local job = cmsgpack.unpack(string.sub(state, FIRST))
    job.id, job.token, job.phase = id, token_of(state), job.phase or LIVE
    return job
end

local function state_of(job)
    local id, token = job.id, job.token
    job.id, job.token = nil, nil
    local state = token .. cmsgpack.pack(job)
    job.id, job.token = id, token
    return state
end

local function save(job)
    local state = state_of(job)
    call('HSET', STATES, job.id, state)
    return state
end

-- The job if it has a state.
local function stated(id)
    local state = call('HGET', STATES, id)
    return state and job_of(id, state)
end

-- The job, whatever it does; nil: there is none.
local function find(id)
    local job = stated(id)
    if job then
        return job
    end
    local doc = call('HGET', JOBS, id)
    if doc then
        local _, length = struct.unpack('>dI4', doc)
        local meta = cmsgpack.unpack(string.sub(doc, HEAD + 1, HEAD + length))
        return {id = id, token = NOBODY, phase = LIVE, level = meta[1], queue = meta[2]}
    end
end

-- Ended, and not kept any longer: it only waits to be pruned.
local function is_over(job)
    return job.phase > PARKED and job.kept <= now
end

local function due_key(level, queue)
    return P .. 'due:' .. level .. ':' .. queue
end

local function held_key(queue)
    return P .. 'held:' .. queue
end

local function parked_key(lane)
    return P .. 'parked:' .. lane
end

local function ended_key(phase, queue)
    return P .. 'ended:' .. phase .. ':' .. queue
end

-- Queues where something may be claimed now, or sooner than was known.
local touched = {}

-- Nobody holds it: it may be claimed from this moment on.
local function wait_until(job, due)
    call('ZADD', due_key(job.level, job.queue), int(due), job.id)
    touched[job.queue] = true
end

-- Whoever held it: one whose lease ran out may wait among the others again.
local function unhold(job)
    if call('ZREM', held_key(job.queue), job.id) == 0 then
        call('ZREM', due_key(job.level, job.queue), job.id)
    end
end

local function wake_touched()
    for queue in pairs(touched) do
        wake(queue)
    end
end
