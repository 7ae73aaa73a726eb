-- Facts: values under keys. A fact is one text: its version and when it expires (microseconds by the server's clock; 0: never), as `>dd`,
-- then the value.
local FACT = '>dd'
local RESERVED = 100

-- Versions follow the clock, so that none comes back even where a failover lost the latest.
local last, reserved = 0, 0
local function next_version()
    if last == reserved then
        last = math.max(tonumber(call('GET', P .. 'version') or 0), now)
        reserved = last + RESERVED
        call('SET', P .. 'version', int(reserved))
    end
    last = last + 1
    return last
end

-- Its version and when it expires; version 0: it is not there, or its life has ended.
local function read_fact(text)
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
    return (read_fact(call('HGET', P .. 'facts', key)))
end

-- Its new version. `ttl` in microseconds; nil: for ever.
local function put_fact(key, value, ttl)
    local version, expires = next_version(), ttl and now + ttl or 0
    if call('HSET', P .. 'facts', key, struct.pack(FACT, version, expires) .. value) == 1 then
        call('ZADD', P .. 'facts:order', 0, key)
    elseif expires == 0 then
        call('ZREM', P .. 'facts:expiry', key)
    end
    if expires > 0 then
        call('ZADD', P .. 'facts:expiry', int(expires), key)
    end
    ring(key)
    return version
end

-- Many, each key but once: key, value and ttl (empty: for ever) in turn from ARGV[first] on, every `step` words; those that are not skipped.
local function put_facts(first, last, step, is_skipped)
    local values, order, lives, lasting = {}, {}, {}, {}
    for i = first, last, step do
        if not is_skipped(i) then
            local key, ttl = ARGV[i], tonumber(ARGV[i + 2])
            local expires = ttl and now + ttl or 0
            values[#values + 1], values[#values + 2] = key, struct.pack(FACT, next_version(), expires) .. ARGV[i + 1]
            order[#order + 1], order[#order + 2] = 0, key
            if expires > 0 then
                lives[#lives + 1], lives[#lives + 2] = int(expires), key
            else
                lasting[#lasting + 1] = key
            end
        end
    end
    many('HSET', P .. 'facts', values)
    many('ZADD', P .. 'facts:order', order)
    many('ZADD', P .. 'facts:expiry', lives)
    many('ZREM', P .. 'facts:expiry', lasting)
    for i = 2, #order, 2 do
        ring(order[i])
    end
end

local function drop_fact(key)
    call('HDEL', P .. 'facts', key)
    call('ZREM', P .. 'facts:order', key)
    call('ZREM', P .. 'facts:expiry', key)
    ring(key)
end

-- Whether it was there.
local function delete_fact(key)
    local there = fact_version(key) ~= 0
    if there then
        drop_fact(key)
    end
    return there
end
