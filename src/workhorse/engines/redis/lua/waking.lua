-- Who sleeps, and how they are woken. A sleeper is LISTENER/NUMBER: a process' own list, and one wait of that process.
-- Whoever changes something says what was `touched` or `told` and ends with `ring()`.
local touched = {} -- queues in which something may be claimed now: one sleeper of each is woken
local told = {} -- keys whose facts are others now: all who wait for one are woken

local LIST_LIFE = 60000

-- Whether it slept; then its process is told. One that waits for several queues may have been woken by another of them.
local function rouse(sleeper)
    local till = call('ZSCORE', base .. 'asleep', sleeper)
    if not till then
        return false
    end
    call('ZREM', base .. 'asleep', sleeper)
    if tonumber(till) <= now then
        return false
    end
    local listener, number = string.match(sleeper, '^(.*)/(%d+)$')
    local list = base .. 'wake:' .. listener
    call('RPUSH', list, number)
    call('PEXPIRE', list, LIST_LIFE)
    return true
end

-- Of those who wait for this queue the one that lay down last: it is the likeliest to live.
local function wake_one(queue)
    repeat
        local sleeper = call('ZPOPMAX', base .. 'sleepers:' .. queue)[1]
    until not sleeper or rouse(sleeper)
end

local function wake_all(key)
    local ears = base .. 'ears:' .. key
    local sleepers = call('SMEMBERS', ears)
    if #sleepers > 0 then
        call('DEL', ears)
    end
    for _, sleeper in ipairs(sleepers) do
        rouse(sleeper)
    end
end

-- Nobody asleep: one question, and nothing is written.
local function ring()
    if (next(touched) or next(told)) and call('EXISTS', base .. 'asleep') == 1 then
        for queue in pairs(touched) do
            wake_one(queue)
        end
        for key in pairs(told) do
            wake_all(key)
        end
    end
end

-- This sleeper sleeps for so long (microseconds) at most. Those whose process died have lapsed.
local function lie_down(sleeper, span)
    call('ZREMRANGEBYSCORE', base .. 'asleep', '-inf', integer(now))
    call('ZADD', base .. 'asleep', integer(now + span), sleeper)
end
