-- Publish jobs of ours with nothing special: most are such, and a script that leans on less costs a server half. ARGV: queue, level, delay,
-- moment, then ids and rests in turn. 1: they are accepted; 0: some are known by their ids, and nothing was done.
local ids, known = known_ids(5, #ARGV)
for _, doc in ipairs(known) do
    if doc then
        return 0
    end
end
accept_new(ARGV[1], ARGV[2], when(ARGV[3], ARGV[4]), 5, ids, known)
wake(ARGV[1])
return 1
