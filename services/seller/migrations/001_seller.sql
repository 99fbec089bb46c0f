-- schema: seller

CREATE TABLE seller.seller (
  id text PRIMARY KEY,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'verified' CHECK (status IN ('verified')),
  user_id text NOT NULL UNIQUE,             -- the person who acts for this seller
  warehouse_id text NOT NULL,               -- where its offers ship from; the key of its stock desk
  created_at timestamptz NOT NULL DEFAULT now()
);
