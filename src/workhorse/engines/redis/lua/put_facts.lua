-- Key, value, the version expected (empty: any) and ttl (empty: for ever) of each. The new versions; false where another stood.
local versions = {}
for at = 1, #ARGV, 4 do
    local expected = tonumber(ARGV[at + 2])
    if expected and fact_version(ARGV[at]) ~= expected then
        versions[#versions + 1] = false
    else
        versions[#versions + 1] = put_fact(ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 3]))
    end
end
return versions
