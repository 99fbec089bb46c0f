-- Events that wait to be sent to the event log. Written in the commit of the change they report; deleted once the log has them.
CREATE TABLE {schema}.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  lane smallint NOT NULL,         -- hash(aggregate) mod 16: a relay owns whole lanes, so events of one aggregate keep their order
  event_id text NOT NULL,
  topic text NOT NULL,
  aggregate text NOT NULL,
  number bigint NOT NULL,         -- gap-free per aggregate
  at timestamptz NOT NULL DEFAULT now(),
  body jsonb NOT NULL,
  PRIMARY KEY (lane, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0); -- a queue: all of it is dead soon
-- The last number of each aggregate that has no counter in a row of its own (actors carry theirs).
CREATE TABLE {schema}.event_number (aggregate text PRIMARY KEY, number bigint NOT NULL) WITH (fillfactor = 50);
GRANT USAGE ON SCHEMA {schema} TO souk_relay;
GRANT SELECT, DELETE ON {schema}.outbox TO souk_relay;
