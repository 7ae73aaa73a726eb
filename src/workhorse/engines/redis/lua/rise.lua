-- A sleeper that waits no more, and the queues that it waited for. Where it was woken meanwhile another takes its place.
although_memory_is_full()
local roused = call('ZREM', P .. 'asleep', ARGV[1]) == 0
for at = 2, #ARGV do
    call('ZREM', P .. 'sleepers:' .. ARGV[at], ARGV[1])
    if roused then
        wake(ARGV[at])
    end
end
return roused and 1 or 0
