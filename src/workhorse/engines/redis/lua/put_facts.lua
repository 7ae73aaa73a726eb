-- with waking facts
-- Key, value, the version expected (empty: any) and ttl (empty: for ever) of each. The new versions; false where another stood.
local versions = {}
for at = 1, #args, 4 do
    local expected = tonumber(args[at + 2])
    if expected and fact_version(args[at]) ~= expected then
        versions[#versions + 1] = false
    else
        versions[#versions + 1] = fact_put(args[at], args[at + 1], tonumber(args[at + 3]))
    end
end
ring()
return versions
