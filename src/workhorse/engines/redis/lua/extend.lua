-- Extend. ARGV: the lease, then id and token of each. Returned: of each 'kept', 'lost' or 'cancel'.
although_memory_is_full()
local till = int(now + ARGV[1])
local answers = {}
for i = 2, #ARGV, 2 do
    local id, token = ARGV[i], ARGV[i + 1]
    local job = stated(id)
    if not job or job.token ~= token then
        answers[#answers + 1] = 'lost'
    else
        if job.phase == LIVE and call('ZADD', held_key(job.queue), till, id) == 1 then
            call('ZREM', due_key(job.level, job.queue), id) -- its lease ran out
        end
        answers[#answers + 1] = job.cancel and 'cancel' or 'kept'
    end
end
return answers
