-- First answers to requests that carried an Idempotency-Key, written in the commit of the change they answer; swept after 24 h.
CREATE TABLE {schema}.idempotency (
  id text PRIMARY KEY,            -- digest(caller, operation, key)
  body_hash text NOT NULL,
  status smallint,                -- null while a saga still runs
  answer jsonb,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_at ON {schema}.idempotency (at);
