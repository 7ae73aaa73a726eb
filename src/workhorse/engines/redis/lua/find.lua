-- The ids of a chunk of the jobs that a filter means.
local answer, found = sift()
for _, each in ipairs(found) do
    answer[#answer + 1] = each.id
end
return answer
