-- A chunk of the lanes: where to go on (`0`: this was the last), then queue and number of the parked of each lane that has any.
local page = call('HSCAN', P .. 'members', ARGV[1], 'COUNT', 300)
local answer = {page[1]}
for i = 1, #page[2], 2 do
    local parked = parked_key(page[2][i])
    local first = call('ZRANGE', parked, 0, 0)[1]
    local job = first and stated(first)
    if job then
        answer[#answer + 1] = job.queue
        answer[#answer + 1] = call('ZCARD', parked)
    end
end
return answer
