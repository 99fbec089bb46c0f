-- schema: log
-- The event log where there is no Kafka: topics of eight partitions each; the aggregate decides the partition.

-- The next offset of each partition. Publishers add to it under the row's lock, held until they commit: so offsets become visible
-- in their order, and a reader that has seen n will never find a smaller one later.
CREATE TABLE log.partition (
  topic text NOT NULL,
  partition smallint NOT NULL,
  next bigint NOT NULL,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE log.event (
  topic text NOT NULL,
  partition smallint NOT NULL,
  "offset" bigint NOT NULL,
  id text NOT NULL,
  aggregate text NOT NULL,
  number bigint NOT NULL,
  at timestamptz NOT NULL,
  body json NOT NULL,             -- json, not jsonb: it is only ever read whole
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, "offset")
);

-- Where each group stands: the first offset that it has not handled.
CREATE TABLE log.position (
  "group" text NOT NULL,
  topic text NOT NULL,
  partition smallint NOT NULL,
  next bigint NOT NULL,
  PRIMARY KEY ("group", topic, partition)
) WITH (fillfactor = 50);
