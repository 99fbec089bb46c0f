-- schema: product
-- uses: outbox, inbox, idempotency

-- The category tree. Products lie in leaves; a category's slug is its name for clients and never changes.
CREATE TABLE product.category (
  id text PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  parent_id text REFERENCES product.category,
  position integer GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX category_parent ON product.category (parent_id);

-- A product with its buy box: the offer that cards and lists show. The box is worked out in the commit of whatever changes it.
CREATE TABLE product.product (
  id text PRIMARY KEY,
  version integer NOT NULL DEFAULT 1,       -- grows with anything that is shown: the ETag, and the order of documents in an index
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'removed')),
  owner_seller_id text,                     -- who may edit it, administrators aside
  title text NOT NULL,
  slug text NOT NULL,
  brand text NOT NULL,
  category text NOT NULL REFERENCES product.category (slug),
  description text NOT NULL,
  attributes jsonb NOT NULL DEFAULT '{}',
  images jsonb NOT NULL DEFAULT '[]',       -- ids of pictures, in order
  rating_average double precision NOT NULL DEFAULT 0,
  rating_count integer NOT NULL DEFAULT 0,
  offer_id text,                            -- null: nobody sells it
  seller_id text,
  price bigint NOT NULL DEFAULT 0,          -- minor units; 0 without an offer
  currency text NOT NULL DEFAULT 'USD',
  availability text NOT NULL DEFAULT 'out_of_stock' CHECK (availability IN ('in_stock', 'low_stock', 'out_of_stock')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
-- Lists, by keyset: all of it, or leaf by leaf. Ids sort by creation, so the newest first is the primary key backwards.
CREATE INDEX product_category_newest ON product.product (category, id) WHERE status = 'active' AND offer_id IS NOT NULL;
CREATE INDEX product_price ON product.product (price, id) WHERE status = 'active' AND offer_id IS NOT NULL;
CREATE INDEX product_category_price ON product.product (category, price, id) WHERE status = 'active' AND offer_id IS NOT NULL;
CREATE INDEX product_rating ON product.product (rating_average, id) WHERE status = 'active' AND offer_id IS NOT NULL;
CREATE INDEX product_category_rating ON product.product (category, rating_average, id) WHERE status = 'active' AND offer_id IS NOT NULL;
CREATE INDEX product_unsold ON product.product (owner_seller_id, id) WHERE status = 'active' AND offer_id IS NULL;

-- What sellers ask for a product. Several sellers, and several conditions, may share one.
CREATE TABLE product.offer (
  id text PRIMARY KEY,
  product_id text NOT NULL REFERENCES product.product,
  seller_id text NOT NULL,
  seller_name text NOT NULL,
  warehouse_id text NOT NULL,
  price bigint NOT NULL CHECK (price > 0),
  currency text NOT NULL,
  condition text NOT NULL CHECK (condition IN ('new', 'used', 'refurbished')),
  handling_days smallint NOT NULL CHECK (handling_days >= 0),
  availability text NOT NULL DEFAULT 'out_of_stock' CHECK (availability IN ('in_stock', 'low_stock', 'out_of_stock')),
  active boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1,       -- grows with its seller's edits, not with its stock
  created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX offer_product ON product.offer (product_id) WHERE active;
CREATE INDEX offer_seller ON product.offer (seller_id, product_id) WHERE active;
