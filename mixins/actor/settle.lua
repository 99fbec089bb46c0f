-- Forgets an alarm that ran, or puts off one that failed, unless it was set anew meanwhile.
-- KEYS[1]  due    KEYS[2]  alarm
-- ARGV[1]  member    ARGV[2]  when it was set for    ARGV[3]  milliseconds from now to the next try, or '' to forget it
local set = redis.call('HGET', KEYS[2], ARGV[1])
if not set then return 0 end
local attempts, at = string.match(set, '^(%d+) (.*)$')
if at ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], (attempts + 1) .. ' ' .. at)
end
return 1
