-- Alarms that are due by this server's clock.
-- KEYS     pairs: due · alarm
-- ARGV[1]  how many at most of each pair
-- Answers, one alarm after the other in one list: member · "<attempts> <when it was set for>" · milliseconds that it has been due.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for i = 1, #KEYS, 2 do
  local due = redis.call('ZRANGE', KEYS[i], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
  for j = 1, #due, 2 do
    found[#found + 1] = due[j]
    found[#found + 1] = redis.call('HGET', KEYS[i + 1], due[j])
    found[#found + 1] = now - tonumber(due[j + 1])
  end
end
return found
