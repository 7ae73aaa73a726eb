-- How many jobs of a chunk: task, status and number of each.
local answer, found = sift()
local numbers = {}
for _, each in ipairs(found) do
    local meta = meta_of(each.doc)
    local status = status_of(each.id, each.job, meta[1], meta[2])
    if status then
        local by_status = numbers[meta[3]] or {}
        by_status[status] = (by_status[status] or 0) + 1
        numbers[meta[3]] = by_status
    end
end
for task, by_status in pairs(numbers) do
    for status, number in pairs(by_status) do
        answer[#answer + 1] = task
        answer[#answer + 1] = status
        answer[#answer + 1] = number
    end
end
return answer
