-- Sifting: one chunk of the jobs that a filter means. ARGV: where to look (`jobs` and `state`: hashes of all, and of all but those that only
-- wait; `ids`: those named at the end; else a sorted set), where to go on, about how many to look at; then what the filter says: the ids
-- after, and before which (empty: all), status, queue, task, text; then ids.
local SOURCE, CURSOR, COUNT, AFTER, BEFORE = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local STATUS, QUEUE, TASK, TEXT = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local ENDED = {[SUCCEEDED] = 'succeeded', [DEAD] = 'dead', [CANCELLED] = 'cancelled'}

-- Level, queue, task, attempt, topic and lane of a document.
local function meta_of(doc)
    local _, length = struct.unpack('>dI4', doc)
    return cmsgpack.unpack(string.sub(doc, HEAD + 1, HEAD + length))
end

-- The status and the due of a job; nothing of one that only waits to be pruned.
local function status_of(id, job, level, queue)
    if job and job.phase == PARKED then
        return 'parked', job.due
    elseif job and job.phase > PARKED then
        return job.kept > now and ENDED[job.phase] or nil
    end
    local due = tonumber(call('ZSCORE', due_key(level, queue), id))
    if due then
        return due <= now and 'ready' or 'scheduled', due
    end
    due = tonumber(call('ZSCORE', held_key(queue), id))
    return due and (due > now and 'running' or 'ready'), due
end

local function has_text(id, job, doc, meta)
    local trail = job and job.trail and call('HGET', TRAILS, id) or ''
    local all = table.concat({id, meta[3], job and job.reason or '', string.sub(doc, HEAD + 1), trail}, ' ')
    return string.find(string.lower(all), TEXT, 1, true) ~= nil
end

local function looked_at()
    if SOURCE == 'ids' then
        return '0', {unpack(ARGV, 10)}, 1
    end
    local command = (SOURCE == 'jobs' or SOURCE == 'state') and 'HSCAN' or 'ZSCAN'
    local page = call(command, P .. SOURCE, CURSOR, 'COUNT', COUNT)
    return page[1], page[2], 2
end

local function fits(id, job, doc)
    local meta = meta_of(doc)
    if QUEUE ~= '' and meta[2] ~= QUEUE or TASK ~= '' and meta[3] ~= TASK then
        return false
    elseif STATUS == '' and job and is_over(job) then
        return false
    elseif STATUS ~= '' and status_of(id, job, meta[1], meta[2]) ~= STATUS then
        return false
    end
    return TEXT == '' or has_text(id, job, doc, meta)
end

-- Where to go on (`0`: this was the last chunk), how many were looked at and how many bytes, and the jobs found: id, job or nothing, document.
local function sift()
    local cursor, values, step = looked_at()
    local found, bytes = {}, 0
    for i = 1, #values, step do
        local id, doc = values[i], SOURCE == 'jobs' and values[i + 1]
        if id > AFTER and (BEFORE == '' or id < BEFORE) then
            doc = doc or call('HGET', JOBS, id)
            local job = doc and stated(id)
            if doc and fits(id, job, doc) then
                found[#found + 1] = {id = id, job = job or nil, doc = doc}
            end
        end
        bytes = bytes + (doc and #doc or 0)
    end
    return {cursor, #values / step, bytes}, found
end
