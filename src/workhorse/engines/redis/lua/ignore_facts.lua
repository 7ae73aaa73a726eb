-- A sleeper that waits no more, and the keys that it waited for.
call('ZREM', base .. 'asleep', args[1])
for at = 2, #args do
    call('SREM', base .. 'ears:' .. args[at], args[1])
end
