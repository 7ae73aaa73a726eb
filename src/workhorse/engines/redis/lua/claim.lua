-- Claim. ARGV: limit, lease, token, worker, the queues. Returned: now, 1 if it
-- ended early because a script must be short, and for each batch its queue, level, ids, documents, and of those
-- that have a history their number, state and trail.
although_memory_is_full()
local claim = {limit = tonumber(ARGV[1]), till = int(now + ARGV[2]), token = ARGV[3], worker = ARGV[4], found = {}, bytes = 0, late = LATE}
claim.room, claim.special = claim.limit, SPECIAL

local queues = {}
for i = 5, #ARGV do
    if call('SISMEMBER', P .. 'paused', ARGV[i]) == 0 then
        queues[#queues + 1] = ARGV[i]
        bring_back_late(claim, ARGV[i])
    end
end
for _ = 1, ROUNDS do
    claim.admitted = false
    round(claim, queues)
    if not claim.admitted and claim.room > 0 then
        claim.admitted = admit_put_off()
    end
    if not claim.admitted or claim.room == 0 then
        break
    end
end
wake_for_the_rest(claim, queues)
leave()
local spent = left == 0 or claim.late == 0 or claim.special == 0
return {int(now), spent and 1 or 0, claim.found}
