-- Who sleeps, and how they are woken. A sleeper is LISTENER/NUMBER: a process' own list, and one wait of that process.
local LIST_LIFE = 60000

-- Whether it slept; then its process is told. One that waits for several queues may have been woken by another of them.
local function rouse(sleeper)
    local till = call('ZSCORE', P .. 'asleep', sleeper)
    if not till then
        return false
    end
    call('ZREM', P .. 'asleep', sleeper)
    if tonumber(till) <= now then
        return false
    end
    local listener, number = string.match(sleeper, '^(.*)/(%d+)$')
    local list = P .. 'wake:' .. listener
    call('RPUSH', list, number)
    call('PEXPIRE', list, LIST_LIFE)
    return true
end

-- Nobody asleep: one question a script, and nothing is written.
local anybody
local function anybody_sleeps()
    if anybody == nil then
        anybody = call('EXISTS', P .. 'asleep') == 1
    end
    return anybody
end

-- Something may be claimed from the queue: once a script wake one who waits for it. The one that lay down last is the likeliest to live.
local woken = {}
local function wake(queue)
    if woken[queue] or not anybody_sleeps() then
        return
    end
    woken[queue] = true
    repeat
        local sleeper = call('ZPOPMAX', P .. 'sleepers:' .. queue)[1]
    until not sleeper or rouse(sleeper)
end

-- The fact is another: wake all who wait for it.
local function ring(key)
    if not anybody_sleeps() then
        return
    end
    local ears = P .. 'ears:' .. key
    local sleepers = call('SMEMBERS', ears)
    if #sleepers > 0 then
        call('DEL', ears)
    end
    for _, sleeper in ipairs(sleepers) do
        rouse(sleeper)
    end
end

-- This sleeper sleeps for so long (microseconds) at most. Those whose process died have lapsed.
local function lie_down(sleeper, span)
    call('ZREMRANGEBYSCORE', P .. 'asleep', '-inf', int(now))
    call('ZADD', P .. 'asleep', int(now + span), sleeper)
end
