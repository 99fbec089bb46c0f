-- Committed actors.
-- KEYS     the actors
-- Answers, for each in its place, { version, state or nil when dead, operations }, or nil where there is none.
local rows = {}
for i, actor in ipairs(KEYS) do
  local row = redis.call('HMGET', actor, 'v', 's', 'o')
  rows[i] = row[1] and row or false
end
return rows
