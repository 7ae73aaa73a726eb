-- Keys. The time, and the texts of their facts.
return {int(now), call('HMGET', P .. 'facts', unpack(ARGV))}
