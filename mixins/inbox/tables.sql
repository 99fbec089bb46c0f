-- The last event each consumer has taken effect of, per aggregate; written in the effect's own transaction.
CREATE TABLE {schema}.inbox (
  consumer text NOT NULL,
  aggregate text NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (consumer, aggregate)
) WITH (fillfactor = 50);
