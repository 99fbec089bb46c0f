-- schema: provider
-- The demo payment provider's own books. An outside party: nothing of the marketplace reads or writes here.
CREATE TABLE provider.account (
  key text COLLATE "C" PRIMARY KEY,     -- the merchant's idempotency key
  state text NOT NULL CHECK (state IN ('new', 'authorized', 'captured', 'voided', 'declined')),
  reason text,
  amount bigint NOT NULL,               -- minor units
  currency text NOT NULL,
  captured bigint NOT NULL DEFAULT 0,
  refunded bigint NOT NULL DEFAULT 0,
  CHECK (captured IN (0, amount)),
  CHECK (refunded BETWEEN 0 AND captured),
  CHECK (captured = 0 OR state = 'captured')
) WITH (fillfactor = 70);

-- The ledger: append only.
CREATE TABLE provider.entry (
  id text COLLATE "C" PRIMARY KEY,
  key text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
  refund_id text NOT NULL DEFAULT '',
  amount bigint NOT NULL,
  currency text NOT NULL,
  status text NOT NULL CHECK (status IN ('succeeded', 'declined')),
  reason text,
  at timestamptz NOT NULL,
  UNIQUE (key, kind, refund_id)
);

-- Webhooks that wait to be delivered, two for each entry; a claim moves due_at ahead, a delivery deletes.
CREATE TABLE provider.delivery (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event jsonb NOT NULL,
  due_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX delivery_due_at ON provider.delivery (due_at);
