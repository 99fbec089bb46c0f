-- schema: inventory
-- uses: outbox, idempotency

-- What lies in a warehouse. The CHECK holds whoever writes: nothing is promised that is not there.
CREATE TABLE inventory.stock (
  offer_id text NOT NULL,
  warehouse_id text NOT NULL,
  on_hand integer NOT NULL,
  reserved integer NOT NULL DEFAULT 0,
  PRIMARY KEY (offer_id, warehouse_id),
  CONSTRAINT stock_never_oversold CHECK (reserved >= 0 AND reserved <= on_hand)
) WITH (fillfactor = 50);

-- Reservations of an order in a warehouse, one for each attempt to pay it. A released row is a tombstone: a reserve that comes late finds it.
CREATE TABLE inventory.reservation (
  order_id text NOT NULL,
  warehouse_id text NOT NULL,
  attempt integer NOT NULL,
  status text NOT NULL CHECK (status IN ('held', 'released', 'taken')),
  lines jsonb NOT NULL,                     -- [{offerId, quantity}], one per offer
  restocks jsonb NOT NULL DEFAULT '[]',     -- [{operationId, lines}]: what came back after it was taken
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, warehouse_id, attempt)
) WITH (fillfactor = 70);
CREATE INDEX reservation_tombstone ON inventory.reservation (at) WHERE status = 'released';

-- Every change of stock, append-only: the sums of both columns are the stock row.
CREATE TABLE inventory.movement (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  warehouse_id text NOT NULL,
  offer_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('counted', 'corrected', 'reserved', 'released', 'sold', 'restocked')),
  on_hand integer NOT NULL,                 -- units added to what is on hand
  reserved integer NOT NULL,                -- units added to what is reserved
  operation_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX movement_offer ON inventory.movement (offer_id, id);

CREATE FUNCTION inventory.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the stock ledger is append-only'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory.movement FOR EACH ROW EXECUTE FUNCTION inventory.refuse_change();
