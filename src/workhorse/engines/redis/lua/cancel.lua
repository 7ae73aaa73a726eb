-- Mark those of a chunk that have not ended. One that nobody holds becomes due at once, parked or not; one that is held is told by `extend`.
although_memory_is_full()
local answer, found = sift()
local count = 0
for _, each in ipairs(found) do
    local job = find(each.id)
    if job.phase <= PARKED then
        job.cancel = true
        if job.token == NOBODY then
            displace(job)
            job.phase, job.due = LIVE, nil
            wait_until(job, now)
        end
        save(job)
        count = count + 1
    end
end
leave()
answer[4] = count
return answer
