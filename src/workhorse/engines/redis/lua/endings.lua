-- The end of a job: its slot and its unique key are free, it is kept for a while; then it is forgotten.

-- Take it from where it stands.
local function displace(job)
    if job.phase == LIVE then
        unhold(job)
    elseif job.phase == PARKED then
        call('ZREM', parked_key(job.lane), job.id)
    else
        call('ZREM', ended_key(job.phase, job.queue), job.id)
    end
end

-- Delete the job, whatever it does, with all that hangs on it.
local function forget(job)
    displace(job)
    for _, hash in ipairs({JOBS, STATES, LARGE_ONES}) do
        call('HDEL', hash, job.id)
    end
    if job.trail then
        call('HDEL', TRAILS, job.id)
    end
    if job.ukey then
        release_unique(job.ukey, job.id, KEPT)
    end
    if job.lane then
        count_member(job.lane, -1)
        if job.slot then
            vacate(job.lane)
        end
        sweep(job.lane)
    end
end

-- The job has come to its end, and is kept until then.
local function conclude(job, phase, kept, reason)
    if kept <= now then
        forget(job)
        return
    end
    displace(job)
    local had_slot = job.slot
    job.phase, job.ended, job.kept, job.reason = phase, now, kept, reason
    job.token, job.slot, job.worker, job.due = NOBODY, nil, nil, nil
    save(job)
    call('ZADD', ended_key(phase, job.queue), int(kept), job.id)
    if job.ukey then
        release_unique(job.ukey, job.id, SETTLED)
    end
    if had_slot then
        vacate(job.lane)
    end
end

-- Forget jobs that have ended. Most hang on nothing, and go together.
local function forget_ended(zset, ids)
    local plain, states = {}, #ids > 0 and call('HMGET', STATES, unpack(ids))
    for i, id in ipairs(ids) do
        local job = states[i] and job_of(id, states[i])
        if job and not (job.lane or job.ukey or job.trail) then
            plain[#plain + 1] = id
        elseif job then
            forget(job)
        end
    end
    many('ZREM', zset, ids)
    for _, hash in ipairs({JOBS, STATES, LARGE_ONES}) do
        many('HDEL', hash, plain)
    end
end
