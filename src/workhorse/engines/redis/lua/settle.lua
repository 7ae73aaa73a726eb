-- Settle. ARGV as `settling.py` lays it out. Returned: the numbers of the outcomes that were not done, in the order sent, each with why.
although_memory_is_full()
local undone, number, i = {}, 0, 1
while i <= #ARGV do
    if ARGV[i] == 'plain' then
        local stale, count, beyond = settle_plain(i + 1)
        for at in pairs(stale) do
            undone[#undone + 1], undone[#undone + 2] = number + at, 'stale'
        end
        number, i = number + count, beyond
    else
        local why, beyond = settle_one(i + 1)
        number, i = number + 1, beyond
        if why then
            undone[#undone + 1], undone[#undone + 2] = number, why
        end
    end
end
leave()
return undone
