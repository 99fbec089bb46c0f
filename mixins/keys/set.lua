-- Writes a value that lives from now on, on any version or on one.
-- KEYS[1]  the entry: "<version> <JSON>", with a time to live
-- ARGV[1]  the value as JSON    ARGV[2]  milliseconds to live    ARGV[3]  the version it must be at (0: absent), or '' for any
-- Answers the new version, or nil when it was at another one; then nothing is written.
-- Kept: versions of one life grow by one; an expired entry is absent, and the next write starts at 1.
local entry = redis.call('GET', KEYS[1])
local version = entry and tonumber(string.match(entry, '^%d+')) or 0
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= version then return false end
redis.call('SET', KEYS[1], string.format('%d ', version + 1) .. ARGV[1], 'PX', ARGV[2])
return version + 1
