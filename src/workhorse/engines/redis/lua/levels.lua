-- How many jobs of the queue are due now, of each level from the highest; none while it is paused.
local counts = {}
for level = 3, 1, -1 do
    local open = call('SISMEMBER', P .. 'paused', ARGV[1]) == 0
    counts[#counts + 1] = open and call('ZCOUNT', P .. 'due:' .. level .. ':' .. ARGV[1], '-inf', int(now)) or 0
end
return counts
