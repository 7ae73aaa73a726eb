-- Forget what is no longer kept: of jobs, facts and freed unique keys so many at most. ARGV: how many, where the round over the lanes is,
-- queues. Where that round goes on, and 1 if there is more to forget.
although_memory_is_full()
local most, more = tonumber(ARGV[1]), 0

local function past(zset, room)
    return call('ZRANGEBYSCORE', zset, '-inf', int(now), 'LIMIT', 0, room)
end

local function noted(count, room)
    more = count == room and 1 or more
    return room - count
end

local function prune_jobs(zset, room)
    local ids = past(zset, room)
    forget_ended(zset, ids)
    return noted(#ids, room)
end

local room = most
for i = 3, #ARGV do
    for _, phase in ipairs({SUCCEEDED, DEAD, CANCELLED}) do
        room = room > 0 and prune_jobs(ended_key(phase, ARGV[i]), room) or 0
    end
end
for _, key in ipairs(past(P .. 'facts:expiry', most)) do
    drop_fact(key)
end
for _, key in ipairs(past(FREED, most)) do
    drop_unique(key)
end
local page = call('HSCAN', LANES, ARGV[2], 'COUNT', 50)
for i = 1, #page[2], 2 do
    sweep(page[2][i])
end
leave()
if #past(P .. 'facts:expiry', 1) + #past(FREED, 1) > 0 then
    more = 1
end
return {page[1], more}
