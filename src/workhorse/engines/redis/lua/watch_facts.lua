-- A sleeper, for how long it sleeps at most, then key and known version of each fact. Microseconds until the first of them expires
-- (-1: none does); 0: one of them is another already, and nobody lies down.
local EARS_LIFE = 120000
local first = nil
for at = 3, #ARGV, 2 do
    local version, expires = read_fact(call('HGET', P .. 'facts', ARGV[at]))
    if version ~= tonumber(ARGV[at + 1]) then
        return 0
    end
    if expires > 0 and (not first or expires < first) then
        first = expires
    end
end
although_memory_is_full()
for at = 3, #ARGV, 2 do
    local ears = P .. 'ears:' .. ARGV[at]
    call('SADD', ears, ARGV[1])
    call('PEXPIRE', ears, EARS_LIFE)
end
lie_down(ARGV[1], tonumber(ARGV[2]))
return first and first - now or -1
