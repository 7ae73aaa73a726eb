-- Settling: what went well with nothing special all at once, the others one by one.

-- The state of a held job when it has ended well; false: something hangs on it. Most of a batch have the same.
local ended_states = {}
local function ended_state(state, kept)
    local ended = ended_states[state]
    if ended == nil then
        local job = job_of('', state)
        ended = not job.lane and not job.ukey and {trail = job.trail}
        if ended then
            job.phase, job.token, job.ended, job.kept, job.worker = SUCCEEDED, NOBODY, now, kept, nil
            ended.state = state_of(job)
        end
        ended_states[state] = ended
    end
    return ended
end

local function unhold_all(queue, ids)
    if call('ZREM', held_key(queue), unpack(ids)) < #ids then
        for level = 1, HIGHEST do -- those whose lease ran out
            call('ZREM', due_key(level, queue), unpack(ids))
        end
    end
end

local function keep_ended(queue, ids, texts, kept)
    local states, ends = {}, {}
    for i, id in ipairs(ids) do
        states[2 * i - 1], states[2 * i] = id, texts[i]
        ends[2 * i - 1], ends[2 * i] = int(kept), id
    end
    many('HSET', STATES, states)
    many('ZADD', ended_key(SUCCEEDED, queue), ends)
end

local function forget_at_once(ids, trails)
    for _, hash in ipairs({JOBS, STATES, LARGE_ONES}) do
        call('HDEL', hash, unpack(ids))
    end
    if #trails > 0 then
        call('HDEL', TRAILS, unpack(trails))
    end
end

-- End those of these that the token holds; which are stale, by number.
local function succeed(queue, token, kept, ids)
    local states = call('HMGET', STATES, unpack(ids))
    local good, texts, trails, stale = {}, {}, {}, {}
    ended_states = {}
    for i, id in ipairs(ids) do
        local state = states[i]
        if not state or token_of(state) ~= token then
            stale[i] = true
        elseif ended_state(state, kept) then
            local ended = ended_state(state, kept)
            good[#good + 1], texts[#texts + 1] = id, ended.state
            trails[#trails + 1] = ended.trail and id
        else
            conclude(job_of(id, state), SUCCEEDED, kept)
        end
    end
    if #good > 0 then
        unhold_all(queue, good)
        if kept > now then
            keep_ended(queue, good, texts, kept)
        else
            forget_at_once(good, trails)
        end
    end
    return stale
end

-- Whether what these writes expect is so; a key that was written before by the same outcome has a version that nobody knows.
local function are_expected(first, last)
    local written = {}
    for i = first, last, 4 do
        local key, expect = ARGV[i], ARGV[i + 2]
        if expect ~= '' and (written[key] or fact_version(key) ~= tonumber(expect)) then
            return false
        end
        written[key] = true
    end
    return true
end

local function write(first, last)
    for i = first, last, 4 do
        put_fact(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 3]))
    end
end

-- Put it off: the next attempt, if this one counts, or the same again.
local function again(job, after, counts, attempt)
    displace(job)
    job.phase, job.token, job.worker, job.due = LIVE, NOBODY, nil, nil
    if counts then
        job.attempt, job.crashes = attempt + 1, nil
    end
    local frees = job.slot and not is_ordered(job.lane)
    if frees then
        job.slot = nil
    end
    save(job)
    wait_until(job, job.cancel and now or now + after)
    if frees then -- before its successor asks; this one asks again when it is due
        vacate(job.lane)
    end
end

-- Why it was not done; nothing: it was. From ARGV[i]: the job, its token, how it ended, for how long it is kept or put off, its attempt,
-- the reason, whether there is a trail and which, a refusal, how many words its writes and its jobs are, and these.
local function settle_one(i)
    local id, token, ending, span, attempt, reason = unpack(ARGV, i, i + 5)
    local has_trail, trail, refusal = unpack(ARGV, i + 6, i + 8)
    local writes = i + 11
    local jobs = writes + tonumber(ARGV[i + 9])
    local beyond = jobs + tonumber(ARGV[i + 10])
    local job = stated(id)
    if not job or job.token ~= token then
        return 'stale', beyond
    elseif refusal ~= '' then
        return refusal, beyond
    elseif not are_expected(writes, jobs - 1) then
        return 'conflict', beyond
    end
    write(writes, jobs - 1)
    if has_trail == '1' then
        job.trail = true
        call('HSET', TRAILS, id, trail)
    end
    if ending == 'retried' or ending == 'released' then
        again(job, tonumber(span), ending == 'retried', tonumber(attempt))
    else
        conclude(job, tonumber(ending), now + span, reason)
    end
    accept_all(jobs, beyond - 1)
    return nil, beyond
end

-- Those of a token and a queue that went well, with their writes, from ARGV[i] on; the stale ones by number, and what follows.
local function settle_plain(i)
    local token, queue, kept, count = ARGV[i], ARGV[i + 1], now + ARGV[i + 2], tonumber(ARGV[i + 3])
    local ids = {unpack(ARGV, i + 4, i + 3 + count)}
    local stale = succeed(queue, token, kept, ids)
    local writes = i + 5 + count
    local beyond = writes + tonumber(ARGV[writes - 1])
    put_facts(writes + 1, beyond - 1, 4, function(at)
        return stale[tonumber(ARGV[at - 1])]
    end)
    return stale, count, beyond
end
