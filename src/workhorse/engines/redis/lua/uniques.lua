-- Unique keys: whose one is, and when it is free. A freed one stays taken until its `within` has passed.
local UNIQUES, FREED = P .. 'uniques', P .. 'freed'
local CLAIMED, SETTLED, KEPT = 0, 1, 2

local function unique_of(key)
    local found = call('HGET', UNIQUES, key)
    return found and cmsgpack.unpack(found)
end

-- The key is this job's from now on. `till` is the moment that frees it.
local function take_unique(key, id, till, within)
    call('HSET', UNIQUES, key, cmsgpack.pack({id = id, till = till, within = within}))
    call('ZREM', FREED, key)
end

local function drop_unique(key)
    call('HDEL', UNIQUES, key)
    call('ZREM', FREED, key)
end

-- The job has come to this moment: its key is free, if that is when, and once `within` has passed.
local function release_unique(key, id, moment)
    local unique = unique_of(key)
    if not unique or unique.id ~= id or unique.till > moment then
        return
    end
    if unique.within <= now then
        drop_unique(key)
    elseif not unique.freed then
        unique.freed = true
        call('HSET', UNIQUES, key, cmsgpack.pack(unique))
        call('ZADD', FREED, int(unique.within), key)
    end
end
