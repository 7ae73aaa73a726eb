-- Publish one job of ours with nothing special, in as few commands as can be: who enqueues one after the other waits for each. ARGV and
-- answer as of many.
local queue, id, rest = ARGV[1], ARGV[5], ARGV[6]
if call('HSETNX', P .. 'jobs', id, stamp .. rest) == 0 then
    return 0
end
note_size(id, rest)
call('ZADD', P .. 'due:' .. ARGV[2] .. ':' .. queue, int(when(ARGV[3], ARGV[4])), id)
call('SADD', P .. 'queues', queue)
wake(queue)
return 1
