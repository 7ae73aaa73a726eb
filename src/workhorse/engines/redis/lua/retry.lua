-- Put back the dead among these: id, attempt and new trail of each. The next attempt, with no crashes. How many were.
although_memory_is_full()
local HIGHEST_WIDTH = 2 ^ 31

-- The lane may have been forgotten, or never have been here.
local function restore(job)
    local lane = not lane_of(job.lane) and meta_of(call('HGET', JOBS, job.id))[6]
    if lane then
        enroll({
            key = lane.key, ordered = lane.ordered, every = lane.every * 1000000, burst = lane.burst,
            width = lane.width and math.min(lane.width, HIGHEST_WIDTH),
        })
    end
end

local function put_back(job, attempt, trail)
    displace(job)
    job.phase, job.token, job.attempt, job.trail, job.expires = LIVE, NOBODY, attempt + 1, true, -1
    job.crashes, job.cancel, job.ended, job.kept, job.reason = nil, nil, nil, nil, nil
    call('HSET', TRAILS, job.id, trail)
    if job.lane then
        restore(job)
        park(job, now)
        admit(job.lane)
    else
        save(job)
        wait_until(job, now)
    end
    delete_fact('result/' .. job.id)
end

local count = 0
for i = 1, #ARGV, 3 do
    local job = stated(ARGV[i])
    if job and job.phase == DEAD and not is_over(job) then
        put_back(job, tonumber(ARGV[i + 1]), ARGV[i + 2])
        count = count + 1
    end
end
leave()
return count
