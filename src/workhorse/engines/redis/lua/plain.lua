-- Jobs of one queue and level with nothing special. `rest` is a document without its first eight bytes, which say when it was accepted.
local stamp = struct.pack('>d', now)

local function when(delay, at)
    return at ~= '' and math.max(now, tonumber(at)) or now + tonumber(delay)
end

-- A claim takes few of such jobs at once, or it would keep the server from others for long.
local LARGE = 65536

local function note_size(id, rest)
    if #rest > LARGE then
        call('HSET', P .. 'large', id, #rest)
    end
end

-- The ids from ARGV[first] to ARGV[last], where ids and rests stand in turn; and of each whether there is a job of that id.
local function known_ids(first, last)
    local ids = {}
    for i = first, last, 2 do
        ids[#ids + 1] = ARGV[i]
    end
    return ids, call('HMGET', P .. 'jobs', unpack(ids))
end

-- Those of them that are new.
local function accept_new(queue, level, due, first, ids, known)
    local docs, dues, moment = {}, {}, int(due)
    for i, id in ipairs(ids) do
        if not known[i] then
            local rest = ARGV[first + 2 * i - 1]
            docs[#docs + 1], docs[#docs + 2] = id, stamp .. rest
            note_size(id, rest)
            dues[#dues + 1], dues[#dues + 2] = moment, id
        end
    end
    if #docs > 0 then
        many('HSET', P .. 'jobs', docs)
        many('ZADD', P .. 'due:' .. level .. ':' .. queue, dues)
        call('SADD', P .. 'queues', queue)
    end
    return #docs > 0
end
