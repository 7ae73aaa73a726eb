-- Nothing of the queue is given to claims from now on.
although_memory_is_full()
call('SADD', P .. 'paused', ARGV[1])
return 1
