-- Key and the version expected (empty: any) of each. 1 where it was deleted.
although_memory_is_full()
local done = {}
for at = 1, #ARGV, 2 do
    local version, expected = fact_version(ARGV[at]), tonumber(ARGV[at + 1])
    local good = version ~= 0 and (not expected or expected == version)
    if good then
        drop_fact(ARGV[at])
    end
    done[#done + 1] = good and 1 or 0
end
return done
