-- The dead of a chunk: id, attempt and trail of each.
local answer, found = sift()
for _, each in ipairs(found) do
    answer[#answer + 1] = each.id
    answer[#answer + 1] = each.job.attempt or meta_of(each.doc)[4] or 1
    answer[#answer + 1] = each.job.trail and call('HGET', TRAILS, each.id) or ''
end
return answer
