-- The queue is not paused any more.
call('SREM', P .. 'paused', ARGV[1])
wake(ARGV[1])
return 1
