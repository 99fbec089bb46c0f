-- Counts one hit in a fixed window, which begins with its first hit.
-- KEYS[1]  the counter, which lives as long as its window
-- ARGV[1]  milliseconds of the window
-- Answers the hits in this window, this one included, and the milliseconds until it ends.
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { hits, redis.call('PTTL', KEYS[1]) }
