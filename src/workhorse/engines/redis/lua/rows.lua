-- Jobs as people see them, of these ids (as the filter's): id, document, state, trail, status and due of each that is shown.
local rows = {}
for _, id in ipairs({unpack(ARGV, 10)}) do
    local doc, state = call('HGET', JOBS, id), call('HGET', STATES, id)
    if doc then
        local meta, job = meta_of(doc), state and job_of(id, state)
        local status, due = status_of(id, job, meta[1], meta[2])
        if status then
            rows[#rows + 1] = {id, doc, state or '', job and job.trail and call('HGET', TRAILS, id) or '', status, due and int(due) or ''}
        end
    end
end
return rows
