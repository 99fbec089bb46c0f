-- json, not jsonb: an answer is only ever given back whole, and taking it apart cost a third of recording it.
ALTER TABLE {schema}.idempotency ALTER COLUMN answer TYPE json USING answer::json;
