-- Of each of these queues: how many are ready, scheduled, running, succeeded, dead, cancelled.
local counts, till_now, later = {}, int(now), '(' .. int(now)
for i, queue in ipairs(ARGV) do
    local held = held_key(queue)
    local ready, scheduled = call('ZCOUNT', held, '-inf', till_now), 0
    for level = 1, 3 do
        ready = ready + call('ZCOUNT', due_key(level, queue), '-inf', till_now)
        scheduled = scheduled + call('ZCOUNT', due_key(level, queue), later, '+inf')
    end
    local of = {ready, scheduled, call('ZCOUNT', held, later, '+inf')}
    for _, phase in ipairs({SUCCEEDED, DEAD, CANCELLED}) do
        of[#of + 1] = call('ZCOUNT', ended_key(phase, queue), later, '+inf')
    end
    counts[i] = of
end
return counts
