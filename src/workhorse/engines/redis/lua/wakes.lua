-- Who sleeps, and how one of them is woken. A sleeper is LISTENER/NUMBER: a process' own list, and one wait of that process.
local ASLEEP = P .. 'asleep'
local LIST_LIFE = 60000

local sleeping
local function anybody_sleeps()
    if sleeping == nil then
        sleeping = redis.call('EXISTS', ASLEEP) == 1
    end
    return sleeping
end

-- Whether it slept; then its process is told. One that waits for several queues may have been woken by another of them.
local function rouse(sleeper)
    local till = redis.call('ZSCORE', ASLEEP, sleeper)
    if not till then
        return false
    end
    redis.call('ZREM', ASLEEP, sleeper)
    if tonumber(till) <= now then
        return false
    end
    local listener, number = string.match(sleeper, '^(.*)/(%d+)$')
    local list = P .. 'wake:' .. listener
    redis.call('RPUSH', list, number)
    redis.call('PEXPIRE', list, LIST_LIFE)
    return true
end

-- Something may be claimed from the queue: wake one who waits for it, the one that lay down last, as it is the likeliest to live.
local function wake(queue)
    if not anybody_sleeps() then
        return
    end
    local sleepers = P .. 'sleepers:' .. queue
    repeat
        local sleeper = redis.call('ZPOPMAX', sleepers)[1]
    until not sleeper or rouse(sleeper)
end

-- The fact is another: wake all who wait for it.
local function ring(key)
    if not anybody_sleeps() then
        return
    end
    local ears = P .. 'ears:' .. key
    local sleepers = redis.call('SMEMBERS', ears)
    if #sleepers == 0 then
        return
    end
    redis.call('DEL', ears)
    for _, sleeper in ipairs(sleepers) do
        rouse(sleeper)
    end
end

-- This sleeper sleeps for so long (microseconds) at most.
local function lie_down(sleeper, span)
    redis.call('ZREMRANGEBYSCORE', ASLEEP, '-inf', int(now))
    redis.call('ZADD', ASLEEP, int(now + span), sleeper)
end
