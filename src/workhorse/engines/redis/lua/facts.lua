-- Facts: values under keys. A fact is one text: its version and when it expires (microseconds by the server's clock; 0: never), as `>dd`,
-- then the value.
local FACT, FACT_VALUE = '>dd', 17
local RESERVED = 100

-- Versions follow the clock, so that none comes back even where a failover lost the latest.
local fact_last, fact_reserved = 0, 0
local function fact_next()
    if fact_last == fact_reserved then
        fact_last = math.max(tonumber(call('GET', base .. 'version') or 0), now)
        fact_reserved = fact_last + RESERVED
        call('SET', base .. 'version', integer(fact_reserved))
    end
    fact_last = fact_last + 1
    return fact_last
end

-- Its version and when it expires; version 0: it is not there, or its life has ended.
local function fact_read(text)
    if not text then
        return 0, 0
    end
    local version, expires = struct.unpack(FACT, text)
    if expires > 0 and expires <= now then
        return 0, 0
    end
    return version, expires
end

local function fact_version(key)
    return (fact_read(call('HGET', base .. 'facts', key)))
end

-- Its new version. `ttl` in microseconds; nil: for ever.
local function fact_put(key, value, ttl)
    local version, expires = fact_next(), ttl and now + ttl or 0
    if call('HSET', base .. 'facts', key, struct.pack(FACT, version, expires) .. value) == 1 then
        call('ZADD', base .. 'names', 0, key)
    elseif expires == 0 then
        call('ZREM', base .. 'expiry', key)
    end
    if expires > 0 then
        call('ZADD', base .. 'expiry', integer(expires), key)
    end
    told[key] = true
    return version
end

local function fact_drop(key)
    call('HDEL', base .. 'facts', key)
    call('ZREM', base .. 'names', key)
    call('ZREM', base .. 'expiry', key)
    told[key] = true
end

-- Whether it was there.
local function fact_forget(key)
    local there = fact_version(key) ~= 0
    if there then
        fact_drop(key)
    end
    return there
end
