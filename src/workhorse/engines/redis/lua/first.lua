-- What every script begins with: where its keys are, what time it is. All times are microseconds of the server's clock.
local P = KEYS[1]
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- Older servers round what they make of numbers to 14 digits.
local function int(number)
    return string.format('%.0f', number)
end

-- The limit of unpack is near 4,000 values, and what was written before it fails stays.
local CHUNK = 1000

-- Call a command that takes any number of values.
local function many(command, key, values)
    for first = 1, #values, CHUNK do
        call(command, key, unpack(values, first, math.min(first + CHUNK - 1, #values)))
    end
end

-- When memory is full, Redis refuses scripts whose first write takes some, and lets those go on whose first write takes none.
local function although_memory_is_full()
    call('DEL', P .. 'nothing')
end
