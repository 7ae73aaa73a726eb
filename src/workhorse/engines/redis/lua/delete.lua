-- Forget those of a chunk, whatever they do; who waits for the result of one that had not ended is told. The fact that tells them, and for how
-- long (microseconds), stand last.
although_memory_is_full()
local LIFE = tonumber(table.remove(ARGV))
local DELETED = table.remove(ARGV)
local answer, found = sift()
for _, each in ipairs(found) do
    local job = find(each.id) -- the end of one before it may have admitted it
    forget(job)
    if job.phase <= PARKED then
        put_fact('result/' .. each.id, DELETED, LIFE)
    end
end
leave()
answer[4] = #found
return answer
