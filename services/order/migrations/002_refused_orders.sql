-- Orders that were refused before they were accepted leave a dead actor for some days, so that no late call resurrects one; then both go.
ALTER TABLE orders.buyer_order ADD COLUMN refused_at timestamptz;
CREATE INDEX buyer_order_refused ON orders.buyer_order (refused_at) WHERE refused_at IS NOT NULL;
