-- with waking facts
-- Key and the version expected (empty: any) of each. 1 where it was deleted.
local done = {}
for at = 1, #args, 2 do
    local version, expected = fact_version(args[at]), tonumber(args[at + 1])
    local good = version ~= 0 and (not expected or expected == version)
    if good then
        fact_drop(args[at])
    end
    done[#done + 1] = good and 1 or 0
end
ring()
return done
