-- Keys. The time, and the texts of their facts.
return {integer(now), call('HMGET', base .. 'facts', unpack(args))}
