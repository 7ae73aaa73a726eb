-- The schema of the keys here; who comes first writes down its own, ARGV[1].
local found = call('GET', P .. 'schema')
if not found then
    although_memory_is_full()
    call('SET', P .. 'schema', ARGV[1])
end
return found or ARGV[1]
