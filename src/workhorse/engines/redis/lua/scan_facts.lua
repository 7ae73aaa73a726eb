-- A range of keys by lex, and how many at most. Where to go on (empty: this was the end), then key and text of each fact that lives.
local PAGE, BYTES = 500, 2000000
local most = math.min(tonumber(ARGV[3]), PAGE)
local found, bytes = {''}, 0
for place, key in ipairs(call('ZRANGEBYLEX', P .. 'facts:order', ARGV[1], ARGV[2], 'LIMIT', 0, most)) do
    local text = call('HGET', P .. 'facts', key)
    if read_fact(text) ~= 0 then
        found[#found + 1] = key
        found[#found + 1] = text
        bytes = bytes + #text
    end
    if bytes > BYTES or place == most then
        found[1] = key
        break
    end
end
return found
