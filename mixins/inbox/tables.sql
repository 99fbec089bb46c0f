-- The last event each consumer has taken effect of, per topic and aggregate; written in the effect's own transaction. Per topic,
-- because the log keeps the order of an aggregate within a topic only: a later number of another topic may come first.
CREATE TABLE {schema}.inbox (
  consumer text NOT NULL,
  topic text NOT NULL,
  aggregate text NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (consumer, topic, aggregate)
) WITH (fillfactor = 50);
