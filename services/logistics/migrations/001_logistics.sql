-- schema: logistics
-- uses: outbox, idempotency

-- One row per order: what its parcels share, and the lock on which shipping and holding back meet.
CREATE TABLE logistics.consignment (
  order_id text PRIMARY KEY,
  buyer_id text,                                          -- null, as the address: held back before it was ever shipped
  destination jsonb,
  held_back_at timestamptz
);

CREATE TABLE logistics.shipment (
  id text PRIMARY KEY,
  order_id text NOT NULL REFERENCES logistics.consignment,
  sub_order_id text NOT NULL,
  seller_id text NOT NULL,
  tracking_number text NOT NULL UNIQUE,
  carrier text NOT NULL,
  handling_days smallint NOT NULL,
  lines jsonb NOT NULL,
  status text NOT NULL CHECK (status IN ('created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'returned', 'lost')),
  held_back boolean NOT NULL DEFAULT false,
  UNIQUE (order_id, sub_order_id),
  CONSTRAINT held_back_never_left CHECK (NOT held_back OR status = 'created')
) WITH (fillfactor = 70);

-- All that was reported, also what changed nothing.
CREATE TABLE logistics.shipment_event (
  shipment_id text NOT NULL REFERENCES logistics.shipment,
  at timestamptz(3) NOT NULL,                             -- by the carrier's clock
  status text NOT NULL,
  place text,
  note text,
  PRIMARY KEY (shipment_id, at, status)                   -- the same report twice is one
);
