-- uses: inbox
-- What each seller has sold: a projection of the orders' events, so that a seller's list asks one table and no shard.
CREATE TABLE seller.sub_order (
  id text PRIMARY KEY COLLATE "C",
  order_id text NOT NULL COLLATE "C",
  seller_id text NOT NULL,
  status text NOT NULL,
  number bigint NOT NULL,                   -- of the order's event that set the status
  placed_at timestamptz,                    -- null, as lines and totals: news of it came before the order itself
  lines jsonb,
  totals jsonb
) WITH (fillfactor = 80);
CREATE INDEX sub_order_seller ON seller.sub_order (seller_id, id DESC);
CREATE INDEX sub_order_order ON seller.sub_order (order_id);
