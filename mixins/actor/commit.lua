-- Turns of actors, each of them whole or not at all: its state, operations, events, alarms and record. All keys are of one slot in a
-- cluster, of any on a single server.
-- ARGV     the number of turns, then turn after turn:
--   loaded version · '1' and the state, or '0' and '' for the dead · operations
--   number of events, then for each: id · topic · aggregate · body
--   number of alarms, then for each: member · time of the next try in milliseconds · when it is set for; both '' to take it back
--   '1' when it records an operation, then: hash of the body · status or '' · answer · milliseconds to live; else '0'
--   '1' when it completes a record, then: status · answer; else '0'
-- KEYS     of each turn in its place: actor · outbox if it has events · due and alarm if it has alarms · record if it records · record if it completes
-- Answers, for each turn in its place: 1 written; 0 stale, nothing of it written; { hash, status, answer } its operation was taken
-- before, nothing of it written.
-- Kept: a turn is written only on the version that was loaded (0: there is no such actor), and once per operation; the version grows by
-- one; events are numbered by their actor without gaps, and lie in the outbox in that order. Whatever decides is read before the first
-- write, for what a script has written stays written.
local k, a = 0, 0
local function key() k = k + 1 return KEYS[k] end
local function arg() a = a + 1 return ARGV[a] end

-- The place of `count` groups of arguments, which are passed over for now.
local function group(count, size)
  local first = a
  a = a + count * size
  return first
end

local function publish(outbox, first, count, number)
  for i = 0, count - 1 do
    local e = first + 4 * i
    redis.call('XADD', outbox, '*', 'id', ARGV[e + 1], 'topic', ARGV[e + 2], 'aggregate', ARGV[e + 3], 'number', string.format('%d', number + i + 1), 'body', ARGV[e + 4])
  end
end

local function remind(due, alarm, first, count)
  for i = 0, count - 1 do
    local r = first + 3 * i
    local member, next, at = ARGV[r + 1], ARGV[r + 2], ARGV[r + 3]
    if next == '' then
      redis.call('ZREM', due, member)
      redis.call('HDEL', alarm, member)
    else
      redis.call('ZADD', due, next, member)
      redis.call('HSET', alarm, member, '0 ' .. at)
    end
  end
end

local outcomes = {}
for turn = 1, tonumber(arg()) do
  local actor, loaded, alive, state, operations = key(), arg(), arg(), arg(), arg()
  local events = tonumber(arg())
  local firstEvent = group(events, 4)
  local outbox = events > 0 and key()
  local alarms = tonumber(arg())
  local firstAlarm = group(alarms, 3)
  local due, alarm
  if alarms > 0 then due, alarm = key(), key() end
  local record, hash, status, answer, live
  if arg() == '1' then record, hash, status, answer, live = key(), arg(), arg(), arg(), arg() end
  local completed, finalStatus, finalAnswer
  if arg() == '1' then completed, finalStatus, finalAnswer = key(), arg(), arg() end

  local row = redis.call('HMGET', actor, 'v', 'e')
  local taken = record and redis.call('HMGET', record, 'h', 's', 'a')
  if (row[1] or '0') ~= loaded then
    outcomes[turn] = 0
  elseif taken and taken[1] then
    outcomes[turn] = taken
  else
    local number = tonumber(row[2] or '0')
    redis.call('HSET', actor, 'v', string.format('%d', tonumber(loaded) + 1), 'e', string.format('%d', number + events), 'o', operations)
    if alive == '1' then redis.call('HSET', actor, 's', state) else redis.call('HDEL', actor, 's') end
    if record then
      redis.call('HSET', record, 'h', hash, 's', status, 'a', answer)
      redis.call('PEXPIRE', record, live)
    end
    if completed and redis.call('EXISTS', completed) == 1 then redis.call('HSET', completed, 's', finalStatus, 'a', finalAnswer) end
    if events > 0 then publish(outbox, firstEvent, events, number) end
    if alarms > 0 then remind(due, alarm, firstAlarm, alarms) end
    outcomes[turn] = 1
  end
end
return outcomes
