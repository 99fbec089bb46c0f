-- schema: indexer
-- uses: inbox

-- How much a product is wanted: a score in which an event of a fortnight ago counts half. It decays by being read, not by being
-- written: `score` is what it was at `at`.
CREATE TABLE indexer.popularity (
  product_id text PRIMARY KEY,
  score float8 NOT NULL,
  at timestamptz NOT NULL,
  indexed float8 NOT NULL DEFAULT 0    -- the score that the search index shows
) WITH (fillfactor = 70);

-- What runs on one node at a time, and how it went.
CREATE TABLE indexer.job (
  name text PRIMARY KEY,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  done integer NOT NULL DEFAULT 0,
  error text
);
