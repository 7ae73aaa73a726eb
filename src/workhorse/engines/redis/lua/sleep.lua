-- A sleeper, for how long it sleeps at most (microseconds), and queues. Microseconds until the first of their jobs is due or its lease ends
-- (-1: there is none); 0: one is due now, or a
-- lane is still to be seen to, and nobody lies down.
local first
local function sooner(zset)
    local moment = tonumber(call('ZRANGE', zset, 0, 0, 'WITHSCORES')[2])
    if moment and (not first or moment < first) then
        first = moment
    end
end

for at = 3, #ARGV do
    local queue = ARGV[at]
    if call('SISMEMBER', P .. 'paused', queue) == 0 then
        for level = 1, 3 do
            sooner(P .. 'due:' .. level .. ':' .. queue)
        end
        sooner(P .. 'held:' .. queue)
    end
end
if first and first <= now or call('EXISTS', P .. 'putoff') == 1 then
    return 0
end
although_memory_is_full()
for at = 3, #ARGV do
    local sleepers = P .. 'sleepers:' .. ARGV[at]
    call('ZREMRANGEBYSCORE', sleepers, '-inf', int(now))
    call('ZADD', sleepers, int(now + tonumber(ARGV[2])), ARGV[1])
end
lie_down(ARGV[1], tonumber(ARGV[2]))
return first and first - now or -1
