-- with waking
-- A sleeper that waits no more, and the queues that it waited for. Where it was woken meanwhile another takes its place.
local woken = call('ZREM', base .. 'asleep', args[1]) == 0
for at = 2, #args do
    call('ZREM', base .. 'sleepers:' .. args[at], args[1])
    touched[args[at]] = woken or nil
end
ring()
