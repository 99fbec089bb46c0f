-- schema: keys
-- Sessions and shared caches. The value is JSON as text: it is only ever read whole.
CREATE TABLE keys.entry (
  key text PRIMARY KEY,
  value text NOT NULL,
  version bigint NOT NULL,        -- 1 for the first write of a life; a life ends by expiry or deletion
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX entry_expires_at ON keys.entry (expires_at);

-- Limits: hits in the current window of each key. Unlogged: counters need not survive a crash, and cost no flush.
CREATE UNLOGGED TABLE keys.hit (
  key text PRIMARY KEY,
  hits bigint NOT NULL,
  ends_at timestamptz NOT NULL
) WITH (fillfactor = 50);
