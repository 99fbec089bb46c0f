-- Actors: one row each, changed only by compare-and-set on `version`. Never deleted while an activation may live: dead is `state IS NULL`.
CREATE TABLE {schema}.actor (
  type text NOT NULL,
  key text NOT NULL,
  version bigint NOT NULL,        -- grows by one with each turn
  events bigint NOT NULL,         -- number of the last event of this actor: its aggregate is type || '/' || key
  state json,                     -- the text as it was written; null: dead
  operations json NOT NULL,       -- calls taken in the last minutes, so that a repeated call has no second effect
  PRIMARY KEY (type, key)
) WITH (fillfactor = 50);
-- Alarms of actors; `at` is when it was set for, `next` when it is tried (again).
CREATE TABLE {schema}.reminder (
  type text NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  at timestamptz NOT NULL,
  next timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  PRIMARY KEY (type, key, name)
);
CREATE INDEX reminder_next ON {schema}.reminder (next);
