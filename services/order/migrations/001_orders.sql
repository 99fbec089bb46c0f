-- schema: orders
-- database: orders
-- uses: actor, outbox, idempotency
-- Orders are actors (type 'order') of the buyer's shard; this table finds a buyer's. Written once, in the commit that creates the order.
CREATE TABLE orders.buyer_order (
  order_id text PRIMARY KEY COLLATE "C",
  buyer_id text NOT NULL
);
CREATE INDEX buyer_order_buyer ON orders.buyer_order (buyer_id, order_id DESC);
