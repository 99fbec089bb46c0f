-- schema: pricing
-- uses: idempotency

CREATE TABLE pricing.coupon (
  code text PRIMARY KEY,                                  -- upper case
  percent smallint CHECK (percent BETWEEN 1 AND 100),
  amount bigint CHECK (amount > 0),
  amount_currency text,
  min_subtotal bigint CHECK (min_subtotal > 0),
  min_subtotal_currency text,
  uses_per_buyer integer CHECK (uses_per_buyer > 0),
  uses_total integer CHECK (uses_total > 0),
  valid_until timestamptz,
  uses integer NOT NULL DEFAULT 0 CHECK (uses >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT coupon_reduces_once CHECK ((percent IS NULL) <> (amount IS NULL)),
  CONSTRAINT coupon_within_total CHECK (uses_total IS NULL OR uses <= uses_total)
) WITH (fillfactor = 50);

-- One row per order that asked: a use, or the mark of an undo, which a take that arrives late finds.
CREATE TABLE pricing.coupon_use (
  order_id text PRIMARY KEY,
  code text REFERENCES pricing.coupon,                    -- null: undone before it was ever taken
  buyer_id text,
  n integer,                                              -- which of the buyer's uses it is, from 1; null once undone
  uses_per_buyer integer,                                 -- the coupon's limit, beside n so that the row can hold it
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT coupon_use_once UNIQUE (code, buyer_id, n),
  CONSTRAINT coupon_use_within_limit CHECK (n IS NULL OR (n > 0 AND n <= coalesce(uses_per_buyer, n)))
);
