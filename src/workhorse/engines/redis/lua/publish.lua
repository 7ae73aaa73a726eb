-- Publish. The answers of the special ones, in order; all others are accepted.
local answers = accept_all(1, #ARGV)
leave()
return answers
