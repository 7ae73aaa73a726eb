-- Facts: values under keys. A fact is one text, `VERSION EXPIRES VALUE`; it expires (microseconds, 0: never) by the server's clock.
local FACTS, FACTS_ORDER, FACTS_EXPIRY, VERSION = P .. 'facts', P .. 'facts:order', P .. 'facts:expiry', P .. 'version'
local RESERVED = 100

-- Versions follow the clock, so that none comes back even where a failover lost the latest.
local version, reserved = 0, 0
local function next_version()
    if version == reserved then
        version = math.max(tonumber(redis.call('GET', VERSION) or 0), now)
        reserved = version + RESERVED
        redis.call('SET', VERSION, int(reserved))
    end
    version = version + 1
    return version
end

-- 0: it is not there, or its life has ended.
local function version_of(text)
    if not text then
        return 0
    end
    local number, expires = string.match(text, '^(%d+) (%d+) ')
    expires = tonumber(expires)
    if expires > 0 and expires <= now then
        return 0
    end
    return tonumber(number)
end

local function fact_version(key)
    return version_of(redis.call('HGET', FACTS, key))
end

-- Its new version. `ttl` in microseconds; nil: for ever.
local function put_fact(key, value, ttl)
    local number, expires = next_version(), '0'
    if ttl then
        expires = int(now + ttl)
    end
    if redis.call('HSET', FACTS, key, int(number) .. ' ' .. expires .. ' ' .. value) == 1 then
        redis.call('ZADD', FACTS_ORDER, 0, key)
    elseif expires == '0' then
        redis.call('ZREM', FACTS_EXPIRY, key)
    end
    if expires ~= '0' then
        redis.call('ZADD', FACTS_EXPIRY, expires, key)
    end
    ring(key)
    return number
end

local function remove_fact(key)
    redis.call('HDEL', FACTS, key)
    redis.call('ZREM', FACTS_ORDER, key)
    redis.call('ZREM', FACTS_EXPIRY, key)
    ring(key)
end

-- Whether it was there.
local function delete_fact(key)
    if fact_version(key) == 0 then
        return false
    end
    remove_fact(key)
    return true
end
