-- A sleeper that waits no more, and the keys that it waited for.
although_memory_is_full()
call('ZREM', P .. 'asleep', ARGV[1])
for at = 2, #ARGV do
    call('SREM', P .. 'ears:' .. ARGV[at], ARGV[1])
end
return 0
